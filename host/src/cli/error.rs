//! Errors at the edge: `error: …` in plain words, then `help: …` lines, and the exit code.

use crate::catalog::CatalogError;
use crate::config::ConfigError;
use crate::failure::Reason;
use crate::store::StoreError;
use crate::tape::TapeError;
use crate::text::neutral;

/// All published, or what was asked for is done.
pub const OK: u8 = 0;
/// Failed.
pub const FAILED: u8 = 1;
/// What the host itself can judge before it calls anybody.
pub const REFUSED: u8 = 2;
/// Some of it.
pub const PARTLY: u8 = 3;
/// Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// SIGTERM.
pub const TERMINATED: u8 = 143;

/// Why a command ends early.
#[derive(Debug)]
pub enum CliError {
    /// Said on stderr, then the exit code.
    Say {
        /// One sentence.
        message: String,
        /// Lines that help.
        help: Vec<String>,
        /// The exit code.
        code: u8,
    },
    /// Whoever read our output has had enough: that is success.
    BrokenPipe,
}

impl CliError {
    /// A mistake of the person who typed it.
    pub fn usage(message: impl Into<String>) -> CliError {
        CliError::Say { message: message.into(), help: Vec::new(), code: REFUSED }
    }

    /// Something that went wrong.
    pub fn failed(message: impl Into<String>) -> CliError {
        CliError::Say { message: message.into(), help: Vec::new(), code: FAILED }
    }

    /// With one more help line.
    #[must_use]
    pub fn with_help(mut self, line: impl Into<String>) -> CliError {
        if let CliError::Say { help, .. } = &mut self {
            help.push(line.into());
        }
        self
    }

    /// Prints it; the answer is the exit code.
    pub fn report(&self) -> u8 {
        match self {
            CliError::BrokenPipe => OK,
            CliError::Say { message, help, code } => {
                say(message, help);
                *code
            }
        }
    }
}

/// A failure's message, with the label in front where the message alone would not say whose doing it is.
pub fn sentence(reason: &str, message: &str) -> String {
    match reason == Reason::Denied.label() {
        true => format!("denied: {message}"),
        false => message.to_owned(),
    }
}

/// Prints `error: …` and `help: …` lines on stderr. A help line that begins with blanks continues the one
/// before it.
pub fn say(message: &str, help: &[String]) {
    line_on_stderr(&format!("error: {}", neutral(message)));
    for line in help {
        match line.starts_with(' ') {
            true => line_on_stderr(&format!("      {}", neutral(line))),
            false => line_on_stderr(&format!("help: {}", neutral(line))),
        }
    }
}

/// Prints a line that is no error on stderr.
pub fn note(line: &str) {
    line_on_stderr(&neutral(line));
}

/// A line on stderr; a closed stderr is nobody's error.
fn line_on_stderr(line: &str) {
    use std::io::Write;
    super::progress::suspended(|| {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    });
}

impl From<ConfigError> for CliError {
    fn from(e: ConfigError) -> CliError {
        CliError::Say { message: e.message, help: e.help, code: REFUSED }
    }
}

impl From<TapeError> for CliError {
    fn from(e: TapeError) -> CliError {
        CliError::usage(e.to_string())
    }
}

impl From<CatalogError> for CliError {
    fn from(e: CatalogError) -> CliError {
        CliError::usage(e.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(e: StoreError) -> CliError {
        let code = match e {
            StoreError::Sql { .. } | StoreError::Closed | StoreError::Full(_) | StoreError::Busy(_) => FAILED,
            _ => REFUSED,
        };
        CliError::Say { message: e.to_string(), help: Vec::new(), code }
    }
}

impl From<std::io::Error> for CliError {
    fn from(e: std::io::Error) -> CliError {
        match e.kind() {
            std::io::ErrorKind::BrokenPipe => CliError::BrokenPipe,
            _ => CliError::failed(format!("cannot write the output: {}", crate::text::io_words(&e))),
        }
    }
}
