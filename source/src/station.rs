//! `Station`: the pipeline, built and running.
//!
//! Two threads and two tasks. The thread `lookahead` prepares one track after the other, each
//! played by a `reel`, a thread of its own; the thread `programme` takes from them, mixes, encodes,
//! and gives out frames when they are due; the task `push` sends them, and another tells the
//! titles. Audio work is on threads of its own because it is work, not waiting, and must not be
//! held up by a slow network. Bytes flow one way; what flows back are wishes: to skip, and to ask
//! the playlist again.
//!
//! Parts end in the order of the flow: the programme when nobody holds its controls any more, the
//! lookahead and its reels when nobody takes their tracks, the push when no more frames come.

pub mod command;

use crate::clock::{Clock, Schedule};
use crate::config::{Config, OrderConfig};
use crate::encode::mp3::{EncodeError, FRAME_SAMPLE_FRAMES};
use crate::lookahead::Lookahead;
use crate::mix::crossfade::Crossfade;
use crate::playlist::Playlist;
use crate::playlist::order::Order;
use crate::programme::{Command, Programme, Settings};
use crate::push::{Push, QUEUE_FRAMES};
use crate::status::{LinkStatus, OnAir, Status};
use crate::tasks::{Tasks, thread};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, watch};
use tracing::error;

/// A running station. Dropping it stops it, without waiting for its end.
pub struct Station {
    commands: SyncSender<Command>,
    on_air: watch::Receiver<OnAir>,
    link: watch::Receiver<LinkStatus>,
    tasks: Tasks,
    threads: Vec<JoinHandle<()>>,
}

/// Why a station cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The encoder does not take the settings.
    #[error(transparent)]
    Encoder(#[from] EncodeError),
    /// There is no randomness to shuffle with.
    #[error("no random numbers for the shuffle: {0}")]
    Random(getrandom::Error),
    /// The system gives us no thread.
    #[error("no thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Station {
    /// Starts a station. Must be called within a Tokio runtime, which then carries its tasks.
    ///
    /// Returns before anything is on air. Fails if the pipeline cannot be built; a server that
    /// cannot be reached is no such failure, but dialled until it can.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let Config { identity, programme, output } = config;
        let order = order(programme.order)?;
        let settings = Settings {
            mp3: output.mp3,
            when_empty: programme.when_empty,
            title_when_empty: identity.name.as_str().into(),
            crossfade: Crossfade::default(),
        };
        let (commands, command_queue) = sync_channel(COMMANDS_MAX);
        let (frame_queue, frames) = mpsc::channel(QUEUE_FRAMES);
        let (on_air_report, on_air) = watch::channel(OnAir::default());

        let playlist = Playlist::new(programme.play, order);
        let rate_hz = settings.mp3.rate_hz;
        let (lookahead, supply) = Lookahead::new(playlist, rate_hz);
        let programme = Programme::new(settings, supply)?;

        let mut threads = vec![thread("lookahead", move || lookahead.run())?];
        threads.push(thread("programme", move || {
            let clock = || Clock::real(Schedule::new(rate_hz, FRAME_SAMPLE_FRAMES_U32));
            let sink = |frame| frame_queue.try_send(frame).is_ok();
            if let Err(error) = programme.run(clock, &command_queue, &on_air_report, sink) {
                error!("the programme has ended: {error}");
            }
        })?);
        let tasks = Tasks::default();
        let (push, link) = Push::new(Arc::new(output), Arc::new(identity), frames, &tasks);
        tasks.spawn(push.run());
        Ok(Self { commands, on_air, link, tasks, threads })
    }

    /// What the station is doing.
    pub fn status(&self) -> Status {
        Status { on_air: self.on_air.borrow().clone(), link: self.link.borrow().clone() }
    }

    /// Waits until what the station is doing has changed; at least once a second while it runs.
    /// Says whether it still runs.
    pub async fn changed(&mut self) -> bool {
        tokio::select! {
            on_air = self.on_air.changed() => on_air.is_ok(),
            link = self.link.changed() => link.is_ok(),
        }
    }

    /// Ends the track that plays, as soon as the next one is ready. If too many wishes are
    /// waiting, this one is forgotten.
    pub fn skip(&self) {
        match self.commands.try_send(Command::Skip) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Ends the programme, takes leave of the server, and waits until everything has ended.
    pub async fn stop(self) {
        let Self { commands, tasks, threads, .. } = self;
        drop(commands);
        tasks.ended().await;
        // The tasks end after the programme, and the lookahead as soon as it has nobody to play
        // for, unless a file system keeps it; it is not waited for then.
        for thread in threads.into_iter().filter(JoinHandle::is_finished) {
            if thread.join().is_err() {
                error!("a thread of the station has crashed");
            }
        }
    }
}

fn order(order: OrderConfig) -> Result<Order, StartError> {
    Ok(match order {
        OrderConfig::Normal => Order::normal(),
        OrderConfig::Shuffle { seed: Some(seed) } => Order::shuffle(seed),
        OrderConfig::Shuffle { seed: None } => {
            Order::shuffle(getrandom::u64().map_err(StartError::Random)?)
        }
    })
}

/// Commands that may wait; more are forgotten.
pub const COMMANDS_MAX: usize = 16;
#[expect(clippy::cast_possible_truncation, reason = "1152")]
const FRAME_SAMPLE_FRAMES_U32: u32 = FRAME_SAMPLE_FRAMES as u32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Identity, Output, ProgrammeConfig};
    use crate::mix::tone::WhenEmpty;
    use crate::test_audio::{self as audio, Form};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_station_plays_skips_and_takes_leave() {
        let played = async {
            let dir = tempfile::tempdir().unwrap();
            for name in ["a.wav", "b.wav"] {
                let tone = audio::tone(440.0, 44_100, 60 * 44_100);
                audio::write_wav(&dir.path().join(name), &tone, 2, 44_100, Form::Int16);
            }
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://source:x@{}/live.mp3", listener.local_addr().unwrap());
            let mut station = Station::start(Config {
                identity: Identity::default(),
                programme: ProgrammeConfig {
                    play: vec![dir.path().to_owned()],
                    order: OrderConfig::Normal,
                    when_empty: WhenEmpty::Tone,
                },
                output: Output::parse(&url).unwrap(),
            })
            .unwrap();
            let (mut audio, _) = listener.accept().await.unwrap();
            audio.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap();

            until_playing(&mut station, "a").await;
            station.skip();
            until_playing(&mut station, "b").await;

            let status = station.status();
            assert_eq!(status.on_air.underruns, 0);
            assert_eq!(status.link.connections, 1);
            station.stop().await;
            let mut rest = Vec::new();
            audio.read_to_end(&mut rest).await.unwrap();
            assert!(rest.windows(2).any(|two| two == [0xFF, 0xFB]), "no frame was sent");
        };
        timeout(Duration::from_secs(30), played).await.expect("it is done in time");
    }

    async fn until_playing(station: &mut Station, title: &str) {
        let plays = |on_air: &OnAir| on_air.title.as_deref() == Some(title);
        station.on_air.wait_for(plays).await.unwrap();
    }
}
