//! Members as records.

use super::*;

/// The members of a roster of these rows beside the head, as emitted.
fn emitted(rows: &str) -> Vec<Resource> {
    let head = r#"{"uuid":"a","firstName":"Meg","lastName":"Field"}"#;
    let json = format!(r#"{{"members":[{head},{rows}]}}"#);
    let vendor = justworks().get("/members.json", Reply::json(200, json));
    vendor.start().unwrap();
    vendor.resources().into_iter().filter(|r| r.id.resource_type == "member" && r.id.id != "a").collect()
}

fn user(resource: &Resource) -> &muster_sdk::User {
    match &resource.details {
        Details::User(user) => user,
        Details::Group | Details::Other => panic!("no user: {resource:?}"),
    }
}

#[test]
fn a_member_has_everything_that_the_roster_says() {
    let vendor = justworks().get("/members.json", Reply::json(200, MEMBERS));
    vendor.start().unwrap();
    let resources = vendor.resources();
    let idris = resources.iter().find(|r| r.id.id == "u-2").unwrap();
    let user = user(idris);
    assert_eq!((user.email.as_deref(), user.login.as_deref()), (Some("idris@lantern.test"), None));
    assert_eq!(user.other_emails, ["idris@home.test"]);
    assert_eq!((user.given_name.as_deref(), user.family_name.as_deref()), (Some("Idris"), Some("Oak")));
    let job = user.employment.as_ref().unwrap();
    assert_eq!((job.employee_id.as_deref(), job.title.as_deref()), (Some("17"), Some("Engineer")));
    assert_eq!((job.department.as_deref(), job.location.as_deref()), (Some("Engineering"), Some("Boston")));
    assert_eq!((job.employment_type.as_deref(), job.end_date.as_deref()), (Some("employee"), None));
    assert_eq!(job.start_date.as_deref(), Some("2021-05-03"));
    let manager = job.manager.as_ref().unwrap();
    assert_eq!((manager.resource_type.as_str(), manager.id.as_str()), ("member", "u-1"));
    let meg = resources.iter().find(|r| r.id.id == "u-1").unwrap();
    assert_eq!(meg.profile, r#"{"preferredName":"Meg"}"#);
}

#[test]
fn the_status_follows_from_the_days() {
    // The run began on 2026-01-02.
    for (dates, status, detail) in [
        (r#""startDate":"2020-01-01""#, Status::Enabled, None),
        (r#""startDate":"2026-01-02""#, Status::Enabled, None),
        (r#""startDate":"2026-01-03""#, Status::Disabled, Some("starts 2026-01-03")),
        (r#""terminatedDate":"2026-01-01""#, Status::Departed, None),
        (r#""terminatedDate":"2026-01-02""#, Status::Enabled, None),
        (r#""terminatedDate":"2026-02-01""#, Status::Enabled, None),
        (r#""startDate":"2027-01-01","terminatedDate":"2025-01-01""#, Status::Departed, None),
        (r#""startDate":null,"terminatedDate":"""#, Status::Enabled, None),
    ] {
        let members = emitted(&format!(r#"{{"uuid":"b",{dates}}}"#));
        let user = user(&members[0]);
        assert_eq!((user.status, user.status_detail.as_deref()), (status, detail), "{dates}");
    }
}

#[test]
fn a_member_without_a_name_is_shown_by_what_there_is() {
    for (row, name) in [
        (r#"{"uuid":"b","firstName":"Bo","lastName":"Two"}"#, "Bo Two"),
        (r#"{"uuid":"b","firstName":"Robert","preferredName":"Bo","lastName":"Two"}"#, "Bo Two"),
        (r#"{"uuid":"b","firstName":"Robert","preferredName":"Bo Two","lastName":"Two"}"#, "Bo Two"),
        (r#"{"uuid":"b","lastName":"Two"}"#, "Two"),
        (r#"{"uuid":"b","name":"Bo B. Two"}"#, "Bo B. Two"),
        (r#"{"uuid":"b","workEmail":"bo@x.test"}"#, "bo@x.test"),
        (r#"{"uuid":"b"}"#, "b"),
    ] {
        assert_eq!(emitted(row)[0].name, name, "{row}");
    }
}

#[test]
fn departments_and_offices_have_the_name_as_their_id() {
    let long = "é".repeat(600);
    let rows = format!(
        r#"{{"uuid":"b","department":" R&D \n Labs ","location":"東京"}},{{"uuid":"c","department":"{long}","location":"\u0007"}}"#
    );
    let head = r#"{"uuid":"a","firstName":"Meg","lastName":"Field"}"#;
    let vendor = justworks().get("/members.json", Reply::json(200, format!(r#"{{"members":[{head},{rows}]}}"#)));
    vendor.start().unwrap();
    let ids: Vec<String> = vendor
        .entitlements()
        .iter()
        .map(|e| format!("{}:{}:{}", e.resource.resource_type, e.resource.id, e.slug))
        .collect();
    let cut = format!("department:{}:member", "é".repeat(512));
    assert_eq!(ids, ["department:R&D Labs:member", cut.as_str(), "office:東京:member"]);
    assert_eq!(vendor.grants().len(), 3);
    assert!(vendor.entitlements().iter().all(|e| e.grantable_to == ["member"]));
}

#[test]
fn the_order_of_the_answer_does_not_matter() {
    let items = |turn: usize| {
        let roster: serde_json::Value = serde_json::from_str(MEMBERS).unwrap();
        let mut rows = roster["members"].as_array().unwrap().clone();
        rows.rotate_left(turn);
        let body = serde_json::json!({ "members": rows }).to_string();
        let vendor = justworks().get("/members.json", Reply::json(200, body));
        vendor.start().unwrap();
        vendor.items()
    };
    assert_eq!(items(0), items(1));
    assert_eq!(items(0), items(2));
}

#[test]
fn what_is_odd_is_told_once() {
    let odd = r#"{"members":[{"uuid":"a","firstName":"Meg","lastName":"Field"},{"uuid":"b","firstName":"Bo"}]}"#;
    let sentence = "no manager is given for 1 person: Bo (b)".to_owned();
    // By the check where that saw the roster, else by the run.
    let vendor = inside().get("/members.json", Reply::json(200, odd)).get("/members.json", Reply::json(200, odd));
    assert_eq!(vendor.run().unwrap().warnings, [sentence.as_str()]);
    assert!(vendor.logs().iter().all(|(level, _)| *level != Level::Warn), "{:?}", vendor.logs());
    let vendor = inside().get("/members.json", Reply::json(202, "")).get("/members.json", Reply::json(200, odd));
    assert!(vendor.run().unwrap().warnings.is_empty());
    assert!(vendor.logs().contains(&(Level::Warn, sentence)), "{:?}", vendor.logs());
}

#[test]
fn a_roster_of_one_member_is_told_as_one() {
    let alone = r#"{"members":[{"uuid":"a","firstName":"Meg","lastName":"Field"}]}"#;
    for (roster, sentence) in
        [(alone, "logged in; the roster has 1 member"), (MEMBERS, "logged in; the roster has 3 members")]
    {
        let vendor = inside().get("/members.json", Reply::json(200, roster));
        vendor.check().unwrap();
        assert_eq!(vendor.logs(), [(Level::Info, sentence.to_owned())]);
    }
}
