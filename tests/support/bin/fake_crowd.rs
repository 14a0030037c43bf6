//! `fake-crowd`: a directory of very many people, for measuring. It ends with its standard input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test support: a broken assumption ends the test"
)]

use std::io::{BufRead, Write};
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use support::crowd::{FakeCrowd, Size, TOKEN};

/// A fake directory on loopback, every page of it rendered before the first request.
///
/// Says where it listens, as one line of JSON, then answers each line of its standard input with the requests so far,
/// and ends with its standard input.
#[derive(Parser, Debug)]
#[command(name = "fake-crowd", version)]
struct Arguments {
    /// Users in the directory
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    users: u64,

    /// Groups in the directory
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    groups: u64,

    /// Users in each group
    #[arg(long, value_name = "N", default_value_t = 500)]
    members: u64,

    /// Shuffles users, groups and members over their pages
    #[arg(long, value_name = "SEED")]
    shuffled: Option<u64>,

    /// A wait before each answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
}

fn main() -> std::io::Result<()> {
    let Arguments { users, groups, members, shuffled, latency } = Arguments::parse();
    if members > users {
        eprintln!("error: a group of {members} needs as many users: raise --users or lower --members");
        std::process::exit(2);
    }
    let fake = FakeCrowd::start(Size { users, groups, members }, shuffled, Duration::from_millis(latency))?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", json!({"origin": fake.origin(), "address": fake.address().to_string(), "token": TOKEN}))?;
    for line in std::io::stdin().lock().lines() {
        line?;
        writeln!(out, "{}", json!({"requests": fake.requests()}))?;
    }
    Ok(())
}
