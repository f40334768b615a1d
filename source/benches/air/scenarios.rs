//! What is measured, one function for each scenario; each gives the rows of a table.

use super::material::{self, Tone};
use super::programs::{self, BOTH, Running, Usage, Who, free_port, pass, until};
use super::sink::{Recording, Sink};
use source::config;
use source::encode::rack::Rack;
use source::pcm::block::Block;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the command line asks for.
#[derive(Clone, Copy)]
pub(crate) struct Spans {
    pub(crate) seconds: u32,
    pub(crate) minutes: u32,
}

/// A row: what it is, what was measured, and the goal.
pub(crate) type Row = [String; 3];

/// A scenario.
pub(crate) type Scenario = fn(Spans) -> Vec<Row>;

/// All of them, by name.
pub(crate) const ALL: [(&str, Scenario); 6] = [
    ("cost", cost),
    ("memory", memory),
    ("skip", skip),
    ("start", start),
    ("telnet", telnet),
    ("restart", restart),
];

/// What is done to a script before it is played.
type Change = fn(&str) -> String;

/// Asteroid's station twice, as carrier-source and as Liquidsoap, on one Icecast.
struct Two {
    folder: TempDir,
    port: u16,
    telnet: [u16; 2],
    programs: [Running; 2],
    icecast: Option<Running>,
}

impl Two {
    fn new(change: Change) -> Self {
        let folder = folder();
        material::library(folder.path());
        let (port, telnet) = (free_port(), [free_port(), free_port()]);
        let icecast = Some(programs::icecast(folder.path(), port));
        let programs = [0, 1].map(|at| {
            let prefix = format!("{}-", BOTH[at].name());
            let script = material::asteroid(folder.path(), port, telnet[at], &prefix);
            BOTH[at].play(folder.path(), &change(&script))
        });
        let two = Self { folder, port, telnet, programs, icecast };
        for who in BOTH {
            until("a mount with its title", || two.is_titled(who));
        }
        two
    }

    fn is_titled(&self, who: Who) -> bool {
        let page = programs::statistics(self.port);
        let Some((_, body)) = page.split_once("\r\n\r\n") else { return false };
        let Ok(page) = serde_json::from_str::<serde_json::Value>(body) else { return false };
        let mount = format!("/{}-asteroid.mp3", who.name());
        let sources = &page["icestats"]["source"];
        // One is not in a list.
        let sources =
            sources.as_array().map_or_else(|| std::slice::from_ref(sources), Vec::as_slice);
        sources.iter().any(|source| {
            source["listenurl"].as_str().is_some_and(|url| url.ends_with(&mount))
                && source["title"].as_str().is_some_and(|title| title.contains("Track"))
        })
    }
}

/// Processor time of the whole station, and what of ours its encoders take.
fn cost(spans: Spans) -> Vec<Row> {
    let stations: [(&str, Change); 2] = [
        ("Asteroid's 3 MP3 outputs", material::without_aac),
        ("its 4 outputs, one of them AAC", str::to_owned),
    ];
    let mut rows = Vec::new();
    for (name, change) in stations {
        let (two, percent, after) = spent(change, spans.seconds);
        let config = two.folder.path().join(format!("{}.toml", Who::Carrier.name()));
        let encoders = encoders_percent(&two, &config, spans.seconds);
        for (at, who) in BOTH.into_iter().enumerate() {
            let what = format!("{name}: {}", who.name());
            rows.push(row(what, format!("{:.2} % of a core", percent[at]), ""));
            let what = format!("{name}: memory of {}", who.name());
            rows.push(row(what, format!("{:.1} MB", after[at].rss_mb), ""));
        }
        let ratio = percent[0] / percent[1];
        rows.push(row(format!("{name}: to Liquidsoap"), format!("{ratio:.2}"), "0.6"));
        let share = 100.0 * encoders / percent[0];
        let measured = format!("{encoders:.2} % of a core, {share:.0} % of it");
        rows.push(row(format!("{name}: our encoders alone"), measured, "at least 80 %"));
    }
    rows
}

/// A station of both, what each has used of a core over `seconds`, and what it holds at the end.
///
/// With its AAC output Liquidsoap ends by itself now and then; both begin anew then.
fn spent(change: Change, seconds: u32) -> (Two, [f64; 2], [Usage; 2]) {
    let mut last_words = String::new();
    for _ in 0..TRIES_MAX {
        let two = Two::new(change);
        let used = || {
            let [ours, theirs] = &two.programs;
            Ok([Usage::of(ours), Usage::if_running(theirs)?])
        };
        pass(WARM_UP);
        let measured = used().and_then(|before| {
            pass(Duration::from_secs(seconds.into()));
            Ok((before, used()?))
        });
        match measured {
            Ok((before, after)) => {
                let percent = [0, 1].map(|at| {
                    let spent: Duration = after[at].cpu - before[at].cpu;
                    spent.as_secs_f64() * 100.0 / f64::from(seconds)
                });
                return (two, percent, after);
            }
            Err(said) => last_words = said,
        }
    }
    panic!("Liquidsoap has ended {TRIES_MAX} times by itself: {last_words}");
}

/// What the encoders of `config` take for `seconds` of a track, in percent of a core. They are fed
/// in real time, as in a station: a processor that does nothing else all the time is quicker.
fn encoders_percent(two: &Two, config: &Path, seconds: u32) -> f64 {
    let text = std::fs::read_to_string(config).unwrap();
    let config = config::file::parse(config, &text).unwrap();
    let track = std::fs::read(two.folder.path().join("music/b.mp3")).unwrap();
    let samples = material::decoded(two.folder.path(), &track);
    // Channels that share a format have each an encoder.
    let mut racks: Vec<Rack> = config
        .channels
        .iter()
        .map(|channel| {
            let of_channel = config.outputs.iter().filter(|output| output.channel == channel.name);
            Rack::new(&of_channel.map(|output| output.format).collect::<Vec<_>>()).unwrap()
        })
        .collect();
    let (before, began) = (Usage::own().cpu, Instant::now());
    let mut frames = 0_usize;
    let blocks = samples.chunks_exact(BLOCK).cycle().take(seconds as usize * RATE_HZ / BLOCK);
    for (at, block) in blocks.enumerate() {
        let due = Duration::from_secs_f64((at * BLOCK) as f64 / RATE_HZ as f64);
        pass(due.saturating_sub(began.elapsed()));
        // What both channels play is not quite the same, as in music.
        let other = block.iter().rev().copied().collect();
        let block = Block::stereo(44_100, block.to_vec(), other);
        for rack in &mut racks {
            rack.feed(&block, |_, _| frames += 1).unwrap();
        }
    }
    assert!(frames > 0);
    (Usage::own().cpu - before).as_secs_f64() * 100.0 / f64::from(seconds)
}

/// Memory over an hour, or as long as is asked for. Liquidsoap 2.1.3 has been seen to end by itself
/// within that time, when its AAC encoder met a sample that is no number.
fn memory(spans: Spans) -> Vec<Row> {
    let two = Two::new(str::to_owned);
    let mut rss_mb = [Vec::new(), Vec::new()];
    let mut last_words = [None, None];
    for _ in 0..spans.minutes {
        pass(Duration::from_secs(60));
        for at in [0, 1] {
            match Usage::if_running(&two.programs[at]) {
                Ok(usage) => rss_mb[at].push(usage.rss_mb),
                Err(words) => last_words[at] = Some(words),
            }
        }
    }
    let rows = BOTH.into_iter().enumerate().map(|(at, who)| {
        let of_who = &rss_mb[at];
        let minutes = of_who.len();
        let of = |minute: usize| of_who.get(minute).copied().unwrap_or_default();
        let most = of_who.iter().copied().fold(0.0, f64::max);
        let (first, middle, last) = (of(0), of(minutes / 2), of(minutes.saturating_sub(1)));
        let mut measured = format!("{first:.1}, {middle:.1}, {last:.1} MB; at most {most:.1}");
        if let Some(words) = &last_words[at] {
            measured += &format!("; then it ended: {words}");
        }
        let what = format!("memory of {} after 1, {}, {minutes} min", who.name(), minutes / 2);
        row(what, measured, goal(who, "40 MB, flat"))
    });
    rows.collect()
}

/// From the command to the first frame on the wire in which the next track can be heard. The
/// encoder keeps 57 ms back (LAME looks so far ahead), and a fade begins below what can be heard.
fn skip(_: Spans) -> Vec<Row> {
    let mut rows = Vec::new();
    for (how, crossfades) in [("", false), (" with a crossfade", true)] {
        for who in BOTH {
            let mut took: Vec<_> = (0..SKIPS).map(|_| skipped(who, crossfades)).collect();
            took.sort();
            let ms: Vec<_> =
                took.iter().map(|took| format!("{:.0}", took.as_secs_f64() * 1e3)).collect();
            let what = format!("skip{how} to the new sound on the wire: {}", who.name());
            let goal = if crossfades { "" } else { "100 ms at the encoder" };
            rows.push(row(what, format!("{} ms", ms.join(", ")), self::goal(who, goal)));
        }
    }
    rows
}

fn skipped(who: Who, crossfades: bool) -> Duration {
    let folder = folder();
    material::tones(folder.path(), Tone::Low);
    let (sink, telnet) = (Sink::new(), free_port());
    let script = material::simple(folder.path(), sink.port, telnet, crossfades);
    let _program = who.play(folder.path(), &script);
    let mut heard = Recording::default();
    until("twenty seconds are there", || {
        sink.take(&mut heard);
        heard.bytes.len() > 20 * BYTES_PER_SECOND
    });
    // Whatever sounded while the program started is not what is skipped to.
    let played = heard.bytes.len();
    let asked = Instant::now();
    ask(telnet, "list.skip");
    pass(Duration::from_secs(12));
    sink.take(&mut heard);
    first(&folder, &heard, Tone::High, played).expect("it was skipped") - asked
}

/// From the start of the program to its first byte on the wire, and to its first music.
fn start(_: Spans) -> Vec<Row> {
    BOTH.into_iter()
        .map(|who| {
            let folder = folder();
            material::tones(folder.path(), Tone::High);
            let (sink, telnet) = (Sink::new(), free_port());
            let script = material::simple(folder.path(), sink.port, telnet, true);
            let mut heard = Recording::default();
            let began = Instant::now();
            let _program = who.play(folder.path(), &script);
            pass(Duration::from_secs(15));
            sink.take(&mut heard);
            let music = first(&folder, &heard, Tone::High, 0).expect("it plays music");
            let ms = |came: Instant| (came - began).as_secs_f64() * 1e3;
            let measured = format!("{:.0}, {:.0} ms", ms(heard.came(0)), ms(music));
            let what = format!("start to the first byte on the wire, to music: {}", who.name());
            row(what, measured, goal(who, "1 000 ms, music"))
        })
        .collect()
}

/// How long replies take while the processors are busy with other things, each on a connection of
/// its own, as Asteroid asks.
fn telnet(_: Spans) -> Vec<Row> {
    let two = Two::new(str::to_owned);
    let is_done = Arc::new(AtomicBool::new(false));
    let processors = std::thread::available_parallelism().unwrap().get();
    let busy: Vec<_> = (0..processors)
        .map(|_| {
            let is_done = Arc::clone(&is_done);
            std::thread::spawn(move || while !is_done.load(Ordering::Relaxed) {})
        })
        .collect();
    let rows = BOTH.into_iter().enumerate().map(|(at, who)| {
        let port = two.telnet[at];
        let asking: Vec<_> = (0..ASKING)
            .map(|_| {
                std::thread::spawn(move || {
                    let replies = (0..QUESTIONS).map(|at| {
                        let began = Instant::now();
                        ask(port, COMMANDS[at % COMMANDS.len()]);
                        began.elapsed()
                    });
                    replies.collect::<Vec<_>>()
                })
            })
            .collect();
        let mut took: Vec<_> = asking.into_iter().flat_map(|one| one.join().unwrap()).collect();
        took.sort();
        let ms = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1e3;
        let what = format!("telnet reply under load p50, p99: {}", who.name());
        row(what, format!("{:.1}, {:.1} ms", ms(50), ms(99)), goal(who, "p99 10 ms"))
    });
    let rows = rows.collect();
    is_done.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|one| one.join().unwrap());
    rows
}

/// From the restart of Icecast until its statistics show the mount and its title.
fn restart(_: Spans) -> Vec<Row> {
    let mut two = Two::new(str::to_owned);
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..RESTARTS {
        pass(Duration::from_secs(10));
        two.icecast = None;
        pass(Duration::from_secs(5));
        two.icecast = Some(programs::icecast(two.folder.path(), two.port));
        let began = Instant::now();
        let mut since = [None, None];
        until("both are back", || {
            for (at, who) in BOTH.into_iter().enumerate() {
                if since[at].is_none() && two.is_titled(who) {
                    since[at] = Some(began.elapsed());
                }
            }
            since.iter().all(Option::is_some)
        });
        for at in [0, 1] {
            took[at].extend(since[at]);
        }
    }
    let both = BOTH.into_iter().zip(took);
    both.map(|(who, mut took)| {
        took.sort();
        let ms: Vec<String> =
            took.iter().map(|took| format!("{:.0}", took.as_secs_f64() * 1e3)).collect();
        let what = format!("Icecast restarted, mount back with title: {}", who.name());
        row(what, format!("{} ms", ms.join(", ")), goal(who, "1 000 ms"))
    })
    .collect()
}

/// When the first frame after `from` bytes came in which `tone` can be heard.
fn first(folder: &TempDir, heard: &Recording, tone: Tone, from: usize) -> Option<Instant> {
    let samples = material::decoded(folder.path(), &heard.bytes);
    let begin = from / BYTES_PER_SECOND * RATE_HZ / WINDOW * WINDOW;
    let windows = samples.get(begin..)?.chunks_exact(WINDOW);
    let at = windows.enumerate().find(|(_, window)| amplitude(window, tone) > AUDIBLE)?.0;
    let frame = (begin + at * WINDOW) / FRAME;
    let end = (frame + 1) * FRAME * BYTES_PER_SECOND / RATE_HZ;
    Some(heard.came(end.min(heard.bytes.len() - 1)))
}

/// How loud `tone` is in `window`, 1 being full scale.
fn amplitude(window: &[f32], tone: Tone) -> f64 {
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (at, sample) in window.iter().enumerate() {
        let turn = f64::from(tone.hz()) * at as f64 / RATE_HZ as f64 * std::f64::consts::TAU;
        sine += f64::from(*sample) * turn.sin();
        cosine += f64::from(*sample) * turn.cos();
    }
    2.0 * sine.hypot(cosine) / window.len() as f64
}

/// Asks by telnet and waits for the whole reply.
fn ask(port: u16, command: &str) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    writeln!(stream, "{command}").unwrap();
    let reply = BufReader::new(stream);
    assert!(reply.lines().any(|line| line.unwrap().trim_end() == "END"), "{command}");
}

/// A folder that Icecast may write to, which runs as somebody else.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    folder
}

fn row(what: String, measured: String, goal: &str) -> Row {
    [what, measured, goal.to_owned()]
}

/// A goal is ours alone.
fn goal(who: Who, goal: &str) -> &str {
    match who {
        Who::Carrier => goal,
        Who::Liquidsoap => "",
    }
}

/// Both have loaded and decoded ahead after this.
const WARM_UP: Duration = Duration::from_secs(15);
const RATE_HZ: usize = 44_100;
const BYTES_PER_SECOND: usize = 128_000 / 8;
/// Sample frames in a frame of MP3.
const FRAME: usize = 1_152;
/// Ten milliseconds: whole waves of both tones.
const WINDOW: usize = 441;
/// Forty-five decibels below the tone.
const AUDIBLE: f64 = 0.75 * 0.005_6;
/// What the encoders are fed with at once.
const BLOCK: usize = 1_024;
const ASKING: usize = 4;
const QUESTIONS: usize = 250;
const COMMANDS: [&str; 4] = ["uptime", "version", "stream-queue.m3u.next", "request.on_air"];
const RESTARTS: usize = 5;
const SKIPS: usize = 3;
/// How often a station is begun that ends before it was measured.
const TRIES_MAX: usize = 6;
