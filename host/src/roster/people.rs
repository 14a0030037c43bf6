//! The people of one snapshot, as small as they can be: everything they are is numbers of texts.

use super::field::Field;
use super::texts::{Text, Texts, folded};
use crate::model::{Status, is_date};
use crate::store::people::PersonRow;
use std::collections::HashMap;

/// Somebody. What is not known is [`Text::NONE`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Person {
    /// `type:id`.
    pub key: Text,
    /// The vendor's own id alone.
    pub id: Text,
    /// The whole name.
    pub name: Text,
    /// First name.
    pub given_name: Text,
    /// Last name.
    pub family_name: Text,
    /// Address for work, as the vendor spells it.
    pub email: Text,
    /// The same in small letters.
    pub address: Text,
    /// The employer's number.
    pub employee_id: Text,
    /// Job title.
    pub title: Text,
    /// Name of the department.
    pub department: Text,
    /// Name of the location.
    pub location: Text,
    /// The vendor's own word.
    pub employment_type: Text,
    /// The key of the manager; the address in small letters where the vendor says no more and it is no one person's.
    pub manager: Text,
    /// First day.
    pub start_date: Text,
    /// Last day.
    pub end_date: Text,
    /// The vendor says that the person has left.
    pub departed: bool,
}

impl Person {
    /// The value of a field as the vendor has it; of the manager the key.
    pub fn get(&self, field: Field) -> Text {
        match field {
            Field::GivenName => self.given_name,
            Field::FamilyName => self.family_name,
            Field::Email => self.email,
            Field::EmployeeId => self.employee_id,
            Field::Title => self.title,
            Field::Department => self.department,
            Field::Location => self.location,
            Field::EmploymentType => self.employment_type,
            Field::Manager => self.manager,
            Field::StartDate => self.start_date,
        }
    }

    /// Whether this is the last day of a stay: one before the first day belongs to an earlier one.
    fn ends(&self, texts: &Texts) -> bool {
        let earlier = !self.start_date.is_none() && texts.get(self.end_date) < texts.get(self.start_date);
        !self.end_date.is_none() && !earlier
    }

    /// Whether the person has left by this day, or leaves on it.
    pub fn is_leaving(&self, texts: &Texts, today: &str) -> bool {
        self.departed || (self.ends(texts) && texts.get(self.end_date) <= today)
    }

    /// Whether the person works on and is going to leave.
    pub fn will_leave(&self, texts: &Texts, today: &str) -> bool {
        self.ends(texts) && !self.is_leaving(texts, today)
    }
}

/// All of one snapshot.
#[derive(Debug, Default)]
pub struct People {
    all: Vec<Person>,
    by_key: HashMap<Text, usize>,
    /// Managers of some are named by their address.
    by_address: bool,
}

impl People {
    /// One more.
    pub fn add(&mut self, texts: &mut Texts, row: &PersonRow) {
        let job = &row.employment;
        let mut add = |text: &Option<String>| texts.add(text.as_deref().unwrap_or_default());
        let day = |text: &Option<String>| text.clone().filter(|day| is_date(day.trim()));
        let mut person = Person {
            given_name: add(&row.given_name),
            family_name: add(&row.family_name),
            email: add(&row.email),
            employee_id: add(&job.employee_id),
            title: add(&job.title),
            department: add(&job.department),
            location: add(&job.location),
            employment_type: add(&job.employment_type),
            start_date: add(&day(&job.start_date)),
            end_date: add(&day(&job.end_date)),
            departed: row.status.as_deref() == Some(Status::Departed.label()),
            ..Person::default()
        };
        person.id = texts.add(&row.id);
        person.key = texts.add(&format!("{}:{}", row.resource_type, row.id));
        person.name = texts.add(&row.name);
        let address = folded(texts.get(person.email));
        person.address = texts.add(&address);
        if let Some(manager) = &job.manager {
            person.manager = texts.add(&manager.to_string());
        } else if let Some(email) = &job.manager_email {
            person.manager = texts.add_folded(email);
            self.by_address |= !person.manager.is_none();
        }
        self.all.push(person);
    }

    /// After the last one: brings them into one order, whatever order they came in, by type and id, shorter ids first;
    /// and finds the managers who are named by their address.
    pub fn settle(&mut self, texts: &Texts) {
        fn order<'t>(p: &Person, texts: &'t Texts) -> (&'t str, usize, &'t str) {
            let (key, id) = (texts.get(p.key), texts.get(p.id));
            (key.split(':').next().unwrap_or_default(), id.len(), id)
        }
        self.all.sort_unstable_by(|a, b| order(a, texts).cmp(&order(b, texts)));
        self.by_key = self.all.iter().map(|p| p.key).zip(0..).collect();
        if self.by_address {
            self.find_managers();
        }
    }

    /// An address is a manager where one person has it: of several the one who has not left.
    fn find_managers(&mut self) {
        let mut holders: HashMap<Text, (Text, bool)> = HashMap::with_capacity(self.all.len());
        for person in self.all.iter().filter(|person| !person.address.is_none()) {
            let one = (person.key, person.departed);
            let of = |(key, departed): &mut (Text, bool)| match (*departed, person.departed) {
                (true, false) => (*key, *departed) = one,
                (false, true) => {}
                _ => *key = Text::NONE,
            };
            holders.entry(person.address).and_modify(of).or_insert(one);
        }
        for person in &mut self.all {
            if !self.by_key.contains_key(&person.manager)
                && let Some((key, _)) = holders.get(&person.manager).filter(|(key, _)| !key.is_none())
            {
                person.manager = *key;
            }
        }
    }

    /// In their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Person> {
        self.all.iter()
    }

    /// The one at this place.
    pub fn get(&self, at: usize) -> Option<&Person> {
        self.all.get(at)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Where the person of this key is.
    pub fn find(&self, key: Text) -> Option<usize> {
        self.by_key.get(&key).copied()
    }
}
