//! A fan: one task that serves many listeners of one mount.
//!
//! What a source sends is gathered for the flush delay and then written to each listener at once,
//! because a write costs about the same whatever its size. Listeners are spread over *slots*, and
//! each tick serves one slot, so that the writes are spread over the delay too and nothing else
//! waits long. A listener whose socket is full is *eager*: it is tried at every tick, which costs
//! next to nothing until the socket has room, and is dropped when it falls too far behind.
//!
//! With a flush delay of zero everybody is served as soon as something is aired.

use crate::auth::census::Place;
use crate::auth::url::Visit as BackendVisit;
use crate::config::limits::MountLimits;
use crate::logs::Logs;
use crate::logs::access::{Asked, Finished};
use crate::mount::feed::{Feed, Landing, Plan, SLICES_MAX};
use crate::mount::name::MountName;
use crate::mount::stream::Tip;
use crate::socket::Socket;
use crate::status::counters::{ClientSeat, ListenerSeat, MountCounters};
use std::io::{ErrorKind, IoSlice};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tracing::info;

/// What a fan is told by the mount's owner, or by whoever brings a listener.
#[derive(Debug)]
pub(crate) enum Order {
    /// Follow other limits.
    Limit(FanLimits),
    /// Tell of every listener.
    List(mpsc::Sender<Vec<ListenerAbout>>),
    /// Let listeners go on with another mount; answered with how many they are.
    Move { whose: Whose, to: Destination, reply: mpsc::Sender<usize> },
    /// Serve listeners that come from another mount.
    Receive(Vec<Listener>),
    /// Let a listener go; answered by the fan that has it.
    Remove { id: u64, reply: mpsc::Sender<()> },
    /// Serve a newcomer.
    Welcome(Box<Arrival>),
}

/// Which listeners are moved. A listener's *home* is the mount that it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// All of them, who are at home in the other mount from then on.
    Everybody,
    /// All of them, who keep their home.
    Guests,
    /// Those at home in one of these mounts; they keep it.
    AtHomeIn(Vec<MountName>),
}

/// A mount that listeners are moved to.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    /// Its name.
    pub(crate) mount: MountName,
    /// Its fans; there is at least one.
    pub(crate) fans: Vec<mpsc::Sender<Order>>,
}

/// What a fan needs of its mount's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FanLimits {
    queue_bytes: u64,
    flush_delay: Duration,
    listener_duration_max: Option<Duration>,
}

impl From<&MountLimits> for FanLimits {
    fn from(limits: &MountLimits) -> Self {
        Self {
            queue_bytes: limits.queue_bytes as u64,
            flush_delay: limits.flush_delay,
            listener_duration_max: limits.listener_duration_max,
        }
    }
}

/// What can be told of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenerAbout {
    /// Its number among all connections.
    pub(crate) id: u64,
    /// Its address.
    pub(crate) ip: IpAddr,
    /// The mount that it asked for.
    pub(crate) home: MountName,
    /// Its program, if it said so.
    pub(crate) user_agent: Option<Box<str>>,
    /// How long it has been listening.
    pub(crate) stayed: Duration,
    /// Who it is, where listeners have to say so.
    pub(crate) user: Option<Box<str>>,
}

/// A listener that comes to a fan, with its connection.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The connection.
    pub(crate) socket: Socket,
    /// Its place in the stream.
    pub(crate) feed: Feed,
    /// Its seats among the mount's listeners and the server's clients, held as long as it stays.
    pub(crate) seats: (ListenerSeat, ClientSeat),
    /// Its places among its user's and its network's listeners, where these are limited.
    #[expect(dead_code, reason = "held for what its drop counts")]
    pub(crate) places: [Option<Place>; 2],
    /// What tells a backend when it goes, where one wants to know.
    #[expect(dead_code, reason = "held for what its drop tells")]
    pub(crate) visit: Option<Box<BackendVisit>>,
    /// How long it may listen, whatever the mount says; `None` for what the mount says.
    pub(crate) time_max: Option<Duration>,
    /// The mount that it asked for.
    pub(crate) home: MountName,
    /// Its address.
    pub(crate) ip: IpAddr,
    /// Its number among all connections.
    pub(crate) id: u64,
    /// Its program, if it said so.
    pub(crate) user_agent: Option<Box<str>>,
    /// Who it is, where listeners have to say so.
    pub(crate) user: Option<Box<str>>,
    /// What the access log will say of its request.
    pub(crate) asked: Option<Asked>,
    /// Since when it listens.
    pub(crate) joined: Instant,
    /// How much it has been sent.
    pub(crate) sent_bytes: u64,
}

/// A listener that is being served.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Boxed, since a listener is moved from list to list as its socket fills and empties.
    arrival: Box<Arrival>,
}

/// Why a listener is served no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// The mount ended.
    Ended,
    /// It closed its connection, or the connection broke.
    Left,
    /// An administrator let it go.
    Removed,
    /// It has listened for as long as it may.
    TimeOver,
    /// It fell too far behind.
    TooSlow { behind_bytes: u64 },
}

/// How a listener is after a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visit {
    /// It has got all there is.
    CaughtUp,
    Gone(Leaving),
    /// Its socket is full.
    Stuck,
}

/// The task's state.
pub(crate) struct Fan {
    mount: MountName,
    /// Its number among the fans of its mount.
    index: usize,
    limits: FanLimits,
    tip: watch::Receiver<Tip>,
    counters: Arc<MountCounters>,
    logs: Logs,
    slots: Vec<Vec<Listener>>,
    /// Those that have more to get than their socket takes.
    eager: Vec<Listener>,
    /// Those that are on their way to a fan that was too busy to take them.
    leaving: Vec<(mpsc::Sender<Order>, Vec<Listener>)>,
    /// The slot for the next newcomer.
    next_slot: usize,
    /// The slot that is served next.
    next_served: usize,
    listeners: usize,
}

impl Fan {
    /// A fan without listeners, for a stream that ends at `tip`.
    pub(crate) fn new(
        mount: MountName,
        index: usize,
        limits: FanLimits,
        tip: watch::Receiver<Tip>,
        counters: Arc<MountCounters>,
        logs: Logs,
    ) -> Self {
        Self {
            mount,
            index,
            limits,
            tip,
            counters,
            logs,
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            eager: Vec::new(),
            leaving: Vec::new(),
            next_slot: 0,
            next_served: 0,
            listeners: 0,
        }
    }

    /// Serves until the mount has ended and the last listener has left.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut ticks = self.ticks();
        let mut stream_ended = false;
        while !(stream_ended && self.listeners == 0) {
            let at_once = self.limits.flush_delay.is_zero();
            tokio::select! {
                order = orders.recv(), if !stream_ended => match order {
                    Some(Order::Limit(limits)) => {
                        self.limits = limits;
                        ticks = self.ticks();
                    }
                    Some(order) => self.carry_out(order),
                    None => stream_ended = true,
                },
                _ = ticks.tick(), if self.listeners > 0 => self.serve(at_once || stream_ended),
                changed = self.tip.changed(), if at_once && !stream_ended => {
                    self.serve(true);
                    stream_ended = changed.is_err();
                }
            }
        }
    }

    fn ticks(&self) -> Interval {
        let delay = self.limits.flush_delay;
        let every = if delay.is_zero() { IDLE_TICK } else { delay / SLOTS_U32 };
        let mut ticks = interval(every.max(TICK_MIN));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Whoever asked and does not wait for the answer does not get it.
    fn carry_out(&mut self, order: Order) {
        match order {
            Order::List(reply) => {
                let listeners = self.slots.iter().flatten().chain(&self.eager);
                let _ = reply.try_send(listeners.map(Listener::about).collect());
            }
            Order::Limit(limits) => self.limits = limits,
            Order::Move { whose, to, reply } => {
                let moved = self.move_away(&whose, &to);
                let _ = reply.try_send(moved);
            }
            Order::Receive(listeners) => self.receive(listeners),
            Order::Remove { id, reply } => {
                if let Some(listener) = self.take(id) {
                    self.farewell(listener, Leaving::Removed);
                    let _ = reply.try_send(());
                }
            }
            Order::Welcome(arrival) => self.welcome(arrival),
        }
    }

    fn take(&mut self, id: u64) -> Option<Listener> {
        self.slots.iter_mut().chain([&mut self.eager]).find_map(|listeners| {
            let at = listeners.iter().position(|listener| listener.arrival.id == id)?;
            Some(listeners.swap_remove(at))
        })
    }

    fn welcome(&mut self, arrival: Box<Arrival>) {
        info!(mount = %self.mount, listener = arrival.id, ip = %arrival.ip, "joined");
        self.listeners += 1;
        // The head and the burst go out at once.
        let mut listener = Listener { arrival };
        let visit = listener.visit(&self.tip.borrow(), &self.limits, Instant::now());
        self.counters.sent_bytes.add(listener.arrival.sent_bytes);
        self.settle(listener, visit);
    }

    /// Sends listeners to another mount; how many. Each hears first what this one has aired.
    fn move_away(&mut self, whose: &Whose, to: &Destination) -> usize {
        let after_bytes = self.tip.borrow().bytes;
        let goes = |listener: &mut Listener| match whose {
            Whose::Everybody | Whose::Guests => true,
            Whose::AtHomeIn(homes) => homes.contains(&listener.arrival.home),
        };
        let lists = self.slots.iter_mut().chain([&mut self.eager]);
        let mut moved: Vec<_> = lists.flat_map(|list| list.extract_if(.., goes)).collect();
        for listener in &mut moved {
            listener.arrival.feed.leave_after(after_bytes);
            if *whose == Whose::Everybody {
                listener.arrival.home = to.mount.clone();
            }
        }
        let count = moved.len();
        if count > 0 {
            info!(mount = %self.mount, to = %to.mount, listeners = count, "moved");
            self.pass_on(to.fans[self.index % to.fans.len()].clone(), moved);
        }
        count
    }

    /// Hands listeners to another fan. This waits for nobody: if it is too busy it is tried again
    /// at the next tick, and if it has ended they stay.
    fn pass_on(&mut self, fan: mpsc::Sender<Order>, listeners: Vec<Listener>) {
        let count = listeners.len();
        match fan.try_send(Order::Receive(listeners)) {
            Ok(()) => self.listeners -= count,
            Err(TrySendError::Full(Order::Receive(listeners))) => {
                self.leaving.push((fan, listeners));
            }
            Err(TrySendError::Closed(Order::Receive(listeners))) => {
                for mut listener in listeners {
                    listener.arrival.feed.stay();
                    self.settle(listener, Visit::CaughtUp);
                }
            }
            Err(_) => unreachable!("what comes back is what was sent"),
        }
    }

    fn receive(&mut self, listeners: Vec<Listener>) {
        let tip = self.tip.borrow().clone();
        let (now, mut sent_bytes) = (Instant::now(), 0);
        self.listeners += listeners.len();
        for mut listener in listeners {
            listener.arrival.seats.0.move_to(&self.counters);
            let before = listener.arrival.sent_bytes;
            let visit = listener.visit(&tip, &self.limits, now);
            sent_bytes += listener.arrival.sent_bytes - before;
            self.settle(listener, visit);
        }
        self.counters.sent_bytes.add(sent_bytes);
    }

    /// Puts a listener where it belongs after a visit.
    fn settle(&mut self, listener: Listener, visit: Visit) {
        match visit {
            Visit::CaughtUp => {
                self.slots[self.next_slot].push(listener);
                self.next_slot = (self.next_slot + 1) % SLOTS;
            }
            Visit::Gone(why) => self.farewell(listener, why),
            Visit::Stuck => self.eager.push(listener),
        }
    }

    /// Serves the eager, and everybody or the listeners of the next slot.
    fn serve(&mut self, everybody: bool) {
        for (fan, listeners) in std::mem::take(&mut self.leaving) {
            self.pass_on(fan, listeners);
        }
        let tip = self.tip.borrow_and_update().clone();
        let now = Instant::now();
        let mut sent_bytes = self.serve_eager(&tip, now);
        for _ in 0..if everybody { SLOTS } else { 1 } {
            sent_bytes += self.serve_slot(self.next_served, &tip, now);
            self.next_served = (self.next_served + 1) % SLOTS;
        }
        self.counters.sent_bytes.add(sent_bytes);
    }

    /// Visits the listeners of a slot; how many bytes they took.
    fn serve_slot(&mut self, slot: usize, tip: &Tip, now: Instant) -> u64 {
        let (mut at, mut sent_bytes) = (0, 0);
        while let Some(listener) = self.slots[slot].get_mut(at) {
            let before = listener.arrival.sent_bytes;
            let visit = listener.visit(tip, &self.limits, now);
            sent_bytes += listener.arrival.sent_bytes - before;
            if matches!(visit, Visit::CaughtUp) {
                at += 1;
            } else {
                let listener = self.slots[slot].swap_remove(at);
                self.settle(listener, visit);
            }
        }
        sent_bytes
    }

    /// Visits the eager; how many bytes they took.
    fn serve_eager(&mut self, tip: &Tip, now: Instant) -> u64 {
        let (mut at, mut sent_bytes) = (0, 0);
        while let Some(listener) = self.eager.get_mut(at) {
            let before = listener.arrival.sent_bytes;
            let visit = listener.visit(tip, &self.limits, now);
            sent_bytes += listener.arrival.sent_bytes - before;
            if matches!(visit, Visit::Stuck) {
                at += 1;
            } else {
                let listener = self.eager.swap_remove(at);
                self.settle(listener, visit);
            }
        }
        sent_bytes
    }

    fn farewell(&mut self, mut listener: Listener, why: Leaving) {
        self.listeners -= 1;
        listener.arrival.socket.part();
        let Arrival { id, ip, user_agent, asked, .. } = &*listener.arrival;
        let (sent_bytes, stayed) = (listener.arrival.sent_bytes, listener.arrival.joined.elapsed());
        let user_agent = user_agent.as_deref();
        let finished = Finished { ip: *ip, user_agent, status: 200, sent_bytes, stayed };
        self.logs.access.write(asked.as_ref(), finished);
        let stayed = stayed.as_secs();
        let mount = &self.mount;
        match why {
            Leaving::Ended => info!(%mount, listener = id, sent_bytes, stayed, "stream ended"),
            Leaving::Left => info!(%mount, listener = id, sent_bytes, stayed, "left"),
            Leaving::Removed => info!(%mount, listener = id, sent_bytes, stayed, "removed"),
            Leaving::TimeOver => info!(%mount, listener = id, sent_bytes, stayed, "time over"),
            Leaving::TooSlow { behind_bytes } => {
                self.counters.slow_listeners.add(1);
                info!(%mount, listener = id, %ip, behind_bytes, stayed, "too slow, dropped");
            }
        }
    }
}

impl Listener {
    fn about(&self) -> ListenerAbout {
        let Arrival { id, ip, home, user_agent, user, .. } = &*self.arrival;
        ListenerAbout {
            id: *id,
            ip: *ip,
            home: home.clone(),
            user_agent: user_agent.clone(),
            stayed: self.arrival.joined.elapsed(),
            user: user.clone(),
        }
    }

    /// Writes what there is until the socket is full, and notices whether the listener is gone.
    fn visit(&mut self, tip: &Tip, limits: &FanLimits, now: Instant) -> Visit {
        if self.has_left() {
            return Visit::Gone(Leaving::Left);
        }
        let time_max = self.arrival.time_max.or(limits.listener_duration_max);
        if time_max.is_some_and(|max| now - self.arrival.joined >= max) {
            return Visit::Gone(Leaving::TimeOver);
        }
        let behind_bytes = self.arrival.feed.behind_bytes(tip.bytes);
        if behind_bytes > limits.queue_bytes {
            return Visit::Gone(Leaving::TooSlow { behind_bytes });
        }
        let mut written = 0;
        while written < VISIT_BYTES_MAX {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let (count, planned) = match self.arrival.feed.plan(&mut slices, WRITE_BYTES_MAX) {
                plan @ (Plan::CaughtUp | Plan::End) => {
                    return match self.arrival.socket.try_flush() {
                        Ok(()) if plan == Plan::End => Visit::Gone(Leaving::Ended),
                        Ok(()) => Visit::CaughtUp,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => Visit::Stuck,
                        Err(_) => Visit::Gone(Leaving::Left),
                    };
                }
                Plan::Land(landing) => {
                    let start = match landing {
                        Landing::Burst => &tip.burst,
                        Landing::Newest => &tip.newest,
                    };
                    self.arrival.feed.land(start.clone());
                    continue;
                }
                Plan::Write { slices, bytes } => (slices, bytes),
            };
            match self.arrival.socket.try_write_vectored(&slices[..count]) {
                Ok(taken) => {
                    self.arrival.feed.advance(taken);
                    self.arrival.sent_bytes += taken as u64;
                    written += taken;
                    if taken < planned {
                        return Visit::Stuck;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Visit::Stuck,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Visit::Gone(Leaving::Left),
            }
        }
        Visit::Stuck
    }

    /// Whether the other side has closed. What a player sends after its request is not for us.
    fn has_left(&mut self) -> bool {
        match self.arrival.socket.try_read(&mut [0; IGNORED_BYTES_MAX]) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }
}

/// Slots that listeners are spread over. With the default flush delay a tick comes every 47 ms
/// and serves a sixteenth of the listeners.
const SLOTS: usize = 16;
const SLOTS_U32: u32 = 16;
/// The shortest time between ticks, however short the flush delay.
const TICK_MIN: Duration = Duration::from_millis(5);
/// Time between ticks when listeners are served at once, for those that are stuck or have left.
const IDLE_TICK: Duration = Duration::from_millis(100);
/// The most bytes in one write.
const WRITE_BYTES_MAX: usize = 131_072;
/// The most bytes to one listener in one visit, so that one that catches up delays nobody.
const VISIT_BYTES_MAX: usize = 262_144;
/// Bytes from a listener that one visit throws away.
const IGNORED_BYTES_MAX: usize = 512;
