//! What our source can send beside MP3, to our server and to the packaged Icecast, as a real player
//! hears it over borders of tracks.

use crate::programme::{music, station_config};
use e2e::{Icecast, Program, Station, until};
use serde_json::Value;
use source::encode::aac::{Aac, Profile};
use source::encode::flac::{Container, Depth, Flac};
use source::encode::mp3::{Bits, Mp3, Sides};
use source::encode::opus::Opus;
use source::encode::vorbis::{Aim, Vorbis};
use source::encode::{Channels, Format, Titles};
use std::time::Duration;

#[tokio::test]
async fn our_server_and_ffmpeg_take_our_aac() {
    let station = Station::start();
    for profile in [Profile::Lc, Profile::He, Profile::HeV2] {
        heard_over_borders(&station, &aac(profile)).await;
    }
}

#[tokio::test]
async fn icecast_and_ffmpeg_take_our_aac() {
    let Some(icecast) = Icecast::start().await else { return };

    heard_over_borders(&icecast, &aac(Profile::Lc)).await;
}

#[tokio::test]
async fn our_server_and_ffmpeg_take_our_opus() {
    let station = Station::start();

    heard_over_borders(&station, &opus()).await;
}

#[tokio::test]
async fn icecast_and_ffmpeg_take_our_opus() {
    let Some(icecast) = Icecast::start().await else { return };

    heard_over_borders(&icecast, &Sent { is_titled: false, ..opus() }).await;
}

#[tokio::test]
async fn our_server_and_ffmpeg_take_our_flac() {
    let station = Station::start();
    for depth in [Depth::Bits16, Depth::Bits24] {
        heard_over_borders(&station, &flac(depth, Container::Ogg(Titles::InStream))).await;
    }
    heard_over_borders(&station, &flac(Depth::Bits16, Container::Ogg(Titles::Aside))).await;
    heard_over_borders(&station, &flac(Depth::Bits16, Container::Native)).await;
}

#[tokio::test]
async fn icecast_and_ffmpeg_take_our_flac() {
    let Some(icecast) = Icecast::start().await else { return };
    for depth in [Depth::Bits16, Depth::Bits24] {
        let flac = flac(depth, Container::Ogg(Titles::InStream));
        heard_over_borders(&icecast, &Sent { is_titled: false, ..flac }).await;
    }
    heard_over_borders(&icecast, &flac(Depth::Bits16, Container::Native)).await;
}

#[tokio::test]
async fn our_server_and_ffmpeg_take_our_vorbis() {
    let station = Station::start();
    heard_over_borders(&station, &vorbis(Titles::InStream, Channels::Stereo)).await;
    heard_over_borders(&station, &vorbis(Titles::Aside, Channels::Mono)).await;
}

#[tokio::test]
async fn icecast_and_ffmpeg_take_our_vorbis() {
    let Some(icecast) = Icecast::start().await else { return };
    heard_over_borders(&icecast, &vorbis(Titles::InStream, Channels::Stereo)).await;
}

#[tokio::test]
async fn our_server_and_ffmpeg_take_our_mp3_of_every_kind() {
    let station = Station::start();
    let usual = Mp3::constant(44_100, 64, 7);
    heard_over_borders(&station, &mp3(Mp3 { bits: Bits::Variable(4), ..usual })).await;
    heard_over_borders(&station, &mp3(Mp3 { sides: Sides::Mono, ..usual })).await;
    heard_over_borders(&station, &mp3(Mp3 { sides: Sides::Separate, ..usual })).await;
    heard_over_borders(&station, &mp3(Mp3::constant(11_025, 24, 7))).await;
}

#[tokio::test]
async fn icecast_and_ffmpeg_take_our_mp3_of_variable_bit_rate() {
    let Some(icecast) = Icecast::start().await else { return };
    let settings = Mp3 { bits: Bits::Variable(2), ..Mp3::constant(44_100, 64, 5) };
    heard_over_borders(&icecast, &mp3(settings)).await;
}

fn vorbis(titles: Titles, channels: Channels) -> Sent {
    Sent {
        mount: "/live.ogg",
        format: Format::Vorbis(Vorbis { rate_hz: 44_100, channels, aim: Aim::Quality(4), titles }),
        server_type: "audio/ogg",
        is_titled: true,
        // At a border it goes back by a packet: see `borders`, where oggenc's chains do so too.
        is_timed: false,
    }
}

fn mp3(settings: Mp3) -> Sent {
    Sent {
        mount: "/live.mp3",
        format: Format::Mp3(settings),
        server_type: "audio/mpeg",
        is_titled: true,
        is_timed: true,
    }
}

fn flac(depth: Depth, container: Container) -> Sent {
    let settings = Flac { rate_hz: 44_100, channels: Channels::Stereo, depth, container };
    let format = Format::Flac(settings);
    Sent {
        mount: "/live.flac",
        format,
        server_type: format.content_type(),
        is_titled: true,
        // Who joins within a stream is told by its headers that it begins at 0, and by its second
        // page where it is: between the two ffmpeg's clock jumps, and again at the next border.
        is_timed: container == Container::Native,
    }
}

fn opus() -> Sent {
    Sent {
        mount: "/live.opus",
        format: Format::Opus(Opus {
            channels: Channels::Stereo,
            bitrate_kbps: 96,
            titles: Titles::InStream,
        }),
        server_type: "audio/ogg",
        is_titled: true,
        is_timed: true,
    }
}

fn aac(profile: Profile) -> Sent {
    let bitrate_kbps = profile.usual_kbps(Channels::Stereo);
    Sent {
        mount: "/live.aac",
        format: Format::Aac(Aac {
            rate_hz: 44_100,
            channels: Channels::Stereo,
            bitrate_kbps,
            profile,
        }),
        server_type: "audio/aac",
        is_titled: true,
        is_timed: true,
    }
}

/// A format, and as what it is shown.
struct Sent {
    mount: &'static str,
    format: Format,
    server_type: &'static str,
    /// Whether the server shows its titles: Icecast 2.4.4 reads those of Vorbis only.
    is_titled: bool,
    /// Whether ffmpeg can tell its time; else it is to count samples.
    is_timed: bool,
}

/// Sends four tracks one after the other, and wants every title shown, and ffmpeg to hear all of it
/// without one line of complaint.
async fn heard_over_borders(station: &Station, sent: &Sent) {
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    let folder = music(&["A - One", "B - Two", "C - Drei & <Vier>", "D - Ágætis"]);
    let mut config = station_config(station, folder.path(), sent.mount);
    config.outputs[0].format = sent.format;
    let source = source::station::Station::start(&config).expect("a station can start");
    until_titled(station, &source, sent, "A - One").await;
    let about = described(station, sent).await;
    assert_eq!(about["server_type"], sent.server_type);
    let (rate_hz, channels) = (sent.format.rate_hz(), sent.format.channels().count());
    let mut info = format!("channels={channels};samplerate={rate_hz}");
    if let Some(kbps) = sent.format.bitrate_kbps() {
        assert_eq!(about["bitrate"], kbps);
        info.push_str(&format!(";bitrate={kbps}"));
    }
    if let Some(quality) = sent.format.quality() {
        info.push_str(&format!(";quality={quality}"));
    }
    assert_eq!(about["audio_info"], info);
    assert_eq!(about["samplerate"], rate_hz);

    let url = station.url(sent.mount);
    let quiet = ["-nostdin", "-hide_banner", "-xerror", "-v", "warning", "-i", &url];
    let clock = if sent.is_timed { "anull" } else { "asetpts=N/SR/TB" };
    let to_nowhere = ["-af", clock, "-t", "4", "-f", "null", "-"];
    let player = ffmpeg.run(quiet.into_iter().chain(to_nowhere));
    for title in ["B - Two", "C - Drei & <Vier>", "D - Ágætis"] {
        assert!(source.skip("main"));
        until_titled(station, &source, sent, title).await;
    }

    let output = player.ended_well(Duration::from_secs(30)).await;
    assert_eq!(output.log, "", "{:?}", sent.format);
    source.stop().await;
    station.until_off_air(sent.mount).await;
}

/// What the statistics say of the mount, as soon as they say all that is asked of them: Icecast
/// sets one after the other, and a mount is shown before the last.
async fn described(station: &Station, sent: &Sent) -> Value {
    let bitrate = sent.format.bitrate_kbps().map(|_| "bitrate");
    let wanted = ["audio_info", "samplerate", "server_type"].into_iter().chain(bitrate);
    let wanted: Vec<_> = wanted.collect();
    let is_whole = |about: &Value| wanted.iter().all(|key| !about[key].is_null());
    let whole = async || station.mount(sent.mount).await.filter(is_whole);
    until(&format!("{} shows {wanted:?}", sent.mount), whole).await
}

/// Waits until the server shows `title`, or until it is played if the server shows none. What is in
/// the stream tells artist and title apart.
async fn until_titled(
    station: &Station,
    source: &source::station::Station,
    sent: &Sent,
    title: &str,
) {
    if !sent.is_titled {
        let plays = || source.status().channels[0].on_air.title.as_deref() == Some(title);
        until(&format!("{title} is played"), async || plays().then_some(())).await;
        station.until_on_air(sent.mount).await;
    } else if sent.format.titles() == Titles::InStream {
        let (artist, title) = title.split_once(" - ").expect("an artist and a title");
        let is_shown = async || {
            let about = station.mount(sent.mount).await?;
            (about["artist"] == artist && about["title"] == title).then_some(())
        };
        until(&format!("{} shows {artist} and {title}", sent.mount), is_shown).await;
    } else {
        station.until_titled(sent.mount, title).await;
    }
}
