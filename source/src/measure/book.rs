//! The book of what has been measured: one line for each track, as a file keeps it.
//!
//! A track is known by its *name*, a hash of where its file is and which part of it is played; the
//! size and the time of the last change of the file say whether it is still what was measured. The
//! book holds at most [`ENTRIES_MAX`] tracks; when it is full, those go that were not asked for
//! the longest. Pure.

use super::Measure;
use super::extent::Extent;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What has been measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    entries: BTreeMap<u64, Entry>,
    /// How often it was asked or written to: what tells old from new.
    uses: u64,
}

/// What says whether a file is still the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes of the file.
    pub bytes: u64,
    /// When it was changed, in milliseconds since 1970; 0 if nobody knows.
    pub changed_ms: i64,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    stamp: Stamp,
    measure: Measure,
    used: u64,
}

/// Why a text is not a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no measure of a track, or one of another version")]
pub struct NoBook {
    line: usize,
}

impl Book {
    /// What was measured of the track called `name`, if its file still has this stamp.
    pub fn measure(&mut self, name: u64, stamp: Stamp) -> Option<Measure> {
        let entry = self.entries.get_mut(&name).filter(|entry| entry.stamp == stamp)?;
        self.uses += 1;
        entry.used = self.uses;
        Some(entry.measure)
    }

    /// What was last measured of it, whatever has become of its file since.
    pub fn last_measure(&self, name: u64) -> Option<Measure> {
        self.entries.get(&name).map(|entry| entry.measure)
    }

    /// Notes what was measured.
    pub fn note(&mut self, name: u64, stamp: Stamp, measure: Measure) {
        self.uses += 1;
        self.entries.insert(name, Entry { stamp, measure, used: self.uses });
        if self.entries.len() > ENTRIES_MAX {
            let mut uses: Vec<u64> = self.entries.values().map(|entry| entry.used).collect();
            let (_, &mut oldest_kept, _) = uses.select_nth_unstable(CLEARED);
            self.entries.retain(|_, entry| entry.used >= oldest_kept);
        }
    }

    /// How many tracks it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// As text, those last that were asked for last.
    pub fn text(&self) -> String {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|(_, entry)| entry.used);
        let mut text = HEAD.to_owned();
        for (name, Entry { stamp, measure, .. }) in entries {
            let Stamp { bytes, changed_ms } = stamp;
            let loudness =
                measure.loudness_lufs.map_or_else(|| "-".to_owned(), |it| it.to_string());
            let (peak, extent) = (measure.true_peak, measure.extent.text());
            // A text takes whatever is written to it.
            let _ = writeln!(text, "{name:016x} {bytes} {changed_ms} {loudness} {peak} {extent}");
        }
        text
    }

    /// The book that `text` is.
    ///
    /// Fails if it is none.
    pub fn parse(text: &str) -> Result<Self, NoBook> {
        let lines = text.strip_prefix(HEAD).ok_or(NoBook { line: 1 })?;
        if !lines.is_empty() && !lines.ends_with('\n') {
            return Err(NoBook { line: lines.lines().count() + 1 });
        }
        let mut book = Self::default();
        for (number, line) in lines.lines().enumerate() {
            let (name, stamp, measure) = entry(line).ok_or(NoBook { line: number + 2 })?;
            book.note(name, stamp, measure);
        }
        Ok(book)
    }
}

fn entry(line: &str) -> Option<(u64, Stamp, Measure)> {
    let mut words = line.split(' ');
    let mut word = || words.next();
    let name = u64::from_str_radix(word()?, 16).ok()?;
    let stamp = Stamp { bytes: word()?.parse().ok()?, changed_ms: word()?.parse().ok()? };
    let number = |text: &str| text.parse::<f32>().ok().filter(|number| number.is_finite());
    let loudness_lufs = match word()? {
        "-" => None,
        text => Some(number(text)?),
    };
    let true_peak = number(word()?).filter(|peak| *peak >= 0.0)?;
    let extent = Extent::read(word()?)?;
    words.next().is_none().then_some((name, stamp, Measure { loudness_lufs, true_peak, extent }))
}

/// So many tracks are kept in mind, which are 6 MB; their file has 3 MB.
pub const ENTRIES_MAX: usize = 30_000;
/// So many go when there are more.
const CLEARED: usize = ENTRIES_MAX / 8;
/// The first line, which tells what follows.
const HEAD: &str = "carrier measures 1\n";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_that_has_changed_is_not_known_but_what_it_was_is() {
        let mut book = book();
        let changed = Stamp { changed_ms: 8, ..STAMP };

        assert_eq!(book.measure(1, STAMP), Some(measure()));
        assert_eq!(book.measure(1, changed), None);
        assert_eq!(book.measure(1, Stamp { bytes: 9, ..STAMP }), None);
        assert_eq!(book.last_measure(1), Some(measure()));
        assert_eq!(book.last_measure(7), None);
    }

    #[test]
    fn a_book_is_lines_that_people_can_read() {
        let text = "carrier measures 1\n\
                    0000000000000002 4000 -5 - 0 1000\n\
                    0000000000000001 5000000 1764000000123 -9.5 0.875 1000,20,0\n";

        assert_eq!(book().text(), text);
        assert_eq!(Book::parse(text), Ok(book()));
        assert_eq!(Book::parse(&Book::default().text()), Ok(Book::default()));
    }

    #[test]
    fn a_text_that_is_no_book_is_told_by_its_line() {
        let whole = book().text();
        let half = &whole[..whole.len() - 9];
        for (text, line) in [
            ("", 1),
            ("carrier measures 2\n", 1),
            (half, 3),
            (&*whole.replace("0.875", "NaN"), 3),
            (&*whole.replace("4000", "4k"), 2),
            (&*whole.replace(",20,0", ",20"), 3),
            (&*whole.replace(",20,0", ",2000,0"), 3),
            (&*format!("{whole}\n"), 4),
        ] {
            assert_eq!(Book::parse(text), Err(NoBook { line }), "{text}");
        }
    }

    #[test]
    fn a_full_book_forgets_what_was_not_asked_for_the_longest() {
        let mut book = Book::default();
        for name in 0..ENTRIES_MAX as u64 {
            book.note(name, STAMP, measure());
        }
        assert_eq!(book.len(), ENTRIES_MAX);
        book.measure(0, STAMP);

        book.note(u64::MAX, STAMP, measure());

        assert_eq!(book.len(), ENTRIES_MAX + 1 - CLEARED);
        assert!(book.last_measure(0).is_some(), "it was asked for");
        assert!(book.last_measure(1).is_none());
        assert!(book.last_measure(u64::MAX).is_some());
        let bytes = book.text().len() / book.len() * ENTRIES_MAX;
        assert!(bytes < BYTES, "{bytes}");
        const BYTES: usize = 3 << 20;
    }

    proptest! {
        #[test]
        fn any_text_is_a_book_or_is_not(text in any::<String>()) {
            drop(Book::parse(&text));
            drop(Book::parse(&format!("{HEAD}{text}")));
        }

        #[test]
        fn a_changed_book_is_a_book_or_is_not(at in 0..140_usize, byte in 32..127_u8) {
            let mut text = book().text().into_bytes();
            let at = at % text.len();
            text[at] = byte;
            if let Ok(book) = Book::parse(&String::from_utf8(text).unwrap()) {
                prop_assert_eq!(Book::parse(&book.text()).unwrap().len(), book.len());
            }
        }

        #[test]
        fn a_measure_is_read_as_it_was_written(
            loudness_lufs in proptest::option::of(-70.0..5.0_f32), true_peak in 0.0..4.0_f32,
            bytes in any::<u64>(), changed_ms in any::<i64>(),
        ) {
            let measure = Measure { loudness_lufs, true_peak, ..measure() };
            let stamp = Stamp { bytes, changed_ms };
            let mut book = Book::default();
            book.note(3, stamp, measure);
            prop_assert_eq!(Book::parse(&book.text()).unwrap().measure(3, stamp), Some(measure));
        }
    }

    fn book() -> Book {
        let mut book = Book::default();
        let silence =
            Measure { loudness_lufs: None, true_peak: 0.0, extent: Extent::read("1000").unwrap() };
        book.note(2, Stamp { bytes: 4_000, changed_ms: -5 }, silence);
        book.note(1, STAMP, measure());
        book
    }

    fn measure() -> Measure {
        let extent = Extent::read("1000,20,0").unwrap();
        Measure { loudness_lufs: Some(-9.5), true_peak: 0.875, extent }
    }

    const STAMP: Stamp = Stamp { bytes: 5_000_000, changed_ms: 1_764_000_000_123 };
}
