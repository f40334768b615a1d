//! The shelf: everything of a station that can be played, and what a channel takes from it.
//!
//! Files are read once for all channels, and a queue is the same for everybody; the place in a
//! playlist is each channel's own.

use crate::config::entries::{QueueConfig, RotationConfig, RotationOrder};
use crate::config::{ChannelConfig, Config, OrderConfig, PlaylistConfig, ReloadConfig};
use crate::fetch::Fetches;
use crate::fetch::list::Lists;
use crate::input::Input;
use crate::measure::Measures;
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::playlist::part::Elsewhere;
use crate::playlist::queue::{Numbers, Queue};
use crate::playlist::rotation::Rotation;
use crate::playlist::selection::{Entry, Past, Selection};
use crate::playlist::watch::{FIRST_READING, Reload, Watch};
use crate::state::State;
use crate::station::{StartError, memory};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;

/// Everything that can be played.
#[derive(Clone)]
pub(super) struct Shelf {
    config: Arc<Config>,
    /// The files of the playlists, in the order of the configuration.
    pub(super) watches: Vec<Watch>,
    /// The queues, in the order of the configuration.
    pub(super) queues: Vec<Queue>,
    /// What is live, in the order of the configuration; these stay as they are.
    pub(super) inputs: Vec<Input>,
    /// Where tracks and requests get their numbers.
    pub(super) numbers: Numbers,
    /// Where lists elsewhere come from.
    elsewhere: Elsewhere,
    /// Where files elsewhere come from; a shelf that is only looked at has none.
    pub(super) fetches: Option<Fetches>,
    /// Where tracks are measured; a shelf that is only looked at has none.
    pub(super) measures: Option<Measures>,
    /// What was played before a restart.
    pub(super) state: State,
    /// What shuffles and draws without a seed of their own begin with, if not with chance.
    seed: Option<u64>,
}

impl Shelf {
    /// Begins to read the files of every playlist, and those `elsewhere`, and goes on from `state`.
    ///
    /// Fails if the system gives no thread.
    pub(super) fn new(
        config: &Config,
        state: State,
        elsewhere: Elsewhere,
        seed: Option<u64>,
    ) -> Result<Self, StartError> {
        let numbers = Numbers::default();
        numbers.begin_behind(state.last_number());
        let nothing = Self {
            config: Arc::new(Config {
                playlists: Vec::new(),
                queues: Vec::new(),
                ..config.clone()
            }),
            watches: Vec::new(),
            queues: Vec::new(),
            inputs: config.inputs.iter().map(|it| Input::new(&it.name, it.buffer)).collect(),
            numbers,
            elsewhere,
            fetches: None,
            measures: None,
            state,
            seed,
        };
        let shelf = nothing.changed(config)?;
        for queue in &shelf.queues {
            memory::restore(queue, &shelf.state);
        }
        Ok(shelf)
    }

    /// The shelf of a station that is configured by `config` now. What is the same is kept; lists
    /// that are new are read, all at the same time.
    ///
    /// Fails if the system gives no thread.
    pub(super) fn changed(&self, config: &Config) -> Result<Self, StartError> {
        let (mut watches, mut first_readings) = (Vec::new(), Vec::new());
        for playlist in &config.playlists {
            let mut known = self.config.playlists.iter().zip(&self.watches);
            if let Some((_, watch)) = known.find(|(known, _)| reads_the_same(known, playlist)) {
                watches.push(watch.clone());
                continue;
            }
            let reload = match playlist.reload {
                ReloadConfig::Every(time) => Reload::Every(time),
                ReloadConfig::Never => Reload::Never,
                ReloadConfig::Watch => Reload::Watch,
            };
            let elsewhere = self.elsewhere.clone();
            let (watch, first_reading, _ends_by_itself) =
                Watch::begin(&playlist.name, playlist.paths.clone(), reload, elsewhere)?;
            watches.push(watch);
            first_readings.push(first_reading);
        }
        let until = Instant::now() + FIRST_READING;
        for first_reading in first_readings {
            first_reading.wait(until);
        }
        let queue = |queue: &QueueConfig| {
            let what = |it: &QueueConfig| (it.name.clone(), it.folder.clone(), it.tag_charset);
            let place = self.config.queues.iter().position(|known| what(known) == what(queue));
            let kept = place.and_then(|place| self.queues.get(place)).cloned();
            kept.unwrap_or_else(|| {
                Queue::new(&queue.name, queue.folder.clone(), self.numbers.clone())
                    .tagged_in(queue.tag_charset)
            })
        };
        Ok(Self {
            watches,
            queues: config.queues.iter().map(queue).collect(),
            inputs: self.inputs.clone(),
            numbers: self.numbers.clone(),
            elsewhere: self.elsewhere.clone(),
            fetches: self.fetches.clone(),
            measures: self.measures.clone(),
            state: self.state.clone(),
            seed: self.seed,
            config: Arc::new(config.clone()),
        })
    }

    /// What `channel` plays, from `now` on and behind what it played before a restart.
    ///
    /// Fails if there is no randomness to shuffle with.
    pub(super) fn selection(
        &self,
        channel: &ChannelConfig,
        now: Timestamp,
    ) -> Result<Selection, StartError> {
        let names = self.config.played_by(channel);
        let entries = names.iter();
        let entries =
            entries.filter_map(|name| self.entry(name, &names, &channel.name).transpose());
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let places = channel.play.iter().filter_map(|name| place(name, &names));
        let mut selection = Selection::among(entries, places.collect(), now);
        if let Some(state) = self.state.channels.get(&channel.name) {
            let past = state.past.iter().map(|past| Past {
                playlist: &past.playlist,
                key: past.key,
                began: memory::time(past.began_ms),
            });
            selection.resume(&past.collect::<Vec<_>>());
            for (playlist, round) in &state.rounds {
                selection.resume_round(playlist, &round.marks());
            }
        }
        Ok(selection)
    }

    /// What is called `name` on `channel`; rotations refer to places among `names`.
    fn entry(
        &self,
        name: &String,
        names: &[String],
        channel: &str,
    ) -> Result<Option<Entry>, StartError> {
        let mut inputs = self.config.inputs.iter().zip(&self.inputs);
        if let Some((config, input)) = inputs.find(|(config, _)| config.name == *name) {
            return Ok(Some(Entry::live(name, input.feed(channel), config.rules.clone())));
        }
        let mut playlists = self.config.playlists.iter().zip(&self.watches);
        if let Some((playlist, watch)) = playlists.find(|(playlist, _)| playlist.name == *name) {
            let place = Playlist::watching(name, self.order(playlist.order)?, watch);
            let place = place.tagged_in(playlist.tag_charset);
            return Ok(Some(Entry::playlist(name, place, playlist.rules.clone())));
        }
        let mut queues = self.config.queues.iter().zip(&self.queues);
        if let Some((config, queue)) = queues.find(|(config, _)| config.name == *name) {
            return Ok(Some(Entry::queue(queue.clone(), config.rules.clone())));
        }
        let rotation = self.config.rotations.iter().find(|it| it.name == *name);
        let Some(config) = rotation else { return Ok(None) };
        let rotation = self.rotation(config, names)?;
        Ok(Some(Entry::rotation(name, rotation, config.rules.clone())))
    }

    fn rotation(&self, config: &RotationConfig, names: &[String]) -> Result<Rotation, StartError> {
        let places = config.play.iter();
        let places = places.filter_map(|(name, weight)| Some((place(name, names)?, *weight)));
        let places = places.collect();
        Ok(match config.order {
            RotationOrder::Random { seed } => Rotation::random(places, self.seed(seed)?),
            RotationOrder::Turns => Rotation::turns(places),
        })
    }

    fn order(&self, order: OrderConfig) -> Result<Order, StartError> {
        Ok(match order {
            OrderConfig::Normal => Order::normal(),
            OrderConfig::Random { seed } => Order::random(self.seed(seed)?),
            OrderConfig::Shuffle { seed } => Order::shuffle(self.seed(seed)?),
        })
    }

    fn seed(&self, said: Option<u64>) -> Result<u64, StartError> {
        said.or(self.seed).map_or_else(getrandom::u64, Ok).map_err(StartError::Random)
    }
}

/// Where the lists of a station configured by `config` come from if they are elsewhere: from
/// `lists`, which fetches them, and from copies beside the state.
pub(super) fn elsewhere(config: &Config, lists: Lists) -> Elsewhere {
    Elsewhere { lists, copies: config.state.as_ref().map(|state| state.with_extension(COPIES)) }
}

fn place(name: &str, names: &[String]) -> Option<usize> {
    names.iter().position(|own| own == name)
}

/// Whether what one playlist reads is what the other does.
fn reads_the_same(one: &PlaylistConfig, other: &PlaylistConfig) -> bool {
    one.name == other.name && one.paths == other.paths && one.reload == other.reload
}

/// Copies of lists are kept beside the state, in a folder whose name ends so.
const COPIES: &str = "lists";
