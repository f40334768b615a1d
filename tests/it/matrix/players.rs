//! The players of the matrix: each takes a stream and gives back what it decoded of it.

use super::{CELL_LIMIT, TONE_HZ};
use e2e::{Output, Program, tone};
use std::time::Duration;
use tokio::time::{Instant, interval};

/// A player that writes what it hears into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Player {
    /// A browser's `<audio>`.
    Chromium,
    Ffmpeg,
    Mpg123,
    Mpv,
}

/// All of them.
pub(super) const PLAYERS: [Player; 4] =
    [Player::Chromium, Player::Ffmpeg, Player::Mpg123, Player::Mpv];

impl Player {
    /// The name of its program.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Ffmpeg => "ffmpeg",
            Self::Mpg123 => "mpg123",
            Self::Mpv => "mpv",
        }
    }

    /// Hears two seconds of `url`, without a word of complaint if it `is_clean`.
    ///
    /// # Errors
    ///
    /// What the player says, or what was wrong with what it decoded.
    pub(super) async fn hear(
        self,
        program: &Program,
        url: &str,
        is_clean: bool,
    ) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let file = folder.path().join("heard");
        let path = file.to_str().ok_or("a path of ASCII")?;
        let peer = program.run(self.arguments(url, path));
        let length = || std::fs::metadata(&file).map_or(0, |file| file.len());
        // By what it wrote: the time in a stream that was joined late is not told by all formats.
        let (began, mut again) = (Instant::now(), interval(LOOK_AGAIN));
        while length() < HEARD_BYTES && began.elapsed() < CELL_LIMIT {
            again.tick().await;
        }
        let is_enough = length() >= HEARD_BYTES;
        let output = peer.end().await;
        let raw = std::fs::read(&file).unwrap_or_default();
        let what = match is_the_tone(&raw) {
            _ if !is_enough => Err(format!("only {} bytes in {CELL_LIMIT:?}", raw.len())),
            Ok(()) if is_clean && !output.log.trim().is_empty() => {
                Err("the player complains".to_owned())
            }
            result => result,
        };
        what.map_err(|what| told(&what, &output))
    }

    /// What lets it write `url` to `file` as 16 bits, one channel, 48 kHz.
    fn arguments(self, url: &str, file: &str) -> Vec<String> {
        let line = match self {
            Self::Chromium => unreachable!("a browser is asked by its page"),
            Self::Ffmpeg => format!(
                "-nostdin -hide_banner -v error -i {url} -map 0:a -ac 1 -ar 48000 -f s16le \
                 -flush_packets 1 {file}"
            ),
            Self::Mpg123 => format!("-q -m -r 48000 -O {file} {url}"),
            Self::Mpv => format!(
                "--no-config --msg-level=all=error --ao=pcm --ao-pcm-waveheader=no \
                 --ao-pcm-file={file} --audio-format=s16 --audio-samplerate=48000 \
                 --audio-channels=mono --vo=null {url}"
            ),
        };
        line.split_whitespace().map(str::to_owned).collect()
    }
}

/// The last second of what was heard is the tone.
fn is_the_tone(raw: &[u8]) -> Result<(), String> {
    let samples = tone::samples(raw);
    let last = &samples[samples.len().saturating_sub(SECOND)..];
    let share = tone::share(last, RATE_HZ, TONE_HZ);
    if share > SHARE_MIN { Ok(()) } else { Err(format!("{TONE_HZ} Hz are only {share:.3} of it")) }
}

fn told(what: &str, output: &Output) -> String {
    format!("{what}\n{}\n{}\n{}", output.status, output.out.trim(), output.log.trim())
}

/// Time between two looks at what was heard.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const RATE_HZ: u32 = 48_000;
const SECOND: usize = 48_000;
/// Two seconds.
const HEARD_BYTES: u64 = 4 * 48_000;
/// The tone is a square wave for some senders, and noise is under it for others.
const SHARE_MIN: f64 = 0.6;
