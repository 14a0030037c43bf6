//! The fake Chatwoot in a process of its own, which says over its standard output what it served.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::chatwoot::FakeChatwoot;

use crate::{Broken, myself};

/// The word that starts the role.
pub const ROLE: &str = "--serve";

/// How large an account is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Agents.
    pub agents: u64,
    /// Teams.
    pub teams: u64,
    /// Agents in each team.
    pub members: u64,
}

impl Account {
    /// The demo's, whose sizes are its own.
    pub const DEMO: Account = Account { agents: 0, teams: 0, members: 0 };

    /// Resources, entitlements and grants.
    pub fn records(self) -> u64 {
        self.agents + 2 * self.teams + self.teams * self.members
    }
}

/// Where a fake listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The base URL.
    pub origin: String,
    /// Host and port.
    pub address: String,
    /// The token that it accepts.
    pub token: String,
    /// The account's number.
    pub account: u64,
}

/// What a fake did since it was asked last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Served {
    /// How long at least one request was in progress.
    pub busy: Duration,
    /// Its processor time.
    pub cpu: Duration,
}

/// The role: serves an account, answers each line on the standard input with what was served since the one before,
/// and ends with the input.
pub fn serve(mut words: impl Iterator<Item = OsString>) -> Result<(), Broken> {
    let words = words.next().ok_or("no account to serve")?;
    let account: Account = serde_json::from_str(words.to_str().ok_or("not UTF-8")?)?;
    let builder = match account {
        Account::DEMO => FakeChatwoot::demo(),
        _ => FakeChatwoot::builder().agents(account.agents).teams(account.teams).members_per_team(account.members),
    };
    let fake = builder.keep(0).try_start()?;
    let mut out = std::io::stdout();
    let place = Place {
        origin: fake.origin(),
        address: fake.address().to_string(),
        token: fake.token().to_owned(),
        account: fake.account_id(),
    };
    writeln!(out, "{}", serde_json::to_string(&place)?)?;
    for line in std::io::stdin().lines() {
        line?;
        let stats = fake.stats();
        fake.reset_stats();
        writeln!(out, "{}", serde_json::to_string(&Served { busy: stats.busy, cpu: stats.cpu })?)?;
    }
    Ok(())
}

/// A fake that runs.
pub struct Vendor {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where it listens.
    pub place: Place,
}

impl Vendor {
    /// Starts one.
    pub fn start(account: Account) -> Result<Vendor, Broken> {
        let mut child = myself(ROLE)?
            .arg(serde_json::to_string(&account)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        Ok(Vendor { child, orders, answers, place: serde_json::from_str(&line)? })
    }

    /// What it served since this was asked last.
    pub fn served(&mut self) -> Result<Served, Broken> {
        writeln!(self.orders.as_ref().ok_or("it has ended")?)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
