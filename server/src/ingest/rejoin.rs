//! A stream that broke off and is fetched again goes on where it was.
//!
//! A server begins with a burst, which is what it has sent already. Whoever fetched the stream
//! before the connection broke has aired much of that, and listeners would hear it twice. So the
//! end of what was aired is kept, and looked for where the new connection begins: what is the same
//! to the last byte is passed over. If nothing is the same (the server was away for longer than its
//! burst, or sends something else), everything is aired.
//!
//! Pure: bytes in, bytes out.

use bytes::{Bytes, BytesMut};

/// The end of what was aired, and what came since that may be the same.
#[derive(Debug, Default)]
pub(crate) struct Rejoin {
    /// The last of what was aired, at most twice [`KEPT_BYTES`].
    aired: BytesMut,
    /// What has come on a new connection, until it is known where it joins.
    held: Option<BytesMut>,
}

impl Rejoin {
    /// Whatever comes next comes on another connection.
    pub(crate) fn reconnected(&mut self) {
        self.held = (!self.aired.is_empty()).then(BytesMut::new);
    }

    /// Nobody is there any more who heard what was aired.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// `bytes` have been aired.
    pub(crate) fn aired(&mut self, bytes: &[u8]) {
        self.aired.extend_from_slice(bytes);
        if self.aired.len() > 2 * KEPT_BYTES {
            self.aired = self.aired.split_off(self.aired.len() - KEPT_BYTES);
        }
    }

    /// What of `received` has not been aired yet, as far as that is known; what is not known yet
    /// comes later.
    pub(crate) fn fresh(&mut self, received: &[u8]) -> Bytes {
        let Some(held) = &mut self.held else { return Bytes::copy_from_slice(received) };
        held.extend_from_slice(received);
        if held.len() < ANCHOR_BYTES.min(self.aired.len()) {
            return Bytes::new();
        }
        let known = self.aired.len().saturating_sub(KEPT_BYTES);
        let Some(join) = join(&self.aired[known..], held) else { return Bytes::new() };
        let mut all = self.held.take().unwrap_or_default().freeze();
        all.split_off(join)
    }
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
    use proptest::prelude::*;

    #[test]
    fn what_was_aired_before_is_passed_over() {
        let stream = noise(40_000, 1);
        let mut rejoin = after(&stream[..30_000]);

        let heard =
            [&rejoin.fresh(&stream[20_000..20_500])[..], &rejoin.fresh(&stream[20_500..])].concat();

        assert!(heard == stream[30_000..], "{} bytes", heard.len());
    }

    #[test]
    fn a_stream_that_is_another_is_aired_from_its_beginning() {
        let other = noise(5_000, 2);
        let mut rejoin = after(&noise(30_000, 1));

        assert!(rejoin.fresh(&other) == other);
    }

    #[test]
    fn what_goes_on_without_a_burst_is_aired_from_its_beginning() {
        let stream = noise(40_000, 1);
        let mut rejoin = after(&stream[..30_000]);

        assert!(rejoin.fresh(&stream[30_000..]) == stream[30_000..]);
    }

    #[test]
    fn silence_is_never_longer_than_it_was() {
        let silence = vec![7; 20_000];
        let mut rejoin = after(&silence);

        assert!(rejoin.fresh(&silence[..10_000]).len() < 10_000);
        assert_eq!(rejoin.fresh(&[1, 2, 3])[..], [1, 2, 3]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut rejoin = Rejoin::default();
        for _ in 0..100 {
            rejoin.aired(&noise(50_000, 3));
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
                heard.extend_from_slice(&rejoin.fresh(piece));
                rest = later;
                if rest.is_empty() { break }
            }

            prop_assert!(heard == stream[broken..]);
        }
    }

    fn after(aired: &[u8]) -> Rejoin {
        let mut rejoin = Rejoin::default();
        rejoin.aired(aired);
        rejoin.reconnected();
        rejoin
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
