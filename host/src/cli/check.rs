//! `muster check`: proves settings and credentials, and says who the vendor thinks we are.

use super::args::{Global, Targets};
use super::error::{self, CliError};
use super::output::Output;
use super::scene::Scene;
use crate::config::Connection;
use crate::egress::dial::{Resolver, SystemResolver};
use crate::failure::{Failure, Reason};
use crate::model::Account;
use crate::run;
use crate::tape::Tape;
use crate::text::neutral;
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use std::sync::Arc;

/// Connections that are checked at once.
const AT_ONCE: usize = 16;

enum Outcome {
    Proved(Account),
    Failed(Failure),
    Refused(String, Vec<String>),
}

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// What the host can judge before it calls anybody.
pub async fn check(global: &Global, targets: &Targets) -> Result<u8, CliError> {
    let scene = Scene::new(global, targets)?;
    let resolver: Arc<dyn Resolver> = Arc::new(SystemResolver);
    let mut out = Output::new(global.json);
    let mut codes = Vec::new();
    let checks = scene.connections.iter().map(|c| one(&scene, c, &resolver));
    let mut running = stream::iter(checks).buffered(AT_ONCE);
    while let Some((name, outcome)) = running.next().await {
        codes.push(match &outcome {
            Outcome::Proved(_) => error::OK,
            Outcome::Failed(_) => error::FAILED,
            Outcome::Refused(..) => error::REFUSED,
        });
        show(&mut out, name, &outcome)?;
    }
    out.finish()?;
    let all = |code: u8| codes.iter().all(|c| *c == code);
    Ok(match () {
        () if all(error::OK) => error::OK,
        () if all(error::REFUSED) => error::REFUSED,
        () if !codes.contains(&error::OK) => error::FAILED,
        () => error::PARTLY,
    })
}

async fn one<'a>(scene: &Scene, connection: &'a Connection, resolver: &Arc<dyn Resolver>) -> (&'a str, Outcome) {
    let outcome = match scene.job(connection, Tape::Off).await {
        Err(CliError::Say { message, help, .. }) => Outcome::Refused(message, help),
        Err(CliError::BrokenPipe) => Outcome::Refused(String::new(), Vec::new()),
        Ok(job) => match run::check(&job, Arc::clone(resolver)).await {
            Ok(account) => Outcome::Proved(account),
            Err(failure) => Outcome::Failed(failure),
        },
    };
    (&connection.name, outcome)
}

fn show(out: &mut Output, name: &str, outcome: &Outcome) -> Result<(), CliError> {
    let failure = |reason: &str, message: &str| json!({"reason": reason, "message": message});
    let (account, warnings, failure) = match outcome {
        Outcome::Proved(a) => (json!({"id": a.id, "name": a.name}), a.warnings.clone(), json!(null)),
        Outcome::Failed(f) => {
            error::say(&format!("{name}: {}", error::sentence(f.reason.label(), &f.message)), &f.help);
            (json!(null), vec![], failure(f.reason.label(), &f.message))
        }
        Outcome::Refused(message, help) => {
            error::say(&format!("{name}: {message}"), help);
            (json!(null), vec![], failure(Reason::InvalidSettings.label(), message))
        }
    };
    if out.is_json() {
        let ok = failure.is_null();
        return out.json(
            &json!({"connection": name, "ok": ok, "account": account, "warnings": warnings, "failure": failure}),
        );
    }
    let mut lines = match outcome {
        Outcome::Proved(a) => vec![format!("{name}: ok, {} (account {})", neutral(&a.name), neutral(&a.id))],
        Outcome::Failed(_) | Outcome::Refused(..) => vec![format!("{name}: failed")],
    };
    lines.extend(warnings.iter().map(|w| format!("  warning: {}", neutral(w))));
    out.lines(&lines)
}
