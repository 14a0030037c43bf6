//! The roster's refusals, and its fields in every form.

use super::*;
use crate::roster::{Member, read};

fn start(reply: Reply) -> String {
    let vendor = justworks().get("/members.json", reply);
    let told = told(vendor.start().unwrap_err());
    assert_eq!(vendor.items(), [], "a run that failed emitted something");
    told
}

#[test]
fn an_answer_that_is_no_roster_names_the_path() {
    let over = ": the session is over, or the user of justworks-username may not read the roster (check its permissions \
                and justworks-roster-path)";
    let asked = "; does justworks-roster-path lead to the roster?";
    let shape = "unexpected: GET /members.json: the answer is no roster as this connector knows it: ";
    for (reply, expected) in [
        (Reply::empty(401), format!("unauthorized: GET /members.json answered 401 without a body{over}")),
        (
            Reply::empty(302).header("location", "/login?next=%2Fmembers.json"),
            format!("unauthorized: GET /members.json answered 302 and points to /login?next=%2Fmembers.json; redirects are not followed{over}"),
        ),
        (
            Reply::empty(302).header("location", "https://jw.test/tfa"),
            format!("unauthorized: GET /members.json answered 302 and points to https://jw.test/tfa; redirects are not followed{over}"),
        ),
        (
            Reply::empty(302).header("location", "/loginfo"),
            "invalid-settings: GET /members.json answered 302 and points to /loginfo; redirects are not followed: correct justworks-roster-path".into(),
        ),
        (
            Reply::html(200, "<input type=\"password\">"),
            format!("unauthorized: GET /members.json answered with the login page{over}"),
        ),
        (
            Reply::html(200, "<h1>Members</h1>"),
            format!("unexpected: GET /members.json: expected JSON, got text/html that begins: <h1>Members</h1>{asked}"),
        ),
        (
            Reply::empty(403),
            "forbidden: GET /members.json answered 403 without a body: the user of justworks-username needs the permission to view all employee information".into(),
        ),
        (Reply::empty(404), "invalid-settings: GET /members.json answered 404 without a body: correct justworks-roster-path".into()),
        (Reply::empty(204), format!("unexpected: GET /members.json answered 204{asked}")),
        (Reply::json(200, r#"{"members":[{"uuid":"#), format!("unexpected: GET /members.json: the JSON breaks off after 20 bytes{asked}")),
        (Reply::json(200, "{}"), format!("{shape}there is no list `members` in it{asked}")),
        (Reply::json(200, r#"{"members":[7]}"#), format!("{shape}it has no list `members` of objects{asked}")),
        (Reply::json(200, r#"{"members":[{"uuid":"a"},{"uuid":null}]}"#), format!("{shape}the member at place 2 has no uuid{asked}")),
    ] {
        assert_eq!(start(reply), expected);
    }
}

/// The one member of a roster.
fn member(json: &str) -> Result<Member<'_>, String> {
    match read(json.as_bytes()) {
        Ok(roster) => Ok(roster.members.into_iter().next().unwrap()),
        Err(wrong) => Err(format!("{wrong:?}")),
    }
}

#[test]
fn a_value_may_have_many_forms() {
    for (value, expected) in [
        (r#""Design""#, Some("Design")),
        (r#""  Design\n""#, Some("Design")),
        (r#""\u0044esign""#, Some("Design")),
        (r#"{"name":"Design"}"#, Some("Design")),
        (r#"{"id":3,"label":"Design","color":null}"#, Some("Design")),
        (r#"{"name":"","value":"Design"}"#, Some("Design")),
        ("12345678901234567890123", Some("12345678901234567890123")),
        ("-1.50", Some("-1.50")),
        (r#""""#, None),
        (r#""\t ""#, None),
        ("null", None),
        ("{}", None),
        (r#"{"name":null,"label":""}"#, None),
        ("[]", None),
    ] {
        let json = format!(r#"{{"members":[{{"uuid":"u","department":{value}}}]}}"#);
        assert_eq!(member(&json).unwrap().department.as_deref(), expected, "{value}");
    }
    for value in ["true", "[1]", r#"["Design"]"#, r#"{"code":"D"}"#, r#"{"name":{"first":"D"}}"#] {
        let json = format!(r#"{{"members":[{{"uuid":"u","department":{value}}}]}}"#);
        let error = member(&json).unwrap_err();
        assert!(error.contains("the department of the member"), "{value}: {error}");
    }
}

#[test]
fn of_several_keys_of_a_field_the_assumed_one_counts_if_it_says_something() {
    for row in [
        r#"{"job_title":"C","jobTitle":"B","title":"A","uuid":"u","office":"X","location":""}"#,
        r#"{"location":null,"office":"X","uuid":"u","title":"A","jobTitle":"B","job_title":"C"}"#,
    ] {
        let json = format!(r#"{{"members":[{row}]}}"#);
        let member = member(&json).unwrap();
        assert_eq!((member.title.as_deref(), member.location.as_deref()), (Some("A"), Some("X")), "{row}");
    }
}

#[test]
fn an_uuid_may_be_a_number_and_has_to_be_an_id() {
    assert_eq!(member(r#"{"members":[{"uuid":17}]}"#).unwrap().uuid, "17");
    for uuid in ["null", r#""""#, "{}", "[]", "true", r#""a\u0000""#, &format!("\"{}\"", "x".repeat(1025))] {
        assert!(member(&format!(r#"{{"members":[{{"uuid":{uuid}}}]}}"#)).is_err(), "{uuid}");
    }
    assert!(member(r#"{"members":[{"id":"a","firstName":"A"}]}"#).is_err(), "another id is no uuid");
}

#[test]
fn whatever_comes_nothing_breaks() {
    let deep = format!(r#"{{"members":[{{"uuid":"u","manager":{}1{}}}]}}"#, "[".repeat(500), "]".repeat(500));
    let wide = format!(r#"{{"members":[{{"uuid":"u","manager":{{{}}}}}]}}"#, r#""a":1,"#.repeat(500) + r#""b":{}"#);
    let bad = [
        b"\xff\xfe".as_slice(),
        b"",
        b"[[{\"uuid\":\"u\"}]]",
        b"null",
        b"{\"members\":[{\"uuid\":\"\xff\"}]}",
        deep.as_bytes(),
        wide.as_bytes(),
    ];
    for body in bad {
        assert!(read(body).is_err(), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_roster_that_is_cut_off_anywhere_is_none() {
    let whole = MEMBERS.trim_end();
    for at in 0..whole.len() {
        assert!(read(&whole.as_bytes()[..at]).is_err(), "{at}");
    }
    assert_eq!(read(whole.as_bytes()).unwrap().members.len(), 3);
}

#[test]
fn of_somebody_listed_twice_what_is_not_over_counts_whatever_the_order() {
    let rows = [
        r#"{"uuid":"u","firstName":"Old","startDate":"2015-01-01","terminatedDate":"2016-01-01"}"#,
        r#"{"uuid":"u","firstName":"Today","startDate":"2020-01-01"}"#,
        r#"{"uuid":"u","firstName":"Older","startDate":"2012-01-01"}"#,
        r#"{"uuid":"t","firstName":"Same"}"#,
        r#"{"uuid":"t","firstName":"Same"}"#,
    ];
    for turn in 0..rows.len() {
        let mut rows = rows;
        rows.rotate_left(turn);
        let json = format!(r#"{{"members":[{}]}}"#, rows.join(","));
        let roster = read(json.as_bytes()).unwrap();
        let names: Vec<_> = roster.members.iter().map(Member::display).collect();
        assert_eq!(
            (names, roster.repeated),
            (vec!["Same".to_owned(), "Today".to_owned()], vec!["Today (u)".to_owned()])
        );
    }
}
