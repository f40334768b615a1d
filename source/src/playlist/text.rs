//! The text of lists, in whatever encoding they were written.

use crate::alphabet;
use encoding_rs::{UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// `bytes` as text: UTF-8 if they are, else by what they look like.
pub(crate) fn text(bytes: &[u8]) -> String {
    alphabet::read(bytes)
}

/// A list without its byte order mark; UTF-16, which only the mark can tell, becomes UTF-8.
pub(crate) fn unmarked(bytes: &[u8]) -> Cow<'_, [u8]> {
    for (mark, encoding) in [(b"\xFF\xFE", UTF_16LE), (b"\xFE\xFF", UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            let decoded = encoding.decode_without_bom_handling(rest).0;
            return Cow::Owned(decoded.into_owned().into_bytes());
        }
    }
    Cow::Borrowed(bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes))
}

const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_the_encoding_and_is_not_part_of_the_text() {
        for list in [&b"\xEF\xBB\xBFj\xC3\xB3"[..], b"\xFF\xFEj\0\xF3\0", b"\xFE\xFF\0j\0\xF3"] {
            assert_eq!(text(&unmarked(list)), "jó");
        }
    }

    #[test]
    fn text_without_a_mark_is_utf_8_or_windows_1252() {
        assert_eq!(text("Jóga".as_bytes()), "Jóga");
        assert_eq!(text(b"Bj\xF6rk \x96 J\xF3ga"), "Björk – Jóga");
    }
}
