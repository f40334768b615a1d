//! Reads `[[outputs]]`: where a channel is sent, and what listeners are told there.

use super::about;
use super::formats;
use super::values::{Names, called, choice, none_of};
use crate::config::charset::Charset;
use crate::config::{Address, ChannelConfig, Identity, Method, Output, RATE_HZ};
use crate::encode::flac::{Container, Flac};
use crate::encode::{Format, Titles, splice};
use crate::mix::crossfade::Mode;
use crate::treatment::levelling::Levelling;
use common::config::Section;
use std::time::Duration;

/// Every output of the file.
pub(super) fn read(
    top: &mut Section<'_>,
    channels: &[ChannelConfig],
    identity: &Identity,
    names: &mut Names,
) -> Vec<Output> {
    let mut count = 0;
    let outputs = top.list("outputs", |section| {
        count += 1;
        output(section, channels, identity, names)
    });
    if count == 0 {
        top.wrong("outputs", "missing; write [[outputs]] with a url");
    }
    outputs.into_iter().flatten().collect()
}

fn output(
    section: &mut Section<'_>,
    channels: &[ChannelConfig],
    identity: &Identity,
    names: &mut Names,
) -> Option<Output> {
    let channel = channel(section, channels);
    let rate_hz = channel.map_or(RATE_HZ, |channel| channel.rate_hz);
    let (format, passthrough) = section.section("format", |section| {
        let format = formats::read(section, rate_hz);
        (format, passthrough(section, &format, channel))
    });
    let method = choice(section, "method", &[("put", Method::Put), ("source", Method::Source)]);
    let identity = about(section, identity);
    let charset = charset(section);
    let address = section.required::<String>("url").map(|url| Address::parse(&url));
    let id = id(section, address.as_ref().and_then(|address| address.as_ref().ok()), names);
    let aliases = names.aliases(section, &called("output", &id));
    match address? {
        Ok(address) => Some(Output {
            id,
            aliases,
            channel: channel?.name.clone(),
            address,
            method: method.unwrap_or_default(),
            format,
            passthrough,
            identity,
            charset,
        }),
        Err(error) => {
            section.wrong("url", error);
            None
        }
    }
}

/// Whether files pass through untouched where they can, which has to be possible at all.
fn passthrough(
    section: &mut Section<'_>,
    format: &Format,
    channel: Option<&ChannelConfig>,
) -> bool {
    let is_wanted = section.value("passthrough").unwrap_or(false);
    let obstacle = channel.and_then(never_untouched).or_else(|| never_passes(format));
    if let Some(obstacle) = obstacle.filter(|_| is_wanted) {
        section.wrong("passthrough", obstacle);
    }
    is_wanted
}

/// Why no track of `channel` is ever heard untouched, if that is so.
fn never_untouched(channel: &ChannelConfig) -> Option<String> {
    let ChannelConfig { name, crossfade, treatment, sound, .. } = channel;
    if crossfade.duration > Duration::ZERO || crossfade.mode == Mode::Smart {
        return Some(format!("nothing passes where tracks are crossfaded; channel {name} does so"));
    }
    let is_changed = !sound.0.is_empty() || treatment.levelling != Levelling::AsIs;
    let what = "nothing passes that goes through effects or is made as loud as others";
    is_changed.then(|| format!("{what}; channel {name} does so"))
}

/// Why no file passes in `format`, if that is so.
fn never_passes(format: &Format) -> Option<String> {
    let what = match format {
        Format::Aac(_) | Format::Mp3(_) => splice::never_passes(format)?,
        Format::Flac(Flac { container: Container::Native, .. }) => {
            "FLAC without Ogg is always encoded; files pass with container = \"ogg\""
        }
        Format::Flac(_) | Format::Opus(_) | Format::Vorbis(_) => {
            let is_one_stream = format.titles() == Titles::Aside;
            is_one_stream.then_some(
                "each file that passes is a stream of its own, so it wants titles = \"stream\"",
            )?
        }
    };
    Some(what.to_owned())
}

/// How titles are written; in UTF-8 if it does not say.
fn charset(section: &mut Section<'_>) -> Charset {
    let Some(label) = section.value::<String>("charset") else { return Charset::default() };
    Charset::named(&label).unwrap_or_else(|| {
        let what = "write UTF-8, ISO-8859-1, windows-1251 or the like";
        section.wrong("charset", format_args!("`{label}` is none that can be written; {what}"));
        Charset::default()
    })
}

/// The channel that an output names; the only one if it names none.
fn channel<'c>(
    section: &mut Section<'_>,
    channels: &'c [ChannelConfig],
) -> Option<&'c ChannelConfig> {
    let known: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    let Some(name) = section.value::<String>("channel") else {
        if let [only] = channels {
            return Some(only);
        }
        section.wrong("channel", format_args!("missing; it is one of {}", known.join(", ")));
        return None;
    };
    let found = channels.iter().find(|channel| channel.name == name);
    if found.is_none() {
        section.wrong("channel", none_of(&name, &known));
    }
    found
}

/// What commands call the output: what it says, or else its mount, numbered if that is taken.
fn id(section: &mut Section<'_>, address: Option<&Address>, names: &mut Names) -> String {
    if let Some(id) = section.value::<String>("id") {
        if let Err(what) = names.claim(&id, &called("output", &id)) {
            section.wrong("id", what);
        }
        return id;
    }
    let Some(address) = address else { return String::new() };
    let plain = address.id();
    let mut id = plain.clone();
    for number in 1_u32.. {
        if names.is_free(&id) {
            break;
        }
        id = format!("{plain}.{number}");
    }
    if let Err(what) = names.claim(&id, &called("output", &id)) {
        section.wrong("url", format_args!("{what}, by id"));
    }
    id
}
