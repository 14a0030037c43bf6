//! Who is in the company, and how the roster says it.

use serde_json::{Map, Value, json};

/// How much of what is not known a person's row says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// The key is there with `null`.
    #[default]
    Null,
    /// The key is there with an empty text.
    Empty,
    /// The key is not there.
    Absent,
}

/// Somebody in the roster. A field without value is empty.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub uuid: String,
    pub number: String,
    pub first: String,
    pub last: String,
    pub preferred: String,
    pub work_email: String,
    pub home_email: String,
    pub title: String,
    pub department: String,
    pub location: String,
    pub start: String,
    pub terminated: String,
    pub kind: String,
    /// As the roster writes it.
    pub manager: Value,
    /// The uuid of the manager that is meant; empty where none can be found.
    pub reports_to: String,
    pub unknown: Unknown,
}

impl Person {
    /// An employee since 2020 with an address at `lantern.test`, and nothing else known.
    pub fn new(uuid: &str, first: &str, last: &str) -> Self {
        Self {
            uuid: uuid.to_owned(),
            first: first.to_owned(),
            last: last.to_owned(),
            work_email: format!("{uuid}@lantern.test"),
            start: "2020-02-03".to_owned(),
            kind: "employee".to_owned(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn number(mut self, number: &str) -> Self {
        number.clone_into(&mut self.number);
        self
    }

    #[must_use]
    pub fn preferred(mut self, name: &str) -> Self {
        name.clone_into(&mut self.preferred);
        self
    }

    #[must_use]
    pub fn email(mut self, address: &str) -> Self {
        address.clone_into(&mut self.work_email);
        self
    }

    #[must_use]
    pub fn home_email(mut self, address: &str) -> Self {
        address.clone_into(&mut self.home_email);
        self
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
    pub fn started(mut self, day: &str) -> Self {
        day.clone_into(&mut self.start);
        self
    }

    #[must_use]
    pub fn terminated(mut self, day: &str) -> Self {
        day.clone_into(&mut self.terminated);
        self
    }

    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// The manager, as the roster writes it, and who is meant.
    #[must_use]
    pub fn manager(mut self, written: impl Into<Value>, meant: &str) -> Self {
        self.manager = written.into();
        meant.clone_into(&mut self.reports_to);
        self
    }

    #[must_use]
    pub fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// The row.
    pub fn json(&self) -> Value {
        let mut row = Map::new();
        let texts = [
            ("uuid", &self.uuid),
            ("employeeId", &self.number),
            ("firstName", &self.first),
            ("lastName", &self.last),
            ("preferredName", &self.preferred),
            ("workEmail", &self.work_email),
            ("homeEmail", &self.home_email),
            ("title", &self.title),
            ("department", &self.department),
            ("location", &self.location),
            ("startDate", &self.start),
            ("terminatedDate", &self.terminated),
            ("memberType", &self.kind),
        ];
        let mut put = |key: &str, value: Value| match (value.is_null() || value == "", self.unknown) {
            (false, _) => drop(row.insert(key.to_owned(), value)),
            (true, Unknown::Null) => drop(row.insert(key.to_owned(), Value::Null)),
            (true, Unknown::Empty) => drop(row.insert(key.to_owned(), json!(""))),
            (true, Unknown::Absent) => {}
        };
        texts.into_iter().for_each(|(key, text)| put(key, json!(text)));
        put("manager", self.manager.clone());
        // What nobody asked for, and what changes by itself.
        row.insert("pay".to_owned(), json!({"base": 10_000_000, "currency": "USD"}));
        row.insert("lastSeenAt".to_owned(), json!(crate::justworks::totp::step()));
        Value::Object(row)
    }
}

/// The company.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub people: Vec<Person>,
    /// Rows as they are, after those of the people.
    pub rows: Vec<Value>,
    /// The whole answer, in place of a roster.
    pub instead: Option<String>,
}

impl World {
    /// The roster's answer: the rows come in another order from answer to answer.
    pub(super) fn json(&self) -> String {
        if let Some(answer) = &self.instead {
            return answer.clone();
        }
        let mut rows: Vec<Value> = self.people.iter().map(Person::json).chain(self.rows.iter().cloned()).collect();
        if !rows.is_empty() {
            let turn = usize::try_from(crate::justworks::turn()).unwrap_or(0) % rows.len();
            rows.rotate_left(turn);
        }
        json!({"members": rows, "total": rows.len()}).to_string()
    }

    /// The person of this uuid.
    #[track_caller]
    pub fn person(&mut self, uuid: &str) -> &mut Person {
        self.people.iter_mut().find(|person| person.uuid == uuid).expect("that person")
    }
}

/// Eight people: a head, three who report to her, a contractor, one who has left, one who starts in 2099, and one of whom next
/// to nothing is known. Each way to name a manager is there.
pub fn demo() -> World {
    let people = vec![
        Person::new("u-01", "Margaret", "Field")
            .preferred("Meg")
            .number("LW-001")
            .title("Chief Executive")
            .works("Executive", "Boston")
            .home_email("meg@home.test"),
        Person::new("u-02", "Idris", "Oak")
            .title("VP Engineering")
            .works("Engineering", "Boston")
            .manager("u-01@lantern.test", "u-01"),
        Person::new("u-03", "Sana", "Malik").title("Engineer").works("Engineering", "Remote").manager("u-02", "u-02"),
        Person::new("u-04", "Jonas", "Lind")
            .title("Engineer")
            .works("Engineering", "Boston")
            .manager("Idris Oak", "u-02"),
        Person::new("u-05", "Chloé", "Petit")
            .kind("contractor")
            .works("Design", "Remote")
            .manager(json!({"uuid": "u-01", "name": "Margaret Field"}), "u-01"),
        Person::new("u-06", "Old", "Timer")
            .works("Sales", "Boston")
            .terminated("2024-06-30")
            .manager(json!({"workEmail": "U-01@Lantern.test"}), "u-01"),
        Person::new("u-07", "New", "Hire")
            .started("2099-01-04")
            .works("Design", "Boston")
            .manager(json!({"name": "meg  FIELD"}), "u-01"),
        Person::new("u-08", "נועה", "לוי")
            .email("")
            .works("", "")
            .manager("Meg Field", "u-01")
            .unknown(Unknown::Absent),
    ];
    World { people, ..World::default() }
}

/// This many people under one head in a tree of tens, in fifty departments and twelve offices.
pub fn large(people: usize) -> World {
    let uuid = |n: usize| format!("{n:08}-0000-4000-8000-{n:012}");
    let person = |n: usize| {
        let above = n.saturating_sub(1) / 10;
        let person = Person::new(&uuid(n), &format!("First{n}"), &format!("Last{n}"))
            .number(&n.to_string())
            .title("Associate of the second degree")
            .works(&format!("Department {}", n % 50), &format!("Office {}", n % 12));
        if n == 0 { person } else { person.manager(format!("{}@lantern.test", uuid(above)), &uuid(above)) }
    };
    World { people: (0..people).map(person).collect(), ..World::default() }
}
