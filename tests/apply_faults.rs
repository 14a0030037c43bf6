//! An apply on the target's bad days: what is refused, what is only accepted, what was lost on the way, and who goes on.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::charthop::FakeChartHop;
use support::charthop::writable::End;
use support::fault::{Fault, FaultKind, Injected};
use support::pair::Pair;
use support::roster::Member;
use support::scene::{eventually, text};

use crate::apply::{audit, by_email, changed, company, is_empty_now, member, persons, planned};

const IMPORT: &str = "/v1/org/*/import/csv/data";

fn lost(fake: &FakeChartHop, path: &str, times: u64) -> Injected {
    fake.inject(Fault::new("POST", path, FaultKind::LostAnswer).times(times))
}

/// The outcomes by whom they are about.
fn outcomes(line: &Value) -> Vec<(String, String)> {
    let of = |outcome: &Value| (text(outcome, "subject").to_owned(), text(outcome, "outcome").to_owned());
    line["outcomes"].as_array().unwrap().iter().map(of).collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(who, came)| (format!("{who}@lantern.test"), (*came).to_owned())).collect()
}

#[test]
fn a_refused_row_is_listed_and_the_rest_is_done() {
    let pair = changed();
    let why = "the title Engineer is not allowed";
    pair.charthop().rewrite(|w| drop(w.failing_emails.insert("ben@lantern.test".to_owned(), why.to_owned())));
    planned(&pair);
    let run = pair.muster(["apply", "plan.json", "--yes", "--json"]);
    run.exits(3);
    let line = run.json();
    // Her manager was not hired, so that ChartHop refuses her, too.
    let wanted = [("cid", "applied"), ("ben", "refused"), ("ann", "refused"), ("dora", "applied"), ("eli", "applied")];
    assert_eq!(outcomes(&line), pairs(&wanted));
    assert!(text(&line["outcomes"][1], "words").contains(why), "{line}");
    assert_eq!(line["left"]["hires"].as_array().unwrap().len(), 2, "{line}");
    assert_eq!((&line["status"], audit(&pair)[0][2].as_str()), (&json!("in-part"), "in-part"));
    assert!(pair.charthop().rows_failed() > 0);
    // What was mended over there is done by a new plan.
    pair.charthop().rewrite(|w| w.failing_emails.clear());
    planned(&pair);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0).says("charthop: 2 applied\n");
    is_empty_now(&pair);
}

#[test]
fn where_the_rest_is_not_to_go_on_nothing_is_done_beside_a_refusal() {
    let pair = changed();
    pair.charthop().rewrite(|w| drop(w.failing_emails.insert("ben@lantern.test".to_owned(), "no".to_owned())));
    planned(&pair);
    let run = pair.muster(["apply", "plan.json", "--yes", "--stop-on-error"]);
    run.says("refused ben@lantern.test").says("not tried");
    run.exits(1);
    assert!(!pair.charthop().applied().iter().any(|one| one.what == "hire" || one.what == "depart"));
}

#[test]
fn what_is_only_accepted_is_settled_by_reading_the_target_again() {
    let pair = changed();
    pair.charthop().rewrite(|w| w.accepts = true);
    planned(&pair);
    let run = pair.muster(["apply", "plan.json", "--yes", "--json"]);
    run.exits(0);
    let line = run.json();
    assert_eq!((&line["applied"], &line["accepted"]), (&json!(5), &json!(0)), "{line}");
    assert!(audit(&pair)[0][2] == "applied");
    is_empty_now(&pair);
}

#[test]
fn a_process_that_ends_with_errors_and_names_no_row_leaves_it_unclear_until_the_target_is_read() {
    let pair = changed();
    pair.charthop().rewrite(|w| w.ends = vec![End::Silent("some rows were not imported".to_owned())]);
    planned(&pair);
    let run = pair.muster(["apply", "plan.json", "--yes", "--json"]);
    run.exits(3);
    let line = run.json();
    assert_eq!(pair.charthop().ends_bent(), 1);
    let unclear = line["unclear"].as_u64().unwrap();
    assert!(unclear >= 1, "{line}");
    let left = &line["left"];
    let open: usize = ["hires", "changes", "moves"].iter().map(|key| left[*key].as_array().unwrap().len()).sum();
    assert!(open >= 1, "what was left out is still to be done: {line}");
    planned(&pair);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    is_empty_now(&pair);
    assert_eq!(pair.charthop().applied_twice(), []);
}

#[test]
fn an_import_that_fails_as_a_whole_is_refused_with_its_words() {
    let pair = changed();
    pair.charthop().rewrite(|w| w.ends = vec![End::Error("the database is on fire".to_owned())]);
    planned(&pair);
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(3).says("the database is on fire");
    planned(&pair);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    is_empty_now(&pair);
}

#[test]
fn an_answer_that_was_lost_is_looked_up_and_nothing_is_written_twice() {
    for hidden in [false, true] {
        let pair = changed();
        pair.charthop().rewrite(|w| w.sources_hidden = hidden);
        planned(&pair);
        let fault = lost(pair.charthop(), IMPORT, 1);
        pair.muster(["apply", "plan.json", "--yes"]).exits(0).says("nothing of the plan is left to do");
        fault.assert_fired(1);
        assert_eq!(pair.charthop().applied_twice(), []);
        let hires = pair.charthop().applied().iter().filter(|one| one.what == "hire").count();
        assert_eq!(hires, 2, "hidden: {hidden}");
        is_empty_now(&pair);
    }
}

#[test]
fn what_cannot_be_looked_up_is_written_a_second_time_and_changes_nothing() {
    // New values in a file, where processes do not say whose they were.
    for (hidden, times) in [(false, 0), (true, 1)] {
        let pair = changed();
        pair.charthop().rewrite(|w| w.sources_hidden = hidden);
        planned(&pair);
        let second = Fault::new("POST", IMPORT, FaultKind::LostAnswer).after(1).times(1);
        let fault = pair.charthop().inject(second);
        pair.muster(["apply", "plan.json", "--yes"]).exits(0).says("nothing of the plan is left to do");
        fault.assert_fired(1);
        let twice = pair.charthop().applied_twice();
        let file = "Work Email,Department,Location\ndora@lantern.test,Design,Remote\n";
        assert!(twice.iter().all(|twice| (twice.what, twice.how.as_str()) == ("import", file)), "{twice:?}");
        assert_eq!(twice.len(), times, "hidden: {hidden}");
    }
    // A place that stays open, which no list shows.
    let pair = changed();
    let plan = ["plan", "justworks", "charthop", "--departures", "backfill", "-o", "plan.json", "--exit-code"];
    pair.muster(plan).exits(1);
    let fault = lost(pair.charthop(), "/v1/org/*/change/sync/BACKFILL", 1);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    fault.assert_fired(1);
    let twice = pair.charthop().applied_twice();
    assert!(matches!(&twice[..], [one] if one.what == "change" && one.how.starts_with("BACKFILL ")), "{twice:?}");
    assert_eq!(pair.charthop().world().open_jobs.len(), 1);
}

#[test]
fn a_departure_whose_answer_is_lost_is_made_once() {
    let pair = changed();
    planned(&pair);
    let fault = lost(pair.charthop(), "/v1/org/*/change/sync/DEPART", 1);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    fault.assert_fired(1);
    let departures = pair.charthop().applied().iter().filter(|one| one.what == "depart").count();
    assert_eq!(departures, 1);
    assert_eq!(pair.charthop().applied_twice(), []);
    is_empty_now(&pair);
}

#[test]
fn a_target_that_is_down_is_gone_on_with_when_it_is_there_again() {
    let pair = changed();
    planned(&pair);
    let down = pair.charthop().inject(Fault::new("POST", IMPORT, FaultKind::Reset));
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(3).errs("charthop: ").helps("`muster apply plan.json` goes on where it stopped");
    assert!(down.fired() >= 3, "it was tried again");
    down.lift();
    assert_eq!(audit(&pair)[0][2], "begun");
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(0).says("nothing of the plan is left to do");
    let rows: Vec<[String; 2]> = audit(&pair).into_iter().map(|[action, _, outcome]| [action, outcome]).collect();
    assert_eq!(rows, [["apply-resumed", "applied"], ["apply", "applied"]], "the same act, and who went on with it");
    assert_eq!(pair.charthop().applied_twice(), []);
    is_empty_now(&pair);
}

#[test]
fn a_process_that_is_killed_between_the_write_and_its_answer_goes_on() {
    for polls in [0, 1] {
        let pair = changed();
        pair.charthop().rewrite(|w| w.polls = polls);
        planned(&pair);
        // The file is taken, and nobody is told.
        let late = pair.charthop().inject(Fault::new("POST", IMPORT, FaultKind::Withheld).times(1));
        let process = pair.spawn(["apply", "plan.json", "--yes"]);
        eventually("the import is taken", || late.fired() == 1 && !pair.charthop().processes().is_empty());
        process.signal(Signal::SIGKILL);
        process.wait();
        let run = pair.muster(["apply", "plan.json", "--yes"]);
        run.exits(0).says("nothing of the plan is left to do");
        assert_eq!(pair.charthop().applied_twice(), []);
        assert_eq!(audit(&pair).iter().filter(|[action, ..]| action == "apply").count(), 1);
        is_empty_now(&pair);
    }
}

#[test]
fn a_stopped_apply_says_how_to_go_on() {
    let pair = changed();
    planned(&pair);
    let late = pair.charthop().inject(Fault::new("POST", IMPORT, FaultKind::Delay(Duration::from_secs(20))).times(1));
    let process = pair.spawn(["apply", "plan.json", "--yes"]);
    eventually("the import is posted", || late.fired() == 1);
    process.signal(Signal::SIGTERM);
    let run = process.wait();
    run.exits(143).complains("stopped by you; `muster apply plan.json` goes on from here");
    late.lift();
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    assert_eq!(pair.charthop().applied_twice(), []);
    is_empty_now(&pair);
}

#[test]
fn an_interrupted_apply_does_not_overwrite_what_somebody_did_since() {
    let pair = changed();
    planned(&pair);
    let down = pair.charthop().inject(Fault::new("POST", IMPORT, FaultKind::Reset));
    pair.muster(["apply", "plan.json", "--yes"]).exits(3);
    down.lift();
    let cid = by_email(&pair.charthop().world(), "cid@lantern.test").number;
    pair.charthop().edit(|world| world.edit_person(cid, |person| person.title = Some("Boss".to_owned())));
    pair.muster(["sync", "charthop"]).exits(0);
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(1).errs("the plan no longer holds").helps("some of it may be applied (`muster audit 1`)").helps("Boss");
    assert_eq!(by_email(&pair.charthop().world(), "cid@lantern.test").title.as_deref(), Some("Boss"));
}

#[test]
fn an_apply_goes_on_with_the_options_it_was_begun_with() {
    let pair = changed();
    planned(&pair);
    let down = pair.charthop().inject(Fault::new("POST", IMPORT, FaultKind::Reset));
    pair.muster(["apply", "plan.json", "--yes", "--no-create-groups"]).exits(3);
    down.lift();
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(2).errs("this plan was begun with other options: groups are not created");
}

#[test]
fn a_target_that_cannot_be_read_again_proves_nothing() {
    let pair = changed();
    planned(&pair);
    let groups = pair.charthop().inject(Fault::get("/v2/org/*/group", FaultKind::status(500)));
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(3).complains("charthop could not be read again: what was written is not held against the plan");
    assert!(groups.fired() > 0);
}

#[test]
fn no_cell_of_somebody_known_is_ever_empty() {
    // More than are written one by one, with another set of fields each, at a target that blanks what is empty.
    let before: Vec<Member> = (0..30).map(|n| member(&format!("P{n:02} Quill")).employee(&format!("{n}"))).collect();
    let after: Vec<Member> = (0..)
        .zip(before.clone())
        .map(|(n, person)| match n % 4 {
            0 => person.works("Design", ""),
            1 => person.works("", "Remote").title("Lead"),
            2 => Member { manager: String::new(), ..person.title("Lead") },
            _ => person.started("2021-03-04"),
        })
        .collect();
    let pair = Pair::rosters(&company(&after), &company(&before)).synced();
    pair.charthop().rewrite(|w| w.empty_cells_blank = true);
    planned(&pair);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    is_empty_now(&pair);
    let world = pair.charthop().world();
    for person in persons(&world) {
        let said = (&person.title, &person.department, &person.location, &person.start, &person.employee);
        assert!([said.0, said.1, said.2, said.3, said.4].iter().all(|field| field.is_some()), "{person:?}");
    }
    assert_eq!(by_email(&world, "p00@lantern.test").department.as_deref(), Some("Design"));
    assert!(by_email(&world, "p02@lantern.test").manager.is_some(), "an empty source field blanks nothing");
}

#[test]
fn values_reach_the_target_as_they_are() {
    let odd = ["=1+1", "@cmd", "-2", "+3", "a,b", "say \"hi\"", "l'été", "名前", "; DROP"];
    let people: Vec<Member> =
        (0..).zip(odd).map(|(n, title)| member(&format!("Odd{n} {title}")).title(title).works(title, title)).collect();
    let pair = Pair::rosters(&company(&people), &company(&[])).synced();
    planned(&pair);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    for (n, title) in odd.iter().enumerate() {
        let person = by_email(&pair.charthop().world(), &format!("odd{n}@lantern.test"));
        assert_eq!((person.title.as_deref(), person.department.as_deref()), (Some(*title), Some(*title)));
        assert_eq!(person.last, *title);
    }
    is_empty_now(&pair);
}

#[test]
fn a_token_that_is_refused_changes_nothing_and_says_so() {
    let pair = changed();
    planned(&pair);
    let refused = pair.charthop().inject(Fault::get("/v1/user/me", FaultKind::status(401)));
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(1).errs("ChartHop does not accept the token");
    assert!(refused.fired() >= 1);
    assert_eq!(audit(&pair)[0][2], "failed");
    refused.lift();
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    is_empty_now(&pair);
}
