//! Relays: streams that are fetched from other servers, as if a source sent them.
//!
//! One task for each keeps it on air: it dials, hands what comes to the ingest, and dials again
//! when the stream breaks off, after waits that grow to [`RETRY`]'s longest. Listeners meanwhile
//! have the mount's fallback or wait out its source grace, as with any source. A relay *on demand*
//! dials when the first listener comes and hangs up when the last has left. The *keeper* starts
//! and ends these tasks as the configuration and the master's list say.

mod keeper;
mod reporter;

use crate::answer;
use crate::config::relays::RelayConfig;
use crate::config::upstream::HttpAddress;
use crate::dial::{Answered, DialError, Wish};
use crate::edges::wording::Terms;
use crate::ingest;
use crate::ingest::rejoin::Rejoin;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use common::backoff::Backoff;
pub(crate) use keeper::run;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

/// A handle on the relays.
#[derive(Clone, Debug)]
pub(crate) struct Relays {
    wanted: mpsc::Sender<Wanted>,
    on_demand: watch::Receiver<Arc<[MountName]>>,
    terms: watch::Receiver<Arc<BTreeMap<MountName, Terms>>>,
}

/// The keeper's ends of the handle.
#[derive(Debug)]
pub(crate) struct RelayEnds {
    wanted: mpsc::Receiver<Wanted>,
    on_demand: watch::Sender<Arc<[MountName]>>,
    terms: watch::Sender<Arc<BTreeMap<MountName, Terms>>>,
}

/// Somebody wants to listen to a mount that has no source.
#[derive(Debug)]
pub(crate) struct Wanted {
    mount: MountName,
    /// On whose behalf, if a server asks.
    via: Option<String>,
    /// Told where the relay stands, if there is one.
    reply: oneshot::Sender<Option<watch::Receiver<State>>>,
}

/// Where a relay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits for a listener, or to dial again.
    Idle,
    /// It is dialling because of a listener.
    Dialling,
    /// Its stream comes in.
    OnAir,
}

/// Why a stream has come to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("it broke off")]
    Ended,
    #[error("the stream comes from this mount: a loop of relays")]
    Loop,
    #[error("the mount does not take it: {0:?}")]
    Refused(Refusal),
}

impl Relays {
    /// A handle, and its other ends.
    pub(crate) fn new() -> (Self, RelayEnds) {
        let (wanted, heard) = mpsc::channel(WANTED_WAITING_MAX);
        let (named, on_demand) = watch::channel(Arc::from([]));
        let (set, terms) = watch::channel(Arc::default());
        let ends = RelayEnds { wanted: heard, on_demand: named, terms: set };
        (Self { wanted, on_demand, terms }, ends)
    }

    /// What an origin wants for the mount `name`, if it comes from one and that wants anything.
    pub(crate) fn terms(&self, name: &MountName) -> Option<Terms> {
        self.terms.borrow().get(name).copied()
    }

    /// The mounts that are fetched once somebody listens.
    pub(crate) fn on_demand(&self) -> Arc<[MountName]> {
        Arc::clone(&self.on_demand.borrow())
    }

    /// Has the mount `name` fetched, if it is relayed on demand; on behalf of the servers in `via`,
    /// if one asks. Whether it is on air then.
    pub(crate) async fn fetch(&self, name: &MountName, via: Option<&str>) -> bool {
        let (reply, answer) = oneshot::channel();
        let wanted = Wanted { mount: name.clone(), via: via.map(str::to_owned), reply };
        if self.wanted.send(wanted).await.is_err() {
            return false;
        }
        let Ok(Some(mut state)) = answer.await else { return false };
        let decided = state.wait_for(|state| *state != State::Dialling);
        let decided = timeout(FETCH_MAX, decided).await;
        decided.is_ok_and(|state| state.is_ok_and(|state| *state == State::OnAir))
    }
}

/// One relay, kept on air until `stop` says that it is not wanted any more.
struct Relay {
    config: RelayConfig,
    /// Told when somebody wants to listen.
    woken: Arc<Notify>,
    /// On whose behalf it was woken, if a server did.
    via: watch::Receiver<Option<String>>,
    state: watch::Sender<State>,
    parts: Arc<Parts>,
}

impl Relay {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.keep(stop.clone()) => {}
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.parts.tasks.stopping() => {}
        }
    }

    async fn keep(&self, stop: watch::Receiver<bool>) {
        let RelayConfig { local, server, on_demand, .. } = &self.config;
        let (mut attempt, mut told) = (0, String::new());
        let mut rejoin = Rejoin::default();
        loop {
            if *on_demand && !self.has_listeners().await {
                self.woken.notified().await;
                self.state.send_replace(State::Dialling);
            }
            let began = Instant::now();
            let broken = self.fetch(stop.clone(), &mut rejoin).await;
            self.state.send_replace(State::Idle);
            if *on_demand && !self.has_listeners().await {
                attempt = 0;
                if let Some(Broken::Dial(error)) = broken {
                    warn!(mount = %local, "not relayed: {error}");
                }
                continue;
            }
            if began.elapsed() > STEADY {
                (attempt, told) = (0, String::new());
            }
            let why = broken.unwrap_or(Broken::Ended).to_string();
            let wait = RETRY.wait(attempt, random());
            if told != why {
                warn!(mount = %local, %server, "relay: {why}; trying again in {wait:.1?}");
                told = why;
            }
            attempt += 1;
            sleep(wait).await;
        }
    }

    async fn has_listeners(&self) -> bool {
        let mount = self.parts.registry.find(self.config.local.clone()).await;
        mount.is_some_and(|mount| mount.counters.listeners.now() > 0)
    }

    /// Fetches the stream until it ends; why it did, unless nobody wanted it any more.
    async fn fetch(&self, stop: watch::Receiver<bool>, rejoin: &mut Rejoin) -> Option<Broken> {
        let config = self.parts.config();
        let agent = answer::server_id(&config);
        let (instance, local) = (&self.parts.instance, &self.config.local);
        let via = instance.add(local, self.via.borrow().as_deref());
        let wish = Wish {
            address: HttpAddress {
                server: self.config.server.clone(),
                path: self.config.mount.clone(),
            },
            credentials: self.config.credentials.as_ref(),
            titles: self.config.titles,
            agent,
            bind: self.config.bind,
            via: Some(&via),
            edge: self.config.is_told.then(|| instance.id()),
        };
        let Answered { head, line, received, ip } = match self.parts.dialler.ask(wish).await {
            Ok(answered) => answered,
            Err(error) => return Some(error.into()),
        };
        if head.headers.first("via").is_some_and(|via| instance.is_in(local, via)) {
            return Some(Broken::Loop);
        }
        let pulled = ingest::Pulled { headers: &head.headers, ip, line, received, rejoin };
        let on_air = || {
            info!(mount = %self.config.local, server = %self.config.server, "relayed");
            self.state.send_replace(State::OnAir);
        };
        let unwanted = self.unwanted(stop);
        match ingest::pull(pulled, &self.config.local, on_air, unwanted, &self.parts).await {
            Ok(()) => None,
            Err(refusal) => Some(Broken::Refused(refusal)),
        }
    }

    /// Resolves when nobody wants the stream any more.
    async fn unwanted(&self, mut stop: watch::Receiver<bool>) {
        let deserted = async {
            if !self.config.on_demand {
                std::future::pending::<()>().await;
            }
            let mut heard = Instant::now();
            while heard.elapsed() < DESERTED {
                sleep(DESERTED / 10).await;
                if self.has_listeners().await {
                    heard = Instant::now();
                }
            }
        };
        tokio::select! {
            () = deserted => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// An even random number from 0 to 1, for spreading waits.
fn random() -> f64 {
    let bits = getrandom::u32().unwrap_or_default(); // without randomness, the shortest wait
    f64::from(bits) / f64::from(u32::MAX)
}

/// A listener waits so long for a stream that is fetched on demand.
const FETCH_MAX: Duration = Duration::from_secs(10);
/// A relay on demand hangs up when nobody has listened for so long.
const DESERTED: Duration = Duration::from_secs(2);
/// A stream that lasted so long was well; the next wait is a first one.
const STEADY: Duration = Duration::from_secs(10);
/// The waits before a server is dialled again.
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(500), factor: 2.0, longest: Duration::from_secs(10) };
/// Listeners whose wish may wait to be heard.
const WANTED_WAITING_MAX: usize = 1_024;
