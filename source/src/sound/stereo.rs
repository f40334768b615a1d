//! `stereo`: how wide it sounds, or both sides as one, or each on the other.
//!
//! All of it is a mixture of the two sides, whose shares go over to others evenly. Pure.

use super::dial::{Dial, Unit};
use super::glide::Glide;
use super::{Effect, Stage, single};

/// The settings of a `stereo`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stereo {
    /// How much of the difference between the sides is heard: 0 is mono, 1 is as it was, 2 is twice
    /// as much.
    pub width: f64,
    /// Whether both sides are heard as one.
    pub mono: f64,
    /// Whether each side is heard on the other.
    pub swap: f64,
}

/// The stage.
#[derive(Debug)]
pub(super) struct StereoStage {
    /// The share of left and right in what is heard on the left, and then on the right.
    shares: [Glide; 4],
}

impl Stereo {
    pub(super) fn dials(&mut self) -> Vec<Dial<'_>> {
        vec![
            Dial::new("width", Unit::Number, (0.0, 2.0), &mut self.width),
            Dial::switch("mono", &mut self.mono),
            Dial::switch("swap", &mut self.swap),
        ]
    }

    pub(super) fn stage(&self, rate_hz: u32) -> StereoStage {
        StereoStage { shares: self.shares().map(|share| Glide::new(share, rate_hz)) }
    }

    fn shares(&self) -> [f64; 4] {
        let width = if self.mono > 0.5 { 0.0 } else { self.width };
        let (own, other) = ((1.0 + width) / 2.0, (1.0 - width) / 2.0);
        if self.swap > 0.5 { [other, own, own, other] } else { [own, other, other, own] }
    }
}

impl Default for Stereo {
    fn default() -> Self {
        Self { width: 1.0, mono: 0.0, swap: 0.0 }
    }
}

impl Stage for StereoStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        let mut moving = self.shares.iter().any(Glide::is_moving);
        let mut shares = self.shares.map(|share| single(share.now()));
        for (left, right) in left.iter_mut().zip(right) {
            if moving {
                shares = self.shares.each_mut().map(|share| single(share.next()));
                moving = self.shares.iter().any(Glide::is_moving);
            }
            let [ll, lr, rl, rr] = shares;
            (*left, *right) = (ll * *left + lr * *right, rl * *left + rr * *right);
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Stereo(stereo) = effect else { return };
        for (glide, share) in self.shares.iter_mut().zip(stereo.shares()) {
            glide.go(share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{heard, step_max, tone};

    #[test]
    fn it_is_wide_mono_or_turned_round() {
        let stereo = Stereo::default();
        for (stereo, expected) in [
            (stereo.clone(), [0.5, -0.1]),
            (Stereo { width: 0.0, ..stereo.clone() }, [0.2, 0.2]),
            (Stereo { width: 2.0, ..stereo.clone() }, [0.8, -0.4]),
            (Stereo { mono: 1.0, ..stereo.clone() }, [0.2, 0.2]),
            (Stereo { swap: 1.0, ..stereo.clone() }, [-0.1, 0.5]),
            (Stereo { swap: 1.0, width: 2.0, ..stereo }, [-0.4, 0.8]),
        ] {
            let sides = heard(&Effect::Stereo(stereo.clone()), &[vec![0.5], vec![-0.1]]);
            for (side, expected) in sides.iter().zip(expected) {
                assert!((side[0] - expected).abs() < 1e-6, "{stereo:?}: {sides:?}");
            }
        }
    }

    #[test]
    fn a_change_while_it_sounds_makes_no_click() {
        let mut stage = Stereo::default().stage(44_100);
        let (mut left, mut right) = (tone(100.0, 0.0), vec![0.5; 44_100]);
        let largest = step_max(&left);

        for (part, (left, right)) in left.chunks_mut(441).zip(right.chunks_mut(441)).enumerate() {
            let swap = if part % 2 == 0 { 0.0 } else { 1.0 };
            stage.take_over(&Effect::Stereo(Stereo { swap, ..Stereo::default() }));
            stage.process(left, right);
        }

        // A way of 30 ms leads from one side to the other, which are 1.5 apart at most.
        let most = largest + 1.5 / 1_323.0;
        assert!(step_max(&left) <= most && step_max(&right) <= most);
    }
}
