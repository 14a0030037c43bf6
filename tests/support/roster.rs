//! People as a list, for a fake that pays them and a fake that charts them.

use crate::charthop::world::Person as Charted;
use crate::charthop::{self, FakeChartHop};
use crate::justworks::{self, FakeJustworks, Person as Paid, World};

/// Somebody. Empty: not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub email: String,
    pub first: String,
    pub last: String,
    pub title: String,
    pub department: String,
    pub location: String,
    /// The manager's work address.
    pub manager: String,
    /// `YYYY-MM-DD`.
    pub start: String,
    /// Last day, `YYYY-MM-DD`.
    pub end: String,
    /// The employee number.
    pub employee: String,
    /// As Justworks writes it: `employee`, `contractor`.
    pub kind: String,
}

impl Member {
    /// An employee since 2020 with an address and names, and nothing else known.
    pub fn new(email: &str, first: &str, last: &str) -> Self {
        Self {
            email: email.to_owned(),
            first: first.to_owned(),
            last: last.to_owned(),
            start: "2020-02-03".to_owned(),
            kind: "employee".to_owned(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// Department and location.
    #[must_use]
    pub fn works(mut self, department: &str, location: &str) -> Self {
        department.clone_into(&mut self.department);
        location.clone_into(&mut self.location);
        self
    }

    #[must_use]
    pub fn manager(mut self, email: &str) -> Self {
        email.clone_into(&mut self.manager);
        self
    }

    #[must_use]
    pub fn started(mut self, day: &str) -> Self {
        day.clone_into(&mut self.start);
        self
    }

    #[must_use]
    pub fn ended(mut self, day: &str) -> Self {
        day.clone_into(&mut self.end);
        self
    }

    #[must_use]
    pub fn employee(mut self, number: &str) -> Self {
        number.clone_into(&mut self.employee);
        self
    }

    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// As ChartHop writes the kind; none where it is another.
    fn employment(&self) -> Option<String> {
        let word = match self.kind.as_str() {
            "employee" => "FULL",
            "contractor" => "CONTRACT",
            _ => return None,
        };
        Some(word.to_owned())
    }
}

/// A ChartHop with these people and no others.
pub fn charthop(members: &[Member]) -> charthop::Builder {
    let number_of = |email: &str| members.iter().position(|member| member.email == email).map(|at| at as u64 + 1);
    let known = |text: &String| (!text.is_empty()).then(|| text.clone());
    let person = |(number, member): (u64, &Member)| Charted {
        first: member.first.clone(),
        last: member.last.clone(),
        email: known(&member.email),
        employee: known(&member.employee),
        title: known(&member.title),
        manager: number_of(&member.manager).filter(|_| !member.manager.is_empty()),
        department: known(&member.department),
        location: known(&member.location),
        start: known(&member.start),
        end: known(&member.end),
        employment: member.employment(),
        ..Charted::new(number, &member.email)
    };
    FakeChartHop::builder().people((1..).zip(members).map(person).collect())
}

/// A Justworks with these people and no others; each one's uuid is `m-` and the place in the list, from 1.
pub fn justworks(members: &[Member]) -> justworks::Builder {
    let people = (1..).zip(members).map(|(place, member)| paid(place, member)).collect();
    FakeJustworks::demo().edited(|world| *world = World { people, ..World::default() })
}

/// Somebody as the roster of a Justworks has it.
pub fn paid(place: usize, member: &Member) -> Paid {
    let person = Paid {
        kind: member.kind.clone(),
        number: member.employee.clone(),
        terminated: member.end.clone(),
        start: member.start.clone(),
        ..Paid::new(&format!("m-{place}"), &member.first, &member.last)
    };
    let person = person.email(&member.email).title(&member.title).works(&member.department, &member.location);
    if member.manager.is_empty() { person } else { person.manager(member.manager.as_str(), "") }
}
