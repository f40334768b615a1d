//! One channel of a station: its two threads, and the way to speak to them.

use crate::clock::{Clock, Schedule};
use crate::config::{ChannelConfig, Emergency};
use crate::control::console::ChannelEnd;
use crate::encode::{EncodeError, Encoding, Format};
use crate::lookahead::Lookahead;
use crate::mix::stand_in::EverReady;
use crate::mix::tone::{Filler, Sound};
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::playlist::queue::Numbers;
use crate::playlist::selection::{Selection, Upcoming};
use crate::programme::emergency::Looped;
use crate::programme::fan::{Fan, Outlet};
use crate::programme::{CUT_SAMPLE_FRAMES, Command, Programme, Settings};
use crate::sound::Chain;
use crate::station::shelf::Shelf;
use crate::station::{StartError, memory};
use crate::status::{OnAir, Report};
use crate::tasks::thread;
use crate::treatment::Treatment;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::watch;
use tracing::{error, warn};

/// A running channel.
pub(super) struct Channel {
    pub(super) name: Arc<str>,
    /// Sample frames per second.
    rate_hz: u32,
    pub(super) on_air: watch::Receiver<OnAir>,
    pub(super) upcoming: watch::Receiver<Vec<Upcoming>>,
    pub(super) commands: SyncSender<Command>,
    /// What its effects are set to.
    sound: watch::Sender<Chain>,
    /// Where another selection may be put.
    selections: SyncSender<Selection>,
    /// What is done to its tracks.
    treatment: watch::Sender<Treatment>,
    /// Which formats its files pass in untouched.
    passes: watch::Sender<Vec<Format>>,
    /// Why the programme has ended, if it has and knows.
    ended: Receiver<EncodeError>,
    pub(super) threads: Vec<JoinHandle<()>>,
}

impl Channel {
    /// Starts a channel of the station called `station`, which plays some of what is in `shelf` to
    /// `outlets`.
    pub(super) fn start(
        config: &ChannelConfig,
        shelf: &Shelf,
        station: &str,
        outlets: Vec<Outlet>,
        any: &watch::Sender<()>,
    ) -> Result<Self, StartError> {
        let rate_hz = config.rate_hz;
        let mut threads = Vec::new();
        let selection = shelf.selection(config, Timestamp::now())?;
        let (mut lookahead, supply) = Lookahead::new(selection, rate_hz, shelf.numbers.clone());
        if let Some(fetches) = shelf.fetches.clone() {
            lookahead = lookahead.fetching(fetches);
        }
        let treatment = watch::Sender::new(config.treatment);
        if let Some(measures) = shelf.measures.clone() {
            lookahead = lookahead.treating(treatment.subscribe(), measures);
        }
        let passes = watch::Sender::new(passed(outlets.iter().map(|outlet| outlet.encoding)));
        lookahead = lookahead.passing(passes.subscribe());
        let (upcoming, selections) = (lookahead.upcoming(), lookahead.selections());
        threads.push(thread("lookahead", move || lookahead.run())?);
        let emergency = emergency(config, &mut threads)?;
        let fan = Fan::new(outlets)
            .map_err(|error| StartError::Encoder { channel: config.name.clone(), error })?;
        let (report, on_air) = Report::new(OnAir::default(), any);
        let (commands, command_queue) = sync_channel(COMMANDS_MAX);
        let settings = Settings {
            rate_hz,
            title_when_empty: station.into(),
            crossfade: config.crossfade,
            blanks: config.blanks,
        };
        let (end, ended) = sync_channel(1);
        let history = shelf.state.channels.get(&config.name).map(memory::history);
        let programme =
            Programme::new(settings, supply, emergency).after(history.unwrap_or_default());
        let programme = programme.through(config.sound.clone());
        let name: Arc<str> = config.name.as_str().into();
        let channel = Arc::clone(&name);
        threads.push(thread("programme", move || {
            let clock = || Clock::real(Schedule::new(rate_hz, CUT_SAMPLE_FRAMES_U32));
            if let Err(error) = programme.run(fan, clock, &command_queue, &report) {
                error!(%channel, "the programme has ended: {error}");
                drop(end.try_send(error)); // there is room for the one; nobody may want it
            }
        })?);
        let sound = watch::Sender::new(config.sound.clone());
        Ok(Self {
            name,
            rate_hz,
            on_air,
            upcoming,
            commands,
            sound,
            selections,
            treatment,
            passes,
            ended,
            threads,
        })
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
            sound: self.sound.clone(),
        }
    }

    /// Tells the programme something, and waits until it has room for it.
    pub(super) fn tell(&self, command: Command) {
        drop(self.commands.send(command)); // a programme that has ended is noticed by its report
    }

    /// Sends the programme through other effects, whatever was turned since.
    pub(super) fn sound_by(&self, chain: &Chain) {
        self.sound.send_replace(chain.clone());
        self.tell(Command::Sound(Box::new(chain.clone())));
    }

    /// Plays by another selection, after the track that plays.
    pub(super) fn play(&self, selection: Selection) {
        if self.selections.try_send(selection).is_err() {
            warn!(channel = %self.name, "it takes no other playlists: it hangs, or has ended");
        }
        self.tell(Command::Reconsider);
    }

    /// Treats tracks as `treatment` says, after the one that plays.
    pub(super) fn treat(&self, treatment: Treatment) {
        if *self.treatment.borrow() != treatment {
            self.treatment.send_replace(treatment);
            self.tell(Command::Reconsider);
        }
    }

    /// Lets files pass untouched for outputs of these encodings, after the track that plays.
    pub(super) fn pass(&self, encodings: impl Iterator<Item = Encoding>) {
        let passes = passed(encodings);
        if *self.passes.borrow() != passes {
            self.passes.send_replace(passes);
            self.tell(Command::Reconsider);
        }
    }

    /// Why the programme has ended; `None` while it runs.
    pub(super) fn end_reason(&self) -> Option<String> {
        let has_ended = self.on_air.has_changed().is_err();
        has_ended.then(|| match self.ended.try_recv() {
            Ok(error) => format!("channel {}: the programme has ended: {error}", self.name),
            Err(_) => format!("channel {}: the programme has crashed; see the log", self.name),
        })
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

/// The formats that files pass in.
fn passed(encodings: impl Iterator<Item = Encoding>) -> Vec<Format> {
    encodings.filter(|encoding| encoding.passthrough).map(|encoding| encoding.format).collect()
}

/// What is heard on a channel when there is nothing to play; a file has threads of its own.
pub(super) fn emergency(
    config: &ChannelConfig,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<Box<dyn EverReady>, StartError> {
    let rate_hz = config.rate_hz;
    Ok(match &config.emergency {
        Emergency::Signal(signal) => Box::new(Filler::new(Sound::Signal(*signal), rate_hz)),
        Emergency::Silence => Box::new(Filler::new(Sound::Silence, rate_hz)),
        Emergency::Tone => Box::new(Filler::new(Sound::Tone, rate_hz)),
        Emergency::File(path) => {
            let (lookahead, supply) = Lookahead::new(looped(path), rate_hz, Numbers::default());
            threads.push(thread("lookahead", move || lookahead.run())?);
            Box::new(Looped::new(supply, rate_hz))
        }
    })
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
