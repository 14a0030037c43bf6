//! `muster prune`: history that is not kept is deleted, and nothing else.

use serde_json::{Value, json};
use support::chatwoot::{Agent, FakeChatwoot};
use support::scene::{Scene, each_row};

/// The demo account with a new name in each of these runs; in the third somebody is gone.
fn renamed(runs: u64) -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    for run in 1..=runs {
        scene.fake().edit(|world| {
            world.rename_agent(8, &format!("Greta {run}"));
            if run == 3 {
                world.remove_agent(7);
            }
        });
        scene.muster(["sync"]).exits(0);
    }
    scene
}

fn runs(scene: &Scene) -> Vec<i64> {
    scene.rows("runs").iter().map(|row| row["run"].as_i64().unwrap()).collect()
}

/// What is published, and what was true at each of these runs.
fn states(scene: &Scene, runs: &[&str]) -> Vec<Vec<Value>> {
    let lists = ["resources", "entitlements", "grants"];
    let now = lists.iter().map(|list| scene.rows(list));
    let then = runs.iter().flat_map(|run| lists.iter().map(move |list| (list, run)));
    now.chain(then.map(|(list, run)| scene.json([*list, "--as-of", *run]))).collect()
}

#[test]
fn what_is_kept_stays_and_what_is_not_is_gone() {
    let scene = renamed(5);
    let before = states(&scene, &["4", "5"]);
    let dry = scene.muster(["prune", "--keep", "2", "--dry-run"]);
    // Three names, an agent and a grant were closed by run 4.
    let day = support::scene::text(&scene.rows("runs")[1], "ended")[..10].to_owned();
    let kept = format!("2 runs kept, back to run 4 of {day}");
    dry.exits(0).stderr_is_empty();
    assert_eq!(dry.stdout, format!("support: 3 runs, 5 rows of history and 1 id would be deleted; {kept}\n"));
    assert_eq!(runs(&scene), [5, 4, 3, 2, 1]);

    let done = scene.muster(["prune", "--keep", "2"]);
    done.exits(0).stderr_is_empty().says(&format!("support: 3 runs, 5 rows of history and 1 id deleted; {kept}\n"));
    assert_eq!(runs(&scene), [5, 4]);
    assert_eq!(states(&scene, &["4", "5"]), before);
    assert_eq!(scene.json(["diff", "support"]).len(), 1);
    for command in
        [["resources", "--as-of", "3"].as_slice(), &["diff", "support", "--from", "3"], &["runs", "show", "3"]]
    {
        scene.muster(command).exits(2).errs("run 3 is no longer there: it was pruned").stdout_is_empty();
    }
    scene.muster(["prune", "--keep", "2"]).exits(0).says(&format!("support: nothing to delete; {kept}"));
    let history = scene
        .json(["query", "SELECT name FROM resource_history WHERE id = '8' AND type = 'agent' ORDER BY valid_from"]);
    assert_eq!(history, [json!({"name": "Greta 4"}), json!({"name": "Greta 5"})]);
}

#[test]
fn programs_get_a_line_for_each_connection() {
    let scene = renamed(3).chatwoot_as("sales", FakeChatwoot::builder(), |profile| profile);
    scene.muster(["sync", "sales"]).exits(0);
    let lines = scene.json(["prune", "--keep", "1"]);
    let keys =
        ["connection", "runs", "resources", "entitlements", "grants", "ids", "kept", "oldest", "dry_run", "busy"];
    let values = |line: &Value| keys.map(|key| line[key].clone());
    assert_eq!(values(&lines[0]), ["sales", "0", "0", "0", "0", "0", "1", "4", "false", "null"].map(value));
    assert_eq!(values(&lines[1]), ["support", "2", "3", "0", "1", "1", "1", "3", "false", "null"].map(value));
    assert_eq!(lines.len(), 2);
    // Nothing is left to compare with, which is not the same as nothing having been there.
    let sentence = "what was true before run 3 of support was pruned; say what to compare with: --from RUN";
    scene.muster(["diff", "support", "--exit-code"]).exits(2).errs(sentence);
    scene.muster(["diff", "sales"]).exits(0).says("from nothing, before the first run");
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[test]
fn by_age_what_is_young_is_kept() {
    let scene = renamed(3);
    for age in ["36h", "90d", "12w"] {
        scene.muster(["prune", "--keep", age]).exits(0).says("support: nothing to delete; 3 runs kept, back to run 1");
    }
}

#[test]
fn a_held_run_can_still_be_accepted() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(40));
    for _ in 0..3 {
        scene.muster(["sync"]).exits(0);
    }
    scene.fake().edit(|world| (21..=40).for_each(|id| world.leave_account(id)));
    scene.muster(["sync"]).exits(3);
    scene.muster(["prune", "--keep", "1"]).exits(0).says("support: 2 runs, 0 rows of history and 0 ids deleted");
    assert_eq!(runs(&scene), [4, 3]);
    assert_eq!(scene.json(["diff", "support", "--to", "4"]).len(), 20);
    scene.muster(["runs", "accept", "4"]).exits(0);
    assert_eq!(scene.rows("resources").len(), 20);
}

#[test]
fn a_connection_that_is_being_synced_is_left_alone() {
    let scene = renamed(3).chatwoot_as("sales", FakeChatwoot::builder(), |profile| profile);
    scene.muster(["sync", "sales"]).exits(0);
    scene.muster(["sync", "sales"]).exits(0);
    let lead = muster::store::lock::lead(&scene.path("muster.db"), "support").unwrap().unwrap();
    let who = format!("process {}", std::process::id());
    let run = scene.muster(["prune", "--keep", "1"]);
    run.exits(3).says("sales: 1 run, ").says("support: nothing deleted, a sync of it is in progress").says(&who);
    scene.muster(["prune", "--keep", "1", "support"]).exits(1);
    let line = scene.muster(["prune", "--keep", "1", "support", "--json"]).exits(1).json();
    assert!(line["busy"].as_str().unwrap().contains(&who), "{line}");
    scene.muster(["prune", "--keep", "1", "support", "--dry-run"]).exits(0).says("2 runs, ");
    scene.muster(["prune", "--keep", "1", "--vacuum"]).exits(1).errs("while a sync of support is in progress");
    assert_eq!(runs(&scene), [5, 3, 2, 1]);
    drop(lead);
    scene.muster(["prune", "--keep", "1"]).exits(0);
    assert_eq!(runs(&scene), [5, 3]);
}

#[test]
fn what_keeps_nothing_or_is_unknown_is_refused() {
    let scene = renamed(1);
    let table: [(&[&str], &str); 6] = [
        (&["prune", "--keep", "0"], "--keep 0 would keep nothing"),
        (&["prune", "--keep", "0d"], "--keep 0d would keep nothing"),
        (&["prune", "--keep", "soon"], "--keep soon has to be a number of runs (30) or an age (36h, 90d, 12w)"),
        (&["prune", "--keep", "3m"], "has to be a number of runs (30) or an age (36h, 90d, 12w)"),
        (&["prune", "--keep", "1", "suport"], "there is no connection suport"),
        (&["prune", "--keep", "1", "--store", "none.db"], "there is no store at none.db"),
    ];
    each_row(
        table,
        |row| row.0.join(" "),
        |(arguments, sentence)| {
            scene.muster(*arguments).exits(2).errs(sentence).stdout_is_empty();
        },
    );
    assert!(!scene.path("none.db").exists());
    scene.muster(["prune"]).exits(2).errs("--keep");
}

/// Bytes of the store's file, and how it gives pages back: 0 not at all, 2 step by step.
fn file(scene: &Scene) -> (i64, i64) {
    let conn = rusqlite::Connection::open(scene.path("muster.db")).unwrap();
    let one = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    (one("page_count") * one("page_size"), one("auto_vacuum"))
}

/// A store of which most is history, made to give pages back as `auto_vacuum` says.
fn bulky(auto_vacuum: &str) -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(1500));
    scene.muster(["sync"]).exits(0);
    let conn = rusqlite::Connection::open(scene.path("muster.db")).unwrap();
    conn.execute_batch(&format!("PRAGMA auto_vacuum = {auto_vacuum}; VACUUM")).unwrap();
    conn.close().unwrap();
    for run in ["a", "b"] {
        scene.fake().edit(|world| world.agents.values_mut().for_each(|agent| agent.name.push_str(run)));
        scene.muster(["sync"]).exits(0);
    }
    scene
}

#[test]
fn a_file_that_can_gives_its_pages_back() {
    let scene = bulky("incremental");
    let (before, _) = file(&scene);
    scene.muster(["prune", "--keep", "1"]).exits(0).says("the store is ").says(" smaller");
    let (after, kind) = file(&scene);
    assert!(after < before * 2 / 3, "{before} {after}");
    assert_eq!(kind, 2);
    assert_eq!(std::fs::metadata(scene.path("muster.db")).unwrap().len(), u64::try_from(after).unwrap());
    assert_eq!(scene.rows("resources").len(), 1500);
}

#[test]
fn an_old_file_keeps_its_pages_until_it_is_written_anew() {
    let scene = bulky("none");
    let (before, _) = file(&scene);
    let run = scene.muster(["prune", "--keep", "1"]);
    run.exits(0).says("of the file are empty, and later runs use them; --vacuum makes the file smaller now");
    assert_eq!(file(&scene), (before, 0));
    scene.muster(["prune", "--keep", "1", "--vacuum"]).exits(0).says("the store is ").says(" smaller");
    let (after, kind) = file(&scene);
    assert!(after < before * 2 / 3, "{before} {after}");
    assert_eq!(kind, 2, "from now on it gives pages back");
    assert_eq!(scene.rows("resources").len(), 1500);
    scene.muster(["prune", "--keep", "1", "--vacuum", "--dry-run"]).exits(2);
}

#[test]
fn a_sync_goes_on_where_ids_were_forgotten_and_who_comes_back_is_there_once() {
    let scene = renamed(3);
    let line = &scene.json(["prune", "--keep", "1"])[0];
    assert_eq!(line["ids"], 1, "{line}");
    let before = states(&scene, &[]);
    let delta = |line: Value| ["added", "changed", "removed"].map(|key| line[key].as_u64().unwrap());
    assert_eq!(delta(scene.muster(["sync", "--json"]).exits(0).json()), [0, 0, 0]);
    assert_eq!(states(&scene, &[]), before);
    scene.fake().edit(|world| {
        world.add_agent(Agent::new(7, "Farid Qassem", "farid.qassem@lighthouse.test"));
        world.teams.get_mut(&2).unwrap().members.insert(7);
        world.rename_agent(1, "Ada Park");
    });
    assert_eq!(delta(scene.muster(["sync", "--json"]).exits(0).json()), [2, 1, 0]);
    assert_eq!(scene.rows("resources").len(), 11);
    let mine = scene.json(["query", "SELECT entitlement FROM access WHERE principal_id = '7'"]);
    assert_eq!(mine, [json!({"entitlement": "team:2:member"})]);
    assert_eq!(delta(scene.muster(["sync", "--json"]).exits(0).json()), [0, 0, 0]);
}
