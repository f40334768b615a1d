//! What a script lets play when: rotations, switches, queues of requests, and jingles.

use super::predicate::When;
use super::{Given, Reader, Source, Value, unblanked};

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
    pub(super) fn playlist(&mut self, given: &Given, is_safe: bool) -> Value {
        let texts = given.texts();
        let Some(path) = texts.first() else { return Value::Unknown };
        let order = match given.named("mode") {
            Some(Value::Text(mode)) if mode == "normal" => "normal",
            Some(Value::Text(mode)) if mode == "random" => "random",
            _ => "shuffle",
        };
        let seconds = given.number("reload").filter(|&seconds| seconds > 0.0);
        let reload = match (given.named("reload_mode"), seconds) {
            (Some(Value::Text(mode)), _) if mode == "watch" => "watch".to_owned(),
            (Some(Value::Text(mode)), _) if mode == "never" || mode == "rounds" => mode.clone(),
            (_, Some(seconds)) => format!("{seconds}s"),
            (_, None) => "never".to_owned(),
        };
        if reload == "rounds" {
            self.remark("a playlist that was read after some rounds is watched instead");
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

    /// `id`, with a number behind it if it is taken, as Liquidsoap does.
    pub(super) fn free(&self, id: &str) -> String {
        let playlists = self.meaning.playlists.iter().map(|it| &it.id);
        let queues = self.meaning.queues.iter().map(|it| &it.id);
        let taken = playlists.chain(queues).chain(self.meaning.rotations.iter().map(|it| &it.id));
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
            Source::Silence | Source::Tone => None,
        }
    }

    fn is_list(&self, source: usize) -> bool {
        !matches!(self.sources.get(source), Some(Source::Silence | Source::Tone) | None)
    }

    /// `switch`: each source within its hours, the first that is due first.
    fn switch(&mut self, given: &Given, line: usize) -> Value {
        let is_hard = given.named("track_sensitive") == Some(&Value::Bool(false));
        let list = |value: &Value| match value {
            Value::List(branches) => branches.clone(),
            Value::Bool(_)
            | Value::Number(_)
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
            let source = *source;
            if let Value::When(when) = when {
                self.limit(source, when, is_hard, line);
            } else if *when != Value::Bool(true) {
                self.leave(line, line, "when a branch of this switch plays is not understood");
                continue;
            }
            sources.push(source);
        }
        self.source(Source::Fallback(sources))
    }

    /// Lets `source` play only `when` that is.
    fn limit(&mut self, source: usize, when: &When, is_hard: bool, line: usize) {
        let is_new = |rules: &Rules| rules.when.is_empty() && rules.at.is_empty();
        let put = |rules: &mut Rules| {
            rules.when.clone_from(&when.hours);
            rules.at.clone_from(&when.at);
            rules.is_hard = is_hard;
        };
        if !self.rule(source, line, 0, &is_new, &put) {
            self.leave(line, line, "a source with two sets of hours; the first ones count");
        }
    }

    /// `delay`: at most so often.
    fn delay(&mut self, given: &Given, line: usize) -> Value {
        let seconds = given.numbers().first().copied();
        if let (Some(seconds), Some(&source)) = (seconds, given.sources().first()) {
            let every = Some(format!("{}s", seconds.max(10.0).round()));
            let put = |rules: &mut Rules| rules.every.clone_from(&every);
            self.rule(source, line, 0, &|rules| rules.every.is_none(), &put);
        }
        given.value_of_source()
    }

    /// Lets the requests among `sources` begin at once, since their fallback does not wait for
    /// the end of a track, and what they interrupt go on behind them.
    pub(super) fn let_requests_interrupt(&mut self, sources: &[usize]) {
        for &source in sources {
            if let Some(Source::Queue(number)) = self.sources.get(source) {
                let rules = &mut self.meaning.queues[*number].rules;
                (rules.is_hard, rules.returns) = (true, true);
            }
        }
    }

    /// Lets `put` put rules on every list that `source` leads to, if none of them `is_new` not;
    /// says whether it did.
    fn rule(
        &mut self,
        source: usize,
        line: usize,
        depth: usize,
        is_new: &dyn Fn(&Rules) -> bool,
        put: &dyn Fn(&mut Rules),
    ) -> bool {
        let Some(kind) = self.sources.get(source).cloned() else { return true };
        if depth > super::DEPTH_MAX {
            return false;
        }
        let rules = match kind {
            Source::Crossfade { of, .. } => return self.rule(of, line, depth + 1, is_new, put),
            Source::Fallback(sources) => {
                let mut rule = |source| self.rule(source, line, depth + 1, is_new, put);
                return sources.into_iter().all(&mut rule);
            }
            Source::File(_) => {
                self.list(source, line, depth);
                return self.rule(source, line, depth + 1, is_new, put);
            }
            Source::Playlist(number) => &mut self.meaning.playlists[number].rules,
            Source::Queue(number) => &mut self.meaning.queues[number].rules,
            Source::Rotation(number) => &mut self.meaning.rotations[number].rules,
            Source::Silence | Source::Tone => return true,
        };
        let is_free = is_new(rules);
        if is_free {
            put(rules);
        }
        is_free
    }
}

fn weight(value: &Value) -> u32 {
    value.number().and_then(super::whole).filter(|&weight| weight > 0).unwrap_or(1)
}
