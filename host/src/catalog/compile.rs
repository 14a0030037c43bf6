//! Compiling a component in a child process of the same binary.
//!
//! Rule: what compiles a stranger's bytes has no environment, little memory, little time, and none of ours.
//! Reason: a compiler is a large program fed by an attacker. Attack: a component whose compilation takes
//! gigabytes or hours, or crashes the compiler: the child dies, the host says so.

use super::error::CatalogError;
use crate::limits::Limits;
use crate::sandbox::engine;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read, Write};
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The hidden command the host runs itself with.
pub const COMMAND: &str = "compile-component";
/// Compiled code is larger than its component; this many times its limit is an error, not a component.
const EXPANSION: u64 = 16;
/// Bytes kept of what the child says.
const SAYING: u64 = 4096;

/// Compiles `bytes` in a child process.
///
/// # Errors
/// The child failed, took too long, or said why it refuses the component.
pub async fn compile(name: &str, bytes: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, CatalogError> {
    let failed = |why: String| CatalogError::Compile { name: name.to_owned(), why };
    let exe = std::env::current_exe().map_err(|e| failed(format!("the host cannot find itself ({e})")))?;
    let mut child = tokio::process::Command::new(exe)
        .arg(COMMAND)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(format!("the compiler's process cannot be started ({e})")))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(failed("the compiler's process has no pipes".to_owned()));
    };
    let most = limits.component_bytes.saturating_mul(EXPANSION);
    let work = async {
        let feed = async move {
            // A child that dies early closes the pipe; its own words say more than ours would.
            let _ = stdin.write_all(&bytes).await;
            drop(stdin);
        };
        let (mut code, mut said) = (Vec::new(), Vec::new());
        let mut out = stdout.take(most + 1);
        let mut err = stderr.take(SAYING);
        let (_, read, _) = tokio::join!(feed, out.read_to_end(&mut code), err.read_to_end(&mut said));
        read?;
        Ok::<_, std::io::Error>((child.wait().await?, code, said))
    };
    match tokio::time::timeout(limits.compile_time, work).await {
        Err(_) => Err(failed(format!("it took longer than {} s", limits.compile_time.as_secs()))),
        Ok(Err(e)) => Err(failed(e.to_string())),
        Ok(Ok((status, code, _))) if status.success() && code.len() as u64 <= most => Ok(code),
        Ok(Ok((status, _, said))) => {
            let said = String::from_utf8_lossy(&said);
            let said = said.trim();
            Err(failed(if said.is_empty() {
                format!(
                    "the compiler's process ended with {status}; perhaps it needed more than {} bytes",
                    limits.compile_bytes
                )
            } else {
                crate::text::neutral(said).into_owned()
            }))
        }
    }
}

/// What the child does: standard input to standard output, within its limits.
///
/// # Errors
/// Why the component cannot be compiled, as a sentence.
pub fn child() -> Result<(), String> {
    let limits = Limits::default();
    let cap = |resource, most: u64| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(|e| e.to_string())
    };
    cap(Resource::As, limits.compile_bytes)?;
    cap(Resource::Core, 0)?;
    // Nobody waits for it but its own connection: runs in progress come first.
    rustix::process::nice(10).map_err(|e| e.to_string())?;
    // Two cores' worth of the wall clock the parent grants.
    cap(Resource::Cpu, limits.compile_time.as_secs() * 4)?;
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock().take(limits.component_bytes + 1);
    input.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    let engine = engine::engine(&limits).map_err(|e| e.to_string())?;
    let code = engine.precompile_component(&bytes).map_err(|e| format!("{e:#}"))?;
    std::io::stdout().lock().write_all(&code).map_err(|e| e.to_string())
}
