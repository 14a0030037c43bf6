//! Later syncs: what changed, what was removed, what is held back, and what is accepted.

use serde_json::{Value, json};
use support::chatwoot::{Agent, FakeChatwoot, Team};
use support::fault::{Fault, FaultKind};
use support::scene::{Scene, text};

/// Added, changed, removed.
fn delta(line: &Value) -> [u64; 3] {
    ["added", "changed", "removed"].map(|key| line[key].as_u64().unwrap())
}

fn sync(scene: &Scene) -> Value {
    scene.muster(["sync", "--json"]).json()
}

fn names(scene: &Scene, kind: &str) -> Vec<String> {
    scene.json(["resources", "--type", kind]).iter().map(|row| text(row, "name").to_owned()).collect()
}

#[test]
fn an_unchanged_vendor_changes_no_row() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(60).pending(3).teams(7).members_per_team(9));
    assert_eq!(delta(&sync(&scene)), [60 + 7 + 7 + 63, 0, 0]);
    let before = ["resources", "entitlements", "grants"].map(|what| scene.muster([what, "--json"]).stdout);
    for run in 2..=3 {
        scene.fake().edit(|world| world.churn_availability());
        let line = sync(&scene);
        assert_eq!((line["run"].as_i64(), delta(&line)), (Some(run), [0, 0, 0]));
    }
    let after = ["resources", "entitlements", "grants"].map(|what| scene.muster([what, "--json"]).stdout);
    assert_eq!(before, after);
}

#[test]
fn a_new_name_is_a_change() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    sync(&scene);
    scene.fake().edit(|world| world.rename_agent(8, "Greta Berg"));
    assert_eq!(delta(&sync(&scene)), [0, 1, 0]);
    assert!(names(&scene, "agent").contains(&"Greta Berg".to_owned()));
    // A team and its entitlement, which is named after it.
    scene.fake().edit(|world| world.rename_team(2, "money"));
    assert_eq!(delta(&sync(&scene)), [0, 2, 0]);
    assert_eq!(names(&scene, "team"), ["support", "money", "night shift"]);
}

#[test]
fn who_leaves_is_removed_with_the_memberships() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    sync(&scene);
    scene.fake().edit(|world| world.remove_agent(3));
    assert_eq!(delta(&sync(&scene)), [0, 0, 3], "an agent in two teams");
    assert!(!names(&scene, "agent").contains(&"Chiara Neri".to_owned()));
    scene.fake().edit(|world| {
        world.teams.remove(&4);
    });
    assert_eq!(delta(&sync(&scene)), [0, 0, 5], "a team, its entitlement and three grants");
}

#[test]
fn who_joins_is_added_and_an_accepted_invitation_enables() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    sync(&scene);
    scene.fake().edit(|world| {
        world.add_agent(Agent::new(20, "Jun Ito", "jun.ito@lighthouse.test"));
        world.agents.get_mut(&11).unwrap().confirmed = true;
        world.teams.get_mut(&2).unwrap().members.insert(20);
    });
    assert_eq!(delta(&sync(&scene)), [2, 1, 0]);
    let rows = scene.json(["resources", "--type", "agent"]);
    let hana = rows.iter().find(|row| row["id"] == "11").unwrap();
    assert_eq!((&hana["status"], &hana["status_detail"]), (&json!("enabled"), &json!(null)));
}

#[test]
fn as_of_shows_what_was() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    sync(&scene);
    scene.fake().edit(|world| {
        world.rename_agent(8, "Greta Berg");
        world.remove_agent(7);
        world.add_team(Team::new(9, "new", &[1]));
    });
    sync(&scene);
    let at = |what: &str, as_of: &str| scene.json([what, "--as-of", as_of]);
    let has = |rows: &[Value], name: &str| rows.iter().any(|row| row["name"] == name);
    let (first, second) = (at("resources", "1"), at("resources", "2"));
    assert_eq!((first.len(), second.len()), (11, 11));
    assert!(has(&first, "Greta Lindqvist") && has(&first, "Farid Qassem") && !has(&first, "new"));
    assert!(has(&second, "Greta Berg") && !has(&second, "Farid Qassem") && has(&second, "new"));
    assert_eq!(second, scene.rows("resources"));
    assert_eq!((at("grants", "1").len(), at("grants", "2").len()), (10, 10));
    assert_eq!((at("entitlements", "1").len(), at("entitlements", "2").len()), (3, 4));
    assert!(at("resources", "2001-01-01").is_empty(), "before the first run");
    // The runs are of this day, or of yesterday at midnight.
    let day = text(&scene.rows("runs")[0], "started")[..10].to_owned();
    assert_eq!(at("resources", &day), second);
    scene.muster(["resources", "--as-of", "99"]).exits(2).errs("99").stdout_is_empty();
    scene.muster(["resources", "--as-of", "soon"]).exits(2).errs("--as-of soon").stdout_is_empty();
}

#[test]
fn a_dangling_grant_is_kept_counted_and_listed() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    scene.muster(["sync"]).exits(0).says("dangling-grant: 1 (see `muster runs show 1`)");
    let id = "team:4:member:agent:6".to_owned();
    assert!(scene.grant_ids().contains(&id), "it is kept");
    scene.muster(["runs", "show", "1"]).exits(0).says("dangling-grant: 1").says(&format!("dangling-grant: {id}"));
    let shown = scene.muster(["runs", "show", "1", "--json"]).exits(0).json();
    assert_eq!(shown["findings"], json!([{"kind": "dangling-grant", "subject": id}]));
    scene.fake().edit(|world| world.clean_up());
    assert_eq!(delta(&sync(&scene)), [0, 0, 1]);
    scene.muster(["runs", "show", "2"]).exits(0).never_says("dangling");
}

/// Forty agents in three teams, published, and then half of them gone.
fn halved() -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(40).teams(3).members_per_team(2));
    assert_eq!(sync(&scene)["status"], "published");
    scene.fake().edit(|world| (21..=40).for_each(|id| world.leave_account(id)));
    scene
}

#[test]
fn a_mass_departure_is_held_until_it_is_accepted() {
    let scene = halved();
    let run = scene.muster(["sync"]);
    run.exits(3).says("support: run 2 is held").says("held because 20 of 40 of agent would be removed");
    run.says("muster runs accept 2");
    assert_eq!(names(&scene, "agent").len(), 40, "what was published stands");
    assert_eq!(scene.rows("runs")[0]["status"], "held");
    scene.muster(["runs", "show", "2"]).exits(0).says("held because").says("20 of 40");

    scene.muster(["runs", "accept", "2"]).exits(0).says("support: published run 2, which was held");
    assert_eq!(names(&scene, "agent").len(), 20);
    let line = sync(&scene);
    assert_eq!((text(&line, "status"), delta(&line)), ("published", [0, 0, 0]), "judged afresh");
    scene.muster(["runs", "accept", "2"]).exits(2).errs("run 2 cannot be accepted").stdout_is_empty();
}

#[test]
fn a_held_run_is_replaced_by_the_next() {
    let scene = halved();
    assert_eq!(sync(&scene)["status"], "held");
    assert_eq!(text(&sync(&scene), "status"), "held", "held again as long as it looks like that");
    scene.fake().edit(|world| {
        for id in 21..=40 {
            world.agents.get_mut(&id).unwrap().role = Some(support::chatwoot::Role::Agent);
        }
    });
    let line = sync(&scene);
    assert_eq!((text(&line, "status"), delta(&line)), ("published", [0, 0, 0]));
    scene.muster(["runs", "accept", "3"]).exits(2).errs("run 3 cannot be accepted");
    assert_eq!(names(&scene, "agent").len(), 40);
}

#[test]
fn only_the_newest_held_run_can_be_accepted() {
    let scene = halved();
    sync(&scene);
    sync(&scene);
    scene.muster(["runs", "accept", "2"]).exits(2).errs("run 2 cannot be accepted");
    scene.muster(["runs", "accept", "3"]).exits(0);
    assert_eq!(names(&scene, "agent").len(), 20);
}

#[test]
fn a_type_that_would_be_empty_is_held() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(5).teams(3));
    sync(&scene);
    scene.fake().edit(|world| world.teams.clear());
    scene.muster(["sync"]).exits(3).says("held because all 3 of team would be removed");
    assert_eq!(names(&scene, "team").len(), 3);
}

#[test]
fn disabling_many_is_held_like_removing_them() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(20));
    sync(&scene);
    scene.fake().edit(|world| (5..=15).for_each(|id| world.agents.get_mut(&id).unwrap().confirmed = false));
    scene.muster(["sync"]).exits(3).says("is held").says("11 of 20 of agent");
    let enabled = scene.rows("resources").iter().filter(|row| row["status"] == "enabled").count();
    assert_eq!(enabled, 20);
}

#[test]
fn grants_are_guarded_by_themselves() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(30).teams(3).members_per_team(10));
    sync(&scene);
    scene.fake().edit(|world| world.teams.get_mut(&2).unwrap().members.clear());
    scene.muster(["sync"]).exits(3).says("10 of 30 of grant");
    assert_eq!(scene.rows("grants").len(), 30);
}

#[test]
fn the_operator_sets_the_guard() {
    let builder = FakeChatwoot::builder().agents(40);
    let scene = Scene::new().chatwoot_as("support", builder, |profile| profile.run("max-removals = \"60%\""));
    sync(&scene);
    scene.fake().edit(|world| (21..=40).for_each(|id| world.leave_account(id)));
    let line = sync(&scene);
    assert_eq!((text(&line, "status"), delta(&line)), ("published", [0, 0, 20]));
}

#[test]
fn a_few_may_always_go() {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(12));
    sync(&scene);
    scene.fake().edit(|world| (4..=12).for_each(|id| world.leave_account(id)));
    assert_eq!(text(&sync(&scene), "status"), "published", "nine of twelve");
}

#[test]
fn what_a_failed_task_would_have_shown_stays() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    sync(&scene);
    scene.fake().edit(|world| {
        world.add_agent(Agent::new(20, "Jun Ito", "jun.ito@lighthouse.test"));
        world.rename_agent(8, "Greta Berg");
        world.remove_agent(7);
    });
    let down = scene.fake().inject(Fault::get(&scene.fake().path("teams/1/team_members"), FaultKind::status(500)));
    let run = scene.muster(["sync"]);
    run.exits(3).says("run 2 is incomplete").says("nothing was published").complains("team-members 1");
    down.assert_fired(1);
    let agents = names(&scene, "agent");
    assert!(agents.contains(&"Greta Lindqvist".to_owned()) && !agents.contains(&"Jun Ito".to_owned()), "{agents:?}");
    assert_eq!(scene.rows("grants").len(), 10, "the previous snapshot still stands");
    assert_eq!(scene.rows("runs")[0]["status"], "incomplete");

    // What is new or changed is published, and nothing removed.
    scene.muster(["runs", "accept", "2"]).exits(0).says("published run 2, which was incomplete");
    let agents = names(&scene, "agent");
    assert!(agents.contains(&"Greta Berg".to_owned()) && agents.contains(&"Jun Ito".to_owned()), "{agents:?}");
    assert!(agents.contains(&"Farid Qassem".to_owned()), "who is gone stays: {agents:?}");
    assert_eq!(scene.rows("grants").len(), 10);

    down.lift();
    let line = sync(&scene);
    assert_eq!((text(&line, "status"), delta(&line)), ("published", [0, 0, 2]), "the next sync heals");
    assert!(!names(&scene, "agent").contains(&"Farid Qassem".to_owned()));
}

#[test]
fn an_incomplete_first_run_shows_nothing_until_it_is_accepted() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo());
    let down = scene.fake().inject(Fault::get(&scene.fake().path("teams"), FaultKind::status(500)));
    let line = scene.muster(["sync", "--json"]).exits(3).json();
    down.assert_fired(1);
    assert_eq!(line["failures"][0]["task"], "teams");
    assert_eq!(line["failures"][0]["reason"], "unavailable");
    assert!(scene.rows("resources").is_empty());
    scene.muster(["runs", "accept", "1"]).exits(0);
    assert_eq!(scene.rows("resources").len(), 8, "the agents were read");
    down.lift();
    scene.muster(["sync"]).exits(0).says("11 resources, 3 entitlements, 10 grants");
}
