//! The registry: which mounts there are.
//!
//! One task owns the table and is asked by message. A mount is made when a source first wants it,
//! and is forgotten when its owner has ended.

use super::{Mount, MountName, Patience};
use crate::config::reload::LiveConfig;
use crate::logs::Logs;
use crate::status::counters::ServerCounters;
use crate::tasks::Tasks;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// A handle on the registry. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
enum Request {
    Find { name: MountName, reply: oneshot::Sender<Option<Mount>> },
    FindOrMake { name: MountName, reply: oneshot::Sender<Mount> },
    List { reply: oneshot::Sender<Vec<Mount>> },
}

impl Registry {
    /// Starts an empty registry.
    pub(crate) fn start(
        config: LiveConfig,
        server: Arc<ServerCounters>,
        logs: Logs,
        tasks: &Tasks,
    ) -> Self {
        let (requests, mut asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let table = Table { mounts: BTreeMap::new(), config, server, logs, tasks: tasks.clone() };
        tasks.spawn(async move {
            let mut table = table;
            let tasks = table.tasks.clone();
            loop {
                tokio::select! {
                    request = asked.recv() => match request {
                        Some(request) => table.answer(request),
                        None => return,
                    },
                    () = tasks.stopping() => return,
                }
            }
        });
        Self { requests }
    }

    /// The mount `name`; `None` if there is none.
    pub(crate) async fn find(&self, name: MountName) -> Option<Mount> {
        self.ask(|reply| Request::Find { name, reply }).await?
    }

    /// The mount `name`, made if there is none. `None` once the server stops.
    pub(crate) async fn find_or_make(&self, name: MountName) -> Option<Mount> {
        self.ask(|reply| Request::FindOrMake { name, reply }).await
    }

    /// All mounts in the order of their names.
    pub(crate) async fn list(&self) -> Vec<Mount> {
        self.ask(|reply| Request::List { reply }).await.unwrap_or_default()
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

struct Table {
    mounts: BTreeMap<MountName, Mount>,
    config: LiveConfig,
    server: Arc<ServerCounters>,
    logs: Logs,
    tasks: Tasks,
}

impl Table {
    fn answer(&mut self, request: Request) {
        // Who asked and went away needs no answer.
        match request {
            Request::Find { name, reply } => {
                let found = self.mounts.get(&name).filter(|mount| !mount.has_ended());
                let _ = reply.send(found.cloned());
            }
            Request::FindOrMake { name, reply } => {
                self.mounts.retain(|_, mount| !mount.has_ended());
                let mount = self.mounts.entry(name.clone()).or_insert_with(|| {
                    let limits = self.config.now().mount(&name).limits.clone();
                    let patience = Patience {
                        source_timeout: limits.source_timeout,
                        source_grace: limits.source_grace,
                    };
                    let server = Arc::clone(&self.server);
                    Mount::start(name, limits, patience, server, &self.logs, &self.tasks)
                });
                let _ = reply.send(mount.clone());
            }
            Request::List { reply } => {
                self.mounts.retain(|_, mount| !mount.has_ended());
                let _ = reply.send(self.mounts.values().cloned().collect());
            }
        }
    }
}

/// Questions that may wait.
const REQUESTS_WAITING_MAX: usize = 1_024;
