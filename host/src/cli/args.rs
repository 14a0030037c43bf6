//! The command line as it is typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Who exists and who has what access, from any vendor, without trusting the connector.
#[derive(Debug, Parser)]
#[command(name = "muster", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 all published or done; 1 failed; 2 refused before anybody was called (usage, configuration, \
component, store); 3 some of it; 130 Ctrl-C; 143 SIGTERM."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The plugin list [default: muster.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The store [default: what the plugin list says, else muster.db]
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// One JSON object a line instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on stderr; -vv shows each request, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// How log lines on stderr look
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented muster.toml from the connectors found
    Init {
        /// Where the connectors are
        #[arg(long, value_name = "DIR", default_value = "connectors")]
        connectors: PathBuf,
    },
    /// List the connectors in the directory
    Connectors,
    /// Show what a connector asks for, what it is granted, and its limits
    Inspect {
        /// A connector's name, or a .wasm file
        #[arg(value_name = "NAME|FILE")]
        what: String,
    },
    /// Prove settings and credentials, and say who the vendor thinks we are
    Check(Targets),
    /// Run connections and publish what they collected
    Sync(Sync),
    /// Run connections by their schedules, until stopped
    #[command(
        after_help = "A connection is served where the plugin list has schedule = \"daily 06:30\", \"hourly\" or \"every 15m\" on it. \
SIGHUP reads the plugin list again; Ctrl-C and SIGTERM stop within two seconds, and the next start goes on from there. A connection \
whose credentials are refused waits until its settings change."
    )]
    Serve,
    /// List runs, show one, or accept one that is held
    Runs {
        /// Only runs of this connection
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
        /// What to do with a run
        #[command(subcommand)]
        action: Option<RunAction>,
    },
    /// List who and what exists
    Resources(Rows),
    /// List what can be had
    Entitlements(Rows),
    /// List who has what
    Grants(Rows),
    /// Show what was added, changed and removed between two runs
    Diff(Diff),
    /// Ask the store's views with SQL, reading only
    Query(Query),
    /// Delete runs and what was true before the ones that are kept
    Prune(Prune),
    /// Give a principal an entitlement at the vendor
    Grant(super::change_args::Membership),
    /// Take an entitlement away from a principal at the vendor
    Revoke(super::change_args::Membership),
    /// Make, remove or disable an account at the vendor, or give it another role
    Account {
        /// What to do
        #[command(subcommand)]
        action: super::change_args::AccountAction,
    },
    /// List what was changed at vendors or accepted, by whom, and what came of it
    Audit(super::change_args::Audit),
    /// Say what is to be done so that one connection's people become like another's; nothing is changed
    Plan(super::plan_args::Plan),
    /// Do what a plan says at its target; goes on where an earlier attempt has stopped
    Apply(super::change_args::Apply),
    /// Compile a connector crate and wrap it into a component
    Build {
        /// The crate's folder
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        /// A .wasm file, or a folder for NAME.wasm
        #[arg(short, long, value_name = "PATH", default_value = "connectors")]
        output: PathBuf,
    },
    /// What the host runs itself as, to compile a component
    #[command(name = crate::catalog::compile::COMMAND, hide = true)]
    CompileComponent,
}

/// What to do with one run.
#[derive(Debug, Subcommand)]
pub enum RunAction {
    /// Show a run with its failures and its integrity report
    Show {
        /// The run's number
        #[arg(value_parser = run_number)]
        run: i64,
    },
    /// Publish a run that is held; of an incomplete one, what is new or changed
    Accept {
        /// The run's number
        #[arg(value_parser = run_number)]
        run: i64,
    },
}

/// Reads a run's number.
fn run_number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "it has to be a number, as `muster runs` lists them".to_owned())
}

/// Which connections are meant: some of the plugin list, or one given on the command line.
#[derive(Debug, Default, Args)]
pub struct Targets {
    /// Connections of the plugin list [default: all]
    #[arg(value_name = "CONNECTION")]
    pub names: Vec<String>,
    /// Without a plugin list: this connector, as a connection named like it
    #[arg(long, value_name = "FILE.wasm", conflicts_with = "names")]
    pub connector: Option<PathBuf>,
    /// A setting of that connector
    #[arg(long, value_name = "NAME=VALUE", requires = "connector")]
    pub set: Vec<String>,
    /// A secret of that connector: NAME=env:VARIABLE or NAME=file:PATH
    #[arg(long, value_name = "NAME=SOURCE", requires = "connector")]
    pub secret: Vec<String>,
    /// An origin that connector may reach beside its url settings
    #[arg(long, value_name = "ORIGIN", requires = "connector")]
    pub allow: Vec<String>,
    /// A private address that connector may reach
    #[arg(long, value_name = "HOST:PORT", requires = "connector")]
    pub allow_private: Vec<String>,
    /// A file of certificates to trust beside the system's
    #[arg(long, value_name = "FILE", requires = "connector")]
    pub ca_file: Option<std::path::PathBuf>,
}

/// What to run, and whether on tape.
#[derive(Debug, Args)]
pub struct Sync {
    /// Which connections.
    #[command(flatten)]
    pub targets: Targets,
    /// Start over, even where a run was interrupted
    #[arg(long)]
    pub fresh: bool,
    /// Write every exchange to this new file, secrets masked
    #[arg(long, value_name = "TAPE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Run from a recorded file, without network and secrets; settings that are not given are the tape's
    #[arg(long, value_name = "TAPE")]
    pub replay: Option<PathBuf>,
}

/// Which rows are meant.
#[derive(Debug, Args)]
pub struct Rows {
    /// Only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Only this resource type
    #[arg(long = "type", value_name = "TYPE")]
    pub resource_type: Option<String>,
    /// As it was after a run, or at the end of a day (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "RUN|DATE")]
    pub as_of: Option<String>,
}

/// Which two states are meant.
#[derive(Debug, Args)]
pub struct Diff {
    /// The connection
    #[arg(value_name = "CONNECTION")]
    pub connection: String,
    /// Compare with the state after this run [default: the published one before]
    #[arg(long, value_name = "RUN", value_parser = run_number)]
    pub from: Option<i64>,
    /// The state after this run, or the draft of a run that is held or incomplete [default: the published one]
    #[arg(long, value_name = "RUN", value_parser = run_number)]
    pub to: Option<i64>,
    /// Exit with 1 where anything differs
    #[arg(long)]
    pub exit_code: bool,
}

/// A statement and what it may take.
#[derive(Debug, Args)]
pub struct Query {
    /// One SELECT over the views connections, runs, findings, resources, entitlements, grants, access, resource_history,
    /// entitlement_history and grant_history; or - to read it from stdin
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// Seconds the store may work on it
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub timeout: u32,
    /// MiB of memory the store may use for it
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=65_536))]
    pub memory: u32,
}

/// What is kept.
#[derive(Debug, Args)]
pub struct Prune {
    /// Connections of the store [default: all]
    #[arg(value_name = "CONNECTION")]
    pub names: Vec<String>,
    /// Published runs to keep of each connection, by number or by age: 30, 90d, 12w, 36h
    #[arg(long, value_name = "N|AGE")]
    pub keep: String,
    /// Only say what would be deleted
    #[arg(long)]
    pub dry_run: bool,
    /// Write the whole file anew, so that it shrinks; others wait meanwhile, and it takes as much disk again
    #[arg(long, conflicts_with = "dry_run")]
    pub vacuum: bool,
}
