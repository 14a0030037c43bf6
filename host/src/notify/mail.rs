//! A letter, and the message that is made of it. Pure but for the message's number.
//!
//! Rule: what strangers wrote is one line of the body, without control or invisible characters, and nothing of it is a
//! header. Reason: names and messages are chosen by vendors and whoever has an account there. Attack: an agent named
//! `x\r\nBcc: everybody@acme.test`. So subjects are made of a connection's name (a slug) and numbers, addresses are the
//! operator's, and the body is encoded by the library.

use super::smtp::MailError;
use crate::text::{neutral, shorten};
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use ring::rand::{SecureRandom, SystemRandom};

/// Bytes of a line of the body.
const LINE_BYTES: usize = 1000;

/// What is written to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Lines, each ended.
    pub body: String,
}

impl Letter {
    /// A letter without a body.
    pub fn new(subject: String) -> Letter {
        Letter { subject: neutral(&subject).into_owned(), body: String::new() }
    }

    /// A line of the body, whatever it holds.
    pub fn line(&mut self, text: &str) {
        self.body.push_str(&shorten(&neutral(text), LINE_BYTES));
        self.body.push('\n');
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.body.push('\n');
    }

    /// A title and its lines; nothing where there are none.
    pub fn section(&mut self, title: &str, lines: &[String]) {
        if !lines.is_empty() {
            self.gap();
            self.line(title);
            lines.iter().for_each(|line| self.line(line));
        }
    }

    /// Why somebody gets it.
    pub fn end(&mut self, connection: &str) {
        self.gap();
        self.line(&format!("You are told because [connection.notify] of {connection} names you."));
    }
}

/// The message, with all its headers.
///
/// # Errors
/// The library refuses an address.
pub fn message(from: &Mailbox, to: &[Mailbox], letter: &Letter) -> Result<Message, MailError> {
    let header =
        |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(&letter.subject)
        .message_id(Some(format!("<{}@{}>", number(), from.email.domain())))
        // No holiday note answers it.
        .raw_header(header("Auto-Submitted", "auto-generated"));
    for one in to {
        builder = builder.to(one.clone());
    }
    let unmade = |e: lettre::error::Error| MailError::new(format!("the mail cannot be written: {e}"));
    builder.singlepart(SinglePart::plain(letter.body.clone())).map_err(unmade)
}

/// A number that no other mail has.
fn number() -> String {
    let mut bytes = [0; 16];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Without random numbers the time has to do.
        bytes = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
    }
    data_encoding::HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(letter: &Letter) -> String {
        let mailbox = |text: &str| text.parse::<Mailbox>().expect(text);
        let to = [mailbox("Änn Tide <ann@acme.test>"), mailbox("ben@acme.test")];
        let message = message(&mailbox("Muster <muster@acme.test>"), &to, letter).expect("message");
        String::from_utf8(message.formatted()).expect("text")
    }

    #[test]
    fn a_message_has_the_headers_that_mails_have() {
        let mut letter = Letter::new("muster: support: failed".to_owned());
        letter.line("hello");
        let text = written(&letter);
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        for header in [
            "From: Muster <muster@acme.test>",
            "Subject: muster: support: failed",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(head.lines().any(|line| line == header), "{header}: {head}");
        }
        assert!(head.contains("ben@acme.test") && head.contains("<ann@acme.test>"), "{head}");
        assert!(head.contains("Date: ") && head.contains("@acme.test>\r\n"), "{head}");
        assert!(body.contains("hello"), "{body}");
        assert_ne!(number(), number());
    }

    #[test]
    fn nothing_that_strangers_wrote_is_a_header_or_a_line_of_its_own() {
        let evil = "x\r\nBcc: eve@evil.test\r\n.\r\nMAIL FROM:<eve@evil.test>\u{202e}\u{0}";
        let mut letter = Letter::new(evil.to_owned());
        letter.line(evil);
        letter.section("title", &[evil.to_owned(), "y".repeat(5000)]);
        assert_eq!(letter.body.lines().count(), 5, "{}", letter.body);
        assert!(letter.body.lines().all(|line| line.len() < 1010), "{}", letter.body);
        let text = written(&letter);
        let wrong =
            |line: &str| line.starts_with("Bcc:") || line.starts_with("MAIL ") || line == "." || line.len() > 998;
        let found = text.split("\r\n").find(|line| wrong(line));
        assert!(found.is_none(), "{found:?} in {text}");
        assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n', '\0']), "{text}");
    }
}
