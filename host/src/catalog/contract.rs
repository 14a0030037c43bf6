//! What a file is, read from its bytes before anything of it runs: a component, for this contract, with which
//! capabilities.
//!
//! Rule: nothing is compiled or run that is not a valid component of this contract. Reason: a clear sentence
//! beats a linker's error, and a validator beats a compiler's. Attack: a file made to crash the compiler.

use crate::sandbox::linker::OFFERED;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload, Validator, WasmFeatures};

/// The contract this host speaks: the same minor version is compatible.
pub const CONTRACT: &str = "0.1.0";
const PACKAGE: &str = "muster:connector/";

/// What the component's type says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentType {
    /// Version of the contract it was built for.
    pub contract: String,
    /// What it can do: `sync`, `provisioning`, `roster`.
    pub capabilities: Vec<String>,
    /// Interfaces it imports, sorted, with their versions.
    pub imports: Vec<String>,
    /// Interfaces it exports, sorted, with their versions.
    pub exports: Vec<String>,
}

/// A file that is no connector of this contract. Half sentences: the file's name comes before them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAConnector {
    /// Empty, or not WebAssembly.
    #[error("is no WebAssembly file")]
    NotWasm,
    /// A plain module.
    #[error("is a core module, not a component; build it with `muster build`")]
    CoreModule,
    /// Cut off or damaged.
    #[error("is truncated or damaged ({0})")]
    Damaged(String),
    /// A component for something else.
    #[error("is a component, but no connector: it does not export {PACKAGE}source")]
    NoSource,
    /// Another contract.
    #[error(
        "was built for contract {found}, and this host speaks {CONTRACT}; rebuild it, or update the one that is older"
    )]
    OtherContract {
        /// Its version.
        found: String,
    },
    /// An import this host does not offer.
    #[error("imports {0}, which this host does not offer")]
    Unoffered(String),
}

/// Reads a component's type.
///
/// # Errors
/// Why the file is refused.
pub fn examine(bytes: &[u8]) -> Result<ComponentType, NotAConnector> {
    if bytes.get(..4) != Some(b"\0asm".as_slice()) {
        return Err(NotAConnector::NotWasm);
    }
    let damaged = |e: wasmparser::BinaryReaderError| NotAConnector::Damaged(e.message().to_owned());
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0u32);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(NotAConnector::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(damaged)?;
                    if export.kind == ComponentExternalKind::Instance {
                        exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    let features = WasmFeatures::default() | WasmFeatures::COMPONENT_MODEL;
    Validator::new_with_features(features).validate_all(bytes).map_err(damaged)?;
    imports.sort();
    exports.sort();
    judge(imports, exports)
}

fn judge(imports: Vec<String>, exports: Vec<String>) -> Result<ComponentType, NotAConnector> {
    let exported = |name: &str| {
        exports.iter().filter_map(|e| e.split_once('@')).find(|(n, _)| n.strip_prefix(PACKAGE) == Some(name))
    };
    let Some((_, contract)) = exported("source") else { return Err(NotAConnector::NoSource) };
    if !compatible(contract, CONTRACT) {
        return Err(NotAConnector::OtherContract { found: contract.to_owned() });
    }
    for import in &imports {
        let (name, version) = import.split_once('@').unwrap_or((import, ""));
        let speaks = if name.starts_with(PACKAGE) { CONTRACT } else { "0.2.12" };
        if !OFFERED.contains(&name) || !compatible(version, speaks) {
            return Err(NotAConnector::Unoffered(crate::text::shorten(import, 200)));
        }
    }
    let mut capabilities = vec!["sync".to_owned()];
    capabilities.extend(["provisioning", "roster"].into_iter().filter(|c| exported(c).is_some()).map(str::to_owned));
    Ok(ComponentType { contract: contract.to_owned(), capabilities, imports, exports })
}

/// Whether a version may be used where `ours` is spoken: below 1.0 the minor version decides.
fn compatible(version: &str, ours: &str) -> bool {
    let minor = |v: &str| -> Option<(u32, u32)> {
        let mut parts = v.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    minor(version).is_some() && minor(version) == minor(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(of: &[&str]) -> Vec<String> {
        of.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn capabilities_are_read_from_the_exports() {
        let exports = list(&["muster:connector/roster@0.1.0", "muster:connector/source@0.1.3"]);
        let found = judge(list(&["wasi:io/poll@0.2.0", "muster:connector/log@0.1.0"]), exports).expect("connector");
        assert_eq!((found.contract.as_str(), found.capabilities), ("0.1.3", list(&["sync", "roster"])));
    }

    #[test]
    fn what_is_not_offered_is_named() {
        let exports = || list(&["muster:connector/source@0.1.0"]);
        for import in ["wasi:keyvalue/store@0.2.0", "wasi:io/poll@0.3.0", "env", "muster:connector/log@0.2.0"] {
            let error = judge(list(&[import]), exports()).expect_err(import);
            assert_eq!(error, NotAConnector::Unoffered(import.to_owned()));
        }
        let other = judge(vec![], list(&["muster:connector/source@0.2.0"])).expect_err("other");
        assert_eq!(other, NotAConnector::OtherContract { found: "0.2.0".to_owned() });
        assert_eq!(judge(vec![], list(&["wasi:cli/run@0.2.0"])).expect_err("none"), NotAConnector::NoSource);
    }

    #[test]
    fn files_that_are_no_component_are_refused() {
        let module = b"\0asm\x01\0\0\0";
        let component = b"\0asm\x0d\0\x01\0";
        assert_eq!(examine(b"").expect_err("empty"), NotAConnector::NotWasm);
        assert_eq!(examine(b"#!/bin/sh").expect_err("script"), NotAConnector::NotWasm);
        assert_eq!(examine(module).expect_err("module"), NotAConnector::CoreModule);
        assert_eq!(examine(component).expect_err("empty component"), NotAConnector::NoSource);
        assert!(matches!(examine(&component[..6]), Err(NotAConnector::Damaged(_))));
        let mut garbage = component.to_vec();
        garbage.extend([0xff; 40]);
        assert!(matches!(examine(&garbage), Err(NotAConnector::Damaged(_))));
    }
}
