//! Rosters of tests: people said in a few words.

use super::people::People;
use super::texts::Texts;
use crate::model::{Employment, ResourceId};
use crate::store::people::PersonRow;

/// Somebody, as a test describes it. The manager is an id of the same roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sketch {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) given_name: String,
    pub(super) family_name: String,
    pub(super) email: String,
    pub(super) number: String,
    pub(super) title: String,
    pub(super) department: String,
    pub(super) location: String,
    pub(super) employment_type: String,
    pub(super) manager: String,
    pub(super) manager_email: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) departed: bool,
}

impl Sketch {
    /// An id and nothing else.
    pub(super) fn new(id: &str) -> Sketch {
        Sketch { id: id.to_owned(), ..Sketch::default() }
    }

    /// Somebody as most tests need one, who could be hired: name and address of the id.
    pub(super) fn usual(id: &str) -> Sketch {
        Sketch::new(id).name(id, "Lee").email(&format!("{id}@acme.test")).title("Maker").starts("2001-01-01")
    }

    pub(super) fn name(mut self, given: &str, family: &str) -> Sketch {
        (self.given_name, self.family_name) = (given.to_owned(), family.to_owned());
        self.name = format!("{given} {family}").trim().to_owned();
        self
    }

    pub(super) fn shown_as(mut self, name: &str) -> Sketch {
        name.clone_into(&mut self.name);
        self
    }

    pub(super) fn email(mut self, email: &str) -> Sketch {
        email.clone_into(&mut self.email);
        self
    }

    pub(super) fn number(mut self, number: &str) -> Sketch {
        number.clone_into(&mut self.number);
        self
    }

    pub(super) fn title(mut self, title: &str) -> Sketch {
        title.clone_into(&mut self.title);
        self
    }

    pub(super) fn department(mut self, department: &str) -> Sketch {
        department.clone_into(&mut self.department);
        self
    }

    pub(super) fn location(mut self, location: &str) -> Sketch {
        location.clone_into(&mut self.location);
        self
    }

    pub(super) fn kind(mut self, word: &str) -> Sketch {
        word.clone_into(&mut self.employment_type);
        self
    }

    pub(super) fn manager(mut self, id: &str) -> Sketch {
        id.clone_into(&mut self.manager);
        self
    }

    pub(super) fn manager_by(mut self, email: &str) -> Sketch {
        email.clone_into(&mut self.manager_email);
        self
    }

    pub(super) fn starts(mut self, day: &str) -> Sketch {
        day.clone_into(&mut self.start);
        self
    }

    pub(super) fn ends(mut self, day: &str) -> Sketch {
        day.clone_into(&mut self.end);
        self
    }

    pub(super) fn departed(mut self) -> Sketch {
        self.departed = true;
        self
    }

    fn row(&self, of_type: &str) -> PersonRow {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        PersonRow {
            resource_type: of_type.to_owned(),
            id: self.id.clone(),
            name: self.name.clone(),
            email: given(&self.email),
            given_name: given(&self.given_name),
            family_name: given(&self.family_name),
            status: Some(if self.departed { "departed" } else { "enabled" }.to_owned()),
            employment: Employment {
                employee_id: given(&self.number),
                title: given(&self.title),
                department: given(&self.department),
                location: given(&self.location),
                employment_type: given(&self.employment_type),
                manager: given(&self.manager).map(|id| ResourceId { resource_type: of_type.to_owned(), id }),
                manager_email: given(&self.manager_email),
                start_date: given(&self.start),
                end_date: given(&self.end),
            },
        }
    }
}

/// A roster of these.
pub(super) fn people(texts: &mut Texts, of_type: &str, all: &[Sketch]) -> People {
    let mut people = People::default();
    all.iter().for_each(|sketch| people.add(texts, &sketch.row(of_type)));
    people.settle(texts);
    people
}
