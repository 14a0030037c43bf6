//! Why a connector cannot be used, each as a sentence.

use super::contract::NotAConnector;
use crate::manifest::ManifestError;
use std::path::PathBuf;
use thiserror::Error;

/// A connector that cannot be used. Sentences without their cause.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// The directory of connectors.
    #[error("cannot read the directory of connectors {path}: {why}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Two files of one name.
    #[error("there are two connectors named {name}: {first} and {second}; remove or rename one")]
    Twice {
        /// The name.
        name: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// No connector of that name.
    #[error("there is no connector {name}{}", match nearest { Some(n) => format!("; did you mean {n}?"), None if known.is_empty() => "; the directory of connectors is empty".to_owned(), None => format!("; there are {}", known.join(", ")) })]
    Unknown {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// What there is.
        known: Vec<String>,
    },
    /// A name that is no slug.
    #[error("{path} is not named as a connector has to be: lower-case letters, digits and -, beginning with a letter")]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Too large.
    #[error("{path} has {bytes} bytes, more than {limit}, the limit for a component")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Not a connector of this contract.
    #[error("{path} {what}")]
    NotAConnector {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: NotAConnector,
    },
    /// It does not compile.
    #[error("the connector {name} cannot be compiled: {why}")]
    Compile {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// It does not link.
    #[error("the connector {name} does not fit this host: {why}")]
    Link {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// It does not say what it is.
    #[error("the connector {name} does not describe itself: {why}")]
    Describe {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// What it says of itself breaks a rule.
    #[error("{0}")]
    Manifest(ManifestError),
    /// No place for compiled components.
    #[error("there is no folder for compiled components: set HOME, XDG_CACHE_HOME or MUSTER_CACHE")]
    NoCacheFolder,
    /// The place cannot be used.
    #[error("the folder for compiled components {path} cannot be used: {why}")]
    CacheFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
}
