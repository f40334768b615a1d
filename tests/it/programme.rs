//! Our source, playing to our server and to the packaged Icecast.

use e2e::{Icecast, Player, SOURCE_PASSWORD, Station, until, within_limit};
use source::config::{Address, Config};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn our_server_shows_the_titles_of_what_our_source_plays() {
    let folder = music(&["Sigur Rós - Ágætis byrjun", "椎名林檎 - 丸の内"]);
    let station = Station::start();

    let source = play(&station, folder.path());

    station.until_titled("/live.mp3", "Sigur Rós - Ágætis byrjun").await;
    source.skip("main");
    station.until_titled("/live.mp3", "椎名林檎 - 丸の内").await;
    source.stop().await;
    station.until_off_air("/live.mp3").await;
}

#[tokio::test]
async fn icecast_shows_the_titles_of_what_our_source_plays() {
    let Some(icecast) = Icecast::start().await else { return };
    let folder = music(&["Sigur Rós - Ágætis byrjun", "AC&DC - <Rock> \"n\" 'roll'"]);

    let source = play(&icecast, folder.path());

    icecast.until_titled("/live.mp3", "Sigur Rós - Ágætis byrjun").await;
    let about = icecast.until_on_air("/live.mp3").await;
    assert_eq!(about["server_name"], "Test station");
    assert_eq!(about["server_type"], "audio/mpeg");
    assert_eq!(about["bitrate"], 128);
    source.skip("main");
    icecast.until_titled("/live.mp3", "AC&DC - <Rock> \"n\" 'roll'").await;
    source.stop().await;
}

#[tokio::test]
async fn a_listener_hears_the_title_of_each_track_in_the_stream() {
    let folder = music(&["A - One", "B - Two"]);
    let station = Station::with("limits.flush_delay = 0");
    let source = play(&station, folder.path());
    station.until_titled("/live.mp3", "A - One").await;

    let mut player = Player::with_titles(&station, "/live.mp3").await;
    player.until_title("A - One").await;
    source.skip("main");
    player.until_title("B - Two").await;

    source.stop().await;
}

#[tokio::test]
async fn a_killed_icecast_has_the_mount_and_its_title_back_within_a_second_of_its_return() {
    let Some(mut icecast) = Icecast::start().await else { return };
    let folder = music(&["Only - Track"]);
    let source = play(&icecast, folder.path());
    icecast.until_titled("/live.mp3", "Only - Track").await;

    icecast.kill().await;
    let lost = || source.status().outputs[0].link.connections == 1 && !is_on_air(&source);
    until("the source has noticed", async || lost().then_some(())).await;
    icecast.start_again().await;
    let returned = Instant::now();
    icecast.until_titled("/live.mp3", "Only - Track").await;

    // The second is the source's, and its title is there with it. The server shows its statistics
    // a third of a second late.
    let took = returned.elapsed();
    assert!(took < Duration::from_millis(1_400), "{took:?}");
    source.stop().await;
}

#[tokio::test]
async fn our_restarted_server_has_the_mount_and_its_title_back_within_a_second() {
    let mut station = Station::start();
    let folder = music(&["Only - Track"]);
    let source = play(&station, folder.path());
    station.until_titled("/live.mp3", "Only - Track").await;

    station.stop();
    until("the source has noticed", async || (!is_on_air(&source)).then_some(())).await;
    station.start_again();
    let returned = Instant::now();
    station.until_titled("/live.mp3", "Only - Track").await;

    let took = returned.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    source.stop().await;
}

#[tokio::test]
async fn a_listener_of_our_server_is_kept_while_our_source_is_replaced() {
    let station = Station::start();
    let folder = music(&["Only - Track"]);
    let first = play(&station, folder.path());
    station.until_titled("/live.mp3", "Only - Track").await;
    let mut player = Player::tune_in(&station, "/live.mp3").await;
    player.hear(1_000).await;

    first.stop().await;
    station.until_off_air("/live.mp3").await;
    let second = play(&station, folder.path());
    let before = station.until_on_air("/live.mp3").await["listeners"].clone();
    player.hear(200_000).await;

    assert_eq!(before, 1);
    second.stop().await;
}

#[tokio::test]
async fn a_folder_without_music_holds_the_mount_with_a_tone() {
    let station = Station::start();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.mp3"), [0; 10_000]).unwrap();

    let source = play(&station, folder.path());
    station.until_on_air("/live.mp3").await;
    let mut player = Player::tune_in(&station, "/live.mp3").await;
    player.hear(40_000).await;

    assert!(source.status().channels[0].on_air.title.is_none());
    fs::write(folder.path().join("found.wav"), tone_wav("A - Found", 20)).unwrap();
    let found = station.until_titled("/live.mp3", "A - Found");
    within_limit(Duration::from_secs(30), "the new file is found", found).await;
    source.stop().await;
}

fn is_on_air(source: &source::station::Station) -> bool {
    matches!(source.status().outputs[0].link.link, source::push::link::Link::Streaming { .. })
}

/// Plays the files of `folder` to `/live.mp3` of `to`.
fn play(to: &Station, folder: &Path) -> source::station::Station {
    let config = station_config(to, folder, "/live.mp3");
    source::station::Station::start(&config).expect("a station can start")
}

/// What plays the files of `folder` to `mount` of `to`.
pub(crate) fn station_config(to: &Station, folder: &Path, mount: &str) -> Config {
    let url = format!("http://source:{SOURCE_PASSWORD}@{}{mount}", to.address());
    let address = Address::parse(&url).expect("an address of a mount");
    let mut config = Config::simple(vec![folder.to_owned()], address);
    config.outputs[0].identity.name = "Test station".to_owned();
    config
}

/// A folder with a minute of tone for every title, named in an M3U list.
pub(crate) fn music(titles: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, title) in titles.iter().enumerate() {
        let path: PathBuf = folder.path().join(format!("{number}.wav"));
        fs::write(path, tone_wav(title, 60)).expect("our own folder");
    }
    folder
}

/// `seconds` of a tone of 500 Hz as a WAV file, with `Artist - Title` as its tags.
pub(crate) fn tone_wav(tag: &str, seconds: u32) -> Vec<u8> {
    const RATE_HZ: u32 = 8_000;
    let samples = 0..seconds * RATE_HZ;
    wav(tag, RATE_HZ, samples.map(|at| if at % 16 < 8 { 900 } else { -900 }))
}

/// One channel of `samples` as a WAV file, with `Artist - Title` as its tags.
pub(crate) fn wav(tag: &str, rate_hz: u32, samples: impl Iterator<Item = i16>) -> Vec<u8> {
    let (artist, title) = tag.split_once(" - ").expect("artist and title");
    let text = |id: &[u8; 4], text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        chunk(id, &bytes)
    };
    let info = [b"INFO".to_vec(), text(b"IART", artist), text(b"INAM", title)].concat();
    let format =
        [&[1, 0, 1, 0], &rate_hz.to_le_bytes()[..], &(rate_hz * 2).to_le_bytes(), &[2, 0, 16, 0]];
    let body = [
        b"WAVE".to_vec(),
        chunk(b"fmt ", &format.concat()),
        chunk(b"LIST", &info),
        chunk(b"data", &samples.flat_map(i16::to_le_bytes).collect::<Vec<u8>>()),
    ];
    chunk(b"RIFF", &body.concat())
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short file");
    [id.as_slice(), &length.to_le_bytes(), body].concat()
}
