//! A value that goes from where it is to where it is wanted without a jump. Pure.

/// A value on its way, in even steps, one with each sample frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Glide {
    now: f64,
    target: f64,
    step: f64,
    /// Steps that are left.
    left: u32,
    /// Steps of a way.
    length: u32,
}

impl Glide {
    /// A value that rests at `value`, and takes [`GLIDE_S`] for each way.
    pub(super) fn new(value: f64, rate_hz: u32) -> Self {
        Self { now: value, target: value, step: 0.0, left: 0, length: length(rate_hz) }
    }

    /// Lets it go to `target`.
    pub(super) fn go(&mut self, target: f64) {
        if target != self.target {
            self.target = target;
            self.left = self.length;
            self.step = (target - self.now) / f64::from(self.length);
        }
    }

    /// The value where it is now.
    pub(super) fn now(&self) -> f64 {
        self.now
    }

    /// Whether it is on its way.
    pub(super) fn is_moving(&self) -> bool {
        self.left > 0
    }

    /// The value one sample frame later.
    pub(super) fn next(&mut self) -> f64 {
        if self.left > 0 {
            self.left -= 1;
            self.now += self.step;
            if self.left == 0 {
                self.now = self.target;
            }
        }
        self.now
    }

    /// The value `sample_frames` later.
    pub(super) fn skip(&mut self, sample_frames: u32) -> f64 {
        let steps = self.left.min(sample_frames);
        self.left -= steps;
        self.now += self.step * f64::from(steps);
        if self.left == 0 {
            self.now = self.target;
        }
        self.now
    }
}

/// Sample frames of a way.
pub(super) fn length(rate_hz: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousand")]
    let length = (f64::from(rate_hz) * GLIDE_S) as u32;
    length.max(1)
}

/// So long is a value on its way.
pub(super) const GLIDE_S: f64 = 0.03;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_arrives_in_even_steps_and_rests() {
        let mut glide = Glide::new(1.0, 1_000); // 30 steps

        glide.go(4.0);
        let way: Vec<f64> = (0..32).map(|_| glide.next()).collect();

        assert!((way[0] - 1.1).abs() < 1e-9 && (way[14] - 2.5).abs() < 1e-9, "{way:?}");
        assert_eq!(way[29..], [4.0; 3]);
        assert!(!glide.is_moving());
    }

    #[test]
    fn another_wish_on_its_way_begins_where_it_is() {
        let mut glide = Glide::new(0.0, 1_000);
        glide.go(30.0);
        for _ in 0..10 {
            glide.next();
        }
        assert!((glide.now() - 10.0).abs() < 1e-9);

        glide.go(0.0);

        assert!((glide.next() - (10.0 - 1.0 / 3.0)).abs() < 1e-9);
        for _ in 0..29 {
            glide.next();
        }
        assert_eq!(glide.now(), 0.0);
    }
}
