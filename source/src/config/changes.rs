//! What a changed configuration means for a station that runs.
//!
//! Two configurations in; out comes what is to run from now on, and a line for each thing that
//! changes. What cannot change while it runs stays as it was, and its line says that it needs a
//! restart. Pure.

use crate::config::{ChannelConfig, Config, Output};

/// What a changed configuration means.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// What is to run from now on: what was asked for, but for what needs a restart.
    pub config: Config,
    /// What changes, and what would have if the station were restarted; a line each.
    pub lines: Vec<String>,
}

/// What it means for a station that runs by `old` to be asked to run by `new`.
pub fn changes(old: &Config, new: Config) -> Changes {
    let mut config = new;
    let mut lines = Vec::new();
    if config.control != old.control {
        lines.push("[control]: needs a restart".to_owned());
        config.control = old.control.clone();
    }
    if config.state != old.state {
        lines.push("[station]: another `state` needs a restart".to_owned());
        config.state.clone_from(&old.state);
    }
    if config.trust != old.trust {
        lines.push("[station]: another `trust` needs a restart".to_owned());
        config.trust.clone_from(&old.trust);
    }
    if config.inputs != old.inputs {
        lines.push("[inputs]: needs a restart".to_owned());
        config.inputs.clone_from(&old.inputs);
    }
    keep_rates(old, &mut config, &mut lines);
    if config.identity != old.identity {
        lines.push("[station]: changed".to_owned());
    }
    named("playlist", &old.playlists, &config.playlists, |it| &it.name, &mut lines);
    named("queue", &old.queues, &config.queues, |it| &it.name, &mut lines);
    named("rotation", &old.rotations, &config.rotations, |it| &it.name, &mut lines);
    channels(old, &config, &mut lines);
    outputs(old, &config, &mut lines);
    Changes { config, lines }
}

/// Leaves a channel whose sample rate has changed as it was, and its outputs with it.
fn keep_rates(old: &Config, new: &mut Config, lines: &mut Vec<String>) {
    for channel in &mut new.channels {
        let Some(was) = old.channels.iter().find(|it| it.name == channel.name) else { continue };
        if was.rate_hz == channel.rate_hz {
            continue;
        }
        lines.push(format!(
            "channel {}: sample_rate needs a restart; until then it and its outputs stay as they \
             were",
            channel.name
        ));
        channel.rate_hz = was.rate_hz;
        new.outputs.retain(|output| output.channel != channel.name);
        let own = old.outputs.iter().filter(|output| output.channel == channel.name);
        new.outputs.extend(own.cloned());
    }
}

fn channels(old: &Config, new: &Config, lines: &mut Vec<String>) {
    for channel in &new.channels {
        let name = &channel.name;
        let Some(was) = old.channels.iter().find(|it| it.name == *name) else {
            lines.push(format!("channel {name}: added"));
            continue;
        };
        if was.play != channel.play {
            lines.push(format!("channel {name}: plays {} now", channel.play.join(", ")));
        }
        for (key, changed) in settings(was, channel) {
            if changed {
                lines.push(format!("channel {name}: {key} changed"));
            }
        }
    }
    for was in &old.channels {
        if new.channels.iter().all(|it| it.name != was.name) {
            lines.push(format!("channel {}: removed", was.name));
        }
    }
}

/// The settings of a channel that it takes over as it plays, and whether they have changed.
fn settings(was: &ChannelConfig, is: &ChannelConfig) -> [(&'static str, bool); 5] {
    [
        ("blank", was.blanks != is.blanks),
        ("crossfade", was.crossfade != is.crossfade),
        ("emergency", was.emergency != is.emergency),
        ("sound", was.sound != is.sound),
        ("what is done to its tracks", was.treatment != is.treatment),
    ]
}

fn outputs(old: &Config, new: &Config, lines: &mut Vec<String>) {
    for output in &new.outputs {
        let id = &output.id;
        match old.outputs.iter().find(|it| it.id == *id) {
            None => lines.push(format!("output {id}: added")),
            Some(was) if was == output => {}
            Some(was) if !is_same_stream(was, output) => {
                lines.push(format!("output {id}: changed; it connects anew"));
            }
            Some(was) if Output { aliases: was.aliases.clone(), ..output.clone() } == *was => {
                lines.push(format!("output {id}: its aliases changed"));
            }
            Some(_) => lines
                .push(format!("output {id}: changed; the server is told at the next connection")),
        }
    }
    for was in &old.outputs {
        if new.outputs.iter().all(|it| it.id != was.id) {
            lines.push(format!("output {}: removed", was.id));
        }
    }
}

/// Whether an output goes on with its connection when it is configured as `is` instead of `was`.
pub fn is_same_stream(was: &Output, is: &Output) -> bool {
    let place = |output: &Output| (output.address.server.clone(), output.address.mount.clone());
    was.channel == is.channel && was.encoding() == is.encoding() && place(was) == place(is)
}

/// Whether the channel called `channel` plays the same things in the same way by `was` and by `is`.
pub fn plays_the_same(was: &Config, is: &Config, channel: &str) -> bool {
    let what = |config: &Config| {
        let channel = config.channels.iter().find(|it| it.name == channel)?;
        let names = config.played_by(channel);
        let named = |name: &String| names.contains(name);
        let mut playlists: Vec<_> =
            config.playlists.iter().filter(|it| named(&it.name)).cloned().collect();
        let mut queues: Vec<_> =
            config.queues.iter().filter(|it| named(&it.name)).cloned().collect();
        let rotations: Vec<_> =
            config.rotations.iter().filter(|it| named(&it.name)).cloned().collect();
        playlists.iter_mut().for_each(|it| it.aliases.clear());
        queues.iter_mut().for_each(|it| it.aliases.clear());
        Some((channel.play.clone(), playlists, queues, rotations))
    };
    what(was) == what(is)
}

/// Says which of the things of one `kind` are new, changed or gone, by their names.
fn named<T: PartialEq>(
    kind: &str,
    old: &[T],
    new: &[T],
    name: fn(&T) -> &str,
    lines: &mut Vec<String>,
) {
    for is in new {
        match old.iter().find(|was| name(was) == name(is)) {
            None => lines.push(format!("{kind} {}: added", name(is))),
            Some(was) if was != is => lines.push(format!("{kind} {}: changed", name(is))),
            Some(_) => {}
        }
    }
    let is_gone = |was: &&T| new.iter().all(|is| name(is) != name(was));
    lines.extend(old.iter().filter(is_gone).map(|was| format!("{kind} {}: removed", name(was))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::parse;
    use std::path::Path;

    #[test]
    fn the_same_configuration_changes_nothing() {
        assert_eq!(lines(STATION, STATION), [""; 0]);
    }

    #[test]
    fn each_thing_that_changes_has_a_line() {
        let new = STATION
            .replace("order = 'normal'", "order = 'shuffle'")
            .replace("play = ['a', 'b']", "play = ['b']")
            .replace("emergency = 'tone'", "emergency = 'silence'\ncrossfade.duration = '1s'")
            .replace("[playlists.b]", "[playlists.c]\npath = 'c'\n[playlists.b]")
            .replace("/x.mp3'", "/y.mp3'\nid = 'x.mp3'")
            .replace("name = 'Old'", "name = 'New'");

        assert_eq!(
            lines(STATION, &new),
            [
                "[station]: changed",
                "playlist a: changed",
                "playlist c: added",
                "channel one: plays b now",
                "channel one: crossfade changed",
                "channel one: emergency changed",
                "output x.mp3: changed; it connects anew",
                "output z.mp3: changed; the server is told at the next connection",
            ]
        );
    }

    #[test]
    fn what_comes_and_goes_is_named() {
        let new = STATION.replace("[channels.two]", "[channels.three]").replace("two'", "three'");

        assert_eq!(
            lines(STATION, &new),
            [
                "channel three: added",
                "channel two: removed",
                "output z.mp3: changed; it connects anew"
            ]
        );
        assert_eq!(
            lines(&new.replace("/z.mp3", "/w.mp3"), &new),
            ["output z.mp3: added", "output w.mp3: removed"]
        );
    }

    #[test]
    fn what_cannot_change_while_it_runs_stays_as_it_was_and_is_named() {
        let new = STATION
            .replace("emergency = 'tone'", "sample_rate = 48000")
            .replace("control.telnet = 1234", "control.telnet = 4321");
        let (old, new) = (parsed(STATION), parsed(&new));

        let Changes { config, lines } = changes(&old, new);

        assert_eq!(
            lines,
            [
                "[control]: needs a restart",
                "channel one: sample_rate needs a restart; until then it and its outputs stay as \
                 they were"
            ]
        );
        assert_eq!(config.control, old.control);
        assert_eq!(config.channels, old.channels);
        assert_eq!(config.outputs.len(), old.outputs.len());
        assert!(old.outputs.iter().all(|output| config.outputs.contains(output)));
    }

    fn lines(old: &str, new: &str) -> Vec<String> {
        changes(&parsed(old), parsed(new)).lines
    }

    fn parsed(text: &str) -> Config {
        parse(Path::new("station.toml"), text).unwrap()
    }

    const STATION: &str = "
control.telnet = 1234
[station]
name = 'Old'
[playlists.a]
path = 'a'
order = 'normal'
[playlists.b]
path = 'b'
[channels.one]
play = ['a', 'b']
emergency = 'tone'
[channels.two]
play = ['b']
[[outputs]]
channel = 'one'
url = 'http://source:x@host/x.mp3'
name = 'X'
[[outputs]]
channel = 'two'
url = 'http://source:x@host/z.mp3'
";
}
