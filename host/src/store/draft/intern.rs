//! Which small number stands for which id of a connection. Pure.
//!
//! Keys are interned once, so that a grant is two small numbers and comparing it with the published one is a look into a
//! hash table. Texts lie one after the other in one run of bytes: a vendor's id costs its bytes and about thirty more.
//! Hashed with a key of the process, because the ids are a stranger's. The hash lies beside the number, so that only the
//! right entry's text is looked at: of many ids looked up one after the other, the memory answers several at once.

use hashbrown::HashTable;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// A number handed out, and whether it is new and has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interned {
    /// Counts from 1 within the connection.
    pub id: u32,
    /// Not in the store yet.
    pub new: bool,
}

/// Resource types or slugs: usually few, and one is asked for again and again.
#[derive(Debug, Default)]
pub struct Words {
    list: Vec<String>,
    found: HashMap<String, u32>,
}

impl Words {
    /// The number of a word.
    pub fn intern(&mut self, word: &str) -> Interned {
        if let Some(id) = self.found.get(word) {
            return Interned { id: *id, new: false };
        }
        let id = number(self.list.len());
        self.list.push(word.to_owned());
        self.found.insert(word.to_owned(), id);
        Interned { id, new: true }
    }

    /// The word of a number.
    pub fn get(&self, id: u32) -> &str {
        self.list.get(index(id)).map_or("", String::as_str)
    }

    /// All of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(String::as_str)
    }
}

/// The vendor's ids, each of a type.
#[derive(Debug, Default)]
pub struct Identities {
    texts: Vec<u8>,
    /// Type, and where its text ends; that of number `n` at `n - 1`. A number nobody has any more is of type 0.
    entries: Vec<(u16, u32)>,
    /// Hash and number.
    found: HashTable<(u64, u32)>,
    hasher: RandomState,
}

impl Identities {
    /// What a vendor's id is found by. `of_type` is the number of its type.
    pub fn hash(&self, of_type: u32, vendor_id: &str) -> u64 {
        self.hasher.hash_one((of_type, vendor_id))
    }

    /// The number of a vendor's id, if it has one.
    pub fn find(&self, hash: u64, of_type: u32, vendor_id: &str) -> Option<u32> {
        let of_type = u16::try_from(of_type).unwrap_or(u16::MAX);
        let (texts, entries) = (&self.texts, &self.entries);
        let is_it = |(h, id): &(u64, u32)| *h == hash && get(texts, entries, *id) == (of_type, vendor_id.as_bytes());
        self.found.find(hash, is_it).map(|(_, id)| *id)
    }

    /// The number of a vendor's id.
    pub fn intern(&mut self, of_type: u32, vendor_id: &str) -> Interned {
        let hash = self.hash(of_type, vendor_id);
        if let Some(id) = self.find(hash, of_type, vendor_id) {
            return Interned { id, new: false };
        }
        let id = number(self.entries.len());
        self.found.insert_unique(hash, (hash, id), |(hash, _)| *hash);
        self.texts.extend_from_slice(vendor_id.as_bytes());
        let of_type = u16::try_from(of_type).unwrap_or(u16::MAX);
        self.entries.push((of_type, u32::try_from(self.texts.len()).unwrap_or(u32::MAX)));
        Interned { id, new: true }
    }

    /// Leaves out the numbers before this one: they were given away once, and nobody has them any more.
    pub fn skip_to(&mut self, id: u32) {
        let end = self.entries.last().map_or(0, |(_, end)| *end);
        while self.entries.len() < index(id) {
            self.entries.push((0, end));
        }
    }

    /// Type and id of a number.
    pub fn get(&self, id: u32) -> (u32, &str) {
        let (of_type, text) = get(&self.texts, &self.entries, id);
        (u32::from(of_type), std::str::from_utf8(text).unwrap_or_default())
    }

    /// The types of all numbers.
    pub fn types(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|(of_type, _)| u32::from(*of_type))
    }
}

fn get<'a>(texts: &'a [u8], entries: &[(u16, u32)], id: u32) -> (u16, &'a [u8]) {
    let at = index(id);
    let begin = at.checked_sub(1).and_then(|before| entries.get(before)).map_or(0, |(_, end)| *end as usize);
    let Some((of_type, end)) = entries.get(at) else { return (0, &[]) };
    (*of_type, texts.get(begin..*end as usize).unwrap_or_default())
}

/// Entitlements: of which resource, and which slug.
#[derive(Debug, Default)]
pub struct EntitlementKeys {
    /// That of number `n` at `n - 1`; one that nobody has any more is of resource 0.
    entries: Vec<(u32, u32)>,
    found: HashTable<u32>,
    hasher: RandomState,
}

impl EntitlementKeys {
    /// The number of an entitlement. Both parts are numbers, too.
    pub fn intern(&mut self, resource: u32, slug: u32) -> Interned {
        let key = (resource, slug);
        let hash = self.hasher.hash_one(key);
        let (entries, hasher) = (&self.entries, &self.hasher);
        if let Some(id) = self.found.find(hash, |id| entries.get(index(*id)) == Some(&key)) {
            return Interned { id: *id, new: false };
        }
        let id = number(entries.len());
        self.found.insert_unique(hash, id, |id| hasher.hash_one(entries.get(index(*id)).copied().unwrap_or_default()));
        self.entries.push(key);
        Interned { id, new: true }
    }

    /// Leaves out the numbers before this one.
    pub fn skip_to(&mut self, id: u32) {
        while self.entries.len() < index(id) {
            self.entries.push((0, 0));
        }
    }

    /// Resource and slug of a number.
    pub fn get(&self, id: u32) -> (u32, u32) {
        self.entries.get(index(id)).copied().unwrap_or_default()
    }
}

/// The number of what lies at an index: they count from 1.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

/// Where what has a number lies; number 0 lies nowhere.
pub(super) fn index(number: u32) -> usize {
    (number as usize).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_one_id_of_one_type() {
        let mut ids = Identities::default();
        let one = ids.intern(1, "1");
        assert_eq!(one, Interned { id: 1, new: true });
        assert_eq!(ids.intern(1, "1"), Interned { id: 1, new: false });
        assert_eq!(ids.intern(2, "1"), Interned { id: 2, new: true });
        assert_eq!((ids.get(1), ids.get(2), ids.get(3), ids.get(0)), ((1, "1"), (2, "1"), (0, ""), (0, "")));
    }

    #[test]
    fn many_ids_are_all_found_again() {
        let mut ids = Identities::default();
        for i in 0..5000u32 {
            assert_eq!(ids.intern(1 + i % 3, &format!("id-{i}")), Interned { id: i + 1, new: true });
        }
        for i in 0..5000u32 {
            assert_eq!(ids.intern(1 + i % 3, &format!("id-{i}")), Interned { id: i + 1, new: false });
            assert_eq!(ids.get(i + 1), (1 + i % 3, format!("id-{i}").as_str()));
        }
        let mut keys = EntitlementKeys::default();
        for i in 0..5000u32 {
            assert_eq!(keys.intern(i / 2, i % 2), Interned { id: i + 1, new: true });
        }
        assert!((0..5000u32).all(|i| keys.intern(i / 2, i % 2) == Interned { id: i + 1, new: false }));
        let mut words = Words::default();
        let ids: Vec<u32> = (0..70_000).map(|i| keys.intern(9000, words.intern(&format!("slug-{i}")).id).id).collect();
        assert!(
            ids.windows(2).all(|pair| pair[0] < pair[1]),
            "each slug is another entitlement, however many there are"
        );
    }

    #[test]
    fn a_number_that_was_given_away_once_is_not_given_to_another() {
        let (mut ids, mut keys) = (Identities::default(), EntitlementKeys::default());
        ids.intern(1, "a");
        ids.skip_to(4);
        assert_eq!(ids.intern(1, "d"), Interned { id: 4, new: true });
        assert_eq!((ids.get(1), ids.get(3), ids.get(4)), ((1, "a"), (0, ""), (1, "d")));
        keys.skip_to(3);
        assert_eq!(keys.intern(1, 1), Interned { id: 3, new: true });
    }
}
