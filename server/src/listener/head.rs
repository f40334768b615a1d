//! The head of the answer to a player.
//!
//! What stands in it, and in what order, is what Icecast sends: `icy-` headers without a blank
//! after the colon, in the order of their names, `icy-metaint` last. Players parse it leniently,
//! scripts do not.

use super::probe::{CLAIMED_BYTES, Ranged};
use crate::answer;
use crate::config::Config;
use crate::config::mounts::MountConfig;
use crate::mount::feed::Wrapping;
use crate::mount::on_air::SourceAbout;
use common::http::head::{RequestHead, Version};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::num::NonZeroU32;

/// How the stream is wrapped for the client that sent `request` and is answered in `version`.
///
/// A player that asks for ICY metadata gets it, and a body that ends with the connection, as
/// such players expect. Otherwise HTTP/1.1 gets chunks and HTTP/1.0 the plain bytes.
///
/// The interval between two blocks is the one of the configuration, or else the one in which the
/// source itself sends titles, or else Icecast's.
pub(crate) fn wrapping(
    request: &RequestHead,
    version: Version,
    source: &SourceAbout,
    config: &MountConfig,
) -> Wrapping {
    let wanted = request.headers.first("icy-metadata").is_some_and(|value| {
        let digits = value.trim_start_matches('+');
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].bytes().any(|digit| digit != b'0')
    });
    let said = config.metadata_interval_bytes.or(source.metadata_interval_bytes);
    let interval = NonZeroU32::new(said.unwrap_or(METADATA_INTERVAL_BYTES));
    match (version, interval) {
        (_, Some(interval)) if wanted && source.format.takes_icy() => Wrapping::Icy(interval),
        (Version::Http11, _) => Wrapping::Chunked,
        (Version::Http10 | Version::Ice10, _) => Wrapping::Plain,
    }
}

/// The head of the answer to a player of a mount that `of_mount` is about.
pub(crate) fn head(
    config: &Config,
    of_mount: &MountConfig,
    version: Version,
    wrapping: Wrapping,
    source: &SourceAbout,
    ranged: Ranged,
    now: Timestamp,
) -> String {
    let status = if ranged == Ranged::Rest { 206 } else { 200 };
    let mut head = answer::opening(config, version, status, false, now);
    let _ = write!(head, "Content-Type: {}\r\n", source.content_type);
    head.push_str(answer::NEVER_CACHED);
    answer::put_configured(&mut head, config, &of_mount.http_headers, status);
    if ranged == Ranged::Rest {
        let (last, bytes) = (CLAIMED_BYTES - 1, CLAIMED_BYTES);
        let _ = write!(head, "Accept-Ranges: bytes\r\nContent-Range: bytes 0-{last}/{bytes}\r\n");
    }
    if wrapping == Wrapping::Chunked {
        head.push_str("Transfer-Encoding: chunked\r\n");
    }
    if let Some(info) = &source.audio_info {
        if let Some(kbps) = source.kbps() {
            let _ = write!(head, "icy-br:{kbps}\r\n");
        }
        let _ = write!(head, "ice-audio-info: {info}\r\n");
    }
    for (name, value) in announced(source, of_mount) {
        let _ = write!(head, "icy-{name}:{value}\r\n");
    }
    if let Wrapping::Icy(interval) = wrapping {
        let _ = write!(head, "icy-metaint:{interval}\r\n");
    }
    head.push_str("\r\n");
    head
}

/// The `icy-` headers without their prefix. Of what the configuration says in the source's place
/// only the name is told to listeners, as in Icecast.
pub(super) fn announced<'a>(
    source: &'a SourceAbout,
    config: &'a MountConfig,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let own = config.says.name.as_deref();
    let said = source.announced.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut all: Vec<_> = said.filter(|(name, _)| own.is_none() || *name != "name").collect();
    if let Some(own) = own {
        let at = all.iter().position(|(name, _)| *name > "name").unwrap_or(all.len());
        all.insert(at, ("name", own));
    }
    all.into_iter()
}

/// Audio bytes between two ICY blocks: Icecast's default, which some players assume.
const METADATA_INTERVAL_BYTES: u32 = 16_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Compat;
    use crate::config::files::HttpHeader;
    use common::http::head::Headers;
    use std::net::Ipv4Addr;

    fn source(content_type: &str) -> SourceAbout {
        let lines = [
            ("Ice-Public", "0"),
            ("Ice-Name", "Test Radio"),
            ("Ice-Description", "A description"),
            ("Ice-Genre", "ambient"),
            ("Ice-URL", "http://radio.test/"),
            ("Ice-Bitrate", "128"),
            ("Ice-Audio-Info", "ice-samplerate=44100;ice-bitrate=128;ice-channels=2"),
        ];
        let headers: Headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        SourceAbout::read(&headers, content_type, Ipv4Addr::LOCALHOST.into())
    }

    fn usual() -> MountConfig {
        MountConfig::default()
    }

    fn request(version: Version, icy: Option<&str>) -> RequestHead {
        let line = |value: &str| ("Icy-MetaData".to_owned(), value.to_owned());
        RequestHead {
            method: "GET".to_owned(),
            target: "/x".to_owned(),
            version,
            headers: icy.map(line).into_iter().collect(),
        }
    }

    fn line(name: &str, value: &str) -> HttpHeader {
        HttpHeader { name: name.to_owned(), value: value.to_owned(), status: None }
    }

    #[test]
    fn the_head_is_what_icecast_sends() {
        let source = source("audio/mpeg");
        let icy = Wrapping::Icy(NonZeroU32::new(16_000).unwrap());

        let mut config = Config::trial().unwrap();
        config.compat = Compat::Strict;
        config.http_headers = vec![line("Access-Control-Allow-Origin", "*")];
        config.mounts.usual.http_headers = vec![line("X-Mount", "yes")];
        let now = Timestamp::UNIX_EPOCH;
        let head =
            head(&config, &config.mounts.usual, Version::Http10, icy, &source, Ranged::No, now);

        let recorded = "Content-Type: audio/mpeg\r\nCache-Control: no-cache, no-store\r\n\
            Expires: Mon, 26 Jul 1997 05:00:00 GMT\r\nPragma: no-cache\r\n\
            Access-Control-Allow-Origin: *\r\nX-Mount: yes\r\nicy-br:128\r\n\
            ice-audio-info: ice-samplerate=44100;ice-bitrate=128;ice-channels=2\r\nicy-br:128\r\n\
            icy-description:A description\r\nicy-genre:ambient\r\nicy-name:Test Radio\r\n\
            icy-pub:0\r\nicy-url:http://radio.test/\r\nicy-metaint:16000\r\n\r\n";
        assert!(head.starts_with("HTTP/1.0 200 OK\r\nServer: "));
        assert!(head.ends_with(recorded), "{head}");
    }

    #[test]
    fn metadata_is_woven_only_for_who_asks_and_never_into_ogg() {
        use Version::{Http10, Http11};
        let icy = Wrapping::Icy(NonZeroU32::new(16_000).unwrap());
        let mp3 = source("audio/mpeg");

        for (version, asked, expected) in [
            (Http11, Some("1"), icy),
            (Http10, Some("1"), icy),
            (Http10, Some("01"), icy),
            (Http11, Some("0"), Wrapping::Chunked),
            (Http11, Some("x1"), Wrapping::Chunked),
            (Http11, None, Wrapping::Chunked),
            (Http10, None, Wrapping::Plain),
        ] {
            assert_eq!(
                wrapping(&request(version, asked), version, &mp3, &usual()),
                expected,
                "{asked:?}"
            );
        }
        assert_eq!(
            wrapping(&request(Http10, Some("1")), Http10, &source("audio/ogg"), &usual()),
            Wrapping::Plain
        );
    }

    #[test]
    fn the_interval_is_the_mounts_or_else_the_sources_and_0_is_no_metadata_at_all() {
        let mut said = source("audio/mpeg");
        said.metadata_interval_bytes = Some(8_192);
        let interval = |source: &SourceAbout, config| {
            let config = MountConfig { metadata_interval_bytes: config, ..usual() };
            wrapping(&request(Version::Http10, Some("1")), Version::Http10, source, &config)
        };
        let icy = |bytes| Wrapping::Icy(NonZeroU32::new(bytes).unwrap());

        assert_eq!(interval(&source("audio/mpeg"), None), icy(16_000));
        assert_eq!(interval(&said, None), icy(8_192));
        assert_eq!(interval(&said, Some(500)), icy(500));
        assert_eq!(interval(&said, Some(0)), Wrapping::Plain);
    }

    #[test]
    fn a_listener_is_told_the_name_that_the_mount_is_given() {
        let mut config = usual();
        config.says.name = Some("Given".to_owned());
        config.says.genre = Some("Other".to_owned());
        let source = source("audio/mpeg");

        let (server, now) = (Config::trial().unwrap(), Timestamp::UNIX_EPOCH);
        let head =
            head(&server, &config, Version::Http10, Wrapping::Plain, &source, Ranged::No, now);

        assert!(head.contains("\r\nicy-name:Given\r\n") && !head.contains("Test Radio"));
        assert!(head.contains("\r\nicy-genre:ambient\r\n"), "as in Icecast");
    }
}
