//! A figure with its spread and its target, as a line of a table or of JSON.

use std::io::{self, Write};

use serde_json::json;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// Mebibytes.
    MiB,
    /// Something a second.
    PerSecond,
    /// A part of a whole, 1 being all of it.
    Share,
    /// How many times.
    Ratio,
}

impl Unit {
    fn label(self) -> &'static str {
        match self {
            Unit::Ms => "ms",
            Unit::MiB => "MiB",
            Unit::PerSecond => "1/s",
            Unit::Share => "share",
            Unit::Ratio => "ratio",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Unit::Ms => format!("{value:.1} ms"),
            Unit::MiB => format!("{value:.1} MiB"),
            Unit::PerSecond => format!("{:.0} k/s", value / 1e3),
            Unit::Share => format!("{:.0} %", value * 100.0),
            Unit::Ratio => format!("{value:.2} x"),
        }
    }
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    key: String,
    name: &'static str,
    unit: Unit,
    /// In the middle of all.
    pub median: f64,
    least: f64,
    most: f64,
    under: Option<f64>,
}

impl Figure {
    /// From what was measured, once or more often.
    pub fn new(key: impl Into<String>, name: &'static str, unit: Unit, measured: impl IntoIterator<Item = f64>) -> Figure {
        let mut all: Vec<f64> = measured.into_iter().collect();
        all.sort_by(f64::total_cmp);
        let at = |index: usize| all.get(index).copied().unwrap_or(f64::NAN);
        let last = all.len().saturating_sub(1);
        let median = f64::midpoint(at(last / 2), at(last.div_ceil(2)));
        Figure { key: key.into(), name, unit, median, least: at(0), most: at(last), under: None }
    }

    /// With a target: the median is to be less.
    #[must_use]
    pub fn under(self, target: f64) -> Figure {
        Figure { under: Some(target), ..self }
    }

    fn met(&self) -> Option<bool> {
        self.under.map(|target| self.median < target)
    }
}

/// Prints figures as they come.
pub struct Report {
    out: io::Stdout,
    json: bool,
    runs: u32,
    missed: u32,
}

impl Report {
    /// Begins with the machine: a figure means little without it.
    pub fn new(json: bool) -> io::Result<Report> {
        let mut report = Report { out: io::stdout(), json, runs: 0, missed: 0 };
        let (cores, cpu) = machine();
        match json {
            true => writeln!(report.out, "{}", json!({ "cores": cores, "cpu": cpu }))?,
            false => {
                writeln!(report.out, "{cores} cores, {cpu}")?;
                writeln!(report.out, "{:<42}{:>12}{:>12}{:>12}", "", "median", "least", "most")?;
            }
        }
        Ok(report)
    }

    /// Figures of one kind follow, each measured so often.
    pub fn group(&mut self, title: &str, runs: u32) -> io::Result<()> {
        self.runs = runs;
        match self.json {
            true => Ok(()),
            false if runs > 1 => writeln!(self.out, "\n{title} ({runs} runs)"),
            false => writeln!(self.out, "\n{title}"),
        }
    }

    /// Prints one.
    pub fn figure(&mut self, figure: Figure) -> Result<(), crate::Broken> {
        let Figure { key, name, unit, median, least, most, under } = &figure;
        let met = figure.met();
        self.missed += u32::from(met == Some(false));
        if self.json {
            let line = json!({
                "figure": key, "unit": unit.label(), "median": median, "min": least, "max": most, "runs": self.runs,
                "under": under, "ok": met,
            });
            writeln!(self.out, "{line}")?;
            return Ok(());
        }
        let [median, least, most] = [*median, *least, *most].map(|value| unit.show(value));
        let verdict = match (under, met) {
            (Some(target), Some(true)) => format!("   ok (under {})", unit.show(*target)),
            (Some(target), _) => format!("   MISSED (under {})", unit.show(*target)),
            (None, _) => String::new(),
        };
        writeln!(self.out, "  {name:<40}{median:>12}{least:>12}{most:>12}{verdict}")?;
        Ok(())
    }

    /// Whether every target was met.
    pub fn end(self) -> bool {
        self.missed == 0
    }
}

/// The cores that this process may use, and what they are.
fn machine() -> (usize, String) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    (cores, cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned()))
}
