//! Tests of the effects of a channel.

use super::*;
use crate::sound::biquad::Shape;
use crate::sound::equalizer::{Band, Equalizer};
use crate::sound::gain::Gain;
use crate::sound::multiband::Multiband;
use crate::sound::{Effect, Insert, NAMES};

#[test]
fn effects_are_read_in_their_order_with_their_ids() {
    let sound = with_sound(
        "[[channels.c.sound]]\neffect = 'stereo'\nmono = true\n\
         [[channels.c.sound]]\neffect = 'gain'\nid = 'vol'\ngain_db = -3\n\
         [[channels.c.sound]]\neffect = 'stereo'",
    )
    .unwrap()
    .channels
    .remove(0)
    .sound;

    let ids: Vec<_> = sound.0.iter().map(|insert| insert.id.as_str()).collect();
    assert_eq!(ids, ["stereo", "vol", "stereo-2"]);
    let gain = Effect::Gain(Gain { gain_db: -3.0, pan: 0.0 });
    assert_eq!(sound.0[1], Insert { id: "vol".to_owned(), effect: gain });
    assert_eq!(sound.parameters()[1].value, 1.0, "mono");
}

#[test]
fn an_equalizer_has_bands_or_slides() {
    let made = |text: &str| {
        let sound = format!("[[channels.c.sound]]\neffect = 'equalizer'\n{text}");
        with_sound(&sound).map(|mut config| config.channels.remove(0).sound.0.remove(0).effect)
    };

    let bands = "bands = [{ kind = 'low-shelf', frequency = '100Hz', gain_db = 3 }, \
                 { kind = 'notch', frequency = 50, q = 4.0 }]";
    let low = Band { frequency_hz: 100.0, gain_db: 3.0, ..Band::usual(Shape::LowShelf) };
    let notch = Band { frequency_hz: 50.0, q: 4.0, ..Band::usual(Shape::Notch) };
    let expected = Effect::Equalizer(Equalizer { bands: vec![low, notch] });
    assert_eq!(made(bands), Ok(expected));
    let slides = Equalizer::slides([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    assert_eq!(made("gains_db = [1, 2, 3, 4, 5, 6, 7, 8]"), Ok(Effect::Equalizer(slides)));

    for (text, expected) in [
        ("bands = [{ gain_db = 3 }]", "bands[1].frequency: missing"),
        ("bands = [{ frequency = '2 kg' }]", "frequency: `2 kg` is not a frequency such as 100"),
        ("bands = [{ frequency = 5 }]", "bands[1].frequency: 5 is not from 10 to 22000 Hz"),
        (
            "bands = [{ kind = 'notch', frequency = 50, gain_db = 3 }]",
            "bands[1].gain_db: unknown key; known here: kind, frequency, q",
        ),
        ("bands = [{ kind = 'peakin', frequency = 50 }]", "did you mean \"peaking\"?"),
        ("gains_db = [1, 2]", "gains_db: 2 gains; there are 8 slides"),
        ("gains_db = [0, 0, 0, 0, 0, 0, 0, 25]", "gains_db: 25 is not from -24 to 24 dB"),
        (
            "gains_db = [0, 0, 0, 0, 0, 0, 0, 0]\nbands = [{ frequency = 50 }]",
            "gains_db: are eight bands of their own",
        ),
    ] {
        let mistakes = made(text).unwrap_err();
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

#[test]
fn a_multiband_has_one_band_more_than_crossovers() {
    let made = |text: &str| {
        let sound = format!("[[channels.c.sound]]\neffect = 'multiband'\n{text}");
        with_sound(&sound).map(|mut config| config.channels.remove(0).sound.0.remove(0).effect)
    };

    let text = "crossovers = ['1kHz']\nbands = [{ ratio = 2 }, { attack = '5ms' }]";
    let mut multiband = Multiband::usual(vec![1_000.0]);
    (multiband.bands[0].ratio, multiband.bands[1].attack_s) = (2.0, 0.005);
    assert_eq!(made(text), Ok(Effect::Multiband(multiband)));
    let four = Multiband::usual(vec![100.0, 400.0, 5_000.0]);
    assert_eq!(made("crossovers = [100, 400, 5000]"), Ok(Effect::Multiband(four)));

    for (text, expected) in [
        ("crossovers = []", "crossovers: 0 crossovers; from 1 to 4 there can be"),
        ("crossovers = [500, 600]", "crossovers: write 20 to 16000 Hz from below"),
        ("bands = [{ ratio = 2 }]", "bands: 1 bands; the crossovers divide into 3"),
        ("bands = [{ ratio = 0 }]", "bands[1].ratio: 0 is not from 1 to 100"),
    ] {
        let mistakes = made(text).unwrap_err();
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

#[test]
fn a_limiter_is_the_last_of_a_chain() {
    let mistakes = with_sound(
        "[[channels.c.sound]]\neffect = 'limiter'\nlookahead = '30ms'\n\
         [[channels.c.sound]]\neffect = 'gain'\n",
    )
    .unwrap_err();

    for expected in [
        ":7: channels.c.sound[1].lookahead: 0.03 is not from 0.001 to 0.02 s",
        ":8: channels.c.sound[2]: the limiter `limiter` above has to be the last",
    ] {
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

#[test]
fn a_channel_without_effects_has_none() {
    assert!(with_sound("").unwrap().channels[0].sound.is_empty());
}

#[test]
fn mistakes_in_effects_are_told_where_they_are() {
    let mistakes = with_sound(
        "[[channels.c.sound]]\neffect = 'gian'\n\
         [[channels.c.sound]]\nid = 'x'\n\
         [[channels.c.sound]]\neffect = 'gain'\ngain_db = 40\npan = 'left'\nq = 1\nid = 'a b'\n\
         [[channels.c.sound]]\neffect = 'stereo'\nid = 'x'\n\
         [[channels.c.sound]]\neffect = 'gain'\nid = 'x'\n",
    )
    .unwrap_err();

    for expected in [
        ":6: channels.c.sound[1].effect: `gian` is none of ",
        "did you mean \"gain\"?",
        ":7: channels.c.sound[2]: no `effect`; one of ",
        ":11: channels.c.sound[3].gain_db: 40 is not from -60 to 24 dB",
        ":12: channels.c.sound[3].pan: a string, but a number is wanted here",
        ":13: channels.c.sound[3].q: unknown key; known here: effect, id, gain_db, pan",
        ":14: channels.c.sound[3].id: `a b` holds a blank",
        ":20: channels.c.sound[5].id: `x` is an effect above",
    ] {
        assert!(mistakes.contains(expected), "{expected}\nis not in\n{mistakes}");
    }
}

#[test]
fn no_channel_has_too_many_effects() {
    let many = "[[channels.c.sound]]\neffect = 'gain'\n".repeat(17);

    let mistakes = with_sound(&many).unwrap_err();

    assert!(mistakes.contains("sound[17]: one effect too many; 16 at most"), "{mistakes}");
}

#[test]
fn every_effect_may_be_left_as_it_usually_is() {
    for name in NAMES {
        let sound = with_sound(&format!("[[channels.c.sound]]\neffect = '{name}'")).unwrap();
        assert_eq!(sound.channels[0].sound.0[0].effect, Effect::usual(name).unwrap());
    }
}

fn with_sound(sound: &str) -> Result<Config, String> {
    parsed(&format!(
        "playlists.m.path = 'm'\n[[outputs]]\nurl = 'http://x@one/a.mp3'\n[channels.c]\n{sound}"
    ))
}
