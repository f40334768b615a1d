//! What our source can send beside MP3, to our server and to the packaged Icecast, as a real player
//! hears it over borders of tracks.

use crate::programme::{music, station_config};
use e2e::{Icecast, Program, Station, until};
use source::encode::aac::{Aac, Profile};
use source::encode::opus::Opus;
use source::encode::{Format, Titles};
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

fn opus() -> Sent {
    Sent {
        mount: "/live.opus",
        format: Format::Opus(Opus { bitrate_kbps: 96, titles: Titles::InStream }),
        server_type: "audio/ogg",
        is_titled: true,
    }
}

fn aac(profile: Profile) -> Sent {
    let bitrate_kbps = profile.usual_kbps();
    Sent {
        mount: "/live.aac",
        format: Format::Aac(Aac { rate_hz: 44_100, bitrate_kbps, profile }),
        server_type: "audio/aac",
        is_titled: true,
    }
}

/// A format, and as what it is shown.
struct Sent {
    mount: &'static str,
    format: Format,
    server_type: &'static str,
    /// Whether the server shows its titles: Icecast 2.4.4 reads those of Vorbis only.
    is_titled: bool,
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
    let about = station.until_on_air(sent.mount).await;
    assert_eq!(about["server_type"], sent.server_type);
    assert_eq!(about["bitrate"], sent.format.bitrate_kbps());
    let (rate_hz, kbps) = (sent.format.rate_hz(), &about["bitrate"]);
    let expected = format!("channels=2;samplerate={rate_hz};bitrate={kbps}");
    assert_eq!(about["audio_info"], expected);

    let url = station.url(sent.mount);
    let quiet = ["-nostdin", "-hide_banner", "-xerror", "-v", "warning", "-i", &url];
    let player = ffmpeg.run(quiet.into_iter().chain(["-t", "4", "-f", "null", "-"]));
    for title in ["B - Two", "C - Drei & <Vier>", "D - Ágætis"] {
        assert!(source.skip("main"));
        until_titled(station, &source, sent, title).await;
    }

    let output = player.ended_well(Duration::from_secs(30)).await;
    assert_eq!(output.log.trim(), "", "{:?}", sent.format);
    source.stop().await;
    station.until_off_air(sent.mount).await;
}

/// Waits until the server shows `title`, or until it is played if the server shows none.
async fn until_titled(
    station: &Station,
    source: &source::station::Station,
    sent: &Sent,
    title: &str,
) {
    if sent.is_titled {
        return station.until_titled(sent.mount, title).await;
    }
    let plays = || source.status().channels[0].on_air.title.as_deref() == Some(title);
    until(&format!("{title} is played"), async || plays().then_some(())).await;
    station.until_on_air(sent.mount).await;
}
