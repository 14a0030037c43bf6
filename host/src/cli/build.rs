//! `muster build`: from a connector's crate to a component in the directory.

use super::args::Global;
use super::connectors::size;
use super::error::{self, CliError};
use super::output::Output;
use crate::build::{self, BuildError};
use crate::catalog::contract;
use serde_json::json;
use std::path::Path;

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// No toolchain, the crate does not compile, or what comes out is no connector.
pub fn run(global: &Global, dir: &Path, output: &Path) -> Result<u8, CliError> {
    let built = build::build(dir, output).map_err(|e| match e {
        BuildError::NoToolchain { .. }
        | BuildError::NoCargo
        | BuildError::NoCrate { .. }
        | BuildError::NoCdylib { .. } => CliError::usage(e.to_string()),
        _ => CliError::failed(e.to_string()),
    })?;
    let failed = |what: String| CliError::failed(format!("{} {what}", built.path.display()));
    let bytes =
        std::fs::read(&built.path).map_err(|e| failed(format!("cannot be read: {}", crate::text::io_words(&e))))?;
    let about = contract::examine(&bytes).map_err(|e| failed(e.to_string()))?;
    let mut out = Output::new(global.json);
    match global.json {
        true => out.json(&json!({
            "name": built.name, "path": built.path, "size": built.bytes, "toolchain": built.toolchain.to_string(),
            "contract": about.contract, "capabilities": about.capabilities,
        }))?,
        false => out.lines(&[format!(
            "{}: {}, contract {}, can {}",
            built.path.display(),
            size(built.bytes),
            about.contract,
            about.capabilities.join(", ")
        )])?,
    }
    out.finish()?;
    Ok(error::OK)
}
