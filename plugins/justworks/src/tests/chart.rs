//! Who reports to whom, in a table of rosters.

use crate::chart::draw;
use crate::roster::read;

const TODAY: &str = "2026-01-02";

/// The managers by uuid, and the findings.
fn drawn(rows: &[&str], head: &str) -> Result<(Vec<Option<String>>, Vec<String>), String> {
    let json = format!(r#"{{"members":[{}]}}"#, rows.join(","));
    let roster = read(json.as_bytes()).unwrap();
    let chart = draw(&roster, head, TODAY)?;
    let uuid = |place: usize| roster.members[place].uuid.to_string();
    Ok((chart.managers.into_iter().map(|manager| manager.map(uuid)).collect(), chart.findings))
}

const HEAD: &str = r#"{"uuid":"a","firstName":"Ada","lastName":"Head","workEmail":"Ada@x.test"}"#;

#[test]
fn a_manager_is_found_by_whatever_names_one() {
    for manager in [
        r#""a""#,
        r#""ada@X.test""#,
        r#""ADA  head""#,
        r#"{"uuid":"a"}"#,
        r#"{"id":"a"}"#,
        r#"{"uuid":"gone","workEmail":"ada@x.test"}"#,
        r#"{"email":"ada@x.test","name":"Somebody Else"}"#,
        r#"{"uuid":null,"workEmail":"","name":"Ada Head"}"#,
        r#"{"firstName":"Ada","lastName":"Head"}"#,
    ] {
        let row = format!(r#"{{"uuid":"b","firstName":"Bo","lastName":"Two","manager":{manager}}}"#);
        assert_eq!(drawn(&[HEAD, &row], "Ada Head"), Ok((vec![None, Some("a".into())], vec![])), "{manager}");
    }
}

#[test]
fn what_is_odd_is_told_by_name_and_the_rest_stands() {
    let b = |manager: &str| format!(r#"{{"uuid":"b","firstName":"Bo","lastName":"Two","manager":{manager}}}"#);
    let c = |manager: &str| format!(r#"{{"uuid":"c","firstName":"Cy","lastName":"Three","manager":{manager}}}"#);
    let some = |text: &str| Some(text.to_owned());
    /// The rows beside the head, their managers, and what is told.
    type Case<'a> = (&'a [String], &'a [Option<String>], &'a str);
    let table: [Case<'_>; 7] = [
        (&[b("null")], &[None], "no manager is given for 1 person: Bo Two (b)"),
        (
            &[b(r#""x@y.test""#)],
            &[None],
            "the manager of 1 person is not in the roster and is left empty: Bo Two (b) has \"x@y.test\"",
        ),
        (
            &[b(r#"{"uuid":"x"}"#)],
            &[None],
            "the manager of 1 person is not in the roster and is left empty: Bo Two (b) has \"x\"",
        ),
        (&[b(r#""b""#)], &[None], "managers go in a circle: Bo Two (b) → Bo Two (b)"),
        (
            &[b(r#""c""#), c(r#""b""#)],
            &[some("c"), some("b")],
            "managers go in a circle: Bo Two (b) → Cy Three (c) → Bo Two (b)",
        ),
        (
            &[b("null"), c(r#""b""#)],
            &[None, some("b")],
            "the roster has more than one head: beside the org head Ada Head (Ada@x.test), Bo Two (b) leads 1 person and has no manager",
        ),
        (&[b(r#""a""#), c(r#""Bo Two""#)], &[some("a"), some("b")], ""),
    ];
    for (rows, managers, finding) in table {
        let rows: Vec<&str> = std::iter::once(HEAD).chain(rows.iter().map(String::as_str)).collect();
        let (found, findings) = drawn(&rows, "Ada Head").unwrap();
        assert_eq!(found[1..], *managers, "{rows:?}");
        let expected: Vec<&str> = [finding].into_iter().filter(|f| !f.is_empty()).collect();
        assert_eq!(findings, expected, "{rows:?}");
    }
}

#[test]
fn of_two_people_of_a_name_the_one_who_is_there_is_meant() {
    let left = r#"{"uuid":"b","firstName":"Jo","lastName":"Ray","terminatedDate":"2020-01-01"}"#;
    let here = r#"{"uuid":"c","firstName":"Jo","lastName":"Ray","manager":"a"}"#;
    let below = r#"{"uuid":"d","firstName":"Max","lastName":"Low","manager":"jo ray"}"#;
    let (managers, findings) = drawn(&[HEAD, left, here, below], "Ada Head").unwrap();
    assert_eq!((managers[3].as_deref(), findings), (Some("c"), vec![]));
    let managers = drawn(&[HEAD, left, below], "Ada Head").unwrap().0;
    assert_eq!(managers[2].as_deref(), Some("b"), "else the one who has left");
    let twin = r#"{"uuid":"e","firstName":"Jo","lastName":"Ray","manager":"a"}"#;
    let (managers, findings) = drawn(&[HEAD, here, below, twin], "Ada Head").unwrap();
    let told =
        "the manager of 1 person is not one person and is left empty: Max Low (d) has \"jo ray\", which is 2 people";
    assert_eq!((managers[2].as_deref(), findings), (None, vec![told.to_owned()]));
}

#[test]
fn who_leads_into_a_circle_is_not_in_it() {
    let row = |uuid: &str, manager: &str| format!(r#"{{"uuid":"{uuid}","firstName":"{uuid}","manager":"{manager}"}}"#);
    let rows = [row("b", "d"), row("c", "d"), row("d", "c")];
    let rows: Vec<&str> = std::iter::once(HEAD).chain(rows.iter().map(String::as_str)).collect();
    assert_eq!(drawn(&rows, "Ada Head").unwrap().1, ["managers go in a circle: c → d → c"]);
}

#[test]
fn who_has_left_needs_no_manager() {
    let row = r#"{"uuid":"b","firstName":"Bo","terminatedDate":"2026-01-01"}"#;
    assert_eq!(drawn(&[HEAD, row], "Ada Head"), Ok((vec![None, None], vec![])));
    let today = r#"{"uuid":"b","firstName":"Bo","terminatedDate":"2026-01-02"}"#;
    assert_eq!(drawn(&[HEAD, today], "Ada Head").unwrap().1.len(), 1, "the last day is a day of work");
}

#[test]
fn the_org_head_is_one_person() {
    let twin = r#"{"uuid":"b","firstName":"Ada","lastName":"HEAD","manager":"a"}"#;
    let left = r#"{"uuid":"b","firstName":"Ada","lastName":"Head","terminatedDate":"2020-01-01"}"#;
    let preferred = r#"{"uuid":"b","firstName":"Bo","preferredName":"Ada","lastName":"Head","manager":"a"}"#;
    let error = |rows: &[&str], head: &str| drawn(rows, head).unwrap_err();
    assert!(error(&[HEAD], "Ada").starts_with("nobody in the roster is called \"Ada\""));
    assert!(error(&[], "Ada Head").contains("justworks-org-head"));
    for other in [twin, preferred] {
        let error = error(&[HEAD, other], "ada head");
        assert!(
            error.starts_with("2 people in the roster are called \"ada head\": Ada Head (Ada@x.test), Ada "),
            "{error}"
        );
    }
    assert!(drawn(&[HEAD, left], "Ada Head").is_ok());
    assert!(error(&[left], "Ada Head").starts_with("\"Ada Head\" has left (Ada Head (b))"));
    for head in ["Ada Head", " ada\thead ", "\u{200f}ADA Head"] {
        assert!(drawn(&[HEAD], head).is_ok(), "{head}");
    }
}

#[test]
fn a_circle_of_many_is_shown_by_its_beginning_whatever_the_order() {
    let rows: Vec<String> = (0..30_000)
        .map(|n| format!(r#"{{"uuid":"{n:05}","firstName":"P","lastName":"{n}","manager":"{:05}"}}"#, (n + 1) % 30_000))
        .collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    rows.rotate_left(777);
    rows.push(HEAD);
    let (_, findings) = drawn(&rows, "Ada Head").unwrap();
    assert_eq!(findings.len(), 1);
    assert!(findings[0].starts_with("managers go in a circle: P 0 (00000) → P 1 (00001) →"), "{}", findings[0]);
    assert!(findings[0].ends_with("→ 29992 more → P 0 (00000)"), "{}", findings[0]);
}

#[test]
fn a_chain_of_many_is_no_circle() {
    let rows: Vec<String> = (0..30_000)
        .map(|n| format!(r#"{{"uuid":"{n:05}","firstName":"P","lastName":"{n}","manager":"{:05}"}}"#, n + 1))
        .collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let last = r#"{"uuid":"30000","firstName":"Top","lastName":"Most"}"#;
    rows.push(last);
    assert_eq!(drawn(&rows, "Top Most").unwrap().1, Vec::<String>::new());
}
