//! A plan that is gone on with, and a plan of old snapshots: what neither may do, who went on, and with what.

use serde_json::json;
use support::fault::{Fault, FaultKind, Injected};
use support::pair::Pair;
use support::scene::text;

use crate::apply::{audit, by_email, changed, is_empty_now, planned};

const IMPORT: &str = "/v1/org/*/import/csv/data";

/// A plan whose first import finds ChartHop down; it is up again. Cid's title was to change, Ben and Ann to be hired, Dora
/// to move, Eli to leave.
fn interrupted() -> Pair {
    let pair = changed();
    planned(&pair);
    let down = down(&pair);
    pair.muster(["apply", "plan.json", "--yes"]).exits(3);
    assert!(down.fired() >= 3);
    down.lift();
    pair
}

fn down(pair: &Pair) -> Injected {
    pair.charthop().inject(Fault::new("POST", IMPORT, FaultKind::Reset))
}

/// Edits somebody of the source, who is read again.
fn edited(pair: &Pair, email: &str, edit: impl Fn(&mut support::justworks::Person)) {
    pair.justworks().edit(|world| {
        let mut all = world.people.iter_mut().filter(|person| person.work_email == email);
        edit(all.next().unwrap_or_else(|| panic!("no {email}")));
        assert!(all.next().is_none());
    });
    pair.muster(["sync", "justworks"]).exits(0);
}

#[test]
fn what_the_source_took_back_is_not_written_by_a_plan_that_goes_on() {
    type Edit = fn(&mut support::justworks::Person);
    let table: [(&str, Edit, &str); 3] = [
        ("eli@lantern.test", |p| p.terminated.clear(), "departures: person:"),
        ("ben@lantern.test", |p| p.work_email.clear(), "hires: ben@lantern.test: is no longer to be hired"),
        (
            "dora@lantern.test",
            |p| p.department.clear(),
            "department: Engineering → Design in the plan, and now no change",
        ),
    ];
    for (email, edit, told) in table {
        let pair = interrupted();
        let before = pair.charthop().applied().len();
        edited(&pair, email, edit);
        let run = pair.muster(["apply", "plan.json", "--yes"]);
        run.exits(1).errs("the plan no longer holds").helps("`muster sync charthop` first").helps(told);
        assert_eq!(pair.charthop().applied().len(), before, "{email}: nothing more is written");
    }
}

#[test]
fn what_was_written_and_not_read_since_is_not_written_by_another_plan() {
    let pair = changed();
    planned(&pair);
    let groups = pair.charthop().inject(Fault::get("/v2/org/*/group", FaultKind::status(500)));
    pair.muster(["apply", "plan.json", "--yes"]).exits(3);
    assert!(groups.fired() > 0);
    groups.lift();
    // The same snapshots make the same plan.
    planned(&pair);
    let same = pair.muster(["apply", "plan.json", "--yes"]);
    same.exits(1).errs("this plan was applied before").helps("`muster sync charthop` shows what came of it");
    // Another run of the source makes another one, of a target that is not so any more.
    pair.muster(["sync", "justworks"]).exits(0);
    planned(&pair);
    let before = pair.charthop().applied().len();
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(1).errs("charthop may have been written to at ").errs(" (act 1), and was not read since");
    run.helps("`muster sync charthop` reads it");
    assert_eq!(pair.charthop().applied().len(), before);
    pair.muster(["sync", "charthop"]).exits(0);
    is_empty_now(&pair);
}

#[test]
fn beside_a_plan_that_is_halfway_another_one_waits_until_the_target_was_read() {
    let pair = interrupted();
    pair.muster(["sync", "justworks"]).exits(0);
    std::fs::rename(pair.path("plan.json"), pair.path("first.json")).unwrap();
    planned(&pair);
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(1).errs("(act 1), and was not read since").helps("act 1 did not come to its end");
    // The first one goes on.
    pair.muster(["apply", "first.json", "--yes"]).exits(0).says("nothing of the plan is left to do");
    is_empty_now(&pair);
}

#[test]
fn who_goes_on_with_a_plan_is_in_the_audit() {
    let pair = interrupted();
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    let rows = audit(&pair);
    let words: Vec<[&str; 2]> = rows.iter().map(|[action, _, outcome]| [action.as_str(), outcome.as_str()]).collect();
    assert_eq!(words, [["apply-resumed", "applied"], ["apply", "applied"]]);
    assert!(rows[0][1].starts_with("act 1: 2 hires, "), "{rows:?}");
    let shown = pair.json(["audit", "1"]).remove(0);
    assert!(text(&shown, "made_by").starts_with("charthop 0."), "{shown}");
    assert_eq!(shown["outcomes"].as_array().unwrap().len(), 5, "{shown}");
}

#[test]
fn a_plan_is_gone_on_with_by_the_connector_and_the_settings_it_was_begun_with() {
    let mut pair = interrupted();
    pair.change("charthop", |profile| profile.setting("charthop-include-former", "true"));
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(1).errs("this plan was begun with charthop 0.").helps("muster sync charthop");
    pair.change("charthop", |profile| profile.without_setting("charthop-include-former"));
    pair.muster(["apply", "plan.json", "--yes"]).exits(0).says("nothing of the plan is left to do");
}

#[test]
fn a_target_at_work_is_polled_longer_than_one_that_asks_to_slow_down_is_waited_for() {
    let mut pair = changed();
    pair.change("charthop", |profile| profile.run("max-wait = \"1s\""));
    pair.charthop().rewrite(|w| w.polls = 2);
    planned(&pair);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    is_empty_now(&pair);
    assert_eq!(json!(pair.charthop().applied_twice().len()), json!(0));
    assert_eq!(by_email(&pair.charthop().world(), "cid@lantern.test").title.as_deref(), Some("Lead"));
}
