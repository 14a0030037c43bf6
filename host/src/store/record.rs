//! Records on their way to the store: their content hash is made on the worker, not on the writer's thread.

use crate::model::{Entitlement, Grant, Record, Resource};
use xxhash_rust::xxh3::xxh3_128;

/// A record with the hash of its content. The hash is never 0: that means absent.
#[derive(Debug)]
pub enum Prepared {
    /// A resource.
    Resource(Box<Resource>, u128),
    /// An entitlement.
    Entitlement(Entitlement, u128),
    /// A grant has no content beside its key.
    Grant(Grant),
}

/// Hashes a record's content: all of it but its key, each part preceded by its length.
///
/// 128 bits of XXH3: not against forgery (a connector that wants to lie about its own vendor simply does), but
/// so that two contents of one id never look the same by accident.
pub fn prepare(record: Record, scratch: &mut Vec<u8>) -> Prepared {
    scratch.clear();
    match record {
        Record::Grant(grant) => Prepared::Grant(grant),
        Record::Entitlement(e) => {
            let mut h = Parts(scratch);
            h.text(&e.name);
            h.text(&e.description);
            h.text(e.purpose);
            h.list(&e.grantable_to);
            let hash = h.hash();
            Prepared::Entitlement(e, hash)
        }
        Record::Resource(r) => {
            let mut h = Parts(scratch);
            h.text(&r.name);
            h.text(r.kind.label());
            h.option(r.parent.as_ref().map(|p| p.resource_type.as_str()));
            h.option(r.parent.as_ref().map(|p| p.id.as_str()));
            h.text(&r.profile);
            if let Some(u) = &r.user {
                h.text(u.status.label());
                for part in [&u.status_detail, &u.email, &u.login, &u.given_name, &u.family_name] {
                    h.option(part.as_deref());
                }
                h.list(&u.other_emails);
                let employment = u.employment.as_ref().and_then(|e| serde_json::to_string(e).ok());
                h.option(employment.as_deref());
            }
            let hash = h.hash();
            Prepared::Resource(r, hash)
        }
    }
}

struct Parts<'a>(&'a mut Vec<u8>);

impl Parts<'_> {
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

    fn hash(self) -> u128 {
        xxh3_128(self.0).max(1)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{Kind, ResourceId, Status, User};

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

    fn hash(r: Resource) -> u128 {
        match prepare(Record::Resource(Box::new(r)), &mut Vec::new()) {
            Prepared::Resource(_, hash) => hash,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_part_of_the_content_counts_and_the_key_does_not() {
        let base = hash(agent("1", "Ann"));
        assert_eq!(base, hash(agent("1", "Ann")));
        type Change = fn(&mut Resource);
        let changes: [Change; 6] = [
            |r| r.name = "Ben".into(),
            |r| r.profile = "{\"a\":1}".into(),
            |r| r.parent = Some(ResourceId { resource_type: "team".into(), id: "1".into() }),
            |r| r.kind = Kind::Group,
            |r| r.user.as_mut().expect("user").status = Status::Disabled,
            |r| {
                let user = r.user.as_mut().expect("user");
                user.login = user.email.take();
            },
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut changed = agent("1", "Ann");
            change(&mut changed);
            assert_ne!(base, hash(changed), "change {i}");
        }
    }
}
