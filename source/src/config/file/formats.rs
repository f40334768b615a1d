//! Reads `[outputs.format]`: as what a channel is sent.

use super::values::{choice, one_of, within};
use crate::config::{BITRATE_KBPS, QUALITY};
use crate::encode::aac::{Aac, Profile};
use crate::encode::flac::{self, Container, Depth, Flac};
use crate::encode::mp3::{self, Bits, Mp3, QUALITY_MAX, Sides, bitrates_kbps};
use crate::encode::opus::{self, Opus};
use crate::encode::vorbis::{self, Aim, Vorbis};
use crate::encode::{Channels, Format, Titles};
use common::config::Section;

/// The format of an output whose channel has so many sample frames per second.
pub(super) fn read(section: &mut Section<'_>, rate_hz: u32) -> Format {
    let codecs = [
        ("aac", Codec::Aac),
        ("flac", Codec::Flac),
        ("mp3", Codec::Mp3),
        ("opus", Codec::Opus),
        ("vorbis", Codec::Vorbis),
    ];
    match choice(section, "codec", &codecs).unwrap_or(Codec::Mp3) {
        Codec::Aac => aac(section, rate_hz),
        Codec::Flac => flac(section, rate_hz),
        Codec::Mp3 => mp3(section, rate_hz),
        Codec::Opus => opus(section),
        Codec::Vorbis => vorbis(section, rate_hz),
    }
}

fn aac(section: &mut Section<'_>, rate_hz: u32) -> Format {
    if !cfg!(feature = "aac") {
        section.wrong("codec", "this program was built without AAC; build it with --features aac");
    }
    let profiles =
        [Profile::He, Profile::HeV2, Profile::Lc].map(|profile| (profile.name(), profile));
    let profile = choice(section, "profile", &profiles).unwrap_or_default();
    let rate_hz = sample_rate(section, profile.rates_hz(), rate_hz);
    let channels = match profile {
        Profile::He | Profile::Lc => channels(section),
        Profile::HeV2 => Channels::Stereo,
    };
    let (allowed, usual) = (profile.bitrates_kbps(rate_hz, channels), profile.usual_kbps(channels));
    let bitrate_kbps = within(section, "bitrate", allowed, usual);
    Format::Aac(Aac { rate_hz, channels, bitrate_kbps, profile })
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
    let rate_hz = sample_rate(section, &mp3::RATES_HZ, rate_hz);
    let sides = match channels(section) {
        Channels::Mono => Sides::Mono,
        Channels::Stereo => {
            let choices = [("joint", Sides::Joint), ("separate", Sides::Separate)];
            choice(section, "stereo", &choices).unwrap_or_default()
        }
    };
    let qualities: Vec<u32> = (0..=u32::from(QUALITY_MAX)).collect();
    let quality_of = |section: &mut Section<'_>, key, usual: u8| {
        u8::try_from(one_of(section, key, &qualities, usual.into())).unwrap_or(usual)
    };
    let modes = [("abr", Mode::Average), ("cbr", Mode::Constant), ("vbr", Mode::Variable)];
    let mode = choice(section, "mode", &modes).unwrap_or_else(|| {
        let is_variable = section.value::<u32>("vbr").is_some();
        if is_variable { Mode::Variable } else { Mode::Constant }
    });
    let kbps_of = |section: &mut Section<'_>| {
        let allowed = bitrates_kbps(rate_hz);
        let most = if sides == Sides::Mono { BITRATE_KBPS / 2 } else { BITRATE_KBPS };
        let usual = allowed.iter().copied().filter(|&kbps| kbps <= most).max();
        one_of(section, "bitrate", allowed, usual.unwrap_or(BITRATE_KBPS))
    };
    let bits = match mode {
        Mode::Average => Bits::Average(kbps_of(section)),
        Mode::Constant => Bits::Constant(kbps_of(section)),
        Mode::Variable => Bits::Variable(quality_of(section, "vbr", VBR)),
    };
    let quality = quality_of(section, "quality", QUALITY);
    Format::Mp3(Mp3 { rate_hz, sides, bits, quality })
}

fn opus(section: &mut Section<'_>) -> Format {
    let channels = channels(section);
    let usual = match channels {
        Channels::Mono => opus::USUAL_KBPS / 2,
        Channels::Stereo => opus::USUAL_KBPS,
    };
    let bitrate_kbps = within(section, "bitrate", opus::BITRATES_KBPS, usual);
    Format::Opus(Opus { channels, bitrate_kbps, titles: titles(section) })
}

fn vorbis(section: &mut Section<'_>, rate_hz: u32) -> Format {
    let rate_hz = sample_rate(section, &vorbis::RATES_HZ, rate_hz);
    let channels = channels(section);
    let allowed = vorbis::bitrates_kbps(rate_hz, channels);
    let aim = if section.value::<u32>("bitrate").is_some() {
        let usual = *allowed.end();
        Aim::Bitrate(within(section, "bitrate", allowed, usual))
    } else {
        let usual = u32::from(vorbis::USUAL_QUALITY);
        let quality = within(section, "quality", 0..=vorbis::QUALITY_MAX.into(), usual);
        Aim::Quality(quality.try_into().unwrap_or(vorbis::USUAL_QUALITY))
    };
    Format::Vorbis(Vorbis { rate_hz, channels, aim, titles: titles(section) })
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
    Vorbis,
}

/// How the bits of MP3 are shared out.
#[derive(Clone, Copy)]
enum Mode {
    Average,
    Constant,
    Variable,
}

/// The quality of a variable bit rate that is taken if none is asked for.
const VBR: u8 = 4;
