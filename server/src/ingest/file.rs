//! A file in the webroot as a source: what plays where a fallback names a file.
//!
//! The file is aired in the time that it plays, again and again, for as long as somebody listens.
//! Icecast sends such a file as fast as a listener takes it.

use super::framer::{BadStream, Framer};
use crate::mount::name::MountName;
use crate::mount::on_air::SourceAbout;
use crate::mount::{Mount, SourceArrival, SourceLine};
use crate::parts::Parts;
use common::chunk::{Chunk, Opening};
use common::format::Format;
use common::ogg::comment::Tags;
use common::ogg::page::Page;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

/// Puts the file of this name on air, if there is one of a format that can be played in time.
pub(crate) async fn put_on_air(name: &MountName, parts: &Arc<Parts>) -> Option<Mount> {
    let path = path_in_webroot(name, parts)?;
    let content_type = content_type(&path)?;
    let file = File::open(&path).await.ok()?;
    if !file.metadata().await.is_ok_and(|about| about.is_file()) {
        return None;
    }
    let mount = parts.registry.find_or_make(name.clone()).await?;
    if mount.on_air().is_some() {
        return Some(mount);
    }
    let about = SourceAbout::of_file(content_type);
    let format = about.format;
    let line = mount.attach(SourceArrival { about, intro: None }).await;
    // If another was faster, the mount is on air by now.
    if let Ok(Some(line)) = line {
        info!(mount = %name, file = %path.display(), "a file is on air");
        let (framer, clock) = (Framer::new(format), Clock::new());
        let player = Player { path, format, framer, mount: mount.clone(), line, clock };
        let stopping = Arc::clone(parts);
        parts.tasks.spawn(async move {
            tokio::select! {
                () = player.play(file) => {}
                () = stopping.tasks.stopping() => {}
            }
        });
    }
    Some(mount)
}

fn path_in_webroot(name: &MountName, parts: &Parts) -> Option<PathBuf> {
    // The name has no `..` and no empty steps: it leads downwards.
    Some(parts.config().files.webroot.as_ref()?.join(&name.as_str()[1..]))
}

/// The content type of a file that can be played in time.
fn content_type(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "aac" => Some("audio/aac"),
        "flac" => Some("audio/flac"),
        "mp3" => Some("audio/mpeg"),
        "oga" | "ogg" | "opus" => Some("application/ogg"),
        _ => None,
    }
}

/// Airs one file.
struct Player {
    path: PathBuf,
    format: Format,
    /// One for all rounds: a player must see that a stream begins anew, even if it is the same.
    framer: Framer,
    mount: Mount,
    line: SourceLine,
    clock: Clock,
}

impl Player {
    /// Plays until the mount hangs up or nobody has listened for a while.
    async fn play(mut self, mut file: File) {
        loop {
            let aired = self.play_once(file).await;
            match aired {
                Ok(0) => {
                    warn!(file = %self.path.display(), "there is nothing to play in this file");
                    return;
                }
                Ok(_) => {}
                Err(Stop::Quiet) => return,
                Err(Stop::Unreadable(error)) => {
                    warn!(file = %self.path.display(), %error, "the file cannot be read");
                    return;
                }
            }
            file = match File::open(&self.path).await {
                Ok(file) => file,
                Err(error) => {
                    warn!(file = %self.path.display(), %error, "the file cannot be read");
                    return;
                }
            };
        }
    }

    /// Plays the file once; how many chunks there were in it.
    async fn play_once(&mut self, mut file: File) -> Result<usize, Stop> {
        let (mut chunks, mut buffer) = (0, vec![0; READ_BYTES]);
        self.clock.begin_again();
        loop {
            let read = file.read(&mut buffer).await.map_err(Stop::Unreadable)?;
            if read == 0 {
                return Ok(chunks);
            }
            self.mount.counters.read_bytes.add(read as u64);
            self.framer.push(&buffer[..read]);
            while let Some(chunk) = self.framer.next().map_err(Stop::from)? {
                chunks += 1;
                self.air(chunk).await?;
            }
        }
    }

    async fn air(&mut self, chunk: Chunk) -> Result<(), Stop> {
        self.clock.pass(&chunk, self.format);
        sleep_until(self.clock.due()).await;
        if self.mount.counters.listeners.now() > 0 {
            self.clock.heard = Instant::now();
        } else if self.clock.heard.elapsed() > QUIET_MAX {
            info!(mount = %self.mount.name, "nobody listens to the file any more");
            return Err(Stop::Quiet);
        }
        self.line.chunks.send(chunk).await.map_err(|_| Stop::Quiet)
    }
}

/// Why a file is not played on.
#[derive(Debug)]
enum Stop {
    /// Nobody wants it.
    Quiet,
    Unreadable(io::Error),
}

impl From<BadStream> for Stop {
    fn from(error: BadStream) -> Self {
        Self::Unreadable(io::Error::other(error))
    }
}

/// When the next chunk is due.
struct Clock {
    began: Instant,
    played: Duration,
    /// When somebody last listened.
    heard: Instant,
    /// Samples per second of the Ogg stream, and the time that had been played when it began.
    ogg: Option<(u32, Duration)>,
}

impl Clock {
    fn new() -> Self {
        let now = Instant::now();
        Self { began: now, played: Duration::ZERO, heard: now, ogg: None }
    }

    /// The file starts over.
    fn begin_again(&mut self) {
        self.ogg = None;
    }

    /// Counts the time that `chunk` plays.
    fn pass(&mut self, chunk: &Chunk, format: Format) {
        self.played += chunk.plays;
        if format == Format::Ogg {
            match chunk.opening {
                Opening::Headers | Opening::KnownHeaders => {
                    let audio = Tags::read(&chunk.bytes).audio;
                    let rate_hz = audio.map(|audio| match audio.codec {
                        // Whatever rate was recorded (RFC 7845, section 4).
                        "Opus" => 48_000,
                        _ => audio.rate_hz,
                    });
                    self.ogg = rate_hz.filter(|rate| *rate > 0).map(|rate| (rate, self.played));
                }
                Opening::Audio | Opening::Middle => self.pass_pages(&chunk.bytes),
            }
        }
    }

    /// Ogg pages say where they end, in samples since their stream began.
    fn pass_pages(&mut self, mut pages: &[u8]) {
        let Some((rate_hz, before)) = self.ogg else { return };
        while let Ok(Some(page)) = Page::read(pages) {
            if let Some(samples) = page.granule {
                let plays = Duration::from_secs_f64(samples as f64 / f64::from(rate_hz));
                self.played = self.played.max(before + plays);
            }
            pages = &pages[page.bytes.len()..];
        }
    }

    fn due(&self) -> Instant {
        self.began + self.played.saturating_sub(LEAD)
    }
}

/// How much is aired before its time, so that whoever comes first finds a burst.
const LEAD: Duration = Duration::from_secs(4);
/// How long a file plays for nobody.
const QUIET_MAX: Duration = Duration::from_secs(10);
/// Bytes read at a time.
const READ_BYTES: usize = 16_384;
