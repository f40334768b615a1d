//! How many listeners a client's network has, or a user.
//!
//! A listener holds its [`Place`] for as long as it listens, and gives it up by dropping it, which
//! waits for nobody. So the table, which one task owns, keeps only what counts the places.

use crate::mount::name::MountName;
use crate::tasks::Tasks;
use ipnet::IpNet;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, oneshot};

/// A handle on the census. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Census {
    requests: mpsc::Sender<Request>,
}

/// Whose places are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// Those of a client's network.
    Network(IpNet),
    /// Those of a user of a mount.
    User(MountName, Box<str>),
}

/// A place of a listener.
#[derive(Debug)]
pub(crate) struct Place {
    #[expect(dead_code, reason = "held for being counted")]
    counted: Arc<()>,
}

#[derive(Debug)]
struct Request {
    whose: Whose,
    max: usize,
    reply: oneshot::Sender<Option<Place>>,
}

impl Census {
    /// Starts the task that counts.
    pub(crate) fn start(tasks: &Tasks) -> Self {
        let (requests, mut asked) = mpsc::channel::<Request>(REQUESTS_WAITING_MAX);
        let inside = tasks.clone();
        tasks.spawn(async move {
            let mut table = Table::default();
            loop {
                tokio::select! {
                    request = asked.recv() => match request {
                        // Who asked and went away gives the place back by not taking it.
                        Some(Request { whose, max, reply }) => {
                            let _ = reply.send(table.place(whose, max));
                        }
                        None => return,
                    },
                    () = inside.stopping() => return,
                }
            }
        });
        Self { requests }
    }

    /// A place, unless `max` of this kind are held.
    pub(crate) async fn place(&self, whose: Whose, max: usize) -> Option<Place> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { whose, max, reply }).await.ok()?;
        answer.await.ok()?
    }
}

#[derive(Debug, Default)]
struct Table {
    held: HashMap<Whose, Weak<()>>,
    /// Entries at which those that nobody holds any more are looked for.
    swept_at: usize,
}

impl Table {
    fn place(&mut self, whose: Whose, max: usize) -> Option<Place> {
        if self.held.len() >= self.swept_at {
            self.held.retain(|_, places| places.strong_count() > 0);
            self.swept_at = 2 * self.held.len() + SWEPT_AT_MIN;
        }
        let places = self.held.entry(whose).or_default();
        if places.strong_count() >= max {
            return None;
        }
        let counted = places.upgrade().unwrap_or_else(|| {
            let first = Arc::new(());
            *places = Arc::downgrade(&first);
            first
        });
        Some(Place { counted })
    }
}

/// Requests that may wait; a listener beyond waits to ask.
const REQUESTS_WAITING_MAX: usize = 256;
/// The fewest entries for which it is worth looking for unheld ones. There are at most twice as
/// many entries as listeners, and these.
const SWEPT_AT_MIN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::network_of;
    use std::net::IpAddr;

    fn network(number: u32) -> Whose {
        Whose::Network(network_of(IpAddr::from(number.to_be_bytes())))
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_it_is_dropped() {
        let tasks = Tasks::default();
        let census = Census::start(&tasks);
        let held = [census.place(network(1), 2).await, census.place(network(1), 2).await];
        assert!(held.iter().all(Option::is_some));
        assert!(census.place(network(1), 2).await.is_none());
        assert!(census.place(network(2), 2).await.is_some());

        drop(held);

        assert!(census.place(network(1), 1).await.is_some());
    }

    #[test]
    fn a_user_is_counted_on_each_mount_apart() {
        let user = |mount: &str| Whose::User(MountName::new(mount).unwrap(), "alice".into());
        let mut table = Table::default();
        let held = table.place(user("/a"), 1);

        assert!(held.is_some() && table.place(user("/a"), 1).is_none());
        assert!(table.place(user("/b"), 1).is_some());
    }

    #[test]
    fn entries_that_nobody_holds_are_forgotten() {
        let mut table = Table::default();
        let kept = table.place(network(0), 1);

        for number in 1..100_000 {
            table.place(network(number), 1);
        }

        assert!(table.held.len() <= SWEPT_AT_MIN + 2, "{}", table.held.len());
        assert!(kept.is_some() && table.place(network(0), 1).is_none());
    }
}
