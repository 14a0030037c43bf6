//! Ctrl-C and SIGTERM: a command that runs connections ends within two seconds, and nothing is half-done.

use super::error;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long stopping may take: within two seconds the process is gone.
const PATIENCE: Duration = Duration::from_millis(1800);

/// Waits for Ctrl-C or SIGTERM; the answer is the exit code. A second one ends the process at once, and so does whatever
/// does not come to an end, usually a store that is busy: leaving it in the middle loses no more than a crash would (rule R2). When this returns,
/// signals are heard.
pub fn signals(stop: watch::Sender<bool>) -> tokio::task::JoinHandle<u8> {
    let heard = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = heard else {
            return std::future::pending().await;
        };
        let code = tokio::select! {
            _ = interrupt.recv() => error::INTERRUPTED,
            _ = terminate.recv() => error::TERMINATED,
        };
        // Nobody left to tell means that every run has ended already.
        let _ = stop.send(true);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = tokio::time::sleep(PATIENCE) => {
                    error::note("not everything came to its end in time: what is not written yet is done again next time");
                }
            }
            std::process::exit(code.into());
        });
        code
    })
}
