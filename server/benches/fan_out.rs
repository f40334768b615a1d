//! What one listener costs: this server and the packaged Icecast, in one run.
//!
//! `cargo bench -p carrier-server --bench fan_out -- [LISTENERS] [SECONDS] [RUNS]`
//!
//! For each server in turn: a source sends a 128 kbit/s MP3 stream in real time, LISTENERS players
//! with ICY metadata arrive at 2,000 a second, and after three seconds the server's processor time
//! is taken over SECONDS. Every listener checks every frame. The table gives medians over RUNS.
#![expect(clippy::print_stdout, reason = "a bench speaks to who started it")]
#![forbid(unsafe_code)]

mod load {
    pub(crate) mod frames;
    pub(crate) mod listeners;
    pub(crate) mod servers;
}

use load::frames;
use load::listeners::Crowd;
use load::servers::{PASSWORD, Running};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

/// One measurement.
struct Measured {
    cpu_us_per_listener_s: f64,
    live: usize,
    lost: u64,
    bad_bytes: u64,
    first_audio_p50_ms: f64,
    first_audio_p99_ms: f64,
    rss_kib: u64,
}

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u32>().ok());
    let listeners = numbers.next().unwrap_or(1_000);
    let (seconds, runs) = (numbers.next().unwrap_or(10), numbers.next().unwrap_or(3));
    rlimit::increase_nofile_limit(u64::MAX)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;

    println!("{listeners} listeners, {seconds} s, {runs} runs, medians\n");
    println!(
        "| server | CPU µs per listener·s | live | lost | bad | first audio p50 / p99 | RSS MiB |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut medians = Vec::new();
    for (name, start) in SERVERS {
        let mut measured = Vec::new();
        for _ in 0..runs {
            let server = start(usize::try_from(listeners).unwrap_or(usize::MAX) + 100)?;
            measured.push(runtime.block_on(measure(&server, listeners, seconds))?);
        }
        let median = |of: fn(&Measured) -> f64| median(measured.iter().map(of).collect());
        let cpu = median(|run| run.cpu_us_per_listener_s);
        medians.push(cpu);
        println!(
            "| {name} | {cpu:.1} | {} | {} | {} | {:.1} / {:.1} ms | {:.1} |",
            measured.iter().map(|run| run.live).min().unwrap_or_default(),
            measured.iter().map(|run| run.lost).sum::<u64>(),
            measured.iter().map(|run| run.bad_bytes).sum::<u64>(),
            median(|run| run.first_audio_p50_ms),
            median(|run| run.first_audio_p99_ms),
            median(|run| { f64::from(u32::try_from(run.rss_kib).unwrap_or(u32::MAX)) / 1_024.0 }),
        );
    }
    println!("\nratio of processor time: {:.2}", medians[0] / medians[1]);
    Ok(())
}

/// A server's name, and how to start it for so many clients.
type Start = (&'static str, fn(usize) -> io::Result<Running>);

const SERVERS: [Start; 2] =
    [("carrier-server", Running::carrier), ("Icecast 2.4.4", Running::icecast)];

async fn measure(server: &Running, listeners: u32, seconds: u32) -> io::Result<Measured> {
    let mut source = tokio::task::JoinSet::new();
    source.spawn(feed(server.address));
    sleep(Duration::from_secs(2)).await;
    let count = usize::try_from(listeners).unwrap_or(usize::MAX);
    let crowd = Crowd::gather(server.address, count, ARRIVALS_PER_SECOND);
    sleep(Duration::from_secs(u64::from(listeners / ARRIVALS_PER_SECOND) + 3)).await;

    let (before, began) = (server.usage()?, Instant::now());
    sleep(Duration::from_secs(seconds.into())).await;
    let (after, took) = (server.usage()?, began.elapsed());

    let seen = crowd.dismiss().await;
    if let Some(Ok(Err(error))) = source.try_join_next() {
        return Err(error);
    }
    let quantile = |part: usize, of: usize| {
        let index = seen.first_audio.len().saturating_sub(1) * part / of;
        seen.first_audio.get(index).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1_000.0)
    };
    let cpu = (after.cpu - before.cpu).as_secs_f64() * 1e6;
    Ok(Measured {
        cpu_us_per_listener_s: cpu / took.as_secs_f64() / f64::from(listeners),
        live: seen.live,
        lost: seen.lost,
        bad_bytes: seen.bad_bytes,
        first_audio_p50_ms: quantile(50, 100),
        first_audio_p99_ms: quantile(99, 100),
        rss_kib: after.rss_kib,
    })
}

/// Sends the stream in real time, half a second ahead, until it is dropped.
async fn feed(to: std::net::SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    let credentials = common::auth::Credentials {
        user: "source".to_owned(),
        password: common::auth::Password::new(PASSWORD),
    };
    let authorization = common::http::basic::written(&credentials);
    let head = format!(
        "SOURCE /bench.mp3 HTTP/1.0\r\nAuthorization: {authorization}\r\n\
         Content-Type: audio/mpeg\r\nice-name: bench\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = [0; 19];
    stream.read_exact(&mut answer).await?;
    if answer != *b"HTTP/1.0 200 OK\r\n\r\n" {
        return Err(io::Error::other("the source was refused"));
    }
    let (start, mut sent) = (Instant::now(), 0);
    loop {
        let played = start.elapsed() + Duration::from_millis(500);
        let due = u64::try_from(played.as_nanos() / frames::FRAME_PLAYS.as_nanos())
            .map_err(io::Error::other)?;
        stream.write_all(&frames::frames(sent..due)).await?;
        sent = due;
        sleep_until(Instant::now() + Duration::from_millis(50)).await;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

const ARRIVALS_PER_SECOND: u32 = 2_000;
