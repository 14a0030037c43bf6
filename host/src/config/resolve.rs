//! Settings against the manifest: every name known, every required one given, every value of its kind.

use super::error::ConfigError;
use super::file::Connection;
use super::source::Source;
use crate::egress::target::Origin;
use crate::manifest::{Manifest, Setting, SettingKind};
use crate::settings::{Settings, Value};
use crate::text;
use zeroize::Zeroize as _;

/// Whether secrets are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Where the operator says they are.
    Fetched,
    /// Not at all: nobody is called.
    LeftOut,
}

/// Fetches and judges the settings of a connection.
///
/// # Errors
/// The first mistake, naming the setting; never a secret's value.
pub fn resolve(connection: &Connection, manifest: &Manifest, secrets: Secrets) -> Result<Settings, ConfigError> {
    for name in connection.settings.keys() {
        if manifest.setting(name).is_none() {
            let known = manifest.settings.iter().map(|s| s.name.as_str());
            let error = ConfigError::new(format!("{} has no setting {name}", manifest.name));
            return Err(match text::nearest(name, known.clone()) {
                Some(meant) => error.with_help(format!("did you mean {meant}?")),
                None => error.with_help(format!("its settings are {}", known.collect::<Vec<_>>().join(", "))),
            });
        }
    }
    let mut out = Settings::default();
    let wanted = |s: &&Setting| secrets == Secrets::Fetched || s.kind != SettingKind::Secret;
    for setting in manifest.settings.iter().filter(wanted) {
        match connection.settings.get(&setting.name) {
            Some(source) => take(&mut out, connection, setting, source)?,
            None => match &setting.default {
                Some(default) => {
                    let text = judge(setting, default)?;
                    out.values.insert(setting.name.clone(), Value { text, written: false });
                }
                None if setting.required => {
                    let name = &setting.name;
                    let help = match (connection.network.one_off, setting.kind == SettingKind::Secret) {
                        (true, true) => format!("add --secret {name}=env:VARIABLE"),
                        (true, false) => format!("add --set {name}=…"),
                        (false, true) => format!("add under the connection's settings: {name} = {{ env = \"NAME\" }}"),
                        (false, false) => format!("add under the connection's settings: {name} = \"…\""),
                    };
                    return Err(ConfigError::new(format!(
                        "the setting {} ({}) is missing",
                        setting.name,
                        text::neutral(&setting.label)
                    ))
                    .with_help(help));
                }
                None => {}
            },
        }
    }
    Ok(out)
}

fn take(out: &mut Settings, connection: &Connection, setting: &Setting, source: &Source) -> Result<(), ConfigError> {
    let secret = setting.kind == SettingKind::Secret;
    let value = source.fetch(&setting.name, secret).map_err(|e| match source {
        Source::Literal(_) if connection.network.one_off => {
            ConfigError::new(format!("the secret {} is written on the command line as plain text", setting.name))
                .with_help(format!(
                    "give --secret {}=env:VARIABLE and change the secret: it may have been seen",
                    setting.name
                ))
        }
        _ => e,
    })?;
    let mut text = judge(setting, value.expose())?;
    if secret {
        text.zeroize();
        out.secrets.insert(setting.name.clone(), value);
    } else {
        out.values.insert(setting.name.clone(), Value { text, written: true });
    }
    Ok(())
}

/// The value in canonical form.
fn judge(setting: &Setting, value: &str) -> Result<String, ConfigError> {
    let secret = setting.kind == SettingKind::Secret;
    let wrong = |why: String| {
        let shown = if secret {
            String::new()
        } else {
            format!(" is {:?}, which", text::shorten(&text::without_user(value), 200))
        };
        let help = (!setting.help.is_empty()).then(|| text::neutral(&setting.help).into_owned());
        ConfigError { message: format!("the setting {}{shown} {why}", setting.name), help: help.into_iter().collect() }
    };
    if value.chars().any(char::is_control) {
        return Err(wrong("holds a control character or a line break".to_owned()));
    }
    let text = match &setting.kind {
        SettingKind::Text | SettingKind::Secret => value.to_owned(),
        SettingKind::Url => Origin::parse(value).map_err(wrong)?.to_string(),
        SettingKind::Number => match value.parse::<i64>() {
            Ok(number) => number.to_string(),
            Err(_) => return Err(wrong("is no whole number".to_owned())),
        },
        SettingKind::Flag => match value {
            "true" | "false" => value.to_owned(),
            _ => return Err(wrong("is neither true nor false".to_owned())),
        },
        SettingKind::Choice(of) => match of.iter().any(|c| c == value) {
            true => value.to_owned(),
            false => return Err(wrong(format!("is none of {}", of.join(", ")))),
        },
        SettingKind::Path => {
            let bad = |s: &str| s.is_empty() || s == "." || s == "..";
            match value.trim_matches('/').split('/').any(bad) || value.contains(['\\', '?', '#', '%']) {
                true => return Err(wrong("is no path of plain segments (/a/b)".to_owned())),
                false => value.to_owned(),
            }
        }
    };
    if let Some(pattern) = &setting.pattern {
        let fits = regex_lite::Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|r| r.is_match(&text));
        if !fits {
            return Err(wrong(format!("does not have the form {pattern}")));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sample;

    fn connection(settings: &[(&str, &str)]) -> Connection {
        let mut connection = Connection::new("demo", "demo");
        for (name, value) in settings {
            connection.settings.insert((*name).into(), Source::Literal((*value).into()));
        }
        let token = Source::Command(vec!["echo".into(), "t0p".into()]);
        connection.settings.insert("token".into(), token);
        connection
    }

    #[test]
    fn values_are_canonical_and_only_written_ones_grant() {
        let given = [("account", "7"), ("folder", "a/b")];
        let settings = resolve(&connection(&given), &sample(), Secrets::Fetched).expect("settings");
        assert_eq!(settings.get("base-url"), Some("https://api.demo.test"));
        assert!(settings.values.get("base-url").is_some_and(|v| !v.written));
        assert_eq!(settings.get("token"), None, "a secret is no value");
        let given = [("account", "7"), ("folder", "a/b"), ("base-url", "https://API.demo.test/")];
        let settings = resolve(&connection(&given), &sample(), Secrets::Fetched).expect("settings");
        let expected = Value { text: "https://api.demo.test".into(), written: true };
        assert_eq!(settings.values.get("base-url"), Some(&expected));
    }

    #[test]
    fn a_replay_needs_no_secret() {
        let mut connection = connection(&[("account", "7"), ("folder", "a/b")]);
        connection.settings.insert("token".into(), Source::Command(vec!["false".into()]));
        assert!(resolve(&connection, &sample(), Secrets::Fetched).is_err(), "it would be asked for");
        let settings = resolve(&connection, &sample(), Secrets::LeftOut).expect("settings");
        assert!(settings.secrets.is_empty() && settings.get("account") == Some("7"));
    }

    #[test]
    fn each_mistake_names_the_setting() {
        let table: [(&[(&str, &str)], &str); 6] = [
            (&[("acount", "7")], "has no setting acount"),
            (&[("folder", "a")], "account (account) is missing"),
            (&[("account", "7"), ("folder", "a/../b")], "the setting folder is"),
            (&[("account", "7\n"), ("folder", "a")], "control character"),
            (&[("account", "7"), ("folder", "a"), ("base-url", "nowhere")], "is no URL"),
            (&[("account", "7"), ("folder", "a"), ("base-url", "https://ann@a.test")], "user name"),
        ];
        for (given, expected) in table {
            let error = resolve(&connection(given), &sample(), Secrets::Fetched).expect_err(expected);
            assert!(error.message.contains(expected), "{expected}: {error}");
        }
        let error = resolve(&connection(&[("acount", "7")]), &sample(), Secrets::Fetched).expect_err("typo");
        assert_eq!(error.help, ["did you mean account?"]);
    }

    #[test]
    fn kinds_and_patterns_are_enforced() {
        let mut manifest = sample();
        let setting = |m: &mut Manifest, kind| m.settings[1].kind = kind;
        let table = [
            (SettingKind::Number, "12", true),
            (SettingKind::Number, "1.5", false),
            (SettingKind::Flag, "true", true),
            (SettingKind::Flag, "yes", false),
            (SettingKind::Choice(vec!["a".into()]), "a", true),
            (SettingKind::Choice(vec!["a".into()]), "b", false),
        ];
        for (kind, value, good) in table {
            setting(&mut manifest, kind);
            let result = resolve(&connection(&[("account", value), ("folder", "a")]), &manifest, Secrets::Fetched);
            assert_eq!(result.is_ok(), good, "{value}");
        }
        setting(&mut manifest, SettingKind::Text);
        manifest.settings[1].pattern = Some("[0-9]+".into());
        for (value, good) in [("12", true), ("12a", false), ("a12", false)] {
            let result = resolve(&connection(&[("account", value), ("folder", "a")]), &manifest, Secrets::Fetched);
            assert_eq!(result.is_ok(), good, "{value}");
        }
    }
}
