//! Random numbers that are the same in every run with one seed.

use std::time::Duration;

/// A xorshift generator; good enough to mix events.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers that begin at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A generator of its own for somebody else.
    pub fn fork(&mut self) -> Self {
        Self::new(self.number())
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a length is a number");
        usize::try_from(self.number() % end).expect("it is below a length")
    }

    /// A time from `from_ms` to `to_ms` milliseconds.
    pub fn time(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        Duration::from_millis(from_ms + self.number() % (to_ms - from_ms))
    }
}
