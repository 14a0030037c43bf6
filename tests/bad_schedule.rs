//! Mistakes in schedules, in whom to tell and in the mail server: each is said with its place before anybody is called.

use support::chatwoot::FakeChatwoot;
use support::scene::{Scene, each_row};

const SMTP: &str = "[smtp]\nhost = \"smtp.acme.test\"\nfrom = \"muster@acme.test\"\n";

fn with(keys: &str, tables: &str) -> Scene {
    let scene = Scene::new().chatwoot(FakeChatwoot::builder());
    let text = scene.toml_text().replace("connector = \"chatwoot\"\n", &format!("connector = \"chatwoot\"\n{keys}\n"));
    scene.toml(format!("{text}\n{tables}"))
}

#[test]
fn each_mistake_is_refused_and_nobody_is_asked() {
    let notify = |lines: &str| format!("[connection.notify]\n{lines}\n{SMTP}");
    let table = [
        (
            "schedule = \"weekly\"",
            String::new(),
            "schedule is \"weekly\"; write \"daily 06:30\", \"hourly\" or \"every 15m\"",
            "",
        ),
        ("schedule = \"every 5s\"", String::new(), "not between 1m and 31d", ""),
        ("schedule = 6", String::new(), "wrong type: integer `6`, expected text", ""),
        ("schedule = \"hourly\"\ntime-zone = \"Europe/Berlim\"", String::new(), "which nobody knows", "Europe/Berlin"),
        ("time-zone = \"Europe/Berlin\"", String::new(), "time-zone is given without a schedule", "daily 06:30"),
        ("schedul = \"hourly\"", String::new(), "unknown key `schedul`", "did you mean `schedule`?"),
        (
            "",
            "[connection.notify]\nemail = [\"ann@acme.test\"]\n".to_owned(),
            "no server takes the mails",
            "add [smtp]",
        ),
        ("", notify("email = []"), "notify names 0 addresses", "email = "),
        ("", notify("email = \"ann@acme.test\""), "expected a list", ""),
        ("", notify("email = [\"ann\"]"), "notify has the address \"ann\", which is none", "Ann <ann@acme.test>"),
        ("", notify("email = [\"ann@acme.test\"]\nwhen = \"never\""), "when is \"never\"", ""),
        (
            "",
            format!("{SMTP}tls = \"none\"\n"),
            "smtp: tls is \"none\" and smtp.acme.test is another machine",
            "starttls",
        ),
        ("", format!("{SMTP}user = \"muster\"\npassword = \"hunter2\"\n"), "as plain text", "{ env = "),
        ("", format!("{SMTP}pasword = \"hunter2\"\n"), "unknown key `pasword`", "did you mean `password`?"),
    ];
    each_row(
        table,
        |row| format!("{} {}", row.0, row.1),
        |(keys, tables, error, help)| {
            let scene = with(keys, tables);
            for command in ["sync", "serve"] {
                let run = scene.muster([command]);
                run.exits(2).errs("muster.toml:").errs(error).never_says("hunter2");
                if !help.is_empty() {
                    run.helps(help);
                }
            }
            assert_eq!(scene.fake().stats().requests, 0);
        },
    );
}

#[test]
fn a_server_without_anything_to_serve_says_what_to_write() {
    with("", "")
        .muster(["serve"])
        .exits(2)
        .errs("no connection of the plugin list has a schedule")
        .helps("daily 06:30");
}
