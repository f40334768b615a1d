//! The charset in which a server is told titles.
//!
//! Servers and players of today take UTF-8. Some of old want the bytes of their own alphabet; a
//! letter that has none there becomes a question mark.

use encoding_rs::{Encoding, UTF_8};

/// A charset, by the name that the operator gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charset {
    label: String,
    encoding: &'static Encoding,
}

impl Charset {
    /// The charset called `label`, if there is one in which anything can be written.
    pub fn named(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label(label.as_bytes())?;
        // UTF-16 and its like are read and never written.
        (encoding.output_encoding() == encoding).then(|| Self { label: label.to_owned(), encoding })
    }

    /// What the server is told it is called.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// `text` in it.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        // The web reads Latin-1 as Windows' own, which has letters where Latin-1 has none.
        if LATIN_1.iter().any(|label| self.label.eq_ignore_ascii_case(label)) {
            return text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut letter = [0; 4];
        for c in text.chars() {
            match self.encoding.encode(c.encode_utf8(&mut letter)) {
                (written, _, false) => bytes.extend_from_slice(&written),
                (_, _, true) => bytes.push(b'?'),
            }
        }
        bytes
    }
}

impl Default for Charset {
    fn default() -> Self {
        Self { label: "UTF-8".to_owned(), encoding: UTF_8 }
    }
}

const LATIN_1: [&str; 4] = ["ISO-8859-1", "ISO8859-1", "latin1", "latin-1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_written_in_the_charset_that_is_named() {
        let title = "Jóga – Ж";
        for (label, expected) in [
            ("UTF-8", "Jóga – Ж".as_bytes()),
            ("ISO-8859-1", b"J\xf3ga ? ?"),
            ("windows-1252", b"J\xf3ga \x96 ?"),
            ("windows-1251", b"J?ga \x96 \xc6"),
        ] {
            let charset = Charset::named(label).unwrap();
            assert_eq!((charset.label(), &charset.encode(title)[..]), (label, expected));
        }
        assert_eq!(Charset::default().encode(title), title.as_bytes());
    }

    #[test]
    fn what_is_no_charset_or_is_never_written_is_none() {
        for label in ["klingon", "", "UTF-16LE"] {
            assert_eq!(Charset::named(label), None, "{label}");
        }
    }
}
