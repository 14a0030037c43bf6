//! A command that draws on a terminal, and asks there: what it drew, escape sequences and all.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A command whose stderr is a terminal of 24 lines and 160 columns; killed when it is dropped.
pub struct Terminal {
    child: Child,
    drawn: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    keyboard: File,
}

impl Terminal {
    /// Starts a command that reads from the terminal, too.
    #[track_caller]
    pub fn asking(command: Command) -> Self {
        Self::open(command, true)
    }

    /// Types a line.
    #[track_caller]
    pub fn answer(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").expect("a terminal");
    }

    /// Starts a command; nobody reads its stdout.
    #[track_caller]
    pub fn start(command: Command) -> Self {
        Self::open(command, false)
    }

    #[track_caller]
    fn open(mut command: Command, asks: bool) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        if asks {
            command.stdin(pty.slave.try_clone().expect("a terminal"));
        }
        command.env("TERM", "xterm").stdout(Stdio::null()).stderr(pty.slave);
        let child = command.spawn().expect("a command that starts");
        // With it goes our own hold of the terminal: reading ends when the child has ended.
        drop(command);
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let keyboard = File::from(pty.master.try_clone().expect("a terminal"));
        let reader = std::thread::spawn({
            let (mut master, drawn) = (File::from(pty.master), Arc::clone(&drawn));
            move || {
                let mut chunk = [0; 4096];
                while let Ok(count @ 1..) = master.read(&mut chunk) {
                    drawn.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
                }
            }
        });
        Terminal { child, drawn, reader: Some(reader), keyboard }
    }

    /// What it has drawn by now.
    pub fn drawn(&self) -> String {
        String::from_utf8_lossy(&self.drawn.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Sends a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).expect("a process that runs");
    }

    /// Waits for its end: the exit code, and all that was drawn.
    #[track_caller]
    pub fn wait(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("a child").code();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("a reader");
        }
        (code, self.drawn())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
