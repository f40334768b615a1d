//! The pace of live audio: how much of it waits to be heard, kept near what is wanted.
//!
//! Whoever sends it has a clock of his own, so what waits grows or shrinks by a little for ever. If
//! it is off by more than [`SLACK`], the audio is played faster or slower by one sample frame in
//! [`STEP`], less than 0.1 %, until it is right again; nobody hears that. Pure.

use crate::pcm::block::Block;
use std::time::Duration;

/// How live audio is kept at its pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How much of it should wait.
    buffer: Duration,
    gait: Gait,
}

/// Whether audio is played as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gait {
    Faster,
    Right,
    Slower,
}

impl Pace {
    /// A pace at which so much audio waits.
    pub fn new(buffer: Duration) -> Self {
        Self { buffer, gait: Gait::Right }
    }

    /// How much of it should wait.
    pub fn buffer(&self) -> Duration {
        self.buffer
    }

    /// `piece`, to be put behind so much audio that is `waiting`: as it is, or a little longer or
    /// shorter.
    #[must_use]
    pub fn keep(&mut self, piece: Block, waiting: Duration) -> Block {
        let slack = SLACK.min(self.buffer / 2);
        self.gait = match self.gait {
            _ if waiting > self.buffer + slack => Gait::Faster,
            _ if waiting + slack < self.buffer => Gait::Slower,
            Gait::Faster if waiting > self.buffer => Gait::Faster,
            Gait::Slower if waiting < self.buffer => Gait::Slower,
            Gait::Faster | Gait::Right | Gait::Slower => Gait::Right,
        };
        let length = piece.sample_frames();
        if length < PIECE_MIN {
            return piece;
        }
        let more = (length / STEP).max(1);
        match self.gait {
            Gait::Faster => stretched(&piece, length - more),
            Gait::Right => piece,
            Gait::Slower => stretched(&piece, length + more),
        }
    }
}

/// `piece` at another length: its ends stay where they are, so it fits to what is beside it.
fn stretched(piece: &Block, length: usize) -> Block {
    let planes = piece.planes().iter().map(|plane| {
        let step = (plane.len() - 1) as f64 / (length - 1) as f64;
        (0..length).map(|at| between(plane, at as f64 * step)).collect()
    });
    let planes = planes.collect();
    Block::of(piece.rate_hz(), piece.layout().clone(), planes)
        .expect("its planes are of one length")
}

/// The value of `plane` at `at`, on a curve through the four samples around it (Catmull-Rom).
fn between(plane: &[f32], at: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in it")]
    let index = (at as usize).min(plane.len() - 1);
    #[expect(clippy::cast_possible_truncation, reason = "a fraction")]
    let t = (at - index as f64) as f32;
    let sample = |offset: isize| {
        let place = index.saturating_add_signed(offset).min(plane.len() - 1);
        plane[place]
    };
    let (before, here, next, after) = (sample(-1), sample(0), sample(1), sample(2));
    let slope = 0.5 * (next - before);
    let slope_next = 0.5 * (after - here);
    let rise = next - here;
    let cubic = slope + slope_next - 2.0 * rise;
    let square = rise - slope - cubic;
    ((cubic * t + square) * t + slope) * t + here
}

/// What waits may be off by so much before anything is done about it.
pub const SLACK: Duration = Duration::from_secs(1);
/// One sample frame in so many is left out or put in, at 44.1 kHz 38 a second.
pub const STEP: usize = 1_152;
/// A shorter piece is left as it is.
const PIECE_MIN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_left_alone_until_it_is_off_by_the_slack_and_then_brought_all_the_way_back() {
        let mut pace = Pace::new(Duration::from_secs(5));
        let lengths = [5.0, 5.9, 6.1, 5.5, 5.01, 5.0, 4.1, 3.9, 4.5, 4.99, 5.0].map(|waiting| {
            pace.keep(tone(1_152), Duration::from_secs_f64(waiting)).sample_frames()
        });

        assert_eq!(
            lengths,
            [1_152, 1_152, 1_151, 1_151, 1_151, 1_152, 1_152, 1_153, 1_153, 1_153, 1_152]
        );
    }

    #[test]
    fn a_long_piece_is_changed_as_much_as_short_ones_that_are_as_long() {
        let mut pace = Pace::new(Duration::from_secs(5));
        let lengths = [6.1, 3.9].map(|waiting| {
            pace.keep(tone(4 * STEP), Duration::from_secs_f64(waiting)).sample_frames()
        });

        assert_eq!(lengths, [4 * STEP - 4, 4 * STEP + 4]);
    }

    #[test]
    fn a_stretched_tone_is_the_same_tone() {
        for length in [1_151_usize, 1_153] {
            let heard = stretched(&tone(1_152), length);

            let speed = 1_151.0 / (length - 1) as f32;
            let off = heard.plane(0).iter().enumerate();
            let off = off.map(|(at, sample)| (sample - wave(at as f32 * speed)).abs());
            assert!(off.fold(0.0, f32::max) < 1e-3);
            assert_eq!(heard.plane(0)[0], wave(0.0));
            assert!((heard.plane(1)[length - 1] - wave(1_151.0)).abs() < 1e-4);
        }
    }

    fn tone(length: usize) -> Block {
        let plane: Vec<f32> = (0..length).map(|at| wave(at as f32)).collect();
        Block::stereo(44_100, plane.clone(), plane)
    }

    /// A tone of a kilohertz.
    fn wave(at: f32) -> f32 {
        (at * std::f32::consts::TAU * 1_000.0 / 44_100.0).sin()
    }
}
