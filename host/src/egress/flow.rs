//! How much a server may send on a connection.
//!
//! Rule: a server sends no more than was asked for. Reason: bytes that belong to no answer cost the host work though
//! no deadline watches them. Attack: a flood of PING, SETTINGS or empty DATA frames on an HTTP/2 connection, which
//! goes on when the exchange it came with is long over.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Bytes beside bodies that a connection may cost until an exchange on it ends: certificates, heads, frames, and what
/// of bodies is on its way. More than the window of an HTTP/2 connection ([`WINDOW`]), so that nobody honest meets it.
const BESIDE: i64 = 8 * 1024 * 1024;
/// What a server may send of a body before we have read it: bytes of a stream, and of a connection.
pub const WINDOW: (u32, u32) = (1024 * 1024, 4 * 1024 * 1024);
/// What a piece of a body costs beside its bytes: the head of a chunk, a frame, a TLS record.
const PIECE: i64 = 64;

/// The bytes that one connection may still receive.
#[derive(Debug)]
pub struct Flow(AtomicI64);

impl Default for Flow {
    fn default() -> Flow {
        Flow(AtomicI64::new(BESIDE))
    }
}

impl Flow {
    /// A piece of a body was read.
    pub fn delivered(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX / 4);
        let paid = bytes.saturating_add(bytes / 8).saturating_add(PIECE);
        // Never more than at the beginning: what the pieces did not cost is not saved up either.
        let _ = self.0.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_add(paid).min(BESIDE)));
    }

    /// Bytes came over the wire; `false` when they were too many.
    pub fn received(&self, bytes: usize) -> bool {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX / 4);
        self.0.fetch_sub(bytes, Relaxed) >= bytes
    }

    /// An exchange ended. What it did not need is not saved up for a flood.
    pub fn settle(&self) {
        self.0.store(BESIDE, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood(flow: &Flow) -> usize {
        (0..100_000).take_while(|_| flow.received(1024)).count()
    }

    #[test]
    fn what_is_delivered_is_paid_for_and_a_flood_is_not() {
        let flow = Flow::default();
        for _ in 0..100_000 {
            assert!(flow.received(1024 + 32));
            flow.delivered(1024);
        }
        assert!(flood(&flow) <= 8 * 1024);
    }

    #[test]
    fn nothing_is_saved_up_however_many_exchanges_overlap() {
        let flow = Flow::default();
        for _ in 0..10_000 {
            assert!(flow.received(100));
            flow.settle();
        }
        assert_eq!(flood(&flow), 8 * 1024);
    }
}
