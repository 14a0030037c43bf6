//! Persons as records: every form of a row, one reading.

use super::*;
use crate::map::person;
use serde_json::value::RawValue;

const TODAY: &str = "2026-01-02";

fn read_as(json: &str, all: bool) -> map::Person {
    let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
    let row = Row::of(&raw).unwrap();
    person(&row, TODAY, all).unwrap()
}

fn read(json: &str) -> map::Person {
    read_as(json, false)
}

#[test]
fn a_row_says_the_same_in_every_form() {
    let flat = r#"{"id":"p1","jobId":"j1","name.first":"Jane","name.last":"Public","contact.workEmail":"jane@acme.test",
        "contact.employee":"42","title":"Engineer","manager":"j2","manager.id":"p2",
        "manager.contact.workEmail":"boss@acme.test","department.name":"Engineering","location.name":"Harbour",
        "startDateOrg":"2023-05-15","startDate":"2024-02-01","endDate":null,"employment":"FULL","groupIds":["g2","g1"]}"#;
    let nested = r#"{"id":"p1","jobId":"j1","name":{"first":"Jane","last":"Public"},
        "contact":{"workEmail":"jane@acme.test","employee":42},"title":"Engineer",
        "manager":{"id":"p2","jobId":"j2","contact":{"workEmail":"boss@acme.test"}},
        "department":{"id":"g9","name":"Engineering"},"location":{"name":"Harbour"},
        "startDateOrg":"2023-05-15T00:00:00Z","endDateOrg":"","employment":"FULL",
        "groupIds":[{"id":"g1","name":"x"},{"id":"g2"}],"unknown":{"deep":[1,{"a":null}]},"access":[]}"#;
    let mixed = r#"{"ID":"p1","JOBID":"j1","Name.First":"Jane","name":{"LAST":"Public"},
        "contact.workemail":"jane@acme.test","contact":{"employee":"42"},"title":"Engineer","manager":"j2",
        "manager.contact":{"workEmail":"boss@acme.test"},"manager.personId":"p2","department":"Engineering",
        "location":"Harbour","startdateorg":"2023-05-15 08:00","employment":"FULL","groupids":["g1","g2","g1"]}"#;
    let expected = read(flat);
    for form in [nested, mixed] {
        let other = read(form);
        assert_eq!(other.resource, expected.resource, "{form}");
        assert_eq!((&other.id, &other.groups, &other.tally), (&expected.id, &expected.groups, &expected.tally));
    }
    let employment = user(&expected.resource).employment.clone().unwrap();
    assert_eq!(employment.employee_id.as_deref(), Some("42"));
    assert_eq!(employment.title.as_deref(), Some("Engineer"));
    assert_eq!(employment.department.as_deref(), Some("Engineering"));
    assert_eq!(employment.location.as_deref(), Some("Harbour"));
    assert_eq!(employment.employment_type.as_deref(), Some("FULL"));
    assert_eq!(employment.manager.map(|m| (m.resource_type, m.id)), Some(("person".into(), "p2".into())));
    assert_eq!(employment.start_date.as_deref(), Some("2023-05-15"), "in the organization, not in the job");
    assert_eq!(employment.end_date, None);
    let jane = user(&expected.resource);
    assert_eq!((jane.given_name.as_deref(), jane.family_name.as_deref()), (Some("Jane"), Some("Public")));
    assert_eq!((jane.status, jane.email.as_deref()), (Status::Enabled, Some("jane@acme.test")));
    assert_eq!(expected.groups, Some(vec!["g1".to_owned(), "g2".to_owned()]));
    assert_eq!(
        expected.resource.profile,
        r#"{"jobId":"j1","manager":"j2","manager.contact.workEmail":"boss@acme.test"}"#
    );
}

#[test]
fn what_is_null_empty_or_absent_is_left_open() {
    let nothing = read(r#"{"id":"p1"}"#);
    for form in [
        r#"{"id":"p1","name":null,"contact":null,"title":null,"manager":null,"department":null,"startDate":null}"#,
        r#"{"id":"p1","name":{},"contact":{"workEmail":""},"title":"  ","manager":{},"department":{"name":""}}"#,
        r#"{"id":"p1","name.first":"","name.last":null,"jobId":"","startDateOrg":"","startDate":"soon","endDate":"n/a"}"#,
        r#"{"id":"p1","title":["a"],"department":{"name":{"de":"x"}},"startDate":20240201,"startDateOrg":"2024-02-01x"}"#,
        r#"{"id":"p1","startDate":"2024-13-01","endDate":"2024-00-10","endDateOrg":"20-1-1","name":true}"#,
    ] {
        assert_eq!(read(form).resource, nothing.resource, "{form}");
    }
    assert_eq!(nothing.resource.name, "p1", "nothing else is known");
    assert_eq!(nothing.resource.profile, "{}");
    assert_eq!(user(&nothing.resource).status, Status::Enabled, "the list has people of now");
}

#[test]
fn a_person_is_called_as_it_wants_to_be() {
    for (names, expected) in [
        (r#""name.first":"Jane","name.last":"Public","name.pref":"JQ""#, "JQ Public"),
        (r#""name":{"first":"Jane","last":"Public","pref":"JQ","prefLast":"Doe"}"#, "JQ Doe"),
        (r#""name":{"first":"Jane","middle":"Q","last":"Public"}"#, "Jane Public"),
        (r#""name":"Jane Public""#, "Jane Public"),
        (r#""name.full":"Jane Public""#, "Jane Public"),
        (r#""name.first":"Cher""#, "Cher"),
        (r#""name.last":"Public","name.first":null"#, "Public"),
        (r#""name":{"first":"مريم","last":"العلي"}"#, "مريم العلي"),
        (r#""name":"Zo\u0451 \u202e""#, "Zoё \u{202e}"),
        (r#""name":" ""#, "j@acme.test"),
    ] {
        let row = format!(r#"{{"id":"p1","contact.workEmail":"j@acme.test",{names}}}"#);
        assert_eq!(read(&row).resource.name, expected, "{names}");
    }
}

#[test]
fn ids_and_employee_numbers_may_be_numbers_and_keep_their_digits() {
    let person = read(r#"{"id":12345678901234567890123,"contact.employee":10.50,"groupIds":[7,"8",{"id":9}]}"#);
    assert_eq!(person.id, "12345678901234567890123");
    let employment = user(&person.resource).employment.clone().unwrap();
    assert_eq!(employment.employee_id.as_deref(), Some("10.50"));
    assert_eq!(person.groups, Some(vec!["7".to_owned(), "8".to_owned(), "9".to_owned()]));
}

#[test]
fn a_status_is_what_the_dates_say() {
    use Status::{Departed, Disabled, Enabled};
    for (dates, all, expected, detail) in [
        (r#""startDate":"2020-01-01""#, false, Enabled, None),
        (r#""startDateOrg":"2026-01-02""#, false, Enabled, None),
        (r#""startDateOrg":"2026-01-03""#, false, Disabled, Some("starts 2026-01-03")),
        (r#""startDate":"2026-02-01""#, false, Disabled, Some("starts 2026-02-01")),
        // Another job in the same organization begins later.
        (r#""startDate":"2026-02-01","startDateOrg":"2020-01-01""#, false, Enabled, None),
        (r#""startDate":"2020-01-01","endDateOrg":"2026-01-01""#, true, Departed, None),
        (r#""startDate":"2020-01-01","endDate":"2026-01-01""#, true, Departed, None),
        (r#""startDate":"2020-01-01","endDateOrg":"2026-01-02""#, true, Enabled, None),
        (r#""startDate":"2020-01-01","endDateOrg":"2026-06-30""#, false, Enabled, None),
        // Came back.
        (r#""startDateOrg":"2025-01-01","endDateOrg":"2024-01-01""#, false, Enabled, None),
        (r#""startDateOrg":"2027-01-01","endDateOrg":"2024-01-01""#, true, Disabled, Some("starts 2027-01-01")),
        // Only `includeAll` lists people without a job.
        (r#""x":1"#, true, Disabled, Some("has no job")),
        (r#""x":1"#, false, Enabled, None),
        (r#""jobId":"j1""#, true, Enabled, None),
        (r#""title":"Engineer""#, true, Enabled, None),
    ] {
        let person = read_as(&format!(r#"{{"id":"p1",{dates}}}"#), all);
        let user = user(&person.resource);
        assert_eq!((user.status, user.status_detail.as_deref()), (expected, detail), "{dates}");
    }
}

#[test]
fn a_row_adds_to_the_tally() {
    let tally = |fields: &str| {
        let tally = read_as(&format!(r#"{{"id":"p1",{fields}}}"#), true).tally;
        assert_eq!(tally.rows, 1);
        (tally.starting, tally.left, tally.unknown_managers)
    };
    let others = |fields: &str, all: bool| {
        let tally = read_as(&format!(r#"{{"id":"p1",{fields}}}"#), all).tally;
        (tally.left, tally.leaving, tally.idle)
    };
    assert_eq!(tally(r#""startDate":"2026-01-03""#), (1, 0, 0));
    assert_eq!(tally(r#""startDate":"2026-01-02""#), (0, 0, 0));
    assert_eq!(tally(r#""endDate":"2025-12-31""#), (0, 1, 0));
    assert_eq!(tally(r#""endDate":"2026-01-01""#), (0, 0, 0), "elsewhere it is still that day");
    assert_eq!(others(r#""endDate":"2025-12-31""#, true), (1, 0, 0));
    assert_eq!(others(r#""endDate":"2026-01-01""#, true), (0, 1, 0));
    assert_eq!(others(r#""endDate":"2026-01-02""#, true), (0, 0, 0), "the last day is a day in the organization");
    assert_eq!(others(r#""x":1"#, true), (0, 0, 1));
    assert_eq!(others(r#""x":1"#, false), (0, 0, 0), "the list of now has nobody without a job");
    assert_eq!(others(r#""jobId":"j1""#, true), (0, 0, 0));
    assert_eq!(tally(r#""manager":"j2""#), (0, 0, 1));
    assert_eq!(tally(r#""manager":"j2","manager.id":"p2""#), (0, 0, 0));
}

#[test]
fn a_manager_is_a_person_of_the_row_or_left_open() {
    for (fields, expected, open) in [
        (r#""manager.id":"p2""#, Some("p2"), 0),
        (r#""manager.personId":"p2","manager.id":"j2""#, Some("p2"), 0),
        (r#""manager":{"id":"p2"}"#, Some("p2"), 0),
        (r#""manager":{"id":77}"#, Some("77"), 0),
        // The same id as the job: no person.
        (r#""manager":"j2","manager.id":"j2""#, None, 1),
        (r#""manager":{"id":"j2","jobId":"j2"}"#, None, 1),
        (r#""manager":"j2""#, None, 1),
        (r#""manager.contact.workEmail":"boss@acme.test""#, None, 1),
        (r#""manager":{"contact":{"workEmail":"boss@acme.test"}}"#, None, 1),
        (r#""manager":null"#, None, 0),
        (r#""manager":"","manager.id":"""#, None, 0),
        // Nobody reports to oneself.
        (r#""manager.id":"p1""#, None, 0),
    ] {
        let person = read(&format!(r#"{{"id":"p1",{fields}}}"#));
        let manager = user(&person.resource).employment.clone().unwrap().manager.map(|manager| manager.id);
        assert_eq!((manager.as_deref(), person.tally.unknown_managers), (expected, open), "{fields}");
    }
}

#[test]
fn groups_that_cannot_be_read_do_not_look_like_none() {
    for (groups, why) in [
        (r#""g1""#, "groupIds is neither a list nor null"),
        (r#"{"id":"g1"}"#, "groupIds is neither a list nor null"),
        (r#"["g1",null]"#, "groupIds holds something that is neither an id nor an object with one"),
        (r#"[{"name":"x"}]"#, "groupIds holds something that is neither an id nor an object with one"),
        (r#"[["g1"]]"#, "groupIds holds something that is neither an id nor an object with one"),
        (r#"[""]"#, "groupIds holds something that is neither an id nor an object with one"),
    ] {
        let raw: Box<RawValue> = serde_json::from_str(&format!(r#"{{"id":"p1","groupIds":{groups}}}"#)).unwrap();
        let failure = person(&Row::of(&raw).unwrap(), TODAY, false).unwrap_err();
        assert_eq!(told(failure), format!("unexpected: the groups of person p1 cannot be read: {why}"));
    }
    assert_eq!(read(r#"{"id":"p1","groupIds":null}"#).groups, Some(vec![]));
    assert_eq!(read(r#"{"id":"p1","groupIds":[]}"#).groups, Some(vec![]));
    assert_eq!(read(r#"{"id":"p1"}"#).groups, None);
}

#[test]
fn what_changes_by_itself_is_no_part_of_a_record() {
    let calm = read(r#"{"id":"p1","jobId":"j1"}"#);
    let moving = read(r#"{"id":"p1","jobId":"j1","updateAt":"2026-01-02T10:00:00Z","imageUrl":"https://x/?sig=1"}"#);
    assert_eq!(calm.resource, moving.resource);
}
