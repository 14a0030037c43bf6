//! What goes in comes out, and the hash of a content is the same for ever.

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
