//! Sessions of telnet, one after the other: nothing of them is left behind.

use crate::program::used;
use crate::telnet::ask;
use e2e::{Program, within_limit};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn ten_thousand_sessions_in_a_row_leave_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("station.toml");
    let text = "playlists.music.path = 'none'\ncontrol.telnet = '127.0.0.1:0'\n[[outputs]]\n\
                url = 'http://source:x@127.0.0.1:1/x.mp3'\n";
    fs::write(&config, text).expect("our own folder");
    let program = Program::at(env!("CARGO_BIN_EXE_source-under-test"));
    let peer = program.run(["-c", &config.display().to_string()]);
    peer.until_says("telnet address=").await;
    let log = peer.so_far();
    let (_, address) = log.split_once("telnet address=").expect("it says where");
    let telnet = address.lines().next().expect("a line").trim().parse().expect("an address");
    let pid = peer.id().expect("it runs");
    come_and_go(telnet, 1_000).await;
    let before = used(pid);

    within_limit(SESSIONS_LIMIT, "ten thousand sessions", come_and_go(telnet, 10_000)).await;

    let reply = ask(telnet, "uptime").await.expect("it answers");
    assert!(reply.ends_with("s\r\nEND\r\n"), "{reply:?}");
    let after = used(pid);
    // The last few may be on their way out.
    assert!(after.descriptors <= before.descriptors + 4, "{before:?}, then {after:?}");
    assert!(after.memory_kib <= before.memory_kib + 1_024, "{before:?}, then {after:?}");
    let log = peer.end().await.log;
    assert!(!log.contains("ERROR") && log.lines().count() < 50, "{log}");
}

/// Some ask and wait for the reply, some close at once, some say nothing.
async fn come_and_go(telnet: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        match number % 4 {
            0 => drop(ask(telnet, "uptime").await.expect("it answers")),
            1 => drop(TcpStream::connect(telnet).await.expect("it listens")),
            2 => {
                let mut socket = TcpStream::connect(telnet).await.expect("it listens");
                socket.write_all(b"x.mp3.metadata\nuptime\n").await.expect("it takes a line");
            }
            _ => {
                let mut socket = TcpStream::connect(telnet).await.expect("it listens");
                socket.write_all(b"half a li").await.expect("it takes bytes");
            }
        }
    }
}

/// A session takes less than a millisecond.
const SESSIONS_LIMIT: Duration = Duration::from_secs(60);
