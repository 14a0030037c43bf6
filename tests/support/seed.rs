//! Random numbers that are the same for the same seed, on every machine.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of this seed.
    pub fn new(seed: u64) -> Self {
        // Seeds that follow one another shall not give numbers that do.
        let mut dice = Self(seed ^ 0x6d75_7374_6572_0000);
        dice.roll();
        dice
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range, its end included.
    pub fn within(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        low + self.roll() % (high - low + 1)
    }

    /// True in so many of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }

    /// One of them.
    #[track_caller]
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll() % of.len() as u64).unwrap()]
    }

    /// So many different ones of them, in any order.
    pub fn some<T: Clone>(&mut self, count: usize, of: &[T]) -> Vec<T> {
        let mut left = of.to_vec();
        let mut out = Vec::new();
        while out.len() < count && !left.is_empty() {
            let at = usize::try_from(self.roll() % left.len() as u64).unwrap();
            out.push(left.swap_remove(at));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_the_next_one_others() {
        let rolls = |seed| (0..5).scan(Dice::new(seed), |dice, _| Some(dice.within(3..=9))).collect::<Vec<_>>();
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
        assert!(rolls(7).iter().all(|n| (3..=9).contains(n)));
        let some = Dice::new(1).some(4, &[1, 2, 3, 4, 5]);
        assert_eq!(some.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert_eq!(Dice::new(1).some(9, &[1, 2]).len(), 2);
    }
}
