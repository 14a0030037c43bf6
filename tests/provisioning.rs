//! Changing access at Chatwoot: what is sent, what comes of it, what the store and the audit show afterwards.

use serde_json::{Value, json};
use support::chatwoot::{Agent, Builder, FakeChatwoot, Role};
use support::fault::{Fault, FaultKind};
use support::scene::{Profile, Run, Scene, eventually, text};
use support::terminal::Terminal;

pub const MEMBERS: &str = "teams/2/team_members";

/// An account that was synced; nobody remembers what was asked for that.
fn synced_as(builder: Builder) -> Scene {
    let scene = Scene::new().chatwoot(builder);
    scene.muster(["sync"]).exits(0);
    scene.fake().reset_stats();
    scene
}

pub fn synced() -> Scene {
    synced_as(FakeChatwoot::demo())
}

/// An account whose second run could not read one team.
pub fn not_finished() -> Scene {
    let scene = synced();
    let broken = scene.fake().inject(Fault::get(&scene.fake().path("teams/1/team_members"), FaultKind::status(500)));
    scene.muster(["sync"]).exits(3);
    broken.lift();
    scene
}

/// Method, path below the account, and JSON body of everything that was asked for but reading.
fn written(scene: &Scene) -> Vec<(String, String, Value)> {
    let below = scene.fake().path("");
    let requests = scene.fake().requests();
    let changes = requests.iter().filter(|r| r.method != "GET");
    changes
        .map(|r| {
            let path = r.path.strip_prefix(&below).unwrap_or(&r.path).to_owned();
            (r.method.to_string(), path, r.json().unwrap_or(Value::Null))
        })
        .collect()
}

fn audit(scene: &Scene) -> Vec<(String, String, String)> {
    let rows = scene.rows("audit");
    let word = |row: &Value, key| text(row, key).to_owned();
    rows.iter().map(|row| (word(row, "action"), word(row, "what"), word(row, "outcome"))).collect()
}

fn act(action: &str, what: &str, outcome: &str) -> (String, String, String) {
    (action.to_owned(), what.to_owned(), outcome.to_owned())
}

#[test]
fn somebody_is_put_into_a_team_and_only_that_team_is_read_again() {
    let scene = synced();
    // Meanwhile the vendor has other news, which nobody asked about.
    scene.fake().edit(|world| {
        world.agents.remove(&8);
        world.teams.get_mut(&1).unwrap().members.remove(&2);
    });
    let before = scene.grant_ids();
    let run = scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]);
    run.exits(0).stderr_is_empty();
    run.says("support: done: grant member of billing (team:2) to Emeka Obi (agent:5)\n");
    run.says("  read again, published as run 2: 1 added, 0 changed, 0 removed\n");
    let added = ("POST".to_owned(), MEMBERS.to_owned(), json!({"user_ids": [5]}));
    assert_eq!(written(&scene), [added]);
    let reads = [("profile", "/api/v1/profile".to_owned()), ("members", scene.fake().path(MEMBERS))];
    for (what, path) in reads {
        assert!(scene.fake().count(&path) > 0, "{what} is read");
    }
    assert_eq!(scene.fake().count(&scene.fake().path("teams/1/team_members")), 0, "another team is not");
    let mut wanted = before;
    wanted.push("team:2:member:agent:5".to_owned());
    wanted.sort();
    let mut now = scene.grant_ids();
    now.sort();
    assert_eq!(now, wanted);
    assert_eq!(audit(&scene), [act("grant", "team:2:member to agent:5", "applied")]);
    let shown = scene.muster(["runs", "show", "2"]);
    shown.exits(0).says("  read again after a change: grants of team:2\n");
    // The next sync shows the rest, too.
    scene.muster(["sync"]).exits(0).says("0 added, 0 changed, 3 removed").never_says("held");
}

#[test]
fn somebody_is_taken_out_of_a_team() {
    let scene = synced();
    let run = scene.muster(["revoke", "support", "team:2:member", "agent:7", "--yes", "--json"]);
    let line = run.exits(0).json();
    let wanted = json!({
        "connection": "support", "action": "revoke", "what": "team:2:member from agent:7", "outcome": "applied",
        "words": "", "dry_run": false, "act": 1, "run": 2,
    });
    assert_eq!(line, wanted);
    assert_eq!(written(&scene), [("DELETE".to_owned(), MEMBERS.to_owned(), json!({"user_ids": [7]}))]);
    assert!(!scene.grant_ids().contains(&"team:2:member:agent:7".to_owned()));
    assert!(scene.grant_ids().contains(&"team:2:member:agent:3".to_owned()), "the others stay");
    assert_eq!(scene.fake().world().teams[&2].members.len(), 1);
}

#[test]
fn what_is_so_already_is_an_outcome_and_nothing_is_sent() {
    for arguments in [
        ["grant", "support", "team:2:member", "agent:3", "--yes"],
        ["revoke", "support", "team:2:member", "agent:8", "--yes"],
    ] {
        let scene = synced();
        scene.muster(arguments).exits(0).says("support: already so, nothing to do: ").stderr_is_empty();
        assert_eq!(written(&scene), []);
        assert_eq!(audit(&scene)[0].2, "already-so");
    }
}

#[test]
fn a_dry_run_reads_and_changes_nothing() {
    let scene = synced();
    let store = scene.store_bytes();
    let table: [(&[&str], i32, &str); 7] = [
        (&["grant", "support", "team:2:member", "agent:5"], 0, "would be done: grant member of billing (team:2)"),
        (&["grant", "support", "team:2:member", "agent:3"], 0, "already so, nothing to do: grant"),
        (&["revoke", "support", "team:2:member", "agent:3"], 0, "would be done: revoke"),
        (&["account", "add", "support", "new@lighthouse.test"], 0, "would be done: make an account (agent)"),
        (
            &["account", "remove", "support", "agent:3"],
            0,
            "would be done: take the account of Chiara Neri (agent:3) away",
        ),
        (&["account", "role", "support", "agent:3", "administrator"], 0, "would be done: give Chiara Neri"),
        (&["account", "disable", "support", "agent:3"], 1, "would not be done: disable"),
    ];
    for (arguments, code, said) in table {
        let run = scene.muster(arguments.iter().copied().chain(["--dry-run"]));
        run.exits(code).says(said);
    }
    assert_eq!(written(&scene), []);
    assert_eq!(scene.store_bytes(), store);
    assert_eq!(audit(&scene), []);
}

#[test]
fn accounts_come_and_go_and_get_other_roles() {
    let scene = synced();
    scene
        .muster(["account", "add", "support", "Jun.Ito@lighthouse.test", "--name", "Jun Ito", "--role", "agent", "-y"])
        .exits(0)
        .says("support: done: make an account (agent) for Jun Ito <Jun.Ito@lighthouse.test> as agent\n")
        .says("1 added, 0 changed, 0 removed");
    assert!(scene.resource_ids().contains(&"support/agent:12".to_owned()), "{:?}", scene.resource_ids());
    scene.muster(["account", "role", "support", "agent:12", "administrator", "-y"]).exits(0).says("1 changed");
    scene.muster(["account", "remove", "support", "agent:12", "-y"]).exits(0).says("1 removed");
    assert!(!scene.resource_ids().contains(&"support/agent:12".to_owned()));
    scene.muster(["account", "remove", "support", "agent:12", "-y"]).exits(0).says("already so");
    let body = json!({"name": "Jun Ito", "email": "Jun.Ito@lighthouse.test", "role": "agent"});
    let wanted = [
        ("POST".to_owned(), "agents".to_owned(), body),
        ("PATCH".to_owned(), "agents/12".to_owned(), json!({"role": "administrator"})),
        ("DELETE".to_owned(), "agents/12".to_owned(), Value::Null),
    ];
    assert_eq!(written(&scene), wanted);
    let outcomes: Vec<String> =
        audit(&scene).into_iter().map(|(action, _, outcome)| format!("{action} {outcome}")).collect();
    assert_eq!(
        outcomes,
        ["account-remove already-so", "account-remove applied", "account-role applied", "account-add applied"]
    );
}

#[test]
fn a_role_change_keeps_the_custom_role() {
    let lead = Agent::new(20, "Lena Lund", "lena@lighthouse.test").custom_role(1);
    let scene = synced_as(FakeChatwoot::demo().enterprise(true).agent(lead));
    scene.muster(["account", "role", "support", "agent:20", "administrator", "--yes"]).exits(0);
    let wanted = json!({"role": "administrator", "custom_role_id": 1});
    assert_eq!(written(&scene), [("PATCH".to_owned(), "agents/20".to_owned(), wanted)]);
    let agent = scene.fake().world().agents[&20].clone();
    assert_eq!((agent.role, agent.custom_role_id), (Some(Role::Administrator), Some(1)));
}

/// Nothing was changed, the vendor's reason is told, and the audit has it.
#[track_caller]
fn refused(scene: &Scene, arguments: &[&str], words: &str) -> Run {
    let world = scene.fake().world();
    let run = scene.muster(arguments.iter().copied().chain(["--yes"]));
    run.exits(1).errs(words).says("support: not done: ");
    assert_eq!(audit(scene)[0].2, "refused");
    assert_eq!(scene.fake().world().teams, world.teams);
    assert_eq!(scene.fake().world().agents.len(), world.agents.len());
    run
}

#[test]
fn what_the_vendor_refuses_is_an_outcome_in_its_words() {
    let seats = synced_as(FakeChatwoot::demo().seats(8));
    refused(
        &seats,
        &["account", "add", "support", "new@lighthouse.test"],
        "Chatwoot's seats are used up: Account limit exceeded",
    );

    // Still in the snapshot, gone from the account: a 401 that is not about the token.
    let foreign = synced();
    foreign.fake().edit(|world| world.agents.get_mut(&5).unwrap().role = None);
    refused(
        &foreign,
        &["grant", "support", "team:2:member", "agent:5"],
        "that is no agent of account 1 (Chatwoot: Invalid User IDs)",
    );

    let gone = synced();
    gone.fake().edit(|world| drop(world.teams.remove(&2)));
    refused(&gone, &["grant", "support", "team:2:member", "agent:5"], "Chatwoot has no team 2 any more");

    let taken = synced();
    refused(
        &taken,
        &["account", "add", "support", "ada.marlowe@lighthouse.test", "--role", "agent"],
        "ada.marlowe@lighthouse.test is agent:1 already, as administrator: give it another role instead",
    );
    refused(
        &taken,
        &["account", "role", "support", "agent:3", "owner"],
        "Chatwoot's roles are agent and administrator",
    );
}

#[test]
fn whoever_was_in_a_team_that_is_gone_is_in_it_no_more() {
    let scene = synced();
    scene.fake().edit(|world| drop(world.teams.remove(&2)));
    let revoke = ["revoke", "support", "team:2:member", "agent:7"];
    scene.muster(revoke.iter().copied().chain(["--dry-run"])).exits(0).says("already so, nothing to do: revoke");
    scene.muster(revoke.iter().copied().chain(["--yes"])).exits(0).says("support: already so, nothing to do: revoke");
    assert_eq!(written(&scene), []);
    assert_eq!(audit(&scene), [act("revoke", "team:2:member from agent:7", "already-so")]);
    assert!(!scene.grant_ids().iter().any(|id| id.starts_with("team:2:member:")), "{:?}", scene.grant_ids());
    // That it "could not be found" is no proof where the list of teams has it.
    let scene = synced();
    let lost =
        Fault::get(&scene.fake().path(MEMBERS), FaultKind::json(404, r#"{"error":"Resource could not be found"}"#));
    let lost = scene.fake().inject(lost);
    let run = scene.muster(revoke.iter().copied().chain(["--yes"]));
    run.exits(1).errs("Chatwoot lists team 2 and says that its members could not be found");
    assert!(lost.fired() > 0);
    assert_eq!((written(&scene), audit(&scene)[0].2.as_str()), (vec![], "failed"));
}

#[test]
fn an_answer_that_was_lost_is_looked_up_and_nothing_is_sent_twice() {
    let scene = synced();
    let lost = scene.fake().inject(Fault::new("POST", &scene.fake().path(MEMBERS), FaultKind::ResetMidBody).times(1));
    scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]).exits(0).says("support: done: grant");
    lost.assert_fired(1);
    assert_eq!(written(&scene).len(), 1, "{:?}", written(&scene));
    assert_eq!(audit(&scene)[0].2, "applied");
}

#[test]
fn a_token_that_may_not_change_anything_is_said_so() {
    let scene = synced_as(FakeChatwoot::demo().role(Role::Agent));
    let run = scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]);
    run.exits(1).errs("may not change /api/v1/accounts/1/teams/2/team_members: use an administrator's token");
    assert_eq!(audit(&scene)[0].2, "failed");
}

#[test]
fn without_a_terminal_somebody_has_to_say_yes() {
    let scene = synced();
    let run = scene.muster(["grant", "support", "team:2:member", "agent:5"]);
    run.exits(2).errs("this changes something at the vendor, and there is no terminal to ask on").helps("add --yes");
    assert_eq!((written(&scene).len(), audit(&scene).len(), scene.fake().stats().requests), (0, 0, 0));
}

#[test]
fn on_a_terminal_a_person_is_asked() {
    for (answer, members) in [("y", 3), ("yes", 3), ("", 2), ("n", 2), ("maybe", 2)] {
        let scene = synced();
        let mut terminal = Terminal::asking(scene.command(["grant", "support", "team:2:member", "agent:5"]));
        let question = "support: grant member of billing (team:2) to Emeka Obi (agent:5)? [y/N]";
        eventually("somebody is asked", || terminal.drawn().contains(question));
        terminal.answer(answer);
        let (code, drawn) = terminal.wait();
        assert_eq!(scene.fake().world().teams[&2].members.len(), members, "{answer:?}: {drawn}");
        let declined = drawn.contains("nothing was changed");
        assert_eq!(
            (code, declined),
            if members == 3 { (Some(0), false) } else { (Some(1), true) },
            "{answer:?}: {drawn}"
        );
    }
}

#[test]
fn what_nobody_knows_is_refused_before_anybody_is_called() {
    let scene = synced();
    let table = [
        ("team:9:member", "agent:5", "team:9:member is not in the snapshot of support", "did you mean team:4:member?"),
        ("team:2:owner", "agent:5", "team:2:owner is not in the snapshot of support", ""),
        ("team:2", "agent:5", "team:2 is no entitlement", "write TYPE:ID:SLUG"),
        ("team:2:member", "5", "5 is no principal", "write TYPE:ID"),
        ("team:2:member", "team:1", "team:2:member cannot be granted to a team", "it is for agent"),
        ("team:2:member", "agent:99", "agent:99 is not in the snapshot of support", "muster resources"),
    ];
    for (entitlement, principal, error, help) in table {
        let run = scene.muster(["grant", "support", entitlement, principal, "--yes"]);
        run.exits(2).errs(error).helps(help);
    }
    scene.muster(["grant", "suport", "team:2:member", "agent:5", "-y"]).exits(2).helps("did you mean support?");
    assert_eq!((scene.fake().stats().requests, audit(&scene).len()), (0, 0));
    // Whoever has left the account can still be taken out of a team, as far as the host is concerned; Chatwoot is asked.
    let gone = scene.muster(["revoke", "support", "team:4:member", "agent:6", "--dry-run"]);
    gone.exits(1).says("would not be done: revoke").errs("support: 6 is no agent of account 1");
}

#[test]
fn a_connector_that_only_reads_changes_nothing() {
    let crowd =
        Profile::new("crowd", "crowd").setting("crowd-base-url", "http://127.0.0.1:9").allow_private("127.0.0.1:9");
    let crowd = crowd.setting_toml("crowd-token", "{ env = \"CROWD_TOKEN\" }");
    let scene = Scene::new().connection(crowd).built_connector("crowd").env("CROWD_TOKEN", "x");
    let run = scene.muster(["grant", "crowd", "team:2:member", "user:5", "--yes"]);
    run.exits(2).errs("the connector crowd cannot change access: it only reads").helps("muster connectors");
}

#[test]
fn a_run_that_was_not_finished_before_a_change_is_not_gone_on_with() {
    let scene = not_finished();
    let run = scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]);
    let why = "what it has read is of the time before a change";
    let told = format!(" WARN support: run 2 was not finished and is given up, because {why}\n");
    assert_eq!(run.exits(0).says("support: done: grant").says("published as run 3: 1 added").stderr, told);
    scene.muster(["runs", "show", "2"]).exits(0).says(&format!("  given up: {why}\n"));
    assert!(scene.grant_ids().contains(&"team:2:member:agent:5".to_owned()));
    let sync = scene.muster(["sync", "--json"]);
    let line = sync.exits(0).stderr_is_empty().json();
    assert_eq!((&line["run"], &line["resumed"]), (&json!(4), &json!(false)));
    assert!(scene.grant_ids().contains(&"team:2:member:agent:5".to_owned()), "what run 2 had read was of before");
}

#[test]
fn beside_a_run_that_is_held_the_store_is_left_to_whoever_looks_at_it() {
    let scene = synced();
    scene.fake().edit(|world| world.teams.retain(|id, _| *id == 2));
    scene.fake().edit(|world| world.teams.get_mut(&2).unwrap().members.clear());
    scene.muster(["sync"]).exits(3).says("held because");
    let run = scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]);
    run.exits(0).says("support: done: grant");
    run.complains("warning: support: the store does not show it yet: run 2 of support is held");
    scene.muster(["runs", "show", "2"]).exits(0).says("run 2 of support: held");
}

#[test]
fn a_change_whose_answer_never_comes_is_unclear() {
    let scene = synced();
    let lost = scene.fake().inject(Fault::new("POST", &scene.fake().path(MEMBERS), FaultKind::LostAnswer));
    let down = scene.fake().inject(Fault::get(&scene.fake().path(MEMBERS), FaultKind::Reset).after(1));
    let run = scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]);
    run.exits(1).helps("it may have been made all the same: `muster sync support` shows it");
    assert!(lost.fired() == 1 && down.fired() > 0, "{} {}", lost.fired(), down.fired());
    assert_eq!(audit(&scene)[0].2, "unclear");
    // What was only asked for proves nothing of who made it so.
    let scene = synced();
    let flaky = scene.fake().inject(Fault::get(&scene.fake().path(MEMBERS), FaultKind::Reset).times(5));
    scene.muster(["grant", "support", "team:2:member", "agent:3", "--yes"]).exits(0).says("already so");
    flaky.assert_fired(5);
    assert_eq!(audit(&scene)[0].2, "already-so");
}

#[test]
fn what_is_accepted_is_audited_with_who_said_so() {
    let scene = synced();
    scene.fake().edit(|world| world.teams.clear());
    scene.muster(["sync"]).exits(3);
    scene.muster(["runs", "accept", "2"]).exits(0);
    let rows = scene.rows("audit");
    assert_eq!(audit(&scene), [act("accept", "run 2, which was held", "applied")]);
    assert_eq!((&rows[0]["run"], &rows[0]["connection"]), (&json!(2), &json!("support")));
    assert!(!text(&rows[0], "who").is_empty() && !text(&rows[0], "at").is_empty(), "{rows:?}");
    let shown = scene.muster(["audit", "1"]);
    shown.exits(0).says("act 1: accept at support: applied\n").says("  run 2, which was held\n");
    scene.muster(["audit", "2"]).exits(2).errs("there is no act 2");
    let counted = scene.json(["query", "SELECT action, outcome FROM audit"]);
    assert_eq!(counted, [json!({"action": "accept", "outcome": "applied"})]);
}

#[test]
fn whoever_syncs_meanwhile_is_not_disturbed() {
    let scene = synced();
    let slow = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::Hang).times(1));
    let sync = scene.spawn(["sync"]);
    eventually("the sync is under way", || slow.fired() == 1);
    let run = scene.muster(["grant", "support", "team:2:member", "agent:5", "--yes"]);
    run.exits(1).errs("another process works on support");
    assert_eq!((written(&scene).len(), audit(&scene).len()), (0, 0));
    sync.signal(nix::sys::signal::Signal::SIGTERM);
    sync.wait().exits(143);
}
