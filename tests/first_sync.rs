//! The first sync of an account: what is asked, what is published, and how little it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;

use http::Method;
use serde_json::json;
use support::chatwoot::{Agent, FakeChatwoot, Team};
use support::fault::{Fault, FaultKind};
use support::scene::{Scene, text};

#[test]
fn the_demo_account_is_published() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let run = scene.muster(["sync"]);
    run.exits(0).says("support: published as run 1").stderr_is_empty();
    run.says("11 resources, 3 entitlements, 10 grants").says("24 added, 0 changed, 0 removed; 6 requests");
    assert_eq!(scene.fake().stats().requests, 6);

    let agents = scene.json(["resources", "--type", "agent"]);
    let ids: Vec<&str> = agents.iter().map(|row| text(row, "id")).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "7", "8", "11"]);
    let teams = scene.json(["resources", "--type", "team"]);
    assert_eq!(teams.iter().map(|row| text(row, "name")).collect::<Vec<_>>(), ["support", "billing", "night shift"]);
    let entitlements: Vec<_> = scene.rows("entitlements").iter().map(|row| text(row, "id").to_owned()).collect();
    assert_eq!(entitlements, ["team:1:member", "team:2:member", "team:4:member"]);

    let members: BTreeSet<String> = scene.grant_ids().into_iter().collect();
    let expected: BTreeSet<String> = scene
        .fake()
        .world()
        .teams
        .values()
        .flat_map(|team| team.members.iter().map(|agent| format!("team:{}:member:agent:{agent}", team.id)))
        .collect();
    assert_eq!(members, expected);
}

#[test]
fn records_are_what_the_vendor_said() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().enterprise(true));
    scene.fake().edit(|world| world.add_agent(world.agents[&2].clone().custom_role(1)));
    scene.muster(["sync"]).exits(0);
    let rows = scene.rows("resources");
    let by_id: BTreeMap<_, _> = rows.iter().map(|row| ((text(row, "type"), text(row, "id")), row)).collect();

    let bruno = by_id[&("agent", "2")];
    assert_eq!(bruno["email"], "bruno.castell@lighthouse.test");
    assert_eq!((&bruno["kind"], &bruno["status"]), (&json!("user"), &json!("enabled")));
    assert_eq!(bruno["profile"]["custom_attributes"], json!({"employee_id": "LS-1042"}));
    assert_eq!((&bruno["profile"]["role"], &bruno["profile"]["custom_role_id"]), (&json!("agent"), &json!(1)));
    assert!(bruno["profile"].get("availability_status").is_none(), "it changes by itself: {bruno}");
    assert!(bruno["profile"].get("thumbnail").is_none(), "it changes by itself: {bruno}");

    let hana = by_id[&("agent", "11")];
    assert_eq!((&hana["status"], &hana["status_detail"]), (&json!("disabled"), &json!("invitation not accepted")));
    assert_eq!(by_id[&("agent", "3")]["name"], "Chiara Neri", "the name, not the display name");

    let support = by_id[&("team", "1")];
    assert_eq!((&support["kind"], &support["status"]), (&json!("group"), &json!(null)));
    assert_eq!(support["profile"]["description"], "First line, all channels");
}

#[test]
fn who_has_no_name_is_shown_by_another() {
    let nameless = Agent::new(50, "", "nameless@example.test");
    let shown = Agent::new(51, "", "shown@example.test").display_name("Shown");
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agent(nameless).agent(shown));
    scene.muster(["sync"]).exits(0);
    let rows = scene.rows("resources");
    let name = |id: &str| text(rows.iter().find(|row| row["id"] == id).unwrap(), "name").to_owned();
    assert_eq!(name("50"), "nameless@example.test");
    assert_eq!(name("51"), "Shown");
}

#[test]
fn only_known_paths_are_read_and_only_with_the_credential() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().account_id(17).token("another-token"));
    scene.muster(["check"]).exits(0);
    scene.muster(["sync"]).exits(0);
    let fake = scene.fake();
    let paths: BTreeSet<String> = fake.counts().into_keys().collect();
    let members = |team: u64| fake.path(&format!("teams/{team}/team_members"));
    let known =
        ["/api/v1/profile".to_owned(), fake.path("agents"), fake.path("teams"), members(1), members(2), members(4)];
    assert_eq!(paths, BTreeSet::from(known));
    for request in fake.requests() {
        assert_eq!(request.method, Method::GET, "{}", request.target());
        assert_eq!(request.query, None);
        assert!(request.body.is_empty());
        assert_eq!(request.header("api_access_token"), Some("another-token"), "{}", request.target());
        let carriers: Vec<&str> = request
            .headers
            .iter()
            .filter(|(_, value)| value.as_bytes().windows(13).any(|part| part == b"another-token"))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(carriers, ["api_access_token"], "the token travels once");
        assert!(request.headers.get("cookie").is_none());
    }
}

#[test]
fn connections_are_kept_alive() {
    let builder = FakeChatwoot::builder().agents(50).teams(40).members_per_team(5);
    let scene = Scene::new().chatwoot_as("support", builder, |profile| profile.run("at-once = 4"));
    scene.muster(["sync"]).exits(0).says("90 resources, 40 entitlements, 200 grants");
    let stats = scene.fake().stats();
    assert_eq!(stats.requests, 43);
    assert!(stats.at_once <= 4, "{} requests at once", stats.at_once);
    // A connection that is being made while another becomes free is kept, too.
    assert!(stats.connections <= 8, "{} connections for 43 requests", stats.connections);
}

#[test]
fn requests_run_at_once_without_barriers() {
    let latency = std::time::Duration::from_millis(150);
    let builder = FakeChatwoot::builder().agents(30).teams(32).members_per_team(3).latency(latency);
    let scene = Scene::new().chatwoot(builder);
    scene.muster(["sync"]).exits(0).says("35 requests");
    let stats = scene.fake().stats();
    assert!((8..=16).contains(&stats.at_once), "{} requests at once", stats.at_once);
}

#[test]
fn compressed_answers_are_read() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let gzip = scene.fake().inject(Fault::get("**", FaultKind::Gzip));
    scene.muster(["sync"]).exits(0).says("11 resources, 3 entitlements, 10 grants");
    gzip.assert_fired(6);
    assert!(
        scene
            .fake()
            .requests()
            .iter()
            .all(|request| { request.header("accept-encoding").is_some_and(|value| value.contains("gzip")) })
    );
}

#[test]
fn an_account_of_one_agent_and_no_team_is_an_account() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder());
    scene.muster(["sync"]).exits(0).says("1 resource, 0 entitlements, 0 grants").says("3 requests");
    scene.muster(["grants"]).exits(0).stdout_is_empty().complains("no rows");
}

#[test]
fn an_empty_team_is_a_team() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().team(Team::new(3, "nobody", &[])));
    scene.muster(["sync"]).exits(0).says("2 resources, 1 entitlement, 0 grants");
}

#[test]
fn large_numbers_keep_their_digits() {
    let big = 9_007_199_254_740_993; // 2^53 + 1
    let attribute: serde_json::Value = serde_json::from_str("9007199254740995").unwrap();
    let agent = Agent::new(big, "Big", "big@example.test").attribute("number", attribute);
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agent(agent).team(Team::new(1, "one", &[big])));
    scene.muster(["sync"]).exits(0);
    assert_eq!(scene.grant_ids(), [format!("team:1:member:agent:{big}")]);
    let run = scene.muster(["resources", "--json"]);
    run.says("\"id\":\"9007199254740993\"").says("\"number\":9007199254740995");
}

#[test]
fn the_store_is_readable_by_its_owner_only() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    for entry in std::fs::read_dir(scene.folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("muster.db") {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let expected = if entry.metadata().unwrap().is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{name}");
        }
    }
}

#[test]
fn check_says_who_the_vendor_thinks_we_are() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["check"]).exits(0).says("support: ok, Lighthouse Supplies (account 1)").stderr_is_empty();
    let line = scene.muster(["check", "--json"]).exits(0).json();
    assert_eq!((&line["connection"], &line["ok"]), (&json!("support"), &json!(true)));
    assert_eq!(line["account"], json!({"id": "1", "name": "Lighthouse Supplies"}));
    assert!(!scene.path("muster.db").exists(), "a check writes no store");
    assert_eq!(scene.fake().stats().requests, 2, "one for each check");
}

#[test]
fn many_connections_share_a_store() {
    let scene = Scene::new().chatwoot_as("first", FakeChatwoot::demo(), |profile| profile).chatwoot_as(
        "second",
        FakeChatwoot::builder().agents(3).teams(1).members_per_team(2),
        |profile| profile,
    );
    let lines = scene.json(["sync"]);
    let runs: BTreeSet<i64> = lines.iter().map(|line| line["run"].as_i64().unwrap()).collect();
    assert_eq!(runs, BTreeSet::from([1, 2]), "numbers are the store's");
    assert_eq!(scene.json(["resources", "--connection", "second"]).len(), 4);
    assert_eq!(scene.rows("resources").len(), 15);
    scene.muster(["sync", "second"]).exits(0).says("second: published as run 3").never_says("first");
}
