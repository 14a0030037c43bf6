//! Servers of PyPI that nobody here wrote, each in a virtual environment beside what Cargo built.
//!
//! `make test` installs them, so that tests need no network; a test that finds none installs it itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What [`venv.py`](../venv.py) ends with where the server cannot be installed: without pip, or without a network.
const NOT_INSTALLED: i32 = 2;
/// What it ends with where Python is too old.
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
    let on_build_machine = std::env::var("CI").is_ok_and(|value| value == "true");
    match judge(output.status.code(), on_build_machine) {
        Judged::Installed => Ok(PathBuf::from(said)),
        Judged::Skipped => Err(said),
        Judged::Broken => panic!("{said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[derive(Debug, PartialEq)]
enum Judged {
    Installed,
    Skipped,
    Broken,
}

/// What the script's exit code means. On the build machine nothing is skipped that should have run.
fn judge(code: Option<i32>, on_build_machine: bool) -> Judged {
    match code {
        Some(0) => Judged::Installed,
        Some(TOO_OLD) => Judged::Skipped,
        Some(NOT_INSTALLED) if !on_build_machine => Judged::Skipped,
        _ => Judged::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_installed_is_skipped_but_on_the_build_machine() {
        let table = [
            (Some(0), Judged::Installed, Judged::Installed),
            (Some(TOO_OLD), Judged::Skipped, Judged::Skipped),
            (Some(NOT_INSTALLED), Judged::Skipped, Judged::Broken),
            (Some(1), Judged::Broken, Judged::Broken),
            (None, Judged::Broken, Judged::Broken),
        ];
        for (code, elsewhere, on_build_machine) in table {
            assert_eq!((judge(code, false), judge(code, true)), (elsewhere, on_build_machine), "{code:?}");
        }
    }
}
