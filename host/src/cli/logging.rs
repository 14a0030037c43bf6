//! Log lines on stderr.

use super::args::{Global, LogFormat};
use std::io::Write;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Sets up logging once, from the options and `MUSTER_LOG`.
pub fn start(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "muster=warn,connector=warn,progress=info,error",
        (false, 1) => "muster=info,connector=info,progress=info,error",
        (false, 2) => "muster=debug,connector=debug,progress=info,warn",
        (false, _) => "trace",
    };
    let filter = match std::env::var("MUSTER_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text).unwrap_or_else(|_| EnvFilter::new(level)),
        _ => EnvFilter::new(level),
    };
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(AroundBars);
    // A second call (tests) changes nothing.
    let _ = match (global.log_format, global.verbose) {
        (LogFormat::Json, _) => lines.json().with_ansi(false).try_init(),
        (LogFormat::Text, 0) => lines.without_time().with_target(false).with_ansi(colours).try_init(),
        (LogFormat::Text, _) => lines.with_target(false).with_ansi(colours).try_init(),
    };
}

/// Writes a line while no progress bar is in the way.
#[derive(Clone, Copy)]
struct AroundBars;

impl Write for AroundBars {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        super::progress::suspended(|| std::io::stderr().write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for AroundBars {
    type Writer = AroundBars;

    fn make_writer(&self) -> AroundBars {
        AroundBars
    }
}
