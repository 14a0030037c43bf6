//! `muster.toml` as it is written: every key known, every value of its type, nothing guessed.

use super::error::ConfigError;
use super::limit::{self, Given};
use super::notify::{Notify, RawNotify};
use super::quantity::{parse_duration, parse_percent};
use super::schedule;
use super::smtp::{RawSmtp, Smtp};
use super::source::Source;
use crate::egress::policy::Network;
use crate::egress::target::Origin;
use crate::model::is_slug;
use crate::schedule::Schedule;
use crate::store::guard::DEFAULT_PERCENT;
use crate::text;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the configuration is looked for.
pub const DEFAULT_FILE: &str = "muster.toml";

/// The configuration, paths resolved against the file's folder.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directories of connectors.
    pub connectors: Vec<PathBuf>,
    /// The store.
    pub store: PathBuf,
    /// The plugin list.
    pub connections: Vec<Connection>,
    /// The server that takes mails.
    pub smtp: Option<Smtp>,
}

/// One configured use of a connector.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Unique; a slug.
    pub name: String,
    /// The connector's name.
    pub connector: String,
    /// Where each setting's value comes from.
    pub settings: BTreeMap<String, Source>,
    /// Granted origins and opened hosts.
    pub network: Network,
    /// A file of certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Limits the operator set: name and value in the limit's unit.
    pub limits: Given,
    /// Waiting for a vendor in a run.
    pub max_wait: Option<Duration>,
    /// How long after it began an interrupted run may go on.
    pub resume_within: Duration,
    /// Percent of a type that may vanish unseen.
    pub max_removals_percent: u8,
    /// Calls in progress at once.
    pub at_once: Option<usize>,
    /// When `muster serve` runs it.
    pub schedule: Option<Schedule>,
    /// Who is told what its runs come to.
    pub notify: Option<Notify>,
}

impl Connection {
    /// A connection with nothing but its names.
    pub fn new(name: &str, connector: &str) -> Connection {
        Connection {
            name: name.to_owned(),
            connector: connector.to_owned(),
            settings: BTreeMap::new(),
            network: Network::default(),
            ca_file: None,
            limits: Given::new(),
            max_wait: None,
            resume_within: RESUME_WITHIN,
            max_removals_percent: DEFAULT_PERCENT,
            at_once: None,
            schedule: None,
            notify: None,
        }
    }

    /// Grants an origin, as `--allow` and `origins` do.
    ///
    /// # Errors
    /// It is none.
    pub fn allow(&mut self, origin: &str) -> Result<(), ConfigError> {
        let origin = Origin::parse(origin)
            .map_err(|why| ConfigError::new(format!("the origin {:?} {why}", text::without_user(origin))))?;
        self.network.origins.push(origin);
        Ok(())
    }

    /// Opens a host and port, as `--allow-private` and `allow-private` do.
    ///
    /// # Errors
    /// It is not `host:port`.
    pub fn allow_private(&mut self, host_port: &str) -> Result<(), ConfigError> {
        let wrong = || {
            ConfigError::new(format!("allow-private has {:?}, which is not host:port", text::without_user(host_port)))
                .with_help("write host and port without a scheme, for example \"127.0.0.1:3000\"")
        };
        let has_port = host_port.rsplit_once(':').is_some_and(|(_, p)| p.parse::<u16>().is_ok());
        let origin = Origin::parse(&format!("http://{host_port}")).map_err(|_| wrong())?;
        if !has_port {
            return Err(wrong());
        }
        self.network.allow_private.insert(origin.host_port());
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default = "default_connectors")]
    connectors: OneOrMany,
    #[serde(default = "default_store")]
    store: PathBuf,
    #[serde(default)]
    connection: Vec<RawConnection>,
    smtp: Option<RawSmtp>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "connectors has to be a folder (\"connectors\") or a list of folders")]
enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

fn default_connectors() -> OneOrMany {
    OneOrMany::One("connectors".into())
}

fn default_store() -> PathBuf {
    "muster.db".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawConnection {
    name: String,
    connector: String,
    schedule: Option<String>,
    time_zone: Option<String>,
    notify: Option<RawNotify>,
    #[serde(default)]
    settings: BTreeMap<String, toml::Value>,
    #[serde(default)]
    network: RawNetwork,
    #[serde(default)]
    limits: BTreeMap<toml::Spanned<String>, toml::Spanned<toml::Value>>,
    #[serde(default)]
    run: RawRun,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawNetwork {
    origins: Vec<String>,
    allow_private: Vec<String>,
    ca_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawRun {
    max_wait: Option<String>,
    resume_within: Option<String>,
    max_removals: Option<String>,
    at_once: Option<i64>,
}

/// How long after it began an interrupted run may go on: what it has read by then is of another day.
const RESUME_WITHIN: Duration = Duration::from_secs(6 * 60 * 60);
/// Calls at once that an operator may ask for: each holds an instance of up to 256 MiB.
const MOST_AT_ONCE: usize = 64;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no TOML, or says what nobody understands.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => ConfigError::new(format!("there is no {}", path.display()))
                .with_help("write one with `muster init`, or name another file with --config"),
            _ => ConfigError::new(format!("cannot read {}: {}", path.display(), text::io_words(&e))),
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|e| ConfigError { message: format!("{}{}", path.display(), e.message), ..e })
    }

    /// Reads a text. The message of an error begins where the file's name ends: `:3:1: …` or `: …`.
    ///
    /// # Errors
    /// See [`Config::read`].
    pub fn parse(text: &str, folder: &Path) -> Result<Config, ConfigError> {
        let raw: RawFile = toml::from_str(text).map_err(|e| explain(text, &e))?;
        let mut connections = Vec::new();
        let mut names = HashSet::new();
        for mut connection in raw.connection {
            let name = connection.name.clone();
            if !is_slug(&name) {
                return Err(ConfigError::new(format!(
                    ": the connection name {name:?} has to be lower-case letters, digits and -, beginning with a letter"
                )));
            }
            if !names.insert(name.clone()) {
                return Err(ConfigError::new(format!(": there are two connections named {name}; rename one")));
            }
            let limits = limit::read(std::mem::take(&mut connection.limits), |span| place(text, &span))?;
            let connection = connection
                .check(folder)
                .map_err(|e| ConfigError { message: format!(": connection {name}: {}", e.message), ..e })?;
            let connection = Connection { limits, ..connection };
            connections.push(connection);
        }
        let smtp = raw.smtp.map(|smtp| smtp.check(folder)).transpose();
        let smtp = smtp.map_err(|e| ConfigError { message: format!(": smtp: {}", e.message), ..e })?;
        if let (Some(told), None) = (connections.iter().find(|c| c.notify.is_some()), &smtp) {
            let message = format!(": connection {}: notify names addresses, and no server takes the mails", told.name);
            return Err(ConfigError::new(message).with_help("add [smtp] with host, user, password and from"));
        }
        let connectors = match raw.connectors {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        };
        Ok(Config {
            connectors: connectors.into_iter().map(|p| folder.join(p)).collect(),
            store: folder.join(raw.store),
            connections,
            smtp,
        })
    }
}

impl RawConnection {
    fn check(self, folder: &Path) -> Result<Connection, ConfigError> {
        let mut connection = Connection::new(&self.name, &self.connector);
        for (name, value) in self.settings {
            let source = match Source::from_toml(&name, value)? {
                Source::File(path) => Source::File(folder.join(path)),
                other => other,
            };
            connection.settings.insert(name, source);
        }
        self.network.origins.iter().try_for_each(|o| connection.allow(o))?;
        self.network.allow_private.iter().try_for_each(|h| connection.allow_private(h))?;
        connection.ca_file = self.network.ca_file.map(|path| folder.join(path));
        connection.max_wait = self.run.max_wait.as_deref().map(|t| parse_duration("max-wait", t)).transpose()?;
        if let Some(text) = self.run.resume_within {
            connection.resume_within = parse_duration("resume-within", &text)?;
        }
        if let Some(text) = self.run.max_removals {
            connection.max_removals_percent = parse_percent("max-removals", &text)?;
        }
        let at_once = self.run.at_once.map(|n| {
            let fits = usize::try_from(n).ok().filter(|n| (1..=MOST_AT_ONCE).contains(n));
            fits.ok_or_else(|| ConfigError::new(format!("at-once is {n}; it has to lie between 1 and {MOST_AT_ONCE}")))
        });
        connection.at_once = at_once.transpose()?;
        connection.schedule = schedule::read(self.schedule.as_deref(), self.time_zone.as_deref())?;
        connection.notify = self.notify.map(RawNotify::check).transpose()?;
        Ok(connection)
    }
}

/// Line and column of a span, as `:3:1`.
fn place(text: &str, span: &std::ops::Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(":{line}:{column}")
}

/// TOML's error with line and column, and the key that was probably meant.
fn explain(text: &str, error: &toml::de::Error) -> ConfigError {
    let message = error.message().lines().next().unwrap_or_default().trim().to_owned();
    let place = error.span().map_or_else(String::new, |span| place(text, &span));
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let meant = match (message.starts_with("unknown field"), quoted.split_first()) {
        (true, Some((wrong, known))) => text::nearest(wrong, known.iter().copied()),
        _ => None,
    };
    let error = ConfigError::new(format!("{place}: {}", text::neutral(&in_plain_words(&message))));
    if message.contains("invalid type: map, expected a sequence") {
        return error.with_help("a connection begins with [[connection]], in two pairs of brackets");
    }
    match meant {
        Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
        None => error,
    }
}

/// The parser's words as a person would say them.
fn in_plain_words(message: &str) -> String {
    const WORDS: [(&str, &str); 14] = [
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("invalid type: ", "wrong type: "),
        ("invalid value: ", "wrong value: "),
        ("expected path string", "expected text"),
        ("expected a string", "expected text"),
        ("expected i64", "expected a whole number"),
        ("expected a sequence", "expected a list"),
        ("expected struct RawConnection", "expected a connection"),
        ("expected struct RawNotify", "expected a table"),
        ("expected struct RawSmtp", "expected a table"),
        ("string \"", "the text \""),
        ("sequence", "a list"),
        ("map", "a table"),
    ];
    WORDS.iter().fold(message.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/muster"))
    }

    const WHOLE: &str = r#"
connectors = "connectors"
store = "muster.db"
[smtp]
host = "smtp.acme.test"
from = "muster@acme.test"
[[connection]]
name = "support"
connector = "chatwoot"
schedule = "daily 06:30"
time-zone = "Europe/Berlin"
[connection.notify]
email = ["ann@acme.test"]
[connection.settings]
chatwoot-base-url = "https://app.chatwoot.com"
chatwoot-account-id = 1
chatwoot-api-token = { env = "CHATWOOT_TOKEN" }
[connection.network]
origins = ["https://a.test"]
allow-private = ["127.0.0.1:3000"]
[connection.limits]
requests-per-minute = 600
[connection.run]
max-wait = "15m"
resume-within = "90m"
max-removals = "30%"
at-once = 16
"#;

    #[test]
    fn the_whole_file_is_understood() {
        let config = parse(WHOLE).expect("config");
        assert_eq!(config.store, Path::new("/etc/muster/muster.db"));
        let [connection] = config.connections.as_slice() else { panic!("one connection") };
        assert_eq!(connection.max_wait, Some(Duration::from_secs(900)));
        assert_eq!(connection.resume_within, Duration::from_secs(5400));
        assert_eq!(connection.settings.len(), 3);
        assert!(connection.network.allow_private.contains("127.0.0.1:3000"));
        assert!(connection.schedule.is_some() && connection.notify.is_some() && config.smtp.is_some());
    }

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let table = [
            ("connectors = 3", ":1:14"),
            ("conectors = \"x\"", ":1:1: unknown key `conectors`"),
            ("a = [", ":1:"),
            ("[[connection]]\nname = \"a\"", ":1:1: missing key `connector`"),
            ("[[connection]]\nname = \"A b\"\nconnector = \"x\"", "connection name \"A b\""),
        ];
        for (text, expected) in table {
            let error = parse(text).expect_err(text);
            assert!(error.message.contains(expected), "{text}: {}", error.message);
        }
        let error = parse("conectors = \"x\"").expect_err("typo");
        assert_eq!(error.help, ["did you mean `connectors`?"]);
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        let table = [
            ("15m", "fifteen", "max-wait is \"fifteen\""),
            ("30%", "30", "max-removals is \"30\""),
            ("at-once = 16", "at-once = 0", "at-once is 0"),
            ("= 600", "= 0", "requests-per-minute is 0"),
            ("= 600", "= -1", "requests-per-minute is -1"),
            ("= 600", "= \"many\"", "requests-per-minute is \"many\"; write a number"),
            ("127.0.0.1:3000", "127.0.0.1", "not host:port"),
            ("127.0.0.1:3000", "http://127.0.0.1:3000", "not host:port"),
            ("https://a.test", "a.test", "the origin \"a.test\""),
            ("daily 06:30", "weekly", "connection support: schedule is \"weekly\""),
            ("ann@acme.test", "ann", "connection support: notify has the address \"ann\""),
            ("host = \"smtp.acme.test\"", "host = \"\"", ": smtp: host is \"\""),
            ("[smtp]\nhost = \"smtp.acme.test\"\nfrom = \"muster@acme.test\"\n", "", "no server takes the mails"),
            ("email", "emails", "unknown key `emails`"),
            ("time-zone", "timezone", "unknown key `timezone`"),
            ("{ env = \"CHATWOOT_TOKEN\" }", "{ evn = \"X\" }", "evn"),
        ];
        for (from, to, expected) in table {
            let error = parse(&WHOLE.replace(from, to)).expect_err(to);
            assert!(error.message.contains(expected), "{to}: {}", error.message);
        }
        let twice = format!("{WHOLE}[[connection]]\nname = \"support\"\nconnector = \"x\"\n");
        assert!(parse(&twice).expect_err("twice").message.contains("two connections named support"));
    }
}
