//! A minute of encoded audio of each format, made with ffmpeg.

use common::ogg::page::{self, Page};
use e2e::Random;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;

/// A format with its mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// AAC in ADTS.
    Aac,
    /// MP3.
    Mp3,
    /// Opus in Ogg.
    Opus,
    /// Vorbis in Ogg.
    Vorbis,
}

/// Encoded audio that a source sends again and again.
#[derive(Debug)]
pub(crate) struct Material {
    /// What it is.
    pub(crate) kind: Kind,
    bytes: Vec<u8>,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Aac, Self::Mp3, Self::Opus, Self::Vorbis];

    /// The mount, or the one that it falls back to.
    pub(crate) fn mount(self, is_backup: bool) -> &'static str {
        match (self, is_backup) {
            (Self::Aac, false) => "/a.aac",
            (Self::Aac, true) => "/backup.aac",
            (Self::Mp3, false) => "/a.mp3",
            (Self::Mp3, true) => "/backup.mp3",
            (Self::Opus, false) => "/a.opus",
            (Self::Opus, true) => "/backup.opus",
            (Self::Vorbis, false) => "/a.ogg",
            (Self::Vorbis, true) => "/backup.ogg",
        }
    }

    /// What a source says it sends.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Aac => "audio/aac",
            Self::Mp3 => "audio/mpeg",
            Self::Opus | Self::Vorbis => "application/ogg",
        }
    }

    /// Whether it comes in pages.
    pub(crate) fn is_ogg(self) -> bool {
        matches!(self, Self::Opus | Self::Vorbis)
    }

    fn encoding(self) -> &'static [&'static str] {
        match self {
            Self::Aac => &["-c:a", "aac", "-b:a", "96k", "-f", "adts"],
            Self::Mp3 => &[
                "-c:a",
                "libmp3lame",
                "-b:a",
                "128k",
                "-write_xing",
                "0",
                "-id3v2_version",
                "0",
                "-f",
                "mp3",
            ],
            Self::Opus => {
                &["-c:a", "libopus", "-b:a", "96k", "-page_duration", "200000", "-f", "ogg"]
            }
            Self::Vorbis => {
                &["-c:a", "libvorbis", "-q:a", "3", "-page_duration", "200000", "-f", "ogg"]
            }
        }
    }
}

impl Material {
    /// Encodes a minute of every format.
    pub(crate) async fn encode_all(folder: &Path) -> io::Result<Vec<Arc<Self>>> {
        let mut all = Vec::new();
        for kind in Kind::ALL {
            let path = folder.join("material");
            let status = Command::new("ffmpeg")
                .args(["-v", "error", "-y", "-f", "lavfi", "-i", SOUND, "-ac", "2"])
                .args(kind.encoding())
                .arg(&path)
                .stdin(Stdio::null())
                .status()
                .await?;
            if !status.success() {
                return Err(io::Error::other(format!("ffmpeg cannot encode {kind:?}")));
            }
            all.push(Arc::new(Self { kind, bytes: std::fs::read(&path)? }));
        }
        Ok(all)
    }

    /// The bytes as one encoder would send them, with a serial of its own if they are Ogg.
    pub(crate) fn encoded(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        if self.kind.is_ogg() {
            let serial = u32::try_from(random.number() >> 32).expect("32 bits are left");
            let mut at = 0;
            while let Ok(Some(Page { bytes: page, sequence, .. })) = Page::read(&bytes[at..]) {
                let end = at + page.len();
                page::reissue(&mut bytes[at..end], serial, sequence);
                at = end;
            }
        }
        bytes
    }

    /// What a tenth of a second has, on average.
    pub(crate) fn tenth_bytes(&self) -> usize {
        self.bytes.len().div_ceil(10 * SECONDS)
    }
}

/// A minute of something that is not silence.
const SOUND: &str = "aevalsrc=0.3*sin(2*PI*t*(220+30*sin(t)))+0.02*random(0):d=60:s=48000";
const SECONDS: usize = 60;
