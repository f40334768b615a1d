//! How long to wait before dialling again.
//!
//! Waits grow from a shortest to a longest one by a factor, and each is spread at random over its
//! upper half, so that many clients of one server do not come back in step. Pure: the caller
//! brings the random number and keeps the count of attempts.

use std::time::Duration;

/// A policy of waiting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The longest first wait; the shortest is half of it.
    pub first: Duration,
    /// What each wait is multiplied by for the next; 1 keeps them equal.
    pub factor: f64,
    /// No wait is longer.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `attempt` attempts have failed before, counted from 0. `random` is drawn
    /// evenly from 0 to 1.
    pub fn wait(&self, attempt: u32, random: f64) -> Duration {
        let growth = self.factor.powi(i32::try_from(attempt).unwrap_or(i32::MAX));
        let full = (self.first.as_secs_f64() * growth).min(self.longest.as_secs_f64());
        Duration::from_secs_f64(full * (0.5 + random.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Backoff =
        Backoff { first: Duration::from_secs(1), factor: 2.0, longest: Duration::from_secs(30) };

    #[test]
    fn a_wait_lies_in_the_upper_half_of_its_span() {
        assert_eq!(POLICY.wait(0, 0.0), Duration::from_millis(500));
        assert_eq!(POLICY.wait(0, 1.0), Duration::from_secs(1));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        assert_eq!(POLICY.wait(3, 1.0), Duration::from_secs(8));
        assert_eq!(POLICY.wait(5, 1.0), Duration::from_secs(30));
        assert_eq!(POLICY.wait(u32::MAX, 1.0), Duration::from_secs(30));
    }

    #[test]
    fn a_factor_of_one_keeps_the_waits_equal() {
        let even = Backoff { factor: 1.0, ..POLICY };

        assert_eq!(even.wait(u32::MAX, 1.0), Duration::from_secs(1));
    }
}
