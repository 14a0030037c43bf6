//! When a run in progress shows a bar, and what its line says. Pure.
//!
//! A total is known when nothing that is open names further tasks, and nobody can know that: any task may. So the
//! bar stands on what was seen, and promises nothing. Tasks are done in the order they were named, and what names
//! most (the first call, lists, first pages) comes first. A total therefore counts as known once as many tasks were
//! done without a new name as can be in progress at once, or as are still open. Where a new task is named after all,
//! the bar goes, and it comes back no earlier than it would stand where it stood: a bar never runs back. Beside it
//! stand the two numbers, tasks done and named; there is no percentage and no time left.

use crate::run::Reading;
use crate::text::count;

/// Tasks done without a new name: as many as are in progress at once, where nothing else is set.
const SETTLED: u64 = 16;

/// What was seen of a run's tasks.
#[derive(Debug, Default)]
pub struct Bar {
    total: u64,
    /// Tasks that were over when the last one was named.
    over_then: u64,
    /// The furthest a bar was drawn: of how many tasks how many were over.
    furthest: (u64, u64),
}

impl Bar {
    /// Tasks that are over and tasks in all, where a bar may be drawn.
    pub fn at(&mut self, reading: &Reading) -> Option<(u64, u64)> {
        let (over, total) = (reading.done + reading.failed, reading.total());
        if total > self.total {
            (self.total, self.over_then) = (total, over);
        }
        let since = over.saturating_sub(self.over_then);
        let known = since > 0 && (since >= SETTLED || since >= total.saturating_sub(over));
        let (was, of) = self.furthest;
        let back = u128::from(over) * u128::from(of) < u128::from(was) * u128::from(total);
        if !known || back {
            return None;
        }
        self.furthest = (over, total);
        Some(self.furthest)
    }
}

/// A reading as a line.
pub fn line(r: &Reading) -> String {
    let mut parts = Vec::new();
    if r.checking {
        parts.push("checking".to_owned());
    }
    if !r.checking || r.done > 0 {
        let mut tasks = format!("{} done", count(r.done, "task"));
        for (n, what) in [(r.running, "in progress"), (r.waiting, "waiting"), (r.failed, "failed")] {
            if n > 0 {
                tasks = format!("{tasks}, {n} {what}");
            }
        }
        parts.push(tasks);
        parts.push(count(r.records, "record"));
    }
    let retries = match r.retries {
        0 => String::new(),
        n => format!(" ({n} repeated)"),
    };
    parts.push(format!("{}{retries}", count(r.requests, "request")));
    // A wait under a second is over before it is read.
    if let Some(wait) = r.wait.filter(|w| w.as_millis() >= 500) {
        parts.push(format!("waiting on a rate limit or for a retry, {} s left", wait.as_secs_f64().ceil()));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn reading(done: u64, open: u64) -> Reading {
        Reading { done, running: open.min(16), waiting: open.saturating_sub(16), ..Reading::default() }
    }

    #[test]
    fn a_bar_is_drawn_once_the_total_is_known() {
        let mut bar = Bar::default();
        let table = [
            ("the first call", 0, 1, None),
            ("it named two lists", 1, 2, None),
            ("a list named 500 tasks", 2, 501, None),
            ("some are done, and one of those in progress may name more", 17, 486, None),
            ("as many as were in progress are done", 18, 485, Some((18, 503))),
            ("it goes on", 100, 403, Some((100, 503))),
            ("a task named 997 after all", 101, 1399, None),
            ("known again, and it would run back", 200, 1300, None),
            ("where it stood it comes back", 299, 1201, Some((299, 1500))),
            ("to its end", 1500, 0, Some((1500, 1500))),
        ];
        for (what, done, open, wanted) in table {
            assert_eq!(bar.at(&reading(done, open)), wanted, "{what}");
        }
    }

    #[test]
    fn a_small_run_has_a_bar_for_its_second_half() {
        let mut bar = Bar::default();
        let drawn: Vec<_> = (0..=6).map(|done| bar.at(&reading(done, 6 - done))).collect();
        assert_eq!(drawn, [None, None, None, Some((3, 6)), Some((4, 6)), Some((5, 6)), Some((6, 6))]);
    }

    #[test]
    fn tasks_that_failed_are_over_too() {
        let mut bar = Bar::default();
        bar.at(&Reading { waiting: 4, ..Reading::default() });
        let drawn = bar.at(&Reading { done: 1, failed: 2, waiting: 1, ..Reading::default() });
        assert_eq!(drawn, Some((3, 4)));
    }

    #[test]
    fn a_run_that_goes_on_counts_what_was_done_before() {
        let mut bar = Bar::default();
        assert_eq!(bar.at(&reading(480, 20)), None, "nothing was seen of this run yet");
        assert_eq!(bar.at(&reading(491, 9)), Some((491, 500)));
    }

    #[test]
    fn a_line_says_what_there_is() {
        let check = Reading { checking: true, waiting: 1, requests: 1, ..Reading::default() };
        let busy = Reading { done: 3, running: 16, waiting: 9, records: 40, requests: 21, retries: 2, ..check };
        let busy = Reading { checking: false, ..busy };
        let table = [
            (check, "checking; 1 request"),
            (Reading { done: 1, checking: false, waiting: 0, ..check }, "1 task done; 0 records; 1 request"),
            (busy, "3 tasks done, 16 in progress, 9 waiting; 40 records; 21 requests (2 repeated)"),
            (
                Reading { running: 0, failed: 1, retries: 0, wait: Some(Duration::from_millis(11_200)), ..busy },
                "3 tasks done, 9 waiting, 1 failed; 40 records; 21 requests; waiting on a rate limit or for a retry, 12 s left",
            ),
            (
                Reading { checking: true, ..busy },
                "checking; 3 tasks done, 16 in progress, 9 waiting; 40 records; 21 requests (2 repeated)",
            ),
        ];
        for (reading, wanted) in table {
            assert_eq!(line(&reading), wanted);
        }
    }
}
