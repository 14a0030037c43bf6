//! `muster.toml`: every key is known, every number within its bounds, or it is an error with a place.

use muster::config::{Config, ConfigError};
use muster::limits::Limits;
use std::collections::HashSet;
use std::path::Path;
use toml::{Table, Value};

/// What each table may hold; `settings` are the connector's to name.
const KEYS: [(&str, &[&str]); 5] = [
    ("", &["connectors", "store", "connection"]),
    ("connection", &["name", "connector", "settings", "network", "limits", "run"]),
    ("network", &["origins", "allow-private", "ca-file"]),
    ("run", &["max-wait", "max-removals", "at-once"]),
    ("limits", &[]),
];

/// Bytes: a file.
pub fn any(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        is_refused_or_understood(text);
    }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/muster"))
}

/// What passes has known keys alone, names that stand once, and numbers within their bounds.
pub fn is_refused_or_understood(text: &str) {
    let Ok(config) = parse(text) else { return };
    let table: Table = text.parse().expect("what passes is TOML");
    knows_every_key("", &table);
    let mut names = HashSet::new();
    for connection in &config.connections {
        assert!(names.insert(&connection.name), "{} stands twice", connection.name);
        let rest = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
        assert!(connection.name.starts_with(|c: char| c.is_ascii_lowercase()) && connection.name.chars().all(rest));
        assert!(connection.max_removals_percent <= 100, "{} %", connection.max_removals_percent);
        assert!(connection.at_once.is_none_or(|n| (1..=64).contains(&n)), "{:?} at once", connection.at_once);
        for (name, value) in &connection.limits {
            let ceiling = Limits::spec(name).and_then(|s| s.set).map(|(ceiling, _)| ceiling);
            let ceiling = ceiling.unwrap_or_else(|| panic!("{name} is no limit that a connection sets"));
            assert!((1..=ceiling).contains(value), "{name} is {value}, its ceiling {ceiling}");
            let mut limits = Limits::default();
            limits.set(name, *value);
            let read = Limits::spec(name).and_then(|s| (s.get)(&limits));
            assert_eq!(read, Some(*value), "{name} comes to another value");
        }
        for host_port in &connection.network.allow_private {
            let port = host_port.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            assert!(port.is_some_and(|p| p > 0), "{host_port:?} is not host:port");
        }
        let paths = config.connectors.iter().chain([&config.store]).chain(&connection.ca_file);
        assert!(paths.into_iter().all(|p| p.is_absolute()), "a path beside the file's folder");
    }
}

fn knows_every_key(name: &str, table: &Table) {
    let known = KEYS.iter().find(|(table, _)| *table == name).map(|(_, keys)| *keys);
    for (key, value) in table {
        let limit = name == "limits" && Limits::spec(key).is_some_and(|s| s.set.is_some());
        assert!(limit || known.is_none_or(|keys| keys.contains(&key.as_str())), "{key:?} in [{name}] is not known");
        match value {
            Value::Table(inner) if name != "settings" => knows_every_key(key, inner),
            Value::Array(rows) if key == "connection" => {
                rows.iter().filter_map(Value::as_table).for_each(|row| knows_every_key(key, row));
            }
            _ => {}
        }
    }
}

/// One more key that no table knows, in any table of a file that is understood, is an error with a place.
pub fn an_unknown_key_is_an_error(text: &str, table: &str, key: &str) {
    assert!(parse(text).is_ok(), "{text}");
    if KEYS.iter().any(|(_, keys)| keys.contains(&key)) || Limits::spec(key).is_some() {
        return;
    }
    let line = format!("{} = 1\n", Value::String(key.to_owned()));
    let (from, to) = match table {
        "" => (String::new(), line),
        table => (format!("[{table}]\n"), format!("[{table}]\n{line}")),
    };
    let spoiled = text.replacen(&from, &to, 1);
    let error = parse(&spoiled).err().unwrap_or_else(|| panic!("an unknown key is taken:\n{spoiled}"));
    assert!(error.message.starts_with(':'), "without a place: {}", error.message);
}
