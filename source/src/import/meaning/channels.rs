//! Channels: what an output sends, put together of all that leads to it.

use super::effects::Effect;
use super::inserts::Insert;
use super::{Channel, DEPTH_MAX, Emergency, Reader, SOURCES_MAX, Source};
use crate::config::names::folded;
use crate::sound::EFFECTS_MAX;

/// What the sources of a channel go through on their ways to its output.
#[derive(Default)]
struct Ways {
    /// From the output to where it is looked at now, with the lines.
    present: Vec<(Insert, usize)>,
    /// From the output to each source that plays something.
    all: Vec<Vec<(Insert, usize)>>,
}

impl Ways {
    fn end(&mut self) {
        self.all.push(self.present.clone());
    }
}

impl Reader {
    /// The name of the channel that plays `source`.
    pub(super) fn channel(&mut self, source: usize, line: usize) -> String {
        if let Some(&known) = self.channels.get(&source) {
            return self.meaning.channels[known].name.clone();
        }
        let name = self.called.get(&source).cloned();
        let count = self.meaning.channels.len() + 1;
        let mut name = name.unwrap_or_else(|| format!("channel-{count}"));
        if self.meaning.channels.iter().any(|channel| channel.name == name) {
            name = format!("{name}-{count}");
        }
        let mut channel = Channel {
            name,
            play: Vec::new(),
            emergency: None,
            crossfade: None,
            effects: Vec::new(),
            inserts: Vec::new(),
        };
        self.looked = 0;
        let mut ways = Ways::default();
        self.fill(&mut channel, &mut ways, source, line, 0);
        self.go_through(&mut channel, &ways);
        if channel.play.is_empty() {
            self.leave(line, line, "this output plays no playlist");
        }
        self.channels.insert(source, self.meaning.channels.len());
        let name = channel.name.clone();
        self.meaning.channels.push(channel);
        name
    }

    /// Puts what `source` plays behind what `channel` plays.
    fn fill(
        &mut self,
        channel: &mut Channel,
        ways: &mut Ways,
        source: usize,
        line: usize,
        depth: usize,
    ) {
        self.looked += 1;
        if depth > DEPTH_MAX || self.looked > SOURCES_MAX {
            return self.leave(line, line, "sources are nested too deep");
        }
        match self.sources[source].clone() {
            Source::Crossfade { of, times_s } => {
                if channel.crossfade.is_some_and(|other| other != times_s) {
                    self.leave(line, line, "a second crossfade; a channel has one");
                }
                channel.crossfade.get_or_insert(times_s);
                self.fill(channel, ways, of, line, depth + 1);
            }
            Source::Effect(of, Effect::Insert(insert), line) => {
                ways.present.push((insert, line));
                self.fill(channel, ways, of, line, depth + 1);
                ways.present.pop();
            }
            Source::Effect(of, effect, line) => {
                self.put(channel, effect, line);
                self.fill(channel, ways, of, line, depth + 1);
            }
            Source::Fallback(sources) => {
                for source in sources {
                    self.fill(channel, ways, source, line, depth + 1);
                }
            }
            Source::Playlist(number) => {
                ways.end();
                channel.plays(&self.meaning.playlists[number].id);
            }
            Source::Live(number) => {
                ways.end();
                channel.plays(&self.meaning.inputs[number].id);
            }
            Source::Queue(number) => {
                ways.end();
                channel.plays(&self.meaning.queues[number].id);
            }
            Source::Rotation(number) => {
                ways.end();
                channel.plays(&self.meaning.rotations[number].id);
            }
            Source::File(path) => {
                channel.emergency.get_or_insert(Emergency::File(path));
            }
            // A tone further down is not heard in Liquidsoap, but this says what is wanted.
            Source::Silence => {
                channel.emergency.get_or_insert(Emergency::Silence);
            }
            Source::Signal(signal) => channel.emergency = Some(Emergency::Signal(signal)),
        }
    }

    /// Lets `channel` go through what all of its sources go through behind each other. What is
    /// done to some of them alone has no place here.
    fn go_through(&mut self, channel: &mut Channel, ways: &Ways) {
        let Some((first, others)) = ways.all.split_first() else { return };
        let is_common = |at: &usize| {
            let same = |way: &Vec<(Insert, usize)>| {
                way.get(*at).is_some_and(|(insert, _)| *insert == first[*at].0)
            };
            others.iter().all(same)
        };
        let common = (0..first.len()).take_while(is_common).count();
        for way in &ways.all {
            for (insert, line) in &way[common..] {
                let name = insert.effect.name();
                let why = format!(
                    "a {name} of one source alone; what a channel has is for all that it plays"
                );
                self.leave(*line, *line, why);
            }
        }
        for (insert, line) in first[..common].iter().rev() {
            let last = channel.inserts.last_mut();
            if last.is_some_and(|(last, _)| last.takes_in(insert)) {
                continue;
            }
            if channel.effects.len() + channel.inserts.len() >= EFFECTS_MAX {
                let why = format!("one effect too many; a channel has {EFFECTS_MAX} at most");
                self.leave(*line, *line, why);
                continue;
            }
            channel.inserts.push((insert.clone(), *line));
        }
        self.name_inserts(channel);
    }

    /// Gives the effects of `channel` names that no other has, as the configuration will, and says
    /// by which of them its parameters are turned.
    fn name_inserts(&mut self, channel: &mut Channel) {
        let mut taken: Vec<String> = Vec::new();
        for (insert, _) in &mut channel.inserts {
            let usual = insert.effect.name();
            let wanted = insert.id.clone().unwrap_or_else(|| usual.to_owned());
            let numbered = (2..).map(|number| format!("{wanted}-{number}"));
            let mut names = std::iter::once(wanted.clone()).chain(numbered);
            let is_free = |name: &String| !taken.contains(&folded(name));
            let name = names.find(is_free).expect("numbers have no end");
            taken.push(folded(&name));
            insert.id = insert.id.is_some().then(|| name.clone());
        }
        for (at, (insert, line)) in channel.inserts.clone().into_iter().enumerate() {
            let name = insert.id.clone().unwrap_or_else(|| taken[at].clone());
            for turned in &insert.turned {
                let dial = turned.dial();
                let unit = insert.unit(&dial).map(|unit| format!(", in {unit}"));
                let (what, unit) = (&turned.name, unit.unwrap_or_default());
                self.remark(format!(
                    "line {line}: {what} is taken as it is at first; var.set {name}.{dial} \
                     changes it{unit}"
                ));
            }
        }
    }
}
