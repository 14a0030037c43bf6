//! What a check proves, and what the server's refusals mean.

use super::*;

fn check(reply: Reply) -> String {
    let vendor = scim().get(AT_CONFIG, Reply::json(404, NOT_FOUND)).get(AT_PROBE, reply);
    told(vendor.check().unwrap_err())
}

#[test]
fn a_server_that_does_not_describe_itself_is_as_good() {
    for status in [400, 403, 404, 405, 501] {
        let vendor = scim().get(AT_CONFIG, Reply::json(status, "{}")).get(AT_PROBE, Reply::json(200, USERS));
        assert_eq!(vendor.check().unwrap().id, "scim.test/scim/v2", "{status}");
        assert_eq!(vendor.logs()[0].1, "the SCIM server does not describe itself and says 3 users");
    }
}

#[test]
fn a_refused_credential_names_the_setting() {
    let refused =
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"token expired","status":"401"}"#;
    let failure = check(Reply::json(401, refused));
    let expected = "unauthorized: GET /scim/v2/Users answered 401: token expired; check scim-token";
    assert_eq!(failure, expected);
    let vendor = scim().setting("scim-username", "ann").get(AT_CONFIG, Reply::json(401, refused));
    let failure = told(vendor.check().unwrap_err());
    assert!(failure.ends_with("check scim-username and scim-password"), "{failure}");
}

#[test]
fn a_missing_right_is_told_apart() {
    let failure = check(Reply::json(403, r#"{"detail":"scope"}"#));
    assert!(failure.starts_with("forbidden: GET /scim/v2/Users answered 403: scope; give the owner"), "{failure}");
}

#[test]
fn another_address_is_told_apart() {
    let leads = "do scim-base-url and scim-path (often /scim/v2) lead to a SCIM 2.0 server?";
    let failure = check(Reply::json(404, NOT_FOUND));
    assert_eq!(failure, format!("invalid-settings: GET /scim/v2/Users answered 404: no such thing; {leads}"));
    let failure = check(Reply::html(200, "<html>Sign in</html>"));
    assert!(failure.starts_with("unexpected: ") && failure.ends_with(leads), "{failure}");
    let failure = check(Reply::empty(302).header("location", "https://sso.test/"));
    assert!(failure.starts_with("invalid-settings: ") && failure.ends_with("correct scim-base-url or scim-path"));
}

#[test]
fn a_server_in_trouble_is_unavailable() {
    assert!(check(Reply::json(500, "{}")).starts_with("unavailable: "));
    assert_eq!(check(Reply::empty(429).header("retry-after", "30")), "rate-limited: Some(30)");
}

#[test]
fn without_a_base_url_nothing_is_asked() {
    let failure = Script::<Scim>::new().check().unwrap_err();
    assert_eq!(told(failure), "invalid-settings: the setting scim-base-url has no value");
}
