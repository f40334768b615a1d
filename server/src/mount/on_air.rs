//! What a mount has on air: its source, and the title.

use common::format::{self, Format};
use common::http::head::Headers;
pub(crate) use common::ogg::comment::Title as TitleText;
use common::ogg::comment::{Audio, Tags, Video};
use common::ogg::retitle;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What is on air.
#[derive(Clone, Debug)]
pub(crate) struct OnAir {
    /// The source.
    pub(crate) source: Arc<SourceAbout>,
    /// When it connected.
    pub(crate) since: Timestamp,
    /// What it plays.
    pub(crate) title: TitleText,
    /// What the headers of an Ogg stream say about the audio.
    pub(crate) audio: Option<Audio>,
    /// What they say about the pictures.
    pub(crate) video: Option<Video>,
    /// The codecs of its streams side by side, in the order in which they begin.
    pub(crate) codecs: Vec<&'static str>,
    /// Whether a title can be put into the Ogg stream; before its headers nothing speaks against.
    bears_titles: bool,
}

impl OnAir {
    /// A source that has just connected.
    pub(crate) fn new(source: SourceAbout, since: Timestamp) -> Self {
        let bears_titles = source.format == Format::Ogg;
        let (source, title) = (Arc::new(source), TitleText::default());
        let (audio, video, codecs) = (None, None, Vec::new());
        Self { source, since, title, audio, video, codecs, bears_titles }
    }

    /// Whether the stream can bear a title that somebody else than its source gives.
    pub(crate) fn takes_titles(&self) -> bool {
        self.source.format.takes_icy() || self.bears_titles
    }

    /// Takes the title and the audio's description from the headers of an Ogg stream. Those of
    /// Matroska and of FLAC by itself say nothing that Icecast shows, and their titles come aside.
    pub(crate) fn read_headers(&mut self, pages: &[u8]) {
        if self.source.format != Format::Ogg {
            return;
        }
        let Tags { artist, title, audio, video, codecs } = Tags::read(pages);
        self.title = TitleText { artist, title };
        (self.audio, self.video, self.codecs) = (audio, video, codecs);
        self.bears_titles = retitle::can_bear_titles(pages);
    }

    /// `title` as a stream of this format bears it: ICY knows no artist apart.
    pub(crate) fn borne(&self, title: &TitleText) -> TitleText {
        match self.source.format.takes_icy() {
            true => TitleText { artist: None, title: Some(title.shown()) },
            false => title.clone(),
        }
    }
}

/// What a source said about itself and its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceAbout {
    /// Its address.
    pub(crate) ip: IpAddr,
    /// Its program, if it said so.
    pub(crate) user_agent: Option<String>,
    /// The content type, as sent.
    pub(crate) content_type: String,
    /// The format by that type.
    pub(crate) format: Format,
    /// The station's name.
    pub(crate) name: Option<String>,
    /// About the station.
    pub(crate) description: Option<String>,
    /// Its genre.
    pub(crate) genre: Option<String>,
    /// Its home page.
    pub(crate) url: Option<String>,
    /// Whether directories may list it.
    pub(crate) public: bool,
    /// Kilobits per second, as the source wrote them.
    pub(crate) bitrate: Option<String>,
    /// `ice-audio-info`: `name=value` pairs between semicolons.
    pub(crate) audio_info: Option<String>,
    /// The mounts of other servers that it has come through, as a `Via` line says it.
    pub(crate) via: Option<String>,
    /// Bytes of audio between the titles that it weaves in, if it does.
    pub(crate) metadata_interval_bytes: Option<u32>,
    /// Whether it is a file of the server's own, which is no business of the public's.
    pub(crate) is_file: bool,
    /// The header lines that a listener gets too, without their prefix: first those that the
    /// source wrote with `ice-`, then those with `icy-`, each in the order of their names.
    pub(crate) announced: Vec<(String, String)>,
}

impl SourceAbout {
    /// Reads a source's head.
    pub(crate) fn read(headers: &Headers, content_type: &str, ip: IpAddr) -> Self {
        // Of lines that stand twice the last counts, and an empty one says nothing.
        let lines: BTreeMap<String, &str> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let said = |names: &[&str]| {
            let found = names.iter().find_map(|name| lines.get(*name));
            found.filter(|value| !value.is_empty()).map(|value| bounded(value))
        };
        let announced = lines.iter().filter(|(_, value)| !value.is_empty());
        let announced = announced.filter_map(|(name, value)| {
            let name = listeners_name(name)?;
            Some((name.to_owned(), bounded(value)))
        });
        let content_type = match format::essence(content_type).as_str() {
            // Icecast tells listeners so, and some know only this name.
            "application/x-ogg" => "application/ogg",
            _ => content_type,
        };
        let public = said(&["ice-public", "icy-pub"]);
        Self {
            ip,
            user_agent: said(&["user-agent"]),
            content_type: bounded(content_type),
            format: Format::of(content_type),
            name: said(&["ice-name", "icy-name", "x-audiocast-name"]),
            description: said(&["ice-description", "icy-description", "x-audiocast-description"]),
            genre: said(&["ice-genre", "icy-genre", "x-audiocast-genre"]),
            url: said(&["ice-url", "icy-url", "x-audiocast-url"]),
            public: public.is_some_and(|value| value.trim() == "1"),
            bitrate: said(&["ice-bitrate", "icy-br", "x-audiocast-bitrate"]),
            audio_info: said(&["ice-audio-info"]),
            via: lines.get("via").map(|via| (*via).to_owned()),
            metadata_interval_bytes: said(&["icy-metaint"])
                .and_then(|interval| interval.trim().parse().ok())
                .filter(|interval| *interval > 0),
            is_file: false,
            announced: announced.collect(),
        }
    }

    /// A file of the server's own.
    pub(crate) fn of_file(content_type: &str) -> Self {
        let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
        Self { is_file: true, ..Self::read(&Headers::default(), content_type, ip) }
    }

    /// The pairs of `ice-audio-info`, decoded.
    pub(crate) fn audio_parameters(&self) -> Vec<(String, String)> {
        let pairs = self.audio_info.as_deref().unwrap_or_default().split(';');
        let decoded = |text: &str| {
            let bytes = common::http::percent::decode(text.trim());
            common::http::head::decoded(&bytes).into_owned()
        };
        pairs
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// Kilobits per second: from `ice-bitrate`, else from `ice-audio-info`.
    pub(crate) fn kbps(&self) -> Option<String> {
        let named = |(name, value): (String, String)| {
            matches!(name.as_str(), "bitrate" | "ice-bitrate").then_some(value)
        };
        let from_info = || self.audio_parameters().into_iter().find_map(named);
        self.bitrate.clone().or_else(from_info)
    }
}

/// The name, without its prefix, of the line in which a listener is told what a source says in the
/// line `name`; `None` if that is not its business.
fn listeners_name(name: &str) -> Option<&str> {
    match name.strip_prefix("ice-").or_else(|| name.strip_prefix("icy-"))? {
        "password" | "audio-info" | "metaint" | "metadata" => None,
        "bitrate" => Some("br"),
        "public" => Some("pub"),
        name => Some(name),
    }
}

/// `value` without what would break a header line, and no longer than [`VALUE_BYTES_MAX`].
fn bounded(value: &str) -> String {
    let fits = |&(at, c): &(usize, char)| at + c.len_utf8() <= VALUE_BYTES_MAX;
    let visible = value.char_indices().take_while(fits).map(|(_, c)| c);
    visible.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The longest header value of a source that is kept, in bytes.
const VALUE_BYTES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn about(lines: &[(&str, &str)]) -> SourceAbout {
        let headers: Headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        SourceAbout::read(&headers, "audio/mpeg", Ipv4Addr::LOCALHOST.into())
    }

    #[test]
    fn liquidsoaps_head_is_read() {
        let about = about(&[
            ("ice-name", "LS"),
            ("ice-public", "1"),
            ("ice-url", ""),
            ("User-Agent", "Liquidsoap/2.1.3 (Unix; OCaml 4.13.1)"),
            ("ice-audio-info", "channels=2;samplerate=44100;bitrate=64"),
        ]);

        assert_eq!(about.name.as_deref(), Some("LS"));
        assert_eq!((about.public, about.url.as_deref()), (true, None));
        assert_eq!(about.kbps().as_deref(), Some("64"));
        assert_eq!(about.audio_parameters()[1], ("samplerate".to_owned(), "44100".to_owned()));
    }

    #[test]
    fn a_listener_gets_the_ice_headers_in_the_order_of_their_names_but_no_password() {
        let about = about(&[
            ("ice-password", "secret"),
            ("Ice-Name", "N"),
            ("ice-public", "0"),
            ("ice-genre", "G"),
            ("ice-audio-info", "x=1"),
        ]);

        let names: Vec<_> = about.announced.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["genre", "name", "pub"]);
    }

    #[test]
    fn of_lines_that_stand_twice_the_last_counts_and_empty_ones_say_nothing() {
        let about = about(&[
            ("icy-name", "Icy"),
            ("ice-name", "One"),
            ("Ice-Name", "Two"),
            ("ice-genre", ""),
            ("icy-br", "96"),
            ("icy-metaint", "8192"),
            ("icy-foo", "bar"),
        ]);

        let lines = [("name", "Two"), ("br", "96"), ("foo", "bar"), ("name", "Icy")];
        let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(about.announced, lines);
        assert_eq!((about.name.as_deref(), about.genre), (Some("Two"), None));
    }

    #[test]
    fn a_value_is_cut_to_its_limit_and_stays_on_one_line() {
        let about = about(&[("ice-name", &"é".repeat(600)), ("ice-genre", "a\u{1}b")]);

        assert_eq!(about.name.unwrap().len(), VALUE_BYTES_MAX);
        assert_eq!(about.genre.as_deref(), Some("a b"));
    }
}
