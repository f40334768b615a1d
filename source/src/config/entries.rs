//! What a channel may play besides playlists: queues of requests, live inputs, and rotations.

use crate::alphabet::TagCharset;
use crate::config::{ChannelConfig, Config};
use crate::fetch::address::HttpAddress;
use crate::playlist::rules::Rules;
use common::auth::Credentials;
use jiff::tz::TimeZone;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A queue of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// What commands call it, and channels.
    pub name: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// Where relative names in requests begin.
    pub folder: PathBuf,
    /// What the tags of its files are encoded in that do not say so.
    pub tag_charset: Option<TagCharset>,
    /// When its requests may be played, and how they come in.
    pub rules: Rules,
}

/// Where something live comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputConfig {
    /// What commands call it, and channels.
    pub name: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// Who brings it.
    pub origin: Origin,
    /// So much is there before it is played.
    pub buffer: Duration,
    /// A source is sent away, or a stream given up, that sends nothing for so long.
    pub silence_max: Duration,
    /// When it may be played, and how it comes in.
    pub rules: Rules,
}

/// Who brings what is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A source comes to us.
    Harbor {
        /// Where.
        listen: SocketAddr,
        /// The path it names.
        mount: String,
        /// What it has to say.
        credentials: Credentials,
    },
    /// We fetch it.
    Relay {
        /// From here.
        address: HttpAddress,
    },
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
        let inputs = self.inputs.iter().map(|it| &it.rules);
        let mut rules = playlists.chain(self.queues.iter().map(|it| &it.rules)).chain(inputs);
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
