//! The catalog: connectors in directories, each examined, compiled once, asked once for its manifest.

mod cache;
pub mod compile;
pub mod contract;
mod error;
pub mod find;

pub use cache::Cache;
pub use error::CatalogError;

use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::sandbox::Shared;
use crate::sandbox::engine::Clocked;
use crate::sandbox::instance::Program;
use crate::seats::Seats;
use crate::settings::Settings;
use contract::ComponentType;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::component::Component;

/// What is known of a connector without running it again: kept with its digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    /// From the component's type.
    pub component: ComponentType,
    /// What it said of itself.
    pub manifest: Manifest,
}

/// A connector ready to run.
#[derive(Clone)]
pub struct Connector {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub digest: String,
    /// Bytes of the file.
    pub size: u64,
    /// Type and manifest.
    pub about: Arc<About>,
    /// For instances.
    pub program: Program,
    /// What all runs of the process share.
    pub seats: Seats,
}

/// Loads connectors.
pub struct Loader {
    clocked: Clocked,
    cache: Cache,
    limits: Limits,
    seats: Seats,
}

impl Loader {
    /// A loader with the user's cache.
    ///
    /// # Errors
    /// The cache cannot be used, or the engine cannot be made.
    pub fn new(limits: Limits) -> Result<Loader, CatalogError> {
        let clocked = Clocked::new(&limits)
            .map_err(|e| CatalogError::Link { name: "engine".to_owned(), why: format!("{e:#}") })?;
        let cache = Cache::open(&clocked.engine)?;
        let seats = Seats::new(&limits);
        Ok(Loader { clocked, cache, limits, seats })
    }

    /// Loads one file: examined, compiled or taken from the cache, described or remembered.
    ///
    /// # Errors
    /// The sentence that says why not.
    pub async fn load(&self, path: &Path) -> Result<Connector, CatalogError> {
        let name = find::check_name(path)?;
        let bytes = self.read(path)?;
        let digest = cache::digest(&bytes);
        let size = bytes.len() as u64;
        let known: Option<About> = self.cache.text(&digest).and_then(|t| serde_json::from_str(&t).ok());
        let component_type = match &known {
            Some(about) => about.component.clone(),
            None => contract::examine(&bytes)
                .map_err(|what| CatalogError::NotAConnector { path: path.to_path_buf(), what })?,
        };
        let component = self.component(&name, &digest, bytes).await?;
        let program = Program::new(&self.clocked.engine, &component)
            .map_err(|e| CatalogError::Link { name: name.clone(), why: format!("{e:#}") })?;
        let about = match known {
            Some(about) => about,
            None => {
                let about = About { component: component_type, manifest: self.describe(&name, &program).await? };
                if let Ok(text) = serde_json::to_string(&about) {
                    self.cache.keep_text(&digest, &text)?;
                }
                about
            }
        };
        about.manifest.check(&name).map_err(CatalogError::Manifest)?;
        let seats = self.seats.clone();
        Ok(Connector { path: path.to_path_buf(), digest, size, about: Arc::new(about), program, seats })
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, CatalogError> {
        let unreadable =
            |e: std::io::Error| CatalogError::File { path: path.to_path_buf(), why: crate::text::io_words(&e) };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let limit = self.limits.component_bytes;
        let too_large = |bytes| CatalogError::TooLarge { path: path.to_path_buf(), bytes, limit };
        if bytes > limit {
            return Err(too_large(bytes));
        }
        // A length is only a claim: a file may grow, and a device has none.
        let mut out = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        file.take(limit + 1).read_to_end(&mut out).map_err(unreadable)?;
        match out.len() as u64 > limit {
            true => Err(too_large(out.len() as u64)),
            false => Ok(out),
        }
    }

    async fn component(&self, name: &str, digest: &str, bytes: Vec<u8>) -> Result<Component, CatalogError> {
        if let Some(component) = self.cache.component(&self.clocked.engine, digest) {
            return Ok(component);
        }
        tracing::info!(connector = name, "compiling");
        // A closed semaphore would mean that the host is ending: then the child is not worth starting either.
        let _place = self.seats.compilers.acquire().await.ok();
        if let Some(component) = self.cache.component(&self.clocked.engine, digest) {
            // Another connection with the same connector was first.
            return Ok(component);
        }
        let code = compile::compile(name, bytes, &self.limits).await?;
        self.cache.keep_component(digest, &code)?;
        self.cache.component(&self.clocked.engine, digest).ok_or_else(|| CatalogError::Compile {
            name: name.to_owned(),
            why: "what was compiled cannot be loaded again; is the folder for compiled components writable?".to_owned(),
        })
    }

    async fn describe(&self, name: &str, program: &Program) -> Result<Manifest, CatalogError> {
        let nothing = Arc::new(Manifest {
            name: String::new(),
            version: String::new(),
            display_name: String::new(),
            summary: String::new(),
            documentation: None,
            resource_types: vec![],
            settings: vec![],
            routes: vec![],
            credentials: vec![],
            keeps_cookies: false,
            rate: None,
        });
        let shared = Arc::new(Shared::new(name, nothing, &Settings::default(), "", &self.limits));
        let program = program.clone();
        let described = async move { program.describe(&shared).await };
        let manifest = self
            .seats
            .slow
            .watch(Arc::default(), described)
            .await
            .map_err(|f| CatalogError::Describe { name: name.to_owned(), why: f.message })?;
        manifest.check(name).map_err(CatalogError::Manifest)?;
        Ok(manifest)
    }
}
