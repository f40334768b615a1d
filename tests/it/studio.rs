//! A station with what feeds it: sound, and ffmpeg to send it.

use e2e::recording::record;
use e2e::{Peer, Program, SOURCE_PASSWORD, Station};
use std::fs;
use tempfile::TempDir;

/// A station, a folder, and ffmpeg, without which there is no sound.
#[derive(Debug)]
pub(crate) struct Studio {
    /// The station.
    pub(crate) station: Station,
    folder: TempDir,
    ffmpeg: Program,
}

impl Studio {
    /// A station whose configuration has `lines`; `None`, which has been said, without ffmpeg.
    pub(crate) fn open(lines: &str) -> Option<Self> {
        Self::at(Station::with(lines))
    }

    /// At a station that runs; `None`, which has been said, without ffmpeg.
    pub(crate) fn at(station: Station) -> Option<Self> {
        let ffmpeg = Program::find("ffmpeg")?;
        let folder = tempfile::tempdir().expect("a folder for sound");
        Some(Self { station, folder, ffmpeg })
    }

    /// Writes a minute of sound; the path of the file.
    pub(crate) async fn record(&self, name: &str, options: &[&str]) -> String {
        self.record_some(SECONDS, name, options).await
    }

    /// Writes some `seconds` of sound; the path of the file.
    pub(crate) async fn record_some(&self, seconds: u32, name: &str, options: &[&str]) -> String {
        record(&self.ffmpeg, self.folder.path(), name, seconds, options).await
    }

    /// Writes `text` to a file; its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
        path
    }

    /// The path of the file `name`, which need not exist.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name).into_os_string().into_string();
        path.expect("a temporary folder has a name in UTF-8")
    }

    /// The address for a source of `mount`, with its account.
    pub(crate) fn source_url(&self, scheme: &str, mount: &str) -> String {
        format!("{scheme}://source:{SOURCE_PASSWORD}@{}{mount}", self.station.address())
    }

    /// ffmpeg as an encoder that passes on `file`, `rate` times as fast as it sounds, to `url`.
    pub(crate) fn send(&self, file: &str, rate: &str, options: &[&str], url: &str) -> Peer {
        let input = ["-nostdin", "-hide_banner", "-readrate", rate, "-i", file, "-c", "copy"];
        self.ffmpeg.run(input.into_iter().chain(options.iter().copied()).chain([url]))
    }
}

/// Longer than any test listens.
const SECONDS: u32 = 60;
