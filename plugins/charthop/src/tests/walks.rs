//! The walk through the list of persons: pages, cursors, and the counts around them.

use super::*;

fn row(id: &str) -> String {
    format!(r#"{{"id":"{id}"}}"#)
}

fn next_page(cursor: &str) -> String {
    format!("{AT_PERSONS}&from={cursor}")
}

fn kinds(tasks: &[Task]) -> Vec<(&str, &str)> {
    tasks.iter().map(|task| (task.kind.as_str(), task.payload.as_str())).collect()
}

/// All warnings so far.
fn warnings(vendor: &Script<Charthop>) -> Vec<String> {
    vendor.logs().into_iter().filter(|(level, _)| *level == Level::Warn).map(|(_, text)| text).collect()
}

/// Does every page of a walk; the answer is how many walks there were, or how it ended.
fn walk(vendor: &Script<Charthop>) -> Result<usize, Failure> {
    let (mut task, mut rounds) = (persons_task(), 1);
    while let Some(next) = vendor.sync(&task)?.into_iter().find(|task| task.kind == "persons") {
        rounds += usize::from(next.payload.contains(r#""round":2,"page":1,"#));
        task = next;
    }
    Ok(rounds)
}

#[test]
fn each_page_is_a_task_of_its_own_that_is_named_first() {
    let vendor = charthop()
        .get(AT_COUNT, count(3))
        .get(AT_PERSONS, page(&[row("a"), row("b")].join(","), Some("c")))
        .get(&next_page("c"), page(&row("c"), None))
        .get(AT_COUNT, count(3));
    let tasks = vendor.sync(&persons_task()).unwrap();
    let payload = tasks[0].payload.clone();
    assert_eq!(kinds(&tasks), [("persons", payload.as_str()), ("person-groups", "a"), ("person-groups", "b")]);
    assert!(payload.starts_with(r#"{"round":1,"page":2,"from":"c""#), "{payload}");
    let tasks = vendor.sync(&tasks[0]).unwrap();
    assert_eq!(kinds(&tasks), [("person-groups", "c")]);
    assert_eq!((vendor.resources().len(), warnings(&vendor)), (3, vec![]));
}

#[test]
fn an_organization_of_nobody_is_one() {
    let vendor = charthop().get(AT_COUNT, count(0)).get(AT_PERSONS, page("", None)).get(AT_COUNT, count(0));
    assert_eq!(vendor.sync(&persons_task()), Ok(vec![]));
}

#[test]
fn a_page_that_is_empty_and_not_the_last_is_passed() {
    let vendor = charthop()
        .get(AT_COUNT, count(1))
        .get(AT_PERSONS, page("", Some("c")))
        .get(&next_page("c"), page(&row("c"), None))
        .get(AT_COUNT, count(1));
    assert_eq!(walk(&vendor), Ok(1));
}

#[test]
fn a_cursor_is_encoded() {
    let vendor = charthop()
        .get(AT_COUNT, count(2))
        .get(AT_PERSONS, page(&row("a"), Some("c&limit=1")))
        .get(&next_page("c%26limit%3D1"), page(&row("b"), None));
    assert_eq!(walk(&vendor.get(AT_COUNT, count(2))), Ok(1));
}

#[test]
fn a_cursor_that_repeats_is_refused_with_a_sentence() {
    let vendor = charthop()
        .get(AT_COUNT, count(9))
        .get(AT_PERSONS, page(&row("a"), Some("b")))
        .get(&next_page("b"), page(&row("b"), Some("b")));
    let failure = walk(&vendor).unwrap_err();
    assert_eq!(
        told(failure),
        "unexpected: ChartHop repeats a cursor on page 2 of its list of persons: the list would never end; sync again, \
         and tell ChartHop's support if it stays so"
    );
}

#[test]
fn cursors_that_go_in_a_circle_are_refused() {
    let mut vendor = charthop().get(AT_COUNT, count(9)).get(AT_PERSONS, page(&row("a"), Some("b")));
    for (from, to) in [("b", "c"), ("c", "d"), ("d", "b"), ("b", "c"), ("c", "d")] {
        vendor = vendor.get(&next_page(from), page(&row(from), Some(to)));
    }
    let text = told(walk(&vendor).unwrap_err());
    assert!(text.contains("repeats a cursor on page 6 of its list of persons"), "{text}");
}

#[test]
fn a_list_that_moved_is_walked_once_more_and_the_union_counts() {
    // The first walk loses "b", who slips between two pages.
    let vendor = charthop()
        .get(AT_COUNT, count(3))
        .get(AT_PERSONS, page(&row("a"), Some("c")))
        .get(&next_page("c"), page(&row("c"), None))
        .get(AT_COUNT, count(3))
        .get(AT_PERSONS, page(&[row("a"), row("b")].join(","), Some("c")))
        .get(&next_page("c"), page(&row("c"), None))
        .get(AT_COUNT, count(3));
    assert_eq!(walk(&vendor), Ok(2));
    let mut ids: Vec<String> = vendor.resources().into_iter().map(|r| r.id.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(
        warnings(&vendor),
        [
            "the list of persons moved while it was read, or is not what ChartHop counts (2 listed, 3 counted before and \
          3 after): it is read once more"
        ]
    );
}

#[test]
fn counts_that_differ_from_each_other_are_a_list_that_moved() {
    let vendor = charthop()
        .get(AT_COUNT, count(2))
        .get(AT_PERSONS, page(&row("a"), None))
        .get(AT_COUNT, count(1))
        .get(AT_PERSONS, page(&row("a"), None))
        .get(AT_COUNT, count(1));
    assert_eq!(walk(&vendor), Ok(2));
}

#[test]
fn half_a_list_fails_after_the_second_walk() {
    let vendor = charthop()
        .get(AT_COUNT, count(3))
        .get(AT_PERSONS, page(&row("a"), None))
        .get(AT_COUNT, count(3))
        .get(AT_PERSONS, page(&row("a"), None))
        .get(AT_COUNT, count(4));
    assert_eq!(
        told(walk(&vendor).unwrap_err()),
        "unexpected: ChartHop counts 4 persons and listed 1, twice: half a list is not published; see to it that the \
         owner of charthop-api-token may see everybody, else sync again later"
    );
}

#[test]
fn former_people_do_not_make_up_for_those_who_are_missing() {
    let former = r#"{"id":"x","endDate":"2020-01-01"},{"id":"y","endDate":"2020-01-01"}"#;
    let mut vendor = charthop().setting("charthop-include-former", "true").get(AT_COUNT, count(2));
    for _ in 0..2 {
        vendor = vendor
            .get(&format!("{AT_PERSONS}&includeAll=true"), page(&format!("{},{former}", row("a")), None))
            .get(AT_COUNT, count(2));
    }
    let text = told(walk(&vendor).unwrap_err());
    assert!(text.contains("counts 2 persons and listed 3, 2 of them former, twice"), "{text}");
}

#[test]
fn a_list_that_keeps_growing_is_published_with_a_warning() {
    let both = [row("a"), row("b")].join(",");
    let vendor = charthop()
        .get(AT_COUNT, count(1))
        .get(AT_PERSONS, page(&row("a"), None))
        .get(AT_COUNT, count(2))
        .get(AT_PERSONS, page(&both, None))
        .get(AT_COUNT, count(3));
    assert_eq!(walk(&vendor), Ok(2));
    assert!(
        warnings(&vendor)[1].starts_with("ChartHop counts 2 persons before and 3 after its list of 2, the second time")
    );
}

#[test]
fn those_who_start_later_may_be_counted_and_not_listed() {
    let count = || Reply::json(200, r#"{"personCount":3,"startingCount":2}"#);
    let vendor = charthop()
        .get(AT_COUNT, count())
        .get(AT_PERSONS, page(&row("a"), None))
        .get(AT_COUNT, count())
        .get(AT_PERSONS, page(&row("a"), None))
        .get(AT_COUNT, count());
    assert_eq!(walk(&vendor), Ok(2), "a second look: it could be another two who are missing");
    let expected = "ChartHop counts 3 persons and listed 1, twice: exactly those who start later are missing";
    assert!(warnings(&vendor)[1].starts_with(expected), "{:?}", warnings(&vendor));
}

#[test]
fn those_who_start_later_do_not_silently_make_up_for_those_who_are_missing() {
    let counted = || Reply::json(200, r#"{"personCount":3,"startingCount":1}"#);
    let rows = format!(r#"{},{},{{"id":"s","startDate":"2090-01-01"}}"#, row("a"), row("b"));
    let mut vendor = charthop().get(AT_COUNT, counted());
    for _ in 0..2 {
        vendor = vendor.get(AT_PERSONS, page(&rows, None)).get(AT_COUNT, counted());
    }
    assert_eq!(walk(&vendor), Ok(2));
    assert_eq!(
        warnings(&vendor),
        [
            "the list of persons moved while it was read, or is not what ChartHop counts (3 listed, 2 of them in the \
             organization now, 3 counted before and 3 after): it is read once more",
            "ChartHop counts 3 persons and listed 2 who are in the organization now, twice; only with others who are \
             listed (who start later) there are enough, and whether ChartHop counts those cannot be told: what was \
             listed is published, and up to 1 person of the organization may be missing; see to it that the owner of \
             charthop-api-token may see everybody",
        ]
    );
}

#[test]
fn people_without_a_job_do_not_silently_make_up_for_those_who_are_missing() {
    let rows = r#"{"id":"a","jobId":"j1"},{"id":"idle"}"#;
    let mut vendor = charthop().setting("charthop-include-former", "true").get(AT_COUNT, count(2));
    for _ in 0..2 {
        vendor = vendor.get(&format!("{AT_PERSONS}&includeAll=true"), page(rows, None)).get(AT_COUNT, count(2));
    }
    assert_eq!(walk(&vendor), Ok(2));
    let text = &warnings(&vendor)[1];
    assert!(text.contains("(who start later, have no job or left yesterday)"), "{text}");
    assert!(text.contains("up to 1 person of the organization may be missing"), "{text}");
}

#[test]
fn those_who_start_later_are_held_against_their_own_count() {
    let counted = || Reply::json(200, r#"{"personCount":1,"startingCount":2}"#);
    let rows = format!(r#"{},{{"id":"s","startDate":"2090-01-01"}}"#, row("a"));
    let mut vendor = charthop().get(AT_COUNT, counted());
    for _ in 0..2 {
        vendor = vendor.get(AT_PERSONS, page(&rows, None)).get(AT_COUNT, counted());
    }
    assert_eq!(walk(&vendor), Ok(2));
    let expected = "ChartHop counts 2 persons who start later and listed 1, twice";
    assert!(warnings(&vendor)[1].starts_with(expected), "{:?}", warnings(&vendor));
}

#[test]
fn a_person_twice_on_a_page_does_not_make_up_for_one_who_is_missing() {
    let rows = [row("a"), row("b"), row("a")].join(",");
    let mut vendor = charthop().get(AT_COUNT, count(3));
    for _ in 0..2 {
        vendor = vendor.get(AT_PERSONS, page(&rows, None)).get(AT_COUNT, count(3));
    }
    let text = told(walk(&vendor).unwrap_err());
    assert!(text.starts_with("unexpected: ChartHop counts 3 persons and listed 2, twice"), "{text}");
}

/// Where the list without the manager's person is.
fn bare(path: &str) -> String {
    path.replace("manager.id%2C", "")
}

#[test]
fn a_list_that_refuses_undocumented_fields_is_asked_for_without_them_and_managers_stay_empty() {
    let rows = r#"{"id":"a","manager":"j2","manager.contact.workEmail":"boss@acme.test"}"#;
    let mut vendor = charthop().get(AT_COUNT, count(3)).get(AT_PERSONS, Reply::text(400, "unknown field"));
    // Pages after it, and a second walk, are not asked for them at all.
    for _ in 0..2 {
        vendor = vendor
            .get(&bare(AT_PERSONS), page(rows, Some("b")))
            .get(&bare(&next_page("b")), page(&row("b"), None))
            .get(AT_COUNT, count(2));
    }
    assert_eq!(walk(&vendor), Ok(2));
    let told = warnings(&vendor);
    assert_eq!(
        told[0],
        "ChartHop refused a list with the manager's person id, which it does not document, and gave it without: the \
         managers stay empty, and their jobs and addresses are in the profile"
    );
    assert_eq!(told.iter().filter(|text| text.contains("manager")).count(), 1, "{told:?}");
    let a = &vendor.resources()[0];
    assert_eq!(user(a).employment.clone().unwrap().manager, None);
    assert_eq!(a.profile, r#"{"manager":"j2","manager.contact.workEmail":"boss@acme.test"}"#);
}

#[test]
fn a_list_that_is_refused_without_undocumented_fields_too_is_refused() {
    let vendor = charthop()
        .get(AT_COUNT, count(1))
        .get(AT_PERSONS, Reply::text(400, "no"))
        .get(&bare(AT_PERSONS), Reply::text(400, "no"));
    let text = told(vendor.sync(&persons_task()).unwrap_err());
    assert_eq!((text.as_str(), warnings(&vendor)), ("unexpected: GET /v2/org/acme/person answered 400: no", vec![]));
}

#[test]
fn only_a_question_that_is_not_understood_is_put_otherwise() {
    for status in [401, 403, 404, 500] {
        let vendor = charthop().get(AT_COUNT, count(1)).get(AT_PERSONS, Reply::empty(status));
        assert!(vendor.sync(&persons_task()).is_err(), "{status}");
    }
}

#[test]
fn one_person_is_told_as_one() {
    let vendor = charthop()
        .get(AT_COUNT, count(1))
        .get(AT_PERSONS, page(r#"{"id":"a","manager":"j2"}"#, None))
        .get(AT_COUNT, count(1));
    assert_eq!(walk(&vendor), Ok(1));
    assert!(warnings(&vendor)[0].starts_with("for 1 person ChartHop does not say"), "{:?}", warnings(&vendor));
}

#[test]
fn managers_that_are_left_open_are_told_once() {
    let rows = r#"{"id":"a","manager":"j2"},{"id":"b","manager.contact.workEmail":"x@acme.test"}"#;
    let vendor = charthop()
        .get(AT_COUNT, count(3))
        .get(AT_PERSONS, page(rows, Some("c")))
        .get(&next_page("c"), page(r#"{"id":"c","manager":"j2"}"#, None))
        .get(AT_COUNT, count(3));
    assert_eq!(walk(&vendor), Ok(1));
    assert!(warnings(&vendor)[0].starts_with("for 3 persons ChartHop does not say who the manager is"));
}

#[test]
fn a_page_of_more_persons_than_tasks_can_be_named_is_refused() {
    let rows: Vec<String> = (0..10_000).map(|n| row(&n.to_string())).collect();
    let vendor = charthop().get(AT_COUNT, count(10_000)).get(AT_PERSONS, page(&rows.join(","), None));
    assert_eq!(
        told(vendor.sync(&persons_task()).unwrap_err()),
        "unexpected: ChartHop gave 10000 persons on one page where 500 were asked for"
    );
}

#[test]
fn a_task_with_a_payload_of_something_else_is_refused() {
    let text = told(charthop().sync(&Task::new("persons", "7")).unwrap_err());
    assert!(text.starts_with("unexpected: the payload of a task persons cannot be read"), "{text}");
    let text = told(charthop().sync(&Task::new("groups", "7")).unwrap_err());
    assert!(text.starts_with("unexpected: the payload of a task groups is of no use"), "{text}");
}
