//! `muster build`: a connector's crate becomes a component that this host accepts.

pub mod cargo;
pub mod component;
pub mod toolchain;

use crate::catalog::contract::{self, NotAConnector};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where a component goes when nothing else is said: the folder that `muster.toml` names by default.
pub const DEFAULT_OUT: &str = "connectors";

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The connector's name: the file's stem.
    pub name: String,
    /// The component's file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What built it, for people.
    pub toolchain: &'static str,
}

/// Why nothing was built. One sentence each; what `cargo` has to say went to stderr already.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// Nothing here builds WebAssembly.
    #[error("no toolchain for WebAssembly is installed: {what}")]
    NoToolchain {
        /// What to do.
        what: String,
    },
    /// `cargo` cannot be started.
    #[error("cargo cannot be started: install Rust from https://rustup.rs and put cargo on PATH")]
    NoCargo,
    /// No manifest in the folder, or one that describes no package.
    #[error("{} holds no crate: name the folder whose Cargo.toml has a [package]", dir.display())]
    NoCrate {
        /// The folder.
        dir: PathBuf,
    },
    /// A manifest that `cargo` refuses.
    #[error("cargo cannot read {}: correct what it says above", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
    },
    /// `cargo metadata` answered something else.
    #[error("cargo metadata did not answer as expected: update cargo")]
    Metadata,
    /// A crate that makes no module.
    #[error("the crate in {} makes no cdylib: add crate-type = [\"cdylib\", \"rlib\"] to [lib] in its Cargo.toml", dir.display())]
    NoCdylib {
        /// The folder.
        dir: PathBuf,
    },
    /// The build failed.
    #[error("cargo could not build {package}: correct what it says above")]
    Cargo {
        /// The package.
        package: String,
    },
    /// The module cannot be read after the build.
    #[error("cannot read {}, which cargo should have built: {why}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The module cannot become a component.
    #[error("{name} cannot become a component, since a connector imports only what its contract names: {why}")]
    Wrap {
        /// The library.
        name: String,
        /// Why.
        why: String,
    },
    /// The component is nothing this host would run.
    #[error("what was built from {} {what}", dir.display())]
    NotAConnector {
        /// The crate's folder.
        dir: PathBuf,
        /// What it is instead.
        what: NotAConnector,
    },
    /// The crate exports nothing.
    #[error("the crate in {} exports no connector: add muster_sdk::connector!(YOUR_TYPE) to it", dir.display())]
    NoConnector {
        /// The crate's folder.
        dir: PathBuf,
    },
    /// The component cannot be written.
    #[error("cannot write {}: {why}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Builds the crate in `dir` and writes its component to `out`: a file where `out` ends in `.wasm`, else a folder.
///
/// # Errors
/// There is no toolchain, no crate, a crate that does not build, one that is no connector, or no place to write.
pub fn build(dir: &Path, out: &Path) -> Result<Built, BuildError> {
    if !dir.join("Cargo.toml").is_file() {
        return Err(BuildError::NoCrate { dir: dir.to_path_buf() });
    }
    let toolchain = toolchain::choose(&toolchain::probe(dir))?;
    let krate = cargo::find(dir, &toolchain)?;
    let module = cargo::compile(&krate, &toolchain)?;
    let module = std::fs::read(&module)
        .map_err(|e| BuildError::Read { path: module.clone(), why: crate::text::io_words(&e) })?;
    let component = component::wrap(&module, &krate.library)?;
    contract::examine(&component).map_err(|what| match what {
        NotAConnector::NoSource => BuildError::NoConnector { dir: dir.to_path_buf() },
        what => BuildError::NotAConnector { dir: dir.to_path_buf(), what },
    })?;
    let path = component::file_for(out, &krate.library);
    component::write(&path, &component)?;
    Ok(Built {
        name: crate::catalog::find::name_of(&path),
        path,
        bytes: component.len() as u64,
        toolchain: toolchain.name(),
    })
}
