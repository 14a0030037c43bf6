//! The command line: one file a command, and the edge where errors become text and exit codes.

mod account;
mod apply;
mod apply_before;
mod apply_page;
mod args;
mod audit;
mod bar;
mod build;
mod change;
mod change_args;
mod check;
mod colour;
mod connectors;
mod consent;
mod diff;
mod error;
mod grant;
mod init;
mod inspect;
mod logging;
mod mailing;
mod one;
mod output;
mod plan;
mod plan_args;
mod plan_page;
mod progress;
mod prune;
mod query;
mod rows;
mod run_page;
mod runs;
mod scene;
mod serve;
mod signals;
mod summary;
mod sync;
mod table;
mod taping;
mod target;
mod who;

use args::{Cli, Command};
use clap::Parser;
use clap::error::ErrorKind;
use error::CliError;
use std::process::ExitCode;

/// The program: reads the command line, does what it says, and answers with the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            if !e.use_stderr() {
                let _ = e.print();
                return ExitCode::SUCCESS;
            }
            // Nothing was asked for: the help is the answer, and it is no error that it is long.
            if e.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                let _ = e.print();
                return error::REFUSED.into();
            }
            return usage(&e).report().into();
        }
    };
    // Before anything else is set up: this child has the compiler to itself.
    if matches!(cli.command, Command::CompileComponent) {
        return match crate::catalog::compile::child() {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                error::FAILED.into()
            }
        };
    }
    logging::start(&cli.global, matches!(cli.command, Command::Serve));
    let code = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(run(&cli)).unwrap_or_else(|e| e.report());
            // A blocked DNS lookup must not hold up the exit.
            runtime.shutdown_background();
            code
        }
        Err(e) => CliError::failed(format!("cannot start: {e}")).report(),
    };
    code.into()
}

/// What clap says, in the form of every other error: one line, then lines that help.
fn usage(e: &clap::Error) -> CliError {
    let text = e.render().to_string();
    let mut parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = parts.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    parts.filter(|part| !part.is_empty()).fold(CliError::usage(message), |error, part| {
        let line =
            part.strip_prefix("tip: ").unwrap_or(&part).replace("For more information, try '--help'.", "see --help");
        error.with_help(line.replace("Usage: ", "usage: "))
    })
}

async fn run(cli: &Cli) -> Result<u8, CliError> {
    let global = &cli.global;
    match &cli.command {
        Command::Init { connectors } => init::init(global, connectors).await,
        Command::Connectors => connectors::connectors(global).await,
        Command::Inspect { what } => inspect::inspect(global, what).await,
        Command::Check(targets) => check::check(global, targets).await,
        Command::Sync(options) => {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            progress::draw(terminal && !global.quiet && global.verbose == 0);
            sync::sync(global, options).await
        }
        Command::Serve => serve::serve(global).await,
        Command::Runs { connection, action } => runs::runs(global, connection.as_deref(), action.as_ref()).await,
        Command::Resources(rows) => rows::rows(global, rows, rows::What::Resources),
        Command::Entitlements(rows) => rows::rows(global, rows, rows::What::Entitlements),
        Command::Grants(rows) => rows::rows(global, rows, rows::What::Grants),
        Command::Diff(options) => diff::diff(global, options),
        Command::Query(options) => query::query(global, options),
        Command::Prune(options) => prune::prune(global, options),
        Command::Grant(options) => grant::grant(global, options, true).await,
        Command::Revoke(options) => grant::grant(global, options, false).await,
        Command::Account { action } => account::account(global, action).await,
        Command::Audit(options) => audit::audit(global, options),
        Command::Plan(options) => plan::plan(global, options),
        Command::Apply(options) => apply::apply(global, options).await,
        Command::Build { dir, output } => build::run(global, dir, output),
        Command::CompileComponent => Ok(error::OK),
    }
}
