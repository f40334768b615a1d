//! Bytes become lines, wherever they were cut on their way.
//!
//! A line ends with LF, CR or both; empty lines are none. Pure.

/// What has come of a connection and is no whole line yet.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
}

/// A line is longer than [`LINE_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Lines {
    /// Takes `bytes` in.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole line; what is not UTF-8 in it is replaced.
    ///
    /// Fails if a line is too long, with or without an end.
    pub fn next_line(&mut self) -> Result<Option<String>, TooLong> {
        let blank = self.pending.iter().take_while(|byte| is_end(**byte)).count();
        self.pending.drain(..blank);
        let length = self.pending.iter().position(|byte| is_end(*byte));
        if length.unwrap_or(self.pending.len()) > LINE_BYTES_MAX {
            return Err(TooLong);
        }
        let Some(length) = length else { return Ok(None) };
        let line = String::from_utf8_lossy(&self.pending[..length]).into_owned();
        self.pending.drain(..=length);
        Ok(Some(line))
    }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The longest line: room for a path or an address with everything said about it.
pub const LINE_BYTES_MAX: usize = 8 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn every_kind_of_line_end_will_do_and_empty_lines_are_none() {
        assert_eq!(lines(&[b"a\nb\rc\r\n\n\n\r\nd\r\n"]), ["a", "b", "c", "d"]);
        assert_eq!(lines(&[b"upt", b"ime", b"\r", b"\nx"]), ["uptime"]);
    }

    #[test]
    fn a_line_beyond_the_limit_is_refused_with_or_without_an_end() {
        let mut lines = Lines::default();
        lines.feed(&[b'a'; LINE_BYTES_MAX]);
        assert_eq!(lines.next_line(), Ok(None));
        lines.feed(b"\n");
        assert_eq!(lines.next_line().unwrap().unwrap().len(), LINE_BYTES_MAX);

        lines.feed(&[b'a'; LINE_BYTES_MAX + 1]);
        assert_eq!(lines.next_line(), Err(TooLong));
        lines.feed(b"\n");
        assert_eq!(lines.next_line(), Err(TooLong));
    }

    proptest! {
        #[test]
        fn how_bytes_are_cut_changes_nothing(
            bytes in vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cut in 1..40_usize,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();

            prop_assert_eq!(lines(&pieces), lines(&[&bytes]));
        }
    }

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut read = Vec::new();
        for piece in pieces {
            lines.feed(piece);
            read.extend(std::iter::from_fn(|| lines.next_line().unwrap()));
        }
        read
    }
}
