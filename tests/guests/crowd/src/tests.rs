//! The connector against scripted answers, and the table of pages.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use muster_sdk::testing::{Reply, Script};

use super::*;

fn crowd() -> Script<Crowd> {
    Script::new().setting("crowd-base-url", "https://crowd.test")
}

fn list(total: u64, items: &str) -> Reply {
    Reply::json(200, format!(r#"{{"total":{total},"items":[{items}]}}"#))
}

const USER: &str = r#"{"id":7,"login":"gina.ito.7","name":"Gina Ito","given_name":"Gina","family_name":"Ito",
"email":"gina.ito.7@crowd.test","active":true,"department":"Sales","title":"Lead","office":"Oslo","employee_number":"E7"}"#;

#[test]
fn a_run_reads_users_groups_and_members() {
    let vendor = crowd()
        .get("/account", Reply::json(200, r#"{"id":1,"name":"Crowd"}"#))
        .get("/users?page=1&per_page=100", list(1, USER))
        .get("/groups?page=1&per_page=100", list(1, r#"{"id":3,"name":"Sales","description":"Sells","members":101}"#))
        .get("/groups/3/members?page=1&per_page=100", list(101, r#"{"id":7,"email":"gina.ito.7@crowd.test"}"#))
        .get("/groups/3/members?page=2&per_page=100", list(101, r#"{"id":8,"email":"x@crowd.test"}"#));
    vendor.run().unwrap();
    let mut ids: Vec<String> = vendor.resources().iter().map(|r| format!("{} {}", r.id.id, r.name)).collect();
    ids.sort();
    assert_eq!(ids, ["3 Sales", "7 Gina Ito"]);
    let grants: Vec<String> =
        vendor.grants().iter().map(|g| format!("{}:{} {}", g.resource.id, g.slug, g.principal.id)).collect();
    assert_eq!(grants, ["3:member 7", "3:member 8"]);
    assert_eq!(vendor.entitlements().len(), 1);
}

fn others(page: &str, total: u64) -> Vec<String> {
    page.parse::<Page>().unwrap().others(total).map(|page| page.to_string()).collect()
}

#[test]
fn a_first_page_names_all_others_and_a_list_that_moved_is_read_once_more() {
    for (page, total, named) in [
        ("1", 100, &[][..]),
        ("1", 0, &[]),
        ("1", 201, &["2 of 201", "3 of 201"]),
        ("2 of 201", 201, &[]),
        ("2 of 201", 200, &["1 of 200 again", "2 of 200 again"]),
        ("3 of 201", 0, &[]),
        ("2 of 200 again", 300, &[]),
    ] {
        assert_eq!(others(page, total), named, "page {page} says {total}");
    }
    let all: Vec<String> = Page::all_of(150).map(|page| page.to_string()).collect();
    assert_eq!(all, ["1 of 150", "2 of 150"]);
}

#[test]
fn a_payload_that_is_no_page_is_refused() {
    for payload in ["", "x", "1 of", "1 of x", "again"] {
        assert!(payload.parse::<Page>().is_err(), "{payload:?}");
    }
}
