//! The program under test: its configuration, its process, and what it says of itself.

use crate::Run;
use crate::files::{EMERGENCY, LIST};
use crate::servers::Rude;
use crate::telnet;
use e2e::{Peer, Program, SOURCE_PASSWORD, Wire, until};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// The program, as it runs.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where it takes telnet.
    pub(crate) telnet: SocketAddr,
    /// Where it takes HTTP.
    pub(crate) http: SocketAddr,
    /// Its process.
    pub(crate) pid: u32,
    config: PathBuf,
    /// What every variant of the configuration has.
    base: String,
}

/// What it used, once a second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// Resident memory.
    pub(crate) memory_kib: Vec<u64>,
    /// Open files and sockets.
    pub(crate) descriptors: Vec<u64>,
    /// Threads.
    pub(crate) threads: Vec<u64>,
}

/// What a process uses now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Resident memory.
    pub(crate) memory_kib: u64,
    /// Open files and sockets.
    pub(crate) descriptors: u64,
    /// Threads.
    pub(crate) threads: u64,
}

impl Source {
    /// Starts it in `folder`, with outputs to the `good` server and to the `rude` ones.
    pub(crate) async fn start(folder: &Path, good: SocketAddr, rude: &Rude) -> (Self, Peer) {
        let config = folder.join("station.toml");
        let base = base(good, rude);
        fs::write(&config, &base).expect("our own folder");
        // What `source/src/main.rs` is, built with these tests.
        let program = Program::at(env!("CARGO_BIN_EXE_source-under-test"));
        let peer = program.run(["-c", &config.display().to_string()]);
        peer.until_says("control by HTTP").await;
        let log = peer.so_far();
        let address = |what: &str| {
            let line = log.lines().find(|line| line.contains(what)).expect("it says where");
            let (_, address) = line.rsplit_once("address=").expect("it names the address");
            address.trim().parse().expect("an address")
        };
        peer.until_says("telnet address").await;
        let pid = peer.id().expect("it runs");
        let (telnet, http) = (address("telnet address"), address("control by HTTP"));
        (Self { telnet, http, pid, config, base }, peer)
    }

    /// Has the configuration read again, of which this is the `variant`th.
    pub(crate) async fn reload(&self, variant: u64) {
        let duration = variant % 3;
        let mut text =
            self.base.replace("duration = \"1s\"", &format!("duration = \"{duration}s\""));
        if variant.is_multiple_of(2) {
            let _ = writeln!(text, "[playlists.more]\npath = \"music/0.mp3\"");
            text = text.replace("\"list\", \"music\"", "\"list\", \"more\", \"music\"");
        }
        fs::write(&self.config, text).expect("our own folder");
        self.signal("-HUP").await;
    }

    /// Has a configuration read that is none.
    pub(crate) async fn reload_broken(&self, text: &[u8]) {
        fs::write(&self.config, text).expect("our own folder");
        self.signal("-HUP").await;
    }

    async fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid.to_string()]).status().await;
        assert!(sent.is_ok_and(|sent| sent.success()), "the program has ended");
    }

    /// What it says of itself.
    pub(crate) async fn status(&self) -> Value {
        let request = "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        Wire::ask(self.http, request).await.answer().await.json()
    }

    /// Waits until music plays on both channels, to every server.
    pub(crate) async fn until_well(&self) {
        self.reload(1).await;
        for output in ["moody.mp3", "moody.aac", "moody.opus", "dying.mp3"] {
            for command in ["stop", "start"] {
                // A server that has often refused is left alone for half a minute otherwise.
                let said = telnet::ask(self.telnet, &format!("{output}.{command}")).await;
                assert!(said.is_ok_and(|said| said.starts_with("OK")), "{output}.{command}");
            }
        }
        until("music plays to every server", async || {
            let status = self.status().await;
            let outputs = status["outputs"].as_array()?;
            let channels = status["channels"].as_array()?;
            let is_well = outputs.iter().all(|output| output["link"] == "on-air")
                && channels.iter().all(|channel| !channel["playing"].is_null());
            is_well.then_some(())
        })
        .await;
        let status = self.status().await;
        for output in status["outputs"].as_array().expect("outputs") {
            let name = output["output"].as_str().expect("a name");
            if ["good.mp3", "second.mp3"].contains(&name) {
                assert_eq!(output["connections"], 1, "the good connection broke: {output}");
            }
        }
        for channel in status["channels"].as_array().expect("channels") {
            let of = |key: &str| &channel[key];
            crate::say(&format!(
                "{}: {} underruns, {} late stretches, the latest {} s; given up {} s",
                of("channel"),
                of("underruns"),
                of("late_stretches"),
                of("latest_seconds"),
                of("given_up_seconds"),
            ));
        }
    }

    /// Ends it as a service manager would; what it has said.
    pub(crate) async fn leave(&self, peer: Peer) -> String {
        let state = self.config.with_file_name("state").join("station.state");
        self.signal("-TERM").await;
        let output = peer.ended(LEAVE_MAX).await;
        assert_eq!(output.status.code(), Some(0), "{}", output.log);
        let state = fs::read_to_string(&state).expect("the state is on the disk");
        let state: Value = serde_json::from_str(&state).expect("the state is whole");
        assert!(state["channels"]["main"].is_object(), "{state}");
        output.log
    }
}

/// Looks at the process once a second until the run is over.
pub(crate) async fn watch_usage(mut run: Run, pid: u32) -> Usage {
    let mut usage = Usage::default();
    while run.rest(Duration::from_secs(1)).await {
        let Used { memory_kib, descriptors, threads } = used(pid);
        usage.memory_kib.push(memory_kib);
        usage.descriptors.push(descriptors);
        usage.threads.push(threads);
    }
    usage
}

/// What the process uses now.
pub(crate) fn used(pid: u32) -> Used {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|line| line.split_ascii_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or_default()
    };
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count) as u64;
    Used { memory_kib: of("VmRSS:"), descriptors, threads: of("Threads:") }
}

fn base(good: SocketAddr, rude: &Rude) -> String {
    let mut text = format!(
        r#"[station]
name = "Chaos"
state = "state/station.state"
[playlists.list]
path = "{LIST}"
order = "normal"
[playlists.music]
path = "music"
order = "shuffle"
[queues.requests]
folder = "music"
[channels.main]
play = ["requests", "list", "music"]
crossfade = {{ duration = "1s" }}
[channels.second]
play = ["music"]
emergency = "{EMERGENCY}"
[control]
telnet = "127.0.0.1:0"
http = "127.0.0.1:0"
[[outputs]]
channel = "main"
url = "http://source:{SOURCE_PASSWORD}@{good}/good.mp3"
[[outputs]]
channel = "second"
url = "http://source:{SOURCE_PASSWORD}@{good}/second.mp3"
format = {{ codec = "mp3", bitrate = 96 }}
"#
    );
    for (name, url) in rude.urls() {
        let (channel, format) = match name {
            "moody.aac" => ("main", r#"codec = "aac", bitrate = 64"#),
            "moody.opus" => ("second", r#"codec = "opus", bitrate = 64"#),
            _ => ("main", r#"codec = "mp3""#),
        };
        let _ = writeln!(
            text,
            "[[outputs]]\nchannel = \"{channel}\"\nurl = \"{url}\"\nformat = {{ {format} }}"
        );
    }
    text
}

const LEAVE_MAX: Duration = Duration::from_secs(10);
