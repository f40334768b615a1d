//! Reads `[outputs.format]`: as what a channel is sent.

use super::values::{choice, one_of, within};
use crate::config::{BITRATE_KBPS, QUALITY};
use crate::encode::aac::{Aac, Profile};
use crate::encode::flac::{self, Container, Depth, Flac};
use crate::encode::mp3::{Mp3, QUALITY_MAX, bitrates_kbps};
use crate::encode::opus::{self, Opus};
use crate::encode::{Channels, Format, Titles};
use common::config::Section;

/// The format of an output whose channel has so many sample frames per second.
pub(super) fn read(section: &mut Section<'_>, rate_hz: u32) -> Format {
    let codecs =
        [("aac", Codec::Aac), ("flac", Codec::Flac), ("mp3", Codec::Mp3), ("opus", Codec::Opus)];
    match choice(section, "codec", &codecs).unwrap_or(Codec::Mp3) {
        Codec::Aac => aac(section, rate_hz),
        Codec::Flac => flac(section, rate_hz),
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

fn flac(section: &mut Section<'_>, rate_hz: u32) -> Format {
    let rate_hz = sample_rate(section, &flac::RATES_HZ, rate_hz);
    let depth = match one_of(section, "bits", &[16, 24], 16) {
        24 => Depth::Bits24,
        _ => Depth::Bits16,
    };
    let is_native = choice(section, "container", &[("native", true), ("ogg", false)]);
    let container = match is_native {
        Some(true) => Container::Native,
        None | Some(false) => Container::Ogg(titles(section)),
    };
    Format::Flac(Flac { rate_hz, channels: channels(section), depth, container })
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

/// An output's own sample rate, or else its channel's, either of which must be one of `allowed`.
fn sample_rate(section: &mut Section<'_>, allowed: &[u32], rate_hz: u32) -> u32 {
    let own_hz = one_of(section, "sample_rate", allowed, rate_hz);
    if !allowed.contains(&rate_hz) && own_hz == rate_hz {
        let all: Vec<_> = allowed.iter().map(u32::to_string).collect();
        let what = format_args!("{rate_hz} is none of {}; give the output one", all.join(", "));
        section.wrong("sample_rate", what);
    }
    own_hz
}

/// How many channels an output has.
fn channels(section: &mut Section<'_>) -> Channels {
    match one_of(section, "channels", &[1, 2], 2) {
        1 => Channels::Mono,
        _ => Channels::Stereo,
    }
}

#[derive(Clone, Copy)]
enum Codec {
    Aac,
    Flac,
    Mp3,
    Opus,
}
