//! Real players, each with what it shows beside the sound: titles, names, formats.

use crate::studio::Studio;
use e2e::{FakeSource, Peer, Program, Station, WAIT_MAX, recording};

#[tokio::test]
async fn ffmpeg_decodes_twenty_seconds_of_every_format_as_they_are_made_without_one_error() {
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    // A small burst, so that the decoders begin in the middle of a stream.
    let Some(studio) = Studio::open("limits.burst_size = '16KiB'") else { return };
    let mut files = Vec::new();
    for (name, encoding, _) in FORMATS {
        files.push(studio.record_some(40, name, encoding).await);
    }

    let mut encoders = Vec::new();
    for (file, (name, _, sending)) in files.iter().zip(FORMATS) {
        let url = studio.source_url("icecast", &format!("/{name}"));
        encoders.push(studio.send(file, "1", &sending, &url));
    }
    let mut decoders = Vec::new();
    for (name, _, _) in FORMATS {
        let mount = format!("/{name}");
        studio.station.until_received(&mount, 40_000).await;
        let url = studio.station.url(&mount);
        let quiet = ["-nostdin", "-xerror", "-v", "error", "-progress", "pipe:1", "-i", &url];
        decoders.push(ffmpeg.run(quiet.into_iter().chain(["-t", "20", "-f", "null", "-"])));
    }

    for decoder in decoders {
        let output = decoder.ended_well(WAIT_MAX).await;
        assert_eq!(output.log, "");
        assert!(output.out.contains("out_time=00:00:20.0"), "{}", output.out);
    }
}

#[tokio::test]
async fn ffprobe_is_shown_name_genre_and_title() {
    let Some(ffprobe) = Program::find("ffprobe") else { return };
    let Some((studio, _encoder)) = on_air("Sigur%20R%C3%B3s%20-%20J%C3%B3ga").await else { return };

    let arguments = ["-v", "error", "-show_format", "-of", "json", &studio.station.url("/a.mp3")];
    let output = ffprobe.run(arguments).ended_well(WAIT_MAX).await;

    let shown: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    let (format, tags) = (&shown["format"], &shown["format"]["tags"]);
    assert_eq!(format["format_name"], "mp3");
    assert_eq!((&tags["icy-name"], &tags["icy-genre"]), (&"Radió".into(), &"test".into()));
    assert_eq!(tags["StreamTitle"], "Sigur Rós - Jóga");
}

#[tokio::test]
async fn mpg123_shows_name_and_title() {
    let Some(mpg123) = Program::find("mpg123") else { return };
    let Some((studio, _encoder)) = on_air("Don't+stop").await else { return };

    let output =
        mpg123.run(["-t", "-n", "300", &studio.station.url("/a.mp3")]).ended_well(WAIT_MAX).await;

    assert!(output.log.contains("ICY-NAME: Radi"), "{}", output.log);
    assert!(output.log.contains("ICY-META: StreamTitle='Don't stop';"), "{}", output.log);
    assert!(output.log.contains("MPEG 1.0 L III cbr128 44100"), "{}", output.log);
}

#[tokio::test]
async fn mpg123_writes_the_samples_of_what_was_sent() {
    let Some(mpg123) = Program::find("mpg123") else { return };
    let Some((studio, _encoder)) = on_air("x").await else { return };

    let output = mpg123
        .run(["-q", "-s", "-n", "100", &studio.station.url("/a.mp3")])
        .ended_well(WAIT_MAX)
        .await;

    assert_eq!(output.log, "");
    // 16 bits, two channels; the first frame or two may be lost on a decoder that has just begun.
    let frames = output.out_bytes / (1_152 * 4);
    assert!((98..=100).contains(&frames), "{frames} frames");
}

#[tokio::test]
async fn mpv_shows_each_title_as_it_comes() {
    let Some(mpv) = Program::find("mpv") else { return };
    let Some((studio, _encoder)) = on_air("The%20first").await else { return };
    let url = studio.station.url("/a.mp3");

    let player = mpv.run(["--no-config", "--ao=null", "--no-video", "--length=20", &url]);
    player.until_says("icy-title: The first").await;
    announce(&studio, "Ze%20s%C3%ABcond").await;
    player.until_says("icy-title: Ze sëcond").await;
    player.end().await;
}

#[tokio::test]
async fn ogg123_plays_from_one_link_of_a_chain_into_the_next_and_shows_both_titles() {
    let Some(ogg123) = Program::find("ogg123") else { return };
    let Some(studio) = Studio::open("limits.source_grace = '0'") else { return };
    let station = &studio.station;
    let mut links = Vec::new();
    for title in ["title=The first", "title=Ze sëcond"] {
        let options = ["-c:a", "libvorbis", "-q:a", "4", "-metadata", title];
        let path = studio.record_some(6, "a.ogg", &options).await;
        links.push(std::fs::read(path).unwrap());
    }
    let mut source = FakeSource::of(station, "/a.ogg", "application/ogg").await;
    let samples = studio.path("samples");

    let arguments = ["-v", "-d", "raw", "-f", &samples];
    let url = station.url("/a.ogg");
    let player = ogg123.run(arguments.into_iter().chain([url.as_str()]));
    station.until_listeners("/a.ogg", 1).await;
    source.send(&links[0]).await;
    station.until_titled("/a.ogg", "The first").await;
    source.send(&links[1]).await;
    station.until_titled("/a.ogg", "Ze sëcond").await;
    drop(source);

    let output = player.ended_well(WAIT_MAX).await;
    assert!(output.log.contains("Title: The first"), "{}", output.log);
    assert!(output.log.contains("Title: Ze s"), "{}", output.log);
    // 16 bits, two channels, 44.1 kHz: all of the twelve seconds.
    assert_eq!(std::fs::metadata(samples).unwrap().len(), 12 * 44_100 * 4);
}

#[tokio::test]
async fn curl_is_told_of_a_stream_by_head() {
    let Some(curl) = Program::find("curl") else { return };
    let station = Station::start();
    let _source = FakeSource::on(&station, "/a.mp3").await;

    let there = curl.run(["-s", "-S", "-I", &station.url("/a.mp3")]).ended_well(WAIT_MAX).await;
    let absent = curl.run(["-s", "-f", "-I", &station.url("/b.mp3")]).ended(WAIT_MAX).await;

    assert!(there.out.starts_with("HTTP/1.1 200 OK\r\n"), "{}", there.out);
    assert!(there.out.contains("Content-Type: audio/mpeg\r\n"), "{}", there.out);
    assert_eq!(absent.status.code(), Some(CURL_IS_REFUSED));
}

#[tokio::test]
async fn curl_sees_the_end_of_a_stream_as_an_end_and_not_as_an_error() {
    let Some(curl) = Program::find("curl") else { return };
    let station = Station::with("limits.source_grace = '0'");
    let mut source = FakeSource::on(&station, "/a.mp3").await;
    source.play(100).await;

    let player = curl.run(["-s", "-S", &station.url("/a.mp3")]);
    station.until_listeners("/a.mp3", 1).await;
    drop(source);

    let output = player.ended_well(WAIT_MAX).await;
    assert_eq!(output.out_bytes, 100 * e2e::frames::FRAME_BYTES);
}

/// A studio that sends MP3 to `/a.mp3`, twice as fast as it sounds, under `title`.
async fn on_air(title: &str) -> Option<(Studio, Peer)> {
    let studio = Studio::open("")?;
    let mp3 = studio.record("a.mp3", recording::MP3).await;
    let options = ["-ice_name", "Radió", "-ice_genre", "test", "-content_type", "audio/mpeg"];
    let options = [&options[..], &["-f", "mp3"]].concat();
    let encoder = studio.send(&mp3, "2", &options, &studio.source_url("icecast", "/a.mp3"));
    studio.station.until_on_air("/a.mp3").await;
    announce(&studio, title).await;
    studio.station.until_received("/a.mp3", 20_000).await;
    Some((studio, encoder))
}

async fn announce(studio: &Studio, title: &str) {
    let target = format!("/admin/metadata?mode=updinfo&mount=/a.mp3&charset=UTF-8&song={title}");
    let answer = studio.station.as_source(&target).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
}

/// File, how it is encoded, and how it is sent.
const FORMATS: [(&str, &[&str], [&str; 4]); 5] = [
    ("a.mp3", recording::MP3, ["-f", "mp3", "-content_type", "audio/mpeg"]),
    ("a.aac", recording::AAC, ["-f", "adts", "-content_type", "audio/aac"]),
    ("a.ogg", recording::VORBIS, ["-f", "ogg", "-content_type", "application/ogg"]),
    ("a.opus", recording::OPUS, ["-f", "ogg", "-content_type", "audio/ogg"]),
    ("a.flac.ogg", recording::OGG_FLAC, ["-f", "ogg", "-content_type", "application/ogg"]),
];
const CURL_IS_REFUSED: i32 = 22;
