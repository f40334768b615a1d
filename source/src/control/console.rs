//! The console: everything that control may see of a station, and touch.
//!
//! It holds the ends of channels whose other ends the station's parts hold. It reads what they
//! published last and leaves words for them, so nobody who asks ever waits for a part.

use crate::control::answer::{self, About};
use crate::control::ask::{Ask, Names, OfOutput, OfPlaylist, OfRequest};
use crate::playlist::selection::Upcoming;
use crate::playlist::watch::Watch;
use crate::programme::Command;
use crate::status::{LinkStatus, OnAir, Played};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What control sees of a station.
#[derive(Debug)]
pub struct Console {
    names: Names,
    playlists: Vec<PlaylistEnd>,
    channels: Vec<ChannelEnd>,
    outputs: Vec<OutputEnd>,
    /// Where wishes go that take a moment.
    wishes: SyncSender<SkipWish>,
    started: Instant,
}

/// A playlist, from here.
#[derive(Clone, Debug)]
pub struct PlaylistEnd {
    /// What it is called.
    pub name: Arc<str>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Where its files are.
    pub paths: Vec<PathBuf>,
    /// Its files.
    pub watch: Watch,
}

/// A channel, from here.
#[derive(Clone, Debug)]
pub struct ChannelEnd {
    /// What it is called.
    pub name: Arc<str>,
    /// What it plays: names of playlists, the preferred one first.
    pub play: Vec<Arc<str>>,
    /// What is on air.
    pub on_air: watch::Receiver<OnAir>,
    /// What comes next.
    pub upcoming: watch::Receiver<Vec<Upcoming>>,
    /// Where wishes go.
    pub commands: SyncSender<Command>,
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

/// What is said to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Farewell; nothing more is said to them.
    Bye,
    /// The body of a reply.
    Body(String),
}

impl Console {
    /// A console of these parts, each kind in the order of the configuration, of a station that
    /// starts now.
    pub fn new(
        playlists: Vec<PlaylistEnd>,
        channels: Vec<ChannelEnd>,
        outputs: Vec<OutputEnd>,
        wishes: SyncSender<SkipWish>,
    ) -> Self {
        let called = |name: &Arc<str>, aliases: &[String]| {
            let mut names = vec![name.to_string()];
            names.extend(aliases.iter().filter(|alias| **alias != **name).cloned());
            names
        };
        let names = Names {
            outputs: outputs.iter().map(|output| called(&output.id, &output.aliases)).collect(),
            playlists: playlists.iter().map(|list| called(&list.name, &list.aliases)).collect(),
        };
        Self { names, playlists, channels, outputs, wishes, started: Instant::now() }
    }

    /// Does what `line` wants, and says what there is to say to it.
    pub fn answer(&self, line: &str) -> Said {
        let body = match Ask::read(line, &self.names) {
            Ask::Exit => return Said::Bye,
            Ask::Help(wanted) if wanted.is_empty() => answer::help(&self.names.commands()),
            Ask::Help(wanted) => answer::help_for(&wanted, &self.names.commands()),
            Ask::Output(output, wish) => {
                self.outputs.get(output).map_or_else(String::new, |it| self.output(it, wish))
            }
            Ask::Playlist(playlist, wish) => {
                self.playlists.get(playlist).map_or_else(String::new, |it| self.playlist(it, &wish))
            }
            Ask::Request(wish) => self.request(wish),
            Ask::Unknown => answer::UNKNOWN.to_owned(),
            Ask::Uptime => answer::uptime(self.started.elapsed()),
            Ask::VarGet => answer::NO_VARIABLE.to_owned(),
            Ask::VarList => String::new(),
            Ask::VarSet => answer::NO_SUCH_SETTING.to_owned(),
            Ask::Version => format!("Carrier {}", env!("CARGO_PKG_VERSION")),
        };
        Said::Body(body)
    }

    fn output(&self, output: &OutputEnd, wish: OfOutput) -> String {
        let Some(channel) = self.channels.iter().find(|channel| channel.name == output.channel)
        else {
            return String::new();
        };
        match wish {
            OfOutput::Metadata => {
                let history = &channel.on_air.borrow().history;
                let tracks: Vec<About> = history.iter().map(|played| self.about(played)).collect();
                answer::history(&tracks)
            }
            OfOutput::Remaining => answer::remaining(channel.on_air.borrow().remaining),
            OfOutput::Skip => channel.wish(Command::Skip, "Done"),
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

    fn playlist(&self, playlist: &PlaylistEnd, wish: &OfPlaylist) -> String {
        let mut channels = self.channels.iter().filter(|it| it.play.contains(&playlist.name));
        match wish {
            OfPlaylist::Next => {
                channels.next().map_or_else(String::new, |channel| channel.next_of(&playlist.name))
            }
            OfPlaylist::Reload => {
                playlist.watch.reload(Duration::ZERO);
                "OK".to_owned()
            }
            OfPlaylist::Skip => {
                let channels = channels.filter(|channel| channel.would_hear(&playlist.name));
                let channels = channels.map(|channel| channel.commands.clone()).collect();
                let wish = SkipWish { watch: playlist.watch.clone(), channels };
                told(&self.wishes.try_send(wish), "OK")
            }
            OfPlaylist::Uri(other) if !other.is_empty() => NO_OTHER_URI.to_owned(),
            OfPlaylist::Uri(_) => {
                let paths: Vec<_> = playlist.paths.iter().map(|path| path.display()).collect();
                paths.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
        }
    }

    fn request(&self, wish: OfRequest) -> String {
        let known = |id: Option<u64>, text: &dyn Fn(&Played) -> String| {
            let Some(id) = id else { return answer::NO_NUMBER.to_owned() };
            let histories: Vec<OnAir> = self.on_air().collect();
            let mut tracks = histories.iter().flat_map(|on_air| &on_air.history);
            let found = tracks.find(|played| played.id == id);
            found.map_or_else(|| answer::NO_REQUEST.to_owned(), text)
        };
        match wish {
            OfRequest::All | OfRequest::OnAir => {
                let playing = |on_air: OnAir| on_air.playing().map(|played| played.id);
                answer::numbers(self.on_air().filter_map(playing))
            }
            OfRequest::Metadata(id) => known(id, &|played| self.about(played).text()),
            OfRequest::Resolving => String::new(),
            OfRequest::Trace(id) => {
                known(id, &|played| format!("[{}] Currently on air.", date(played)))
            }
        }
    }

    fn on_air(&self) -> impl Iterator<Item = OnAir> {
        self.channels.iter().map(|channel| channel.on_air.borrow().clone())
    }

    /// What is shown of a track: artist, title and album first, since some look for the first
    /// thing that ends in these words.
    fn about(&self, played: &Played) -> About {
        let track = &played.track;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let has_title = track.tags.title.is_some();
        let title = if has_title { text(&track.tags.title) } else { track.title.to_string() };
        let is_playing = self.on_air().any(|on_air| on_air.playing() == Some(played));
        About {
            values: vec![
                ("artist", if has_title { text(&track.tags.artist) } else { String::new() }),
                ("title", title),
                ("album", text(&track.tags.album)),
                ("rid", played.id.to_string()),
                ("on_air", date(played)),
                ("status", if is_playing { "playing" } else { "played" }.to_owned()),
                ("source", track.playlist.to_string()),
                ("filename", track.path.display().to_string()),
                ("initial_uri", track.path.display().to_string()),
            ],
        }
    }
}

impl ChannelEnd {
    /// Leaves `command` for the channel; says `done`, or else that it cannot take any more now.
    fn wish(&self, command: Command, done: &str) -> String {
        told(&self.commands.try_send(command), done)
    }

    /// Whether a skip is to be heard for the playlist called `playlist`: it plays, or it comes
    /// before the one that does.
    fn would_hear(&self, playlist: &Arc<str>) -> bool {
        let rank = |name: &Arc<str>| self.play.iter().position(|own| own == name);
        let on_air = self.on_air.borrow();
        let plays = on_air.playing().and_then(|played| rank(&played.track.playlist));
        plays.is_none_or(|plays| rank(playlist).is_some_and(|rank| rank <= plays))
    }

    fn next_of(&self, playlist: &Arc<str>) -> String {
        let upcoming = self.upcoming.borrow();
        let items = upcoming.iter().find(|upcoming| upcoming.playlist == *playlist);
        let mut lines: Vec<String> = items.map_or_else(Vec::new, |upcoming| {
            upcoming.paths.iter().map(|path| path.display().to_string()).collect()
        });
        if let Some(prepared) = &self.on_air.borrow().next
            && prepared.playlist == *playlist
        {
            lines.insert(0, format!("[ready] {}", prepared.path.display()));
        }
        lines.join("\n")
    }
}

/// What became of a wish: `done`, or why it is not.
fn told<T>(left: &Result<(), TrySendError<T>>, done: &str) -> String {
    match left {
        Ok(()) => done.to_owned(),
        Err(TrySendError::Full(_)) => BUSY.to_owned(),
        Err(TrySendError::Disconnected(_)) => ENDED.to_owned(),
    }
}

fn date(played: &Played) -> String {
    let time = Timestamp::try_from(played.since).unwrap_or_default();
    time.to_zoned(TimeZone::system()).strftime("%Y/%m/%d %H:%M:%S").to_string()
}

const BUSY: &str = "ERROR: too many wishes are waiting; try again.";
const ENDED: &str = "ERROR: it has ended; see the log.";
const NO_OTHER_URI: &str = "ERROR: the path of a playlist is the configuration's; change it there.";

#[cfg(test)]
mod tests;
