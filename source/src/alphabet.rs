//! Texts whose encoding nobody says: tags and lists of old.
//!
//! Bytes that are UTF-8 are UTF-8. Others are windows-1252, of which Latin-1 is the printable part,
//! unless they cannot well be: Latin letters with accents stand alone or in pairs, while letters of
//! other alphabets stand in rows of bytes above 127. Where there is such a row, Mozilla's detector
//! is asked which of them it is. So a short name with an accent is never taken for another
//! alphabet. Pure.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, WINDOWS_1252};

/// What texts are encoded in that do not say so, by the word of somebody who knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagCharset(&'static Encoding);

impl TagCharset {
    /// The charset called `label`, if it is one of old: texts in Unicode say so, or are seen to be.
    pub fn named(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label(label.as_bytes())?;
        let is_old = encoding.output_encoding() == encoding && encoding != encoding_rs::UTF_8;
        is_old.then_some(Self(encoding))
    }

    /// `bytes` as text.
    pub(crate) fn read(self, bytes: &[u8]) -> String {
        read_as(bytes, self.0)
    }

    /// Whether `bytes` may be something else in it than what they are without a word.
    pub(crate) fn changes(self, bytes: &[u8]) -> bool {
        if bytes.is_ascii() {
            !self.0.is_ascii_compatible()
        } else {
            std::str::from_utf8(bytes).is_err()
        }
    }
}

/// `bytes` as text.
pub(crate) fn read(bytes: &[u8]) -> String {
    read_as(bytes, encoding(bytes))
}

/// What `bytes` are encoded in, by what they look like.
pub(crate) fn encoding(bytes: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(bytes).is_ok() {
        return encoding_rs::UTF_8;
    }
    let is_of_rows = bytes.split(u8::is_ascii).any(|row| row.len() >= ROW_MIN);
    if !is_of_rows {
        return WINDOWS_1252;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    if OTHERS.contains(&guess) { guess } else { WINDOWS_1252 }
}

/// `bytes` as text that is encoded so.
pub(crate) fn read_as(bytes: &[u8], encoding: &'static Encoding) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// So many bytes above 127 in a row are no accents.
const ROW_MIN: usize = 3;
/// Alphabets that are told from Latin; those of accents on Latin letters are not.
static OTHERS: [&Encoding; 13] = [
    encoding_rs::BIG5,
    encoding_rs::EUC_JP,
    encoding_rs::EUC_KR,
    encoding_rs::GBK,
    encoding_rs::IBM866,
    encoding_rs::ISO_8859_5,
    encoding_rs::ISO_8859_7,
    encoding_rs::KOI8_U,
    encoding_rs::SHIFT_JIS,
    encoding_rs::WINDOWS_1251,
    encoding_rs::WINDOWS_1253,
    encoding_rs::WINDOWS_1255,
    encoding_rs::WINDOWS_874,
];

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{EUC_KR, GBK, KOI8_U, SHIFT_JIS, WINDOWS_1251, WINDOWS_1253};
    use proptest::prelude::*;

    #[test]
    fn tags_are_in_a_charset_of_old() {
        assert_eq!(TagCharset::named("Windows-1257").unwrap().read(b"\xF0"), "š");
        assert_eq!(TagCharset::named("latin2").unwrap().read(b"\xF8"), "ř");
        for label in ["klingon", "", "utf-8", "UTF-16LE", "replacement"] {
            assert_eq!(TagCharset::named(label), None, "{label}");
        }
    }

    #[test]
    fn names_with_accents_are_what_they_are() {
        for name in [
            "Björk",
            "Sigur Rós",
            "Motörhead",
            "Mylène Farmer",
            "Beyoncé",
            "Röyksopp",
            "Mötley Crüe",
            "Café Tacvba",
            "Émilie Simon",
            "Céline Dion",
            "Die Ärzte",
            "Maná",
            "Zoé",
            "Noir Désir",
            "Françoise Hardy",
            "Les Négresses Vertes",
            "Ágætis byrjun",
            "Svefn-g-englar",
            "Jóga",
            "À",
            "É",
            "Öäå",
            "Blå",
            "Ñu",
            "Mägo de Oz",
            "Håkan Hellström",
            "Für Elise",
            "Ça plane pour moi",
            "Don’t – “Stop”",
            "Tiësto",
            "Queensrÿche",
            "Hüsker Dü",
            "Sinéad O’Connor",
            "Größe",
            "Où est le swing",
            "L’été indien",
            "Édith Piaf – Non, je ne regrette rien",
            "João Gilberto",
            "Águas de Março",
            "Coração",
            "São Paulo",
            "Übermensch",
            "Æ",
            "Øya",
        ] {
            let (bytes, _, is_lossy) = WINDOWS_1252.encode(name);
            assert!(!is_lossy, "{name}");
            assert_eq!(read(&bytes), name);
            assert_eq!(read(name.as_bytes()), name, "in UTF-8");
        }
    }

    #[test]
    fn names_in_other_alphabets_are_told() {
        for (name, encoding) in [
            ("Кино", WINDOWS_1251),
            ("Группа крови", WINDOWS_1251),
            ("Земфира", WINDOWS_1251),
            ("Ленинград", WINDOWS_1251),
            ("Мумий Тролль", WINDOWS_1251),
            ("Звезда по имени Солнце", WINDOWS_1251),
            ("Аквариум - Город золотой", WINDOWS_1251),
            ("ДДТ - Что такое осень", WINDOWS_1251),
            ("Океан Ельзи - Без бою", WINDOWS_1251),
            ("Группа крови на рукаве", KOI8_U),
            ("宇多田ヒカル", SHIFT_JIS),
            ("椎名林檎 - 丸の内サディスティック", SHIFT_JIS),
            ("サカナクション", SHIFT_JIS),
            ("周杰伦 - 青花瓷", GBK),
            ("방탄소년단 - 봄날", EUC_KR),
            ("Μίκης Θεοδωράκης", WINDOWS_1253),
        ] {
            let (bytes, _, is_lossy) = encoding.encode(name);
            assert!(!is_lossy, "{name}");
            assert_eq!(read(&bytes), name, "in {}", encoding.name());
        }
    }

    proptest! {
        #[test]
        fn anything_is_text(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            read(&bytes);
        }

        #[test]
        fn two_accents_in_a_row_are_never_another_alphabet(
            name in "([a-zA-Z ]{1,5}[À-ÿ]{1,2}){1,6}[a-z]{0,3}",
        ) {
            let (bytes, _, _) = WINDOWS_1252.encode(&name);
            prop_assume!(std::str::from_utf8(&bytes).is_err());
            prop_assert_eq!(read(&bytes), name);
        }
    }
}
