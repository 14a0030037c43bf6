//! Groups and their members.

use super::*;

/// The grants of the list's beginning, and the tasks it names.
fn read(records: &[&str]) -> (Vec<String>, Vec<Task>) {
    let vendor = scim().get(AT_GROUPS, list(records));
    let tasks = vendor.sync(&Task::new("groups", "")).unwrap();
    (grants(&vendor), tasks)
}

#[test]
fn every_group_has_the_entitlement_member_for_users_and_groups() {
    let vendor = scim().get(AT_GROUPS, Reply::json(200, GROUPS));
    assert_eq!(vendor.sync(&Task::new("groups", "")), Ok(vec![]));
    let (groups, entitlements) = (vendor.resources(), vendor.entitlements());
    assert_eq!((groups[0].name.as_str(), groups[0].profile.as_str()), ("Guides", r#"{"externalId":"g-1"}"#));
    assert_eq!(groups[1].profile, "{}");
    assert_eq!(entitlements.len(), 2);
    assert_eq!((entitlements[0].slug.as_str(), entitlements[0].name.as_str()), ("member", "Guides member"));
    assert_eq!(entitlements[0].purpose, muster_sdk::Purpose::Assignment);
    assert_eq!(entitlements[0].grantable_to, ["user", "group"]);
}

#[test]
fn a_members_type_is_told_by_type_else_by_reference() {
    for (member, expected) in [
        (r#"{"value":"1","type":"User"}"#, "group:g user:1"),
        (r#"{"value":"1","type":"group"}"#, "group:g group:1"),
        (r#"{"Value":1,"Type":"GROUP"}"#, "group:g group:1"),
        (r#"{"value":"1","type":"User","$ref":"https://scim.test/Groups/1"}"#, "group:g user:1"),
        (r#"{"value":"1","$ref":"https://scim.test/scim/v2/Groups/1"}"#, "group:g group:1"),
        (r#"{"value":"1","type":"direct","$ref":"../users/1/"}"#, "group:g user:1"),
        (r#"{"$ref":"/Users/a%2Fb?x"}"#, "group:g user:a/b"),
        (r#"{"$ref":"/Users/100%","type":"user"}"#, "group:g user:100%"),
    ] {
        let (grants, tasks) = read(&[&format!(r#"{{"id":"g","members":[{member}]}}"#)]);
        assert_eq!(grants, [expected], "{member}");
        assert_eq!(tasks, [], "{member}");
    }
}

#[test]
fn members_come_in_many_shapes() {
    for (members, expected) in [(r#"{"value":"1","type":"User"}"#, vec!["group:g user:1"]), ("[]", vec![])] {
        let (grants, tasks) = read(&[&format!(r#"{{"id":"g","members":{members}}}"#)]);
        assert_eq!((grants, tasks), (expected.iter().map(|&id| id.to_owned()).collect(), vec![]), "{members}");
    }
    for member in ["{}", r#"{"value":"","display":"x"}"#, r#"{"type":"User"}"#] {
        let body = list(&[&format!(r#"{{"id":"g","members":[{member}]}}"#)]);
        let failure = scim().get(AT_GROUPS, body).sync(&Task::new("groups", "")).unwrap_err();
        let expected = "unexpected: a member of the group g came with neither a value nor a $ref";
        assert_eq!(told(failure), expected, "{member}");
    }
}

#[test]
fn names_of_attributes_come_in_any_case() {
    let body = r#"{"TotalResults":1,"resources":[{"ID":"g","DISPLAYNAME":"G","ExternalID":"x","Members":[{"VALUE":"1","TYPE":"User"}]}]}"#;
    let vendor = scim().get(AT_GROUPS, Reply::json(200, body));
    assert_eq!(vendor.sync(&Task::new("groups", "")), Ok(vec![]));
    assert_eq!(grants(&vendor), ["group:g user:1"]);
    let group = &vendor.resources()[0];
    assert_eq!((group.name.as_str(), group.profile.as_str()), ("G", r#"{"externalId":"x"}"#));
}

#[test]
fn members_whose_type_nobody_says_wait_for_the_list_of_groups() {
    let records = [
        r#"{"id":"a","members":["u",{"value":"b"},7,{"value":"v","type":"User"}]}"#,
        r#"{"id":"b","members":[{"value":"u","$ref":"x"}]}"#,
    ];
    let (certain, tasks) = read(&records);
    assert_eq!(certain, ["group:a user:v"]);
    assert_eq!(tasks, [Task::new("untyped", "")]);
    let vendor = scim().get(AT_GROUPS, list(&records));
    assert_eq!(vendor.sync(&tasks[0]), Ok(vec![]));
    assert_eq!(grants(&vendor), ["group:a group:b", "group:a user:7", "group:a user:u", "group:b user:u"]);
    assert_eq!(vendor.resources(), []);
}

#[test]
fn the_list_of_groups_is_read_whole_before_a_type_is_told() {
    let first: Vec<String> = (1..=25).map(|id| format!(r#"{{"id":"{id}","members":["26","u"]}}"#)).collect();
    let page = |records: &str| Reply::json(200, format!(r#"{{"totalResults":26,"Resources":[{records}]}}"#));
    let vendor = scim()
        .get(AT_GROUPS, page(&first.join(",")))
        .get("/scim/v2/Groups?startIndex=26&count=25", page(r#"{"id":"26"}"#))
        .get("/scim/v2/Groups/26", Reply::json(200, r#"{"id":"26","members":["1","w"]}"#));
    vendor.sync(&Task::new("untyped", "")).unwrap();
    let grants = grants(&vendor);
    assert_eq!(grants.len(), 52);
    assert!(grants.contains(&"group:1 group:26".to_owned()) && grants.contains(&"group:26 group:1".to_owned()));
    assert!(grants.contains(&"group:1 user:u".to_owned()) && grants.contains(&"group:26 user:w".to_owned()));
}

#[test]
fn a_group_whose_members_the_list_leaves_out_is_read_by_its_id() {
    let (none, tasks) = read(&[r#"{"id":"a b"}"#, r#"{"id":"c","members":null}"#, r#"{"id":"d","members":[]}"#]);
    assert_eq!(none, Vec::<String>::new());
    let listed = |id: &str| Task::new("group", format!(r#"{{"id":"{id}","from":1}}"#));
    assert_eq!(tasks, [listed("a b"), listed("c")]);
    let vendor = scim()
        .get("/scim/v2/Groups/a%20b", Reply::json(200, r#"{"id":"a b","members":[{"value":"1","type":"User"},"x"]}"#))
        .get("/scim/v2/Groups/c", Reply::json(200, r#"{"id":"c"}"#));
    assert_eq!(vendor.sync(&tasks[0]), Ok(vec![Task::new("untyped", "")]));
    assert_eq!(vendor.sync(&tasks[1]), Ok(vec![]));
    assert_eq!(grants(&vendor), ["group:a b user:1"]);
}

#[test]
fn a_group_whose_id_is_no_segment_is_asked_for_by_a_filter() {
    let task = Task::new("group", r#"{"id":"a/\"b","from":1}"#);
    let target = "/scim/v2/Groups?filter=id%20eq%20%22a%2F%5C%22b%22&attributes=id%2CdisplayName%2Cmembers";
    let body =
        list(&[r#"{"id":"other","members":["2"]}"#, r#"{"id":"a/\"b","members":[{"value":"1","type":"User"}]}"#]);
    let vendor = scim().get(target, body);
    assert_eq!(vendor.sync(&task), Ok(vec![]));
    assert_eq!(grants(&vendor), [r#"group:a/"b user:1"#]);

    let refused = r#"{"scimType":"invalidFilter","detail":"no filters here","status":"400"}"#;
    let failure = scim().get(target, Reply::json(400, refused)).sync(&task).unwrap_err();
    let failure = told(failure);
    assert!(failure.contains("no filters here: the members of the group a/\"b can be asked for"), "{failure}");
}

/// The filter by an id that is already encoded.
fn at_filter(id: &str) -> String {
    format!("/scim/v2/Groups?filter=id%20eq%20%22{id}%22&attributes=id%2CdisplayName%2Cmembers")
}

const AT_LISTED: &str = "/scim/v2/Groups?startIndex=26&count=25";

/// What became of the group `g` of the page at 26, that `Groups/g` does not know: the sentence of the failure or the log.
fn fate(vendor: Script<Scim>) -> String {
    let vendor = vendor.get("/scim/v2/Groups/g", Reply::json(404, NOT_FOUND));
    match vendor.sync(&Task::new("group", r#"{"id":"g","from":26}"#)) {
        Ok(tasks) => {
            assert_eq!((tasks, grants(&vendor).len()), (vec![], 0));
            vendor.logs()[0].1.clone()
        }
        Err(failure) => told(failure),
    }
}

const DELETED: &str = "the group g was deleted during the run: it has no members any more";
const THERE: &str = "unexpected: the server lists the group g and says that it could not be found";

#[test]
fn a_group_that_neither_its_page_nor_a_filter_finds_was_deleted() {
    let gone = || scim().get(AT_LISTED, list(&[r#"{"id":"h"}"#]));
    assert_eq!(fate(gone().get(&at_filter("g"), list(&[]))), DELETED);
    assert_eq!(fate(scim().get(AT_LISTED, list(&[r#"{"id":"g"}"#]))), THERE);
    // It stands on the page before, since another group went.
    assert_eq!(fate(gone().get(&at_filter("g"), list(&[r#"{"id":"g"}"#]))), THERE);
    let odd = fate(gone().get(&at_filter("g"), Reply::json(200, r#"{"totalResults":1}"#)));
    assert_eq!(odd, "unexpected: the server says that a filter by the id g finds 1 groups, and gives none");
    assert!(fate(gone().get(&at_filter("g"), Reply::json(500, "{}"))).starts_with("unavailable: "));
}

#[test]
fn without_filters_the_whole_list_tells_whether_a_group_was_deleted() {
    let refused = |status| Reply::json(status, r#"{"scimType":"invalidFilter","detail":"no filters here"}"#);
    let first: Vec<String> = (1..=25).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let page = |records: &str| Reply::json(200, format!(r#"{{"totalResults":26,"Resources":[{records}]}}"#));
    // The last reply is a server that does not read the filter.
    for filter in [refused(400), refused(501), refused(404), list(&[r#"{"id":"1"}"#])] {
        let gone = || scim().get(AT_LISTED, page(r#"{"id":"h"}"#)).get(&at_filter("g"), filter.clone());
        let whole = gone().get(AT_GROUPS, page(&first.join(","))).get(AT_LISTED, page(r#"{"id":"h"}"#));
        assert_eq!(fate(whole), DELETED);
        let slid = gone().get(AT_GROUPS, page(&first.join(",").replace("17", "g")));
        assert_eq!(fate(slid), THERE);
    }
}

#[test]
fn a_group_whose_id_is_no_segment_was_deleted_where_neither_page_nor_filter_finds_it() {
    let task = Task::new("group", r#"{"id":"a/b","from":26}"#);
    let gone = || scim().get(&at_filter("a%2Fb"), list(&[]));
    let vendor = gone().get(AT_LISTED, list(&[r#"{"id":"h"}"#]));
    assert_eq!(vendor.sync(&task), Ok(vec![]));
    assert!(vendor.logs()[0].1.contains("the group a/b was deleted during the run"));
    let failure = told(gone().get(AT_LISTED, list(&[r#"{"id":"a/b"}"#])).sync(&task).unwrap_err());
    assert_eq!(failure, "unexpected: the server lists the group a/b and says that it could not be found");
}

#[test]
fn a_group_whose_members_no_filter_gives_is_named() {
    let task = Task::new("group", r#"{"id":"a/b","from":1}"#);
    let vendor = scim().get(&at_filter("a%2Fb"), list(&[r#"{"id":"a/b","displayName":"All"}"#]));
    assert_eq!((vendor.sync(&task), grants(&vendor)), (Ok(vec![]), vec![]));
    let (level, line) = vendor.logs()[0].clone();
    assert_eq!(level, muster_sdk::Level::Warn);
    assert!(line.starts_with("the group All (a/b) is taken to have no members: "), "{line}");

    let vendor = scim().get(&at_filter("a%2Fb"), list(&[r#"{"id":"a/b","members":[]}"#]));
    assert_eq!((vendor.sync(&task), vendor.logs()), (Ok(vec![]), vec![]), "an empty list says so");
}

#[test]
fn a_server_without_groups_names_the_setting() {
    for status in [404, 501] {
        let vendor = scim().get(AT_GROUPS, Reply::json(status, NOT_FOUND));
        let failure = told(vendor.sync(&Task::new("groups", "")).unwrap_err());
        assert!(
            failure.starts_with("invalid-settings: ") && failure.ends_with("write scim-groups = false"),
            "{failure}"
        );
    }
}

#[test]
fn a_group_without_an_id_is_an_error() {
    let failure = scim().get(AT_GROUPS, list(&[r#"{"displayName":"x"}"#])).sync(&Task::new("groups", "")).unwrap_err();
    assert_eq!(told(failure), "unexpected: a group came without an id (displayName x)");
}
