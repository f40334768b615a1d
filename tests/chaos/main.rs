//! Chaos: everything around the source goes wrong, and no second of it is silent.
//!
//! The program `carrier-source` plays two channels to six outputs. Two of these go to a server of
//! ours that does its duty; what its listeners hear is recorded, decoded by ffmpeg and measured.
//! Meanwhile files vanish, rot and are rewritten as they play; lists are emptied, half written,
//! enormous; other servers die, stall, refuse, reset and talk nonsense; clients of telnet and HTTP
//! misbehave; the disk is full for the state; configurations come with and without mistakes. What
//! happens is drawn from a deck in which each [`Kind`] is once, by a generator whose seed is
//! printed, so that a short run has everything in it.
//!
//! A full disk is a link to `/dev/full` where the state is written before it is put in its place:
//! every byte finds no space left, and nobody has to be root for it.
//!
//! At the end: no stretch of [`SILENCE_MAX`] was silent; audio never paused for [`PAUSE_MAX`], and
//! as much came as time has passed; the good connections are the ones from the start; telnet
//! answered whoever came, as a rule within [`REPLY_MAX`], measured by another client from before it
//! connects to the last byte of `END`; memory, descriptors and threads have stayed within bounds;
//! the state is on the disk; when all is mended music plays to every server, and the program leaves
//! with code 0.
//!
//! As a test it takes less than a minute. Twenty, as in the requirements, from the top of the
//! repository:
//!
//! ```text
//! CARRIER_CHAOS_MINUTES=20 cargo test --release -p e2e --test chaos -- --nocapture
//! ```
//!
//! `CARRIER_CHAOS_SEED` takes a seed from an earlier run. Two channels with five encoders want a
//! good third of a core without optimisation, which is too much for a machine that is busy
//! otherwise.
//!
//! Twenty minutes of seed 1 (2 cores, release build): 1,195 disturbances, each kind 27 or 28 times;
//! 1,205.8 s of audio in 1,205.8 s, the longest silence 240 ms, the longest pause 138 ms, nothing
//! given up; 11,770 telnet replies, 99 % within 2.6 ms, all within 301; at most 44 MiB of memory,
//! 39 in the last quarter. Beside compilers on both cores the sound was as perfect, and 99 % of the
//! replies came within 5.5 ms.
#![forbid(unsafe_code)]

mod disturb;
mod files;
mod happening;
mod listener;
mod program;
mod servers;
mod sessions;
mod sound;
mod telnet;

use crate::disturb::{Disturber, Kind};
use crate::files::Music;
use crate::happening::Stage;
use crate::listener::Heard;
use crate::program::{Source, Usage};
use crate::servers::Rude;
use crate::sound::Sound;
use crate::telnet::Replies;
use e2e::{Program, Random, Station};
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_around_it_no_second_is_silent() {
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    let length = said("CARRIER_CHAOS_MINUTES").map_or(SHORT, |it| Duration::from_secs(60 * it));
    let seed = said("CARRIER_CHAOS_SEED").unwrap_or(1);
    say(&format!("{} s of chaos from the seed {seed}", length.as_secs()));
    let folder = tempfile::tempdir().expect("a folder");
    let music = Music::record(&ffmpeg, folder.path()).await;
    let (end, over) = watch::channel(false);
    let run = Run { began: Instant::now(), over };
    let mut tasks = JoinSet::new();
    // Its listeners get what is there at once, so that their pauses are those of the source.
    let good = Station::with("limits.flush_delay = 0");
    let rude = Rude::start(&run, &mut tasks).await;
    let (source, peer) = Source::start(folder.path(), good.address(), &rude).await;
    let listeners = listener::listen(&run, &good, folder.path()).await;
    let replies = begun(telnet::ask_again_and_again(run.clone(), source.telnet));
    let usage = begun(program::watch_usage(run.clone(), source.pid));
    let stage = Arc::new(Stage { music, rude, source });
    let disturber = Disturber::new(Arc::clone(&stage), run.clone(), Random::new(seed));
    let disturbed = begun(disturber.disturb(length));

    let disturbances = all(disturbed).await.swap_remove(0);
    stage.mend();
    stage.source.until_well().await;
    end.send_replace(true);

    let heard = all(listeners).await;
    let (replies, usage) = (all(replies).await.swap_remove(0), all(usage).await.swap_remove(0));
    let log = stage.source.leave(peer).await;
    drop(tasks);
    report(&disturbances);
    for heard in &heard {
        expect_sound(heard, Sound::of(&ffmpeg, &heard.file).await);
    }
    expect_replies(&replies);
    expect_usage(&usage);
    expect_log(&log);
}

/// What everybody in the run knows.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// When it began.
    began: Instant,
    /// Becomes true when it ends.
    over: watch::Receiver<bool>,
}

impl Run {
    /// Lets `time` pass, or what is left of the run. Whether the run goes on.
    async fn rest(&mut self, time: Duration) -> bool {
        timeout(time, self.over.wait_for(|over| *over)).await.is_err()
    }

    /// The second of the run that it is.
    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

/// Begins something beside everything else.
fn begun<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinSet<T> {
    let mut tasks = JoinSet::new();
    tasks.spawn(task);
    tasks
}

/// What `tasks` come to, each as soon as it ends.
async fn all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.push(ended.expect("nobody gives up"));
    }
    all
}

fn report(disturbances: &[(Kind, u64)]) {
    let sum: u64 = disturbances.iter().map(|(_, times)| times).sum();
    let each = disturbances.iter().map(|(kind, times)| format!("{kind:?} {times}"));
    say(&format!("{sum} disturbances: {}", each.collect::<Vec<_>>().join(", ")));
    let missed: Vec<_> = disturbances.iter().filter(|(_, times)| *times == 0).collect();
    assert!(missed.is_empty(), "these did not happen: {missed:?}");
}

fn expect_sound(heard: &Heard, sound: Sound) {
    let Heard { mount, seconds, pause_longest, pause_at, .. } = heard;
    let Sound { length, quiet_longest, quiet_at, quietest_dbfs, tone_seconds } = sound;
    say(&format!(
        "{mount}: {:.1} s of audio in {seconds:.1} s; the longest pause {} ms at {pause_at:.1} s; \
         the longest silence {} ms at {:.1} s; the quietest second {quietest_dbfs:.1} dBFS; \
         {tone_seconds} s of emergency tone",
        length.as_secs_f64(),
        pause_longest.as_millis(),
        quiet_longest.as_millis(),
        quiet_at.as_secs_f64(),
    ));
    assert!(quiet_longest < SILENCE_MAX, "{mount} was silent for {quiet_longest:?}");
    assert!(*pause_longest < PAUSE_MAX, "{mount} paused for {pause_longest:?}");
    let missing = seconds - length.as_secs_f64();
    assert!(missing < MISSING_MAX_S, "{mount}: {missing:.1} s are missing");
}

fn expect_replies(replies: &Replies) {
    let Replies { times, worst_at, faults } = replies;
    let at = |part: usize| times[(times.len() * part / 1_000).min(times.len() - 1)];
    say(&format!(
        "telnet: {} replies; half within {:?}, 99 % within {:?}, all within {:?}, that at \
         {worst_at:.1} s",
        times.len(),
        at(500),
        at(990),
        at(1_000),
    ));
    assert!(faults.is_empty(), "telnet: {} faults: {faults:#?}", faults.len());
    assert!(at(950) <= REPLY_MAX, "95 % of replies took up to {:?}", at(950));
    assert!(at(1_000) <= REPLY_LATEST, "a reply took {:?}", at(1_000));
}

fn expect_usage(usage: &Usage) {
    let Usage { memory_kib, descriptors, threads } = usage;
    let most = |numbers: &[u64]| numbers.iter().copied().max().unwrap_or_default();
    let middle = |numbers: &[u64]| {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    };
    let quarter = memory_kib.len() / 4;
    let (second, last) = (&memory_kib[quarter..2 * quarter], &memory_kib[3 * quarter..]);
    say(&format!(
        "memory: at most {} KiB, in the second quarter {} KiB, in the last {} KiB; at most {} \
         descriptors and {} threads",
        most(memory_kib),
        middle(second),
        middle(last),
        most(descriptors),
        most(threads),
    ));
    assert!(most(memory_kib) <= MEMORY_MAX_KIB, "{} KiB of memory", most(memory_kib));
    assert!(
        middle(last) <= middle(second) + middle(second) / 5 + GROWTH_MAX_KIB,
        "memory grows: {} KiB, then {} KiB",
        middle(second),
        middle(last)
    );
    assert!(most(descriptors) <= DESCRIPTORS_MAX, "{} descriptors", most(descriptors));
    assert!(most(threads) <= THREADS_MAX, "{} threads", most(threads));
}

fn expect_log(log: &str) {
    say(&format!("the log: {} lines", log.lines().count()));
    let crashes: Vec<_> = log.lines().filter(|line| line.contains("crashed")).collect();
    assert!(crashes.is_empty(), "{crashes:#?}");
    for words in ["No space left on device", "the configuration stays as it was", "skipped: "] {
        assert!(log.contains(words), "nothing came of it: {words}");
    }
}

/// The number that the environment calls `name`.
fn said(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Prints a line.
fn say(line: &str) {
    // Where nobody reads, there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// How long it lasts as a test.
const SHORT: Duration = Duration::from_secs(40);
/// A shorter silence may be between two tracks.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// Audio that is on its way for so long is missed.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// What may be on its way at the end.
const MISSING_MAX_S: f64 = 1.0;
/// 95 of 100 replies take no longer: the machine that builds and tests is busy now and then.
const REPLY_MAX: Duration = Duration::from_millis(50);
/// No reply takes longer.
const REPLY_LATEST: Duration = Duration::from_secs(1);
/// The program takes no more memory: two channels with four encoders, and a list of 20,000.
const MEMORY_MAX_KIB: u64 = 96 * 1_024;
/// What it may grow beside a fifth.
const GROWTH_MAX_KIB: u64 = 8_192;
/// 64 sessions of telnet, as many by HTTP, and what it plays.
const DESCRIPTORS_MAX: u64 = 200;
/// Two channels with two threads and eight reels each, an emergency with as many, and the rest.
const THREADS_MAX: u64 = 60;
