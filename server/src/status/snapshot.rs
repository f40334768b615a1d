//! Everything that a status document can show, at one moment.

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
    /// What it calls itself.
    pub(crate) hostname: String,
    /// The port that links name.
    pub(crate) port: u16,
    /// Where it stands.
    pub(crate) location: String,
    /// How to reach whoever runs it.
    pub(crate) contact: String,
    /// Its counts.
    pub(crate) counters: Arc<ServerCounters>,
    /// Every mount with a source, in the order of their names.
    pub(crate) mounts: Vec<MountSnapshot>,
}

/// One mount at one moment.
#[derive(Clone, Debug)]
pub(crate) struct MountSnapshot {
    /// Its name.
    pub(crate) name: MountName,
    /// What is on air.
    pub(crate) on_air: OnAir,
    /// Its counts.
    pub(crate) counters: Arc<MountCounters>,
    /// Whether listeners have to say who they are.
    pub(crate) is_guarded: bool,
    /// Listeners at once, if that is limited.
    pub(crate) listeners_max: Option<usize>,
}
