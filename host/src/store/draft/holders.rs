//! Who has what: the grants that are published and those a run emitted. Pure.
//!
//! A grant is two small numbers and two flags in one word: 500,000 of them take 9 MiB.

use super::slots::Tally;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// It is in the published snapshot.
const PUBLISHED: u64 = 1;
/// This run emitted it.
const SEEN: u64 = 2;
/// Bits below the numbers.
const FLAGS: u32 = 2;
/// Bits of the principal.
const PRINCIPAL: u32 = 31;

/// A set of grants.
#[derive(Debug, Default)]
pub struct Holders {
    words: HashTable<u64>,
    hasher: RandomState,
}

/// What a grant that arrived means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// It was here before in this run.
    Again,
    /// Published, and emitted for the first time in this run.
    Unchanged,
    /// Neither: a row has to be written.
    New,
}

impl Holders {
    /// Makes room for so many at once.
    pub fn expect(&mut self, more: usize) {
        let hasher = &self.hasher;
        self.words.reserve(more, |word| hasher.hash_one(word >> FLAGS));
    }

    fn flag(&mut self, entitlement: u32, principal: u32, flag: u64) -> u64 {
        let key = (u64::from(entitlement) << PRINCIPAL) | u64::from(principal);
        let hasher = &self.hasher;
        let hash = hasher.hash_one(key);
        match self.words.entry(hash, |word| word >> FLAGS == key, |word| hasher.hash_one(word >> FLAGS)) {
            hashbrown::hash_table::Entry::Occupied(mut found) => {
                let before = *found.get();
                *found.get_mut() |= flag;
                before & (PUBLISHED | SEEN)
            }
            hashbrown::hash_table::Entry::Vacant(room) => {
                room.insert((key << FLAGS) | flag);
                0
            }
        }
    }

    /// Says that one is published.
    pub fn load_published(&mut self, entitlement: u32, principal: u32) {
        self.flag(entitlement, principal, PUBLISHED);
    }

    /// Says that an earlier attempt of this run emitted one.
    pub fn load_seen(&mut self, entitlement: u32, principal: u32) {
        self.flag(entitlement, principal, SEEN);
    }

    /// One arrived.
    pub fn take(&mut self, entitlement: u32, principal: u32) -> Arrived {
        match self.flag(entitlement, principal, SEEN) {
            0 => Arrived::New,
            PUBLISHED => Arrived::Unchanged,
            _ => Arrived::Again,
        }
    }

    /// Those this run emitted, in no order.
    pub fn seen(&self) -> impl Iterator<Item = (u32, u32)> {
        self.words.iter().filter(|word| *word & SEEN != 0).map(numbers)
    }

    /// Those that were published and did not come again, in no order.
    pub fn vanished(&self) -> impl Iterator<Item = (u32, u32)> {
        self.words.iter().filter(|word| *word & (PUBLISHED | SEEN) == PUBLISHED).map(numbers)
    }

    /// What the run means for them.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for word in &self.words {
            let (before, now) = (word & PUBLISHED != 0, word & SEEN != 0);
            tally.before += u64::from(before);
            tally.now += u64::from(now);
            tally.added += u64::from(now && !before);
            tally.removed += u64::from(before && !now);
        }
        tally
    }
}

fn numbers(word: &u64) -> (u32, u32) {
    let low = |bits: u64| u32::try_from(bits & ((1 << PRINCIPAL) - 1)).unwrap_or(u32::MAX);
    (low(word >> (FLAGS + PRINCIPAL)), low(word >> FLAGS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_new_or_published_and_then_it_is_known() {
        let mut holders = Holders::default();
        holders.expect(10);
        holders.load_published(7, 1 << 30);
        holders.load_published(7, 9);
        holders.load_seen(8, 1);
        assert_eq!(holders.take(7, 1 << 30), Arrived::Unchanged);
        assert_eq!(holders.take(7, 1 << 30), Arrived::Again);
        assert_eq!(holders.take(8, 1), Arrived::Again);
        assert_eq!(holders.take(9, 7), Arrived::New);
        assert_eq!(holders.take(9, 7), Arrived::Again);
        assert_eq!(holders.vanished().collect::<Vec<_>>(), [(7, 9)]);
        let mut seen: Vec<_> = holders.seen().collect();
        seen.sort_unstable();
        assert_eq!(seen, [(7, 1 << 30), (8, 1), (9, 7)]);
        assert_eq!(holders.tally(), Tally { before: 2, now: 3, added: 2, removed: 1, ..Tally::default() });
    }
}
