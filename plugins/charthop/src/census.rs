//! Whether a walk through the list of persons saw everybody (rule R10): what was read against what ChartHop counts. Pure.
//!
//! ChartHop does not say which of its counts belongs to which list. The assumption: `personCount` counts the people
//! who are in the organization now, and `startingCount` those who start later; the list without `includeAll` has the
//! people of now and may have those who start later; the list with `includeAll` has former people and people without
//! a job besides. So each kind is held against its own count. Where the count fits only if others are taken for people
//! of now, these may make up for as many who are missing: that is published, and told. A list that is longer than the
//! counts say is told, too. It may not be shorter, but by those who start later, where not one of them is listed; that
//! is told as well.

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

/// What the pages of a walk held so far: persons, each once a page.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    /// Of them, those who start later.
    pub(crate) starting: u64,
    /// Of them, those who left the day before yesterday or earlier.
    pub(crate) left: u64,
    /// Of them, those who left yesterday. Where the organization lives, it may still be yesterday: they may still be
    /// counted.
    #[serde(default)]
    pub(crate) leaving: u64,
    /// Of them, those who have no job and no dates.
    #[serde(default)]
    pub(crate) idle: u64,
    /// Of them, those whose manager's person id is not known.
    pub(crate) unknown_managers: u64,
}

impl Tally {
    /// Adds another one.
    pub(crate) fn add(&mut self, more: &Tally) {
        self.rows = self.rows.saturating_add(more.rows);
        self.starting = self.starting.saturating_add(more.starting);
        self.left = self.left.saturating_add(more.left);
        self.leaving = self.leaving.saturating_add(more.leaving);
        self.idle = self.idle.saturating_add(more.idle);
        self.unknown_managers = self.unknown_managers.saturating_add(more.unknown_managers);
    }

    /// The most that can be in the organization now, those who start later among them. `all`: the list was asked for
    /// with `includeAll`; without it, ChartHop itself leaves out who is not.
    fn at_most(&self, all: bool) -> u64 {
        if all { self.rows.saturating_sub(self.left) } else { self.rows }
    }

    /// Those who are in the organization now, whatever the time of day is where it lives.
    pub(crate) fn current(&self, all: bool) -> u64 {
        let others = if all { self.leaving.saturating_add(self.idle) } else { 0 };
        self.at_most(all).saturating_sub(self.starting).saturating_sub(others)
    }
}

/// What a walk through the list came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Everybody was read.
    Whole,
    /// The list moved, or is longer than the counts say.
    Differs,
    /// The people of now are all there. Of those who start later, others than ChartHop counts are listed.
    Starters,
    /// Shorter by exactly those who start later, none of whom is listed: they may be counted and not listed.
    Unlisted,
    /// The count fits only if others are taken for people of now; so many people of now may be missing.
    Unsure(u64),
    /// Fewer were read than ChartHop counted both before and after.
    Short,
}

/// Holds a walk against the counts before and after it. `all`: the list was asked for with `includeAll`.
pub(crate) fn judge(read: &Tally, before: Count, after: Count, all: bool) -> Verdict {
    let (here, current, counted) = (read.at_most(all), read.current(all), after.persons);
    let both = current.saturating_add(read.starting);
    // Who starts today or has no date is a person of now by its row, and may be counted as one who starts later: then
    // both counts together fit, and nobody is missing.
    let starters_fit = read.starting == 0 && current == counted
        || after.starting.map_or(current == counted, |starting| both == counted.saturating_add(starting));
    let starters_missing = read.starting == 0 && counted == current.saturating_add(after.starting.unwrap_or(0));
    if before == after {
        if current >= counted && starters_fit {
            return Verdict::Whole;
        }
        if current == counted {
            return Verdict::Starters;
        }
        if current < counted && counted <= here {
            return Verdict::Unsure(counted.saturating_sub(current));
        }
        if starters_missing {
            return Verdict::Unlisted;
        }
    }
    if here < before.persons.min(counted) { Verdict::Short } else { Verdict::Differs }
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
        Tally { rows, starting, left, ..Tally::default() }
    }

    /// With people who left yesterday, and people without a job.
    fn beside(tally: Tally, leaving: u64, idle: u64) -> Tally {
        Tally { rows: tally.rows + leaving + idle, leaving, idle, ..tally }
    }

    #[test]
    fn a_walk_is_held_against_the_counts() {
        use Verdict::{Differs, Short, Starters, Unlisted, Unsure, Whole};
        let untold = Count { persons: 100, starting: None };
        let table = [
            // What was read, before, after, includeAll.
            (read(100, 0, 0), count(100, 0), count(100, 0), false, Whole),
            (read(103, 3, 0), count(100, 3), count(100, 3), false, Whole),
            (read(97, 0, 0), count(101, 3), count(100, 3), false, Short),
            (read(98, 0, 0), count(100, 3), count(100, 3), false, Short),
            (read(99, 0, 0), count(100, 0), count(100, 0), false, Short),
            (read(0, 0, 0), count(100, 0), count(100, 0), false, Short),
            (read(101, 0, 0), count(100, 0), count(100, 0), false, Differs),
            (read(100, 0, 0), count(100, 0), count(101, 0), false, Differs),
            (read(100, 0, 0), count(101, 0), count(100, 0), false, Differs),
            (read(99, 0, 0), count(100, 0), count(101, 0), false, Short),
            (read(0, 0, 0), count(0, 0), count(0, 0), false, Whole),
            // None of those who start later is listed: counted or not.
            (read(100, 0, 0), count(100, 3), count(100, 3), false, Whole),
            (read(97, 0, 0), count(100, 3), count(100, 3), false, Unlisted),
            // They are listed, and the count fits only with them: are they counted, or are as many missing?
            (read(100, 3, 0), count(100, 3), count(100, 3), false, Unsure(3)),
            (read(100, 3, 0), count(100, 0), count(100, 0), false, Unsure(3)),
            (read(100, 3, 0), untold, untold, false, Unsure(3)),
            (read(101, 3, 0), count(100, 3), count(100, 3), false, Unsure(2)),
            (read(97, 1, 0), count(100, 3), count(100, 3), false, Short),
            // Some of them are listed, or more than are counted.
            (read(101, 1, 0), count(100, 3), count(100, 3), false, Starters),
            (read(104, 4, 0), count(100, 3), count(100, 3), false, Starters),
            (read(100, 0, 0), count(100, 2), count(100, 3), false, Differs),
            (read(103, 3, 0), untold, untold, false, Whole),
            // One who starts today is still counted as one who starts later.
            (read(103, 2, 0), count(100, 3), count(100, 3), false, Whole),
            (read(104, 2, 0), count(100, 3), count(100, 3), false, Differs),
            // Former people beside them.
            (read(150, 0, 50), count(100, 0), count(100, 0), true, Whole),
            (read(153, 3, 50), count(100, 3), count(100, 3), true, Whole),
            (read(150, 3, 50), count(100, 3), count(100, 3), true, Unsure(3)),
            (read(160, 0, 50), count(100, 0), count(100, 0), true, Differs),
            (read(149, 0, 50), count(100, 0), count(100, 0), true, Short),
            (read(150, 0, 50), count(100, 0), count(101, 0), true, Differs),
            (read(147, 0, 50), count(100, 3), count(100, 3), true, Unlisted),
            // Those who left yesterday, and those without a job: counted, or hiding somebody who is missing?
            (beside(read(150, 0, 50), 2, 4), count(100, 0), count(100, 0), true, Whole),
            (beside(read(149, 0, 50), 1, 0), count(100, 0), count(100, 0), true, Unsure(1)),
            (beside(read(149, 0, 50), 0, 4), count(100, 0), count(100, 0), true, Unsure(1)),
            (beside(read(145, 0, 50), 2, 2), count(100, 0), count(100, 0), true, Short),
            // Without former people, who is on the list is in the organization by ChartHop's own clock.
            (beside(read(99, 0, 0), 1, 0), count(100, 0), count(100, 0), false, Whole),
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
