//! Compiled components: made once, kept where only their user can write, and made again where they are of no use.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use support::chatwoot::FakeChatwoot;
use support::scene::Scene;

fn scene() -> Scene {
    Scene::new().chatwoot(FakeChatwoot::demo()).own_cache()
}

/// The files of the cache: inode and change, by path.
fn files(scene: &Scene) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        (entry.path(), (meta.ino(), meta.mtime(), meta.mtime_nsec()))
    };
    std::fs::read_dir(scene.path("cache")).unwrap().map(entry).collect()
}

/// The one compiled component.
fn compiled(scene: &Scene) -> PathBuf {
    let mut all: Vec<PathBuf> =
        files(scene).into_keys().filter(|path| path.extension().is_some_and(|ext| ext == "cwasm")).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_component_is_compiled_once() {
    let scene = scene();
    scene.muster(["check"]).exits(0);
    let cold = files(&scene);
    assert_eq!(cold.keys().filter(|path| path.extension().is_some_and(|ext| ext == "cwasm")).count(), 1, "{cold:?}");
    for words in [&["check"][..], &["sync"], &["connectors"], &["inspect", "chatwoot"]] {
        scene.muster(words).exits(0);
    }
    assert_eq!(files(&scene), cold, "a warm start writes nothing");
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scene.path("cache")), 0o700);
    for path in cold.into_keys() {
        assert_eq!(mode(path.clone()), 0o600, "{}", path.display());
    }
}

#[test]
fn another_component_is_compiled_anew() {
    let scene = scene();
    scene.muster(["check"]).exits(0);
    let before = files(&scene).len();
    // An empty custom section: the same connector, another digest.
    let mut bytes = support::scene::component("chatwoot");
    bytes.extend([0, 2, 1, b'x']);
    let scene = scene.connector("chatwoot.wasm", bytes);
    scene.muster(["check"]).exits(0);
    assert_eq!(files(&scene).len(), before * 2);
}

#[test]
fn a_damaged_file_is_made_again() {
    let scene = scene();
    scene.muster(["check"]).exits(0);
    let path = compiled(&scene);
    let whole = std::fs::read(&path).unwrap();
    for damaged in [&b""[..], b"nonsense", &whole[..whole.len() / 2]] {
        std::fs::write(&path, damaged).unwrap();
        scene.muster(["check"]).exits(0).stderr_is_empty();
        assert_eq!(std::fs::read(&path).unwrap().len(), whole.len(), "made again");
    }
}

#[test]
fn a_file_that_others_can_write_is_not_trusted() {
    let scene = scene();
    scene.muster(["check"]).exits(0);
    let path = compiled(&scene);
    let before = std::fs::metadata(&path).unwrap().ino();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o622)).unwrap();
    scene.muster(["check"]).exits(0);
    let after = std::fs::metadata(&path).unwrap();
    assert_eq!(after.permissions().mode() & 0o777, 0o600);
    assert_ne!(after.ino(), before, "another file");
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let scene = scene();
    std::fs::create_dir(scene.path("cache")).unwrap();
    std::fs::set_permissions(scene.path("cache"), PermissionsExt::from_mode(0o777)).unwrap();
    let run = scene.muster(["sync"]);
    run.exits(2).errs("cache").complains("chmod 700");
    assert_eq!(scene.fake().stats().requests, 0);
}

#[test]
fn without_a_home_there_is_no_place_for_it() {
    let scene = scene().without_env("MUSTER_CACHE").without_env("HOME");
    scene.muster(["check"]).exits(2).errs("MUSTER_CACHE");
}

#[test]
fn the_cache_lies_in_the_home_if_nothing_else_is_said() {
    let scene = scene().without_env("MUSTER_CACHE");
    scene.muster(["check"]).exits(0);
    assert!(scene.path("home/.cache/muster").is_dir());
    assert!(!scene.path("cache").exists());
}

#[test]
fn two_that_compile_at_once_do_not_mind_each_other() {
    let scene = scene();
    let both = [scene.spawn(["check"]), scene.spawn(["check"])];
    for process in both {
        process.wait().exits(0).says("support: ok").stderr_is_empty();
    }
    compiled(&scene);
}
