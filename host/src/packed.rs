//! The records of a task on their way to the store, packed into one run of bytes.
//!
//! A record as the boundary hands it over is up to fifteen small texts; a task may emit a hundred thousand of them and they
//! wait until it has succeeded. Packed they take the bytes of their texts and a few more, one allocation for all, and
//! what is compared with the store is a hash that is made here, on the worker.

use crate::model::{Employment, Entitlement, Grant, Kind, Record, Resource, ResourceId, Status, User};
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

/// The key of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Its type.
    pub resource_type: &'a str,
    /// The vendor's own id.
    pub id: &'a str,
}

/// One record, as it lies there.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A resource.
    Resource(ResourceItem<'a>),
    /// An entitlement.
    Entitlement(EntitlementItem<'a>),
    /// A grant.
    Grant(GrantItem<'a>),
}

/// A resource.
#[derive(Clone, Copy, Debug)]
pub struct ResourceItem<'a> {
    /// Its key.
    pub key: Key<'a>,
    /// Of its content; never 0, which means absent.
    pub hash: u128,
    /// Whether it is an account that can be used.
    pub enabled: bool,
    /// What it belongs to.
    pub parent: Option<Key<'a>>,
    /// Who the person reports to.
    pub manager: Option<Key<'a>>,
    is_user: bool,
    content: &'a [u8],
}

/// What a resource is beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceContent<'a> {
    /// For people.
    pub name: &'a str,
    /// Label of the kind.
    pub kind: &'a str,
    /// JSON.
    pub profile: &'a str,
    /// Only of users.
    pub user: Option<UserContent<'a>>,
}

/// What a user is beside that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserContent<'a> {
    /// Label of the status.
    pub status: &'a str,
    /// Why.
    pub status_detail: Option<&'a str>,
    /// Address for work.
    pub email: Option<&'a str>,
    /// Name to sign in with.
    pub login: Option<&'a str>,
    /// First name.
    pub given_name: Option<&'a str>,
    /// Last name.
    pub family_name: Option<&'a str>,
    /// Sorted.
    pub other_emails: Vec<&'a str>,
    /// JSON.
    pub employment: Option<&'a str>,
}

/// An entitlement.
#[derive(Clone, Copy, Debug)]
pub struct EntitlementItem<'a> {
    /// Of what.
    pub resource: Key<'a>,
    /// Unique within it.
    pub slug: &'a str,
    /// Of its content; never 0.
    pub hash: u128,
    content: &'a [u8],
}

/// What an entitlement is beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntitlementContent<'a> {
    /// For people.
    pub name: &'a str,
    /// For people.
    pub description: &'a str,
    /// `assignment` or `permission`.
    pub purpose: &'a str,
    /// Sorted.
    pub grantable_to: Vec<&'a str>,
}

/// A grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantItem<'a> {
    /// Of what.
    pub resource: Key<'a>,
    /// The entitlement's slug.
    pub slug: &'a str,
    /// Who has it.
    pub principal: Key<'a>,
    /// The same number for grants of one task that name the same entitlement one after the other.
    pub head: u32,
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

impl<'a> ResourceItem<'a> {
    /// What it is beside its key; empty where the bytes are none of ours, which cannot be.
    pub fn content(&self) -> ResourceContent<'a> {
        self.read().unwrap_or_default()
    }

    fn read(&self) -> Option<ResourceContent<'a>> {
        let mut c = Cursor(self.content);
        let (name, kind) = (c.text()??, c.text()??);
        // The parent, which stands before the content, too.
        let _ = (c.text()?, c.text()?);
        let profile = c.text()??;
        // Of what is no user the next record's bytes follow.
        let user = if self.is_user { Some(c.user()?) } else { None };
        Some(ResourceContent { name, kind, profile, user })
    }
}

impl<'a> EntitlementItem<'a> {
    /// What it is beside its key; empty where the bytes are none of ours, which cannot be.
    pub fn content(&self) -> EntitlementContent<'a> {
        let mut c = Cursor(self.content);
        let mut read = || {
            Some(EntitlementContent {
                name: c.text()??,
                description: c.text()??,
                purpose: c.text()??,
                grantable_to: c.list()?,
            })
        };
        read().unwrap_or_default()
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn str(&mut self, n: usize) -> Option<&'a str> {
        std::str::from_utf8(self.take(n)?).ok()
    }

    fn short_bytes(&mut self) -> Option<&'a [u8]> {
        let n = usize::from(*self.take(1)?.first()?);
        self.take(n)
    }

    fn id_bytes(&mut self) -> Option<&'a [u8]> {
        let n = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(n))
    }

    fn short(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.short_bytes()?).ok()
    }

    fn key(&mut self) -> Option<Key<'a>> {
        let resource_type = self.short()?;
        Some(Key { resource_type, id: std::str::from_utf8(self.id_bytes()?).ok()? })
    }

    fn hash(&mut self) -> Option<u128> {
        Some(u128::from_le_bytes(self.take(16)?.try_into().ok()?))
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.take(8)?.try_into().ok()?)).ok()
    }

    /// A part that may be absent.
    fn text(&mut self) -> Option<Option<&'a str>> {
        match self.number()? {
            0 => Some(None),
            n => self.str(n - 1).map(Some),
        }
    }

    fn list(&mut self) -> Option<Vec<&'a str>> {
        let n = self.number()?;
        (0..n).map(|_| self.text()?).collect()
    }

    fn user(&mut self) -> Option<UserContent<'a>> {
        Some(UserContent {
            status: self.text()??,
            status_detail: self.text()?,
            email: self.text()?,
            login: self.text()?,
            given_name: self.text()?,
            family_name: self.text()?,
            other_emails: self.list()?,
            employment: self.text()?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An agent as most tests need one.
    pub(crate) fn agent(id: &str, name: &str) -> Resource {
        Resource {
            id: ResourceId { resource_type: "agent".into(), id: id.into() },
            kind: Kind::User,
            name: name.into(),
            parent: None,
            user: Some(User {
                email: Some(format!("{id}@acme.test")),
                other_emails: vec![],
                login: None,
                given_name: None,
                family_name: None,
                status: Status::Enabled,
                status_detail: None,
                employment: None,
            }),
            profile: "{}".into(),
        }
    }

    /// Records packed, in the order of their keys.
    pub(crate) fn packed(records: &[Record]) -> Packed {
        let mut packed = Packed::default();
        records.iter().for_each(|r| packed.push(r).expect("room"));
        packed.sort();
        packed
    }

    fn one(r: &Resource) -> Packed {
        packed(&[Record::Resource(Box::new(r.clone()))])
    }

    fn hash(r: &Resource) -> u128 {
        match one(r).iter().next() {
            Some(Item::Resource(r)) => r.hash,
            other => panic!("{other:?}"),
        }
    }

    fn team(id: &str) -> ResourceId {
        ResourceId { resource_type: "team".into(), id: id.into() }
    }

    fn grant(of: &str, slug: &str, to: &str) -> Record {
        let principal = ResourceId { resource_type: "agent".into(), id: to.into() };
        Record::Grant(Grant { resource: team(of), slug: slug.into(), principal })
    }

    #[test]
    fn every_part_of_the_content_counts_and_the_key_does_not() {
        let base = hash(&agent("1", "Ann"));
        assert_eq!(base, hash(&agent("1", "Ann")));
        let other_key = Resource { id: team("9"), ..agent("1", "Ann") };
        assert_eq!(base, hash(&other_key));
        type Change = fn(&mut Resource);
        let changes: [Change; 8] = [
            |r| r.name = "Ben".into(),
            |r| r.profile = "{\"a\":1}".into(),
            |r| r.parent = Some(team("1")),
            |r| r.kind = Kind::Group,
            |r| r.user = None,
            |r| r.user.as_mut().expect("user").status = Status::Disabled,
            |r| r.user.as_mut().expect("user").employment = Some(Box::default()),
            |r| {
                let user = r.user.as_mut().expect("user");
                user.login = user.email.take();
            },
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut changed = agent("1", "Ann");
            change(&mut changed);
            assert_ne!(base, hash(&changed), "change {i}");
        }
    }

    /// A hash is in every store: another layout of what is hashed would make everything look changed.
    #[test]
    fn the_hash_of_a_content_is_the_same_in_every_version() {
        assert_eq!(format!("{:032x}", hash(&agent("1", "Ann"))), "37bd8c0a14c7f454659c16daf4a4ad53");
        let mut full = agent("1", "Ann");
        full.parent = Some(team("3"));
        let user = full.user.as_mut().expect("user");
        user.other_emails = vec!["a@acme.test".into(), "b@acme.test".into()];
        user.employment = Some(Box::new(Employment { title: Some("Cook".into()), ..Employment::default() }));
        assert_eq!(format!("{:032x}", hash(&full)), "db4a7c61709a96eb84587fef679584d0");
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut full = agent("a:1", "Ann");
        full.parent = Some(team("3"));
        full.profile = "{\"a\":1}".into();
        let manager = ResourceId { resource_type: "agent".into(), id: "2".into() };
        let user = full.user.as_mut().expect("user");
        user.status = Status::Departed;
        user.status_detail = Some("left".into());
        user.other_emails = vec!["a@acme.test".into(), "b@acme.test".into()];
        user.employment = Some(Box::new(Employment { manager: Some(manager), ..Employment::default() }));
        let group = Resource { id: team("3"), kind: Kind::Group, user: None, ..agent("", "Support") };
        let entitlement = Entitlement {
            resource: team("3"),
            slug: "member".into(),
            name: "Member".into(),
            description: String::new(),
            purpose: "assignment",
            grantable_to: vec!["agent".into(), "bot".into()],
        };
        let records = packed(&[
            grant("3", "member", "2"),
            Record::Entitlement(entitlement),
            Record::Resource(Box::new(group)),
            Record::Resource(Box::new(full)),
        ]);
        let items: Vec<Item> = records.iter().collect();
        let [Item::Resource(ann), Item::Resource(support), Item::Entitlement(member), Item::Grant(grant)] = items[..]
        else {
            panic!("{items:?}");
        };
        assert_eq!((ann.key.id, ann.enabled), ("a:1", false));
        assert_eq!(ann.parent.map(|p| p.id), Some("3"));
        assert_eq!(ann.manager.map(|m| m.id), Some("2"));
        let content = ann.content();
        assert_eq!((content.name, content.kind, content.profile), ("Ann", "user", "{\"a\":1}"));
        let user = content.user.expect("user");
        assert_eq!((user.status, user.status_detail, user.email), ("departed", Some("left"), Some("a:1@acme.test")));
        assert_eq!(user.other_emails, ["a@acme.test", "b@acme.test"]);
        assert!(user.employment.is_some_and(|e| e.contains("\"manager\"")));
        assert_eq!(support.content().name, "Support");
        assert_eq!(support.content().user, None);
        let content = member.content();
        assert_eq!((member.slug, content.name, content.purpose), ("member", "Member", "assignment"));
        assert_eq!(content.grantable_to, ["agent", "bot"]);
        assert_eq!((grant.resource.id, grant.slug, grant.principal.id), ("3", "member", "2"));
    }

    #[test]
    fn records_come_by_kind_and_key_and_shorter_ids_first() {
        let given = [("10", "member", "2"), ("9", "owner", "1"), ("9", "member", "10"), ("9", "member", "9")];
        let records = packed(&given.map(|(of, slug, to)| grant(of, slug, to)));
        let shown: Vec<String> = records
            .iter()
            .map(|item| match item {
                Item::Grant(g) => format!("{}:{}:{}", g.resource.id, g.slug, g.principal.id),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(shown, ["9:member:9", "9:member:10", "9:owner:1", "10:member:2"]);
    }

    #[test]
    fn the_entitlement_of_a_page_of_grants_is_there_once() {
        let page: Vec<Record> =
            (0..1000).map(|i| grant("a-team-with-a-long-identifier", "member", &i.to_string())).collect();
        let records = packed(&page);
        assert!(records.bytes.len() < 13 * 1000 + 50, "{} bytes", records.bytes.len());
        let heads: Vec<u32> =
            records.iter().filter_map(|i| if let Item::Grant(g) = i { Some(g.head) } else { None }).collect();
        assert_eq!((heads.len(), heads.iter().max()), (1000, Some(&0)));
    }
}
