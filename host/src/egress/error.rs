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
    #[error("cannot set up TLS with {host_port}: {}", tls_words(source))]
    Tls {
        /// Host and port.
        host_port: String,
        /// Why.
        source: io::Error,
    },
    /// What answers does not speak HTTP/2 as it should, or ended it.
    #[error("{host_port} {what} (HTTP/2: {why})")]
    Http2 {
        /// Host and port.
        host_port: String,
        /// What it did.
        what: &'static str,
        /// The reason's name in RFC 9113.
        why: String,
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
    /// The server does not stop sending.
    #[error("{host_port} sends more than was asked for, and was cut off")]
    Flooded {
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
    /// What the recorded run met.
    #[error("{why}")]
    Taped {
        /// In its words.
        why: String,
    },
    /// A request whose body the guest does not finish.
    #[error("the connector did not finish the body of its request within {seconds} s")]
    Unfinished {
        /// The deadline.
        seconds: u64,
    },
    /// Bodies that nobody reads.
    #[error("the connector lets the host hold more than {limit} bytes of bodies that it does not read or finish")]
    Unread {
        /// The limit in bytes.
        limit: usize,
    },
    /// A request body that is larger than the host takes.
    #[error("the connector sent a request body of more than {limit} bytes, the limit for one request")]
    RequestTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// What a connection says when it is cut off because of [`EgressError::Flooded`]; libraries hand on only the words.
pub(super) const FLOOD: &str = "the server sends more than was asked for";

/// A connection that broke, or was cut off.
pub(super) fn broken(host_port: String, why: String) -> EgressError {
    match why.contains(FLOOD) {
        true => EgressError::Flooded { host_port },
        false => EgressError::Broken { host_port, why },
    }
}

/// What HTTP/2 says; never the text that a server may send along, which could be anything.
pub(super) fn http2(host_port: String, error: &h2::Error) -> EgressError {
    let why = error.reason().map_or_else(|| "no reason given".to_owned(), |r| r.description().to_owned());
    if error.is_io() {
        return broken(host_port, chain(error));
    }
    let what = match (error.is_remote(), error.is_go_away()) {
        (true, true) => "ended the connection",
        (true, false) => "gave the request up",
        (false, _) => "does not keep to the rules of the protocol",
    };
    EgressError::Http2 { host_port, what, why }
}

/// A body that did not come whole.
pub(super) fn in_body(host_port: String, error: &hyper::Error) -> EgressError {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(e) = inner.downcast_ref::<h2::Error>() {
            return http2(host_port, e);
        }
        cause = inner.source();
    }
    broken(host_port, chain(error))
}

/// The library's words for a handshake that failed, as a person would say them.
pub(crate) fn tls_words(error: &io::Error) -> String {
    let words = error.to_string();
    const SAID: [(&str, &str); 6] = [
        ("handshake eof", "the server closed the connection in the middle of the handshake"),
        ("corrupt message", "the answer is no TLS; is this a port for https?"),
        ("fatal alert", "the server refuses every version and cipher of TLS that is safe"),
        (
            "UnknownIssuer",
            "its certificate is signed by nobody this machine trusts; a company's own authority goes into ca-file",
        ),
        ("BadSignature", "its certificate is forged or broken"),
        ("certificate expired", "its certificate has run out"),
    ];
    SAID.iter().find(|(theirs, _)| words.contains(theirs)).map_or(words.clone(), |(_, ours)| (*ours).to_owned())
}

/// An error's own words and those of its causes, each once. The client's "client error (SendRequest)" says nothing
/// to anybody.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        // rustls explains itself with a page of its documentation.
        let words = words.split(": https://").next().unwrap_or_default().to_owned();
        if !words.starts_with("client error (") && !text.contains(&words) {
            text = if text.is_empty() { words } else { format!("{text}: {words}") };
        }
        next = error.source();
    }
    crate::text::shorten(&text, 300)
}
