//! A connector whose records, tasks, checks and failures break the rules. What is wrong is refused whole; what only
//! looks wrong is kept, counted and shown without doing harm.

use serde_json::json;
use std::time::Duration;
use support::echo::Echo;
use support::scene::{each_row, text};

use crate::hostile_guest::{End, ends, failed, incomplete, publishes, report, scene, scene_with};

#[test]
fn a_record_that_breaks_a_rule() {
    // Seen red with `refuse` forgetting (guest.rs): the guest swallowed the refusal and `late` was published.
    let rows = [
        ("empty-id", "is empty"),
        ("control-id", "holds a control character"),
        ("escape-id", "holds a control character"),
        ("long-id", "has 1025 bytes, more than 1024"),
        ("undeclared-type", "is not declared in the manifest"),
        ("odd-type", "is not declared in the manifest"),
        ("long-name", "has 4097 bytes, more than 4096"),
        ("bad-profile", "is not a JSON object"),
        ("list-profile", "is not a JSON object"),
        ("deep-profile", "is not a JSON object"),
        ("large-profile", "more than 65536"),
        ("bad-date", "is not YYYY-MM-DD"),
        ("bad-slug", "slug"),
        ("bad-grant-slug", "slug"),
        ("grantable-to", "which is not declared"),
        ("bad-parent", "is not declared in the manifest"),
        ("many-emails", "more than 4096 bytes"),
    ];
    let server = Echo::start();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(rule, sentence)| {
            let scene = scene_with("broken-record", &server, |profile| profile.setting("target", rule));
            ends(&scene, incomplete("contract", sentence));
        },
    );
}

#[test]
fn endless_emit() {
    // Seen red without the sums in `take_items` (guest.rs): the host took it all.
    let rows = [
        ("records = 1000", "more than 1000 records in a run"),
        ("task-records = \"1 MiB\"", "more than 1048576 bytes in one task"),
        ("records-held = \"64 KiB\"", "emitted more than 65536 bytes together"),
        ("run-records = \"64 KiB\"", "more than 65536 bytes in a run"),
    ];
    let server = Echo::start();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(limit, sentence)| {
            ends(&scene_with("endless-emit", &server, |profile| profile.limits(limit)), incomplete("limit", sentence));
        },
    );
}

#[test]
fn dangling_grants_are_kept_counted_and_listed() {
    let server = Echo::start();
    let scene = scene("dangling", &server);
    let line = publishes(&scene).json();
    assert_eq!(
        (&line["resources"], &line["entitlements"], &line["grants"]),
        (&json!(2), &json!(2), &json!(4)),
        "{line}"
    );
    let counted: u64 = line["findings"].as_array().unwrap().iter().map(|f| f[1].as_u64().unwrap()).sum();
    assert!(counted >= 4, "{line}");
    assert_eq!(scene.grant_ids().len(), 4);
    let shown = scene.muster(["runs", "show", "1"]);
    shown.exits(0).says("integrity").says("ghost").says("team:gone").says("team:lost");
}

#[test]
fn one_id_with_two_contents_is_the_same_whatever_the_order() {
    let server = Echo::start();
    let scene = scene("two-contents", &server);
    publishes(&scene).json();
    let first: Vec<String> = scene.rows("resources").iter().map(|row| text(row, "name").to_owned()).collect();
    assert_eq!(first.len(), 2, "{first:?}");
    let line = publishes(&scene).json();
    assert_eq!((&line["added"], &line["changed"], &line["removed"]), (&json!(0), &json!(0), &json!(0)), "{line}");
}

/// Nothing that moves a cursor, turns a direction or begins a line.
#[track_caller]
fn harmless(what: &str, text: &str) {
    let bad = |c: &char| {
        c.is_control() && *c != '\n'
            || ('\u{202a}'..='\u{202e}').contains(c)
            || ('\u{2028}'..='\u{2029}').contains(c)
            || ('\u{2066}'..='\u{2069}').contains(c)
    };
    let found = text.chars().find(bad);
    assert!(found.is_none(), "{what} holds {found:?}:\n{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("error: forged")), "{what} holds a forged line:\n{text}");
}

#[test]
fn escape_codes_in_names_and_log_lines() {
    // Seen red with `neutral` answering its argument (text.rs): U+202E was on stderr.
    let server = Echo::start();
    let scene = scene("escapes", &server);
    for format in ["text", "json"] {
        let run = scene.muster(["sync", "-vvv", "--log-format", format]);
        run.exits(0).complains("Nice");
        harmless("stderr", &run.stderr);
        harmless("stdout", &run.stdout);
    }
    for command in ["resources", "entitlements", "grants", "runs"] {
        harmless(command, &scene.muster([command]).exits(0).stdout);
    }
    let names: Vec<String> = scene.rows("resources").iter().map(|row| text(row, "name").to_owned()).collect();
    assert!(
        names.iter().any(|name| name.contains("\u{1b}[2J") && name.contains('\u{202e}')),
        "kept as given: {names:?}"
    );
}

#[test]
fn escape_codes_in_a_failure() {
    let server = Echo::start();
    let scene = scene("escapes-failure", &server);
    let run = ends(&scene, incomplete("unexpected", "Nice"));
    harmless("stderr", &run.stderr);
    for words in [&["runs", "show", "1"][..], &["sync", "-vvv"]] {
        let run = scene.muster(words);
        harmless("stderr", &run.stderr);
        harmless("stdout", &run.stdout);
    }
}

#[test]
fn follow_up_tasks_without_end() {
    // Seen red with `follow` not counting (queue.rs), and with the length of a call's list unlooked at (instance.rs).
    let rows: [(&str, &str, &str, End); 8] = [
        ("wide", "11", "follow-ups = 10", incomplete("limit", "named 11 follow-up tasks, more than 10")),
        ("wide", "10001", "", incomplete("limit", "named 10001 follow-up tasks, more than 10000")),
        ("wide", "60", "tasks = 50", incomplete("limit", "more than 50 tasks")),
        ("chain", "0", "tasks = 50", incomplete("limit", "more than 50 tasks")),
        ("tree", "0", "tasks = 50", incomplete("limit", "more than 50 tasks")),
        ("payloads", "100", "payloads = \"64 KiB\"", incomplete("limit", "65536 bytes of payload")),
        ("megabytes-of-tasks", "0", "", incomplete("limit", "between connector and host in one call")),
        ("bad-kind", "0", "", incomplete("contract", "which is no slug")),
    ];
    let server = Echo::start();
    each_row(
        rows,
        |row| format!("{} {}", row.0, row.2),
        |(mode, count, limit, end)| {
            let scene = scene_with(mode, &server, |profile| match limit.is_empty() {
                true => profile.setting("count", count),
                false => profile.setting("count", count).limits(limit),
            });
            let run = scene.muster(["sync", "--json"]);
            run.exits(3);
            let line = run.json();
            assert_eq!(
                (text(&line, "status"), text(&line["failures"][0], "reason")),
                (end.status, end.reason),
                "{line}"
            );
            run.complains(end.sentence).within(Duration::from_secs(20));
            assert!(scene.rows("resources").is_empty(), "nothing was published");
            harmless("stderr", &run.stderr);
        },
    );
}

#[test]
fn a_payload_that_is_too_long() {
    let server = Echo::start();
    ends(&scene("long-payload", &server), incomplete("contract", "has a payload of 70000 bytes, more than 65536"));
}

#[test]
fn a_cursor_that_loops() {
    // Seen red with `is_ancestor` always false (queue.rs): equal tasks are merged, and half a vendor was published.
    let server = Echo::start();
    for mode in ["loop", "own-tail"] {
        ends(&scene(mode, &server), incomplete("contract", "a cursor that loops"));
    }
}

#[test]
fn equal_tasks_are_one() {
    let server = Echo::start();
    let scene = scene_with("many-equal", &server, |profile| profile.setting("count", "10000"));
    publishes(&scene);
    assert_eq!(report(&scene, "1")["run"]["tasks"], json!(2));
}

#[test]
fn records_outside_of_sync() {
    // Seen red without the look at the call in `take_items` (guest.rs).
    let server = Echo::start();
    ends(&scene("check-emit", &server), failed("contract", "emitted records outside of sync"));
}

#[test]
fn a_hostile_check() {
    let rows = [
        ("check-spin", failed("limit", "used more than 1 s of processor time")),
        ("check-trap", failed("trap", "the connector crashed")),
        ("check-session", failed("contract", "session has more than 4096 bytes")),
        ("check-megabytes", failed("limit", "between connector and host in one call")),
        ("check-unauthorized", failed("unauthorized", "no")),
        ("check-rate-limited", failed("rate-limited", "the vendor asks to wait for more than a day")),
        ("check-escapes-failure", failed("invalid-settings", "Nice")),
        ("check-long-failure", failed("unexpected", "ffff")),
    ];
    let server = Echo::start();
    each_row(
        rows,
        |row| row.0.to_owned(),
        |(mode, end)| {
            let scene = scene_with(mode, &server, |profile| profile.limits("call-cpu = \"1s\""));
            let run = ends(&scene, *end);
            harmless("stderr", &run.stderr);
            assert!(run.stderr.len() < 6000, "{} bytes", run.stderr.len());
            let check = scene.muster(["check"]);
            check.exits(1).errs(end.sentence);
            harmless("stderr", &check.stderr);
        },
    );
}

#[test]
fn a_check_that_talks_too_much() {
    let server = Echo::start();
    let rows = ["check-warnings", "check-long-warning", "check-long-name", "check-escapes"];
    each_row(
        rows,
        |mode| (*mode).to_owned(),
        |mode| {
            let scene = scene(mode, &server);
            for words in [&["check"][..], &["sync"], &["runs", "show", "1"]] {
                let run = scene.muster(words);
                run.exits(0);
                harmless("stderr", &run.stderr);
                harmless("stdout", &run.stdout);
                assert!(run.stderr.len() + run.stdout.len() < 20_000, "{} bytes", run.stderr.len() + run.stdout.len());
            }
        },
    );
}

#[test]
fn an_unauthorized_storm() {
    let server = Echo::start();
    let scene = scene_with("unauthorized-storm", &server, |profile| profile.setting("count", "50"));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3).within(Duration::from_secs(20));
    let line = run.json();
    assert_eq!((text(&line, "status"), text(&line["failures"][0], "reason")), ("incomplete", "unauthorized"), "{line}");
    assert!(server.requests_to("/check").len() <= 2, "{} checks", server.requests_to("/check").len());
    assert_eq!(server.requests_to("/task").len(), 100, "each task once more, and never again");
}

#[test]
fn a_wait_for_ever() {
    // Seen red with `LONGEST_WAIT` at `u64::MAX` (convert.rs): the sum overflowed.
    let server = Echo::start();
    for mode in ["rate-limited", "not-ready"] {
        ends(&scene(mode, &server), incomplete("unavailable", "the run has waited 0 s of the 900 s it may"))
            .within(Duration::from_secs(10));
    }
}

#[test]
fn a_wait_for_nothing_again_and_again() {
    // Seen red with no least wait (convert.rs): the storm never ended.
    let server = Echo::start();
    for mode in ["rate-limited-for-nothing", "not-ready-for-nothing"] {
        let scene = scene_with(mode, &server, |profile| profile.run("max-wait = \"2s\""));
        ends(&scene, incomplete("unavailable", "of the 2 s it may")).within(Duration::from_secs(10));
    }
}

#[test]
fn a_failure_that_goes_on_and_on() {
    let server = Echo::start();
    let run = ends(&scene("long-failure", &server), incomplete("unexpected", "ffff"));
    assert!(run.stderr.len() < 4300 && run.stdout.len() < 5000, "{} bytes", run.stderr.len());
}

#[test]
fn more_failures_than_anybody_reads() {
    let server = Echo::start();
    let scene = scene_with("many-failures", &server, |profile| profile.setting("count", "500"));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3);
    assert_eq!(run.json()["failures"].as_array().unwrap().len(), 100);
    assert!(run.stderr.len() < 150_000, "{} bytes", run.stderr.len());
    assert_eq!(report(&scene, "1")["run"]["failed_tasks"], json!(500));
}
