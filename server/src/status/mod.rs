//! What the server can tell about itself: counts, snapshots and its own page.

pub(crate) mod counters;
pub(crate) mod page;
pub(crate) mod snapshot;
