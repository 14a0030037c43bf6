//! Which toolchain builds WebAssembly here: rustup's target where it is installed, else the distribution's
//! second toolchain with the standard library from its packaged source.
//!
//! [`choose`] decides from what was found and is pure; [`probe`] only looks.

use super::BuildError;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a connector is compiled for: nothing ambient, so that it imports only what the contract names.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// Where a distribution installs its own compiler.
const SYSTEM_BIN: &str = "/usr/bin";
/// The library's source as distributions package it, below the compiler's sysroot.
const SOURCE: &str = "lib/rustlib/src/rust";
/// The oldest compiler that builds the SDK.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");
/// What to do where rustup is there.
const WITH_RUSTUP: &str = "run `rustup target add wasm32-unknown-unknown`";
/// What to do where only apt is there.
const WITH_APT: &str = "run `apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld-22` as root";

/// What there is on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Sysroot of the `rustc` on PATH, where its library for [`TARGET`] is installed.
    pub target_installed: Option<PathBuf>,
    /// Version of the distribution's `rustc`, where its `cargo` is there too.
    pub system: Option<(u32, u32)>,
    /// Source of the distribution's library.
    pub source: Option<PathBuf>,
    /// File names of the distribution's linkers for WebAssembly.
    pub linkers: Vec<String>,
    /// Whether `rustup` is on PATH.
    pub rustup: bool,
    /// Whether `apt-get` is there.
    pub apt: bool,
}

/// How to build for [`TARGET`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The `cargo` on PATH: its library for the target is installed.
    Installed {
        /// Where the compiler's own files are.
        sysroot: PathBuf,
    },
    /// The distribution's compiler; the library is built from its packaged source.
    System {
        /// The linker's file name.
        linker: String,
        /// The library's source.
        source: PathBuf,
    },
}

impl Toolchain {
    /// What it is, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Installed { .. } => "installed target",
            Self::System { .. } => "distribution toolchain",
        }
    }

    /// A `cargo` that builds for the target, run in `dir`.
    #[must_use]
    pub fn cargo(&self, dir: &Path) -> Command {
        let mut command = match self {
            Self::Installed { .. } => Command::new("cargo"),
            Self::System { linker, .. } => {
                let mut command = Command::new(format!("{SYSTEM_BIN}/cargo"));
                // Another toolchain's choices, and its shims on PATH, would mix two compilers.
                for name in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC", "RUSTDOC", "RUSTC_WRAPPER", "LD_LIBRARY_PATH"] {
                    command.env_remove(name);
                }
                command
                    .env("PATH", format!("{SYSTEM_BIN}:/bin"))
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        };
        command.current_dir(dir).stdin(Stdio::null());
        command
    }

    /// What `cargo build` needs beside the target.
    #[must_use]
    pub fn arguments(&self) -> &'static [&'static str] {
        match self {
            Self::Installed { .. } => &[],
            Self::System { .. } => &["-Z", "build-std=std,panic_abort"],
        }
    }

    /// Where the library's source lies: its path must not reach the component.
    #[must_use]
    pub fn library_sources(&self) -> Vec<PathBuf> {
        let source = match self {
            Self::Installed { sysroot } => sysroot.join(SOURCE),
            Self::System { source, .. } => source.clone(),
        };
        let mut paths = vec![source.clone()];
        paths.extend(source.canonicalize().ok().filter(|real| *real != source));
        paths
    }
}

/// Chooses from what was found.
///
/// # Errors
/// Nothing here builds WebAssembly: what to do about it.
pub fn choose(found: &Found) -> Result<Toolchain, BuildError> {
    if let Some(sysroot) = &found.target_installed {
        return Ok(Toolchain::Installed { sysroot: sysroot.clone() });
    }
    let new_enough = found.system.is_some_and(|have| Some(have) >= version(OLDEST));
    if let (true, Some(source), Some(linker)) = (new_enough, &found.source, newest(&found.linkers)) {
        return Ok(Toolchain::System { linker: linker.to_owned(), source: source.clone() });
    }
    let what = match (found.rustup, found.apt) {
        (true, true) => format!("{WITH_RUSTUP}, or where that cannot download, {WITH_APT}"),
        (true, false) => WITH_RUSTUP.to_owned(),
        (false, true) => format!("install rustup and {WITH_RUSTUP}, or {WITH_APT}"),
        (false, false) => format!("install rustup and {WITH_RUSTUP}"),
    };
    Err(BuildError::NoToolchain { what })
}

/// The linker of the highest version; one without a version is the last choice.
fn newest(linkers: &[String]) -> Option<&str> {
    let number = |name: &str| match name.strip_prefix("wasm-ld") {
        Some("") => Some(0),
        Some(rest) => rest.strip_prefix('-')?.parse::<u32>().ok(),
        None => None,
    };
    linkers.iter().filter_map(|name| Some((number(name)?, name.as_str()))).max().map(|(_, name)| name)
}

/// Major and minor of a version such as `1.95` or `1.96.0`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Looks at this machine. A `rust-toolchain.toml` over `dir` counts, as it will for the build.
#[must_use]
pub fn probe(dir: &Path) -> Found {
    let system = |name: &str| Path::new(SYSTEM_BIN).join(name);
    let installed = || {
        let said = ask(Command::new("rustc").current_dir(dir).args([
            "--print=sysroot",
            "--print=target-libdir",
            "--target",
            TARGET,
        ]))?;
        let (sysroot, library) = said.split_once('\n')?;
        Path::new(library.trim()).is_dir().then(|| PathBuf::from(sysroot.trim()))
    };
    let version_of_system = || {
        if !system("cargo").is_file() {
            return None;
        }
        let said = ask(Command::new(system("rustc")).arg("--version").env_remove("LD_LIBRARY_PATH"))?;
        version(said.split_whitespace().nth(1)?)
    };
    let source = Path::new("/usr").join(SOURCE);
    Found {
        target_installed: installed(),
        system: version_of_system(),
        source: Some(source).filter(|source| source.join("library/std/Cargo.toml").is_file()),
        linkers: std::fs::read_dir(SYSTEM_BIN)
            .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>())
            .unwrap_or_default()
            .into_iter()
            .filter(|name| name.starts_with("wasm-ld"))
            .collect(),
        rustup: on_path("rustup"),
        apt: system("apt-get").is_file(),
    }
}

/// What a program says on its standard output, where it succeeds.
fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn distribution() -> Found {
        Found {
            system: Some((1, 96)),
            source: Some("/usr/lib/rustlib/src/rust".into()),
            linkers: list(&["wasm-ld-19", "wasm-ld-22"]),
            rustup: true,
            apt: true,
            ..Found::default()
        }
    }

    #[test]
    fn the_installed_target_comes_before_the_distribution() {
        let found = Found { target_installed: Some("/rust".into()), ..distribution() };
        assert_eq!(choose(&found).unwrap(), Toolchain::Installed { sysroot: "/rust".into() });
        let chosen = choose(&distribution()).unwrap();
        assert!(matches!(&chosen, Toolchain::System { linker, .. } if linker == "wasm-ld-22"), "{chosen:?}");
    }

    #[test]
    fn a_distribution_counts_only_when_it_is_whole_and_new_enough() {
        let lacking = [
            Found { system: None, ..distribution() },
            Found { system: Some((1, 94)), ..distribution() },
            Found { system: Some((0, 99)), ..distribution() },
            Found { source: None, ..distribution() },
            Found { linkers: list(&[]), ..distribution() },
            Found { linkers: list(&["wasm-ld-old", "wasm-ldd"]), ..distribution() },
        ];
        for found in lacking {
            assert!(choose(&found).is_err(), "{found:?}");
        }
        assert!(choose(&Found { system: Some((2, 0)), ..distribution() }).is_ok());
    }

    #[test]
    fn the_newest_linker_is_taken() {
        for (linkers, newest_one) in [
            (list(&["wasm-ld"]), Some("wasm-ld")),
            (list(&["wasm-ld", "wasm-ld-9", "wasm-ld-14"]), Some("wasm-ld-14")),
            (list(&["wasm-ld-old"]), None),
        ] {
            assert_eq!(newest(&linkers), newest_one, "{linkers:?}");
        }
    }

    #[test]
    fn where_nothing_builds_the_sentence_says_what_to_do() {
        for (rustup, apt, says, never) in [
            (true, false, "run `rustup target add wasm32-unknown-unknown`", "apt-get"),
            (true, true, "or where that cannot download, run `apt-get install", "install rustup"),
            (false, true, "install rustup and run `rustup target add", "cannot download"),
            (false, false, "install rustup and run `rustup target add", "apt-get"),
        ] {
            let text = choose(&Found { rustup, apt, ..Found::default() }).unwrap_err().to_string();
            assert!(text.contains(says) && !text.contains(never), "{text}");
            assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn the_distributions_cargo_sees_no_other_toolchain() {
        let cargo = choose(&distribution()).unwrap().cargo(Path::new("."));
        let env: Vec<_> = cargo.get_envs().collect();
        assert!(env.contains(&("RUSTUP_TOOLCHAIN".as_ref(), None)));
        assert!(env.contains(&("PATH".as_ref(), Some("/usr/bin:/bin".as_ref()))));
    }
}
