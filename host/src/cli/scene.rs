//! What a command works on: the configuration, the connectors, the store, put together from the options.

use super::args::{Global, Targets};
use super::error::CliError;
use crate::catalog::{CatalogError, Connector, Loader, find};
use crate::config::{Config, Connection, DEFAULT_FILE, Smtp, Source};
use crate::limits::Limits;
use crate::run::Job;
use crate::tape::Tape;
use crate::text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The store of a command where nothing else is said.
const DEFAULT_STORE: &str = "muster.db";

/// The plugin list.
///
/// # Errors
/// There is none, or it is wrong.
pub fn config(global: &Global) -> Result<Config, CliError> {
    Ok(Config::read(global.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE)))?)
}

/// The plugin list, if there is one: a file that was named has to exist.
///
/// # Errors
/// It is wrong.
pub fn config_if_any(global: &Global) -> Result<Option<Config>, CliError> {
    match global.config.is_some() || Path::new(DEFAULT_FILE).exists() {
        true => config(global).map(Some),
        false => Ok(None),
    }
}

/// The store of a command that only reads.
///
/// # Errors
/// The plugin list is wrong.
pub fn store_path(global: &Global) -> Result<PathBuf, CliError> {
    if let Some(path) = &global.store {
        return Ok(path.clone());
    }
    Ok(config_if_any(global)?.map_or_else(|| DEFAULT_STORE.into(), |c| c.store))
}

/// Refuses a name that neither the store nor the plugin list has.
///
/// # Errors
/// The name, and the nearest one.
pub fn check_name(global: &Global, stored: &[String], name: &str) -> Result<(), CliError> {
    // A wrong plugin list is not what was asked about.
    let config = config_if_any(global).ok().flatten();
    let listed = config.iter().flat_map(|config| &config.connections).map(|connection| connection.name.as_str());
    let mut known: Vec<&str> = stored.iter().map(String::as_str).chain(listed).collect();
    known.sort_unstable();
    known.dedup();
    match known.contains(&name) {
        true => Ok(()),
        false => Err(unknown_connection(name, known.iter().copied())),
    }
}

/// Connections to work on, with what finds their connectors.
pub struct Scene {
    /// What to run.
    pub connections: Vec<Connection>,
    /// The store.
    pub store: PathBuf,
    /// The server that takes mails.
    pub smtp: Option<Smtp>,
    files: BTreeMap<String, PathBuf>,
    loader: Arc<Loader>,
    limits: Limits,
}

impl Scene {
    /// From the plugin list, or from `--connector` and its options.
    ///
    /// # Errors
    /// Unknown names, a wrong plugin list, an unusable cache.
    pub fn new(global: &Global, targets: &Targets) -> Result<Scene, CliError> {
        let limits = Limits::default();
        let (connections, files, store, smtp) = match &targets.connector {
            Some(file) => {
                let connection = one_off(file, targets)?;
                let files = BTreeMap::from([(connection.connector.clone(), file.clone())]);
                // A plugin list that was named has to be good; one that happens to lie here need not be.
                let config = match global.config.is_some() {
                    true => Some(config(global)?),
                    false => config_if_any(global).ok().flatten(),
                };
                let store = config.map_or_else(|| DEFAULT_STORE.into(), |c| c.store);
                (vec![connection], files, store, None)
            }
            None => {
                let config = config(global)?;
                let files = find::find(&config.connectors)?;
                (chosen(&config, &targets.names)?, files, config.store, config.smtp)
            }
        };
        let store = global.store.clone().unwrap_or(store);
        Ok(Scene { connections, store, smtp, files, loader: Arc::new(Loader::new(limits.clone())?), limits })
    }

    /// The plugin list read again. Engine, places and cache are the same, so that limits of the host count for both; so
    /// is the store, which is open.
    ///
    /// # Errors
    /// A wrong plugin list.
    pub fn again(&self, global: &Global) -> Result<Scene, CliError> {
        let config = config(global)?;
        let files = find::find(&config.connectors)?;
        let connections = chosen(&config, &[])?;
        if global.store.is_none() && config.store != self.store {
            tracing::warn!("another store is named now: it is used after a restart");
        }
        let (store, loader, limits) = (self.store.clone(), Arc::clone(&self.loader), self.limits.clone());
        Ok(Scene { connections, store, smtp: config.smtp, files, loader, limits })
    }

    /// Loads the connector of a connection and judges its settings. Whoever no longer waits for it gets no job, whatever
    /// a command of the operator's is still doing.
    ///
    /// # Errors
    /// Why it cannot be run, before anybody was called.
    pub async fn job(&self, connection: &Connection, tape: Tape) -> Result<Job, CliError> {
        let connector = self.connector(&connection.connector).await?;
        let (connection, limits, store) = (connection.clone(), self.limits.clone(), self.store.clone());
        // Beside the tasks: a setting may be a command that takes its time, and a few of those would hold up every task.
        let job = tokio::task::spawn_blocking(move || Job::new(&connection, connector, &limits, &store, tape));
        Ok(job.await.map_err(|_| CliError::failed("the settings were lost inside the host"))??)
    }

    async fn connector(&self, name: &str) -> Result<Connector, CatalogError> {
        self.loader.load(find::file(&self.files, name)?).await
    }
}

fn chosen(config: &Config, names: &[String]) -> Result<Vec<Connection>, CliError> {
    if config.connections.is_empty() {
        return Err(CliError::usage("the plugin list has no connection")
            .with_help("add a [[connection]], or let `muster init` write one in an empty folder"));
    }
    if names.is_empty() {
        return Ok(config.connections.clone());
    }
    let mut out: Vec<Connection> = Vec::new();
    for name in names {
        let Some(found) = config.connections.iter().find(|c| c.name == *name) else {
            return Err(unknown_connection(name, config.connections.iter().map(|c| c.name.as_str())));
        };
        if !out.iter().any(|c| c.name == *name) {
            out.push(found.clone());
        }
    }
    Ok(out)
}

/// The error for a connection nobody knows, with the nearest one.
pub fn unknown_connection<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> CliError {
    let error = CliError::usage(format!("there is no connection {name}"));
    match text::nearest(name, known.clone()) {
        Some(meant) => error.with_help(format!("did you mean {meant}?")),
        None => {
            let known: Vec<&str> = known.collect();
            error.with_help(match known.is_empty() {
                true => "there is none at all yet".to_owned(),
                false => format!("there are {}", known.join(", ")),
            })
        }
    }
}

fn one_off(file: &Path, targets: &Targets) -> Result<Connection, CliError> {
    let name = find::check_name(file)?;
    let mut connection = Connection::new(&name, &name);
    connection.network.one_off = true;
    connection.ca_file = targets.ca_file.clone();
    for pair in &targets.set {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(CliError::usage(format!("--set {pair} has to be NAME=VALUE")));
        };
        connection.settings.insert(name.to_owned(), Source::Literal(value.to_owned()));
    }
    for pair in &targets.secret {
        let Some((name, source)) = pair.split_once('=') else {
            return Err(CliError::usage("--secret has to be NAME=env:VARIABLE or NAME=file:PATH"));
        };
        connection.settings.insert(name.to_owned(), Source::from_argument(name, source)?);
    }
    targets.allow.iter().try_for_each(|o| connection.allow(o))?;
    targets.allow_private.iter().try_for_each(|h| connection.allow_private(h))?;
    Ok(connection)
}
