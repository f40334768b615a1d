//! Gathers the small chunks of a source into larger ones before they are aired.
//!
//! An encoder sends frames of a few hundred bytes as it makes them. A listener is written to once
//! in a flush delay, and a write of one piece is cheaper than one of twenty, for every listener.
//! So audio is held until there are enough bytes or until a part of the flush delay has passed,
//! whichever is first, and becomes one link of the stream, which begins where its first chunk did.
//!
//! Audio is gathered twice: by ingest of what it has read at once, so that the owner gets one
//! message of it, and by the owner of what comes after each other. What has been waited for before
//! it was read is not held again.
//!
//! Pure: it is told the time, and knows neither the stream nor its listeners.

use crate::config::limits::MountLimits;
use bytes::BytesMut;
use common::chunk::{Chunk, Opening};
use std::time::Duration;
use tokio::time::Instant;

/// The audio that has come from a source and is not yet aired.
#[derive(Debug)]
pub(crate) struct Gather {
    limits: GatherLimits,
    held: BytesMut,
    plays: Duration,
    /// When the first of what is held came.
    since: Instant,
}

/// How much is gathered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GatherLimits {
    bytes: usize,
    delay: Duration,
}

impl From<&MountLimits> for GatherLimits {
    fn from(limits: &MountLimits) -> Self {
        // A burst is made of whole links, so links have to be small beside it.
        let bytes = match limits.burst_bytes {
            0 => GATHERED_BYTES_MAX,
            burst_bytes => (burst_bytes / BURST_LINKS_MIN).min(GATHERED_BYTES_MAX),
        };
        Self { bytes, delay: limits.flush_delay / DELAY_PARTS }
    }
}

impl Gather {
    /// Nothing is held yet.
    pub(crate) fn new(limits: GatherLimits) -> Self {
        let since = Instant::now();
        Self { limits, held: BytesMut::new(), plays: Duration::ZERO, since }
    }

    /// Follows other limits from the next chunk on.
    pub(crate) fn limit(&mut self, limits: GatherLimits) {
        self.limits = limits;
    }

    /// Takes the next chunk of the source at `now`; what is to be aired of all there is, in this
    /// order.
    pub(crate) fn take(&mut self, chunk: Chunk, now: Instant) -> [Option<Chunk>; 2] {
        let passes = chunk.opening != Opening::Audio || self.limits.delay.is_zero();
        let is_enough =
            chunk.bytes.len() > self.limits.bytes / 2 || chunk.plays >= self.limits.delay;
        if passes || is_enough {
            return [self.flush(), Some(chunk)];
        }
        let fits = self.held.len() + chunk.bytes.len() <= self.limits.bytes;
        let before = if fits { None } else { self.flush() };
        self.hold(&chunk, now);
        [before, None]
    }

    fn hold(&mut self, chunk: &Chunk, now: Instant) {
        if self.held.is_empty() {
            self.since = now;
            self.held.reserve(self.limits.bytes);
        }
        self.held.extend_from_slice(&chunk.bytes);
        self.plays += chunk.plays;
    }

    /// What is held, as one chunk.
    pub(crate) fn flush(&mut self) -> Option<Chunk> {
        let bytes = std::mem::take(&mut self.held).freeze();
        let plays = std::mem::take(&mut self.plays);
        (!bytes.is_empty()).then_some(Chunk { bytes, opening: Opening::Audio, plays })
    }

    /// When what is held is to be aired, whatever comes; `None` if nothing is held.
    pub(crate) fn until(&self) -> Option<Instant> {
        (!self.held.is_empty()).then(|| self.since + self.limits.delay)
    }
}

/// Bytes are gathered up to here; a third of a write at 128 kbit/s and the default flush delay.
const GATHERED_BYTES_MAX: usize = 4_096;
/// Links in a burst, at least.
const BURST_LINKS_MIN: usize = 16;
/// Audio is held for so small a part of the flush delay at most.
const DELAY_PARTS: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const DELAY: Duration = Duration::from_millis(125);
    const LIMITS: GatherLimits = GatherLimits { bytes: 8, delay: DELAY };

    fn audio(bytes: &[u8]) -> Chunk {
        let bytes = Bytes::copy_from_slice(bytes);
        Chunk { bytes, opening: Opening::Audio, plays: Duration::from_millis(26) }
    }

    fn headers(bytes: &[u8]) -> Chunk {
        Chunk { opening: Opening::Headers, ..audio(bytes) }
    }

    /// What is aired when `chunk` is taken.
    fn taken(gather: &mut Gather, chunk: Chunk) -> Vec<Bytes> {
        let aired = gather.take(chunk, Instant::now());
        aired.into_iter().flatten().map(|chunk| chunk.bytes).collect()
    }

    #[test]
    fn small_chunks_are_aired_as_one_once_the_next_does_not_fit() {
        let mut gather = Gather::new(LIMITS);

        assert!(taken(&mut gather, audio(b"aaa")).is_empty());
        assert!(taken(&mut gather, audio(b"bbb")).is_empty());
        assert_eq!(taken(&mut gather, audio(b"ccc")), ["aaabbb"]);

        let rest = gather.flush().unwrap();
        assert_eq!((rest.bytes.as_ref(), rest.plays), (b"ccc".as_slice(), audio(b"").plays));
        assert_eq!(gather.flush(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_is_due_a_part_of_the_flush_delay_after_its_first_chunk() {
        let mut gather = Gather::new(LIMITS);
        assert_eq!(gather.until(), None);
        let first = Instant::now();

        gather.take(audio(b"a"), first);
        gather.take(audio(b"b"), first + DELAY / 2);

        assert_eq!(gather.until(), Some(first + DELAY));
    }

    #[test]
    fn headers_and_large_chunks_pass_after_what_came_before_them() {
        let mut gather = Gather::new(LIMITS);

        taken(&mut gather, audio(b"a"));
        assert_eq!(taken(&mut gather, headers(b"H")), ["a", "H"]);
        taken(&mut gather, audio(b"b"));
        assert_eq!(taken(&mut gather, audio(b"ccccc")), ["b", "ccccc"]);
        assert_eq!(gather.until(), None);
    }

    #[test]
    fn what_plays_as_long_as_audio_is_held_is_not_held_again() {
        let mut gather = Gather::new(LIMITS);

        assert_eq!(taken(&mut gather, audio(b"a")), [""; 0]);
        assert_eq!(taken(&mut gather, Chunk { plays: DELAY, ..audio(b"bb") }), ["a", "bb"]);
    }

    #[test]
    fn without_a_flush_delay_nothing_is_held() {
        let mut gather = Gather::new(GatherLimits { delay: Duration::ZERO, ..LIMITS });

        assert_eq!(taken(&mut gather, audio(b"a")), ["a"]);
    }

    #[test]
    fn links_are_small_beside_the_burst() {
        let of = |burst_bytes| {
            GatherLimits::from(&MountLimits { burst_bytes, ..MountLimits::default() }).bytes
        };

        assert_eq!((of(0), of(16_000), of(1 << 20)), (4_096, 1_000, 4_096));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_reordered(
            chunks in vec((vec(any::<u8>(), 1..12), any::<bool>()), 0..40), bytes in 0..10_usize,
        ) {
            let mut gather = Gather::new(GatherLimits { bytes, delay: DELAY });
            let mut aired = Vec::new();
            for (bytes, is_audio) in &chunks {
                let chunk = if *is_audio { audio(bytes) } else { headers(bytes) };
                aired.extend(taken(&mut gather, chunk));
            }
            aired.extend(gather.flush().map(|chunk| chunk.bytes));

            let sent: Vec<u8> = chunks.into_iter().flat_map(|(bytes, _)| bytes).collect();
            prop_assert_eq!(aired.concat(), sent);
        }
    }
}
