//! The fake against the RFCs.

use serde_json::{Value, json};

use super::{DEMO_TOKEN, FakeScim, Quirk};
use crate::raw::{Raw, send};

fn get(fake: &FakeScim, target: &str) -> Raw {
    let token = format!("Bearer {DEMO_TOKEN}");
    send(fake.address(), "GET", &format!("/scim/v2/{target}"), &[("authorization", &token)], "")
}

fn ids(raw: &Raw) -> Vec<String> {
    let list = raw.json()["Resources"].clone();
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lists_are_numbered_from_one_and_tell_the_total() {
    let fake = FakeScim::demo().start();
    let page = get(&fake, "Users?startIndex=3&count=2");
    assert_eq!((page.status, page.header("content-type")), (200, Some("application/scim+json")));
    assert_eq!(ids(&page), ["u3", "u4"]);
    let body = page.json();
    assert_eq!((&body["totalResults"], &body["startIndex"], &body["itemsPerPage"]), (&json!(7), &json!(3), &json!(2)));
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    // RFC 7644, 3.4.2.4: less than 1 is 1; behind the end is nothing; a count of 0 is the total alone.
    assert_eq!(ids(&get(&fake, "Users?startIndex=0&count=1")), ["u1"]);
    assert_eq!(ids(&get(&fake, "Users?startIndex=8")), Vec::<String>::new());
    assert_eq!(get(&fake, "Users?count=0").json()["totalResults"], 7);
}

#[test]
fn resources_have_the_attributes_of_the_schemas() {
    let fake = FakeScim::demo().start();
    let ben = get(&fake, "Users/u2").json();
    assert_eq!((&ben["userName"], &ben["active"]), (&json!("ben"), &json!(true)));
    let work = &ben["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    assert_eq!((&work["department"], &work["manager"]["value"]), (&json!("Bridge"), &json!("u1")));
    let members = get(&fake, "Groups/g2").json()["members"].clone();
    assert_eq!((&members[2]["type"], &members[2]["value"]), (&json!("Group"), &json!("g3")));
    assert!(members[2]["$ref"].as_str().unwrap().ends_with("/scim/v2/Groups/g3"));
    assert_eq!(get(&fake, "Groups/g5").json().get("members"), None, "what has no value is not said");
    let found = get(&fake, "Groups?filter=id%20eq%20%22g2%22");
    assert_eq!(ids(&found), ["g2"]);
}

#[test]
fn refusals_are_errors_of_scim() {
    let fake = FakeScim::demo().start();
    for (raw, status) in [
        (get(&fake, "Users/u99"), 404),
        (get(&fake, "Teams"), 404),
        (get(&fake, "Groups?filter=x"), 400),
        (send(fake.address(), "GET", "/scim/v2/Users", &[], ""), 401),
        (send(fake.address(), "GET", "/scim/v2/Users", &[("authorization", "Bearer other")], ""), 401),
    ] {
        assert_eq!(raw.status, status);
        let body = raw.json();
        assert_eq!(body["status"], status.to_string());
        assert!(body["detail"].is_string());
    }
    let basic = FakeScim::demo().basic("ann", "pw").start();
    let answer = send(basic.address(), "GET", "/scim/v2/Users", &[("authorization", "Basic YW5uOnB3")], "");
    assert_eq!(answer.status, 200);
}

#[test]
fn each_oddity_shows() {
    type Judge = fn(&FakeScim) -> bool;
    let table: [(Quirk, Judge); 29] = [
        (Quirk::NoTotal, |f| get(f, "Users").json().get("totalResults").is_none()),
        (Quirk::TotalAsText, |f| get(f, "Users").json()["totalResults"] == "7"),
        (Quirk::TotalTooHigh(2), |f| get(f, "Users").json()["totalResults"] == 9),
        (Quirk::TotalOnFirstPage, |f| get(f, "Users?startIndex=2").json().get("totalResults").is_none()),
        (Quirk::TotalIsPageSize, |f| get(f, "Users?count=3").json()["totalResults"] == 3),
        (Quirk::EndsAfter(3), |f| ids(&get(f, "Users")).len() == 3),
        (Quirk::RefusesBehindEnd, |f| get(f, "Users?startIndex=8").status == 400),
        (Quirk::Together(2), |f| {
            let status = |from: u8| get(f, &format!("Users?startIndex={from}")).status;
            [status(1), status(3), status(3), status(5), status(3)] == [200, 503, 503, 200, 200]
        }),
        (Quirk::Cap(3), |f| ids(&get(f, "Users?count=100")).len() == 3),
        (Quirk::IgnoresIndex, |f| ids(&get(f, "Users?startIndex=5&count=1")) == ["u1"]),
        (Quirk::IgnoresCount, |f| ids(&get(f, "Users?count=1")).len() == 7),
        (Quirk::RepeatsLastPage, |f| ids(&get(f, "Users?startIndex=9&count=5")) == ["u6", "u7"]),
        (Quirk::Cursors, |f| get(f, "Users?cursor=2&count=2").json()["nextCursor"] == "4"),
        (Quirk::CursorsAndTotal, |f| {
            let page = get(f, "Users?cursor=2&count=2").json();
            (&page["nextCursor"], &page["totalResults"]) == (&json!("4"), &json!(7))
        }),
        (Quirk::CursorLoop, |f| get(f, "Users?cursor=6&count=2").json()["nextCursor"] == "2"),
        (Quirk::MembersWithoutType, |f| get(f, "Groups/g1").json()["members"][0].get("type").is_none()),
        (Quirk::BareMembers, |f| get(f, "Groups/g1").json()["members"][0].get("$ref").is_none()),
        (Quirk::MembersAsTexts, |f| get(f, "Groups/g1").json()["members"][0] == "u1"),
        (Quirk::SmallTypes, |f| get(f, "Groups/g1").json()["members"][0]["type"] == "user"),
        (Quirk::NoMembersInLists, |f| get(f, "Groups").json()["Resources"][0].get("members").is_none()),
        (Quirk::NoMembersInFilters, |f| {
            let found = get(f, "Groups?filter=id%20eq%20%22g2%22").json();
            found["Resources"][0].get("members").is_none()
        }),
        (Quirk::NoFilter, |f| get(f, "Groups?filter=id%20eq%20%22g2%22").status == 400),
        (Quirk::ActiveAsText, |f| get(f, "Users/u4").json()["active"] == "False"),
        (Quirk::NoActive, |f| get(f, "Users/u1").json().get("active").is_none()),
        (Quirk::EmailAsText, |f| get(f, "Users/u1").json()["emails"] == "ann@example.test"),
        (Quirk::EmailAsObject, |f| get(f, "Users/u1").json()["emails"]["value"] == "ann@example.test"),
        (Quirk::OtherCase, |f| get(f, "Users").json()["RESOURCES"][0]["USERNAME"] == "ann"),
        (Quirk::NoConfig, |f| get(f, "ServiceProviderConfig").status == 404),
        (Quirk::NoGroups, |f| get(f, "Groups").status == 404),
    ];
    for (quirk, judge) in table {
        assert!(!judge(&FakeScim::demo().start()), "{quirk:?} shows without it");
        assert!(judge(&FakeScim::demo().quirk(quirk.clone()).start()), "{quirk:?} does not show");
    }
    let restless = FakeScim::demo().quirk(Quirk::Restless).start();
    assert_ne!(get(&restless, "Users/u1").text(), get(&restless, "Users/u1").text());
}

#[test]
fn data_change_when_so_many_requests_have_come() {
    let fake = FakeScim::demo().after("Users", 2, |world| world.remove_user("u1")).start();
    let first = |fake: &FakeScim| ids(&get(fake, "Users?count=1"));
    assert_eq!([first(&fake), first(&fake), first(&fake)].concat(), ["u1", "u1", "u2"]);
}

#[test]
fn a_seeded_dice_says_503() {
    let statuses = || {
        let fake = FakeScim::demo().stumbling(20, 7).start();
        let statuses: Vec<u16> = (0..50).map(|_| get(&fake, "Users?count=1").status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 503).count() as u64, fake.stumbled());
        statuses
    };
    let first = statuses();
    assert_eq!(first, statuses());
    assert!((3..=20).contains(&first.iter().filter(|status| **status == 503).count()), "{first:?}");
}

#[test]
fn sizes() {
    let world = FakeScim::sized(1_000, 25, 40).start().world();
    assert_eq!((world.users.len(), world.groups.len(), world.grants().len()), (1_000, 25, 25 * 40 + 2));
    assert_eq!(world.resources().len(), 1_025);
    assert_eq!(world.resources()["group:g00001"]["login"], Value::Null);
}
