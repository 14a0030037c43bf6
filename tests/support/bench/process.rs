//! A command's wall clock, processor time and peak memory.
//!
//! The system tells the peak of all children that a process ever had, so each command gets a parent of its own:
//! this program in another role, which starts the command, waits, and prints what it cost.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

use crate::{Broken, myself};

/// The word that starts the role.
pub const ROLE: &str = "--measure";

/// What a command cost.
#[derive(Debug, Serialize, Deserialize)]
pub struct Process {
    /// From starting it to its end.
    pub wall: Duration,
    /// Its processor time, in its own code and in the kernel, over all threads.
    pub cpu: Duration,
    /// The most memory it had.
    pub peak_mib: f64,
    /// What it printed.
    pub output: String,
}

/// The role: runs a command.
pub fn measure(mut words: impl Iterator<Item = OsString>) -> Result<(), Broken> {
    let mut command = Command::new(words.next().ok_or("no command to measure")?);
    command.args(words).stdin(Stdio::null()).stderr(Stdio::inherit());
    let began = Instant::now();
    let output = command.output()?;
    let wall = began.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    // Kilobytes, but for macOS.
    let unit = if cfg!(target_os = "macos") { 1024.0 * 1024.0 } else { 1024.0 };
    let process = Process {
        wall,
        cpu: Duration::from_micros(u64::try_from(micros)?),
        peak_mib: usage.max_rss() as f64 / unit,
        output: String::from_utf8(output.stdout)?,
    };
    if !output.status.success() {
        return Err(format!("the command to measure failed: {}: {}", output.status, process.output.trim()).into());
    }
    serde_json::to_writer(std::io::stdout(), &process)?;
    Ok(std::io::stdout().flush()?)
}

/// Runs a command in the role, with its arguments, its folder and its whole environment.
pub fn run(command: &Command) -> Result<Process, Broken> {
    let mut wrapper = myself(ROLE)?;
    wrapper.arg(command.get_program()).args(command.get_args()).env_clear().stderr(Stdio::inherit());
    wrapper.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        wrapper.current_dir(folder);
    }
    let output = wrapper.output()?;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err("a command could not be measured; see above".into()),
    }
}
