//! What follows from a run that ended: the next moment, another try before it, or a pause.
//!
//! Rule: a connection whose credentials or settings were refused is not tried again until they change. Reason: vendors
//! lock accounts after a few refused logins (Justworks does), and then nobody can log in. What may pass by itself is
//! tried again a few times, each time later, and then waits for its next moment.

use crate::failure::Reason;
use crate::report::Summary;
use std::time::Duration;

/// Waits before the tries that follow a run that failed for a reason which may pass.
const AGAIN: [Duration; 3] = [Duration::from_secs(5 * 60), Duration::from_secs(15 * 60), Duration::from_secs(45 * 60)];
/// What a check may say that does not pass by itself.
const REFUSALS: [Reason; 3] = [Reason::Unauthorized, Reason::Forbidden, Reason::InvalidSettings];
/// What may pass by itself.
const PASSING: [Reason; 4] = [Reason::Unavailable, Reason::RateLimited, Reason::NotReady, Reason::Deadline];

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The next moment of the schedule.
    Next,
    /// Another try after this time, if no moment comes before it.
    Again(Duration),
    /// Nothing until the settings change: the label of the refusal.
    Pause(&'static str),
}

/// Judges a run. `tries` is how often it was tried again already since it last went well.
pub fn judge(summary: &Summary, tries: usize) -> Verdict {
    let of = |reasons: &[Reason], label: &str| reasons.iter().any(|reason| reason.label() == label);
    // The host's own refusals ask nobody: trying them again locks nothing.
    let refused = summary.failures.iter().find(|f| !summary.refused && f.task == "check" && of(&REFUSALS, f.reason));
    if let Some(refused) = refused {
        return Verdict::Pause(refused.reason);
    }
    let passes = summary.failures.iter().any(|f| of(&PASSING, f.reason));
    match (summary.status, AGAIN.get(tries)) {
        ("failed" | "incomplete", Some(wait)) if passes && !summary.stopped && !summary.refused => {
            Verdict::Again(*wait)
        }
        _ => Verdict::Next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::report::TaskFailure;

    fn ended(status: &'static str, task: &str, reason: Reason) -> Summary {
        Summary { status, ..Summary::failed("support", TaskFailure::new(task, Failure::new(reason, "no"))) }
    }

    #[test]
    fn refusals_pause_and_what_may_pass_is_tried_again() {
        let minutes = |n: u64| Verdict::Again(Duration::from_secs(n * 60));
        let good = Summary { failures: Vec::new(), ..ended("published", "", Reason::Trap) };
        let stopped = Summary { stopped: true, ..ended("incomplete", "sync", Reason::Unavailable) };
        let wrong = Summary::refused("support", "the variable is not set".to_owned(), Vec::new());
        let table = [
            (good, 0, Verdict::Next),
            (ended("failed", "check", Reason::Unauthorized), 0, Verdict::Pause("unauthorized")),
            (ended("failed", "check", Reason::Forbidden), 2, Verdict::Pause("forbidden")),
            (ended("failed", "check", Reason::InvalidSettings), 9, Verdict::Pause("invalid-settings")),
            (ended("incomplete", "check", Reason::Unauthorized), 0, Verdict::Pause("unauthorized")),
            (ended("incomplete", "teams", Reason::Unauthorized), 0, Verdict::Next),
            (ended("incomplete", "teams", Reason::Forbidden), 0, Verdict::Next),
            (ended("failed", "check", Reason::Unavailable), 0, minutes(5)),
            (ended("incomplete", "teams", Reason::RateLimited), 1, minutes(15)),
            (ended("incomplete", "teams", Reason::Deadline), 2, minutes(45)),
            (ended("failed", "check", Reason::NotReady), 3, Verdict::Next),
            (ended("failed", "check", Reason::Denied), 0, Verdict::Next),
            (ended("incomplete", "teams", Reason::Trap), 0, Verdict::Next),
            (stopped, 0, Verdict::Next),
            (wrong, 0, Verdict::Next),
        ];
        for (summary, tries, wanted) in table {
            assert_eq!(judge(&summary, tries), wanted, "{tries} {summary:?}");
        }
    }
}
