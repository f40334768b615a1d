//! One channel of a station: its two threads, and the way to speak to them.

use crate::clock::{Clock, Schedule};
use crate::config::{ChannelConfig, Emergency, OrderConfig, PlaylistConfig};
use crate::control::console::ChannelEnd;
use crate::lookahead::{Lookahead, Supply};
use crate::mix::stand_in::EverReady;
use crate::mix::tone::{Filler, Sound};
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::playlist::selection::{Selection, Upcoming};
use crate::playlist::watch::Watch;
use crate::programme::emergency::Looped;
use crate::programme::fan::{Fan, Outlet};
use crate::programme::{CUT_SAMPLE_FRAMES, Command, Programme, Settings};
use crate::station::StartError;
use crate::status::{OnAir, Report};
use crate::tasks::thread;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::watch;
use tracing::error;

/// A running channel.
pub(super) struct Channel {
    pub(super) name: Arc<str>,
    pub(super) on_air: watch::Receiver<OnAir>,
    pub(super) upcoming: watch::Receiver<Vec<Upcoming>>,
    pub(super) commands: SyncSender<Command>,
    threads: Vec<JoinHandle<()>>,
}

impl Channel {
    /// Starts a channel of the station called `station`, which plays some of `playlists` to
    /// `outlets`, and is at this `place` among so many.
    pub(super) fn start(
        config: &ChannelConfig,
        playlists: &[(&PlaylistConfig, &Watch)],
        station: &str,
        place: (u64, u64),
        outlets: Vec<Outlet>,
        any: &watch::Sender<()>,
    ) -> Result<Self, StartError> {
        let rate_hz = config.rate_hz;
        let mut threads = Vec::new();
        let (supply, upcoming) = prepared(selection(config, playlists)?, rate_hz, &mut threads)?;
        let emergency: Box<dyn EverReady> = match &config.emergency {
            Emergency::Silence => Box::new(Filler::new(Sound::Silence, rate_hz)),
            Emergency::Tone => Box::new(Filler::new(Sound::Tone, rate_hz)),
            Emergency::File(path) => {
                let (supply, _) = prepared(looped(path), rate_hz, &mut threads)?;
                Box::new(Looped::new(supply, rate_hz))
            }
        };
        let fan = Fan::new(outlets)
            .map_err(|error| StartError::Encoder { channel: config.name.clone(), error })?;
        let (report, on_air) = Report::new(OnAir::default(), any);
        let (commands, command_queue) = sync_channel(COMMANDS_MAX);
        let settings = Settings {
            rate_hz,
            title_when_empty: station.into(),
            crossfade: config.crossfade,
            replay_gain: config.replay_gain,
            place,
        };
        let programme = Programme::new(settings, supply, emergency);
        let name: Arc<str> = config.name.as_str().into();
        let channel = Arc::clone(&name);
        threads.push(thread("programme", move || {
            let clock = || Clock::real(Schedule::new(rate_hz, CUT_SAMPLE_FRAMES_U32));
            if let Err(error) = programme.run(fan, clock, &command_queue, &report) {
                error!(%channel, "the programme has ended: {error}");
            }
        })?);
        Ok(Self { name, on_air, upcoming, commands, threads })
    }

    /// The channel, which `config` describes, as control sees it.
    pub(super) fn end(&self, config: &ChannelConfig) -> ChannelEnd {
        ChannelEnd {
            name: Arc::clone(&self.name),
            play: config.play.iter().map(|name| name.as_str().into()).collect(),
            on_air: self.on_air.clone(),
            upcoming: self.upcoming.clone(),
            commands: self.commands.clone(),
        }
    }

    /// Ends the track that plays, as soon as the next one is ready.
    pub(super) fn skip(&self) {
        match self.commands.try_send(Command::Skip) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Tells the channel to end; gives its threads to whoever wants to wait for them.
    pub(super) fn stop(self) -> Vec<JoinHandle<()>> {
        drop(self.commands);
        self.threads
    }
}

/// Starts a lookahead over `selection`: what it prepares, and what comes behind that.
fn prepared(
    selection: Selection,
    rate_hz: u32,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<(Supply, watch::Receiver<Vec<Upcoming>>), StartError> {
    let (lookahead, supply) = Lookahead::new(selection, rate_hz);
    let upcoming = lookahead.upcoming();
    threads.push(thread("lookahead", move || lookahead.run())?);
    Ok((supply, upcoming))
}

/// What the channel plays: its playlists, each with a position of its own in files that are read
/// once for all channels.
fn selection(
    config: &ChannelConfig,
    playlists: &[(&PlaylistConfig, &Watch)],
) -> Result<Selection, StartError> {
    let named = |name: &String| playlists.iter().find(|(playlist, _)| playlist.name == *name);
    let playlists = config.play.iter().filter_map(named).map(|(playlist, watch)| {
        let order = order(playlist.order)?;
        let name = playlist.name.as_str().into();
        let place = Playlist::watching(&playlist.name, order, watch);
        Ok((name, place, playlist.timetable.clone()))
    });
    playlists.collect::<Result<_, _>>().map(Selection::timed)
}

/// A file, again and again.
fn looped(path: &Path) -> Selection {
    let playlist = Playlist::new(vec![path.to_owned()], Order::normal());
    Selection::new(vec![("emergency".into(), playlist)])
}

fn order(order: OrderConfig) -> Result<Order, StartError> {
    let seed = |seed: Option<u64>| seed.map_or_else(getrandom::u64, Ok).map_err(StartError::Random);
    Ok(match order {
        OrderConfig::Normal => Order::normal(),
        OrderConfig::Random { seed: it } => Order::random(seed(it)?),
        OrderConfig::Shuffle { seed: it } => Order::shuffle(seed(it)?),
    })
}

/// Commands that may wait; more are forgotten.
pub const COMMANDS_MAX: usize = 16;
#[expect(clippy::cast_possible_truncation, reason = "1152")]
const CUT_SAMPLE_FRAMES_U32: u32 = CUT_SAMPLE_FRAMES as u32;
