//! Where a setting's value comes from: written down, or `env`, `file`, `command`.
//!
//! Rule: a secret is never written into the file, and a file that everybody on the machine can read holds none.
//! Reason: configurations are copied, committed and shown to colleagues.

use super::error::ConfigError;
use super::{command, value};
use crate::settings::Secret;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// Written down.
    Literal(String),
    /// A variable of the environment.
    Env(String),
    /// A file's content, without the line break at its end.
    File(PathBuf),
    /// What a command prints, without the line break at its end.
    Command(Vec<String>),
}

// A literal may turn out to be a secret that somebody wrote into the file by mistake.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Literal(_) => f.write_str("Literal(…)"),
            Source::Env(name) => write!(f, "Env({name})"),
            Source::File(path) => write!(f, "File({})", path.display()),
            Source::Command(argv) => write!(f, "Command({})", argv.first().map_or("", String::as_str)),
        }
    }
}

/// A value written down, from TOML's plain types.
pub fn literal(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

impl Source {
    /// Reads a value of the settings table.
    ///
    /// # Errors
    /// It is neither plain nor one of the three sources.
    pub fn from_toml(name: &str, value: toml::Value) -> Result<Source, ConfigError> {
        if let Some(text) = literal(&value) {
            return Ok(Source::Literal(text));
        }
        let wrong = |what: &str| {
            ConfigError::new(format!("the setting {name} {what}")).with_help(format!(
                "write {name} = \"…\" (a secret never so), {{ env = \"NAME\" }}, {{ file = \"PATH\" }} or {{ command = [\"PROGRAM\", \"ARGUMENT\"] }}"
            ))
        };
        let toml::Value::Table(table) = value else { return Err(wrong("is neither text, number nor flag")) };
        let mut entries = table.into_iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else {
            return Err(wrong("has to name exactly one source"));
        };
        match (key.as_str(), value) {
            ("env" | "file", toml::Value::String(empty)) if empty.is_empty() => {
                Err(wrong(&format!("has an empty {key}")))
            }
            ("env", toml::Value::String(variable)) => Ok(Source::Env(variable)),
            ("file", toml::Value::String(path)) => Ok(Source::File(path.into())),
            ("command", toml::Value::Array(argv)) => {
                let argv: Option<Vec<String>> = argv.iter().map(|a| a.as_str().map(str::to_owned)).collect();
                match argv.filter(|a| !a.is_empty()) {
                    Some(argv) => Ok(Source::Command(argv)),
                    None => Err(wrong("has a command that is no list of texts")),
                }
            }
            ("env" | "file" | "command", _) => Err(wrong(&format!("has a value for {key} of the wrong type"))),
            (other, _) => Err(wrong(&format!("has an unknown source {other:?}"))),
        }
    }

    /// Reads `env:NAME` or `file:PATH`, as `--secret` takes them.
    ///
    /// # Errors
    /// It is neither.
    pub fn from_argument(name: &str, text: &str) -> Result<Source, ConfigError> {
        match text.split_once(':') {
            Some(("env", variable)) if !variable.is_empty() => Ok(Source::Env(variable.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Source::File(path.into())),
            _ => Err(ConfigError::new(format!("--secret {name}=… has to be env:VARIABLE or file:PATH"))
                .with_help("a secret on the command line can be read by everybody on the machine")),
        }
    }

    /// Fetches the value. Blocks, for as long as a command may take.
    ///
    /// # Errors
    /// It is not there, not readable, readable by others (a secret), or too long. Never holds the value.
    pub fn fetch(&self, name: &str, secret: bool) -> Result<Secret, ConfigError> {
        let what = if secret { "secret" } else { "setting" };
        match self {
            Source::Literal(_) if secret => Err(ConfigError::new(format!(
                "the secret {name} is written into the configuration as plain text"
            ))
            .with_help(format!(
                "write {name} = {{ env = \"NAME\" }} (or file, or command) and change the secret: it may have been seen"
            ))),
            Source::Literal(text) => Ok(Secret::new(text.clone())),
            Source::Env(variable) => match std::env::var(variable) {
                Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
                Ok(_) => {
                    Err(ConfigError::new(format!("the environment variable {variable} of the {what} {name} is empty")))
                }
                Err(std::env::VarError::NotUnicode(_)) => Err(ConfigError::new(format!(
                    "the environment variable {variable} of the {what} {name} is not UTF-8"
                ))),
                Err(std::env::VarError::NotPresent) => Err(ConfigError::new(format!(
                    "the environment variable {variable} of the {what} {name} is not set"
                ))
                .with_help(format!("set it for this command: {variable}=… muster …"))),
            },
            Source::File(path) => {
                let wrong =
                    |why: String| ConfigError::new(format!("the file {} of the {what} {name} {why}", path.display()));
                let file = std::fs::File::open(path)
                    .map_err(|e| wrong(format!("cannot be read: {}", crate::text::io_words(&e))))?;
                let meta =
                    file.metadata().map_err(|e| wrong(format!("cannot be read: {}", crate::text::io_words(&e))))?;
                if meta.is_dir() {
                    return Err(wrong("cannot be read: is a directory".to_owned()));
                }
                if secret && meta.mode() & 0o007 != 0 {
                    return Err(wrong("can be read by everybody on this machine".to_owned())
                        .with_help(format!("chmod 600 {}", path.display())));
                }
                value::read(file).map_err(wrong)
            }
            Source::Command(argv) => command::printed(argv, &format!("{what} {name}"), command::LIMIT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(mode: u32, content: &str) -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("token");
        std::fs::write(&path, content).expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
        (dir, Source::File(path))
    }

    #[test]
    fn a_secret_in_a_file_is_for_its_owner_alone() {
        let (_dir, source) = file(0o600, "t0p\n");
        assert_eq!(source.fetch("token", true).map(|s| s.expose().to_owned()).as_deref(), Ok("t0p"));
        let (_dir, source) = file(0o644, "t0p\n");
        assert!(source.fetch("token", true).expect_err("open").message.contains("everybody"));
        assert!(source.fetch("account", false).is_ok(), "what is no secret may be read");
    }

    #[test]
    fn a_secret_written_down_is_refused_without_showing_it() {
        let error = Source::Literal("hunter2".into()).fetch("token", true).expect_err("refused");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert!(error.help.iter().any(|l| l.contains("env = ")), "{error:?}");
        assert_eq!(format!("{:?}", Source::Literal("hunter2".into())), "Literal(…)");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = Source::Env("MUSTER_TEST_NOT_SET".into()).fetch("token", true).expect_err("unset");
        assert!(error.message.contains("MUSTER_TEST_NOT_SET") && error.message.contains("token"), "{error}");
    }
}
