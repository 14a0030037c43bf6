//! A connector that takes all it can get: time, memory, handles, the log. The host survives it, says which limit was
//! passed, and a neighbour of the same sync never notices.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::json;
use support::components;
use support::echo::{Echo, Gate, Reply};
use support::scene::{Profile, Scene, each_row, eventually, text};

use crate::hostile_guest::{
    describing, ends, ends_beside_an_honest_one, folder, hostile, incomplete, publishes, report, scene, scene_with,
};

/// No attack of this file holds the host longer than this.
const SOON: Duration = Duration::from_secs(15);

// Seen red with the epoch callback never interrupting (instance.rs): the sync never ended.
#[test]
fn spin() {
    let server = Echo::start();
    let scene = scene_with("spin", &server, |profile| profile.limits("call-cpu = \"1s\""));
    let end = incomplete("limit", "used more than 1 s of processor time");
    ends_beside_an_honest_one(scene, &server, end).within(SOON);
}

/// Threads of a process by name, each with its niceness.
fn threads(process: u32) -> Vec<(String, i32)> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let stat = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    // The name stands in parentheses; niceness is the 17th field behind it (proc(5)).
    let read = |stat: String| {
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        Some((name.to_owned(), rest.split_whitespace().nth(16)?.parse().ok()?))
    };
    stat.filter_map(read).collect()
}

// Seen red without `watch` around the call (run/engine.rs): there was no such thread.
#[test]
fn a_spinning_call_goes_on_at_a_lower_priority() {
    let server = Echo::start();
    let scene = scene_with("spin", &server, |profile| profile.limits("call-cpu = \"2s\""));
    let process = scene.spawn(["sync"]);
    let id = process.id();
    eventually("a thread of the slow lane at a lower priority", || {
        threads(id).iter().any(|(name, nice)| name == "slow-lane" && *nice >= 15)
    });
    process.wait().exits(3).errs("used more than 2 s of processor time");
}

// Seen red with a meter that forgets each poll (meter.rs): bursts between waits were free.
#[test]
fn spin_in_bursts() {
    let server = Echo::start();
    let scene = scene_with("spin-in-bursts", &server, |profile| profile.limits("call-cpu = \"1s\""));
    ends(&scene, incomplete("limit", "used more than 1 s of processor time")).within(SOON);
}

// Seen red with an endless timeout around a call (instance.rs).
#[test]
fn sleep_in_the_host() {
    let server = Echo::start();
    let scene = scene_with("sleep", &server, |profile| profile.limits("call-time = \"1s\""));
    ends_beside_an_honest_one(scene, &server, incomplete("deadline", "took longer than 1 s")).within(SOON);
}

#[test]
fn sleep_until_the_run_ends() {
    let server = Echo::start();
    let scene = scene_with("sleep", &server, |profile| profile.limits("run-time = \"1s\""));
    ends(&scene, incomplete("deadline", "the run took longer than 1 s")).within(SOON);
}

// Seen red with `Allowance::take` always granting (memory.rs): 600 MiB were to be had.
#[test]
fn grow_memory() {
    let server = Echo::start();
    let scene = scene_with("memory", &server, |profile| profile.limits("memory = \"32 MiB\""));
    ends_beside_an_honest_one(scene, &server, incomplete("limit", "wanted more than 32 MiB of memory")).within(SOON);
}

// Seen red with `Allowance::take` always granting (memory.rs): it grew by 65,472 pages.
#[test]
fn grow_memory_to_the_last_page() {
    let server = Echo::start();
    let scene = scene_with("grow", &server, |profile| profile.limits("memory = \"32 MiB\""));
    let run = publishes(&scene);
    let pages = run.stderr.split("grew by ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a count of pages");
    assert!((256..512).contains(&pages.parse::<u32>().unwrap()), "{}", run.stderr);
}

// Seen red with `Allowance::take` not lowering what is left: eight memories of 8 MiB were granted.
#[test]
fn many_memories() {
    for (memories, pages, fits) in [(2, 128, true), (8, 128, false), (17, 1, false)] {
        let scene = Scene::new()
            .connector("hoard.wasm", components::with_memories("hoard", memories, pages))
            .connection(Profile::new("hoard", "hoard").limits("memory = \"32 MiB\""));
        let run = scene.muster(["sync", "--json"]);
        let line = run.json();
        match fits {
            true => assert_eq!(text(&line, "status"), "published", "{line}"),
            // `describe` runs under the host's own limits: where those refuse it, nothing is run at all.
            false => assert_ne!(text(&line, "status"), "published", "{memories} memories: {line}"),
        }
    }
}

// Seen red with the host's total at `usize::MAX` (memory.rs): all thirty-two grew.
#[test]
fn grow_memory_together() {
    // Everybody waits twice until thirty-two are there: before the memory grows, and before it goes.
    let (came, rounds) = (AtomicUsize::new(0), [Gate::default(), Gate::default()]);
    let server = Echo::answering(move |seen| {
        if seen.target == "/together" {
            let number = came.fetch_add(1, SeqCst);
            rounds[(number / 32).min(1)].pass(32, Duration::from_secs(20));
        }
        Reply::ok("go on")
    });
    // 16 tasks each, which all want 4000 pages: 8 GiB, and the host gives 4.
    let with = |name: &str| {
        let greedy = hostile(name, "grow-in-tasks", &server).setting("count", "16").setting("pages", "4000");
        greedy.limits("run-memory = \"4 GiB\"")
    };
    let scene = folder().connection(with("one")).connection(with("two"));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3);
    let refused: usize = run.json_lines().iter().map(|line| line["failures"].as_array().unwrap().len()).sum();
    assert!((1..32).contains(&refused), "{refused} were refused: {}", run.stdout);
    run.complains("there was no more memory");
}

#[test]
fn handles_that_are_never_given_back() {
    // Seen red with the table's capacity at 1,000,000 (guest.rs).
    let server = Echo::start();
    each_row(
        ["handles", "pollables"],
        |mode| (*mode).to_owned(),
        |mode| {
            ends(&scene_with(mode, &server, |p| p.limits("handles = 100")), incomplete("limit", "handles"));
        },
    );
}

#[test]
fn too_much_in_one_call_of_the_host() {
    // Seen red without `set_hostcall_fuel` (instance.rs): the library's own default is 128 MiB.
    let server = Echo::start();
    each_row(
        ["long-string", "long-question", "large-batch"],
        |mode| (*mode).to_owned(),
        |mode| {
            ends(
                &scene_with(mode, &server, |profile| profile.setting("count", "4000")),
                incomplete("limit", "more than 8 MiB passed between connector and host in one call"),
            );
        },
    );
}

#[test]
fn header_fields_without_end() {
    // Seen red with the field size limit at `usize::MAX` (guest.rs): one field of 1 MiB fitted.
    let server = Echo::start();
    each_row(
        ["many-headers", "one-header", "header-list"],
        |mode| (*mode).to_owned(),
        |mode| {
            let run = scene(mode, &server).muster(["sync", "--json"]);
            run.exits(3).never_says("all of the fields fitted");
            let line = run.json();
            assert!(["limit", "unexpected"].contains(&text(&line["failures"][0], "reason")), "{line}");
        },
    );
}

#[test]
fn many_headers_in_a_request() {
    let server = Echo::start();
    let scene = scene_with("header-list-request", &server, |p| p.setting("target", "/a").setting("count", "200"));
    let run = scene.muster(["sync", "--json"]);
    let sent = server.requests().first().map_or(0, |seen| seen.headers.len());
    assert!(run.code == Some(3) && sent <= 210, "{sent} fields were sent: {run:?}");
}

#[test]
fn deep_recursion() {
    let server = Echo::start();
    let scene = scene("recursion", &server);
    ends_beside_an_honest_one(scene, &server, incomplete("limit", "stack overflowed"));
}

#[test]
fn trap() {
    let server = Echo::start();
    let end = incomplete("trap", "wasm `unreachable` instruction executed");
    ends_beside_an_honest_one(scene("trap", &server), &server, end);
}

#[test]
fn trap_in_the_host() {
    let server = Echo::start();
    ends(&scene("trap-in-the-host", &server), incomplete("trap", "empty poll list"));
}

#[test]
fn exit() {
    let server = Echo::start();
    for mode in ["exit", "exit-failure"] {
        ends(&scene(mode, &server), incomplete("trap", "the connector called exit"));
    }
}

#[test]
fn random_numbers_by_the_gigabyte() {
    let server = Echo::start();
    ends(&scene("random", &server), incomplete("limit", "random"));
}

// Seen red with `LogBudget::take` always true (guest.rs).
#[test]
fn log_flood() {
    let server = Echo::start();
    let scene = scene_with("log-flood", &server, |profile| profile.setting("count", "20000"))
        .connection(hostile("honest", "honest", &server));
    let run = scene.muster(["sync", "--json"]);
    run.exits(0);
    assert!(run.stderr.len() < 400 * 1024, "{} bytes of log", run.stderr.len());
    let line = run.json_lines().into_iter().find(|line| text(line, "connection") == "hostile").unwrap();
    let dropped = report(&scene, &line["run"].to_string())["run"]["log_lines_dropped"].as_u64().unwrap();
    let shown = run.stderr.lines().filter(|line| line.contains("flood ")).count() as u64;
    assert!(shown > 100 && shown + dropped == 20_000, "{shown} shown, {dropped} dropped");
    assert_eq!(scene.rows("resources").iter().filter(|row| text(row, "connection") == "honest").count(), 3);
}

#[test]
fn log_flood_against_limits_of_the_operator() {
    let server = Echo::start();
    each_row(
        ["log-lines = 10", "log-bytes = \"4 KiB\""],
        |limit| (*limit).to_owned(),
        |limit| {
            let scene = scene_with("log-flood", &server, |profile| profile.setting("count", "500").limits(limit));
            let run = publishes(&scene);
            let shown = run.stderr.lines().filter(|line| line.contains("flood ")).count() as u64;
            assert!((1..=13).contains(&shown), "{shown} lines");
            assert_eq!(report(&scene, "1")["run"]["log_lines_dropped"], json!(500 - shown));
        },
    );
}

// Escape codes grow when they are made visible: what is written is bounded, not what was said.
#[test]
fn log_flood_of_escape_codes() {
    let server = Echo::start();
    let scene = scene_with("log-escape-flood", &server, |profile| profile.setting("count", "1000"));
    let run = publishes(&scene);
    assert!(!run.stderr.contains('\u{1b}'));
    assert!(run.stderr.len() < 512 * 1024, "{} bytes of log", run.stderr.len());
}

// Seen red without `shorten` in `write` (guest.rs): the budget dropped the line whole.
#[test]
fn one_endless_log_line() {
    let server = Echo::start();
    let run = publishes(&scene("log-long-line", &server));
    let longest = run.stderr.lines().map(str::len).max().unwrap();
    assert!((4096..4300).contains(&longest), "{longest} bytes");
}

#[test]
fn standard_output_is_nobodys() {
    let server = Echo::start();
    let run = publishes(&scene_with("stdout-flood", &server, |profile| profile.setting("count", "2000")));
    run.never_says("zzzz").stderr_is_empty();
}

/// Peak of what a process has held in memory, in MiB, read while it runs.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn descriptors(process: u32) -> u64 {
    std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, |all| all.count() as u64)
}

/// What was measured of the host at the moment at which the guest asked for `/measure`.
fn measured(mode: &str, count: usize, measure: fn(u32) -> u64) -> u64 {
    use std::sync::atomic::{AtomicU32, AtomicU64};
    let (process, seen) = (std::sync::Arc::new(AtomicU32::new(0)), std::sync::Arc::new(AtomicU64::new(0)));
    let (id, most) = (std::sync::Arc::clone(&process), std::sync::Arc::clone(&seen));
    let large = compressed(&vec![0; 16 << 20]);
    let server = Echo::answering(move |request| match request.target.as_str() {
        "/large" => Reply::ok(large.clone()).header("content-encoding", "gzip"),
        "/measure" => {
            while id.load(SeqCst) == 0 {
                std::thread::yield_now();
            }
            most.store(measure(id.load(SeqCst)), SeqCst);
            Reply::ok("measured")
        }
        _ => Reply::ok("ok"),
    });
    let scene = scene_with(mode, &server, |profile| profile.setting("count", &count.to_string()));
    let running = scene.spawn(["sync", "--json"]);
    process.store(running.id(), SeqCst);
    let run = running.wait();
    assert!(seen.load(SeqCst) > 0, "the guest never came to measuring: {run:?}");
    seen.load(SeqCst)
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// 60 answers of 16 MiB that are never read. One instance may cost the host its memory limit and some answers.
#[test]
fn answers_that_nobody_reads() {
    let peak = measured("unread-answers", 60, peak);
    assert!(peak < 700, "the host held {peak} MiB");
}

/// 60 bodies of 7 MiB that are never finished.
#[test]
fn bodies_that_are_never_finished() {
    let peak = measured("unfinished-bodies", 60, peak);
    assert!(peak < 350, "the host held {peak} MiB");
}

/// Sockets that are denied cost no descriptors either.
#[test]
fn sockets_without_end() {
    let open = measured("many-sockets", 900, descriptors);
    assert!(open < 100, "the host has {open} files open");
}

#[test]
fn a_body_without_end() {
    let server = Echo::start();
    let scene =
        scene_with("endless-body", &server, |profile| profile.setting("target", "/search").setting("method", "POST"));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3);
    assert_eq!(server.requests().len(), 0, "nothing of it was sent");
}

#[test]
fn a_connector_that_is_as_large_as_it_likes() {
    let mut bytes = describing("honest");
    bytes.resize(65 << 20, 0);
    let scene = folder().connector("hostile.wasm", bytes).connection(hostile("hostile", "honest", &Echo::start()));
    scene.muster(["sync"]).exits(2).errs("more than");
}
