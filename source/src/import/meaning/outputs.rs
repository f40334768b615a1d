//! Outputs to Icecast.

use super::{Given, Output, Reader, Value, unblanked, whole};
use crate::import::tree::Argument;

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
        let arguments = &self.with_formats(arguments)[..];
        let Some(format) = self.format(arguments) else {
            return self.leave(line, line, "the format of this output is not understood");
        };
        output.format = format;
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
}

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
