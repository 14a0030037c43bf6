//! A mistake in the configuration, as a person reads it.

use thiserror::Error;

/// A mistake in the configuration: one sentence, and lines that help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ConfigError {
    /// What is wrong and what to change.
    pub message: String,
    /// Shown behind `help:`.
    pub help: Vec<String>,
}

impl ConfigError {
    /// Without help lines.
    pub fn new(message: impl Into<String>) -> ConfigError {
        ConfigError { message: message.into(), help: Vec::new() }
    }

    /// With one more help line.
    #[must_use]
    pub fn with_help(mut self, line: impl Into<String>) -> ConfigError {
        self.help.push(line.into());
        self
    }
}
