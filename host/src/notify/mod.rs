//! Telling people by e-mail what a run or an apply came to.
//!
//! Rule: a mail that cannot be sent changes nothing about what it would have told. Reason: the records are collected, and
//! a mail server that is down is no reason to collect them again, or to call the run failed. Whoever calls says it.

mod apply;
mod aside;
mod differences;
mod mail;
mod run;
mod smtp;

pub use apply::ApplyNote;
pub use differences::Differences;
pub use mail::Letter;
pub use smtp::MailError;

use crate::config::{Notify, Smtp, When};
use crate::report::Summary;
use std::path::Path;
use std::time::Duration;

/// How long the store may be read for a mail; a mail without differences is better than none.
const READING: Duration = Duration::from_secs(30);

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nobody wants one of this.
    Unwanted,
    /// It was taken for somebody; these addresses were refused, each with the reason.
    Sent {
        /// Usually none.
        refused: Vec<String>,
    },
}

/// Tells what a run came to.
///
/// # Errors
/// The mail could not be sent, and what to change.
pub async fn after_run(smtp: &Smtp, notify: &Notify, summary: &Summary, store: &Path) -> Result<Told, MailError> {
    if notify.when == When::Changes && !run::is_news(summary) {
        return Ok(Told::Unwanted);
    }
    let differences = match summary.run.filter(|_| run::shows_differences(summary)) {
        Some(run) => differences(store, &summary.connection, run).await,
        None => Differences::default(),
    };
    send(smtp, notify, &run::letter(summary, &differences)).await
}

/// What a run changed; where that cannot be read, the mail says so instead.
async fn differences(store: &Path, connection: &str, run: i64) -> Differences {
    let (store, connection) = (store.to_path_buf(), connection.to_owned());
    match aside::within(READING, move || Differences::read(&store, &connection, run)).await {
        Some(Ok(differences)) => differences,
        Some(Err(e)) => Differences::unreadable(&e.to_string()),
        None => Differences::unreadable(&format!("reading took longer than {} s", READING.as_secs())),
    }
}

/// Tells what an apply came to.
///
/// # Errors
/// The mail could not be sent, and what to change.
pub async fn after_apply(smtp: &Smtp, notify: &Notify, note: &ApplyNote) -> Result<Told, MailError> {
    if notify.when == When::Changes && !note.is_news() {
        return Ok(Told::Unwanted);
    }
    send(smtp, notify, &note.letter()).await
}

async fn send(smtp: &Smtp, notify: &Notify, letter: &Letter) -> Result<Told, MailError> {
    let message = mail::message(&smtp.from, &notify.email, letter)?;
    Ok(Told::Sent { refused: smtp::send(smtp, &message).await? })
}
