//! Real players, all at once on one stream: a row of the matrix of encoders and players.
//!
//! Each cell has a name, `encoder -> player`, and says what was wrong in it. A player that is not
//! installed has said so, and its cells are empty.

use e2e::{Output, Program};
use std::time::Duration;
use tokio::task::JoinSet;

/// What there is to hear.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    /// The codec, as ffmpeg calls it.
    pub(crate) codec: &'static str,
    /// What the encoder was given, if it passes that on as it is; then what is heard is a part
    /// of it.
    pub(crate) original: Option<Vec<u8>>,
}

/// A player, by what is to be done with a stream's address.
#[derive(Clone, Copy, Debug)]
enum Player {
    Curl,
    CurlHttp10,
    Ffmpeg,
    Ffprobe,
    Mpg123,
    Mpv,
}

/// Lets every installed player hear `url`, which comes from `encoder`.
///
/// # Panics
///
/// If one of them is not content; every such cell is named.
pub(crate) async fn all_hear(encoder: &str, url: &str, sound: &Sound) {
    let mut cells = JoinSet::new();
    for player in PLAYERS {
        if matches!(player, Player::Mpg123) && sound.codec != "mp3" {
            continue;
        }
        let Some(program) = Program::find(player.program()) else { continue };
        let (url, sound, encoder) = (url.to_owned(), sound.clone(), encoder.to_owned());
        cells.spawn(async move {
            let heard = player.hear(&program, &url, &sound).await;
            heard.map_err(|what| format!("{encoder} -> {}: {what}", player.name()))
        });
    }
    let mut wrong = Vec::new();
    while let Some(cell) = cells.join_next().await {
        match cell {
            Ok(Ok(())) => {}
            Ok(Err(what)) => wrong.push(what),
            // A panic has told its message already; here is where it came from.
            Err(panicked) => wrong.push(format!("{encoder} -> ?: {panicked}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

impl Player {
    fn name(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::CurlHttp10 => "curl --http1.0",
            Self::Ffmpeg => "ffmpeg",
            Self::Ffprobe => "ffprobe",
            Self::Mpg123 => "mpg123",
            Self::Mpv => "mpv",
        }
    }

    fn program(self) -> &'static str {
        self.name().split(' ').next().unwrap_or_default()
    }

    async fn hear(self, program: &Program, url: &str, sound: &Sound) -> Result<(), String> {
        match self {
            Self::Curl => curl(program, url, "--http1.1", sound).await,
            Self::CurlHttp10 => curl(program, url, "--http1.0", sound).await,
            Self::Ffmpeg => ffmpeg(program, url).await,
            Self::Ffprobe => ffprobe(program, url, sound.codec).await,
            Self::Mpg123 => mpg123(program, url).await,
            Self::Mpv => mpv(program, url, sound.codec).await,
        }
    }
}

/// Hears for two seconds, and compares.
async fn curl(curl: &Program, url: &str, version: &str, sound: &Sound) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("heard");
    let path = file.to_str().ok_or("a path of ASCII")?;
    let arguments = [version, "-s", "-S", "-f", "-m", "2", "-o", path, url];
    let output = curl.run(arguments).ended(LIMIT).await;
    // It is to be stopped by its clock, not by the end of the stream or by an error.
    if output.status.code() != Some(CURL_TIME_IS_UP) {
        return Err(told(&output));
    }
    let heard = std::fs::read(&file).map_err(|error| error.to_string())?;
    if heard.len() < HEARD_BYTES_MIN {
        return Err(format!("only {} bytes in two seconds", heard.len()));
    }
    // A frame of either kind begins with eight set bits.
    if matches!(sound.codec, "mp3" | "aac") && heard[0] != 0xFF {
        return Err(format!("begins in the middle of a frame, with {:x}", heard[0]));
    }
    match &sound.original {
        Some(original) if !holds(original, &heard) => {
            Err(format!("{} bytes which are not what was sent", heard.len()))
        }
        Some(_) | None => Ok(()),
    }
}

/// Decodes three seconds and wants not one line of complaint.
async fn ffmpeg(ffmpeg: &Program, url: &str) -> Result<(), String> {
    let quiet = ["-nostdin", "-hide_banner", "-xerror", "-v", "error", "-i", url];
    let arguments = quiet.into_iter().chain(["-t", "3", "-f", "null", "-"]);
    let output = ffmpeg.run(arguments).ended(LIMIT).await;
    let is_content = output.status.success() && output.log.is_empty();
    if is_content { Ok(()) } else { Err(told(&output)) }
}

/// Names the codec.
async fn ffprobe(ffprobe: &Program, url: &str, codec: &str) -> Result<(), String> {
    let arguments = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url];
    let output = ffprobe.run(arguments).ended(LIMIT).await;
    let is_content = output.status.success() && output.out.trim() == codec;
    if is_content { Ok(()) } else { Err(told(&output)) }
}

/// Decodes a hundred frames.
async fn mpg123(mpg123: &Program, url: &str) -> Result<(), String> {
    let output = mpg123.run(["-t", "-n", "100", url]).ended(LIMIT).await;
    let complains = ["error", "warning", "Can't rewind"].iter().any(|w| output.log.contains(w));
    let is_content = output.status.success() && !complains && output.log.contains("finished");
    if is_content { Ok(()) } else { Err(told(&output)) }
}

/// Plays a second into nothing, at the speed of sound.
async fn mpv(mpv: &Program, url: &str, codec: &str) -> Result<(), String> {
    let arguments = ["--no-config", "--ao=null", "--no-video", "--length=1", url];
    let output = mpv.run(arguments).ended(LIMIT).await;
    let opened = output
        .out
        .lines()
        .any(|line| line.contains("Audio --aid=1") && line.contains(&format!("({codec} ")));
    let is_content = output.status.success() && opened && output.out.contains("(End of file)");
    if is_content { Ok(()) } else { Err(told(&output)) }
}

/// Whether `part` stands in `whole`.
fn holds(whole: &[u8], part: &[u8]) -> bool {
    let opening = &part[..part.len().min(64)];
    let places = whole.windows(opening.len()).enumerate().filter(|(_, here)| *here == opening);
    places.into_iter().any(|(at, _)| whole[at..].starts_with(part))
}

fn told(output: &Output) -> String {
    format!("{}\n{}\n{}", output.status, output.out.trim(), output.log.trim())
}

const PLAYERS: [Player; 6] = [
    Player::Curl,
    Player::CurlHttp10,
    Player::Ffmpeg,
    Player::Ffprobe,
    Player::Mpg123,
    Player::Mpv,
];
/// How long a player may take; the slowest hears three seconds of sound as it is made.
const LIMIT: Duration = Duration::from_secs(40);
/// Two seconds of the thinnest stream, and no burst.
const HEARD_BYTES_MIN: usize = 8_000;
const CURL_TIME_IS_UP: i32 = 28;
