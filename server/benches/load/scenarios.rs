//! What is measured, one function for each scenario.

use super::edges;
use super::frames::{Frames, MIXED_KBPS};
use super::listeners::{self, Crowd, Seen, Wish};
use super::servers::{Certificate, PASSWORD, Running};
use super::source;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// One figure of one run.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// The most it should be; where there is a goal at all.
    goal: Option<f64>,
}

/// A scenario: given the seconds to measure over, what came of it.
type Scenario = fn(u32) -> Pin<Box<dyn Future<Output = io::Result<Vec<Figure>>>>>;

/// All scenarios, by name.
pub(crate) const ALL: [(&str, Scenario); 11] = [
    ("cost", |seconds| Box::pin(cost(seconds))),
    ("crowd", |seconds| Box::pin(crowd(seconds))),
    ("storm", |seconds| Box::pin(storm(seconds))),
    ("full", |_| Box::pin(full())),
    ("stalls", |_| Box::pin(stalls())),
    ("idle", |_| Box::pin(idle())),
    ("delay", |seconds| Box::pin(delay(seconds))),
    ("mixed", |seconds| Box::pin(mixed(seconds))),
    ("ogg", |seconds| Box::pin(ogg(seconds))),
    ("tls", |seconds| Box::pin(tls(seconds))),
    ("edges", |_| Box::pin(edges::edges())),
];

/// The medians of the figures of all runs.
pub(crate) fn medians(runs: &[Vec<Figure>]) -> Vec<Figure> {
    let Some(first) = runs.first() else { return Vec::new() };
    let of = |index: usize| {
        let mut values: Vec<f64> = runs.iter().map(|figures| figures[index].value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    first
        .iter()
        .enumerate()
        .map(|(index, figure)| Figure { value: of(index), ..figure.clone() })
        .collect()
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, goal: None }
    }

    pub(super) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, goal } = self;
        match goal {
            Some(goal) => write!(f, "| {name} | {value:.2} {unit} | ≤ {goal} {unit} |"),
            None => write!(f, "| {name} | {value:.2} {unit} | |"),
        }
    }
}

/// A server with its source.
struct Station {
    server: Running,
    sources: JoinSet<io::Result<()>>,
    epoch: Instant,
}

impl Station {
    /// Sends one stream for each of `kbps` to `server`, `ahead` of time.
    async fn new(server: Running, kbps: &[u32], ahead: Duration) -> Self {
        let epoch = Instant::now();
        let streams = kbps.iter().map(|kbps| (mount(*kbps), Frames::new(*kbps, epoch)));
        Self::with_streams(server, streams, epoch, ahead).await
    }

    async fn with_streams(
        server: Running,
        streams: impl Iterator<Item = (String, Frames)>,
        epoch: Instant,
        ahead: Duration,
    ) -> Self {
        let mut sources = JoinSet::new();
        for (mount, frames) in streams {
            sources.spawn(source::feed(server.address, mount, frames, ahead));
        }
        sleep(Duration::from_secs(2)).await;
        Self { server, sources, epoch }
    }

    fn wish(&self, kbps: u32) -> Wish {
        let frames = Frames::new(kbps, self.epoch);
        Wish { mount: mount(kbps), frames, delays: false, stalls: false, tls: None }
    }

    /// Lets `indices` listen, and waits until all are there.
    async fn listen(&self, wish: &Wish, indices: std::ops::Range<usize>) -> Crowd {
        let (to, per_second) = match &wish.tls {
            None => (self.server.address, ARRIVALS_PER_SECOND),
            // A handshake costs both sides a millisecond.
            Some(_) => (self.server.tls_address.expect("it speaks TLS"), HANDSHAKES_PER_SECOND),
        };
        let arrive_s = indices.len() as u64 / u64::from(per_second);
        let crowd = Crowd::gather(to, wish, indices, per_second);
        sleep(Duration::from_secs(arrive_s + 3)).await;
        crowd
    }

    /// Processor time of the server in a second, in microseconds, over `seconds`.
    async fn cpu_us(&self, seconds: u32) -> io::Result<f64> {
        let (before, began) = (self.server.usage()?, Instant::now());
        sleep(Duration::from_secs(seconds.into())).await;
        let (after, took) = (self.server.usage()?, began.elapsed());
        Ok((after.cpu - before.cpu).as_secs_f64() * 1e6 / took.as_secs_f64())
    }

    /// What each of [`LISTENERS`] costs, in microseconds a second. That is among the `figures`
    /// then, with what they saw.
    async fn cost(
        &mut self,
        name: &str,
        wish: &Wish,
        seconds: u32,
        figures: &mut Vec<Figure>,
    ) -> io::Result<f64> {
        let crowd = self.listen(wish, 0..LISTENERS).await;
        let cost = self.cpu_us(seconds).await? / count(LISTENERS);
        let seen = crowd.dismiss().await;
        self.check()?;
        figures.push(Figure::new(format!("{name}, {LISTENERS} listeners: each"), cost, "µs/s"));
        figures.extend(health(name, LISTENERS, &seen));
        Ok(cost)
    }

    fn rss_kib(&self) -> io::Result<f64> {
        Ok(f64::from(u32::try_from(self.server.usage()?.rss_kib).map_err(io::Error::other)?))
    }

    /// Fails if a source was refused or cut off.
    fn check(&mut self) -> io::Result<()> {
        match self.sources.try_join_next() {
            Some(Ok(Err(error))) => Err(error),
            Some(_) => Err(io::Error::other("a source has ended")),
            None => Ok(()),
        }
    }
}

fn mount(kbps: u32) -> String {
    format!("/bench-{kbps}.mp3")
}

/// What one listener costs: here, with a bare loop of writes, and with Icecast.
async fn cost(seconds: u32) -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut costs = Vec::new();
    let servers = [
        ("carrier-server", Running::carrier(LISTENERS + 100, "")?, true),
        ("a loop of writes", Running::floor(LISTENERS)?, false),
        ("Icecast 2.4.4", Running::icecast(LISTENERS + 100, None)?, true),
    ];
    for (name, server, is_fed) in servers {
        let kbps: &[u32] = if is_fed { &[128] } else { &[] };
        let mut station = Station::new(server, kbps, AHEAD).await;
        let wish = station.wish(128);
        costs.push(station.cost(name, &wish, seconds, &mut figures).await?);
    }
    figures.push(Figure::new("ratio to a loop of writes", costs[0] / costs[1], "").at_most(1.15));
    figures.push(Figure::new("ratio to Icecast 2.4.4", costs[0] / costs[2], "").at_most(0.25));
    Ok(figures)
}

/// Fifteen thousand on one process: what each costs, in time and in memory, and how long a
/// statistics page takes meanwhile.
async fn crowd(seconds: u32) -> io::Result<Vec<Figure>> {
    let server = Running::carrier(CROWD + 100, "")?;
    let mut station = Station::new(server, &[128], AHEAD).await;
    let wish = station.wish(128);
    let first = station.listen(&wish, 0..FEW).await;
    let before_kib = station.rss_kib()?;
    let rest = station.listen(&wish, FEW..CROWD).await;
    let after_kib = station.rss_kib()?;
    let (cost, mut pages) =
        tokio::join!(station.cpu_us(seconds), pages(station.server.address, seconds));
    let cost = cost? / count(CROWD);
    pages.sort_unstable();
    let (mut seen, others) = (first.dismiss().await, rest.dismiss().await);
    seen.live += others.live;
    seen.lost += others.lost;
    seen.bad_bytes += others.bad_bytes;
    station.check()?;
    let each = (after_kib - before_kib) / count(CROWD - FEW);
    let mut figures = vec![
        Figure::new(format!("{CROWD} listeners: each"), cost, "µs/s").at_most(25.0),
        Figure::new(format!("memory of each, from {FEW} to {CROWD}"), each, "KiB").at_most(1.5),
        Figure::new("a statistics page meanwhile, p99", ms(quantile(&pages, 99)), "ms")
            .at_most(50.0),
    ];
    figures.extend(health("crowd", CROWD, &seen));
    Ok(figures)
}

/// Five thousand listen while three times as many arrive at 5,000 a second.
async fn storm(seconds: u32) -> io::Result<Vec<Figure>> {
    let server = Running::carrier(LISTENERS + STORM + 50, "")?;
    let mut station = Station::new(server, &[128], AHEAD).await;
    let wish = station.wish(128);
    let here = station.listen(&wish, 0..LISTENERS).await;
    let arriving = LISTENERS..LISTENERS + STORM;
    let storm = Crowd::gather(station.server.address, &wish, arriving, STORM_PER_SECOND);
    sleep(Duration::from_secs(5 + u64::from(seconds))).await;
    let (here, storm) = (here.dismiss().await, storm.dismiss().await);
    station.check()?;
    let first_audio = |part| ms(quantile(&storm.first_audio, part));
    let mut figures = vec![
        Figure::new(format!("{STORM} arrive: first audio p50"), first_audio(50), "ms"),
        Figure::new(format!("{STORM} arrive: first audio p99"), first_audio(99), "ms")
            .at_most(100.0),
    ];
    figures.extend(health("who was there before", LISTENERS, &here));
    figures.extend(health("who arrived", STORM, &storm));
    Ok(figures)
}

/// As many as a server lets in are there, and as many again ask at the same rate.
async fn full() -> io::Result<Vec<Figure>> {
    let server = Running::carrier(LISTENERS, "")?;
    let mut station = Station::new(server, &[128], AHEAD).await;
    let wish = station.wish(128);
    // The source is a client too, and a few places are the administrator's and the sources'.
    let inside = LISTENERS - FULL_RESERVE;
    let here = station.listen(&wish, 0..inside).await;
    // They take what the reserve leaves to listeners, if anything.
    let rest = station.listen(&wish, inside..LISTENERS).await;
    let mut turned_away = turned_away(station.server.address, LISTENERS).await;
    let (here, _) = (here.dismiss().await, rest.dismiss().await);
    station.check()?;
    let answered = turned_away.len();
    turned_away.sort_unstable();
    let took = |percent| ms(quantile(&turned_away, percent));
    let name = |what| format!("{LISTENERS} more than a full server takes: {what}");
    let mut figures = vec![
        Figure::new(name("not answered 503"), count(LISTENERS) - count(answered), "").at_most(0.0),
        Figure::new(name("answer p50"), took(50), "ms"),
        Figure::new(name("answer p99"), took(99), "ms").at_most(50.0),
    ];
    figures.extend(health("who was in", inside, &here));
    Ok(figures)
}

/// How long each of `asking` listeners, who come at [`ARRIVALS_PER_SECOND`], waited for a 503.
async fn turned_away(to: SocketAddr, asking: usize) -> Vec<Duration> {
    let began = Instant::now();
    let mut all = JoinSet::new();
    for at in 0..asking {
        let due = began + Duration::from_secs_f64(count(at) / f64::from(ARRIVALS_PER_SECOND));
        all.spawn(async move {
            tokio::time::sleep_until(due.into()).await;
            let asked = Instant::now();
            let answer = timeout(PAGE_MAX, answered(to)).await;
            matches!(answer, Ok(Ok(status)) if status.starts_with("HTTP/1.0 503"))
                .then(|| asked.elapsed())
        });
    }
    all.join_all().await.into_iter().flatten().collect()
}

/// The first line of the answer to a listener at `to`.
async fn answered(to: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(to).await?;
    // A server that is full may have hung up before the request is written.
    drop(stream.write_all(b"GET /bench-128.mp3 HTTP/1.0\r\n\r\n").await);
    let mut head = [0; 64];
    let read = stream.read(&mut head).await?;
    Ok(String::from_utf8_lossy(&head[..read]).into_owned())
}

/// Two thousand of ten thousand stop reading, with a small queue and with the usual one.
async fn stalls() -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for queue_kib in [128, 512] {
        figures.extend(stalls_before(queue_kib).await?);
    }
    Ok(figures)
}

async fn stalls_before(queue_kib: u32) -> io::Result<Vec<Figure>> {
    let more = format!("queue_size = '{queue_kib}KiB'\nburst_size = '32KiB'\n");
    let server = Running::carrier(READERS + STALLED + 100, &more)?;
    let mut station = Station::new(server, &[128], AHEAD).await;
    let wish = station.wish(128);
    let readers = station.listen(&wish, 0..READERS).await;
    let stalled_wish = Wish { stalls: true, ..wish };
    let stalled = station.listen(&stalled_wish, READERS..READERS + STALLED).await;
    let (before_kib, began) = (station.rss_kib()?, Instant::now());
    let (mut most_kib, mut slow) = (before_kib, 0);
    while slow < STALLED && began.elapsed() < STALLS_MAX {
        sleep(Duration::from_millis(500)).await;
        most_kib = most_kib.max(station.rss_kib()?);
        slow = slow_listeners(station.server.address).await?;
    }
    let took = began.elapsed().as_secs_f64();
    let seen = readers.dismiss().await;
    drop(stalled);
    station.check()?;
    let kept = count(STALLED) - count(slow);
    let name = |what| format!("{STALLED} stop reading, queue {queue_kib} KiB: {what}");
    let mut figures = vec![
        Figure::new(name("not dropped"), kept, "").at_most(0.0),
        Figure::new(name("until the last is dropped"), took, "s"),
        Figure::new(name("memory grows by"), most_kib - before_kib, "KiB")
            .at_most(queue_kib.into()),
    ];
    figures.extend(health(&name("who reads on"), READERS, &seen));
    Ok(figures)
}

/// One source, and nobody listens.
async fn idle() -> io::Result<Vec<Figure>> {
    let mut station = Station::new(Running::carrier(100, "")?, &[128], AHEAD).await;
    let percent = station.cpu_us(IDLE_SECONDS).await? / 10_000.0;
    station.check()?;
    Ok(vec![Figure::new("one source, no listener", percent, "% of a core").at_most(0.2)])
}

/// How long a frame is under way from the source to a listener.
async fn delay(seconds: u32) -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (flush_delay, goal) in [("0ms", Some(20.0)), ("500ms", None)] {
        let more = format!("flush_delay = '{flush_delay}'\n");
        let server = Running::carrier(FEW + 100, &more)?;
        let mut station = Station::new(server, &[128], Duration::ZERO).await;
        let wish = Wish { delays: true, ..station.wish(128) };
        let crowd = station.listen(&wish, 0..FEW).await;
        sleep(Duration::from_secs(3)).await;
        let cost = station.cpu_us(seconds).await? / count(FEW);
        let seen = crowd.dismiss().await;
        station.check()?;
        let under_way = |part| f64::from(quantile(&seen.delays_us, part)) / 1e3;
        let name = |what| format!("flush delay {flush_delay}, {FEW} listeners: {what}");
        figures.push(Figure::new(name("delay p50"), under_way(50), "ms"));
        let p99 = Figure::new(name("delay p99"), under_way(99), "ms");
        figures.push(Figure { goal, ..p99 });
        figures.push(Figure::new(name("each"), cost, "µs/s"));
        figures.extend(health(flush_delay, FEW, &seen));
    }
    Ok(figures)
}

/// Four mounts of different bit rates at once.
async fn mixed(seconds: u32) -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut costs = Vec::new();
    let servers = [
        ("carrier-server", Running::carrier(LISTENERS + 100, "")?),
        ("Icecast 2.4.4", Running::icecast(LISTENERS + 100, None)?),
    ];
    let each = LISTENERS / MIXED_KBPS.len();
    for (name, server) in servers {
        let mut station = Station::new(server, &MIXED_KBPS, AHEAD).await;
        let mut crowds = Vec::new();
        for (at, kbps) in MIXED_KBPS.into_iter().enumerate() {
            crowds.push(station.listen(&station.wish(kbps), at * each..(at + 1) * each).await);
        }
        let cost = station.cpu_us(seconds).await? / count(LISTENERS);
        for (kbps, crowd) in MIXED_KBPS.into_iter().zip(crowds) {
            let seen = crowd.dismiss().await;
            figures.extend(health(&format!("{name}, {kbps} kbit/s"), each, &seen));
        }
        station.check()?;
        figures.push(Figure::new(format!("{name}, 64 to 320 kbit/s: each"), cost, "µs/s"));
        costs.push(cost);
    }
    figures.push(Figure::new("ratio to Icecast 2.4.4, mixed", costs[0] / costs[1], ""));
    Ok(figures)
}

/// An Ogg mount, here and with Icecast.
async fn ogg(seconds: u32) -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut costs = Vec::new();
    let servers = [
        ("carrier-server, Ogg", Running::carrier(LISTENERS + 100, "")?),
        ("Icecast 2.4.4, Ogg", Running::icecast(LISTENERS + 100, None)?),
    ];
    for (name, server) in servers {
        let epoch = Instant::now();
        let frames = Frames::opus(128, epoch);
        let stream = (OGG_MOUNT.to_owned(), frames);
        let mut station = Station::with_streams(server, [stream].into_iter(), epoch, AHEAD).await;
        let wish = Wish { mount: OGG_MOUNT.to_owned(), frames, ..station.wish(128) };
        costs.push(station.cost(name, &wish, seconds, &mut figures).await?);
    }
    figures.push(Figure::new("ratio to Icecast 2.4.4, Ogg", costs[0] / costs[1], "").at_most(0.25));
    Ok(figures)
}

/// Listeners over TLS, here and with Icecast, and as many without.
async fn tls(seconds: u32) -> io::Result<Vec<Figure>> {
    let certificate = Certificate::new()?;
    let connector = listeners::believing(&certificate.der)?;
    let mut figures = Vec::new();
    let mut costs = Vec::new();
    let servers = [
        ("carrier-server", Running::carrier_tls(TLS_LISTENERS + 100, &certificate)?, false),
        ("carrier-server, TLS", Running::carrier_tls(TLS_LISTENERS + 100, &certificate)?, true),
        ("Icecast 2.4.4, TLS", Running::icecast(TLS_LISTENERS + 100, Some(&certificate))?, true),
    ];
    for (name, server, is_secure) in servers {
        let mut station = Station::new(server, &[128], AHEAD).await;
        let before_kib = station.rss_kib()?;
        let wish = Wish { tls: is_secure.then(|| connector.clone()), ..station.wish(128) };
        let crowd = station.listen(&wish, 0..TLS_LISTENERS).await;
        let cost = station.cpu_us(seconds).await? / count(TLS_LISTENERS);
        // While they are there: whoever leaves gives memory back.
        let memory_kib = (station.rss_kib()? - before_kib) / count(TLS_LISTENERS);
        let seen = crowd.dismiss().await;
        station.check()?;
        figures.push(Figure::new(format!("{name}, {TLS_LISTENERS} listeners: each"), cost, "µs/s"));
        figures.push(Figure::new(format!("{name}: memory of each"), memory_kib, "KiB"));
        figures.extend(health(name, TLS_LISTENERS, &seen));
        costs.push(cost);
    }
    figures.push(Figure::new("TLS: times the cost without", costs[1] / costs[0], ""));
    figures.push(Figure::new("ratio to Icecast 2.4.4, TLS", costs[1] / costs[2], "").at_most(0.25));
    Ok(figures)
}

/// What nobody should have seen; only where somebody did.
pub(super) fn health(who: &str, listeners: usize, seen: &Seen) -> [Figure; 2] {
    let cut = count(listeners) - count(seen.live);
    let faults = count(usize::try_from(seen.lost + seen.bad_bytes).unwrap_or(usize::MAX));
    [
        Figure::new(format!("{who}: listeners cut off or not served"), cut, "").at_most(0.0),
        Figure::new(format!("{who}: frames lost or bad"), faults, "").at_most(0.0),
    ]
}

/// How long each of the statistics pages took that were asked for ten times a second.
async fn pages(to: SocketAddr, seconds: u32) -> Vec<Duration> {
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(seconds.into()) {
        let asked = Instant::now();
        let page = timeout(PAGE_MAX, get(to, "/status-json.xsl", "")).await;
        took.push(if matches!(page, Ok(Ok(_))) { asked.elapsed() } else { PAGE_MAX });
        sleep(Duration::from_millis(100)).await;
    }
    took
}

async fn slow_listeners(to: SocketAddr) -> io::Result<usize> {
    let credentials = common::auth::Credentials {
        user: "admin".to_owned(),
        password: common::auth::Password::new(PASSWORD),
    };
    let line = format!("Authorization: {}\r\n", common::http::basic::written(&credentials));
    let page = get(to, "/admin/stats", &line).await?;
    let (_, rest) = page.split_once("<slow_listeners>").unwrap_or_default();
    let (number, _) = rest.split_once('<').unwrap_or_default();
    Ok(number.parse().unwrap_or_default())
}

pub(super) async fn get(to: SocketAddr, path: &str, line: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(to).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: bench\r\n{line}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    Ok(page)
}

/// The value below which so many in a hundred are; the values are sorted.
pub(super) fn quantile<T: Copy + Default>(values: &[T], percent: usize) -> T {
    values.get(values.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(super) fn count(listeners: usize) -> f64 {
    f64::from(u32::try_from(listeners).unwrap_or(u32::MAX))
}

const LISTENERS: usize = 5_000;
const FEW: usize = 1_000;
const CROWD: usize = 15_000;
/// With those who are there already, just below 20 000 connections, which is what an ordinary
/// system lets one process have.
const STORM: usize = 14_800;
/// Of a full server's places so many may not be listeners'.
const FULL_RESERVE: usize = 20;
const READERS: usize = 8_000;
const STALLED: usize = 2_000;
const TLS_LISTENERS: usize = 2_000;
const OGG_MOUNT: &str = "/bench.ogg";
const ARRIVALS_PER_SECOND: u32 = 2_000;
const HANDSHAKES_PER_SECOND: u32 = 300;
const STORM_PER_SECOND: u32 = 5_000;
const IDLE_SECONDS: u32 = 30;
/// Stalled listeners are waited for so long.
const STALLS_MAX: Duration = Duration::from_secs(120);
const PAGE_MAX: Duration = Duration::from_secs(5);
/// A source is so far ahead, as encoders are.
const AHEAD: Duration = Duration::from_millis(500);
