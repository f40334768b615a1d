//! What a real decoder hears when its listener is moved from one encoder's stream to another's.

use crate::studio::Studio;
use e2e::{Program, recording};
use std::time::Duration;

#[tokio::test]
async fn ffmpeg_decodes_mp3_through_loss_and_return() {
    decodes_through_loss_and_return("mp3", recording::MP3, &["-f", "mp3"], "audio/mpeg").await;
}

#[tokio::test]
async fn ffmpeg_decodes_aac_through_loss_and_return() {
    decodes_through_loss_and_return("aac", recording::AAC, &["-f", "adts"], "audio/aac").await;
}

#[tokio::test]
async fn ffmpeg_decodes_vorbis_through_loss_and_return() {
    let ogg = ["-f", "ogg"];
    decodes_through_loss_and_return("ogg", recording::VORBIS, &ogg, "application/ogg").await;
}

#[tokio::test]
async fn ffmpeg_decodes_opus_through_loss_and_return() {
    let ogg = ["-f", "ogg"];
    decodes_through_loss_and_return("opus", recording::OPUS, &ogg, "audio/ogg").await;
}

/// Sends two streams, takes one away and brings it back while ffmpeg listens, which does not
/// forgive the slightest fault.
async fn decodes_through_loss_and_return(
    kind: &str,
    recorded: &[&str],
    container: &[&str],
    content_type: &str,
) {
    let lines = "limits.source_grace = 0\nmounts.'/main'.fallback = '/spare'\n\
                 mounts.'/main'.fallback_override = true";
    let Some(studio) = Studio::open(lines) else { return };
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    let file = studio.record(&format!("sound.{kind}"), recorded).await;
    let send = |mount: &str| {
        let options = [container, &["-content_type", content_type]].concat();
        studio.send(&file, "1", &options, &studio.source_url("icecast", mount))
    };
    let _spare = send("/spare");
    studio.station.until_on_air("/spare").await;
    let main = send("/main");
    studio.station.until_received("/main", HEARD_BYTES).await;

    let url = studio.station.url("/main");
    let quiet = ["-nostdin", "-hide_banner", "-v", "warning", "-xerror"];
    let decode = ["-i", &url, "-t", DECODED_SECONDS, "-f", "null", "-"];
    let player = ffmpeg.run(quiet.into_iter().chain(decode));
    studio.station.until_listeners("/main", 1).await;
    main.end().await;
    studio.station.until_listeners("/spare", 1).await;
    let received = studio.station.stat("/spare", "total_bytes_read").await;
    let received: u64 = received.parse().expect("a number of bytes");
    studio.station.until_received("/spare", received + HEARD_BYTES).await;
    let _main = send("/main");
    studio.station.until_listeners("/main", 1).await;

    let heard = player.ended_well(PLAYER_LIMIT).await;
    // Where Vorbis is chained, ffmpeg gives two packets one time, and its muxer minds.
    let is_decoders = |line: &&str| !line.contains("non monotonically increasing dts to muxer");
    let said: Vec<_> = heard.log.lines().filter(is_decoders).collect();
    assert!(said.is_empty(), "ffmpeg has something to say of {kind}: {said:?}");
}

/// One second of sound at 128 kbit/s, two at 64.
const HEARD_BYTES: u64 = 16_000;
const DECODED_SECONDS: &str = "10";
/// Sound comes in the time that it plays, and this machine may have other things to do.
const PLAYER_LIMIT: Duration = Duration::from_secs(40);
