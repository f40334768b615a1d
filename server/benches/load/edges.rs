//! One origin and three edges: what listeners and statistics see when an edge dies, when the origin
//! does, and when the way between them breaks.

use super::frames::Frames;
use super::listeners::{Crowd, Wish};
use super::scenarios::{Figure, count, get, health, quantile};
use super::servers::{PASSWORD, Running, free_address};
use super::source;
use common::auth::{Credentials, Password};
use common::http::basic;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The scenario.
pub(crate) async fn edges() -> io::Result<Vec<Figure>> {
    let began = tokio::time::Instant::now();
    let address = free_address()?;
    let origin = Origin::start(address, began).await?;
    let places = [free_address()?, free_address()?, free_address()?];
    let edges = places.iter().map(|place| edge(*place, address));
    let mut edges = edges.collect::<io::Result<Vec<_>>>()?;
    let mut figures = Vec::new();
    for place in places {
        until_on_air(place, PATIENCE).await?;
    }
    let wish = Wish {
        mount: MOUNT.to_owned(),
        frames: origin.frames,
        delays: false,
        stalls: false,
        tls: None,
    };
    let at = |nth: usize| nth * EACH..(nth + 1) * EACH;
    let crowd = |nth: usize| Crowd::gather(places[nth], &wish, at(nth), ARRIVALS_PER_SECOND);
    let [dying, one, other] = [crowd(0), crowd(1), crowd(2)];
    let here = Duration::from_secs_f64(count(EACH) / f64::from(ARRIVALS_PER_SECOND));
    sleep(here).await;
    let all = until_sum(address, 3 * EACH).await?;
    figures.push(Figure::new("3,000 are there: until the origin says so", all, "s"));

    // An edge dies and is started again.
    drop(edges.remove(0));
    let forgotten = until_sum(address, 2 * EACH).await?;
    figures.push(Figure::new("an edge dies: until its 1,000 are counted off", forgotten, "s"));
    let seen = dying.dismiss().await;
    figures.push(Figure::new("of its listeners still there", count(seen.live), ""));
    let again = Instant::now();
    edges.push(edge(places[0], address)?);
    until_on_air(places[0], PATIENCE).await?;
    let back = again.elapsed().as_secs_f64();
    figures.push(Figure::new("it is started again: until its mount is back", back, "s"));
    let returned = crowd(0);
    sleep(here).await;
    let all = until_sum(address, 3 * EACH).await?;
    figures.push(Figure::new("its listeners return: until the origin says so", all, "s"));

    // The way between breaks: the origin lets all edges go, which dial again.
    let broken = break_off(address).await?;
    figures.push(Figure::new("the ways between break: edges let go", count(broken), ""));
    sleep(SETTLE).await;
    let seen = [one.dismiss().await, other.dismiss().await];
    let repeated: u64 = seen.iter().map(|seen| seen.repeated).sum();
    for (name, seen) in ["one edge", "another"].into_iter().zip(&seen) {
        figures.extend(health(&format!("until then, listeners of {name}"), EACH, seen));
    }
    let each = count(usize::try_from(repeated).unwrap_or_default()) / count(2 * EACH);
    figures.push(Figure::new("frames that each of them heard twice", each, ""));
    let [one, other] = [crowd(1), crowd(2)];
    sleep(here + SETTLE).await;

    let crowds = [("one edge", one), ("another", other), ("the third", returned)];
    figures.extend(origin_dies(origin, began, address, places, crowds).await?);
    Ok(figures)
}

/// The origin dies, and is started again a while later.
async fn origin_dies(
    origin: Origin,
    began: tokio::time::Instant,
    address: SocketAddr,
    places: [SocketAddr; 3],
    crowds: [(&str, Crowd); 3],
) -> io::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let died = Instant::now();
    drop(origin);
    sleep(ORIGIN_AWAY).await;
    let mut origin = Origin::start(address, began).await?;
    let away = died.elapsed().as_secs_f64();
    figures.push(Figure::new("the origin dies: until its source is back", away, "s"));
    let again = Instant::now();
    for place in places {
        until_listed(address, place, PATIENCE).await?;
    }
    let back = again.elapsed().as_secs_f64();
    figures.push(Figure::new("from then until all edges report again", back, "s"));
    let all = until_sum(address, 3 * EACH).await?;
    figures.push(Figure::new("and until its sum is right again", back + all, "s"));
    sleep(SETTLE).await;
    for (name, crowd) in crowds {
        let seen = crowd.dismiss().await;
        let cut = count(EACH) - count(seen.live);
        let lost = count(usize::try_from(seen.lost).unwrap_or_default()) / count(EACH);
        let silence = quantile(&seen.silences, 99).as_secs_f64();
        let name = |what: &str| format!("listeners of {name}: {what}");
        figures.push(Figure::new(name("cut off"), cut, "").at_most(0.0));
        figures.push(Figure::new(name("frames lost by each"), lost, ""));
        figures.push(Figure::new(name("longest silence, p99"), silence, "s"));
    }
    origin.check()?;
    Ok(figures)
}

/// An origin with its source.
struct Origin {
    _server: Running,
    sources: JoinSet<io::Result<()>>,
    frames: Frames,
}

impl Origin {
    /// Starts one at `address`, whose programme began at `began`.
    async fn start(address: SocketAddr, began: tokio::time::Instant) -> io::Result<Self> {
        let server = Running::carrier_on(address, 100, "")?;
        let frames = Frames::new(128, began.into_std());
        let mut sources = JoinSet::new();
        sources.spawn(source::feed_since(address, MOUNT.to_owned(), frames, AHEAD, began));
        until_on_air(address, PATIENCE).await?;
        Ok(Self { _server: server, sources, frames })
    }

    /// Fails if its source was refused or cut off.
    fn check(&mut self) -> io::Result<()> {
        match self.sources.try_join_next() {
            Some(_) => Err(io::Error::other("the source has ended")),
            None => Ok(()),
        }
    }
}

/// An edge as in `examples/edges`.
fn edge(place: SocketAddr, origin: SocketAddr) -> io::Result<Running> {
    let more = format!(
        "source_grace = '30s'\n[master]\nserver = '{origin}'\npassword = '{PASSWORD}'\n\
         update_interval = '10s'\n"
    );
    Running::carrier_on(place, EACH + 100, &more)
}

/// Waits until the server at `place` has the mount; fails after `patience`.
async fn until_on_air(place: SocketAddr, patience: Duration) -> io::Result<()> {
    until(patience, async || {
        let page = get(place, "/status-json.xsl", "").await.unwrap_or_default();
        page.contains(MOUNT)
    })
    .await
    .map(drop)
}

/// Waits until the origin feeds the edge at `place`: it lists it among those that report.
async fn until_listed(origin: SocketAddr, place: SocketAddr, patience: Duration) -> io::Result<()> {
    let name = format!("<name>localhost:{}</name>", place.port());
    until(patience, async || {
        get(origin, "/admin/edges", &authorization()).await.unwrap_or_default().contains(&name)
    })
    .await
    .map(drop)
}

/// Seconds until the origin counts so many `listeners`.
async fn until_sum(origin: SocketAddr, listeners: usize) -> io::Result<f64> {
    let field = format!("\"listeners\":{listeners},");
    let is_right = async || {
        let page = get(origin, "/status-json.xsl", "").await.unwrap_or_default();
        page.replace(' ', "").contains(&field)
    };
    until(PATIENCE, is_right).await.map(|took| took.as_secs_f64())
}

/// Lets every edge go that the origin feeds; how many.
async fn break_off(origin: SocketAddr) -> io::Result<usize> {
    let authorization = authorization();
    let page = get(origin, &format!("/admin/listclients?mount={MOUNT}"), &authorization).await?;
    let ids: Vec<_> =
        page.split("<ID>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    for id in &ids {
        let kill = format!("/admin/killclient?mount={MOUNT}&id={id}");
        get(origin, &kill, &authorization).await?;
    }
    Ok(ids.len())
}

/// How long it takes until `is_so`.
async fn until(patience: Duration, is_so: impl AsyncFn() -> bool) -> io::Result<Duration> {
    let began = Instant::now();
    while !is_so().await {
        if began.elapsed() > patience {
            return Err(io::Error::other(format!("waited for {patience:?} in vain")));
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(began.elapsed())
}

fn authorization() -> String {
    let password = Password::new(PASSWORD);
    let credentials = Credentials { user: "admin".to_owned(), password };
    format!("Authorization: {}\r\n", basic::written(&credentials))
}

const MOUNT: &str = "/bench-128.mp3";
/// Listeners of each edge.
const EACH: usize = 1_000;
const ARRIVALS_PER_SECOND: u32 = 1_000;
/// A source is so far ahead, as encoders are.
const AHEAD: Duration = Duration::from_millis(500);
/// What a supervisor takes to start a server again.
const ORIGIN_AWAY: Duration = Duration::from_secs(3);
/// For whatever comes late.
const SETTLE: Duration = Duration::from_secs(12);
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
