//! The owner of a mount: one task, told by message what the source and the listeners want.
//!
//! It knows no other mount. That its source has left or come it says as an [`Event`]; who hears it
//! moves listeners and then says that they are settled. If nobody does, the source grace counts.

use super::fan::{Destination, FanLimits, Order};
use super::gather::Gather;
use super::name::MountName;
use super::on_air::{OnAir, SourceAbout, TitleText};
use super::stream::Writer;
use super::{AttachReply, Event, Intro, Joined, Request, SourceArrival, SourceLine};
use crate::config::mounts::{MountConfig, SourceConflict};
use crate::logs::playlist::PlaylistLog;
use crate::refusal::Refusal;
use crate::status::counters::{Hearer, ListenerSeat, MountCounters};
use crate::tasks::Tasks;
use common::chunk::{Chunk, Opening};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

/// The state of a mount, in the hands of its one task.
pub(super) struct Owner {
    name: MountName,
    config: Arc<MountConfig>,
    counters: Arc<MountCounters>,
    on_air: watch::Sender<Option<OnAir>>,
    stream: Writer,
    gather: Gather,
    fans: Vec<mpsc::Sender<Order>>,
    next_fan: usize,
    events: mpsc::Sender<Event>,
    intro: Option<Arc<Intro>>,
    playlist_log: PlaylistLog,
}

/// Whether there is a source.
enum Seat {
    Taken(Taken),
    Vacant(Vacant),
}

/// A source is on air.
struct Taken {
    chunks: mpsc::Receiver<Chunk>,
    /// Where it is told the title that is to be put into its stream.
    titles: watch::Sender<TitleText>,
    /// When something was last heard of it, its arrival included.
    heard: Instant,
    /// Whether it has sent anything.
    has_begun: bool,
    /// Whether it has sent anything to hear.
    has_aired: bool,
    /// Another source that wants its place, and gets it if this one stays silent.
    challenger: Option<Challenger>,
}

/// A source that wants the place of another.
struct Challenger {
    arrival: Box<SourceArrival>,
    reply: AttachReply,
}

/// There is no source.
struct Vacant {
    /// When the mount ends.
    until: Instant,
    /// When the last source left.
    since: Instant,
    last: Option<Arc<SourceAbout>>,
}

impl Owner {
    pub(super) fn new(
        name: MountName,
        config: Arc<MountConfig>,
        counters: Arc<MountCounters>,
        on_air: watch::Sender<Option<OnAir>>,
        stream: Writer,
        fans: Vec<mpsc::Sender<Order>>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            gather: Gather::new((&config.limits).into()),
            name,
            config,
            counters,
            on_air,
            stream,
            fans,
            next_fan: 0,
            events,
            intro: None,
            playlist_log: PlaylistLog::new(None),
        }
    }

    /// An owner that writes its titles to `playlist_log`.
    pub(super) fn with_log(self, playlist_log: PlaylistLog) -> Self {
        Self { playlist_log, ..self }
    }

    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Request>, tasks: &Tasks) {
        let now = Instant::now();
        // A source that has asked for a new mount must find it, whatever the grace.
        let mut seat = Seat::Vacant(Vacant { until: now + ATTACH_WAIT, since: now, last: None });
        loop {
            let limit = self.limit(&seat);
            let gathered = self.gather.until();
            tokio::select! {
                chunk = next_chunk(&mut seat) => seat = self.heard(chunk, seat),
                request = asked.recv() => match request {
                    Some(request) => seat = self.answer(request, seat),
                    None => return,
                },
                () = sleep_until(gathered.unwrap_or(limit)), if gathered.is_some() => self.flush(),
                () = sleep_until(limit) => match seat {
                    Seat::Taken(taken) => seat = self.silent(taken),
                    Seat::Vacant { .. } => return,
                },
                () = tasks.stopping() => return,
            }
            if matches!(&seat, Seat::Vacant(vacant) if vacant.until <= Instant::now()) {
                return;
            }
        }
    }

    /// When something happens by itself.
    fn limit(&self, seat: &Seat) -> Instant {
        match seat {
            Seat::Taken(Taken { heard, challenger: Some(_), .. }) => *heard + TAKEOVER_SILENCE,
            // Only audio moves this: a busy administrator must not keep a dead source.
            Seat::Taken(Taken { heard, .. }) => *heard + self.config.limits.source_timeout,
            Seat::Vacant(Vacant { until, .. }) => *until,
        }
    }

    /// A chunk of the source, or that it has left.
    fn heard(&mut self, chunk: Option<Chunk>, seat: Seat) -> Seat {
        let Seat::Taken(mut taken) = seat else { return seat };
        let Some(chunk) = chunk else {
            info!(mount = %self.name, "the source has left");
            return match taken.challenger {
                Some(challenger) => self.take_over(challenger),
                None => self.vacate(),
            };
        };
        taken.heard = Instant::now();
        if let Some(Challenger { reply, .. }) = taken.challenger.take() {
            let _ = reply.send(Err(Refusal::MountTaken));
        }
        // Its headers are its own: a newcomer has no use for what another source sent.
        let is_new = !std::mem::replace(&mut taken.has_begun, true);
        if is_new && chunk.opening == Opening::Headers {
            self.flush();
            self.stream.forget_past();
        }
        if chunk.opening.is_headers() {
            let title = |on_air: &Option<OnAir>| on_air.as_ref().map(|air| air.title.shown());
            let before = title(&self.on_air.borrow());
            self.on_air.send_modify(|on_air| {
                if let Some(on_air) = on_air {
                    on_air.read_headers(&chunk.bytes);
                }
            });
            let title = title(&self.on_air.borrow());
            if let Some(title) = title.filter(|title| before.as_ref() != Some(title)) {
                self.log_title(&title);
            }
        }
        if chunk.opening == Opening::KnownHeaders {
            return Seat::Taken(taken);
        }
        let is_audio = !chunk.opening.is_headers();
        let aired = self.gather.take(chunk, taken.heard);
        aired.into_iter().flatten().for_each(|chunk| self.stream.air(chunk));
        if is_audio && !std::mem::replace(&mut taken.has_aired, true) {
            self.flush();
            self.say(Event::Returned(self.name.clone()));
        }
        Seat::Taken(taken)
    }

    /// Airs what has been gathered.
    fn flush(&mut self) {
        if let Some(chunk) = self.gather.flush() {
            self.stream.air(chunk);
        }
    }

    /// The source has sent nothing for as long as it may.
    fn silent(&mut self, mut taken: Taken) -> Seat {
        match taken.challenger.take() {
            // Gone in the meantime.
            Some(Challenger { reply, .. }) if reply.is_closed() => Seat::Taken(taken),
            Some(challenger) => {
                let silent = TAKEOVER_SILENCE;
                warn!(mount = %self.name, ?silent, "the source is silent; another takes its place");
                self.take_over(challenger)
            }
            None => {
                let silent = self.config.limits.source_timeout;
                warn!(mount = %self.name, ?silent, "the source sends nothing; given up");
                self.vacate()
            }
        }
    }

    fn answer(&mut self, request: Request, seat: Seat) -> Seat {
        // Whoever asked and has gone in the meantime does without the answer.
        match (request, seat) {
            (Request::Attach { arrival, reply }, seat) => {
                self.attach(Challenger { arrival, reply }, seat)
            }
            (Request::Announce(title), Seat::Taken(taken)) => {
                self.announce(title, &taken.titles);
                Seat::Taken(taken)
            }
            (Request::KillSource, Seat::Taken { .. }) => {
                info!(mount = %self.name, "source removed by the administrator");
                self.vacate()
            }
            (Request::Settle, Seat::Vacant(vacant)) => {
                let until = vacant.since + self.config.limits.source_grace;
                Seat::Vacant(Vacant { until, ..vacant })
            }
            (Request::Join { hearer, reply }, seat) => {
                // A listener that has gone gives its seat back by dropping it.
                let _ = reply.send(self.seat_listener(hearer, &seat));
                seat
            }
            (request, seat) => {
                self.obey(request);
                seat
            }
        }
    }

    /// What changes nothing about who is on air.
    fn obey(&mut self, request: Request) {
        match request {
            Request::Configure(config) => self.configure(config),
            Request::Destination { reply } => {
                let _ =
                    reply.send(Destination { mount: self.name.clone(), fans: self.fans.clone() });
            }
            Request::Intro(intro) => self.intro = intro,
            Request::Listeners { reply } => self.order(|| Order::List(reply.clone())),
            Request::Move { whose, to, reply } => {
                // They leave at the end of what has come.
                self.flush();
                self.order(|| Order::Move {
                    whose: whose.clone(),
                    to: to.clone(),
                    reply: reply.clone(),
                });
            }
            Request::RemoveListener { id, reply } => {
                self.order(|| Order::Remove { id, reply: reply.clone() });
            }
            Request::Announce(_)
            | Request::Attach { .. }
            | Request::Join { .. }
            | Request::KillSource
            | Request::Settle => {}
        }
    }

    /// Seats a source, if there is room or will be.
    fn attach(&mut self, newcomer: Challenger, seat: Seat) -> Seat {
        let mut taken = match seat {
            Seat::Vacant(Vacant { last: Some(last), since, .. })
                if last.content_type != newcomer.arrival.about.content_type =>
            {
                // Its listeners cannot go on with another format; this mount ends, and the source,
                // left without an answer, asks for a new one.
                return Seat::Vacant(Vacant { until: Instant::now(), since, last: Some(last) });
            }
            Seat::Vacant(vacant) => {
                return self.seat_source(newcomer).unwrap_or(Seat::Vacant(vacant));
            }
            Seat::Taken(taken) => taken,
        };
        if self.on_air.borrow().as_ref().is_some_and(|on_air| on_air.source.is_file) {
            // It has the format of the file, or will ask for a new mount.
            let seat = self.vacate();
            return self.attach(newcomer, seat);
        }
        let same = self.on_air.borrow().as_ref().is_some_and(|on_air| {
            on_air.source.content_type == newcomer.arrival.about.content_type
        });
        let may = self.config.on_source_conflict == SourceConflict::Takeover;
        if !may || !same || taken.challenger.is_some() {
            let _ = newcomer.reply.send(Err(Refusal::MountTaken));
        } else {
            taken.challenger = Some(newcomer);
        }
        Seat::Taken(taken)
    }

    /// Puts a source on air; `None` if it has gone.
    fn seat_source(&mut self, newcomer: Challenger) -> Option<Seat> {
        let SourceArrival { about, intro } = *newcomer.arrival;
        let (to_air, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
        let (titles, told) = watch::channel(TitleText::default());
        let ip = about.ip;
        self.flush();
        self.stream.announce("");
        self.intro = intro;
        // Before it is told: its next word, on another connection, may be the title.
        let before = self.on_air.send_replace(Some(OnAir::new(about, Timestamp::now())));
        if newcomer.reply.send(Ok(SourceLine { chunks: to_air, titles: told })).is_err() {
            self.on_air.send_replace(before);
            return None;
        }
        info!(mount = %self.name, %ip, "source connected");
        let heard = Instant::now();
        Some(Seat::Taken(Taken {
            chunks,
            titles,
            heard,
            has_begun: false,
            has_aired: false,
            challenger: None,
        }))
    }

    /// Puts a source in the place of one that is gone, without a word to the listeners.
    fn take_over(&mut self, challenger: Challenger) -> Seat {
        self.seat_source(challenger).unwrap_or_else(|| self.vacate())
    }

    fn seat_listener(&mut self, hearer: Hearer, seat: &Seat) -> Result<Joined, Refusal> {
        let source = match seat {
            Seat::Taken { .. } => self.on_air.borrow().as_ref().map(|air| Arc::clone(&air.source)),
            Seat::Vacant(Vacant { last, .. }) => last.clone(),
        };
        let source = source.ok_or(Refusal::NotFound)?;
        let players = usize::try_from(self.counters.players()).unwrap_or(usize::MAX);
        let is_full = self.config.limits.listeners_max.is_some_and(|max| players >= max);
        if is_full && hearer == Hearer::Player {
            return Err(Refusal::ListenersFull);
        }
        self.next_fan = (self.next_fan + 1) % self.fans.len();
        Ok(Joined {
            source,
            start: self.stream.start(),
            intro: self.intro.clone(),
            seat: ListenerSeat::new(&self.counters, hearer),
            fan: self.fans[self.next_fan].clone(),
        })
    }

    fn configure(&mut self, config: Arc<MountConfig>) {
        if config.limits != self.config.limits {
            self.stream.set_burst(config.limits.burst_bytes);
            let limits = FanLimits::from(&config.limits);
            self.order(|| Order::Limit(limits));
            self.gather.limit((&config.limits).into());
        }
        self.config = config;
    }

    /// Gives every fan an order. One that is too busy to take it does without, since the owner
    /// waits for nobody.
    fn order(&self, order: impl Fn() -> Order) {
        for fan in &self.fans {
            if fan.try_send(order()).is_err() {
                warn!(mount = %self.name, "a fan has {} orders waiting", fan.max_capacity());
            }
        }
    }

    fn announce(&mut self, title: TitleText, titles: &watch::Sender<TitleText>) {
        let borne = match &*self.on_air.borrow() {
            Some(on_air) => Some(on_air.borne(&title)).filter(|borne| on_air.title != *borne),
            None => None,
        };
        let Some(borne) = borne else { return };
        let shown = title.shown();
        info!(mount = %self.name, title = shown, "on air");
        self.log_title(&shown);
        self.flush();
        self.stream.announce(&shown);
        // Before it is shown: whoever sees it may rely on it for what the source sends next.
        titles.send_replace(title);
        self.on_air.send_modify(|on_air| {
            if let Some(on_air) = on_air {
                on_air.title = borne;
            }
        });
    }

    fn log_title(&self, title: &str) {
        self.playlist_log.write(&self.name, self.counters.players(), title);
    }

    /// Takes what was the source off air.
    fn vacate(&mut self) -> Seat {
        self.flush();
        let last = self.on_air.send_replace(None).map(|on_air| on_air.source);
        let since = Instant::now();
        let content_type = last.as_ref().map(|last| last.content_type.clone()).unwrap_or_default();
        let is_heard = self.say(Event::Lost { mount: self.name.clone(), content_type });
        let wait = if is_heard { SETTLE_WAIT } else { Duration::ZERO };
        let until = since + wait.max(self.config.limits.source_grace);
        Seat::Vacant(Vacant { until, since, last })
    }

    /// Says what has happened. Whether somebody will hear it.
    fn say(&self, event: Event) -> bool {
        self.events.try_send(event).is_ok()
    }
}

/// The source's next chunk; `None` once it has left. Without a source there is none, ever.
async fn next_chunk(seat: &mut Seat) -> Option<Chunk> {
    match seat {
        Seat::Taken(taken) => taken.chunks.recv().await,
        Seat::Vacant { .. } => std::future::pending().await,
    }
}

/// Chunks of a source that may wait; a source that is faster than its mount waits with its next.
const CHUNKS_WAITING_MAX: usize = 64;
/// How long a new mount waits for the source for which it was made.
const ATTACH_WAIT: Duration = Duration::from_secs(5);
/// How long a source must be silent for another to take its place: longer than any encoder pauses
/// between two pages, much shorter than the time after which it is given up.
const TAKEOVER_SILENCE: Duration = Duration::from_secs(2);
/// The longest time that a mount without a source waits for its listeners to be moved.
const SETTLE_WAIT: Duration = Duration::from_secs(5);
