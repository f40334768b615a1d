//! Folders of music and globs as playlists: every audio file, sorted.
//!
//! Audio files are known by their names. Names are compared folder by folder, so an album stays
//! together; hidden files and folders are left out. Links are followed, and a link that leads in
//! circles is passed over.

use crate::playlist::item::Item;
use std::path::{Path, PathBuf};
use tracing::warn;
use walkdir::WalkDir;

/// The audio files in `folder` and below it.
///
/// Fails if the folder itself cannot be read; a part of it that cannot is reported and left out.
pub fn items(folder: &Path) -> std::io::Result<Vec<Item>> {
    std::fs::read_dir(folder)?;
    let mut items = Vec::new();
    let walk = WalkDir::new(folder).follow_links(true).max_depth(DEPTH_MAX).sort_by_file_name();
    let shown = |entry: &walkdir::DirEntry| entry.depth() == 0 || !is_hidden(entry.path());
    for entry in walk.into_iter().filter_entry(shown) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_audio(entry.path()) => {
                items.push(Item::file(entry.into_path()));
            }
            Ok(_) => {}
            Err(error) => warn!(folder = %folder.display(), "left out: {error}"),
        }
    }
    Ok(items)
}

/// What `pattern` matches, sorted: `music/*/[0-9]*.flac`, `lists/**/*.m3u`. Hidden files are left
/// out.
///
/// Fails if it is no pattern.
pub fn matches(pattern: &Path) -> std::io::Result<Vec<PathBuf>> {
    let invalid = |error: glob::PatternError| {
        let what = format!("not a pattern: {} at character {}", error.msg, error.pos + 1);
        std::io::Error::new(std::io::ErrorKind::InvalidInput, what)
    };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let pattern = pattern.to_string_lossy();
    Ok(glob::glob_with(&pattern, options).map_err(invalid)?.filter_map(Result::ok).collect())
}

/// Whether `path` is a pattern and not the name of something that exists.
pub fn is_glob(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte)) && !path.exists()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether `path` is named like an audio file.
pub fn is_audio(path: &Path) -> bool {
    let Some(extension) = path.extension() else { return false };
    AUDIO_EXTENSIONS.iter().any(|audio| extension.eq_ignore_ascii_case(audio))
}

/// Folders are searched this deep.
const DEPTH_MAX: usize = 32;
const AUDIO_EXTENSIONS: [&str; 14] = [
    "aac", "aif", "aiff", "alac", "caf", "flac", "m4a", "m4b", "mp3", "mp4", "oga", "ogg", "opus",
    "wav",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_files_are_found_at_every_depth_and_albums_stay_together() {
        let dir = tempfile::tempdir().unwrap();
        let files =
            ["b/2.mp3", "b/1.MP3", "a/x/9.wav", "a/1.flac", "a/notes.txt", ".h/1.mp3", "._b.mp3"];
        for name in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }

        assert_eq!(names(dir.path()), ["a/1.flac", "a/x/9.wav", "b/1.MP3", "b/2.mp3"]);
    }

    #[test]
    fn a_link_that_leads_in_circles_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("1.mp3"), "").unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("again")).unwrap();

        assert_eq!(names(dir.path()), ["1.mp3"]);
    }

    #[test]
    fn a_glob_matches_sorted_and_is_no_glob_if_a_file_is_called_so() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.mp3", "a.mp3", "c.txt", ".d.mp3", "[FLAC] x"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }

        let found = matches(&dir.path().join("*.mp3")).unwrap();

        assert_eq!(found, [dir.path().join("a.mp3"), dir.path().join("b.mp3")]);
        assert!(is_glob(&dir.path().join("*.mp3")) && !is_glob(&dir.path().join("[FLAC] x")));
        assert!(!is_glob(&dir.path().join("a.mp3")));
        assert!(matches(&dir.path().join("[x")).is_err());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(items(Path::new("/nowhere/at/all")).is_err());
    }

    fn names(folder: &Path) -> Vec<String> {
        let relative = |path: PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        items(folder).unwrap().into_iter().map(|item| relative(item.path)).collect()
    }
}
