//! The bad days of Justworks after a good login: what is waited for, what ends a run, and the sentence that says so.

use serde_json::{Value, json};
use support::fault::{Fault, FaultKind};
use support::justworks::{FakeJustworks, ROSTER};

const WHOLE: &str = "14 resources, 6 entitlements, 12 grants";

/// The roster fails like this from the start, in the check: the run ends before its first task.
#[track_caller]
fn failed(kind: FaultKind, reason: &str, sentence: &str) -> Value {
    let fake = FakeJustworks::demo().start();
    let fault = fake.inject(Fault::get(ROSTER, kind));
    let scene = fake.scene();
    let run = scene.muster(["sync", "--json"]);
    let line = run.exits(1).errs(sentence).json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!(reason)), "{line}");
    assert!(scene.rows("resources").is_empty());
    fault.assert_fired(1);
    assert_eq!(fake.door().opened, 1);
    line
}

#[test]
fn a_roster_that_is_not_there_is_no_empty_company() {
    let path = "justworks-roster-path";
    failed(FaultKind::status(404), "invalid-settings", &format!("correct {path}"));
    failed(FaultKind::Html, "unexpected", "expected JSON, got text/html that begins: <!DOCTYPE html>");
    failed(FaultKind::Html, "unexpected", &format!("does {path} lead to the roster?"));
    failed(FaultKind::CutJson, "unexpected", "the JSON breaks off after");
    failed(FaultKind::json(200, ""), "unexpected", "expected JSON, got an empty body");
    failed(FaultKind::json(206, "{}"), "unexpected", "answered 206");
    failed(FaultKind::Redirect("/company/members".into()), "invalid-settings", &format!("correct {path}"));
    failed(FaultKind::Redirect("https://elsewhere.test/".into()), "invalid-settings", "correct justworks-base-url");
}

#[test]
fn a_user_who_may_not_read_the_roster_is_named() {
    failed(FaultKind::status(403), "forbidden", "needs the permission to view all employee information");
    failed(FaultKind::status(401), "unauthorized", "may not read the roster");
    failed(FaultKind::Redirect("/login".into()), "unauthorized", "the session is over");
    let login = "<form><input name=\"password\" type=\"password\"></form>";
    let page =
        FaultKind::Status { status: 200, content_type: "text/html".into(), headers: Vec::new(), body: login.into() };
    failed(page, "unauthorized", "answered with the login page");
}

#[test]
fn a_roster_that_is_still_being_made_is_waited_for() {
    // Once in the check, which goes on without it, and once in the run, which waits.
    let fake = FakeJustworks::demo().start();
    let fault = fake.inject(Fault::get(ROSTER, FaultKind::json(202, "{}")).times(2));
    fake.scene().muster(["sync"]).exits(0).says(WHOLE);
    fault.assert_fired(2);
    assert_eq!((fake.count(ROSTER), fake.door().opened), (3, 1));
}

#[test]
fn a_vendor_that_asks_to_slow_down_is_waited_for() {
    let fake = FakeJustworks::demo().start();
    let kind = FaultKind::status(429).header("retry-after", "1");
    let fault = fake.inject(Fault::get(ROSTER, kind).times(2));
    fake.scene().muster(["sync"]).exits(0).says(WHOLE);
    fault.assert_fired(2);
    assert_eq!(fake.door().opened, 1);
}

#[test]
fn a_vendor_that_stumbles_is_asked_again() {
    let fake = FakeJustworks::demo().start();
    for path in ["/login", "/tfa", ROSTER] {
        fake.inject(Fault::get(path, FaultKind::status(503)).times(1));
    }
    fake.scene().muster(["sync"]).exits(0).says(WHOLE);
    fake.injected().iter().for_each(|fault| fault.assert_fired(1));
    assert_eq!((fake.door().malformed, fake.door().opened), (Vec::<String>::new(), 1));
}

#[test]
fn a_roster_that_fails_for_good_leaves_the_run_incomplete() {
    let fake = FakeJustworks::demo().start();
    let fault = fake.inject(Fault::get(ROSTER, FaultKind::status(500)));
    let scene = fake.scene();
    let line = scene.muster(["sync", "--json"]).exits(3).json();
    assert_eq!(
        (&line["status"], &line["failures"][0]["reason"]),
        (&json!("incomplete"), &json!("unavailable")),
        "{line}"
    );
    assert_eq!(fault.fired(), 2, "once in the check and once in the run");
    assert!(scene.rows("resources").is_empty());
}

#[test]
fn an_empty_company_is_never_published() {
    let fake = FakeJustworks::demo().edited(|world| world.people.clear()).start();
    let scene = fake.scene();
    scene.muster(["sync"]).exits(1).errs("nobody in the roster is called \"Meg Field\"");
    assert!(scene.rows("resources").is_empty());
}

#[test]
fn a_session_that_is_refused_for_good_ends_the_run_without_a_loop() {
    // The roster was read in the check and is refused from then on; the login page says that the session lives.
    for kind in [FaultKind::status(401), FaultKind::Redirect("/login".into())] {
        let fake = FakeJustworks::demo().start();
        let fault = fake.inject(Fault::get(ROSTER, kind).after(1));
        let scene = fake.scene();
        let run = scene.muster(["sync", "--json"]);
        let line = run.exits(3).errs("may not read the roster").json();
        assert_eq!(
            (&line["status"], &line["failures"][0]["reason"]),
            (&json!("incomplete"), &json!("unauthorized")),
            "{line}"
        );
        assert_eq!((fault.fired(), fake.door().opened), (2, 1), "one more look, and no second login");
        assert_eq!(fake.count("/login"), 3);
    }
}
