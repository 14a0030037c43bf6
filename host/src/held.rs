//! What the host holds for a run: answers nobody has read yet, requests that are not finished, records of tasks that
//! have not succeeded yet.
//!
//! Rule: it counts, until it is gone. Reason: it lies in the host's memory, not in the guest's. Attack: a connector that
//! asks for sixty large answers and reads none, or emits without end in sixteen tasks at once.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The bytes that are held for a run.
#[derive(Debug)]
pub struct Held {
    used: AtomicUsize,
    limit: usize,
}

impl Held {
    /// So many bytes at most.
    pub fn new(limit: usize) -> Arc<Held> {
        Arc::new(Held { used: AtomicUsize::new(0), limit })
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// The bytes of one body or task; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    held: Arc<Held>,
    bytes: usize,
}

impl Share {
    /// Of what is empty yet.
    pub fn of(held: &Arc<Held>) -> Share {
        Share { held: Arc::clone(held), bytes: 0 }
    }

    /// An empty share beside this one.
    pub fn sibling(&self) -> Share {
        Share::of(&self.held)
    }

    /// The limit of the run in bytes.
    pub fn limit(&self) -> usize {
        self.held.limit
    }

    /// It grows; `false` where it may not.
    pub fn grow(&mut self, bytes: usize) -> bool {
        if self.held.used.fetch_add(bytes, Relaxed).saturating_add(bytes) > self.held.limit {
            self.held.used.fetch_sub(bytes, Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// The body, which takes its share along.
    pub fn keep(self, body: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        match body.as_ref().is_empty() {
            true => Bytes::new(),
            false => Bytes::from_owner(Kept { body, _share: self }),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.held.used.fetch_sub(self.bytes, Relaxed);
    }
}

struct Kept<B> {
    body: B,
    _share: Share,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Kept<B> {
    fn as_ref(&self) -> &[u8] {
        self.body.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_count_until_the_last_piece_of_them_is_gone() {
        let held = Held::new(100);
        let mut one = Share::of(&held);
        assert!(one.grow(60) && !one.grow(60) && one.grow(40));
        let body = one.keep(vec![0u8; 100]);
        let piece = body.slice(10..20);
        drop(body);
        assert!(!Share::of(&held).grow(1), "a piece is still read");
        drop(piece);
        assert!(Share::of(&held).grow(100));
    }
}
