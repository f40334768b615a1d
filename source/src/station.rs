//! `Station`: the pipelines, built and running.
//!
//! Each channel has two threads of its own: `lookahead` prepares one track after the other, each
//! played by a `reel`, a further thread; `programme` takes from them, mixes, encodes, and gives out
//! frames when they are due. One thread measures tracks for all channels. Each output has two
//! tasks: one sends the frames, another tells the titles. Audio work is on threads because it is
//! work, not waiting, and must not be held up by a slow network; channels share nothing but what
//! was measured, so what goes wrong in one is not heard in another. Bytes flow one way; what flows
//! back are wishes: to skip, and to ask the playlists again.
//!
//! Parts end in the order of the flow: a programme when nobody holds its controls any more, its
//! lookahead and reels when nobody takes their tracks, an output when no more frames come.

pub mod channel;
pub mod command;
mod control;
mod inputs;
mod memory;
mod planning;
pub mod reload;
mod shelf;

use crate::config::{Config, Output};
use crate::control::console::{OutputEnd, Parts, ReloadWish};
use crate::encode::EncodeError;
use crate::fetch::client::Client;
use crate::fetch::list::Lists;
use crate::fetch::{self, Fetches};
use crate::measure::Measures;
use crate::programme::fan::Outlet;
use crate::push::{Push, QUEUE_FRAMES};
use crate::state::{Keeper, State};
use crate::station::channel::Channel;
use crate::station::control::Sockets;
use crate::station::inputs::Ports;
use crate::station::memory::Memory;
use crate::station::shelf::Shelf;
use crate::status::{ChannelStatus, OutputStatus, Status};
use crate::tasks::Tasks;
use crate::tls::Tls;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::error;

/// A running station. Dropping it stops it, without waiting for its end.
pub struct Station {
    config: Config,
    shelf: Shelf,
    channels: Vec<Channel>,
    outputs: Vec<RunningOutput>,
    /// Touched when anything has changed.
    any: watch::Sender<()>,
    changes: watch::Receiver<()>,
    /// What control wants of the configuration.
    reloads: mpsc::Receiver<ReloadWish>,
    tls: Tls,
    /// Dropped, so that nobody waits any more for changes in files as they were configured.
    listening: watch::Sender<()>,
    tasks: Tasks,
    telnet: Option<SocketAddr>,
    http: Option<SocketAddr>,
    harbors: Vec<SocketAddr>,
    /// What control sees of all this.
    parts: watch::Sender<Arc<Parts>>,
    /// The thread that carries wishes.
    carrier: JoinHandle<()>,
    /// The thread that writes the state.
    keeper: Option<JoinHandle<()>>,
    /// The thread that measures tracks, and writes what it found.
    measurer: JoinHandle<()>,
    /// Dropped, so that control ends.
    stop: watch::Sender<()>,
}

/// An output, as the station holds it.
struct RunningOutput {
    end: OutputEnd,
    /// What it is, and is to be from the next connection on.
    told: watch::Sender<Arc<Output>>,
}

/// What happens in a station.
#[derive(Debug)]
pub enum Happening {
    /// What it is doing has changed.
    Changed,
    /// A part of it has ended, which none should, for this reason; the rest goes on.
    Ended(String),
    /// Somebody wants the configuration read again.
    Reload(ReloadWish),
}

/// Why a station cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An encoder does not take its settings.
    #[error("channel {channel}: {error}")]
    Encoder {
        /// The channel.
        channel: String,
        /// What it says.
        error: EncodeError,
    },
    /// A socket cannot be had.
    #[error("control: {what}: {error}")]
    Control {
        /// Which.
        what: String,
        /// Why.
        error: std::io::Error,
    },
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
    /// Returns before anything is on air. Fails if a pipeline cannot be built; a server that
    /// cannot be reached is no such failure, but dialled until it can.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let sockets = Sockets::open(&config.control)?;
        let (telnet, http) = (sockets.telnet(), sockets.http());
        let ports = Ports::open(config)?;
        let harbors = ports.addresses();
        let (any, changes) = watch::channel(());
        let (stop, stopped) = watch::channel(());
        let tasks = Tasks::default();
        let state = config.state.as_deref().map(State::load).unwrap_or_default();
        let tls = Tls::new(config.trust.clone());
        let client = Client::new(tls.clone());
        let (lists, list_fetcher) = Lists::new(client.clone(), &tasks);
        tasks.spawn(list_fetcher.run(stopped.clone()));
        let mut shelf = Shelf::new(config, state, shelf::elsewhere(config, lists), None)?;
        let (fetches, fetcher) = Fetches::new(fetch::Limits::usual(), client.clone(), &tasks);
        tasks.spawn(fetcher.run(stopped.clone()));
        shelf.fetches = Some(fetches);
        let book = config.state.as_ref().map(|state| state.with_extension(MEASURES));
        let (measures, measurer) = Measures::start(book)?;
        shelf.measures = Some(measures);
        ports.serve(config, &shelf.inputs, &client, &stopped, &tasks);
        let mut outputs = Vec::new();
        let mut outlets: Vec<(String, Outlet)> = Vec::new();
        for output in &config.outputs {
            let (running, outlet) = started(output.clone(), true, &any, &tls, &tasks);
            outlets.push((output.channel.clone(), outlet));
            outputs.push(running);
        }
        let mut channels = Vec::new();
        for channel in &config.channels {
            let own = outlets.extract_if(.., |(name, _)| *name == channel.name);
            let own = own.map(|(_, outlet)| outlet).collect();
            let name = &config.identity.name;
            channels.push(Channel::start(channel, &shelf, name, own, &any)?);
        }
        let (reload, reloads) = mpsc::channel(RELOADS_MAX);
        let parts = watch::Sender::new(Arc::default());
        let (console, carrier) = control::console(parts.subscribe(), reload)?;
        let keeper = match &config.state {
            Some(path) => {
                let (keeper, thread) = Keeper::start(path.clone())?;
                let memory = Memory::new(shelf.state.clone(), keeper, parts.subscribe());
                tasks.spawn(memory.run(changes.clone(), stopped.clone()));
                Some(thread)
            }
            None => None,
        };
        let mut station = Self {
            config: config.clone(),
            shelf,
            channels,
            outputs,
            any,
            changes,
            reloads,
            tls,
            listening: watch::Sender::new(()),
            tasks,
            telnet,
            http,
            harbors,
            parts,
            carrier,
            keeper,
            measurer,
            stop,
        };
        station.listen();
        station.parts.send_replace(station.parts_now());
        sockets.serve(&console, &config.control, &station.changes, &stopped, &station.tasks);
        Ok(station)
    }

    /// What control sees of the station as it is.
    fn parts_now(&self) -> Arc<Parts> {
        let channels = self.config.channels.iter().filter_map(|config| {
            let running = self.channels.iter().find(|running| *running.name == *config.name)?;
            Some(running.end(&self.config.played_by(config)))
        });
        let outputs = self.outputs.iter().map(|output| output.end.clone());
        control::parts(&self.config, &self.shelf, channels.collect(), outputs.collect())
    }

    /// Where telnet is served by TCP, if it is.
    pub fn telnet(&self) -> Option<SocketAddr> {
        self.telnet
    }

    /// Where control by HTTP is served, if it is.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where live sources come in.
    pub fn harbors(&self) -> &[SocketAddr] {
        &self.harbors
    }

    /// What the station is doing.
    pub fn status(&self) -> Status {
        let channels = self.channels.iter().map(|channel| ChannelStatus {
            name: Arc::clone(&channel.name),
            on_air: channel.on_air.borrow().clone(),
        });
        let outputs = self.outputs.iter().map(|RunningOutput { end: output, .. }| OutputStatus {
            id: Arc::clone(&output.id),
            channel: Arc::clone(&output.channel),
            link: output.link.borrow().clone(),
        });
        Status { channels: channels.collect(), outputs: outputs.collect() }
    }

    /// Waits until something happens; at least once a second something has changed while all of it
    /// runs.
    pub async fn happens(&mut self) -> Happening {
        if let Some(why) = self.end_reason().await {
            return Happening::Ended(why);
        }
        tokio::select! {
            Some(wish) = self.reloads.recv() => Happening::Reload(wish),
            _ = self.changes.changed() => {
                self.end_reason().await.map_or(Happening::Changed, Happening::Ended)
            }
        }
    }

    /// Why a part of it has ended; `None` while all of it runs.
    async fn end_reason(&self) -> Option<String> {
        let of_channel = || self.channels.iter().find_map(Channel::end_reason);
        let has_ended = |output: &&RunningOutput| output.end.link.has_changed().is_err();
        if let Some(why) = of_channel() {
            return Some(why);
        }
        let output = self.outputs.iter().find(has_ended)?;
        // A programme that dies lets its outputs go before it is gone.
        sleep(END_PATIENCE).await;
        of_channel()
            .or_else(|| Some(format!("output {}: it has ended; see the log", output.end.id)))
    }

    /// Ends the track that plays on the channel called `channel`, as soon as the next one is
    /// ready; says whether there is such a channel. If too many wishes are waiting, this one is
    /// forgotten.
    pub fn skip(&self, channel: &str) -> bool {
        let channel = self.channels.iter().find(|running| &*running.name == channel);
        channel.map(Channel::skip).is_some()
    }

    /// Ends the programmes, takes leave of the servers, and waits until everything has ended.
    pub async fn stop(self) {
        let Self { shelf, channels, any, listening, tasks, parts, carrier, keeper, stop, .. } =
            self;
        let measurer = self.measurer;
        drop((parts, listening, stop, any, shelf));
        let mut threads: Vec<_> = channels.into_iter().flat_map(Channel::stop).collect();
        threads.push(carrier);
        tasks.ended().await;
        // A disk that hangs keeps nobody from leaving; what was written before this is whole.
        let writers = keeper.into_iter().chain([measurer]);
        let written = tokio::task::spawn_blocking(move || writers.for_each(|it| drop(it.join())));
        drop(tokio::time::timeout(LAST_WRITE, written).await);
        // The tasks end after the programmes, and a lookahead as soon as it has nobody to play
        // for, unless a file system keeps it; it is not waited for then.
        for thread in threads.into_iter().filter(JoinHandle::is_finished) {
            if thread.join().is_err() {
                error!("a thread of the station has crashed");
            }
        }
    }
}

/// Starts an output, on the air if it is `wanted` there: how it is seen from here, and what its
/// channel feeds.
fn started(
    output: Output,
    wanted: bool,
    any: &watch::Sender<()>,
    tls: &Tls,
    tasks: &Tasks,
) -> (RunningOutput, Outlet) {
    let (queue, frames) = mpsc::channel(QUEUE_FRAMES);
    let (wanted, is_wanted) = watch::channel(wanted);
    let (id, channel) = (Arc::from(output.id.as_str()), output.channel.as_str().into());
    let outlet = Outlet { id: Arc::clone(&id), encoding: output.encoding(), queue };
    let (aliases, format) = (output.aliases.clone(), output.format);
    let server = &output.address.server;
    let url = format!("{}://{server}{}", server.scheme(), output.address.mount).into();
    let (told, output) = watch::channel(Arc::new(output));
    let (push, link) = Push::new(output, frames, is_wanted, any, tls, tasks);
    tasks.spawn(push.run());
    let end = OutputEnd { id, aliases, channel, url, format, link, wanted };
    (RunningOutput { end, told }, outlet)
}

/// When an output has ended, its programme is given so long to tell why.
const END_PATIENCE: Duration = Duration::from_millis(200);
/// Wishes for another configuration that may wait.
const RELOADS_MAX: usize = 4;
/// What was measured is kept beside the state, in a file that ends so.
const MEASURES: &str = "measures";
/// The last state is written within this time, or not at all.
const LAST_WRITE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Address;
    use crate::config::entries::QueueConfig;
    use crate::playlist::rules::Rules;
    use crate::status::OnAir;
    use crate::test_audio::{self as audio, Form};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_station_plays_skips_and_takes_leave() {
        within_limit(async {
            let dir = two_tracks();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut station = Station::start(&config(&dir, &listener)).unwrap();
            let mut audio = accepted(&listener).await;

            until_playing(&mut station, "a").await;
            assert!(station.skip("main"));
            until_playing(&mut station, "b").await;

            let status = station.status();
            assert_eq!(status.channels[0].on_air.underruns, 0);
            assert_eq!(status.outputs[0].link.connections, 1);
            station.stop().await;
            let mut rest = Vec::new();
            audio.read_to_end(&mut rest).await.unwrap();
            assert!(rest.windows(2).any(|two| two == [0xFF, 0xFB]), "no frame was sent");
        })
        .await;
    }

    #[tokio::test]
    async fn two_mounts_of_one_channel_get_the_same_frames_though_one_of_them_stalls() {
        within_limit(async {
            let dir = two_tracks();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stalled = TcpListener::bind("127.0.0.1:0").await.unwrap(); // never answers
            let mut config = config(&dir, &listener);
            let mut third = config.outputs[0].clone();
            third.id = "third".to_owned();
            config.outputs.push(third);
            let address = format!("http://source:x@{}/z", stalled.local_addr().unwrap());
            let mut other = config.outputs[0].clone();
            other.address = Address::parse(&address).unwrap();
            other.id = "stalled".to_owned();
            config.outputs.insert(0, other);

            let station = Station::start(&config).unwrap();
            let mut one = accepted(&listener).await;
            let mut two = accepted(&listener).await;

            let (mut first, mut second) = (vec![0; 20_000], vec![0; 20_000]);
            one.read_exact(&mut first).await.unwrap();
            two.read_exact(&mut second).await.unwrap();
            let both = &second[second.len() - 8_000..second.len() - 7_000];
            assert!(first.windows(1_000).any(|part| part == both), "the frames differ");
            assert_eq!(station.status().outputs[0].link.connections, 0);
            station.stop().await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_station_is_asked_and_told_by_telnet() {
        within_limit(async {
            let dir = two_tracks();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut config = config(&dir, &listener);
            config.playlists[0].aliases = vec!["stream-queue_m3u".to_owned()];
            config.control.telnet = Some("127.0.0.1:0".parse().unwrap());
            config.control.socket = Some(dir.path().join("control.sock"));
            let mut station = Station::start(&config).unwrap();
            let _audio = accepted(&listener).await;
            until_playing(&mut station, "a").await;

            let mut telnet = TcpStream::connect(station.telnet().unwrap()).await.unwrap();
            telnet.write_all(b"stream-queue.m3u.skip\nlive.mp3.remaining\n").await.unwrap();
            telnet.shutdown().await.unwrap();
            let mut said = String::new();
            telnet.read_to_string(&mut said).await.unwrap();
            let (first, rest) = said.split_once("\r\nEND\r\n").unwrap();
            assert_eq!(first, "OK");
            let remaining: f64 = rest.strip_suffix("\r\nEND\r\n").unwrap().parse().unwrap();
            assert!((55.0..60.1).contains(&remaining), "{remaining}");
            until_playing(&mut station, "b").await;

            let socket = dir.path().join("control.sock");
            let mut unix = tokio::net::UnixStream::connect(&socket).await.unwrap();
            unix.write_all(b"live_mp3.metadata\nplaylist.reload\nexit\n").await.unwrap();
            let mut said = String::new();
            unix.read_to_string(&mut said).await.unwrap();
            assert!(said.starts_with("--- 2 ---\ntitle=\"a\"\nrid=\"1\"\n"), "{said}");
            assert!(said.ends_with("\r\nEND\r\nOK\r\nEND\r\nBye!\r\n"), "{said}");
            station.stop().await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_rewritten_list_is_heard_next_and_at_once_after_a_skip() {
        within_limit(async {
            let dir = two_tracks();
            let list = dir.path().join("list.m3u");
            std::fs::write(&list, "a.wav\nb.wav\n").unwrap();
            for name in ["x.wav", "y.wav"] {
                std::fs::copy(dir.path().join("a.wav"), dir.path().join(name)).unwrap();
            }
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut config = config(&dir, &listener);
            config.playlists[0].paths = vec![list.clone()];
            config.control.telnet = Some("127.0.0.1:0".parse().unwrap());
            let mut station = Station::start(&config).unwrap();
            until_playing(&mut station, "a").await;
            until_next(&mut station, "b").await;

            std::fs::write(&list, "a.wav\nx.wav\nb.wav\n").unwrap();
            until_next(&mut station, "x").await;
            assert_eq!(station.status().channels[0].on_air.title.as_deref(), Some("a"));

            std::fs::write(&list, "y.wav\n").unwrap();
            let mut telnet = TcpStream::connect(station.telnet().unwrap()).await.unwrap();
            telnet.write_all(b"playlist.skip\n").await.unwrap();
            let on_air = &mut station.channels[0].on_air;
            let next = on_air.wait_for(|on_air| on_air.title.as_deref() != Some("a")).await;
            assert_eq!(next.unwrap().title.as_deref(), Some("y"));
            station.stop().await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_request_is_pushed_by_telnet_and_heard_next() {
        within_limit(async {
            let dir = two_tracks();
            std::fs::create_dir(dir.path().join("wishes")).unwrap();
            std::fs::copy(dir.path().join("a.wav"), dir.path().join("wishes/w.wav")).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut config = config(&dir, &listener);
            config.playlists[0].paths = ["a.wav", "b.wav"].map(|it| dir.path().join(it)).to_vec();
            config.control.telnet = Some("127.0.0.1:0".parse().unwrap());
            config.queues = vec![queue(&dir.path().join("wishes"))];
            config.channels[0].play.insert(0, "req".to_owned());
            let mut station = Station::start(&config).unwrap();
            until_playing(&mut station, "a").await;
            until_next(&mut station, "b").await;

            let said = said(&station, "req.push nowhere.wav\nreq.push w.wav\nreq.queue\n").await;
            let bodies: Vec<_> = said.split("\r\nEND\r\n").collect();
            assert_eq!(bodies[..2], ["3", "4"], "{said}");
            assert!(bodies[2].ends_with('4'), "{said}");
            until_next(&mut station, "w").await;
            station.skip("main");
            until_playing(&mut station, "w").await;
            until_next(&mut station, "b").await;
            let played = station.status().channels[0].on_air.history.back().cloned().unwrap();
            assert_eq!((played.id, &*played.track.playlist), (4, "req"));

            station.stop().await;
        })
        .await;
    }

    /// What is said to `lines` by telnet.
    async fn said(station: &Station, lines: &str) -> String {
        let mut telnet = TcpStream::connect(station.telnet().unwrap()).await.unwrap();
        telnet.write_all(lines.as_bytes()).await.unwrap();
        telnet.shutdown().await.unwrap();
        let mut said = String::new();
        telnet.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test]
    async fn after_a_restart_it_goes_on_behind_the_last_track_with_its_requests_and_history() {
        within_limit(async {
            let dir = two_tracks();
            for name in ["c.wav", "w.wav"] {
                std::fs::copy(dir.path().join("a.wav"), dir.path().join(name)).unwrap();
            }
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut config = config(&dir, &listener);
            let files = ["a.wav", "b.wav", "c.wav"].map(|it| dir.path().join(it));
            config.playlists[0].paths = files.to_vec();
            config.state = Some(dir.path().join("station.state"));
            config.control.telnet = Some("127.0.0.1:0".parse().unwrap());
            config.queues = vec![queue(dir.path())];
            let mut station = Station::start(&config).unwrap();
            until_playing(&mut station, "a").await;
            station.skip("main");
            until_playing(&mut station, "b").await;
            config.channels[0].play.insert(0, "req".to_owned());
            said(&station, "req.push w.wav\n").await;
            station.stop().await;

            let mut station = Station::start(&config).unwrap();
            until_playing(&mut station, "w").await;
            until_next(&mut station, "c").await;
            let shown = said(&station, "live.mp3.metadata\n").await;
            let titles: Vec<_> = shown.lines().filter(|it| it.starts_with("title=")).collect();
            assert_eq!(titles, ["title=\"a\"", "title=\"b\"", "title=\"w\""], "{shown}");
            station.stop().await;
        })
        .await;
    }

    fn queue(folder: &std::path::Path) -> QueueConfig {
        QueueConfig {
            name: "req".to_owned(),
            aliases: Vec::new(),
            folder: folder.to_owned(),
            tag_charset: None,
            rules: Rules::always(),
        }
    }

    async fn until_next(station: &mut Station, title: &str) {
        let comes = |on_air: &OnAir| on_air.next.as_ref().is_some_and(|it| &*it.title == title);
        station.channels[0].on_air.wait_for(comes).await.unwrap();
    }

    fn two_tracks() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.wav", "b.wav"] {
            let tone = audio::tone(440.0, 44_100, 60 * 44_100);
            audio::write_wav(&dir.path().join(name), &tone, 2, 44_100, Form::Int16);
        }
        dir
    }

    fn config(dir: &tempfile::TempDir, listener: &TcpListener) -> Config {
        let url = format!("http://source:x@{}/live.mp3", listener.local_addr().unwrap());
        Config::simple(vec![dir.path().to_owned()], Address::parse(&url).unwrap())
    }

    async fn accepted(listener: &TcpListener) -> TcpStream {
        let (mut audio, _) = listener.accept().await.unwrap();
        audio.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap();
        audio
    }

    async fn until_playing(station: &mut Station, title: &str) {
        let plays = |on_air: &OnAir| on_air.title.as_deref() == Some(title);
        station.channels[0].on_air.wait_for(plays).await.unwrap();
    }

    /// No test here hangs: what takes longer than this has failed.
    async fn within_limit(test: impl Future<Output = ()>) {
        timeout(Duration::from_secs(30), test).await.expect("it is done in time");
    }
}
