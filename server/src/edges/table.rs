//! What edges have said, and for how long it holds.
//!
//! An edge says of each stream that it fetches from here how many listen to it there, in a report
//! that holds for a *lease*: what it does not say again within that time it has not said. So an
//! edge that dies is forgotten by itself, and nothing has to notice it.
//!
//! Pure: it is told the time.

use crate::mount::name::MountName;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What an edge says at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// What it is known by among all servers.
    pub(crate) edge: String,
    /// What it calls itself.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) ip: IpAddr,
    /// How long this holds; nothing says that the edge stops, and takes all back.
    pub(crate) lease: Duration,
    /// How many listen to each of its mounts, and to those of edges of its own.
    pub(crate) listeners: Vec<(MountName, u64)>,
}

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    /// There are so many edges already.
    #[error("{EDGES_MAX} edges report here already")]
    Edges,
    /// The edge has so many mounts already.
    #[error("an edge reports {EDGE_MOUNTS_MAX} mounts at most")]
    Mounts,
}

/// What holds at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Every edge, in the order of their names.
    pub(crate) edges: Vec<HeldEdge>,
    /// How many listen on all of them, to each mount.
    by_mount: BTreeMap<MountName, u64>,
}

/// An edge at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldEdge {
    /// What it calls itself.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) ip: IpAddr,
    /// When it said anything last.
    pub(crate) heard: Instant,
    /// How many listen there, to each mount.
    pub(crate) listeners: BTreeMap<MountName, u64>,
    id: Arc<str>,
}

impl Held {
    /// How many listen to `mount` on edges.
    pub(crate) fn listeners(&self, mount: &MountName) -> u64 {
        self.by_mount.get(mount).copied().unwrap_or_default()
    }

    /// How many listen on edges to anything.
    pub(crate) fn all_listeners(&self) -> u64 {
        self.by_mount.values().fold(0, |sum, more| sum.saturating_add(*more))
    }

    /// The edges that are here and not in `before`, and those that are only there; with each,
    /// whether it is here.
    pub(crate) fn differing<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a HeldEdge, bool)> {
        let only_in = |one: &'a Self, other: &'a Self| {
            let known: HashSet<_> = other.edges.iter().map(|edge| &edge.id).collect();
            one.edges.iter().filter(move |edge| !known.contains(&edge.id))
        };
        let came = only_in(self, before).map(|edge| (edge, true));
        came.chain(only_in(before, self).map(|edge| (edge, false)))
    }

    /// How many listen to `mount` on edges other than the one known by `edge`.
    pub(crate) fn listeners_but(&self, edge: &str, mount: &MountName) -> u64 {
        let found = self.edges.iter().find(|held| &*held.id == edge);
        let there = found.and_then(|held| held.listeners.get(mount)).copied().unwrap_or_default();
        self.listeners(mount).saturating_sub(there)
    }
}

/// What edges have said.
#[derive(Debug, Default)]
pub(crate) struct Table(HashMap<Arc<str>, Edge>);

#[derive(Debug)]
struct Edge {
    name: String,
    ip: IpAddr,
    heard: Instant,
    listeners: BTreeMap<MountName, Said>,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    listeners: u64,
    until: Instant,
}

impl Table {
    /// Takes a report. Of a mount that it does not name what was said before holds as long as it
    /// was to.
    pub(crate) fn take(&mut self, report: Report, now: Instant) -> Result<(), TooMany> {
        self.forget(now);
        let Report { edge, name, ip, lease, listeners } = report;
        if lease.is_zero() {
            self.0.remove(edge.as_str());
            return Ok(());
        }
        if !self.0.contains_key(edge.as_str()) && self.0.len() >= EDGES_MAX {
            return Err(TooMany::Edges);
        }
        let new = || Edge { name: String::new(), ip, heard: now, listeners: BTreeMap::new() };
        let known = self.0.entry(edge.into()).or_insert_with(new);
        (known.name, known.ip, known.heard) = (name, ip, now);
        let until = now + lease.min(LEASE_MAX);
        for (mount, listeners) in listeners {
            if !known.listeners.contains_key(&mount) && known.listeners.len() >= EDGE_MOUNTS_MAX {
                return Err(TooMany::Mounts);
            }
            known.listeners.insert(mount, Said { listeners, until });
        }
        Ok(())
    }

    /// Forgets what does not hold any more, and edges of which nothing does. Whether there was any.
    pub(crate) fn forget(&mut self, now: Instant) -> bool {
        let before: usize = self.0.values().map(|edge| edge.listeners.len() + 1).sum();
        for edge in self.0.values_mut() {
            edge.listeners.retain(|_, said| said.until > now);
        }
        self.0.retain(|_, edge| !edge.listeners.is_empty());
        let after: usize = self.0.values().map(|edge| edge.listeners.len() + 1).sum();
        after != before
    }

    /// When the next of it ends to hold.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.0.values().flat_map(|edge| edge.listeners.values()).map(|said| said.until).min()
    }

    /// What holds.
    pub(crate) fn held(&self) -> Held {
        let mut held = Held::default();
        for (id, edge) in &self.0 {
            let listeners: BTreeMap<_, _> = edge
                .listeners
                .iter()
                .map(|(mount, said)| (mount.clone(), said.listeners))
                .collect();
            for (mount, more) in &listeners {
                let sum = held.by_mount.entry(mount.clone()).or_default();
                *sum = sum.saturating_add(*more);
            }
            let (id, name) = (Arc::clone(id), edge.name.clone());
            held.edges.push(HeldEdge { name, ip: edge.ip, heard: edge.heard, listeners, id });
        }
        held.edges.sort_by(|a, b| (&a.name, a.ip, &a.id).cmp(&(&b.name, b.ip, &b.id)));
        held
    }
}

/// The most edges that report here.
const EDGES_MAX: usize = 256;
/// The most mounts that one edge reports.
const EDGE_MOUNTS_MAX: usize = 1_000;
/// The longest that a report holds, whatever it says.
const LEASE_MAX: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LEASE: Duration = Duration::from_secs(15);

    fn mount(name: &str) -> MountName {
        MountName::new(name).unwrap()
    }

    fn report(edge: &str, lease: Duration, listeners: &[(&str, u64)]) -> Report {
        Report {
            edge: edge.to_owned(),
            name: format!("{edge}.example"),
            ip: Ipv4Addr::LOCALHOST.into(),
            lease,
            listeners: listeners.iter().map(|(name, count)| (mount(name), *count)).collect(),
        }
    }

    #[test]
    fn what_edges_say_is_added_up() {
        let (mut table, now) = (Table::default(), Instant::now());

        table.take(report("a", LEASE, &[("/x", 3), ("/y", 1)]), now).unwrap();
        table.take(report("b", LEASE, &[("/x", 4)]), now).unwrap();
        table.take(report("a", LEASE, &[("/x", 5)]), now).unwrap();

        let held = table.held();
        assert_eq!((held.listeners(&mount("/x")), held.listeners(&mount("/y"))), (9, 1));
        assert_eq!((held.all_listeners(), held.listeners(&mount("/z"))), (10, 0));
        assert_eq!(held.listeners_but("a", &mount("/x")), 4);
        assert_eq!(held.listeners_but("nobody", &mount("/x")), 9);
        let names: Vec<_> = held.edges.iter().map(|edge| edge.name.as_str()).collect();
        assert_eq!(names, ["a.example", "b.example"]);
    }

    #[test]
    fn what_is_not_said_again_is_forgotten_at_the_end_of_its_lease() {
        let (mut table, now) = (Table::default(), Instant::now());
        table.take(report("a", LEASE, &[("/x", 3), ("/y", 1)]), now).unwrap();
        let later = now + LEASE / 2;
        table.take(report("a", LEASE, &[("/x", 3)]), later).unwrap();

        assert_eq!(table.next_end(), Some(now + LEASE));
        assert!(!table.forget(now + LEASE - Duration::from_nanos(1)));
        assert!(table.forget(now + LEASE));
        assert_eq!(table.held().all_listeners(), 3);
        assert!(table.forget(later + LEASE));

        assert_eq!((table.held(), table.next_end()), (Held::default(), None));
    }

    #[test]
    fn an_edge_that_stops_takes_all_back() {
        let (mut table, now) = (Table::default(), Instant::now());
        table.take(report("a", LEASE, &[("/x", 3)]), now).unwrap();
        table.take(report("b", LEASE, &[("/x", 1)]), now).unwrap();

        table.take(report("a", Duration::ZERO, &[]), now).unwrap();

        assert_eq!((table.held().all_listeners(), table.held().edges.len()), (1, 1));
    }

    #[test]
    fn there_are_so_many_edges_and_mounts_and_a_lease_ends() {
        let (mut table, now) = (Table::default(), Instant::now());
        for number in 0..EDGES_MAX {
            table.take(report(&number.to_string(), LEASE, &[("/x", 1)]), now).unwrap();
        }

        assert_eq!(table.take(report("more", LEASE, &[("/x", 1)]), now), Err(TooMany::Edges));
        assert!(table.take(report("more", Duration::MAX, &[("/x", 1)]), now + LEASE).is_ok());
        let names: Vec<_> = (0..=EDGE_MOUNTS_MAX).map(|number| format!("/{number}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let later = now + LEASE;
        assert_eq!(table.take(report("wide", LEASE, &many), later), Err(TooMany::Mounts));
        assert!(table.forget(later + LEASE_MAX));
        assert_eq!(table.held().edges.len(), 0);
    }
}
