//! `[connection.notify]`: who is told by e-mail what a run came to. Pure.

use super::error::ConfigError;
use crate::text;
use lettre::message::Mailbox;
use serde::Deserialize;

/// Addresses of one mail: more are a mailing list's business.
const MOST_ADDRESSES: usize = 50;

/// Who is told, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// To whom; never empty.
    pub email: Vec<Mailbox>,
    /// After which runs.
    pub when: When,
}

/// After which runs a mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After each.
    Always,
    /// Where something changed, is held or failed.
    Changes,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNotify {
    email: Vec<String>,
    when: Option<String>,
}

impl RawNotify {
    /// Judges it.
    ///
    /// # Errors
    /// No address, too many, one that is none, or another word than the two.
    pub fn check(self) -> Result<Notify, ConfigError> {
        if !(1..=MOST_ADDRESSES).contains(&self.email.len()) {
            let many = self.email.len();
            return Err(ConfigError::new(format!(
                "notify names {many} addresses; it has to name 1 to {MOST_ADDRESSES}"
            ))
            .with_help("write email = [\"ann@acme.test\"], or take [connection.notify] out"));
        }
        let email = self.email.iter().map(|one| address("notify has the address", one)).collect::<Result<_, _>>()?;
        let when = match self.when.as_deref() {
            None | Some("always") => When::Always,
            Some("changes") => When::Changes,
            Some(other) => {
                let shown = text::shorten(other, 64);
                return Err(ConfigError::new(format!("when is {shown:?}; write \"always\" or \"changes\"")));
            }
        };
        Ok(Notify { email, when })
    }
}

/// Reads `ann@acme.test` or `Ann <ann@acme.test>`.
///
/// # Errors
/// It is neither; `what` begins the sentence.
pub fn address(what: &str, written: &str) -> Result<Mailbox, ConfigError> {
    let wrong = |why: &str| {
        ConfigError::new(format!("{what} {:?}, {why}", text::shorten(written, 200)))
            .with_help("write \"ann@acme.test\" or \"Ann <ann@acme.test>\"")
    };
    if written.chars().any(text::is_unsafe) {
        return Err(wrong("which holds a control character or an invisible one"));
    }
    let mailbox: Mailbox = written.parse().map_err(|_| wrong("which is none"))?;
    // Only few servers take others.
    match AsRef::<str>::as_ref(&mailbox.email).is_ascii() {
        true => Ok(mailbox),
        false => Err(wrong("which is not written in ASCII")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notify(email: &[&str], when: Option<&str>) -> Result<Notify, ConfigError> {
        RawNotify { email: email.iter().map(|e| (*e).to_owned()).collect(), when: when.map(str::to_owned) }.check()
    }

    #[test]
    fn addresses_and_words_are_judged() {
        let read = notify(&["ann@acme.test", "Ben Keel <ben@acme.test>"], Some("changes")).expect("good");
        assert_eq!(read.when, When::Changes);
        assert_eq!(read.email[1].to_string(), "\"Ben Keel\" <ben@acme.test>".replace('"', ""));
        assert_eq!(notify(&["ann@acme.test"], None).expect("good").when, When::Always);
        let many = vec!["ann@acme.test"; 51];
        let table: [(&[&str], Option<&str>, &str); 9] = [
            (&[], None, "names 0 addresses"),
            (&many, None, "names 51 addresses; it has to name 1 to 50"),
            (&["ann"], None, "notify has the address \"ann\", which is none"),
            (&["ann@acme.test, ben@acme.test"], None, "which is none"),
            (&["ann@acme.test\r\nBcc: eve@evil.test"], None, "control character"),
            (&["Ann\u{202e} <ann@acme.test>"], None, "an invisible one"),
            (&["änn@acme.test"], None, "not written in ASCII"),
            (&["ann@acme.test"], Some("never"), "when is \"never\"; write \"always\" or \"changes\""),
            (&["<>"], None, "which is none"),
        ];
        for (email, when, expected) in table {
            let error = notify(email, when).expect_err(expected);
            assert!(error.message.contains(expected), "{error}");
        }
    }
}
