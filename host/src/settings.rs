//! The values of a connection's settings, judged against the manifest, and its secrets apart from them.
//!
//! Rule: a secret lives in a type that cannot be printed and is wiped when dropped. Reason: every log line,
//! error and stored row is written by code that must not be able to leak one by accident. Attack: `{:?}` of a
//! configuration in a debug log. Residual: copies inside TLS and HTTP buffers cannot be wiped by us.

use crate::template::{Part, Template};
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

    /// The template with each setting's value, secrets included. `None` if one has no value, or is a one-time code.
    pub fn fill(&self, template: &Template) -> Option<Secret> {
        self.fill_with(template, |_| None)
    }

    /// The same; `code` gives the one-time code that a secret makes now.
    pub fn fill_with<'a>(
        &'a self,
        template: &'a Template,
        code: impl Fn(&str) -> Option<&'a Secret>,
    ) -> Option<Secret> {
        let piece = |part: &'a Part| -> Option<&'a str> {
            match part {
                Part::Text(text) => Some(text),
                Part::Setting(name) => self.secrets.get(name).map(Secret::expose).or_else(|| self.get(name)),
                Part::Totp(name) => code(name).map(Secret::expose),
            }
        };
        let pieces: Vec<&str> = template.parts().iter().map(piece).collect::<Option<_>>()?;
        // Made in its final size: a text that grows leaves copies behind that nobody wipes.
        let mut out = Zeroizing::new(String::with_capacity(pieces.iter().map(|p| p.len()).sum()));
        pieces.iter().for_each(|p| out.push_str(p));
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
        let template = |text: &str| Template::parse(text).expect(text);
        let filled = settings.fill(&template("{user}:{token}!")).map(|s| s.expose().to_owned());
        assert_eq!(filled.as_deref(), Some("ann:t0p!"));
        assert!(settings.fill(&template("{absent}")).is_none());
        assert!(settings.fill(&template("{totp:token}")).is_none());
        let code = Secret::new("123456".into());
        let filled = settings.fill_with(&template("{totp:token}"), |name| (name == "token").then_some(&code));
        assert_eq!(filled, Some(code.clone()));
    }
}
