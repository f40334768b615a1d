//! What a Liquidsoap script means for a station of ours: playlists, channels and outputs.
//!
//! Names are followed to what they stand for where they are used. Only what leads to an output
//! counts; operators that are of no use here (`buffer`, clocks, priorities of decoders) are passed
//! through, because what they are for is done anyway. Whatever else is not known is noted with its
//! line. Pure.

mod channels;
mod effects;
mod filters;
mod formats;
mod functions;
mod given;
mod inputs;
mod inserts;
mod outputs;
mod predicate;
mod programme;

use super::tree::{Argument, Expr, Kind, Sentence};
use crate::alphabet::TagCharset;
use crate::fetch::address::HttpAddress;
use crate::mix::signal::Signal;
use functions::{Closure, Names};
use given::Given;
use inserts::Insert;
use predicate::When;
use std::collections::HashMap;
use std::rc::Rc;

pub(super) use effects::Effect;
pub(super) use formats::Format;
pub(super) use inputs::Input;
pub(super) use programme::{Queue, Rotation, Rules};

/// What the script describes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Meaning {
    pub(super) playlists: Vec<Playlist>,
    pub(super) queues: Vec<Queue>,
    pub(super) inputs: Vec<Input>,
    pub(super) rotations: Vec<Rotation>,
    pub(super) channels: Vec<Channel>,
    pub(super) outputs: Vec<Output>,
    pub(super) telnet: Telnet,
    pub(super) sample_rate: Option<f64>,
    /// What tags are encoded in that do not say so.
    pub(super) tag_charset: Option<String>,
    /// What is not understood: lines, the last included, and why.
    pub(super) left: Vec<Left>,
    /// What is understood and done otherwise here.
    pub(super) remarks: Vec<String>,
}

/// Something that is not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) why: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Telnet {
    pub(super) is_on: bool,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Playlist {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) order: &'static str,
    pub(super) reload: String,
    pub(super) rules: Rules,
}

impl Playlist {
    /// A list of one file.
    fn of_file(id: String, path: String) -> Self {
        let reload = "watch".to_owned();
        Self { id, path, order: "normal", reload, rules: Rules::default() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) play: Vec<String>,
    pub(super) emergency: Option<Emergency>,
    pub(super) crossfade: Option<[f64; 3]>,
    /// What is done to single tracks, and about silence.
    pub(super) effects: Vec<Effect>,
    /// What the programme goes through, with the lines that say so.
    pub(super) inserts: Vec<(Insert, usize)>,
}

/// What is heard when there is nothing to play.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Emergency {
    File(String),
    Signal(Signal),
    Silence,
}

impl Channel {
    fn plays(&mut self, id: &str) {
        if !self.play.iter().any(|own| own == id) {
            self.play.push(id.to_owned());
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Output {
    pub(super) id: String,
    pub(super) channel: String,
    pub(super) is_secure: bool,
    pub(super) host: String,
    pub(super) port: f64,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) mount: String,
    pub(super) texts: Vec<(&'static str, String)>,
    pub(super) public: Option<bool>,
    pub(super) format: Format,
    pub(super) charset: Option<String>,
    pub(super) method: Option<String>,
}

/// What an expression stands for, as far as it matters.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Bool(bool),
    /// A format, as it is written.
    Encoder(Box<Expr>),
    Function(Rc<Closure>),
    List(Vec<Self>),
    /// A number that the running script may change, by what that is called; as it is at first.
    Live {
        name: Option<String>,
        number: f64,
    },
    Number(f64),
    Record(Vec<(String, Self)>),
    /// A source, by its place in the table.
    Source(usize),
    Text(String),
    /// Something that only the running script would know.
    Unknown,
    /// When something is to be played.
    When(When),
}

impl Value {
    fn number(&self) -> Option<f64> {
        if let Self::Live { number, .. } | Self::Number(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Something that makes sound.
#[derive(Clone, Debug, PartialEq)]
enum Source {
    Crossfade {
        of: usize,
        times_s: [f64; 3],
    },
    /// Another one, to which something is done on this line.
    Effect(usize, Effect, usize),
    /// The first of them that is ready.
    Fallback(Vec<usize>),
    File(String),
    /// One of the inputs.
    Live(usize),
    /// One of the playlists.
    Playlist(usize),
    /// One of the queues.
    Queue(usize),
    /// One of the rotations.
    Rotation(usize),
    Signal(Signal),
    Silence,
}

/// The meaning of `sentences`.
pub(super) fn meaning(sentences: &[Sentence]) -> Meaning {
    let mut reader = Reader::default();
    for sentence in sentences {
        match sentence {
            Sentence::Strange { first, last } => {
                reader.leave(*first, *last, "this is not understood");
            }
            Sentence::Let { name, value, .. } => {
                let value = reader.let_be(name, value);
                if let Some(source) = value {
                    reader.called.insert(source, name.clone());
                }
            }
            Sentence::Do(expr) => reader.act(expr),
        }
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    meaning: Meaning,
    names: Names,
    /// How many expressions the present one is inside of, through all functions.
    depth: usize,
    /// How often functions were called.
    calls: usize,
    sources: Vec<Source>,
    /// The name that a source got last.
    called: HashMap<usize, String>,
    /// Channels, by the source they play.
    channels: HashMap<usize, usize>,
    icecasts: usize,
    /// How many sources have been looked at for the present channel.
    looked: usize,
    /// Lists that are copies of others: their ids, and those of the others.
    copies: Vec<(String, String)>,
}

impl Reader {
    fn leave(&mut self, first: usize, last: usize, why: impl Into<String>) {
        let left = Left { first, last, why: why.into() };
        if !self.meaning.left.contains(&left) {
            self.meaning.left.push(left);
        }
    }

    fn remark(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        if !self.meaning.remarks.contains(&remark) {
            self.meaning.remarks.push(remark);
        }
    }

    fn source(&mut self, source: Source) -> Value {
        self.sources.push(source);
        Value::Source(self.sources.len() - 1)
    }

    fn value(&mut self, expr: &Expr) -> Value {
        if self.depth >= VALUES_DEEP_MAX {
            self.leave(expr.line, expr.line, "this is nested too deep");
            return Value::Unknown;
        }
        self.depth += 1;
        let value = self.value_of(expr);
        self.depth -= 1;
        value
    }

    fn value_of(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            Kind::Block(body) => self.block(body),
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Call(callee, arguments) => match self.function(callee) {
                Some(function) => self.apply(callee, &function, arguments, false),
                None => self.call(&path(callee), arguments, expr.line),
            },
            Kind::Compound("??", value, instead) => self.or_else(value, instead),
            Kind::Compound("^", left, right) => match (self.value(left), self.value(right)) {
                (Value::Text(left), Value::Text(right)) => Value::Text(left + &right),
                _ => Value::Unknown,
            },
            Kind::Compound(sign @ ("+" | "-" | "*" | "/"), left, right) => {
                let (left, right) = (self.value(left), self.value(right));
                given::reckoned(sign, &left, &right)
            }
            Kind::Encoder(..) => Value::Encoder(Box::new(expr.clone())),
            Kind::Function(function) => self.closure(function),
            Kind::If(condition, yes, no) => {
                let Value::Bool(is_so) = self.value(condition) else { return Value::Unknown };
                self.value(if is_so { yes } else { no })
            }
            Kind::List(parts) | Kind::Tuple(parts) => {
                Value::List(parts.iter().map(|part| self.value(part)).collect())
            }
            Kind::Name(name) => self.named(name),
            Kind::Number(number) => Value::Number(*number),
            Kind::Predicate(words) => When::read(words).map_or(Value::Unknown, Value::When),
            Kind::Record(fields) => {
                let field = |(name, value): &(String, Expr)| (name.clone(), self.value(value));
                Value::Record(fields.iter().map(field).collect())
            }
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Field(..) if self.is_source_of(expr) => self.value(root(expr)),
            Kind::Compound(..) | Kind::Field(..) | Kind::Index(..) => Value::Unknown,
        }
    }

    fn named(&self, name: &str) -> Value {
        match self.names.get(name) {
            Some(value) => value.clone(),
            None if name == "infinity" => Value::Number(f64::INFINITY),
            None => Value::Unknown,
        }
    }

    fn is_source_of(&self, expr: &Expr) -> bool {
        let Kind::Name(name) = &root(expr).kind else { return false };
        matches!(self.names.get(name), Some(Value::Source(_)))
    }

    /// `value ?? instead`: what the environment says is not known now, so the text counts.
    fn or_else(&mut self, value: &Expr, instead: &Expr) -> Value {
        let known = self.value(value);
        if known == Value::Unknown {
            return self.value(instead);
        }
        let Some(variable) = known.text().filter(|text| text.starts_with("${")) else {
            return known;
        };
        let instead = self.value(instead);
        if let Some(text) = instead.text() {
            self.remark(format!("{variable} of the environment is fixed to \"{text}\""));
        }
        instead
    }

    fn call(&mut self, callee: &str, arguments: &[Argument], line: usize) -> Value {
        let given = Given::new(self, arguments);
        match callee {
            "playlist" | "playlist.safe" | "playlist.reloadable" => {
                self.playlist(&given, callee == "playlist.safe", line)
            }
            "input.harbor" | "input.http" => self.input(callee, &given, line),
            "single" => match given.texts().first() {
                Some(path) if HttpAddress::parse(path).is_ok() => self.single_elsewhere(path),
                Some(path) => self.source(Source::File(path.clone())),
                None => Value::Unknown,
            },
            "fallback" => {
                if given.named("track_sensitive") == Some(&Value::Bool(false)) {
                    self.let_requests_interrupt(&given.sources());
                    self.remark("a source that is back takes over at the next track's border");
                }
                self.source(Source::Fallback(given.sources()))
            }
            "delay"
            | "predicate.activates"
            | "predicate.once"
            | "random"
            | "request.equeue"
            | "request.queue"
            | "rotate"
            | "switch" => self.programme(callee, &given, line),
            "mksafe" => {
                let silence = self.sources.len();
                self.sources.push(Source::Silence);
                let sources = given.sources().into_iter().chain([silence]).collect();
                self.source(Source::Fallback(sources))
            }
            // Whatever becomes of it, it sends.
            "output.icecast" => {
                self.icecast(arguments, &given, line);
                given.value_of_source()
            }
            "crossfade" | "crossfade.simple" => self.crossfade(&given, line),
            "noise" | "saw" | "sine" | "sine.soft" | "square" | "triangle" => {
                let signal = given.signal(callee);
                self.source(Source::Signal(signal))
            }
            "blank" => self.source(Source::Silence),
            "interactive.float" | "ref" => given.live(callee),
            "dB_of_lin" | "lin_of_dB" | "float" | "float_of_int" => given.converted(callee),
            _ if arguments.is_empty() && self.named(callee).number().is_some() => {
                self.named(callee)
            }
            _ if effects::CALLS.contains(&callee) => self.effect(callee, &given, line),
            "map_metadata" | "metadata.map" => {
                self.remark("tracks without tags are called by their file names");
                given.value_of_source()
            }
            _ if PASSED_THROUGH.contains(&callee) => given.value_of_source(),
            "environment.get" | "getenv" => self.environment(&given),
            _ => {
                if let Some(value) = self.sounding(callee, &given, line) {
                    return value;
                }
                let is_known = NEEDLESS.iter().any(|known| callee.starts_with(known));
                if !is_known && (!given.sources().is_empty() || is_of_sound(callee)) {
                    self.leave(line, line, format!("{callee} has no counterpart"));
                }
                given.value_of_source()
            }
        }
    }

    fn crossfade(&mut self, given: &Given, line: usize) -> Value {
        let Some(&of) = given.sources().first() else { return Value::Unknown };
        let time = |key: &str, usual| given.number(key).unwrap_or(usual);
        let times_s = [time("duration", 5.0), time("fade_in", 3.0), time("fade_out", 3.0)];
        if given.named("smart") == Some(&Value::Bool(true)) {
            self.leave(line, line, "smart=true: every border gets the same crossfade");
        }
        self.source(Source::Crossfade { of, times_s })
    }

    /// A variable of the environment.
    fn environment(&mut self, given: &Given) -> Value {
        let Some(name) = given.texts().into_iter().next() else { return Value::Unknown };
        let Some(Value::Text(usual)) = given.named("default") else {
            return Value::Text(format!("${{{name}}}"));
        };
        self.remark(format!("${{{name}}} of the environment is fixed to \"{usual}\""));
        Value::Text(usual.clone())
    }

    /// What a sentence does that is there for it.
    fn act(&mut self, expr: &Expr) {
        let Kind::Call(callee, arguments) = &expr.kind else {
            return self.leave(expr.line, expr.line, "this does nothing that is known here");
        };
        if let Some(function) = self.function(callee) {
            self.apply(callee, &function, arguments, true);
            return;
        }
        let callee = path(callee);
        let given = Given::new(self, arguments);
        if let Some(setting) = callee.strip_suffix(".set") {
            return self.set(
                setting.trim_start_matches("settings."),
                given.values.first(),
                expr.line,
            );
        }
        match callee.as_str() {
            "set" => {
                let texts = given.texts();
                let Some(setting) = texts.first() else { return };
                self.set(setting, given.values.get(1), expr.line);
            }
            "output.icecast" => self.icecast(arguments, &given, expr.line),
            "print" | "ignore" | "log" => {}
            _ if NEEDLESS.iter().any(|known| callee.starts_with(known)) => {}
            _ => self.leave(expr.line, expr.line, format!("{callee} has no counterpart")),
        }
    }

    fn set(&mut self, setting: &str, value: Option<&Value>, line: usize) {
        let telnet = &mut self.meaning.telnet;
        match (setting, value) {
            ("server.telnet", Some(Value::Bool(is_on))) => telnet.is_on = *is_on,
            ("server.telnet.bind_addr", Some(Value::Text(host))) => {
                telnet.host = Some(host.clone())
            }
            ("server.telnet.port", Some(Value::Number(port))) => telnet.port = whole(*port),
            ("frame.audio.samplerate", Some(Value::Number(rate))) => {
                self.meaning.sample_rate = Some(*rate);
            }
            ("frame.audio.channels", Some(Value::Number(2.0))) => {}
            ("tag.encodings", Some(Value::List(encodings))) => self.tags_in(encodings, line),
            _ if NEEDLESS_SETTINGS.iter().any(|known| setting.starts_with(known)) => {}
            _ => self.leave(line, line, format!("the setting {setting} has no counterpart")),
        }
    }

    /// Tags are in the first of `encodings` that fits. UTF-8 is tried first here too, and Latin-1
    /// is what there is without a word.
    fn tags_in(&mut self, encodings: &[Value], line: usize) {
        let usual =
            |text: &&str| ["UTF-8", "ISO-8859-1"].iter().any(|it| text.eq_ignore_ascii_case(it));
        let mut texts = encodings.iter().filter_map(Value::text).filter(|text| !usual(text));
        let Some(first) = texts.next() else { return };
        let mut label = first.to_ascii_lowercase();
        if let Some(number) = label.strip_prefix("cp125") {
            label = format!("windows-125{number}");
        }
        if TagCharset::named(&label).is_none() {
            self.leave(
                line,
                line,
                format!("tags in {first}: no alphabet of old that is known here"),
            );
            return;
        }
        self.meaning.tag_charset = Some(label);
        if let Some(second) = texts.next() {
            self.leave(
                line,
                line,
                format!("tags in {second}: one alphabet of old is read, {first}"),
            );
        }
    }

    fn finish(mut self) -> Meaning {
        let mut used: Vec<String> =
            self.meaning.channels.iter().flat_map(|channel| channel.play.clone()).collect();
        // Rotations stand behind those that they play.
        for rotation in self.meaning.rotations.iter().rev() {
            if used.contains(&rotation.id) {
                used.extend(rotation.play.iter().map(|(id, _)| id.clone()));
            }
        }
        self.call_copies_by_name(&mut used);
        self.meaning.playlists.retain(|playlist| used.contains(&playlist.id));
        self.meaning.inputs.retain(|input| used.contains(&input.id));
        self.meaning.queues.retain(|queue| used.contains(&queue.id));
        self.meaning.rotations.retain(|rotation| used.contains(&rotation.id));
        self.meaning.left.sort_by_key(|left| left.first);
        self.meaning
    }
}

/// `settings.server.telnet` of fields and names; empty if it is something else.
fn path(expr: &Expr) -> String {
    if let Kind::Name(name) = &expr.kind {
        name.clone()
    } else if let Kind::Field(of, name) = &expr.kind {
        format!("{}.{name}", path(of))
    } else {
        String::new()
    }
}

/// What fields are taken of.
fn root(expr: &Expr) -> &Expr {
    if let Kind::Field(of, _) = &expr.kind { root(of) } else { expr }
}

/// What Liquidsoap calls a playlist: the last part of its path, without blanks and dots.
fn identifier(path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    last.replace(|c: char| c.is_whitespace() || c == '.', "_")
}

/// `id` as a command can say it.
fn unblanked(id: &str) -> String {
    id.replace(|c: char| c.is_whitespace() || c.is_control(), "_")
}

fn whole<T: TryFrom<i64>>(number: f64) -> Option<T> {
    #[expect(clippy::cast_possible_truncation, reason = "what is cut off is not a port")]
    let number = number as i64;
    T::try_from(number).ok()
}

/// Whether a call makes or takes sound, so that it matters if it is not known.
fn is_of_sound(callee: &str) -> bool {
    let first = callee.split('.').next().unwrap_or_default();
    SOUND.contains(&first)
}

const SOUND: [&str; 4] = ["add", "input", "interactive", "request"];
/// What changes nothing that is heard here.
const PASSED_THROUGH: [&str; 7] =
    ["audio_to_stereo", "buffer", "clock", "drop_tracks", "id", "source.drop.tracks", "stereo"];
/// What is done anyway, or is of no use here.
const NEEDLESS: [&str; 7] =
    ["log.", "enable_replaygain", "print", "clock.", "thread.", "settings.", "add_skip_command"];
const NEEDLESS_SETTINGS: [&str; 14] = [
    "audio.converter",
    "clock",
    "decoder",
    "encoder.metadata.export",
    "frame.duration",
    "init.",
    "log",
    "protocol",
    "request",
    "root.max_latency",
    "scheduler",
    "server.log",
    "server.timeout",
    "tag.encodings",
];
/// Expressions may be nested this deep, through all functions.
const VALUES_DEEP_MAX: usize = 120;
/// Sources may be nested this deep.
const DEPTH_MAX: usize = 100;
/// And a channel may have so many, each counted as often as it stands in it.
const SOURCES_MAX: usize = 10_000;
