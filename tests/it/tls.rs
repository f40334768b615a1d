//! TLS: encrypted sources and listeners, beside plain ones on the same port.

use crate::studio::Studio;
use e2e::{FakeSource, Player, Program, SOURCE_PASSWORD, Station, WAIT_MAX, Wire};
use server::config::TlsFiles;
use std::fs;
use tempfile::TempDir;

/// A station with a certificate for `localhost`, which stands with its key in one file, as Icecast
/// has it; on a port for TLS alone if `tls_only`.
fn station(tls_only: bool) -> (Station, TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder for a certificate");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let made = made.expect("a certificate");
    let path = folder.path().join("icecast.pem");
    let pem = made.signing_key.serialize_pem() + &made.cert.pem();
    fs::write(&path, pem).expect("the folder is there");
    let station = Station::changed("", |config| {
        config.tls = Some(TlsFiles { certificate: path.clone(), key: path.clone() });
        config.listen[0].tls_only = tls_only;
    });
    let path = path.into_os_string().into_string().expect("a name in UTF-8");
    (station, folder, path)
}

fn url(station: &Station, path: &str) -> String {
    format!("https://localhost:{}{path}", station.address().port())
}

#[tokio::test]
async fn curl_reads_the_statistics_and_hears_a_stream_over_tls_1_2_and_1_3() {
    let Some(curl) = Program::find("curl") else { return };
    let (station, _folder, certificate) = station(false);
    let mut source = FakeSource::on(&station, "/live.mp3").await;
    source.play(200).await;
    let trust = ["-sS", "--cacert", &certificate];

    let page = url(&station, "/status-json.xsl");
    let page = curl.run(trust.into_iter().chain([page.as_str()])).ended_well(WAIT_MAX).await;
    assert!(page.out.contains("\"listenurl\""), "{}", page.out);

    let stream = url(&station, "/live.mp3");
    for version in ["--tls-max=1.2", "--tlsv1.3"] {
        let version = version.split('=');
        let arguments = trust.into_iter().chain(version).chain(["-m", "2", stream.as_str()]);
        let heard = curl.run(arguments).ended(WAIT_MAX).await;
        assert!(heard.out_bytes >= 60_000, "{} bytes; {}", heard.out_bytes, heard.log);
    }
    station.until_listeners("/live.mp3", 0).await;

    // The same port takes those who do not ask for TLS.
    let mut player = Player::tune_in(&station, "/live.mp3").await;
    assert!(!player.hear_frames(50).await.is_empty());
}

#[tokio::test]
async fn ffmpeg_sends_and_hears_over_tls_without_a_broken_frame() {
    let Some(studio) = Studio::open("") else { return };
    let Some(ffmpeg) = Program::find("ffmpeg") else { return };
    let (station, _folder, _) = station(true);
    let file = studio.record_some(20, "a.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"]).await;
    let address = format!("localhost:{}/live.mp3", station.address().port());
    let to = format!("icecast://source:{SOURCE_PASSWORD}@{address}");
    let how = ["-content_type", "audio/mpeg", "-f", "mp3", "-tls", "1"];

    let _encoder = studio.send(&file, "1", &how, &to);
    let from = url(&station, "/live.mp3");
    let quiet = ["-nostdin", "-xerror", "-v", "error", "-progress", "pipe:1", "-reconnect", "1"];
    let patient = ["-reconnect_on_http_error", "404", "-reconnect_delay_max", "5", "-i", &from];
    let decode = quiet.into_iter().chain(patient).chain(["-t", "8", "-f", "null", "-"]);
    let output = ffmpeg.run(decode).ended_well(WAIT_MAX).await;

    assert!(output.out.contains("out_time=00:00:08.0"), "{}", output.out);
}

#[tokio::test]
async fn a_port_for_tls_alone_says_nothing_to_others() {
    let (station, _folder, _) = station(true);

    let mut wire = Wire::ask(station.address(), "GET /status-json.xsl HTTP/1.0\r\n\r\n").await;

    assert_eq!(wire.rest().await, "");
}
