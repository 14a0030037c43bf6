//! `muster connectors`: what lies in the directory.

use super::args::Global;
use super::error::{self, CliError};
use super::output::Output;
use super::scene;
use crate::catalog::{Connector, Loader, find};
use crate::limits::Limits;
use serde_json::json;
use std::path::PathBuf;

/// Where connectors lie when no plugin list says otherwise.
const DEFAULT_FOLDER: &str = "connectors";

/// The directories of connectors.
///
/// # Errors
/// The plugin list is wrong.
pub fn folders(global: &Global) -> Result<Vec<PathBuf>, CliError> {
    Ok(scene::config_if_any(global)?.map_or_else(|| vec![DEFAULT_FOLDER.into()], |c| c.connectors))
}

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// The directory cannot be read.
pub async fn connectors(global: &Global) -> Result<u8, CliError> {
    let folders = folders(global)?;
    let files = find::find(&folders)?;
    let loader = Loader::new(Limits::default())?;
    let mut out = Output::new(global.json);
    out.columns(&["NAME", "VERSION", "CONTRACT", "CAPABILITIES", "DIGEST", "SIZE"]);
    let mut code = error::OK;
    for (name, path) in &files {
        match loader.load(path).await {
            Ok(connector) => out.row(&connector, cells_of)?,
            Err(e) => {
                code = error::REFUSED;
                error::say(&e.to_string(), &[]);
                if out.is_json() {
                    out.json(&json!({"name": name, "version": null, "contract": null, "capabilities": null, "digest": null, "size": null, "error": e.to_string()}))?;
                }
            }
        }
    }
    out.finish()?;
    if files.is_empty() && !global.json && !global.quiet {
        let folders: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
        eprintln!("no connectors in {}; drop .wasm files there", folders.join(", "));
    }
    Ok(code)
}

impl serde::Serialize for Connector {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let about = &self.about;
        json!({
            "name": about.manifest.name, "version": about.manifest.version, "contract": about.component.contract,
            "capabilities": about.component.capabilities, "digest": self.digest, "size": self.size, "error": null,
        })
        .serialize(s)
    }
}

fn cells_of(c: &Connector) -> Vec<String> {
    let about = &c.about;
    vec![
        about.manifest.name.clone(),
        about.manifest.version.clone(),
        about.component.contract.clone(),
        about.component.capabilities.join(", "),
        c.digest.get(..12).unwrap_or(&c.digest).to_owned(),
        size(c.size),
    ]
}

/// `379 KB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=9_999_999 => format!("{} KB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
