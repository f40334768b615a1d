//! Tests of another configuration while a station runs, with servers that the test plays.

use super::*;
use crate::config::{Address, Config, PlaylistConfig};
use crate::encode::Format;
use crate::encode::mp3::Mp3;
use crate::mix::stand_in::EverReady;
use crate::pcm::block::Block;
use crate::push::link::Link;
use crate::station::Happening;
use crate::status::OnAir;
use crate::test_audio::{self as audio, Form};
use common::mpeg::frame::Header;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

#[tokio::test]
async fn outputs_come_and_go_while_who_listens_to_another_hears_no_break() {
    within_limit(async {
        let dir = tracks(&["a"]);
        let (stays, goes, comes) = (server().await, server().await, server().await);
        let mut config = config(&dir, &stays);
        config.outputs.push(output(&config, "goes", &goes, 64));
        let mut station = Station::start(&config).unwrap();
        let mut listener = accepted(&stays).await;
        let mut left = accepted(&goes).await;
        let mut heard = vec![0; 20_000];
        listener.read_exact(&mut heard).await.unwrap();

        let mut other = config.clone();
        other.outputs.remove(1);
        other.outputs.push(output(&config, "comes", &comes, 96));
        other.outputs[0].identity.genre = "Ambient".to_owned();
        other.channels[0].crossfade.duration = Duration::from_secs(2);
        let lines = reloaded(&mut station, other);

        assert_eq!(
            lines,
            [
                "channel main: crossfade changed",
                "output live.mp3: changed; the server is told at the next connection",
                "output comes: added",
                "output goes: removed",
            ]
        );
        accepted(&comes).await.read_exact(&mut [0; 2_000]).await.unwrap();
        left.read_to_end(&mut Vec::new()).await.unwrap();
        let mut more = vec![0; 20_000];
        listener.read_exact(&mut more).await.unwrap();
        heard.extend(more);
        assert_is_unbroken(&heard);
        let status = station.status();
        assert_eq!((status.outputs[0].link.connections, status.outputs.len()), (1, 2));
        assert_eq!(status.channels[0].on_air.dropped_frames, 0);
        station.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_output_that_was_stopped_stays_so_when_it_is_to_go_elsewhere() {
    within_limit(async {
        let dir = tracks(&["a"]);
        let (stays, before, after) = (server().await, server().await, server().await);
        let mut config = config(&dir, &stays);
        config.outputs.push(output(&config, "moves", &before, 64));
        let mut station = Station::start(&config).unwrap();
        drop(accepted(&before).await);
        station.outputs[1].end.wanted.send_replace(false);

        config.outputs[1] = output(&config, "moves", &after, 64);
        let lines = reloaded(&mut station, config);

        assert_eq!(lines, ["output moves: changed; it connects anew"]);
        assert_eq!(station.status().outputs[1].link.link, Link::Stopped);
        station.outputs[1].end.wanted.send_replace(true);
        accepted(&after).await.read_exact(&mut [0; 2_000]).await.unwrap();
        assert_eq!(station.status().outputs[1].link.connections, 1, "it was not dialled before");
        station.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_server_hears_at_the_next_connection_what_has_changed() {
    within_limit(async {
        let dir = tracks(&["a"]);
        let server = server().await;
        let config = config(&dir, &server);
        let mut station = Station::start(&config).unwrap();
        let first = accepted(&server).await;

        let mut other = config.clone();
        other.outputs[0].identity.name = "Another name".to_owned();
        reloaded(&mut station, other);
        drop(first);

        let (mut socket, _) = server.accept().await.unwrap();
        assert!(head(&mut socket).await.contains("ice-name: Another name\r\n"));
        station.stop().await;
    })
    .await;
}

#[tokio::test]
async fn another_order_of_playlists_counts_after_the_track_that_plays() {
    within_limit(async {
        let dir = tracks(&["a", "b", "c"]);
        let others = tracks(&["x"]);
        let server = server().await;
        let mut config = config(&dir, &server);
        let mut station = Station::start(&config).unwrap();
        until(&mut station, |on_air| playing(on_air) == Some("a")).await;
        assert!(station.skip("main"));
        until(&mut station, |on_air| playing(on_air) == Some("b")).await;

        let other = PlaylistConfig {
            name: "other".to_owned(),
            paths: vec![others.path().to_owned()],
            ..config.playlists[0].clone()
        };
        config.playlists.push(other);
        config.channels[0].play.insert(0, "other".to_owned());
        let lines = reloaded(&mut station, config.clone());
        assert_eq!(lines, ["playlist other: added", "channel main: plays other, playlist now"]);
        until(&mut station, |on_air| next(on_air) == Some("x")).await;
        assert_eq!(playing(&station.status().channels[0].on_air), Some("b"));

        config.channels[0].play.remove(0);
        config.playlists.pop();
        reloaded(&mut station, config);
        until(&mut station, |on_air| next(on_air) == Some("c")).await;
        station.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_channel_comes_with_its_output_and_goes() {
    within_limit(async {
        let dir = tracks(&["a"]);
        let (main, second) = (server().await, server().await);
        let config = config(&dir, &main);
        let mut station = Station::start(&config).unwrap();

        let mut other = config.clone();
        let mut channel = config.channels[0].clone();
        "second".clone_into(&mut channel.name);
        other.channels.push(channel);
        let mut fresh = output(&config, "second.mp3", &second, 96);
        "second".clone_into(&mut fresh.channel);
        other.outputs.push(fresh);
        reloaded(&mut station, other);
        let mut heard = accepted(&second).await;
        heard.read_exact(&mut [0; 2_000]).await.unwrap();
        assert_eq!(station.parts.borrow().channels.len(), 2);

        let lines = reloaded(&mut station, config);
        assert_eq!(lines, ["channel second: removed", "output second.mp3: removed"]);
        heard.read_to_end(&mut Vec::new()).await.unwrap();
        station.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_programme_that_dies_is_told_of() {
    within_limit(async {
        let dir = tempfile::tempdir().unwrap();
        let server = server().await;
        let config = config(&dir, &server);
        let mut station = Station::start(&config).unwrap();

        station.channels[0].tell(Command::Rewire(Box::new(Rewire {
            unplug: Vec::new(),
            plug: Vec::new(),
            title_when_empty: "".into(),
            crossfade: config.channels[0].crossfade,
            blanks: None,
            emergency: Some(Box::new(Explosive)),
        })));

        let why = loop {
            match station.happens().await {
                Happening::Changed => {}
                Happening::Ended(why) => break why,
                Happening::Reload(wish) => panic!("{wish:?}"),
            }
        };
        assert_eq!(why, "channel main: the programme has crashed; see the log");
        station.stop().await;
    })
    .await;
}

struct Explosive;

impl EverReady for Explosive {
    fn next(&mut self, _: usize) -> Block {
        panic!("as the test wants it")
    }
}

fn reloaded(station: &mut Station, config: Config) -> Vec<String> {
    let prepared = station.preparation().prepare(config).unwrap();
    station.take_over(prepared)
}

/// Whether `heard`, from its beginning on, is one frame after the other.
fn assert_is_unbroken(heard: &[u8]) {
    let mut at = 0;
    let mut frames = 0;
    while at + 4 <= heard.len() {
        let header = Header::mpeg(&heard[at..]).unwrap_or_else(|| panic!("no frame at {at}"));
        at += header.frame_bytes;
        frames += 1;
    }
    assert!(frames > 90, "{frames}");
}

fn playing(on_air: &OnAir) -> Option<&str> {
    on_air.title.as_deref()
}

fn next(on_air: &OnAir) -> Option<&str> {
    on_air.next.as_ref().map(|track| &*track.title)
}

async fn until(station: &mut Station, is_so: impl FnMut(&OnAir) -> bool) {
    station.channels[0].on_air.wait_for(is_so).await.unwrap();
}

fn config(dir: &tempfile::TempDir, server: &TcpListener) -> Config {
    let url = format!("http://source:x@{}/live.mp3", server.local_addr().unwrap());
    Config::simple(vec![dir.path().to_owned()], Address::parse(&url).unwrap())
}

fn output(config: &Config, id: &str, server: &TcpListener, bitrate_kbps: u32) -> Output {
    let url = format!("http://source:x@{}/{id}", server.local_addr().unwrap());
    let format = Format::Mp3(Mp3::constant(44_100, bitrate_kbps, 9));
    let address = Address::parse(&url).unwrap();
    Output { id: id.to_owned(), address, format, ..config.outputs[0].clone() }
}

/// Tracks of a minute with these names.
fn tracks(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let tone = audio::tone(440.0, 44_100, 60 * 44_100);
    for name in names {
        let path = dir.path().join(format!("{name}.wav"));
        audio::write_wav(&path, &tone, 2, 44_100, Form::Int16);
    }
    dir
}

async fn server() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn accepted(server: &TcpListener) -> TcpStream {
    let (mut socket, _) = server.accept().await.unwrap();
    head(&mut socket).await;
    socket.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap();
    socket
}

async fn head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// No test here hangs: what takes longer than this has failed.
async fn within_limit(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(30), test).await.expect("it is done in time");
}
