//! Scripts with `muster` in them, also where a small disk is mounted that nobody else sees and that goes with them.

use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use crate::scene::{Process, Run, Scene, binary};

/// A script that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// `muster` in a script; one that hangs ends with 137.
const MUSTER: &str = r#"muster() { timeout -s KILL 15 "$MUSTER" "$@"; }"#;

/// A shell in the scene's folder and environment, with `muster` as a command.
#[track_caller]
pub fn shell(scene: &Scene, script: &str) -> Run {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{MUSTER}\n{script}"));
    start(scene, command)
}

/// The same where `disk` is a disk of this size.
#[track_caller]
pub fn with_disk(scene: &Scene, size: &str, script: &str) -> Run {
    std::fs::create_dir_all(scene.path("disk")).unwrap();
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = Command::new("unshare");
    command.arg(if root { "-m" } else { "-Urm" }).arg("sh").arg("-c");
    command.arg(format!(
        "mount -t tmpfs -o size={size},mode=700 none disk || {{ echo 'this test has to mount a disk' >&2; exit 99; }}\n{MUSTER}\n{script}"
    ));
    let run = start(scene, command);
    assert_ne!(run.code, Some(99), "this machine forbids what the test needs, `unshare` and `mount`: {}", run.stderr);
    run
}

#[track_caller]
fn start(scene: &Scene, mut command: Command) -> Run {
    let muster = scene.command([] as [&str; 0]);
    command.current_dir(scene.folder()).env_clear();
    command.envs(muster.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("MUSTER", binary());
    command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()));
    Process::start(command, PATIENCE).wait()
}

/// What a command of the script said: `NAME.out`, `NAME.err` and `NAME.code`.
pub fn said(scene: &Scene, name: &str) -> (String, String, String) {
    let read = |end: &str| {
        let path = scene.path(&format!("{name}.{end}"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    (read("out"), read("err"), read("code").trim().to_owned())
}

/// Runs a command of the script and keeps what it says outside the disk.
pub const KEEP: &str = r#"keep() { name=$1; shift; "$@" >"$name.out" 2>"$name.err"; echo $? >"$name.code"; }"#;
