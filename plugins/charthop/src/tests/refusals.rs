//! Answers that are no success: a sentence each, and nothing emitted.

use super::*;

/// The task `groups` has two lists; the second one goes wrong here.
fn groups_answer(reply: Reply) -> String {
    let vendor = charthop().get(AT_TYPES, Reply::json(200, TYPES)).get(AT_GROUPS, reply);
    let failure = vendor.sync(&Task::new("groups", "")).unwrap_err();
    assert_eq!(vendor.items(), [], "a task that failed emitted something");
    told(failure)
}

#[test]
fn a_snapshot_that_is_being_built_is_no_answer_wherever_it_comes() {
    let building = || {
        [
            Reply::empty(202),
            Reply::json(202, r#"{"data":[]}"#),
            Reply::text(202, "snapshot currently building"),
            Reply::html(202, "<h1>Accepted</h1>"),
        ]
    };
    for reply in building() {
        assert_eq!(groups_answer(reply), "not-ready: 2");
    }
    for reply in building() {
        let types = charthop().get(AT_TYPES, reply.clone()).sync(&Task::new("groups", ""));
        assert_eq!(types, Err(Failure::NotReady(2)));
        let counts = charthop().get(AT_COUNT, reply.clone()).sync(&persons_task());
        assert_eq!(counts, Err(Failure::NotReady(2)));
        let list = charthop().get(AT_COUNT, count(1)).get(AT_PERSONS, reply.clone()).sync(&persons_task());
        assert_eq!(list, Err(Failure::NotReady(2)));
        let after = charthop().get(AT_COUNT, count(0)).get(AT_PERSONS, page("", None)).get(AT_COUNT, reply.clone());
        assert_eq!(after.sync(&persons_task()), Err(Failure::NotReady(2)));
        let one = charthop().get(&at_person("p1"), reply.clone()).sync(&Task::new("person-groups", "p1"));
        assert_eq!(one, Err(Failure::NotReady(2)));
        let proof = "/v2/org/acme/person?fields=id&ids=p1&limit=2";
        let gone = charthop().get(&at_person("p1"), Reply::empty(404)).get(proof, reply);
        assert_eq!(gone.sync(&Task::new("person-groups", "p1")), Err(Failure::NotReady(2)));
    }
    assert_eq!(groups_answer(Reply::empty(202).header("Retry-After", "30")), "not-ready: 30");
    assert_eq!(groups_answer(Reply::empty(202).header("Retry-After", "soon")), "not-ready: 2");
}

#[test]
fn refusals_have_a_sentence_each() {
    for (reply, expected) in [
        (
            Reply::empty(401),
            "unauthorized: ChartHop does not accept the token (GET /v2/org/acme/group answered 401 without a body): \
             copy the API token again into charthop-api-token, or have a new one made",
        ),
        (
            Reply::json(403, r#"{"message":"no"}"#),
            "forbidden: GET /v2/org/acme/group answered 403: no: give the owner of charthop-api-token access to the \
             people and groups of acme",
        ),
        (Reply::empty(404), "unexpected: GET /v2/org/acme/group answered 404 without a body"),
        (Reply::text(400, "bad field"), "unexpected: GET /v2/org/acme/group answered 400: bad field"),
        (Reply::empty(501), "unavailable: GET /v2/org/acme/group answered 501 without a body"),
        (Reply::empty(429), "rate-limited: None"),
        (Reply::empty(429).header("Retry-After", "7"), "rate-limited: Some(7)"),
        (Reply::empty(503), "unavailable: GET /v2/org/acme/group answered 503 without a body"),
        (
            Reply::empty(302).header("location", "https://elsewhere.test/"),
            "invalid-settings: GET /v2/org/acme/group answered 302 and points to https://elsewhere.test/; redirects \
             are not followed: correct charthop-base-url",
        ),
        (Reply::empty(200), "unexpected: GET /v2/org/acme/group: expected JSON, got an empty body"),
        (
            Reply::json(200, "[]"),
            "unexpected: GET /v2/org/acme/group: the JSON is not as expected: invalid length 0, expected struct Page \
             with 2 elements at line 1 column 2",
        ),
        (
            Reply::json(200, r#"{"rows":[]}"#),
            "unexpected: GET /v2/org/acme/group: the JSON is not as expected: missing field `data` at line 1 column 11",
        ),
        (
            Reply::json(200, r#"{"data":[{"id":"g1"}"#),
            "unexpected: GET /v2/org/acme/group: the JSON breaks off after 20 bytes",
        ),
        (Reply::json(200, r#"{"data":[7]}"#), "unexpected: ChartHop's list of groups has a row that is no object"),
        (
            Reply::json(200, r#"{"data":[{"name":"X"}]}"#),
            "unexpected: ChartHop's list of groups has a row without an id",
        ),
        (
            Reply::no_answer("cannot connect to hop.test:443: connection refused"),
            "unavailable: cannot connect to hop.test:443: connection refused",
        ),
    ] {
        assert_eq!(groups_answer(reply), expected);
    }
}

#[test]
fn persons_that_are_none_are_refused() {
    for (rows, expected) in [
        ("null", "unexpected: ChartHop's list of persons has a row that is no object"),
        ("{}", "unexpected: ChartHop's list of persons has a row without an id"),
        (r#"{"id":"a"},{"id":""}"#, "unexpected: ChartHop's list of persons has a row without an id"),
    ] {
        let vendor = charthop().get(AT_COUNT, count(1)).get(AT_PERSONS, page(rows, None));
        assert_eq!(told(vendor.sync(&persons_task()).unwrap_err()), expected);
        assert_eq!(vendor.items(), []);
    }
}

#[test]
fn a_count_that_says_nothing_proves_nothing() {
    for body in ["{}", r#"{"personCount":null}"#, r#"{"personCount":-1}"#, "[]", "7"] {
        let text = told(charthop().get(AT_COUNT, Reply::json(200, body)).sync(&persons_task()).unwrap_err());
        assert!(text.starts_with("unexpected: GET /v2/org/acme/person/count: the JSON is not as expected"), "{text}");
    }
}

#[test]
fn an_unknown_task_is_refused() {
    let failure = charthop().sync(&Task::new("users", "")).unwrap_err();
    assert_eq!(told(failure), "unexpected: this connector has no task users");
}
