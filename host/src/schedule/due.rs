//! When a connection is due: after its last run, and at once where a moment was missed.

use super::jitter::jitter;
use super::rule::Schedule;
use jiff::Timestamp;

/// The last run of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// When it began.
    pub started: Timestamp,
    /// Whether it came to its end; one that was interrupted goes on at once.
    pub ended: bool,
}

/// When a connection is due. Moments that were missed are caught up by one run: what is due lies in the past then.
pub fn due(connection: &str, schedule: &Schedule, last: Option<Last>, now: Timestamp) -> Timestamp {
    match last {
        None | Some(Last { ended: false, .. }) => now,
        Some(last) => {
            // A clock that was put back would make a run of the future; the next moment is not later for it.
            let moment = schedule.next(last.started.min(now));
            moment.checked_add(jitter(connection, schedule, moment)).unwrap_or(Timestamp::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::Rule;
    use super::*;
    use jiff::civil::Time;
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    #[test]
    fn what_was_missed_is_caught_up_once() {
        let daily = Rule::Daily(Time::constant(6, 30, 0, 0));
        let now = "2026-07-10T12:00:00Z";
        let ended = |text: &str| Some(Last { started: at(text), ended: true });
        let stopped = |text: &str| Some(Last { started: at(text), ended: false });
        let table = [
            ("never run", daily, None, true),
            ("run today", daily, ended("2026-07-10T06:30:05Z"), false),
            ("run today by hand, before the moment", daily, ended("2026-07-10T06:29:00Z"), true),
            ("run yesterday", daily, ended("2026-07-09T06:30:00Z"), true),
            ("run a week ago: seven were missed", daily, ended("2026-07-03T06:30:00Z"), true),
            ("interrupted today", daily, stopped("2026-07-10T06:30:05Z"), true),
            ("a quarter ago", Rule::Every(900), ended("2026-07-10T11:59:59Z"), false),
            ("two quarters ago", Rule::Every(900), ended("2026-07-10T11:14:00Z"), true),
            ("in the future", Rule::Every(900), ended("2027-01-01T00:00:00Z"), false),
        ];
        for (what, rule, last, is_due) in table {
            let schedule = Schedule { rule, zone: TimeZone::UTC };
            let due = due("support", &schedule, last, at(now));
            // A tick at noon sharp is followed by its jitter.
            assert_eq!(due <= at(now), is_due, "{what}: {due}");
            let caught_up = super::due("support", &schedule, ended(now), at(now));
            assert!(caught_up > at(now), "{what}: once it has run, it is not due again");
        }
        let far = Schedule { rule: Rule::Every(900), zone: TimeZone::UTC };
        assert!(due("a", &far, ended("2027-01-01T00:00:00Z"), at(now)) < at("2026-07-10T12:17:00Z"));
    }
}
