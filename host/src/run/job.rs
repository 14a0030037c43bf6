//! What is needed to run a connection, put together from its configuration, its connector and the limits.

use super::steps::StoredSteps;
use crate::catalog::Connector;
use crate::config::{ConfigError, Connection};
use crate::egress::caps::Caps;
use crate::egress::credentials::Credentials;
use crate::egress::dial::Resolver;
use crate::egress::exchange::{Egress, Plan};
use crate::egress::policy::Policy;
use crate::egress::throttle::Pace;
use crate::limits::Limits;
use crate::settings::Settings;
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
}

impl Job {
    /// Puts a job together.
    ///
    /// # Errors
    /// A setting is wrong; nobody was called.
    pub fn new(
        connection: &Connection,
        connector: Connector,
        limits: &Limits,
        store: &Path,
    ) -> Result<Job, ConfigError> {
        let settings = crate::config::resolve(connection, &connector.about.manifest)?;
        let limits = crate::config::granted(limits, connection, connector.about.manifest.rate);
        let authorities = connection.ca_file.as_deref().map(crate::config::authorities).transpose()?;
        let job = Job {
            name: connection.name.clone(),
            connector,
            settings,
            connection: connection.clone(),
            limits,
            store: store.to_path_buf(),
            authorities: authorities.unwrap_or_default(),
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

    fn credentials(&self) -> Result<Credentials, ConfigError> {
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
        }))
    }
}
