//! Formats of outputs: `%mp3(…)` and its like.
//!
//! They are said in the words of our configuration, as far as they are not what is usual here. What
//! a format of theirs can be told and ours cannot is named with its line.

use super::{Given, Reader, Value, whole};
use crate::encode::aac::Profile;
use crate::encode::{Channels, mp3, opus, vorbis};
use crate::import::tree::{Argument, Expr, Kind};
use std::fmt;

/// The keys of `[outputs.format]`, with their values as they are written.
pub(in crate::import) type Format = Vec<(&'static str, String)>;

impl Reader {
    /// The format that the first encoder among `arguments` means; none if that is not understood.
    pub(super) fn format(&mut self, arguments: &[Argument]) -> Option<Format> {
        let (expr, name, own) = encoders(arguments).next()?;
        let mut encoder = Encoder::new(self, expr.line, name, own);
        let is_understood = match name {
            "mp3" | "mp3.abr" | "mp3.cbr" | "mp3.vbr" | "shine" => encoder.mp3(),
            "fdkaac" => encoder.fdkaac(),
            "aac" => encoder.aac("bitrate"),
            "opus" | "opus.abr" | "opus.cbr" | "opus.vbr" => encoder.opus(),
            "vorbis" | "vorbis.abr" | "vorbis.cbr" => encoder.vorbis(),
            "flac" => encoder.flac(Container::Native),
            "ogg" => return self.in_ogg(own),
            "ffmpeg" => return self.ffmpeg(&encoder, own),
            _ => false,
        };
        is_understood.then(|| self.said(encoder))
    }

    /// `%ogg(…)`: what is in it. FLAC is by itself only where it stands alone.
    fn in_ogg(&mut self, arguments: &[Argument]) -> Option<Format> {
        let mut format = self.format(arguments)?;
        format.retain(|(key, _)| *key != "container");
        Some(format)
    }

    /// `%ffmpeg(format = "…", %audio(…))`.
    fn ffmpeg(&mut self, outer: &Encoder, arguments: &[Argument]) -> Option<Format> {
        let container = outer.given.text("format").unwrap_or_default().to_owned();
        let mut audio = encoders(arguments).filter(|(_, name, _)| name.starts_with("audio"));
        let (expr, name, own) = audio.next()?;
        let mut encoder = Encoder::new(self, expr.line, name, own);
        let codec = encoder.text("codec")?;
        let is_understood = match (container.as_str(), codec.as_str()) {
            ("adts" | "aac", "aac" | "libfdk_aac") => encoder.aac("b"),
            ("mp3", "libmp3lame" | "mp3") => encoder.lame_of_ffmpeg(),
            ("ogg" | "opus", "libopus" | "opus") => encoder.opus(),
            ("ogg" | "oga", "libvorbis" | "vorbis") => encoder.vorbis(),
            ("ogg" | "oga", "flac") => encoder.flac(Container::Ogg),
            ("flac", "flac") => encoder.flac(Container::Native),
            _ => false,
        };
        is_understood.then(|| self.said(encoder))
    }

    /// The format that `encoder` has come to; what it had to say is noted.
    fn said(&mut self, mut encoder: Encoder) -> Format {
        let line = encoder.line;
        encoder.name_unknown();
        encoder.left.iter().for_each(|left| self.leave(line, line, left.as_str()));
        encoder.remarks.iter().for_each(|remark| self.remark(format!("line {line}: {remark}")));
        encoder.format
    }
}

/// A format while it is read.
struct Encoder {
    /// As in the script.
    name: String,
    line: usize,
    given: Given,
    /// Words without a value, such as `mono`.
    words: Vec<String>,
    /// Keys that have been read, or that make no difference here.
    known: Vec<&'static str>,
    /// The channel's own, in sample frames per second.
    usual_hz: u32,
    format: Format,
    /// What is not taken over.
    left: Vec<String>,
    /// What is done otherwise.
    remarks: Vec<String>,
}

/// What FLAC is put in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Native,
    Ogg,
}

impl Encoder {
    fn new(reader: &mut Reader, line: usize, name: &str, arguments: &[Argument]) -> Self {
        let words = arguments.iter().filter_map(|argument| {
            let Kind::Name(word) = &argument.value.kind else { return None };
            argument.name.is_none().then(|| word.clone())
        });
        Self {
            name: format!("%{name}"),
            line,
            words: words.collect(),
            given: Given::new(reader, arguments),
            known: Vec::new(),
            usual_hz: reader.meaning.sample_rate.and_then(whole).unwrap_or(USUAL_HZ),
            format: Vec::new(),
            left: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn mp3(&mut self) -> bool {
        self.put("codec", "\"mp3\"");
        self.known.extend(["id3v2", "msg", "msg_interval"]);
        let (rate_hz, channels) = self.shape();
        if self.name == "%mp3.vbr" {
            let vbr = self.number(&["quality"]).unwrap_or(LAME_VBR);
            self.put("vbr", vbr);
        } else {
            let kbps = self.number(&["bitrate"]).unwrap_or(128.0);
            if self.name == "%mp3.abr" {
                self.put("mode", "\"abr\"");
            }
            self.put_kbps(kbps, mp3::bitrates_kbps(rate_hz).iter().copied());
        }
        if self.name != "%shine" {
            // What is usual there is more than here, and a station shall sound as it did.
            let quality = self.number(&["internal_quality"]).unwrap_or(LAME_QUALITY);
            self.put("quality", quality);
        }
        if self.text("stereo_mode").is_some_and(|mode| mode == "stereo") {
            self.put("stereo", "\"separate\"");
        }
        self.put_shape(rate_hz, channels);
        true
    }

    fn lame_of_ffmpeg(&mut self) -> bool {
        self.put("codec", "\"mp3\"");
        let (rate_hz, channels) = self.shape();
        match self.number(&QUALITY_OF_FFMPEG) {
            Some(quality) => self.put("vbr", quality),
            None => {
                let kbps = self.ffmpeg_kbps().unwrap_or(128.0);
                self.put_kbps(kbps, mp3::bitrates_kbps(rate_hz).iter().copied());
            }
        }
        if let Some(quality) = self.number(&["compression_level"]) {
            self.put("quality", quality);
        }
        self.put_shape(rate_hz, channels);
        true
    }

    fn fdkaac(&mut self) -> bool {
        self.known.extend(["sbr_mode", "transmux"]);
        if self.given.named("afterburner") == Some(&Value::Bool(false)) {
            self.known.push("afterburner");
        }
        if self.given.text("bandwidth") == Some("auto") {
            self.known.push("bandwidth");
        }
        if self.given.text("transmux").is_some_and(|it| it != "adts") {
            self.left.push("transmux of %fdkaac: here it is adts".into());
        }
        self.aac("bitrate")
    }

    /// AAC whose bit rate stands under `key`.
    fn aac(&mut self, key: &'static str) -> bool {
        self.put("codec", "\"aac\"");
        let (rate_hz, channels) = self.shape();
        let kbps = match key {
            "b" => self.ffmpeg_kbps().unwrap_or(128.0),
            _ => self.number(&[key]).unwrap_or(64.0),
        };
        let profile = self.profile(kbps, rate_hz, channels);
        if profile != Profile::default() {
            self.put("profile", format_args!("\"{}\"", profile.name()));
        }
        if profile.rates_hz().contains(&rate_hz) {
            self.put_kbps(kbps, profile.bitrates_kbps(rate_hz, channels));
        } else {
            self.left.push(format!("a sample rate of {rate_hz} for AAC; the channel's is taken"));
            self.put_kbps(kbps, profile.bitrates_kbps(self.usual_hz, channels));
            return true;
        }
        self.put_shape(rate_hz, channels);
        true
    }

    /// The profile that is asked for, or that is usual.
    fn profile(&mut self, kbps: f64, rate_hz: u32, channels: Channels) -> Profile {
        let asked = self.text("aot").or_else(|| self.text("profile"));
        let low = match asked.as_deref() {
            Some("aac_low" | "mpeg2_aac_lc" | "mpeg4_aac_lc") => return Profile::Lc,
            Some("aac_he" | "mpeg2_he_aac" | "mpeg4_he_aac") => return Profile::He,
            Some("aac_he_v2" | "mpeg2_he_aac_v2" | "mpeg4_he_aac_v2") => Profile::HeV2,
            Some(other) => {
                self.left
                    .push(format!("{other}, which is no profile of AAC here; \"lc\" is taken"));
                return Profile::Lc;
            }
            // What is usual for %fdkaac.
            None if self.name == "%fdkaac" => Profile::HeV2,
            None => return Profile::Lc,
        };
        if channels == Channels::Mono {
            return Profile::He;
        }
        let has_it = low.bitrates_kbps(rate_hz, channels).contains(&rounded(kbps));
        if asked.is_none() && !has_it {
            self.remarks.push(format!(
                "%fdkaac is HE-AAC v2 unless an aot is said, which has no {kbps} kbit/s: AAC-LC \
                 is sent"
            ));
            return Profile::Lc;
        }
        low
    }

    fn opus(&mut self) -> bool {
        self.put("codec", "\"opus\"");
        // Opus is encoded at 48 kHz whatever is said, in packets of 20 ms, as well as it can be.
        self.known.extend(["ar", "complexity", "frame_size", "samplerate", "sample_rate"]);
        if self.given.text("application").is_none_or(|it| it == "audio") {
            self.known.push("application");
        }
        if self.given.text("vbr").is_some_and(|it| it != "none") {
            self.known.push("vbr");
        }
        let (_, channels) = self.shape();
        let kbps = match self.given.text("bitrate") {
            Some("auto") => None,
            Some("max") => Some(f64::from(*opus::BITRATES_KBPS.end())),
            _ if self.name.starts_with("%audio") => self.ffmpeg_kbps(),
            _ => self.number(&["bitrate"]),
        };
        self.known.push("bitrate");
        if let Some(kbps) = kbps {
            self.put_kbps(kbps, opus::BITRATES_KBPS);
        }
        self.put_channels(channels);
        true
    }

    fn vorbis(&mut self) -> bool {
        self.put("codec", "\"vorbis\"");
        let (rate_hz, channels) = self.shape();
        let is_of_ffmpeg = self.name.starts_with("%audio");
        let (quality, kbps) = if is_of_ffmpeg {
            (self.number(&QUALITY_OF_FFMPEG), self.ffmpeg_kbps())
        } else {
            let quality = self.number(&["quality"]).map(|quality| quality * 10.0);
            (quality, self.number(&["bitrate"]))
        };
        let has_bits = if is_of_ffmpeg { quality.is_none() } else { self.name != "%vorbis" };
        if let Some(kbps) = kbps.or(Some(128.0)).filter(|_| has_bits) {
            self.known.extend(["max_bitrate", "min_bitrate"]);
            self.put_kbps(kbps, vorbis::bitrates_kbps(rate_hz, channels));
        } else {
            let quality = rounded(quality.unwrap_or(LIQUIDSOAP_VORBIS));
            self.put("quality", quality.min(vorbis::QUALITY_MAX.into()));
        }
        if self.name == "%vorbis.cbr" {
            self.remarks
                .push("the bit rate of Vorbis varies here about what %vorbis.cbr is".into());
        }
        self.put_shape(rate_hz, channels);
        true
    }

    fn flac(&mut self, container: Container) -> bool {
        self.put("codec", "\"flac\"");
        self.known.extend(["bytes_per_page", "compression", "compression_level"]);
        let (rate_hz, channels) = self.shape();
        match self.number(&["bits_per_sample"]) {
            None | Some(16.0) => {}
            Some(24.0) => self.put("bits", 24),
            Some(bits) => self.left.push(format!("FLAC of {bits} bits; it is 16 or 24 here")),
        }
        if container == Container::Native {
            self.put("container", "\"native\"");
        }
        self.put_shape(rate_hz, channels);
        true
    }

    /// Its sample rate and channels.
    fn shape(&mut self) -> (u32, Channels) {
        let rate_hz = self.number(&["ar", "sample_rate", "samplerate"]).and_then(whole);
        let count = self.number(&["ac", "channels"]);
        self.known.extend(["mono", "stereo"]);
        let says = |word: &str| match self.given.named(word) {
            Some(Value::Bool(is)) => Some(*is),
            _ => self.words.iter().any(|it| it == word).then_some(true),
        };
        let is_mono = says("mono") == Some(true) || says("stereo") == Some(false);
        let channels = match count {
            Some(1.0) => Channels::Mono,
            None if is_mono => Channels::Mono,
            None | Some(_) => Channels::Stereo,
        };
        if let Some(count) = count.filter(|count| ![1.0, 2.0].contains(count)) {
            self.left.push(format!("{count} channels; two are sent"));
        }
        (rate_hz.unwrap_or(self.usual_hz), channels)
    }

    fn put_shape(&mut self, rate_hz: u32, channels: Channels) {
        if rate_hz != self.usual_hz {
            self.put("sample_rate", rate_hz);
        }
        self.put_channels(channels);
    }

    fn put_channels(&mut self, channels: Channels) {
        if channels == Channels::Mono {
            self.put("channels", 1);
        }
    }

    /// The bit rate of `allowed` that is nearest to `kbps`, which is said if it is another.
    fn put_kbps(&mut self, kbps: f64, allowed: impl IntoIterator<Item = u32>) {
        let distance = |allowed: &u32| (f64::from(*allowed) - kbps).abs();
        let nearest = allowed.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        let Some(nearest) = nearest else { return };
        if f64::from(nearest) != kbps {
            self.remarks.push(format!("there is no {kbps} kbit/s; {nearest} is taken"));
        }
        self.put("bitrate", nearest);
    }

    fn put(&mut self, key: &'static str, value: impl fmt::Display) {
        self.format.push((key, value.to_string()));
    }

    /// The number that stands under the first of `keys` that is there.
    fn number(&mut self, keys: &[&'static str]) -> Option<f64> {
        self.known.extend_from_slice(keys);
        keys.iter().find_map(|key| {
            let given = self.given.named(key)?;
            given.number().or_else(|| given.text()?.parse().ok())
        })
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        self.given.text(key).map(str::to_owned)
    }

    /// The bit rate that ffmpeg is told in bit/s, or in kbit/s with a `k`.
    fn ffmpeg_kbps(&mut self) -> Option<f64> {
        let keys = ["ab", "b", "bitrate"];
        if let Some(bps) = self.number(&keys) {
            return Some(bps / 1_000.0);
        }
        let text = keys.iter().find_map(|key| self.given.text(key))?;
        text.strip_suffix(['k', 'K'])?.parse().ok()
    }

    /// Names the keys that nobody has read.
    fn name_unknown(&mut self) {
        let (given, words) = (&self.given.names, &self.words);
        let keys = given.iter().map(|(key, _)| key).chain(words);
        let unknown = keys.filter(|key| !self.known.contains(&key.as_str()));
        self.left.extend(unknown.map(|key| format!("{key} of {}", self.name)));
    }
}

/// The encoders among `arguments`, with their own arguments.
fn encoders(arguments: &[Argument]) -> impl Iterator<Item = (&Expr, &str, &[Argument])> {
    arguments.iter().filter_map(|argument| {
        let Kind::Encoder(name, own) = &argument.value.kind else { return None };
        Some((&argument.value, name.as_str(), own.as_slice()))
    })
}

/// `number` as a whole one that is not below 0.
fn rounded(number: f64) -> u32 {
    whole(number.round()).unwrap_or(0)
}

/// What Liquidsoap gives LAME unless it is told.
const LAME_QUALITY: f64 = 2.0;
/// The same of its variable bit rate.
const LAME_VBR: f64 = 4.0;
/// What it aims at in Vorbis, on the scale of our configuration.
const LIQUIDSOAP_VORBIS: f64 = 3.0;
/// The sample rate of a script that does not say another.
const USUAL_HZ: u32 = 44_100;
/// How ffmpeg is told a quality.
const QUALITY_OF_FFMPEG: [&str; 4] = ["global_quality", "q", "q:a", "qscale"];
