//! Mails of a command: sent beside its runs, and said on stderr where one cannot be sent. The exit code is the runs'.

use super::error;
use crate::config::{Connection, Smtp};
use crate::notify::{self, MailError, Told};
use crate::report::Summary;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a mail may go on when its command is stopped: most take less, and what is left of the two seconds that
/// stopping may take is for the store.
const GRACE: Duration = Duration::from_millis(1500);

/// Mails on their way.
pub struct Mailing {
    store: PathBuf,
    /// True when those that are on their way are given up.
    over: watch::Receiver<bool>,
    sending: JoinSet<()>,
}

impl Mailing {
    /// None yet. A while after `stop` those that are on their way are given up.
    pub fn new(store: PathBuf, mut stop: watch::Receiver<bool>) -> Mailing {
        let (give_up, over) = watch::channel(false);
        tokio::spawn(async move {
            if stop.wait_for(|stop| *stop).await.is_ok() {
                tokio::time::sleep(GRACE).await;
                // Nobody left to tell means that all were sent.
                let _ = give_up.send(true);
            }
        });
        Mailing { store, over, sending: JoinSet::new() }
    }

    /// Tells what a run came to, where somebody wants to be told. A run that was stopped has not come to anything yet.
    pub fn after_run(&mut self, smtp: Option<&Smtp>, connection: &Connection, summary: &Summary) {
        let (Some(smtp), Some(notify), false) = (smtp, &connection.notify, summary.stopped) else { return };
        let (smtp, notify, summary) = (smtp.clone(), notify.clone(), summary.clone());
        let (store, mut over) = (self.store.clone(), self.over.clone());
        self.sending.spawn(async move {
            tokio::select! {
                biased;
                told = notify::after_run(&smtp, &notify, &summary, &store) => say(&summary.connection, told),
                Ok(_) = over.wait_for(|over| *over) => {
                    error::say(&format!("{}: the mail was not sent: stopped by you", summary.connection), &[]);
                }
            }
        });
        // Those that are gone already.
        while self.sending.try_join_next().is_some() {}
    }

    /// Waits for those that are on their way, as long as they may be.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Notify, Tls, When};
    use crate::failure::{Failure, Reason};
    use crate::report::TaskFailure;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    /// A mail server that takes one mail; what it was told.
    async fn takes_one(listener: TcpListener) -> String {
        let (mut socket, _) = listener.accept().await.expect("a client");
        let (from, mut to) = socket.split();
        let (mut lines, mut told) = (BufReader::new(from).lines(), String::new());
        to.write_all(b"220 mail.test\r\n").await.expect("said");
        let mut is_text = false;
        while let Ok(Some(line)) = lines.next_line().await {
            told.push_str(&line);
            told.push('\n');
            let answer: &[u8] = match line.as_str() {
                "DATA" => b"354 go on\r\n",
                "." => b"250 taken\r\n",
                _ if is_text => continue,
                _ => b"250 well\r\n",
            };
            is_text = (is_text || line == "DATA") && line != ".";
            to.write_all(answer).await.expect("said");
            if line == "." {
                break;
            }
        }
        told
    }

    #[tokio::test]
    async fn a_run_that_ends_while_its_command_is_stopped_is_told_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address: lettre::message::Mailbox = "muster@acme.test".parse().expect("address");
        let smtp = Smtp {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().expect("port").port(),
            tls: Tls::None,
            login: None,
            from: address.clone(),
            ca_file: None,
        };
        let server = tokio::spawn(takes_one(listener));
        let mut connection = Connection::new("support", "chatwoot");
        connection.notify = Some(Notify { email: vec![address], when: When::Always });
        let failure = TaskFailure::new("check", Failure::new(Reason::Unauthorized, "no"));
        let (stop, stopped) = watch::channel(false);
        let mut mailing = Mailing::new(PathBuf::from("muster.db"), stopped);
        stop.send(true).expect("heard");
        mailing.after_run(Some(&smtp), &connection, &Summary::failed("support", failure));
        mailing.finish().await;
        let told = server.await.expect("server");
        assert!(told.contains("Subject: muster: support: failed"), "{told}");
    }
}
