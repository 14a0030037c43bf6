//! Reading a plan that somebody may have edited: every mistake is one sentence.

use super::field::Field;
use super::plan::{Change, FieldChange, Hire, Plan, Snapshot, VERSION};
use super::texts::folded;
use super::words;
use crate::model::{check_id, is_date, is_slug};
use serde::Deserialize;
use std::collections::HashSet;
use thiserror::Error;

/// Why a text is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// No JSON, or JSON of another shape.
    #[error("it is no plan: {0}")]
    Shape(String),
    /// Of another version.
    #[error("it is a plan of version {0}, and this muster reads version {VERSION}: make it anew with `muster plan`")]
    Version(String),
    /// An entry that cannot be.
    #[error("{section}: {who}: {why}")]
    Entry {
        /// `hires`, `changes` and so on.
        section: &'static str,
        /// Whose.
        who: String,
        /// What is wrong, as half a sentence.
        why: String,
    },
}

type Checked = Result<(), String>;

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// The first mistake.
    pub fn read(text: &str) -> Result<Plan, PlanError> {
        #[derive(Deserialize)]
        struct Head {
            plan: Option<serde_json::Value>,
        }
        if !text.trim_start().starts_with('{') {
            return Err(PlanError::Shape("it has to be one JSON object, as `muster plan -o` writes it".to_owned()));
        }
        // Another version may have other keys, so its number is looked at first.
        let head: Head = serde_json::from_str(text).map_err(shape)?;
        match head.plan {
            None => return Err(PlanError::Shape("there is no `plan`, the number of its version".to_owned())),
            Some(version) if version != VERSION => return Err(PlanError::Version(version.to_string())),
            Some(_) => {}
        }
        let plan: Plan = serde_json::from_str(text).map_err(shape)?;
        check(&plan)?;
        Ok(plan)
    }
}

/// What serde says, without its words for things of Rust.
fn shape(e: serde_json::Error) -> PlanError {
    let text = e.to_string().replace("unknown variant", "unknown word").replace("struct ", "");
    PlanError::Shape(text)
}

fn check(plan: &Plan) -> Result<(), PlanError> {
    let entry = |section: &'static str, who: &str| {
        let who = who.to_owned();
        move |why: String| PlanError::Entry { section, who, why }
    };
    for (section, snapshot) in [("from", &plan.from), ("to", &plan.to)] {
        check_snapshot(snapshot).map_err(entry(section, &snapshot.connection))?;
    }
    if plan.from.connection == plan.to.connection {
        let why = "a plan is between two connections".to_owned();
        return Err(entry("to", &plan.to.connection)(why));
    }
    let mut known = HashSet::new();
    for hire in &plan.hires {
        check_hire(hire, &mut known).map_err(entry("hires", &hire.email))?;
    }
    let mut known = HashSet::new();
    for change in &plan.changes {
        check_change(change, &mut known, false).map_err(entry("changes", &change.id))?;
    }
    let mut known = HashSet::new();
    for change in &plan.moves {
        check_change(change, &mut known, true).map_err(entry("moves", &change.id))?;
    }
    let mut known = HashSet::new();
    for departure in &plan.departures {
        let checked = check_key(&departure.id, &mut known).and_then(|()| match departure.date.as_str() {
            date if !is_date(date) => Err(format!("the date {date} is no day (YYYY-MM-DD)")),
            _ => departure.email.as_deref().map_or(Ok(()), check_text),
        });
        checked.map_err(entry("departures", &departure.id))?;
    }
    Ok(())
}

fn check_snapshot(snapshot: &Snapshot) -> Checked {
    match snapshot.connection.is_empty() || snapshot.run < 1 {
        true => Err("a connection and the number of its run are needed".to_owned()),
        false => check_text(&snapshot.connection),
    }
}

fn check_hire(hire: &Hire, known: &mut HashSet<String>) -> Checked {
    check_text(&hire.email)?;
    if !known.insert(folded(&hire.email)) {
        return Err("it is there twice".to_owned());
    }
    match hire.fields.get(&Field::Email) {
        Some(email) if *email != hire.email => return Err(format!("its fields say the email {email}")),
        Some(_) => {}
        None => return Err("its fields have no email".to_owned()),
    }
    hire.fields.iter().try_for_each(|(field, value)| check_value(*field, value))
}

fn check_change(change: &Change, known: &mut HashSet<String>, moves: bool) -> Checked {
    check_key(&change.id, known)?;
    if let Some(email) = &change.email {
        check_text(email)?;
    }
    if change.fields.is_empty() {
        return Err("it changes nothing: take the entry out".to_owned());
    }
    let mut fields = HashSet::new();
    for FieldChange { field, new, .. } in &change.fields {
        match (field.is_move(), moves) {
            (true, false) => return Err(format!("{field} belongs into moves")),
            (false, true) => return Err(format!("{field} belongs into changes")),
            _ if !fields.insert(field) => return Err(format!("{field} is there twice")),
            _ => check_value(*field, new)?,
        }
    }
    Ok(())
}

/// `type:id`, each once.
fn check_key(key: &str, known: &mut HashSet<String>) -> Checked {
    let Some((_, id)) = key.split_once(':').filter(|(of_type, _)| is_slug(of_type)) else {
        return Err("an id is TYPE:ID, as `muster resources` lists them".to_owned());
    };
    check_id(id).map_err(|why| format!("the id {why}"))?;
    match known.insert(key.to_owned()) {
        true => Ok(()),
        false => Err("it is there twice".to_owned()),
    }
}

fn check_value(field: Field, value: &str) -> Checked {
    check_text(value).map_err(|why| format!("{field} {why}"))?;
    match field {
        Field::StartDate if !is_date(value) => Err(format!("{field} {value} is no day (YYYY-MM-DD)")),
        Field::EmploymentType if !words::all().any(|word| word == value) => {
            let all: Vec<&str> = words::all().collect();
            Err(format!("{field} {value} has to be one of {}", all.join(", ")))
        }
        _ => Ok(()),
    }
}

fn check_text(text: &str) -> Checked {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    match text.chars().any(char::is_control) {
        true => Err("holds a control character".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use super::super::plan::{Departure, Skipped};
    use super::*;
    use serde_json::{Value, json};

    fn plan() -> Plan {
        let change = |field, old: Option<&str>, new: &str| Change {
            id: "person:1".into(),
            email: Some("ann@acme.test".into()),
            name: "Ann Lee".into(),
            fields: vec![FieldChange { field, old: old.map(Into::into), new: new.into() }],
        };
        let fields = [(Field::Email, "bo@acme.test"), (Field::GivenName, "Bo"), (Field::StartDate, "2026-01-02")];
        Plan {
            plan: VERSION,
            from: Snapshot { connection: "hr".into(), run: 3 },
            to: Snapshot { connection: "chart".into(), run: 5 },
            options: Options::default(),
            hires: vec![Hire {
                email: "bo@acme.test".into(),
                name: "Bo".into(),
                fields: fields.map(|(field, text)| (field, text.to_owned())).into(),
            }],
            changes: vec![change(Field::Title, Some("Maker"), "Engineer")],
            moves: vec![change(Field::Manager, None, "bo@acme.test")],
            departures: vec![Departure {
                id: "person:a:b".into(),
                email: None,
                name: "Cy".into(),
                date: "2026-02-28".into(),
                backfill: false,
            }],
            skipped: vec![Skipped { who: "Di (member:4)".into(), reason: "is a contractor".into() }],
        }
    }

    fn text(plan: &Plan) -> String {
        serde_json::to_string(plan).expect("JSON")
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = plan();
        assert_eq!(Plan::read(&text(&plan)), Ok(plan.clone()));
        let pretty = serde_json::to_string_pretty(&plan).expect("JSON");
        let read = Plan::read(&pretty).expect("a plan");
        assert_eq!(read.digest(), plan.digest(), "blanks do not matter");
        assert_eq!(plan.digest().len(), 64);
        let mut other = plan.clone();
        other.hires.clear();
        assert_ne!(other.digest(), plan.digest());
        assert!(!plan.is_empty());
        let empty = Plan { hires: vec![], changes: vec![], moves: vec![], departures: vec![], ..plan };
        assert!(empty.is_empty(), "skipped people are nothing to do");
    }

    #[test]
    fn the_keys_come_in_their_order() {
        let text = text(&plan());
        let keys = ["plan", "from", "to", "options", "hires", "changes", "moves", "departures", "skipped"];
        let places: Vec<Option<usize>> = keys.iter().map(|key| text.rfind(&format!("\"{key}\":"))).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
        let change = r#"{"id":"person:1","email":"ann@acme.test","name":"Ann Lee","fields":[{"field":"title","old":"Maker","new":"Engineer"}]}"#;
        assert!(text.contains(change), "{text}");
        assert!(text.contains(r#""fields":{"given_name":"Bo","email":"bo@acme.test","start_date":"2026-01-02"}"#));
    }

    #[test]
    fn each_mistake_is_told_in_one_sentence() {
        type Edit = fn(&mut Value);
        let table: [(&str, Edit); 24] = [
            ("unknown field `hired`", |p| p["hired"] = json!([])),
            ("unknown field `nmae`", |p| p["hires"][0]["nmae"] = json!("x")),
            ("unknown field `color`", |p| p["options"]["color"] = json!("x")),
            ("missing field `moves`", |p| drop(p.as_object_mut().expect("object").remove("moves"))),
            ("there is no `plan`", |p| drop(p.as_object_mut().expect("object").remove("plan"))),
            ("a plan of version 2, and", |p| p["plan"] = json!(2)),
            ("a plan of version \"one\", and", |p| p["plan"] = json!("one")),
            ("there is no field shoe_size; there are given_name, ", |p| {
                p["hires"][0]["fields"]["shoe_size"] = json!("43")
            }),
            ("there is no field pay", |p| p["changes"][0]["fields"][0]["field"] = json!("pay")),
            ("unknown word `some`", |p| p["options"]["contractors"] = json!("some")),
            ("departures: person:a:b: the date 2026-02-30 is no day", |p| {
                p["departures"][0]["date"] = json!("2026-02-30")
            }),
            ("changes: 7: an id is TYPE:ID", |p| p["changes"][0]["id"] = json!("7")),
            ("changes: Person:7: an id is TYPE:ID", |p| p["changes"][0]["id"] = json!("Person:7")),
            ("moves: person:: the id is empty", |p| p["moves"][0]["id"] = json!("person:")),
            ("hires: BO@acme.test: it is there twice", |p| {
                let mut again = p["hires"][0].clone();
                again["email"] = json!("BO@acme.test");
                again["fields"]["email"] = json!("BO@acme.test");
                p["hires"].as_array_mut().expect("list").push(again);
            }),
            ("changes: person:1: it is there twice", |p| {
                let again = p["changes"][0].clone();
                p["changes"].as_array_mut().expect("list").push(again);
            }),
            ("changes: person:1: title is there twice", |p| {
                let again = p["changes"][0]["fields"][0].clone();
                p["changes"][0]["fields"].as_array_mut().expect("list").push(again);
            }),
            ("changes: person:1: it changes nothing", |p| p["changes"][0]["fields"] = json!([])),
            ("changes: person:1: manager belongs into moves", |p| {
                p["changes"][0]["fields"][0]["field"] = json!("manager")
            }),
            ("moves: person:1: manager holds a control character", |p| {
                p["moves"][0]["fields"][0]["new"] = json!("a\u{1b}[2J");
            }),
            ("changes: person:1: title is empty", |p| p["changes"][0]["fields"][0]["new"] = json!(" ")),
            ("hires: bo@acme.test: employment_type FULL has to be one of full-time", |p| {
                p["hires"][0]["fields"]["employment_type"] = json!("FULL");
            }),
            ("hires: bo@acme.test: start_date soon is no day", |p| {
                p["hires"][0]["fields"]["start_date"] = json!("soon")
            }),
            ("to: hr: a plan is between two connections", |p| p["to"]["connection"] = json!("hr")),
        ];
        for (expected, edit) in table {
            let mut value: Value = serde_json::from_str(&text(&plan())).expect("JSON");
            edit(&mut value);
            match Plan::read(&value.to_string()) {
                Err(e) => {
                    let said = e.to_string();
                    assert!(said.contains(expected) && !said.contains('\n'), "{expected}: {said}");
                }
                Ok(_) => panic!("{expected}: it was read"),
            }
        }
        for text in ["", "hello", "[]", "{", "{}x"] {
            let said = Plan::read(text).expect_err("no plan").to_string();
            assert!(said.starts_with("it is no plan: ") && !said.contains('\n'), "{said}");
        }
    }
}
