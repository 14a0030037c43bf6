//! `muster apply`: a plan, for real, and the plan is empty afterwards.

use serde_json::{Value, json};
use support::charthop::world::{Person, World, person_id};
use support::pair::Pair;
use support::roster::Member;
use support::scene::{Scene, eventually, text};
use support::terminal::Terminal;

const HEAD: &str = "meg@lantern.test";

/// The head, and whoever reports to her.
pub fn company(others: &[Member]) -> Vec<Member> {
    let head = Member::new(HEAD, "Meg", "Field").title("CEO").works("Office", "Boston").employee("1");
    std::iter::once(head).chain(others.iter().cloned()).collect()
}

pub fn member(name: &str) -> Member {
    let (first, last) = name.split_once(' ').unwrap_or((name, "Oak"));
    let email = format!("{}@lantern.test", first.to_lowercase());
    Member::new(&email, first, last).title("Engineer").works("Engineering", "Boston").manager(HEAD)
}

/// A hire below a hire, a new title, a move, a departure, and somebody whom only the target has.
pub fn changed() -> Pair {
    let source = company(&[
        member("Ann Lee").manager("ben@lantern.test"),
        member("Ben Moss"),
        member("Cid Nash").title("Lead"),
        member("Dora Ott").works("Design", "Remote"),
        member("Eli Poe").ended("2026-01-31"),
    ]);
    let target = company(&[member("Cid Nash"), member("Dora Ott"), member("Eli Poe"), member("Only Here")]);
    Pair::rosters(&source, &target).synced()
}

/// Makes the plan `plan.json`, which is not empty.
pub fn planned(pair: &Pair) -> Value {
    pair.muster(["plan", "justworks", "charthop", "-o", "plan.json", "--exit-code"]).exits(1);
    serde_json::from_str(&std::fs::read_to_string(pair.path("plan.json")).unwrap()).unwrap()
}

pub fn persons(world: &World) -> Vec<Person> {
    world.persons().collect()
}

pub fn by_email(world: &World, email: &str) -> Person {
    world.persons().find(|person| person.email.as_deref() == Some(email)).unwrap_or_else(|| panic!("no {email}"))
}

/// What the plan's second look says: nothing is left.
#[track_caller]
pub fn is_empty_now(pair: &Pair) {
    pair.muster(["plan", "justworks", "charthop", "--exit-code"]).exits(0).says("nothing to do");
}

/// Rows of the audit: action, what, outcome.
pub fn audit(scene: &Scene) -> Vec<[String; 3]> {
    let word = |row: &Value, key: &str| text(row, key).to_owned();
    scene.rows("audit").iter().map(|row| ["action", "what", "outcome"].map(|key| word(row, key))).collect()
}

#[test]
fn a_plan_is_applied_and_empty_afterwards() {
    let pair = changed();
    let plan = planned(&pair);
    let only = by_email(&pair.charthop().world(), "only@lantern.test");
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(0).stderr_is_empty();
    run.says("charthop: 5 applied\n  charthop was read again, and nothing of the plan is left to do\n");
    run.says("charthop: published as run 3 in ");
    is_empty_now(&pair);
    let world = pair.charthop().world();
    let [ann, ben, cid, dora] =
        ["ann", "ben", "cid", "dora"].map(|who| by_email(&world, &format!("{who}@lantern.test")));
    assert_eq!((ann.first.as_str(), ann.manager, ann.start.as_deref()), ("Ann", Some(ben.number), Some("2020-02-03")));
    assert_eq!(cid.title.as_deref(), Some("Lead"));
    assert_eq!((dora.department.as_deref(), dora.location.as_deref()), (Some("Design"), Some("Remote")));
    assert_eq!(by_email(&world, "eli@lantern.test").end.as_deref(), Some("2026-01-31"));
    assert_eq!(by_email(&world, "only@lantern.test"), only, "who is in the target alone is not touched");
    assert_eq!(pair.charthop().applied_twice(), []);
    let digest = text(&pair.rows("audit")[0], "plan").to_owned();
    assert_eq!(audit(&pair), [["apply", "2 hires, 1 change, 1 move, 1 departure from justworks (run 1)", "applied"]]);
    assert_eq!(digest.len(), 64);
    let shown = pair.muster(["audit", "1"]);
    shown
        .exits(0)
        .says("act 1: apply at charthop: applied\n")
        .says("    ben@lantern.test: applied\n")
        .says("  run 3\n");
    assert_eq!(plan["hires"][0]["email"], "ben@lantern.test", "managers before their reports");
}

#[test]
fn programs_read_what_came_of_each_change() {
    let pair = changed();
    planned(&pair);
    let line = pair.muster(["apply", "plan.json", "--yes", "--json"]).exits(0).json();
    let of = |key: &str| line[key].clone();
    assert_eq!([of("connection"), of("from"), of("status")], ["charthop", "justworks", "applied"]);
    assert_eq!([of("act"), of("applied"), of("refused"), of("not_done"), of("run")], [1, 5, 0, 0, 3]);
    assert_eq!(line["left"], json!({"hires": [], "changes": [], "moves": [], "departures": []}));
    let subjects: Vec<&str> =
        line["outcomes"].as_array().unwrap().iter().map(|outcome| text(outcome, "subject")).collect();
    let wanted = ["cid", "ben", "ann", "dora", "eli"].map(|who| format!("{who}@lantern.test"));
    assert_eq!(subjects, wanted);
}

#[test]
fn a_dry_run_is_the_targets_own_and_changes_nothing() {
    let pair = changed();
    planned(&pair);
    let before = persons(&pair.charthop().world());
    let run = pair.muster(["apply", "plan.json", "--dry-run"]);
    run.exits(0).says("charthop: 5 applied (a dry run: nothing was changed)\n").never_says("read again");
    assert_eq!(persons(&pair.charthop().world()), before);
    assert_eq!(pair.charthop().applied(), []);
    assert!(!pair.charthop().processes().is_empty(), "ChartHop was asked");
    assert_eq!(audit(&pair)[0][0], "apply-dry-run");
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
    is_empty_now(&pair);
}

#[test]
fn a_dry_run_of_what_goes_cleanly_goes_cleanly() {
    // Below a new address; hires below hires, of whom other things are known; a move below somebody hired.
    let boss = |email: &str| Member { email: email.to_owned(), ..member("Abe Reed").employee("2") };
    let source = company(&[
        boss("new.abe@lantern.test"),
        member("Bea Sand").works("Engineering", "").manager("new.abe@lantern.test"),
        member("Cal Tate").manager("bea@lantern.test"),
        member("Deb Utz").works("", "Boston").manager("cal@lantern.test"),
        member("Ed Vane").manager("deb@lantern.test"),
        member("Flo West").works("Design", "Boston").manager("deb@lantern.test"),
        member("Gus Yale").manager("new.abe@lantern.test"),
    ]);
    let target = company(&[boss("abe@lantern.test"), member("Ed Vane"), member("Flo West"), member("Gus Yale")]);
    let pair = Pair::rosters(&source, &target).synced();
    let plan = planned(&pair);
    assert_eq!(plan["hires"].as_array().unwrap().len(), 3, "{plan}");
    let before = persons(&pair.charthop().world());
    let run = pair.muster(["apply", "plan.json", "--dry-run"]);
    run.exits(0).says("charthop: 7 applied (a dry run: nothing was changed)\n");
    assert_eq!(persons(&pair.charthop().world()), before);
    assert_eq!((pair.charthop().applied(), pair.charthop().taken()), (vec![], vec![]));
    let files = pair.charthop().processes();
    assert!(files.len() > 3 && files.iter().all(|file| file.dry_run), "{} files", files.len());
    pair.muster(["apply", "plan.json", "--yes"]).exits(0).says("charthop: 7 applied\n");
    is_empty_now(&pair);
    let world = pair.charthop().world();
    assert_eq!(by_email(&world, "ed@lantern.test").manager, Some(by_email(&world, "deb@lantern.test").number));
}

#[test]
fn a_scenario_is_written_and_the_real_data_are_not() {
    let pair = changed();
    pair.charthop().add_scenario("588f7ee98f1300000000000a");
    planned(&pair);
    let before = persons(&pair.charthop().world());
    let arguments = ["apply", "plan.json", "--yes", "--scenario", "588f7ee98f1300000000000a"];
    pair.muster(arguments).exits(0).says("charthop: 5 applied\n").never_says("read again");
    assert_eq!(persons(&pair.charthop().world()), before);
    let scenario = pair.charthop().scenario("588f7ee98f1300000000000a");
    assert_eq!(by_email(&scenario, "cid@lantern.test").title.as_deref(), Some("Lead"));
    by_email(&scenario, "ann@lantern.test");
    // What is in a scenario is in no snapshot, so that nothing but the audit knows of it.
    pair.muster(arguments).exits(1).errs("this plan was applied before, at ").helps("make a new one: muster plan");
    assert_eq!(pair.charthop().applied_twice(), []);
    pair.muster(["apply", "plan.json", "--yes", "--scenario", "nowhere"]).exits(1);
}

#[test]
fn a_plan_that_no_longer_holds_is_refused_and_says_why() {
    let pair = changed();
    planned(&pair);
    let cid = by_email(&pair.charthop().world(), "cid@lantern.test").number;
    pair.charthop().edit(|world| world.edit_person(cid, |person| person.title = Some("Boss".to_owned())));
    pair.muster(["sync", "charthop"]).exits(0);
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(1).errs("the plan no longer holds: justworks or charthop has changed since it was made");
    run.helps("make a new one: muster plan justworks charthop -o plan.json").helps("Boss");
    assert_eq!((pair.charthop().applied(), audit(&pair)), (vec![], vec![]));
    // A sync that found nothing new is no change.
    planned(&pair);
    pair.muster(["sync", "charthop"]).exits(0);
    pair.muster(["apply", "plan.json", "--yes"]).exits(0);
}

#[test]
fn what_was_taken_out_of_a_plan_by_hand_is_not_done() {
    let pair = changed();
    let mut plan = planned(&pair);
    plan["departures"] = json!([]);
    plan["hires"].as_array_mut().unwrap().truncate(1);
    std::fs::write(pair.path("plan.json"), plan.to_string()).unwrap();
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(0).says("charthop: 3 applied\n").says("nothing of the plan is left to do");
    assert_eq!(by_email(&pair.charthop().world(), "eli@lantern.test").end, None);
    pair.muster(["plan", "justworks", "charthop", "--exit-code"]).exits(1).says("1 departure");
}

#[test]
fn somebody_has_to_agree() {
    let pair = changed();
    planned(&pair);
    let run = pair.muster(["apply", "plan.json"]);
    run.exits(2).errs("this changes something at the vendor, and there is no terminal to ask on");
    for (answer, applied) in [("n", 0), ("y", 5)] {
        let mut terminal = Terminal::asking(pair.command(["apply", "plan.json"]));
        let question = "charthop: apply 2 hires, 1 change, 1 move, 1 departure from justworks (run 1)? [y/N]";
        eventually("somebody is asked", || terminal.drawn().contains(question));
        terminal.answer(answer);
        let (code, drawn) = terminal.wait();
        assert_eq!(code, Some(i32::from(applied == 0)), "{drawn}");
        let hired = pair.charthop().applied().iter().filter(|one| one.what == "hire").count();
        assert_eq!(hired, if applied == 0 { 0 } else { 2 }, "{drawn}");
    }
}

#[test]
fn an_empty_plan_is_done_without_a_question() {
    let same = company(&[member("Cid Nash")]);
    let pair = Pair::rosters(&same, &same).synced();
    pair.muster(["plan", "justworks", "charthop", "-o", "plan.json", "--exit-code"]).exits(0);
    pair.muster(["apply", "plan.json"]).exits(0).says("charthop: nothing to do, the plan from justworks is empty\n");
}

#[test]
fn a_plan_that_cannot_be_read_is_one_sentence() {
    let pair = changed();
    let whole = planned(&pair).to_string();
    pair.muster(["apply", "no.json", "--yes"]).exits(2).errs("cannot read the plan no.json");
    let table = [
        (whole[..whole.len() / 2].to_owned(), "plan.json: "),
        (whole.replace("\"plan\":1", "\"plan\":2"), "plan.json: "),
        (whole.replace("\"charthop\"", "\"nobody\""), "there is no connection nobody"),
        (whole.replace("person:", "person"), "plan.json: "),
    ];
    for (text, sentence) in table {
        std::fs::write(pair.path("plan.json"), &text).unwrap();
        pair.muster(["apply", "plan.json", "--yes"]).exits(2).errs(sentence);
    }
    assert_eq!(pair.charthop().applied(), []);
    assert!(whole.contains(&person_id(2)), "the plan speaks of people");
}

#[test]
fn who_takes_no_roster_is_no_target() {
    let pair = changed();
    pair.muster(["plan", "charthop", "justworks", "-o", "plan.json", "--exit-code"]).exits(1);
    let run = pair.muster(["apply", "plan.json", "--yes"]);
    run.exits(2).errs("the connector justworks cannot take a roster").helps("muster connectors");
}

#[test]
fn ten_thousand_hires_take_few_requests() {
    let people: Vec<Member> = (0..10_000).map(|n| member(&format!("P{n:05} Quill"))).collect();
    let pair = Pair::rosters(&company(&people), &company(&[])).synced();
    pair.charthop().add_scenario("588f7ee98f1300000000000a");
    pair.charthop().rewrite(|writing| writing.polls = 1);
    pair.muster(["plan", "justworks", "charthop", "-o", "plan.json", "--exit-code", "--json"]).exits(1);
    pair.charthop().reset_stats();
    // Into a scenario, which is not read again: what is counted is the writing, and the check before it.
    let arguments = ["apply", "plan.json", "--yes", "--scenario", "588f7ee98f1300000000000a", "--json"];
    let line = pair.muster(arguments).exits(0).json();
    assert_eq!(line["applied"], 10_000);
    let counts = pair.charthop().counts();
    let polls: u64 = counts.iter().filter(|(path, _)| path.contains("/process/")).map(|(_, count)| count).sum();
    let requests = pair.charthop().stats().requests;
    assert!(polls > 0 && requests - polls <= 30, "{requests} requests, {polls} of them for asking how far it is");
    assert_eq!(pair.charthop().scenario("588f7ee98f1300000000000a").persons().count(), 10_001);
}
