//! What `deploy/` says is true: the unit is one, and the plugin list of its page is understood.

use std::path::Path;
use std::process::Command;

use support::scene::{Scene, binary};

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)).unwrap()
}

#[test]
fn systemd_has_nothing_to_say_against_the_unit() {
    let scene = Scene::new();
    let unit = scene.path("muster.service");
    // It looks whether the program is there.
    std::fs::write(&unit, file("muster.service").replace("/usr/local/bin/muster", &binary().to_string_lossy()))
        .unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&unit).output() {
        Err(error) => println!("skipped: there is no systemd-analyze ({error})"),
        Ok(said) => {
            let text = String::from_utf8_lossy(&said.stderr);
            // Of other units on this machine it may have something to say.
            let ours: Vec<&str> = text.lines().filter(|line| line.contains("muster.service")).collect();
            assert!(ours.is_empty(), "{ours:?}");
        }
    }
}

#[test]
fn the_plugin_list_of_the_page_is_understood() {
    let page = file("README.md");
    let list = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a plugin list");
    assert!(list.contains("schedule = ") && list.contains("[smtp]"), "{list}");
    let scene = Scene::new().toml(list);
    // Nothing is wrong with it but that nobody has that name.
    scene.muster(["check", "nobody-of-that-name"]).exits(2).errs("there is no connection nobody-of-that-name");
}
