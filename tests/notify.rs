//! Mails after a sync, to a real mail server: what stands in them, and what happens where they cannot be sent.

use support::certificate::Tls;
use support::chatwoot::FakeChatwoot;
use support::fault::{Fault, FaultKind};
use support::scene::{Run, Scene, TOKEN};
use support::smtp::{Builder, Mail, SmtpServer};

use crate::apply::{changed, planned};

const PASSWORD: &str = "smtp-hunter2";
/// Headers of which no test can know the value.
const UNKNOWN: [&str; 2] = ["Date", "Message-ID"];

/// The server, or nothing and the printed reason where Python is missing.
fn server(builder: Builder) -> Option<SmtpServer> {
    match builder.start() {
        Ok(server) => Some(server),
        Err(reason) => {
            println!("skipped: {reason}, which the mail server runs on");
            None
        }
    }
}

/// A Chatwoot of which somebody is told by this server.
fn scene(smtp: &str, notify: &str) -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder().agents(3).teams(1).members_per_team(2));
    told(scene, smtp, notify)
}

fn told(scene: Scene, smtp: &str, notify: &str) -> Scene {
    let text = format!("{}\n[connection.notify]\n{notify}\n\n{smtp}", scene.toml_text());
    scene.toml(text).env("SMTP_PASSWORD", PASSWORD)
}

fn login(server: &SmtpServer) -> String {
    format!("{}user = \"muster\"\npassword = {{ env = \"SMTP_PASSWORD\" }}\n", server.toml())
}

const ANN: &str = "email = [\"Ann Tide <ann@acme.test>\"]";

/// The run went well, and the mail did not: one error line with this text.
#[track_caller]
fn unsent(run: &Run, text: &str) {
    run.exits(0).says("published as run 1").errs("support: the mail was not sent: ").errs(text).never_says(PASSWORD);
}

#[test]
fn every_sync_is_told_over_starttls_with_a_login() {
    let Some(server) = server(SmtpServer::with_tls("starttls").login("muster", PASSWORD)) else { return };
    let scene = scene(&login(&server), "email = [\"Ann Tide <ann@acme.test>\", \"ben@acme.test\"]");
    scene.muster(["sync"]).exits(0).says("published as run 1").stderr_is_empty();
    let mail = server.mail();
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("muster@acme.test", &["ann@acme.test".to_owned(), "ben@acme.test".to_owned()][..])
    );
    assert!(mail.tls && mail.login);
    assert_eq!(server.events("login").len(), 1);
    let found = mail.without(&UNKNOWN);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/mail-first.txt");
    if std::env::var_os("MUSTER_BLESS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap(), "MUSTER_BLESS=1 writes it anew");
    scene.muster(["sync"]).exits(0).stderr_is_empty();
    let [_, second] = &server.mails()[..] else { panic!("two mails: {:?}", server.mails()) };
    assert!(second.text.contains("Subject: muster: support: nothing changed"), "{}", second.text);
    let number = |mail: &Mail| mail.text.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned();
    assert_ne!(number(&server.mails()[0]), number(second));
}

#[test]
fn a_server_that_speaks_tls_from_the_first_byte_and_one_on_this_machine_without() {
    for (tls, encrypted) in [("tls", true), ("none", false)] {
        let Some(server) = server(SmtpServer::with_tls(tls).login("muster", PASSWORD)) else { return };
        scene(&login(&server), ANN).muster(["sync"]).exits(0).stderr_is_empty();
        let mail = server.mail();
        assert_eq!((mail.tls, mail.login), (encrypted, true), "{tls}");
    }
}

#[test]
fn only_news_are_told_where_that_is_wanted() {
    let Some(server) = server(SmtpServer::with_tls("starttls")) else { return };
    let scene = scene(&server.toml(), &format!("{ANN}\nwhen = \"changes\""));
    scene.muster(["sync"]).exits(0);
    scene.muster(["sync"]).exits(0).stderr_is_empty();
    assert_eq!(server.mails().len(), 1, "nothing changed the second time");
    scene.fake().edit(|world| world.rename_agent(2, "Zoë\r\nBcc: eve@evil.test"));
    scene.muster(["sync"]).exits(0);
    let fault = scene.fake().inject(Fault::get(&scene.fake().path("agents"), FaultKind::status(404)).times(1));
    scene.muster(["sync"]).exits(3);
    fault.assert_fired(1);
    let mails = server.mails();
    let [_, changed, failed] = &mails[..] else { panic!("three mails: {mails:?}") };
    assert!(changed.text.contains("Subject: muster: support: 0 added, 1 changed, 0 removed"), "{}", changed.text);
    assert!(!changed.text.lines().any(|line| line.starts_with("Bcc")), "{}", changed.text);
    assert_eq!(changed.to, ["ann@acme.test"]);
    assert!(failed.text.contains("Subject: muster: support: incomplete"), "{}", failed.text);
    assert!(failed.text.contains("What failed:"), "{}", failed.text);
}

#[test]
fn a_refused_credential_and_a_held_run_are_told_with_what_to_do() {
    let Some(server) = server(SmtpServer::with_tls("starttls")) else { return };
    let mut scene = told(
        Scene::new().chatwoot(FakeChatwoot::builder().agents(40).teams(1).members_per_team(2)),
        &server.toml(),
        ANN,
    );
    scene.muster(["sync"]).exits(0);
    scene.fake().edit(|world| (10..40).for_each(|id| world.remove_agent(id)));
    scene.muster(["sync"]).exits(3).says("run 2 is held");
    scene.set_env(TOKEN, "mistyped-token");
    scene.muster(["sync"]).exits(1);
    let mails = server.mails();
    let [_, held, failed] = &mails[..] else { panic!("three mails: {mails:?}") };
    for part in ["Subject: muster: support: held", "Why it is held:", "muster runs accept 2", "What it would change:"] {
        assert!(held.text.contains(part), "{part}: {}", held.text);
    }
    for part in ["Subject: muster: support: failed", "check: unauthorized: "] {
        assert!(failed.text.contains(part), "{part}: {}", failed.text);
    }
    assert!(
        mails.iter().all(|mail| !mail.text.contains("mistyped-token") && !mail.text.contains(scene.fake().token()))
    );
}

#[test]
fn a_wrong_password_loses_the_mail_and_not_the_run() {
    let Some(server) = server(SmtpServer::with_tls("starttls").login("muster", "another")) else { return };
    let run = scene(&login(&server), ANN).muster(["sync"]);
    unsent(&run, "refused the login of muster: 535");
    run.helps("check user and password under [smtp]");
    assert_eq!(server.events("login"), [serde_json::json!({"event": "login", "good": false})]);
    assert!(server.mails().is_empty());
}

#[test]
fn a_password_that_is_not_there_loses_the_mail_and_not_the_run() {
    let Some(server) = server(SmtpServer::with_tls("starttls").login("muster", PASSWORD)) else { return };
    let run = scene(&login(&server), ANN).without_env("SMTP_PASSWORD").muster(["sync"]);
    unsent(&run, "the environment variable SMTP_PASSWORD");
    assert!(server.events("login").is_empty(), "nobody was asked");
}

#[test]
fn a_server_that_is_down_or_ends_in_the_middle() {
    let Some(mut server) = server(SmtpServer::with_tls("starttls").aborts()) else { return };
    let toml = server.toml();
    let run = scene(&toml, ANN).muster(["sync"]);
    unsent(&run, "did not take the mail");
    assert_eq!(server.events("aborted").len(), 1);
    server.stop();
    let run = scene(&toml, ANN).muster(["sync"]);
    unsent(&run, "cannot be reached");
    run.helps("see whether it is up");
}

#[test]
fn nothing_is_said_to_a_server_whose_connection_is_not_as_it_has_to_be() {
    let Some(plain) = server(SmtpServer::with_tls("none")) else { return };
    let Some(other) = server(SmtpServer::with_tls("tls").certificate(Tls::default().names(&["mail.test"]))) else {
        return;
    };
    let Some(expired) = server(SmtpServer::with_tls("starttls").certificate(Tls::default().expired())) else { return };
    let Some(good) = server(SmtpServer::with_tls("starttls")) else { return };
    let Some(wrapped) = server(SmtpServer::with_tls("tls")) else { return };
    let starttls = plain.toml().replace("\"none\"", "\"starttls\"");
    let unknown: String = good.toml().lines().filter(|l| !l.starts_with("ca-file")).map(|l| format!("{l}\n")).collect();
    let table = [
        (starttls, "does not offer STARTTLS, and nothing was sent"),
        (other.toml(), "cannot be set up"),
        (expired.toml(), "its certificate has run out"),
        (unknown, "signed by nobody this machine trusts"),
        (good.toml().replace("\"starttls\"", "\"tls\""), "the answer is no TLS"),
    ];
    for (toml, text) in table {
        unsent(&scene(&toml, ANN).muster(["sync"]), text);
    }
    for server in [&plain, &other, &expired, &good, &wrapped] {
        assert!(server.mails().is_empty());
    }
}

#[test]
fn an_address_that_is_refused_does_not_keep_the_others_from_theirs() {
    let Some(server) = server(SmtpServer::with_tls("starttls").refuses("eve@acme.test")) else { return };
    let scene = scene(&server.toml(), "email = [\"eve@acme.test\", \"ann@acme.test\"]");
    scene.muster(["sync"]).exits(0).errs("refused some of the addresses: eve@acme.test (550").helps("check email");
    assert_eq!(server.mail().to, ["ann@acme.test"]);
    let scene = self::scene(&server.toml(), "email = [\"eve@acme.test\"]");
    unsent(&scene.muster(["sync"]), "refused every address: eve@acme.test (550");
    assert_eq!((server.mails().len(), server.events("refused").len()), (1, 2));
}

#[test]
fn a_replay_tells_nobody() {
    let Some(server) = server(SmtpServer::with_tls("starttls")) else { return };
    let scene = scene(&server.toml(), ANN);
    scene.muster(["sync", "--record", "day.tape"]).exits(0);
    assert_eq!(server.mails().len(), 1);
    scene.muster(["sync", "--replay", "day.tape", "--store", "replay.db"]).exits(0).stderr_is_empty();
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn an_apply_is_told_with_what_it_changed() {
    let Some(server) = server(SmtpServer::with_tls("starttls").login("muster", PASSWORD)) else { return };
    let mut pair = changed();
    planned(&pair);
    // It ends with the connection to the target.
    let text = format!("{}\n[connection.notify]\n{ANN}\n\n{}", pair.toml_text(), login(&server));
    std::fs::write(pair.path("muster.toml"), text).unwrap();
    pair.set_env("SMTP_PASSWORD", PASSWORD);
    pair.muster(["apply", "plan.json", "--dry-run"]).exits(0).stderr_is_empty();
    assert_eq!(server.mails().len(), 0, "a dry run is no news");
    pair.muster(["apply", "plan.json", "--yes"]).exits(0).stderr_is_empty();
    let mail = server.mail();
    assert!(mail.tls && mail.login && mail.to == ["ann@acme.test"], "{mail:?}");
    for line in ["charthop: a plan from justworks was applied: 5 applied.", "applied: ben@lantern.test"] {
        assert!(mail.text.contains(line), "{line:?} is not in {}", mail.text);
    }
}
