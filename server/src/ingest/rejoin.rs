//! A stream that broke off and is fetched again goes on where it was.
//!
//! A server begins with a burst, which is what it has sent already; in Ogg and Matroska the headers
//! of the stream come before it. Whoever fetched the stream before the connection broke has aired
//! much of that, and listeners would hear it twice. So the end of what was aired is kept, and
//! looked for where the new connection begins: what is the same to the last byte is passed over,
//! with the headers before it, which are only told as known. If nothing is the same (the server was
//! away for longer than its burst, or sends something else), everything is aired.
//!
//! Pure: chunks in, chunks out.

use bytes::BytesMut;
use common::chunk::{Chunk, Opening};
use std::time::Duration;

/// The end of what was aired, and what came since that may be the same.
#[derive(Debug, Default)]
pub(crate) struct Rejoin {
    /// The last of what was aired, at most twice [`KEPT_BYTES`].
    aired: BytesMut,
    /// What has come on a new connection, until it is known where it joins.
    held: Option<Held>,
}

/// The beginning of a new connection.
#[derive(Debug, Default)]
struct Held {
    /// The headers with which it begins.
    headers: Option<Chunk>,
    /// What came after them.
    chunks: Vec<Chunk>,
    /// The bytes of these.
    bytes: BytesMut,
}

impl Rejoin {
    /// Whatever comes next comes on another connection.
    pub(crate) fn reconnected(&mut self) {
        self.held = (!self.aired.is_empty()).then(Held::default);
    }

    /// Nobody is there any more who heard what was aired.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What has not been aired yet of `received` and of what is held, as far as that is known; what
    /// is not known yet comes later. Whatever it gives out counts as aired.
    pub(crate) fn fresh(&mut self, received: Chunk) -> Vec<Chunk> {
        let fresh = match self.held.take() {
            None => vec![received],
            Some(held) => self.joined(held.with(received)),
        };
        for chunk in fresh.iter().filter(|chunk| chunk.opening != Opening::KnownHeaders) {
            self.aired.extend_from_slice(&chunk.bytes);
        }
        if self.aired.len() > 2 * KEPT_BYTES {
            self.aired = self.aired.split_off(self.aired.len() - KEPT_BYTES);
        }
        fresh
    }

    fn joined(&mut self, held: Held) -> Vec<Chunk> {
        let known = self.aired.len().saturating_sub(KEPT_BYTES);
        let aired = &self.aired[known..];
        let is_enough = held.bytes.len() >= ANCHOR_BYTES.min(aired.len());
        match is_enough.then(|| join(aired, &held.bytes)).flatten() {
            Some(same_bytes) => held.after(same_bytes),
            None => {
                self.held = Some(held);
                Vec::new()
            }
        }
    }
}

impl Held {
    fn with(mut self, chunk: Chunk) -> Self {
        if chunk.opening == Opening::Headers && self.chunks.is_empty() {
            self.headers = Some(chunk);
        } else {
            self.bytes.extend_from_slice(&chunk.bytes);
            self.chunks.push(chunk);
        }
        self
    }

    /// What comes after the first `same_bytes` behind the headers; all of it if there are none.
    fn after(self, same_bytes: usize) -> Vec<Chunk> {
        if same_bytes == 0 {
            return self.headers.into_iter().chain(self.chunks).collect();
        }
        let mut same_bytes = same_bytes;
        let mut known_headers = self.headers;
        let mut fresh = Vec::new();
        for mut chunk in self.chunks {
            let length = chunk.bytes.len();
            let known = same_bytes.min(length);
            same_bytes -= known;
            if known == length {
                let is_other = chunk.opening == Opening::Headers;
                known_headers = if is_other { Some(chunk) } else { known_headers };
                continue;
            }
            chunk.bytes = chunk.bytes.split_off(known);
            chunk.plays = part(chunk.plays, length - known, length);
            fresh.push(chunk);
        }
        let known =
            known_headers.map(|headers| Chunk { opening: Opening::KnownHeaders, ..headers });
        known.into_iter().chain(fresh).collect()
    }
}

/// How long `bytes` play of what plays `whole` and has `of_bytes`.
fn part(whole: Duration, bytes: usize, of_bytes: usize) -> Duration {
    let [bytes, of_bytes] = [bytes, of_bytes].map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
    whole * bytes / of_bytes
}

/// How many bytes at the beginning of `new` are the end of `old`: none if nothing is the same.
/// Nothing is said as long as `new` is the same as a part of `old` and may go on to be.
fn join(old: &[u8], new: &[u8]) -> Option<usize> {
    let anchor = &new[..ANCHOR_BYTES.min(new.len()).min(old.len())];
    let mut is_open = false;
    // From the end: the shortest overlap is taken, so that nothing is lost where sound repeats.
    for at in (0..=old.len() - anchor.len()).rev() {
        if old[at] != anchor[0] || &old[at..at + anchor.len()] != anchor {
            continue;
        }
        let same = &old[at..];
        if new.starts_with(same) {
            return Some(same.len());
        }
        is_open |= same.starts_with(new);
    }
    (!is_open).then_some(0)
}

/// So much of what was aired is kept, and may be repeated without being heard twice: eight seconds
/// at 256 kbit/s, four times the usual burst.
const KEPT_BYTES: usize = 256 << 10;
/// So much has to be the same. Two frames of MP3 at 128 kbit/s.
const ANCHOR_BYTES: usize = 836;

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    #[test]
    fn what_was_aired_before_is_passed_over() {
        let stream = noise(40_000, 1);
        let mut rejoin = after(&stream[..30_000]);

        let mut heard = rejoin.fresh(audio(&stream[20_000..20_500]));
        heard.extend(rejoin.fresh(audio(&stream[20_500..])));

        assert!(bytes(&heard) == stream[30_000..], "{} bytes", bytes(&heard).len());
        assert_eq!(heard[0].plays, Duration::from_millis(10), "as long as what is left of it");
    }

    #[test]
    fn a_stream_that_is_another_is_aired_from_its_beginning() {
        let other = noise(5_000, 2);
        let mut rejoin = after(&noise(30_000, 1));

        assert!(rejoin.fresh(headers(b"its")).is_empty());
        assert_eq!(rejoin.fresh(audio(&other)), [headers(b"its"), audio(&other)]);
    }

    #[test]
    fn what_goes_on_without_a_burst_is_aired_from_its_beginning() {
        let stream = noise(40_000, 1);
        let mut rejoin = after(&stream[..30_000]);

        assert!(bytes(&rejoin.fresh(audio(&stream[30_000..]))) == stream[30_000..]);
    }

    #[test]
    fn headers_before_what_was_aired_before_are_only_told() {
        let stream = noise(40_000, 1);
        let mut rejoin = after(&stream[..30_000]);

        let mut heard = rejoin.fresh(headers(b"first"));
        heard.extend(rejoin.fresh(audio(&stream[20_000..])));

        let known = Chunk { opening: Opening::KnownHeaders, ..headers(b"first") };
        assert!(heard == [known, audio(&stream[30_000..])], "{}", heard.len());
    }

    #[test]
    fn of_several_streams_that_were_aired_before_the_headers_of_the_last_are_told() {
        let (old, new) = (noise(3_000, 1), noise(9_000, 2));
        let second = headers(b"second");
        let mut rejoin = Rejoin::default();
        let _ = rejoin.fresh(audio(&old));
        let _ = rejoin.fresh(second.clone());
        let _ = rejoin.fresh(audio(&new[..5_000]));
        rejoin.reconnected();

        let mut heard = rejoin.fresh(headers(b"first"));
        heard.extend(rejoin.fresh(audio(&old[1_000..])));
        heard.extend(rejoin.fresh(second.clone()));
        heard.extend(rejoin.fresh(audio(&new[..6_000])));
        heard.extend(rejoin.fresh(audio(&new[6_000..])));

        let known = Chunk { opening: Opening::KnownHeaders, ..second };
        assert_eq!(heard[0], known);
        assert!(bytes(&heard[1..]) == new[5_000..]);
    }

    #[test]
    fn silence_is_never_longer_than_it_was() {
        let silence = vec![7; 20_000];
        let mut rejoin = after(&silence);

        assert!(bytes(&rejoin.fresh(audio(&silence[..10_000]))).len() < 10_000);
        assert_eq!(rejoin.fresh(audio(&[1, 2, 3])), [audio(&[1, 2, 3])]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut rejoin = Rejoin::default();
        for _ in 0..100 {
            let _ = rejoin.fresh(audio(&noise(50_000, 3)));
        }
        assert!(rejoin.aired.len() <= 2 * KEPT_BYTES);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_every_byte_is_heard_once(
            overlap in 0..20_000_usize, cuts in proptest::collection::vec(1..3_000_usize, 1..40),
        ) {
            let stream = noise(60_000, 5);
            let broken = 30_000;
            let overlap = if overlap < ANCHOR_BYTES { 0 } else { overlap };
            let mut rejoin = after(&stream[..broken]);

            let (mut heard, mut rest) = (Vec::new(), &stream[broken - overlap..]);
            for cut in cuts.iter().cycle() {
                let (piece, later) = rest.split_at((*cut).min(rest.len()));
                heard.extend(rejoin.fresh(audio(piece)));
                rest = later;
                if rest.is_empty() { break }
            }

            prop_assert!(bytes(&heard) == stream[broken..]);
        }
    }

    fn after(aired: &[u8]) -> Rejoin {
        let mut rejoin = Rejoin::default();
        assert_eq!(rejoin.fresh(audio(aired)), [audio(aired)]);
        rejoin.reconnected();
        rejoin
    }

    /// A microsecond each byte.
    fn audio(bytes: &[u8]) -> Chunk {
        let plays = Duration::from_micros(bytes.len() as u64);
        Chunk { bytes: Bytes::copy_from_slice(bytes), opening: Opening::Audio, plays }
    }

    fn headers(text: &'static [u8]) -> Chunk {
        let bytes = Bytes::from_static(text);
        Chunk { bytes, opening: Opening::Headers, plays: Duration::ZERO }
    }

    fn bytes(chunks: &[Chunk]) -> Vec<u8> {
        chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect()
    }

    /// Bytes that do not repeat.
    fn noise(bytes: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..bytes).map(|_| next()).collect()
    }
}
