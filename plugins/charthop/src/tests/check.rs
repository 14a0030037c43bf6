//! What `check` says of the token and the organization.

use super::*;

#[test]
fn check_says_which_organization_it_is_and_nothing_of_the_tokens_owner() {
    let vendor = charthop().get(AT_ME, Reply::json(200, USER)).get(AT_ORG, Reply::json(200, ORG));
    let account = vendor.check().unwrap();
    assert_eq!((account.id.as_str(), account.name.as_str()), ("588f7ee98f138b19220041a1", "Acme Corp"));
    assert_eq!((account.warnings, account.session, vendor.logs()), (vec![], None, vec![]));
}

#[test]
fn an_organization_without_a_name_goes_by_its_slug() {
    for (body, expected) in [
        (r#"{"id":"7","slug":"acme"}"#, "acme"),
        (r#"{"id":7,"name":" ","slug":null}"#, "acme"),
        (r#"{"id":"7","name":"Zo\u0451"}"#, "Zoё"),
    ] {
        let vendor = charthop().get(AT_ME, Reply::json(200, USER)).get(AT_ORG, Reply::json(200, body));
        let account = vendor.check().unwrap();
        assert_eq!((account.id.as_str(), account.name.as_str()), ("7", expected), "{body}");
    }
}

#[test]
fn the_organization_is_one_segment_of_the_path_whatever_it_holds() {
    let vendor = Script::<Charthop>::new()
        .setting("charthop-org-id", "acme & co?x=#1")
        .get("https://api.charthop.com/v1/user/me", Reply::json(200, USER))
        .get("https://api.charthop.com/v1/org/acme%20%26%20co%3Fx%3D%231", Reply::json(200, ORG));
    assert_eq!(vendor.check().unwrap().name, "Acme Corp");
}

#[test]
fn a_token_that_is_refused_names_its_setting() {
    for status in [r#"{"message":"bad token"}"#, ""] {
        let failure = charthop().get(AT_ME, Reply::json(401, status)).check().unwrap_err();
        let text = told(failure);
        assert!(text.starts_with("unauthorized: ChartHop does not accept the token (GET /v1/user/me answered 401"));
        assert!(text.contains("into charthop-api-token"), "{text}");
    }
}

#[test]
fn an_organization_that_is_not_there_names_its_setting() {
    for status in [400, 404] {
        let vendor = charthop().get(AT_ME, Reply::json(200, USER)).get(AT_ORG, Reply::empty(status));
        assert_eq!(
            told(vendor.check().unwrap_err()),
            format!(
                "invalid-settings: ChartHop has no organization acme that the token may see (GET /v1/org/acme answered \
                 {status} without a body): correct charthop-org-id"
            )
        );
    }
}

#[test]
fn another_server_at_that_address_names_its_setting() {
    for (reply, expected) in [
        (
            Reply::html(200, "<title>Sign in</title>"),
            "unexpected: GET /v1/user/me: expected JSON, got text/html that begins: <title>Sign in</title>; does \
             charthop-base-url lead to ChartHop?",
        ),
        (
            Reply::json(200, "[]"),
            "unexpected: GET /v1/user/me answered no user; does charthop-base-url lead to ChartHop?",
        ),
        (
            Reply::json(200, "{}"),
            "unexpected: GET /v1/user/me answered no user; does charthop-base-url lead to ChartHop?",
        ),
        (
            Reply::empty(404),
            "invalid-settings: GET /v1/user/me answered 404 without a body; does charthop-base-url lead to ChartHop?",
        ),
        (
            Reply::empty(302).header("location", "https://app.hop.test/login"),
            "invalid-settings: GET /v1/user/me answered 302 and points to https://app.hop.test/login; redirects are \
             not followed: correct charthop-base-url",
        ),
    ] {
        assert_eq!(told(charthop().get(AT_ME, reply).check().unwrap_err()), expected);
    }
}

#[test]
fn without_an_organization_nothing_is_asked() {
    let failure = Script::<Charthop>::new().check().unwrap_err();
    assert_eq!(told(failure), "invalid-settings: the setting charthop-org-id has no value");
}
