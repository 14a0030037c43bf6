//! The values of a connection's settings, judged against the manifest, and its secrets apart from them.
//!
//! Rule: a secret lives in a type that cannot be printed and is wiped when dropped. Reason: every log line,
//! error and stored row is written by code that must not be able to leak one by accident. Attack: `{:?}` of a
//! configuration in a debug log. Residual: copies inside TLS and HTTP buffers cannot be wiped by us.

use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// A secret's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text itself, for attaching and masking only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A value and whether the operator wrote it: only such a value grants an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value; an url in canonical form, without a trailing slash.
    pub text: String,
    /// Written by the operator, not taken from the manifest's default.
    pub written: bool,
}

/// All settings of a connection that have a value.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What is no secret.
    pub values: BTreeMap<String, Value>,
    /// What is.
    pub secrets: BTreeMap<String, Secret>,
}

impl Settings {
    /// The value of a setting that is no secret.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|v| v.text.as_str())
    }

    /// Replaces each `{name}` by the setting's value, secrets included. `None` if one has no value.
    pub fn fill(&self, template: &str) -> Option<Secret> {
        let mut out = Zeroizing::new(String::new());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}')?;
            out.push_str(before);
            let secret = self.secrets.get(name).map(Secret::expose);
            out.push_str(secret.or_else(|| self.get(name))?);
            rest = tail;
        }
        out.push_str(rest);
        Some(Secret(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "Secret(***)");
    }

    #[test]
    fn templates_take_values_and_secrets() {
        let mut settings = Settings::default();
        settings.values.insert("user".into(), Value { text: "ann".into(), written: true });
        settings.secrets.insert("token".into(), Secret::new("t0p".into()));
        let filled = settings.fill("{user}:{token}!").map(|s| s.expose().to_owned());
        assert_eq!(filled.as_deref(), Some("ann:t0p!"));
        assert!(settings.fill("{absent}").is_none());
    }
}
