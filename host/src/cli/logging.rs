//! Log lines on stderr.

use super::args::{Global, LogFormat};
use crate::clock::Clock;
use std::io::{IsTerminal, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Whether stderr is systemd's journal, which has a time of its own for each line: the variable is inherited by others, so
/// that its device and inode have to be those of stderr (systemd.exec(5)).
fn is_journal() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    std::fs::metadata("/proc/self/fd/2").is_ok_and(|of| named == format!("{}:{}", of.dev(), of.ino()))
}

/// Libraries that see requests as they are sent.
const WIRE: [&str; 9] =
    ["h2", "hyper", "hyper_util", "lettre", "mio", "rustls", "tokio_rustls", "want", "wasmtime_wasi_http"];

/// Sets up logging once, from the options and `MUSTER_LOG`. Lines of a command that goes on for days, `lasting`, say when
/// where nobody watches them come.
pub fn start(global: &Global, lasting: bool) {
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
    // Rule: what travels on the wire is never logged. Reason: these libraries write headers and URLs as they are sent,
    // with the credential in them, and neither masking nor the operator's filter stands before that.
    let safe = filter_fn(|meta| !WIRE.contains(&meta.target().split("::").next().unwrap_or_default()));
    let watched = std::io::stderr().is_terminal();
    let timed = is_journal();
    let colours = watched && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer().with_writer(AroundBars);
    let lines = match (global.log_format, global.verbose) {
        (LogFormat::Json, _) => lines.json().with_ansi(false).boxed(),
        (LogFormat::Text, 0) if lasting && !watched && !timed => {
            lines.with_timer(Seconds).with_target(false).with_ansi(false).boxed()
        }
        (LogFormat::Text, 0) => lines.without_time().with_target(false).with_ansi(colours).boxed(),
        (LogFormat::Text, _) => lines.with_target(false).with_ansi(colours).boxed(),
    };
    // A second call (tests) changes nothing.
    let _ = tracing_subscriber::registry().with(lines.with_filter(safe).with_filter(filter)).try_init();
}

/// The time as `YYYY-MM-DDTHH:MM:SSZ`.
struct Seconds;

impl FormatTime for Seconds {
    fn format_time(&self, to: &mut Writer<'_>) -> std::fmt::Result {
        to.write_str(&Clock::real().text())
    }
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
