//! Telling a master how many listen here, and learning what it wants for its mounts.

use crate::answer;
use crate::config::relays::MasterConfig;
use crate::config::upstream::HttpAddress;
use crate::dial::{DialError, Wish};
use crate::edges::wording::{self, Terms};
use crate::mount::name::MountName;
use crate::parts::Parts;
use std::time::Duration;

/// Tells `master` how many listen to each of `mounts`; what it wants for them.
pub(super) async fn report(
    master: &MasterConfig,
    mounts: &[MountName],
    parts: &Parts,
) -> Result<Vec<(MountName, Terms)>, DialError> {
    let held = parts.edges.held();
    let mut listeners = Vec::new();
    for name in mounts {
        let found = parts.registry.find(name.clone()).await;
        let here = found.map_or(0, |mount| mount.counters.players());
        listeners.push((name.clone(), here + held.listeners(name)));
    }
    let lease = master.report_interval.unwrap_or_default() * LEASE_INTERVALS;
    // Whole seconds, and never none, which would say goodbye.
    let lease = Duration::from_secs(lease.as_secs().max(1));
    send(master, lease, &listeners, parts).await
}

/// Tells `master` that nobody listens here any more.
pub(super) async fn say_goodbye(master: &MasterConfig, parts: &Parts) -> Result<(), DialError> {
    send(master, Duration::ZERO, &[], parts).await.map(drop)
}

async fn send(
    master: &MasterConfig,
    lease: Duration,
    listeners: &[(MountName, u64)],
    parts: &Parts,
) -> Result<Vec<(MountName, Terms)>, DialError> {
    let config = parts.config();
    let (id, name) = (parts.instance.id(), format!("{}:{}", config.hostname, parts.port));
    let mut terms = Vec::new();
    for path in wording::report_paths(id, &name, lease, listeners) {
        let wish = Wish {
            address: HttpAddress { server: master.server.clone(), path },
            credentials: master.credentials.as_ref(),
            titles: false,
            agent: answer::server_id(&config),
            bind: None,
            via: None,
            edge: Some(id),
        };
        let (_, text) = parts.dialler.page(wish, TERMS_BYTES_MAX).await?;
        terms.extend(wording::terms(&text));
    }
    Ok(terms)
}

/// A report holds for so many intervals: two may be lost on the way.
const LEASE_INTERVALS: u32 = 3;
/// The longest answer to a report that is read.
const TERMS_BYTES_MAX: usize = 1 << 16;
