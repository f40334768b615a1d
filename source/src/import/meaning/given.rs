//! What a call is given: its arguments, and what they stand for.

use super::effects::loudness_db;
use super::{Reader, Value};
use crate::import::tree::Argument;
use crate::mix::signal::{Signal, Wave};

/// The arguments of a call, with what they stand for.
pub(super) struct Given {
    pub(super) names: Vec<(String, Value)>,
    /// Those without a name.
    pub(super) values: Vec<Value>,
}

impl Given {
    pub(super) fn new(reader: &mut Reader, arguments: &[Argument]) -> Self {
        let mut given = Self { names: Vec::new(), values: Vec::new() };
        for Argument { name, value } in arguments {
            let value = reader.value(value);
            match name {
                Some(name) => given.names.push((name.clone(), value)),
                None => given.values.push(value),
            }
        }
        given
    }

    pub(super) fn named(&self, key: &str) -> Option<&Value> {
        self.names.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.named(key).and_then(Value::number)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.named(key).and_then(Value::text)
    }

    pub(super) fn numbers(&self) -> Vec<f64> {
        self.values.iter().filter_map(Value::number).collect()
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.values.iter().filter_map(Value::text).map(str::to_owned).collect()
    }

    /// All sources among the arguments, also those in lists.
    pub(super) fn sources(&self) -> Vec<usize> {
        fn collect(value: &Value, sources: &mut Vec<usize>) {
            match value {
                Value::List(values) => values.iter().for_each(|value| collect(value, sources)),
                Value::Source(source) => sources.push(*source),
                Value::Bool(_)
                | Value::Encoder(_)
                | Value::Function(_)
                | Value::Live { .. }
                | Value::Number(_)
                | Value::Record(_)
                | Value::Text(_)
                | Value::Unknown
                | Value::When(_) => {}
            }
        }
        let mut sources = Vec::new();
        let named = self.names.iter().map(|(_, value)| value);
        named.chain(&self.values).for_each(|value| collect(value, &mut sources));
        sources
    }

    pub(super) fn value_of_source(&self) -> Value {
        self.sources().last().map_or(Value::Unknown, |&source| Value::Source(source))
    }

    /// A number that may change: `interactive.float("volume", 1.)`, `ref(1.)`.
    pub(super) fn live(&self, callee: &str) -> Value {
        let Some(&number) = self.numbers().first() else { return Value::Unknown };
        let name = self.texts().into_iter().next();
        Value::Live { name: name.filter(|_| callee == "interactive.float"), number }
    }

    /// `sine(amplitude=0.1, 440.)` and its like.
    pub(super) fn signal(&self, callee: &str) -> Signal {
        let wave = match callee {
            "noise" => Wave::WhiteNoise,
            "saw" => Wave::Saw,
            "square" => Wave::Square,
            "triangle" => Wave::Triangle,
            _ => Wave::Sine,
        };
        let pitch_hz = self.numbers().into_iter().find(|number| !number.is_nan());
        let pitch_hz = pitch_hz.unwrap_or(440.0).clamp(20.0, 20_000.0);
        let amplitude = self.number("amplitude").unwrap_or(1.0);
        let level_db = loudness_db(20.0 * amplitude.abs().log10());
        Signal { wave, pitch_hz, level_db }
    }

    /// `lin_of_dB(-3.)` and its like, of the only number.
    pub(super) fn converted(&self, callee: &str) -> Value {
        let Some(value) = self.values.first() else { return Value::Unknown };
        value.changed(|number| match callee {
            "dB_of_lin" => 20.0 * number.log10(),
            "lin_of_dB" => 10.0_f64.powf(number / 20.0),
            _ => number,
        })
    }
}

impl Value {
    /// What becomes of a number by `change`.
    fn changed(&self, change: impl Fn(f64) -> f64) -> Self {
        if let Self::Live { name, number } = self {
            Self::Live { name: name.clone(), number: change(*number) }
        } else if let Self::Number(number) = self {
            Self::Number(change(*number))
        } else {
            Self::Unknown
        }
    }
}

/// What two numbers make; it may change if one of them may.
pub(super) fn reckoned(sign: &str, left: &Value, right: &Value) -> Value {
    let reckon = |left: f64, right: f64| match sign {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        _ => left / right,
    };
    match (left.number(), right.number()) {
        (Some(one), _) if matches!(right, Value::Live { .. }) => {
            right.changed(|other| reckon(one, other))
        }
        (_, Some(other)) => left.changed(|one| reckon(one, other)),
        (_, None) => Value::Unknown,
    }
}
