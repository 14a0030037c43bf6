//! What all runs of a process share: how much goes on at once.
//!
//! Rule: no run takes what another needs. Reason: thousands of connections run on one machine. Attack: a
//! connector that keeps sixteen calls waiting for ever leaves the other two hundred and forty.

use crate::lane::SlowLane;
use crate::limits::Limits;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Places of the whole process; clones share them.
#[derive(Clone, Debug)]
pub struct Seats {
    /// Calls in progress. An instance that is idle holds none.
    pub calls: Arc<Semaphore>,
    /// Exchanges in progress.
    pub exchanges: Arc<Semaphore>,
    /// Components being compiled.
    pub compilers: Arc<Semaphore>,
    /// Where calls go on that hog a processor.
    pub slow: Arc<SlowLane>,
}

impl Seats {
    /// As many as the limits say.
    pub fn new(limits: &Limits) -> Seats {
        let places = |n: usize| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS)));
        Seats {
            calls: places(limits.host_instances),
            exchanges: places(limits.host_exchanges),
            compilers: places(limits.compilers),
            slow: Arc::default(),
        }
    }
}
