//! A soak: the release binary under a crowd, with everything happening to it at once.
//!
//! Sources of four formats come and go on four mounts and on the mounts they fall back to;
//! listeners join and leave and check every byte; an administrator kills, moves, titles and
//! reloads; strangers send garbage or do not read. At the end nobody may be left in the counters,
//! and the memory must be what it was. What was seen is printed; the exit code is 1 if anything
//! was wrong. From the top of the repository, with ffmpeg installed:
//!
//! ```text
//! cargo build --release -p carrier-server
//! cargo run -p e2e --release --example soak -- --minutes 20
//! ```

mod check;
mod disturb;
mod listener;
mod material;
mod server;
mod source;
mod tally;

use clap::Parser;
use disturb::Disturber;
use e2e::Random;
use material::{Kind, Material};
use server::{Counts, Server};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tally::Tally;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

/// What the operator says.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// How long it lasts.
    #[arg(long, default_value_t = 20)]
    minutes: u64,
    /// How many listeners there are at once.
    #[arg(long, default_value_t = 500)]
    listeners: u64,
    /// The server.
    #[arg(long, default_value = "target/release/carrier-server")]
    binary: PathBuf,
    /// Where the random numbers begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Whether the server is told to read its configuration again.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    reload: bool,
}

/// What everybody in the run knows.
#[derive(Clone, Debug)]
struct Run {
    server: Arc<Server>,
    tally: Arc<Tally>,
    /// Takes what was wrong.
    faults: mpsc::Sender<String>,
    /// Becomes true when the run ends.
    over: watch::Receiver<bool>,
}

impl Run {
    /// Lets `time` pass, or what is left of the run. Whether the run goes on.
    async fn rest(&mut self, time: Duration) -> bool {
        timeout(time, self.over.wait_for(|over| *over)).await.is_err()
    }

    /// Reports something wrong; the first ones are enough.
    fn fault(&self, what: String) {
        self.tally.faults.add(1);
        let _ = self.faults.try_send(what);
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match soak(options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("the soak cannot go on: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Runs it all; whether all was well.
async fn soak(options: Options) -> Result<bool, Box<dyn std::error::Error>> {
    say("encoding a minute of each format");
    let folder = tempfile::tempdir()?;
    let materials = Material::encode_all(folder.path()).await?;
    let server = Arc::new(Server::start(&options.binary, folder.path()).await?);
    let (faults, mut reported) = mpsc::channel(FAULTS_WAITING_MAX);
    let (end, over) = watch::channel(false);
    let run = Run { server: Arc::clone(&server), tally: Arc::new(Tally::default()), faults, over };
    let mut tasks = JoinSet::new();
    let mut random = Random::new(options.seed);
    for material in materials {
        for is_backup in [false, true] {
            let (random, material) = (random.fork(), Arc::clone(&material));
            tasks.spawn(source::feed(run.clone(), material, is_backup, random));
        }
    }
    for number in 0..options.listeners {
        let kind = Kind::ALL[usize::try_from(number)? % Kind::ALL.len()];
        tasks.spawn(listener::come_and_go(run.clone(), number, kind, random.fork()));
    }
    let disturber = Disturber { run: run.clone(), random: random.fork(), reload: options.reload };
    tasks.spawn(disturber.disturb());

    let mut memory = Vec::new();
    let started = Instant::now();
    let mut beat = interval(SAMPLE_EVERY);
    while started.elapsed() < Duration::from_secs(60 * options.minutes) {
        tokio::select! {
            _ = beat.tick() => memory.push(sample(&run, started).await?),
            Some(fault) = reported.recv() => say(&format!("FAULT: {fault}")),
        }
    }
    end.send_replace(true);
    while tasks.join_next().await.is_some() {}
    let left = server.until_empty().await?;
    memory.push(sample(&run, started).await?);
    while let Ok(fault) = reported.try_recv() {
        say(&format!("FAULT: {fault}"));
    }
    let exit = server.stop().await?;
    Ok(verdict(&run.tally, &left, &memory, exit))
}

/// Prints what the server is like now; its memory in KiB.
async fn sample(run: &Run, started: Instant) -> Result<u64, Box<dyn std::error::Error>> {
    let memory_kib = run.server.memory_kib()?;
    let Counts { listeners, sources, clients } = run.server.counts().await?;
    let seconds = started.elapsed().as_secs();
    say(&format!(
        "{seconds:5} s  RSS {memory_kib:7} KiB  listeners {listeners:4}  sources {sources:2}  \
         clients {clients:4}  {}",
        run.tally
    ));
    Ok(memory_kib)
}

/// Prints what it all came to; whether all was well.
fn verdict(tally: &Tally, left: &Counts, memory: &[u64], exit: Option<i32>) -> bool {
    // Memory after the first quarter, when all caches are filled, against that of the last.
    let quarter = memory.len().div_ceil(4);
    let middle = |samples: &[u64]| {
        let mut samples = samples.to_vec();
        samples.sort_unstable();
        samples.get(samples.len() / 2).copied().unwrap_or_default()
    };
    let running = &memory[..memory.len() - 1];
    let early = middle(&running[quarter.min(running.len())..(2 * quarter).min(running.len())]);
    let late = middle(&running[running.len().saturating_sub(quarter)..]);
    let is_flat = late <= early + early / 5 + FLAT_SLACK_KIB;
    let is_empty = left.listeners == 0 && left.sources == 0 && left.clients <= 1;
    let faults = tally.faults.now();
    say(&format!("in all: {tally}"));
    say(&format!("faults {faults}; left over: {left:?}; exit code {exit:?}"));
    say(&format!("RSS of the second quarter {early} KiB, of the last {late} KiB: flat {is_flat}"));
    faults == 0 && is_empty && is_flat && exit == Some(0)
}

/// Prints a line.
fn say(line: &str) {
    // Where nobody reads, there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Faults that wait to be printed; more are only counted.
const FAULTS_WAITING_MAX: usize = 64;
/// Time between two looks at the server.
const SAMPLE_EVERY: Duration = Duration::from_secs(15);
/// What memory may grow beside a fifth, since a small server varies more.
const FLAT_SLACK_KIB: u64 = 8_192;
