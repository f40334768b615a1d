//! Reads `[[channels.NAME.sound]]`: the effects that a programme goes through, in their order.

use super::TRACK_EFFECTS;
use super::tracks::Tracks;
use super::values::{choice, none_of};
use crate::config::names;
use crate::sound::biquad::Shape;
use crate::sound::compressor::Compressor;
use crate::sound::dial::{Dial, Unit};
use crate::sound::equalizer::{BANDS_MAX, Band, Equalizer};
use crate::sound::multiband::{CROSSOVERS_MAX, Multiband};
use crate::sound::{Chain, EFFECTS_MAX, Effect, Insert, NAMES};
use common::config::{Section, Value};
use std::time::Duration;
use toml::de::DeValue;

/// The chain of a channel, and what is done to its tracks before; an effect that there is not is
/// noted and left out.
pub(super) fn read(channel: &mut Section<'_>) -> (Chain, Tracks) {
    let mut inserts: Vec<Insert> = Vec::new();
    let mut tracks = Tracks::default();
    let mut number = 0;
    channel.list("sound", |section| {
        number += 1;
        if number == EFFECTS_MAX + 1 {
            section.wrong_here(format_args!("one effect too many; {EFFECTS_MAX} at most"));
        }
        let Some(name) = name(section) else { return };
        if tracks.read(&name, section, inserts.is_empty()) {
            return;
        }
        let Some(mut effect) = effect(&name, section) else { return };
        let is_limiter = |it: &&Insert| matches!(it.effect, Effect::Limiter(_));
        if let Some(limiter) = inserts.iter().find(is_limiter) {
            let what = "has to be the last, so that nothing goes above its ceiling; move it there";
            section.wrong_here(format_args!("the limiter `{}` above {what}", limiter.id));
        }
        let id = id(section, &effect, &inserts);
        make(section, &mut effect);
        for dial in effect.dials().into_iter().filter(|dial| dial.band.is_none()) {
            turn(section, dial);
        }
        inserts.push(Insert { id, effect });
    });
    if inserts.iter().any(|insert| matches!(insert.effect, Effect::Limiter(_))) {
        tracks.limited();
    }
    (Chain(inserts), tracks)
}

/// What a section says that its effect is.
fn name(section: &mut Section<'_>) -> Option<String> {
    let name = section.value("effect");
    if name.is_none() {
        section.wrong_here(format_args!("no `effect`; one of {}", all().join(", ")));
    }
    name
}

/// The effect called `name`, set as is usual.
fn effect(name: &str, section: &mut Section<'_>) -> Option<Effect> {
    let effect = Effect::usual(name);
    if effect.is_none() {
        section.wrong("effect", none_of(name, &all()));
    }
    effect
}

/// Reads what an effect is made of; its parameters are read by themselves.
fn make(section: &mut Section<'_>, effect: &mut Effect) {
    match effect {
        Effect::Compressor(_)
        | Effect::Delay(_)
        | Effect::Gain(_)
        | Effect::Gate(_)
        | Effect::Stereo(_) => {}
        Effect::Equalizer(equalizer) => {
            if let Some(made) = self::equalizer(section) {
                *equalizer = made;
            }
        }
        Effect::Limiter(limiter) => {
            let dial = Dial::new("lookahead", Unit::Seconds, LOOKAHEAD_S, &mut limiter.lookahead_s);
            turn(section, dial);
        }
        Effect::Multiband(multiband) => multiband_of(section, multiband),
    }
}

/// Reads the crossovers and the bands of a multiband.
fn multiband_of(section: &mut Section<'_>, multiband: &mut Multiband) {
    let crossovers: Option<Vec<Hertz>> = section.value("crossovers");
    if let Some(crossovers) = crossovers {
        let crossovers_hz: Vec<f64> = crossovers.into_iter().map(|Hertz(value)| value).collect();
        let in_order = crossovers_hz.windows(2).all(|pair| pair[0] * CROSSOVER_APART <= pair[1]);
        let (least, most) = CROSSOVER_HZ;
        if crossovers_hz.is_empty() || crossovers_hz.len() > CROSSOVERS_MAX {
            let number = crossovers_hz.len();
            let what = format_args!("{number} crossovers; from 1 to {CROSSOVERS_MAX} there can be");
            return section.wrong("crossovers", what);
        }
        if !in_order || crossovers_hz.iter().any(|hz| !(least..=most).contains(hz)) {
            let what = "from below, each at least twice the one before";
            return section.wrong("crossovers", format_args!("write {least} to {most} Hz {what}"));
        }
        *multiband = Multiband::usual(crossovers_hz);
    }
    let bands = section.list("bands", |section| {
        let mut band = Compressor::default();
        for dial in band.dials() {
            turn(section, dial);
        }
        band
    });
    let (said, needed) = (bands.len(), multiband.crossovers_hz.len() + 1);
    if said == needed {
        multiband.bands = bands;
    } else if said > 0 {
        let what = format_args!("{said} bands; the crossovers divide into {needed}");
        section.wrong("bands", what);
    }
}

/// An equalizer of bands or slides; `None` if there are none.
fn equalizer(section: &mut Section<'_>) -> Option<Equalizer> {
    let bands = section.list("bands", |section| {
        let shape = choice(section, "kind", &Shape::ALL).unwrap_or(Shape::Peaking);
        let mut band = Band::usual(shape);
        for dial in band.dials(1) {
            if dial.unit == Unit::Hertz {
                if let Some(Hertz(value)) = section.required(dial.key) {
                    turn_to(section, dial, value);
                }
            } else {
                turn(section, dial);
            }
        }
        band
    });
    if bands.len() > BANDS_MAX {
        let number = bands.len();
        section.wrong("bands", format_args!("{number} bands; {BANDS_MAX} at most"));
    }
    let slides: Option<Vec<f64>> = section.value("gains_db");
    match slides {
        Some(_) if !bands.is_empty() => {
            section.wrong("gains_db", "are eight bands of their own; write these or `bands`");
            None
        }
        Some(gains_db) => match <[f64; 8]>::try_from(gains_db) {
            Ok(gains_db) => {
                let mut slides = Equalizer::slides(gains_db);
                let odd = slides.dials().into_iter().find(|dial| !dial.is_on_scale());
                if let Some(dial) = odd {
                    let (value, least, most) = (*dial.value, dial.least, dial.most);
                    section.wrong(
                        "gains_db",
                        format_args!("{value} is not from {least} to {most} dB"),
                    );
                }
                Some(slides)
            }
            Err(other) => {
                let number = other.len();
                section.wrong("gains_db", format_args!("{number} gains; there are 8 slides"));
                None
            }
        },
        None => Some(Equalizer { bands }).filter(|made| !made.bands.is_empty()),
    }
}

/// What effects are called.
fn all() -> Vec<&'static str> {
    TRACK_EFFECTS.into_iter().chain(NAMES).collect()
}

/// What commands call an effect that comes behind `others`: what it says, or its name, with a
/// number if that is another's.
fn id(section: &mut Section<'_>, effect: &Effect, others: &[Insert]) -> String {
    let taken = |id: &str| others.iter().any(|it| names::folded(&it.id) == names::folded(id));
    let Some(id) = section.value::<String>("id") else {
        let name = effect.name();
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut free = std::iter::once(name.to_owned()).chain(numbered).filter(|id| !taken(id));
        return free.next().expect("numbers have no end");
    };
    if let Some(fault) = names::fault(&id) {
        section.wrong("id", format_args!("`{id}` {fault}"));
    } else if taken(&id) {
        section.wrong("id", format_args!("`{id}` is an effect above; take another name"));
    }
    id
}

/// Turns `dial` to what the section says, if it says something.
fn turn(section: &mut Section<'_>, dial: Dial<'_>) {
    let key = dial.key;
    let value = match dial.unit {
        Unit::Decibels | Unit::Number => section.value(key),
        Unit::Hertz => section.value(key).map(|Hertz(value)| value),
        Unit::Seconds => section.value(key).map(|time: Duration| time.as_secs_f64()),
        Unit::Switch => section.value(key).map(|is_on: bool| f64::from(u8::from(is_on))),
    };
    if let Some(value) = value {
        turn_to(section, dial, value);
    }
}

fn turn_to(section: &mut Section<'_>, mut dial: Dial<'_>, value: f64) {
    let key = dial.key;
    if let Err(error) = dial.turn(value) {
        section.wrong(key, error);
    }
}

/// A frequency: `100`, or `"1.5kHz"`.
struct Hertz(f64);

impl Value for Hertz {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some(text) => Unit::Hertz.read(text).map(Self).map_err(|error| error.to_string()),
            None => f64::read(value).map(Self),
        }
    }
}

/// How far a limiter may look ahead: from here to there.
const LOOKAHEAD_S: (f64, f64) = (0.001, 0.02);
/// Where crossovers may be, and how far one is above the other at least.
const CROSSOVER_HZ: (f64, f64) = (20.0, 16_000.0);
const CROSSOVER_APART: f64 = 2.0;
