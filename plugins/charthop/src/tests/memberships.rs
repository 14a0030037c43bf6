//! Who is in which group: only what ChartHop calculated for the person counts.

use super::*;

fn listed() -> String {
    "/v2/org/acme/person?fields=id&ids=p1&limit=2".to_owned()
}

fn one_person() -> Script<Charthop> {
    charthop().get(&at_person("p1"), Reply::empty(404))
}

fn groups_of_p1(vendor: &Script<Charthop>) -> Result<Vec<Task>, Failure> {
    vendor.sync(&Task::new("person-groups", "p1"))
}

#[test]
fn the_groups_of_a_person_are_its_memberships() {
    for (body, expected) in [
        (r#"{"groupIds":["g2","g1","g2"]}"#, vec!["g1:member p1", "g2:member p1"]),
        (r#"{"id":"p1","groupIds":[{"id":"g1"}],"more":1}"#, vec!["g1:member p1"]),
        (r#"{"groupIds":[]}"#, vec![]),
        (r#"{"groupIds":null}"#, vec![]),
        (r#"{}"#, vec![]),
    ] {
        let vendor = charthop().get(&at_person("p1"), Reply::json(200, body));
        assert_eq!(groups_of_p1(&vendor), Ok(vec![]));
        assert_eq!(shown(&vendor.grants()), expected, "{body}");
    }
}

#[test]
fn an_id_is_one_segment_of_the_path_whatever_it_holds() {
    let vendor = charthop().get(&at_person("a%20b%3Fc"), Reply::json(200, "{}"));
    assert_eq!(vendor.sync(&Task::new("person-groups", "a b?c")), Ok(vec![]));
}

#[test]
fn in_the_list_memberships_come_with_the_person() {
    let vendor = charthop()
        .setting("charthop-membership", "list")
        .get(AT_COUNT, count(2))
        .get(&at_list(), Reply::json(200, PERSONS_PAGE))
        .get(AT_COUNT, count(2));
    assert_eq!(vendor.sync(&persons_task()), Ok(vec![]));
    let expected = ["d1", "d2"].map(|group| format!("588f7ee98f138b19220041{group}:member {JANE}"));
    assert_eq!(shown(&vendor.grants()), expected);
}

#[test]
fn a_list_that_does_not_speak_of_groups_is_no_list_of_people_without_any() {
    let rows = r#"{"id":"p1"},{"id":"p2","groupIds":null},{"id":"p3","groupIds":["g1"]}"#;
    let vendor = charthop()
        .setting("charthop-membership", "list")
        .get(AT_COUNT, count(3))
        .get(&at_list(), page(rows, None))
        .get(AT_COUNT, count(3));
    assert_eq!(vendor.sync(&persons_task()), Ok(vec![Task::new("person-groups", "p1")]));
    assert_eq!(shown(&vendor.grants()), ["g1:member p3"]);
}

#[test]
fn groups_in_a_list_that_was_not_asked_for_them_do_not_count() {
    let vendor = charthop()
        .get(AT_COUNT, count(1))
        .get(AT_PERSONS, page(r#"{"id":"p1","groupIds":["g1"]}"#, None))
        .get(AT_COUNT, count(1));
    assert_eq!(vendor.sync(&persons_task()), Ok(vec![Task::new("person-groups", "p1")]));
    assert_eq!(vendor.grants(), []);
}

#[test]
fn a_person_deleted_during_the_run_is_in_no_group() {
    let vendor = one_person().get(&listed(), page("", None));
    assert_eq!(groups_of_p1(&vendor), Ok(vec![]));
    assert_eq!(vendor.items(), []);
    let line = "person p1 was deleted during the run: it is in no group any more".to_owned();
    assert_eq!(vendor.logs(), [(Level::Warn, line)]);
}

#[test]
fn a_person_that_is_listed_and_not_found_does_not_look_like_one_without_groups() {
    let vendor = one_person().get(&listed(), page(r#"{"id":"p1"}"#, None));
    let expected = "unexpected: ChartHop lists person p1 and says that it is not found";
    assert_eq!(told(groups_of_p1(&vendor).unwrap_err()), expected);
}

#[test]
fn a_list_of_others_does_not_prove_that_somebody_is_gone() {
    for reply in [page(r#"{"id":"p7"}"#, None), page("", Some("p7"))] {
        let vendor = one_person().get(&listed(), reply);
        let expected =
            "unexpected: ChartHop says that person p1 is not found, and its list does not tell whether that is so";
        assert_eq!(told(groups_of_p1(&vendor).unwrap_err()), expected);
    }
}

#[test]
fn whether_a_former_person_is_gone_is_asked_of_the_list_with_former_people() {
    let vendor = one_person()
        .setting("charthop-include-former", "true")
        .get(&format!("{}&includeAll=true", listed()), page("", None));
    assert_eq!(groups_of_p1(&vendor), Ok(vec![]));
}

#[test]
fn an_answer_that_is_no_person_does_not_look_like_one_without_groups() {
    for (reply, expected) in [
        (Reply::json(200, "[]"), "unexpected: ChartHop's answer for person p1 is no object"),
        (Reply::json(200, "null"), "unexpected: ChartHop's answer for person p1 is no object"),
        (Reply::empty(200), "unexpected: GET /v2/org/acme/person/p1: expected JSON, got an empty body"),
        (
            Reply::json(200, r#"{"groupIds":{}}"#),
            "unexpected: the groups of person p1 cannot be read: groupIds is neither a list nor null",
        ),
    ] {
        let vendor = charthop().get(&at_person("p1"), reply);
        assert_eq!(told(groups_of_p1(&vendor).unwrap_err()), expected);
    }
}
