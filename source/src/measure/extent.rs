//! The extent of a track: from where to where there is sound in it.
//!
//! What counts as silence is up to who asks, so the extent is noted for each of [`THRESHOLDS`]:
//! where the sound is first at least so loud, and where it is for the last time. The level is the
//! mean of windows of [`WINDOW_MS`] on the louder side, so a single crackle is no sound. Pure.

use crate::pcm::block::Block;
use std::time::Duration;

/// From where to where there is sound, by what counts as such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Where the track ends, from the beginning of its file.
    pub end_ms: u32,
    /// For each threshold, the quietest first: from where to where. Once one has none, neither
    /// have those after it, and none is wider than the one before it.
    spans: [Option<Span>; THRESHOLDS],
}

/// From here to there, in milliseconds from the beginning of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where the first sound begins.
    pub from_ms: u32,
    /// Where the last one ends.
    pub to_ms: u32,
}

/// A level below which there is silence: one of [`THRESHOLDS`] levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold(usize);

/// Finds the extent of what it is shown.
#[derive(Clone, Debug)]
pub struct Finder {
    extent: Extent,
    /// Where what it is shown next lies in the file.
    at: Duration,
    window: Window,
}

/// A stretch of which the level is one number.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    sample_frames: u32,
    /// The sums of the squares of both sides.
    squares: [f64; 2],
}

impl Threshold {
    /// The threshold of `db` below full scale, if it is one.
    pub fn of_db(db: f64) -> Option<Self> {
        (0..THRESHOLDS).map(Self).find(|threshold| threshold.db() == db)
    }

    /// Decibels below full scale.
    pub fn db(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let steps = self.0 as f64;
        QUIETEST_DB + STEP_DB * steps
    }
}

impl Extent {
    /// From where to where it is at least as loud as `threshold`; `None` if it never is.
    pub fn at(&self, threshold: Threshold) -> Option<Span> {
        self.spans.get(threshold.0).copied().flatten()
    }

    /// As text without blanks: the end, then for each threshold how much narrower it is than the
    /// one before, from and to.
    pub(super) fn text(&self) -> String {
        let mut text = self.end_ms.to_string();
        let mut before = Span { from_ms: 0, to_ms: self.end_ms };
        for span in self.spans.iter().map_while(|span| *span) {
            let (later, sooner) = (span.from_ms - before.from_ms, before.to_ms - span.to_ms);
            text.push_str(&format!(",{later},{sooner}"));
            before = span;
        }
        text
    }

    /// Reads the same; `None` if it is no such text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split(',').map(|number| number.parse::<u32>().ok());
        let end_ms = numbers.next()??;
        let mut extent = Self { end_ms, ..Self::default() };
        let mut before = Span { from_ms: 0, to_ms: end_ms };
        let mut spans = extent.spans.iter_mut();
        while let Some(later) = numbers.next() {
            let sooner = numbers.next()??;
            let from_ms = before.from_ms.checked_add(later?)?;
            let to_ms = before.to_ms.checked_sub(sooner)?;
            if to_ms < from_ms {
                return None;
            }
            before = Span { from_ms, to_ms };
            *spans.next()? = Some(before);
        }
        Some(extent)
    }
}

impl Finder {
    /// A finder that is shown a track from the place `from` in its file on.
    pub fn new(from: Duration) -> Self {
        Self { extent: Extent::default(), at: from, window: Window::default() }
    }

    /// Takes `block`, which must be stereo, into account.
    pub fn show(&mut self, block: &Block) {
        let rate_hz = block.rate_hz();
        let length = (rate_hz * WINDOW_MS / 1_000).max(1);
        let mut done = 0;
        while done < block.sample_frames() {
            let missing = length.saturating_sub(self.window.sample_frames).max(1) as usize;
            let until = (done + missing).min(block.sample_frames());
            for (squares, plane) in self.window.squares.iter_mut().zip(block.planes()) {
                let sum: f32 = plane[done..until].iter().map(|sample| sample * sample).sum();
                *squares += f64::from(sum);
            }
            // At most a window, which is a hundredth of a second.
            self.window.sample_frames += u32::try_from(until - done).unwrap_or(u32::MAX);
            done = until;
            if self.window.sample_frames >= length {
                self.note(rate_hz);
            }
        }
    }

    /// The extent of what it was shown, the last of it at `rate_hz`.
    pub fn extent(mut self, rate_hz: u32) -> Extent {
        if self.window.sample_frames > 0 {
            self.note(rate_hz);
        }
        self.extent.end_ms = ms(self.at);
        self.extent
    }

    /// Notes what is in the window, and begins another.
    fn note(&mut self, rate_hz: u32) {
        let Window { sample_frames, squares } = std::mem::take(&mut self.window);
        let power = squares[0].max(squares[1]) / f64::from(sample_frames);
        let from_ms = ms(self.at);
        self.at += Duration::from_secs_f64(f64::from(sample_frames) / f64::from(rate_hz));
        let to_ms = ms(self.at);
        for (number, span) in self.extent.spans.iter_mut().enumerate() {
            if 10.0 * power.log10() < Threshold(number).db() {
                return;
            }
            *span = Some(Span { from_ms: span.map_or(from_ms, |span| span.from_ms), to_ms });
        }
    }
}

fn ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// So many levels can be taken for the border of silence.
pub const THRESHOLDS: usize = 11;
/// The quietest of them, in decibels below full scale.
pub const QUIETEST_DB: f64 = -70.0;
/// The loudest.
pub const LOUDEST_DB: f64 = -20.0;
/// From one to the next.
pub const STEP_DB: f64 = 5.0;
/// The level is that of so long a stretch.
pub const WINDOW_MS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_audio as audio;
    use proptest::prelude::*;

    #[test]
    fn sound_lies_where_it_is_loud_enough() {
        // Half a second of nothing, a second at −40 dB, one at −3 dB, half a second of nothing.
        let tone = audio::tone(441.0, 44_100, 44_100); // −9 dB
        let soft: Vec<f32> = tone.iter().map(|sample| sample * 0.028).collect();
        let loud: Vec<f32> = tone.iter().map(|sample| sample * 2.0).collect();
        let none = vec![0.0; 22_050];
        let whole = [&none[..], &soft, &loud, &none].concat();

        let extent = shown(&whole, 1_000, Duration::ZERO);

        assert_eq!(extent.end_ms, 3_000);
        assert_eq!(span(&extent, -70.0), Some((500, 2_500)));
        assert_eq!(span(&extent, -45.0), Some((500, 2_500)));
        assert_eq!(span(&extent, -35.0), Some((1_500, 2_500)));
        assert_eq!(span(&extent, -20.0), Some((1_500, 2_500)));
    }

    #[test]
    fn places_are_those_in_the_file() {
        let whole = [vec![0.0; 4_410], audio::tone(441.0, 44_100, 44_100)].concat();

        let extent = shown(&whole, 999, Duration::from_secs(60));

        assert_eq!(extent.end_ms, 61_100);
        assert_eq!(span(&extent, -50.0), Some((60_100, 61_100)));
    }

    #[test]
    fn one_side_is_enough_and_a_crackle_is_not() {
        let mut finder = Finder::new(Duration::ZERO);
        let mut crackle = vec![0.0; 44_100];
        crackle[100] = 0.05; // −26 dB, and −52 dB as the mean of its window
        finder.show(&Block::stereo(44_100, crackle.clone(), crackle));
        let tone = audio::tone(441.0, 44_100, 44_100);
        finder.show(&Block::stereo(44_100, vec![0.0; 44_100], tone));

        let extent = finder.extent(44_100);

        assert_eq!(span(&extent, -50.0), Some((1_000, 2_000)));
        assert_eq!(span(&extent, -55.0), Some((0, 2_000)));
    }

    #[test]
    fn silence_has_no_sound_in_it() {
        let extent = shown(&vec![0.0; 44_100], 1_152, Duration::ZERO);

        assert_eq!(extent.end_ms, 1_000);
        assert_eq!(span(&extent, -70.0), None);
        assert_eq!(Extent::read(&extent.text()), Some(extent));
    }

    #[test]
    fn a_threshold_is_a_multiple_of_five_decibels() {
        assert_eq!(Threshold::of_db(-50.0).map(Threshold::db), Some(-50.0));
        assert_eq!(Threshold::of_db(LOUDEST_DB), Some(Threshold(THRESHOLDS - 1)));
        for db in [-75.0, -52.0, -15.0, 0.0] {
            assert_eq!(Threshold::of_db(db), None, "{db}");
        }
    }

    proptest! {
        #[test]
        fn an_extent_is_read_as_it_was_written(
            levels in proptest::collection::vec(0.0..1.0_f32, 1..40), from_s in 0..100_000_u64,
        ) {
            let samples: Vec<f32> =
                levels.iter().flat_map(|level| vec![level.powi(4); 441]).collect();
            let extent = shown(&samples, 700, Duration::from_secs(from_s));
            prop_assert_eq!(Extent::read(&extent.text()), Some(extent));
        }

        #[test]
        fn any_text_is_an_extent_or_is_not(text in "[0-9,]{0,80}|\\PC{0,40}") {
            if let Some(extent) = Extent::read(&text) {
                prop_assert_eq!(Extent::read(&extent.text()), Some(extent));
            }
        }
    }

    fn shown(samples: &[f32], piece: usize, from: Duration) -> Extent {
        let mut finder = Finder::new(from);
        for part in samples.chunks(piece) {
            finder.show(&Block::stereo(44_100, part.to_vec(), part.to_vec()));
        }
        finder.extent(44_100)
    }

    fn span(extent: &Extent, db: f64) -> Option<(u32, u32)> {
        let span = extent.at(Threshold::of_db(db).unwrap())?;
        Some((span.from_ms, span.to_ms))
    }
}
