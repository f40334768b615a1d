//! `gate`: what is soft, such as the noise of a studio between words, is made softer still.
//!
//! It opens when a peak of either side reaches the threshold, over the attack; it stays
//! open for the hold after the last such peak, and closes over the release, by even steps in
//! decibels. Pure.

use super::dial::{Dial, Unit};
use super::glide::Glide;
use super::{Effect, Stage, amplitude, single};

/// The settings of a `gate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// It opens for what is as loud as this.
    pub threshold_db: f64,
    /// So long it takes to open.
    pub attack_s: f64,
    /// So long it stays open after what opened it.
    pub hold_s: f64,
    /// So long it takes to close.
    pub release_s: f64,
    /// By so much it lowers when it is closed; not above 0.
    pub range_db: f64,
}

/// The stage.
#[derive(Debug)]
pub(super) struct GateStage {
    rate_hz: u32,
    threshold: f32,
    /// The part of its way that it opens and closes by in a sample frame.
    opening: f64,
    closing: f64,
    /// Sample frames of the hold, and how many of them are left.
    hold: u32,
    held: u32,
    range_db: Glide,
    /// How far it is closed: 0 is open, 1 is all of the range.
    closed: f64,
}

impl Gate {
    pub(super) fn dials(&mut self) -> Vec<Dial<'_>> {
        vec![
            Dial::new("threshold_db", Unit::Decibels, (-90.0, 0.0), &mut self.threshold_db),
            Dial::new("attack", Unit::Seconds, (0.001, 1.0), &mut self.attack_s),
            Dial::new("hold", Unit::Seconds, (0.0, 5.0), &mut self.hold_s),
            Dial::new("release", Unit::Seconds, (0.005, 5.0), &mut self.release_s),
            Dial::new("range_db", Unit::Decibels, (-90.0, 0.0), &mut self.range_db),
        ]
    }

    pub(super) fn stage(&self, rate_hz: u32) -> GateStage {
        let mut stage = GateStage {
            rate_hz,
            threshold: 0.0,
            opening: 0.0,
            closing: 0.0,
            hold: 0,
            held: 0,
            range_db: Glide::new(self.range_db, rate_hz),
            closed: 0.0,
        };
        stage.go(self);
        stage.held = stage.hold;
        stage
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self { threshold_db: -50.0, attack_s: 0.005, hold_s: 0.2, release_s: 0.2, range_db: -40.0 }
    }
}

impl GateStage {
    fn go(&mut self, by: &Gate) {
        let rate_hz = f64::from(self.rate_hz);
        self.threshold = single(amplitude(by.threshold_db));
        self.opening = 1.0 / (by.attack_s * rate_hz);
        self.closing = 1.0 / (by.release_s * rate_hz);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some seconds")]
        let hold = (by.hold_s * rate_hz) as u32;
        self.hold = hold;
        self.range_db.go(by.range_db);
    }

    /// By what a sample frame is multiplied that is so loud.
    fn factor(&mut self, level: f32) -> f32 {
        let range_db = self.range_db.next();
        if level >= self.threshold {
            self.held = self.hold;
            self.closed = (self.closed - self.opening).max(0.0);
        } else if self.held > 0 {
            self.held -= 1;
            self.closed = (self.closed - self.opening).max(0.0);
        } else {
            self.closed = (self.closed + self.closing).min(1.0);
        }
        if self.closed == 0.0 { 1.0 } else { single(amplitude(self.closed * range_db)) }
    }
}

impl Stage for GateStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.iter_mut().zip(right) {
            let factor = self.factor(left.abs().max(right.abs()));
            *left *= factor;
            *right *= factor;
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Gate(gate) = effect else { return };
        self.go(gate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{RATE_HZ, step_max, through, tone};

    #[test]
    fn it_opens_over_the_attack_stays_for_the_hold_and_closes_over_the_release() {
        // A sample frame is a millisecond.
        let mut stage = gate().stage(1_000);
        let soft = (0..500).map(|_| stage.factor(0.01)).last().unwrap();
        let opening: Vec<f32> = (0..20).map(|_| stage.factor(0.5)).collect();
        let after: Vec<f32> = (0..300).map(|_| stage.factor(0.01)).collect();

        assert!((soft - 0.01).abs() < 1e-6, "{soft}");
        assert!((opening[4] - 0.1).abs() < 1e-5, "half of 10 ms, half of 40 dB: {opening:?}");
        assert_eq!(opening[9..], [1.0; 11]);
        assert_eq!(after[..100], [1.0; 100], "100 ms of hold");
        assert!((after[149] - 0.1).abs() < 1e-5, "half of 100 ms: {}", after[149]);
        assert!((after[199] - 0.01).abs() < 1e-6, "{}", after[199]);
    }

    #[test]
    fn what_opens_it_again_while_it_closes_is_heard() {
        let mut stage = gate().stage(1_000);
        stage.factor(0.5);
        let closing = (0..150).map(|_| stage.factor(0.01)).last().unwrap();
        let open = (0..6).map(|_| stage.factor(0.5)).last().unwrap();

        assert!((closing - 0.1).abs() < 1e-3, "{closing}");
        assert_eq!(open, 1.0);
    }

    #[test]
    fn a_change_while_it_sounds_makes_no_click() {
        let mut stage = gate().stage(RATE_HZ);
        let sound = tone(100.0, -26.0);
        let steps = step_max(&sound);
        let mut heard = Vec::new();

        for (part, sound) in sound.chunks(4_410).enumerate() {
            let (threshold_db, range_db) = if part % 2 == 0 { (0.0, -90.0) } else { (-90.0, 0.0) };
            stage.take_over(&Effect::Gate(Gate { threshold_db, range_db, ..gate() }));
            heard.extend(through(&mut stage, &[sound.to_vec(), sound.to_vec()])[0].clone());
        }

        // 90 dB over the 10 ms of the attack are 2.4 % of a twentieth in each sample frame.
        assert!(step_max(&heard) <= steps + 0.024 * 0.05, "{}", step_max(&heard));
    }

    fn gate() -> Gate {
        Gate { threshold_db: -20.0, attack_s: 0.01, hold_s: 0.1, release_s: 0.1, range_db: -40.0 }
    }
}
