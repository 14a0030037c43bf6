//! What is needed to run a connection, put together from its configuration, its connector and the limits.

use super::steps::StoredSteps;
use crate::catalog::Connector;
use crate::clock::Clock;
use crate::config::{ConfigError, Connection, Secrets, Source};
use crate::egress::caps::Caps;
use crate::egress::credentials::Credentials;
use crate::egress::dial::Resolver;
use crate::egress::exchange::{Egress, Plan};
use crate::egress::policy::Policy;
use crate::egress::throttle::Pace;
use crate::limits::Limits;
use crate::sandbox::Shared;
use crate::settings::Settings;
use crate::tape::{self, Tape};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A connection that can be run.
pub struct Job {
    /// Its name.
    pub name: String,
    /// The connector, loaded.
    pub connector: Connector,
    /// The settings, judged.
    pub settings: Settings,
    /// The configuration.
    pub connection: Connection,
    /// The limits it runs under.
    pub limits: Limits,
    /// The store: where used one-time codes are kept.
    store: PathBuf,
    /// Certificates to trust beside the system's.
    authorities: Vec<CertificateDer<'static>>,
    /// Whether the run is recorded, or replayed.
    pub tape: Tape,
}

impl Job {
    /// Puts a job together. Where a tape is replayed, settings that are not given are the tape's, and secrets are left out.
    ///
    /// # Errors
    /// A setting is wrong; nobody was called.
    pub fn new(
        connection: &Connection,
        connector: Connector,
        limits: &Limits,
        store: &Path,
        tape: Tape,
    ) -> Result<Job, ConfigError> {
        let mut connection = connection.clone();
        let secrets = match &tape {
            Tape::Off | Tape::Record(_) => Secrets::Fetched,
            Tape::Replay(player) => {
                as_taped(&mut connection, &player.head().run)?;
                Secrets::LeftOut
            }
        };
        let settings = crate::config::resolve(&connection, &connector.about.manifest, secrets)?;
        let connection = &connection;
        let limits = crate::config::granted(limits, connection, connector.about.manifest.rate);
        let ca_file = connection.ca_file.as_deref().filter(|_| secrets == Secrets::Fetched);
        let authorities = ca_file.map(crate::config::authorities).transpose()?;
        let job = Job {
            name: connection.name.clone(),
            connector,
            settings,
            connection: connection.clone(),
            limits,
            store: store.to_path_buf(),
            authorities: authorities.unwrap_or_default(),
            tape,
        };
        // Judged here, so that a mistake is found before anybody is called.
        job.policy()?;
        job.credentials()?;
        Ok(job)
    }

    /// What it may request.
    ///
    /// # Errors
    /// A route that cannot be built from the settings.
    pub fn policy(&self) -> Result<Policy, ConfigError> {
        Policy::new(&self.connector.about.manifest, &self.settings, &self.connection.network).map_err(ConfigError::new)
    }

    /// None at all where a tape is replayed: there is nobody to show them to.
    fn credentials(&self) -> Result<Credentials, ConfigError> {
        if let Tape::Replay(_) = self.tape {
            return Ok(Credentials::default());
        }
        Credentials::new(&self.connector.about.manifest, &self.settings).map_err(ConfigError::new)
    }

    /// The way out for one run: its pool and sessions are its own.
    ///
    /// # Errors
    /// As for [`Job::new`].
    pub fn egress(&self, resolver: Arc<dyn Resolver>) -> Result<Egress, ConfigError> {
        let pace = Pace::slower(self.connector.about.manifest.rate, self.limits.requests_per_minute);
        let caps = Caps {
            deadline: self.limits.exchange_time,
            at_once: self.limits.exchanges,
            request_body: self.limits.request_bytes,
            response_head: self.limits.response_head_bytes,
            response_fields: self.limits.response_fields,
            response_body: self.limits.response_bytes,
            held: self.limits.held_bytes,
        };
        Ok(Egress::new(Plan {
            policy: self.policy()?,
            credentials: self.credentials()?,
            secrets: self.settings.secrets.values().cloned().collect(),
            keeps_cookies: self.connector.about.manifest.keeps_cookies,
            resolver,
            steps: Arc::new(StoredSteps::new(self.store.clone(), &self.name)),
            authorities: self.authorities.clone(),
            pace,
            caps,
            host_gate: Arc::clone(&self.connector.seats.exchanges),
            tape: self.tape.clone(),
        }))
    }

    /// The time of the run: the machine's, or the tape's.
    pub fn clock(&self) -> Clock {
        match &self.tape {
            Tape::Off | Tape::Record(_) => Clock::real(),
            Tape::Replay(player) => Clock::of_tape(player.started()),
        }
    }

    /// What all instances of a run share. `started` is when the run began, however often it was interrupted since: a
    /// guest's "today" is that day.
    pub fn shared(&self, clock: &Clock, started: &str) -> Arc<Shared> {
        let manifest = Arc::new(self.connector.about.manifest.clone());
        let today = started.get(..10).unwrap_or_default();
        let shared = Shared::new(&self.name, manifest, &self.settings, today, &self.limits);
        Arc::new(shared.taped(clock.clone(), self.seed()))
    }

    /// Tells its settings from others: SHA-256 of their names and values, without the secrets. A secret that was
    /// replaced is still the same connection.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for (name, value) in &self.settings.values {
            for part in [name, &value.text] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        }
        data_encoding::HEXLOWER.encode(&digest.finalize())
    }

    /// What the guest's random numbers are made from, where the run is taped.
    pub fn seed(&self) -> Option<[u8; 32]> {
        match &self.tape {
            Tape::Off => None,
            Tape::Record(recording) => Some(recording.seed()),
            Tape::Replay(player) => Some(player.seed()),
        }
    }

    /// What a tape says of this run: what the operator gave, and no secret.
    pub fn as_run(&self, started: &str) -> tape::Run {
        let manifest = &self.connector.about.manifest;
        let network = &self.connection.network;
        let written = self.settings.values.iter().filter(|(_, value)| value.written);
        tape::Run {
            connector: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: self.connector.digest.clone(),
            started: started.to_owned(),
            seed: String::new(),
            settings: written.map(|(name, value)| (name.clone(), value.text.clone())).collect(),
            origins: network.origins.iter().map(ToString::to_string).collect(),
            allow_private: network.allow_private.iter().cloned().collect(),
            max_wait_seconds: Some(self.limits.max_wait.as_secs()),
        }
    }
}

/// What the recorded run was given, where the operator writes nothing else: nobody is asked, no program and no file either.
/// It grants, as the operator did then; nothing leaves the machine.
fn as_taped(connection: &mut Connection, run: &tape::Run) -> Result<(), ConfigError> {
    connection.settings.retain(|_, source| matches!(source, Source::Literal(_)));
    for (name, value) in &run.settings {
        connection.settings.entry(name.clone()).or_insert_with(|| Source::Literal(value.clone()));
    }
    connection.max_wait = run.max_wait_seconds.map(Duration::from_secs).or(connection.max_wait);
    run.origins.iter().try_for_each(|origin| connection.allow(origin))?;
    run.allow_private.iter().try_for_each(|host_port| connection.allow_private(host_port))
}
