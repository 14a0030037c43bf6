//! By which work address somebody is named in a file. Pure.
//!
//! Once the new addresses are written, everybody has theirs, and whoever is hired comes before those who are below them.
//! A dry run writes nothing, and each of its files meets everybody as before the plan: there people go by the address
//! of now, and who is hired by another file is nobody yet.

use std::collections::{HashMap, HashSet};

use muster_sdk::roster::{RosterChange, Update};

/// The work address that an update writes.
pub(crate) fn new_address(update: &Update) -> Option<&str> {
    update.fields.iter().find(|change| change.field == "email").map(|change| change.value.as_str())
}

/// An address as it is compared.
pub(crate) fn folded(address: &str) -> String {
    address.trim().to_lowercase()
}

/// The addresses of everybody in the changes that are written.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Addresses {
    dry_run: bool,
    /// The new ones, by the person's id: somebody may be in several updates, of which one alone has the address.
    new: HashMap<String, String>,
    /// The ones of now, by the new ones. None: there is none now.
    now: HashMap<String, Option<String>>,
    /// The managers of those who are hired, by the address of the hired.
    hired: HashMap<String, Option<String>>,
}

impl Addresses {
    /// Of the changes that can be written.
    pub(crate) fn new<'c>(changes: impl Iterator<Item = &'c RosterChange>, dry_run: bool) -> Addresses {
        let mut addresses = Addresses { dry_run, ..Addresses::default() };
        for change in changes {
            match change {
                RosterChange::Hire(person) => {
                    let email = person.user.email.as_deref().map(folded).unwrap_or_default();
                    addresses.hired.insert(email, person.manager.clone());
                }
                RosterChange::Update(update) => {
                    let Some(new) = new_address(update) else { continue };
                    addresses.new.insert(update.id.id.clone(), new.to_owned());
                    addresses.now.insert(folded(new), update.email.clone());
                }
                RosterChange::Depart(_) => {}
            }
        }
        addresses
    }

    /// The address by which an import finds a change's person.
    pub(crate) fn of<'a>(&'a self, change: &'a RosterChange) -> Option<&'a str> {
        match change {
            RosterChange::Hire(person) => person.user.email.as_deref(),
            RosterChange::Depart(departure) => departure.email.as_deref(),
            RosterChange::Update(update) if self.dry_run => update.email.as_deref(),
            RosterChange::Update(update) => self.written(update),
        }
    }

    /// The address that somebody known has once the new ones are written.
    pub(crate) fn written<'a>(&'a self, update: &'a Update) -> Option<&'a str> {
        self.new.get(&update.id.id).map(String::as_str).or(update.email.as_deref())
    }

    /// Whether a manager can be named beside nobody else.
    pub(crate) fn is_there(&self, manager: &str) -> bool {
        let manager = folded(manager);
        let from_now_on = self.now.get(&manager).is_some_and(Option::is_none);
        !self.dry_run || !from_now_on && (self.now.contains_key(&manager) || !self.hired.contains_key(&manager))
    }

    /// What a manager's cell says; `beside`: who is hired by the same file. In place of somebody who is hired by another
    /// one a dry run names the next manager above, so that the row is tried as that of anybody but the head; none where
    /// there is no such manager.
    pub(crate) fn manager<'a>(&'a self, address: &'a str, beside: &HashSet<String>) -> Option<&'a str> {
        if !self.dry_run {
            return Some(address);
        }
        let mut named = address;
        // Nobody who is hired is met twice, unless they go in a circle.
        for _ in 0..=self.hired.len() {
            let manager = folded(named);
            if let Some(now) = self.now.get(&manager) {
                return now.as_deref();
            }
            match self.hired.get(&manager) {
                Some(above) if !beside.contains(&manager) => named = above.as_deref()?,
                _ => return Some(named),
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use muster_sdk::roster::{FieldChange, Person};
    use muster_sdk::{ResourceId, User};

    use super::*;

    fn hire(email: &str, manager: Option<&str>) -> RosterChange {
        let user = User::enabled().with_email(Some(email.to_owned()));
        RosterChange::Hire(Person { name: email.to_owned(), user, manager: manager.map(str::to_owned) })
    }

    fn renamed(email: Option<&str>, new: &str) -> RosterChange {
        let field = FieldChange { field: "email".to_owned(), value: new.to_owned() };
        let id = ResourceId::new("person", new);
        RosterChange::Update(Update { id, email: email.map(str::to_owned), fields: vec![field], effective: None })
    }

    #[test]
    fn a_dry_run_names_only_who_is_there() {
        let changes = [
            renamed(Some("old@x.test"), "New@x.test"),
            renamed(None, "first@x.test"),
            // An address that somebody else gives up in the same plan.
            renamed(Some("given@x.test"), "taken@x.test"),
            renamed(Some("taken@x.test"), "other@x.test"),
            hire("a@x.test", Some("there@x.test")),
            hire("b@x.test", Some("A@x.test")),
            hire("c@x.test", Some("new@x.test")),
            hire("head@x.test", None),
            hire("round@x.test", Some("trip@x.test")),
            hire("trip@x.test", Some("round@x.test")),
        ];
        // The manager, what a cell says of them, and whether somebody who is known can be put below them.
        let table = [
            ("there@x.test", Some("there@x.test"), true),
            ("NEW@x.test", Some("old@x.test"), true),
            ("first@x.test", None, false),
            ("taken@x.test", Some("given@x.test"), true),
            ("b@x.test", Some("there@x.test"), false),
            ("c@x.test", Some("old@x.test"), false),
            ("head@x.test", None, false),
            ("round@x.test", None, false),
        ];
        let (dry, real) = (Addresses::new(changes.iter(), true), Addresses::new(changes.iter(), false));
        for (manager, named, is_there) in table {
            assert_eq!(dry.manager(manager, &HashSet::new()), named, "{manager}");
            assert_eq!(dry.is_there(manager), is_there, "{manager}");
            assert_eq!(real.manager(manager, &HashSet::new()), Some(manager));
            assert!(real.is_there(manager), "{manager}");
        }
        let beside = HashSet::from(["a@x.test".to_owned()]);
        assert_eq!(dry.manager("a@x.test", &beside), Some("a@x.test"), "the same file hires them before");
        assert_eq!(dry.manager("b@x.test", &beside), Some("A@x.test"));
    }

    #[test]
    fn an_import_finds_people_by_the_address_they_have_then() {
        let table = [(Some("old@x.test"), Some("old@x.test")), (None, None)];
        for (email, before) in table {
            let changes = [renamed(email, "new@x.test")];
            assert_eq!(Addresses::new(changes.iter(), true).of(&changes[0]), before);
            assert_eq!(Addresses::new(changes.iter(), false).of(&changes[0]), Some("new@x.test"));
        }
    }
}
