//! `delay`: an echo, or all of it later.
//!
//! What was heard the delay's time ago is mixed in, and comes back again, weaker, as far as the
//! feedback says. Another time is faded to, so that it neither clicks nor changes the pitch. Pure.

use super::dial::{Dial, Unit};
use super::glide::Glide;
use super::processor::{SAMPLE_MAX, SAMPLE_MIN};
use super::{Effect, Stage, single};

/// The settings of a `delay`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delay {
    /// How much later.
    pub time_s: f64,
    /// The part of it that comes back.
    pub feedback: f64,
    /// The part of it in what is heard: 0 is none, 1 is nothing else.
    pub mix: f64,
}

/// The stage.
#[derive(Debug)]
pub(super) struct DelayStage {
    rate_hz: u32,
    /// The last [`TIME_MAX_S`] of both sides, as a ring.
    past: Vec<[f32; 2]>,
    at: usize,
    /// How many sample frames later it is.
    later: usize,
    /// How many it shall be.
    wanted: usize,
    /// How many it was before, and how loud that still is.
    before: usize,
    fade: Glide,
    feedback: Glide,
    mix: Glide,
}

impl Delay {
    pub(super) fn dials(&mut self) -> Vec<Dial<'_>> {
        vec![
            Dial::new("time", Unit::Seconds, (0.001, TIME_MAX_S), &mut self.time_s),
            Dial::new("feedback", Unit::Number, (0.0, 0.95), &mut self.feedback),
            Dial::new("mix", Unit::Number, (0.0, 1.0), &mut self.mix),
        ]
    }

    pub(super) fn stage(&self, rate_hz: u32) -> DelayStage {
        let later = sample_frames(self.time_s, rate_hz);
        DelayStage {
            rate_hz,
            past: vec![[0.0; 2]; sample_frames(TIME_MAX_S, rate_hz) + 1],
            at: 0,
            later,
            wanted: later,
            before: later,
            fade: Glide::new(0.0, rate_hz),
            feedback: Glide::new(self.feedback, rate_hz),
            mix: Glide::new(self.mix, rate_hz),
        }
    }
}

impl Default for Delay {
    fn default() -> Self {
        Self { time_s: 0.3, feedback: 0.3, mix: 0.25 }
    }
}

impl DelayStage {
    /// Both sides as they were so many sample frames ago.
    fn past(&self, ago: usize) -> [f32; 2] {
        let length = self.past.len();
        let at = self.at + length - ago;
        self.past[if at < length { at } else { at - length }]
    }

    /// What was heard the delay's time ago.
    fn echo(&mut self) -> [f32; 2] {
        let echo = self.past(self.later);
        if self.fade.is_moving() {
            let before = self.past(self.before);
            let part = single(self.fade.next());
            return [0, 1].map(|side| echo[side] + (before[side] - echo[side]) * part);
        }
        if self.wanted != self.later {
            (self.before, self.later) = (self.later, self.wanted);
            self.fade = Glide::new(1.0, self.rate_hz);
            self.fade.go(0.0);
        }
        echo
    }
}

impl Stage for DelayStage {
    fn process(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.iter_mut().zip(right) {
            let echo = self.echo();
            let (feedback, mix) = (single(self.feedback.next()), single(self.mix.next()));
            // What comes back ever weaker ends some time, and what is too loud gets no louder.
            let back = |sample: f32, echo: f32| {
                let sum = (sample + echo * feedback).clamp(-SAMPLE_MAX, SAMPLE_MAX);
                if sum.abs() < SAMPLE_MIN { 0.0 } else { sum }
            };
            self.past[self.at] = [back(*left, echo[0]), back(*right, echo[1])];
            self.at = if self.at + 1 == self.past.len() { 0 } else { self.at + 1 };
            *left += (echo[0] - *left) * mix;
            *right += (echo[1] - *right) * mix;
        }
    }

    fn take_over(&mut self, effect: &Effect) {
        let Effect::Delay(delay) = effect else { return };
        self.wanted = sample_frames(delay.time_s, self.rate_hz);
        self.feedback.go(delay.feedback);
        self.mix.go(delay.mix);
    }
}

/// At least one.
fn sample_frames(time_s: f64, rate_hz: u32) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some seconds")]
    let sample_frames = (time_s * f64::from(rate_hz)).round() as usize;
    sample_frames.max(1)
}

/// The longest delay: 1.9 MB at 48 kHz.
pub const TIME_MAX_S: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::listening::{RATE_HZ, step_max, through, tone};

    #[test]
    fn what_is_heard_comes_back_after_the_time_weaker_each_time() {
        let delay = Delay { time_s: 0.01, feedback: 0.5, mix: 0.5 };
        let mut click = vec![0.0; 1_500];
        click[0] = 1.0;

        let [left, right] = through(&mut delay.stage(RATE_HZ), &[click.clone(), vec![0.0; 1_500]]);

        let heard: Vec<_> = left.iter().enumerate().filter(|(_, it)| **it != 0.0).collect();
        assert_eq!(heard, [(0, &0.5), (441, &0.5), (882, &0.25), (1_323, &0.125)]);
        assert!(right.iter().all(|it| *it == 0.0));
    }

    #[test]
    fn all_of_it_may_be_later() {
        let delay = Delay { time_s: 0.1, feedback: 0.0, mix: 1.0 };
        let sound = tone(440.0, -6.0);

        let [left, _] = through(&mut delay.stage(RATE_HZ), &[sound.clone(), sound.clone()]);

        assert!(left[..4_410].iter().all(|it| *it == 0.0));
        assert!(left[4_410..] == sound[..sound.len() - 4_410], "it is not as it was");
    }

    #[test]
    fn a_change_while_it_sounds_makes_no_click() {
        let with = |time_s| Delay { time_s, feedback: 0.0, mix: 1.0 };
        let mut stage = with(1.0).stage(RATE_HZ);
        let sound = tone(100.0, 0.0);
        through(&mut stage, &[sound.clone(), sound.clone()]);
        let mut heard = Vec::new();

        for (part, sound) in sound.chunks(4_410).enumerate() {
            let time_s = if part % 2 == 0 { 0.005 } else { 1.0 };
            stage.take_over(&Effect::Delay(with(time_s)));
            heard.extend(through(&mut stage, &[sound.to_vec(), sound.to_vec()])[0].clone());
        }

        // The two are 2 apart at most, over 1323 sample frames.
        assert!(step_max(&heard) <= step_max(&sound) + 2.0 / 1_323.0, "{}", step_max(&heard));
    }
}
