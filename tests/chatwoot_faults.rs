//! A vendor's bad days: what is tried again, what ends a run, and the one sentence that says so.

use std::time::Duration;

use serde_json::{Value, json};
use support::certificate::Tls;
use support::chatwoot::FakeChatwoot;
use support::fault::{Fault, FaultKind};
use support::scene::{Run, Scene};

const WHOLE: &str = "11 resources, 3 entitlements, 10 grants";
const PROFILE: &str = "/api/v1/profile";

fn demo() -> Scene {
    Scene::new().chatwoot(FakeChatwoot::demo())
}

/// The run is published all the same, and the summary counts the requests that were repeated.
#[track_caller]
fn survives(path: &str, kind: FaultKind, times: u64, retries: u64) -> Run {
    let scene = demo();
    let path = path.replace("ACCOUNT/", &scene.fake().path(""));
    let fault = scene.fake().inject(Fault::get(&path, kind).times(times));
    let run = scene.muster(["sync"]);
    run.exits(0).says(WHOLE).stderr_is_empty();
    fault.assert_fired(times);
    let requests = 6 + retries;
    match retries {
        0 => run.says("; 6 requests\n"),
        _ => run.says(&format!("; {requests} requests, {retries} of them repeated")),
    };
    assert_eq!(scene.fake().stats().requests, requests);
    let shown = scene.muster(["runs", "show", "1", "--json"]).exits(0).json();
    assert_eq!(shown["report"]["run"]["retries"], json!(retries));
    run
}

/// The account was proved, the agents cannot be read: an incomplete run of this reason, fired so often.
#[track_caller]
fn incomplete(kind: FaultKind, tries: u64, reason: &str, sentence: &str) -> Value {
    let scene = demo();
    let fault = scene.fake().inject(Fault::get(&scene.fake().path("agents"), kind));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3).errs(sentence);
    fault.assert_fired(tries);
    let line = run.json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("incomplete"), &json!(reason)), "{line}");
    assert_eq!((&line["failures"][0]["task"], &line["retries"]), (&json!("agents"), &json!(tries - 1)));
    assert_eq!(line["failures"].as_array().unwrap().len(), 1, "{line}");
    assert!(scene.rows("resources").is_empty(), "nothing is published");
    fault.lift();
    scene.muster(["sync"]).exits(0).says(WHOLE);
    line
}

/// The check fails for this reason with this sentence: `failed`, exit code 1, no rows.
#[track_caller]
fn failed(scene: &Scene, reason: &str, sentence: &str) -> Run {
    let run = scene.muster(["sync", "--json"]);
    run.exits(1).errs(sentence);
    let line = run.json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!(reason)), "{line}");
    assert_eq!(line["failures"][0]["task"], "check");
    assert!(scene.rows("resources").is_empty());
    run
}

#[test]
fn a_server_that_is_down() {
    let mut scene = demo();
    let address = scene.fake().address().to_string();
    scene.stop_fakes();
    let run = failed(&scene, "unavailable", &format!("{address} refused the connection"));
    let line = run.json();
    assert_eq!((&line["requests"], &line["retries"]), (&json!(3), &json!(2)), "three tries");
    run.within(Duration::from_secs(5));
    scene.muster(["check"]).exits(1).errs("refused the connection").says("support: failed");
}

#[test]
fn a_name_that_does_not_exist() {
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| {
        profile.setting("chatwoot-base-url", "https://chatwoot.invalid")
    });
    failed(&scene, "unavailable", "cannot resolve chatwoot.invalid");
    assert_eq!(scene.fake().stats().connections, 0);
}

/// A Chatwoot that speaks TLS, asked for as localhost.
fn with_tls(tls: Tls) -> Scene {
    let mut scene = Scene::new().chatwoot(FakeChatwoot::demo().tls(tls));
    let host_port = format!("localhost:{}", scene.fake().address().port());
    scene.change("support", |profile| {
        profile.setting("chatwoot-base-url", &format!("https://{host_port}")).allow_private(&host_port)
    });
    let pem = scene.fake().ca_pem().unwrap().to_owned();
    scene.file("ca.pem", pem)
}

#[test]
fn a_certificate_that_nobody_trusts() {
    let scene = with_tls(Tls::default());
    failed(&scene, "unavailable", "cannot set up TLS with localhost:").complains("certificate");
    assert_eq!(scene.fake().stats().requests, 0, "nothing was sent");
}

#[test]
fn a_certificate_that_is_trusted() {
    for (tls, version) in
        [(Tls::default(), http::Version::HTTP_2), (Tls::default().http1_only(), http::Version::HTTP_11)]
    {
        let scene = with_tls(tls);
        let ca = scene.path("ca.pem");
        let scene = scene.env("SSL_CERT_FILE", ca);
        scene.muster(["sync"]).exits(0).says(WHOLE).stderr_is_empty();
        let requests = scene.fake().requests();
        assert_eq!(requests.len(), 6);
        assert!(requests.iter().all(|request| request.version == version), "{:?}", requests[0].version);
    }
}

#[test]
fn a_certificate_that_ran_out_or_is_for_somebody_else() {
    for tls in [Tls::default().expired(), Tls::default().names(&["chat.example.test"])] {
        let scene = with_tls(tls);
        let ca = scene.path("ca.pem");
        let scene = scene.env("SSL_CERT_FILE", ca);
        failed(&scene, "unavailable", "cannot set up TLS with localhost:").complains("certificate");
        assert_eq!(scene.fake().stats().requests, 0, "nothing was sent");
    }
}

#[test]
fn tls_asked_of_a_server_without_it() {
    let mut scene = demo();
    let url = scene.fake().origin().replace("http:", "https:");
    scene.change("support", |profile| profile.setting("chatwoot-base-url", &url));
    failed(&scene, "unavailable", "cannot set up TLS with 127.0.0.1:");
}

#[test]
fn a_web_page_where_json_was_due() {
    let scene = demo();
    let wall = scene.fake().inject(Fault::get(PROFILE, FaultKind::Html));
    failed(&scene, "unexpected", "does chatwoot-base-url lead to a Chatwoot server?");
    wall.assert_fired(1);
    incomplete(FaultKind::Html, 1, "unexpected", "agents");
}

#[test]
fn json_under_another_content_type() {
    survives("**", FaultKind::ContentType("text/plain".to_owned()), 6, 0);
}

#[test]
fn json_that_ends_in_the_middle() {
    incomplete(FaultKind::CutJson, 1, "unexpected", "agents");
    let scene = demo();
    let cut = scene.fake().inject(Fault::get(PROFILE, FaultKind::CutJson));
    failed(&scene, "unexpected", PROFILE).never_says(scene.fake().token());
    cut.assert_fired(1);
}

#[test]
fn json_of_another_shape() {
    for body in [r#"{"payload":[]}"#, "null", r#"[{"id":"one"}]"#, r#"[{"name":"without id"}]"#, "[[]]", ""] {
        incomplete(FaultKind::json(200, body), 1, "unexpected", "agents");
    }
}

#[test]
fn a_body_that_is_shorter_than_promised() {
    survives("ACCOUNT/agents", FaultKind::ShortBody, 1, 1);
}

#[test]
fn a_body_that_is_always_shorter_than_promised() {
    incomplete(FaultKind::ShortBody, 5, "unavailable", "broke before the answer was complete");
}

#[test]
fn a_connection_that_is_reset() {
    survives("ACCOUNT/teams", FaultKind::Reset, 2, 2);
}

#[test]
fn a_connection_that_is_always_reset() {
    incomplete(FaultKind::Reset, 5, "unavailable", "the connection to 127.0.0.1:");
}

#[test]
fn a_connection_that_is_reset_in_the_middle_of_an_answer() {
    survives("ACCOUNT/teams/1/team_members", FaultKind::ResetMidBody, 1, 1);
}

#[test]
fn an_answer_that_comes_slowly() {
    survives("ACCOUNT/agents", FaultKind::Drip { chunk: 100, every: Duration::from_millis(5) }, 1, 0);
}

#[test]
fn an_error_of_the_server_is_not_tried_again() {
    incomplete(FaultKind::status(500), 1, "unavailable", "500");
    incomplete(FaultKind::json(500, r#"{"status":500,"error":"Internal Server Error"}"#), 1, "unavailable", "500");
}

#[test]
fn a_bad_gateway_that_recovers() {
    survives("ACCOUNT/teams/2/team_members", FaultKind::status(502), 2, 2);
    survives(PROFILE, FaultKind::status(504), 1, 1);
}

#[test]
fn a_bad_gateway_that_stays() {
    incomplete(FaultKind::status(502), 5, "unavailable", "502");
}

#[test]
fn a_server_that_names_the_time_to_come_back() {
    let busy = FaultKind::status(503).header("retry-after", "1");
    let run = survives("ACCOUNT/teams", busy, 1, 1);
    assert!(run.elapsed >= Duration::from_secs(1), "came back too early: {:?}", run.elapsed);
}

#[test]
fn a_throttle_without_a_time_that_ends() {
    survives("ACCOUNT/agents", FaultKind::status(429), 1, 1);
}

#[test]
fn a_throttle_that_does_not_end_in_time() {
    let builder = FakeChatwoot::demo();
    let scene = Scene::new().chatwoot_as("support", builder, |profile| profile.run("max-wait = \"1s\""));
    let busy = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::status(429)));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3).errs("agents");
    busy.assert_fired(5);
    let line = run.json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("incomplete"), &json!("unavailable")));
    assert_eq!(line["retries"], 4);
}

#[test]
fn a_throttle_for_ever_fails_its_task_at_once_and_nothing_else() {
    // More seconds than any clock holds.
    let scene = demo();
    let kind = FaultKind::status(429).header("retry-after", &u64::MAX.to_string());
    let busy = scene.fake().inject(Fault::get(&scene.fake().path("agents"), kind));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3).errs("the vendor asks to wait");
    busy.assert_fired(1);
    let line = run.json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("incomplete"), &json!("unavailable")));
    assert_eq!(line["failures"].as_array().map(Vec::len), Some(1), "the teams were read all the same");
}

#[test]
fn a_throttle_with_a_time_is_waited_for_in_the_run() {
    // Longer than an exchange waits: the task comes back after that time.
    let scene = demo().patience(Duration::from_secs(90));
    let busy = FaultKind::status(429).header("retry-after", "21");
    let busy = scene.fake().inject(Fault::get(&scene.fake().path("agents"), busy).times(1));
    let run = scene.muster(["sync"]);
    run.exits(0).says(WHOLE);
    busy.assert_fired(1);
    assert!(run.elapsed >= Duration::from_secs(21), "came back too early: {:?}", run.elapsed);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = FakeChatwoot::demo().start();
    let scene = demo();
    let moved = FaultKind::Redirect(format!("{}{PROFILE}", elsewhere.origin()));
    let moved = scene.fake().inject(Fault::get(PROFILE, moved));
    failed(&scene, "invalid-settings", "correct chatwoot-base-url");
    moved.assert_fired(1);
    assert_eq!(elsewhere.stats().connections, 0, "nobody went there");

    moved.lift();
    let moved = FaultKind::Redirect(format!("{}/api/v1/accounts/1/teams", elsewhere.origin()));
    let moved = scene.fake().inject(Fault::get(&scene.fake().path("teams"), moved));
    scene.muster(["sync"]).exits(3).errs("correct chatwoot-base-url");
    moved.assert_fired(1);
    assert_eq!(elsewhere.stats().connections, 0, "nobody went there");
}

#[test]
fn another_server_at_that_address() {
    let scene = demo();
    let other = scene.fake().inject(Fault::get(PROFILE, FaultKind::status(404)));
    failed(&scene, "invalid-settings", "chatwoot-base-url");
    other.assert_fired(1);
}

#[test]
fn keys_that_are_absent_and_roles_that_are_null() {
    let scene = demo();
    let agents = r#"[{"id":1,"confirmed":true,"email":"a@example.test","name":"A","role":null},
        {"id":2,"confirmed":false,"email":"b@example.test","name":null,"available_name":"B"}]"#;
    let agents = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::json(200, agents)));
    let teams =
        scene.fake().inject(Fault::get(&scene.fake().path("teams"), FaultKind::json(200, r#"[{"id":1,"name":"t"}]"#)));
    scene.muster(["sync"]).exits(0);
    agents.assert_fired(1);
    teams.assert_fired(1);
    assert_eq!(scene.json(["resources", "--type", "team"]).len(), 1);
    let rows = scene.json(["resources", "--type", "agent"]);
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["name"], &rows[0]["profile"]["role"]), (&json!("A"), &json!(null)));
    assert_eq!((&rows[1]["name"], &rows[1]["status"]), (&json!("B"), &json!("disabled")));
}

#[test]
fn a_team_that_is_deleted_during_the_run() {
    let scene = demo();
    let gone = FaultKind::json(404, r#"{"error":"Resource could not be found"}"#);
    let gone = scene.fake().inject(Fault::get(&scene.fake().path("teams/2/team_members"), gone));
    // The second time, the list of teams has it no more.
    let list = r#"[{"id":1,"name":"support"},{"id":4,"name":"night shift"}]"#;
    let list = scene.fake().inject(Fault::get(&scene.fake().path("teams"), FaultKind::json(200, list)).after(1));
    scene.muster(["sync"]).exits(0).complains("team 2 was deleted during the run");
    gone.assert_fired(1);
    list.assert_fired(1);
    assert!(scene.grant_ids().iter().all(|id| !id.starts_with("team:2:")));
}

#[test]
fn a_team_that_is_listed_and_cannot_be_found() {
    let scene = demo();
    let gone = FaultKind::json(404, r#"{"error":"Resource could not be found"}"#);
    let gone = scene.fake().inject(Fault::get(&scene.fake().path("teams/2/team_members"), gone));
    scene.muster(["sync"]).exits(3).errs("Chatwoot lists team 2");
    gone.assert_fired(1);
}

#[test]
fn several_failures_are_all_told() {
    let scene = demo();
    let fault = scene.fake().inject(Fault::get(&scene.fake().path("teams/*/team_members"), FaultKind::status(500)));
    let run = scene.muster(["sync", "--json"]);
    run.exits(3);
    fault.assert_fired(3);
    assert_eq!(run.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 3);
    let mut tasks: Vec<String> =
        run.json()["failures"].as_array().unwrap().iter().map(|one| one["task"].to_string()).collect();
    tasks.sort();
    assert_eq!(tasks, [r#""team-members 1""#, r#""team-members 2""#, r#""team-members 4""#]);
    scene.muster(["runs", "show", "1"]).exits(0).says("failures:").says("team-members 4: unavailable: ");
}

#[test]
fn an_answer_in_an_encoding_nobody_asked_for() {
    let scene = demo();
    let body = FaultKind::json(200, "not brotli").header("content-encoding", "br");
    let odd = scene.fake().inject(Fault::get(PROFILE, body));
    let run = scene.muster(["sync", "--json"]);
    run.exits(1).errs("cannot be decoded (br)");
    odd.assert_fired(1);
}
