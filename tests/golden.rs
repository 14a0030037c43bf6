//! What people see, word for word. `MUSTER_BLESS=1` writes the files anew; a difference in the answer's volatile
//! parts (times, digests, sizes, ports) is none.

use std::path::PathBuf;
use std::sync::OnceLock;

use regex_lite::Regex;
use support::chatwoot::FakeChatwoot;
use support::fault::{Fault, FaultKind};
use support::pair::Pair;
use support::scene::{Profile, Scene};

fn golden_file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "golden", &format!("{name}.txt")].iter().collect()
}

/// One call at a time: the order in which a vendor's answers arrive is the same each time.
fn in_order(profile: Profile) -> Profile {
    profile.run("at-once = 1")
}

fn demo() -> Scene {
    Scene::new().chatwoot_as("support", FakeChatwoot::demo(), in_order)
}

/// Volatile parts, replaced by what they are.
fn normalised(text: &str) -> String {
    static RULES: OnceLock<Vec<(Regex, &str)>> = OnceLock::new();
    let rules = RULES.get_or_init(|| {
        [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "YYYY-MM-DDThh:mm:ssZ"),
            (r"\b[0-9a-f]{64}\b", "DIGEST"),
            (r"\b[0-9a-f]{12}\b", "DIGEST------"),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
            (r"\b\d+ (B|KB|MB)\b", "SIZE"),
            (r"\b(in|after) (\d+\.\d\d s|\d+ ms)\b", "$1 TIME"),
            (r"\b(\d+ ms|\d+\.\d\d s)\b", "TIME ms"),
        ]
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
        .into()
    });
    let mut text = text.to_owned();
    for (pattern, with) in rules {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    // The slowest tasks come in another order each time.
    let mut lines: Vec<&str> = text.lines().collect();
    for block in lines.chunk_by_mut(|one, other| one.starts_with("    TIME ms") && other.starts_with("    TIME ms")) {
        if block[0].starts_with("    TIME ms") {
            block.sort_unstable();
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Compares what a command prints, on stdout and then on stderr, with its golden file.
#[track_caller]
fn matches(scene: &Scene, name: &str, code: i32, arguments: &[&str]) {
    let run = scene.muster(arguments);
    run.exits(code);
    let mut found = format!("$ muster {}\n{}", arguments.join(" "), run.stdout);
    if !run.stderr.is_empty() {
        found = format!("{found}--- stderr ---\n{}", run.stderr);
    }
    let found = normalised(&found);
    let path = golden_file(name);
    if std::env::var_os("MUSTER_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; MUSTER_BLESS=1 writes it", path.display()));
    assert!(
        found == expected,
        "golden/{name}.txt differs (MUSTER_BLESS=1 writes it anew)\n--- expected ---\n{expected}\n--- found ---\n{found}"
    );
}

#[test]
fn connectors() {
    matches(&demo(), "connectors", 0, &["connectors"]);
}

#[test]
fn inspect() {
    matches(&demo(), "inspect", 0, &["inspect", "chatwoot"]);
}

#[test]
fn check() {
    matches(&demo(), "check", 0, &["check"]);
}

#[test]
fn the_first_sync_and_its_rows() {
    let scene = demo();
    matches(&scene, "sync", 0, &["sync"]);
    matches(&scene, "resources", 0, &["resources"]);
    matches(&scene, "entitlements", 0, &["entitlements"]);
    matches(&scene, "grants", 0, &["grants"]);
    matches(&scene, "runs-show", 0, &["runs", "show", "1"]);
}

#[test]
fn a_history() {
    let builder = FakeChatwoot::builder().agents(40).teams(2).members_per_team(3);
    let scene = Scene::new().chatwoot_as("support", builder, in_order);
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| {
        world.rename_team(1, "renamed");
        (21..=40).for_each(|id| world.leave_account(id));
    });
    matches(&scene, "sync-held", 3, &["sync"]);
    let down = scene.fake().inject(Fault::get(&scene.fake().path("teams/2/team_members"), FaultKind::status(500)));
    matches(&scene, "sync-incomplete", 3, &["sync"]);
    down.assert_fired(1);
    matches(&scene, "runs", 0, &["runs"]);
    matches(&scene, "runs-show-incomplete", 0, &["runs", "show", "3"]);
}

#[test]
fn a_denial() {
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.closed());
    matches(&scene, "sync-denied", 1, &["sync"]);
    matches(&scene, "check-denied", 1, &["check"]);
}

#[test]
fn odd_names() {
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::builder().odd_names(), in_order);
    scene.muster(["sync"]).exits(0);
    matches(&scene, "odd-names", 0, &["resources"]);
}

#[test]
fn a_plan() {
    let pair = Pair::demo().synced();
    matches(&pair, "plan", 0, &["plan", "justworks", "charthop", "-o", "plan.json"]);
    same(&std::fs::read_to_string(pair.path("plan.json")).unwrap(), "plan-json");
    matches(&pair, "apply", 0, &["apply", "plan.json", "--yes"]);
}

#[test]
fn a_plugin_list() {
    let scene = Scene::new().built_connector("chatwoot");
    matches(&scene, "init", 0, &["init"]);
    same(&scene.toml_text(), "muster-toml");
}

/// Compares a file with its golden one.
#[track_caller]
fn same(text: &str, name: &str) {
    let found = normalised(text);
    let path = golden_file(name);
    if std::env::var_os("MUSTER_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "MUSTER_BLESS=1 writes it anew");
}
