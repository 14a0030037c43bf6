//! The one connection that a command changes something at.

use super::args::{Global, Targets};
use super::error::CliError;
use super::scene::Scene;
use crate::config::Smtp;
use crate::run::Job;
use crate::store::lock::{self, Lead};
use crate::tape::Tape;
use std::path::{Path, PathBuf};

/// Characters of digests that the audit keeps of a connector and its settings.
const MARK: usize = 16;

/// A connection of the plugin list, ready to be called.
pub struct Target {
    /// What it is made of.
    pub job: Job,
    /// The store.
    pub store: PathBuf,
    /// How mails are sent.
    pub smtp: Option<Smtp>,
}

impl Target {
    /// Loads a connection whose connector can do more than read. `what` says what: `change access`.
    ///
    /// # Errors
    /// No such connection, a wrong setting, or a connector that only reads.
    pub async fn load(global: &Global, connection: &str, capability: &str, what: &str) -> Result<Target, CliError> {
        let targets = Targets { names: vec![connection.to_owned()], ..Targets::default() };
        let scene = Scene::new(global, &targets)?;
        let [connection] = scene.connections.as_slice() else {
            return Err(CliError::usage("name one connection"));
        };
        let job = scene.job(connection, Tape::Off).await?;
        if !job.connector.about.component.capabilities.iter().any(|has| has == capability) {
            let name = &job.connector.about.manifest.name;
            let writes = |has: &String| ["provisioning", "roster"].contains(&has.as_str());
            let reads = match job.connector.about.component.capabilities.iter().any(writes) {
                true => "",
                false => ": it only reads",
            };
            let error = CliError::usage(format!("the connector {name} cannot {what}{reads}"));
            return Err(error.with_help("`muster connectors` shows what each of them can do"));
        }
        Ok(Target { job, store: scene.store.clone(), smtp: scene.smtp.clone() })
    }

    /// The connector and a mark of its settings, as the audit has it. No secret is in it.
    pub fn made_by(&self) -> String {
        let (connector, settings) = (&self.job.connector, self.job.fingerprint());
        let manifest = &connector.about.manifest;
        let short = |digest: &str| digest.get(..MARK).unwrap_or(digest).to_owned();
        format!("{} {} ({}), settings {}", manifest.name, manifest.version, short(&connector.digest), short(&settings))
    }

    /// Takes the lead of the connection, so that no sync reads meanwhile.
    ///
    /// # Errors
    /// Another process has it.
    pub fn lead(&self) -> Result<Lead, CliError> {
        lead(&self.store, &self.job.name)
    }
}

fn lead(store: &Path, connection: &str) -> Result<Lead, CliError> {
    lock::lead(store, connection)?.map_err(|who| {
        CliError::failed(format!("another process works on {connection} ({who})"))
            .with_help("wait for it, or stop that process")
    })
}
