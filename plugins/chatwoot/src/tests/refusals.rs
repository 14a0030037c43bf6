//! Answers that are no success: a sentence each, and nothing emitted.

use super::*;

const UNAUTHORIZED: [(&str, &str); 8] = [
    (
        r#"{"error":"Invalid Access Token"}"#,
        "unauthorized: Chatwoot does not know the API access token: copy it again from Profile Settings \
         into chatwoot-api-token",
    ),
    (
        r#"{"error":"Invalid access_token"}"#,
        "unauthorized: Chatwoot does not know the API access token: copy it again from Profile Settings \
         into chatwoot-api-token",
    ),
    (
        r#"{"errors":["You need to sign in or sign up before continuing."]}"#,
        "unauthorized: no API access token reached Chatwoot: a reverse proxy may drop header fields with \
         underscores (nginx needs `underscores_in_headers on;`), else check chatwoot-api-token",
    ),
    (
        r#"{"error":"You are not authorized to access this account"}"#,
        "forbidden: the owner of chatwoot-api-token is no member of account 1: correct \
         chatwoot-account-id or use a member's token",
    ),
    (
        r#"{"error":"Account is suspended"}"#,
        "forbidden: account 1 is suspended: have it reactivated in Chatwoot, or correct \
         chatwoot-account-id",
    ),
    (
        r#"{"error":"You are not authorized to do this action"}"#,
        "forbidden: the owner of chatwoot-api-token may not read /api/v1/accounts/1/agents: use an \
         administrator's token",
    ),
    (
        r#"{"error":"Access to this endpoint is not authorized for bots"}"#,
        "forbidden: chatwoot-api-token is the token of a bot or a platform app, which may not read this: \
         use a user's token from Profile Settings",
    ),
    (
        r#"{"error":"Something new"}"#,
        "unauthorized: GET /api/v1/accounts/1/agents answered 401: Something new; check \
         chatwoot-api-token",
    ),
];

#[test]
fn a_401_is_told_apart_by_its_text() {
    for (body, expected) in UNAUTHORIZED {
        let vendor = chatwoot().get(AT_AGENTS, Reply::json(401, body));
        let failure = vendor.sync(&Task::new("agents", "")).unwrap_err();
        assert_eq!(told(failure), expected, "{body}");
        let expected = expected.replace("/api/v1/accounts/1/agents", "/api/v1/profile");
        assert_eq!(told(check(Reply::json(401, body)).unwrap_err()), expected, "{body}");
    }
}

#[test]
fn a_401_without_json_is_still_about_the_token() {
    assert_eq!(
        told(check(Reply::html(401, "<h1>Login</h1>")).unwrap_err()),
        "unauthorized: GET /api/v1/profile answered 401 with text/html that begins: <h1>Login</h1>; \
         check chatwoot-api-token"
    );
}

#[test]
fn other_refusals_of_the_profile_have_a_sentence_each() {
    for (reply, expected) in [
        (
            Reply::html(200, "<!DOCTYPE html>\n<title>Sign in</title>"),
            "unexpected: GET /api/v1/profile: expected JSON, got text/html that begins: <!DOCTYPE html> \
             <title>Sign in</title>; does chatwoot-base-url lead to a Chatwoot server?",
        ),
        (
            Reply::html(404, "<h1>Not Found</h1>"),
            "invalid-settings: GET /api/v1/profile answered 404 with text/html that begins: <h1>Not \
             Found</h1>; does chatwoot-base-url lead to a Chatwoot server?",
        ),
        (
            Reply::empty(301).header("Location", "https://www.chat.test/api/v1/profile"),
            "invalid-settings: GET /api/v1/profile answered 301 and points to \
             https://www.chat.test/api/v1/profile; redirects are not followed: correct chatwoot-base-url",
        ),
        (
            Reply::json(200, r#"{"id":1,"access_token":"s3cret","accounts":[{"id":"#),
            "unexpected: GET /api/v1/profile: the JSON breaks off after 50 bytes",
        ),
        (
            Reply::json(200, r#"{"id":1,"access_token":"s3cret"}"#),
            "unexpected: GET /api/v1/profile: the JSON is not as expected: missing field `accounts` at \
             line 1 column 32",
        ),
    ] {
        assert_eq!(told(check(reply).unwrap_err()), expected);
    }
}

#[test]
fn other_refusals_of_a_list_have_a_sentence_each() {
    for (reply, expected) in [
        (Reply::json(404, NOT_FOUND), "invalid-settings: Chatwoot has no account 1: correct chatwoot-account-id"),
        (
            Reply::html(404, "<h1>Not Found</h1>"),
            "unexpected: GET /api/v1/accounts/1/agents answered 404 with text/html that begins: <h1>Not \
             Found</h1>",
        ),
        (Reply::text(429, "Retry later\n"), "rate-limited: None"),
        (Reply::text(429, "Retry later\n").header("Retry-After", "7"), "rate-limited: Some(7)"),
        (
            Reply::json(422, r#"{"message":"Name has already been taken","attributes":["name"]}"#),
            "unexpected: GET /api/v1/accounts/1/agents answered 422: Name has already been taken",
        ),
        (
            Reply::html(502, "<h1>502 Bad Gateway</h1>"),
            "unavailable: GET /api/v1/accounts/1/agents answered 502 with text/html that begins: <h1>502 \
             Bad Gateway</h1>",
        ),
        (Reply::empty(500), "unavailable: GET /api/v1/accounts/1/agents answered 500 without a body"),
        (
            Reply::json(200, r#"[{"id":1,"confirmed":true},{"id":2,"#),
            "unexpected: GET /api/v1/accounts/1/agents: the JSON breaks off after 35 bytes",
        ),
        (
            Reply::json(200, r#"{"payload":[]}"#),
            "unexpected: GET /api/v1/accounts/1/agents: the JSON is not as expected: invalid type: map, \
             expected a sequence at line 1 column 0",
        ),
        (
            Reply::json(200, r#"[{"name":"nobody","confirmed":true}]"#),
            "unexpected: GET /api/v1/accounts/1/agents: the JSON is not as expected: missing field `id` \
             at line 1 column 35",
        ),
        (Reply::empty(200), "unexpected: GET /api/v1/accounts/1/agents: expected JSON, got an empty body"),
        (
            Reply::no_answer("cannot connect to chat.test:443: connection refused"),
            "unavailable: cannot connect to chat.test:443: connection refused",
        ),
        (Reply::denied(), "unexpected: GET /api/v1/accounts/1/agents: the host denied the request"),
    ] {
        let vendor = chatwoot().get(AT_AGENTS, reply);
        assert_eq!(told(vendor.sync(&Task::new("agents", "")).unwrap_err()), expected);
        assert_eq!(vendor.items(), [], "a task that failed emitted something");
    }
}

#[test]
fn a_team_deleted_during_the_run_has_no_members() {
    let vendor = chatwoot()
        .get("/api/v1/accounts/1/teams/4/team_members", Reply::json(404, NOT_FOUND))
        .get(AT_TEAMS, Reply::json(200, TEAMS));
    assert_eq!(vendor.sync(&Task::new("team-members", 4)), Ok(vec![]));
    assert_eq!(vendor.items(), []);
    let line = "team 4 was deleted during the run: it has no members any more".to_owned();
    assert_eq!(vendor.logs(), [(Level::Warn, line)]);
}

#[test]
fn a_team_that_is_listed_and_not_found_does_not_look_empty() {
    let vendor = chatwoot().get(AT_SUPPORT, Reply::json(404, NOT_FOUND)).get(AT_TEAMS, Reply::json(200, TEAMS));
    assert_eq!(
        told(vendor.sync(&Task::new("team-members", 3)).unwrap_err()),
        "unexpected: Chatwoot lists team 3 and says that its members could not be found"
    );
}

#[test]
fn members_that_a_proxy_cannot_find_do_not_look_like_none() {
    let vendor = chatwoot().get(AT_SUPPORT, Reply::html(404, "<h1>Not Found</h1>"));
    let failure = vendor.sync(&Task::new("team-members", 3)).unwrap_err();
    assert!(matches!(failure, Failure::Unexpected(_)), "{failure:?}");
}

#[test]
fn an_unknown_task_is_refused() {
    let failure = chatwoot().sync(&Task::new("inboxes", "")).unwrap_err();
    assert_eq!(told(failure), "unexpected: this connector has no task inboxes");
}
