//! A day at Asteroid Radio: its own Liquidsoap script, taken over by `import`, drives our source,
//! which feeds our server, and both are asked as its web programme asks them.
//!
//! It speaks telnet through `nc -q1`, which sends a line, closes its half and is gone a second
//! later, and takes what it reads apart with the regular expressions that stand here.

use crate::programme::tone_wav;
use e2e::{Player, Program, SOURCE_PASSWORD, Station, until, within, within_limit};
use regex_lite::Regex;
use source::config::{self, Config};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_list_that_is_written_and_reloaded_is_heard_from_its_first_entry_after_the_skip() {
    let Some(mut day) = Day::begin().await else { return };
    for round in 0..3 {
        let first = day.write_list(round);

        // What its scheduler does at 00, 06, 12 and 18 o'clock.
        assert_eq!(day.said("stream-queue_m3u.reload").await, "OK\r\nEND\r\n");
        assert_eq!(day.said("stream-queue_m3u.skip").await, "OK\r\nEND\r\n");

        within_limit(TITLE_LIMIT, "the title is there", day.until_shown(&first)).await;
    }
    day.end().await;
}

#[tokio::test]
async fn a_list_that_is_written_and_only_skipped_to_is_heard_from_its_first_entry() {
    let Some(mut day) = Day::begin().await else { return };
    for round in 0..3 {
        let first = day.write_list(round);

        // What its administrator's button does, at once.
        assert_eq!(day.said("stream-queue_m3u.skip").await, "OK\r\nEND\r\n");

        within_limit(TITLE_LIMIT, "the title is there", day.until_shown(&first)).await;
    }
    day.end().await;
}

#[tokio::test]
async fn every_reply_comes_whole_through_nc_while_lists_change_and_the_server_is_down() {
    let Some(mut day) = Day::begin().await else { return };
    day.server.stop();
    let mut calls = JoinSet::new();
    for round in 0..CALLS {
        if round % 10 == 0 {
            day.write_list(round);
        }
        let (command, fits) = REPLIES[round % REPLIES.len()];
        let (nc, address) = (day.nc.clone(), day.telnet);
        calls.spawn(async move { (command, fits, ask(&nc, address, command).await) });
        if calls.len() >= CALLS_AT_ONCE {
            expect_reply(calls.join_next().await);
        }
    }
    while !calls.is_empty() {
        expect_reply(calls.join_next().await);
    }
    day.end().await;
}

#[tokio::test]
async fn all_four_mounts_are_heard_and_every_output_tells_what_plays() {
    let Some(day) = Day::begin().await else { return };
    for (output, mount) in OUTPUTS {
        day.server.until_on_air(mount).await;
        let mut player = Player::tune_in(&day.server, mount).await;
        within("the mount is heard", player.hear(20_000)).await;

        let reply = day.said(&format!("{output}.metadata")).await;
        let blocks = Regex::new(r"---\s*\d+\s*---").expect("a pattern");
        let newest = blocks.split(&reply).last().expect("one block at least");
        let find = |key: &str| {
            let pattern = Regex::new(&format!("{key}=\"([^\"]+)\"")).expect("a pattern");
            pattern.captures(newest).map(|found| found[1].to_owned())
        };
        let shown = format!("{} - {}", find("artist").unwrap(), find("title").unwrap());
        assert_eq!(day.server.until_on_air(mount).await["title"], *shown, "{mount}");
        let remaining = day.said(&format!("{output}.remaining")).await;
        let seconds = remaining.split("\r\n").next().and_then(|text| text.parse::<f64>().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 0.0), "{remaining:?}");
    }
    let about = day.server.until_on_air("/asteroid.aac").await;
    assert_eq!((&about["server_type"], &about["bitrate"]), (&"audio/aac".into(), &96.into()));
    assert_eq!(about["genre"], "Electronic/Alternative");
    day.end().await;
}

/// Both halves of the station.
struct Day {
    server: Station,
    source: source::station::Station,
    telnet: SocketAddr,
    folder: TempDir,
    nc: Program,
}

impl Day {
    /// The station, once its first list is on the air; `None`, which has been said, without `nc`.
    async fn begin() -> Option<Self> {
        let nc = Program::find("nc")?;
        let server = Station::start();
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("music")).expect("a new folder");
        write(&folder.path().join("music/library.wav"), &tone_wav("The - Library", 60));
        let first = list(folder.path(), "0");
        let config = imported(folder.path(), server.address());
        let source = source::station::Station::start(&config).expect("a station can start");
        let telnet = source.telnet().expect("telnet is on");
        let day = Self { server, source, telnet, folder, nc };
        day.until_shown(&first).await;
        Some(day)
    }

    /// Writes another list in the place of the one that plays; the title of its first entry.
    fn write_list(&mut self, round: usize) -> String {
        list(self.folder.path(), &format!("of round {round}"))
    }

    /// The reply to a command.
    async fn said(&self, command: &str) -> String {
        ask(&self.nc, self.telnet, command).await
    }

    /// Waits until the statistics show `title`, as the web programme looks for it.
    async fn until_shown(&self, title: &str) {
        let pattern = Regex::new(r".*<title>(.*?)</title>.*").expect("a pattern");
        until("the title is shown", async || {
            let stats = self.server.admin("/admin/stats.xml").await;
            let (_, section) = stats.text().split_once(r#"<source mount="/asteroid.mp3">"#)?;
            let (section, _) = section.split_once("</source>")?;
            (pattern.captures(section)?[1] == *title).then_some(())
        })
        .await;
    }

    async fn end(self) {
        self.source.stop().await;
    }
}

/// The configuration that its script becomes, for this folder and this server.
fn imported(folder: &Path, server: SocketAddr) -> Config {
    let script = include_str!("../../source/src/import/scripts/docker.liq")
        .replace("/app/", &format!("{}/", folder.display()))
        .replace("environment.get(\"ICECAST_SOURCE_PASSWORD\")", &quoted(SOURCE_PASSWORD))
        .replace("host=\"icecast\"", &format!("host={}", quoted(&server.ip().to_string())))
        .replace("port=8000", &format!("port={}", server.port()));
    let imported = source::import::import(&script);
    assert_eq!(imported.left, Vec::<String>::new(), "something of the script is left over");
    // The script publishes its port from a container; here it is for us alone, whichever is free.
    let toml = imported.toml.replace("0.0.0.0:1234", "127.0.0.1:0");
    config::file::parse(&folder.join("station.toml"), &toml)
        .unwrap_or_else(|mistakes| panic!("{mistakes}\n{toml}"))
}

/// Writes the list that the station follows, as the web programme does: over the old one, in place.
/// The title of its first entry.
fn list(folder: &Path, name: &str) -> String {
    let titles = ["First", "Second", "Third"].map(|number| format!("{number} {name} - Track"));
    let mut lines = "#EXTM3U\n".to_owned();
    for title in &titles {
        let path = folder.join(format!("{title}.wav"));
        write(&path, &tone_wav(title, 60));
        lines += &format!("#EXTINF:-1,{title}\n{}\n", path.display());
    }
    write(&folder.join("stream-queue.m3u"), lines.as_bytes());
    let [first, ..] = titles;
    first
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// What `echo COMMAND | nc -q1 HOST PORT` prints.
async fn ask(nc: &Program, to: SocketAddr, command: &str) -> String {
    let (host, port) = (to.ip().to_string(), to.port().to_string());
    let input = tempfile::NamedTempFile::new().expect("a file for the command");
    write(input.path(), format!("{command}\n").as_bytes());
    nc.run_on(["-q1", &host, &port], input.path()).ended_well(CALL_LIMIT).await.out
}

fn expect_reply(
    call: Option<Result<(&'static str, &'static str, String), tokio::task::JoinError>>,
) {
    let (command, fits, reply) = call.expect("a call").expect("it ends");
    let pattern = Regex::new(fits).expect("a pattern");
    assert!(pattern.is_match(&reply), "{command}: {reply:?}");
}

/// The outputs of the script, in its order.
const OUTPUTS: [(&str, &str); 4] = [
    ("output.icecast", "/asteroid.mp3"),
    ("output.icecast.1", "/asteroid.aac"),
    ("output.icecast.2", "/asteroid-low.mp3"),
    ("output.icecast.3", "/asteroid-shuffle.mp3"),
];
/// Commands and what fits their replies.
const REPLIES: [(&str, &str); 6] = [
    ("uptime", r"^\d+d \d\dh \d\dm \d\ds\r\nEND\r\n$"),
    ("stream-queue_m3u.reload", r"^OK\r\nEND\r\n$"),
    ("stream-queue.m3u.reload", r"^OK\r\nEND\r\n$"),
    ("output.icecast.1.metadata", "^--- [0-9]+ ---\n(?s).*\r\nEND\r\n$"),
    ("output.icecast.1.remaining", r"^\d+\.\d\d\r\nEND\r\n$"),
    ("nonsense", "^ERROR: unknown command, type \"help\" to get a list of commands.\r\nEND\r\n$"),
];
const CALLS: usize = 120;
const CALLS_AT_ONCE: usize = 12;
/// `nc` alone waits for a second of these.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// From the skip to the title in the statistics, with the second that `nc` waits.
const TITLE_LIMIT: Duration = Duration::from_secs(2);
