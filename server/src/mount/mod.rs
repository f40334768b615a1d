//! A mount: the task that owns one stream, and the handle with which it is asked.
//!
//! The owner ([`owner`]) airs what the source sends, hands new listeners their place in the stream,
//! changes the title, and notices when the source falls silent or leaves. It says so ([`Event`]),
//! and whoever hears it may move the listeners to another mount. Those who stay are kept for the
//! source grace, and hear the stream go on if a source comes back. After that the stream ends and
//! so does the mount.
//!
//! The owner serves no listeners. Each mount has a few *fans*, one per processor, that do
//! ([`fan`]); audio reaches them through the stream, not through messages.

pub(crate) mod fallback;
pub(crate) mod fan;
pub(crate) mod feed;
pub(crate) mod gather;
pub(crate) mod name;
pub(crate) mod on_air;
mod owner;
pub(crate) mod registry;
pub(crate) mod stream;

use crate::config::mounts::MountConfig;
use crate::logs::Logs;
use crate::refusal::Refusal;
use crate::status::counters::{Hearer, ListenerSeat, MountCounters, ServerCounters};
use crate::tasks::Tasks;
use common::chunk::Chunk;
use fan::{Destination, Fan, ListenerAbout, Order, Whose};
use name::MountName;
use on_air::{OnAir, SourceAbout, TitleText};
use owner::Owner;
use std::sync::Arc;
use stream::{Start, Writer};
use tokio::sync::{mpsc, oneshot, watch};

/// A mount, as everybody but its owner sees it. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// Its name.
    pub(crate) name: MountName,
    /// Its counts.
    pub(crate) counters: Arc<MountCounters>,
    /// What is on air; `None` while there is no source.
    on_air: watch::Receiver<Option<OnAir>>,
    requests: mpsc::Sender<Request>,
}

/// What a mount says of itself to whoever moves listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Its source has left. The mount waits to be told that its listeners are
    /// [settled](Mount::settle).
    Lost {
        /// The mount.
        mount: MountName,
        /// What it sent, which its listeners' decoders can go on with.
        content_type: String,
    },
    /// A source has come, and has sent something to hear.
    Returned(MountName),
}

/// What the owner is asked.
#[derive(Debug)]
enum Request {
    Announce(TitleText),
    Attach { arrival: Box<SourceArrival>, reply: AttachReply },
    Configure(Arc<MountConfig>),
    Destination { reply: oneshot::Sender<Destination> },
    Intro(Option<Arc<Intro>>),
    Join { hearer: Hearer, reply: oneshot::Sender<Result<Joined, Refusal>> },
    KillSource,
    Listeners { reply: mpsc::Sender<Vec<ListenerAbout>> },
    Move { whose: Whose, to: Destination, reply: mpsc::Sender<usize> },
    RemoveListener { id: u64, reply: mpsc::Sender<()> },
    Settle,
}

type AttachReply = oneshot::Sender<Result<SourceLine, Refusal>>;

/// A source that wants to be on air.
#[derive(Clone, Debug)]
pub(crate) struct SourceArrival {
    /// What it says of itself.
    pub(crate) about: SourceAbout,
    /// What its listeners hear first.
    pub(crate) intro: Option<Arc<Intro>>,
}

/// What every new listener of a mount hears first: a stream that has ended.
#[derive(Debug)]
pub(crate) struct Intro {
    /// Its beginning.
    pub(crate) start: Start,
    /// How long it is.
    pub(crate) bytes: u64,
}

impl Intro {
    /// An intro of `chunks`; `None` if there is nothing in them.
    pub(crate) fn new(chunks: impl IntoIterator<Item = Chunk>) -> Option<Self> {
        let mut writer = Writer::new(usize::MAX);
        chunks.into_iter().for_each(|chunk| writer.air(chunk));
        let bytes = writer.tip().borrow().bytes;
        (bytes > 0).then(|| Self { start: writer.start(), bytes })
    }
}

/// A source's line to its mount. The mount hangs up to be rid of the source.
#[derive(Debug)]
pub(crate) struct SourceLine {
    /// Takes what is to be aired.
    pub(crate) chunks: mpsc::Sender<Chunk>,
    /// The title to put into a stream that carries its own; of several the last counts.
    pub(crate) titles: watch::Receiver<TitleText>,
}

/// What a new listener gets.
#[derive(Debug)]
pub(crate) struct Joined {
    /// The source it hears.
    pub(crate) source: Arc<SourceAbout>,
    /// Where it starts.
    pub(crate) start: Start,
    /// What it hears before that.
    pub(crate) intro: Option<Arc<Intro>>,
    /// Its seat among the mount's listeners.
    pub(crate) seat: ListenerSeat,
    /// Where it is to go with its connection.
    pub(crate) fan: mpsc::Sender<Order>,
}

impl Mount {
    /// Starts the owner of a new mount, without a source.
    pub(crate) fn start(
        name: MountName,
        config: Arc<MountConfig>,
        server: Arc<ServerCounters>,
        events: mpsc::Sender<Event>,
        logs: &Logs,
        tasks: &Tasks,
    ) -> Self {
        let counters = Arc::new(MountCounters::new(server));
        let (requests, asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let stream = Writer::new(config.limits.burst_bytes);
        let on_air = watch::Sender::new(None);
        let mount = Self {
            name: name.clone(),
            counters: Arc::clone(&counters),
            on_air: on_air.subscribe(),
            requests,
        };
        let fans = std::thread::available_parallelism().map_or(1, usize::from).min(FANS_MAX);
        let start_fan = |index| {
            let (orders, ordered) = mpsc::channel(ORDERS_WAITING_MAX);
            let limits = (&config.limits).into();
            let (tip, counters, logs) = (stream.tip(), Arc::clone(&counters), logs.clone());
            let fan = Fan::new(name.clone(), index, limits, tip, counters, logs);
            tasks.spawn(fan.run(ordered));
            orders
        };
        let fans = (0..fans).map(start_fan).collect();
        let owner = Owner::new(name, config, counters, on_air, stream, fans, events)
            .with_log(logs.playlist.clone());
        let stopping = tasks.clone();
        tasks.spawn(async move { owner.run(asked, &stopping).await });
        mount
    }

    /// What is on air; `None` while there is no source.
    pub(crate) fn on_air(&self) -> Option<OnAir> {
        self.on_air.borrow().clone()
    }

    /// Whether its owner has ended; then it can only be forgotten.
    pub(crate) fn has_ended(&self) -> bool {
        self.requests.is_closed()
    }

    /// Puts a source on air. `Ok(None)` if the mount has just ended.
    pub(crate) async fn attach(
        &self,
        arrival: SourceArrival,
    ) -> Result<Option<SourceLine>, Refusal> {
        let arrival = Box::new(arrival);
        self.ask(|reply| Request::Attach { arrival, reply }).await.transpose()
    }

    /// Follows another configuration.
    pub(crate) async fn configure(&self, config: Arc<MountConfig>) {
        let _ = self.requests.send(Request::Configure(config)).await;
    }

    /// Gives new listeners another intro.
    pub(crate) async fn set_intro(&self, intro: Option<Arc<Intro>>) {
        let _ = self.requests.send(Request::Intro(intro)).await;
    }

    /// Lets listeners go on with the mount `to`; how many went. `None` if one of the two mounts
    /// has ended.
    pub(crate) async fn move_listeners(&self, whose: Whose, to: &Self) -> Option<usize> {
        let to = to.ask(|reply| Request::Destination { reply }).await?;
        let (reply, mut answers) = mpsc::channel(FANS_MAX);
        self.requests.send(Request::Move { whose, to, reply }).await.ok()?;
        let mut moved = 0;
        while let Some(count) = answers.recv().await {
            moved += count;
        }
        Some(moved)
    }

    /// Tells a mount without a source that those of its listeners who could be moved have been.
    pub(crate) async fn settle(&self) {
        let _ = self.requests.send(Request::Settle).await;
    }

    /// Seats a new listener.
    pub(crate) async fn join(&self, hearer: Hearer) -> Result<Joined, Refusal> {
        let answer = self.ask(|reply| Request::Join { hearer, reply }).await;
        answer.unwrap_or(Err(Refusal::NotFound))
    }

    /// Changes the title. A mount that has just ended does not mind.
    pub(crate) async fn announce(&self, title: TitleText) {
        let _ = self.requests.send(Request::Announce(title)).await;
    }

    /// Takes the source off air.
    pub(crate) async fn kill_source(&self) {
        let _ = self.requests.send(Request::KillSource).await;
    }

    /// Every listener, in the order of their numbers.
    pub(crate) async fn listeners(&self) -> Vec<ListenerAbout> {
        let (reply, mut answers) = mpsc::channel(FANS_MAX);
        let _ = self.requests.send(Request::Listeners { reply }).await;
        let mut all = Vec::new();
        while let Some(some) = answers.recv().await {
            all.extend(some);
        }
        all.sort_by_key(|listener| listener.id);
        all
    }

    /// Lets the listener with this number go. Whether there was one.
    pub(crate) async fn remove_listener(&self, id: u64) -> bool {
        let (reply, mut answer) = mpsc::channel(1);
        let _ = self.requests.send(Request::RemoveListener { id, reply }).await;
        answer.recv().await.is_some()
    }

    /// The owner's answer; `None` if it has ended.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// Requests to one mount that may wait.
const REQUESTS_WAITING_MAX: usize = 256;
/// Orders, newcomers above all, that may wait for a fan.
const ORDERS_WAITING_MAX: usize = 1_024;
/// The most fans of a mount, however many processors there are.
const FANS_MAX: usize = 64;

#[cfg(test)]
mod tests;
