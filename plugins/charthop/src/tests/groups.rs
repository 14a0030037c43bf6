//! Groups as records: every type, with its name and its parent.

use super::*;

fn groups(rows: &str) -> Vec<Resource> {
    let vendor = charthop().get(AT_TYPES, Reply::json(200, TYPES)).get(AT_GROUPS, page(rows, None));
    vendor.sync(&Task::new("groups", "")).unwrap();
    vendor.resources()
}

#[test]
fn a_group_has_its_type_its_parent_and_the_entitlement_member() {
    let vendor = charthop().get(AT_TYPES, Reply::json(200, TYPES)).get(AT_GROUPS, Reply::json(200, GROUPS_PAGE));
    assert_eq!(vendor.sync(&Task::new("groups", "")), Ok(vec![]));
    let groups = vendor.resources();
    assert_eq!(groups[0].parent.as_ref().map(|p| p.id.as_str()), Some("588f7ee98f138b19220041d2"));
    let expected = r#"{"type":"Department","typeId":"588f7ee98f138b19220041e1","slug":"engineering"}"#;
    assert_eq!(groups[0].profile, expected);
    assert_eq!((groups[1].parent.clone(), groups[1].name.as_str()), (None, "Everybody"));
    assert_eq!(groups[1].profile, r#"{"type":"Guild","typeId":"588f7ee98f138b19220041e2","code":"ALL"}"#);
    assert_eq!(groups[1].details, Details::Group);

    let entitlements = vendor.entitlements();
    assert_eq!(entitlements.len(), 2);
    let engineering = &entitlements[0];
    assert_eq!((engineering.slug.as_str(), engineering.name.as_str()), ("member", "Engineering member"));
    assert_eq!(engineering.description, "Member of the department Engineering");
    assert_eq!(engineering.purpose, Purpose::Assignment);
    assert_eq!(engineering.grantable_to, ["person"]);
}

#[test]
fn a_type_is_known_by_whatever_a_group_calls_it() {
    for of_type in [
        r#""type":"DEPARTMENT""#,
        r#""type":"department""#,
        r#""type":"588f7ee98f138b19220041e1""#,
        r#""type":{"id":"588f7ee98f138b19220041e1"}"#,
        r#""type":{"name":"Department"}"#,
        r#""type.id":"588f7ee98f138b19220041e1","type.name":"Old name""#,
        r#""groupTypeId":"588f7ee98f138b19220041e1""#,
        r#""groupType":{"id":"588f7ee98f138b19220041e1","name":"Department"}"#,
    ] {
        let group = &groups(&format!(r#"{{"id":"g1","name":"X",{of_type}}}"#))[0];
        assert_eq!(group.profile, r#"{"type":"Department","typeId":"588f7ee98f138b19220041e1"}"#, "{of_type}");
    }
}

#[test]
fn a_type_that_is_not_listed_goes_by_what_the_group_says() {
    for (of_type, expected) in [
        (r#""type":"BAND""#, r#"{"type":"BAND"}"#),
        (r#""type":{"id":"t9","name":"Squad"}"#, r#"{"type":"Squad","typeId":"t9"}"#),
        (r#""type":null"#, "{}"),
    ] {
        assert_eq!(groups(&format!(r#"{{"id":"g1","name":"X",{of_type}}}"#))[0].profile, expected);
    }
}

#[test]
fn a_parent_comes_in_several_forms() {
    for (fields, expected) in [
        (r#""parentGroupId":"g0""#, Some("g0")),
        (r#""parentGroup":{"id":"g0"}"#, Some("g0")),
        (r#""parent":{"id":"g0","name":"Top"}"#, Some("g0")),
        (r#""parent.id":"g0""#, Some("g0")),
        (r#""parent":"g0""#, Some("g0")),
        (r#""parentGroupId":7"#, Some("7")),
        (r#""parentGroupId":"","parent":null"#, None),
        (r#""parentGroupId":"g1""#, None),
    ] {
        let parent = groups(&format!(r#"{{"id":"g1","name":"X",{fields}}}"#))[0].parent.clone();
        assert_eq!(parent.map(|parent| parent.id).as_deref(), expected, "{fields}");
    }
}

#[test]
fn a_group_without_a_name_goes_by_what_it_has() {
    let names: Vec<String> = groups(r#"{"id":"g1","name":"","code":"ENG"},{"id":"g2","slug":"ops"},{"id":3}"#)
        .into_iter()
        .map(|group| group.name)
        .collect();
    assert_eq!(names, ["ENG", "ops", "3"]);
}

#[test]
fn types_and_groups_are_read_page_by_page() {
    let types = |next| page(r#"{"id":"t1","name":"Team"}"#, next);
    let vendor = charthop()
        .get(AT_TYPES, types(Some("t2")))
        .get(&format!("{AT_TYPES}&from=t2"), page(r#"{"id":"t2","name":"Site"}"#, None))
        .get(AT_GROUPS, page(r#"{"id":"g1","type":"t2"}"#, Some("g2")))
        .get(AT_TYPES, types(None))
        .get(&format!("{AT_GROUPS}&from=g2"), page(r#"{"id":"g2","type":"t1"}"#, None));
    let tasks = vendor.sync(&Task::new("groups", "")).unwrap();
    assert_eq!(tasks, [Task::new("groups", r#"{"page":2,"from":"g2","earlier":"g2"}"#)]);
    assert_eq!(vendor.sync(&tasks[0]), Ok(vec![]));
    let profiles: Vec<String> = vendor.resources().into_iter().map(|group| group.profile).collect();
    assert_eq!(profiles, [r#"{"type":"Site","typeId":"t2"}"#, r#"{"type":"Team","typeId":"t1"}"#]);
}

#[test]
fn a_cursor_of_groups_or_types_that_repeats_is_refused() {
    let vendor =
        charthop().get(AT_TYPES, Reply::json(200, TYPES)).get(&format!("{AT_GROUPS}&from=g2"), page("", Some("g2")));
    let failure = vendor.sync(&Task::new("groups", r#"{"page":2,"from":"g2"}"#)).unwrap_err();
    assert!(told(failure).contains("repeats a cursor on page 2 of its list of groups"));
    let again = page("", Some("t2"));
    let vendor = charthop().get(AT_TYPES, again.clone()).get(&format!("{AT_TYPES}&from=t2"), again);
    let failure = vendor.sync(&Task::new("groups", "")).unwrap_err();
    assert!(told(failure).contains("the vendor repeats a cursor"));
}
