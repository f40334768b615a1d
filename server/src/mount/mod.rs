//! A mount: the task that owns one stream, and the handle with which it is asked.
//!
//! The owner airs what the source sends, hands new listeners their place in the stream, changes
//! the title, and notices when the source falls silent or leaves. A source that left may come
//! back: its listeners are kept for the source grace, and hear the stream go on. After that the
//! stream ends and so does the mount.
//!
//! The owner serves no listeners. Each mount has a few *fans*, one per processor, that do
//! ([`fan`]); audio reaches them through the stream, not through messages.

pub(crate) mod fan;
pub(crate) mod feed;
pub(crate) mod name;
pub(crate) mod on_air;
pub(crate) mod registry;
pub(crate) mod stream;

use crate::config::limits::MountLimits;
use crate::logs::Logs;
use crate::refusal::Refusal;
use crate::status::counters::{ListenerSeat, MountCounters, ServerCounters};
use crate::tasks::Tasks;
use bytes::Bytes;
use common::chunk::{Chunk, Opening};
use fan::{Fan, ListenerAbout, Order};
use jiff::Timestamp;
use name::MountName;
use on_air::{OnAir, SourceAbout, TitleText};
use std::sync::Arc;
use std::time::Duration;
use stream::{Start, Writer};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

/// A mount, as everybody but its owner sees it. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// Its name.
    pub(crate) name: MountName,
    /// Its counts.
    pub(crate) counters: Arc<MountCounters>,
    /// Its limits.
    pub(crate) limits: MountLimits,
    /// What is on air; `None` while there is no source.
    on_air: watch::Receiver<Option<OnAir>>,
    requests: mpsc::Sender<Request>,
}

/// What the owner is asked.
#[derive(Debug)]
enum Request {
    Announce(TitleText),
    Attach { source: Box<SourceAbout>, reply: oneshot::Sender<Result<SourceLine, Refusal>> },
    Join { reply: oneshot::Sender<Result<Joined, Refusal>> },
    KillSource,
    Listeners { reply: mpsc::Sender<Vec<ListenerAbout>> },
    RemoveListener { id: u64, reply: mpsc::Sender<()> },
}

/// A source's line to its mount. The mount hangs up to be rid of the source.
#[derive(Debug)]
pub(crate) struct SourceLine {
    /// Takes what is to be aired.
    pub(crate) chunks: mpsc::Sender<Chunk>,
}

/// What a new listener gets.
#[derive(Debug)]
pub(crate) struct Joined {
    /// The source it hears.
    pub(crate) source: Arc<SourceAbout>,
    /// Where it starts.
    pub(crate) start: Start,
    /// The stream headers that its decoder needs first.
    pub(crate) headers: Bytes,
    /// Its seat among the mount's listeners.
    pub(crate) seat: ListenerSeat,
    /// Where it is to go with its connection.
    pub(crate) fan: mpsc::Sender<Order>,
}

/// How long a mount may be without a source, and how long a source without a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Time without a byte after which a source is given up.
    pub(crate) source_timeout: Duration,
    /// Time that listeners are kept waiting for a source that left.
    pub(crate) source_grace: Duration,
}

impl Mount {
    /// Starts the owner of a new mount, without a source.
    pub(crate) fn start(
        name: MountName,
        limits: MountLimits,
        patience: Patience,
        server: Arc<ServerCounters>,
        logs: &Logs,
        tasks: &Tasks,
    ) -> Self {
        let counters = Arc::new(MountCounters::new(server));
        let (requests, asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let stream = Writer::new(limits.burst_bytes);
        let on_air = watch::Sender::new(None);
        let mount = Self {
            name: name.clone(),
            counters: Arc::clone(&counters),
            limits: limits.clone(),
            on_air: on_air.subscribe(),
            requests,
        };
        let fans = std::thread::available_parallelism().map_or(1, usize::from).min(FANS_MAX);
        let start_fan = |_| {
            let (orders, ordered) = mpsc::channel(ORDERS_WAITING_MAX);
            let (edge, counters) = (stream.edge(), Arc::clone(&counters));
            let fan = Fan::new(name.clone(), &limits, edge, counters, logs.clone());
            tasks.spawn(fan.run(ordered));
            orders
        };
        let fans = (0..fans).map(start_fan).collect();
        let owner = Owner { name, limits, patience, counters, on_air, stream, fans, next_fan: 0 };
        let (asked, stopping) = (asked, tasks.clone());
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
        source: Box<SourceAbout>,
    ) -> Result<Option<SourceLine>, Refusal> {
        self.ask(|reply| Request::Attach { source, reply }).await.transpose()
    }

    /// Seats a new listener.
    pub(crate) async fn join(&self) -> Result<Joined, Refusal> {
        self.ask(|reply| Request::Join { reply }).await.unwrap_or(Err(Refusal::NotFound))
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

/// The state of a mount, in the hands of its one task.
struct Owner {
    name: MountName,
    limits: MountLimits,
    patience: Patience,
    counters: Arc<MountCounters>,
    on_air: watch::Sender<Option<OnAir>>,
    stream: Writer,
    fans: Vec<mpsc::Sender<Order>>,
    next_fan: usize,
}

/// Whether there is a source.
enum Seat {
    /// Its chunks, and when it is given up unless one comes.
    Taken { chunks: mpsc::Receiver<Chunk>, deadline: Instant },
    /// None; the mount ends at this time.
    Vacant { until: Instant, last: Option<Arc<SourceAbout>> },
}

impl Seat {
    /// When this comes to its end by itself.
    fn limit(&self) -> Instant {
        let (Self::Taken { deadline: limit, .. } | Self::Vacant { until: limit, .. }) = self;
        *limit
    }

    /// The source's next chunk; `None` once it has left. Without a source there is none, ever.
    async fn chunk(&mut self) -> Option<Chunk> {
        match self {
            Self::Taken { chunks, .. } => chunks.recv().await,
            Self::Vacant { .. } => std::future::pending().await,
        }
    }
}

impl Owner {
    async fn run(mut self, mut asked: mpsc::Receiver<Request>, tasks: &Tasks) {
        let mut seat = self.vacant(None);
        loop {
            // Only audio moves the deadline: a busy administrator must not keep a dead source.
            let limit = seat.limit();
            tokio::select! {
                chunk = seat.chunk() => match chunk {
                    Some(chunk) => self.air(chunk, &mut seat),
                    None => {
                        info!(mount = %self.name, "the source has left");
                        seat = self.vacate();
                    }
                },
                request = asked.recv() => match request {
                    Some(request) => seat = self.answer(request, seat),
                    None => return,
                },
                () = sleep_until(limit) => match seat {
                    Seat::Taken { .. } => {
                        let silent = self.patience.source_timeout;
                        warn!(mount = %self.name, ?silent, "the source sends nothing; given up");
                        seat = self.vacate();
                    }
                    Seat::Vacant { .. } => return,
                },
                () = tasks.stopping() => return,
            }
            if matches!(&seat, Seat::Vacant { until, .. } if *until <= Instant::now()) {
                return;
            }
        }
    }

    fn air(&mut self, chunk: Chunk, seat: &mut Seat) {
        if let Seat::Taken { deadline, .. } = seat {
            *deadline = Instant::now() + self.patience.source_timeout;
        }
        if chunk.opening == Opening::Headers {
            self.on_air.send_modify(|on_air| {
                if let Some(on_air) = on_air {
                    on_air.read_headers(&chunk.bytes);
                }
            });
        }
        self.stream.air(chunk);
    }

    fn answer(&mut self, request: Request, seat: Seat) -> Seat {
        match (request, seat) {
            (Request::Announce(title), seat) => {
                self.announce(title);
                seat
            }
            (Request::Attach { reply, .. }, seat @ Seat::Taken { .. }) => {
                let _ = reply.send(Err(Refusal::MountTaken));
                seat
            }
            (Request::Attach { source, reply }, Seat::Vacant { last, until }) => {
                if last.as_ref().is_some_and(|last| last.content_type != source.content_type) {
                    // Its listeners cannot go on with another format; this mount ends, and the
                    // source, left without an answer, asks for a new one.
                    return Seat::Vacant { until: Instant::now(), last };
                }
                let (to_air, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
                let ip = source.ip;
                self.stream.announce("");
                // Before it is told: its next word, on another connection, may be the title.
                self.on_air.send_replace(Some(OnAir::new(*source, Timestamp::now())));
                if reply.send(Ok(SourceLine { chunks: to_air })).is_err() {
                    self.on_air.send_replace(None);
                    return Seat::Vacant { until, last };
                }
                info!(mount = %self.name, %ip, "source connected");
                Seat::Taken { chunks, deadline: Instant::now() + self.patience.source_timeout }
            }
            (Request::Join { reply }, seat) => {
                // A listener that has gone in the meantime gives its seat back by dropping it.
                let _ = reply.send(self.seat_listener(&seat));
                seat
            }
            (Request::KillSource, Seat::Taken { .. }) => {
                info!(mount = %self.name, "source removed by the administrator");
                self.vacate()
            }
            (Request::KillSource, seat @ Seat::Vacant { .. }) => seat,
            (Request::Listeners { reply }, seat) => {
                self.order(|| Order::List(reply.clone()));
                seat
            }
            (Request::RemoveListener { id, reply }, seat) => {
                self.order(|| Order::Remove { id, reply: reply.clone() });
                seat
            }
        }
    }

    fn seat_listener(&mut self, seat: &Seat) -> Result<Joined, Refusal> {
        let source = match seat {
            Seat::Taken { .. } => self.on_air.borrow().as_ref().map(|air| Arc::clone(&air.source)),
            Seat::Vacant { last, .. } => last.clone(),
        };
        let source = source.ok_or(Refusal::NotFound)?;
        let listeners = usize::try_from(self.counters.listeners.now()).unwrap_or(usize::MAX);
        if self.limits.listeners_max.is_some_and(|max| listeners >= max) {
            return Err(Refusal::ListenersFull);
        }
        let start = self.stream.start();
        let headers = match start.before_link {
            true => start.link.headers.clone(),
            false => self.stream.headers().clone(),
        };
        self.next_fan = (self.next_fan + 1) % self.fans.len();
        let fan = self.fans[self.next_fan].clone();
        Ok(Joined { source, start, headers, seat: ListenerSeat::new(&self.counters), fan })
    }

    /// Gives every fan an order. One that is too busy to take it does without, since the owner
    /// waits for nobody.
    fn order(&self, order: impl Fn() -> Order) {
        for fan in &self.fans {
            let _ = fan.try_send(order());
        }
    }

    fn announce(&mut self, title: TitleText) {
        let shown = title.shown();
        let changed = self.on_air.send_if_modified(|on_air| match on_air {
            Some(on_air) if on_air.title != title => {
                on_air.title = title;
                true
            }
            Some(_) | None => false,
        });
        if changed {
            info!(mount = %self.name, title = shown, "on air");
            self.stream.announce(&shown);
        }
    }

    /// Takes what was the source off air.
    fn vacate(&mut self) -> Seat {
        let last = self.on_air.send_replace(None).map(|on_air| on_air.source);
        self.vacant(last)
    }

    fn vacant(&self, last: Option<Arc<SourceAbout>>) -> Seat {
        // A source that has asked for a new mount must find it, whatever the grace.
        let grace = match last {
            Some(_) => self.patience.source_grace,
            None => ATTACH_WAIT,
        };
        Seat::Vacant { until: Instant::now() + grace, last }
    }
}

/// Requests to one mount that may wait.
const REQUESTS_WAITING_MAX: usize = 256;
/// Chunks of a source that may wait; a source that is faster than its mount waits with its next.
const CHUNKS_WAITING_MAX: usize = 64;
/// Orders, newcomers above all, that may wait for a fan.
const ORDERS_WAITING_MAX: usize = 1_024;
/// The most fans of a mount, however many processors there are.
const FANS_MAX: usize = 64;
/// How long a new mount waits for the source for which it was made.
const ATTACH_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
