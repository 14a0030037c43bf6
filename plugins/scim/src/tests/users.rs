//! Users as records.

use super::*;
use serde_json::{Value, json};

fn users(body: &str) -> Vec<Resource> {
    let vendor = scim().get(AT_USERS, Reply::json(200, body));
    vendor.sync(&Task::new("users", "")).unwrap();
    vendor.resources()
}

/// A user with these attributes beside an id.
fn user(attributes: Value) -> Resource {
    let mut attributes = attributes;
    attributes["id"] = json!("1");
    users(&json!({"Resources": [attributes], "totalResults": 1}).to_string()).remove(0)
}

fn details(resource: &Resource) -> &muster_sdk::User {
    match &resource.details {
        Details::User(user) => user,
        other => panic!("{other:?} is no user"),
    }
}

fn profile(resource: &Resource) -> Value {
    serde_json::from_str(&resource.profile).unwrap()
}

#[test]
fn all_that_is_stable_is_kept() {
    let users = users(USERS);
    let ada = details(&users[0]);
    assert_eq!((ada.login.as_deref(), ada.email.as_deref()), (Some("ada@acme.test"), Some("ada@acme.test")));
    assert_eq!(ada.other_emails, ["ada@home.test"]);
    assert_eq!((ada.given_name.as_deref(), ada.family_name.as_deref()), (Some("Ada"), Some("Admin")));
    assert_eq!((ada.status, ada.status_detail.as_deref()), (Status::Enabled, None));
    let employment = ada.employment.as_ref().unwrap();
    assert_eq!(employment.employee_id.as_deref(), Some("701984"));
    assert_eq!(
        (employment.title.as_deref(), employment.department.as_deref()),
        (Some("Tour Guide"), Some("Tour Operations"))
    );
    assert_eq!(employment.employment_type.as_deref(), Some("Employee"));
    assert_eq!(employment.manager, Some(muster_sdk::ResourceId::new("user", "26118915")));
    let expected = json!({
        "externalId": "701984", "nickName": "Addy", "preferredLanguage": "en-US", "locale": "en-US",
        "timezone": "America/Los_Angeles", "costCenter": "4130", "organization": "Acme Studios",
        "division": "Theme Park", "roles": ["admin", "writer"],
    });
    assert_eq!(profile(&users[0]), expected, "no meta, no pictures, no groups");

    let bo = details(&users[1]);
    assert_eq!((bo.status, bo.status_detail.as_deref()), (Status::Disabled, Some("not active")));
    assert_eq!((&bo.employment, users[1].profile.as_str()), (&None, "{}"));
    assert_eq!((users[2].id.id.as_str(), details(&users[2]).status), ("7", Status::Enabled));
}

#[test]
fn what_changes_by_itself_is_no_part_of_a_record() {
    let moved =
        USERS.replace("2026-05-13", "2026-06-01").replace("3694e05e9dff590", "1").replace("signed/1", "signed/2");
    assert_ne!(moved, USERS);
    assert_eq!(users(&moved), users(USERS));
}

#[test]
fn active_comes_in_many_shapes() {
    for (active, status) in [
        (json!(true), Status::Enabled),
        (json!("True"), Status::Enabled),
        (json!("true"), Status::Enabled),
        (json!(1), Status::Enabled),
        (json!(null), Status::Enabled),
        (json!(""), Status::Enabled),
        (json!(false), Status::Disabled),
        (json!("False"), Status::Disabled),
        (json!("FALSE"), Status::Disabled),
        (json!("0"), Status::Disabled),
    ] {
        assert_eq!(details(&user(json!({ "active": active }))).status, status, "{active}");
    }
    assert_eq!(details(&user(json!({}))).status, Status::Enabled);
    for odd in [json!("yes"), json!([]), json!(2)] {
        let body = json!({"Resources": [{"id": "1", "active": odd}]}).to_string();
        let failure = scim().get(AT_USERS, Reply::json(200, body)).sync(&Task::new("users", "")).unwrap_err();
        assert!(told(failure).contains("active of the user 1 is "), "{odd}");
    }
}

#[test]
fn a_user_is_called_by_display_name_else_name_else_login() {
    for (attributes, expected) in [
        (json!({"displayName": "Zoë", "userName": "z"}), "Zoë"),
        (json!({"displayName": " ", "name": {"formatted": "Zoë Ö", "givenName": "Zo"}}), "Zoë Ö"),
        (json!({"displayName": null, "name": {"givenName": "Zoë", "familyName": "Ö"}}), "Zoë Ö"),
        (json!({"name": {"familyName": "Ö"}, "userName": "z"}), "Ö"),
        (json!({"name": "Zoë Ö", "userName": "z"}), "Zoë Ö"),
        (json!({"userName": "z", "emails": "a@acme.test"}), "z"),
        (json!({"emails": "a@acme.test"}), "a@acme.test"),
        (json!({}), "1"),
    ] {
        assert_eq!(user(attributes.clone()).name, expected, "{attributes}");
    }
}

#[test]
fn names_of_attributes_come_in_any_case() {
    let user = user(json!({
        "USERNAME": "z", "DisplayName": "Zoë", "Emails": [{"Value": "z@acme.test", "Primary": "True"}],
        "urn:ietf:params:scim:schemas:extension:Enterprise:2.0:user": {"EmployeeNumber": 12, "Manager": {"Value": 9}},
    }));
    let employment = details(&user).employment.clone().unwrap();
    assert_eq!((user.name.as_str(), details(&user).email.as_deref()), ("Zoë", Some("z@acme.test")));
    assert_eq!(employment.employee_id.as_deref(), Some("12"));
    assert_eq!(employment.manager.unwrap().id, "9");
}

#[test]
fn emails_come_in_many_shapes() {
    let work = json!({"value": "w@acme.test", "type": "Work"});
    let home = json!({"value": "h@acme.test", "type": "home"});
    let main = json!({"value": "m@acme.test", "type": "other", "primary": "true"});
    for (emails, expected, others) in [
        (json!([home, work, main]), Some("m@acme.test"), vec!["h@acme.test", "w@acme.test"]),
        (json!([home, work]), Some("w@acme.test"), vec!["h@acme.test"]),
        (json!([home, {"value": "a@acme.test"}]), Some("a@acme.test"), vec!["h@acme.test"]),
        (json!(["b@acme.test", "a@acme.test", "a@acme.test"]), Some("a@acme.test"), vec!["b@acme.test"]),
        (json!("a@acme.test"), Some("a@acme.test"), vec![]),
        (json!([work, {"value": "w@acme.test", "type": "home"}]), Some("w@acme.test"), vec![]),
        (work.clone(), Some("w@acme.test"), vec![]),
        (json!([{"type": "work"}, {"value": ""}, {"value": null}, ""]), None, vec![]),
        (json!([]), None, vec![]),
        (json!(null), None, vec![]),
    ] {
        let user = user(json!({ "emails": emails }));
        assert_eq!(details(&user).email.as_deref(), expected, "{emails}");
        assert_eq!(details(&user).other_emails, others, "{emails}");
    }
    let turned = user(json!({"emails": [work, home]}));
    assert_eq!(turned, user(json!({"emails": [home, work]})), "a list has no order");
}

#[test]
fn a_manager_comes_in_many_shapes() {
    for (manager, expected) in [
        (json!({"value": "9"}), Some("9")),
        (json!({"value": "9", "$ref": "../Users/8"}), Some("9")),
        (json!({"$ref": "https://scim.test/scim/v2/Users/a%20b"}), Some("a b")),
        (json!({"managerId": "9"}), Some("9")),
        (json!([{"value": "9"}]), Some("9")),
        (json!("9"), Some("9")),
        (json!(9), Some("9")),
        (json!({"displayName": "Bo"}), None),
        (json!({"value": ""}), None),
        (json!([]), None),
        (json!(""), None),
        (json!(null), None),
    ] {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        for user in [user(json!({ urn: { "manager": manager } })), user(json!({ "manager": manager }))] {
            let found = details(&user).employment.as_ref().and_then(|e| e.manager.as_ref()).map(|m| m.id.as_str());
            assert_eq!(found, expected, "{manager}");
        }
    }
}

#[test]
fn roles_and_entitlements_come_in_many_shapes() {
    let user = user(json!({
        "roles": ["b", {"value": "a"}, {"display": "c"}, {"type": "x"}, "a"],
        "entitlements": {"value": "seat"},
    }));
    assert_eq!(profile(&user), json!({"roles": ["a", "b", "c"], "entitlements": ["seat"]}));
}
