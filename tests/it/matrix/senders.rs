//! The senders of the matrix: each puts a tone on both servers, in one format.

use super::{Kind, TONE_HZ};
use crate::programme::{station_config, wav};
use e2e::{Peer, Player, Program, SOURCE_PASSWORD, Station};
use source::config::Address;
use std::f64::consts::TAU;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Who encodes and sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Ffmpeg,
    Liquidsoap,
    /// Our source.
    Ours,
    /// Our source, which passes on what ffmpeg has encoded, without decoding and encoding it.
    Untouched,
}

/// A sender that sends. It stops when this is dropped.
pub(super) struct Sending {
    _peer: Option<Peer>,
    ours: Option<source::station::Station>,
    /// What our source plays, what Liquidsoap reads.
    _folder: Option<TempDir>,
    /// What our source passes on.
    passes: Option<PathBuf>,
    /// The server from which ffmpeg has what it does not encode itself.
    _upstream: Option<Station>,
}

impl Sender {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Liquidsoap => "liquidsoap",
            Self::Ours => "carrier-source",
            Self::Untouched => "carrier-source, untouched",
        }
    }

    /// Begins to send `kind` to both `servers`; `None`, which has been said, if the sender is not
    /// installed.
    pub(super) async fn send(self, kind: &Kind, servers: [&Station; 2]) -> Option<Sending> {
        match self {
            Self::Ffmpeg if kind.ffmpeg.starts_with(COPIED) => relay(kind, servers).await,
            Self::Ffmpeg => {
                let sound = ["-f", "lavfi", "-i", SOUND].map(str::to_owned);
                let picture = ["-f", "lavfi", "-i", PICTURE].map(str::to_owned);
                let input = [&["-readrate", RATE].map(str::to_owned)[..], &sound].concat();
                let input = match kind.ffmpeg.contains("-c:v") {
                    true => [&input[..], &picture].concat(),
                    false => input,
                };
                let peer = ffmpeg(input, kind, servers)?;
                Some(Sending { _peer: Some(peer), ..NOBODY })
            }
            Self::Liquidsoap => liquidsoap(kind, servers),
            Self::Ours => {
                let folder = tempfile::tempdir().expect("a folder for a tone");
                let file = folder.path().join("tone.wav");
                let tone = wav("The Makers - A tone", RATE_HZ, tone());
                std::fs::write(file, tone).expect("our own folder");
                Some(ours(kind, servers, folder, false))
            }
            Self::Untouched => untouched(kind, servers).await,
        }
    }
}

impl Sending {
    /// Whether what our source passes on is heard byte by byte; what is missing if it is not.
    pub(super) async fn is_untouched(&self, server: &Station, kind: &Kind) -> Result<(), String> {
        let Some(file) = &self.passes else { return Ok(()) };
        let file = std::fs::read(file).expect("the file that we made");
        let mut player = Player::tune_in(server, kind.mount).await;
        let heard = player.hear(PIECES * PIECES_APART_BYTES).await;
        let pieces = heard.chunks(PIECES_APART_BYTES).map(|piece| &piece[..PIECE_BYTES]);
        let is_its = |piece: &[u8]| file.windows(PIECE_BYTES).any(|part| part == piece);
        let found = pieces.filter(|piece| is_its(piece)).count();
        // Packets are as they were, and lie on pages that are our own, with heads between them.
        match found {
            _ if found > PIECES / 2 => Ok(()),
            _ => Err(format!("of {PIECES} pieces of the stream {found} are of the file")),
        }
    }

    /// Ends it properly.
    pub(super) async fn stop(self) {
        if let Some(ours) = self.ours {
            ours.stop().await;
        }
    }
}

/// ffmpeg with `input`, encoding as `kind` says.
fn ffmpeg(input: Vec<String>, kind: &Kind, servers: [&Station; 2]) -> Option<Peer> {
    let ffmpeg = Program::find("ffmpeg")?;
    let mut arguments = ["-nostdin", "-hide_banner", "-v", "warning"].map(str::to_owned).to_vec();
    arguments.extend(input);
    for server in servers {
        arguments.extend(kind.ffmpeg.split_whitespace().map(str::to_owned));
        arguments.extend(["-content_type", kind.content_type].map(str::to_owned));
        arguments.extend(["-ice_name", "Matrix", "-ice_genre", "test"].map(str::to_owned));
        arguments.push(url(server.address(), "icecast", kind.mount));
    }
    Some(ffmpeg.run(arguments))
}

/// ffmpeg, passing on what our source encodes.
async fn relay(kind: &Kind, servers: [&Station; 2]) -> Option<Sending> {
    let upstream = Station::start();
    let Sending { ours, _folder, .. } = Box::pin(Sender::Ours.send(kind, [&upstream; 2])).await?;
    upstream.until_received(kind.mount, super::RECEIVED_BYTES).await;
    let input = ["-i".to_owned(), upstream.url(kind.mount)];
    let peer = ffmpeg(input.to_vec(), kind, servers)?;
    Some(Sending { _peer: Some(peer), ours, _folder, _upstream: Some(upstream), passes: None })
}

fn liquidsoap(kind: &Kind, servers: [&Station; 2]) -> Option<Sending> {
    let liquidsoap = Program::find("liquidsoap")?;
    let folder = tempfile::tempdir().expect("a folder for a script");
    let encoder = kind.liquidsoap.expect("a format that Liquidsoap has");
    let mut script = "settings.init.allow_root.set(true)\n\
         settings.frame.video.width.set(160)\n\
         settings.frame.video.height.set(128)\n\
         settings.frame.video.framerate.set(15)\n\
         sound = add(normalize=false, [amplify(0.3, sine(500.)), amplify(0.02, noise())])\n"
        .to_owned();
    if encoder.contains("%theora") {
        script += "sound = mux_video(video=video.testsrc(), sound)\n";
    }
    for server in servers {
        let (port, mount) = (server.address().port(), kind.mount.trim_start_matches('/'));
        // Without it Liquidsoap refuses formats of which it does not know whether they have titles.
        let icy = match kind.content_type {
            "audio/webm" | "audio/x-matroska" => "icy_metadata=\"false\", ",
            _ => "",
        };
        script += &format!(
            "output.icecast({encoder}, host=\"127.0.0.1\", port={port}, mount=\"{mount}\", \
             password=\"{SOURCE_PASSWORD}\", name=\"Matrix\", genre=\"test\", {icy}\
             format=\"{}\", sound)\n",
            kind.content_type
        );
    }
    let path = folder.path().join("matrix.liq");
    std::fs::write(&path, script).expect("our own folder");
    let peer = liquidsoap.run([path]);
    Some(Sending { _peer: Some(peer), _folder: Some(folder), ..NOBODY })
}

/// Our source, playing a file that ffmpeg made, untouched.
async fn untouched(kind: &Kind, servers: [&Station; 2]) -> Option<Sending> {
    let folder = tempfile::tempdir().expect("a folder for a tone");
    let (_, extension) = kind.mount.split_once('.').expect("a mount with an extension");
    let file = folder.path().join("tone").with_extension(extension);
    let title = ["-metadata", "artist=The Makers", "-metadata", "title=A tone"];
    let input = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", SOUND, "-t", FILE_S];
    let input = input.into_iter().chain(kind.ffmpeg.split_whitespace()).chain(title);
    let made = input.map(PathBuf::from).chain([file.clone()]);
    Program::find("ffmpeg")?.run(made).ended_well(FILE_LIMIT).await;
    Some(Sending { passes: Some(file), ..ours(kind, servers, folder, true) })
}

/// Our source, playing what is in `folder`.
fn ours(kind: &Kind, servers: [&Station; 2], folder: TempDir, passthrough: bool) -> Sending {
    let mut config = station_config(servers[0], folder.path(), kind.mount);
    let output = &mut config.outputs[0];
    output.format = kind.ours.expect("a format that our source has");
    output.identity.name = "Matrix".to_owned();
    output.passthrough = passthrough;
    if servers[0].address() != servers[1].address() {
        let mut second = output.clone();
        let url = url(servers[1].address(), "http", kind.mount);
        second.address = Address::parse(&url).expect("an address of a mount");
        second.id = second.address.id();
        config.outputs.push(second);
    }
    let ours = source::station::Station::start(&config).expect("a station can start");
    Sending { ours: Some(ours), _folder: Some(folder), ..NOBODY }
}

/// A minute of the tone, with so much noise that FLAC has as much to send as of music.
fn tone() -> impl Iterator<Item = i16> {
    let mut state = 1_u32;
    (0..60 * RATE_HZ).map(move |at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state >> 16) / 32_768.0 - 1.0;
        let tone = (f64::from(at) / f64::from(RATE_HZ) * TONE_HZ * TAU).sin();
        #[expect(clippy::cast_possible_truncation, reason = "they are below 0.5")]
        let sample = (32_768.0 * (0.3 * tone + 0.15 * noise)) as i16;
        sample
    })
}

fn url(address: SocketAddr, scheme: &str, mount: &str) -> String {
    format!("{scheme}://source:{SOURCE_PASSWORD}@{address}{mount}")
}

/// To which what sends is added.
const NOBODY: Sending =
    Sending { _peer: None, ours: None, _folder: None, passes: None, _upstream: None };
/// How long the file is that passes, in seconds: longer than anybody listens.
const FILE_S: &str = "60";
const FILE_LIMIT: Duration = Duration::from_secs(30);
/// At how many places of the stream a few bytes are looked for in the file, and how far apart.
const PIECES: usize = 20;
const PIECES_APART_BYTES: usize = 2_048;
const PIECE_BYTES: usize = 16;
/// What ffmpeg cannot encode it passes on.
const COPIED: &str = "-c copy";
/// How many times as fast as it sounds ffmpeg sends, so that nobody waits for the burst to pass.
const RATE: &str = "2";
/// The tone, with as much noise as gives an encoder something to do.
const SOUND: &str = "aevalsrc=0.3*sin(2*PI*500*t)+0.02*(random(0)-0.5)\
    |0.3*sin(2*PI*500*t)+0.02*(random(1)-0.5):s=44100";
const PICTURE: &str = "testsrc=s=160x120:r=15";
/// Of what our source plays.
const RATE_HZ: u32 = 44_100;
