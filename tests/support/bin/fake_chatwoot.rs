//! `fake-chatwoot`: a Chatwoot to play with, for the demo and for measuring.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test support: a broken assumption ends the test"
)]

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::certificate::Tls;
use support::chatwoot::{DEMO_TOKEN, FakeChatwoot, Role};
use support::fault::Fault;
use support::fault_text;
use tokio::signal::unix::{SignalKind, signal};

/// A fake Chatwoot on loopback: answers as the real server does, sized by arguments, with faults on request.
///
/// Without sizes it holds a small demo account: eight agents, three teams, one open invitation, and one former
/// agent who is still in a team.
#[derive(Parser, Debug)]
#[command(name = "fake-chatwoot", version, after_help = format!("Faults:\n  {}", fault_text::GRAMMAR))]
struct Arguments {
    /// Port on 127.0.0.1; 0 is any free one [default: 3000, with a COMMAND 0]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// The API token it accepts
    #[arg(long, default_value = DEMO_TOKEN)]
    token: String,

    /// The account's number
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    account: u64,

    /// The role of the token's user
    #[arg(long, value_enum, default_value_t = RoleName::Administrator)]
    role: RoleName,

    /// Agents in the account, instead of the demo's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    agents: Option<u64>,

    /// Teams in the account, instead of the demo's
    #[arg(long, value_name = "N")]
    teams: Option<u64>,

    /// Agents in each team
    #[arg(long, value_name = "N", default_value_t = 5)]
    members_per_team: u64,

    /// Agents who have not accepted their invitation
    #[arg(long, value_name = "N", default_value_t = 0)]
    pending: u64,

    /// Adds agents and teams whose names are hard to print
    #[arg(long)]
    odd_names: bool,

    /// Answers as the Enterprise edition does (custom roles)
    #[arg(long)]
    enterprise: bool,

    /// The account is suspended
    #[arg(long)]
    suspended: bool,

    /// Other names, memberships and order
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// A wait before each answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,

    /// Something that goes wrong (see below); may be given more than once
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,

    /// Speaks TLS, with a certificate of its own making
    #[arg(long)]
    tls: bool,

    /// Writes the certificate to trust to this file
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,

    /// A line on stderr for each request
    #[arg(long)]
    log: bool,

    /// After the COMMAND, a line on stderr about the requests it made
    #[arg(long, requires = "command")]
    stats: bool,

    /// Runs this with CHATWOOT_URL, CHATWOOT_ADDRESS, CHATWOOT_TOKEN and CHATWOOT_ACCOUNT set, and ends with it
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<std::ffi::OsString>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    Administrator,
    Agent,
}

/// One sentence, and what to do about it.
struct Refusal(String);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(Refusal(text)) => {
            eprintln!("error: {text}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<u8, Refusal> {
    let fake = start(arguments)?;
    if let (Some(path), Some(pem)) = (&arguments.ca_file, fake.ca_pem()) {
        std::fs::write(path, pem).map_err(|error| Refusal(format!("cannot write {}: {error}", path.display())))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if arguments.command.is_empty() {
        println!(
            "fake Chatwoot on {}, account {}, token {} (Ctrl-C ends it)",
            fake.origin(),
            fake.account_id(),
            fake.token()
        );
        runtime.block_on(ended());
        return Ok(0);
    }
    let code = runtime.block_on(run_command(&fake, arguments))?;
    if arguments.stats {
        print_stats(&fake);
    }
    Ok(code)
}

fn start(arguments: &Arguments) -> Result<FakeChatwoot, Refusal> {
    let sized = arguments.agents.is_some() || arguments.teams.is_some() || arguments.pending > 0;
    let mut builder = if sized {
        let agents = arguments.agents.unwrap_or_else(|| 10.max(arguments.pending + 1));
        FakeChatwoot::builder()
            .agents(agents)
            .pending(arguments.pending)
            .teams(arguments.teams.unwrap_or(3))
            .members_per_team(arguments.members_per_team)
    } else {
        FakeChatwoot::demo()
    };
    let port = arguments.port.unwrap_or(if arguments.command.is_empty() { 3000 } else { 0 });
    builder = builder
        .port(port)
        .token(&arguments.token)
        .account_id(arguments.account)
        .role(match arguments.role {
            RoleName::Administrator => Role::Administrator,
            RoleName::Agent => Role::Agent,
        })
        .enterprise(arguments.enterprise)
        .seed(arguments.seed)
        .latency(Duration::from_millis(arguments.latency))
        .keep(0)
        .log(arguments.log);
    if arguments.odd_names {
        builder = builder.odd_names();
    }
    if arguments.suspended {
        builder = builder.suspended();
    }
    if arguments.tls {
        builder = builder.tls(Tls::default());
    }
    for fault in &arguments.faults {
        builder = builder.fault(fault.clone());
    }
    builder.try_start().map_err(|error| {
        Refusal(match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("port {port} on 127.0.0.1 is taken: choose another with --port, or any free one with --port 0")
            }
            _ => format!("cannot listen on port {port} of 127.0.0.1: {error}"),
        })
    })
}

/// Waits for Ctrl-C or SIGTERM.
async fn ended() {
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler");
    let mut interrupt = signal(SignalKind::interrupt()).expect("a signal handler");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Runs the command to its end; a signal goes to the command, whose end is ours.
async fn run_command(fake: &FakeChatwoot, arguments: &Arguments) -> Result<u8, Refusal> {
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler");
    let mut interrupt = signal(SignalKind::interrupt()).expect("a signal handler");
    let mut words = arguments.command.iter();
    let Some(program) = words.next() else { return Ok(0) };
    let mut child = tokio::process::Command::new(program)
        .args(words)
        .env("CHATWOOT_URL", fake.origin())
        .env("CHATWOOT_ADDRESS", fake.address().to_string())
        .env("CHATWOOT_TOKEN", fake.token())
        .env("CHATWOOT_ACCOUNT", fake.account_id().to_string())
        .spawn()
        .map_err(|error| Refusal(format!("cannot run {}: {error}", program.display())))?;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(|error| Refusal(format!("cannot wait for the command: {error}")))?;
                let code = status.code().or_else(|| status.signal().map(|number| 128 + number)).unwrap_or(1);
                return Ok(u8::try_from(code).unwrap_or(1));
            }
            // A terminal sends Ctrl-C to the command as well.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
                    let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
                }
            }
        }
    }
}

fn print_stats(fake: &FakeChatwoot) {
    let stats = fake.stats();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    eprintln!(
        "served {} requests over {} connections in {:.1} ms busy ({:.1} ms from first to last, {:.1} ms processor \
         time, {} at once at most, {} bytes)",
        stats.requests,
        stats.connections,
        ms(stats.busy),
        ms(stats.span),
        ms(stats.cpu),
        stats.at_once,
        stats.body_bytes,
    );
    for injected in fake.injected() {
        let fault = injected.fault();
        let method = fault.method.as_ref().map_or("*", |method| method.as_str());
        eprintln!("fault {method} {} fired {} times", fault.path, injected.fired());
    }
}
