//! The login of Justworks as a whole: the built host fills in password and code and keeps the session, and the fake judges
//! every step. Each refusal has its sentence.

use std::collections::BTreeSet;

use serde_json::json;
use support::fault::{Fault, FaultKind};
use support::justworks::{FakeJustworks, PASSWORD_VARIABLE, ROSTER, SECRET, SECRET_VARIABLE, SecondFactor, USERNAME};
use support::scene::{Run, Scene};

const WHOLE: &str = "14 resources, 6 entitlements, 12 grants";

/// Every request, in order.
fn asked(fake: &FakeJustworks) -> Vec<String> {
    fake.requests().iter().map(|request| format!("{} {}", request.method, request.target())).collect()
}

/// The login of the demo, and the roster twice: once for the check, once for the run.
const LOGIN: [&str; 4] = ["GET /login", "POST /login", "GET /tfa", "POST /tfa"];

/// A sync that fails before its first task, with this reason and sentence.
#[track_caller]
fn refused(fake: &FakeJustworks, scene: &Scene, reason: &str, sentence: &str) -> Run {
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(1).errs(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!(reason)), "{line}");
    assert_eq!(line["failures"][0]["task"], "check");
    assert!(scene.rows("resources").is_empty());
    assert_eq!(fake.door().malformed, Vec::<String>::new());
    assert_eq!(fake.count(ROSTER), 0, "nobody who is not in asks for the roster");
    run
}

#[track_caller]
fn is_in(fake: &FakeJustworks, scene: &Scene) {
    scene.muster(["sync"]).exits(0).says(WHOLE);
    let door = fake.door();
    assert_eq!((door.malformed, door.wrong, door.opened), (Vec::<String>::new(), 0, 1));
}

#[test]
fn a_login_is_two_pages_and_two_forms_and_then_the_roster() {
    let fake = FakeJustworks::demo().start();
    let scene = fake.scene();
    is_in(&fake, &scene);
    let roster = format!("GET {ROSTER}");
    let expected: Vec<&str> = LOGIN.into_iter().chain([roster.as_str(), roster.as_str()]).collect();
    assert_eq!(asked(&fake), expected);
    assert_eq!(fake.door().codes.len(), 1);
}

#[test]
fn a_check_says_who_is_logged_in() {
    let fake = FakeJustworks::demo().start();
    let scene = fake.scene();
    let run = scene.muster(["check"]);
    run.exits(0).says("people: ok, Justworks").says(USERNAME);
    assert_eq!(fake.door().opened, 1);
}

#[test]
fn pages_that_may_be_otherwise_are_read_all_the_same() {
    let kinds: [(&str, support::justworks::Builder); 4] = [
        ("no key", FakeJustworks::demo().second_factor(SecondFactor::AppWithoutKey)),
        ("no data at all", FakeJustworks::demo().second_factor(SecondFactor::PlainPage)),
        ("a token on the login page only", FakeJustworks::demo().token_on_login_page_only()),
        ("forms that answer with redirects", FakeJustworks::demo().redirects()),
    ];
    for (what, builder) in kinds {
        println!("{what}");
        let fake = builder.start();
        is_in(&fake, &fake.scene());
    }
}

#[test]
fn a_login_without_a_code_works_with_a_warning() {
    let fake = FakeJustworks::demo().second_factor(SecondFactor::None).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says(WHOLE).complains("turn on two-factor authentication");
    assert!(fake.door().codes.is_empty());
}

#[test]
fn the_long_code_may_be_written_as_people_copy_it() {
    let lower = SECRET.to_lowercase();
    let spelled: Vec<String> =
        lower.as_bytes().chunks(4).map(|four| String::from_utf8(four.to_vec()).unwrap()).collect();
    for secret in [spelled.join(" "), spelled.join("-"), format!("{SECRET}======")] {
        let fake = FakeJustworks::demo().start();
        let scene = fake.scene().env(SECRET_VARIABLE, &secret);
        scene.muster(["check"]).exits(0);
        assert_eq!(fake.door().opened, 1, "{secret}");
    }
}

#[test]
fn a_six_digit_code_is_refused_before_anybody_is_asked() {
    for code in ["123456", "123 456", "012-345"] {
        let fake = FakeJustworks::demo().start();
        let scene = fake.scene().env(SECRET_VARIABLE, code);
        for command in ["check", "sync"] {
            let run = scene.muster([command]);
            run.exits(2).errs("the setting justworks-2fa-secret is a code of the moment").never_says(code);
            run.complains("The long code under the QR code, at \"Can't scan barcode?\"");
        }
        assert_eq!(fake.stats().connections, 0, "{code}");
    }
}

#[test]
fn a_wrong_password_is_tried_once() {
    let fake = FakeJustworks::demo().start();
    let scene = fake.scene().env(PASSWORD_VARIABLE, "not-the-password");
    let run = refused(&fake, &scene, "unauthorized", "Justworks refused the login");
    run.complains("justworks-username").complains("justworks-password").never_says("not-the-password");
    assert_eq!(asked(&fake), ["GET /login", "POST /login"]);
    assert_eq!(fake.door().wrong, 1);
}

#[test]
fn a_wrong_user_name_is_tried_once() {
    let fake = FakeJustworks::demo().start();
    let scene = fake.scene_with(|profile| profile.setting("justworks-username", "nobody@lantern.test"));
    refused(&fake, &scene, "unauthorized", "Justworks refused the login");
    assert_eq!(fake.door().wrong, 1);
}

#[test]
fn a_locked_account_is_named() {
    let fake = FakeJustworks::demo().start();
    let scene = fake.scene().env(PASSWORD_VARIABLE, "not-the-password");
    for _ in 0..5 {
        scene.muster(["check"]).exits(1);
    }
    assert_eq!(fake.door().wrong, 5);
    refused(&fake, &scene, "forbidden", "Justworks has locked the account").complains("unlock it in Justworks");
}

#[test]
fn accounts_that_no_program_can_open_are_named() {
    let kinds = [
        (FakeJustworks::demo().wall(), "forbidden", "asks for a captcha"),
        (FakeJustworks::demo().captcha(), "forbidden", "asks for a captcha"),
        (FakeJustworks::demo().second_factor(SecondFactor::Sms), "forbidden", "only by text message or call"),
        (FakeJustworks::demo().second_factor(SecondFactor::Passkey), "forbidden", "only by a passkey"),
        (
            FakeJustworks::demo().second_factor(SecondFactor::Enrolment),
            "invalid-settings",
            "two-factor authentication is not set up yet",
        ),
    ];
    for (builder, reason, sentence) in kinds {
        let fake = builder.start();
        let run = refused(&fake, &fake.scene(), reason, sentence);
        if reason == "invalid-settings" {
            run.complains("justworks-2fa-secret").complains("Can't scan barcode?");
        }
        assert!(fake.door().codes.is_empty(), "no code is spent: {sentence}");
    }
}

#[test]
fn a_site_that_is_not_justworks_is_named() {
    for (kind, reason, sentence) in [
        (FaultKind::Html, "unexpected", "is not the page this connector knows"),
        (FaultKind::status(404), "invalid-settings", "does justworks-base-url lead to Justworks?"),
        (FaultKind::Redirect("https://elsewhere.test/login".into()), "invalid-settings", "correct justworks-base-url"),
        (FaultKind::Redirect("/login/start".into()), "unexpected", "it leads to /login/start"),
    ] {
        let fake = FakeJustworks::demo().start();
        let fault = fake.inject(Fault::get("/login", kind));
        refused(&fake, &fake.scene(), reason, sentence);
        fault.assert_fired(1);
    }
}

#[test]
fn a_form_is_never_sent_again_for_a_vendors_bad_day() {
    for (path, status, headers, reason) in [
        ("/login", 503, None, "unavailable"),
        ("/tfa", 503, None, "unavailable"),
        ("/login", 429, Some("30"), "rate-limited"),
        ("/tfa", 429, None, "rate-limited"),
    ] {
        let fake = FakeJustworks::demo().start();
        let mut kind = FaultKind::status(status);
        if let Some(seconds) = headers {
            kind = kind.header("retry-after", seconds);
        }
        let fault = fake.inject(Fault::new("POST", path, kind));
        let line = fake.scene().muster(["sync", "--json"]).exits(1).json();
        assert_eq!(line["failures"][0]["reason"], reason, "{path} {status}: {line}");
        fault.assert_fired(1);
        assert_eq!(fake.count(path), 2, "the page and the form, once each");
    }
}

/// Without one-time codes, so that nobody waits for the next.
#[test]
fn a_session_that_ends_is_opened_anew_whether_it_says_401_or_leads_to_the_login() {
    let builder = || FakeJustworks::demo().second_factor(SecondFactor::None).revoke_after(1);
    for builder in [builder(), builder().says_401()] {
        let fake = builder.start();
        fake.scene().muster(["sync"]).exits(0).says(WHOLE);
        let login = ["GET /login", "POST /login", "GET /tfa"];
        let roster = format!("GET {ROSTER}");
        let twice = [&login[..], &[&roster, &roster]].concat();
        assert_eq!(asked(&fake), [&twice[..], &twice[..]].concat());
        assert_eq!((fake.door().malformed, fake.door().wrong), (Vec::<String>::new(), 0));
    }
}

/// One of the two tests that wait for a code of the next 30 seconds.
#[test]
fn a_refused_code_is_tried_once_more_with_the_next_one() {
    let fake = FakeJustworks::demo().refuse_codes(1).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says(WHOLE);
    let door = fake.door();
    assert_eq!((door.malformed, door.wrong, door.opened, door.repeated_codes), (Vec::new(), 1, 1, 0));
    assert_eq!(door.codes.len(), 2);
    assert_ne!(door.codes[0], door.codes[1], "no code is sent twice");
    let expected = ["GET /login", "POST /login", "GET /tfa", "POST /tfa", "GET /tfa", "POST /tfa"];
    assert_eq!(asked(&fake)[..6], expected, "the password is not sent again");
}

/// The other one: a session that ends in the midst of a run.
#[test]
fn a_session_that_ends_in_the_midst_of_a_run_is_opened_anew() {
    let fake = FakeJustworks::demo().revoke_after(1).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(0).says(WHOLE);
    let door = fake.door();
    assert_eq!((door.malformed, door.wrong, door.opened, door.repeated_codes), (Vec::new(), 0, 2, 0));
    assert_eq!(
        door.codes.iter().collect::<BTreeSet<_>>().len(),
        2,
        "each login has a code of its own: {:?}",
        door.codes
    );
    let roster = format!("GET {ROSTER}");
    let mut expected: Vec<&str> = LOGIN.to_vec();
    // Read for the check, refused to the run, read for the second check, read.
    expected.extend([&roster, &roster].map(String::as_str));
    expected.extend(LOGIN);
    expected.extend([&roster, &roster].map(String::as_str));
    assert_eq!(asked(&fake), expected);
}
