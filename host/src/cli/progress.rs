//! What a run in progress looks like on stderr: a line per connection on a terminal, a log line every 10 s
//! elsewhere.

use crate::run::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// How often a terminal is redrawn.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a log says how far a run is.
const LOG: Duration = Duration::from_secs(10);

static BARS: LazyLock<MultiProgress> = LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));

/// Whether bars are drawn.
pub fn draw(visible: bool) {
    if visible {
        BARS.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    }
}

/// Does something on stderr while no bar is in the way.
pub fn suspended<T>(work: impl FnOnce() -> T) -> T {
    BARS.suspend(work)
}

/// Shows a run until the returned guard is dropped.
pub fn watch(connection: &str, progress: Arc<Progress>) -> Watch {
    let bar = BARS.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(connection.to_owned());
    let (shown, name) = (bar.clone(), connection.to_owned());
    let task = tokio::spawn(async move {
        let mut since_log = Duration::ZERO;
        loop {
            tokio::time::sleep(REDRAW).await;
            let line = describe(progress.read());
            shown.set_message(line.clone());
            shown.tick();
            since_log += REDRAW;
            if shown.is_hidden() && since_log >= LOG {
                since_log = Duration::ZERO;
                tracing::info!(target: "progress", connection = name, "{line}");
            }
        }
    });
    Watch { bar, task }
}

/// Shows a run while it lives.
pub struct Watch {
    bar: ProgressBar,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
        BARS.remove(&self.bar);
    }
}

fn describe([done, total, records, requests, waiting]: [u64; 5]) -> String {
    let mut line = format!("{done}/{total} tasks, {records} records, {requests} requests");
    if waiting > 0 {
        line = format!("{line}, the vendor asks to wait {waiting} s");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        assert_eq!(describe([3, 9, 40, 4, 0]), "3/9 tasks, 40 records, 4 requests");
        assert!(describe([3, 9, 40, 4, 12]).ends_with("wait 12 s"));
    }
}
