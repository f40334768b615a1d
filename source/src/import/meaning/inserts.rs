//! What a script does to the sound of a whole programme, as effects of ours.
//!
//! What a call does not say is what Liquidsoap 2.1.3 takes for it. Times are milliseconds there in
//! what looks at levels, and seconds in an echo.

use super::{Given, Value};
use crate::sound::compressor::Compressor;
use crate::sound::delay::Delay;
use crate::sound::dial::{Dial, Unit};
use crate::sound::equalizer::{BANDS_MAX, Band, Equalizer};
use crate::sound::gain::Gain;
use crate::sound::gate::Gate;
use crate::sound::multiband::{CROSSOVERS_MAX, Multiband};
use crate::sound::stereo::Stereo;
use crate::sound::{Effect, biquad::Shape};
use std::fmt::Write as _;

/// An effect that the programme of a channel goes through.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::import) struct Insert {
    /// What commands call it, if not what it is called anyway.
    pub(super) id: Option<String>,
    pub(super) effect: Effect,
    pub(super) turned: Vec<Turned>,
}

/// A parameter that the running script may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turned {
    /// What the script calls it.
    pub(super) name: String,
    /// The band whose it is, from 1, and its key.
    pub(super) band: Option<usize>,
    pub(super) key: &'static str,
}

/// Effects, while they are made of a call.
pub(super) struct Making<'g> {
    pub(super) given: &'g Given,
    pub(super) callee: &'g str,
    pub(super) made: Vec<Insert>,
    /// What the script turns of the effect that is made next.
    pub(super) turned: Vec<Turned>,
    /// Arguments that have been read.
    pub(super) known: Vec<&'static str>,
    /// What is not taken over.
    pub(super) left: Vec<String>,
    /// What is done otherwise.
    pub(super) remarks: Vec<String>,
}

impl<'g> Making<'g> {
    pub(super) fn new(callee: &'g str, given: &'g Given) -> Self {
        Self {
            given,
            callee,
            made: Vec::new(),
            turned: Vec::new(),
            known: vec!["id", "track_sensitive"],
            left: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Makes what the call says; says whether it is one of those that are known here.
    pub(super) fn make(&mut self) -> bool {
        match self.callee {
            "bass_boost" => self.bass_boost(),
            "clip" => {} // what is sent is never above full scale
            "compress" => self.compress(&COMPRESS),
            "compress.multiband" => self.multiband(),
            "compress.old" => self.compress(&COMPRESS_OLD),
            "echo" => self.echo(),
            "gate" => self.gate(),
            "limit" | "limiter" => {
                self.remarks.push(
                    "limit is a compressor, in Liquidsoap as well; a \"limiter\" as the last \
                     effect would keep every peak below its ceiling"
                        .to_owned(),
                );
                self.compress(&LIMIT);
            }
            "mean" | "mono" => self.mean(),
            "nrj" => self.compress(&NRJ),
            "pan" | "stereo.pan" => self.pan(),
            "sky" => self.sky(),
            "stereo.width" => {
                let width = 1.0 + self.first(0.0, "width");
                self.remarks.push(
                    "stereo.width does as its help says; Liquidsoap 2.1.3 turns the sides and \
                     lowers them even at 0"
                        .to_owned(),
                );
                self.push(Effect::Stereo(Stereo { width, ..Stereo::default() }));
            }
            "swap" => self.push(Effect::Stereo(Stereo { swap: 1.0, ..Stereo::default() })),
            _ => return self.filter(),
        }
        true
    }

    /// What is made, with every value where it can be.
    pub(super) fn finish(mut self) -> (Vec<Insert>, Vec<String>, Vec<String>) {
        for (name, value) in &self.given.names {
            let is_known = self.known.contains(&name.as_str());
            if !is_known && !matches!(value, Value::Source(_)) {
                self.left.push(format!("{}: {name} has no counterpart", self.callee));
            }
        }
        self.made.retain(|insert| !insert.is_idle());
        for insert in &mut self.made {
            insert.bound(&mut self.remarks);
        }
        let said = self.given.text("id").map(super::unblanked);
        let live = |insert: &Insert| insert.turned.first().map(|it| super::unblanked(&it.name));
        let only = self.made.len() == 1;
        for insert in &mut self.made {
            let said = said.clone().filter(|_| only);
            insert.id = live(insert).or(said).filter(|id| !id.is_empty());
        }
        (self.made, self.left, self.remarks)
    }

    /// The number that the argument `key` says, or what is `usual`; it sets the dial of that name.
    pub(super) fn number(&mut self, key: &'static str, usual: f64, dial: &'static str) -> f64 {
        self.known.push(key);
        match self.given.named(key) {
            None => usual,
            Some(value) => self.read(value, key, usual, dial),
        }
    }

    /// The first number without a name.
    fn first(&mut self, usual: f64, dial: &'static str) -> f64 {
        let given = self.given;
        let is_number = |value: &&Value| !matches!(value, Value::List(_) | Value::Source(_));
        match given.values.iter().find(is_number) {
            None => usual,
            Some(value) => self.read(value, "its number", usual, dial),
        }
    }

    fn read(&mut self, value: &Value, key: &str, usual: f64, dial: &'static str) -> f64 {
        if let Value::Live { name, .. } = value {
            let name = name.clone().unwrap_or_else(|| key.to_owned());
            self.turned.push(Turned { name, band: None, key: dial });
        }
        value.number().unwrap_or_else(|| {
            self.left
                .push(format!("{}: {key} is not a number here; {usual} is taken", self.callee));
            usual
        })
    }

    /// Whether what is read next is not said to be anything but this.
    pub(super) fn expect(&mut self, key: &'static str, usual: f64, why: &str) {
        if self.number(key, usual, "") != usual {
            self.left.push(format!("{}: {key}: {why}", self.callee));
        }
        self.turned.retain(|turned| !turned.key.is_empty());
    }

    pub(super) fn push(&mut self, effect: Effect) {
        let mut turned = std::mem::take(&mut self.turned);
        if matches!(effect, Effect::Equalizer(_)) {
            turned.iter_mut().for_each(|turned| turned.band = Some(1));
        }
        self.made.push(Insert { id: None, effect, turned });
    }

    pub(super) fn gain(&mut self, gain_db: f64) {
        self.push(Effect::Gain(Gain { gain_db, ..Gain::default() }));
    }

    /// Louder by a factor.
    pub(super) fn amplify(&mut self) {
        self.known.push("override");
        let factor = match self.given.values.iter().find_map(decibels) {
            Some(gain_db) => return self.gain(gain_db),
            None => self.first(1.0, "gain_db"),
        };
        if factor < 0.0 {
            self.left.push("amplify: a factor below zero".to_owned());
            self.turned.clear();
            return;
        }
        self.gain(db(factor));
    }

    fn compress(&mut self, usual: &Usual) {
        let pre_gain_db = self.number("pre_gain", 0.0, "gain_db");
        self.gain(pre_gain_db);
        let effect = Compressor {
            threshold_db: self.number("threshold", usual.threshold_db, "threshold_db"),
            ratio: self.number("ratio", usual.ratio, "ratio"),
            knee_db: self.number("knee", 1.0, "knee_db"),
            attack_s: self.number("attack", usual.attack_ms, "attack") / 1_000.0,
            release_s: self.number("release", usual.release_ms, "release") / 1_000.0,
            makeup_db: self.number("gain", usual.gain_db, "makeup_db"),
        };
        self.expect("wet", 1.0, "all of the sound is compressed");
        self.expect("window", 0.0, "it goes by peaks, not by a mean");
        self.expect("lookahead", 0.0, "it does not look ahead; a \"limiter\" does");
        if self.callee == "compress.old" {
            self.remarks.push("compress.old goes by peaks here, not by a mean".to_owned());
        }
        self.push(Effect::Compressor(effect));
    }

    fn multiband(&mut self) {
        self.known.push("limit");
        self.expect("wet", 1.0, "all of the sound is compressed");
        let lists =
            self.given.values.iter().filter_map(|value| {
                if let Value::List(parts) = value { Some(parts) } else { None }
            });
        let parts: Vec<&Value> = lists.flatten().collect();
        let Some(bands) = parts.iter().map(|part| band(part)).collect::<Option<Vec<_>>>() else {
            return self.left.push("compress.multiband: a band that is not understood".to_owned());
        };
        let Some(((_, last), rest)) = bands.split_last() else {
            return self.left.push("compress.multiband: without bands".to_owned());
        };
        if rest.is_empty() {
            self.push(Effect::Compressor(last.clone()));
        } else {
            let crossovers_hz: Vec<f64> = rest.iter().map(|(hz, _)| *hz).collect();
            let is_apart = crossovers_hz.windows(2).all(|pair| pair[0] * 2.0 <= pair[1]);
            let is_heard = crossovers_hz.iter().all(|hz| (20.0..=16_000.0).contains(hz));
            if !is_apart || !is_heard || crossovers_hz.len() > CROSSOVERS_MAX {
                let most = CROSSOVERS_MAX + 1;
                return self.left.push(format!(
                    "compress.multiband: here it has {most} bands at most, which part an octave \
                     from each other, between 20 and 16000 Hz"
                ));
            }
            let bands = bands.into_iter().map(|(_, band)| band).collect();
            self.push(Effect::Multiband(Multiband { crossovers_hz, bands }));
        }
        self.remarks.push(
            "the bands of compress.multiband are parted more steeply, so they do not cancel each \
             other where they meet, and the last one has all that is above"
                .to_owned(),
        );
        self.push(Effect::Compressor(LIMIT.compressor()));
    }

    /// Three bands that overlap in the original.
    fn sky(&mut self) {
        self.remarks.push(
            "the bands of sky meet at 130 and 1569 Hz; they do not overlap and so do not cancel \
             each other there"
                .to_owned(),
        );
        let band = Compressor {
            threshold_db: -20.0,
            ratio: 6.0,
            knee_db: 0.3,
            attack_s: 0.1,
            release_s: 0.2,
            makeup_db: 6.7,
        };
        let bands = vec![band; 3];
        self.push(Effect::Multiband(Multiband { crossovers_hz: vec![130.0, 1_569.0], bands }));
    }

    /// What is heard, and its bass louder by so much, both halved.
    fn bass_boost(&mut self) {
        let frequency_hz = self.number("frequency", 200.0, "frequency");
        let bass_db = self.number("gain", 10.0, "gain_db");
        let gain_db = db(1.0 + amplitude(bass_db));
        let band = Band { frequency_hz, gain_db, ..Band::usual(Shape::LowShelf) };
        self.remarks
            .push("bass_boost is a low shelf here, without a limiter of its own".to_owned());
        self.push(Effect::Equalizer(Equalizer { bands: vec![band] }));
        self.gain(db(0.5));
    }

    fn gate(&mut self) {
        self.known.push("window");
        let effect = Gate {
            threshold_db: self.number("threshold", -30.0, "threshold_db"),
            attack_s: self.number("attack", 10.0, "attack") / 1_000.0,
            hold_s: self.number("hold", 1_000.0, "hold") / 1_000.0,
            release_s: self.number("release", 2_000.0, "release") / 1_000.0,
            range_db: self.number("range", -30.0, "range_db"),
        };
        self.push(Effect::Gate(effect));
    }

    /// An echo leaves what is heard as loud as it was; here it takes its part away from that.
    fn echo(&mut self) {
        let time_s = self.number("delay", 0.5, "time");
        let feedback = amplitude(self.number("feedback", -6.0, "feedback"));
        let mix = feedback / (1.0 + feedback);
        self.known.push("ping_pong");
        if self.given.named("ping_pong").is_some_and(|it| *it != Value::Bool(false)) {
            self.left.push("echo: ping_pong, from one side to the other".to_owned());
        }
        self.remarks
            .push("echo does as its help says; Liquidsoap 2.1.3 lets no echo be heard".to_owned());
        self.push(Effect::Delay(Delay { time_s, feedback, mix }));
        self.gain(db(1.0 + feedback));
    }

    fn mean(&mut self) {
        self.known.push("normalize");
        self.push(Effect::Stereo(Stereo { mono: 1.0, ..Stereo::default() }));
        if self.given.named("normalize") == Some(&Value::Bool(false)) {
            self.gain(db(2.0));
        }
    }

    /// There 1 is left, a side that is panned to is as loud as it was, and the middle half as loud.
    fn pan(&mut self) {
        let half_field = self.number("field", 90.0, "").to_radians() / 2.0;
        self.turned.clear();
        let pan = self.number("pan", 0.0, "pan").clamp(-1.0, 1.0);
        let (whole, off) = (half_field.tan(), (half_field * pan.abs()).tan());
        let (near, far) = ((whole + off) / 2.0, (whole - off) / 2.0);
        let pan = (far / near - 1.0) * pan.signum();
        self.push(Effect::Gain(Gain { gain_db: db(near), pan }));
    }
}

impl Insert {
    /// Whether it changes nothing, and nobody can let it.
    fn is_idle(&self) -> bool {
        self.turned.is_empty() && self.effect == Effect::Gain(Gain::default())
    }

    /// Brings every value within its scale; which were not is remarked.
    fn bound(&mut self, remarks: &mut Vec<String>) {
        let effect = self.effect.name();
        for dial in self.effect.dials() {
            if !dial.is_on_scale() {
                // In this order what is not a number becomes the least.
                let bounded = dial.value.max(dial.least).min(dial.most);
                let (value, unit) = (rounded(*dial.value), dial.unit.shown());
                let name = dial.name();
                remarks.push(format!("{effect}: {name} of {value}{unit} is {bounded}{unit} here"));
                *dial.value = bounded;
            }
        }
    }

    /// Takes in the filters of `other`, which comes behind; says whether both are filters and fit.
    pub(super) fn takes_in(&mut self, other: &Self) -> bool {
        let (Effect::Equalizer(own), Effect::Equalizer(filters)) =
            (&mut self.effect, &other.effect)
        else {
            return false;
        };
        let before = own.bands.len();
        if before + filters.bands.len() > BANDS_MAX {
            return false;
        }
        own.bands.extend(filters.bands.iter().cloned());
        self.id = self.id.take().or_else(|| other.id.clone());
        let behind = other.turned.iter().cloned();
        self.turned.extend(
            behind.map(|turned| Turned { band: turned.band.map(|band| band + before), ..turned }),
        );
        true
    }

    /// What the parameter called `dial` counts, if that is something.
    pub(super) fn unit(&self, dial: &str) -> Option<Unit> {
        let mut effect = self.effect.clone();
        let found = effect.dials().into_iter().find(|own| own.name() == dial);
        found.map(|dial| dial.unit).filter(|unit| !matches!(unit, Unit::Number | Unit::Switch))
    }

    /// Its keys and values in the configuration.
    pub(in crate::import) fn keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = vec![("effect", format!("\"{}\"", self.effect.name()))];
        if let Some(id) = &self.id {
            keys.push(("id", crate::import::text(id)));
        }
        let mut effect = self.effect.clone();
        if let Effect::Equalizer(equalizer) = &mut effect {
            let bands = equalizer.bands.iter_mut().map(|band| {
                let shapes = Shape::ALL.into_iter();
                let kind = shapes.filter(|(_, shape)| *shape == band.shape).map(|(name, _)| name);
                let kind: String = kind.collect();
                format!("kind = \"{kind}\", {}", table(&band.dials(1)))
            });
            keys.push(("bands", list(bands)));
        } else if let Effect::Multiband(multiband) = &mut effect {
            let crossovers: Vec<_> =
                multiband.crossovers_hz.iter().map(|hz| rounded(*hz).to_string()).collect();
            keys.push(("crossovers", format!("[{}]", crossovers.join(", "))));
            let bands = multiband.bands.iter_mut().map(|band| table(&band.dials()));
            keys.push(("bands", list(bands)));
        } else {
            let mut usual = Effect::usual(effect.name()).unwrap_or_else(|| effect.clone());
            let is_plain = matches!(effect, Effect::Gain(_) | Effect::Stereo(_));
            let dials = effect.dials().into_iter().zip(usual.dials());
            let said = dials.filter(|(dial, usual)| !is_plain || *dial.value != *usual.value);
            keys.extend(said.map(|(dial, _)| (dial.key, shown(&dial))));
        }
        keys
    }
}

impl Turned {
    /// What the parameter is called within its effect.
    pub(super) fn dial(&self) -> String {
        self.band.map_or_else(|| self.key.to_owned(), |band| format!("{band}.{}", self.key))
    }
}

/// What is taken for that which a call does not say.
struct Usual {
    threshold_db: f64,
    ratio: f64,
    attack_ms: f64,
    release_ms: f64,
    gain_db: f64,
}

impl Usual {
    fn compressor(&self) -> Compressor {
        Compressor {
            threshold_db: self.threshold_db,
            ratio: self.ratio,
            knee_db: 1.0,
            attack_s: self.attack_ms / 1_000.0,
            release_s: self.release_ms / 1_000.0,
            makeup_db: self.gain_db,
        }
    }
}

/// A band of `compress.multiband`: up to where it goes, and its compressor.
fn band(value: &Value) -> Option<(f64, Compressor)> {
    let Value::Record(fields) = value else { return None };
    let number = |key: &str| {
        let field = fields.iter().find(|(name, _)| name == key);
        field.and_then(|(_, value)| value.number())
    };
    let band = Compressor {
        threshold_db: number("threshold")?,
        ratio: number("ratio")?,
        knee_db: 1.0,
        attack_s: number("attack")? / 1_000.0,
        release_s: number("release")? / 1_000.0,
        makeup_db: number("gain")?,
    };
    Some((number("frequency")?, band))
}

/// `-3 dB`, as text.
fn decibels(value: &Value) -> Option<f64> {
    let text = value.text()?.trim().to_ascii_lowercase();
    text.strip_suffix("db")?.trim().parse().ok()
}

pub(super) fn db(factor: f64) -> f64 {
    20.0 * factor.log10()
}

pub(super) fn amplitude(db: f64) -> f64 {
    10.0_f64.powf(db / 20.0)
}

/// Dials as they stand within braces.
fn table(dials: &[Dial<'_>]) -> String {
    let keys = dials.iter().map(|dial| format!("{} = {}", dial.key, shown(dial)));
    keys.collect::<Vec<_>>().join(", ")
}

/// Tables, each on a line of its own.
fn list(tables: impl Iterator<Item = String>) -> String {
    let mut list = String::from("[\n");
    for table in tables {
        writeln!(list, "  {{ {table} }},").expect("a String takes all that is written to it");
    }
    list + "]"
}

/// What a dial is turned to, as the configuration says it.
fn shown(dial: &Dial<'_>) -> String {
    match dial.unit {
        Unit::Decibels | Unit::Hertz | Unit::Number => rounded(*dial.value).to_string(),
        Unit::Seconds if *dial.value < 1.0 => format!("\"{}ms\"", rounded(*dial.value * 1_000.0)),
        Unit::Seconds => format!("\"{}s\"", rounded(*dial.value)),
        Unit::Switch => (*dial.value > 0.5).to_string(),
    }
}

/// With as many digits as can be heard.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

const COMPRESS: Usual =
    Usual { threshold_db: -10.0, ratio: 2.0, attack_ms: 50.0, release_ms: 400.0, gain_db: 0.0 };
const COMPRESS_OLD: Usual = Usual { attack_ms: 100.0, ..COMPRESS };
const LIMIT: Usual = Usual { threshold_db: -2.0, ratio: 20.0, release_ms: 200.0, ..COMPRESS };
const NRJ: Usual = Usual { threshold_db: -15.0, ratio: 3.0, gain_db: 3.0, ..COMPRESS };
