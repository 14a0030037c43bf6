//! Handing a message to the mail server.
//!
//! Rule: nothing is said to the server before the connection is as the operator wrote it: with STARTTLS the change to
//! TLS is demanded, with TLS the first byte is its own, and the certificate has to be the host's. Reason: the password
//! and people's names are in what follows. Attack: somebody in between who leaves STARTTLS out of the server's answer.
//! Residual: the library keeps copies of the password that nobody wipes, and what somebody in between writes after the
//! server's consent to STARTTLS is still read as the server's first words over TLS; it is told no secret by that.

use super::aside;
use crate::config::{self, ConfigError, Smtp, Tls};
use crate::egress::error::tls_words;
use crate::text::{io_words, neutral, shorten};
use lettre::Message;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use std::time::Duration;
use thiserror::Error as ThisError;
use tokio::time::Instant;

/// How long the server may take for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long all of a mail may take, from asking for the password to the server's last word.
const WHOLE: Duration = Duration::from_secs(60);
/// Bytes of the server's words that are shown.
const WORDS: usize = 300;

/// Why a mail was not sent: one sentence, and lines that say what to change. Never holds the password.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{message}")]
pub struct MailError {
    /// What went wrong.
    pub message: String,
    /// Shown behind `help:`.
    pub help: Vec<String>,
}

impl MailError {
    /// Without help lines.
    pub fn new(message: impl Into<String>) -> MailError {
        MailError { message: message.into(), help: Vec::new() }
    }

    fn with_help(mut self, line: &str) -> MailError {
        self.help.push(line.to_owned());
        self
    }
}

impl From<ConfigError> for MailError {
    fn from(e: ConfigError) -> MailError {
        MailError { message: e.message, help: e.help }
    }
}

/// Hands it over. The answer is which addresses the server refused, each with its words, where it took others.
///
/// # Errors
/// Nobody gets it, and what to change.
pub async fn send(smtp: &Smtp, message: &Message) -> Result<Vec<String>, MailError> {
    send_within(WHOLE, smtp, message).await
}

async fn send_within(whole: Duration, smtp: &Smtp, message: &Message) -> Result<Vec<String>, MailError> {
    let deadline = Instant::now() + whole;
    // Before anybody is called.
    let login = login(whole, smtp).await?;
    let server = format!("{}:{}", smtp.host, smtp.port);
    match tokio::time::timeout_at(deadline, hand_over(smtp, &server, message, login)).await {
        Ok(done) => done,
        Err(_) => {
            Err(MailError::new(format!("the mail server {server} did not take the mail within {} s", whole.as_secs()))
                .with_help("see whether it is up, and whether host and port under [smtp] are right"))
        }
    }
}

/// Who logs in, and with what; nobody where the server wants no login.
async fn login(whole: Duration, smtp: &Smtp) -> Result<Option<(&String, Credentials)>, MailError> {
    let Some((user, source)) = &smtp.login else { return Ok(None) };
    let source = source.clone();
    let Some(password) = aside::within(whole, move || source.fetch("password of [smtp]", true)).await else {
        return Err(MailError::new(format!("the password of [smtp] did not come within {} s", whole.as_secs()))
            .with_help("see whether its command under [smtp] waits for somebody who types, and end it"));
    };
    Ok(Some((user, Credentials::new(user.clone(), password?.expose().to_owned()))))
}

async fn hand_over(
    smtp: &Smtp,
    server: &str,
    message: &Message,
    login: Option<(&String, Credentials)>,
) -> Result<Vec<String>, MailError> {
    let mut connection = connect(smtp, server).await?;
    let given = exchange(&mut connection, smtp, server, message, login).await;
    // Says goodbye, where there is still somebody.
    let _ = tokio::time::timeout(CONNECT, connection.abort()).await;
    given
}

async fn connect(smtp: &Smtp, server: &str) -> Result<AsyncSmtpConnection, MailError> {
    let (parameters, hello) = (parameters(smtp)?, ClientId::default());
    let wrapper = parameters.clone().filter(|_| smtp.tls == Tls::Tls);
    let address = (smtp.host.as_str(), smtp.port);
    let connecting = AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &hello, wrapper, None);
    let mut connection = connecting.await.map_err(|e| unreached(server, &e))?;
    if let (Tls::Starttls, Some(parameters)) = (smtp.tls, parameters) {
        if !connection.can_starttls() {
            return Err(MailError::new(format!(
                "the mail server {server} does not offer STARTTLS, and nothing was sent"
            ))
            .with_help("write tls = \"tls\" under [smtp] if it speaks TLS from the first byte, usually on port 465"));
        }
        connection.starttls(parameters, &hello).await.map_err(|e| unreached(server, &e))?;
    }
    Ok(connection)
}

/// What TLS needs to know; nothing without TLS.
fn parameters(smtp: &Smtp) -> Result<Option<TlsParameters>, MailError> {
    if smtp.tls == Tls::None {
        return Ok(None);
    }
    // A container may have no certificates of its own.
    let store = match rustls_native_certs::load_native_certs().certs.is_empty() {
        true => CertificateStore::WebpkiRoots,
        false => CertificateStore::Default,
    };
    let mut builder = TlsParametersBuilder::new(smtp.host.clone()).certificate_store(store);
    let unusable = |e: Error| MailError::new(format!("TLS cannot be set up: {}", words(&e)));
    for certificate in smtp.ca_file.as_deref().map(config::authorities).transpose()?.unwrap_or_default() {
        builder = builder.add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(unusable)?);
    }
    builder.build().map(Some).map_err(unusable)
}

async fn exchange(
    connection: &mut AsyncSmtpConnection,
    smtp: &Smtp,
    server: &str,
    message: &Message,
    login: Option<(&String, Credentials)>,
) -> Result<Vec<String>, MailError> {
    if let Some((user, credentials)) = login {
        if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
            return Err(MailError::new(format!("the mail server {server} offers no login by PLAIN or LOGIN"))
                .with_help("take user and password out of [smtp] if it needs none"));
        }
        connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|e| {
            MailError::new(format!("the mail server {server} refused the login of {}: {}", neutral(user), words(&e)))
                .with_help("check user and password under [smtp]")
        })?;
    }
    let envelope = message.envelope();
    let refused = |what: String, e: &Error| MailError::new(format!("the mail server {server} {what}: {}", words(e)));
    let from = envelope.from().cloned();
    connection.command(Mail::new(from, Vec::new())).await.map_err(|e| {
        refused(format!("refused the sender {}", address(&smtp.from)), &e)
            .with_help("check from under [smtp], and whether the server wants a login")
    })?;
    let mut unknown = Vec::new();
    for to in envelope.to() {
        match connection.command(Rcpt::new(to.clone(), Vec::new())).await {
            Ok(_) => {}
            Err(e) if e.status().is_some() => unknown.push(format!("{to} ({})", words(&e))),
            Err(e) => return Err(refused("broke off".to_owned(), &e)),
        }
    }
    if unknown.len() == envelope.to().len() {
        let all = unknown.join(", ");
        return Err(MailError::new(format!("the mail server {server} refused every address: {all}"))
            .with_help("check email under [connection.notify]"));
    }
    connection.command(Data).await.map_err(|e| refused("did not take the mail".to_owned(), &e))?;
    connection.message(&message.formatted()).await.map_err(|e| refused("did not take the mail".to_owned(), &e))?;
    Ok(unknown)
}

fn address(mailbox: &Mailbox) -> &str {
    mailbox.email.as_ref()
}

/// No connection, or no TLS on it.
fn unreached(server: &str, error: &Error) -> MailError {
    match tls_fault(error) {
        Some(fault) => MailError::new(format!("TLS with the mail server {server} cannot be set up: {fault}"))
            .with_help(
                "check host, port and tls under [smtp]; ca-file there names certificates to trust beside the system's",
            ),
        None => MailError::new(format!("the mail server {server} cannot be reached: {}", words(error)))
            .with_help("see whether it is up, and whether host, port and tls under [smtp] are right"),
    }
}

fn tls_fault(error: &Error) -> Option<String> {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            let of_tls = io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
            return match io.to_string() {
                text if text.contains("corrupt message") => {
                    Some("the answer is no TLS; does this port want STARTTLS?".to_owned())
                }
                text if of_tls || text.contains("handshake eof") => Some(tls_words(io)),
                _ => None,
            };
        }
        next = error.source();
    }
    None
}

/// What the server said, or why it said nothing; as it may be shown.
fn words(error: &Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = match (error.status(), last.downcast_ref::<std::io::Error>()) {
        (Some(code), _) => format!("{code} {last}"),
        (None, Some(io)) => io_words(io),
        (None, None) if last.to_string().contains("incomplete response") => "it closed the connection".to_owned(),
        (None, None) => last.to_string(),
    };
    shorten(&neutral(text.trim()), WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server where nobody listens, and a password that a command gives.
    fn smtp(command: &[&str]) -> Smtp {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        Smtp {
            host: "127.0.0.1".to_owned(),
            port: 1,
            tls: Tls::None,
            login: Some(("muster".to_owned(), crate::config::Source::Command(command))),
            from: "muster@acme.test".parse().expect("address"),
            ca_file: None,
        }
    }

    fn message(smtp: &Smtp) -> Message {
        let letter = super::super::Letter::new("x".into());
        super::super::mail::message(&smtp.from, std::slice::from_ref(&smtp.from), &letter).expect("message")
    }

    #[tokio::test]
    async fn an_error_never_shows_the_password() {
        let smtp = smtp(&["echo", "hunter2"]);
        let error = send(&smtp, &message(&smtp)).await.expect_err("nobody listens");
        assert!(error.message.starts_with("the mail server 127.0.0.1:1 cannot be reached: "), "{error}");
        assert!(!format!("{error:?} {smtp:?}").contains("hunter2"), "{error:?}");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_command_that_never_gives_the_password() {
        let hangs = tempfile::tempdir().expect("folder");
        // It ends when the test does; a mail that waited for it would get its password after some seconds.
        let script = r#"n=0; while [ -d "$0" ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done; echo hunter2"#;
        let smtp = smtp(&["sh", "-c", script, &hangs.path().to_string_lossy()]);
        let error = send_within(Duration::from_millis(50), &smtp, &message(&smtp)).await.expect_err("no password");
        assert_eq!(error.message, "the password of [smtp] did not come within 0 s");
    }
}
