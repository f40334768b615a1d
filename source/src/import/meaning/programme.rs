//! What a script lets play when: rotations, switches, queues of requests, and jingles.

use super::{Given, Reader, Source, Value, unblanked};
use crate::fetch::address::HttpAddress;

/// A queue of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::import) struct Queue {
    pub(in crate::import) id: String,
    pub(in crate::import) rules: Rules,
}

/// Lists that take turns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::import) struct Rotation {
    pub(in crate::import) id: String,
    pub(in crate::import) play: Vec<(String, u32)>,
    pub(in crate::import) is_random: bool,
    pub(in crate::import) rules: Rules,
}

/// When something is due, as the configuration says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::import) struct Rules {
    pub(in crate::import) when: Vec<String>,
    pub(in crate::import) at: Vec<String>,
    pub(in crate::import) every: Option<String>,
    pub(in crate::import) is_hard: bool,
    pub(in crate::import) returns: bool,
}

impl Reader {
    /// What one of the calls makes that say what plays when.
    pub(super) fn programme(&mut self, callee: &str, given: &Given, line: usize) -> Value {
        match callee {
            "delay" => self.delay(given, line),
            "predicate.activates" | "predicate.once" => match given.values.first() {
                Some(Value::When(when)) => Value::When(when.clone().once()),
                Some(_) | None => Value::Unknown,
            },
            "random" => self.rotation(given, true, line),
            "rotate" => self.rotation(given, false, line),
            "switch" => self.switch(given, line),
            _ => self.queue(given),
        }
    }

    /// `playlist`, and with silence behind it if it `is_safe`.
    pub(super) fn playlist(&mut self, given: &Given, is_safe: bool, line: usize) -> Value {
        let texts = given.texts();
        let Some(path) = texts.first() else { return Value::Unknown };
        let is_elsewhere = path.starts_with("http://") || path.starts_with("https://");
        if let Err(error) = HttpAddress::parse(path).map(drop)
            && is_elsewhere
        {
            self.leave(line, line, format!("the list `{path}`: {error}"));
            return Value::Unknown;
        }
        let order = match given.named("mode") {
            Some(Value::Text(mode)) if mode == "normal" => "normal",
            Some(Value::Text(mode)) if mode == "random" => "random",
            _ => "shuffle",
        };
        self.leave_of_playlist(given, line);
        let seconds = given.number("reload").filter(|&seconds| seconds > 0.0);
        let reload = match (given.named("reload_mode"), seconds) {
            (Some(Value::Text(mode)), _) if mode == "watch" => "watch".to_owned(),
            (Some(Value::Text(mode)), _) if mode == "never" || mode == "rounds" => mode.clone(),
            (_, Some(seconds)) => format!("{seconds}s"),
            (_, None) => "never".to_owned(),
        };
        if reload == "rounds" {
            let elsewhere =
                "a list elsewhere that was read after some rounds is fetched each minute";
            let here = "a playlist that was read after some rounds is watched instead";
            self.remark(if is_elsewhere { elsewhere } else { here });
        }
        let reload = if reload == "rounds" { "watch".to_owned() } else { reload };
        let id = match given.named("id") {
            Some(Value::Text(id)) => unblanked(id),
            _ => super::identifier(path),
        };
        let id = self.free(&id);
        let path = path.clone();
        let rules = Rules::default();
        self.meaning.playlists.push(super::Playlist { id, path, order, reload, rules });
        let playlist = self.sources.len();
        self.sources.push(Source::Playlist(self.meaning.playlists.len() - 1));
        if !is_safe {
            return Value::Source(playlist);
        }
        let silence = self.sources.len();
        self.sources.push(Source::Silence);
        self.source(Source::Fallback(vec![playlist, silence]))
    }

    /// Names what is said of a playlist and cannot be taken over.
    fn leave_of_playlist(&mut self, given: &Given, line: usize) {
        for (name, value) in &given.names {
            let is_usual = match name.as_str() {
                "loop" => *value == Value::Bool(true),
                "prefix" => value.text() == Some(""),
                name => LIST_ARGUMENTS.contains(&name),
            };
            if !is_usual {
                self.leave(line, line, format!("playlist: {name} has no counterpart"));
            }
        }
    }

    /// `single` of a file that has to be fetched, so that it is none for an emergency.
    pub(super) fn single_elsewhere(&mut self, path: &str) -> Value {
        let id = self.free(&super::identifier(path));
        self.meaning.playlists.push(super::Playlist::of_file(id, path.to_owned()));
        self.source(Source::Playlist(self.meaning.playlists.len() - 1))
    }

    /// `id`, with a number behind it if it is taken, as Liquidsoap does.
    pub(super) fn free(&self, id: &str) -> String {
        let playlists = self.meaning.playlists.iter().map(|it| &it.id);
        let queues = self.meaning.queues.iter().map(|it| &it.id);
        let inputs = self.meaning.inputs.iter().map(|it| &it.id);
        let named = playlists.chain(queues).chain(inputs);
        let taken = named.chain(self.meaning.rotations.iter().map(|it| &it.id));
        let taken: Vec<_> = taken.collect();
        let is_taken = |id: &str| taken.iter().any(|taken| *taken == id);
        let mut free = id.to_owned();
        let mut number = 0;
        while is_taken(&free) {
            number += 1;
            free = format!("{id}.{number}");
        }
        free
    }

    /// `request.queue`.
    fn queue(&mut self, given: &Given) -> Value {
        let id = given.text("id").map_or_else(|| "request.queue".to_owned(), unblanked);
        // What begins with this is a command of the station.
        let id = if id == "request" { "requests".to_owned() } else { id };
        let id = self.free(&id);
        self.meaning.queues.push(Queue { id, rules: Rules::default() });
        self.source(Source::Queue(self.meaning.queues.len() - 1))
    }

    /// `rotate` or `random`, of lists that have their ids already.
    fn rotation(&mut self, given: &Given, is_random: bool, line: usize) -> Value {
        let weights = match given.named("weights") {
            Some(Value::List(weights)) => weights.iter().map(weight).collect(),
            _ => Vec::new(),
        };
        let mut play = Vec::new();
        for (at, source) in given.sources().into_iter().enumerate() {
            match self.list(source, line, 0) {
                Some(id) => play.push((id, weights.get(at).copied().unwrap_or(1))),
                None => self.leave(line, line, "a rotation of something that is no list"),
            }
        }
        if play.is_empty() {
            return Value::Unknown;
        }
        let id = given.text("id").map_or_else(|| "rotation".to_owned(), unblanked);
        let id = self.free(&id);
        let rules = Rules::default();
        self.meaning.rotations.push(Rotation { id, play, is_random, rules });
        self.source(Source::Rotation(self.meaning.rotations.len() - 1))
    }

    /// The id of the one list that `source` is; one file becomes a list.
    fn list(&mut self, source: usize, line: usize, depth: usize) -> Option<String> {
        if depth > super::DEPTH_MAX {
            return None;
        }
        match self.sources.get(source)?.clone() {
            Source::Crossfade { of, .. } => self.list(of, line, depth + 1),
            Source::Effect(of, _, line) => {
                self.leave(line, line, "an effect on one source of a rotation; channels have them");
                self.list(of, line, depth + 1)
            }
            Source::Fallback(sources) => {
                if sources.iter().filter(|&&it| self.is_list(it)).count() > 1 {
                    let why = "of a fallback in a rotation only the first source is taken";
                    self.leave(line, line, why);
                }
                sources.into_iter().find_map(|source| self.list(source, line, depth + 1))
            }
            Source::File(path) => {
                let id = self.free(&super::identifier(&path));
                self.meaning.playlists.push(super::Playlist::of_file(id.clone(), path));
                self.sources[source] = Source::Playlist(self.meaning.playlists.len() - 1);
                Some(id)
            }
            Source::Playlist(number) => Some(self.meaning.playlists[number].id.clone()),
            Source::Queue(number) => Some(self.meaning.queues[number].id.clone()),
            Source::Rotation(number) => Some(self.meaning.rotations[number].id.clone()),
            Source::Live(_) | Source::Signal(_) | Source::Silence => None,
        }
    }

    fn is_list(&self, source: usize) -> bool {
        !matches!(
            self.sources.get(source),
            Some(Source::Live(_) | Source::Signal(_) | Source::Silence) | None
        )
    }

    /// `switch`: each source within its hours, the first that is due first.
    fn switch(&mut self, given: &Given, line: usize) -> Value {
        let is_hard = given.named("track_sensitive") == Some(&Value::Bool(false));
        let list = |value: &Value| match value {
            Value::List(branches) => branches.clone(),
            Value::Bool(_)
            | Value::Encoder(_)
            | Value::Function(_)
            | Value::Live { .. }
            | Value::Number(_)
            | Value::Record(_)
            | Value::Source(_)
            | Value::Text(_)
            | Value::Unknown
            | Value::When(_) => Vec::new(),
        };
        let branches: Vec<Value> = given.values.iter().flat_map(list).collect();
        let mut sources = Vec::new();
        for branch in branches {
            let Value::List(both) = branch else { continue };
            let [when, Value::Source(source)] = &both[..] else {
                self.leave(line, line, "a branch of this switch is not understood");
                continue;
            };
            let mut source = *source;
            if let Value::When(when) = when {
                let put = |rules: &mut Rules| {
                    rules.when.clone_from(&when.hours);
                    rules.at.clone_from(&when.at);
                    rules.is_hard = is_hard;
                };
                source = self.limited(source, line, 0, &put);
            } else if *when != Value::Bool(true) {
                self.leave(line, line, "when a branch of this switch plays is not understood");
                continue;
            }
            sources.push(source);
        }
        self.source(Source::Fallback(sources))
    }

    /// `delay`: at most so often.
    fn delay(&mut self, given: &Given, line: usize) -> Value {
        let (Some(&seconds), Some(&source)) = (given.numbers().first(), given.sources().first())
        else {
            return given.value_of_source();
        };
        let every = Some(format!("{}s", seconds.max(10.0).round()));
        let put = |rules: &mut Rules| rules.every.clone_from(&every);
        Value::Source(self.limited(source, line, 0, &put))
    }

    /// Lets the requests among `sources` begin at once, since their fallback does not wait for
    /// the end of a track, and what they interrupt go on behind them.
    pub(super) fn let_requests_interrupt(&mut self, sources: &[usize]) {
        for &source in sources {
            if let Some(Source::Live(number)) = self.sources.get(source) {
                self.let_live_interrupt(*number);
            } else if let Some(Source::Queue(number)) = self.sources.get(source) {
                let rules = &mut self.meaning.queues[*number].rules;
                (rules.is_hard, rules.returns) = (true, true);
            }
        }
    }

    /// A source that is the same as `source`, with rules that `put` puts on its lists. They are
    /// copies of these, which may be played without such rules elsewhere; requests are not.
    fn limited(
        &mut self,
        source: usize,
        line: usize,
        depth: usize,
        put: &dyn Fn(&mut Rules),
    ) -> usize {
        if depth > super::DEPTH_MAX {
            self.leave(line, line, "sources are nested too deep");
            return source;
        }
        if matches!(self.sources[source], Source::File(_)) {
            self.list(source, line, depth); // which makes a list of it
        }
        let limited = match self.sources[source].clone() {
            Source::Crossfade { of, times_s } => {
                Source::Crossfade { of: self.limited(of, line, depth + 1, put), times_s }
            }
            Source::Effect(of, effect, at) => {
                Source::Effect(self.limited(of, line, depth + 1, put), effect, at)
            }
            Source::Fallback(sources) => {
                let sources = sources.into_iter();
                Source::Fallback(sources.map(|it| self.limited(it, line, depth + 1, put)).collect())
            }
            Source::Playlist(number) => {
                let mut copy = self.meaning.playlists[number].clone();
                put(&mut copy.rules);
                let id = self.copied(&copy.id);
                self.meaning.playlists.push(super::Playlist { id, ..copy });
                Source::Playlist(self.meaning.playlists.len() - 1)
            }
            Source::Live(number) => {
                put(&mut self.meaning.inputs[number].rules);
                return source;
            }
            Source::Queue(number) => {
                put(&mut self.meaning.queues[number].rules);
                return source;
            }
            Source::Rotation(number) => {
                let mut copy = self.meaning.rotations[number].clone();
                put(&mut copy.rules);
                let id = self.copied(&copy.id);
                self.meaning.rotations.push(Rotation { id, ..copy });
                Source::Rotation(self.meaning.rotations.len() - 1)
            }
            Source::File(_) | Source::Signal(_) | Source::Silence => return source,
        };
        self.sources.push(limited);
        self.sources.len() - 1
    }

    /// The id of a copy of what is called `id`.
    fn copied(&mut self, id: &str) -> String {
        let copy = self.free(id);
        self.copies.push((copy.clone(), id.to_owned()));
        copy
    }

    /// Calls every copy like its original, where that is not among what is `used`.
    pub(super) fn call_copies_by_name(&mut self, used: &mut [String]) {
        for (copy, id) in std::mem::take(&mut self.copies).into_iter().rev() {
            if used.contains(&id) || !used.contains(&copy) {
                continue;
            }
            let meaning = &mut self.meaning;
            meaning.playlists.retain(|it| it.id != id);
            meaning.rotations.retain(|it| it.id != id);
            let playlists = meaning.playlists.iter_mut().map(|it| &mut it.id);
            let rotations = meaning.rotations.iter_mut();
            let rotations = rotations.flat_map(|it| {
                std::iter::once(&mut it.id).chain(it.play.iter_mut().map(|(id, _)| id))
            });
            let played = meaning.channels.iter_mut().flat_map(|it| &mut it.play);
            for name in playlists.chain(rotations).chain(played).chain(&mut *used) {
                if *name == copy {
                    name.clone_from(&id);
                }
            }
        }
    }
}

/// What is said of a playlist and taken over, or of no use here.
const LIST_ARGUMENTS: [&str; 8] =
    ["id", "mime_type", "mode", "native", "prefetch", "reload", "reload_mode", "timeout"];

fn weight(value: &Value) -> u32 {
    value.number().and_then(super::whole).filter(|&weight| weight > 0).unwrap_or(1)
}
