//! `[smtp]`: the server that takes mails. Pure: whether it is there, shows when a mail is sent.
//!
//! Rule: the password travels over TLS, or not at all. Reason: whoever reads along can send mails as the operator from
//! then on. So STARTTLS is demanded, never only offered, and a server without TLS has to be on this machine.

use super::error::ConfigError;
use super::notify::address;
use super::source::Source;
use crate::text;
use lettre::message::Mailbox;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Bytes of a host's name, as in DNS.
const HOST_BYTES: usize = 253;

/// The server that takes mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is protected.
    pub tls: Tls,
    /// Who we are there, and where the password comes from.
    pub login: Option<(String, Source)>,
    /// Whom mails come from.
    pub from: Mailbox,
    /// A file of certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// How a connection to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It begins in the clear, and nothing is said before it has changed to TLS.
    Starttls,
    /// From its first byte.
    Tls,
    /// Not at all: on this machine only.
    None,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawSmtp {
    host: String,
    port: Option<u16>,
    tls: Option<String>,
    user: Option<String>,
    password: Option<toml::Value>,
    from: String,
    ca_file: Option<PathBuf>,
}

impl RawSmtp {
    /// Judges it. Paths are those of the file's folder.
    ///
    /// # Errors
    /// The first mistake, and what to write.
    pub fn check(self, folder: &Path) -> Result<Smtp, ConfigError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if self.host.is_empty() || self.host.len() > HOST_BYTES || !self.host.chars().all(plain) {
            let shown = text::shorten(&self.host, 64);
            return Err(ConfigError::new(format!(
                "host is {shown:?}; write a name or an address, for example \"smtp.acme.test\""
            )));
        }
        let (tls, usual) = match self.tls.as_deref() {
            None | Some("starttls") => (Tls::Starttls, 587),
            Some("tls") => (Tls::Tls, 465),
            Some("none") if is_loopback(&self.host) => (Tls::None, 25),
            Some("none") => {
                return Err(ConfigError::new(format!(
                    "tls is \"none\" and {} is another machine: mails and the password would travel in the clear",
                    self.host
                ))
                .with_help("write tls = \"starttls\" or tls = \"tls\""));
            }
            Some(other) => {
                let shown = text::shorten(other, 64);
                return Err(ConfigError::new(format!(
                    "tls is {shown:?}; write \"starttls\", \"tls\", or \"none\" for a server on this machine"
                )));
            }
        };
        let port = self.port.unwrap_or(usual);
        if port == 0 {
            return Err(ConfigError::new(format!("port is 0; write the server's, for example {usual}")));
        }
        let login = match (self.user, self.password) {
            (None, None) => None,
            (Some(user), Some(password)) => {
                if user.is_empty() || user.chars().any(char::is_control) {
                    return Err(ConfigError::new(
                        "user is empty or holds a control character; write the name to log in with",
                    ));
                }
                Some((user, source(password, folder)?))
            }
            (Some(_), None) => {
                return Err(ConfigError::new("user is given without a password")
                    .with_help("add password = { env = \"SMTP_PASSWORD\" }"));
            }
            (None, Some(_)) => {
                return Err(ConfigError::new("password is given without a user").with_help("add user = \"…\""));
            }
        };
        if let (Some(_), Tls::None) = (&self.ca_file, tls) {
            return Err(
                ConfigError::new("ca-file has no meaning with tls = \"none\"").with_help("take one of them out")
            );
        }
        let from = address("from is", &self.from)?;
        Ok(Smtp { host: self.host, port, tls, login, from, ca_file: self.ca_file.map(|path| folder.join(path)) })
    }
}

fn source(password: toml::Value, folder: &Path) -> Result<Source, ConfigError> {
    match Source::from_toml("password", password)? {
        // Refuses it, and says what to write.
        plain @ Source::Literal(_) => plain.fetch("password", true).map(|_| plain),
        Source::File(path) => Ok(Source::File(folder.join(path))),
        other => Ok(other),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
host = "smtp.acme.test"
port = 2525
tls = "starttls"
user = "muster"
password = { file = "smtp-password" }
from = "Muster <muster@acme.test>"
ca-file = "acme.pem"
"#;

    fn read(text: &str) -> Result<Smtp, ConfigError> {
        let raw: RawSmtp = toml::from_str(text).map_err(|e| ConfigError::new(e.message()))?;
        raw.check(Path::new("/etc/muster"))
    }

    #[test]
    fn the_whole_table_is_understood_and_most_of_it_may_be_left_out() {
        let smtp = read(WHOLE).expect("good");
        assert_eq!((smtp.port, smtp.tls), (2525, Tls::Starttls));
        assert_eq!(smtp.login, Some(("muster".to_owned(), Source::File("/etc/muster/smtp-password".into()))));
        assert_eq!(smtp.ca_file.as_deref(), Some(Path::new("/etc/muster/acme.pem")));
        let table = [("", Tls::Starttls, 587), ("tls = \"tls\"", Tls::Tls, 465)];
        for (more, tls, port) in table {
            let smtp = read(&format!("host = \"mail\"\nfrom = \"m@acme.test\"\n{more}")).expect(more);
            assert_eq!((smtp.tls, smtp.port, smtp.login), (tls, port, None), "{more}");
        }
    }

    #[test]
    fn a_server_without_tls_is_on_this_machine() {
        for (host, good) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.1.2.3", true),
            ("::1", true),
            ("10.0.0.1", false),
            ("localhost.acme.test", false),
            ("127.0.0.1.acme.test", false),
        ] {
            let read = read(&format!("host = {host:?}\ntls = \"none\"\nfrom = \"m@acme.test\""));
            match read {
                Ok(smtp) => assert!(good && smtp.port == 25, "{host}"),
                Err(e) => assert!(!good && e.message.contains("in the clear"), "{host}: {e}"),
            }
        }
    }

    #[test]
    fn each_mistake_says_what_to_write() {
        let table = [
            ("\"smtp.acme.test\"", "\"smtp acme\"", "host is \"smtp acme\"; write a name"),
            ("\"smtp.acme.test\"", "\"\"", "host is \"\""),
            ("\"smtp.acme.test\"", "\"https://smtp.acme.test\"", "write a name or an address"),
            ("2525", "0", "port is 0; write the server's, for example 587"),
            ("\"starttls\"", "\"ssl\"", "tls is \"ssl\"; write \"starttls\""),
            ("\"starttls\"", "\"none\"", "would travel in the clear"),
            ("user = \"muster\"\n", "", "password is given without a user"),
            ("password = { file = \"smtp-password\" }\n", "", "user is given without a password"),
            (
                "{ file = \"smtp-password\" }",
                "\"hunter2\"",
                "the secret password is written into the configuration as plain text",
            ),
            ("{ file = \"smtp-password\" }", "{ vault = \"x\" }", "unknown source"),
            ("\"muster\"", "\"a\\nb\"", "user is empty or holds a control character"),
            ("Muster <muster@acme.test>", "muster", "from is \"muster\", which is none"),
            ("Muster <muster@acme.test>", "a@b.test\\r\\nBcc: c@d.test", "control character"),
            ("ca-file", "cafile", "unknown field `cafile`"),
        ];
        for (from, to, expected) in table {
            let text = WHOLE.replace(from, to);
            assert_ne!(text, WHOLE, "{from}");
            let error = read(&text).expect_err(expected);
            assert!(error.message.contains(expected), "{expected}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
