//! What the tests of the hostile connector share: its connection, its neighbour, and what has to hold after every
//! attack.
//!
//! The component is `tests/guests/hostile`, one mode an attack; `echo` is the server it talks to.

use serde_json::Value;
use support::echo::Echo;
use support::scene::{Profile, Run, Scene, component, text};

/// The secret. It holds what every way of escaping treats in its own way.
pub const TOKEN: &str = "s3cr3t/T0ken+\"quoted\"&<tail>";
/// The variable it comes from.
pub const VARIABLE: &str = "HOSTILE_TOKEN";

/// A connection in this mode, to this server.
pub fn hostile(name: &str, mode: &str, server: &Echo) -> Profile {
    Profile::new(name, "hostile")
        .setting("mode", mode)
        .setting("base-url", &server.origin())
        .setting_toml("token", &format!("{{ env = \"{VARIABLE}\" }}"))
        .allow_private(&server.host_port())
}

/// A folder with the connector and its secret.
pub fn folder() -> Scene {
    Scene::new().built_connector("hostile").env(VARIABLE, TOKEN)
}

/// One connection `hostile` in this mode.
pub fn scene(mode: &str, server: &Echo) -> Scene {
    scene_with(mode, server, |profile| profile)
}

/// The same, changed before it is written.
pub fn scene_with(mode: &str, server: &Echo, change: impl FnOnce(Profile) -> Profile) -> Scene {
    folder().connection(change(hostile("hostile", mode, server)))
}

/// The built component with another word in its marker: it describes itself in that way.
pub fn describing(word: &str) -> Vec<u8> {
    let mut bytes = component("hostile");
    let marker = b"describe-mode:honest............";
    let places: Vec<usize> =
        bytes.windows(marker.len()).enumerate().filter(|(_, w)| w == marker).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 1, "the marker stands once in the component");
    let written = format!("describe-mode:{word:.<18}");
    assert_eq!(written.len(), marker.len(), "the word {word} fits");
    bytes[places[0]..places[0] + marker.len()].copy_from_slice(written.as_bytes());
    bytes
}

/// How an attack ends.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub status: &'static str,
    pub reason: &'static str,
    pub sentence: &'static str,
}

/// A failed task: the run is incomplete.
pub const fn incomplete(reason: &'static str, sentence: &'static str) -> End {
    End { status: "incomplete", reason, sentence }
}

/// A failed check: the run is failed.
pub const fn failed(reason: &'static str, sentence: &'static str) -> End {
    End { status: "failed", reason, sentence }
}

/// Syncs, and holds the host to it: this status and reason, the exit code that goes with them, one sentence, and
/// nothing published.
#[track_caller]
pub fn ends(scene: &Scene, end: End) -> Run {
    let run = scene.muster(["sync", "--json"]);
    run.exits(if end.status == "failed" { 1 } else { 3 });
    let line = run.json();
    assert_eq!((text(&line, "status"), text(&line["failures"][0], "reason")), (end.status, end.reason), "{line}");
    assert!(text(&line["failures"][0], "message").contains(end.sentence), "{line}");
    let errors = run.stderr.lines().filter(|l| l.starts_with("error: ")).count();
    assert_eq!(errors, 1, "one sentence: {}", run.stderr);
    run.complains(end.sentence);
    assert_eq!(scene.rows("resources"), Vec::<Value>::new(), "nothing was published");
    run
}

/// Syncs a connection whose attack comes to nothing: it publishes, and the operator reads no complaint.
#[track_caller]
pub fn publishes(scene: &Scene) -> Run {
    let run = scene.muster(["sync", "--json"]);
    run.exits(0);
    assert_eq!(text(&run.json(), "status"), "published");
    run
}

/// Syncs beside an honest connection, which is published whatever the hostile one does.
#[track_caller]
pub fn ends_beside_an_honest_one(scene: Scene, server: &Echo, end: End) -> Run {
    let scene = scene.connection(hostile("honest", "honest", server));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3);
    let lines = run.json_lines();
    let of = |name: &str| lines.iter().find(|line| text(line, "connection") == name).expect("its line");
    assert_eq!(text(of("honest"), "status"), "published", "{lines:?}");
    let line = of("hostile");
    assert_eq!((text(line, "status"), text(&line["failures"][0], "reason")), (end.status, end.reason), "{line}");
    assert!(text(&line["failures"][0], "message").contains(end.sentence), "{line}");
    run.complains(end.sentence);
    assert_eq!(scene.resource_ids(), ["honest/user:ann", "honest/user:bob", "honest/user:decoy"]);
    run
}

/// What `runs show` keeps of a run.
#[track_caller]
pub fn report(scene: &Scene, run: &str) -> Value {
    scene.muster(["runs", "show", run, "--json"]).exits(0).json()["report"].clone()
}

/// A GET of this target.
pub fn to(target: &str) -> impl FnOnce(Profile) -> Profile + '_ {
    move |profile| profile.setting("target", target)
}
