//! Whether a walk through the list of persons saw everybody (rule R10): what was read against what ChartHop counts. Pure.
//!
//! ChartHop does not say which of its counts belongs to which list. The assumption: `personCount` counts the people
//! who are in the organization now, and `startingCount` those who start later; the list without `includeAll` has the
//! people of now and may have those who start later; the list with `includeAll` has former people and people without
//! a job besides. So a list may be longer than the count says, which is told. It may not be shorter, but by those who
//! start later, where not one of them is listed; that is told, too.

use serde::{Deserialize, Serialize};

/// ChartHop's own count.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Count {
    #[serde(rename = "personCount")]
    pub(crate) persons: u64,
    /// Those who start later.
    #[serde(rename = "startingCount", default)]
    pub(crate) starting: Option<u64>,
}

/// What the pages of a walk held so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    /// Of them, those who start later.
    pub(crate) starting: u64,
    /// Of them, those who left the day before yesterday or earlier. Where the organization lives, it may still be
    /// yesterday: who left then may still be counted.
    pub(crate) left: u64,
    /// Of them, those whose manager's person id is not known.
    pub(crate) unknown_managers: u64,
}

impl Tally {
    /// Adds another one.
    pub(crate) fn add(&mut self, more: &Tally) {
        self.rows = self.rows.saturating_add(more.rows);
        self.starting = self.starting.saturating_add(more.starting);
        self.left = self.left.saturating_add(more.left);
        self.unknown_managers = self.unknown_managers.saturating_add(more.unknown_managers);
    }
}

/// What a walk through the list came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Everybody was read.
    Whole,
    /// The list moved, or is longer than the counts say.
    Differs,
    /// Shorter by exactly those who start later, none of whom is listed: they may be counted and not listed.
    Unlisted,
    /// Fewer were read than ChartHop counted both before and after.
    Short,
}

/// Holds a walk against the counts before and after it. `all`: the list was asked for with `includeAll`.
pub(crate) fn judge(read: &Tally, before: Count, after: Count, all: bool) -> Verdict {
    let here = if all { read.rows.saturating_sub(read.left) } else { read.rows };
    let listed = [here, here.saturating_sub(read.starting)];
    let fits = listed.contains(&after.persons) || (all && here >= after.persons);
    let starters_missing = read.starting == 0 && after.persons == here.saturating_add(after.starting.unwrap_or(0));
    match before.persons == after.persons {
        true if fits => Verdict::Whole,
        true if starters_missing => Verdict::Unlisted,
        _ if here < before.persons.min(after.persons) => Verdict::Short,
        _ => Verdict::Differs,
    }
}

/// The day before a date `YYYY-MM-DD`.
pub(crate) fn day_before(date: &str) -> Option<String> {
    let mut parts = date.split('-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (year, month, day) = match (month, day) {
        (1, 1) => (year.checked_sub(1)?, 12, 31),
        (_, 1) => {
            let days = match month - 1 {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month - 1, days)
        }
        _ => (year, month, day.checked_sub(1)?),
    };
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn count(persons: u64, starting: u64) -> Count {
        Count { persons, starting: Some(starting) }
    }

    fn read(rows: u64, starting: u64, left: u64) -> Tally {
        Tally { rows, starting, left, unknown_managers: 0 }
    }

    #[test]
    fn a_walk_is_held_against_the_counts() {
        use Verdict::{Differs, Short, Unlisted, Whole};
        let table = [
            // What was read, before, after, includeAll.
            (read(100, 0, 0), count(100, 0), count(100, 0), false, Whole),
            (read(100, 3, 0), count(100, 3), count(100, 3), false, Whole),
            (read(103, 3, 0), count(100, 3), count(100, 3), false, Whole),
            (read(97, 0, 0), count(100, 3), count(100, 3), false, Unlisted),
            (read(97, 0, 0), count(101, 3), count(100, 3), false, Short),
            (read(97, 1, 0), count(100, 3), count(100, 3), false, Short),
            (read(98, 0, 0), count(100, 3), count(100, 3), false, Short),
            (read(99, 0, 0), count(100, 0), count(100, 0), false, Short),
            (read(0, 0, 0), count(100, 0), count(100, 0), false, Short),
            (read(101, 0, 0), count(100, 0), count(100, 0), false, Differs),
            (read(100, 0, 0), count(100, 0), count(101, 0), false, Differs),
            (read(100, 0, 0), count(101, 0), count(100, 0), false, Differs),
            (read(99, 0, 0), count(100, 0), count(101, 0), false, Short),
            (read(0, 0, 0), count(0, 0), count(0, 0), false, Whole),
            // Former people beside them.
            (read(150, 0, 50), count(100, 0), count(100, 0), true, Whole),
            (read(160, 0, 50), count(100, 0), count(100, 0), true, Whole),
            (read(149, 0, 50), count(100, 0), count(100, 0), true, Short),
            (read(150, 0, 50), count(100, 0), count(101, 0), true, Differs),
        ];
        for (read, before, after, all, expected) in table {
            assert_eq!(judge(&read, before, after, all), expected, "{read:?} {before:?} {after:?} {all}");
        }
    }

    #[test]
    fn a_day_has_a_day_before() {
        for (date, expected) in [
            ("2026-11-22", "2026-11-21"),
            ("2026-11-01", "2026-10-31"),
            ("2026-03-01", "2026-02-28"),
            ("2028-03-01", "2028-02-29"),
            ("2100-03-01", "2100-02-28"),
            ("2000-03-01", "2000-02-29"),
            ("2026-05-01", "2026-04-30"),
            ("2026-01-01", "2025-12-31"),
        ] {
            assert_eq!(day_before(date).as_deref(), Some(expected));
        }
        assert_eq!(day_before("today"), None);
    }

    #[test]
    fn a_count_needs_the_number_of_persons() {
        let json = r#"{"jobCount":9,"personCount":7,"startingCount":1,"departingCount":2,"more":true}"#;
        assert_eq!(serde_json::from_str::<Count>(json).unwrap(), count(7, 1));
        assert!(serde_json::from_str::<Count>(r#"{"personCount":7}"#).is_ok());
        assert!(serde_json::from_str::<Count>(r#"{"jobCount":9}"#).is_err());
    }
}
