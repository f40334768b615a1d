//! The registry: which mounts there are.
//!
//! One task owns the table and is asked by message. A mount is made when a source first wants it,
//! and is forgotten when its owner has ended.

use super::{Event, Mount, MountName, fallback};
use crate::config::mounts::MountConfig;
use crate::config::reload::LiveConfig;
use crate::logs::Logs;
use crate::status::counters::ServerCounters;
use crate::tasks::Tasks;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// A handle on the registry. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
enum Request {
    Chain { name: MountName, reply: oneshot::Sender<Vec<Stop>> },
    Find { name: MountName, reply: oneshot::Sender<Option<Mount>> },
    FindOrMake { name: MountName, reply: oneshot::Sender<Mount> },
    Homes { returned: MountName, reply: oneshot::Sender<Vec<MountName>> },
    List { reply: oneshot::Sender<Vec<Stop>> },
    SetFallback { name: MountName, to: Option<MountName> },
    StoodInFor { reply: oneshot::Sender<Vec<MountName>> },
}

/// One mount on the way of a listener that looks for something to hear.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// The mount.
    pub(crate) name: MountName,
    /// The mount itself, if there is one.
    pub(crate) mount: Option<Mount>,
    /// What holds for it.
    pub(crate) config: Arc<MountConfig>,
}

impl Stop {
    /// The mount, if it has a source.
    pub(crate) fn on_air(&self) -> Option<&Mount> {
        self.mount.as_ref().filter(|mount| mount.on_air().is_some())
    }
}

impl Registry {
    /// Starts an empty registry. Its mounts say what happens to them as `events`.
    pub(crate) fn start(
        config: LiveConfig,
        server: Arc<ServerCounters>,
        logs: Logs,
        events: mpsc::Sender<Event>,
        tasks: &Tasks,
    ) -> Self {
        let (requests, asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let (mounts, fallbacks) = (BTreeMap::new(), BTreeMap::new());
        let tasks = tasks.clone();
        let table = Table { mounts, fallbacks, config, server, logs, events, tasks: tasks.clone() };
        tasks.spawn(table.run(asked));
        Self { requests }
    }

    /// The mount `name` and those that stand in for it, nearest first.
    pub(crate) async fn chain(&self, name: MountName) -> Vec<Stop> {
        self.ask(|reply| Request::Chain { name, reply }).await.unwrap_or_default()
    }

    /// The mount `name`; `None` if there is none.
    pub(crate) async fn find(&self, name: MountName) -> Option<Mount> {
        self.ask(|reply| Request::Find { name, reply }).await?
    }

    /// The mount `name`, made if there is none. `None` once the server stops.
    pub(crate) async fn find_or_make(&self, name: MountName) -> Option<Mount> {
        self.ask(|reply| Request::FindOrMake { name, reply }).await
    }

    /// The homes of listeners who may go on with the mount `returned`, which has a source again.
    pub(crate) async fn homes(&self, returned: MountName) -> Vec<MountName> {
        self.ask(|reply| Request::Homes { returned, reply }).await.unwrap_or_default()
    }

    /// All mounts in the order of their names.
    pub(crate) async fn list(&self) -> Vec<Stop> {
        self.ask(|reply| Request::List { reply }).await.unwrap_or_default()
    }

    /// Lets the mount `name` fall back to `to`, whatever its configuration says, until that is
    /// read again.
    pub(crate) async fn set_fallback(&self, name: MountName, to: Option<MountName>) {
        let _ = self.requests.send(Request::SetFallback { name, to }).await;
    }

    /// The mounts without a source for which another on air stands in.
    pub(crate) async fn stood_in_for(&self) -> Vec<MountName> {
        self.ask(|reply| Request::StoodInFor { reply }).await.unwrap_or_default()
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

struct Table {
    mounts: BTreeMap<MountName, Mount>,
    /// Fallbacks that were set while running.
    fallbacks: BTreeMap<MountName, Option<MountName>>,
    config: LiveConfig,
    server: Arc<ServerCounters>,
    logs: Logs,
    events: mpsc::Sender<Event>,
    tasks: Tasks,
}

impl Table {
    async fn run(mut self, mut asked: mpsc::Receiver<Request>) {
        let tasks = self.tasks.clone();
        loop {
            tokio::select! {
                request = asked.recv() => match request {
                    Some(request) => self.answer(request),
                    None => return,
                },
                () = self.config.changed() => self.configure().await,
                () = tasks.stopping() => return,
            }
        }
    }

    fn answer(&mut self, request: Request) {
        // Who asked and went away needs no answer.
        match request {
            Request::Chain { name, reply } => {
                let chain = fallback::chain(&name, |from| self.fallback(from));
                let stops = std::iter::once(name).chain(chain).map(|name| self.stop(name));
                let _ = reply.send(stops.collect());
            }
            Request::Find { name, reply } => {
                let _ = reply.send(self.find(&name).cloned());
            }
            Request::FindOrMake { name, reply } => {
                let _ = reply.send(self.find_or_make(name));
            }
            Request::Homes { returned, reply } => {
                let silent = self.named().into_iter().filter(|name| !self.is_on_air(name));
                let _ = reply.send(fallback::homes(&returned, silent, |from| self.fallback(from)));
            }
            Request::List { reply } => {
                self.mounts.retain(|_, mount| !mount.has_ended());
                let _ = reply.send(self.mounts.keys().cloned().map(|n| self.stop(n)).collect());
            }
            Request::SetFallback { name, to } => {
                self.fallbacks.insert(name, to);
            }
            Request::StoodInFor { reply } => {
                let has_stand_in = |name: &MountName| {
                    let chain = fallback::chain(name, |from| self.fallback(from));
                    !self.is_on_air(name) && chain.iter().any(|name| self.is_on_air(name))
                };
                let _ = reply.send(self.named().into_iter().filter(has_stand_in).collect());
            }
        }
    }

    fn find(&self, name: &MountName) -> Option<&Mount> {
        self.mounts.get(name).filter(|mount| !mount.has_ended())
    }

    fn find_or_make(&mut self, name: MountName) -> Mount {
        self.mounts.retain(|_, mount| !mount.has_ended());
        let mount = self.mounts.entry(name).or_insert_with_key(|name| {
            let config = Arc::new(self.config.now().mount(name).clone());
            let (server, events) = (Arc::clone(&self.server), self.events.clone());
            Mount::start(name.clone(), config, server, events, &self.logs, &self.tasks)
        });
        mount.clone()
    }

    fn is_on_air(&self, name: &MountName) -> bool {
        self.find(name).is_some_and(|mount| mount.on_air().is_some())
    }

    fn fallback(&self, from: &MountName) -> Option<MountName> {
        match self.fallbacks.get(from) {
            Some(set) => set.clone(),
            None => self.config.now().mount(from).fallback.clone(),
        }
    }

    /// The mounts that the configuration names one by one.
    fn named(&self) -> BTreeSet<MountName> {
        let config = self.config.now();
        let rules = config.mounts.rules.iter();
        let named = rules.filter_map(|(pattern, _)| pattern.name());
        named.chain(self.fallbacks.keys().cloned()).collect()
    }

    fn stop(&self, name: MountName) -> Stop {
        let mut config = self.config.now().mount(&name).clone();
        config.fallback = self.fallback(&name);
        Stop { mount: self.find(&name).cloned(), config: Arc::new(config), name }
    }

    /// Lets every mount follow the configuration that has come into force.
    async fn configure(&mut self) {
        self.fallbacks.clear();
        let config = self.config.now();
        for (name, mount) in &self.mounts {
            mount.configure(Arc::new(config.mount(name).clone())).await;
        }
    }
}

/// Questions that may wait.
const REQUESTS_WAITING_MAX: usize = 1_024;
