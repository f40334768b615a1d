//! Real encoders: each with its own manner of speech, and each heard by all real players.

use crate::audience::{self, Sound};
use crate::studio::Studio;
use e2e::{Program, SOURCE_PASSWORD, WAIT_MAX, recording};
use std::fs;

#[tokio::test]
async fn ffmpeg_by_put_is_heard_by_everybody() {
    let Some(studio) = studio() else { return };
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let url = studio.source_url("icecast", "/a.mp3");
    let about = ["-ice_name", "By PUT", "-ice_genre", "test"];

    let _encoder = studio.send(&mp3, RATE, &[MP3_OPTIONS, &about].concat(), &url);

    let about = studio.station.until_on_air("/a.mp3").await;
    assert_eq!((&about["server_name"], &about["genre"]), (&"By PUT".into(), &"test".into()));
    all_hear(&studio, "ffmpeg PUT", "/a.mp3", "mp3", Some(&mp3)).await;
}

#[tokio::test]
async fn ffmpeg_by_source_is_heard_by_everybody() {
    let Some(studio) = studio() else { return };
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let url = studio.source_url("icecast", "/a.mp3");
    let how = ["-legacy_icecast", "1"];

    let _encoder = studio.send(&mp3, RATE, &[MP3_OPTIONS, &how].concat(), &url);

    all_hear(&studio, "ffmpeg SOURCE", "/a.mp3", "mp3", Some(&mp3)).await;
}

#[tokio::test]
async fn ffmpeg_by_chunked_put_is_heard_by_everybody() {
    let Some(studio) = studio() else { return };
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let url = studio.source_url("http", "/a.mp3");
    let how = ["-method", "PUT", "-auth_type", "basic", "-chunked_post", "1"];

    let _encoder = studio.send(&mp3, RATE, &[MP3_OPTIONS, &how].concat(), &url);

    all_hear(&studio, "ffmpeg chunked PUT", "/a.mp3", "mp3", Some(&mp3)).await;
}

#[tokio::test]
async fn vorbis_from_ffmpeg_is_heard_by_everybody() {
    ogg_from_ffmpeg("a.ogg", recording::VORBIS, "vorbis").await;
}

#[tokio::test]
async fn opus_from_ffmpeg_is_heard_by_everybody() {
    ogg_from_ffmpeg("a.opus", recording::OPUS, "opus").await;
}

#[tokio::test]
async fn flac_in_ogg_from_ffmpeg_is_heard_by_everybody() {
    ogg_from_ffmpeg("a.flac.ogg", recording::OGG_FLAC, "flac").await;
}

#[tokio::test]
async fn aac_from_ffmpeg_is_heard_by_everybody() {
    let Some(studio) = studio() else { return };
    let aac = studio.record("a.aac", recording::AAC).await;
    let url = studio.source_url("icecast", "/a.aac");

    let options = ["-f", "adts", "-content_type", "audio/aac"];
    let _encoder = studio.send(&aac, RATE, &options, &url);

    all_hear(&studio, "ffmpeg ADTS", "/a.aac", "aac", Some(&aac)).await;
}

#[tokio::test]
async fn curl_by_put_with_a_length_is_heard_by_everybody() {
    let Some(studio) = studio() else { return };
    let Some(curl) = Program::find("curl") else { return };
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let url = studio.source_url("http", "/a.mp3");

    let _encoder = curl.run(curl_arguments(&mp3, &url));

    all_hear(&studio, "curl PUT", "/a.mp3", "mp3", Some(&mp3)).await;
}

#[tokio::test]
async fn curl_by_chunked_put_is_heard_by_everybody() {
    let Some(studio) = studio() else { return };
    let Some(curl) = Program::find("curl") else { return };
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let url = studio.source_url("http", "/a.mp3");

    let _encoder = curl.run_on(curl_arguments("-", &url), &mp3);

    all_hear(&studio, "curl chunked PUT", "/a.mp3", "mp3", Some(&mp3)).await;
}

#[tokio::test]
async fn libshout_with_mp3_is_heard_by_everybody_and_sends_its_title() {
    let Some(studio) = studio() else { return };
    let Some(ezstream) = Program::find("ezstream") else { return };
    let tags = ["-metadata", "title=Ëzstream", "-metadata", "artist=Libshout"];
    let options = ["-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "3"];
    let mp3 = studio.record("a.mp3", &[&options[..], &tags].concat()).await;

    let _encoder = ezstream.run(["-c", &ezstream_config(&studio, &mp3, "/a.mp3", "MP3")]);

    studio.station.until_titled("/a.mp3", "Libshout - Ëzstream").await;
    all_hear(&studio, "libshout MP3", "/a.mp3", "mp3", Some(&mp3)).await;
}

#[tokio::test]
async fn libshout_with_vorbis_from_oggenc_is_heard_by_everybody_and_its_title_is_read() {
    let Some(studio) = studio() else { return };
    let Some(ezstream) = Program::find("ezstream") else { return };
    let Some(oggenc) = Program::find("oggenc") else { return };
    let wav = studio.record("a.wav", &[]).await;
    let ogg = studio.path("a.ogg");
    let tags = ["-t", "A tïtle", "-a", "An artist", "--utf8"];
    let arguments = ["-Q", "-o", &ogg].into_iter().chain(tags).chain([wav.as_str()]);
    oggenc.run(arguments).ended_well(WAIT_MAX).await;

    let _encoder = ezstream.run(["-c", &ezstream_config(&studio, &ogg, "/a.ogg", "Ogg")]);

    studio.station.until_titled("/a.ogg", "A tïtle").await;
    assert_eq!(studio.station.mount("/a.ogg").await.unwrap()["artist"], "An artist");
    all_hear(&studio, "libshout Vorbis", "/a.ogg", "vorbis", None).await;
}

#[tokio::test]
async fn liquidsoap_with_mp3_by_source_is_heard_by_everybody_and_sends_its_title() {
    liquidsoap("source", "%mp3(bitrate=128)", "/a.mp3", "mp3").await;
}

#[tokio::test]
async fn liquidsoap_with_mp3_by_put_is_heard_by_everybody_and_sends_its_title() {
    liquidsoap("put", "%mp3(bitrate=128)", "/a.mp3", "mp3").await;
}

#[tokio::test]
async fn liquidsoap_with_vorbis_by_source_is_heard_by_everybody_and_its_title_is_read() {
    liquidsoap("source", "%vorbis(quality=0.4)", "/a.ogg", "vorbis").await;
}

#[tokio::test]
async fn liquidsoap_with_vorbis_by_put_is_heard_by_everybody_and_its_title_is_read() {
    liquidsoap("put", "%vorbis(quality=0.4)", "/a.ogg", "vorbis").await;
}

#[tokio::test]
async fn ffmpeg_with_a_wrong_password_is_told_so() {
    let Some(studio) = studio() else { return };
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let url = format!("icecast://source:guessed@{}/a.mp3", studio.station.address());

    let encoder = studio.send(&mp3, RATE, MP3_OPTIONS, &url);

    let output = encoder.ended(WAIT_MAX).await;
    assert!(!output.status.success());
    assert!(output.log.contains("401"), "{}", output.log);
}

async fn ogg_from_ffmpeg(file: &str, options: &[&str], codec: &'static str) {
    let Some(studio) = studio() else { return };
    let ogg = studio.record(file, options).await;
    let mount = format!("/{file}");
    let url = studio.source_url("icecast", &mount);

    let _encoder = studio.send(&ogg, RATE, OGG_OPTIONS, &url);

    studio.station.until_titled(&mount, "A moving chord").await;
    all_hear(&studio, &format!("ffmpeg {codec}"), &mount, codec, None).await;
}

async fn liquidsoap(method: &str, encoder: &str, mount: &str, codec: &'static str) {
    let Some(studio) = studio() else { return };
    let Some(liquidsoap) = Program::find("liquidsoap") else { return };
    let wav = studio.record("a.wav", &[]).await;
    let port = studio.station.address().port();
    let script = studio.write(
        "station.liq",
        &format!(
            "settings.init.allow_root.set(true)\n\
             song = single('annotate:title=\"Ünder & over\",artist=\"The Sóaps\":{}')\n\
             output.icecast({encoder}, host=\"127.0.0.1\", port={port}, mount=\"{}\", \
             password=\"{SOURCE_PASSWORD}\", method=\"{method}\", name=\"Soap\", mksafe(song))\n",
            wav,
            mount.trim_start_matches('/'),
        ),
    );

    let _encoder = liquidsoap.run([script]);

    let title = match codec {
        "mp3" => "The Sóaps - Ünder & over",
        _ => "Ünder & over",
    };
    studio.station.until_titled(mount, title).await;
    all_hear(&studio, &format!("Liquidsoap {method} {codec}"), mount, codec, None).await;
}

/// A studio with a small burst, so that players are in the middle of the stream when they join.
fn studio() -> Option<Studio> {
    Studio::open("limits.burst_size = '16KiB'")
}

/// What makes curl an encoder of MP3 that sends `file` three times as fast as it sounds.
fn curl_arguments<'a>(file: &'a str, url: &'a str) -> [&'a str; 9] {
    ["-s", "-S", "--limit-rate", "48k", "-H", "Content-Type: audio/mpeg", "-T", file, url]
}

/// The file with the configuration with which ezstream plays `file`.
fn ezstream_config(studio: &Studio, file: &str, mount: &str, format: &str) -> String {
    let port = studio.station.address().port();
    let config = format!(
        "<ezstream><servers><server><hostname>127.0.0.1</hostname><port>{port}</port>\
         <password>{SOURCE_PASSWORD}</password></server></servers>\
         <streams><stream><mountpoint>{mount}</mountpoint><format>{format}</format>\
         <stream_name>EZ</stream_name></stream></streams>\
         <intakes><intake><type>file</type><filename>{file}</filename></intake></intakes>\
         </ezstream>",
    );
    studio.write("ezstream.xml", &config)
}

/// Lets everybody hear `mount`, once the middle of the stream is on air. What is heard must be
/// part of the file `original`, if there is one.
async fn all_hear(
    studio: &Studio,
    encoder: &str,
    mount: &str,
    codec: &'static str,
    original: Option<&str>,
) {
    studio.station.until_received(mount, 40_000).await;
    let original = original.map(|path| fs::read(path).expect("a file that was just written"));
    audience::all_hear(encoder, &studio.station.url(mount), &Sound { codec, original }).await;
}

const MP3_OPTIONS: &[&str] = &["-f", "mp3", "-content_type", "audio/mpeg"];
const OGG_OPTIONS: &[&str] = &["-f", "ogg", "-content_type", "application/ogg"];
/// How many times as fast as it sounds an encoder sends that can be told to hurry.
const RATE: &str = "3";
