//! What our source can send beside MP3, to our server and to the packaged Icecast, as a real player
//! hears it over borders of tracks.

use crate::programme::{music, station_config};
use e2e::{Icecast, Program, Station};
use source::encode::Format;
use source::encode::aac::{Aac, Profile};
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

fn aac(profile: Profile) -> Sent {
    let bitrate_kbps = profile.usual_kbps();
    Sent {
        mount: "/live.aac",
        format: Format::Aac(Aac { rate_hz: 44_100, bitrate_kbps, profile }),
        server_type: "audio/aac",
    }
}

/// A format, and as what it is shown.
struct Sent {
    mount: &'static str,
    format: Format,
    server_type: &'static str,
}

/// Sends four tracks one after the other, and wants every title shown, and ffmpeg to hear all of it
/// without one line of complaint.
async fn heard_over_borders(station: &Station, sent: &Sent) {
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    let folder = music(&["A - One", "B - Two", "C - Drei & <Vier>", "D - Ágætis"]);
    let mut config = station_config(station, folder.path(), sent.mount);
    config.outputs[0].format = sent.format;
    let source = source::station::Station::start(&config).expect("a station can start");
    station.until_titled(sent.mount, "A - One").await;
    let about = station.until_on_air(sent.mount).await;
    assert_eq!(about["server_type"], sent.server_type);
    assert_eq!(about["bitrate"], sent.format.bitrate_kbps());
    assert_eq!(about["audio_info"], AUDIO_INFO.replace("{}", &about["bitrate"].to_string()));

    let url = station.url(sent.mount);
    let quiet = ["-nostdin", "-hide_banner", "-xerror", "-v", "warning", "-i", &url];
    let player = ffmpeg.run(quiet.into_iter().chain(["-t", "4", "-f", "null", "-"]));
    for title in ["B - Two", "C - Drei & <Vier>", "D - Ágætis"] {
        assert!(source.skip("main"));
        station.until_titled(sent.mount, title).await;
    }

    let output = player.ended_well(Duration::from_secs(30)).await;
    assert_eq!(output.log.trim(), "", "{:?}", sent.format);
    source.stop().await;
    station.until_off_air(sent.mount).await;
}

const AUDIO_INFO: &str = "channels=2;samplerate=44100;bitrate={}";
