//! A command's wall clock, processor time and peak memory.
//!
//! The system tells the peak of all children that a process ever had, so each command gets a parent of its own:
//! this program in another role, which starts the command, waits, and prints what it cost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

use crate::Broken;

/// The word that starts the role.
pub const ROLE: &str = "--measure";

/// What a command cost, and what it printed.
#[derive(Serialize, Deserialize)]
pub struct Process {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_mib: f64,
    pub output: String,
}

/// The role: runs a command.
pub fn measure(mut words: impl Iterator<Item = String>) -> Result<(), Broken> {
    let mut command = Command::new(words.next().ok_or("no command to measure")?);
    command.args(words).stdin(Stdio::null()).stderr(Stdio::inherit());
    let began = Instant::now();
    let output = command.output()?;
    let wall = began.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let kib = if cfg!(target_os = "macos") { usage.max_rss() / 1024 } else { usage.max_rss() };
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("the command to measure ended with {}: {}", output.status, text.trim()).into());
    }
    let cpu = Duration::from_micros(u64::try_from(micros)?);
    println!("{}", serde_json::to_string(&Process { wall, cpu, peak_mib: kib as f64 / 1024.0, output: text })?);
    Ok(())
}

/// Runs a command in the role, with its arguments, its folder, and of the environment what it was given.
pub fn run(command: &Command) -> Result<Process, Broken> {
    let mut wrapper = Command::new(std::env::current_exe()?);
    wrapper.arg(ROLE).arg(command.get_program()).args(command.get_args()).env_clear().stderr(Stdio::inherit());
    wrapper.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapper.current_dir(command.get_current_dir().ok_or("a command without a folder")?);
    let output = wrapper.output()?;
    if !output.status.success() {
        return Err("a command could not be measured; see above".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
