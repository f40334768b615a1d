//! Keeps in mind what a station plays and is asked for, so that it goes on after a restart.
//!
//! The state is looked at whenever a part of the station has news, which is about once a second,
//! and written when a track has begun or requests have come or gone: at most once for each.

use crate::control::console::Parts;
use crate::cues::Cues;
use crate::decode::tags::Tags;
use crate::lookahead::Track;
use crate::playlist::queue::Queue;
use crate::state::{ChannelState, Keeper, Past, Shown, State, Waiting};
use crate::status::{OnAir, Played};
use crate::treatment::levelling::Level;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::watch;

/// What is kept, and what it is learnt from.
pub(super) struct Memory {
    state: State,
    keeper: Keeper,
    parts: watch::Receiver<Arc<Parts>>,
    channels: Vec<Channel>,
    queues: Vec<Queue>,
    /// The names of the playlists that are shuffled.
    shuffled: Vec<Arc<str>>,
}

/// What a channel has played, as far as that is known here.
struct Channel {
    name: String,
    on_air: watch::Receiver<OnAir>,
    last: Option<Played>,
}

impl Memory {
    /// A memory that goes on from `state`, of the channels and queues among `parts`.
    pub(super) fn new(
        mut state: State,
        keeper: Keeper,
        mut parts: watch::Receiver<Arc<Parts>>,
    ) -> Self {
        state.queues.clear();
        parts.mark_changed();
        Self {
            state,
            keeper,
            parts,
            channels: Vec::new(),
            queues: Vec::new(),
            shuffled: Vec::new(),
        }
    }

    /// Keeps what is worth it whenever there is news, until `stop` is dropped.
    pub(super) async fn run(
        mut self,
        mut news: watch::Receiver<()>,
        mut stop: watch::Receiver<()>,
    ) {
        loop {
            let goes_on = tokio::select! {
                changed = news.changed() => changed.is_ok(),
                _ = stop.changed() => false,
            };
            self.follow();
            if self.learn() {
                self.keeper.keep(&self.state);
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Goes on with the channels and queues that there are now, if they are others.
    fn follow(&mut self) {
        if !self.parts.has_changed().unwrap_or(false) {
            return;
        }
        let parts = Arc::clone(&self.parts.borrow_and_update());
        let known = std::mem::take(&mut self.channels);
        for channel in &parts.channels {
            let known = known.iter().find(|known| *known.name == *channel.name);
            let kept = || self.state.channels.get(&*channel.name);
            let last = match known {
                Some(known) => known.last.clone(),
                None => kept().and_then(|it| history(it).pop_back()),
            };
            let (name, on_air) = (channel.name.to_string(), channel.on_air.clone());
            self.channels.push(Channel { name, on_air, last });
        }
        self.queues = parts.queues.iter().map(|end| end.queue.clone()).collect();
        let shuffled = parts.playlists.iter().filter(|list| list.is_shuffled);
        self.shuffled = shuffled.map(|list| Arc::clone(&list.name)).collect();
        let (channels, queues, shuffled) = (&self.channels, &self.queues, &self.shuffled);
        for channel in self.state.channels.values_mut() {
            channel.rounds.retain(|name, _| shuffled.contains(name));
        }
        self.state.channels.retain(|name, _| channels.iter().any(|it| it.name == *name));
        self.state.queues.retain(|name, _| queues.iter().any(|it| **it.name() == **name));
    }

    /// Takes in what is new; says whether anything is.
    fn learn(&mut self) -> bool {
        let mut is_new = false;
        for Channel { name, on_air, last } in &mut self.channels {
            let fresh: Vec<Played> = {
                let on_air = on_air.borrow();
                let fresh = on_air.history.iter().rev();
                fresh.take_while(|played| Some(*played) != last.as_ref()).cloned().collect()
            };
            for played in fresh.into_iter().rev() {
                let is_shuffled = self.shuffled.contains(&played.track.playlist);
                let state = self.state.channels.entry(name.clone()).or_default();
                state.began(shown(&played), is_shuffled);
                *last = Some(played);
                is_new = true;
            }
        }
        for queue in &self.queues {
            let waiting = waiting(queue);
            let known = self.state.queues.entry(queue.name().to_string()).or_default();
            if *known != waiting {
                *known = waiting;
                is_new = true;
            }
        }
        is_new
    }
}

/// What `queue` holds.
fn waiting(queue: &Queue) -> Vec<Waiting> {
    let requests = queue.requests();
    let requests = requests.borrow();
    let waiting = requests.waiting().map(|request| Waiting {
        id: request.id,
        since_ms: request.since.as_millisecond(),
        uri: Arc::clone(&request.uri),
    });
    waiting.collect()
}

/// Gives `queue` back what it held.
pub(super) fn restore(queue: &Queue, state: &State) {
    for waiting in state.queues.get(&**queue.name()).into_iter().flatten() {
        queue.restore(waiting.id, &waiting.uri, time(waiting.since_ms));
    }
}

/// What people can be shown of what a channel played.
pub(super) fn history(state: &ChannelState) -> VecDeque<Played> {
    let played = state.shown.iter().map(|shown| {
        let [artist, title, album] =
            shown.tags.clone().map(|tag| Some(tag).filter(|tag| !tag.is_empty()));
        let track = Track {
            number: 0,
            rid: shown.rid,
            key: shown.past.key,
            title: Arc::clone(&shown.title),
            artist: None,
            path: shown.path.clone().into(),
            playlist: Arc::clone(&shown.past.playlist),
            tags: Tags { artist, title, album, ..Tags::default() },
            length: None,
            cues: Cues::default(),
            level: Level::default(),
        };
        let since = SystemTime::from(time(shown.past.began_ms));
        Played { id: shown.rid, track: Arc::new(track), since }
    });
    played.collect()
}

/// A moment that was written down.
pub(super) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}

fn shown(played: &Played) -> Shown {
    let track = &played.track;
    let began = Timestamp::try_from(played.since).unwrap_or_default();
    let Tags { artist, title, album, .. } = &track.tags;
    Shown {
        rid: played.id,
        past: Past {
            began_ms: began.as_millisecond(),
            key: track.key,
            playlist: Arc::clone(&track.playlist),
        },
        title: Arc::clone(&track.title),
        path: track.path.display().to_string(),
        tags: [artist, title, album].map(|tag| tag.clone().unwrap_or_default()),
    }
}
