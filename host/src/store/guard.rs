//! The removal guard (rule R6). Pure.
//!
//! Rule: a snapshot that would remove more than 30 % and at least 10 rows of a resource type or of the grants,
//! or would empty a type that had 3 rows or more, is held until somebody accepts it. Reason: a vendor's bad
//! day (an empty page, a lost right) looks exactly like everybody having left. An account that is no longer
//! enabled counts as removed.

use super::draft::Tally;

/// Rows that may always go.
const FEW: u64 = 10;
/// A type of so many rows is not to be emptied.
const NOT_EMPTIED: u64 = 3;
/// Percent of a type that may go.
pub const DEFAULT_PERCENT: u8 = 30;

/// Why a snapshot is held: a sentence for each type that shrinks too much; empty where it may be published.
pub fn objections(tallies: &[(String, Tally)], percent: u8) -> Vec<String> {
    tallies.iter().filter_map(|(name, tally)| objection(name, *tally, percent)).collect()
}

fn objection(name: &str, t: Tally, percent: u8) -> Option<String> {
    let lost = t.removed + t.disabled;
    if t.before >= NOT_EMPTIED && t.now == 0 {
        return Some(format!("all {} of {name} would be removed", t.before));
    }
    if lost >= FEW && lost * 100 > t.before * u64::from(percent) {
        let how = if t.disabled > 0 { "removed or disabled" } else { "removed" };
        return Some(format!("{lost} of {} of {name} would be {how}, more than {percent} %", t.before));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_loss_is_held() {
        // before, now, removed, disabled, held?
        let table = [
            (100, 70, 30, 0, false),
            (100, 69, 31, 0, true),
            (100, 100, 0, 31, true),
            (100, 85, 15, 16, true),
            (20, 11, 9, 0, false),
            (20, 10, 10, 0, true),
            (3, 0, 3, 0, true),
            (2, 0, 2, 0, false),
            (0, 0, 0, 0, false),
            (0, 500, 0, 0, false),
        ];
        for (before, now, removed, disabled, held) in table {
            let tally = Tally { before, now, removed, disabled, ..Tally::default() };
            let found = objections(&[("agent".to_owned(), tally)], DEFAULT_PERCENT);
            assert_eq!(!found.is_empty(), held, "{tally:?}: {found:?}");
        }
    }
}
