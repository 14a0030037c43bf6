//! Figures with their spread and their target, as lines of a table or of JSON.

use std::io::{self, Write};

use serde_json::json;

/// What a figure counts.
#[derive(Clone, Copy)]
pub enum Unit {
    Ms,
    MiB,
    PerSecond,
    /// 1 is all.
    Share,
    /// The same, of a part so small that whole percents would say nothing.
    SmallShare,
    Ratio,
}

impl Unit {
    /// For programs, and for people.
    fn show(self, value: f64) -> (&'static str, String) {
        match self {
            Unit::Ms => ("ms", format!("{value:.1} ms")),
            Unit::MiB => ("MiB", format!("{value:.1} MiB")),
            // A figure in the hundreds would round to nothing.
            Unit::PerSecond if value < 10_000.0 => ("1/s", format!("{value:.0} /s")),
            Unit::PerSecond => ("1/s", format!("{:.0} k/s", value / 1e3)),
            Unit::Share => ("1", format!("{:.0} %", value * 100.0)),
            Unit::SmallShare => ("1", format!("{:.3} %", value * 100.0)),
            Unit::Ratio => ("1", format!("{value:.2}")),
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
    pub fn new(json: bool) -> io::Result<Report> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
        if json {
            writeln!(io::stdout(), "{}", json!({ "cores": cores, "cpu": model }))?;
        } else {
            writeln!(io::stdout(), "{cores} cores, {model}\n{:<46}{:>12}{:>12}{:>12}", "", "median", "least", "most")?;
        }
        Ok(Report { json, runs: 1, missed: false })
    }

    /// Figures follow that are measured so often.
    pub fn group(&mut self, title: &str, runs: u32) -> io::Result<()> {
        self.runs = runs;
        self.line(&format!("\n{title} ({runs} runs)"))
    }

    /// For people only.
    pub fn line(&self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { writeln!(io::stdout(), "{text}") }
    }

    /// Prints one, and answers its median. The target is what that has to be less than.
    pub fn figure(
        &mut self,
        key: &str,
        name: &str,
        unit: Unit,
        measured: impl IntoIterator<Item = f64>,
        target: Option<f64>,
    ) -> io::Result<f64> {
        let mut all: Vec<f64> = measured.into_iter().collect();
        all.sort_by(f64::total_cmp);
        let at = |index: usize| all.get(index).copied().unwrap_or(f64::NAN);
        let last = all.len().saturating_sub(1);
        let (median, least, most) = (f64::midpoint(at(last / 2), at(last.div_ceil(2))), at(0), at(last));
        let met = target.map(|target| median < target);
        self.missed |= met == Some(false);
        if self.json {
            let line = json!({
                "figure": key, "unit": unit.show(0.0).0, "median": median, "min": least, "max": most,
                "runs": self.runs, "under": target, "ok": met,
            });
            writeln!(io::stdout(), "{line}")?;
        } else {
            let show = |value| unit.show(value).1;
            let word = if met == Some(true) { "ok" } else { "MISSED" };
            let verdict = target.map_or_else(String::new, |target| format!("   {word} (under {})", show(target)));
            writeln!(io::stdout(), "{name:<46}{:>12}{:>12}{:>12}{verdict}", show(median), show(least), show(most))?;
        }
        Ok(median)
    }

    /// Whether every target was met.
    pub fn met(&self) -> bool {
        !self.missed
    }
}
