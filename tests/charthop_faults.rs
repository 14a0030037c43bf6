//! ChartHop's bad days: what is waited for, what is proved, and what is never published.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use support::charthop::place::Place;
use support::charthop::world::person_id;
use support::charthop::{Builder, Circle, Event, FakeChartHop};
use support::fault::{Fault, FaultKind};
use support::scene::{Run, text};

fn place(builder: Builder) -> Place {
    Place::new(builder, |profile| profile)
}

fn in_list(builder: Builder) -> Place {
    Place::new(builder, |profile| profile.setting("charthop-membership", "list"))
}

/// The sync is incomplete for this reason with this sentence; nothing new is published.
#[track_caller]
fn incomplete(place: &Place, reason: &str, sentence: &str) -> Value {
    let before = place.resource_ids_or_none();
    // From the beginning each time: what an earlier one has read would not be asked for again.
    let run = place.muster(["sync", "--fresh", "--json"]);
    let line = run.exits(3).complains(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("incomplete"), &json!(reason)), "{line}");
    assert_eq!(place.resource_ids_or_none(), before);
    line
}

trait Published {
    fn resource_ids_or_none(&self) -> Vec<String>;
    fn persons(&self) -> BTreeSet<String>;
}

impl Published for Place {
    fn resource_ids_or_none(&self) -> Vec<String> {
        if self.path("muster.db").exists() { self.resource_ids() } else { Vec::new() }
    }

    fn persons(&self) -> BTreeSet<String> {
        self.json(["resources", "--type", "person"]).iter().map(|row| text(row, "id").to_owned()).collect()
    }
}

fn everybody(persons: u64) -> BTreeSet<String> {
    (1..=persons).map(person_id).collect()
}

/// What a sync without any trouble publishes.
#[track_caller]
fn assert_whole(place: &Place, run: &Run) {
    run.exits(0).says("people: published");
    let world = place.fake().world();
    let grants = world.persons().map(|person| person.groups.len()).sum::<usize>();
    assert_eq!((place.persons(), place.grant_ids().len()), (everybody(40), grants));
}

#[test]
fn a_snapshot_that_is_being_built_is_waited_for() {
    let place = place(FakeChartHop::builder().building(1));
    let run = place.muster(["sync"]);
    assert_whole(&place, &run);
    assert!(run.elapsed >= Duration::from_secs(2), "came back too early: {:?}", run.elapsed);
    for fault in place.fake().injected() {
        fault.assert_fired(1);
    }
}

#[test]
fn a_snapshot_that_is_built_while_persons_are_read_is_waited_for() {
    let place = place(FakeChartHop::builder());
    let path = place.fake().path("person/*");
    let building = place.fake().inject(Fault::get(&path, FaultKind::json(202, "")).after(3).times(5));
    let run = place.muster(["sync"]);
    assert_whole(&place, &run);
    building.assert_fired(5);
}

#[test]
fn a_snapshot_that_is_never_ready_is_no_empty_organization() {
    let builder = FakeChartHop::builder();
    let place = Place::new(builder, |profile| profile.run("max-wait = \"1s\""));
    place.muster(["sync"]).exits(0);
    for list in ["person", "person/count", "group"] {
        let path = place.fake().path(list);
        let building = place.fake().inject(Fault::get(&path, FaultKind::json(202, r#"{"data":[]}"#)));
        incomplete(&place, "unavailable", "the vendor asks to wait");
        building.assert_fired(1);
        building.lift();
    }
    assert_eq!(place.persons(), everybody(40));
}

#[test]
fn a_cursor_that_repeats_ends_the_run_with_a_sentence() {
    for (circle, page) in [(Circle::Itself, 2), (Circle::Back, 3)] {
        let place = in_list(FakeChartHop::builder().persons(1_700).circle(circle));
        let sentence = format!("ChartHop repeats a cursor on page {page} of its list of persons");
        let line = incomplete(&place, "unexpected", &sentence);
        assert!(text(&line["failures"][0], "task").starts_with("persons "), "{line}");
        assert_eq!(place.fake().count(&place.fake().path("person")), page);
    }
}

#[test]
fn a_person_that_is_deleted_between_list_and_read_is_no_failure() {
    let place = place(FakeChartHop::builder().deleted_on_read(9));
    let run = place.muster(["sync"]);
    run.exits(0).says("people: published");
    run.complains(&format!("person {} was deleted during the run: it is in no group any more", person_id(9)));
    assert!(place.grant_ids().iter().all(|id| !id.ends_with(&person_id(9))));
    assert!(place.grant_ids().iter().any(|id| id.ends_with(&person_id(10))));
    place.muster(["sync"]).exits(0).says("0 added, 0 changed, 1 removed").stderr_is_empty();
    let mut left = everybody(40);
    left.remove(&person_id(9));
    assert_eq!(place.persons(), left);
}

#[test]
fn a_person_that_is_listed_and_not_found_does_not_lose_its_groups() {
    let place = place(FakeChartHop::builder());
    place.muster(["sync"]).exits(0);
    let path = place.fake().path(&format!("person/{}", person_id(9)));
    let gone = place.fake().inject(Fault::get(&path, FaultKind::json(404, r#"{"code":"not found"}"#)));
    incomplete(&place, "unexpected", &format!("ChartHop lists person {} and says that it is not found", person_id(9)));
    gone.assert_fired(1);
}

#[test]
fn a_list_that_does_not_understand_the_question_proves_nothing() {
    let place = place(FakeChartHop::builder().deleted_on_read(9).ids_ignored());
    incomplete(&place, "unexpected", "its list does not tell whether that is so");
}

#[test]
fn somebody_who_slips_between_two_pages_is_found_by_the_second_walk() {
    // On its page in the first walk the person is not there; all three pages of the second one have it.
    let place = in_list(FakeChartHop::builder().persons(1_200).slipping(700, 3));
    let run = place.muster(["sync"]);
    run.exits(0).complains("the list of persons moved while it was read").complains("1199 listed, 1200 counted");
    assert_eq!(place.persons(), everybody(1_200));
    assert_eq!(place.fake().count(&place.fake().path("person")), 6);
}

#[test]
fn somebody_who_is_hired_while_the_list_is_read_is_found_by_the_second_walk() {
    let place = place(FakeChartHop::builder().persons(600).event(2, Event::Hire));
    place.muster(["sync"]).exits(0).complains("600 listed, 600 counted before and 601 after");
    assert_eq!(place.persons(), everybody(601));
    let reads = place.fake().counts().into_iter().filter(|(path, _)| path.contains("/person/588f"));
    assert!(reads.into_iter().all(|(_, count)| count == 1), "the second walk reads no person's groups again");
}

#[test]
fn somebody_who_leaves_while_the_list_is_read_stays_until_the_next_sync() {
    let place = in_list(FakeChartHop::builder().persons(600).event(1, Event::Depart(3)));
    place.muster(["sync"]).exits(0).complains("600 counted before and 599 after");
    assert_eq!(place.persons(), everybody(600), "the union of both walks");
    place.muster(["sync"]).exits(0).stderr_is_empty();
    assert_eq!(place.persons().len(), 599);
}

#[test]
fn a_list_that_grows_all_the_time_is_published_with_a_warning() {
    let builder = FakeChartHop::builder().persons(600).event(2, Event::Hire).event(4, Event::Hire);
    let place = in_list(builder);
    place
        .muster(["sync"])
        .exits(0)
        .complains("ChartHop counts 601 persons before and 602 after its list of 601, the second time");
    assert!(place.persons().is_superset(&everybody(601)));
}

#[test]
fn half_a_list_is_never_published() {
    let place = in_list(FakeChartHop::builder().persons(600).unseen(599));
    let sentence = "ChartHop counts 600 persons and listed 599, twice: half a list is not published";
    incomplete(&place, "unexpected", sentence);
    assert_eq!(place.fake().count(&place.fake().path("person")), 4, "two pages, twice");
}

#[test]
fn former_people_do_not_make_up_for_those_who_are_missing() {
    let builder = FakeChartHop::builder().persons(60).former(30).idle(2).unseen(7);
    let place = Place::new(builder, |profile| {
        profile.setting("charthop-membership", "list").setting_toml("charthop-include-former", "true")
    });
    // Whether the two without a job are counted cannot be told: with them one who is missing is not, but three are.
    place.muster(["sync"]).exits(0).complains("up to 1 person of the organization may be missing");
    let builder = FakeChartHop::builder().persons(60).former(30).idle(2).unseen(7).unseen(8).unseen(9);
    let place = Place::new(builder, |profile| {
        profile.setting("charthop-membership", "list").setting_toml("charthop-include-former", "true")
    });
    incomplete(&place, "unexpected", "ChartHop counts 60 persons and listed 89, 30 of them former, twice");
}

#[test]
fn those_who_start_later_may_be_listed_and_counted_or_not() {
    for (listed, counted) in [(true, false), (true, true), (false, false), (false, true)] {
        let place = in_list(FakeChartHop::builder().persons(30).starting(4).starters(listed, counted));
        let run = place.muster(["sync"]);
        run.exits(0);
        match (listed, counted) {
            (false, true) => run.complains("exactly those who start later are missing"),
            // Four of the people of now could be missing instead.
            (true, true) => run.complains("up to 4 persons of the organization may be missing"),
            _ => run.stderr_is_empty(),
        };
        assert_eq!(place.persons(), everybody(if listed { 34 } else { 30 }), "{listed} {counted}");
    }
    // One of those who are counted is missing, and nobody can say that it starts later.
    let place = in_list(FakeChartHop::builder().persons(30).starting(4).starters(false, true).unseen(3));
    incomplete(&place, "unexpected", "counts 34 persons and listed 29, twice");
}

#[test]
fn those_who_start_later_do_not_silently_make_up_for_those_who_are_missing() {
    let builder = FakeChartHop::builder().persons(100).starting(3).unseen(7).unseen(8).unseen(9);
    let place = in_list(builder);
    let run = place.muster(["sync"]);
    run.exits(0).complains("ChartHop counts 100 persons and listed 97 who are in the organization now, twice");
    run.complains("up to 3 persons of the organization may be missing");
    assert_eq!(place.persons().len(), 100, "97 and the three who start later");
    // Of those who start later some are missing.
    let place = in_list(FakeChartHop::builder().persons(30).starting(4).unseen(33));
    place.muster(["sync"]).exits(0).complains("ChartHop counts 4 persons who start later and listed 3, twice");
}

#[test]
fn a_list_that_refuses_undocumented_fields_is_read_without_managers() {
    let place = in_list(FakeChartHop::builder().persons(1_200).unknown_field("manager.id"));
    let run = place.muster(["sync"]);
    run.exits(0).complains("the managers stay empty");
    assert_eq!(run.stderr.matches("manager's person").count(), 1, "{}", run.stderr);
    assert!(!run.stderr.contains("who the manager is"), "that the managers are empty is told once: {}", run.stderr);
    let rows = place.json(["resources", "--type", "person"]);
    assert_eq!(rows.len(), 1_200);
    assert!(rows.iter().all(|row| row["employment"]["manager"] == Value::Null));
    assert!(rows.iter().any(|row| row["profile"]["manager.contact.workEmail"] == "person.1@acme.test"));
    assert_eq!(place.fake().count(&place.fake().path("person")), 4, "the first of three pages twice, the others once");
    place.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
}

#[test]
fn a_storm_of_429_passes() {
    let place = place(FakeChartHop::builder());
    let storm = place.fake().inject(Fault::get("/v2/**", FaultKind::status(429)).after(5).times(20));
    let run = place.muster(["sync"]);
    assert_whole(&place, &run);
    storm.assert_fired(20);
}

#[test]
fn a_storm_of_429_with_a_time_passes() {
    let place = place(FakeChartHop::builder());
    let kind = FaultKind::status(429).header("retry-after", "1");
    let storm = place.fake().inject(Fault::get("**", kind).after(6).times(12));
    let run = place.muster(["sync"]);
    assert_whole(&place, &run);
    storm.assert_fired(12);
}

#[test]
fn five_of_a_hundred_503s_are_survived() {
    let place = place(FakeChartHop::builder().persons(400).flaky(5, 42));
    let run = place.muster(["sync", "--json"]);
    let line = run.exits(0).json();
    let flaked = place.fake().flaked();
    assert!(flaked > 5, "{flaked} of {} requests", line["requests"]);
    assert_eq!(line["retries"], json!(flaked));
    assert_eq!(place.persons(), everybody(400));
}

#[test]
fn pages_that_come_slowly_are_read() {
    let place = place(FakeChartHop::builder());
    let late = FaultKind::Delay(Duration::from_millis(300));
    let late = place.fake().inject(Fault::get(&place.fake().path("group"), late).times(1));
    let drip = FaultKind::Drip { chunk: 1_000, every: Duration::from_millis(2) };
    let drip = place.fake().inject(Fault::get(&place.fake().path("person"), drip).times(1));
    let run = place.muster(["sync"]);
    assert_whole(&place, &run);
    late.assert_fired(1);
    drip.assert_fired(1);
}

#[test]
fn answers_that_break_off_are_never_half_a_list() {
    for kind in [FaultKind::CutJson, FaultKind::Html, FaultKind::json(200, "{}"), FaultKind::json(200, "")] {
        for list in ["person", "group", "person/count"] {
            let place = place(FakeChartHop::builder());
            let fault = place.fake().inject(Fault::get(&place.fake().path(list), kind.clone()));
            incomplete(&place, "unexpected", list);
            fault.assert_fired(1);
        }
    }
    let place = place(FakeChartHop::builder());
    let path = place.fake().path("person");
    let reset = place.fake().inject(Fault::get(&path, FaultKind::ResetMidBody).times(2));
    let run = place.muster(["sync"]);
    assert_whole(&place, &run);
    reset.assert_fired(2);
}

#[test]
fn one_person_that_cannot_be_read_leaves_what_was_published() {
    let place = place(FakeChartHop::builder());
    place.muster(["sync"]).exits(0);
    let path = place.fake().path(&format!("person/{}", person_id(9)));
    let fault = place.fake().inject(Fault::get(&path, FaultKind::status(500)));
    let line = incomplete(&place, "unavailable", "500");
    assert_eq!(line["failures"][0]["task"], json!(format!("person-groups {}", person_id(9))));
    fault.assert_fired(1);
}
