//! Two vendors side by side: a Justworks whose people are right, and a ChartHop that is to say the same of them.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use crate::charthop::place::{TOKEN, profile};
use crate::charthop::world::{Person, Stage};
use crate::charthop::{self, FakeChartHop};
use crate::justworks::{FakeJustworks, PASSWORD, PASSWORD_VARIABLE, Person as Member, SECRET, SECRET_VARIABLE, demo};
use crate::roster;
use crate::scene::Scene;

/// A scene with the connections `justworks` and `charthop`, not synced yet.
pub struct Pair {
    scene: Scene,
    justworks: FakeJustworks,
    charthop: FakeChartHop,
}

impl Pair {
    /// Starts both, with these people and nobody else.
    pub fn new(members: Vec<Member>, persons: Vec<Person>) -> Self {
        let justworks = FakeJustworks::demo().edited(|world| world.people = members).start();
        let charthop = charthop::FakeChartHop::builder().persons(0).writable().start();
        charthop.edit(|world| persons.into_iter().for_each(|person| world.put(person)));
        Self::of(justworks, charthop)
    }

    /// Starts both, with people as one list has them and people as the other has them.
    pub fn rosters(source: &[roster::Member], target: &[roster::Member]) -> Self {
        Self::of(roster::justworks(source).start(), roster::charthop(target).writable().start())
    }

    fn of(justworks: FakeJustworks, charthop: FakeChartHop) -> Self {
        let scene = Scene::new()
            .built_connector("justworks")
            .built_connector("charthop")
            .env(PASSWORD_VARIABLE, PASSWORD)
            .env(SECRET_VARIABLE, SECRET)
            .env(TOKEN, charthop.token())
            .connection(justworks.profile("justworks"))
            .connection(profile("charthop", &charthop));
        Self { scene, justworks, charthop }
    }

    /// The company of the Justworks demo and some more, and a ChartHop that knows most of it and not all of it rightly:
    /// each kind of change is there, people who are left alone for one reason or another, and somebody whom only
    /// ChartHop has.
    pub fn demo() -> Self {
        let mut members = demo().people;
        let of = |number: u64, first: &str, last: &str, title: &str| Person {
            title: Some(title.to_owned()),
            location: Some("Boston".to_owned()),
            manager: Some(1),
            start: Some("2020-02-03".to_owned()),
            email: Some(format!("u-{number:02}@lantern.test")),
            ..person(number, first, last)
        };
        for member in &mut members {
            if member.uuid == "u-03" {
                "0042".clone_into(&mut member.number);
                "sana.malik@lantern.test".clone_into(&mut member.work_email);
            }
            if member.uuid == "u-07" {
                "Head of Design".clone_into(&mut member.title);
            }
        }
        members.extend([
            Member::new("u-09", "Ada", "Ito").title("Designer").works("Design", "Remote").manager("New Hire", "u-07"),
            Member::new("u-10", "Tom", "One").email("shared@lantern.test"),
            Member::new("u-11", "Tim", "Two").email("shared@lantern.test"),
            Member::new("u-12", "Paul\u{202e}gnp", "Ring").title("Cook").manager("u-13", "u-13"),
            Member::new("u-13", "Rita", "Ring").title("Cook").manager("u-12", "u-12"),
        ]);
        let persons = vec![
            Person { manager: None, employee: Some("LW-001".to_owned()), ..of(1, "Margaret", "Field", "CEO") },
            Person { department: Some("Engineering".to_owned()), ..of(2, "Idris", "Oak", "VP Engineering") },
            Person {
                employee: Some("0042".to_owned()),
                department: Some("Engineering".to_owned()),
                ..of(3, "Sana", "Malik", "Engineer")
            },
            Person { start: Some("2020-03-02".to_owned()), ..of(4, "Jonas", "Lind", "Engineer") },
            of(6, "Old", "Timer", "Seller"),
            Person { email: Some("only.here@lantern.test".to_owned()), ..of(20, "Only", "Here", "Guest") },
        ];
        Self::new(members, persons)
    }

    /// Both read once, one after the other: the numbers of the runs are 1 and 2.
    #[must_use]
    pub fn synced(self) -> Self {
        self.scene.muster(["sync", "justworks"]).exits(0);
        self.scene.muster(["sync", "charthop"]).exits(0);
        self
    }

    /// The source.
    pub fn justworks(&self) -> &FakeJustworks {
        &self.justworks
    }

    /// The target.
    pub fn charthop(&self) -> &FakeChartHop {
        &self.charthop
    }
}

/// Somebody who works at the ChartHop and of whom nothing else is known.
pub fn person(number: u64, first: &str, last: &str) -> Person {
    Person {
        number,
        first: first.to_owned(),
        last: last.to_owned(),
        pref: None,
        email: None,
        employee: None,
        title: None,
        manager: None,
        department: None,
        location: None,
        start: None,
        end: None,
        employment: None,
        groups: BTreeSet::new(),
        stage: Stage::Current,
    }
}

impl Deref for Pair {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl DerefMut for Pair {
    fn deref_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }
}
