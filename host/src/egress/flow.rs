//! How much a server may send.
//!
//! Rule: a server sends no more than was asked for. Reason: bytes that belong to no answer cost the host work though
//! no deadline watches them. Attack: a flood of PING, SETTINGS or empty DATA frames on an HTTP/2 connection, which
//! goes on when the exchange it came with is long over.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Bytes beside the body that an exchange may cost: headers, frames, certificates, and what was on its way
/// when it ended. More than the windows of an HTTP/2 connection ([`WINDOW`]), so that nobody honest meets it.
const BESIDE: i64 = 8 * 1024 * 1024;
/// What a server may send of a body before we have read it: bytes of a stream, and of a connection.
pub const WINDOW: (u32, u32) = (1024 * 1024, 4 * 1024 * 1024);
/// What a piece of a body costs beside its bytes: the head of a chunk, a frame, a TLS record.
const PIECE: i64 = 64;

/// The bytes that the connections of a run may still receive.
#[derive(Debug)]
pub struct Flow {
    left: AtomicI64,
    open: Mutex<u32>,
}

impl Default for Flow {
    fn default() -> Flow {
        Flow { left: AtomicI64::new(0), open: Mutex::new(0) }
    }
}

impl Flow {
    /// An exchange begins; it ends when the answer is dropped.
    pub fn begin(&self) -> Open<'_> {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *open += 1;
        match *open {
            1 => self.left.store(BESIDE, Relaxed),
            _ => drop(self.left.fetch_add(BESIDE, Relaxed)),
        }
        Open(self)
    }

    /// A piece of a body was read.
    pub fn delivered(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX / 4);
        self.left.fetch_add(bytes.saturating_add(bytes / 8).saturating_add(PIECE), Relaxed);
    }

    /// Bytes came over the wire; `false` when they were too many.
    pub fn received(&self, bytes: usize) -> bool {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX / 4);
        self.left.fetch_sub(bytes, Relaxed) >= bytes
    }
}

/// An exchange in progress.
pub struct Open<'f>(&'f Flow);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut open = self.0.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *open = open.saturating_sub(1);
        // What an exchange did not need is not saved up for a flood.
        if *open == 0 {
            self.0.left.store(BESIDE, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_is_paid_for_and_a_flood_is_not() {
        let flow = Flow::default();
        let exchange = flow.begin();
        for _ in 0..100_000 {
            assert!(flow.received(1024 + 32));
            flow.delivered(1024);
        }
        let flood = (0..100_000).take_while(|_| flow.received(1024)).count();
        assert!(flood < 40_000, "{flood} KiB");
        drop(exchange);
        let late = (0..100_000).take_while(|_| flow.received(1024)).count();
        assert_eq!(late, 8 * 1024, "a little may come late");
        let _next = flow.begin();
        assert!(flow.received(1), "the next exchange is none the worse");
    }
}
