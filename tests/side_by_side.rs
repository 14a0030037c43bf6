//! Four connectors of one plugin list, at once: each is published, and one that fails holds up nobody else.

use serde_json::json;
use support::charthop::{FakeChartHop, place};
use support::chatwoot::{DEMO_TOKEN, FakeChatwoot};
use support::fault::{Fault, FaultKind};
use support::justworks::{FakeJustworks, PASSWORD, PASSWORD_VARIABLE, SECRET, SECRET_VARIABLE};
use support::scene::{Profile, Scene, text};
use support::scim::{self, FakeScim};

struct Fakes {
    charthop: FakeChartHop,
    justworks: FakeJustworks,
    scim: FakeScim,
}

fn four() -> (Scene, Fakes) {
    let fakes = Fakes {
        charthop: FakeChartHop::builder().persons(40).start(),
        justworks: FakeJustworks::demo().start(),
        scim: FakeScim::demo().start(),
    };
    let scim = Profile::new("directory", "scim")
        .setting("scim-base-url", &fakes.scim.origin())
        .setting("scim-path", scim::ROOT)
        .setting_toml("scim-token", &format!("{{ env = \"{}\" }}", scim::TOKEN))
        .allow_private(&fakes.scim.address().to_string());
    let scene = Scene::new()
        .chatwoot(FakeChatwoot::demo())
        .built_connector("charthop")
        .env(place::TOKEN, fakes.charthop.token())
        .connection(place::profile("hr", &fakes.charthop))
        .built_connector("justworks")
        .env(PASSWORD_VARIABLE, PASSWORD)
        .env(SECRET_VARIABLE, SECRET)
        .connection(fakes.justworks.profile("payroll"))
        .built_connector("scim")
        .env(scim::TOKEN, scim::DEMO_TOKEN)
        .connection(scim);
    (scene, fakes)
}

#[test]
fn four_connectors_run_from_one_plugin_list() {
    let (scene, fakes) = four();
    let run = scene.muster(["sync", "--json"]);
    let mut lines = run.exits(0).json_lines();
    lines.sort_by_key(|line| text(line, "connection").to_owned());
    let published: Vec<(&str, &str)> = lines.iter().map(|l| (text(l, "connection"), text(l, "status"))).collect();
    let good = "published";
    assert_eq!(published, [("directory", good), ("hr", good), ("payroll", good), ("support", good)]);
    let types: std::collections::BTreeSet<(String, String)> = scene
        .json(["resources"])
        .iter()
        .map(|row| (text(row, "connection").to_owned(), text(row, "type").to_owned()))
        .collect();
    let expected = [
        ("directory", "group"),
        ("directory", "user"),
        ("hr", "group"),
        ("hr", "person"),
        ("payroll", "department"),
        ("payroll", "member"),
        ("payroll", "office"),
        ("support", "agent"),
        ("support", "team"),
    ];
    let expected = expected.map(|(connection, kind)| (connection.to_owned(), kind.to_owned()));
    assert_eq!(types.into_iter().collect::<Vec<_>>(), expected);
    assert!(fakes.charthop.strangers().is_empty());
}

#[test]
fn one_that_fails_holds_up_none_of_the_others() {
    let (scene, fakes) = four();
    let broken = fakes.scim.inject(Fault::get("**", FaultKind::status(500)));
    let run = scene.muster(["sync", "--json"]);
    let lines = run.exits(3).json_lines();
    assert!(broken.fired() > 0);
    let status = |name: &str| lines.iter().find(|line| text(line, "connection") == name).unwrap()["status"].clone();
    let seen = ["directory", "hr", "payroll", "support"].map(status);
    assert_eq!(seen, [json!("failed"), json!("published"), json!("published"), json!("published")]);
}

#[test]
fn all_four_are_recorded_on_one_tape_and_come_back_from_it() {
    let (scene, fakes) = four();
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
    scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl"]).exits(0);
    let tape = std::fs::read_to_string(scene.path("tape.jsonl")).unwrap();
    // The beginning of the password has no character that is written in another way anywhere.
    let secrets = [&PASSWORD[..4], SECRET, DEMO_TOKEN, scim::DEMO_TOKEN, fakes.charthop.token()];
    for secret in secrets {
        assert!(!tape.contains(secret), "{secret} is on the tape");
    }
    for kind in ["resources", "entitlements", "grants"] {
        let rows = |store: &str| scene.muster(["--store", store, kind, "--json"]).exits(0).stdout.clone();
        assert_eq!(rows("replay.db"), rows("muster.db"), "{kind}");
    }
}

#[test]
fn what_there_is_to_choose_is_shown() {
    let scene = Scene::new().built_connector("charthop").without_toml();
    let choice = "charthop-membership (one of per-person, list, default per-person)";
    scene.muster(["inspect", "connectors/charthop.wasm"]).exits(0).says(choice);
    scene.muster(["init"]).exits(0);
    assert!(scene.toml_text().contains("# Membership (one of per-person, list, optional): "));
}
