//! Memory and tables of an instance, summed: Wasmtime's own limits count each memory by itself.

use wasmtime::ResourceLimiter;

/// Grants growth until the sum is reached.
#[derive(Debug)]
pub struct Allowance {
    memory_left: usize,
    elements_left: usize,
    /// A growth was refused: what follows is the guest's reaction to it.
    pub refused: bool,
}

impl Allowance {
    /// So many bytes of memory and elements of tables for the whole instance.
    pub fn new(memory_bytes: usize, table_elements: usize) -> Allowance {
        Allowance { memory_left: memory_bytes, elements_left: table_elements, refused: false }
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
        Ok(Self::take(&mut self.memory_left, &mut self.refused, current, desired, maximum))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_memories_share_one_allowance() {
        let mut a = Allowance::new(100, 10);
        assert!(a.memory_growing(0, 60, None).is_ok_and(|ok| ok));
        assert!(a.memory_growing(0, 60, None).is_ok_and(|ok| !ok));
        assert!(a.refused);
        assert!(a.memory_growing(0, 40, None).is_ok_and(|ok| ok));
    }
}
