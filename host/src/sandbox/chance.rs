//! Random numbers of a taped run: the same for the same call in a recording and in its replay.
//!
//! Only where a tape is written or played; any other run has the system's. The seed stands on the tape, so nothing that a
//! guest makes of these numbers is a secret.

use rand_core::TryRng;
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;

/// Blocks of SHA-256 over a seed, the call and a counter: the same on every machine and in every version.
pub struct Chance {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Chance {
    /// The numbers of one call. Tasks run on any instance, in any order: what is asked in a call depends on the call alone.
    pub fn of_call(seed: &[u8; 32], call: &str, purpose: &str) -> Chance {
        let mut hasher = Sha256::new();
        for part in [seed.as_slice(), call.as_bytes(), purpose.as_bytes()] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Chance { seed: hasher.finalize().into(), counter: 0, block: [0; 32], used: 32 }
    }

    fn byte(&mut self) -> u8 {
        if self.used >= self.block.len() {
            let mut hasher = Sha256::new();
            hasher.update(self.seed);
            hasher.update(self.counter.to_be_bytes());
            self.block = hasher.finalize().into();
            self.counter += 1;
            self.used = 0;
        }
        let byte = self.block.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        byte
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(std::array::from_fn(|_| self.byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(std::array::from_fn(|_| self.byte())))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.byte());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u8, call: &str, purpose: &str) -> [u8; 100] {
        let mut bytes = [0; 100];
        let Ok(()) = Chance::of_call(&[seed; 32], call, purpose).try_fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn a_call_has_the_same_numbers_each_time_and_others_than_any_other_call() {
        let this = first(1, "agents 1", "secure");
        assert_eq!(this, first(1, "agents 1", "secure"));
        for other in [first(2, "agents 1", "secure"), first(1, "agents 2", "secure"), first(1, "agents 1", "insecure")]
        {
            assert_ne!(this, other);
        }
        assert_ne!(this[..32], this[32..64], "blocks differ");
    }
}
