//! Tests of what is done to tracks, and about silence.

use super::*;
use crate::measure::extent::Threshold;
use crate::programme::blank::{Blanks, Then};
use crate::treatment::Treatment;
use crate::treatment::levelling::{Levelling, Loudness, ReplayGain};
use crate::treatment::trim::Trim;
use std::time::Duration;

#[test]
fn tracks_are_treated_before_the_programme_goes_through_its_effects() {
    let channel = with_sound(
        "[[channels.c.sound]]\neffect = 'trim-silence'\nthreshold_db = -40\nlongest = '1m'\n\
         [[channels.c.sound]]\neffect = 'loudness'\ntarget_lufs = -18.5\ntrue_peak_db = -2\n\
         [[channels.c.sound]]\neffect = 'gain'\n\
         [[channels.c.sound]]\neffect = 'blank'\nafter = '30s'\nthen = 'next'\nrest = '1m'",
    )
    .unwrap()
    .channels
    .remove(0);

    let loudness = Loudness { target_lufs: -18.5, true_peak_max_db: Some(-2.0) };
    let trim = Trim {
        threshold: Threshold::of_db(-40.0).unwrap(),
        shortest: Duration::from_millis(200),
        longest: Duration::from_secs(60),
    };
    let treatment = Treatment { levelling: Levelling::Loudness(loudness), trim: Some(trim) };
    assert_eq!(channel.treatment, treatment);
    let then = Then::Next { rest: Duration::from_secs(60) };
    let blanks = Blanks { after: Duration::from_secs(30), threshold_db: -60.0, then };
    assert_eq!(channel.blanks, Some(blanks));
    assert_eq!(channel.sound.0.len(), 1);
}

#[test]
fn replay_gain_is_said_in_one_word_or_in_many() {
    let of = |said: &str| with_sound(said).unwrap().channels[0].treatment;
    let all = "[[channels.c.sound]]\neffect = 'replaygain'\nmode = 'album'\nmeasured = false\n\
               preamp_db = 3\nprevent_clipping = false";

    assert_eq!(of("replay_gain = true").levelling, Levelling::TAGS);
    assert_eq!(of("replay_gain = false"), Treatment::default());
    let levelling = Levelling::ReplayGain(ReplayGain {
        is_by_album: true,
        is_measured: false,
        preamp_db: 3.0,
        prevents_clipping: false,
    });
    assert_eq!(of(all), Treatment { levelling, trim: None });
}

#[test]
fn a_limiter_behind_sees_to_peaks_unless_somebody_says_otherwise() {
    let limit = |said: &str| {
        let limiter = "[[channels.c.sound]]\neffect = 'limiter'";
        let loudness = format!("[[channels.c.sound]]\neffect = 'loudness'\n{said}\n{limiter}");
        match with_sound(&loudness).unwrap().channels[0].treatment.levelling {
            Levelling::Loudness(loudness) => loudness.true_peak_max_db,
            Levelling::AsIs | Levelling::ReplayGain(_) => panic!("it is by loudness"),
        }
    };

    assert_eq!(limit(""), None);
    assert_eq!(limit("true_peak_db = -3"), Some(-3.0));
}

#[test]
fn mistakes_in_what_is_done_to_tracks_are_told_where_they_are() {
    let mistakes = with_sound(
        "replay_gain = true\n\
         [[channels.c.sound]]\neffect = 'gain'\n\
         [[channels.c.sound]]\neffect = 'loudness'\ntarget_lufs = -3\n\
         [[channels.c.sound]]\neffect = 'replaygain'\nmode = 'disc'\n\
         [[channels.c.sound]]\neffect = 'trim-silence'\nthreshold_db = -52\n\
         [[channels.c.sound]]\neffect = 'blank'\nafter = '100ms'\nq = 1\n\
         [[channels.c.sound]]\neffect = 'blank'\n",
    )
    .unwrap_err();

    for expected in [
        ":5: channels.c.replay_gain: and an effect that makes tracks equally loud as well; leave",
        ":9: channels.c.sound[2].effect: `loudness` is done to each track before it is mixed with \
         others; put it before the effects of the programme",
        ":10: channels.c.sound[2].target_lufs: -3 is not from -40 to -5",
        ":12: channels.c.sound[3].effect: `replaygain` once too often: tracks are made equally",
        ":13: channels.c.sound[3].mode: `disc` is none of \"track\", \"album\"",
        ":16: channels.c.sound[4].threshold_db: -52 is not from -70 to -20 dB in steps of 5",
        ":19: channels.c.sound[5].after: 0.1 s is not from 1 to 3600 s",
        ":20: channels.c.sound[5].q: unknown key; known here: effect, rest, after, threshold_db",
        ":22: channels.c.sound[6].effect: `blank` once too often: there is one above",
    ] {
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

fn with_sound(sound: &str) -> Result<Config, String> {
    parsed(&format!(
        "playlists.m.path = 'm'\n[[outputs]]\nurl = 'http://x@one/a.mp3'\n[channels.c]\n{sound}"
    ))
}
