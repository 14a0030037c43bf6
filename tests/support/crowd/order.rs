//! Who is in a group, and in which order lists come: the same for the same seed on every machine.

use std::collections::BTreeSet;

/// SplitMix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Puts a list in any order.
    pub(super) fn shuffle(&mut self, list: &mut [u64]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

/// So many different users of a directory, by their numbers, in order.
pub(super) fn members(group: u64, count: u64, users: u64) -> Vec<u64> {
    assert!(count <= users, "a group of {count} in a directory of {users}");
    // Those who are left out are drawn where they are fewer.
    let few = count.min(users - count);
    let (mut random, mut drawn) = (Random::new(group), BTreeSet::new());
    while (drawn.len() as u64) < few {
        drawn.insert(1 + random.below(users));
    }
    if few == count { drawn.into_iter().collect() } else { (1..=users).filter(|user| !drawn.contains(user)).collect() }
}
