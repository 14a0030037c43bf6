//! A plan as the changes that a target is asked to make, in the order in which they are made: new values of people, since
//! others are named by a manager's new address; hires, managers before their reports; moves, below people who were
//! hired just now; departures, when nobody reports to them any more.

use super::field::Field;
use super::plan::{Change, Plan};
use super::word::Word;
use crate::acting::{FieldChange, RosterChange};
use crate::model::ResourceId;

/// The changes of a plan.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// In their order.
    pub list: Vec<RosterChange>,
    /// Who each of them is about: the address, or the target's id where there is none.
    pub subjects: Vec<String>,
    /// All that each of them may be known by, addresses in small letters: the id, the address before and after.
    pub keys: Vec<Vec<String>>,
}

impl Changes {
    /// Of a plan that was read or made.
    pub fn of(plan: &Plan) -> Changes {
        let mut out = Changes::default();
        plan.changes.iter().for_each(|change| out.update(change));
        for hire in &plan.hires {
            let fields = hire.fields.iter().map(|(field, value)| new(field.name(), value)).collect();
            let (name, email) = (hire.name.clone(), hire.email.clone());
            out.add(Some(hire.email.as_str()), "", RosterChange::Hire { name, email, fields });
        }
        plan.moves.iter().for_each(|change| out.update(change));
        for departure in &plan.departures {
            let (id, email) = (resource(&departure.id), departure.email.as_ref().map(Word::to_string));
            let date = departure.date.clone();
            let change = RosterChange::Depart { id, email, date, backfill: departure.backfill };
            out.add(departure.email.as_deref(), &departure.id, change);
        }
        out
    }

    fn update(&mut self, change: &Change) {
        let fields = change.fields.iter().map(|f| new(f.field.name(), &f.new)).collect();
        let (id, email) = (resource(&change.id), change.email.as_ref().map(Word::to_string));
        self.add(change.email.as_deref(), &change.id, RosterChange::Update { id, email, fields });
        let after = change.fields.iter().filter(|f| f.field == Field::Email).map(|f| f.new.to_lowercase());
        if let Some(keys) = self.keys.last_mut() {
            keys.extend(after);
        }
    }

    fn add(&mut self, email: Option<&str>, id: &str, change: RosterChange) {
        self.subjects.push(email.unwrap_or(id).to_owned());
        let known = email.map(str::to_lowercase);
        self.keys.push(known.into_iter().chain((!id.is_empty()).then(|| id.to_owned())).collect());
        self.list.push(change);
    }
}

fn new(field: &str, value: &str) -> FieldChange {
    FieldChange { field: field.to_owned(), value: value.to_owned() }
}

/// `type:id`, which reading a plan has checked.
fn resource(text: &str) -> ResourceId {
    let (resource_type, id) = text.split_once(':').unwrap_or(("", text));
    ResourceId { resource_type: resource_type.to_owned(), id: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_before_hires_and_moves_after_them() {
        let options = serde_json::to_string(&super::super::Options::default()).unwrap();
        let text = r#"{"plan": 1, "from": {"connection": "a", "run": 1}, "to": {"connection": "b", "run": 2}, "options": OPTIONS,
            "hires": [{"email": "h@a.test", "name": "H", "fields": {"email": "h@a.test", "title": "Cook", "manager": "m@a.test"}}],
            "changes": [{"id": "person:1", "email": "old@a.test", "name": "M", "fields": [
                {"field": "email", "old": "old@a.test", "new": "m@a.test"}]}],
            "moves": [{"id": "person:2:x", "email": null, "name": "N", "fields": [
                {"field": "manager", "old": null, "new": "h@a.test"}]}],
            "departures": [{"id": "person:3", "email": "d@a.test", "name": "D", "date": "2026-02-01", "backfill": true}],
            "skipped": []}"#;
        let changes = Changes::of(&Plan::read(&text.replace("OPTIONS", &options)).unwrap());
        assert_eq!(changes.keys[0], ["old@a.test", "person:1", "m@a.test"]);
        assert_eq!(changes.subjects, ["old@a.test", "h@a.test", "person:2:x", "d@a.test"]);
        let [
            RosterChange::Update { .. },
            RosterChange::Hire { fields, .. },
            RosterChange::Update { id, email: None, .. },
            RosterChange::Depart { date, backfill: true, .. },
        ] = changes.list.as_slice()
        else {
            panic!("{changes:?}")
        };
        assert_eq!(fields, &[new("email", "h@a.test"), new("title", "Cook"), new("manager", "m@a.test")]);
        assert_eq!((id.resource_type.as_str(), id.id.as_str(), date.as_str()), ("person", "2:x", "2026-02-01"));
    }
}
