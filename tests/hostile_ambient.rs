//! A connector that looks for what lies about: environment, arguments, input, files, sockets. There is nothing.

use support::echo::Echo;

use crate::hostile_guest::{TOKEN, ends, incomplete, scene, scene_with};

#[test]
fn reading_the_environment() {
    // Seen red with `inherit_env` (linker.rs).
    let server = Echo::start();
    let run =
        ends(&scene("environment", &server), incomplete("unexpected", "environment [], arguments [], folder None"));
    run.never_says(TOKEN);
}

#[test]
fn reading_the_input() {
    let server = Echo::start();
    ends(&scene("stdin", &server), incomplete("unexpected", "input closed"));
}

#[test]
fn opening_files() {
    let server = Echo::start();
    ends(&scene("files", &server), incomplete("unexpected", "folders []"));
}

#[test]
fn opening_sockets() {
    // Seen red with networks allowed and an address check that agrees (linker.rs): "connected".
    let (server, other) = (Echo::start(), Echo::start());
    for mode in ["tcp", "udp", "name"] {
        let scene = scene_with(mode, &server, |profile| profile.setting("target", &other.host_port()));
        let run = scene.muster(["sync", "--json"]);
        run.exits(3).never_says("connected").never_says("sent").never_says("resolved");
        let message = run.json()["failures"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("access-denied") || message.contains("permanent-resolver-failure"), "{message}");
    }
    assert_eq!(other.connections(), 0);
}
