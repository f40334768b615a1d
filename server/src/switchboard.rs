//! The switchboard: moves listeners when a source leaves and when one returns.
//!
//! Mounts say what happens to them, and know of no other mount. The switchboard hears it, asks the
//! registry which mounts stand in for which, and lets listeners go on there, each from a place
//! where its decoder can. It holds no state of its own, and no audio passes through it.

use crate::config::Compat;
use crate::ingest::file;
use crate::mount::fan::Whose;
use crate::mount::name::MountName;
use crate::mount::on_air::OnAir;
use crate::mount::registry::Stop;
use crate::mount::{Event, Mount};
use crate::parts::Parts;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Hears events until the server stops.
pub(crate) async fn run(mut events: mpsc::Receiver<Event>, parts: Arc<Parts>) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = parts.tasks.stopping() => return,
        };
        let Some(event) = event else { return };
        let handling = Arc::clone(&parts);
        // Each by itself, so that a mount with many listeners keeps no other waiting.
        parts.tasks.spawn(async move {
            match event {
                Event::Lost { mount, content_type } => lost(mount, &content_type, &handling).await,
                Event::Returned(mount) => returned(mount, &handling).await,
            }
        });
    }
}

/// Lets the listeners of a mount without a source go on elsewhere, and tells it when that is done.
async fn lost(name: MountName, content_type: &str, parts: &Arc<Parts>) {
    let Some(mount) = parts.registry.find(name.clone()).await else { return };
    if mount.on_air().is_none() && mount.counters.listeners.now() > 0 {
        let plays = |other: &&Mount| other.on_air().is_some_and(|air| same(&air, content_type));
        let listeners = mount.listeners().await;
        let homes: BTreeSet<_> = listeners.into_iter().map(|listener| listener.home).collect();
        for home in homes.into_iter().filter(|home| *home != name) {
            let home_mount = parts.registry.find(home.clone()).await;
            if let Some(to) = home_mount.as_ref().filter(plays) {
                mount.move_listeners(Whose::AtHomeIn(vec![home]), to).await;
            }
        }
        if let Some(to) = stand_in(name, content_type, parts).await {
            mount.move_listeners(Whose::Guests, &to).await;
            // Somebody may have got a seat just before, and be on the way to it.
            for _ in 0..STRAGGLER_TRIES {
                if mount.counters.listeners.now() == 0 || mount.on_air().is_some() {
                    break;
                }
                sleep(STRAGGLER_WAIT).await;
                mount.move_listeners(Whose::Guests, &to).await;
            }
        }
    }
    mount.settle().await;
}

/// The nearest mount that stands in for `name` with a stream of `content_type`.
async fn stand_in(name: MountName, content_type: &str, parts: &Arc<Parts>) -> Option<Mount> {
    for stop in parts.registry.chain(name).await.into_iter().skip(1) {
        if let Some(mount) = on_air(&stop, parts).await
            && mount.on_air().is_some_and(|air| same(&air, content_type))
        {
            return Some(mount);
        }
    }
    None
}

/// The mount of a stop, if it is on air, or if there is a file of its name to put on air.
pub(crate) async fn on_air(stop: &Stop, parts: &Arc<Parts>) -> Option<Mount> {
    match stop.on_air() {
        Some(mount) => Some(mount.clone()),
        None => file::put_on_air(&stop.name, parts).await,
    }
}

/// Brings those back who would rather hear the mount `name`, which has a source again.
async fn returned(name: MountName, parts: &Arc<Parts>) {
    let stops = parts.registry.chain(name.clone()).await;
    let Some((first, others)) = stops.split_first() else { return };
    let (true, Some(to)) = (first.config.fallback_override, first.on_air()) else { return };
    let Some(content_type) = to.on_air().map(|air| air.source.content_type.clone()) else { return };
    let homes = parts.registry.homes(name).await;
    for stop in others {
        let Some(from) = stop.mount.as_ref() else { continue };
        if from.on_air().is_some_and(|air| !same(&air, &content_type)) {
            continue;
        }
        // Icecast moves everybody, also who asked for the fallback by name.
        let whose = match parts.config().compat {
            Compat::Sensible => Whose::AtHomeIn(homes.clone()),
            Compat::Strict => Whose::Guests,
        };
        from.move_listeners(whose, to).await;
    }
}

/// Whether a decoder of `content_type` can go on with what is on air.
fn same(on_air: &OnAir, content_type: &str) -> bool {
    common::format::essence(&on_air.source.content_type) == common::format::essence(content_type)
}

/// How often a mount without a source is asked again for listeners that were still on their way.
const STRAGGLER_TRIES: usize = 20;
/// How long to wait for them each time.
const STRAGGLER_WAIT: Duration = Duration::from_millis(20);
