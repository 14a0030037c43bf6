//! Where a connector may go: only to what the operator wrote, and a denial says what to write.

use serde_json::json;
use support::certificate::Tls;
use support::chatwoot::FakeChatwoot;
use support::scene::{Run, Scene};

/// A denial: `failed`, and nothing was sent.
#[track_caller]
fn denied(scene: &Scene, sentence: &str) -> Run {
    let run = scene.muster(["sync", "--json"]);
    run.exits(1).errs(sentence).complains("denied");
    let line = run.json();
    assert_eq!((&line["status"], &line["failures"][0]["reason"]), (&json!("failed"), &json!("denied")), "{line}");
    assert_eq!(scene.fake().stats().connections, 0, "nobody was called");
    let check = scene.muster(["check"]);
    check.exits(1).errs(sentence);
    run
}

#[test]
fn a_default_grants_nothing() {
    let scene = Scene::new()
        .chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.without_setting("chatwoot-base-url"));
    let run = denied(&scene, "https://app.chatwoot.com");
    run.helps("chatwoot-base-url = \"https://app.chatwoot.com\"");
}

#[test]
fn plain_http_needs_the_operators_word() {
    let mut scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.closed());
    let run = denied(&scene, "is not encrypted");
    let address = scene.fake().address();
    run.helps("[connection.network]").helps(&format!("allow-private = [\"{address}\"]"));

    // The lines, pasted as they are, allow it.
    let lines: Vec<String> = run
        .stderr
        .lines()
        .map(|line| line.trim_start_matches("help:").trim())
        .filter(|line| line.starts_with("allow-private"))
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.len(), 1, "{:?}", run.stderr);
    scene.change("support", |profile| profile.network(&lines[0]));
    scene.muster(["sync"]).exits(0);
}

#[test]
fn another_port_is_not_opened() {
    let scene =
        Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.allow_private("127.0.0.1:1"));
    denied(&scene, "is not encrypted");
}

#[test]
fn a_private_address_needs_the_operators_word() {
    let mut scene = Scene::new().chatwoot(FakeChatwoot::demo().tls(Tls::default()));
    scene.change("support", |profile| profile.closed());
    let address = scene.fake().address();
    let run = denied(&scene, &format!("{address} is a private address"));
    run.helps("[connection.network]").helps(&format!("allow-private = [\"{address}\"]"));

    // A name is judged by its addresses.
    let host_port = format!("localhost:{}", address.port());
    scene.change("support", |profile| profile.setting("chatwoot-base-url", &format!("https://{host_port}")));
    let run = denied(&scene, "is a private address");
    run.helps(&format!("allow-private = [\"{host_port}\"]"));
    // And opening the address does not open the name.
    scene.change("support", |profile| profile.allow_private(&address.to_string()));
    denied(&scene, "is a private address");
}

#[test]
fn odd_spellings_of_a_private_address_are_no_way_around() {
    let mut scene = Scene::new().chatwoot(FakeChatwoot::demo().tls(Tls::default()));
    let port = scene.fake().address().port();
    for host in ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"] {
        scene.change("support", |profile| {
            profile.closed().setting("chatwoot-base-url", &format!("https://{host}:{port}"))
        });
        let run = scene.muster(["sync"]);
        assert!(matches!(run.code, Some(1 | 2)), "{host}: {run:?}");
        run.complains("error: ");
        assert_eq!(scene.fake().stats().connections, 0, "{host} led there");
    }
}

#[test]
fn metadata_addresses_are_refused() {
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| {
        profile.setting("chatwoot-base-url", "https://169.254.169.254").closed()
    });
    denied(&scene, "169.254.169.254:443 is a link-local or metadata address");
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    let proxy = FakeChatwoot::demo().start();
    let mut scene = Scene::new().chatwoot(FakeChatwoot::demo());
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        scene.set_env(name, proxy.origin());
    }
    scene.muster(["sync"]).exits(0);
    assert_eq!(proxy.stats().connections, 0);
    assert_eq!(scene.fake().stats().requests, 6);
}

#[test]
fn an_origin_of_the_network_table_is_granted() {
    // A granted origin that no route names opens nothing and does no harm.
    let scene = Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| {
        profile.network("origins = [\"https://elsewhere.example.test\"]")
    });
    scene.muster(["sync"]).exits(0);
    let line = scene.muster(["inspect", "chatwoot", "--json"]).exits(0).json();
    assert_eq!(line["origins"], json!([{"asked": scene.fake().origin(), "granted": true}]));
}

#[test]
fn the_operators_pace_is_kept() {
    // A bucket of one minute is full at the start: the seventh request would wait.
    let scene =
        Scene::new().chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.limits("requests-per-minute = 6"));
    scene.muster(["sync"]).exits(0).says("6 requests");
}

#[test]
fn an_authority_of_the_operators_own_is_trusted_where_it_is_named() {
    let mut scene = Scene::new().chatwoot(FakeChatwoot::demo().tls(Tls::default()));
    let pem = scene.fake().ca_pem().unwrap().to_owned();
    scene.muster(["sync"]).exits(1).errs("signed by nobody this machine trusts").complains("ca-file");
    scene = scene.file("company.pem", pem);
    scene.change("support", |profile| profile.network("ca-file = \"company.pem\""));
    scene.muster(["sync"]).exits(0);
}

#[test]
fn a_file_of_authorities_that_is_none_is_refused_before_anybody_is_called() {
    let scene = Scene::new()
        .chatwoot_as("support", FakeChatwoot::demo(), |profile| profile.network("ca-file = \"company.pem\""));
    let forged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let mut rows = vec![(None, "cannot be read: no such file or directory")];
    rows.extend([(Some(""), "holds no certificate"), (Some("milk, bread"), "holds no certificate")]);
    rows.extend([(Some(forged), "holds no certificate"), (Some("-----BEGIN CERTIFICATE-----\n%"), "is no PEM file")]);
    let mut scene = scene;
    for (text, sentence) in rows {
        if let Some(text) = text {
            scene = scene.file("company.pem", text);
        }
        scene.muster(["sync"]).exits(2).errs("company.pem").errs(sentence);
        assert_eq!(scene.fake().stats().connections, 0);
    }
}
