//! Reads `[[outputs]]`: where a channel is sent, as what, and what listeners are told there.

use super::about;
use super::values::{Names, called, choice, none_of, one_of, within};
use crate::config::{
    Address, BITRATE_KBPS, ChannelConfig, Identity, Method, Output, QUALITY, RATE_HZ,
};
use crate::encode::aac::{Aac, Profile};
use crate::encode::mp3::{Mp3, QUALITY_MAX, bitrates_kbps};
use crate::encode::opus::{self, Opus};
use crate::encode::{Format, Titles};
use common::config::Section;

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
    let format = section.section("format", |section| format(section, rate_hz));
    let method = choice(section, "method", &[("put", Method::Put), ("source", Method::Source)]);
    let identity = about(section, identity);
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
            identity,
        }),
        Err(error) => {
            section.wrong("url", error);
            None
        }
    }
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

fn format(section: &mut Section<'_>, rate_hz: u32) -> Format {
    let codecs: &[(&str, Codec)] =
        &[("aac", Codec::Aac), ("mp3", Codec::Mp3), ("opus", Codec::Opus)];
    match choice(section, "codec", codecs).unwrap_or(Codec::Mp3) {
        Codec::Aac => aac(section, rate_hz),
        Codec::Mp3 => mp3(section, rate_hz),
        Codec::Opus => opus(section),
    }
}

fn aac(section: &mut Section<'_>, rate_hz: u32) -> Format {
    if !cfg!(feature = "aac") {
        section.wrong("codec", "this program was built without AAC; build it with --features aac");
    }
    let profiles =
        [Profile::He, Profile::HeV2, Profile::Lc].map(|profile| (profile.name(), profile));
    let profile = choice(section, "profile", &profiles).unwrap_or_default();
    if !profile.rates_hz().contains(&rate_hz) {
        let all: Vec<_> = profile.rates_hz().iter().map(u32::to_string).collect();
        let what = "has no sample rate of";
        section.wrong("profile", format_args!("{what} {rate_hz} Hz; it has {}", all.join(", ")));
    }
    let bitrate_kbps =
        within(section, "bitrate", profile.bitrates_kbps(rate_hz), profile.usual_kbps());
    Format::Aac(Aac { rate_hz, bitrate_kbps, profile })
}

fn mp3(section: &mut Section<'_>, rate_hz: u32) -> Format {
    let allowed = bitrates_kbps(rate_hz);
    let usual = allowed.iter().copied().filter(|&kbps| kbps <= BITRATE_KBPS).max();
    let bitrate_kbps = one_of(section, "bitrate", allowed, usual.unwrap_or(BITRATE_KBPS));
    let qualities: Vec<u32> = (0..=u32::from(QUALITY_MAX)).collect();
    let quality = one_of(section, "quality", &qualities, QUALITY.into());
    Format::Mp3(Mp3 { rate_hz, bitrate_kbps, quality: quality.try_into().unwrap_or(QUALITY) })
}

fn opus(section: &mut Section<'_>) -> Format {
    let bitrate_kbps = within(section, "bitrate", opus::BITRATES_KBPS, opus::USUAL_KBPS);
    Format::Opus(Opus { bitrate_kbps, titles: titles(section) })
}

/// How listeners of an Ogg stream learn the titles.
fn titles(section: &mut Section<'_>) -> Titles {
    let choices = [("admin", Titles::Aside), ("stream", Titles::InStream)];
    choice(section, "titles", &choices).unwrap_or_default()
}

#[derive(Clone, Copy)]
enum Codec {
    Aac,
    Mp3,
    Opus,
}
