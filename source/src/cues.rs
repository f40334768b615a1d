//! What is said of one track alone: where it begins and ends, how it fades, how loud it is.
//!
//! The words are Liquidsoap's, as lists and databases hold them: `liq_cue_in`, `liq_cue_out`,
//! `liq_fade_in`, `liq_fade_out` and `liq_cross_duration` in seconds, `liq_amplify` as a factor or
//! in decibels. `replaygain_track_gain` and `r128_track_gain` are what an analysis found. They
//! hold for the one track, or the one border, and for nothing after it. A value that makes no
//! sense is told of and left out.

use std::time::Duration;

/// What is said of one track alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cues {
    /// Where in the file it begins.
    pub cue_in: Option<Duration>,
    /// Where in the file it ends.
    pub cue_out: Option<Duration>,
    /// How long it takes to come up.
    pub fade_in: Option<Duration>,
    /// How long it takes to go down.
    pub fade_out: Option<Duration>,
    /// How long it is heard together with the track after it.
    pub overlap: Option<Duration>,
    /// What it is amplified by, because somebody said so.
    pub amplify: Option<Gain>,
    /// What it is amplified by to be as loud as others, because an analysis said so.
    pub replay_gain: Option<Gain>,
}

/// An amplification.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain(f32);

/// A value that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}=\"{value}\" is left out: {fault}")]
pub struct Mistake {
    key: String,
    value: String,
    fault: &'static str,
}

impl Cues {
    /// What `pairs` of keys and values say, of which the last of a key counts; other keys are not
    /// this part's business. And what is wrong with them.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Self, Vec<Mistake>) {
        let mut cues = Self::default();
        let mut mistakes = Vec::new();
        for (key, value) in pairs {
            if let Err(fault) = cues.take_in(key, value) {
                let value = value.chars().take(VALUE_CHARS_MAX).collect();
                mistakes.push(Mistake { key: key.to_owned(), value, fault });
            }
        }
        if let (Some(cue_in), Some(cue_out)) = (cues.cue_in, cues.cue_out)
            && cue_out <= cue_in
        {
            let fault = "it does not lie after liq_cue_in";
            let value = cue_out.as_secs_f64().to_string();
            mistakes.push(Mistake { key: "liq_cue_out".to_owned(), value, fault });
            cues.cue_out = None;
        }
        (cues, mistakes)
    }

    /// Whether `key` is one that means something here.
    pub fn knows(key: &str) -> bool {
        KEYS.contains(&key)
    }

    fn take_in(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        match key {
            "liq_amplify" => self.amplify = Some(Gain::parse(value)?),
            "liq_cross_duration" => self.overlap = Some(seconds(value)?),
            "liq_cue_in" => self.cue_in = Some(seconds(value)?),
            "liq_cue_out" => self.cue_out = Some(seconds(value)?),
            "liq_fade_in" => self.fade_in = Some(seconds(value)?),
            "liq_fade_out" => self.fade_out = Some(seconds(value)?),
            "r128_track_gain" => self.replay_gain = Some(Gain::of_r128(value)?),
            "replaygain_track_gain" => self.replay_gain = Some(Gain::of_db(decibels(value)?)?),
            _ => {}
        }
        Ok(())
    }

    /// These, and where they say nothing what `others` say.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            cue_in: self.cue_in.or(others.cue_in),
            cue_out: self.cue_out.or(others.cue_out),
            fade_in: self.fade_in.or(others.fade_in),
            fade_out: self.fade_out.or(others.fade_out),
            overlap: self.overlap.or(others.overlap),
            amplify: self.amplify.or(others.amplify),
            replay_gain: self.replay_gain.or(others.replay_gain),
        }
    }

    /// What the track's samples are multiplied by: what was said, and what was analysed if that
    /// is wanted.
    pub fn factor(&self, replay_gain_wanted: bool) -> f32 {
        let said = self.amplify.map_or(1.0, |gain| gain.0);
        let analysed = self.replay_gain.filter(|_| replay_gain_wanted).map_or(1.0, |gain| gain.0);
        (said * analysed).min(GAIN_MAX)
    }

    /// How long a file of `length` is heard, if it is as long as it says.
    pub fn heard(&self, length: Duration) -> Duration {
        let end = self.cue_out.map_or(length, |cue_out| cue_out.min(length));
        end.saturating_sub(self.cue_in.unwrap_or_default())
    }
}

impl Gain {
    /// Reads a factor, or decibels: `0.5`, `-3 dB`.
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.trim().to_ascii_lowercase().ends_with("db") {
            return Self::of_db(decibels(text)?);
        }
        let factor: f32 = text.trim().parse().map_err(|_| "it is neither a factor nor in dB")?;
        Self::of_factor(factor)
    }

    /// Reads 256ths of a decibel. They aim at −23 LUFS, 5 dB below what ReplayGain aims at.
    fn of_r128(text: &str) -> Result<Self, &'static str> {
        let steps: i16 = text.trim().parse().map_err(|_| "it is no whole number of 1/256 dB")?;
        Self::of_db(f32::from(steps) / 256.0 + 5.0)
    }

    fn of_db(db: f32) -> Result<Self, &'static str> {
        Self::of_factor(10_f32.powf(db / 20.0))
    }

    fn of_factor(factor: f32) -> Result<Self, &'static str> {
        if !(0.0..=GAIN_MAX).contains(&factor) {
            return Err("a track is amplified by at most 20 dB, which is 10 times");
        }
        Ok(Self(factor))
    }
}

fn decibels(text: &str) -> Result<f32, &'static str> {
    let text = text.trim();
    let unit = text.len().saturating_sub(2);
    let has_unit = text.get(unit..).is_some_and(|unit| unit.eq_ignore_ascii_case("db"));
    let number = if has_unit { text[..unit].trim_end() } else { text };
    let number = number.strip_prefix('+').unwrap_or(number);
    let db: f32 = number.parse().map_err(|_| "it is no number of dB")?;
    if db.is_finite() { Ok(db) } else { Err("it is no number of dB") }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = text.trim().parse().map_err(|_| "it is no number of seconds")?;
    if seconds < 0.0 {
        return Err("it lies before the beginning");
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| "it is no number of seconds")
}

/// The keys that mean something.
pub const KEYS: [&str; 8] = [
    "liq_amplify",
    "liq_cross_duration",
    "liq_cue_in",
    "liq_cue_out",
    "liq_fade_in",
    "liq_fade_out",
    "r128_track_gain",
    "replaygain_track_gain",
];
/// The largest factor: 20 dB.
const GAIN_MAX: f32 = 10.0;
/// So much of a wrong value is shown.
const VALUE_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_liquidsoap_understands_is_understood() {
        let (cues, mistakes) = Cues::read([
            ("title", "Blue"),
            ("liq_cue_in", "2."),
            ("liq_cue_out", " 8.5 "),
            ("liq_fade_in", "0.5"),
            ("liq_fade_out", "4"),
            ("liq_cross_duration", "0."),
            ("liq_amplify", "-6 dB"),
        ]);

        assert_eq!(mistakes, []);
        assert_eq!(cues.cue_in, Some(Duration::from_secs(2)));
        assert_eq!(cues.cue_out, Some(Duration::from_millis(8_500)));
        assert_eq!(cues.fade_in, Some(Duration::from_millis(500)));
        assert_eq!(cues.fade_out, Some(Duration::from_secs(4)));
        assert_eq!(cues.overlap, Some(Duration::ZERO));
        assert!((cues.factor(false) - 0.501).abs() < 0.001);
    }

    #[test]
    fn an_amplification_is_a_factor_or_in_decibels() {
        for (text, factor) in [("0.5", 0.5), ("2", 2.0), ("-20dB", 0.1), ("+6.02 db", 2.0)] {
            let (cues, mistakes) = Cues::read([("liq_amplify", text)]);
            assert_eq!(mistakes, [], "{text}");
            assert!((cues.factor(false) - factor).abs() < 0.001, "{text}");
        }
    }

    #[test]
    fn what_was_analysed_counts_only_if_it_is_wanted() {
        let (replay_gain, _) = Cues::read([("replaygain_track_gain", "-6.02 dB")]);
        let (r128, _) = Cues::read([("r128_track_gain", "-2821")]); // 5 dB below the other
        let (both, _) = Cues::read([("replaygain_track_gain", "-6.02 dB"), ("liq_amplify", "0.5")]);

        for cues in [replay_gain, r128] {
            assert!((cues.factor(true) - 0.5).abs() < 0.001, "{cues:?}");
            assert_eq!(cues.factor(false), 1.0);
        }
        assert!((both.factor(true) - 0.25).abs() < 0.001);
    }

    #[test]
    fn a_value_that_makes_no_sense_is_told_of_and_left_out() {
        let (cues, mistakes) = Cues::read([
            ("liq_cue_in", "soon"),
            ("liq_fade_in", "-1"),
            ("liq_fade_out", "inf"),
            ("liq_amplify", "40 dB"),
            ("r128_track_gain", "1.5"),
        ]);

        assert_eq!(cues, Cues::default());
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "liq_cue_in=\"soon\" is left out: it is no number of seconds",
                "liq_fade_in=\"-1\" is left out: it lies before the beginning",
                "liq_fade_out=\"inf\" is left out: it is no number of seconds",
                "liq_amplify=\"40 dB\" is left out: a track is amplified by at most 20 dB, \
                 which is 10 times",
                "r128_track_gain=\"1.5\" is left out: it is no whole number of 1/256 dB",
            ]
        );
    }

    #[test]
    fn a_track_cannot_end_before_it_begins() {
        let (cues, mistakes) = Cues::read([("liq_cue_out", "3"), ("liq_cue_in", "3")]);

        assert_eq!((cues.cue_in, cues.cue_out), (Some(Duration::from_secs(3)), None));
        let line = "liq_cue_out=\"3\" is left out: it does not lie after liq_cue_in";
        assert_eq!(mistakes[0].to_string(), line);
    }

    #[test]
    fn what_a_list_says_comes_before_what_a_file_says() {
        let (list, _) = Cues::read([("liq_cue_in", "1")]);
        let (file, _) = Cues::read([("liq_cue_in", "2"), ("liq_cue_out", "9")]);

        let both = list.or(file);

        assert_eq!(both.cue_in, Some(Duration::from_secs(1)));
        assert_eq!(both.heard(Duration::from_secs(20)), Duration::from_secs(8));
        assert_eq!(both.heard(Duration::from_secs(5)), Duration::from_secs(4));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(key in 0..8_usize, value in "\\PC{0,60}") {
            let (cues, _) = Cues::read([(KEYS[key], &*value)]);
            prop_assert!((0.0..=10.0).contains(&cues.factor(true)));
        }
    }
}
