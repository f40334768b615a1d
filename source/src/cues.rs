//! What is said of one track alone: where it begins and ends, how it fades, how loud it is.
//!
//! The words are Liquidsoap's, as lists and databases hold them: `liq_cue_in`, `liq_cue_out`,
//! `liq_fade_in`, `liq_fade_out` and `liq_cross_duration` in seconds, `liq_amplify` as a factor or
//! in decibels. What begins with `replaygain_` and `r128_` is what an analysis found. They
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
    /// What an analysis found of how loud it is.
    pub replay: ReplayTags,
}

/// What an analysis has left in the tags of how loud a track is. Gains aim at −18 LUFS, as
/// ReplayGain 2 does; peaks are factors of full scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReplayTags {
    /// What makes it as loud as other tracks.
    pub track_gain: Option<Gain>,
    /// What makes its album as loud as other albums.
    pub album_gain: Option<Gain>,
    /// Its peak.
    pub track_peak: Option<f32>,
    /// The peak of its album.
    pub album_peak: Option<f32>,
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
            "r128_album_gain" => self.replay.album_gain = Some(Gain::of_r128(value)?),
            "r128_track_gain" => self.replay.track_gain = Some(Gain::of_r128(value)?),
            "replaygain_album_gain" => {
                self.replay.album_gain = Some(Gain::of_db(decibels(value)?)?);
            }
            "replaygain_album_peak" => self.replay.album_peak = Some(peak(value)?),
            "replaygain_track_gain" => {
                self.replay.track_gain = Some(Gain::of_db(decibels(value)?)?);
            }
            "replaygain_track_peak" => self.replay.track_peak = Some(peak(value)?),
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
            replay: self.replay.or(others.replay),
        }
    }

    /// What the track's samples are multiplied by: what was said, and what makes it `level` with
    /// others.
    pub fn factor(&self, level: Gain) -> f32 {
        let said = self.amplify.map_or(1.0, |gain| gain.0);
        (said * level.0).min(GAIN_MAX)
    }

    /// How long a file of `length` is heard, if it is as long as it says.
    pub fn heard(&self, length: Duration) -> Duration {
        let end = self.cue_out.map_or(length, |cue_out| cue_out.min(length));
        end.saturating_sub(self.cue_in.unwrap_or_default())
    }
}

impl Default for Gain {
    /// No amplification.
    fn default() -> Self {
        Self::NONE
    }
}

impl ReplayTags {
    fn or(self, others: Self) -> Self {
        Self {
            track_gain: self.track_gain.or(others.track_gain),
            album_gain: self.album_gain.or(others.album_gain),
            track_peak: self.track_peak.or(others.track_peak),
            album_peak: self.album_peak.or(others.album_peak),
        }
    }
}

impl Gain {
    /// No amplification.
    pub const NONE: Self = Self(1.0);

    /// An amplification by `db`, or by the most there can be.
    pub fn of_db_at_most(db: f32) -> Self {
        Self(10_f32.powf(db / 20.0).min(GAIN_MAX))
    }

    /// In decibels.
    pub fn db(self) -> f32 {
        20.0 * self.0.log10()
    }

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

/// Reads a peak, as a factor of full scale. One of nothing is what some programs write who have
/// not looked.
fn peak(text: &str) -> Result<f32, &'static str> {
    let peak: Result<f32, _> = text.trim().parse();
    let is_peak = |peak: &f32| *peak > 0.0 && *peak <= PEAK_MAX;
    peak.ok().filter(is_peak).ok_or("it is no peak, which is above 0 and at most 16")
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = text.trim().parse().map_err(|_| "it is no number of seconds")?;
    if seconds < 0.0 {
        return Err("it lies before the beginning");
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| "it is no number of seconds")
}

/// The keys that mean something.
pub const KEYS: [&str; 12] = [
    "liq_amplify",
    "liq_cross_duration",
    "liq_cue_in",
    "liq_cue_out",
    "liq_fade_in",
    "liq_fade_out",
    "r128_album_gain",
    "r128_track_gain",
    "replaygain_album_gain",
    "replaygain_album_peak",
    "replaygain_track_gain",
    "replaygain_track_peak",
];
/// The largest factor: 20 dB.
pub const GAIN_MAX: f32 = 10.0;
/// The highest peak that a decoder may have found, as a factor of full scale: 24 dB.
const PEAK_MAX: f32 = 16.0;
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
        assert!((cues.factor(Gain::NONE) - 0.501).abs() < 0.001);
    }

    #[test]
    fn an_amplification_is_a_factor_or_in_decibels() {
        for (text, factor) in [("0.5", 0.5), ("2", 2.0), ("-20dB", 0.1), ("+6.02 db", 2.0)] {
            let (cues, mistakes) = Cues::read([("liq_amplify", text)]);
            assert_eq!(mistakes, [], "{text}");
            assert!((cues.factor(Gain::NONE) - factor).abs() < 0.001, "{text}");
        }
    }

    #[test]
    fn what_was_analysed_is_known_and_multiplies_only_what_was_said() {
        let (replay_gain, _) = Cues::read([("replaygain_track_gain", "-6.02 dB")]);
        let (r128, _) = Cues::read([("r128_track_gain", "-2821")]); // 5 dB below the other
        let (album, _) = Cues::read([
            ("replaygain_album_gain", "-6.02 dB"),
            ("replaygain_album_peak", "1.02"),
            ("replaygain_track_peak", "0.988553"),
        ]);

        let gains =
            [replay_gain.replay.track_gain, r128.replay.track_gain, album.replay.album_gain];
        for gain in gains {
            assert!((gain.unwrap().db() + 6.02).abs() < 0.01, "{gain:?}");
        }
        assert_eq!(
            (album.replay.track_peak, album.replay.album_peak),
            (Some(0.988_553), Some(1.02))
        );
        let (said, _) = Cues::read([("liq_amplify", "0.5")]);
        assert!((said.factor(Gain::of_db_at_most(-6.02)) - 0.25).abs() < 0.001);
        assert_eq!(said.factor(Gain::of_db_at_most(60.0)), 5.0);
        assert_eq!(replay_gain.factor(Gain::NONE), 1.0);
    }

    #[test]
    fn a_value_that_makes_no_sense_is_told_of_and_left_out() {
        let (cues, mistakes) = Cues::read([
            ("liq_cue_in", "soon"),
            ("liq_fade_in", "-1"),
            ("liq_fade_out", "inf"),
            ("liq_amplify", "40 dB"),
            ("r128_track_gain", "1.5"),
            ("replaygain_track_peak", "0.000"),
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
                "replaygain_track_peak=\"0.000\" is left out: it is no peak, which is above 0 and \
                 at most 16",
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
        fn no_text_is_too_odd(key in 0..KEYS.len(), value in "\\PC{0,60}") {
            let (cues, _) = Cues::read([(KEYS[key], &*value)]);
            let level = cues.replay.track_gain.unwrap_or(Gain::NONE);
            prop_assert!((0.0..=10.0).contains(&cues.factor(level)));
        }
    }
}
