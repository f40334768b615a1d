//! `report`: an edge says how many listen there, and is told what holds for its mounts.

use super::Command;
use crate::answer::Answer;
use crate::edges::wording::{self, Terms};
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use std::net::IpAddr;

/// Takes the report of an edge at `ip`; the terms for what it names.
pub(super) async fn answer(
    command: &Command,
    ip: IpAddr,
    parts: &Parts,
) -> Result<Answer, Refusal> {
    let report = wording::report(command.query(), ip).ok_or(Refusal::ParameterMissing)?;
    let edge = report.edge.clone();
    let mounts: Vec<_> = report.listeners.iter().map(|(mount, _)| mount.clone()).collect();
    let taken = parts.edges.take(report).await;
    taken.map_err(|error| Refusal::ParameterUnfit(error.to_string()))?;
    let mut all = Vec::new();
    for mount in mounts {
        let terms = terms(&edge, &mount, parts).await;
        if terms.listeners_max.is_some() || terms.duration_max.is_some() {
            all.push((mount, terms));
        }
    }
    Ok(Answer::ok("text/plain; charset=utf-8", wording::terms_written(&all)))
}

/// What holds for `mount` on `edge`, as the configuration has it and an origin of our own.
async fn terms(edge: &str, mount: &MountName, parts: &Parts) -> Terms {
    let held = parts.edges.held();
    let found = parts.registry.find(mount.clone()).await;
    let here = found.map_or(0, |found| {
        let players = found.counters.players();
        found.counters.listener_peak.raise_to(players + held.listeners(mount));
        players
    });
    let config = parts.config();
    let limits = &config.mount(mount).limits;
    let above = parts.relays.terms(mount).unwrap_or_default();
    let own_max = limits.listeners_max.map(|max| max as u64);
    Terms {
        elsewhere: here + held.listeners_but(edge, mount) + above.elsewhere,
        listeners_max: own_max.into_iter().chain(above.listeners_max).min(),
        duration_max: limits.listener_duration_max.into_iter().chain(above.duration_max).min(),
    }
}
