//! What a run in progress looks like on stderr: a line per connection on a terminal, with a bar where [`bar`] knows
//! of one; a log line every 10 s elsewhere.

use super::bar::{self, Bar};
use crate::run::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// How often a terminal is redrawn.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a log says how far a run is.
const LOG: Duration = Duration::from_secs(10);
/// A line before anything is known of the total; what does not fit on the terminal is cut.
const LINE: &str = "{spinner} {prefix} {wide_msg}";
/// A line with a bar, 20 characters wide.
const BAR: &str = "{spinner} {prefix} [{bar:20.}] {pos}/{len} {wide_msg}";

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
    let line = BARS.add(ProgressBar::new_spinner());
    line.set_prefix(connection.to_owned());
    let (shown, name) = (line.clone(), connection.to_owned());
    let task = tokio::spawn(async move {
        let (mut known, mut since_log) = (Bar::default(), Duration::ZERO);
        let (plain, with_bar) = (style(LINE), style(BAR));
        loop {
            tokio::time::sleep(REDRAW).await;
            let reading = progress.read(Instant::now());
            match known.at(&reading) {
                Some((over, total)) => {
                    shown.set_style(with_bar.clone());
                    shown.set_length(total);
                    shown.set_position(over);
                }
                None => shown.set_style(plain.clone()),
            }
            shown.set_message(bar::line(&reading));
            shown.tick();
            since_log += REDRAW;
            if shown.is_hidden() && since_log >= LOG {
                since_log = Duration::ZERO;
                tracing::info!(target: "progress", connection = name, "{}", bar::line(&reading));
            }
        }
    });
    Watch { line, task }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.progress_chars("=> ")
}

/// Shows a run while it lives.
pub struct Watch {
    line: ProgressBar,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
        self.line.finish_and_clear();
        BARS.remove(&self.line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_templates_are_right() {
        for template in [LINE, BAR] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
