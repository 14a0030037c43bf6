//! Figures with their spread and their target, as lines of a table or of JSON.

use serde_json::json;

/// What a figure counts.
#[derive(Clone, Copy)]
pub enum Unit {
    Ms,
    MiB,
    PerSecond,
    /// 1 is all.
    Share,
    Ratio,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Ms => format!("{value:.1} ms"),
            Unit::MiB => format!("{value:.1} MiB"),
            Unit::PerSecond => format!("{:.0} k/s", value / 1e3),
            Unit::Share => format!("{:.0} %", value * 100.0),
            Unit::Ratio => format!("{value:.2}"),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Unit::Ms => "ms",
            Unit::MiB => "MiB",
            Unit::PerSecond => "1/s",
            Unit::Share | Unit::Ratio => "1",
        }
    }
}

/// Prints figures as they come.
pub struct Report {
    json: bool,
    runs: u32,
    missed: bool,
}

impl Report {
    /// Begins with the machine: a figure means little without it.
    pub fn new(json: bool) -> Report {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
        if json {
            println!("{}", json!({ "cores": cores, "cpu": model }));
        } else {
            println!("{cores} cores, {model}\n{:<42}{:>12}{:>12}{:>12}", "", "median", "least", "most");
        }
        Report { json, runs: 1, missed: false }
    }

    /// Figures follow that are measured so often.
    pub fn group(&mut self, title: &str, runs: u32) {
        self.runs = runs;
        self.line(&format!("\n{title} ({runs} runs)"));
    }

    /// For people only.
    pub fn line(&self, text: &str) {
        if !self.json {
            println!("{text}");
        }
    }

    /// Prints one, and answers its median. The target is what that has to be less than.
    pub fn figure(
        &mut self,
        key: &str,
        name: &str,
        unit: Unit,
        measured: impl IntoIterator<Item = f64>,
        target: Option<f64>,
    ) -> f64 {
        let mut all: Vec<f64> = measured.into_iter().collect();
        all.sort_by(f64::total_cmp);
        let at = |index: usize| all.get(index).copied().unwrap_or(f64::NAN);
        let last = all.len().saturating_sub(1);
        let (median, least, most) = (f64::midpoint(at(last / 2), at(last.div_ceil(2))), at(0), at(last));
        let met = target.map(|target| median < target);
        self.missed |= met == Some(false);
        if self.json {
            let (unit, runs) = (unit.label(), self.runs);
            println!(
                "{}",
                json!({
                    "figure": key, "unit": unit, "median": median, "min": least, "max": most, "runs": runs,
                    "under": target, "ok": met,
                })
            );
        } else {
            let verdict = target.map_or_else(String::new, |target| {
                format!("   {} (under {})", if met == Some(true) { "ok" } else { "MISSED" }, unit.show(target))
            });
            let [median, least, most] = [median, least, most].map(|value| unit.show(value));
            println!("{name:<42}{median:>12}{least:>12}{most:>12}{verdict}");
        }
        median
    }

    /// Whether every target was met.
    pub fn met(&self) -> bool {
        !self.missed
    }
}
