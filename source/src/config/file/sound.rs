//! Reads `[[channels.NAME.sound]]`: the effects that a programme goes through, in their order.

use super::values::none_of;
use crate::config::names;
use crate::sound::dial::{Dial, Unit};
use crate::sound::{Chain, Effect, Insert, NAMES};
use common::config::{Section, Value};
use std::time::Duration;
use toml::de::DeValue;

/// The chain of a channel; an effect that there is not is noted and left out.
pub(super) fn read(channel: &mut Section<'_>) -> Chain {
    let mut inserts: Vec<Insert> = Vec::new();
    let mut number = 0;
    channel.list("sound", |section| {
        number += 1;
        if number == EFFECTS_MAX + 1 {
            section.wrong_here(format_args!("one effect too many; {EFFECTS_MAX} at most"));
        }
        let Some(mut effect) = effect(section) else { return };
        let id = id(section, &effect, &inserts);
        for dial in effect.dials().into_iter().filter(|dial| dial.band.is_none()) {
            turn(section, dial);
        }
        inserts.push(Insert { id, effect });
    });
    Chain(inserts)
}

/// The effect that a section names, set as is usual.
fn effect(section: &mut Section<'_>) -> Option<Effect> {
    let Some(name) = section.value::<String>("effect") else {
        section.wrong_here(format_args!("no `effect`; one of {}", NAMES.join(", ")));
        return None;
    };
    let effect = Effect::usual(&name);
    if effect.is_none() {
        section.wrong("effect", none_of(&name, &NAMES));
    }
    effect
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
fn turn(section: &mut Section<'_>, mut dial: Dial<'_>) {
    let key = dial.key;
    let value = match dial.unit {
        Unit::Decibels | Unit::Number => section.value(key),
        Unit::Hertz => section.value(key).map(|Hertz(value)| value),
        Unit::Seconds => section.value(key).map(|time: Duration| time.as_secs_f64()),
        Unit::Switch => section.value(key).map(|is_on: bool| f64::from(u8::from(is_on))),
    };
    if let Some(value) = value
        && let Err(error) = dial.turn(value)
    {
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

/// Effects of a channel.
const EFFECTS_MAX: usize = 16;
