//! Audio files for real encoders and players: composed by ffmpeg, so that none are kept.
//!
//! The sound is a chord that moves, with noise over it: enough to give an encoder work, and its
//! bit reservoir something to save.

use crate::peer::Program;
use std::path::Path;
use std::time::Duration;

/// Writes `seconds` of sound to the file `name` in `folder`, encoded as `options` say; its path.
pub async fn record(
    ffmpeg: &Program,
    folder: &Path,
    name: &str,
    seconds: u32,
    options: &[&str],
) -> String {
    let path = folder.join(name).into_os_string().into_string();
    let path = path.expect("a temporary folder has a name in UTF-8");
    let sound = format!("aevalsrc='{LEFT}|{RIGHT}':s=44100:d={seconds}");
    let input = ["-nostdin", "-hide_banner", "-y", "-f", "lavfi", "-i", &sound];
    let arguments = input.into_iter().chain(options.iter().copied()).chain([path.as_str()]);
    ffmpeg.run(arguments).ended_well(RECORD_LIMIT).await;
    path
}

/// Options for MP3 of 128 kbit/s, without tags, so that the file is frames and nothing else.
pub const MP3: &[&str] =
    &["-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"];
/// Options for Ogg Vorbis with a title.
pub const VORBIS: &[&str] = &["-c:a", "libvorbis", "-q:a", "4", "-metadata", TITLE];
/// Options for Opus in Ogg with a title.
pub const OPUS: &[&str] = &["-c:a", "libopus", "-b:a", "96k", "-ar", "48000", "-metadata", TITLE];
/// Options for FLAC in Ogg with a title.
pub const OGG_FLAC: &[&str] = &["-c:a", "flac", "-f", "ogg", "-metadata", TITLE];
/// Options for AAC in ADTS frames.
pub const AAC: &[&str] = &["-c:a", "aac", "-b:a", "96k", "-f", "adts"];

const TITLE: &str = "title=A moving chord";
const LEFT: &str = "0.3*sin(2*PI*t*(220+30*floor(2*t)))+0.1*(random(0)-0.5)*gt(mod(t\\,1)\\,0.6)";
const RIGHT: &str = "0.3*sin(2*PI*t*(330+20*floor(3*t)))+0.1*(random(1)-0.5)*gt(mod(t\\,1)\\,0.5)";
/// A minute of sound takes a second or two.
const RECORD_LIMIT: Duration = Duration::from_secs(60);
