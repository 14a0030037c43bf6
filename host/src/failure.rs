//! Why something did not succeed: one closed set of labels (rule R5), the same in logs, `--json`, the
//! store and exit codes.

use std::fmt;

/// The label of a failure. The first seven are a guest's words, the rest the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The credential was refused.
    Unauthorized,
    /// The credential is good and may not do this.
    Forbidden,
    /// The vendor asks to slow down.
    RateLimited,
    /// The vendor is still preparing the answer.
    NotReady,
    /// The vendor cannot be reached, or fails.
    Unavailable,
    /// A setting is wrong.
    InvalidSettings,
    /// An answer nobody understands.
    Unexpected,
    /// Egress policy refused a request.
    Denied,
    /// A limit of the host was passed.
    Limit,
    /// A call or a run took too long.
    Deadline,
    /// The guest trapped.
    Trap,
    /// The guest broke a rule of the contract.
    Contract,
}

impl Reason {
    /// The stable label: lower case, words joined by `-`.
    pub fn label(self) -> &'static str {
        match self {
            Reason::Unauthorized => "unauthorized",
            Reason::Forbidden => "forbidden",
            Reason::RateLimited => "rate-limited",
            Reason::NotReady => "not-ready",
            Reason::Unavailable => "unavailable",
            Reason::InvalidSettings => "invalid-settings",
            Reason::Unexpected => "unexpected",
            Reason::Denied => "denied",
            Reason::Limit => "limit",
            Reason::Deadline => "deadline",
            Reason::Trap => "trap",
            Reason::Contract => "contract",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A failure of a call: its label, one sentence, and lines that help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The label.
    pub reason: Reason,
    /// One sentence for the operator, already masked; not yet neutralised for a terminal.
    pub message: String,
    /// Lines that say what to change, each shown behind `help:`.
    pub help: Vec<String>,
    /// For `rate-limited` and `not-ready`: come back after so many seconds.
    pub retry_after: Option<u64>,
}

impl Failure {
    /// A failure without help lines.
    pub fn new(reason: Reason, message: impl Into<String>) -> Failure {
        Failure { reason, message: message.into(), help: Vec::new(), retry_after: None }
    }

    /// A limit that was passed, by its name in `[connection.limits]`.
    pub fn limit(name: &str, message: impl Into<String>) -> Failure {
        let help = format!("if you trust the connector with more, write a larger {name} under [connection.limits]");
        Failure::new(Reason::Limit, message).with_help(help)
    }

    /// The same with one more help line.
    #[must_use]
    pub fn with_help(mut self, line: impl Into<String>) -> Failure {
        self.help.push(line.into());
        self
    }
}

impl Failure {
    /// Whether something that was sent before it may have been done all the same: nobody has said no.
    pub fn leaves_open_what_was_done(&self) -> bool {
        match self.reason {
            Reason::Unauthorized
            | Reason::Forbidden
            | Reason::RateLimited
            | Reason::NotReady
            | Reason::InvalidSettings => false,
            Reason::Unavailable
            | Reason::Unexpected
            | Reason::Denied
            | Reason::Limit
            | Reason::Deadline
            | Reason::Trap
            | Reason::Contract => true,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}
