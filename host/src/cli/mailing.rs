//! Mails of a command: sent beside its runs, and said on stderr where one cannot be sent. The exit code is the runs'.

use super::error;
use crate::config::{Connection, Smtp};
use crate::notify::{self, MailError, Told};
use crate::report::Summary;
use std::path::PathBuf;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Mails on their way.
pub struct Mailing {
    store: PathBuf,
    stop: watch::Receiver<bool>,
    sending: JoinSet<()>,
}

impl Mailing {
    /// None yet. `stop` gives up those that are on their way.
    pub fn new(store: PathBuf, stop: watch::Receiver<bool>) -> Mailing {
        Mailing { store, stop, sending: JoinSet::new() }
    }

    /// Tells what a run came to, where somebody wants to be told. A run that was stopped has not come to anything yet.
    pub fn after_run(&mut self, smtp: Option<&Smtp>, connection: &Connection, summary: &Summary) {
        let (Some(smtp), Some(notify), false) = (smtp, &connection.notify, summary.stopped) else { return };
        let (smtp, notify, summary) = (smtp.clone(), notify.clone(), summary.clone());
        let (store, mut stop) = (self.store.clone(), self.stop.clone());
        self.sending.spawn(async move {
            tokio::select! {
                biased;
                told = notify::after_run(&smtp, &notify, &summary, &store) => say(&summary.connection, told),
                Ok(_) = stop.wait_for(|stop| *stop) => {
                    error::say(&format!("{}: the mail was not sent: stopped by you", summary.connection), &[]);
                }
            }
        });
        // Those that are gone already.
        while self.sending.try_join_next().is_some() {}
    }

    /// Waits for those that are on their way.
    pub async fn finish(mut self) {
        while self.sending.join_next().await.is_some() {}
    }
}

/// Says what became of a mail, where it is not what it should be.
pub fn say(connection: &str, told: Result<Told, MailError>) {
    match told {
        Ok(Told::Unwanted) => {}
        Ok(Told::Sent { refused }) if refused.is_empty() => {}
        Ok(Told::Sent { refused }) => {
            let message =
                format!("{connection}: the mail server refused some of the addresses: {}", refused.join(", "));
            error::say(&message, &["check email under [connection.notify]".to_owned()]);
        }
        Err(e) => error::say(&format!("{connection}: the mail was not sent: {}", e.message), &e.help),
    }
}
