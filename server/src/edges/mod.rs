//! Edges: servers that fetch streams from here, serve them to listeners of their own, and say how
//! many.
//!
//! One task owns what they have said ([`table`]) and publishes what of it holds, which anybody may
//! look at without asking. How they say it is in [`wording`]; that an edge does so is the
//! business of its [`crate::relay`].

pub(crate) mod table;
pub(crate) mod wording;

use crate::tasks::Tasks;
use std::sync::Arc;
use table::{Held, Report, Table, TooMany};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::info;

/// A handle on what edges have said. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Edges {
    requests: mpsc::Sender<Request>,
    held: watch::Receiver<Arc<Held>>,
}

type Request = (Report, oneshot::Sender<Result<(), TooMany>>);

impl Edges {
    /// Starts the task that owns it.
    pub(crate) fn start(tasks: &Tasks) -> Self {
        let (requests, asked) = mpsc::channel(REPORTS_WAITING_MAX);
        let publisher = watch::Sender::new(Arc::new(Held::default()));
        let held = publisher.subscribe();
        let inside = tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = own(asked, publisher) => {}
                () = inside.stopping() => {}
            }
        });
        Self { requests, held }
    }

    /// What holds now.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.borrow())
    }

    /// Takes a report, which then holds. None is taken once the server stops.
    pub(crate) async fn take(&self, report: Report) -> Result<(), TooMany> {
        let (reply, taken) = oneshot::channel();
        let _ = self.requests.send((report, reply)).await;
        taken.await.unwrap_or(Ok(()))
    }
}

async fn own(mut asked: mpsc::Receiver<Request>, publisher: watch::Sender<Arc<Held>>) {
    let mut table = Table::default();
    loop {
        let end = table.next_end();
        tokio::select! {
            request = asked.recv() => {
                let Some((report, reply)) = request else { return };
                let taken = table.take(report, Instant::now());
                publish(&table, &publisher);
                // Whoever asked may have gone; its report holds all the same.
                let _ = reply.send(taken);
            }
            () = at(end) => {
                table.forget(Instant::now());
                publish(&table, &publisher);
            }
        }
    }
}

/// Publishes what holds, and says which edges came and went.
fn publish(table: &Table, publisher: &watch::Sender<Arc<Held>>) {
    let held = Arc::new(table.held());
    let before = publisher.send_replace(Arc::clone(&held));
    for (edge, came) in held.differing(&before) {
        let (name, ip) = (&edge.name, edge.ip);
        if came {
            info!(edge = %name, %ip, "an edge reports its listeners");
        } else {
            info!(edge = %name, %ip, "an edge has gone");
        }
    }
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}

/// Reports that may wait to be taken.
const REPORTS_WAITING_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::name::MountName;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn what_an_edge_says_holds_at_once_and_for_its_lease() {
        let tasks = Tasks::default();
        let edges = Edges::start(&tasks);
        let mut held = edges.held.clone();
        let report = Report {
            edge: "a".to_owned(),
            name: "a.example".to_owned(),
            ip: Ipv4Addr::LOCALHOST.into(),
            lease: Duration::from_secs(15),
            listeners: vec![(MountName::new("/x").unwrap(), 3)],
        };

        edges.take(report).await.unwrap();
        assert_eq!(edges.held().all_listeners(), 3);

        held.mark_unchanged();
        let began = Instant::now();
        held.changed().await.unwrap();
        assert_eq!((edges.held().all_listeners(), began.elapsed().as_secs()), (0, 15));
    }
}
