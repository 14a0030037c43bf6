//! Servers of PyPI that nobody here wrote, each in a virtual environment beside what Cargo built.
//!
//! `make test` installs them, so that tests need no network; a test that finds none installs it itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What [`venv.py`](../venv.py) ends with where Python is too old.
const TOO_OLD: i32 = 3;

/// The environment's Python, or the reason why there is none.
pub fn python(server: &str) -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/venv.py");
    // Beside the folder of the build: `target`, wherever that is.
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().and_then(Path::parent).and_then(Path::parent).unwrap().join(server);
    let output = match Command::new("python3").arg(&script).arg(&folder).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err("there is no python3".to_owned()),
        Err(error) => panic!("python3 cannot be started: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(PathBuf::from(said)),
        Some(TOO_OLD) => Err(said),
        _ => panic!("{said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}
