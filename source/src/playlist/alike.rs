//! Finding the file that was meant, where the name in a list is only almost its name.
//!
//! Lists travel between systems: accents come composed or decomposed, case gets lost, blanks turn
//! into hard blanks and quotes into curly ones. Names that differ in nothing else are *alike*.

use crate::playlist::item::Item;
use std::path::{Component, Path, PathBuf};
use tracing::info;
use unicode_normalization::UnicodeNormalization as _;

/// `item`, or the same with the path of the one file that exists and whose name is alike.
pub fn found(mut item: Item) -> Item {
    if item.address().is_none()
        && !item.path.exists()
        && let Some(path) = alike(&item.path)
    {
        info!(listed = %item.path.display(), found = %path.display(), "found under another name");
        item.path = path;
    }
    item
}

/// The file that exists and whose path is alike; none if there is none, or if one of its folders
/// holds several that are.
fn alike(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        let next = found.join(part);
        found = match part {
            Component::Normal(name) if !next.exists() => {
                let wanted = folded(&name.to_string_lossy());
                let here = if found.as_os_str().is_empty() { Path::new(".") } else { &found };
                let entries = std::fs::read_dir(here).ok()?.take(ENTRIES_MAX).flatten();
                let is_alike = |name: &std::ffi::OsStr| folded(&name.to_string_lossy()) == wanted;
                let mut alike =
                    entries.map(|entry| entry.file_name()).filter(|name| is_alike(name));
                let only = alike.next()?;
                if alike.next().is_some() {
                    return None;
                }
                found.join(only)
            }
            Component::CurDir
            | Component::Normal(_)
            | Component::ParentDir
            | Component::Prefix(_)
            | Component::RootDir => next,
        };
    }
    found.is_file().then_some(found)
}

/// What names that are alike have in common.
fn folded(name: &str) -> String {
    let plain = |c| match c {
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' | '`' | '\u{B4}' => '\'',
        '\u{201C}' | '\u{201D}' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2015}' => '-',
        other => other,
    };
    name.trim().chars().map(plain).nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// So many names of a folder are looked at.
const ENTRIES_MAX: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_hard_blanks_and_curly_quotes_do_not_hide_a_file() {
        for (on_disk, listed) in [
            ("Sigur R\u{F3}s/j\u{F3}ga.mp3", "Sigur Ro\u{301}s/jo\u{301}ga.mp3"),
            ("Sigur Ro\u{301}s/x.mp3", "Sigur R\u{F3}s/x.mp3"),
            ("Music/A.MP3", "music/a.mp3"),
            ("a b/c.mp3", "a\u{A0}b/c.mp3"),
            ("Don't.mp3", "Don\u{2019}t.mp3"),
            ("a.mp3", "a.mp3  "),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(on_disk);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();

            assert_eq!(found(Item::file(dir.path().join(listed))).path, path, "{listed}");
        }
    }

    #[test]
    fn the_very_name_comes_first_and_a_doubtful_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["A.mp3", "a.mp3"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }

        assert_eq!(found(Item::file(dir.path().join("a.mp3"))).path, dir.path().join("a.mp3"));
        assert_eq!(alike(&dir.path().join("a.MP3")), None);
        assert_eq!(alike(&dir.path().join("b.mp3")), None);
        assert_eq!(alike(Path::new("/nowhere/at/all")), None);
    }
}
