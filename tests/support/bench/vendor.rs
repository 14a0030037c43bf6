//! The fake Chatwoot in a process of its own, which says what it served.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::chatwoot::FakeChatwoot;

use crate::Broken;

/// The word that starts the role.
pub const ROLE: &str = "--serve";

/// How large an account is.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub agents: u64,
    pub teams: u64,
    /// Of each team.
    pub members: u64,
}

impl Account {
    /// The demo's, whose size is its own.
    pub const DEMO: Account = Account { agents: 0, teams: 0, members: 0 };

    /// Resources, entitlements and grants.
    pub fn records(self) -> f64 {
        (self.agents + self.teams * (2 + self.members)) as f64
    }
}

/// What a fake did since it was asked last.
#[derive(Serialize, Deserialize)]
pub struct Served {
    /// How long at least one request was in progress.
    pub busy: Duration,
    pub cpu: Duration,
}

/// The role: serves an account, answers each line on the standard input with what it served since the one before,
/// and ends with the input.
pub fn serve(mut words: impl Iterator<Item = String>) -> Result<(), Broken> {
    let account: Account = serde_json::from_str(&words.next().ok_or("no account to serve")?)?;
    let builder = match account {
        Account::DEMO => FakeChatwoot::demo(),
        _ => FakeChatwoot::builder().agents(account.agents).teams(account.teams).members_per_team(account.members),
    };
    let fake = builder.keep(0).try_start()?;
    let place = [fake.origin(), fake.address().to_string(), fake.token().to_owned(), fake.account_id().to_string()];
    println!("{}", serde_json::to_string(&place)?);
    for line in std::io::stdin().lines() {
        line?;
        let stats = fake.stats();
        fake.reset_stats();
        println!("{}", serde_json::to_string(&Served { busy: stats.busy, cpu: stats.cpu })?);
    }
    Ok(())
}

/// A fake that runs.
pub struct Vendor {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Vendor {
    /// A fake, with its base URL, its host and port, its token and its account's number.
    pub fn start(account: Account) -> Result<(Vendor, [String; 4]), Broken> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).arg(serde_json::to_string(&account)?);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("a fake without output")?);
        let mut vendor = Vendor { child, orders, answers };
        let place = serde_json::from_str(&vendor.line()?)?;
        Ok((vendor, place))
    }

    /// What it served since this was asked last.
    pub fn served(&mut self) -> Result<Served, Broken> {
        writeln!(self.orders.as_ref().ok_or("the fake has ended")?)?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map(|_| line)
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
