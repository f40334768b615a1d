//! One channel of a station: its two threads, and the way to speak to them.

use crate::clock::{Clock, Schedule};
use crate::config::{ChannelConfig, Emergency};
use crate::control::console::ChannelEnd;
use crate::lookahead::{Lookahead, Supply};
use crate::mix::stand_in::EverReady;
use crate::mix::tone::{Filler, Sound};
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::playlist::queue::Numbers;
use crate::playlist::selection::{Selection, Upcoming};
use crate::programme::emergency::Looped;
use crate::programme::fan::{Fan, Outlet};
use crate::programme::{CUT_SAMPLE_FRAMES, Command, Programme, Settings};
use crate::station::shelf::Shelf;
use crate::station::{StartError, memory};
use crate::status::{OnAir, Report};
use crate::tasks::thread;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::watch;
use tracing::error;

/// A running channel.
pub(super) struct Channel {
    pub(super) name: Arc<str>,
    /// Sample frames per second.
    rate_hz: u32,
    pub(super) on_air: watch::Receiver<OnAir>,
    pub(super) upcoming: watch::Receiver<Vec<Upcoming>>,
    pub(super) commands: SyncSender<Command>,
    threads: Vec<JoinHandle<()>>,
}

impl Channel {
    /// Starts a channel of the station called `station`, which plays some of what is in `shelf` to
    /// `outlets`.
    pub(super) fn start(
        config: &ChannelConfig,
        shelf: &Shelf<'_>,
        station: &str,
        outlets: Vec<Outlet>,
        any: &watch::Sender<()>,
    ) -> Result<Self, StartError> {
        let rate_hz = config.rate_hz;
        let mut threads = Vec::new();
        let selection = shelf.selection(config, Timestamp::now())?;
        let numbers = shelf.numbers.clone();
        let (supply, upcoming) = prepared(selection, rate_hz, numbers, &mut threads)?;
        let emergency: Box<dyn EverReady> = match &config.emergency {
            Emergency::Silence => Box::new(Filler::new(Sound::Silence, rate_hz)),
            Emergency::Tone => Box::new(Filler::new(Sound::Tone, rate_hz)),
            Emergency::File(path) => {
                let (supply, _) =
                    prepared(looped(path), rate_hz, Numbers::default(), &mut threads)?;
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
        };
        let history = shelf.state.channels.get(&config.name).map(memory::history);
        let programme =
            Programme::new(settings, supply, emergency).after(history.unwrap_or_default());
        let name: Arc<str> = config.name.as_str().into();
        let channel = Arc::clone(&name);
        threads.push(thread("programme", move || {
            let clock = || Clock::real(Schedule::new(rate_hz, CUT_SAMPLE_FRAMES_U32));
            if let Err(error) = programme.run(fan, clock, &command_queue, &report) {
                error!(%channel, "the programme has ended: {error}");
            }
        })?);
        Ok(Self { name, rate_hz, on_air, upcoming, commands, threads })
    }

    /// The channel, which plays what is called by the names `play`, as control sees it.
    pub(super) fn end(&self, play: &[String]) -> ChannelEnd {
        ChannelEnd {
            name: Arc::clone(&self.name),
            play: play.iter().map(|name| name.as_str().into()).collect(),
            rate_hz: self.rate_hz,
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
    numbers: Numbers,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<(Supply, watch::Receiver<Vec<Upcoming>>), StartError> {
    let (lookahead, supply) = Lookahead::new(selection, rate_hz, numbers);
    let upcoming = lookahead.upcoming();
    threads.push(thread("lookahead", move || lookahead.run())?);
    Ok((supply, upcoming))
}

/// A file, again and again.
fn looped(path: &Path) -> Selection {
    let playlist = Playlist::new(vec![path.to_owned()], Order::normal());
    Selection::new(vec![("emergency".into(), playlist)])
}

/// Commands that may wait; more are forgotten.
pub const COMMANDS_MAX: usize = 16;
#[expect(clippy::cast_possible_truncation, reason = "1152")]
const CUT_SAMPLE_FRAMES_U32: u32 = CUT_SAMPLE_FRAMES as u32;
