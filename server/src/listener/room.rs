//! Whether a mount has room for another player, when its listeners are on several servers.
//!
//! What a mount's owner counts is who listens here. How many listen on edges of ours, and how many
//! on the origin that we are an edge of and on its other edges, is what these last said: a crowd
//! that arrives on all of them at once may go beyond the limit by those of one interval.

use crate::config::mounts::MountConfig;
use crate::mount::Mount;
use crate::parts::Parts;

/// Whether as many listen to `mount`, here and elsewhere, as may.
pub(super) fn is_full(mount: &Mount, config: &MountConfig, parts: &Parts) -> bool {
    let here = mount.counters.players().saturating_add(parts.edges.held().listeners(&mount.name));
    let own_max = config.limits.listeners_max.map(|max| max as u64);
    let terms = parts.relays.terms(&mount.name).unwrap_or_default();
    let everywhere = here.saturating_add(terms.elsewhere);
    own_max.is_some_and(|max| here >= max)
        || terms.listeners_max.is_some_and(|max| everywhere >= max)
}
