//! Diff, moments and prune over stores with a past, against a model that keeps every state whole.

use super::diff::{Change, Comparison};
use super::keep::Keep;
use super::past::{Dice, Past, State};
use super::prune::{Pruned, Pruner};
use super::queries::{AsOf, Filter, Reader};
use super::{NoState, StoreError};
use std::collections::{BTreeMap, BTreeSet};

fn changes(past: &Past, from: Option<i64>, to: Option<i64>) -> Vec<Change> {
    let reader = Reader::open(&past.path()).expect("reader");
    let comparison = Comparison::new(&reader, "support", from, to).expect("two states");
    let mut out = Vec::new();
    comparison
        .changes::<StoreError>(&mut |change| {
            out.push(change);
            Ok(())
        })
        .expect("changes");
    out
}

fn why_not(past: &Past, from: Option<i64>, to: Option<i64>) -> String {
    let reader = Reader::open(&past.path()).expect("reader");
    Comparison::new(&reader, "support", from, to).expect_err("no such states").to_string()
}

fn keys(changes: &[Change]) -> BTreeSet<(String, String, String)> {
    changes.iter().map(|c| (c.kind.to_owned(), c.change.to_owned(), c.id.clone())).collect()
}

/// Everything that was true after a run, as text.
fn everything(past: &Past, run: i64) -> Vec<String> {
    let reader = Reader::open(&past.path()).expect("reader");
    let filter = Filter { connection: Some("support".into()), resource_type: None, as_of: AsOf::Run(run) };
    let mut out = Vec::new();
    let mut push = |text: serde_json::Result<String>| -> Result<(), StoreError> {
        out.push(text.expect("json"));
        Ok(())
    };
    reader.resources::<StoreError>(&filter, &mut |r| push(serde_json::to_string(&r))).expect("resources");
    reader.entitlements::<StoreError>(&filter, &mut |r| push(serde_json::to_string(&r))).expect("entitlements");
    reader.grants::<StoreError>(&filter, &mut |r| push(serde_json::to_string(&r))).expect("grants");
    out
}

fn prune(past: &Past, keep: Keep, dry: bool) -> Pruned {
    let now = "2026-01-11T00:00:00Z".parse().expect("a time");
    Pruner::open(&past.path(), dry).and_then(|p| p.prune("support", keep, now)).expect("pruned")
}

/// Twelve runs of two connections, every third one without change, and the state after each of `support`.
fn random(seed: u64) -> (Past, BTreeMap<i64, State>) {
    let mut dice = Dice(seed * 0x9e37_79b9 + 1);
    let (mut past, mut states) = (Past::new(), BTreeMap::new());
    let (mut here, mut there) = (State::default(), State::default());
    for turn in 0..12 {
        if turn % 3 != 2 {
            here = dice.next(&here);
        }
        states.insert(past.publish("support", &here), here.clone());
        there = dice.next(&there);
        past.publish("other", &there);
    }
    (past, states)
}

#[test]
fn the_difference_of_any_two_runs_is_that_of_their_states() {
    let mut seen = BTreeSet::new();
    for seed in 0..8 {
        let (past, states) = random(seed);
        for (from, old) in &states {
            for (to, new) in &states {
                let found = changes(&past, Some(*from), Some(*to));
                assert_eq!(keys(&found), old.differences(new), "seed {seed}: {from} to {to}");
                seen.extend(found.iter().map(|c| (c.kind, c.change)));
                assert!(found.iter().all(|c| c.fields.is_empty() == (c.change != "changed")), "{found:?}");
            }
        }
    }
    assert_eq!(seen.len(), 7, "every change of resources, entitlements and grants that there can be: {seen:?}");
}

#[test]
fn seen_from_the_other_side_old_and_new_change_places() {
    let mut past = Past::new();
    let first = State::default().person("1", "Ann").titled("1", "cook").person("2", "Ben");
    past.publish("support", &first);
    past.publish("support", &first.clone().person("1", "Anne").without("2").person("10", "Jun"));
    let there = changes(&past, None, None);
    let shown: Vec<String> = there.iter().map(|c| format!("{} {}", c.change, c.id)).collect();
    assert_eq!(shown, ["changed agent:1", "removed agent:2", "added agent:10"], "shorter ids first");
    let fields: Vec<String> = there[0].fields.iter().map(|f| format!("{}: {} {}", f.field, f.old, f.new)).collect();
    assert_eq!(fields, [r#"name: "Ann" "Anne""#, r#"employment.title: "cook" null"#]);
    assert_eq!(there[1].name.as_deref(), Some("Ben"), "of what is gone the last name");
    let back = changes(&past, Some(2), Some(1));
    let shown: Vec<String> = back.iter().map(|c| format!("{} {}", c.change, c.id)).collect();
    assert_eq!(shown, ["changed agent:1", "added agent:2", "removed agent:10"]);
    assert_eq!(back[0].fields[0].old, "Anne");
}

#[test]
fn what_changed_and_changed_back_is_no_difference() {
    let mut past = Past::new();
    let first = State::default().person("1", "Ann").team("t", &["1"]);
    past.publish("support", &first);
    past.publish("support", &first.clone().person("1", "Anne").team("t", &[]));
    past.publish("support", &first);
    assert_eq!(changes(&past, Some(1), Some(3)), []);
    assert_eq!(changes(&past, Some(1), Some(1)), []);
    assert_eq!(changes(&past, None, None).len(), 2, "since the run before");
}

#[test]
fn the_first_run_is_compared_with_nothing() {
    let mut past = Past::new();
    past.publish("support", &State::default().person("1", "Ann").team("t", &["1", "9"]));
    let all = changes(&past, None, None);
    assert!(all.iter().all(|c| c.change == "added"), "{all:?}");
    assert_eq!(all.len(), 5);
    assert_eq!(all[4].name, None, "a grant to nobody");
}

#[test]
fn a_draft_shows_what_accepting_it_would_change() {
    for (status, expected) in
        [("held", ["changed agent:1", "removed agent:2"].as_slice()), ("incomplete", &["changed agent:1"])]
    {
        let mut past = Past::new();
        let first = State::default().person("1", "Ann").person("2", "Ben");
        past.publish("support", &first);
        let run = past.draft("support", status, &State::default().person("1", "Anne"));
        let found = changes(&past, None, Some(run));
        let shown: Vec<String> = found.iter().map(|c| format!("{} {}", c.change, c.id)).collect();
        assert_eq!(shown, expected, "{status}");
        assert_eq!(keys(&changes(&past, Some(run), None)).len(), expected.len(), "and what it would undo");
    }
}

#[test]
fn a_run_without_a_state_says_why() {
    let mut past = Past::new();
    past.run("support", "failed", false);
    assert_eq!(
        why_not(&past, None, None),
        "nothing of support was published yet: `muster sync support` reads it, and `muster runs --connection support` lists its runs"
    );
    for id in 0..4 {
        past.publish("support", &State::default().person("1", &id.to_string()));
    }
    let other = past.publish("other", &State::default());
    let replaced = past.run("support", "held", false);
    let held = past.draft("support", "held", &State::default());
    prune(&past, Keep::Runs(2), false);
    let running = past.run("support", "running", true);
    let table = [
        (99, "there is no run 99".to_owned()),
        (0, "there is no run 0".to_owned()),
        (-1, "there is no run -1".to_owned()),
        (2, "run 2 is no longer there: it was pruned, or the connection was removed".to_owned()),
        (other, format!("run {other} is a run of other, not of support")),
        (replaced, format!("run {replaced} of support was never published: it is held, and no rows of it were kept")),
        (
            running,
            format!("run {running} of support has not ended; `muster runs --connection support` shows where it stands"),
        ),
    ];
    for (run, sentence) in table {
        for (from, to) in [(Some(run), None), (None, Some(run))] {
            assert_eq!(why_not(&past, from, to), sentence);
        }
    }
    let reader = Reader::open(&past.path()).expect("reader");
    let filter = Filter { connection: None, resource_type: None, as_of: AsOf::Run(held) };
    let why = reader.resources::<StoreError>(&filter, &mut |_| Ok(())).expect_err("a draft");
    assert!(matches!(&why, StoreError::State(NoState::Draft { .. })), "{why}");
    assert!(why.to_string().contains(&format!("`muster diff support --to {held}`")), "{why}");
}

#[test]
fn what_is_kept_is_the_same_after_pruning() {
    let mut deleted = Pruned::default();
    for seed in 0..8 {
        for kept in 1..=4 {
            let (mut past, mut states) = random(seed);
            let draft = (seed % 2 == 0).then(|| past.draft("support", "held", &State::default().person("77", "New")));
            let runs: Vec<i64> = states.keys().rev().take(kept).copied().collect();
            states.retain(|run, _| runs.contains(run));
            let before: Vec<Vec<String>> = runs.iter().map(|run| everything(&past, *run)).collect();
            let other = past.number("SELECT count(*) FROM resource WHERE connection <> 1", &[]);

            let dry = prune(&past, Keep::Runs(kept), true);
            assert_eq!(dry, prune(&past, Keep::Runs(kept), true), "a dry run changes nothing");
            let done = prune(&past, Keep::Runs(kept), false);
            assert_eq!(dry, done, "a dry run says what is done");
            assert_eq!((done.kept, done.oldest, done.runs), (kept as u64, runs.last().copied(), 12 - kept as u64));
            let again = prune(&past, Keep::Runs(kept), false);
            assert_eq!((again.runs, again.resources, again.entitlements, again.grants, again.ids), (0, 0, 0, 0, 0));

            let after: Vec<Vec<String>> = runs.iter().map(|run| everything(&past, *run)).collect();
            assert_eq!(before, after, "seed {seed}, {kept} kept");
            for (from, old) in &states {
                for (to, new) in &states {
                    assert_eq!(keys(&changes(&past, Some(*from), Some(*to))), old.differences(new));
                }
            }
            assert_eq!(other, past.number("SELECT count(*) FROM resource WHERE connection <> 1", &[]));
            if let Some(draft) = draft {
                assert!(changes(&past, None, Some(draft)).iter().any(|c| c.id == "agent:77"));
                assert_eq!(done.ids, 0, "what a draft saw keeps its number");
            }
            deleted.resources += done.resources;
            deleted.entitlements += done.entitlements;
            deleted.grants += done.grants;
            deleted.ids += done.ids;
        }
    }
    assert!(
        deleted.resources > 50 && deleted.entitlements > 5 && deleted.grants > 10 && deleted.ids > 5,
        "{deleted:?}"
    );
}

#[test]
fn an_id_is_forgotten_when_nothing_refers_to_it() {
    let mut past = Past::new();
    let first = State::default().person("gone", "Ann").person("member", "Ben").team("t", &["member", "nobody"]);
    past.publish("support", &first);
    past.publish("support", &first.clone().without("gone").person("boss", "Bo"));
    let job = r#"UPDATE resource SET employment = '{"manager":{"type":"agent","id":"elsewhere"}}' WHERE name = 'Bo'"#;
    past.conn.execute_batch(job).expect("a job");
    let sql = "INSERT INTO identity SELECT 1, 50, t.id, 'elsewhere' FROM resource_type t WHERE connection = 1 AND name = 'agent'";
    past.conn.execute_batch(sql).expect("a manager");
    past.conn.execute_batch("INSERT INTO identity VALUES (1, 60, 1, 'lost'), (1, 70, 1, 'newest')").expect("ids");
    let pruned = prune(&past, Keep::Runs(1), false);
    assert_eq!((pruned.runs, pruned.resources, pruned.ids), (1, 1, 2));
    let mut ids = past.conn.prepare("SELECT vendor_id FROM identity ORDER BY vendor_id").expect("ids");
    let left: Vec<String> = ids.query_map([], |r| r.get(0)).and_then(Iterator::collect).expect("ids");
    assert_eq!(
        left,
        ["boss", "elsewhere", "member", "newest", "nobody", "t"],
        "the newest number is never given again"
    );
}

#[test]
fn by_age_every_day_of_it_can_still_be_asked_for() {
    // Runs of 1 to 10 January; now it is the 11th.
    let mut past = Past::new();
    for n in 0..10 {
        past.publish("support", &State::default().person("1", &n.to_string()));
    }
    let pruned = prune(&past, Keep::Seconds(3 * 86_400), false);
    assert_eq!((pruned.oldest, pruned.kept, pruned.resources), (Some(7), 4, 6), "three younger, and the one before");
    assert_eq!(pruned.since.as_deref(), Some("2026-01-07T00:00:05Z"));
}

#[test]
fn a_connection_that_was_never_published_keeps_its_newest_runs() {
    let mut past = Past::new();
    for _ in 0..5 {
        past.run("support", "failed", false);
    }
    let draft = past.draft("support", "incomplete", &State::default().person("1", "Ann"));
    let pruned = prune(&past, Keep::Runs(2), false);
    assert_eq!((pruned.runs, pruned.kept, pruned.oldest), (4, 2, Some(5)));
    assert_eq!(changes(&past, None, Some(draft)).len(), 1);
    assert_eq!(prune(&past, Keep::Runs(9), false).runs, 0);
}

#[test]
fn findings_and_tasks_go_with_their_run() {
    let mut past = Past::new();
    let (old, new) = (past.publish("support", &State::default()), past.publish("support", &State::default()));
    for run in [old, new] {
        let sql = "INSERT INTO finding VALUES (?1, 'dangling-grant', 'x')";
        past.conn.execute(sql, [run]).expect("a finding");
        let sql = "INSERT INTO task (run, id, state) VALUES (?1, 1, 'done'), (?1, 2, 'done')";
        past.conn.execute(sql, [run]).expect("tasks");
    }
    prune(&past, Keep::Runs(1), false);
    for (table, left) in [("finding", 1), ("task", 2), ("run", 1)] {
        assert_eq!(past.number(&format!("SELECT count(*) FROM {table}"), &[]), left, "{table}");
    }
}

#[test]
fn many_rows_are_deleted_while_another_process_writes() {
    let mut past = Past::new();
    let crowd = |name: &str| {
        let mut state = State::default();
        (0..700).for_each(|id| drop(state.people.insert(id.to_string(), (name.to_owned(), None))));
        state
    };
    past.conn.execute_batch("BEGIN").expect("fast");
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        past.publish("support", &crowd(name));
    }
    past.conn.execute_batch("COMMIT").expect("fast");
    let path = past.path();
    let other = std::thread::spawn(move || {
        let conn = super::file::open_for_writing(&path).expect("another process");
        let mut wrote = 0;
        while wrote < 20 {
            wrote += conn.execute("INSERT INTO connection (name) VALUES (hex(randomblob(8)))", []).expect("a turn");
        }
        wrote
    });
    let pruned = prune(&past, Keep::Runs(1), false);
    assert_eq!((pruned.runs, pruned.resources), (7, 4900), "more than two chunks");
    assert_eq!(other.join().expect("no error"), 20);
}
