//! What is counted while the server runs.
//!
//! All are atomics that anybody may read at any time without asking. They are changed where the
//! thing happens; on the path of the audio once per sweep over many listeners, not once per write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of the whole server.
#[derive(Debug, Default)]
pub(crate) struct ServerCounters {
    /// Connections accepted.
    pub(crate) connections: Count,
    /// Connections now.
    pub(crate) clients: Count,
    /// Requests that a file answered.
    pub(crate) file_connections: Count,
    /// Requests that were neither sources nor listeners.
    pub(crate) other_requests: Count,
    /// Listeners that joined.
    pub(crate) listener_connections: Count,
    /// Listeners now, edges among them.
    pub(crate) listeners: Count,
    /// Edges among the listeners.
    pub(crate) edges: Count,
    /// Sources that were accepted.
    pub(crate) source_connections: Count,
    /// Those among them that were fetched from other servers.
    pub(crate) relay_connections: Count,
    /// Sources now.
    pub(crate) sources: Count,
}

/// Counts of one mount.
#[derive(Debug)]
pub(crate) struct MountCounters {
    /// The server's counts, in which these are contained.
    pub(crate) server: Arc<ServerCounters>,
    /// Listeners now, edges among them.
    pub(crate) listeners: Count,
    /// Edges among the listeners.
    pub(crate) edges: Count,
    /// The most listeners there were at once, those of edges too.
    pub(crate) listener_peak: Count,
    /// Listeners that were dropped because they fell too far behind.
    pub(crate) slow_listeners: Count,
    /// Bytes of the source's body.
    pub(crate) read_bytes: Count,
    /// Bytes written to listeners, with all that is around the audio.
    pub(crate) sent_bytes: Count,
}

/// A number that goes up, and sometimes down.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// The number now.
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds `more`; what it comes to.
    pub(crate) fn add(&self, more: u64) -> u64 {
        self.0.fetch_add(more, Ordering::Relaxed) + more
    }

    /// Raises the number to `other` if that is more.
    pub(crate) fn raise_to(&self, other: u64) {
        self.0.fetch_max(other, Ordering::Relaxed);
    }

    fn take_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ServerCounters {
    /// Listeners now that are somebody's players.
    pub(crate) fn players(&self) -> u64 {
        self.listeners.now().saturating_sub(self.edges.now())
    }
}

impl MountCounters {
    /// Listeners now that are somebody's players.
    pub(crate) fn players(&self) -> u64 {
        self.listeners.now().saturating_sub(self.edges.now())
    }

    /// Counts of a mount that is new.
    pub(crate) fn new(server: Arc<ServerCounters>) -> Self {
        Self {
            server,
            listeners: Count::default(),
            edges: Count::default(),
            listener_peak: Count::default(),
            slow_listeners: Count::default(),
            read_bytes: Count::default(),
            sent_bytes: Count::default(),
        }
    }
}

/// Counts one client for as long as it exists.
#[derive(Debug)]
pub(crate) struct ClientSeat(Arc<ServerCounters>);

impl ClientSeat {
    /// Counts a client.
    pub(crate) fn new(server: Arc<ServerCounters>) -> Self {
        server.connections.add(1);
        server.clients.add(1);
        Self(server)
    }

    /// The counts of the server that it sits in.
    pub(crate) fn counters(&self) -> &ServerCounters {
        &self.0
    }
}

impl Drop for ClientSeat {
    fn drop(&mut self) {
        self.0.clients.take_one();
    }
}

/// Who listens to a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearer {
    /// A server that says how many listen to it, and is none of them itself.
    Edge,
    /// Somebody's player, or whatever else does not say what it is.
    Player,
}

/// Counts one listener of a mount for as long as it exists.
#[derive(Debug)]
pub(crate) struct ListenerSeat {
    mount: Arc<MountCounters>,
    hearer: Hearer,
}

impl ListenerSeat {
    /// Counts a listener.
    pub(crate) fn new(mount: &Arc<MountCounters>, hearer: Hearer) -> Self {
        mount.server.listeners.add(1);
        if hearer == Hearer::Edge {
            mount.server.edges.add(1);
        }
        mount.server.listener_connections.add(1);
        let seat = Self { mount: Arc::clone(mount), hearer };
        seat.take();
        seat
    }

    /// Counts the listener for another mount from now on.
    pub(crate) fn move_to(&mut self, mount: &Arc<MountCounters>) {
        self.leave();
        self.mount = Arc::clone(mount);
        self.take();
    }

    fn take(&self) {
        // First, so that at no moment an edge is taken for a player.
        if self.hearer == Hearer::Edge {
            self.mount.edges.add(1);
        }
        self.mount.listeners.add(1);
        self.mount.listener_peak.raise_to(self.mount.players());
    }

    fn leave(&self) {
        self.mount.listeners.take_one();
        if self.hearer == Hearer::Edge {
            self.mount.edges.take_one();
        }
    }
}

impl Drop for ListenerSeat {
    fn drop(&mut self) {
        self.leave();
        self.mount.server.listeners.take_one();
        if self.hearer == Hearer::Edge {
            self.mount.server.edges.take_one();
        }
    }
}

/// Counts one source for as long as it exists.
#[derive(Debug)]
pub(crate) struct SourceSeat(Arc<ServerCounters>);

impl SourceSeat {
    /// Counts a source, unless there are `sources_max` already.
    pub(crate) fn new(server: &Arc<ServerCounters>, sources_max: usize) -> Option<Self> {
        let seat = Self(Arc::clone(server));
        let sources = server.sources.add(1);
        let fits = usize::try_from(sources).is_ok_and(|sources| sources <= sources_max);
        if fits {
            server.source_connections.add(1);
        }
        fits.then_some(seat)
    }
}

impl Drop for SourceSeat {
    fn drop(&mut self) {
        self.0.sources.take_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_counts_while_it_exists_and_the_peak_stays() {
        let mount = Arc::new(MountCounters::new(Arc::default()));
        let seats =
            [ListenerSeat::new(&mount, Hearer::Player), ListenerSeat::new(&mount, Hearer::Player)];
        assert_eq!((mount.listeners.now(), mount.server.listeners.now()), (2, 2));

        drop(seats);

        assert_eq!((mount.listeners.now(), mount.listener_peak.now()), (0, 2));
        assert_eq!(mount.server.listener_connections.now(), 2);
    }

    #[test]
    fn a_listener_that_is_moved_counts_for_the_other_mount_and_once_for_the_server() {
        let server = Arc::new(ServerCounters::default());
        let [from, to] = [(); 2].map(|()| Arc::new(MountCounters::new(Arc::clone(&server))));
        let mut seat = ListenerSeat::new(&from, Hearer::Player);

        seat.move_to(&to);

        assert_eq!((from.listeners.now(), to.listeners.now(), to.listener_peak.now()), (0, 1, 1));
        assert_eq!((server.listeners.now(), server.listener_connections.now()), (1, 1));
        drop(seat);
        assert_eq!((to.listeners.now(), server.listeners.now()), (0, 0));
    }

    #[test]
    fn an_edge_is_a_listener_and_no_player() {
        let server = Arc::new(ServerCounters::default());
        let [from, to] = [(); 2].map(|()| Arc::new(MountCounters::new(Arc::clone(&server))));
        let player = ListenerSeat::new(&from, Hearer::Player);
        let mut edge = ListenerSeat::new(&from, Hearer::Edge);
        assert_eq!((from.listeners.now(), from.players(), from.listener_peak.now()), (2, 1, 1));

        edge.move_to(&to);
        assert_eq!((from.players(), to.listeners.now(), to.players()), (1, 1, 0));
        assert_eq!((server.listeners.now(), server.players()), (2, 1));

        drop((player, edge));
        assert_eq!((server.players(), to.edges.now(), server.edges.now()), (0, 0, 0));
    }

    #[test]
    fn there_is_no_seat_for_one_source_too_many() {
        let server = Arc::default();
        let first = SourceSeat::new(&server, 1);

        assert!(first.is_some() && SourceSeat::new(&server, 1).is_none());
        assert_eq!((server.sources.now(), server.source_connections.now()), (1, 1));

        drop(first);
        assert!(SourceSeat::new(&server, 1).is_some());
    }
}
