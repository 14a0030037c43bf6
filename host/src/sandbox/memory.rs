//! Memory and tables of an instance, summed, the memory of a run, and that of all runs of this process: Wasmtime's
//! own limits count each memory by itself.
//!
//! Rule: a run always gets its reserve, whatever the others hold. Reason: what one run takes of a shared whole,
//! another lacks. Attack: a connector that fills the host's memory, so that somebody else's run fails.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::ResourceLimiter;

/// Linear memory that every run may use: a connector that pages needs a fraction of it.
const RESERVE: usize = 64 << 20;
/// Runs in progress at once whose reserve is set aside.
const RUNS: usize = 16;

/// Bytes beyond their reserves that all runs of this process use.
static COMMON: AtomicUsize = AtomicUsize::new(0);

/// The linear memory of a run's instances.
#[derive(Debug)]
pub struct RunMemory {
    used: Mutex<usize>,
    run_bytes: usize,
    common_bytes: usize,
    common: &'static AtomicUsize,
}

impl RunMemory {
    /// So many bytes for the run, and for all runs of the process.
    pub fn new(run_bytes: usize, host_bytes: usize) -> RunMemory {
        Self::beside(run_bytes, host_bytes, &COMMON)
    }

    fn beside(run_bytes: usize, host_bytes: usize, common: &'static AtomicUsize) -> RunMemory {
        let common_bytes = host_bytes.saturating_sub(RUNS * RESERVE);
        RunMemory { used: Mutex::new(0), run_bytes, common_bytes, common }
    }

    /// The name of the limit that refuses so many more bytes, if one does.
    fn take(&self, more: usize) -> Option<&'static str> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let after = used.saturating_add(more);
        if after > self.run_bytes {
            return Some("run-memory");
        }
        let beyond = after.max(RESERVE) - (*used).max(RESERVE);
        if self.common.fetch_add(beyond, Relaxed).saturating_add(beyond) > self.common_bytes && beyond > 0 {
            self.common.fetch_sub(beyond, Relaxed);
            return Some("host-memory");
        }
        *used = after;
        None
    }

    fn give_back(&self, bytes: usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let after = used.saturating_sub(bytes);
        self.common.fetch_sub((*used).max(RESERVE) - after.max(RESERVE), Relaxed);
        *used = after;
    }
}

/// Grants growth until a sum is reached.
#[derive(Debug)]
pub struct Allowance {
    memory_left: usize,
    memory_taken: usize,
    run: Arc<RunMemory>,
    elements_left: usize,
    counts: [usize; 3],
    /// The limit that refused growth: what follows is the guest's reaction to it.
    pub refused: Option<&'static str>,
}

impl Allowance {
    /// So many bytes of memory and elements of tables for the whole instance.
    pub fn new(memory_bytes: usize, table_elements: usize, run: Arc<RunMemory>) -> Allowance {
        let counts = [64, 64, 16];
        Allowance {
            memory_left: memory_bytes,
            memory_taken: 0,
            run,
            elements_left: table_elements,
            counts,
            refused: None,
        }
    }

    /// The same with so many tables, core instances and memories.
    #[must_use]
    pub fn with_counts(mut self, tables: usize, instances: usize, memories: usize) -> Allowance {
        self.counts = [tables, instances, memories];
        self
    }

    fn refuse(&mut self, limit: &'static str) -> wasmtime::Result<bool> {
        self.refused = Some(limit);
        Ok(false)
    }
}

impl ResourceLimiter for Allowance {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if maximum.is_some_and(|m| desired > m) {
            return Ok(false);
        }
        if more > self.memory_left {
            return self.refuse("memory");
        }
        if let Some(limit) = self.run.take(more) {
            return self.refuse(limit);
        }
        self.memory_left -= more;
        self.memory_taken += more;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if maximum.is_some_and(|m| desired > m) {
            return Ok(false);
        }
        if more > self.elements_left {
            return self.refuse("table-elements");
        }
        self.elements_left -= more;
        Ok(true)
    }

    fn instances(&self) -> usize {
        let [_, instances, _] = self.counts;
        instances
    }

    fn tables(&self) -> usize {
        let [tables, ..] = self.counts;
        tables
    }

    fn memories(&self) -> usize {
        let [.., memories] = self.counts;
        memories
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        self.run.give_back(self.memory_taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(run_bytes: usize, host_bytes: usize) -> Arc<RunMemory> {
        let common: &'static AtomicUsize = Box::leak(Box::default());
        Arc::new(RunMemory::beside(run_bytes, host_bytes, common))
    }

    fn grows(a: &mut Allowance, bytes: usize) -> bool {
        a.memory_growing(0, bytes, None).is_ok_and(|granted| granted)
    }

    #[test]
    fn several_memories_share_one_allowance() {
        let mut a = Allowance::new(100, 10, run(1000, 1000));
        assert!(grows(&mut a, 60));
        assert!(!grows(&mut a, 60));
        assert_eq!(a.refused, Some("memory"));
        assert!(grows(&mut a, 40));
        assert!(a.table_growing(0, 10, None).is_ok_and(|ok| ok));
        assert!(a.table_growing(10, 11, None).is_ok_and(|ok| !ok));
        assert_eq!(a.refused, Some("table-elements"));
    }

    #[test]
    fn a_module_that_wants_more_than_its_own_maximum_is_not_refused_by_a_limit() {
        let mut a = Allowance::new(100, 10, run(1000, 1000));
        assert!(a.memory_growing(0, 60, Some(50)).is_ok_and(|ok| !ok));
        assert_eq!(a.refused, None);
    }

    #[test]
    fn instances_of_a_run_share_its_memory_until_they_go() {
        let run = run(100, 1000);
        let [mut one, mut two] = [(); 2].map(|()| Allowance::new(80, 10, Arc::clone(&run)));
        assert!(grows(&mut one, 60) && !grows(&mut two, 60));
        assert_eq!(two.refused, Some("run-memory"));
        drop(one);
        assert!(grows(&mut two, 60));
    }

    #[test]
    fn a_run_that_takes_all_leaves_the_others_their_reserve() {
        let common: &'static AtomicUsize = Box::leak(Box::default());
        let host = RUNS * RESERVE + (1 << 30);
        let run = || Arc::new(RunMemory::beside(usize::MAX, host, common));
        let (greedy, modest, second) = (run(), run(), run());
        let allowance = |run: &Arc<RunMemory>| Allowance::new(usize::MAX, 10, Arc::clone(run));
        let mut all = allowance(&greedy);
        assert!(grows(&mut all, RESERVE + (1 << 30)));
        assert!(!grows(&mut all, 1));
        assert_eq!(all.refused, Some("host-memory"));
        assert!(grows(&mut allowance(&modest), RESERVE), "its reserve");
        let mut more = allowance(&second);
        assert!(!grows(&mut more, RESERVE + 1), "beyond it");
        drop(all);
        assert!(grows(&mut more, RESERVE + 1));
        drop(more);
        assert_eq!(common.load(Relaxed), 0);
    }
}
