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
use crate::settings::Settings;
use contract::ComponentType;
use serde::{Deserialize, Serialize};
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
}

/// Loads connectors.
pub struct Loader {
    clocked: Clocked,
    cache: Cache,
    limits: Limits,
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
        Ok(Loader { clocked, cache, limits })
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
        Ok(Connector { path: path.to_path_buf(), digest, size, about: Arc::new(about), program })
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, CatalogError> {
        let unreadable =
            |e: std::io::Error| CatalogError::File { path: path.to_path_buf(), why: crate::text::io_words(&e) };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        let limit = self.limits.component_bytes;
        match bytes > limit {
            true => Err(CatalogError::TooLarge { path: path.to_path_buf(), bytes, limit }),
            false => std::fs::read(path).map_err(unreadable),
        }
    }

    async fn component(&self, name: &str, digest: &str, bytes: Vec<u8>) -> Result<Component, CatalogError> {
        if let Some(component) = self.cache.component(&self.clocked.engine, digest) {
            return Ok(component);
        }
        tracing::info!(connector = name, "compiling");
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
        let manifest = program
            .describe(&shared)
            .await
            .map_err(|f| CatalogError::Describe { name: name.to_owned(), why: f.message })?;
        manifest.check(name).map_err(CatalogError::Manifest)?;
        Ok(manifest)
    }
}
