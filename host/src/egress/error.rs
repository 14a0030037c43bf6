//! What can go wrong between a guest's request and the vendor's answer.

use super::policy::Denial;
use std::io;
use thiserror::Error;

/// An exchange that gave no answer. Messages are sentences for the operator, without their cause.
#[derive(Debug, Error)]
pub enum EgressError {
    /// Policy refused it; nothing was sent.
    #[error("{0}")]
    Denied(Denial),
    /// The name has no address.
    #[error("cannot resolve {host}: {why}; check the spelling of the host, and DNS")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's own words.
        why: String,
    },
    /// Nobody listens there.
    #[error("{host_port} refused the connection; is the server running, and is this the right port?")]
    Refused {
        /// Host and port.
        host_port: String,
    },
    /// No connection.
    #[error("cannot connect to {host_port}: {source}")]
    Connect {
        /// Host and port.
        host_port: String,
        /// Why.
        source: io::Error,
    },
    /// No TLS session: certificate, name or protocol.
    #[error("cannot set up TLS with {host_port}: {source}")]
    Tls {
        /// Host and port.
        host_port: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to {host_port} broke before the answer was complete: {why}")]
    Broken {
        /// Host and port.
        host_port: String,
        /// What the client library says.
        why: String,
    },
    /// What answers does not speak HTTP as it should.
    #[error("{host_port} does not answer in HTTP: {why}; is this the right port?")]
    Garbled {
        /// Host and port.
        host_port: String,
        /// What the client library says.
        why: String,
    },
    /// The answer's headers are larger than the host takes.
    #[error("the answer of {host_port} has more headers than the host takes")]
    HeadersTooLarge {
        /// Host and port.
        host_port: String,
    },
    /// The deadline passed.
    #[error("{host_port} did not answer completely within {seconds} s")]
    Deadline {
        /// Host and port.
        host_port: String,
        /// The deadline.
        seconds: u64,
    },
    /// The answer is larger than the host takes.
    #[error("the answer of {host_port} has more than {limit} bytes, the limit for one answer")]
    TooLarge {
        /// Host and port.
        host_port: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer's encoding cannot be undone.
    #[error("the answer of {host_port} cannot be decoded ({encoding})")]
    Encoding {
        /// Host and port.
        host_port: String,
        /// The `Content-Encoding`, or what is wrong.
        encoding: String,
    },
    /// A one-time code that cannot be sent.
    #[error("no one-time code of {setting} was sent: {why}")]
    Step {
        /// The setting with its secret.
        setting: String,
        /// Why.
        why: String,
    },
    /// A request body that is larger than the host takes.
    #[error("the connector sent a request body of more than {limit} bytes, the limit for one request")]
    RequestTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// An error's own words and those of its causes, each once. The client's "client error (SendRequest)" says nothing
/// to anybody.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        if !words.starts_with("client error (") && !text.contains(&words) {
            text = if text.is_empty() { words } else { format!("{text}: {words}") };
        }
        next = error.source();
    }
    crate::text::shorten(&text, 300)
}
