//! Files that are no connectors, or none for this host: one sentence each, and what is good goes on.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::chatwoot::FakeChatwoot;
use support::components;
use support::scene::{Profile, Run, Scene, each_row, text};

/// A file's name, what makes it, and the sentence.
struct Bad(&'static str, fn() -> Vec<u8>, &'static str);

const NO_WASM: &str = " is no WebAssembly file";
const DAMAGED: &str = " is truncated or damaged (";

const TABLE: [Bad; 16] = [
    Bad("empty", Vec::new, NO_WASM),
    Bad("zeros", || vec![0; 4096], NO_WASM),
    Bad("noise", components::noise, NO_WASM),
    Bad("script", || b"#!/bin/sh\necho ran >&2\n".to_vec(), NO_WASM),
    Bad("text-format", || b"(component)".to_vec(), NO_WASM),
    Bad("magic", || b"\0asm".to_vec(), DAMAGED),
    Bad("truncated", components::truncated, DAMAGED),
    Bad("damaged", components::damaged, DAMAGED),
    Bad("invalid", components::invalid, DAMAGED),
    Bad("core-module", components::core_module, " is a core module, not a component; build it with `muster build`"),
    Bad(
        "no-source",
        components::without_source,
        " is a component, but no connector: it does not export muster:connector/source",
    ),
    Bad("newer", || components::for_contract("0.2.0"), " was built for contract 0.2.0, and this host speaks 0.1.0; "),
    Bad("major", || components::for_contract("1.0.0"), " was built for contract 1.0.0, and this host speaks 0.1.0; "),
    Bad(
        "nosy",
        components::importing_key_value_store,
        " imports wasi:keyvalue/store@0.2.0, which this host does not offer",
    ),
    Bad(
        "made-up",
        components::importing_own_interface,
        " imports acme:vault/secrets@1.0.0, which this host does not offer",
    ),
    Bad("crashing", components::crashing, "the connector crashing does not describe itself: "),
];

/// The sentence about a file as it is named on the command line.
fn sentence(Bad(name, _, what): &Bad) -> String {
    match what.strip_prefix(' ') {
        Some(_) => format!("connectors/{name}.wasm{what}"),
        None => (*what).to_owned(),
    }
}

#[track_caller]
fn refuses(run: &Run, sentence: &str) {
    run.exits(2).errs(sentence).never_says("panicked").never_says("RUST_BACKTRACE");
}

#[test]
fn connectors_lists_the_good_one_and_says_a_sentence_about_each_bad_one() {
    each_row(
        &TABLE,
        |bad| bad.0.to_owned(),
        |bad| {
            let Bad(name, make, _) = bad;
            let scene = Scene::new().connector(&format!("{name}.wasm"), make());
            let scene = scene.connector("good.wasm", components::working("good"));
            let run = scene.muster(["connectors"]);
            refuses(&run, &sentence(bad));
            let names: Vec<&str> = run.stdout.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
            assert_eq!(names, ["NAME", "good"]);
            // For programs both are there.
            let run = scene.muster(["connectors", "--json"]);
            refuses(&run, &sentence(bad));
            let rows = run.json_lines();
            let of = |wanted: &str| rows.iter().find(|row| text(row, "name") == wanted).expect("a row of that name");
            assert_eq!(rows.len(), 2, "{rows:?}");
            assert!(text(of(name), "error").contains(&sentence(bad)) && of(name)["digest"].is_null(), "{rows:?}");
            assert!(of("good")["error"].is_null() && text(of("good"), "contract") == "0.1.0", "{rows:?}");
        },
    );
}

#[test]
fn inspect_refuses_each() {
    each_row(
        &TABLE,
        |bad| bad.0.to_owned(),
        |bad| {
            let Bad(name, make, _) = bad;
            let scene = Scene::new().connector(&format!("{name}.wasm"), make());
            let by_file = scene.muster(["inspect", &format!("connectors/{name}.wasm")]);
            refuses(&by_file, &sentence(bad));
            by_file.stdout_is_empty();
            let by_name = scene.muster(["inspect", name]);
            refuses(&by_name, &sentence(bad));
            by_name.stdout_is_empty();
        },
    );
}

#[test]
fn sync_refuses_each_and_publishes_the_good_ones() {
    each_row(
        &TABLE,
        |bad| bad.0.to_owned(),
        |bad| {
            let Bad(name, make, _) = bad;
            let scene = Scene::new().connector(&format!("{name}.wasm"), make()).connection(Profile::new("bad", name));
            let alone = scene.muster(["sync", "--json"]);
            refuses(&alone, &format!("bad: {}", sentence(bad)));
            let row = alone.json();
            assert_eq!((text(&row, "connection"), text(&row, "status")), ("bad", "failed"), "{row}");
            assert!(row["run"].is_null() && text(&row["failures"][0], "message").contains(&sentence(bad)), "{row}");
            let check = scene.muster(["check"]);
            refuses(&check, &format!("bad: {}", sentence(bad)));

            let scene = scene.connector("good.wasm", components::working("good"));
            let scene = scene.connection(Profile::new("good", "good"));
            let both = scene.muster(["sync"]);
            both.exits(3).errs(&format!("bad: {}", sentence(bad)));
            both.says("bad: failed").says("good: published as run 1 ");
            let runs = scene.rows("runs");
            assert_eq!(runs.len(), 1, "a refused connection has no run: {runs:?}");
        },
    );
}

/// A bad file that nobody uses is nobody's problem.
#[test]
fn bad_files_do_not_disturb_a_connection_that_uses_none_of_them() {
    let mut scene = Scene::new().chatwoot(FakeChatwoot::demo());
    for Bad(name, make, _) in &TABLE {
        scene = scene.connector(&format!("{name}.wasm"), make());
    }
    let run = scene.muster(["sync"]);
    run.exits(0).says("support: published as run 1").stderr_is_empty();
    assert_eq!(scene.resource_ids().len(), 11);
    let connectors = scene.muster(["connectors"]);
    connectors.exits(2).says("chatwoot");
    let errors: Vec<&str> = connectors.stderr.lines().collect();
    assert_eq!(errors.len(), TABLE.len(), "not one line for each: {errors:#?}");
    each_row(
        &TABLE,
        |bad| bad.0.to_owned(),
        |bad| {
            assert!(
                errors.iter().any(|line| *line == format!("error: {}", sentence(bad)) || line.contains(&sentence(bad)))
            );
        },
    );
}

#[test]
fn a_one_off_sync_of_a_bad_file_is_refused() {
    let scene = Scene::new().connector("core-module.wasm", components::core_module());
    let run = scene.muster(["sync", "--connector", "connectors/core-module.wasm"]);
    refuses(&run, "core-module: connectors/core-module.wasm is a core module, not a component");
}

#[test]
fn init_goes_on_without_the_bad_ones() {
    let scene = Scene::new()
        .connector("core-module.wasm", components::core_module())
        .connector("good.wasm", components::working("good"));
    let run = scene.muster(["init"]);
    run.exits(0).says("with a connection for good;").errs("connectors/core-module.wasm is a core module");
    assert!(!scene.toml_text().contains("core-module"));
    scene.muster(["sync"]).exits(0).says("good: published as run 1 ");
}

/// The largest file that is read has 64 MiB; a larger one is refused by its size, before it is read.
#[test]
fn a_component_that_is_too_large() {
    const LIMIT: u64 = 64 << 20;
    let scene = Scene::new();
    let sized = |name: &str, bytes: u64| {
        let path = scene.path(&format!("connectors/{name}.wasm"));
        let mut file = File::create(path).unwrap();
        file.write_all(b"\0asm\x0d\0\x01\0").unwrap();
        // Sparse: it takes no room on the disk.
        file.set_len(bytes).unwrap();
    };
    sized("large", LIMIT + 1);
    sized("huge", 1 << 40);
    for (name, bytes) in [("large", LIMIT + 1), ("huge", 1 << 40)] {
        let run = scene.muster(["inspect", &format!("connectors/{name}.wasm")]);
        let what = format!("connectors/{name}.wasm has {bytes} bytes, more than {LIMIT}, the limit for a component");
        refuses(&run, &what);
        run.stdout_is_empty();
    }
    sized("fits", LIMIT);
    refuses(&scene.muster(["inspect", "fits"]), "connectors/fits.wasm is truncated or damaged (");
}

#[test]
fn names_that_no_connector_can_have() {
    const RULE: &str =
        " is not named as a connector has to be: lower-case letters, digits and -, beginning with a letter";
    let long = "a".repeat(65);
    each_row(
        ["my connector", "my_connector", "9lives", "-x", "schön", "a.b", &long],
        |name| (*name).to_owned(),
        |name| {
            let file = format!("connectors/{name}.wasm");
            let scene = Scene::new().connector(&format!("{name}.wasm"), components::working("fine"));
            for command in [["connectors", "--quiet"], ["inspect", &file]] {
                refuses(&scene.muster(command), &format!("{file}{RULE}"));
            }
        },
    );
}

#[test]
fn a_file_that_cannot_be_read() {
    let scene = Scene::new().connection(Profile::new("hole", "hole"));
    std::fs::create_dir(scene.path("connectors/hole.wasm")).unwrap();
    refuses(&scene.muster(["connectors"]), "cannot read connectors/hole.wasm: is a directory");
    refuses(&scene.muster(["sync"]), "hole: cannot read connectors/hole.wasm: is a directory");
    std::fs::remove_dir(scene.path("connectors/hole.wasm")).unwrap();
    std::os::unix::fs::symlink("nowhere.wasm", scene.path("connectors/hole.wasm")).unwrap();
    let run = scene.muster(["sync"]);
    refuses(&run, "hole: cannot read connectors/hole.wasm: ");
    run.never_says("entity");
}

/// The manifest names the connector, and the file's name is what `muster.toml` says: they have to agree.
#[test]
fn a_manifest_that_calls_itself_otherwise() {
    let scene =
        Scene::new().connector("copy.wasm", components::working("original")).connection(Profile::new("copied", "copy"));
    let what = "the manifest of the connector copy is refused: it calls itself \"original\", but its file is copy.wasm; \
                rename one of them";
    refuses(&scene.muster(["inspect", "copy"]), what);
    refuses(&scene.muster(["sync"]), &format!("copied: {what}"));
    // Known from the cache by its digest, it is judged again under the other name.
    let scene = scene.connector("original.wasm", components::working("original"));
    scene.muster(["inspect", "original"]).exits(0);
    refuses(&scene.muster(["inspect", "copy"]), what);
}

#[test]
fn capabilities_are_read_from_the_type_of_a_component_that_cannot_even_describe_itself() {
    let scene = Scene::new().connector("both.wasm", components::crashing_with_both());
    refuses(&scene.muster(["inspect", "both"]), "the connector both does not describe itself: ");
}

/// A patch version of the contract only adds documentation: what is built for a later one runs all the same.
#[test]
fn a_later_patch_of_the_contract_is_no_other_contract() {
    let scene = Scene::new()
        .connector("patched.wasm", components::working_for_contract("patched", "0.1.9"))
        .connector("crashing.wasm", components::for_contract("0.1.9"))
        .connection(Profile::new("patched", "patched"));
    scene.muster(["sync"]).exits(0).says("patched: published as run 1 ");
    assert_eq!(text(&scene.json(["inspect", "patched"])[0], "contract"), "0.1.9");
    // With imports, too: it links, and only then crashes.
    refuses(&scene.muster(["inspect", "crashing"]), "does not describe itself: the connector crashed");
}

// The cache of compiled components.

/// The compiled files of the scene's own cache, by their ending.
fn cached(scene: &Scene, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(scene.path("cache")).expect("a cache").map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    files
}

/// The one compiled file.
#[track_caller]
fn the_one(scene: &Scene, ending: &str) -> PathBuf {
    let mut files = cached(scene, ending);
    assert_eq!(files.len(), 1, "not one .{ending}: {files:?}");
    files.remove(0)
}

fn good() -> Scene {
    let scene = Scene::new().own_cache().connector("good.wasm", components::working("good"));
    scene.connection(Profile::new("good", "good"))
}

/// Whether a sync, which succeeds, compiled something.
#[track_caller]
fn compiles(scene: &Scene) -> bool {
    let run = scene.muster(["sync", "-v"]);
    run.exits(0).says("good: published as run ");
    run.stderr.lines().any(|line| line.contains("compiling") && line.contains("good"))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_warm_start_does_not_compile_and_a_changed_file_does() {
    let scene = good();
    assert!(compiles(&scene), "a cold start compiles");
    let compiled = the_one(&scene, "cwasm");
    let written = std::fs::metadata(&compiled).unwrap().modified().unwrap();
    assert!(!compiles(&scene), "a warm start does not");
    assert_eq!(std::fs::metadata(&compiled).unwrap().modified().unwrap(), written);
    assert_eq!((mode(&scene.path("cache")), mode(&compiled), mode(&the_one(&scene, "json"))), (0o700, 0o600, 0o600));

    // The same connector in another file: what counts is what is in it.
    let mut other = components::working("good");
    // A custom section: its size, its name, no content.
    other.extend(b"\0\x05\x04note");
    let scene = scene.connector("good.wasm", &other);
    assert!(compiles(&scene), "a changed file is compiled");
    assert_eq!(cached(&scene, "cwasm").len(), 2);
    let scene = scene.connector("good.wasm", components::working("good"));
    assert!(!compiles(&scene), "the file of before is still known");
}

/// The compiler is a process of its own, which a command that starts warm does not need at all.
#[test]
fn what_was_refused_is_not_kept() {
    let scene = Scene::new().own_cache().connector("crashing.wasm", components::crashing());
    scene.muster(["connectors"]).exits(2);
    assert!(cached(&scene, "json").is_empty(), "a manifest that was never given is kept");
    let scene = Scene::new().own_cache().connector("nosy.wasm", components::importing_own_interface());
    scene.muster(["connectors"]).exits(2);
    assert!(cached(&scene, "cwasm").is_empty(), "what imports too much is not even compiled");
}

#[test]
fn a_cache_that_others_can_write_is_refused() {
    let scene = good();
    let cache = scene.path("cache");
    std::fs::create_dir(&cache).unwrap();
    each_row(
        [0o777, 0o770, 0o702, 0o720],
        |mode| format!("{mode:o}"),
        |mode| {
            std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(*mode)).unwrap();
            for command in [vec!["sync"], vec!["connectors"], vec!["inspect", "good"], vec!["check"]] {
                let run = scene.muster(command);
                refuses(&run, "cannot be used: it has to belong to you and be writable by nobody else");
                run.complains("the folder for compiled components ").complains("chmod 700 ").stdout_is_empty();
            }
        },
    );
    assert!(std::fs::read_dir(&cache).unwrap().next().is_none(), "something was written there");
    // The help helps.
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(compiles(&scene));
}

#[test]
fn a_cache_that_is_no_folder_is_refused() {
    let scene = good().file("cache", "a file");
    let run = scene.muster(["sync"]);
    refuses(&run, "the folder for compiled components ");
    run.stdout_is_empty();
    // A link could be turned elsewhere by whoever owns it.
    std::fs::remove_file(scene.path("cache")).unwrap();
    std::fs::create_dir(scene.path("elsewhere")).unwrap();
    std::fs::set_permissions(scene.path("elsewhere"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink("elsewhere", scene.path("cache")).unwrap();
    refuses(&scene.muster(["sync"]), "the folder for compiled components ");
    assert!(std::fs::read_dir(scene.path("elsewhere")).unwrap().next().is_none(), "something was written there");
}

#[test]
fn without_any_folder_for_the_cache_it_is_said_which_variables_to_set() {
    let scene = good().without_env("MUSTER_CACHE").without_env("HOME");
    let run = scene.muster(["sync"]);
    refuses(&run, "there is no folder for compiled components: set HOME, XDG_CACHE_HOME or MUSTER_CACHE");
    run.stdout_is_empty();
}

/// Compiled code is native code: what somebody else could have written is never loaded.
#[test]
fn a_compiled_file_that_others_can_write_is_not_loaded() {
    let scene = good();
    assert!(compiles(&scene));
    let compiled = the_one(&scene, "cwasm");
    for open in [0o666, 0o622, 0o660] {
        std::fs::set_permissions(&compiled, std::fs::Permissions::from_mode(open)).unwrap();
        assert!(compiles(&scene), "a file of mode {open:o} was loaded");
        assert_eq!(mode(&the_one(&scene, "cwasm")), 0o600, "it is written anew");
    }
    assert!(!compiles(&scene));
}

#[test]
fn a_compiled_file_that_is_a_link_is_not_followed() {
    let scene = good();
    assert!(compiles(&scene));
    let compiled = the_one(&scene, "cwasm");
    let elsewhere = scene.path("elsewhere.cwasm");
    std::fs::rename(&compiled, &elsewhere).unwrap();
    let before = std::fs::read(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &compiled).unwrap();
    assert!(compiles(&scene), "the link was followed");
    assert!(compiled.symlink_metadata().unwrap().is_file(), "the link is still there");
    assert_eq!(std::fs::read(&elsewhere).unwrap(), before, "what the link pointed at was written");
}

#[test]
fn garbage_in_the_cache_is_survived() {
    let noise = components::noise();
    let whole = {
        let scene = good();
        assert!(compiles(&scene));
        std::fs::read(the_one(&scene, "cwasm")).unwrap()
    };
    let half = whole[..whole.len() / 2].to_vec();
    let rows: [(&str, &str, &[u8]); 8] = [
        ("empty", "cwasm", b""),
        ("noise", "cwasm", &noise),
        ("half", "cwasm", &half),
        ("a component that is not compiled", "cwasm", &components::working("good")),
        ("empty", "json", b""),
        ("noise", "json", &noise),
        ("other JSON", "json", b"{\"component\":{}}"),
        ("a list", "json", b"[]"),
    ];
    each_row(
        rows,
        |(what, ending, _)| format!("{what} in .{ending}"),
        |(_, ending, bytes)| {
            let scene = good();
            assert!(compiles(&scene));
            std::fs::write(the_one(&scene, ending), bytes).unwrap();
            assert_eq!(compiles(&scene), *ending == "cwasm", "only what is damaged is made again");
            assert!(!compiles(&scene), "it was not repaired");
            assert_ne!(std::fs::read(the_one(&scene, ending)).unwrap(), *bytes);
        },
    );
}

/// The manifest that is kept beside the compiled file is trusted as far as the file is: no further.
#[test]
fn a_kept_manifest_that_others_can_write_is_not_believed() {
    let scene = good();
    assert!(compiles(&scene));
    let kept = the_one(&scene, "json");
    let text = std::fs::read_to_string(&kept).unwrap();
    let forged = text.replace("Nobody", "Forged");
    assert_ne!(forged, text);
    std::fs::write(&kept, forged).unwrap();
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o666)).unwrap();
    scene.muster(["inspect", "good"]).exits(0).says("Nobody").never_says("Forged");
}

/// Two that start cold at once both succeed, and leave one compiled file.
#[test]
fn two_cold_starts_at_once() {
    let scene = good();
    let all: Vec<_> = (0..4).map(|_| scene.spawn(["inspect", "good"])).collect();
    for process in all {
        process.wait().exits(0).says("good 1.2.3").stderr_is_empty();
    }
    the_one(&scene, "cwasm");
    the_one(&scene, "json");
    let left = std::fs::read_dir(scene.path("cache")).unwrap().count();
    assert_eq!(left, 2, "temporary files are left");
}
