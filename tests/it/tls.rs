//! TLS: encrypted sources and listeners, beside plain ones on the same port.

use crate::programme;
use crate::studio::Studio;
use e2e::{FakeSource, Player, Program, SOURCE_PASSWORD, Station, WAIT_MAX, Wire, until};
use server::config::TlsFiles;
use server::config::logs::LogTo;
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
async fn our_source_sends_sound_and_titles_over_tls_to_whom_it_is_told_to_believe() {
    let (station, _folder, certificate) = station(false);
    let music = programme::music(&["Sigur Rós - Ágætis byrjun"]);
    let mut config = programme::station_config(&station, music.path(), "/live.mp3");
    let who = format!("https://source:{SOURCE_PASSWORD}@localhost");
    let address = format!("{who}:{}/live.mp3", station.address().port());
    config.outputs[0].address = source::config::Address::parse(&address).expect("an address");

    let stranger = source::station::Station::start(&config).expect("a station can start");
    let refusal = async || stranger.status().outputs[0].link.last_error.clone();
    let refusal = until("it is not believed", refusal).await;
    stranger.stop().await;
    config.trust = Some(certificate.into());
    let source = source::station::Station::start(&config).expect("a station can start");
    station.until_titled("/live.mp3", "Sigur Rós - Ágætis byrjun").await;
    let mut player = Player::tune_in(&station, "/live.mp3").await;
    player.hear(40_000).await;
    source.stop().await;

    assert!(refusal.starts_with("no TLS with it: invalid peer certificate"), "{refusal}");
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

#[tokio::test]
async fn chromium_plays_a_stream_over_tls() {
    let Some(studio) = Studio::open("") else { return };
    let Some(chromium) = Program::find("chromium") else { return };
    let folder = tempfile::tempdir().expect("a folder for a certificate");
    let (pem, log) = (folder.path().join("icecast.pem"), folder.path().join("access.log"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&pem, made.signing_key.serialize_pem() + &made.cert.pem()).unwrap();
    let page = "<audio id=a src=/live.mp3 autoplay muted></audio><script>
        const audio = document.getElementById('a')
        audio.ontimeupdate = () => audio.currentTime > 2 && fetch('/has-played')
        audio.onerror = () => fetch('/has-failed')
        </script>";
    fs::write(folder.path().join("page.html"), page).unwrap();
    let station = Station::changed("", |config| {
        config.tls = Some(TlsFiles { certificate: pem.clone(), key: pem.clone() });
        config.files.webroot = Some(folder.path().to_owned());
        config.files.serve = true;
        config.logs.access = LogTo::File(log.clone());
    });
    let file = studio.record("a.mp3", e2e::recording::MP3).await;
    let to = format!("icecast://source:{SOURCE_PASSWORD}@{}/live.mp3", station.address());
    let how = ["-content_type", "audio/mpeg", "-f", "mp3"];
    let _encoder = studio.send(&file, "1", &how, &to);
    station.until_received("/live.mp3", 40_000).await;

    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    let page = url(&station, "/page.html");
    let mut arguments = vec!["--headless=new", "--no-sandbox", "--disable-gpu"];
    arguments.extend(["--ignore-certificate-errors", "--remote-debugging-port=0"]);
    arguments.extend(["--autoplay-policy=no-user-gesture-required", &profile, &page]);
    let _browser = chromium.run(arguments);

    let said = async || {
        let log = fs::read_to_string(&log).unwrap_or_default();
        log.contains("/has-").then_some(log)
    };
    let log = until("the page says how it went", said).await;
    assert!(log.contains("GET /has-played"), "{log}");
}

#[tokio::test]
async fn libshout_sends_over_tls() {
    libshout_sends("rfc2818", true).await;
}

#[tokio::test]
async fn libshout_sends_over_a_connection_that_becomes_an_encrypted_one() {
    libshout_sends("rfc2817", false).await;
}

/// Lets MPD, which stands on libshout, send over TLS as `tls` says, to a port for TLS alone or not.
async fn libshout_sends(tls: &str, tls_only: bool) {
    let Some(studio) = Studio::open("") else { return };
    let (Some(env), Some(_), Some(mpc)) =
        (Program::find("env"), Program::find("mpd"), Program::find("mpc"))
    else {
        return;
    };
    let (station, _folder, certificate) = station(tls_only);
    studio.record("a.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"]).await;
    let (folder, socket) = (studio.path("."), studio.path("mpd.sock"));
    let port = station.address().port();
    let config = studio.write(
        "mpd.conf",
        &format!(
            "music_directory \"{folder}\"\nbind_to_address \"{socket}\"\n\
             db_file \"{folder}/db\"\nauto_update \"no\"\nzeroconf_enabled \"no\"\n\
             audio_output {{\ntype \"shout\"\nname \"MPD\"\nencoding \"mp3\"\n\
             protocol \"icecast2\"\ntls \"{tls}\"\nhost \"localhost\"\nport \"{port}\"\n\
             mount \"/live.mp3\"\npassword \"{SOURCE_PASSWORD}\"\nbitrate \"128\"\n\
             format \"44100:16:2\"\n}}\n"
        ),
    );

    let trust = format!("SSL_CERT_FILE={certificate}");
    let _mpd = env.run([&trust, "mpd", "--no-daemon", "--stderr", &config]);
    let answers = async || {
        let output = mpc.run(["-h", &socket, "update", "-w"]).ended(WAIT_MAX).await;
        output.status.success().then_some(())
    };
    until("MPD answers", answers).await;
    mpc.run(["-h", &socket, "add", "a.mp3"]).ended_well(WAIT_MAX).await;
    mpc.run(["-h", &socket, "play"]).ended_well(WAIT_MAX).await;

    let Some(curl) = Program::find("curl") else { return };
    let page = url(&station, "/status-json.xsl");
    let on_air = async || {
        let asked = curl.run(["-sS", "--cacert", &certificate, &page]).ended(WAIT_MAX).await;
        asked.out.contains("/live.mp3").then_some(())
    };
    until("the stream is on air", on_air).await;
}

#[tokio::test]
async fn a_connection_that_is_to_become_an_encrypted_one_is_no_plain_one_any_more() {
    let (station, _folder, _) = station(false);
    let wish = "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
                Upgrade: TLS/1.0, HTTP/1.1\r\n\r\n";

    let mut wire = Wire::ask(station.address(), wish).await;

    let head = wire.head().await;
    assert_eq!((head.status, head.headers.first("connection")), (101, Some("Upgrade")));
    // What is no handshake ends it.
    wire.send("GET /status-json.xsl HTTP/1.0\r\n\r\n").await;
    let rest = String::from_utf8_lossy(&wire.rest().await).into_owned();
    assert!(!rest.contains("icestats"), "{rest}");
}

#[tokio::test]
async fn links_of_a_port_for_tls_alone_and_for_who_asks_over_tls_are_https() {
    let Some(curl) = Program::find("curl") else { return };
    for tls_only in [true, false] {
        let (station, _folder, certificate) = station(tls_only);
        let asked = async |path: &str| {
            let url = url(&station, path);
            let arguments = ["-sS", "--cacert", &certificate, &url];
            curl.run(arguments).ended_well(WAIT_MAX).await.out
        };
        let port = station.address().port();

        let playlist = asked("/live.mp3.m3u").await;
        assert_eq!(playlist, format!("https://localhost:{port}/live.mp3\r\n"));
        let signed = asked("/admin/buildm3u?mount=/live.mp3&username=u&password=p").await;
        let scheme = if tls_only { "https" } else { "http" };
        assert_eq!(signed, format!("{scheme}://u:p@localhost:{port}/live.mp3\r\n"));
    }
}
