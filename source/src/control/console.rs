//! The console: everything that control may see of a station, and touch.
//!
//! It holds the ends of channels whose other ends the station's parts hold. It reads what they
//! published last and leaves words for them, so nobody who asks ever waits for a part.

mod inputs;
mod requests;
mod variables;

use crate::config::names;
use crate::control::answer::{self, About};
use crate::control::ask::{Ask, Names, OfOutput, OfPlaylist};
use crate::encode::Format;
use crate::fetch::address::HttpAddress;
use crate::input::Input;
use crate::playlist::item::is_http;
use crate::playlist::queue::Queue;
use crate::playlist::selection::Upcoming;
use crate::playlist::watch::Watch;
use crate::programme::Command;
use crate::sound::Chain;
use crate::status::{LinkStatus, OnAir};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

pub use variables::NotTurned;

/// What control sees of a station.
#[derive(Debug)]
pub struct Console {
    /// The parts as they are now; a changed configuration changes them.
    parts: watch::Receiver<Arc<Parts>>,
    /// Where wishes go that take a moment.
    wishes: SyncSender<SkipWish>,
    /// Where wishes for another configuration go.
    reloads: mpsc::Sender<ReloadWish>,
    started: Instant,
}

/// The wish that the configuration be read again, and what has changed in it be applied.
#[derive(Debug)]
pub struct ReloadWish {
    /// Where the outcome is told: what was applied and what was not, a line each, or the mistakes
    /// in the configuration, of which nothing was applied then.
    pub outcome: oneshot::Sender<Result<Vec<String>, String>>,
}

/// The parts of a station, each kind in the order of the configuration.
#[derive(Debug, Default)]
pub struct Parts {
    /// The station's name; may be empty.
    pub station: Arc<str>,
    /// Its playlists.
    pub playlists: Vec<PlaylistEnd>,
    /// Its queues of requests.
    pub queues: Vec<QueueEnd>,
    /// Its live inputs.
    pub inputs: Vec<InputEnd>,
    /// Its channels.
    pub channels: Vec<ChannelEnd>,
    /// Its outputs.
    pub outputs: Vec<OutputEnd>,
    /// What playlists, queues and outputs are called.
    names: Names,
}

/// A playlist, from here.
#[derive(Clone, Debug)]
pub struct PlaylistEnd {
    /// What it is called.
    pub name: Arc<str>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Whether its rounds are shuffled.
    pub is_shuffled: bool,
    /// Its files.
    pub watch: Watch,
}

/// A queue of requests, from here.
#[derive(Clone, Debug)]
pub struct QueueEnd {
    /// Its aliases.
    pub aliases: Vec<String>,
    /// The queue.
    pub queue: Queue,
}

/// A live input, from here.
#[derive(Clone, Debug)]
pub struct InputEnd {
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Where its stream is, if it is fetched.
    pub url: Option<Arc<str>>,
    /// The input.
    pub input: Input,
}

/// A channel, from here.
#[derive(Clone, Debug)]
pub struct ChannelEnd {
    /// What it is called.
    pub name: Arc<str>,
    /// What it plays: names of playlists, queues and rotations, the preferred one first.
    pub play: Vec<Arc<str>>,
    /// Sample frames per second.
    pub rate_hz: u32,
    /// What is on air.
    pub on_air: watch::Receiver<OnAir>,
    /// What comes next.
    pub upcoming: watch::Receiver<Vec<Upcoming>>,
    /// Where wishes go.
    pub commands: SyncSender<Command>,
    /// What its effects are set to.
    pub sound: watch::Sender<Chain>,
}

/// An output, from here.
#[derive(Clone, Debug)]
pub struct OutputEnd {
    /// What it is called.
    pub id: Arc<str>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// The name of its channel.
    pub channel: Arc<str>,
    /// Where it sends to, without a password: `http://127.0.0.1:8000/live.mp3`.
    pub url: Arc<str>,
    /// As what.
    pub format: Format,
    /// How it fares.
    pub link: watch::Receiver<LinkStatus>,
    /// Whether it is to be on the air.
    pub wanted: watch::Sender<bool>,
}

/// The wish that some channels end the track that plays, once what was just written to a playlist
/// has been read.
#[derive(Debug)]
pub struct SkipWish {
    /// The files of the playlist.
    pub watch: Watch,
    /// The channels.
    pub channels: Vec<SyncSender<Command>>,
}

/// Why a wish is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There are too many before it.
    #[error("too many wishes are waiting; try again")]
    Busy,
    /// What would carry it out is not there any more.
    #[error("it has ended; see the log")]
    Ended,
    /// The configuration has mistakes, a line each, and nothing was applied.
    #[error("{0}")]
    Mistakes(String),
    /// It takes longer than whoever asks is kept waiting.
    #[error("it takes more than {} s; the log says what comes of it", RELOAD_PATIENCE.as_secs())]
    Slow,
}

/// What is said to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Farewell; nothing more is said to them.
    Bye,
    /// The body of a reply.
    Body(String),
}

impl Parts {
    /// These parts of the station called `station`.
    pub fn new(
        station: Arc<str>,
        playlists: Vec<PlaylistEnd>,
        queues: Vec<QueueEnd>,
        channels: Vec<ChannelEnd>,
        outputs: Vec<OutputEnd>,
    ) -> Self {
        let names = Names {
            inputs: Vec::new(),
            outputs: outputs.iter().map(|output| called(&output.id, &output.aliases)).collect(),
            playlists: playlists.iter().map(|list| called(&list.name, &list.aliases)).collect(),
            queues: queues.iter().map(|end| called(end.queue.name(), &end.aliases)).collect(),
        };
        Self { station, playlists, queues, inputs: Vec::new(), channels, outputs, names }
    }

    /// The same with these live inputs.
    #[must_use]
    pub fn with_inputs(mut self, inputs: Vec<InputEnd>) -> Self {
        self.names.inputs =
            inputs.iter().map(|end| called(end.input.name(), &end.aliases)).collect();
        self.inputs = inputs;
        self
    }

    /// The playlist that goes by `name`, which may be an alias.
    pub fn playlist(&self, name: &str) -> Option<&PlaylistEnd> {
        self.playlists.iter().find(|list| is_called(name, &list.name, &list.aliases))
    }

    /// The channel called `name`.
    pub fn channel(&self, name: &str) -> Option<&ChannelEnd> {
        self.channels.iter().find(|channel| *channel.name == *name)
    }

    /// The output that goes by `name`, which may be an alias.
    pub fn output(&self, name: &str) -> Option<&OutputEnd> {
        self.outputs.iter().find(|output| is_called(name, &output.id, &output.aliases))
    }

    /// The queue that goes by `name`, which may be an alias.
    pub fn queue(&self, name: &str) -> Option<&QueueEnd> {
        self.queues.iter().find(|end| is_called(name, end.queue.name(), &end.aliases))
    }

    fn on_air(&self) -> impl Iterator<Item = OnAir> {
        self.channels.iter().map(ChannelEnd::now)
    }
}

impl Console {
    /// A console of these `parts`, of a station that starts now; what takes a moment goes to
    /// `wishes`, and who wants another configuration is heard by `reloads`.
    pub fn new(
        parts: watch::Receiver<Arc<Parts>>,
        wishes: SyncSender<SkipWish>,
        reloads: mpsc::Sender<ReloadWish>,
    ) -> Self {
        Self { parts, wishes, reloads, started: Instant::now() }
    }

    /// The parts as they are now.
    pub fn parts(&self) -> Arc<Parts> {
        Arc::clone(&self.parts.borrow())
    }

    /// How long the station has run.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Ends the track that plays, for the playlist `list`, once what was just written to it has
    /// been read.
    ///
    /// Fails if that cannot be carried out now.
    pub fn skip(&self, list: &PlaylistEnd) -> Result<(), Refused> {
        let parts = self.parts();
        let plays = parts.channels.iter().filter(|channel| channel.play.contains(&list.name));
        let hears = plays.filter(|channel| channel.would_hear(&list.name));
        let channels = hears.map(|channel| channel.commands.clone()).collect();
        left(self.wishes.try_send(SkipWish { watch: list.watch.clone(), channels }))
    }

    /// Has the configuration read again; says in a line each what was applied, and what needs a
    /// restart. Takes as long as that takes, up to [`RELOAD_PATIENCE`].
    ///
    /// Fails, with every mistake, if it is wrong; then nothing has changed.
    pub async fn reload(&self) -> Result<Vec<String>, Refused> {
        let (outcome, told) = oneshot::channel();
        self.reloads.try_send(ReloadWish { outcome }).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => Refused::Ended,
            mpsc::error::TrySendError::Full(_) => Refused::Busy,
        })?;
        match timeout(RELOAD_PATIENCE, told).await {
            Ok(Ok(outcome)) => outcome.map_err(Refused::Mistakes),
            Ok(Err(_)) => Err(Refused::Ended),
            Err(_) => Err(Refused::Slow),
        }
    }

    /// Does what `line` wants, and says what there is to say to it. At once, but for a reload.
    pub async fn answer(&self, line: &str) -> Said {
        let parts = self.parts();
        let body = match Ask::read(line, &parts.names) {
            Ask::Exit => return Said::Bye,
            Ask::Help(wanted) if wanted.is_empty() => answer::help(&parts.names.commands()),
            Ask::Help(wanted) => answer::help_for(&wanted, &parts.names.commands()),
            Ask::Input(input, wish) => {
                parts.inputs.get(input).map_or_else(String::new, |it| parts.input_told(it, wish))
            }
            Ask::Output(output, wish) => {
                parts.outputs.get(output).map_or_else(String::new, |it| parts.output_told(it, wish))
            }
            Ask::Playlist(playlist, wish) => {
                let playlist = parts.playlists.get(playlist);
                playlist.map_or_else(String::new, |it| self.playlist(&parts, it, &wish))
            }
            Ask::Queue(queue, wish) => {
                let queue = parts.queues.get(queue);
                queue.map_or_else(String::new, |it| parts.queue_told(&it.queue, &wish))
            }
            Ask::Reload => match self.reload().await {
                Ok(lines) => lines.join("\n"),
                Err(why) => format!("ERROR: {why}"),
            },
            Ask::Request(wish) => parts.request_told(wish),
            Ask::Unknown => answer::UNKNOWN.to_owned(),
            Ask::Uptime => answer::uptime(self.uptime()),
            Ask::VarGet(name) => parts.variable_told(&name),
            Ask::VarList => parts.variables_told(),
            Ask::VarSet(name, text) => parts.variable_set(&name, &text),
            Ask::Version => format!("Carrier {}", env!("CARGO_PKG_VERSION")),
        };
        Said::Body(body)
    }

    fn playlist(&self, parts: &Parts, playlist: &PlaylistEnd, wish: &OfPlaylist) -> String {
        match wish {
            OfPlaylist::Next => {
                let plays = |channel: &&ChannelEnd| channel.play.contains(&playlist.name);
                let channel = parts.channels.iter().find(plays);
                channel.map_or_else(String::new, |channel| channel.next_of(&playlist.name))
            }
            OfPlaylist::Reload => {
                playlist.watch.reload(Duration::ZERO);
                "OK".to_owned()
            }
            OfPlaylist::Skip => told(self.skip(playlist), "OK"),
            OfPlaylist::Uri(other) if other.is_empty() => {
                let paths = playlist.watch.paths();
                paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n")
            }
            OfPlaylist::Uri(other) if is_http(other.as_bytes()) => {
                match HttpAddress::parse(other) {
                    Ok(_) => told(playlist.follow(Path::new(other)), "OK"),
                    Err(error) => format!("ERROR: {error}."),
                }
            }
            OfPlaylist::Uri(other) if other.contains("://") => NO_ADDRESS.to_owned(),
            OfPlaylist::Uri(other) => told(playlist.follow(Path::new(other)), "OK"),
        }
    }
}

impl Parts {
    fn output_told(&self, output: &OutputEnd, wish: OfOutput) -> String {
        let Some(channel) = self.channel(&output.channel) else { return String::new() };
        match wish {
            OfOutput::Metadata => {
                let history = channel.now().history;
                let playing: Vec<u64> = self.playing().collect();
                let about = |played| requests::about(played, &playing);
                let tracks: Vec<About> = history.iter().map(about).collect();
                answer::history(&tracks)
            }
            OfOutput::Remaining => answer::remaining(channel.now().remaining),
            OfOutput::Skip => told(channel.wish(Command::Skip), "Done"),
            OfOutput::Start => {
                output.wanted.send_replace(true);
                "OK".to_owned()
            }
            OfOutput::Status => output.link.borrow().word(*output.wanted.borrow()),
            OfOutput::Stop => {
                output.wanted.send_replace(false);
                "OK".to_owned()
            }
        }
    }
}

impl PlaylistEnd {
    /// Lets it be the list, file or folder at `path` until it is configured anew; a relative one
    /// begins beside what it is now.
    ///
    /// Fails if that cannot be carried out now.
    fn follow(&self, path: &Path) -> Result<(), Refused> {
        let now = self.watch.paths();
        if is_http(path.as_os_str().as_encoded_bytes()) {
            return self.followed(path.to_owned());
        }
        let beside = now.first().and_then(|path| path.parent()).unwrap_or_else(|| Path::new(""));
        self.followed(beside.join(path))
    }

    fn followed(&self, path: PathBuf) -> Result<(), Refused> {
        if self.watch.follow(path) { Ok(()) } else { Err(Refused::Busy) }
    }
}

impl ChannelEnd {
    /// What is on air now.
    ///
    /// A copy, on purpose: whoever looked again while still looking at the original, and was
    /// overtaken by the programme in between, which wants to write there, would wait for it and it
    /// for them, for ever and in silence.
    pub fn now(&self) -> OnAir {
        self.on_air.borrow().clone()
    }

    /// Leaves `command` for the channel.
    ///
    /// Fails if it cannot take any more now.
    pub fn wish(&self, command: Command) -> Result<(), Refused> {
        left(self.commands.try_send(command))
    }

    /// Whether what plays comes from the playlist or queue called `name`.
    fn plays(&self, name: &Arc<str>) -> bool {
        self.now().playing().is_some_and(|played| played.track.playlist == *name)
    }

    /// Whether a skip is to be heard for the playlist called `playlist`: it plays, or it comes
    /// before the one that does.
    fn would_hear(&self, playlist: &Arc<str>) -> bool {
        let rank = |name: &Arc<str>| self.play.iter().position(|own| own == name);
        let on_air = self.now();
        let plays = on_air.playing().and_then(|played| rank(&played.track.playlist));
        plays.is_none_or(|plays| rank(playlist).is_some_and(|rank| rank <= plays))
    }

    fn next_of(&self, playlist: &Arc<str>) -> String {
        let upcoming = self.upcoming.borrow().clone();
        let items = upcoming.iter().find(|upcoming| upcoming.playlist == *playlist);
        let mut lines: Vec<String> = items.map_or_else(Vec::new, |upcoming| {
            upcoming.paths.iter().map(|path| path.display().to_string()).collect()
        });
        if let Some(prepared) = self.now().next
            && prepared.playlist == *playlist
        {
            lines.insert(0, format!("[ready] {}", prepared.path.display()));
        }
        lines.join("\n")
    }
}

/// All that something may be called, its own name first.
fn called(name: &Arc<str>, aliases: &[String]) -> Vec<String> {
    let mut names = vec![name.to_string()];
    names.extend(aliases.iter().filter(|alias| **alias != **name).cloned());
    names
}

/// Whether `wanted` is `name` or one of the `aliases`.
fn is_called(wanted: &str, name: &str, aliases: &[String]) -> bool {
    let wanted = names::folded(wanted);
    let mut all = std::iter::once(name).chain(aliases.iter().map(String::as_str));
    all.any(|own| names::folded(own) == wanted)
}

/// What became of a word that was left for somebody.
fn left<T>(outcome: Result<(), TrySendError<T>>) -> Result<(), Refused> {
    outcome.map_err(|error| match error {
        TrySendError::Disconnected(_) => Refused::Ended,
        TrySendError::Full(_) => Refused::Busy,
    })
}

/// What became of a wish: `done`, or why it is not.
fn told(wish: Result<(), Refused>, done: &str) -> String {
    wish.map_or_else(|why| format!("ERROR: {why}."), |()| done.to_owned())
}

/// Who has the configuration read again is kept waiting so long.
pub const RELOAD_PATIENCE: Duration = Duration::from_secs(15);
const NO_ADDRESS: &str = "ERROR: a playlist is a file, a folder, or an address of http or https.";

#[cfg(test)]
pub(crate) mod tests;
