//! Everything that a status document can show, at one moment.

use crate::config::Config;
use crate::edges::table::Held;
use crate::mount::name::MountName;
use crate::mount::on_air::OnAir;
use crate::status::counters::{MountCounters, ServerCounters};
use jiff::Timestamp;
use std::sync::Arc;

/// The server at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// When it was taken.
    pub(crate) now: Timestamp,
    /// When the server started.
    pub(crate) started: Timestamp,
    /// What it was told to be.
    pub(crate) config: Arc<Config>,
    /// The port that links name.
    pub(crate) port: u16,
    /// Its counts.
    pub(crate) counters: Arc<ServerCounters>,
    /// What edges have said.
    pub(crate) edges: Arc<Held>,
    /// Every mount with a source, in the order of their names.
    pub(crate) mounts: Vec<MountSnapshot>,
    /// Every mount without a source for which one of those stands in, in the order of their names.
    pub(crate) stood_in_for: Vec<MountName>,
    /// Every mount that is fetched once somebody listens, and that nobody does.
    pub(crate) resting: Vec<MountName>,
}

impl Snapshot {
    /// How many listen, here and on edges.
    pub(crate) fn listeners(&self) -> u64 {
        self.counters.players().saturating_add(self.edges.all_listeners())
    }
}

/// One mount at one moment.
#[derive(Clone, Debug)]
pub(crate) struct MountSnapshot {
    /// Its name.
    pub(crate) name: MountName,
    /// What is on air.
    pub(crate) on_air: OnAir,
    /// Its counts, which are of this server alone.
    pub(crate) counters: Arc<MountCounters>,
    /// How many listen, here and on edges.
    pub(crate) listeners: u64,
    /// How many of them do on edges.
    pub(crate) on_edges: u64,
    /// Whether listeners have to say who they are.
    pub(crate) is_guarded: bool,
    /// Whether a backend is asked about it, or told.
    pub(crate) has_backend: bool,
    /// The mount that stands in for it, if one would.
    pub(crate) fallback: Option<MountName>,
}
