//! Memory and tables of an instance, summed, and the memory of all instances of this process: Wasmtime's own limits
//! count each memory by itself.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmtime::ResourceLimiter;

/// Bytes of linear memory of all instances that live in this process.
static ALL: AtomicUsize = AtomicUsize::new(0);

/// Grants growth until the sum is reached.
#[derive(Debug)]
pub struct Allowance {
    memory_left: usize,
    memory_taken: usize,
    host_bytes: usize,
    elements_left: usize,
    /// A growth was refused: what follows is the guest's reaction to it.
    pub refused: bool,
}

impl Allowance {
    /// So many bytes of memory and elements of tables for the whole instance, and so many bytes for all of them.
    pub fn new(memory_bytes: usize, table_elements: usize, host_bytes: usize) -> Allowance {
        Allowance {
            memory_left: memory_bytes,
            memory_taken: 0,
            host_bytes,
            elements_left: table_elements,
            refused: false,
        }
    }

    fn take(left: &mut usize, refused: &mut bool, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let more = desired.saturating_sub(current);
        if more > *left || maximum.is_some_and(|m| desired > m) {
            *refused |= more > *left;
            return false;
        }
        *left -= more;
        true
    }
}

impl ResourceLimiter for Allowance {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if ALL.fetch_add(more, Relaxed).saturating_add(more) > self.host_bytes {
            ALL.fetch_sub(more, Relaxed);
            self.refused = true;
            return Ok(false);
        }
        let granted = Self::take(&mut self.memory_left, &mut self.refused, current, desired, maximum);
        match granted {
            true => self.memory_taken += more,
            false => drop(ALL.fetch_sub(more, Relaxed)),
        }
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(Self::take(&mut self.elements_left, &mut self.refused, current, desired, maximum))
    }

    // What a component of a language runtime needs, with room: each costs host memory of its own.
    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        16
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        ALL.fetch_sub(self.memory_taken, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_memories_share_one_allowance() {
        let mut a = Allowance::new(100, 10, usize::MAX);
        assert!(a.memory_growing(0, 60, None).is_ok_and(|ok| ok));
        assert!(a.memory_growing(0, 60, None).is_ok_and(|ok| !ok));
        assert!(a.refused);
        assert!(a.memory_growing(0, 40, None).is_ok_and(|ok| ok));
    }

    #[test]
    fn all_instances_share_the_hosts_memory_until_they_go() {
        const LARGE: usize = 1 << 40;
        let mut one = Allowance::new(usize::MAX, 10, 2 * LARGE);
        let mut two = Allowance::new(usize::MAX, 10, 2 * LARGE);
        assert!(one.memory_growing(0, LARGE + LARGE / 2, None).is_ok_and(|ok| ok));
        assert!(two.memory_growing(0, LARGE, None).is_ok_and(|ok| !ok));
        assert!(two.refused);
        drop(one);
        assert!(two.memory_growing(0, LARGE, None).is_ok_and(|ok| ok));
    }
}
