//! The command line: help, exit codes, JSON keys, what goes where, and one-off use.

use std::time::Duration;

use serde_json::{Value, json};
use support::chatwoot::{FakeChatwoot, Role};
use support::fault::{Fault, FaultKind};
use support::scene::{Process, Scene, text};

const COMMANDS: [&str; 9] =
    ["init", "connectors", "inspect", "check", "sync", "runs", "resources", "entitlements", "grants"];

fn demo() -> Scene {
    Scene::new().chatwoot(FakeChatwoot::demo())
}

fn synced() -> Scene {
    let scene = demo();
    scene.muster(["sync"]).exits(0);
    scene
}

/// These keys are always present.
#[track_caller]
fn has_keys(line: &Value, keys: &[&str]) {
    let object = line.as_object().unwrap_or_else(|| panic!("no object: {line}"));
    let missing: Vec<&&str> = keys.iter().filter(|key| !object.contains_key(**key)).collect();
    assert!(missing.is_empty(), "{missing:?} missing in {line}");
}

#[test]
fn help_names_every_command() {
    let scene = Scene::new();
    let help = scene.muster(["--help"]);
    help.exits(0).stderr_is_empty().says("Exit codes:");
    for command in COMMANDS {
        help.says(&format!("\n  {command}"));
        scene.muster([command, "--help"]).exits(0).stderr_is_empty().says("Usage: muster");
    }
    scene.muster(["build", "--help"]).exits(0).says("Usage: muster build");
    help.never_says("compile-component");
    scene.muster(["--version"]).exits(0).says(&format!("muster {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn mistakes_of_usage_are_refused() {
    let scene = demo();
    for words in [
        &["snyc"][..],
        &[],
        &["sync", "--nonsense"],
        &["runs", "show", "first"],
        &["runs", "show"],
        &["inspect"],
        &["sync", "--set", "a=b"],
        &["resources", "-q", "-v"],
    ] {
        let run = scene.muster(words);
        run.exits(2).stdout_is_empty();
        assert!(!run.stderr.is_empty(), "{words:?} says nothing");
        run.never_says("panicked").never_says("backtrace");
    }
    scene.muster(["snyc"]).complains("sync");
}

#[test]
fn sync_as_json() {
    let scene = demo();
    let line = scene.muster(["sync", "--json"]).exits(0).json();
    let keys = [
        "connection",
        "run",
        "status",
        "resources",
        "entitlements",
        "grants",
        "added",
        "changed",
        "removed",
        "requests",
        "retries",
        "elapsed_ms",
        "failures",
    ];
    has_keys(&line, &keys);
    assert_eq!(
        (&line["connection"], &line["run"], &line["status"]),
        (&json!("support"), &json!(1), &json!("published"))
    );
    let counts = ["resources", "entitlements", "grants", "added", "changed", "removed", "requests", "retries"];
    let counts = counts.map(|key| line[key].as_u64().unwrap());
    assert_eq!(counts, [11, 3, 10, 24, 0, 0, 6, 0]);
    assert_eq!(line["failures"], json!([]));
    assert!(line["elapsed_ms"].is_u64());

    let down = scene.fake().inject(Fault::get("/api/v1/profile", FaultKind::status(500)));
    let line = scene.muster(["sync", "--json"]).exits(1).json();
    down.assert_fired(1);
    has_keys(&line, &keys);
    assert_eq!(line["status"], "failed");
    has_keys(&line["failures"][0], &["task", "reason", "message"]);

    // Refused before anybody is called: the same keys.
    let line = scene.without_env("CHATWOOT_TOKEN").muster(["sync", "--json"]).exits(2).json();
    has_keys(&line, &keys);
    assert_eq!((&line["run"], &line["status"]), (&Value::Null, &json!("failed")));
    has_keys(&line["failures"][0], &["task", "reason", "message"]);
}

#[test]
fn rows_as_json() {
    let scene = synced();
    for row in scene.rows("resources") {
        let keys = ["connection", "type", "id", "name", "parent", "kind", "email", "login", "status", "status_detail"];
        has_keys(&row, &keys);
        has_keys(&row, &["employment", "profile"]);
        assert!(row["profile"].is_object(), "{row}");
        assert!(!text(&row, "id").contains(':'), "the vendor's own id: {row}");
    }
    for row in scene.rows("entitlements") {
        let keys = ["connection", "id", "resource", "slug", "name", "description", "purpose", "grantable_to"];
        has_keys(&row, &keys);
        has_keys(&row["resource"], &["type", "id"]);
        assert_eq!(row["grantable_to"], json!(["agent"]));
        let id = format!("team:{}:member", text(&row["resource"], "id"));
        assert_eq!(text(&row, "id"), id);
    }
    for row in scene.rows("grants") {
        has_keys(&row, &["connection", "id", "entitlement", "resource", "slug", "principal"]);
        has_keys(&row["resource"], &["type", "id"]);
        has_keys(&row["principal"], &["type", "id"]);
        let id = format!("{}:agent:{}", text(&row, "entitlement"), text(&row["principal"], "id"));
        assert_eq!(text(&row, "id"), id);
    }
    for row in scene.rows("runs") {
        let keys = [
            "run",
            "connection",
            "status",
            "started",
            "ended",
            "resources",
            "entitlements",
            "grants",
            "added",
            "changed",
            "removed",
        ];
        has_keys(&row, &keys);
    }
}

#[test]
fn inspect_as_json() {
    let scene = demo();
    let line = scene.muster(["inspect", "chatwoot", "--json"]).exits(0).json();
    has_keys(
        &line,
        &[
            "name",
            "version",
            "contract",
            "digest",
            "size",
            "capabilities",
            "resource_types",
            "settings",
            "credentials",
            "routes",
            "origins",
            "limits",
        ],
    );
    assert_eq!((&line["name"], &line["contract"]), (&json!("chatwoot"), &json!("0.1.0")));
    assert_eq!(line["settings"].as_array().unwrap().len(), 3);
    for setting in line["settings"].as_array().unwrap() {
        has_keys(setting, &["name", "label", "kind", "required", "default", "secret"]);
        assert_eq!(setting["secret"], json!(setting["name"] == "chatwoot-api-token"));
    }
    has_keys(&line["credentials"][0], &["id", "scheme", "origin"]);
    assert!(line["routes"].as_array().unwrap().len() >= 4);
    for route in line["routes"].as_array().unwrap() {
        has_keys(route, &["origin", "methods", "path", "use"]);
        let methods = route["methods"].as_array().unwrap();
        let reads = methods.iter().all(|method| method == "GET" || method == "HEAD");
        assert_eq!(reads, route["use"] == "read", "{route}");
    }
    assert_eq!(line["origins"], json!([{"asked": scene.fake().origin(), "granted": true}]));
    for limit in line["limits"].as_array().unwrap() {
        has_keys(limit, &["name", "unit", "default", "granted"]);
    }
    // By file, and without a plugin list: nothing is granted.
    let scene = scene.without_toml();
    let line = scene.muster(["inspect", "connectors/chatwoot.wasm", "--json"]).exits(0).json();
    assert_eq!(line["origins"], json!([{"asked": "https://app.chatwoot.com", "granted": false}]));
    scene.muster(["inspect", "chatwoot"]).exits(0).says("chatwoot-api-token (secret, required)");
    scene.muster(["inspect", "chatwot"]).exits(2).errs("chatwot").complains("chatwoot");
}

#[test]
fn connectors_as_json() {
    let line = demo().muster(["connectors", "--json"]).exits(0).json();
    has_keys(&line, &["name", "version", "contract", "capabilities", "digest", "size"]);
    assert_eq!(text(&line, "digest").len(), 64);
    let scene = Scene::new();
    scene.muster(["connectors"]).exits(0).stdout_is_empty().complains("no connectors in connectors");
}

#[test]
fn one_run_as_json() {
    let line = synced().muster(["runs", "show", "1", "--json"]).exits(0).json();
    has_keys(&line, &["run", "connection", "status", "started", "ended", "findings"]);
}

#[test]
fn exit_codes_tell_how_much_worked() {
    let mut scene = demo().chatwoot_as("second", FakeChatwoot::builder(), |profile| profile).chatwoot_as(
        "third",
        FakeChatwoot::builder(),
        |profile| profile,
    );
    scene.muster(["sync"]).exits(0);
    let down = scene.fake_of("second").inject(Fault::get("/api/v1/profile", FaultKind::status(500)));
    scene.muster(["sync"]).exits(3).errs("second").says("support: published").says("third: published");
    scene.muster(["sync", "second"]).exits(1);
    down.assert_fired(2);
    // The vendor refuses a setting: failed, not refused.
    scene.change("third", |profile| profile.setting("chatwoot-account-id", "99"));
    scene.muster(["sync", "second", "third"]).exits(1);
    // The host judges a setting.
    scene.change("third", |profile| profile.setting("chatwoot-account-id", "ninety"));
    scene.muster(["sync", "third"]).exits(2);
    scene.muster(["sync", "second", "third"]).exits(1);
    scene.muster(["sync", "support", "third"]).exits(3);
    scene.muster(["check", "support"]).exits(0);
    scene.muster(["check", "third"]).exits(2);
    scene.muster(["check", "second"]).exits(1);
    scene.muster(["check"]).exits(3);
}

#[test]
fn an_unknown_connection_is_named_with_the_nearest() {
    let scene = synced();
    for words in [
        &["sync", "suport"][..],
        &["check", "suport"],
        &["resources", "--connection", "suport"],
        &["runs", "--connection", "suport"],
        &["grants", "--connection", "suport"],
    ] {
        scene
            .muster(words)
            .exits(2)
            .errs("there is no connection suport")
            .helps("did you mean support?")
            .stdout_is_empty();
    }
    // One wrong name among right ones, and nobody is called.
    let before = scene.fake().stats().requests;
    scene.muster(["sync", "support", "zzz"]).exits(2).errs("there is no connection zzz");
    assert_eq!(scene.fake().stats().requests, before);
    scene.muster(["runs", "show", "77"]).exits(2).errs("77").stdout_is_empty();
    scene.muster(["runs", "accept", "77"]).exits(2).errs("77").stdout_is_empty();
    scene.muster(["runs", "accept", "1"]).exits(2).errs("run 1 cannot be accepted").stdout_is_empty();
}

#[test]
fn an_unknown_type_gives_no_rows() {
    synced().muster(["resources", "--type", "planet"]).exits(0).stdout_is_empty();
}

#[test]
fn nobody_has_synced_yet() {
    let scene = demo();
    for command in ["resources", "entitlements", "grants", "runs"] {
        let run = scene.muster([command]);
        run.exits(2).stdout_is_empty().complains("muster.db").complains("error: ");
    }
    assert!(!scene.path("muster.db").exists(), "reading makes no store");
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(5_000).teams(5).members_per_team(50));
    scene.muster(["sync"]).exits(0);
    for words in [
        &["resources"][..],
        &["resources", "--json"],
        &["grants"],
        &["entitlements", "--json"],
        &["runs"],
        &["runs", "show", "1"],
        &["connectors"],
        &["inspect", "chatwoot"],
        &["check"],
        &["sync"],
        &["sync", "--json"],
        &["--help"],
    ] {
        scene.unread(words).exits(0).stderr_is_empty();
    }
}

#[test]
fn a_sync_that_nobody_listens_to_is_done_to_its_end() {
    let scene = demo().chatwoot_as("slow", FakeChatwoot::builder(), |profile| profile);
    let slow =
        scene.fake_of("slow").inject(Fault::get("/api/v1/profile", FaultKind::Delay(Duration::from_millis(500))));
    scene.unread(["sync"]).exits(0);
    slow.assert_fired(1);
    let statuses: Vec<_> = scene.rows("runs").iter().map(|row| text(row, "status").to_owned()).collect();
    assert_eq!(statuses, ["published", "published"]);
}

#[test]
fn nothing_is_coloured_when_piped() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().role(Role::Agent)).env("TERM", "xterm-256color");
    let commands = [
        &["check", "-v"][..],
        &["sync", "-vv"],
        &["resources"],
        &["runs"],
        &["runs", "show", "1"],
        &["inspect", "chatwoot"],
        &["connectors"],
        &["--help"],
        &["sync", "zzz"],
        &["nonsense"],
    ];
    for words in commands {
        scene.muster(words).never_says("\u{1b}");
    }
    let scene = scene.env("NO_COLOR", "1");
    for words in commands {
        scene.muster(words).never_says("\u{1b}");
    }
}

#[test]
fn how_much_is_said() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().role(Role::Agent));
    let warning = "an administrator's token is recommended";
    scene.muster(["sync"]).exits(0).complains(warning);
    scene.muster(["sync", "-q"]).exits(0).stderr_is_empty().says("published");
    scene.muster(["sync", "-v"]).exits(0).complains("Chatwoot knows the token as Ada Marlowe");
    scene.muster(["sync", "-vv"]).exits(0).complains("/api/v1/accounts/1/teams/4/team_members").complains("status=200");
    let run = scene.muster(["sync", "-vv", "--log-format", "json"]);
    run.exits(0);
    for line in run.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        has_keys(&line, &["timestamp", "level", "fields"]);
    }
    // An error is said however quiet it shall be.
    scene.muster(["sync", "-q", "zzz"]).exits(2).errs("there is no connection zzz");
    scene.muster(["resources", "-q", "--type", "planet"]).exits(0).stderr_is_empty();
    let scene = scene.env("MUSTER_LOG", "muster=debug");
    scene.muster(["sync"]).exits(0).complains("status=200");
}

#[test]
fn a_run_that_takes_long_says_how_far_it_is() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let hang = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::Hang));
    let process = scene.spawn(["sync"]);
    // A line every 10 s.
    support::scene::eventually("it says how far it is", || {
        process.stderr_so_far().contains("5 tasks done, 1 in progress")
    });
    hang.assert_fired(1);
}

#[test]
fn one_off_use_needs_no_plugin_list() {
    let scene = demo().without_toml();
    let address = scene.fake().address().to_string();
    let base = format!("chatwoot-base-url={}", scene.fake().origin());
    let options = [
        "--connector",
        "connectors/chatwoot.wasm",
        "--set",
        &base,
        "--set",
        "chatwoot-account-id=1",
        "--secret",
        "chatwoot-api-token=env:CHATWOOT_TOKEN",
    ];
    let with = |command: &str, more: &[&str]| scene.muster([&[command][..], &options, more].concat());
    // A url setting grants its origin, and opens no private address.
    with("sync", &[]).exits(1).complains("denied").complains("allow-private");
    with("check", &["--allow-private", &address]).exits(0).says("chatwoot: ok, Lighthouse Supplies");
    with("sync", &["--allow-private", &address]).exits(0).says("chatwoot: published as run").says("11 resources");
    assert_eq!(scene.json(["resources", "--connection", "chatwoot"]).len(), 11);
    with("sync", &["--allow-private", &address, "--store", "other.db"]).exits(0).says("published as run 1");
    assert!(scene.path("other.db").exists());
    assert_eq!(scene.json(["resources", "--store", "other.db"]).len(), 11);

    // A secret in the file.
    std::fs::write(scene.path("token"), scene.fake().token()).unwrap();
    std::fs::set_permissions(scene.path("token"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let words = [
        "check",
        "--connector",
        "connectors/chatwoot.wasm",
        "--set",
        &base,
        "--set",
        "chatwoot-account-id=1",
        "--secret",
        "chatwoot-api-token=file:token",
        "--allow-private",
        &address,
    ];
    scene.muster(words).exits(0).says("ok");
}

#[test]
fn one_off_mistakes_are_refused() {
    let scene = demo().without_toml();
    let base = format!("chatwoot-base-url={}", scene.fake().origin());
    let file = "connectors/chatwoot.wasm";
    let secret = "chatwoot-api-token=env:CHATWOOT_TOKEN";
    let table: [(&[&str], &str); 8] = [
        (&["--set", "chatwoot-account-id=1"], "chatwoot-api-token"),
        (&["--secret", secret], "chatwoot-account-id"),
        (&["--set", "no-such=1", "--secret", secret], "has no setting no-such"),
        (&["--set", "lonely"], "NAME=VALUE"),
        (&["--secret", "chatwoot-api-token=swordfish"], "env:"),
        (&["--set", "chatwoot-api-token=swordfish", "--set", "chatwoot-account-id=1"], "chatwoot-api-token"),
        (&["--allow", "nonsense"], "nonsense"),
        (&["--allow-private", "nonsense"], "nonsense"),
    ];
    for (more, sentence) in table {
        let run = scene.muster([&["sync", "--connector", file, "--set", &base][..], more].concat());
        run.exits(2).complains(sentence).never_says("swordfish");
        assert!(run.stderr.starts_with("error: "), "{run:?}");
    }
    scene.muster(["sync", "--connector", "nowhere.wasm"]).exits(2).errs("nowhere.wasm");
    scene.muster(["sync", "support", "--connector", file]).exits(2).complains("--connector");
    assert_eq!(scene.fake().stats().requests, 0);
}

#[test]
fn the_folder_of_the_plugin_list_counts() {
    let scene = demo();
    let config = scene.path("muster.toml");
    let mut command = scene.command(["sync", "--config"]);
    command.arg(&config).current_dir(scene.path("home"));
    Process::start(command, Duration::from_secs(60)).wait().exits(0).says("published as run 1");
    assert!(scene.path("muster.db").exists() && !scene.path("home/muster.db").exists());
    assert_eq!(scene.rows("resources").len(), 11);
    scene.muster(["sync", "--config", "nowhere.toml"]).exits(2).errs("nowhere.toml").helps("muster init");
}

#[test]
fn reading_needs_no_plugin_list() {
    let scene = synced().without_toml();
    assert_eq!(scene.rows("resources").len(), 11);
    std::fs::rename(scene.path("muster.db"), scene.path("kept.db")).unwrap();
    assert_eq!(scene.json(["grants", "--store", "kept.db"]).len(), 10);
    scene.muster(["sync"]).exits(2).errs("there is no muster.toml").helps("muster init");
}

#[test]
fn init_writes_a_plugin_list_that_works() {
    let mut scene = Scene::new().built_connector("chatwoot");
    scene.muster(["init"]).exits(0);
    let written = scene.toml_text();
    for word in ["chatwoot-base-url", "chatwoot-account-id", "chatwoot-api-token", "env = ", "https://app.chatwoot.com"]
    {
        assert!(written.contains(word), "{word} is missing in:\n{written}");
    }
    scene.muster(["init"]).exits(2).errs("muster.toml");
    assert_eq!(scene.toml_text(), written, "a plugin list that is there is kept");
    // What is left to fill in is said before anybody is called.
    scene.set_env("CHATWOOT_API_TOKEN", "demo-token");
    scene.muster(["check"]).exits(2).errs("chatwoot-account-id");

    // Four lines later it works.
    let fake = FakeChatwoot::demo().start();
    scene.set_env("CHATWOOT_API_TOKEN", fake.token());
    let mut text = written;
    for (from, to) in [
        ("\"https://app.chatwoot.com\"\n".to_owned(), format!("\"{}\"\n", fake.origin())),
        ("chatwoot-account-id = \"\"".to_owned(), "chatwoot-account-id = \"1\"".to_owned()),
        ("# allow-private = [\"127.0.0.1:3000\"]".to_owned(), format!("allow-private = [\"{}\"]", fake.address())),
    ] {
        assert_eq!(text.matches(&from).count(), 1, "{from} in:\n{text}");
        text = text.replace(&from, &to);
    }
    let scene = scene.toml(text);
    scene.muster(["sync"]).exits(0).says("chatwoot: published as run 1").says("11 resources");
}

#[test]
fn names_are_neutral_in_tables_and_verbatim_in_json() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().odd_names());
    scene.muster(["sync"]).exits(0);
    let world = scene.fake().world();
    let rows = scene.rows("resources");
    let find = |kind: &str, id: u64| {
        let id = id.to_string();
        rows.iter().find(|row| row["type"] == kind && row["id"] == id.as_str()).unwrap()
    };
    for agent in world.agents.values().filter(|agent| !agent.name.trim().is_empty()) {
        let row = find("agent", agent.id);
        assert_eq!(row["name"], agent.name, "as the vendor gave it");
    }
    for team in world.teams.values() {
        let row = find("team", team.id);
        assert_eq!(row["name"], team.name, "as the vendor gave it");
    }
    let tables =
        [&["resources"][..], &["entitlements"], &["grants"], &["runs", "show", "1"], &["sync", "-v"], &["check"]];
    for words in tables {
        let run = scene.muster(words);
        run.exits(0);
        let odd = |text: &str| text.chars().find(|c| c.is_control() && *c != '\n' || is_invisible(*c));
        assert_eq!(odd(&run.stdout), None, "{words:?}: {run:?}");
        assert_eq!(odd(&run.stderr), None, "{words:?}: {run:?}");
    }
    // A line a row, and the header.
    let run = scene.muster(["resources"]);
    assert_eq!(run.stdout.lines().count(), rows.len() + 1);
    run.says("\\u{1b}[31mred").says("\\u{202e}").says("李小龍").says("مريم العلي");
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[test]
fn an_error_with_an_odd_text_is_neutral() {
    let scene = demo();
    let body = json!({"error": "Account \u{1b}[2J\u{202e}is odd\nerror: forged"}).to_string();
    let odd = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::json(422, &body)));
    let run = scene.muster(["sync"]);
    run.exits(3).never_says("\u{1b}").never_says("\u{202e}");
    odd.assert_fired(1);
    assert_eq!(run.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{run:?}");
    scene
        .muster(["runs", "show", "1"])
        .exits(0)
        .never_says("\u{1b}")
        .never_says("\u{202e}")
        .never_says("\nerror: forged");
}

#[test]
fn rows_come_in_the_same_order_whatever_answers_first() {
    let orders = ["agents", "teams"].map(|late| {
        let scene = demo();
        let delay = FaultKind::Delay(Duration::from_millis(300));
        let delay = scene.fake().inject(Fault::get(&scene.fake().path(late), delay));
        scene.muster(["sync"]).exits(0);
        delay.assert_fired(1);
        ["resources", "entitlements", "grants"].map(|what| scene.muster([what]).stdout)
    });
    assert_eq!(orders[0], orders[1]);
}
