//! Bad configuration and bad arguments: one clear sentence, exit code 2, nobody is called, nothing is lost.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use support::chatwoot::FakeChatwoot;
use support::components;
use support::scene::{Run, Scene, TOKEN, each_row, text};

/// What only somebody who knows the source would understand.
const JARGON: [&str; 12] = [
    "untagged",
    "variant",
    "u32",
    "usize",
    "i64",
    "a sequence",
    "a map",
    "path string",
    "entity",
    "invalid digit",
    "panicked",
    "RUST_BACKTRACE",
];

/// Far more than a refusal takes.
const PATIENCE: Duration = Duration::from_secs(15);

/// A scene whose plugin list is good and was synced once.
struct Synced {
    scene: Scene,
    good: String,
    rows: String,
    requests: u64,
}

impl Synced {
    fn new() -> Self {
        let scene = Scene::new().chatwoot(FakeChatwoot::demo()).patience(PATIENCE);
        // Word for word, because lines and columns are compared.
        let good = format!(
            r#"connectors = "connectors"
store = "muster.db"

[[connection]]
name = "support"
connector = "chatwoot"
[connection.settings]
chatwoot-base-url = "{}"
chatwoot-account-id = "1"
chatwoot-api-token = {{ env = "CHATWOOT_TOKEN" }}
[connection.network]
allow-private = ["{}"]
"#,
            scene.fake().origin(),
            scene.fake().address()
        );
        let scene = scene.toml(&good);
        scene.muster(["sync"]).exits(0);
        let requests = scene.fake().stats().requests;
        let rows = rows(&scene);
        assert!(rows.contains("\"status\":\"published\""), "{rows}");
        Self { scene, good, rows, requests }
    }

    /// The plugin list with one text in place of another.
    fn write(&self, from: &str, to: &str) {
        let from = match from {
            "BASE" => self.scene.fake().origin(),
            other => other.to_owned(),
        };
        assert!(self.good.contains(&from), "the good plugin list has no {from}");
        std::fs::write(self.scene.path("muster.toml"), self.good.replacen(&from, to, 1)).unwrap();
    }

    /// Nobody was called since, and whatever was published is still there.
    #[track_caller]
    fn is_unharmed(&self) {
        assert_eq!(self.scene.fake().stats().requests, self.requests, "the vendor was called");
        assert_eq!(rows(&self.scene), self.rows, "the store is another one");
    }
}

/// All rows of the store, whatever the plugin list says.
#[track_caller]
fn rows(scene: &Scene) -> String {
    let all = ["resources", "entitlements", "grants", "runs"];
    all.map(|what| scene.muster([what, "--json", "--store", "muster.db"]).exits(0).stdout.clone()).concat()
}

/// Exit code 2 and one sentence on stderr that people understand.
#[track_caller]
fn refuses(run: &Run, error: &str, help: &str) {
    run.exits(2).errs(error);
    if !help.is_empty() {
        run.helps(help);
    }
    for word in JARGON {
        run.never_says(word);
    }
}

/// What is written in place of what, and the sentence. Without help where nothing more can be said.
struct Row(&'static str, &'static str, &'static str, &'static str);

const NAME: &str = "name = \"support\"";
const CONNECTOR: &str = "connector = \"chatwoot\"";
const ACCOUNT: &str = "chatwoot-account-id = \"1\"";
const SECRET: &str = "{ env = \"CHATWOOT_TOKEN\" }";
const NETWORK: &str = "[connection.network]\nallow-private";

/// The whole file is refused: nothing on stdout.
fn whole_file(rows: &[Row]) {
    let synced = Synced::new();
    let name = |Row(from, to, ..): &&Row| format!("{to:?} for {from:?}");
    each_row(rows, name, |Row(from, to, error, help)| {
        synced.write(from, to);
        for command in ["sync", "check"] {
            let run = synced.scene.muster([command]);
            refuses(&run, error, help);
            run.stdout_is_empty();
        }
    });
    synced.is_unharmed();
}

/// The connection is refused: for programs it is a row like any other.
fn one_connection(rows: &[Row]) {
    let synced = Synced::new();
    let name = |Row(from, to, ..): &&Row| format!("{to:?} for {from:?}");
    each_row(rows, name, |Row(from, to, error, help)| {
        synced.write(from, to);
        let run = synced.scene.muster(["sync", "--json"]);
        refuses(&run, error, help);
        run.complains("error: support: ");
        let row = run.json();
        assert_eq!((text(&row, "connection"), text(&row, "status")), ("support", "failed"), "{row}");
        assert!(row["run"].is_null() && row["failures"][0]["reason"] == "invalid-settings", "{row}");
        assert!(text(&row["failures"][0], "message").contains(error), "{row}");
        let run = synced.scene.muster(["check"]);
        refuses(&run, error, help);
        run.complains("error: support: ");
        assert_eq!(run.stdout, "support: failed\n");
    });
    synced.is_unharmed();
}

#[test]
fn malformed_toml() {
    whole_file(&[
        Row(NAME, "name = \"support", "muster.toml:5:16: ", ""),
        Row("[[connection]]", "[[connection]", "muster.toml:4:14: ", ""),
        Row("store = ", "store ", "muster.toml:2:7: ", ""),
        Row("store = ", "\0store = ", "muster.toml:2:1: ", ""),
        Row("store = ", "store = \"a\"\nstore = ", "muster.toml:3:1: duplicate key", ""),
        Row("connectors = \"connectors\"", "connectors = [", "muster.toml:2:7: ", ""),
    ]);
}

#[test]
fn unknown_keys() {
    whole_file(&[
        Row("connectors = ", "conectors = ", "muster.toml:1:1: unknown key `conectors`", "did you mean `connectors`?"),
        Row(
            "[[connection]]",
            "[[conection]]",
            "muster.toml:4:3: unknown key `conection`",
            "did you mean `connection`?",
        ),
        Row(
            CONNECTOR,
            "conector = \"chatwoot\"",
            "muster.toml:6:1: unknown key `conector`",
            "did you mean `connector`?",
        ),
        Row("[connection.settings]", "[connection.setings]", "muster.toml:7:13: unknown key `setings`", "`settings`?"),
        Row(
            "allow-private",
            "alow-private",
            "muster.toml:12:1: unknown key `alow-private`",
            "did you mean `allow-private`?",
        ),
        Row(
            NETWORK,
            "[connection.limits]\nrequests-per-minuet = 1\n[connection.network]\nallow-private",
            "muster.toml:12:1: unknown key `requests-per-minuet`",
            "did you mean `requests-per-minute`?",
        ),
        Row(
            NETWORK,
            "[connection.run]\nmax-wat = \"1m\"\n[connection.network]\nallow-private",
            "muster.toml:12:1: unknown key `max-wat`",
            "did you mean `max-wait`?",
        ),
        Row(CONNECTOR, "connector = \"chatwoot\"\nzzz = 1", "muster.toml:7:1: unknown key `zzz`", ""),
    ]);
}

#[test]
fn missing_keys() {
    whole_file(&[
        Row(NAME, "", "muster.toml:4:1: missing key `name`", ""),
        Row(CONNECTOR, "", "muster.toml:4:1: missing key `connector`", ""),
    ]);
}

#[test]
fn values_of_the_wrong_type() {
    whole_file(&[
        Row("connectors = \"connectors\"", "connectors = 3", "muster.toml:1:14: ", ""),
        Row("connectors = \"connectors\"", "connectors = [3]", "muster.toml:1:", ""),
        Row("store = \"muster.db\"", "store = 7", "muster.toml:2:9: ", ""),
        Row("[[connection]]", "[connection]", "muster.toml:4:1: ", "[[connection]]"),
        Row(NAME, "name = 3", "muster.toml:5:8: ", ""),
        Row(
            NETWORK,
            "[connection.limits]\nrequests-per-minute = \"many\"\n[connection.network]\nallow-private",
            "muster.toml:12:23: ",
            "",
        ),
        Row(
            NETWORK,
            "[connection.limits]\nrequests-per-minute = -1\n[connection.network]\nallow-private",
            "requests-per-minute is -1; it has to lie",
            "",
        ),
        Row(
            NETWORK,
            "[connection.run]\nat-once = \"4\"\n[connection.network]\nallow-private",
            "muster.toml:12:11: ",
            "",
        ),
        Row(NETWORK, "[connection.run]\nmax-wait = 15\n[connection.network]\nallow-private", "muster.toml:12:12: ", ""),
        Row(
            NETWORK,
            "[connection.run]\nmax-removals = 30\n[connection.network]\nallow-private",
            "muster.toml:12:16: ",
            "",
        ),
        Row(NETWORK, "[connection.network]\norigins = \"https://a.test\"\nallow-private", "muster.toml:12:11: ", ""),
        Row(
            ACCOUNT,
            "chatwoot-account-id = 1.5",
            "connection support: the setting chatwoot-account-id is neither text, number nor flag",
            "chatwoot-account-id = ",
        ),
        Row(
            ACCOUNT,
            "chatwoot-account-id = [\"1\"]",
            "connection support: the setting chatwoot-account-id is neither text, number nor flag",
            "chatwoot-account-id = ",
        ),
        Row(
            SECRET,
            "{ evn = \"CHATWOOT_TOKEN\" }",
            "connection support: the setting chatwoot-api-token has an unknown source \"evn\"",
            "{ env = \"NAME\" }",
        ),
        Row(
            SECRET,
            "{ env = \"A\", file = \"B\" }",
            "connection support: the setting chatwoot-api-token has to name exactly one source",
            "{ env = \"NAME\" }",
        ),
        Row(SECRET, "{ }", "the setting chatwoot-api-token has to name exactly one source", "{ env = \"NAME\" }"),
        Row(
            SECRET,
            "{ env = 3 }",
            "the setting chatwoot-api-token has a value for env of the wrong type",
            "{ env = \"NAME\" }",
        ),
        Row(SECRET, "{ env = \"\" }", "connection support: the setting chatwoot-api-token ", "{ env = \"NAME\" }"),
        Row(SECRET, "{ command = \"pass\" }", "has a value for command of the wrong type", "{ command = [\"PROGRAM\""),
        Row(SECRET, "{ command = [] }", "the setting chatwoot-api-token has a command ", "{ command = [\"PROGRAM\""),
    ]);
}

#[test]
fn names_that_are_none_or_stand_twice() {
    const TWICE: &str = "[[connection]]\nname = \"support\"\nconnector = \"chatwoot\"\n[[connection]]";
    whole_file(&[
        Row("[[connection]]", TWICE, "muster.toml: there are two connections named support; rename one", ""),
        Row(NAME, "name = \"Support Desk\"", "the connection name \"Support Desk\" has to be lower-case letters", ""),
        Row(NAME, "name = \"\"", "the connection name \"\" has to be lower-case letters", ""),
        Row(NAME, "name = \"../support\"", "the connection name \"../support\" has to be lower-case letters", ""),
    ]);
}

#[test]
fn limits_out_of_bounds() {
    const ROWS: [(&str, &str, &str); 14] = [
        ("run", "max-wait = \"15\"", "max-wait is \"15\"; write a number and s, m, h or d, for example \"15m\""),
        ("run", "max-wait = \"-1m\"", "max-wait is \"-1m\"; write a number"),
        ("run", "max-wait = \"1w\"", "max-wait is \"1w\"; write a number"),
        ("run", "max-wait = \"m\"", "max-wait is \"m\"; write a number"),
        ("run", "max-wait = \"\"", "max-wait is \"\"; write a number"),
        ("run", "max-wait = \"99999999999999999999h\"", "max-wait is \"99999999999999999999h\"; write a number"),
        ("run", "max-removals = \"30\"", "max-removals is \"30\"; write a percentage, for example \"30%\""),
        ("run", "max-removals = \"101%\"", "max-removals is \"101%\"; write a percentage"),
        ("run", "max-removals = \"-1%\"", "max-removals is \"-1%\"; write a percentage"),
        ("run", "max-removals = \"%\"", "max-removals is \"%\"; write a percentage"),
        ("run", "at-once = 0", "at-once is 0; it has to lie between 1 and 64"),
        ("run", "at-once = 65", "at-once is 65; it has to lie between 1 and 64"),
        ("limits", "requests-per-minute = 0", "requests-per-minute is 0; it has to lie between 1 and 1000000"),
        ("limits", "requests-per-minute = 4294967296", "requests-per-minute is 4294967296; it has to lie"),
    ];
    let synced = Synced::new();
    each_row(
        ROWS,
        |(_, line, _)| (*line).to_owned(),
        |(table, line, error)| {
            synced.write(NETWORK, &format!("[connection.{table}]\n{line}\n{NETWORK}"));
            let run = synced.scene.muster(["sync"]);
            refuses(&run, error, "");
            run.stdout_is_empty().complains("error: muster.toml:");
        },
    );
    synced.is_unharmed();
}

/// Entries of `origins` and `allow-private`, and `--allow` and `--allow-private` alike.
#[test]
fn origins_and_hosts_that_are_none() {
    const ORIGIN: &str = "the origin ";
    const HOST: &str = "which is not host:port";
    const ROWS: [(&str, &str, &str); 16] = [
        ("origins", "a.test", "the origin \"a.test\" is no URL (https://host)"),
        ("origins", "https://a.test/x", "has a path (/x); give only https://host[:port]"),
        ("origins", "https://a.test?x=1", "has a query or a fragment; give only https://host[:port]"),
        ("origins", "https://ann@a.test", "carries a user name before the host; write it without"),
        ("origins", "ftp://a.test", "has the scheme \"ftp\"; only https and http are spoken"),
        ("origins", "https://*.a.test", ORIGIN),
        ("origins", "", ORIGIN),
        ("allow-private", "127.0.0.1", "allow-private has \"127.0.0.1\", which is not host:port"),
        ("allow-private", "http://127.0.0.1:3000", HOST),
        ("allow-private", "127.0.0.1:0", HOST),
        ("allow-private", "127.0.0.1:65536", HOST),
        ("allow-private", "127.1:3000", HOST),
        ("allow-private", "10.0.0.0/8", HOST),
        ("allow-private", "*:3000", HOST),
        ("allow-private", ":3000", HOST),
        ("allow-private", "a.test:3000/x", HOST),
    ];
    let synced = Synced::new();
    each_row(
        ROWS,
        |(key, value, _)| format!("{key} {value:?}"),
        |(key, value, error)| {
            let help = if *key == "origins" { "" } else { "without a scheme" };
            synced.write("allow-private = ", &format!("{key} = [\"{value}\"]\n#"));
            let run = synced.scene.muster(["sync"]);
            refuses(&run, error, help);
            run.stdout_is_empty().complains("error: muster.toml: connection support: ");
            let option = if *key == "origins" { "--allow" } else { "--allow-private" };
            let run = synced.scene.muster(["sync", "--connector", "connectors/chatwoot.wasm", option, value]);
            refuses(&run, error, help);
            run.stdout_is_empty();
        },
    );
    synced.is_unharmed();
}

#[test]
fn settings_that_are_missing_or_unknown() {
    one_connection(&[
        Row(
            ACCOUNT,
            "chatwoot-acount-id = \"1\"",
            "chatwoot has no setting chatwoot-acount-id",
            "did you mean chatwoot-account-id?",
        ),
        Row(
            ACCOUNT,
            "chatwoot-account-id = \"1\"\nzzz = 1",
            "chatwoot has no setting zzz",
            "chatwoot-base-url, chatwoot-account-id",
        ),
        Row(ACCOUNT, "", "the setting chatwoot-account-id (Account ID) is missing", "chatwoot-account-id = \"…\""),
        Row(
            "chatwoot-api-token = { env = \"CHATWOOT_TOKEN\" }",
            "",
            "the setting chatwoot-api-token (API access token) is missing",
            "chatwoot-api-token = { env = \"NAME\" }",
        ),
        Row(CONNECTOR, "connector = \"chatwod\"", "there is no connector chatwod; did you mean chatwoot?", ""),
        Row(CONNECTOR, "connector = \"zzz\"", "there is no connector zzz; ", ""),
    ]);
}

#[test]
fn settings_that_break_their_pattern() {
    const ERROR: &str = ", which does not have the form [0-9]+";
    one_connection(&[
        Row(
            ACCOUNT,
            "chatwoot-account-id = \"one\"",
            "the setting chatwoot-account-id is \"one\", which does not",
            "/app/accounts/",
        ),
        Row(ACCOUNT, "chatwoot-account-id = \"1/../2\"", ERROR, "/app/accounts/"),
        Row(ACCOUNT, "chatwoot-account-id = \"1 \"", ERROR, "/app/accounts/"),
        Row(ACCOUNT, "chatwoot-account-id = \"\"", ERROR, "/app/accounts/"),
        Row(ACCOUNT, "chatwoot-account-id = -1", ERROR, "/app/accounts/"),
        Row(ACCOUNT, "chatwoot-account-id = \"1\\n\"", "holds a control character or a line break", "/app/accounts/"),
    ]);
}

#[test]
fn base_urls_that_are_none() {
    const ODD: &str = "which spells the host 127.0.0.1 in an odd way";
    const WHAT: &str = "the setting chatwoot-base-url is \"";
    const HELP: &str = "https://chat.example.com";
    one_connection(&[
        Row(
            "BASE",
            "localhost",
            "the setting chatwoot-base-url is \"localhost\", which is no URL (https://host)",
            HELP,
        ),
        Row("BASE", "127.0.0.1:3000", "which is no URL (https://host)", HELP),
        Row("BASE", "http:/127.0.0.1", "which is no URL (https://host)", HELP),
        Row("BASE", "", "the setting chatwoot-base-url is \"\", which is no URL (https://host)", HELP),
        Row("BASE", "ftp://127.0.0.1", "which has the scheme \"ftp\"; only https and http are spoken", HELP),
        Row("BASE", "file:///etc/passwd", "which has the scheme \"file\"; only https and http are spoken", HELP),
        Row("BASE", "http://", "which has no host", HELP),
        Row("BASE", "https://ann@127.0.0.1", "which carries a user name before the host; write it without", HELP),
        Row("BASE", "http://127.0.0.1:3000/app", "which has a path (/app); give only https://host[:port]", HELP),
        Row(
            "BASE",
            "http://127.0.0.1:3000/app/accounts/1/dashboard",
            "which has a path (/app/accounts/1/dashboard); ",
            HELP,
        ),
        Row(
            "BASE",
            "http://127.0.0.1:3000?x=1",
            "which has a query or a fragment; give only https://host[:port]",
            HELP,
        ),
        Row("BASE", "http://127.0.0.1:3000/?x=1", "; give only https://host[:port]", HELP),
        Row("BASE", "http://127.0.0.1:3000#x", "which has a query or a fragment; give only https://host[:port]", HELP),
        Row("BASE", "http://127.1:3000", ODD, HELP),
        Row("BASE", "http://0x7f.1:3000", ODD, HELP),
        Row("BASE", "http://0177.0.0.1:3000", ODD, HELP),
        Row("BASE", "http://2130706433:3000", ODD, HELP),
        Row("BASE", "http://127.0.0.1.:3000", WHAT, HELP),
        Row("BASE", "http://[::1", WHAT, HELP),
        Row("BASE", "http://localhost.:3000", "which has a host that ends with a dot; write it without", HELP),
        Row("BASE", "http://127.0.0.1:0", WHAT, HELP),
        Row("BASE", "http://127.0.0.1:65536", WHAT, HELP),
        Row("BASE", "http://127.0.0.1:+80", WHAT, HELP),
        Row("BASE", "http://local host", WHAT, HELP),
        Row("BASE", "http://*.localhost", WHAT, HELP),
        Row("BASE", "http://127.0.0.1\\\\@localhost", WHAT, HELP),
    ]);
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    let synced = Synced::new();
    synced.write("BASE", "https://ann:hunter2@127.0.0.1");
    for command in [vec!["sync"], vec!["sync", "--json", "-vvv"], vec!["check"], vec!["inspect", "chatwoot"]] {
        synced.scene.muster(&command).never_says("hunter2");
    }
    refuses(&synced.scene.muster(["sync"]), "support: the setting chatwoot-base-url ", "");
    synced.write("allow-private = ", "origins = [\"https://ann:hunter2@a.test\"]\nallow-private = ");
    let run = synced.scene.muster(["sync"]);
    run.never_says("hunter2");
    refuses(&run, "connection support: the origin ", "");
    let run = synced.scene.muster([
        "sync",
        "--connector",
        "connectors/chatwoot.wasm",
        "--allow",
        "https://ann:hunter2@a.test",
    ]);
    run.never_says("hunter2");
    refuses(&run, "carries a user name before the host; write it without", "");
    synced.is_unharmed();
}

/// The canonical spelling is taken where the given one differs only in case or a trailing slash.
#[test]
fn a_base_url_with_a_trailing_slash_is_the_same() {
    let synced = Synced::new();
    synced.write("BASE", &format!("{}/", synced.scene.fake().origin()));
    synced.scene.muster(["sync"]).exits(0).says("0 added, 0 changed, 0 removed");
}

#[test]
fn a_secret_in_plain_text_is_refused_and_not_repeated() {
    const PLAIN: &str = "hunter2hunter2";
    const ERROR: &str = "the secret chatwoot-api-token is written ";
    let written = format!("\"{PLAIN}\"");
    let synced = Synced::new();
    synced.write(SECRET, &written);
    for command in [vec!["sync"], vec!["sync", "--json", "-vvv"], vec!["check", "--json"], vec!["inspect", "chatwoot"]]
    {
        synced.scene.muster(&command).never_says(PLAIN);
    }
    refuses(&synced.scene.muster(["sync"]), &format!("support: {ERROR}"), "chatwoot-api-token = { env = \"NAME\" }");
    // Nor where the line is wrong in another way.
    let odd =
        [format!("[{written}]"), format!("{{ enf = {written} }}"), format!("{written} oops"), format!("\"{PLAIN}")];
    each_row(odd, Clone::clone, |line| {
        synced.write(SECRET, line);
        synced.scene.muster(["sync"]).exits(2).errs("muster.toml:").never_says(PLAIN).stdout_is_empty();
    });
    synced.write(SECRET, "1234567890123456");
    synced.scene.muster(["sync"]).exits(2).errs(ERROR).never_says("1234567890123456");
    // Nor on the command line.
    let file = "connectors/chatwoot.wasm";
    let secret = format!("chatwoot-api-token={PLAIN}");
    let run = synced.scene.muster(["sync", "--connector", file, "--secret", &secret]);
    refuses(&run, "--secret chatwoot-api-token=… has to be env:VARIABLE or file:PATH", "read by everybody");
    run.never_says(PLAIN);
    let run = synced.scene.muster(["sync", "--connector", file, "--set", "chatwoot-account-id=1", "--set", &secret]);
    refuses(&run, ERROR, "--secret chatwoot-api-token=env:");
    run.never_says(PLAIN);
    synced.is_unharmed();
    assert!(!synced.scene.store_bytes().windows(PLAIN.len()).any(|w| w == PLAIN.as_bytes()), "the secret is stored");
}

#[test]
fn variables_that_hold_no_secret() {
    let mut synced = Synced::new();
    let what = |is: &str| format!("support: the environment variable {TOKEN} of the secret chatwoot-api-token {is}");
    synced.scene = synced.scene.without_env(TOKEN);
    refuses(&synced.scene.muster(["sync"]), &what("is not set"), "CHATWOOT_TOKEN=… muster");
    synced.scene.set_env(TOKEN, "");
    refuses(&synced.scene.muster(["sync"]), &what("is empty"), "");
    synced.scene.set_env(TOKEN, std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    refuses(&synced.scene.muster(["sync"]), &what("is not UTF-8"), "");
    synced.scene.set_env(TOKEN, "hunter2\nx-forged: 1");
    let run = synced.scene.muster(["sync"]);
    refuses(&run, "support: the setting chatwoot-api-token holds a control character or a line break", "");
    run.never_says("hunter2");
    synced.is_unharmed();
}

#[test]
fn files_that_hold_no_secret() {
    const ROWS: [(&str, u32, &[u8], &str); 7] = [
        ("token", 0o644, b"hunter2", "can be read by everybody on this machine"),
        ("token", 0o604, b"hunter2", "can be read by everybody on this machine"),
        ("token", 0o602, b"hunter2", "everybody on this machine"),
        ("token", 0o600, b"", "is empty"),
        ("token", 0o600, b"\n", "is empty"),
        ("token", 0o600, b"\xff\xfe\n", "is not UTF-8"),
        ("token", 0o600, &[b'a'; 65_537], "has more than 65536 bytes"),
    ];
    let synced = Synced::new();
    synced.write(SECRET, "{ file = \"token\" }");
    let path = synced.scene.path("token");
    let name =
        |(file, mode, content, _): &(&str, u32, &[u8], &str)| format!("{file} {mode:o} of {} bytes", content.len());
    each_row(ROWS, name, |(_, mode, content, error)| {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
        let run = synced.scene.muster(["sync"]);
        refuses(&run, error, if *mode == 0o600 { "" } else { "chmod 600 " });
        run.complains("error: support: the file ").complains("of the secret chatwoot-api-token").never_says("hunter2");
    });
    std::fs::remove_file(&path).unwrap();
    let absent = synced.scene.muster(["sync"]);
    refuses(&absent, "token of the secret chatwoot-api-token cannot be read: ", "");
    std::fs::create_dir(&path).unwrap();
    for mode in [0o700, 0o755] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let folder = synced.scene.muster(["sync"]);
        refuses(&folder, "token of the secret chatwoot-api-token cannot be read: is a directory", "");
        folder.never_says("chmod");
    }
    synced.is_unharmed();
    // The same file, as it should be.
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, format!("{}\n", synced.scene.fake().token())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    synced.scene.muster(["sync"]).exits(0);
}

#[test]
fn commands_that_give_no_secret() {
    const SECRET_OF: &str = "of the secret chatwoot-api-token";
    const ROWS: [(&str, &str); 4] = [
        ("[\"no-such-program-anywhere\"]", "cannot be run: "),
        ("[\"sh\", \"-c\", \"exit 3\"]", "ended with exit status: 3"),
        ("[\"true\"]", "support: the command true"),
        ("[\"sh\", \"-c\", \"head -c 70000 /dev/zero | tr '\\\\0' a\"]", "has more than 65536 bytes"),
    ];
    let synced = Synced::new();
    each_row(
        ROWS,
        |(command, _)| (*command).to_owned(),
        |(command, error)| {
            synced.write(SECRET, &format!("{{ command = {command} }}"));
            let run = synced.scene.muster(["sync"]);
            refuses(&run, error, "");
            run.complains(SECRET_OF);
        },
    );
    synced.is_unharmed();
    synced.write(SECRET, &format!("{{ command = [\"echo\", \"{}\"] }}", synced.scene.fake().token()));
    synced.scene.muster(["sync"]).exits(0);
}

#[test]
fn a_plugin_list_that_cannot_be_read() {
    let synced = Synced::new();
    let path = synced.scene.path("muster.toml");
    std::fs::remove_file(&path).unwrap();
    for command in [vec!["sync"], vec!["check"], vec!["sync", "support"]] {
        let run = synced.scene.muster(command);
        refuses(&run, "there is no muster.toml", "write one with `muster init`, or name another file with --config");
        run.stdout_is_empty();
    }
    for command in
        [vec!["sync"], vec!["connectors"], vec!["resources"], vec!["sync", "--connector", "connectors/chatwoot.wasm"]]
    {
        let run = synced.scene.muster([&command[..], &["--config", "other.toml"]].concat());
        refuses(&run, "there is no other.toml", "with `muster init`");
        run.stdout_is_empty();
    }
    std::fs::create_dir(&path).unwrap();
    for command in ["sync", "connectors", "resources"] {
        let run = synced.scene.muster([command]);
        refuses(&run, "cannot read muster.toml: is a directory", "");
        run.stdout_is_empty();
    }
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, b"store = \"\xff\"\n").unwrap();
    let run = synced.scene.muster(["sync"]);
    refuses(&run, "muster.toml", "");
    run.errs("UTF-8").stdout_is_empty();
    synced.is_unharmed();
}

#[test]
fn a_plugin_list_without_connections() {
    let synced = Synced::new();
    std::fs::write(synced.scene.path("muster.toml"), "").unwrap();
    let run = synced.scene.muster(["sync"]);
    refuses(&run, "the plugin list has no connection", "[[connection]]");
    run.stdout_is_empty();
    synced.is_unharmed();
}

#[test]
fn folders_of_connectors_that_are_none() {
    let synced = Synced::new();
    std::fs::create_dir(synced.scene.path("more")).unwrap();
    each_row(
        ["nowhere", "muster.toml", "connectors/chatwoot.wasm"],
        |folder| (*folder).to_owned(),
        |folder| {
            synced.write("connectors = \"connectors\"", &format!("connectors = [\"more\", \"{folder}\"]"));
            for command in ["sync", "connectors"] {
                let run = synced.scene.muster([command]);
                refuses(&run, &format!("cannot read the directory of connectors {folder}: "), "");
                run.stdout_is_empty();
            }
        },
    );
    synced.is_unharmed();
}

#[test]
fn two_connectors_of_one_name() {
    let synced = Synced::new();
    let beside = |file: &str| {
        let path = synced.scene.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(synced.scene.path("connectors/chatwoot.wasm"), path).unwrap();
    };
    beside("more/chatwoot.wasm");
    synced.write("connectors = \"connectors\"", "connectors = [\"connectors\", \"more\"]");
    let judge = |first: &str, second: &str| {
        let error = format!("there are two connectors named chatwoot: {first} and {second}; remove or rename one");
        for command in [vec!["sync"], vec!["connectors"], vec!["inspect", "chatwoot"]] {
            let run = synced.scene.muster(command);
            refuses(&run, &error, "");
            run.stdout_is_empty();
        }
    };
    judge("connectors/chatwoot.wasm", "more/chatwoot.wasm");
    synced.write("connectors = \"connectors\"", "connectors = \"connectors\"");
    beside("connectors/Chatwoot.wasm");
    judge("connectors/Chatwoot.wasm", "connectors/chatwoot.wasm");
    synced.is_unharmed();
}

#[test]
fn connections_and_connectors_nobody_knows() {
    const ROWS: [(&[&str], &str, &str); 9] = [
        (&["sync", "suport"], "there is no connection suport", "did you mean support?"),
        (&["sync", "support", "suport"], "there is no connection suport", "did you mean support?"),
        (&["sync", "zzz"], "there is no connection zzz", "support"),
        (&["check", "suport"], "there is no connection suport", "did you mean support?"),
        (&["resources", "--connection", "suport"], "there is no connection suport", "did you mean support?"),
        (&["grants", "--connection", "suport"], "there is no connection suport", "did you mean support?"),
        (&["runs", "--connection", "suport"], "there is no connection suport", "did you mean support?"),
        (&["inspect", "chatwod"], "there is no connector chatwod; did you mean chatwoot?", ""),
        (&["inspect", "zzz"], "there is no connector zzz; ", ""),
    ];
    commands(&ROWS);
}

#[test]
fn arguments_that_make_no_sense() {
    const FILE: &str = "connectors/chatwoot.wasm";
    const DATE: &str = "is neither a run's number nor a day (YYYY-MM-DD)";
    const ROWS: [(&[&str], &str, &str); 21] = [
        (&["snyc"], "'snyc'", "sync"),
        (&["sync", "--al"], "'--al'", ""),
        (&["sync", "--jsno"], "'--jsno'", "--json"),
        (&["--log-format", "xml", "sync"], "'xml'", ""),
        (&["-v", "-q", "sync"], "--quiet", ""),
        (&["sync", "--set", "a=b"], "--connector", ""),
        (&["sync", "support", "--connector", FILE], "--connector", ""),
        (&["runs", "show", "x"], "'x'", ""),
        (&["runs", "show", "99"], "there is no run 99", ""),
        (&["runs", "accept", "99"], "there is no run 99", ""),
        (&["runs", "accept", "1"], "run 1 cannot be accepted: ", ""),
        (&["resources", "--as-of", "yesterday"], DATE, ""),
        (&["resources", "--as-of", "2026-02-31"], "--as-of 2026-02-31 is neither", ""),
        (&["entitlements", "--as-of", "1.5"], DATE, ""),
        (&["grants", "--as-of", ""], DATE, ""),
        (&["grants", "--as-of", "99"], "there is no run 99", ""),
        (
            &["sync", "--connector", FILE, "--set", "chatwoot-account-id"],
            "--set chatwoot-account-id has to be NAME=VALUE",
            "",
        ),
        (
            &["sync", "--connector", FILE, "--secret", "chatwoot-api-token"],
            "--secret has to be NAME=env:VARIABLE or NAME=file:PATH",
            "",
        ),
        (
            &["sync", "--connector", FILE, "--secret", "chatwoot-api-token=env:"],
            "has to be env:VARIABLE or file:PATH",
            "",
        ),
        (&["sync", "--connector", "connectors/no_slug!.wasm"], "is not named as a connector has to be", ""),
        (&["inspect", "nowhere/chatwoot.wasm"], "cannot read nowhere/chatwoot.wasm: ", ""),
    ];
    commands(&ROWS);
}

/// Somebody who types nothing more sees what there is, line by line.
#[test]
fn no_command_at_all() {
    let run = Scene::new().muster([] as [&str; 0]);
    run.exits(2).stdout_is_empty().never_says("error:");
    for command in ["init", "connectors", "check", "sync", "resources"] {
        let lines = run.stderr.lines().filter(|line| line.trim_start().starts_with(&format!("{command} "))).count();
        assert_eq!(lines, 1, "no line begins with {command}: {}", run.stderr);
    }
}

/// The same on stdout for every one: nothing.
fn commands(rows: &[(&[&str], &str, &str)]) {
    let synced = Synced::new();
    each_row(
        rows,
        |(command, ..)| command.join(" "),
        |(command, error, help)| {
            let run = synced.scene.muster(*command);
            refuses(&run, error, help);
            run.stdout_is_empty();
        },
    );
    synced.is_unharmed();
}

/// `--set` and `--secret` are judged as what stands in the file is, and the help says what to type.
#[test]
fn one_off_settings_that_are_wrong() {
    const FILE: &str = "connectors/chatwoot.wasm";
    const ROWS: [(&[&str], &str, &str); 3] = [
        (
            &["--set", "chatwoot-acount-id=1"],
            "chatwoot has no setting chatwoot-acount-id",
            "did you mean chatwoot-account-id?",
        ),
        (&["--set", "chatwoot-account-id=one"], "which does not have the form [0-9]+", "/app/accounts/"),
        (&[], "the setting chatwoot-account-id (Account ID) is missing", "--set chatwoot-account-id="),
    ];
    let synced = Synced::new();
    each_row(
        ROWS,
        |(options, ..)| options.join(" "),
        |(options, error, help)| {
            let run = synced.scene.muster([&["sync", "--json", "--connector", FILE], *options].concat());
            refuses(&run, error, help);
            run.complains("error: chatwoot: ");
            assert_eq!(text(&run.json(), "status"), "failed");
        },
    );
    synced.is_unharmed();
}

#[test]
fn init_overwrites_nothing() {
    let scene = Scene::new().built_connector("chatwoot").toml("# mine\n");
    let run = scene.muster(["init"]);
    refuses(&run, "muster.toml exists already and is left as it is", "--config FILE");
    run.stdout_is_empty();
    assert_eq!(scene.toml_text(), "# mine\n");
    // Nor what a link points at.
    let scene = scene.without_toml();
    std::os::unix::fs::symlink("elsewhere.toml", scene.path("muster.toml")).unwrap();
    let run = scene.muster(["init"]);
    refuses(&run, "muster.toml exists already and is left as it is", "");
    assert!(!scene.path("elsewhere.toml").exists());
}

#[test]
fn what_init_writes_is_read_by_check_and_needs_only_its_values() {
    let scene = Scene::new().chatwoot(FakeChatwoot::demo()).without_toml();
    scene.muster(["init"]).exits(0).says("wrote muster.toml with a connection for chatwoot").stderr_is_empty();
    let run = scene.muster(["check"]);
    run.exits(2).errs("chatwoot: the setting chatwoot-account-id is \"\"").helps("/app/accounts/");
    let address = scene.fake().address().to_string();
    let mut filled = scene.toml_text();
    let origin = scene.fake().origin();
    for (from, to) in [
        ("chatwoot-base-url = \"https://app.chatwoot.com\"", format!("chatwoot-base-url = \"{origin}\"").as_str()),
        ("chatwoot-account-id = \"\"", "chatwoot-account-id = \"1\""),
        ("{ env = \"CHATWOOT_API_TOKEN\" }", "{ env = \"CHATWOOT_TOKEN\" }"),
        ("# allow-private = [\"127.0.0.1:3000\"]", format!("allow-private = [\"{address}\"]").as_str()),
    ] {
        assert!(filled.contains(from), "init wrote no {from}:\n{filled}");
        filled = filled.replace(from, to);
    }
    let scene = scene.toml(&filled);
    scene.muster(["check"]).exits(0).says("chatwoot: ok");
    // All that is commented out is understood, too.
    let all: String = filled.lines().map(|line| uncommented(line).to_owned() + "\n").collect();
    let scene = scene.toml(&all);
    scene.muster(["check"]).exits(0).says("chatwoot: ok");
}

/// A commented key or table without its `# `.
fn uncommented(line: &str) -> &str {
    let is_toml =
        |rest: &str| rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    line.strip_prefix("# ").filter(|rest| is_toml(rest)).unwrap_or(line)
}

#[test]
fn init_without_connectors_says_so_and_writes_a_file_that_is_read() {
    let scene = Scene::new();
    scene.muster(["init"]).exits(0).says("no connectors were found in connectors").stderr_is_empty();
    refuses(&scene.muster(["check"]), "the plugin list has no connection", "[[connection]]");
    scene.muster(["connectors"]).exits(0);
}

/// One connection of two is refused: the other is run, and the exit code says that it was some of it.
#[test]
fn a_good_connection_is_run_beside_a_bad_one() {
    let scene = Scene::new()
        .chatwoot(FakeChatwoot::demo())
        .chatwoot_as("broken", FakeChatwoot::demo(), |profile| profile.without_setting("chatwoot-account-id"));
    let run = scene.muster(["sync"]);
    run.exits(3).errs("broken: the setting chatwoot-account-id (Account ID) is missing");
    run.says("broken: failed").says("support: published as run 1");
    assert_eq!(scene.fake_of("broken").stats().requests, 0);
    assert_eq!(scene.resource_ids().len(), 11);
    assert!(Path::new(&scene.path("muster.db")).exists());
}

/// A connector that asks for nothing needs no setting; what is written for it all the same is refused.
#[test]
fn a_setting_of_a_connector_without_settings() {
    let scene = Scene::new()
        .connector("plain.wasm", components::working("plain"))
        .connection(support::scene::Profile::new("plain", "plain").setting("token", "x"));
    refuses(&scene.muster(["sync"]), "plain: plain has no setting token", "");
}
