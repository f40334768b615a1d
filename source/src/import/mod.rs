//! Liquidsoap scripts of playlist stations, turned into a configuration.
//!
//! A script is a programme in a language; what it *means* for a station can be found as long as it
//! is written as stations write it: playlists, fallbacks, a crossfade, outputs. The result is a
//! `station.toml` that says the same, with the names by which Liquidsoap's commands call playlists
//! and outputs. What is not understood stands in it as a comment, with its lines and the reason.
//! Pure: text in, text out.

mod lexer;
mod meaning;
mod tree;

use crate::mix::signal::{Signal, Wave};
use meaning::{Channel, Effect, Emergency, Input, Meaning, Output, Rotation, Rules};
use std::fmt::Write as _;

/// What comes of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The configuration.
    pub toml: String,
    /// What is not in it, one line each: `line 12: what`.
    pub left: Vec<String>,
}

/// Turns `script` into a configuration.
pub fn import(script: &str) -> Imported {
    let meaning = meaning::meaning(&tree::sentences(script));
    let mut toml = String::from("# Taken over from a Liquidsoap script.\n");
    for remark in &meaning.remarks {
        line(&mut toml, format_args!("# Note: {remark}."));
    }
    station(&mut toml, &meaning);
    for playlist in &meaning.playlists {
        line(&mut toml, format_args!("\n[playlists.{}]", key(&playlist.id)));
        line(&mut toml, format_args!("path = {}", text(&playlist.path)));
        line(&mut toml, format_args!("order = \"{}\"", playlist.order));
        line(&mut toml, format_args!("reload = {}", text(&playlist.reload)));
        rules(&mut toml, &playlist.rules);
    }
    for queue in &meaning.queues {
        line(&mut toml, format_args!("\n[queues.{}]", key(&queue.id)));
        rules(&mut toml, &queue.rules);
    }
    for it in &meaning.inputs {
        input(&mut toml, it);
    }
    for it in &meaning.rotations {
        rotation(&mut toml, it);
    }
    for it in &meaning.channels {
        channel(&mut toml, it, meaning.sample_rate);
    }
    for it in &meaning.outputs {
        output(&mut toml, it);
    }
    if meaning.telnet.is_on {
        let host = meaning.telnet.host.as_deref().unwrap_or("127.0.0.1");
        let port = meaning.telnet.port.unwrap_or(1_234);
        line(&mut toml, format_args!("\n[control]\ntelnet = {}", text(&format!("{host}:{port}"))));
    }
    let left = left(&mut toml, &meaning, script);
    Imported { toml, left }
}

fn station(toml: &mut String, meaning: &Meaning) {
    line(toml, format_args!("\n[station]"));
    let Some(first) = meaning.outputs.first() else { return };
    for (key, value) in &first.texts {
        line(toml, format_args!("{key} = {}", text(value)));
    }
    if let Some(charset) = &meaning.tag_charset {
        line(toml, format_args!("tag_charset = {}", text(charset)));
    }
    // Liquidsoap lists a stream unless it is told not to.
    line(toml, format_args!("public = {}", first.public.unwrap_or(true)));
}

fn input(toml: &mut String, input: &Input) {
    line(toml, format_args!("\n[inputs.{}]", key(&input.id)));
    for (key, value) in &input.keys {
        line(toml, format_args!("{key} = {}", text(value)));
    }
    // Here it comes in at once unless that is said.
    if !input.rules.is_hard {
        line(toml, format_args!("start = \"soft\""));
    }
    rules(toml, &Rules { is_hard: false, ..input.rules.clone() });
}

fn rotation(toml: &mut String, rotation: &Rotation) {
    line(toml, format_args!("\n[rotations.{}]", key(&rotation.id)));
    let play: Vec<_> = rotation.play.iter().map(|(id, _)| text(id)).collect();
    line(toml, format_args!("play = [{}]", play.join(", ")));
    let weights: Vec<_> = rotation.play.iter().map(|(_, weight)| weight.to_string()).collect();
    line(toml, format_args!("weights = [{}]", weights.join(", ")));
    let order = if rotation.is_random { "random" } else { "turns" };
    line(toml, format_args!("order = \"{order}\""));
    rules(toml, &rotation.rules);
}

fn rules(toml: &mut String, rules: &Rules) {
    for (key, texts) in [("when", &rules.when), ("at", &rules.at)] {
        if !texts.is_empty() {
            let texts: Vec<_> = texts.iter().map(|it| text(it)).collect();
            line(toml, format_args!("{key} = [{}]", texts.join(", ")));
        }
    }
    if let Some(every) = &rules.every {
        line(toml, format_args!("every = {}", text(every)));
    }
    if rules.is_hard {
        line(toml, format_args!("start = \"hard\""));
    }
    if rules.returns {
        line(toml, format_args!("interrupted = \"returns\""));
    }
}

fn channel(toml: &mut String, channel: &Channel, sample_rate: Option<f64>) {
    line(toml, format_args!("\n[channels.{}]", key(&channel.name)));
    let play: Vec<_> = channel.play.iter().map(|id| text(id)).collect();
    line(toml, format_args!("play = [{}]", play.join(", ")));
    emergency(toml, channel.emergency.as_ref());
    if let Some([duration, fade_in, fade_out]) = channel.crossfade {
        let (fade_in, fade_out) = (fade_in.min(duration), fade_out.min(duration));
        line(
            toml,
            format_args!(
                "crossfade = {{ duration = \"{}\", fade_in = \"{}\", fade_out = \"{}\" }}",
                seconds(duration),
                seconds(fade_in),
                seconds(fade_out)
            ),
        );
    }
    if let Some(rate) = sample_rate {
        line(toml, format_args!("sample_rate = {rate}"));
    }
    let inserts = channel.inserts.iter().map(|(insert, _)| insert.keys());
    // What is done to tracks stands before what is done to the programme.
    for keys in channel.effects.iter().map(Effect::keys).chain(inserts) {
        line(toml, format_args!("\n[[channels.{}.sound]]", key(&channel.name)));
        for (name, value) in keys {
            line(toml, format_args!("{name} = {value}"));
        }
    }
}

fn emergency(toml: &mut String, emergency: Option<&Emergency>) {
    match emergency {
        None | Some(Emergency::Silence) => line(toml, format_args!("emergency = \"silence\"")),
        Some(Emergency::File(path)) => line(toml, format_args!("emergency = {}", text(path))),
        Some(Emergency::Signal(signal)) => {
            let waves = Wave::ALL.into_iter().filter(|(_, wave)| *wave == signal.wave);
            let name: String = waves.map(|(name, _)| name).collect();
            let usual = Signal::default();
            let name = if signal.wave == usual.wave { "tone" } else { &name };
            line(toml, format_args!("emergency = \"{name}\""));
            if signal.pitch_hz != usual.pitch_hz {
                line(toml, format_args!("emergency_frequency = {}", signal.pitch_hz));
            }
            if signal.level_db != usual.level_db {
                line(toml, format_args!("emergency_level_db = {}", signal.level_db));
            }
        }
    }
}

fn output(toml: &mut String, output: &Output) {
    line(toml, format_args!("\n[[outputs]]\nid = {}", text(&output.id)));
    line(toml, format_args!("channel = {}", text(&output.channel)));
    let coded = |part: &str| match part.starts_with("${") {
        true => part.to_owned(),
        false => common::http::percent::encode(part.as_bytes()),
    };
    let (user, password) = (coded(&output.user), coded(&output.password));
    let mount = output.mount.trim_start_matches('/');
    let scheme = if output.is_secure { "https" } else { "http" };
    let url = format!("{scheme}://{user}:{password}@{}:{}/{mount}", output.host, output.port);
    line(toml, format_args!("url = {}", text(&url)));
    for (key, value) in output.texts.iter().filter(|(key, _)| *key != "url") {
        line(toml, format_args!("{key} = {}", text(value)));
    }
    line(toml, format_args!("public = {}", output.public.unwrap_or(true)));
    if output.method.as_deref() == Some("put") {
        line(toml, format_args!("method = \"put\""));
    }
    if let Some(charset) = &output.charset {
        line(toml, format_args!("charset = {}", text(charset)));
    }
    let format: Vec<_> =
        output.format.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    line(toml, format_args!("format = {{ {} }}", format.join(", ")));
}

/// Notes what is left over, with the script's own lines.
fn left(toml: &mut String, meaning: &Meaning, script: &str) -> Vec<String> {
    let lines: Vec<&str> = script.lines().collect();
    let mut said = Vec::new();
    for left in &meaning.left {
        let place = match left.last - left.first {
            0 => format!("line {}", left.first),
            _ => format!("lines {} to {}", left.first, left.last),
        };
        line(toml, format_args!("\n# Not taken over, {place}: {}.", left.why));
        for text in lines.iter().take(left.last).skip(left.first.saturating_sub(1)) {
            let shown: String = text.chars().filter(|c| !c.is_control()).collect();
            line(toml, format_args!("#   {shown}"));
        }
        said.push(format!("{place}: {}", left.why));
    }
    said
}

fn line(toml: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(toml, "{line}").expect("a String takes all that is written to it");
}

/// A key of TOML, in quotes where it needs them.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { text(name) }
}

/// A text of TOML.
fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn seconds(seconds: f64) -> String {
    format!("{}ms", (seconds * 1_000.0).round()).replace("000ms", "s")
}

#[cfg(test)]
mod tests;
