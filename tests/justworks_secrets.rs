//! Password, 2FA secret, codes and session are used and never shown: not to the connector, not in any output, not in the
//! store, although the vendor repeats them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use support::certificate::Tls;
use support::fault::{Fault, FaultKind};
use support::justworks::{FakeJustworks, PASSWORD, PASSWORD_VARIABLE, Person, SECRET, SECRET_VARIABLE};
use support::scene::{Run, Scene};

/// Everything secret but the codes, in the forms in which it could leak.
fn forms(fake: &FakeJustworks) -> Vec<String> {
    let percent: String = PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut forms = vec![
        PASSWORD.to_owned(),
        PASSWORD.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        serde_json::to_string(PASSWORD).unwrap().trim_matches('"').to_owned(),
        "p4ss%2BW%26rd".to_owned(),
        percent,
        STANDARD.encode(PASSWORD).trim_end_matches('=').to_owned(),
        "p4ss+W".to_owned(),
        SECRET.to_owned(),
        SECRET.to_lowercase(),
    ];
    for request in fake.requests() {
        let cookies = request.header("cookie").unwrap_or_default();
        forms
            .extend(cookies.split("; ").filter_map(|pair| pair.strip_prefix("_justworks_session=")).map(str::to_owned));
    }
    forms
}

#[track_caller]
fn clean(fake: &FakeJustworks, what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for form in forms(fake) {
        assert!(!text.contains(&form), "{form} is in {what}");
    }
    for code in fake.door().codes {
        let word = text.split(|c: char| !c.is_ascii_digit()).any(|word| word == code);
        assert!(!word, "the code {code} is in {what}");
    }
}

/// Neither output holds a secret.
#[track_caller]
fn quiet(fake: &FakeJustworks, run: &Run) {
    clean(fake, "stdout", run.stdout.as_bytes());
    clean(fake, "stderr", run.stderr.as_bytes());
}

/// A sync with everything said, and every later command.
#[track_caller]
fn every_command(fake: &FakeJustworks, scene: &Scene, code: i32, words: &[&str]) {
    let run = scene.muster([&["sync", "-vvv", "--record", "tape.jsonl"], words].concat());
    run.exits(code);
    clean(fake, "the tape", &std::fs::read(scene.path("tape.jsonl")).unwrap());
    quiet(fake, &run);
    for command in [&["resources"][..], &["grants"], &["runs"], &["runs", "show", "1"], &["inspect", "justworks"]] {
        for json in [&[][..], &["--json", "-vvv"]] {
            quiet(fake, &scene.muster([command, json].concat()));
        }
    }
    clean(fake, "the store", &scene.store_bytes());
}

#[test]
fn secrets_travel_in_their_forms_and_nowhere_else() {
    for words in [&[][..], &["--json"], &["--log-format", "json"]] {
        let fake = FakeJustworks::demo().start();
        every_command(&fake, &fake.scene(), 0, words);
        let code = fake.door().codes.remove(0);
        for request in fake.requests() {
            let (body, target) = (String::from_utf8_lossy(&request.body).into_owned(), request.target());
            let head = format!("{target} {:?}", request.headers);
            assert!(!head.contains("p4ss") && !head.contains(SECRET) && !head.contains(&code), "{head}");
            assert_eq!(
                body.contains("p4ss"),
                (request.method.as_str(), target.as_str()) == ("POST", "/login"),
                "{target}"
            );
            assert_eq!(
                body.contains(&code),
                (request.method.as_str(), target.as_str()) == ("POST", "/tfa"),
                "{target}"
            );
            assert!(!body.contains(SECRET));
        }
    }
}

#[test]
fn over_tls_and_http_2_it_is_the_same() {
    let fake = FakeJustworks::demo().tls(Tls::default()).start();
    let scene = fake.scene().file("ca.pem", fake.ca_pem().unwrap());
    let ca = scene.path("ca.pem");
    every_command(&fake, &scene.env("SSL_CERT_FILE", ca), 0, &[]);
    assert!(fake.requests().iter().all(|request| request.version == http::Version::HTTP_2));
    assert_eq!((fake.door().malformed, fake.door().opened), (Vec::<String>::new(), 1));
}

#[test]
fn a_refused_login_shows_nothing() {
    for status in [200, 400, 401, 403, 422, 500] {
        let fake = FakeJustworks::demo().start();
        let body = json!({"error": format!("{PASSWORD} is wrong, and so is {SECRET}")}).to_string();
        let echo = fake.inject(Fault::new("POST", "/login", FaultKind::json(status, &body)));
        every_command(&fake, &fake.scene(), 1, &["--json"]);
        echo.assert_fired(1);
    }
}

#[test]
fn a_roster_that_repeats_secrets_is_published_without_them() {
    let fake = FakeJustworks::demo().start();
    fake.edit(|world| {
        world.people.push(
            Person::new("u-20", PASSWORD, SECRET).title(PASSWORD).works(SECRET, "Boston").manager("u-01", "u-01"),
        );
    });
    let scene = fake.scene();
    every_command(&fake, &scene, 0, &[]);
    let rows = scene.rows("resources");
    let row = rows.iter().find(|row| row["id"] == "u-20").unwrap();
    assert_eq!(
        (&row["name"], &row["employment"]["department"]),
        (&json!("*** ***"), &json!("***")),
        "the mask is seen"
    );
}

#[test]
fn a_2fa_secret_that_was_spelled_with_blanks_is_masked_as_the_vendor_writes_it() {
    let fake = FakeJustworks::demo().start();
    fake.edit(|world| world.people.push(Person::new("u-20", "Echo", SECRET).manager("u-01", "u-01")));
    let scene = fake.scene().env(SECRET_VARIABLE, "jbsw y3dp ehpk 3pxp gezd gnbv gy3t qojq");
    every_command(&fake, &scene, 0, &[]);
    assert!(scene.rows("resources").iter().any(|row| row["name"] == "Echo ***"));
}

#[test]
fn secrets_are_never_taken_from_the_plugin_list() {
    for (name, variable) in [("justworks-password", PASSWORD_VARIABLE), ("justworks-2fa-secret", SECRET_VARIABLE)] {
        let fake = FakeJustworks::demo().start();
        let scene = fake.scene_with(|profile| profile.setting(name, "written-down")).without_env(variable);
        let run = scene.muster(["sync"]);
        run.exits(2).errs(name).never_says("written-down");
        assert_eq!(fake.stats().connections, 0);
    }
}
