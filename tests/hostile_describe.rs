//! A connector that misbehaves when it is asked for its manifest, before anybody wrote a setting. The built component
//! is patched: one word in it says how.

use std::time::Duration;
use support::echo::Echo;
use support::scene::{Scene, each_row, eventually};

use crate::hostile_guest::{describing, folder, hostile, publishes};

/// A folder with the variant of that word.
fn variant(word: &str, server: &Echo) -> Scene {
    folder().connector("hostile.wasm", describing(word)).connection(hostile("hostile", "honest", server))
}

#[test]
fn a_manifest_that_is_refused() {
    // Seen red for `name` with the stem not compared (manifest.rs).
    let rows = [
        ("name", "it calls itself \"support\""),
        ("trap", "the connector crashed"),
        ("spin", "used more than 1 s of processor time"),
        ("wait", "took longer than"),
        ("emit", "emitted records outside of sync"),
        ("secret-default", "the secret other has a default"),
        ("text", "has more than 4096 bytes"),
        ("rows", "more than 256"),
        ("choices", "has 60000 choices; it needs 1 to 256"),
        ("methods", "more than"),
        ("megabytes", "between connector and host in one call"),
        ("trace", "has a method that is none of"),
        ("delete-to-read", "uses a method that its use does not allow"),
        ("secret-path", "secret"),
        ("secret-origin", "is no setting of kind url"),
        ("framing", "transfer-encoding"),
        ("host", "host"),
        ("pattern", "regular expression"),
        ("escapes-version", "holds a control or an invisible character"),
        ("escapes-default", "holds a control or an invisible character"),
        ("escapes-page", "holds a control or an invisible character"),
        ("toml", "holds a control or an invisible character"),
        ("request", "a connector that describes itself has no network"),
    ];
    let server = Echo::start();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(word, sentence)| {
            let scene = variant(word, &server);
            let run = scene.muster(["sync"]);
            run.exits(2).errs(sentence).within(Duration::from_secs(25));
            assert_eq!(server.connections(), 0);
            if !["spin", "wait", "secret-path"].contains(word) {
                scene.muster(["inspect", "hostile"]).exits(2).errs(sentence);
            }
        },
    );
}

#[test]
fn a_manifest_that_differs_between_calls() {
    // Seen red with `empty_wasi` in place of `constant_wasi` (instance.rs): clock and random numbers differed.
    let server = Echo::start();
    let said = || {
        let scene = variant("pure", &server).own_cache();
        scene.muster(["inspect", "hostile", "--json"]).exits(0).json()["summary"].clone()
    };
    let (first, second) = (said(), said());
    assert_eq!(first, second);
}

#[test]
fn settings_in_describe() {
    let server = Echo::start();
    let run = variant("settings", &server).muster(["inspect", "hostile"]);
    run.exits(0).says("[None, None, None, None]");
}

#[test]
fn a_log_flood_in_describe() {
    let server = Echo::start();
    let run = variant("log", &server).own_cache().muster(["inspect", "hostile"]);
    run.exits(0);
    assert!(run.stderr.len() < 300 * 1024, "{} bytes", run.stderr.len());
    assert!(run.stderr.lines().filter(|line| line.contains("describe says")).count() <= 1000);
}

#[test]
fn a_default_that_points_to_an_attacker() {
    // A default grants nothing: without the operator's word the origin stays closed.
    let server = Echo::start();
    let mut scene = variant("default", &server);
    scene.change("hostile", |profile| {
        profile.setting("mode", "request").setting("target", "https://attacker.example.test/x")
    });
    let run = scene.muster(["sync", "--json"]);
    run.exits(3).errs("attacker.example.test");
    assert_eq!(run.json()["failures"][0]["reason"], "denied");
    let line = scene.muster(["inspect", "hostile", "--json"]).exits(0).json();
    let origins = line["origins"].as_array().unwrap();
    assert!(origins.iter().all(|o| o["asked"] != "https://attacker.example.test" || o["granted"] == false), "{line}");
}

#[test]
fn escape_codes_in_a_manifest() {
    let server = Echo::start();
    let scene = variant("escapes", &server);
    for (words, code) in [(&["connectors"][..], 0), (&["inspect", "hostile"], 0), (&["sync", "-vvv"], 0)] {
        let run = scene.muster(words);
        run.exits(code);
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{words:?}: {text:?}");
            assert!(!text.lines().any(|line| line.starts_with("error: forged")), "{words:?}: {text}");
        }
    }
}

#[test]
fn a_pace_of_no_sense() {
    let server = Echo::start();
    publishes(&variant("pace", &server));
}

/// What `init` writes is a plugin list that says only what `init` says: texts of a manifest open nothing.
#[test]
fn a_manifest_that_writes_the_plugin_list() {
    let server = Echo::start();
    each_row(
        // One is refused, and nothing is written for it; the other is no more than odd to read.
        [("toml", 0), ("escapes", 1)],
        |(word, _)| (*word).to_owned(),
        |(word, connections)| {
            let scene = variant(word, &server).without_toml();
            scene.muster(["init"]).exits(0);
            let live: Vec<String> = scene
                .toml_text()
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'))
                .map(str::to_owned)
                .collect();
            let opened = live
                .iter()
                .find(|line| ["allow-private", "origins", "error:"].iter().any(|word| line.starts_with(word)));
            assert!(opened.is_none(), "{opened:?} in {}", scene.toml_text());
            let networks = live.iter().filter(|line| line.starts_with("[connection.network]")).count();
            assert_eq!(networks, *connections, "{}", scene.toml_text());
            // And it is one: `muster check` reads it.
            scene.muster(["check"]).never_says("muster.toml is no TOML").never_says("TOML parse error");
        },
    );
}

#[test]
fn the_honest_manifest() {
    let server = Echo::start();
    publishes(&variant("honest", &server));
}

/// What the system says of the child that compiles for this process: its environment, its limits, its niceness.
fn compiler_of(parent: u32) -> Option<(Vec<u8>, String, i32)> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let child = processes.map(|entry| entry.path()).find_map(|path| {
        let stat = std::fs::read_to_string(path.join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Behind the name: state, parent, …; niceness is the 17th (proc(5)).
        (fields.get(1)?.parse() == Ok(parent)).then(|| (path, fields.get(16).and_then(|n| n.parse().ok())))
    })?;
    let (path, nice) = child;
    let read = |name: &str| std::fs::read(path.join(name)).ok();
    Some((read("environ")?, String::from_utf8(read("limits")?).ok()?, nice?))
}

#[test]
fn what_compiles_a_strangers_bytes_has_no_environment_and_little_of_everything() {
    // Seen red without `env_clear`, `cap` and `nice` (catalog/compile.rs), each by itself.
    let server = Echo::start();
    let scene = variant("honest", &server).own_cache();
    let process = scene.spawn(["inspect", "hostile"]);
    let id = process.id();
    let is = |limits: &str, name: &str, value: &str| {
        limits.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(value)))
    };
    eventually("a compiler within its bounds", || {
        compiler_of(id).is_some_and(|(environment, limits, nice)| {
            environment.is_empty()
                && is(&limits, "Max address space", "2147483648")
                && is(&limits, "Max cpu time", "240")
                && is(&limits, "Max core file size", "0")
                && nice >= 10
        })
    });
    process.wait().exits(0);
}
