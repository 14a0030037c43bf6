//! A set of small numbers, one bit each.

/// Beyond it a number counts as marked: no store has ids like that, and memory is not filled for them.
const HIGHEST: i64 = u32::MAX as i64;

/// The set.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<u64>);

impl Marks {
    /// Marks a number.
    pub(super) fn set(&mut self, id: i64) {
        let Some((word, bit)) = place(id) else { return };
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// Whether a number is marked.
    pub(super) fn has(&self, id: i64) -> bool {
        place(id).is_none_or(|(word, bit)| self.0.get(word).is_some_and(|w| w & bit != 0))
    }
}

fn place(id: i64) -> Option<(usize, u64)> {
    let id = Some(id).filter(|id| (0..=HIGHEST).contains(id))?;
    Some((usize::try_from(id / 64).ok()?, 1 << (id % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_marked_is_and_nothing_else() {
        let mut marks = Marks::default();
        let marked = [0, 1, 63, 64, 1000];
        marked.iter().for_each(|id| marks.set(*id));
        for id in 0..1100 {
            assert_eq!(marks.has(id), marked.contains(&id), "{id}");
        }
        marks.set(i64::MAX);
        assert!(marks.has(-1) && marks.has(i64::MAX) && marks.0.len() < 20);
    }
}
