//! The content of what a run emits, compared with what was published and with what came before in the run. Pure.

use super::intern::{index, number};
use std::collections::HashMap;

/// What a record that arrived means for the table of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to write: emitted before in this run.
    Nothing,
    /// Nothing to write: published so already, and emitted for the first time in this run.
    Unchanged,
    /// Write a new row.
    Insert,
    /// Write a new row and close the published one.
    Supersede,
    /// Emitted before in this run with other content: replace the row this run wrote.
    Replace,
    /// Emitted before in this run with other content, and this content is the published one: delete the row
    /// this run wrote and reopen the published one.
    Restore,
}

/// What has arrived, and whether this run said otherwise before (rule R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What to do.
    pub verdict: Verdict,
    /// The run gave this id other content before.
    pub conflict: bool,
    /// It is this content that counts.
    pub counts: bool,
}

/// One of them. 17 bytes: there may be millions.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// What counts now: the run's, or what is published.
    hash: [u8; 16],
    flags: u8,
}

/// It is in the published snapshot.
const PUBLISHED: u8 = 1;
/// This run emitted it.
const SEEN: u8 = 2;
/// And its content is another one than the published.
const CHANGED: u8 = 4;
/// The account could be used.
const WAS_ENABLED: u8 = 8;
/// And it can be.
const IS_ENABLED: u8 = 16;

impl Slot {
    fn is(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn has_vanished(self) -> bool {
        self.flags & (PUBLISHED | SEEN) == PUBLISHED
    }

    fn set(&mut self, flag: u8, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }
}

/// The contents of a kind, by number.
#[derive(Debug, Default)]
pub struct Slots {
    list: Vec<Slot>,
    /// The published content of those that changed.
    former: HashMap<u32, u128>,
}

/// Counts of a run, by resource type and in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In the published snapshot before.
    pub before: u64,
    /// Emitted by this run.
    pub now: u64,
    /// New.
    pub added: u64,
    /// With other content.
    pub changed: u64,
    /// Gone.
    pub removed: u64,
    /// Still there, but no longer enabled.
    pub disabled: u64,
}

impl Slots {
    fn slot(&mut self, id: u32) -> Option<&mut Slot> {
        let at = index(id);
        if at != usize::MAX && at >= self.list.len() {
            self.list.resize(at + 1, Slot::default());
        }
        self.list.get_mut(at)
    }

    /// Says what is published.
    pub fn load_published(&mut self, id: u32, hash: u128, enabled: bool) {
        if let Some(slot) = self.slot(id) {
            slot.hash = hash.to_le_bytes();
            slot.flags = PUBLISHED | if enabled { WAS_ENABLED } else { 0 };
        }
    }

    /// Says that an earlier attempt of this run saw it as it is published.
    pub fn load_unchanged(&mut self, id: u32) {
        if let Some(slot) = self.slot(id)
            && slot.is(PUBLISHED)
        {
            slot.set(SEEN, true);
            slot.set(IS_ENABLED, slot.is(WAS_ENABLED));
        }
    }

    /// Says what an earlier attempt of this run wrote.
    pub fn load_written(&mut self, id: u32, hash: u128, enabled: bool) {
        let Some(slot) = self.slot(id) else { return };
        let former = slot.is(PUBLISHED).then(|| u128::from_le_bytes(slot.hash));
        slot.hash = hash.to_le_bytes();
        slot.set(SEEN, true);
        slot.set(IS_ENABLED, enabled);
        slot.set(CHANGED, former.is_some());
        if let Some(former) = former {
            self.former.insert(id, former);
        }
    }

    /// Takes content in.
    pub fn take(&mut self, id: u32, hash: u128, enabled: bool) -> Taken {
        let before = self.former.get(&id).copied();
        let Some(slot) = self.slot(id) else {
            return Taken { verdict: Verdict::Nothing, conflict: false, counts: false };
        };
        let current = u128::from_le_bytes(slot.hash);
        let conflict = slot.is(SEEN) && current != hash;
        let verdict = match (slot.is(SEEN), slot.is(PUBLISHED)) {
            (false, false) => Verdict::Insert,
            (false, true) if current == hash => Verdict::Unchanged,
            (false, true) => Verdict::Supersede,
            (true, _) if current == hash => return Taken { verdict: Verdict::Nothing, conflict, counts: true },
            // The smaller hash wins, whatever the order.
            (true, _) if hash > current => return Taken { verdict: Verdict::Nothing, conflict, counts: false },
            (true, true) if !slot.is(CHANGED) => Verdict::Supersede,
            (true, true) if before == Some(hash) => Verdict::Restore,
            (true, _) => Verdict::Replace,
        };
        slot.hash = hash.to_le_bytes();
        slot.set(SEEN, true);
        slot.set(IS_ENABLED, enabled);
        match verdict {
            Verdict::Supersede => {
                slot.set(CHANGED, true);
                self.former.insert(id, current);
            }
            Verdict::Restore => {
                slot.set(CHANGED, false);
                self.former.remove(&id);
            }
            _ => {}
        }
        Taken { verdict, conflict, counts: true }
    }

    /// Whether this run emitted it.
    pub fn is_seen(&self, id: u32) -> bool {
        self.list.get(index(id)).is_some_and(|s| s.is(SEEN))
    }

    /// Whether it was published and did not come again.
    pub fn has_vanished(&self, id: u32) -> bool {
        self.list.get(index(id)).is_some_and(|s| s.has_vanished())
    }

    /// The numbers of what this run emitted.
    pub fn seen(&self) -> impl Iterator<Item = u32> {
        self.numbered().filter(|(_, s)| s.is(SEEN)).map(|(id, _)| id)
    }

    /// The numbers of what was published and did not come again.
    pub fn vanished(&self) -> impl Iterator<Item = u32> {
        self.numbered().filter(|(_, s)| s.has_vanished()).map(|(id, _)| id)
    }

    fn numbered(&self) -> impl Iterator<Item = (u32, &Slot)> {
        self.list.iter().enumerate().map(|(at, slot)| (number(at), slot))
    }

    /// Adds one up.
    pub fn tally(&self, id: u32, tally: &mut Tally) {
        if let Some(slot) = self.list.get(index(id)) {
            tally.count(*slot);
        }
    }

    /// The sum of all.
    pub fn sum(&self) -> Tally {
        let mut tally = Tally::default();
        self.list.iter().for_each(|slot| tally.count(*slot));
        tally
    }
}

impl Tally {
    fn count(&mut self, slot: Slot) {
        let (before, now) = (slot.is(PUBLISHED), slot.is(SEEN));
        self.before += u64::from(before);
        self.now += u64::from(now);
        self.added += u64::from(!before && now);
        self.removed += u64::from(before && !now);
        self.changed += u64::from(slot.is(CHANGED));
        self.disabled += u64::from(before && now && slot.is(WAS_ENABLED) && !slot.is(IS_ENABLED));
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            before: self.before + other.before,
            now: self.now + other.now,
            added: self.added + other.added,
            changed: self.changed + other.changed,
            removed: self.removed + other.removed,
            disabled: self.disabled + other.disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(hash: u128) -> Slots {
        let mut slots = Slots::default();
        if hash != 0 {
            slots.load_published(1, hash, true);
        }
        slots
    }

    fn current(slots: &Slots) -> u128 {
        slots.list.first().map_or(0, |s| u128::from_le_bytes(s.hash))
    }

    #[test]
    fn content_is_judged_against_what_was_published_and_what_came_before() {
        use Verdict::{Insert, Nothing, Replace, Restore, Supersede, Unchanged};
        // published, contents in order, verdicts in order, what counts in the end, rows that changed
        type Case = (u128, &'static [u128], &'static [Verdict], u128, u64);
        let table: [Case; 11] = [
            (0, &[5], &[Insert], 5, 0),
            (0, &[5, 5], &[Insert, Nothing], 5, 0),
            (0, &[5, 3], &[Insert, Replace], 3, 0),
            (0, &[3, 5], &[Insert, Nothing], 3, 0),
            (5, &[5], &[Unchanged], 5, 0),
            (5, &[5, 5], &[Unchanged, Nothing], 5, 0),
            (5, &[7], &[Supersede], 7, 1),
            (5, &[5, 3], &[Unchanged, Supersede], 3, 1),
            (5, &[7, 5], &[Supersede, Restore], 5, 0),
            (5, &[7, 6], &[Supersede, Replace], 6, 1),
            (5, &[7, 5, 4], &[Supersede, Restore, Supersede], 4, 1),
        ];
        for (before, contents, verdicts, winner, changed) in table {
            let mut slots = published(before);
            let got: Vec<Verdict> = contents.iter().map(|h| slots.take(1, *h, true).verdict).collect();
            assert_eq!((got.as_slice(), current(&slots)), (verdicts, winner), "{before} {contents:?}");
            assert_eq!(slots.sum().changed, changed, "{before} {contents:?}");
        }
    }

    #[test]
    fn the_winner_does_not_depend_on_the_order() {
        for order in [[2u128, 3, 4], [4, 3, 2], [3, 2, 4], [4, 2, 3]] {
            for before in [0, 2, 3, 9] {
                let mut slots = published(before);
                let taken = order.map(|hash| slots.take(1, hash, true));
                assert_eq!(current(&slots), 2, "{before} {order:?}");
                assert!(taken.iter().skip(1).all(|t| t.conflict), "{before} {order:?}");
                assert_eq!(slots.sum().changed, u64::from(before > 2), "{before} {order:?}");
            }
        }
    }

    /// What was loaded stands where an attempt that was never interrupted would stand.
    #[test]
    fn an_attempt_that_goes_on_judges_as_the_one_before_would_have() {
        for before in [0u128, 2, 3, 9] {
            for first in [2u128, 3, 4] {
                for then in [2u128, 3, 4] {
                    let mut whole = published(before);
                    let verdict = whole.take(1, first, true).verdict;
                    let mut resumed = published(before);
                    match verdict {
                        Verdict::Unchanged => resumed.load_unchanged(1),
                        _ => resumed.load_written(1, first, true),
                    }
                    let case = format!("{before} {first} {then}");
                    assert_eq!(whole.take(1, then, false), resumed.take(1, then, false), "{case}");
                    assert_eq!(whole.sum(), resumed.sum(), "{case}");
                }
            }
        }
    }

    #[test]
    fn what_did_not_come_again_is_gone() {
        let mut slots = published(5);
        assert_eq!(slots.vanished().collect::<Vec<_>>(), [1]);
        slots.take(3, 1, false);
        slots.take(1, 5, false);
        assert_eq!(slots.vanished().count(), 0);
        assert_eq!(slots.seen().collect::<Vec<_>>(), [1, 3]);
        let tally = slots.sum();
        assert_eq!((tally.before, tally.now, tally.added, tally.disabled), (1, 2, 1, 1));
    }
}
