//! How much history is kept. Pure.

use jiff::Timestamp;

/// What `--keep` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// That many published runs, the newest.
    Runs(usize),
    /// Every published run of the last that many seconds, and the one that stood when they began.
    Seconds(i64),
}

/// The longest age: a hundred years.
const LONGEST_HOURS: i64 = 24 * 36_525;

impl Keep {
    /// Reads `30`, `36h`, `90d`, `12w`.
    ///
    /// # Errors
    /// What it has to be, as one sentence.
    pub fn parse(text: &str) -> Result<Keep, String> {
        let wrong = || format!("--keep {text} has to be a number of runs (30) or an age (36h, 90d, 12w)");
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let (number, unit) = text.split_at(digits.len());
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let hours = match unit {
            "" => None,
            "h" => Some(1),
            "d" => Some(24),
            "w" => Some(24 * 7),
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        if number == 0 {
            return Err(format!("--keep {text} would keep nothing; the published run always stays: say --keep 1"));
        }
        Ok(match hours {
            None => Keep::Runs(usize::try_from(number).unwrap_or(usize::MAX)),
            Some(hours) => Keep::Seconds(number.saturating_mul(hours).min(LONGEST_HOURS) * 3600),
        })
    }

    /// How many of these runs are kept, given when each was published, the newest first. At least one, where there is one.
    pub fn of(self, ends: &[Option<Timestamp>], now: Timestamp) -> usize {
        match self {
            Keep::Runs(n) => n.min(ends.len()),
            Keep::Seconds(seconds) => {
                let since = now.as_second().saturating_sub(seconds);
                // A run whose end cannot be read counts as young.
                let young = ends.iter().take_while(|end| end.is_none_or(|end| end.as_second() > since)).count();
                (young + 1).min(ends.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_an_age() {
        let good = [
            ("1", Keep::Runs(1)),
            ("30", Keep::Runs(30)),
            ("36h", Keep::Seconds(36 * 3600)),
            ("90d", Keep::Seconds(90 * 86_400)),
            ("12w", Keep::Seconds(84 * 86_400)),
            ("999999999999999999w", Keep::Seconds(LONGEST_HOURS * 3600)),
        ];
        for (text, keep) in good {
            assert_eq!(Keep::parse(text), Ok(keep), "{text}");
        }
        for bad in ["", "d", "-1", "1.5d", "3 d", "3m", "3dd", "d3", "٣", "99999999999999999999"] {
            assert!(Keep::parse(bad).is_err_and(|e| e.contains("36h, 90d, 12w")), "{bad}");
        }
        for none in ["0", "0d", "000"] {
            assert!(Keep::parse(none).is_err_and(|e| e.contains("--keep 1")), "{none}");
        }
    }

    #[test]
    fn every_moment_of_the_age_can_still_be_asked_for() {
        let now = Timestamp::from_second(1_000_000).expect("a time");
        let ends = |ages: &[i64]| -> Vec<Option<Timestamp>> {
            ages.iter().map(|age| Timestamp::from_second(1_000_000 - age).ok()).collect()
        };
        let table: [(Keep, &[i64], usize); 9] = [
            (Keep::Runs(2), &[], 0),
            (Keep::Runs(2), &[1], 1),
            (Keep::Runs(2), &[1, 2, 3], 2),
            (Keep::Seconds(10), &[], 0),
            (Keep::Seconds(10), &[99], 1),
            (Keep::Seconds(10), &[1, 5, 99, 100], 3),
            (Keep::Seconds(10), &[1, 5], 2),
            (Keep::Seconds(10), &[10, 20], 1),
            (Keep::Seconds(i64::MAX), &[1, 999_999], 2),
        ];
        for (keep, ages, kept) in table {
            assert_eq!(keep.of(&ends(ages), now), kept, "{keep:?} {ages:?}");
        }
        assert_eq!(Keep::Seconds(10).of(&[None, None, None], now), 3, "unreadable times");
    }
}
