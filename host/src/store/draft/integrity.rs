//! The integrity report (rule R8): what points at nothing. Pure; it lists and counts, and removes nothing.

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable label.
    pub kind: &'static str,
    /// What it is about, as text for people.
    pub subject: String,
}

/// Findings kept of one kind; more are counted.
pub const KEPT: usize = 1000;

/// Findings as they are made.
#[derive(Debug, Default)]
pub struct Report {
    /// Of each kind the first ones by subject, so that the same snapshot gives the same list.
    kinds: Vec<(&'static str, u64, std::collections::BTreeSet<String>)>,
}

impl Report {
    /// Adds one.
    pub fn add(&mut self, kind: &'static str, subject: String) {
        let at = self.kinds.iter().position(|(k, ..)| *k == kind).unwrap_or_else(|| {
            self.kinds.push((kind, 0, std::collections::BTreeSet::new()));
            self.kinds.len() - 1
        });
        let Some((_, count, subjects)) = self.kinds.get_mut(at) else { return };
        *count += 1;
        subjects.insert(subject);
        if subjects.len() > KEPT {
            subjects.pop_last();
        }
    }

    /// The first findings of each kind, and how many there are of it; by kind.
    pub fn finish(mut self) -> (Vec<Finding>, Vec<(&'static str, u64)>) {
        self.kinds.sort_by_key(|(kind, ..)| *kind);
        let counts = self.kinds.iter().map(|(kind, count, _)| (*kind, *count)).collect();
        let of = |(kind, _, subjects): (&'static str, u64, std::collections::BTreeSet<String>)| {
            subjects.into_iter().map(move |subject| Finding { kind, subject })
        };
        (self.kinds.into_iter().flat_map(of).collect(), counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_are_kept_and_all_are_counted_in_whatever_order() {
        let all: Vec<String> = (0..KEPT + 10).map(|i| format!("{i:05}")).collect();
        let report = |order: &mut dyn Iterator<Item = &String>| {
            let mut report = Report::default();
            report.add("z", "one".into());
            order.for_each(|s| report.add("a", s.clone()));
            report.finish()
        };
        let (list, counts) = report(&mut all.iter());
        assert_eq!(counts, [("a", KEPT as u64 + 10), ("z", 1)]);
        assert_eq!((list.len(), list[0].subject.as_str(), list[KEPT].kind), (KEPT + 1, "00000", "z"));
        assert_eq!(report(&mut all.iter().rev()), (list, counts));
    }
}
