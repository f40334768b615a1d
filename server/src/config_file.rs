//! Opening the configuration file, in whichever of two languages it is written.
//!
//! A name that ends in `.xml`, or a text that begins with `<`, is Icecast's; everything else is
//! TOML. This module opens the file; what stands in it is read elsewhere.

use crate::config::{Config, doubts};
use crate::icecast::config as icecast;
use common::config::variables;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A file that was read.
#[derive(Debug)]
pub struct ConfigFile {
    /// The configuration; else why there is none, one line for each reason.
    pub config: Result<Config, String>,
    /// Where somebody might expect otherwise; each one line, with its place.
    pub warnings: Vec<String>,
    /// What is true and needs no action; each one line, with its place.
    pub notes: Vec<String>,
}

impl ConfigFile {
    /// A configuration about which there is nothing more to say.
    pub(crate) fn plain(config: Config) -> Self {
        Self::of(Ok(config))
    }

    fn of(config: Result<Config, String>) -> Self {
        Self { config, warnings: Vec::new(), notes: Vec::new() }
    }
}

/// Reads the file at `path`.
pub fn read(path: &Path) -> ConfigFile {
    let name = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return ConfigFile::of(Err(format!("{name}: cannot be read: {error}"))),
    };
    if is_xml(path, &bytes) {
        let reading = icecast::read(&name, &bytes, &variables::environment, runs_as_root());
        let config = reading.config.map_err(|mistakes| mistakes.to_string());
        return ConfigFile { config, warnings: reading.warnings, notes: reading.notes };
    }
    let config = match std::str::from_utf8(&bytes) {
        Ok(text) => Config::read(&name, text).map_err(|mistakes| mistakes.to_string()),
        Err(error) => Err(format!("{name}: cannot be read: not UTF-8: {error}")),
    };
    let doubts = config.as_ref().map(doubts::of).unwrap_or_default().into_iter();
    let warnings = doubts.map(|doubt| format!("{name}: {}", doubt.what)).collect();
    ConfigFile { config, warnings, notes: Vec::new() }
}

fn is_xml(path: &Path, bytes: &[u8]) -> bool {
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"));
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    named || text.starts_with(b"<")
}

/// Whether this process runs as root, as far as `/proc` can tell.
fn runs_as_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == ROOT_USER)
}

const ROOT_USER: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_icecasts_by_its_name_or_by_how_it_begins() {
        assert!(is_xml(Path::new("/etc/icecast2/icecast.xml"), b""));
        assert!(is_xml(Path::new("station.conf"), b"\xef\xbb\xbf\n <icecast>"));
        assert!(!is_xml(Path::new("station.toml"), b"[passwords]\nsource = '<'"));
    }
}
