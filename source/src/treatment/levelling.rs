//! How tracks are made equally loud: by what was measured of them, or by what their tags say.
//!
//! *Loudness* brings every track to a target by EBU R128. What was measured counts; without it
//! what the tags say, which aim at [`REPLAY_LUFS`]; without either a track is played as it is.
//! *ReplayGain* goes by the tags, and by what was measured if there are none and that is wanted.
//!
//! A gain is lowered where the track's peak would come out above a limit, so that nothing has to be
//! cut off later: a track with high peaks stays as loud as they allow. Pure.

use crate::cues::{Cues, Gain};
use crate::measure::Measure;

/// How tracks are made equally loud.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Levelling {
    /// They are played as they are.
    #[default]
    AsIs,
    /// All are as loud as this by EBU R128.
    Loudness(Loudness),
    /// By ReplayGain.
    ReplayGain(ReplayGain),
}

/// A loudness to which tracks are brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// How loud they are to be.
    pub target_lufs: f32,
    /// Above which no true peak is to come out, in decibels of full scale; none if what follows
    /// sees to that.
    pub true_peak_max_db: Option<f32>,
}

/// How ReplayGain is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayGain {
    /// Whether the tracks of an album keep their differences, where its gain is known.
    pub is_by_album: bool,
    /// Whether tracks without tags are measured.
    pub is_measured: bool,
    /// What is added to every gain that is known.
    pub preamp_db: f32,
    /// Whether a gain is lowered that would bring the peak above full scale, where that is known.
    pub prevents_clipping: bool,
}

/// What is done to one track; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// What it is amplified by.
    pub gain: Gain,
    /// What that follows from.
    pub basis: Basis,
}

/// What a gain follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// It was measured.
    Measured,
    /// Nothing is known of the track, or wanted.
    #[default]
    Nothing,
    /// Its tags say it.
    Tagged,
}

impl Levelling {
    /// By the tags that ReplayGain leaves for tracks, and nothing else.
    pub const TAGS: Self = Self::ReplayGain(ReplayGain {
        is_by_album: false,
        is_measured: false,
        preamp_db: 0.0,
        prevents_clipping: false,
    });

    /// What a track that says `cues` of itself, and of which this was measured, is amplified by.
    pub fn level(&self, cues: &Cues, measure: Option<&Measure>) -> Level {
        match self {
            Self::AsIs => Level::AS_IS,
            Self::Loudness(loudness) => loudness.level(cues, measure),
            Self::ReplayGain(replay_gain) => replay_gain.level(cues, measure),
        }
    }

    /// Whether tracks have to be measured.
    pub fn wants_measures(&self) -> bool {
        match self {
            Self::AsIs => false,
            Self::Loudness(_) => true,
            Self::ReplayGain(replay_gain) => replay_gain.is_measured,
        }
    }
}

impl Loudness {
    fn level(&self, cues: &Cues, measure: Option<&Measure>) -> Level {
        let (lufs, peak, basis) = match (measure, cues.replay.track_gain) {
            (Some(measure), _) => {
                let Some(lufs) = measure.loudness_lufs else { return Level::SILENT };
                (lufs, Some(measure.true_peak), Basis::Measured)
            }
            (None, Some(gain)) => (REPLAY_LUFS - gain.db(), cues.replay.track_peak, Basis::Tagged),
            (None, None) => return Level::AS_IS,
        };
        let gain_db = self.target_lufs - lufs;
        let peak_db = peak.zip(self.true_peak_max_db).map(|(peak, max_db)| (db(peak), max_db));
        let gain_db = peak_db.map_or(gain_db, |(peak_db, max_db)| gain_db.min(max_db - peak_db));
        Level { gain: Gain::of_db_at_most(gain_db), basis }
    }
}

impl ReplayGain {
    fn level(&self, cues: &Cues, measure: Option<&Measure>) -> Level {
        let tags = &cues.replay;
        let by_album = tags.album_gain.filter(|_| self.is_by_album);
        let by_album = by_album.map(|gain| (gain.db(), tags.album_peak.or(tags.track_peak)));
        let by_tags = by_album.or_else(|| Some((tags.track_gain?.db(), tags.track_peak)));
        let measure = measure.filter(|_| self.is_measured);
        let (gain_db, peak, basis) = match (by_tags, measure) {
            (Some((gain_db, peak)), _) => (gain_db, peak, Basis::Tagged),
            (None, Some(measure)) => {
                let Some(lufs) = measure.loudness_lufs else { return Level::SILENT };
                (REPLAY_LUFS - lufs, Some(measure.true_peak), Basis::Measured)
            }
            (None, None) => return Level::AS_IS,
        };
        let gain_db = gain_db + self.preamp_db;
        let highest_db = peak.filter(|_| self.prevents_clipping).map(|peak| -db(peak));
        let gain_db = highest_db.map_or(gain_db, |highest_db| gain_db.min(highest_db));
        Level { gain: Gain::of_db_at_most(gain_db), basis }
    }
}

impl Level {
    const AS_IS: Self = Self { gain: Gain::NONE, basis: Basis::Nothing };
    const SILENT: Self = Self { gain: Gain::NONE, basis: Basis::Measured };
}

fn db(factor: f32) -> f32 {
    20.0 * factor.log10()
}

/// What the gains in tags aim at: the reference of ReplayGain 2.
pub const REPLAY_LUFS: f32 = -18.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::extent::Extent;
    use proptest::prelude::*;

    #[test]
    fn what_was_measured_is_brought_to_the_target() {
        for (lufs, gain_db) in [(-23.0, 7.0), (-16.0, 0.0), (-6.0, -10.0)] {
            let level = to(-16.0, None).level(&tags(&[]), Some(&measure(lufs, 0.5)));
            assert_eq!(shown(level), (gain_db, Basis::Measured), "{lufs}");
        }
    }

    #[test]
    fn a_gain_stops_where_the_peak_would_come_out_above_the_limit() {
        let loudness = to(-16.0, Some(-1.0));

        let high = loudness.level(&tags(&[]), Some(&measure(-30.0, 0.5))); // the peak is at −6 dB
        let low = loudness.level(&tags(&[]), Some(&measure(-30.0, 0.01)));
        let loud = loudness.level(&tags(&[]), Some(&measure(-5.0, 2.0)));

        assert_eq!(shown(high).0, 5.0);
        assert_eq!(shown(low).0, 14.0);
        assert_eq!(shown(loud).0, -11.0);
    }

    #[test]
    fn what_is_not_measured_goes_by_its_tags_and_without_them_as_it_is() {
        let loudness = to(-16.0, Some(-1.0));
        let tagged = [("replaygain_track_gain", "-4 dB"), ("replaygain_track_peak", "1.0")];

        let by_tags = loudness.level(&tags(&tagged), None);
        let limited = loudness.level(&tags(&[("replaygain_track_gain", "1 dB"), tagged[1]]), None);
        let as_it_is = loudness.level(&tags(&[]), None);

        assert_eq!(shown(by_tags), (-2.0, Basis::Tagged)); // it is at −14 LUFS
        assert_eq!(shown(limited), (-1.0, Basis::Tagged));
        assert_eq!(shown(as_it_is), (0.0, Basis::Nothing));
    }

    #[test]
    fn silence_and_what_is_very_soft_are_not_blown_up() {
        let silence = Measure { loudness_lufs: None, ..measure(0.0, 0.0) };

        let silent = to(-16.0, Some(-1.0)).level(&tags(&[]), Some(&silence));
        let soft = to(-16.0, Some(-1.0)).level(&tags(&[]), Some(&measure(-60.0, 0.000_01)));

        assert_eq!(shown(silent), (0.0, Basis::Measured));
        assert_eq!(shown(soft).0, 20.0);
    }

    #[test]
    fn replay_gain_goes_by_the_album_or_the_track_and_adds_what_is_wanted() {
        let both = tags(&[
            ("replaygain_album_gain", "-3 dB"),
            ("replaygain_track_gain", "-6 dB"),
            ("replaygain_track_peak", "1"),
            ("replaygain_album_peak", "1"),
        ]);
        let by_album = ReplayGain { is_by_album: true, ..REPLAY };
        let louder = ReplayGain { preamp_db: 8.0, ..REPLAY };
        let careful = ReplayGain { prevents_clipping: true, ..louder };

        let gain = |how: ReplayGain| shown(Levelling::ReplayGain(how).level(&both, None)).0;

        assert_eq!(gain(REPLAY), -6.0);
        assert_eq!(gain(by_album), -3.0);
        assert_eq!(gain(louder), 2.0);
        assert_eq!(gain(careful), 0.0);
        let untagged = Levelling::ReplayGain(louder).level(&tags(&[]), None);
        assert_eq!(shown(untagged), (0.0, Basis::Nothing));
        assert_eq!(shown(Levelling::TAGS.level(&both, None)).0, -6.0);
    }

    #[test]
    fn replay_gain_measures_only_what_has_no_tags_if_that_is_wanted() {
        let measures = ReplayGain { is_measured: true, ..REPLAY };
        let tagged = tags(&[("replaygain_track_gain", "-6 dB")]);
        let measure = measure(-10.0, 0.5);

        let gain = |how, cues: &Cues| shown(Levelling::ReplayGain(how).level(cues, Some(&measure)));

        assert_eq!(gain(measures, &tagged), (-6.0, Basis::Tagged));
        assert_eq!(gain(measures, &tags(&[])), (-8.0, Basis::Measured));
        assert_eq!(gain(REPLAY, &tags(&[])), (0.0, Basis::Nothing));
        assert!(Levelling::ReplayGain(measures).wants_measures());
        assert!(!Levelling::TAGS.wants_measures());
    }

    proptest! {
        #[test]
        fn no_peak_comes_out_above_the_limit(
            lufs in -70.0..0.0_f32, peak in 0.001..4.0_f32, target in -30.0..-5.0_f32,
            max_db in -9.0..0.0_f32,
        ) {
            let level = to(target, Some(max_db)).level(&tags(&[]), Some(&measure(lufs, peak)));
            prop_assert!(db(peak) + level.gain.db() <= max_db + 0.001);
            prop_assert!(lufs + level.gain.db() <= target + 0.001);
        }
    }

    fn to(target_lufs: f32, true_peak_max_db: Option<f32>) -> Levelling {
        Levelling::Loudness(Loudness { target_lufs, true_peak_max_db })
    }

    fn tags(pairs: &[(&'static str, &'static str)]) -> Cues {
        let (cues, mistakes) = Cues::read(pairs.iter().copied());
        assert_eq!(mistakes, []);
        cues
    }

    fn measure(lufs: f32, true_peak: f32) -> Measure {
        Measure { loudness_lufs: Some(lufs), true_peak, extent: Extent::default() }
    }

    /// Decibels to a tenth, and what they follow from.
    fn shown(level: Level) -> (f32, Basis) {
        let tenths = (level.gain.db() * 10.0).round();
        (tenths / 10.0 + 0.0, level.basis)
    }

    const REPLAY: ReplayGain = ReplayGain {
        is_by_album: false,
        is_measured: false,
        preamp_db: 0.0,
        prevents_clipping: false,
    };
}
