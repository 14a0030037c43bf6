//! The records of a task on their way to the store, packed into one run of bytes.
//!
//! A record as the boundary hands it over is up to fifteen small texts; a task may emit a hundred thousand of them and they
//! wait until it has succeeded. Packed they take the bytes of their texts and a few more, one allocation for all, and
//! what is compared with the store is a hash that is made here, on the worker.

mod item;
#[cfg(test)]
pub(crate) mod tests;

pub use item::{EntitlementContent, EntitlementItem, GrantItem, Item, Key, ResourceContent, ResourceItem, UserContent};

use crate::model::{Employment, Entitlement, Grant, Kind, Record, Resource, ResourceId, Status, User};
use item::Cursor;
use std::cmp::Ordering;
use xxhash_rust::xxh3::xxh3_128;

/// Records of one task.
#[derive(Debug, Default)]
pub struct Packed {
    bytes: Vec<u8>,
    index: Vec<Entry>,
    /// Where the texts of the last grant's entitlement begin, and where they end: a page of members names it once.
    head: Option<(u32, u32)>,
}

/// Where a record is.
#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: What,
    at: u32,
    /// Of a grant: where its entitlement is.
    head: u32,
}

/// In the order in which they reach the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Resource,
    Entitlement,
    Grant,
}

/// The records are more than can be packed: 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Packed {
    /// How many.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Appends a record.
    ///
    /// # Errors
    /// There is no more room; the record is not in it.
    pub fn push(&mut self, record: &Record) -> Result<(), TooLarge> {
        let before = self.bytes.len();
        let entry = match record {
            Record::Resource(r) => self.resource(r),
            Record::Entitlement(e) => self.entitlement(e),
            Record::Grant(g) => self.grant(g),
        };
        if self.bytes.len() > u32::MAX as usize {
            self.bytes.truncate(before);
            self.head = None;
            return Err(TooLarge);
        }
        self.index.push(entry);
        Ok(())
    }

    /// Brings them into the order of their keys: rows that come in no order cost the store several times the writing.
    pub fn sort(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.index.sort_by(|a, b| a.compare(b, &bytes));
        self.bytes = bytes;
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        self.index.iter().filter_map(|entry| entry.read(&self.bytes))
    }

    fn here(&self) -> u32 {
        // Checked once the record is in: beyond this it is taken out again.
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    /// Writes content, with its hash before it.
    fn hashed(&mut self, content: impl FnOnce(&mut Parts)) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 16]);
        content(&mut Parts(&mut self.bytes));
        let hash = xxh3_128(self.bytes.get(at + 16..).unwrap_or_default()).max(1);
        if let Some(room) = self.bytes.get_mut(at..at + 16) {
            room.copy_from_slice(&hash.to_le_bytes());
        }
    }

    fn resource(&mut self, r: &Resource) -> Entry {
        let at = self.here();
        let employment = r.user.as_ref().and_then(|u| u.employment.as_deref());
        let manager = employment.and_then(|e| e.manager.as_ref());
        let enabled = r.user.as_ref().is_some_and(|u| u.status == Status::Enabled);
        write_key(&mut self.bytes, &r.id);
        let (user, parent) = (r.user.is_some(), r.parent.is_some());
        let flags = [(enabled, ENABLED), (parent, PARENT), (manager.is_some(), MANAGER), (user, USER)];
        self.bytes.push(flags.into_iter().filter(|(on, _)| *on).fold(0, |all, (_, flag)| all | flag));
        for key in [r.parent.as_ref(), manager].into_iter().flatten() {
            write_key(&mut self.bytes, key);
        }
        self.hashed(|parts| {
            parts.resource(r.kind, &r.name, r.parent.as_ref(), &r.profile, r.user.as_ref(), employment)
        });
        Entry { kind: What::Resource, at, head: 0 }
    }

    fn entitlement(&mut self, e: &Entitlement) -> Entry {
        let at = self.here();
        write_key(&mut self.bytes, &e.resource);
        write_short(&mut self.bytes, &e.slug);
        self.hashed(|parts| {
            parts.text(&e.name);
            parts.text(&e.description);
            parts.text(e.purpose);
            parts.list(&e.grantable_to);
        });
        Entry { kind: What::Entitlement, at, head: 0 }
    }

    fn grant(&mut self, g: &Grant) -> Entry {
        let begin = self.bytes.len();
        let mut head = self.here();
        write_key(&mut self.bytes, &g.resource);
        write_short(&mut self.bytes, &g.slug);
        let same =
            self.head.filter(|(from, to)| self.bytes.get(*from as usize..*to as usize) == self.bytes.get(begin..));
        match same {
            Some((from, _)) => {
                self.bytes.truncate(begin);
                head = from;
            }
            None => self.head = Some((head, self.here())),
        }
        let at = self.here();
        write_key(&mut self.bytes, &g.principal);
        Entry { kind: What::Grant, at, head }
    }
}

const ENABLED: u8 = 1;
const PARENT: u8 = 2;
const MANAGER: u8 = 4;
const USER: u8 = 8;

fn write_key(bytes: &mut Vec<u8>, key: &ResourceId) {
    write_short(bytes, &key.resource_type);
    bytes.extend_from_slice(&u16::try_from(key.id.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(key.id.as_bytes());
}

/// A type or a slug: 64 bytes at most, as the boundary has checked.
fn write_short(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(text.as_bytes());
}

/// Content as it is hashed: each part preceded by its length. This layout is in every store; it may not change.
///
/// 128 bits of XXH3: not against forgery (a connector that wants to lie about its own vendor simply does), but so that two
/// contents of one id never look the same by accident.
struct Parts<'a>(&'a mut Vec<u8>);

impl Parts<'_> {
    fn resource(
        &mut self,
        kind: Kind,
        name: &str,
        parent: Option<&ResourceId>,
        profile: &str,
        user: Option<&User>,
        employment: Option<&Employment>,
    ) {
        self.text(name);
        self.text(kind.label());
        self.option(parent.map(|p| p.resource_type.as_str()));
        self.option(parent.map(|p| p.id.as_str()));
        self.text(profile);
        if let Some(u) = user {
            self.text(u.status.label());
            for part in [&u.status_detail, &u.email, &u.login, &u.given_name, &u.family_name] {
                self.option(part.as_deref());
            }
            self.list(&u.other_emails);
            let employment = employment.and_then(|e| serde_json::to_string(e).ok());
            self.option(employment.as_deref());
        }
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u64 + 1).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn option(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.extend_from_slice(&0u64.to_le_bytes()),
        }
    }

    fn list(&mut self, list: &[String]) {
        self.0.extend_from_slice(&(list.len() as u64).to_le_bytes());
        list.iter().for_each(|t| self.text(t));
    }
}

impl Entry {
    fn read<'a>(&self, bytes: &'a [u8]) -> Option<Item<'a>> {
        let mut c = Cursor(bytes.get(self.at as usize..)?);
        Some(match self.kind {
            What::Grant => {
                let mut head = Cursor(bytes.get(self.head as usize..)?);
                let (resource, slug) = (head.key()?, head.short()?);
                Item::Grant(GrantItem { resource, slug, principal: c.key()?, head: self.head })
            }
            What::Entitlement => {
                let (resource, slug) = (c.key()?, c.short()?);
                Item::Entitlement(EntitlementItem { resource, slug, hash: c.hash()?, content: c.0 })
            }
            What::Resource => {
                let key = c.key()?;
                let flags = *c.take(1)?.first()?;
                let parent = (flags & PARENT != 0).then(|| c.key()).flatten();
                let manager = (flags & MANAGER != 0).then(|| c.key()).flatten();
                let (enabled, is_user) = (flags & ENABLED != 0, flags & USER != 0);
                Item::Resource(ResourceItem { key, hash: c.hash()?, enabled, parent, manager, is_user, content: c.0 })
            }
        })
    }

    /// By kind and key; shorter ids first, so that numbers count up.
    fn compare(&self, other: &Entry, bytes: &[u8]) -> Ordering {
        /// Type, length of the id, id: as bytes, whose order is that of the texts.
        fn key<'a>(c: &mut Cursor<'a>) -> Option<(&'a [u8], usize, &'a [u8])> {
            let of_type = c.short_bytes()?;
            let id = c.id_bytes()?;
            Some((of_type, id.len(), id))
        }
        let at = |at: u32| bytes.get(at as usize..).map(Cursor);
        let plain = |from: u32| at(from).and_then(|mut c| key(&mut c));
        let slugged = |from: u32| at(from).and_then(|mut c| Some((key(&mut c)?, c.short_bytes()?)));
        self.kind.cmp(&other.kind).then_with(|| match self.kind {
            What::Resource => plain(self.at).cmp(&plain(other.at)),
            What::Entitlement => slugged(self.at).cmp(&slugged(other.at)),
            What::Grant if self.head == other.head => plain(self.at).cmp(&plain(other.at)),
            What::Grant => (slugged(self.head), plain(self.at)).cmp(&(slugged(other.head), plain(other.at))),
        })
    }
}
