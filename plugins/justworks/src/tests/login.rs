//! The login, step by step, and its refusals.

use super::*;

fn requests(vendor: &Script<Justworks>) -> Vec<String> {
    vendor.requests().iter().map(|r| format!("{} {}", r.method, r.url.path_and_query())).collect()
}

fn refused(vendor: Script<Justworks>) -> String {
    told(vendor.check().unwrap_err())
}

const REFUSED: &str = r#"{"error":"no"}"#;

#[test]
fn every_form_shows_the_token_of_the_page_before_it_and_holds_no_secret() {
    let vendor = inside().get("/members.json", Reply::json(200, MEMBERS));
    vendor.check().unwrap();
    assert_eq!(requests(&vendor), ["GET /login", "POST /login", "GET /tfa", "POST /tfa", "GET /members.json"]);
    let asked = vendor.requests();
    let tokens: Vec<Option<&str>> = asked.iter().map(|request| header(request, "x-csrf-token")).collect();
    assert_eq!(tokens, [None, Some("t0k+1/=="), Some("t0k+1/=="), Some("t0k+2/=="), None]);
    assert_eq!(body(&asked[1]), "");
    assert_eq!(body(&asked[3]), "method=app&remember_this_device=false&key=k1");
    for form in [&asked[1], &asked[3]] {
        assert_eq!(header(form, "content-type"), Some("application/x-www-form-urlencoded"));
    }
}

#[test]
fn a_key_that_is_not_there_is_not_sent_and_a_token_that_is_not_there_is_fetched() {
    let vendor = after_password().get("/tfa", page("<h1>Enter your code</h1>")).get("/login", page(TFA));
    let vendor = post(vendor, "/tfa", page("in")).get("/members.json", Reply::json(200, MEMBERS));
    vendor.check().unwrap();
    let asked = vendor.requests();
    assert_eq!(header(&asked[4], "x-csrf-token"), Some("t0k+2/=="));
    assert_eq!(body(&asked[4]), "method=app&remember_this_device=false");
}

#[test]
fn a_login_page_that_leads_on_leaves_the_token_that_was_there() {
    let away = Reply::empty(302).header("location", "/");
    let vendor = after_password().get("/tfa", page("Enter your code")).get("/login", away);
    let vendor = post(vendor, "/tfa", page("in")).get("/members.json", Reply::json(200, MEMBERS));
    vendor.check().unwrap();
    assert_eq!(header(&vendor.requests()[4], "x-csrf-token"), Some("t0k+1/=="));
}

#[test]
fn a_refused_code_is_tried_once_more_and_then_never_again() {
    let vendor = post(after_password().get("/tfa", page(TFA)), "/tfa", page(REFUSED));
    let vendor =
        post(vendor.get("/tfa", page(TFA)), "/tfa", page("in")).get("/members.json", Reply::json(200, MEMBERS));
    vendor.check().unwrap();

    let vendor = post(after_password().get("/tfa", page(TFA)), "/tfa", page(REFUSED));
    let vendor = post(vendor.get("/tfa", page(TFA)), "/tfa", page(REFUSED));
    let sentence = "unauthorized: Justworks refused the one-time code: check justworks-2fa-secret, and whether the clock of \
                    this machine is right";
    assert_eq!(told(vendor.check().unwrap_err()), sentence);
    assert_eq!(requests(&vendor)[2..], ["GET /tfa", "POST /tfa", "GET /tfa", "POST /tfa"]);

    // Thrown back to the login: no second code, because that would take the password again.
    let back = Reply::empty(302).header("location", "https://jw.test/login?again=1");
    let vendor = post(after_password().get("/tfa", page(TFA)), "/tfa", back);
    assert_eq!(told(vendor.check().unwrap_err()), sentence);
    // Sent back to the code's page: that is a refusal, too.
    let again = || Reply::empty(302).header("location", "/tfa");
    let vendor = post(after_password().get("/tfa", page(TFA)), "/tfa", again());
    assert_eq!(refused(post(vendor.get("/tfa", page(TFA)), "/tfa", again())), sentence);
}

#[test]
fn a_form_that_answers_with_a_redirect_is_accepted() {
    let away = |to: &str| Reply::empty(302).header("location", to);
    let vendor = post(justworks().get("/login", page(LOGIN)), "/login", away("https://jw.test/tfa"));
    let vendor =
        post(vendor.get("/tfa", page(TFA)), "/tfa", away("/dashboard")).get("/members.json", Reply::json(200, MEMBERS));
    vendor.check().unwrap();
}

#[test]
fn a_refused_password_is_tried_once() {
    let sentence = "unauthorized: Justworks refused the login: check justworks-username and justworks-password; it was \
                    tried once only, because repeated failures lock the account";
    for reply in [
        page(REFUSED),
        page("<p class=error>Wrong</p>"),
        Reply::json(401, REFUSED),
        Reply::empty(401),
        Reply::json(422, "{}"),
        Reply::html(403, "no"),
        Reply::empty(204),
        Reply::empty(302).header("location", "/login"),
        Reply::empty(302).header("location", "/login?failed=1"),
    ] {
        assert_eq!(refused(post(justworks().get("/login", page(LOGIN)), "/login", reply)), sentence);
    }
}

#[test]
fn a_vendors_bad_day_is_no_wrong_password() {
    for (reply, expected) in [
        (Reply::text(429, "Retry later"), "rate-limited: None"),
        (Reply::text(429, "").header("retry-after", "9"), "rate-limited: Some(9)"),
        (Reply::text(500, "oops"), "unavailable: POST /login answered 500: oops"),
        (Reply::no_answer("cannot connect to jw.test:443"), "unavailable: cannot connect to jw.test:443"),
    ] {
        assert_eq!(refused(post(justworks().get("/login", page(LOGIN)), "/login", reply)), expected);
    }
    let failing = post(after_password().get("/tfa", page(TFA)), "/tfa", Reply::empty(502));
    assert_eq!(refused(failing), "unavailable: POST /tfa answered 502 without a body", "and no second code");
}

#[test]
fn what_only_a_person_can_do_is_named() {
    let captcha = "forbidden: Justworks asks for a captcha";
    let wall = "<div class=h-captcha></div>";
    let locked = r#"{"error":"Your account is locked"}"#;
    let login = || justworks().get("/login", page(LOGIN));
    for (vendor, expected) in [
        (justworks().get("/login", page(wall)), captcha),
        (justworks().get("/login", Reply::html(403, wall)), captcha),
        (justworks().get("/login", Reply::html(503, wall)), captcha),
        (post(login(), "/login", page("<p class=error>captcha</p>")), captcha),
        (post(login(), "/login", Reply::html(403, wall)), captcha),
        (after_password().get("/tfa", page(wall)), captcha),
        (after_password().get("/tfa", Reply::html(403, wall)), captcha),
        (post(login(), "/login", page(locked)), "forbidden: Justworks has locked the account"),
        (
            post(after_password().get("/tfa", page(TFA)), "/tfa", page(locked)),
            "forbidden: Justworks has locked the account",
        ),
        (
            after_password().get("/tfa", page("We sent a text message")),
            "forbidden: Justworks lets justworks-username prove the second factor only by text message or call, which cannot be automated",
        ),
        (
            after_password().get("/tfa", page("<button>Use your passkey</button>")),
            "forbidden: Justworks lets justworks-username prove the second factor only by a passkey",
        ),
        (
            after_password().get("/tfa", page("<a hydration-key=\"tfaInfo\">{\"methods\":[\"carrier pigeon\"]}</a>")),
            "forbidden: Justworks lets justworks-username prove the second factor only by \"carrier pigeon\"",
        ),
        (
            after_password().get("/tfa", page("<a>Can't scan barcode?</a>")),
            "invalid-settings: two-factor authentication is not set up yet for justworks-username",
        ),
        (
            after_password().get("/tfa", Reply::empty(302).header("location", "/tfa/setup")),
            "invalid-settings: two-factor authentication is not set up yet",
        ),
        (
            after_password().get("/tfa", Reply::empty(302).header("location", "/passkeys/prompt")),
            "forbidden: Justworks lets justworks-username prove the second factor only by a passkey",
        ),
        (
            after_password().get("/tfa", Reply::empty(302).header("location", "/verify/sms")),
            "forbidden: Justworks lets justworks-username prove the second factor only by text message or call",
        ),
        (
            after_password().get("/tfa", Reply::empty(302).header("location", "/login")),
            "unauthorized: Justworks took justworks-username and justworks-password and then asked for them again",
        ),
    ] {
        let sentence = refused(vendor);
        assert!(sentence.starts_with(expected), "{sentence}\n{expected}");
    }
}

#[test]
fn a_site_that_is_not_the_one_we_know_is_named() {
    let asked = "does justworks-base-url lead to Justworks?";
    for (reply, expected) in [
        (page("<h1>Welcome to nginx</h1>"), format!("unexpected: /login is not the page this connector knows: it holds no form_authenticity_token; {asked}")),
        (page(""), format!("unexpected: /login is not the page this connector knows: it holds no form_authenticity_token; {asked}")),
        (Reply::empty(302).header("location", "/login/new"), format!("unexpected: /login is not the page this connector knows: it leads to /login/new; {asked}")),
        (Reply::empty(404), format!("invalid-settings: GET /login answered 404 without a body; {asked}")),
        (Reply::empty(403), "forbidden: the login page is refused: GET /login answered 403 without a body".into()),
        (
            Reply::empty(301).header("location", "https://www.jw.test/login"),
            "invalid-settings: GET /login answered 301 and points to https://www.jw.test/login; redirects are not followed: correct justworks-base-url".into(),
        ),
        (
            Reply::empty(302).header("location", "//evil.test/login"),
            "invalid-settings: GET /login answered 302 and points to //evil.test/login; redirects are not followed: correct justworks-base-url".into(),
        ),
        (Reply::empty(302), "invalid-settings: GET /login answered 302 without a body: correct justworks-base-url".into()),
        (Reply::denied(), "unexpected: GET /login: the host denied the request".into()),
    ] {
        assert_eq!(refused(justworks().get("/login", reply)), expected);
    }
}

#[test]
fn a_session_that_lives_is_proved_by_the_roster() {
    let away = || justworks().get("/login", Reply::empty(302).header("location", "/dashboard"));
    away().get("/members.json", Reply::json(200, MEMBERS)).check().unwrap();
    let sentence = refused(away().get("/members.json", Reply::empty(401)));
    assert!(sentence.starts_with("unauthorized: GET /members.json answered 401"), "{sentence}");
    let busy = away().get("/members.json", Reply::json(202, "{}"));
    assert_eq!(refused(busy), "not-ready: 5", "nothing is proved yet");
}

#[test]
fn without_a_setting_nobody_is_asked() {
    for name in ["justworks-username", "justworks-org-head", "justworks-roster-path"] {
        let expected = format!("invalid-settings: the setting {name} has no value");
        assert_eq!(told(justworks().setting(name, "").check().unwrap_err()), expected);
    }
}

#[test]
fn a_login_without_a_second_factor_is_told() {
    let vendor = after_password().get("/tfa", Reply::empty(302).header("location", "/dashboard"));
    let account = vendor.get("/members.json", Reply::json(200, MEMBERS)).check().unwrap();
    assert!(account.warnings[0].contains("asked for no one-time code"), "{:?}", account.warnings);
}

#[test]
fn a_roster_that_has_to_be_waited_for_is_left_to_the_run() {
    for (reply, expected) in [
        (Reply::json(202, ""), "not-ready: 5"),
        (Reply::text(429, "").header("retry-after", "7"), "rate-limited: Some(7)"),
        (Reply::empty(500), "unavailable: GET /members.json answered 500 without a body"),
    ] {
        let vendor = inside().get("/members.json", reply.clone()).get("/members.json", reply);
        assert!(vendor.check().unwrap().session.is_none());
        assert_eq!(told(vendor.start().unwrap_err()), expected);
    }
}
