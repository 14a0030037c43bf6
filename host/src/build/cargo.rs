//! Compiling a connector's crate into a core module, with `cargo`.
//!
//! The bytes depend on the sources and the compiler, not on the machine: paths are replaced by fixed names, and
//! the user's flags for native code do not apply.

use super::BuildError;
use super::toolchain::{TARGET, Toolchain};
use serde::Deserialize;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Folder below the target directory. Two compilers in one folder rebuild each other's work every time.
const FOLDER: &str = "wasm";
/// Flags that an author set for this target alone are kept; `RUSTFLAGS` are meant for the machine.
const TARGET_FLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
/// Stands between flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\x1f";

/// A connector's crate, as `cargo metadata` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crate {
    /// The package's name.
    pub package: String,
    /// The library's name, with `_`.
    pub library: String,
    /// The manifest.
    pub manifest: PathBuf,
    /// The workspace's root.
    pub workspace: PathBuf,
    /// The workspace's target directory.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// Finds the crate of `dir`.
///
/// # Errors
/// There is no manifest, `cargo` cannot read it, or it makes no `cdylib`.
pub fn find(dir: &Path, toolchain: &Toolchain) -> Result<Crate, BuildError> {
    let no_crate = || BuildError::NoCrate { dir: dir.to_path_buf() };
    let manifest = dir.join("Cargo.toml").canonicalize().map_err(|_| no_crate())?;
    let output = toolchain
        .cargo(manifest.parent().unwrap_or(dir))
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(&manifest)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|_| BuildError::NoCargo)?;
    if !output.status.success() {
        return Err(BuildError::Manifest { path: dir.join("Cargo.toml") });
    }
    let metadata = serde_json::from_slice(&output.stdout).map_err(|_| BuildError::Metadata)?;
    select(metadata, &manifest).ok_or_else(no_crate)?.ok_or_else(|| BuildError::NoCdylib { dir: dir.to_path_buf() })
}

/// The package of that manifest; `Some(None)` where it makes no `cdylib`.
fn select(metadata: Metadata, manifest: &Path) -> Option<Option<Crate>> {
    let Metadata { packages, workspace_root, target_directory } = metadata;
    let package = packages.into_iter().find(|p| p.manifest_path == manifest)?;
    let library = package.targets.into_iter().find(|t| t.crate_types.iter().any(|kind| kind == "cdylib"));
    Some(library.map(|library| Crate {
        package: package.name,
        library: library.name.replace('-', "_"),
        manifest: package.manifest_path,
        workspace: workspace_root,
        target: target_directory,
    }))
}

/// Compiles the crate; `cargo` says how it goes on stderr. Answers with the core module's file.
///
/// # Errors
/// `cargo` cannot be started, or fails.
pub fn compile(krate: &Crate, toolchain: &Toolchain) -> Result<PathBuf, BuildError> {
    let folder = krate.target.join(FOLDER);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cargo_home =
        std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| home.as_ref().map(|h| h.join(".cargo")));
    let packages = cargo_home.clone().unwrap_or_default().join("registry/src");
    if folders(&packages).is_empty() {
        fetch(krate, toolchain);
    }
    let paths = fixed_names(krate, home, cargo_home, folders(&packages), toolchain.library_sources());
    let own = std::env::var(TARGET_FLAGS).unwrap_or_default();
    let status = toolchain
        .cargo(krate.manifest.parent().unwrap_or(&krate.workspace))
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args(toolchain.arguments())
        .args([OsStr::new("--package"), OsStr::new(&krate.package)])
        .args([OsStr::new("--manifest-path"), krate.manifest.as_os_str()])
        .args([OsStr::new("--target-dir"), folder.as_os_str()])
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&own, &paths))
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env_remove("RUSTFLAGS")
        .stdout(std::io::stderr())
        .status()
        .map_err(|_| BuildError::NoCargo)?;
    match status.success() {
        true => Ok(folder.join(TARGET).join("release").join(&krate.library).with_extension("wasm")),
        false => Err(BuildError::Cargo { package: krate.package.clone() }),
    }
}

/// Downloads packages before the first build, so that their folders are known when names are replaced, in that
/// build as in the next. A failure is the build's to report.
fn fetch(krate: &Crate, toolchain: &Toolchain) {
    let _ = toolchain
        .cargo(krate.manifest.parent().unwrap_or(&krate.workspace))
        .args(["fetch", "--quiet", "--target", TARGET, "--manifest-path"])
        .arg(&krate.manifest)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// The paths that could reach the component, with what stands for them there; the last that fits counts.
fn fixed_names(
    krate: &Crate,
    home: Option<PathBuf>,
    cargo_home: Option<PathBuf>,
    registries: Vec<PathBuf>,
    library: Vec<PathBuf>,
) -> Vec<(PathBuf, &'static str)> {
    let beside = krate.workspace.parent().map(Path::to_path_buf);
    let mut names: Vec<(PathBuf, &'static str)> = Vec::new();
    names.extend(home.map(|path| (path, "/home")));
    // A dependency by path may lie beside the workspace.
    names.extend(beside.map(|path| (path, "/beside")));
    names.extend(cargo_home.map(|path| (path, "/cargo")));
    // A package is the same wherever it was downloaded from.
    names.extend(registries.into_iter().map(|path| (path, "/registry")));
    names.push((krate.workspace.clone(), "/source"));
    names.push((krate.target.clone(), "/target"));
    names.extend(library.into_iter().map(|path| (path, "/rust")));
    // The root, or a path that is not absolute, would rewrite names that are fixed already.
    names.retain(|(path, _)| path.is_absolute() && path.parent().is_some());
    names
}

/// The folders in a folder, sorted; none where it cannot be read.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).map(|entries| entries.flatten().map(|e| e.path()).collect::<Vec<_>>());
    let mut folders = entries.unwrap_or_default();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// Flags as `CARGO_ENCODED_RUSTFLAGS` takes them.
fn flags(own: &str, paths: &[(PathBuf, &'static str)]) -> OsString {
    let mut flags: Vec<OsString> = own.split_whitespace().map(OsString::from).collect();
    for (path, name) in paths {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(path);
        flag.push("=");
        flag.push(name);
        flags.push(flag);
    }
    flags.join(OsStr::new(SEPARATOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(crate_types: &str) -> Metadata {
        let text = format!(
            r#"{{"packages":[{{"name":"other","manifest_path":"/w/other/Cargo.toml","targets":[]}},
            {{"name":"acme-people","manifest_path":"/w/acme/Cargo.toml","targets":[
                {{"name":"build-script-build","crate_types":["bin"]}},
                {{"name":"acme_people","crate_types":[{crate_types}]}}]}}],
            "workspace_root":"/w","target_directory":"/w/target","more":1}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn acme() -> Crate {
        select(metadata(r#""cdylib","rlib""#), Path::new("/w/acme/Cargo.toml")).unwrap().unwrap()
    }

    #[test]
    fn the_package_of_the_folder_is_found_by_its_manifest() {
        assert_eq!((acme().package.as_str(), acme().library.as_str()), ("acme-people", "acme_people"));
        let plain = metadata(r#""lib""#);
        assert_eq!(select(plain, Path::new("/w/acme/Cargo.toml")), Some(None));
        assert_eq!(select(metadata(""), Path::new("/w/Cargo.toml")), None);
    }

    #[test]
    fn the_more_special_path_comes_later() {
        let names = fixed_names(
            &acme(),
            Some("/h".into()),
            Some("/h/.cargo".into()),
            vec!["/h/.cargo/r".into()],
            vec!["/usr/src/rust".into()],
        );
        let names: Vec<_> = names.iter().map(|(path, name)| (path.to_str().unwrap(), *name)).collect();
        let expected = [
            ("/h", "/home"),
            ("/h/.cargo", "/cargo"),
            ("/h/.cargo/r", "/registry"),
            ("/w", "/source"),
            ("/w/target", "/target"),
            ("/usr/src/rust", "/rust"),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_root_or_relative_path_is_never_replaced() {
        let krate = Crate { workspace: "/".into(), target: "/t".into(), ..acme() };
        let names = fixed_names(&krate, Some("/".into()), Some("cargo".into()), vec![], vec![]);
        assert_eq!(names, [(PathBuf::from("/t"), "/target")]);
    }

    #[test]
    fn flags_keep_the_authors_and_paths_with_spaces() {
        let flags = flags("-C target-feature=+simd128", &[("/my files".into(), "/home")]);
        assert_eq!(flags, "-C\x1ftarget-feature=+simd128\x1f--remap-path-prefix=/my files=/home");
        assert_eq!(super::flags("", &[]), "");
    }

    #[test]
    fn a_folder_without_a_crate_is_one_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let toolchain = Toolchain::Installed { sysroot: "/rust".into() };
        let error = find(dir.path(), &toolchain).unwrap_err();
        assert!(matches!(error, BuildError::NoCrate { .. }), "{error}");
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }
}
