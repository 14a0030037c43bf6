//! The token is used and never shown, although Chatwoot's profile echoes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use support::certificate::Tls;
use support::chatwoot::FakeChatwoot;
use support::fault::{Fault, FaultKind};
use support::scene::{Run, Scene};

const TOKEN: &str = "s3cr3t/T0ken+\"quoted\"&<tail>";

/// The forms in which a token could leak.
fn forms() -> Vec<String> {
    let percent = "s3cr3t%2FT0ken%2B%22quoted%22%26%3Ctail%3E";
    vec![
        TOKEN.to_owned(),
        serde_json::to_string(TOKEN).unwrap().trim_matches('"').to_owned(),
        "s3cr3t/T0ken+\\\"quoted\\\"\\u0026\\u003ctail\\u003e".to_owned(),
        percent.to_owned(),
        percent.to_lowercase(),
        STANDARD.encode(TOKEN).trim_end_matches('=').to_owned(),
        "T0ken".to_owned(),
    ]
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for form in forms() {
        if let Some(at) = text.find(&form) {
            let start = text[..at].char_indices().rev().nth(80).map_or(0, |(index, _)| index);
            panic!("the token is in {what}: …{}", &text[start..at + form.len()]);
        }
    }
}

#[track_caller]
fn quiet(run: &Run, code: i32) {
    run.exits(code);
    clean("stdout", run.stdout.as_bytes());
    clean("stderr", run.stderr.as_bytes());
}

fn every_command(scene: &Scene) {
    for log in ["text", "json"] {
        for command in ["check", "sync"] {
            quiet(&scene.muster([command, "-vvv", "--log-format", log]), 0);
            quiet(&scene.muster([command, "-vvv", "--log-format", log, "--json"]), 0);
        }
    }
    for command in ["connectors", "resources", "entitlements", "grants", "runs"] {
        quiet(&scene.muster([command]), 0);
        quiet(&scene.muster([command, "--json", "-vvv"]), 0);
    }
    for words in [["inspect", "chatwoot"], ["runs", "show"]] {
        let words: Vec<&str> = if words[0] == "runs" { vec!["runs", "show", "1"] } else { words.to_vec() };
        quiet(&scene.muster(words.clone()), 0);
        quiet(&scene.muster([&words[..], &["--json", "-vvv"][..]].concat()), 0);
    }
    clean("the store", &scene.store_bytes());
}

#[test]
fn the_token_is_never_shown() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().token(TOKEN));
    every_command(&scene);
    assert!(scene.fake().requests().iter().all(|request| request.header("api_access_token") == Some(TOKEN)));
}

/// A vendor that speaks TLS, whose authority is trusted.
fn over_tls() -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().token(TOKEN).tls(Tls::default()));
    let pem = scene.fake().ca_pem().unwrap().to_owned();
    let scene = scene.file("ca.pem", pem);
    let ca = scene.path("ca.pem");
    scene.env("SSL_CERT_FILE", ca)
}

#[test]
fn the_token_is_never_shown_over_http2() {
    let scene = over_tls();
    every_command(&scene);
    assert!(scene.fake().requests().iter().all(|request| request.version == http::Version::HTTP_2));
}

/// Libraries write requests as they are sent, whatever is in them: an operator who asks for everything does not get that.
#[test]
fn what_travels_on_the_wire_is_never_logged() {
    // Seen red without `filter_fn` (cli/logging.rs): hyper and h2 wrote hundreds of lines.
    for scene in [Scene::new().chatwoot(FakeChatwoot::demo().token(TOKEN)), over_tls()] {
        let run = scene.env("MUSTER_LOG", "trace").muster(["sync", "--log-format", "json"]);
        quiet(&run, 0);
        let lines: Vec<serde_json::Value> = run.stderr.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        let of = |name: &str| {
            lines.iter().filter(|l| l["target"].as_str().is_some_and(|t| t.split("::").next() == Some(name))).count()
        };
        assert!(of("muster") > 0, "{}", run.stderr);
        for library in ["hyper", "hyper_util", "h2", "rustls", "mio"] {
            assert_eq!(of(library), 0, "{library}");
        }
    }
}

#[test]
fn a_vendor_that_repeats_the_token_in_an_error() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().token(TOKEN));
    let body = json!({"error": format!("the token {TOKEN} is no good")}).to_string();
    for status in [400, 401, 403, 404, 422, 500] {
        let echo = scene.fake().inject(Fault::get("/api/v1/profile", FaultKind::json(status, &body)));
        quiet(&scene.muster(["check", "-vvv"]), 1);
        // A run that goes on and whose check fails stays incomplete; this one has not begun.
        quiet(&scene.muster(["sync", "--fresh", "--json"]), 1);
        echo.assert_fired(2);
        echo.lift();
        let echo = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::json(status, &body)));
        quiet(&scene.muster(["sync", "--json", "-vvv"]), 3);
        assert!(echo.fired() >= 1);
        echo.lift();
    }
    clean("the store", &scene.store_bytes());
}

/// A token in names and attributes, which become records.
fn in_its_data(token: &str) {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo().token(token));
    scene.fake().edit(|world| {
        world.rename_agent(2, &format!("Bruno {token}"));
        world.rename_team(1, token);
        let agent = world.agents.get_mut(&4).unwrap();
        agent.custom_attributes.insert("note".to_owned(), json!(token));
    });
    let gzip = scene.fake().inject(Fault::get("**", FaultKind::Gzip));
    quiet(&scene.muster(["sync", "-vvv"]), 0);
    gzip.assert_fired(6);
    let names: Vec<String> =
        scene.rows("resources").iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.contains(&"Bruno ***".to_owned()), "the mask is seen: {names:?}");
    for command in ["resources", "entitlements", "grants"] {
        quiet(&scene.muster([command]), 0);
        quiet(&scene.muster([command, "--json"]), 0);
    }
    clean("the store", &scene.store_bytes());
}

#[test]
fn a_vendor_that_repeats_the_token_in_its_data() {
    in_its_data("xT0kenx7aQ");
}

#[test]
fn a_vendor_that_repeats_the_token_in_its_data_as_rails_escapes_it() {
    // Rails writes &, < and > in JSON as \u0026, \u003c and \u003e.
    in_its_data(TOKEN);
}

#[test]
fn secrets_come_from_the_environment_a_file_or_a_command() {
    let mut scene = Scene::new().chatwoot(FakeChatwoot::demo().token("plain-token")).without_env("CHATWOOT_TOKEN");
    scene = scene.file("token.txt", "plain-token\n");
    let mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(scene.path("token.txt"), mine).unwrap();
    for source in ["{ file = \"token.txt\" }", "{ command = [\"cat\", \"token.txt\"] }", "{ env = \"OTHER\" }"] {
        scene.change("support", |profile| profile.setting_toml("chatwoot-api-token", source));
        scene.set_env("OTHER", "plain-token");
        scene.muster(["check"]).exits(0).says("support: ok");
    }
    assert_eq!(scene.fake().stats().requests, 3);
    assert!(scene.fake().requests().iter().all(|request| request.header("api_access_token") == Some("plain-token")));
}
