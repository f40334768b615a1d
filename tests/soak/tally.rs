//! What has happened so far, counted by everybody.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that goes up.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds `more`.
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number now.
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Listeners that got a stream.
    pub(crate) joined: Count,
    /// Listeners that were turned away.
    pub(crate) refused: Count,
    /// Streams that the server ended.
    pub(crate) ended: Count,
    /// Bytes of audio that were checked.
    pub(crate) heard_bytes: Count,
    /// Logical streams of Ogg that began within a connection.
    pub(crate) links: Count,
    /// Sources that got their mount.
    pub(crate) sources: Count,
    /// What the administrator and strangers did.
    pub(crate) disturbances: Count,
    /// Connections on which nothing came for too long.
    pub(crate) stalls: Count,
    /// What was wrong.
    pub(crate) faults: Count,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "joined {} refused {} ended {} heard {} MB links {} sources {} disturbances {} \
             stalls {} faults {}",
            self.joined.now(),
            self.refused.now(),
            self.ended.now(),
            self.heard_bytes.now() / 1_000_000,
            self.links.now(),
            self.sources.now(),
            self.disturbances.now(),
            self.stalls.now(),
            self.faults.now(),
        )
    }
}
