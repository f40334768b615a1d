//! What a channel may play besides playlists: queues of requests, and rotations.

use crate::config::{ChannelConfig, Config};
use crate::playlist::rules::Rules;
use jiff::tz::TimeZone;
use std::path::PathBuf;

/// A queue of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// What commands call it, and channels.
    pub name: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// Where relative names in requests begin.
    pub folder: PathBuf,
    /// When its requests may be played, and how they come in.
    pub rules: Rules,
}

/// Several lists that take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationConfig {
    /// What channels call it.
    pub name: String,
    /// The names of playlists, queues and other rotations, with their weights.
    pub play: Vec<(String, u32)>,
    /// Who takes a turn.
    pub order: RotationOrder,
    /// When it is due, and how it comes in.
    pub rules: Rules,
}

/// Who takes a turn in a rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RotationOrder {
    /// One drawn by its weight; with a seed, the same way in every run.
    Random {
        /// The seed; a random one if there is none.
        seed: Option<u64>,
    },
    /// One after the other, each for as many tracks as its weight.
    #[default]
    Turns,
}

impl Config {
    /// Where the station's clock hangs.
    pub fn zone(&self) -> TimeZone {
        let playlists = self.playlists.iter().map(|it| &it.rules);
        let mut rules = playlists.chain(self.queues.iter().map(|it| &it.rules));
        rules.next().map_or_else(TimeZone::system, |rules| rules.timetable.zone.clone())
    }

    /// The names of all that `channel` plays, rotations and what is in them included, the
    /// preferred one first.
    pub fn played_by(&self, channel: &ChannelConfig) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut open: Vec<&String> = channel.play.iter().rev().collect();
        while let Some(name) = open.pop() {
            if names.contains(name) {
                continue;
            }
            names.push(name.clone());
            if let Some(rotation) = self.rotations.iter().find(|it| it.name == *name) {
                open.extend(rotation.play.iter().rev().map(|(name, _)| name));
            }
        }
        names
    }
}
