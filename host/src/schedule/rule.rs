//! The rule of a schedule and the moments that it names.
//!
//! Clocks are put forward and back: a local time that does not exist on a day is the first instant that does exist
//! after it, and one that occurs twice counts once, the first time. `hourly` is every full hour that the zone's clock
//! shows. `every` counts from 1970 in UTC, so that the moments are the same after each restart.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Once a day at this local time.
    Daily(Time),
    /// At each full hour of the zone's clock.
    Hourly,
    /// Every so many seconds; never 0.
    Every(u32),
}

/// A rule and its time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// How often.
    pub rule: Rule,
    /// Whose clock it means.
    pub zone: TimeZone,
}

/// Minutes that are looked at for a full hour: no zone puts its clock by more than that.
const MINUTES: i64 = 26 * 60;

impl Schedule {
    /// The first moment after this one.
    pub fn next(&self, after: Timestamp) -> Timestamp {
        let found = match self.rule {
            Rule::Daily(time) => self.next_day(time, after),
            Rule::Hourly => self.next_hour(after),
            Rule::Every(seconds) => {
                let seconds = i64::from(seconds.max(1));
                let count = after.as_second().div_euclid(seconds).saturating_add(1);
                Timestamp::from_second(count.saturating_mul(seconds)).ok()
            }
        };
        found.unwrap_or(Timestamp::MAX)
    }

    /// Seconds between two moments, on a day without surprises.
    pub fn interval_seconds(&self) -> u32 {
        match self.rule {
            Rule::Daily(_) => 86_400,
            Rule::Hourly => 3600,
            Rule::Every(seconds) => seconds,
        }
    }

    /// A moment as this schedule's clock shows it.
    pub fn show(&self, at: Timestamp) -> String {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        format!("{} {zone}", at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S"))
    }

    fn next_day(&self, time: Time, after: Timestamp) -> Option<Timestamp> {
        let today = after.to_zoned(self.zone.clone()).date();
        // A day that a zone leaves out altogether begins when the next one does.
        (0..=3)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter_map(|date| instant(&self.zone, date.to_datetime(time)))
            .find(|at| *at > after)
    }

    fn next_hour(&self, after: Timestamp) -> Option<Timestamp> {
        let minute = after.as_second().div_euclid(60);
        (1..=MINUTES)
            .filter_map(|more| Timestamp::from_second((minute + more) * 60).ok())
            .find(|at| self.zone.to_datetime(*at).minute() == 0)
    }
}

/// The instant of a local time.
fn instant(zone: &TimeZone, at: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(at).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(at).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            let later = before.to_timestamp(at).ok()?;
            // The clock was put forward no later than that, perhaps in this very second.
            let put = zone.preceding(later.checked_add(1.second()).ok()?).next();
            Some(put.map_or(later, |transition| transition.timestamp()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn daily(zone: &str, hour: i8, minute: i8) -> Schedule {
        Schedule { rule: Rule::Daily(Time::constant(hour, minute, 0, 0)), zone: TimeZone::get(zone).expect(zone) }
    }

    #[test]
    fn a_day_has_one_moment_whatever_is_done_to_the_clock() {
        let table = [
            ("later today", "Europe/Berlin", (6, 30), "2026-07-01T04:00:00Z", "2026-07-01T04:30:00Z"),
            ("it is now: tomorrow", "Europe/Berlin", (6, 30), "2026-07-01T04:30:00Z", "2026-07-02T04:30:00Z"),
            ("in winter an hour later", "Europe/Berlin", (6, 30), "2026-12-01T00:00:00Z", "2026-12-01T05:30:00Z"),
            (
                "tomorrow there, today in UTC",
                "Pacific/Auckland",
                (6, 0),
                "2026-07-01T12:30:00Z",
                "2026-07-01T18:00:00Z",
            ),
            (
                "02:30 does not exist: at 03:00",
                "Europe/Berlin",
                (2, 30),
                "2026-03-28T23:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            (
                "the first second that does not exist",
                "Europe/Berlin",
                (2, 0),
                "2026-03-28T23:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            ("the day after as ever", "Europe/Berlin", (2, 30), "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
            ("02:30 occurs twice: the first", "Europe/Berlin", (2, 30), "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
            ("and not the second", "Europe/Berlin", (2, 30), "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            ("nor from between the two", "Europe/Berlin", (2, 30), "2026-10-25T01:00:00Z", "2026-10-26T01:30:00Z"),
            ("half an hour forward", "Australia/Lord_Howe", (2, 15), "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"),
            ("midnight does not exist", "Africa/Cairo", (0, 15), "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"),
            ("a whole day is left out", "Pacific/Apia", (6, 0), "2011-12-29T17:00:00Z", "2011-12-30T10:00:00Z"),
            ("a leap day", "UTC", (6, 30), "2028-02-28T07:00:00Z", "2028-02-29T06:30:00Z"),
        ];
        for (what, zone, (hour, minute), after, wanted) in table {
            assert_eq!(daily(zone, hour, minute).next(at(after)), at(wanted), "{what}");
        }
    }

    #[test]
    fn a_year_has_as_many_moments_as_days() {
        for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"] {
            for (hour, minute) in [(0, 0), (1, 30), (2, 15), (2, 30), (3, 0), (23, 59)] {
                let schedule = daily(zone, hour, minute);
                let (mut now, mut count) = (at("2026-01-02T00:00:00Z"), 0);
                while now < at("2027-01-02T00:00:00Z") {
                    let next = schedule.next(now);
                    assert!(next > now, "{zone} {hour}:{minute} {now}");
                    (now, count) = (next, count + 1);
                }
                assert!((365..=366).contains(&count), "{zone} {hour}:{minute}: {count}");
            }
        }
    }

    #[test]
    fn full_hours_are_those_that_the_clock_shows() {
        let table = [
            ("UTC", "2026-07-01T04:00:00Z", "2026-07-01T05:00:00Z"),
            ("UTC", "2026-07-01T04:59:59.9Z", "2026-07-01T05:00:00Z"),
            ("Asia/Kolkata", "2026-07-01T04:00:00Z", "2026-07-01T04:30:00Z"),
            ("Asia/Kathmandu", "2026-07-01T04:20:00Z", "2026-07-01T05:15:00Z"),
            ("Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-03T16:00:00Z"),
        ];
        for (zone, after, wanted) in table {
            let schedule = Schedule { rule: Rule::Hourly, zone: TimeZone::get(zone).expect(zone) };
            assert_eq!(schedule.next(at(after)), at(wanted), "{zone} {after}");
        }
    }

    #[test]
    fn an_interval_does_not_drift() {
        let every = |seconds| Schedule { rule: Rule::Every(seconds), zone: TimeZone::UTC };
        let table = [
            (900, "2026-07-01T04:00:00Z", "2026-07-01T04:15:00Z"),
            (900, "2026-07-01T04:14:59Z", "2026-07-01T04:15:00Z"),
            (420, "1970-01-01T00:06:59.5Z", "1970-01-01T00:07:00Z"),
            (900, "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"),
        ];
        for (seconds, after, wanted) in table {
            assert_eq!(every(seconds).next(at(after)), at(wanted), "{seconds} {after}");
        }
        assert_eq!(every(900).next(Timestamp::MAX), Timestamp::MAX, "the end of time is no panic");
        assert_eq!(daily("UTC", 6, 30).next(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_moment_is_shown_by_its_own_clock() {
        assert_eq!(daily("Europe/Berlin", 6, 30).show(at("2026-07-01T04:30:00Z")), "2026-07-01 06:30:00 Europe/Berlin");
        assert_eq!(
            Schedule { rule: Rule::Hourly, zone: TimeZone::UTC }.show(at("2026-07-01T04:30:00Z")),
            "2026-07-01 04:30:00 UTC"
        );
    }
}
