//! Tapes that cannot be used, and requests that a tape does not hold: one clear sentence, and nothing published.

use serde_json::json;
use support::chatwoot::FakeChatwoot;
use support::scene::{Scene, each_row};

/// A small account that has been recorded on `tape.jsonl`.
fn recorded() -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(0);
    scene
}

fn replay(scene: &Scene) -> support::scene::Run {
    scene.muster(["--store", "replay.db", "sync", "--replay", "tape.jsonl"])
}

#[test]
fn a_request_that_the_tape_does_not_hold_is_told_with_the_nearest() {
    let rows = [
        ("/teams/2/team_members\"", "(team-members 2): denied: the tape does not hold GET", "/teams/1/team_members"),
        ("/agents\"", "(agents): denied: the tape does not hold GET", "; the nearest is GET "),
        ("/profile\"", "support: denied: the tape does not hold GET", "; the nearest is GET "),
    ];
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(end, sentence, nearest)| {
            let scene = recorded();
            let tape = std::fs::read_to_string(scene.path("tape.jsonl")).unwrap();
            let without: String = tape.split_inclusive('\n').filter(|line| !line.contains(end)).collect();
            let scene = scene.file("tape.jsonl", without);
            let run = replay(&scene);
            assert!(run.code == Some(3) || run.code == Some(1), "{run:?}");
            run.errs(sentence).errs(nearest);
            assert!(scene.json(["--store", "replay.db", "resources"]).is_empty(), "nothing is published");
        },
    );
}

#[test]
fn other_settings_ask_for_what_the_tape_does_not_hold() {
    let mut scene = recorded();
    scene.change("support", |profile| profile.setting("chatwoot-account-id", "2"));
    // The profile still answers: the tape's owner has no account 2.
    replay(&scene).exits(1).errs("correct chatwoot-account-id");
}

#[test]
fn a_broken_tape_names_its_line() {
    let tape = std::fs::read_to_string(recorded().path("tape.jsonl")).unwrap();
    let lines: Vec<&str> = tape.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let with = |at: usize, line: &str| {
        let mut edited = lines.clone();
        edited[at] = line;
        joined(&edited)
    };
    let head = lines[0];
    let rows = [
        ("an empty file", String::new(), "line 1 of the tape tape.jsonl is missing: the file is empty"),
        ("no tape at all", "hello\n".to_owned(), "line 1 of the tape tape.jsonl is no JSON object"),
        ("a line of garbage", with(3, "{\"connection\":"), "line 4 of the tape tape.jsonl is no JSON object"),
        ("an empty line", with(3, ""), "line 4 of the tape tape.jsonl is no JSON object"),
        ("a newer tape", with(0, &head.replace("\"tape\":1", "\"tape\":9")), "version 9; this muster reads version 1"),
        (
            "an unknown key",
            with(2, &lines[2].replace("\"method\"", "\"methud\"")),
            "line 3 of the tape tape.jsonl has a key \"methud\"",
        ),
        (
            "no head",
            joined(&lines[1..]),
            "line 1 of the tape tape.jsonl belongs to support, whose head has to come before",
        ),
        ("two heads", joined(&[head, head]), "line 2 of the tape tape.jsonl is a second head of support"),
        ("another start", with(0, &head.replace("\"started\":\"2", "\"started\":\"x2")), "which is no time"),
        (
            "cut off",
            tape[..tape.len() - 10].to_owned(),
            "line 7 of the tape tape.jsonl breaks off: the recording was interrupted",
        ),
    ];
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(_, tape, sentence)| {
            let scene = Scene::new().chatwoot(FakeChatwoot::demo()).file("tape.jsonl", tape);
            replay(&scene).exits(2).errs(sentence).stdout_is_empty();
            assert_eq!(scene.fake().stats().requests, 0, "nobody was asked");
        },
    );
}

#[test]
fn a_tape_that_cannot_be_opened_is_said_before_anybody_is_called() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo()).file("there.jsonl", "precious");
    let rows = [
        (["--replay", "nowhere.jsonl"], "the tape nowhere.jsonl cannot be read: no such file"),
        (["--replay", "."], "the tape . cannot be read: it is no regular file"),
        (["--record", "there.jsonl"], "there.jsonl exists already, and a recording overwrites nothing"),
        (["--record", "no/such/folder.jsonl"], "the tape no/such/folder.jsonl cannot be written: no such file"),
    ];
    each_row(
        rows,
        |row| row.0.join(" "),
        |(arguments, sentence)| {
            scene.muster(["sync"].iter().chain(arguments)).exits(2).errs(sentence);
            assert_eq!(scene.fake().stats().requests, 0, "nobody was asked");
        },
    );
    assert_eq!(std::fs::read(scene.path("there.jsonl")).unwrap(), b"precious");
    scene.muster(["sync", "--record", "a", "--replay", "b"]).exits(2).complains("cannot be used with");
}

#[test]
fn a_recording_of_nothing_leaves_no_file() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let mut scene = scene;
    scene.change("support", |profile| profile.setting("chatwoot-account-id", "none"));
    scene.muster(["sync", "--record", "tape.jsonl"]).exits(2).complains("does not have the form");
    assert!(!scene.path("tape.jsonl").exists());
}

#[test]
fn an_interrupted_recording_is_a_tape_up_to_there() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let hang =
        scene.fake().inject(support::fault::Fault::get(&scene.fake().path("teams"), support::fault::FaultKind::Hang));
    let process = scene.spawn(["sync", "--record", "tape.jsonl"]);
    support::scene::eventually("the request that is never answered", || hang.fired() == 1);
    support::scene::eventually("the agents on the tape", || {
        std::fs::read_to_string(scene.path("tape.jsonl")).is_ok_and(|tape| tape.contains("/agents"))
    });
    process.signal(nix::sys::signal::Signal::SIGKILL);
    process.wait();
    let run = replay(&scene);
    run.exits(3).errs("(teams): denied: the tape does not hold GET");
    let lines = std::fs::read_to_string(scene.path("tape.jsonl")).unwrap().lines().count();
    assert_eq!(json!(lines), json!(3), "head, profile, agents");
}
