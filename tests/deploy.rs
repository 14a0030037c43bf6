//! What `deploy/` says is true: the unit is one, and the plugin list of its page is understood.

use std::os::unix::fs::PermissionsExt;
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

/// An executable shell script.
fn script(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_connector_that_is_not_built_fails_the_image() {
    let text = file("Containerfile");
    let build = text.split("\nRUN ").find(|part| part.starts_with("cargo build")).expect("a step that builds");
    let build = build.split("\n\n").next().unwrap();
    for (good, wanted) in [(true, true), (false, false)] {
        let scene = Scene::new();
        for plugin in ["first", "last", "sdk"] {
            std::fs::create_dir_all(scene.path("plugins").join(plugin)).unwrap();
        }
        script(&scene.path("bin/cargo"), "exit 0");
        let refuses = if good { "exit 0" } else { "[ \"$2\" != plugins/first/ ]" };
        script(&scene.path("target/release/muster"), &format!("echo \"$2\" >>built\n{refuses}"));
        let path = format!("{}:{}", scene.path("bin").display(), std::env::var("PATH").unwrap());
        let build = build.replace("/out", &scene.path("out").to_string_lossy());
        let run =
            Command::new("sh").args(["-c", &build]).current_dir(scene.folder()).env("PATH", path).status().unwrap();
        assert_eq!(run.success(), wanted, "{build}");
        let built = std::fs::read_to_string(scene.path("built")).unwrap();
        assert_eq!(built, if good { "plugins/first/\nplugins/last/\n" } else { "plugins/first/\n" });
    }
}

#[test]
fn an_image_is_not_built_from_an_operators_files() {
    let text = file("../.containerignore");
    for line in ["target", ".git", "**/*.db*", "**/muster.toml", "**/muster.lock"] {
        assert!(text.lines().any(|ignored| ignored == line), "{line}");
    }
}
