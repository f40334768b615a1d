//! Outputs to Icecast, and their formats.

use super::{Given, Output, Reader, Value, unblanked, whole};
use crate::import::tree::{Argument, Kind};

impl Reader {
    /// `output.icecast(…)`.
    pub(super) fn icecast(&mut self, arguments: &[Argument], given: &Given, line: usize) {
        let id = match (given.named("id"), self.icecasts) {
            (Some(Value::Text(id)), _) => unblanked(id),
            (_, 0) => "output.icecast".to_owned(),
            (_, number) => format!("output.icecast.{number}"),
        };
        if given.named("id").is_none() {
            self.icecasts += 1;
        }
        let Some(&source) = given.sources().last() else {
            return self.leave(line, line, "what this output plays is not understood");
        };
        let text = |key: &str, usual: &str| match given.named(key) {
            Some(Value::Text(text)) => text.clone(),
            _ => usual.to_owned(),
        };
        let mut output = Output {
            id,
            host: text("host", "localhost"),
            port: given.number("port").unwrap_or(8_000.0),
            user: text("user", "source"),
            password: text("password", "hackme"),
            mount: text("mount", ""),
            ..Output::default()
        };
        for key in ["name", "description", "genre", "url"] {
            if let Some(Value::Text(text)) = given.named(key) {
                output.texts.push((key, text.clone()));
            }
        }
        if let Some(Value::Bool(public)) = given.named("public") {
            output.public = Some(*public);
        }
        output.charset = given.named("encoding").map(|_| text("encoding", ""));
        output.is_secure = text("protocol", "http") == "https";
        output.method = given.named("method").map(|_| text("method", ""));
        let encoder = encoders(arguments).next();
        output.quality = encoder.and_then(|(name, given)| self.lame_quality(name, given));
        let Some((codec, bitrate)) = encoder.and_then(|(name, given)| self.encoder(name, given))
        else {
            return self.leave(line, line, "the format of this output is not understood");
        };
        (output.codec, output.bitrate) = (codec.to_owned(), bitrate);
        if !matches!(text("protocol", "http").as_str(), "http" | "https") {
            self.leave(line, line, "an output that does not speak http or https");
        }
        if let Some(number) = whole::<usize>(output.port).filter(|port| *port == 0) {
            self.leave(line, line, format!("{number} is no port"));
        }
        for argument in arguments {
            let name = argument.name.as_deref().unwrap_or("mount");
            if !OUTPUT_ARGUMENTS.contains(&name) {
                self.leave(
                    argument.value.line,
                    argument.value.line,
                    format!("{name} of an output"),
                );
            }
        }
        output.channel = self.channel(source, line);
        self.meaning.outputs.push(output);
    }

    /// LAME's effort, where `%name(arguments)` is its: what is usual there is more than here, and
    /// a station shall sound as it did.
    fn lame_quality(&mut self, name: &str, arguments: &[Argument]) -> Option<f64> {
        let given = Given::new(self, arguments).number("internal_quality");
        matches!(name, "mp3" | "mp3.cbr" | "mp3.abr").then(|| given.unwrap_or(LAME_QUALITY))
    }

    /// Codec and bit rate of `%name(arguments)`.
    fn encoder(
        &mut self,
        name: &str,
        arguments: &[Argument],
    ) -> Option<(&'static str, Option<f64>)> {
        let given = Given::new(self, arguments);
        let bitrate = given.number("bitrate");
        match name {
            "mp3" | "mp3.cbr" | "mp3.abr" | "shine" => Some(("mp3", bitrate.or(Some(128.0)))),
            "fdkaac" | "aac" => Some(("aac", bitrate.or(Some(64.0)))),
            "opus" => Some(("opus", bitrate)),
            "vorbis" | "vorbis.cbr" | "vorbis.abr" => Some(("vorbis", bitrate)),
            "ogg" => encoders(arguments).find_map(|(name, given)| self.encoder(name, given)),
            "flac" => Some(("flac", None)),
            "ffmpeg" => {
                let mut audio = encoders(arguments).filter(|(name, _)| name.starts_with("audio"));
                audio.find_map(|(_, arguments)| {
                    let given = Given::new(self, arguments);
                    let codec = given.text("codec")?;
                    let codec = CODECS.iter().find(|(ffmpeg, _)| codec == *ffmpeg)?.1;
                    let bits = given.text("b").or_else(|| given.text("ab"))?;
                    let number = bits.trim_end_matches('k').parse::<f64>().ok();
                    let unit = if bits.ends_with('k') { 1.0 } else { 1_000.0 };
                    Some((codec, number.map(|number| number / unit)))
                })
            }
            _ => None,
        }
    }
}

/// The formats among `arguments`, with their own arguments.
fn encoders(arguments: &[Argument]) -> impl Iterator<Item = (&str, &[Argument])> {
    arguments.iter().filter_map(|argument| {
        let Kind::Encoder(name, arguments) = &argument.value.kind else { return None };
        Some((name.as_str(), arguments.as_slice()))
    })
}

/// What Liquidsoap gives LAME unless it is told.
const LAME_QUALITY: f64 = 2.0;
const OUTPUT_ARGUMENTS: [&str; 18] = [
    "description",
    "encoding",
    "fallible",
    "format",
    "genre",
    "host",
    "icy_metadata",
    "id",
    "method",
    "mount",
    "name",
    "password",
    "port",
    "protocol",
    "public",
    "send_icy_metadata",
    "url",
    "user",
];
const CODECS: [(&str, &str); 6] = [
    ("aac", "aac"),
    ("libfdk_aac", "aac"),
    ("libmp3lame", "mp3"),
    ("libopus", "opus"),
    ("libvorbis", "vorbis"),
    ("flac", "flac"),
];
