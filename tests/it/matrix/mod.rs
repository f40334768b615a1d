//! The matrix of formats, senders, servers and players.
//!
//! A test is a row: one format from one sender, to our server and to the packaged Icecast at once,
//! from where all players hear it. Each *cell* of the row is named, `FORMAT from SENDER over SERVER
//! to PLAYER`, and passes if the player decodes the tone that was sent. The players join when the
//! beginning of the stream is no longer in the servers' bursts, as listeners do.
//!
//! What cannot be heard stands in [`excuse`] with its reason, or has no row because its sender
//! cannot send it. `README.md` shows all of it as a table.

mod players;
mod senders;
mod statistics;
mod table;

use e2e::{Browser, Icecast, IcecastXml, Program, Station, within_limit};
use players::{PLAYERS, Player};
use senders::Sender;
use source::encode::aac::{Aac, Profile};
use source::encode::flac::{Container, Depth, Flac};
use source::encode::mp3::{Bits, Mp3};
use source::encode::opus::Opus;
use source::encode::vorbis::{Aim, Vorbis};
use source::encode::{Channels, Format, Titles};
use std::time::Duration;
use tokio::task::JoinSet;

/// A format, and how each sender is told to send it.
#[derive(Clone, Copy, Debug)]
struct Kind {
    name: &'static str,
    mount: &'static str,
    content_type: &'static str,
    /// ffmpeg's options.
    ffmpeg: &'static str,
    /// Liquidsoap's encoder, if it has one.
    liquidsoap: Option<&'static str>,
    /// Our source's format, if it has it.
    ours: Option<Format>,
}

/// Why a cell cannot pass; `None` for one that does.
fn excuse(kind: &Kind, server: Server, player: Player) -> Option<&'static str> {
    match (kind.name, server, player) {
        // ffmpeg reads a megabyte, and then finds a frame without it.
        ("FLAC", Server::Icecast, Player::Chromium | Player::Mpv) => {
            Some("Icecast gives no header of FLAC to whoever comes late")
        }
        // Seen now and then, by where in a frame it begins: Chromium gives up at the first frame
        // that it cannot decode, others go on to the next.
        (name, Server::Icecast, Player::Chromium) if name.contains("AAC") => {
            Some("Icecast lets listeners begin within a frame")
        }
        ("Speex", _, Player::Chromium) => Some("Chromium has no decoder for Speex"),
        (name, _, Player::Mpg123) if !name.starts_with("MP3") => Some("mpg123 plays MPEG audio"),
        _ => None,
    }
}

macro_rules! rows {
    ($($row:ident: $kind:ident from $sender:ident;)*) => {
        $(#[tokio::test] async fn $row() { all_hear(&$kind, Sender::$sender).await; })*

        /// All rows, for the table in `README.md`.
        const ROWS: &[(&Kind, Sender)] = &[$((&$kind, Sender::$sender)),*];
    };
}

// Without a row: what a sender has no encoder for, as `README.md` says.
rows! {
    aac_he_from_ffmpeg: AAC_HE from Ffmpeg;
    aac_he_from_ours: AAC_HE from Ours;
    aac_he_v2_from_ffmpeg: AAC_HE_V2 from Ffmpeg;
    aac_he_v2_from_ours: AAC_HE_V2 from Ours;
    aac_lc_from_ffmpeg: AAC_LC from Ffmpeg;
    aac_lc_from_liquidsoap: AAC_LC from Liquidsoap;
    aac_lc_from_ours: AAC_LC from Ours;
    aac_lc_untouched: AAC_LC from Untouched;
    flac_from_ffmpeg: FLAC from Ffmpeg;
    flac_from_liquidsoap: FLAC from Liquidsoap;
    flac_from_ours: FLAC from Ours;
    matroska_opus_from_ffmpeg: MATROSKA_OPUS from Ffmpeg;
    matroska_opus_from_liquidsoap: MATROSKA_OPUS from Liquidsoap;
    mp3_abr_from_ffmpeg: MP3_ABR from Ffmpeg;
    mp3_abr_from_liquidsoap: MP3_ABR from Liquidsoap;
    mp3_abr_from_ours: MP3_ABR from Ours;
    mp3_from_ffmpeg: MP3 from Ffmpeg;
    mp3_from_liquidsoap: MP3 from Liquidsoap;
    mp3_from_ours: MP3 from Ours;
    mp3_untouched: MP3 from Untouched;
    mp3_vbr_from_ffmpeg: MP3_VBR from Ffmpeg;
    mp3_vbr_from_liquidsoap: MP3_VBR from Liquidsoap;
    mp3_vbr_from_ours: MP3_VBR from Ours;
    ogg_flac_from_ffmpeg: OGG_FLAC from Ffmpeg;
    ogg_flac_from_liquidsoap: OGG_FLAC from Liquidsoap;
    ogg_flac_from_ours: OGG_FLAC from Ours;
    ogg_flac_untouched: OGG_FLAC from Untouched;
    opus_from_ffmpeg: OPUS from Ffmpeg;
    opus_from_liquidsoap: OPUS from Liquidsoap;
    opus_from_ours: OPUS from Ours;
    opus_untouched: OPUS from Untouched;
    speex_from_ffmpeg: SPEEX from Ffmpeg;
    speex_from_liquidsoap: SPEEX from Liquidsoap;
    theora_from_ffmpeg: THEORA from Ffmpeg;
    theora_from_liquidsoap: THEORA from Liquidsoap;
    vorbis_from_ffmpeg: VORBIS from Ffmpeg;
    vorbis_from_liquidsoap: VORBIS from Liquidsoap;
    vorbis_from_ours: VORBIS from Ours;
    vorbis_untouched: VORBIS from Untouched;
    webm_opus_from_ffmpeg: WEBM_OPUS from Ffmpeg;
    webm_opus_from_liquidsoap: WEBM_OPUS from Liquidsoap;
    webm_vorbis_from_ffmpeg: WEBM_VORBIS from Ffmpeg;
    webm_vorbis_from_liquidsoap: WEBM_VORBIS from Liquidsoap;
}

/// A server of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Icecast,
    Ours,
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Icecast => "Icecast",
            Self::Ours => "carrier-server",
        }
    }
}

/// One row: lets every player hear `kind`, which `sender` sends to both servers.
///
/// # Panics
///
/// If a cell fails that has no excuse; every such cell is named.
#[expect(clippy::print_stdout, reason = "the matrix is read")]
async fn all_hear(kind: &'static Kind, sender: Sender) {
    let small = "<limits><burst-size>8192</burst-size></limits>";
    let Some(icecast) = Icecast::with(&IcecastXml::new().and(small)).await else { return };
    let ours = Station::with("limits.burst_size = '8KiB'");
    let servers = [(Server::Ours, &ours), (Server::Icecast, &*icecast)];
    let Some(sending) = sender.send(kind, servers.map(|(_, station)| station)).await else {
        return;
    };
    for (_, station) in servers {
        station.until_received(kind.mount, RECEIVED_BYTES).await;
    }

    let mut cells = JoinSet::new();
    let mut in_browser = Vec::new();
    for (player, (server, station)) in PLAYERS.into_iter().flat_map(|p| servers.map(|s| (p, s))) {
        if let Some(reason) = excuse(kind, server, player) {
            println!("{}: cannot: {reason}", cell(kind, sender, server, player));
            continue;
        }
        let Some(program) = Program::find(player.program()) else { continue };
        let url = station.url(kind.mount);
        match player {
            Player::Chromium => in_browser.push((server, url)),
            Player::Ffmpeg | Player::Mpg123 | Player::Mpv => {
                // With Icecast a listener begins in the middle of a frame, which decoders mention.
                let is_clean = server == Server::Ours;
                cells.spawn(async move {
                    (server, player, player.hear(&program, &url, is_clean).await)
                });
            }
        }
    }
    let alike = statistics::are_alike(&ours, &icecast, kind.mount);
    let untouched = sending.is_untouched(&ours, kind);
    let heard = async { tokio::join!(cells.join_all(), browse(in_browser), alike, untouched) };
    let (mut heard, browsed, alike, untouched) =
        within_limit(ROW_LIMIT, "all players have heard", heard).await;
    heard.extend(browsed);

    let mut wrong = Vec::new();
    if let Err(what) = alike {
        wrong.push(format!("{} from {}: statistics: {what}", kind.name, sender.name()));
    }
    if let Err(what) = untouched {
        wrong.push(format!("{} from {}: {what}", kind.name, sender.name()));
    }
    for (server, player, result) in heard {
        let name = cell(kind, sender, server, player);
        match result {
            Ok(()) => println!("{name}: heard"),
            Err(what) => wrong.push(format!("{name}: {what}")),
        }
    }
    sending.stop().await;
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Lets one browser hear all of `urls`.
async fn browse(urls: Vec<(Server, String)>) -> Vec<(Server, Player, Result<(), String>)> {
    let Some(chromium) = Program::find(Player::Chromium.program()) else { return Vec::new() };
    let addresses: Vec<String> = urls.iter().map(|(_, url)| url.clone()).collect();
    let mut heard = Vec::new();
    if urls.is_empty() {
        return heard;
    }
    let browser = Browser::hear(&chromium, &addresses, TONE_HZ).await;
    for (server, url) in urls {
        heard.push((server, Player::Chromium, browser.until_heard(&url, CELL_LIMIT).await));
    }
    heard
}

fn cell(kind: &Kind, sender: Sender, server: Server, player: Player) -> String {
    let (format, sender, server) = (kind.name, sender.name(), server.name());
    format!("{format} from {sender} over {server} to {}", player.program())
}

const fn aac(profile: Profile, bitrate_kbps: u32) -> Option<Format> {
    let (rate_hz, channels) = (44_100, Channels::Stereo);
    Some(Format::Aac(Aac { rate_hz, channels, bitrate_kbps, profile }))
}

const fn flac(container: Container) -> Option<Format> {
    let (rate_hz, channels, depth) = (44_100, Channels::Stereo, Depth::Bits16);
    Some(Format::Flac(Flac { rate_hz, channels, depth, container }))
}

const AAC_HE: Kind = Kind {
    name: "HE-AAC",
    mount: "/live.aac",
    content_type: "audio/aac",
    ffmpeg: "-c copy -f adts",
    liquidsoap: None,
    ours: aac(Profile::He, 64),
};
const AAC_HE_V2: Kind = Kind { name: "HE-AAC v2", ours: aac(Profile::HeV2, 48), ..AAC_HE };
const AAC_LC: Kind = Kind {
    name: "AAC",
    ffmpeg: "-c:a aac -b:a 96k -f adts",
    liquidsoap: Some("%ffmpeg(format=\"adts\", %audio(codec=\"aac\", b=\"96k\"))"),
    ours: aac(Profile::Lc, 96),
    ..AAC_HE
};
const FLAC: Kind = Kind {
    name: "FLAC",
    mount: "/live.flac",
    content_type: "audio/flac",
    ffmpeg: "-c:a flac -f flac",
    liquidsoap: Some("%flac"),
    ours: flac(Container::Native),
};
const MATROSKA_OPUS: Kind = Kind {
    name: "Opus in Matroska",
    mount: "/live.mka",
    content_type: "audio/x-matroska",
    ffmpeg: "-c:a libopus -b:a 96k -f matroska -cluster_time_limit 500",
    liquidsoap: Some(
        "%ffmpeg(format=\"matroska\", %audio(codec=\"libopus\", ar=48000, b=\"96k\"))",
    ),
    ours: None,
};
const MP3: Kind = Kind {
    name: "MP3",
    mount: "/live.mp3",
    content_type: "audio/mpeg",
    ffmpeg: "-c:a libmp3lame -b:a 128k -write_xing 0 -id3v2_version 0 -f mp3",
    liquidsoap: Some("%mp3(bitrate=128)"),
    ours: Some(Format::Mp3(Mp3::constant(44_100, 128, 7))),
};
const MP3_ABR: Kind = Kind {
    name: "MP3 of average bit rate",
    ffmpeg: "-c:a libmp3lame -abr 1 -b:a 128k -write_xing 0 -id3v2_version 0 -f mp3",
    liquidsoap: Some("%mp3.abr(bitrate=128)"),
    ours: Some(Format::Mp3(Mp3 { bits: Bits::Average(128), ..Mp3::constant(44_100, 128, 7) })),
    ..MP3
};
const MP3_VBR: Kind = Kind {
    name: "MP3 of variable bit rate",
    ffmpeg: "-c:a libmp3lame -q:a 4 -write_xing 0 -id3v2_version 0 -f mp3",
    liquidsoap: Some("%mp3.vbr(quality=4)"),
    ours: Some(Format::Mp3(Mp3 { bits: Bits::Variable(4), ..Mp3::constant(44_100, 128, 7) })),
    ..MP3
};
const OGG_FLAC: Kind = Kind {
    name: "FLAC in Ogg",
    mount: "/live.oga",
    content_type: "audio/ogg",
    ffmpeg: "-c:a flac -sample_fmt s16 -f ogg",
    liquidsoap: Some("%ogg(%flac)"),
    ours: flac(Container::Ogg(Titles::InStream)),
};
const OPUS: Kind = Kind {
    name: "Opus",
    mount: "/live.opus",
    ffmpeg: "-c:a libopus -b:a 96k -f ogg",
    liquidsoap: Some("%opus(bitrate=96)"),
    ours: Some(Format::Opus(Opus {
        channels: Channels::Stereo,
        bitrate_kbps: 96,
        titles: Titles::InStream,
    })),
    ..OGG_FLAC
};
const SPEEX: Kind = Kind {
    name: "Speex",
    mount: "/live.spx",
    ffmpeg: "-ar 32000 -ac 1 -c:a libspeex -f ogg",
    liquidsoap: Some("%speex(samplerate=32000, stereo=false)"),
    ours: None,
    ..OGG_FLAC
};
const THEORA: Kind = Kind {
    name: "Theora and Vorbis",
    mount: "/live.ogv",
    content_type: "video/ogg",
    ffmpeg: "-c:v libtheora -g 30 -b:v 200k -c:a libvorbis -q:a 4 -f ogg",
    liquidsoap: Some("%ogg(%theora(quality=30), %vorbis(quality=0.4))"),
    ours: None,
};
const VORBIS: Kind = Kind {
    name: "Vorbis",
    mount: "/live.ogg",
    ffmpeg: "-c:a libvorbis -q:a 4 -f ogg",
    liquidsoap: Some("%vorbis(quality=0.4)"),
    ours: Some(Format::Vorbis(Vorbis {
        rate_hz: 44_100,
        channels: Channels::Stereo,
        aim: Aim::Quality(4),
        titles: Titles::InStream,
    })),
    ..OGG_FLAC
};
const WEBM_OPUS: Kind = Kind {
    name: "Opus in WebM",
    mount: "/live.webm",
    content_type: "audio/webm",
    ffmpeg: "-c:a libopus -b:a 96k -f webm -cluster_time_limit 500",
    liquidsoap: Some("%ffmpeg(format=\"webm\", %audio(codec=\"libopus\", ar=48000, b=\"96k\"))"),
    ours: None,
};
const WEBM_VORBIS: Kind = Kind {
    name: "Vorbis in WebM",
    ffmpeg: "-c:a libvorbis -q:a 4 -f webm -cluster_time_limit 500",
    liquidsoap: Some("%ffmpeg(format=\"webm\", %audio(codec=\"libvorbis\", q=4))"),
    ..WEBM_OPUS
};
/// So much is sent before anybody listens: twice the burst.
const RECEIVED_BYTES: u64 = 16_384;
/// The pitch that is sent.
const TONE_HZ: f64 = 500.0;
/// What a player may take; it hears two seconds of sound as it is made.
const CELL_LIMIT: Duration = Duration::from_secs(25);
/// What the servers may take to show what a stream is; Icecast shows it late.
const STATISTICS_LIMIT: Duration = Duration::from_secs(8);
/// What all of them may take.
const ROW_LIMIT: Duration = Duration::from_secs(40);
