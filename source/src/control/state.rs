//! The state of a station as programs read it: plain values with names that stay.
//!
//! These types are what is written as JSON and what the description of the HTTP interface is made
//! from, comments and all, so neither can say anything that the other does not. Times of day are
//! RFC 3339 in UTC, lengths are seconds, levels are decibels below full scale. Pure: what the
//! parts told last and the time in, values out.

use crate::control::console::{ChannelEnd, Console, InputEnd, OutputEnd, PlaylistEnd, QueueEnd};
use crate::lookahead::Track;
use crate::pcm::level::Level;
use crate::playlist::selection::Upcoming;
use crate::push::link::Link;
use crate::status::Played;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// A moment, by the clock that is never set and by the one on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the first.
    pub instant: Instant,
    /// By the second.
    pub time: SystemTime,
}

/// What a station is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// The station's name; may be empty.
    pub station: String,
    /// The version of the program.
    pub version: String,
    /// When the station started.
    pub started: String,
    /// How long it has run.
    pub uptime_seconds: u64,
    /// Its channels, as they stand in the configuration.
    pub channels: Vec<ChannelState>,
    /// Its playlists, likewise.
    pub playlists: Vec<PlaylistState>,
    /// Its queues of requests, likewise.
    pub queues: Vec<QueueState>,
    /// Its live inputs, likewise.
    #[serde(default)]
    pub inputs: Vec<InputState>,
    /// Its outputs, likewise.
    pub outputs: Vec<OutputState>,
}

/// What a channel is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelState {
    /// Its name.
    pub channel: String,
    /// The playlists it plays, the preferred one first.
    pub play: Vec<String>,
    /// The track that plays; null while the emergency sounds.
    pub playing: Option<PlayedState>,
    /// How much of it has been heard.
    pub elapsed_seconds: f64,
    /// How much of it is still to be heard; null if that cannot be known.
    pub remaining_seconds: Option<f64>,
    /// The track that is ready to follow, which a skip would begin at once.
    pub next: Option<TrackState>,
    /// What comes behind that, playlist by playlist.
    pub coming: Vec<ComingState>,
    /// The last tracks, of which the newest is the last.
    pub history: Vec<PlayedState>,
    /// How loud the last second was.
    pub levels: LevelsState,
    /// How much was given out since the start.
    pub played_seconds: f64,
    /// Stretches of 1152 sample frames in which the emergency stood in for a track that was not
    /// decoded in time.
    pub underruns: u64,
    /// Frames that an output's queue had no room for.
    pub dropped_frames: u64,
    /// Stretches that went out more than 50 ms after they were due.
    pub late_stretches: u64,
    /// How late the latest of them was.
    pub latest_seconds: f64,
    /// Time that was given up for good, because the machine slept.
    pub given_up_seconds: f64,
}

/// A track that was or is on the air.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlayedState {
    /// What it is known by; `request.metadata` of telnet takes this number.
    pub id: u64,
    /// When it began.
    pub since: String,
    /// The track.
    #[serde(flatten)]
    pub track: TrackState,
}

/// A track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrackState {
    /// What listeners are told.
    pub shown: String,
    /// Its artist, if the file says so.
    pub artist: Option<String>,
    /// Its title, if the file says so.
    pub title: Option<String>,
    /// Its album, if the file says so.
    pub album: Option<String>,
    /// The playlist it comes from.
    pub playlist: String,
    /// The audio file.
    pub path: PathBuf,
    /// How long it plays, if the file says so.
    pub length_seconds: Option<f64>,
}

/// What a playlist would play next on a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComingState {
    /// The playlist.
    pub playlist: String,
    /// Up to ten audio files, the next one first.
    pub paths: Vec<PathBuf>,
}

/// How loud a channel was for a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelsState {
    /// On the left.
    pub left: LevelState,
    /// On the right.
    pub right: LevelState,
}

/// How loud one side was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelState {
    /// The largest sample, in decibels below full scale; silence is -120.
    pub peak_dbfs: f64,
    /// The root of the mean square, likewise.
    pub rms_dbfs: f64,
}

/// What the effects of a channel are set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SoundState {
    /// The channel.
    pub channel: String,
    /// The parameters of its effects, in their order.
    pub parameters: Vec<ParameterState>,
}

/// A parameter of an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterState {
    /// What it is called: the effect's id, a dot, and its own name.
    pub parameter: String,
    /// Its value; 1 is on and 0 is off, if it is a switch.
    pub value: f64,
    /// What that counts: decibels, hertz, number, seconds or switch.
    pub unit: String,
    /// The least it can be.
    pub least: f64,
    /// The most it can be.
    pub most: f64,
}

/// A playlist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaylistState {
    /// Its name.
    pub playlist: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// Where its files are.
    pub paths: Vec<PathBuf>,
    /// How many items it has.
    pub items: usize,
}

/// A queue of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueState {
    /// Its name.
    pub queue: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// The requests that wait, the next one first.
    pub requests: Vec<RequestState>,
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestState {
    /// Its number; the track will have the same.
    pub id: u64,
    /// What was asked for, as it was said.
    pub uri: String,
    /// When.
    pub since: String,
}

/// A live input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InputState {
    /// Its name.
    pub input: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// Where its stream is, if it is fetched.
    pub url: Option<String>,
    /// Who is connected: an address; null if nobody is.
    pub source: Option<String>,
    /// Since when.
    pub since: Option<String>,
    /// The channels on which it is on the air; none while a source that is connected waits.
    pub on_air: Vec<String>,
}

/// What an output is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutputState {
    /// What it is called.
    pub output: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// The channel it sends.
    pub channel: String,
    /// Where to, without the password.
    pub url: String,
    /// The media type of what it sends.
    pub content_type: String,
    /// The bit rate in kbit/s; `null` if there is none that is aimed at.
    pub bitrate_kbps: Option<u32>,
    /// Whether it is to be on the air; `stop` and `start` change it.
    pub wanted: bool,
    /// What its connection is doing.
    pub link: LinkState,
    /// Since when it is on the air, if it is.
    pub since: Option<String>,
    /// How often a server has taken the stream; one less is the number of reconnections.
    pub connections: u64,
    /// Audio bytes sent since the station started.
    pub sent_bytes: u64,
    /// Frames that were due while there was no connection.
    pub unsent_frames: u64,
    /// Why there was no connection last; null while it is on the air.
    pub last_error: Option<String>,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// Opening a connection.
    Dialling,
    /// On the air.
    OnAir,
    /// Told not to be on the air.
    Stopped,
    /// Letting the server rest before the next try.
    Waiting,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        Self { instant: Instant::now(), time: SystemTime::now() }
    }

    /// The time of day at `instant`.
    fn at(self, instant: Instant) -> String {
        written(self.time - self.instant.saturating_duration_since(instant))
    }
}

impl State {
    /// The state of what `console` sees, at the moment `now`.
    pub fn of(console: &Console, now: Moment) -> Self {
        let parts = console.parts();
        let uptime = console.uptime();
        Self {
            station: parts.station.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: written(now.time - uptime),
            uptime_seconds: uptime.as_secs(),
            channels: parts.channels.iter().map(ChannelState::of).collect(),
            playlists: parts.playlists.iter().map(PlaylistState::of).collect(),
            queues: parts.queues.iter().map(QueueState::of).collect(),
            inputs: parts.inputs.iter().map(|it| InputState::of(it, &parts.channels)).collect(),
            outputs: parts.outputs.iter().map(|output| OutputState::of(output, now)).collect(),
        }
    }
}

impl ChannelState {
    /// The state of `channel`.
    pub fn of(channel: &ChannelEnd) -> Self {
        let on_air = channel.now();
        let [left, right] = on_air.levels.map(LevelState::of);
        Self {
            channel: channel.name.to_string(),
            play: channel.play.iter().map(ToString::to_string).collect(),
            playing: on_air.playing().map(PlayedState::of),
            elapsed_seconds: rounded(on_air.elapsed),
            remaining_seconds: on_air.remaining.map(rounded),
            next: on_air.next.as_deref().map(TrackState::of),
            coming: channel.upcoming.borrow().iter().map(ComingState::of).collect(),
            history: on_air.history.iter().map(PlayedState::of).collect(),
            levels: LevelsState { left, right },
            played_seconds: played_seconds(on_air.sample_frames, channel.rate_hz),
            underruns: on_air.underruns,
            dropped_frames: on_air.dropped_frames,
            late_stretches: on_air.late_cuts,
            latest_seconds: rounded(on_air.latest),
            given_up_seconds: rounded(on_air.given_up),
        }
    }
}

impl SoundState {
    /// What the effects of `channel` are set to.
    pub fn of(channel: &ChannelEnd) -> Self {
        let parameters = channel.parameters().into_iter().map(|it| ParameterState {
            parameter: it.name,
            value: it.value,
            unit: it.unit.to_string(),
            least: it.least,
            most: it.most,
        });
        Self { channel: channel.name.to_string(), parameters: parameters.collect() }
    }
}

impl PlayedState {
    fn of(played: &Played) -> Self {
        let track = TrackState::of(&played.track);
        Self { id: played.id, since: written(played.since), track }
    }
}

impl TrackState {
    fn of(track: &Track) -> Self {
        Self {
            shown: track.title.to_string(),
            artist: track.tags.artist.clone(),
            title: track.tags.title.clone(),
            album: track.tags.album.clone(),
            playlist: track.playlist.to_string(),
            path: track.path.clone(),
            length_seconds: track.length.map(rounded),
        }
    }
}

impl ComingState {
    fn of(upcoming: &Upcoming) -> Self {
        Self { playlist: upcoming.playlist.to_string(), paths: upcoming.paths.clone() }
    }
}

impl LevelState {
    fn of(level: Level) -> Self {
        let tenths = |dbfs: f64| (dbfs * 10.0).round() / 10.0;
        Self { peak_dbfs: tenths(level.peak_dbfs()), rms_dbfs: tenths(level.rms_dbfs()) }
    }
}

impl PlaylistState {
    /// The state of `playlist`.
    pub fn of(playlist: &PlaylistEnd) -> Self {
        Self {
            playlist: playlist.name.to_string(),
            aliases: playlist.aliases.clone(),
            paths: playlist.watch.paths(),
            items: playlist.watch.contents().borrow().items.len(),
        }
    }
}

impl QueueState {
    /// The state of `end`.
    pub fn of(end: &QueueEnd) -> Self {
        let requests = end.queue.requests();
        let requests = requests.borrow();
        let waiting = requests.waiting().map(|request| RequestState {
            id: request.id,
            uri: request.uri.to_string(),
            since: written(request.since.into()),
        });
        let queue = end.queue.name().to_string();
        Self { queue, aliases: end.aliases.clone(), requests: waiting.collect() }
    }
}

impl InputState {
    /// The state of the input at this end, which these channels may play.
    pub fn of(end: &InputEnd, channels: &[ChannelEnd]) -> Self {
        let state = end.input.state();
        let state = state.borrow();
        let name = end.input.name();
        let plays = |channel: &&ChannelEnd| {
            let on_air = channel.on_air.borrow();
            on_air.playing().is_some_and(|it| it.track.playlist == *name)
        };
        Self {
            input: name.to_string(),
            aliases: end.aliases.clone(),
            url: end.url.as_deref().map(str::to_owned),
            source: state.source.as_deref().map(str::to_owned),
            since: state.since.map(written),
            on_air: channels.iter().filter(plays).map(|it| it.name.to_string()).collect(),
        }
    }
}

impl OutputState {
    /// The state of `output` at the moment `now`.
    pub fn of(output: &OutputEnd, now: Moment) -> Self {
        let status = output.link.borrow().clone();
        let (link, since) = match status.link {
            Link::Dialling { .. } => (LinkState::Dialling, None),
            Link::Stopped => (LinkState::Stopped, None),
            Link::Streaming { since, .. } => (LinkState::OnAir, Some(now.at(since))),
            Link::Waiting { .. } => (LinkState::Waiting, None),
        };
        Self {
            output: output.id.to_string(),
            aliases: output.aliases.clone(),
            channel: output.channel.to_string(),
            url: output.url.to_string(),
            content_type: output.format.content_type().to_owned(),
            bitrate_kbps: output.format.bitrate_kbps(),
            wanted: *output.wanted.borrow(),
            link,
            since,
            connections: status.connections,
            sent_bytes: status.sent_bytes,
            unsent_frames: status.unsent_frames,
            last_error: status.last_error.as_deref().map(str::to_owned),
        }
    }
}

/// `time` in whole milliseconds.
fn written(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or_default().to_string()
}

fn played_seconds(sample_frames: u64, rate_hz: u32) -> f64 {
    let ms = u128::from(sample_frames) * 1_000 / u128::from(rate_hz.max(1));
    rounded(Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)))
}

/// In seconds, with three digits.
fn rounded(length: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of ages fit")]
    let milliseconds = length.as_millis() as f64;
    milliseconds / 1_000.0
}
