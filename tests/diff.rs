//! `muster diff`: what was added, changed and removed between two states.

use std::io::Read;

use serde_json::{Value, json};
use support::chatwoot::{Agent, FakeChatwoot, Team};
use support::fault::{Fault, FaultKind};
use support::scene::{Scene, each_row, text};

/// The demo account after three runs: in the second somebody came, somebody left and two things changed; the third
/// changed nothing.
fn changed() -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| {
        world.rename_agent(8, "Greta Berg");
        world.remove_agent(7);
        world.add_agent(Agent::new(20, "Jun Ito", "jun.ito@lighthouse.test"));
        world.agents.get_mut(&11).unwrap().confirmed = true;
        world.teams.get_mut(&2).unwrap().members.insert(20);
        world.add_team(Team::new(9, "new", &[]));
    });
    scene.muster(["sync"]).exits(0);
    scene.muster(["sync"]).exits(0);
    scene
}

/// `kind change id` of every line.
fn lines(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {} {}", text(row, "kind"), text(row, "change"), text(row, "id"))).collect()
}

const FROM_1_TO_2: [&str; 8] = [
    "resource removed agent:7",
    "resource changed agent:8",
    "resource changed agent:11",
    "resource added agent:20",
    "resource added team:9",
    "entitlement added team:9:member",
    "grant removed team:2:member:agent:7",
    "grant added team:2:member:agent:20",
];

#[test]
fn json_has_a_line_for_each_difference_in_the_order_of_the_lists() {
    let scene = changed();
    let rows = scene.json(["diff", "support", "--from", "1", "--to", "2"]);
    assert_eq!(lines(&rows), FROM_1_TO_2);
    assert_eq!(
        rows[1],
        json!({"kind": "resource", "change": "changed", "id": "agent:8", "name": "Greta Berg",
               "fields": [{"field": "name", "old": "Greta Lindqvist", "new": "Greta Berg"}]})
    );
    let fields = rows[2]["fields"].as_array().unwrap();
    assert_eq!(fields[0], json!({"field": "status", "old": "disabled", "new": "enabled"}));
    assert_eq!(fields[1], json!({"field": "status_detail", "old": "invitation not accepted", "new": null}));
    assert_eq!(
        rows[0],
        json!({"kind": "resource", "change": "removed", "id": "agent:7", "name": "Farid Qassem", "fields": []})
    );
    let again = scene.json(["diff", "support", "--from", "1", "--to", "2"]);
    assert_eq!(rows, again);
}

#[test]
fn people_see_groups_and_counts() {
    let scene = changed();
    let shown = scene.muster(["diff", "support", "--from", "1", "--to", "2"]);
    shown.exits(0).stderr_is_empty();
    let (title, rest) = shown.stdout.split_once('\n').unwrap();
    assert!(title.starts_with("support: from run 1 (20") && title.contains(") to run 2 (20"), "{title}");
    let profile = rest.lines().filter(|line| line.contains("profile.")).count();
    let rest: Vec<&str> = rest.lines().filter(|line| !line.contains("profile.")).collect();
    assert_eq!(
        rest,
        [
            "resources",
            "  - agent:7  Farid Qassem",
            "  ~ agent:8  Greta Berg",
            "      name: Greta Lindqvist → Greta Berg",
            "  ~ agent:11  Hana Mori",
            "      status: disabled → enabled",
            "      status_detail: invitation not accepted → (none)",
            "  + agent:20  Jun Ito",
            "  + team:9  new",
            "entitlements",
            "  + team:9:member  new member",
            "grants",
            "  - Farid Qassem (agent:7) has member of billing (team:2)",
            "  + Jun Ito (agent:20) has member of billing (team:2)",
            "resources: 2 added, 2 changed, 1 removed",
            "entitlements: 1 added, 0 changed, 0 removed",
            "grants: 1 added, 0 changed, 1 removed",
        ],
        "{profile} lines of profiles"
    );
}

#[test]
fn without_runs_it_is_the_published_one_and_the_one_before() {
    let scene = changed();
    let run = scene.muster(["diff", "support"]);
    run.exits(0).says("from run 2 (").says("to run 3 (").says("nothing differs");
    assert_eq!(lines(&scene.json(["diff", "support", "--from", "1"])), FROM_1_TO_2);
    assert_eq!(lines(&scene.json(["diff", "support", "--to", "2"])), FROM_1_TO_2);
    scene.muster(["diff", "support", "--to", "1"]).exits(0).says("from nothing, before the first run to run 1 (");
    assert_eq!(scene.json(["diff", "support", "--to", "1"]).len(), 11 + 3 + 10);
}

#[test]
fn the_other_way_round_what_came_is_gone() {
    let scene = changed();
    let rows = scene.json(["diff", "support", "--from", "2", "--to", "1"]);
    let mirrored: Vec<String> = FROM_1_TO_2
        .iter()
        .map(|line| match line.contains(" added ") {
            true => line.replace(" added ", " removed "),
            false => line.replace(" removed ", " added "),
        })
        .collect();
    assert_eq!(lines(&rows), mirrored);
    assert_eq!(rows[1]["fields"][0], json!({"field": "name", "old": "Greta Berg", "new": "Greta Lindqvist"}));
}

#[test]
fn a_pipeline_asks_for_the_exit_code() {
    let scene = changed();
    for (runs, code) in [(["1", "2"], 1), (["2", "3"], 0), (["3", "3"], 0)] {
        let [from, to] = runs;
        scene.muster(["diff", "support", "--from", from, "--to", to, "--exit-code"]).exits(code).stderr_is_empty();
        scene.muster(["diff", "support", "--from", from, "--to", to, "--exit-code", "--json"]).exits(code);
        scene.muster(["diff", "support", "--from", from, "--to", to]).exits(0);
    }
    scene.unread(["diff", "support", "--from", "1"]).exits(0).stderr_is_empty();
}

#[test]
fn a_change_that_was_taken_back_is_none() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    for name in ["Greta Lindqvist", "Greta Berg", "Greta Lindqvist"] {
        scene.fake().edit(|world| world.rename_agent(8, name));
        scene.muster(["sync"]).exits(0);
    }
    assert!(scene.json(["diff", "support", "--from", "1"]).is_empty());
    assert_eq!(lines(&scene.json(["diff", "support"])), ["resource changed agent:8"]);
}

#[test]
fn a_held_run_shows_what_accepting_it_would_change() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(40));
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| (21..=40).for_each(|id| world.leave_account(id)));
    scene.muster(["sync"]).exits(3);
    let before = scene.json(["diff", "support", "--to", "2"]);
    assert_eq!(before.len(), 20);
    assert!(before.iter().all(|row| row["change"] == "removed"), "{before:?}");
    scene.muster(["diff", "support", "--to", "2"]).exits(0).says(", held)");
    scene.muster(["runs", "accept", "2"]).exits(0);
    assert_eq!(scene.json(["diff", "support"]), before, "and that is what it changed");
}

#[test]
fn an_incomplete_run_shows_what_is_new_and_changed() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| {
        world.rename_agent(8, "Greta Berg");
        world.remove_agent(7);
    });
    let down = scene.fake().inject(Fault::get(&scene.fake().path("teams/1/team_members"), FaultKind::status(500)));
    scene.muster(["sync"]).exits(3);
    down.assert_fired(1);
    assert_eq!(lines(&scene.json(["diff", "support", "--to", "2"])), ["resource changed agent:8"]);
    let refused = scene.muster(["resources", "--as-of", "2"]);
    refused.exits(2).stdout_is_empty().errs("run 2 of support was never published: it is incomplete");
    refused.errs("`muster diff support --to 2` shows what accepting it would change");
}

#[test]
fn what_cannot_be_compared_is_said_in_one_sentence() {
    let scene = Scene::new()
        .chatwoot(FakeChatwoot::demo())
        .chatwoot_as("sales", FakeChatwoot::builder(), |profile| profile)
        .chatwoot_as("empty", FakeChatwoot::builder(), |profile| profile);
    scene.muster(["sync", "support"]).exits(0);
    scene.muster(["sync", "sales"]).exits(0);
    let refuse = scene.fake_of("empty").inject(Fault::get("/api/v1/profile", FaultKind::status(401)));
    scene.muster(["sync", "empty"]).exits(1);
    assert!(refuse.fired() > 0);
    let table: [(&[&str], &str); 8] = [
        (&["diff", "suport"], "there is no connection suport"),
        (
            &["diff", "empty"],
            "nothing of empty was published yet: `muster sync empty` reads it, and `muster runs --connection empty` lists its runs",
        ),
        (
            &["diff", "empty", "--to", "3"],
            "run 3 of empty was never published: it is failed, and no rows of it were kept",
        ),
        (&["diff", "support", "--to", "2"], "run 2 is a run of sales, not of support"),
        (&["diff", "support", "--from", "2"], "run 2 is a run of sales, not of support"),
        (&["diff", "support", "--from", "77"], "there is no run 77"),
        (&["diff", "support", "--to", "yesterday"], "it has to be a number, as `muster runs` lists them"),
        (&["resources", "--connection", "support", "--as-of", "2"], "run 2 is a run of sales, not of support"),
    ];
    each_row(
        table,
        |row| row.0.join(" "),
        |(arguments, sentence)| {
            scene.muster(*arguments).exits(2).errs(sentence).stdout_is_empty();
        },
    );
    scene.muster(["diff", "suport"]).helps("did you mean support?");
    scene.muster(["diff", "support", "--store", "none.db"]).exits(2).errs("there is no store at none.db");
}

#[test]
fn a_day_before_the_first_run_is_said_to_be_one() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    let day = text(&scene.rows("runs")[0], "ended")[..10].to_owned();
    let early = scene.muster(["resources", "--as-of", "2001-01-01"]);
    let sentence = format!("support: no run of 2001-01-01 or before; the oldest in the store is run 1 of {day}");
    early.exits(0).stdout_is_empty().complains(&sentence).complains("no rows");
    scene.muster(["grants", "--as-of", "2001-01-01", "--json"]).exits(0).stdout_is_empty().complains(&sentence);
    scene.muster(["grants", "--as-of", "2001-01-01", "--quiet"]).exits(0).stdout_is_empty().stderr_is_empty();
    scene.muster(["resources", "--as-of", &day]).exits(0).stderr_is_empty();
}

#[test]
fn names_of_strangers_command_no_terminal() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| world.rename_agent(8, "x\u{1b}[2J\u{202e}\ny"));
    scene.muster(["sync"]).exits(0);
    let run = scene.muster(["diff", "support"]);
    run.exits(0).says("~ agent:8  x\\u{1b}[2J\\u{202e} y").says("name: Greta Lindqvist → x\\u{1b}[2J\\u{202e} y");
    run.never_says("\u{1b}").never_says("\u{202e}");
}

/// What is drawn on a terminal.
fn drawn(scene: &Scene, no_color: &str) -> String {
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    let mut command = scene.command(["diff", "support", "--from", "1", "--to", "2"]);
    command.env("TERM", "xterm").env("NO_COLOR", no_color).stdout(pty.slave);
    let mut child = command.spawn().expect("a child");
    // With it goes our own hold of the terminal: reading ends when the child has ended.
    drop(command);
    let mut out = Vec::new();
    let _ = std::fs::File::from(pty.master).read_to_end(&mut out);
    assert!(child.wait().expect("an end").success());
    String::from_utf8(out).expect("text")
}

#[test]
fn colours_are_for_terminals() {
    let scene = changed();
    let coloured = drawn(&scene, "");
    for part in
        ["\u{1b}[32m  + agent:20", "\u{1b}[33m  ~ agent:8", "\u{1b}[31m  - agent:7", "\u{1b}[1mresources\u{1b}[0m"]
    {
        assert!(coloured.contains(part), "{part:?} in {coloured:?}");
    }
    assert!(!drawn(&scene, "1").contains('\u{1b}'));
    scene.muster(["diff", "support", "--from", "1"]).exits(0).never_says("\u{1b}");
}
