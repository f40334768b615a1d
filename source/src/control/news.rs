//! What is new in a station: two of its states in, events out. Pure.

use crate::control::state::{
    ChannelState, LevelsState, LinkState, OutputState, PlayedState, State, TrackState,
};
use schemars::JsonSchema;
use serde::Serialize;

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum News {
    /// How loud a channel was; about once a second.
    Levels(LevelsNews),
    /// An output's connection does something else.
    Link(LinkNews),
    /// Another track is ready to follow, or none.
    Next(NextNews),
    /// The whole state: the first event, and what comes when the configuration has changed.
    Status(Box<State>),
    /// A track has begun, or the emergency.
    Track(TrackNews),
    /// A channel was late, or lacked audio, or an output lost frames.
    Trouble(TroubleNews),
}

/// How loud a channel was.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LevelsNews {
    /// The channel.
    pub channel: String,
    /// How loud it was.
    #[serde(flatten)]
    pub levels: LevelsState,
}

/// What an output's connection does now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LinkNews {
    /// The output.
    pub output: String,
    /// Whether it is to be on the air.
    pub wanted: bool,
    /// What its connection is doing.
    pub link: LinkState,
    /// Why there was no connection last.
    pub last_error: Option<String>,
}

/// What is ready to follow.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NextNews {
    /// The channel.
    pub channel: String,
    /// The track; null if none is ready.
    pub next: Option<TrackState>,
}

/// What plays now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TrackNews {
    /// The channel.
    pub channel: String,
    /// The track; null while the emergency sounds.
    pub playing: Option<PlayedState>,
}

/// What went wrong since the start.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TroubleNews {
    /// The channel.
    pub channel: String,
    /// As in the channel's state.
    pub underruns: u64,
    /// As in the channel's state.
    pub dropped_frames: u64,
    /// As in the channel's state.
    pub late_stretches: u64,
    /// As in the channel's state.
    pub given_up_seconds: f64,
}

impl News {
    /// The name of its kind: the name of the event.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Levels(_) => "levels",
            Self::Link(_) => "link",
            Self::Next(_) => "next",
            Self::Status(_) => "status",
            Self::Track(_) => "track",
            Self::Trouble(_) => "trouble",
        }
    }
}

/// What is new in `now`, compared with `before`.
pub fn news(before: &State, now: &State) -> Vec<News> {
    if !has_same_parts(before, now) {
        return vec![News::Status(Box::new(now.clone()))];
    }
    let channels = before.channels.iter().zip(&now.channels);
    let outputs = before.outputs.iter().zip(&now.outputs);
    let mut news: Vec<News> = channels.flat_map(|(before, now)| of_channel(before, now)).collect();
    news.extend(outputs.filter_map(|(before, now)| of_output(before, now)));
    news
}

fn has_same_parts(before: &State, now: &State) -> bool {
    let names = |state: &State| {
        let channels = state.channels.iter().map(|it| (it.channel.clone(), it.play.clone()));
        let outputs = state.outputs.iter().map(|it| (it.output.clone(), it.url.clone()));
        let lists = state.playlists.iter().map(|it| (it.playlist.clone(), it.paths.clone()));
        let all = (channels.collect::<Vec<_>>(), outputs.collect::<Vec<_>>());
        (state.station.clone(), all, lists.collect::<Vec<_>>())
    };
    names(before) == names(now)
}

fn of_channel(before: &ChannelState, now: &ChannelState) -> Vec<News> {
    let channel = || now.channel.clone();
    let id = |state: &ChannelState| state.playing.as_ref().map(|playing| playing.id);
    let trouble = |state: &ChannelState| TroubleNews {
        channel: channel(),
        underruns: state.underruns,
        dropped_frames: state.dropped_frames,
        late_stretches: state.late_stretches,
        given_up_seconds: state.given_up_seconds,
    };
    let mut news = Vec::new();
    if id(before) != id(now) {
        news.push(News::Track(TrackNews { channel: channel(), playing: now.playing.clone() }));
    }
    if before.next != now.next {
        news.push(News::Next(NextNews { channel: channel(), next: now.next.clone() }));
    }
    if trouble(before) != trouble(now) {
        news.push(News::Trouble(trouble(now)));
    }
    if before.played_seconds.to_bits() != now.played_seconds.to_bits() {
        news.push(News::Levels(LevelsNews { channel: channel(), levels: now.levels }));
    }
    news
}

fn of_output(before: &OutputState, now: &OutputState) -> Option<News> {
    let link = |state: &OutputState| LinkNews {
        output: now.output.clone(),
        wanted: state.wanted,
        link: state.link,
        last_error: state.last_error.clone(),
    };
    // Dialling and resting by turns, as long as nobody answers, is no news.
    let trying = |state: &OutputState| match state.link {
        LinkState::Dialling | LinkState::Waiting => LinkState::Waiting,
        LinkState::OnAir | LinkState::Stopped => state.link,
    };
    let known = |state: &OutputState| LinkNews { link: trying(state), ..link(state) };
    (known(before) != known(now)).then(|| News::Link(link(now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::console::tests::Station;
    use crate::control::state::Moment;

    #[test]
    fn nothing_is_new_in_what_has_not_changed() {
        let state = state();

        assert_eq!(news(&state, &state), []);
    }

    #[test]
    fn each_change_is_told_once_and_by_its_kind() {
        let before = state();
        let mut now = before.clone();
        let channel = &mut now.channels[0];
        channel.playing = None;
        channel.next = None;
        channel.underruns = 1;
        channel.played_seconds = 1.0;
        now.outputs[0].wanted = false;
        now.outputs[0].sent_bytes = 1_000;

        let news = news(&before, &now);

        let kinds: Vec<_> = news.iter().map(News::kind).collect();
        assert_eq!(kinds, ["track", "next", "trouble", "levels", "link"]);
    }

    #[test]
    fn a_server_that_is_dialled_again_and_again_is_told_of_once() {
        let before = state();
        let mut now = before.clone();
        now.outputs[0].link = LinkState::Waiting;
        assert_eq!(before.outputs[0].link, LinkState::Dialling);
        assert_eq!(news(&before, &now), []);

        now.outputs[0].link = LinkState::OnAir;

        assert_eq!(news(&before, &now).len(), 1);
    }

    #[test]
    fn other_parts_are_told_as_a_whole() {
        let before = state();
        let mut now = before.clone();
        now.channels[0].playing = None;
        now.outputs.clear();

        assert_eq!(news(&before, &now), [News::Status(Box::new(now.clone()))]);
    }

    fn state() -> State {
        State::of(&Station::new().console, Moment::now())
    }
}
