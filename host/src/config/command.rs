//! What a command of the operator's prints.
//!
//! Rule: a command has a deadline; one that has not ended by then is killed and reaped, and nobody waits for what it has
//! started itself. Reason: such a command may wait for somebody who types (a password manager for its passphrase) or for
//! a disk that is gone, and where runs begin by themselves there is nobody: its connection would never run again, and
//! what waits for it would wait for ever. Attack: somebody who can lock the password manager, or cut its network, stops
//! every run. The command stays in our process group: in another one the terminal stops whoever asks there for a
//! passphrase. Residual: what the command has started goes on, with one thread of ours for as long as it keeps the output
//! open; and a command that is in progress when this process ends is left behind.

use super::error::ConfigError;
use super::value;
use crate::settings::Secret;
use crate::text::io_words;
use std::io::Read;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a command may take: somebody who is there can type a passphrase in that time.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// The longest pause between two looks at a command whose output has ended, and which has not.
const LOOK: Duration = Duration::from_millis(50);

/// Runs a command; `whose` value it is, as people call it. Blocks.
///
/// # Errors
/// It cannot be run, failed, took too long, or printed no value. Never holds what it printed.
pub(super) fn printed(argv: &[String], whose: &str, limit: Duration) -> Result<Secret, ConfigError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(ConfigError::new(format!("the command of the {whose} is empty")));
    };
    let wrong = |why: String| ConfigError::new(format!("the command {program} of the {whose} {why}"));
    let late = |why: &str, help: &str| wrong(format!("{why} {} s", limit.as_secs())).with_help(help);
    let deadline = Instant::now() + limit;
    let mut child = std::process::Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| wrong(format!("cannot be run: {}", io_words(&e))))?;
    let read = child.stdout.take().map_or_else(|| Some(Err("has no output".to_owned())), |out| read(out, deadline));
    // Nobody is asked how it ended whose output has not.
    let ended = wait(&mut child, if read.is_some() { deadline } else { Instant::now() });
    if !matches!(ended, Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
    let ended = ended.map_err(|e| wrong(format!("failed: {}", io_words(&e))))?;
    match (read, ended) {
        // A command whose output is cut off dies of it: that is not what is wrong with it.
        (Some(Err(why)), _) if why == value::too_long() => Err(wrong(why)),
        (_, None) => Err(late(
            "did not end within",
            "run it by hand and see what it waits for: nobody answers it here; { file = \"PATH\" } asks nobody",
        )),
        (None, Some(_)) => Err(late(
            "ended, and something that it has started kept its output open for",
            "let what it leaves running write elsewhere: >/dev/null",
        )),
        (Some(read), Some(status)) if status.success() => read.map_err(wrong),
        (Some(_), Some(status)) => Err(wrong(format!("ended with {status}"))),
    }
}

/// What was printed, read beside; nothing where the output has not ended by then.
fn read(out: impl Read + Send + 'static, deadline: Instant) -> Option<Result<Secret, String>> {
    let (give, take) = mpsc::sync_channel(1);
    let reader = std::thread::Builder::new().name("command".to_owned());
    // Whoever waited may have left.
    let begun = reader.spawn(move || drop(give.send(value::read(out))));
    if let Err(e) = begun {
        return Some(Err(format!("cannot be read: {}", io_words(&e))));
    }
    match take.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(read) => Some(read),
        Err(mpsc::RecvTimeoutError::Timeout) => None,
        Err(mpsc::RecvTimeoutError::Disconnected) => Some(Err("cannot be read".to_owned())),
    }
}

/// How it ended; nothing where it has not by then. It usually ends with its output.
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        let ended = child.try_wait()?;
        let left = deadline.saturating_duration_since(Instant::now());
        if ended.is_some() || left.is_zero() {
            return Ok(ended);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, test_kill_process};

    /// Goes on as long as the test does.
    const HANG: &str = "while [ -d \"$0\" ]; do sleep 0.05; done";

    /// What comes of a script that is given longer and longer, until it says this.
    fn tried(script: &str, says: &str) -> (tempfile::TempDir, ConfigError) {
        let mut limit = Duration::from_millis(20);
        loop {
            let dir = tempfile::tempdir().expect("folder");
            let argv = ["sh", "-c", &script.replace("HANG", HANG), &dir.path().to_string_lossy()].map(str::to_owned);
            let error = printed(&argv, "secret token", limit).expect_err("late");
            if error.message.contains(says) && (!script.contains("pid") || dir.path().join("pid").exists()) {
                return (dir, error);
            }
            limit *= 2;
            assert!(limit < LIMIT, "{error}");
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_killed_and_reaped() {
        for script in [
            "echo $$ > \"$0/half\"; mv \"$0/half\" \"$0/pid\"; HANG",
            "echo $$ > \"$0/half\"; exec >&-; mv \"$0/half\" \"$0/pid\"; HANG",
        ] {
            let (dir, error) = tried(script, "the command sh of the secret token did not end within 0 s");
            assert!(error.help.iter().any(|line| line.contains("by hand")), "{error:?}");
            let pid = std::fs::read_to_string(dir.path().join("pid")).expect("pid");
            let pid = Pid::from_raw(pid.trim().parse().expect("number")).expect("pid");
            assert!(test_kill_process(pid).is_err(), "it goes on, or nobody has reaped it");
        }
    }

    #[test]
    fn what_a_command_leaves_running_is_not_waited_for() {
        let (_dir, error) = tried("(HANG) & echo t0p", "kept its output open for 0 s");
        assert!(!format!("{error:?}").contains("t0p"), "{error:?}");
        assert!(error.help.iter().any(|line| line.contains("/dev/null")), "{error:?}");
    }

    #[test]
    fn a_command_gives_what_it_prints_or_says_why_not() {
        let run = |script: &str| printed(&["sh", "-c", script].map(str::to_owned), "secret token", LIMIT);
        assert_eq!(run("echo t0p").map(|s| s.expose().to_owned()).as_deref(), Ok("t0p"));
        assert_eq!(run("echo t0p; exec >&-; sleep 0.1").map(|s| s.expose().to_owned()).as_deref(), Ok("t0p"));
        let table = [
            ("exit 3", "ended with exit status: 3"),
            ("echo t0p; exit 3", "ended with exit status: 3"),
            ("true", "is empty"),
            ("yes", "has more than 65536 bytes"),
            ("printf '\\377'", "is not UTF-8"),
        ];
        for (script, why) in table {
            let error = run(script).expect_err(script);
            assert_eq!(error.message, format!("the command sh of the secret token {why}"));
        }
        let absent = printed(&["no-such-program-anywhere".to_owned()], "secret token", LIMIT).expect_err("absent");
        assert!(absent.message.contains("cannot be run"), "{absent}");
        assert!(printed(&[], "secret token", LIMIT).is_err());
    }
}
