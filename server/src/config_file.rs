//! Opening the configuration file, in whichever of two languages it is written.
//!
//! A name that ends in `.xml`, or a text that begins with `<`, is Icecast's; everything else is
//! TOML. This module opens the file, and writes one language as the other; what stands in a file is
//! read elsewhere.

use crate::config::{Config, doubts, written};
use crate::icecast::config as icecast;
use common::config::variables;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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
        let reading = icecast::read(&name, &bytes, &variables::environment);
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

/// Writes what stands in the file at `path` as TOML, to `output` or else beside it; only its owner
/// may read that, because passwords stand in it. A file that is there already stays.
///
/// Returns where it is written, and what the reader had to say.
pub fn import(path: &Path, output: Option<&Path>) -> Result<(PathBuf, Vec<String>), String> {
    let ConfigFile { config, warnings, notes } = read(path);
    let output = output.map_or_else(|| path.with_extension("toml"), Path::to_owned);
    let mut comment = vec![
        format!(
            "The configuration of carrier-server, from {}. What each key means, and which",
            path.display()
        ),
        "others there are, stands in examples/server.toml.".to_owned(),
    ];
    if !warnings.is_empty() {
        comment.push("What stands there and is not done here, or not as it says:".to_owned());
        comment.extend(warnings.iter().map(|warning| format!("- {warning}")));
    }
    if !notes.is_empty() {
        comment.push("What stands there and is not needed here:".to_owned());
        comment.extend(notes.iter().map(|note| format!("- {note}")));
    }
    let text = written::toml(&config?, &comment);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(OWNER_ONLY).open(&output);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let what = if error.kind() == io::ErrorKind::AlreadyExists {
            "is there already; remove it, or choose another file with -o".to_owned()
        } else {
            format!("cannot be written: {error}")
        };
        format!("{}: {what}", output.display())
    })?;
    Ok((output, warnings))
}

fn is_xml(path: &Path, bytes: &[u8]) -> bool {
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"));
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    named || text.starts_with(b"<")
}

/// The mode of a file that nobody but its owner may read or write.
const OWNER_ONLY: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn an_imported_file_says_the_same_and_only_its_owner_may_read_it() {
        for text in [
            include_str!("icecast/config/fixtures/shipped.xml"),
            include_str!("icecast/config/fixtures/station.xml"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let xml = folder.path().join("icecast.xml");
            std::fs::write(&xml, text).unwrap();

            let (toml, warnings) = import(&xml, None).unwrap();

            assert_eq!(toml, folder.path().join("icecast.toml"));
            assert_eq!(read(&toml).config.unwrap(), read(&xml).config.unwrap());
            let written = std::fs::read_to_string(&toml).unwrap();
            assert!(warnings.iter().all(|warning| written.contains(warning)), "{written}");
            assert_eq!(std::fs::metadata(&toml).unwrap().mode() & 0o777, 0o600);
            assert!(import(&xml, None).unwrap_err().contains("is there already"));
        }
    }

    #[test]
    fn a_file_with_mistakes_is_not_imported() {
        let folder = tempfile::tempdir().unwrap();
        let xml = folder.path().join("icecast.xml");
        std::fs::write(&xml, "<icecast/>").unwrap();

        let refused = import(&xml, None).unwrap_err();

        assert!(refused.contains("<source-password> is missing"), "{refused}");
        assert!(!folder.path().join("icecast.toml").exists());
    }

    #[test]
    fn a_file_is_icecasts_by_its_name_or_by_how_it_begins() {
        assert!(is_xml(Path::new("/etc/icecast2/icecast.xml"), b""));
        assert!(is_xml(Path::new("station.conf"), b"\xef\xbb\xbf\n <icecast>"));
        assert!(!is_xml(Path::new("station.toml"), b"[passwords]\nsource = '<'"));
    }
}
