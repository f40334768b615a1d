//! What survives a restart: what was played, and what was asked for.
//!
//! It is one small file, written once for each track by a thread of its own, so that a slow disk
//! holds up nothing. A new file is written beside it, brought to the disk and put in its place, so
//! that a crash at any moment leaves the old one or the new one. A file that is no state is set
//! aside and the station begins anew; that is worth a warning and no more.
//!
//! The place in a playlist is not written as such. It follows from what was played: behind the
//! last track of a list in order, and without what its round has had in a shuffle. Neither is the
//! turn of a jingle or a rotation, for the same reason.

use crate::playlist::order::{SEPARATION_MAX, round_mark};
use crate::whole;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::watch;
use tracing::{info, warn};

/// What a station has played and has yet to play.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// By the names of channels.
    pub channels: BTreeMap<String, ChannelState>,
    /// By the names of queues: the requests that wait, the next first.
    pub queues: BTreeMap<String, Vec<Waiting>>,
}

/// What a channel has played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelState {
    /// What is needed to go on, the latest last; at most [`PAST_MAX`].
    pub past: VecDeque<Past>,
    /// What people may want to know, the latest last; at most [`SHOWN_MAX`].
    pub shown: VecDeque<Shown>,
    /// By the names of shuffled playlists: what their rounds have had.
    pub rounds: BTreeMap<Arc<str>, Round>,
}

/// What a round of a shuffled playlist has had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The [`round_mark`]s of its tracks, the latest last; at most [`ROUND_MAX`].
    marks: VecDeque<u32>,
}

/// A track that was on air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When it began, in milliseconds since 1970.
    pub began_ms: i64,
    /// What identifies it in its playlist.
    pub key: u64,
    /// The playlist or queue.
    pub playlist: Arc<str>,
}

/// What people may want to know of a track that was on air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pub rid: u64,
    /// When it began, and where it came from.
    pub past: Past,
    /// What listeners were told.
    pub title: Arc<str>,
    /// Its file.
    pub path: String,
    /// Artist, title and album in its tags; empty where there are none.
    pub tags: [String; 3],
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: u64,
    /// When it was asked for, in milliseconds since 1970.
    pub since_ms: i64,
    /// What was asked for, as it was written.
    pub uri: Arc<str>,
}

/// Why a text is not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no state of a station, or one of another version")]
pub struct NoState;

impl Round {
    /// The marks of its tracks.
    pub fn marks(&self) -> Vec<u32> {
        self.marks.iter().copied().collect()
    }

    /// Notes that the track with this key has begun. One that the round has had begins the next
    /// round, unless it has only been interrupted.
    pub fn began(&mut self, key: u64) {
        let mark = round_mark(key);
        if self.marks.back() == Some(&mark) {
            return;
        }
        if self.marks.contains(&mark) {
            self.marks.clear();
        }
        self.marks.push_back(mark);
        if self.marks.len() > ROUND_MAX {
            self.marks.pop_front();
        }
    }

    /// As text: eight hexadecimal digits each, a tenth of what numbers in a list would be.
    fn text(&self) -> String {
        self.marks.iter().fold(String::new(), |mut text, mark| {
            // A text takes whatever is written to it.
            let _ = write!(text, "{mark:08x}");
            text
        })
    }

    fn read(text: &str) -> Option<Self> {
        let digits = text.as_bytes().chunks(8);
        let mark = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let mut marks: VecDeque<u32> = digits.map(mark).collect::<Option<_>>()?;
        marks.drain(..marks.len().saturating_sub(ROUND_MAX));
        Some(Self { marks })
    }
}

impl ChannelState {
    /// Notes what has begun; `is_shuffled` says whether its playlist is.
    pub fn began(&mut self, shown: Shown, is_shuffled: bool) {
        if is_shuffled {
            let playlist = Arc::clone(&shown.past.playlist);
            self.rounds.entry(playlist).or_default().began(shown.past.key);
        }
        self.past.push_back(shown.past.clone());
        self.shown.push_back(shown);
        self.limit();
    }

    fn limit(&mut self) {
        self.past.drain(..self.past.len().saturating_sub(PAST_MAX));
        self.shown.drain(..self.shown.len().saturating_sub(SHOWN_MAX));
    }

    fn json(&self) -> Value {
        let past: Vec<_> = self.past.iter().map(Past::json).collect();
        let shown = self.shown.iter().map(|shown| {
            json!({
                "rid": shown.rid, "past": shown.past.json(), "title": &*shown.title,
                "path": shown.path, "tags": shown.tags,
            })
        });
        let rounds = self.rounds.iter().map(|(name, round)| (name.to_string(), round.text()));
        let rounds: BTreeMap<_, _> = rounds.collect();
        json!({ "past": past, "shown": shown.collect::<Vec<_>>(), "rounds": rounds })
    }

    fn read(value: &Value) -> Option<Self> {
        let past = value.get("past")?.as_array()?.iter().map(Past::read);
        let shown = value.get("shown")?.as_array()?.iter().map(Shown::read);
        // A state of before there were rounds in it has none.
        let rounds = value.get("rounds").and_then(Value::as_object).into_iter().flatten();
        let rounds =
            rounds.map(|(name, round)| Some((name.as_str().into(), Round::read(round.as_str()?)?)));
        let mut state = Self {
            past: past.collect::<Option<_>>()?,
            shown: shown.collect::<Option<_>>()?,
            rounds: rounds.collect::<Option<_>>()?,
        };
        state.limit();
        Some(state)
    }
}

impl Past {
    fn json(&self) -> Value {
        // A key is no number that every reader of JSON could keep.
        json!([self.began_ms, format!("{:016x}", self.key), &*self.playlist])
    }

    fn read(value: &Value) -> Option<Self> {
        let [began, key, playlist] = value.as_array()?.as_slice() else { return None };
        Some(Self {
            began_ms: began.as_i64()?,
            key: u64::from_str_radix(key.as_str()?, 16).ok()?,
            playlist: playlist.as_str()?.into(),
        })
    }
}

impl Shown {
    fn read(value: &Value) -> Option<Self> {
        let text = |key| value.get(key).and_then(Value::as_str);
        let tags = value.get("tags")?.as_array()?.iter().map(|tag| Some(tag.as_str()?.to_owned()));
        Some(Self {
            rid: value.get("rid")?.as_u64()?,
            past: Past::read(value.get("past")?)?,
            title: text("title")?.into(),
            path: text("path")?.to_owned(),
            tags: tags.collect::<Option<Vec<_>>>()?.try_into().ok()?,
        })
    }
}

impl Waiting {
    fn read(value: &Value) -> Option<Self> {
        let [id, since, uri] = value.as_array()?.as_slice() else { return None };
        Some(Self { id: id.as_u64()?, since_ms: since.as_i64()?, uri: uri.as_str()?.into() })
    }
}

impl State {
    /// The state as text.
    pub fn text(&self) -> String {
        let channels: BTreeMap<_, _> =
            self.channels.iter().map(|(name, channel)| (name, channel.json())).collect();
        let queues: BTreeMap<_, _> = self
            .queues
            .iter()
            .map(|(name, waiting)| {
                let waiting = waiting.iter().map(|it| json!([it.id, it.since_ms, &*it.uri]));
                (name, waiting.collect::<Vec<_>>())
            })
            .collect();
        json!({ "version": VERSION, "channels": channels, "queues": queues }).to_string()
    }

    /// The state that `text` is.
    ///
    /// Fails if it is none.
    pub fn parse(text: &str) -> Result<Self, NoState> {
        let whole: Value = serde_json::from_str(text).map_err(|_| NoState)?;
        if whole.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(NoState);
        }
        let section = |key| whole.get(key).and_then(Value::as_object).ok_or(NoState);
        let channels = section("channels")?.iter();
        let channels =
            channels.map(|(name, value)| Some((name.clone(), ChannelState::read(value)?)));
        let queues = section("queues")?.iter().map(|(name, value)| {
            let waiting = value.as_array()?.iter().map(Waiting::read).collect::<Option<_>>()?;
            Some((name.clone(), waiting))
        });
        Ok(Self {
            channels: channels.collect::<Option<_>>().ok_or(NoState)?,
            queues: queues.collect::<Option<_>>().ok_or(NoState)?,
        })
    }

    /// The highest number in it.
    pub fn last_number(&self) -> u64 {
        let played = self.channels.values().flat_map(|channel| &channel.shown);
        let waiting = self.queues.values().flatten();
        played.map(|it| it.rid).chain(waiting.map(|it| it.id)).max().unwrap_or(0)
    }

    /// The state in the file at `path`; an empty one, and a warning, if it cannot be had. That
    /// there is no file yet is no reason to warn; one that is no state is set aside.
    pub fn load(path: &Path) -> Self {
        match whole::read(path, BYTES_MAX) {
            Ok(text) => match text.ok_or(NoState).and_then(|text| Self::parse(&text)) {
                Ok(state) => {
                    info!(file = %path.display(), "going on where the station was");
                    state
                }
                Err(problem) => {
                    whole::set_aside(path, &problem, "the station begins anew");
                    Self::default()
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                warn!(file = %path.display(), "{error}; the station begins anew");
                Self::default()
            }
        }
    }
}

/// Writes states to a file, in a thread of its own. When it is dropped, what it was given last is
/// written and the thread ends.
#[derive(Debug)]
pub struct Keeper {
    text: watch::Sender<String>,
    wake: SyncSender<()>,
}

impl Keeper {
    /// A keeper of the file at `path`.
    ///
    /// Fails if the system gives no thread.
    pub fn start(path: PathBuf) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (text, texts) = watch::channel(String::new());
        let (wake, woken) = sync_channel(1);
        let thread = crate::tasks::thread("state", move || keep(&path, texts, &woken))?;
        Ok((Self { text, wake }, thread))
    }

    /// Keeps `state`, as soon as what it was given before is on the disk; of several that wait for
    /// a slow disk, only the last is written.
    pub fn keep(&self, state: &State) {
        self.text.send_replace(state.text());
        match self.wake.try_send(()) {
            // If it is full, the thread is about to look.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}

fn keep(path: &Path, mut texts: watch::Receiver<String>, woken: &Receiver<()>) {
    let mut could_be_written = true;
    while woken.recv().is_ok() {
        let text = texts.borrow_and_update().clone();
        match whole::write(path, &text) {
            Ok(()) => could_be_written = true,
            Err(error) => {
                if could_be_written {
                    warn!(
                        file = %path.display(),
                        "cannot be written: {error}; after a restart the station would go on where \
                         it was when it last could be"
                    );
                }
                could_be_written = false;
            }
        }
    }
}

/// So much of what was played is kept: enough for the largest separation in two playlists.
pub const PAST_MAX: usize = 2 * SEPARATION_MAX;
/// So many tracks can be shown after a restart.
pub const SHOWN_MAX: usize = 10;
/// So many tracks of a round are kept, which are 400 KB; a longer round forgets its first ones.
pub const ROUND_MAX: usize = 50_000;
/// A state is not longer.
pub const BYTES_MAX: u64 = 16 << 20;
const VERSION: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        assert_eq!(State::parse(&state().text()), Ok(state()));
        assert_eq!(state().last_number(), 9);
    }

    #[test]
    fn a_state_survives_its_keeper() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("station.state");
        assert_eq!(State::load(&path), State::default());
        let (keeper, thread) = Keeper::start(path.clone()).unwrap();

        keeper.keep(&State::default());
        keeper.keep(&state());
        drop(keeper);
        thread.join().unwrap();

        assert_eq!(State::load(&path), state());
        assert_eq!(names(dir.path()), ["station.state"], "nothing is left beside it");
    }

    #[test]
    fn a_file_that_is_no_state_is_set_aside_and_the_station_begins_anew() {
        let whole = state().text();
        let half = &whole[..whole.len() / 2];
        for broken in [&b""[..], b"{", b"null", b"\xFF", half.as_bytes(), VERSION_2] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("station.state");
            std::fs::write(&path, broken).unwrap();

            assert_eq!(State::load(&path), State::default(), "{broken:?}");
            assert_eq!(names(dir.path()), ["station.state.broken"]);
            assert_eq!(std::fs::read(dir.path().join("station.state.broken")).unwrap(), broken);
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_does_no_harm_and_is_used_when_it_can() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("later/station.state");
        let (keeper, thread) = Keeper::start(path.clone()).unwrap();
        keeper.keep(&State::default());
        std::fs::create_dir(dir.path().join("later")).unwrap();
        keeper.keep(&state());
        drop(keeper);
        thread.join().unwrap();

        assert_eq!(State::load(&path), state());
    }

    #[test]
    fn a_round_holds_what_it_has_had_until_something_comes_again() {
        let key = |number: u64| number << 32;
        let mut round = Round::default();
        let mut marks_after = |number| {
            round.began(key(number));
            round.marks()
        };

        assert_eq!(marks_after(3), [3]);
        assert_eq!(marks_after(1), [3, 1]);
        assert_eq!(marks_after(1), [3, 1], "it was interrupted and has returned");
        assert_eq!(marks_after(2), [3, 1, 2]);
        assert_eq!(marks_after(3), [3], "another round");
    }

    #[test]
    fn a_state_from_before_there_were_rounds_is_one() {
        let mut old: Value = serde_json::from_str(&state().text()).unwrap();
        old["channels"]["curated"].as_object_mut().unwrap().remove("rounds");

        let read = State::parse(&old.to_string()).unwrap();

        assert_eq!(read.channels["curated"].past, state().channels["curated"].past);
        assert!(read.channels["curated"].rounds.is_empty());
    }

    #[test]
    fn what_was_played_has_an_end() {
        let mut channel = ChannelState::default();
        for key in 0..PAST_MAX as u64 + 10 {
            channel.began(shown(key, key), false);
        }

        assert_eq!((channel.past.len(), channel.shown.len()), (PAST_MAX, SHOWN_MAX));
        assert_eq!(channel.past.back().unwrap().key, PAST_MAX as u64 + 9);
    }

    proptest! {
        #[test]
        fn any_text_is_a_state_or_is_not(text in any::<String>()) {
            drop(State::parse(&text));
        }

        #[test]
        fn a_changed_state_is_a_state_or_is_not(at in 0..400_usize, byte in 32..127_u8) {
            let mut text = state().text().into_bytes();
            let at = at % text.len();
            text[at] = byte;
            if let Ok(text) = String::from_utf8(text) {
                drop(State::parse(&text));
            }
        }
    }

    fn state() -> State {
        let mut channel = ChannelState::default();
        channel.began(shown(1, 7), true);
        channel.began(shown(u64::MAX, 8), true);
        let waiting =
            Waiting { id: 9, since_ms: 1_764_000_000_123, uri: "annotate:a=\"1\":x".into() };
        State {
            channels: [("curated".to_owned(), channel)].into(),
            queues: [("requests".to_owned(), vec![waiting])].into(),
        }
    }

    fn shown(key: u64, rid: u64) -> Shown {
        Shown {
            rid,
            past: Past { began_ms: 1_764_000_000_123, key, playlist: "queue".into() },
            title: "A - \"T\"".into(),
            path: "/m/ä.mp3".to_owned(),
            tags: ["A", "T", ""].map(str::to_owned),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    const VERSION_2: &[u8] = b"{\"version\":2,\"channels\":{},\"queues\":{}}";
}
