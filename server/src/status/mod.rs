//! What the server can tell about itself: counts, snapshots, its health and its own page.

pub(crate) mod counters;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod page;
pub(crate) mod snapshot;
