//! The fake against the facts.

use serde_json::{Value, json};

use super::world::{Stage, group_id, job_id, person_id};
use super::{Builder, Empty, Event, FakeChartHop, Form, Keys, Managers, Names, Refs};
use crate::raw::{Raw, send};

fn send_as(fake: &FakeChartHop, method: &str, path: &str, token: &str) -> Raw {
    send(fake.address(), method, path, &[("authorization", &format!("Bearer {token}"))], "")
}

fn get(fake: &FakeChartHop, path: &str) -> Raw {
    send_as(fake, "GET", path, fake.token())
}

fn row(form: Form, fields: &str) -> Value {
    let fake = Builder::default().persons(9).form(form).start();
    get(&fake, &format!("/v2/org/acme/person?fields={fields}&ids={}", person_id(7))).json()["data"][0].clone()
}

#[test]
fn a_token_is_needed_for_everything() {
    let fake = FakeChartHop::builder().start();
    for path in ["/v1/user/me", "/v1/org/acme", "/v2/org/acme/person", "/anything"] {
        assert_eq!(send_as(&fake, "GET", path, "wrong").status, 401, "{path}");
    }
    assert_eq!(get(&fake, "/v1/user/me").status, 200);
}

#[test]
fn paths_that_charthop_does_not_have_are_not_found_and_remembered() {
    let fake = FakeChartHop::builder().start();
    let strange =
        ["/v2/org/acme/group-type", "/v1/org/acme/user", "/v1/org/acme/role", "/v2/org/acme/job", "/", "/v1/org"];
    for path in strange {
        assert_eq!(get(&fake, path).status, 404, "{path}");
    }
    assert_eq!(send_as(&fake, "PATCH", "/v2/org/acme/person/1", fake.token()).status, 405);
    let strangers = fake.strangers();
    for path in strange {
        assert!(strangers.contains(&format!("GET {path}")), "{path} in {strangers:?}");
    }
    assert!(strangers.contains(&"PATCH /v2/org/acme/person/1".to_owned()));
    for path in ["/v1/org/other", "/v2/org/acme/person/count", "/v2/org/acme/group"] {
        get(&fake, path);
        assert!(!fake.strangers().contains(&format!("GET {path}")), "{path}");
    }
}

#[test]
fn an_organization_goes_by_its_id_and_its_slug() {
    let fake = FakeChartHop::builder().slug("acme & co").start();
    let id = fake.org().id;
    for org in [id.as_str(), "acme%20%26%20co"] {
        let answer = get(&fake, &format!("/v1/org/{org}"));
        assert_eq!(answer.json(), json!({"id": id, "name": "Acme Corp", "slug": "acme & co"}));
    }
    assert_eq!(get(&fake, "/v1/org/acme").status, 404);
    assert_eq!(get(&fake, "/v2/org/acme/person").status, 404);
}

#[test]
fn the_list_has_people_of_now_and_with_include_all_everybody() {
    let fake = FakeChartHop::builder().persons(5).starting(2).former(3).idle(1).start();
    let ids = |query: &str| {
        let json = get(&fake, &format!("/v2/org/acme/person?limit=50{query}")).json();
        assert_eq!(json["next"], Value::Null);
        json["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(""), (1..=7).map(person_id).collect::<Vec<_>>());
    assert_eq!(ids("&includeAll=true"), (1..=11).map(person_id).collect::<Vec<_>>());
    let count = json!({"jobCount": 8, "personCount": 5, "startingCount": 2, "departingCount": 0});
    assert_eq!(get(&fake, "/v2/org/acme/person/count").json(), count);
}

#[test]
fn pages_follow_each_other_by_a_bare_id() {
    let fake = FakeChartHop::builder().persons(5).start();
    let first = get(&fake, "/v2/org/acme/person?limit=2").json();
    assert_eq!(first["next"], json!(person_id(3)));
    let last = get(&fake, &format!("/v2/org/acme/person?limit=2&from={}", person_id(5))).json();
    assert_eq!(last, json!({"data": [{"id": person_id(5)}], "next": null}));
    assert_eq!(get(&fake, "/v2/org/acme/person?from=nonsense").status, 400);
}

#[test]
fn a_list_that_is_asked_for_an_unknown_field_is_refused() {
    let fake = FakeChartHop::builder().persons(2).unknown_field("manager.id").start();
    assert_eq!(get(&fake, "/v2/org/acme/person?fields=id%2Cmanager.id").status, 400);
    assert_eq!(get(&fake, "/v2/org/acme/person?fields=id%2Cmanager").status, 200);
}

#[test]
fn rows_have_what_was_asked_for_in_the_form_that_was_told() {
    let fields = "id,name.first,name.pref,contact.employee,manager,manager.id,endDateOrg";
    let flat = row(Form::default(), fields);
    assert_eq!(flat["manager"], json!(job_id(1)));
    assert_eq!((&flat["manager.id"], &flat["endDateOrg"]), (&json!(person_id(1)), &Value::Null));
    assert_eq!(flat.as_object().unwrap().len(), 7);

    let nested = row(Form { keys: Keys::Nested, empty: Empty::Absent, ..Form::default() }, fields);
    assert_eq!(nested["name"]["pref"], "Pref");
    assert_eq!(nested["manager"], json!({"id": person_id(1), "jobId": job_id(1)}));
    assert_eq!(nested.get("endDateOrg"), None);

    let text = row(Form { names: Names::Text, empty: Empty::Text, ..Form::default() }, fields);
    assert_eq!((&text["name.first"], &text["endDateOrg"]), (&json!(""), &json!("")));
    assert!(text["name"].as_str().is_some_and(|name| name.contains(' ')));

    assert_eq!(row(Form { managers: Managers::JobTwice, ..Form::default() }, fields)["manager.id"], json!(job_id(1)));
    let objects = row(Form { refs: Refs::Objects, ..Form::default() }, "groupIds");
    assert!(objects["groupIds"][0]["id"].is_string(), "{objects}");
    assert_eq!(row(Form { no_groups_in_list: true, ..Form::default() }, "id,groupIds"), json!({"id": person_id(7)}));
}

#[test]
fn groups_have_types_of_the_customers_own_and_parents() {
    let fake = FakeChartHop::builder().start();
    let groups = get(&fake, "/v2/org/acme/group?limit=500").json();
    let find = |number| {
        let id = json!(group_id(number));
        groups["data"].as_array().unwrap().iter().find(|group| group["id"] == id).cloned()
    };
    assert_eq!(find(101).unwrap()["parentGroupId"], json!(group_id(100)));
    assert_eq!(find(101).unwrap()["type"], "DEPARTMENT");
    let types = get(&fake, "/v1/org/acme/group-type").json();
    assert_eq!(find(400).unwrap()["type"], types["data"][3]["id"], "a type without a code");
    assert_eq!(find(900), None, "archived");
    let all = get(&fake, "/v2/org/acme/group?limit=500&timeFilter=ALL").json();
    assert!(all.to_string().contains(&group_id(900)));
}

#[test]
fn a_person_is_there_until_it_is_deleted() {
    let fake = FakeChartHop::builder().persons(5).former(1).deleted_on_read(2).start();
    let path = |number| format!("/v2/org/acme/person/{}?fields=groupIds", person_id(number));
    assert!(get(&fake, &path(1)).json()["groupIds"].is_array());
    assert_eq!(get(&fake, &path(6)).status, 200, "a former one");
    assert_eq!(get(&fake, &path(2)).status, 404);
    assert_eq!(get(&fake, "/v2/org/acme/person/count").json()["personCount"], 4);
    let listed = get(&fake, &format!("/v2/org/acme/person?ids={}&fields=id", person_id(2))).json();
    assert_eq!(listed["data"], json!([]));
}

#[test]
fn the_count_moves_with_the_people() {
    let fake = FakeChartHop::builder().persons(5).event(1, Event::Hire).event(2, Event::Depart(1)).start();
    let count = || get(&fake, "/v2/org/acme/person/count").json()["personCount"].clone();
    let list = || get(&fake, "/v2/org/acme/person?limit=50").json()["data"].as_array().unwrap().len();
    assert_eq!((count(), list()), (json!(5), 5));
    assert_eq!((count(), list()), (json!(6), 6));
    assert_eq!((count(), list()), (json!(5), 5));
    assert_eq!(fake.world().person(1).unwrap().stage, Stage::Former);
}

#[test]
fn a_hundred_thousand_people_are_made_page_by_page() {
    let fake = FakeChartHop::builder().persons(100_000).start();
    let last = get(&fake, &format!("/v2/org/acme/person?limit=500&from={}", person_id(99_999))).json();
    assert_eq!(last["data"].as_array().unwrap().len(), 2);
    assert_eq!(fake.world().person(99_999), fake.world().person(99_999), "the same each time");
}

#[test]
fn some_of_a_hundred_requests_fail_and_the_same_ones_each_time() {
    let statuses = || {
        let fake = FakeChartHop::builder().flaky(50, 7).start();
        let all: Vec<u16> = (0..20).map(|_| get(&fake, "/v1/user/me").status).collect();
        assert_eq!(fake.flaked(), all.iter().filter(|status| **status == 503).count() as u64);
        all
    };
    let first = statuses();
    assert!(first.contains(&503) && first.contains(&200), "{first:?}");
    assert_eq!(first, statuses());
}
