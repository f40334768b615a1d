//! An answer that is not a stream: a status, headers, a body of known length; and the lines that
//! every head has, a stream's too.
//!
//! What the configuration adds to heads is added here. Its lines stand where Icecast puts them,
//! after `Pragma` and before what is the answer's own, and one that it gives takes the place of
//! ours of the same name: two `Access-Control-Allow-Origin` would make browsers refuse both.
//!
//! With `compat = strict` heads are as Icecast 2.4.4 sends them: always HTTP/1.0 with
//! `Connection: Close`, but HTTP/1.1 for 206, and without anything about other origins that is not
//! configured.

use crate::config::files::HttpHeader;
use crate::config::{Compat, Config};
use bytes::{BufMut as _, Bytes, BytesMut};
use common::http::head::Version;
use jiff::Timestamp;
use std::fmt::Write as _;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The content type; none with an empty body.
    pub(crate) content_type: Option<&'static str>,
    /// Further header lines.
    pub(crate) headers: Vec<(String, String)>,
    /// The body; none where there would be one without end, or may be none.
    pub(crate) body: Option<Bytes>,
}

/// How an answer is to be put on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner<'a> {
    /// What the server is told to say in every head.
    pub(crate) config: &'a Config,
    /// The version that the client spoke.
    pub(crate) version: Version,
    /// Whether the connection stays open for another request.
    pub(crate) kept: bool,
    /// Whether the body is left out, as for `HEAD`.
    pub(crate) head_only: bool,
}

impl<'a> Manner<'a> {
    /// For a client of which nothing is known: the oldest version, and then the end.
    pub(crate) fn parting(config: &'a Config) -> Self {
        Self { config, version: Version::Http10, kept: false, head_only: false }
    }
}

impl Answer {
    /// A document.
    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            content_type: Some(content_type),
            headers: Vec::new(),
            body: Some(body.into()),
        }
    }

    /// The bytes to send.
    pub(crate) fn written(&self, manner: Manner<'_>, now: Timestamp) -> Bytes {
        let config = manner.config;
        let mut head = opening(config, manner.version, self.status, manner.kept, now);
        if let Some(content_type) = self.content_type {
            let _ = write!(head, "Content-Type: {content_type}\r\n");
        }
        for (name, value) in &self.headers {
            if !is_configured(config, &[], name) {
                let _ = write!(head, "{name}: {value}\r\n");
            }
        }
        if !self.headers.iter().any(|(name, _)| name == "Cache-Control") {
            head.push_str(NEVER_CACHED);
        }
        put_configured(&mut head, config, &[], self.status);
        let body = self.body.as_deref().unwrap_or_default();
        if self.body.is_some() {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut whole = BytesMut::with_capacity(head.len() + body.len());
        whole.put_slice(head.as_bytes());
        if !manner.head_only {
            whole.put_slice(body);
        }
        whole.freeze()
    }
}

/// The lines that every answer begins with, in Icecast's order.
pub(crate) fn opening(
    config: &Config,
    version: Version,
    status: u16,
    kept: bool,
    now: Timestamp,
) -> String {
    let newer = match config.compat {
        Compat::Sensible => version == Version::Http11,
        Compat::Strict => status == 206,
    };
    let version = if newer { "HTTP/1.1" } else { "HTTP/1.0" };
    let connection = if kept { "Keep-Alive" } else { "Close" };
    let (reason, date) = (reason(status), http_date(now));
    let server_id = server_id(config);
    format!(
        "{version} {status} {reason}\r\nServer: {server_id}\r\nConnection: {connection}\r\n\
         Date: {date}\r\n"
    )
}

/// What this server calls itself.
pub(crate) fn server_id(config: &Config) -> &str {
    config.server_id.as_deref().unwrap_or(SERVER_ID)
}

/// A time as it stands in a head.
pub(crate) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Appends the configured lines for an answer of `status`: the server's, then those `of_mount`;
/// then what lets a web page of anybody's read the answer, where nothing else is configured.
pub(crate) fn put_configured(
    head: &mut String,
    config: &Config,
    of_mount: &[HttpHeader],
    status: u16,
) {
    for HttpHeader { name, value, status: only } in config.http_headers.iter().chain(of_mount) {
        if only.is_none_or(|only| only == status) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    if config.compat == Compat::Strict {
        return;
    }
    for (name, value) in OPEN_TO_PAGES {
        if !is_configured(config, of_mount, name) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
}

/// Whether the operator has said what `name` is to be, be it only for some answers: for the others
/// then there is to be none.
fn is_configured(config: &Config, of_mount: &[HttpHeader], name: &str) -> bool {
    let mut lines = config.http_headers.iter().chain(of_mount);
    name.starts_with("Access-Control-") && lines.any(|line| line.name.eq_ignore_ascii_case(name))
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Authentication Required",
        403 => "Forbidden",
        404 => "File Not Found",
        405 => "Method Not Allowed",
        415 => "Unsupported Media Type",
        416 => "Request Range Not Satisfiable",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        508 => "Loop Detected",
        _ => "Unknown",
    }
}

/// What this server calls itself, unless it is told otherwise.
const SERVER_ID: &str = concat!("Carrier/", env!("CARGO_PKG_VERSION"));
/// What keeps a stream or a status out of caches.
pub(crate) const NEVER_CACHED: &str = "Cache-Control: no-cache, no-store\r\n\
    Expires: Mon, 26 Jul 1997 05:00:00 GMT\r\nPragma: no-cache\r\n";
/// What lets a web page of anybody's read an answer, and what of its head.
const OPEN_TO_PAGES: [(&str, &str); 2] = [
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Expose-Headers",
        "Accept-Ranges, Content-Length, Content-Range, Date, ETag, Ice-Audio-Info, Icy-Br, \
         Icy-Description, Icy-Genre, Icy-MetaInt, Icy-Name, Icy-Pub, Icy-Sr, Icy-Url, Server",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::trial().unwrap();
        change(&mut config);
        config
    }

    fn text(config: &Config, head_only: bool) -> String {
        let answer = Answer::ok("text/plain", "hello");
        let manner = Manner { head_only, ..Manner::parting(config) };
        String::from_utf8(answer.written(manner, Timestamp::UNIX_EPOCH).to_vec()).unwrap()
    }

    fn line(name: &str, value: &str, status: Option<u16>) -> HttpHeader {
        HttpHeader { name: name.to_owned(), value: value.to_owned(), status }
    }

    #[test]
    fn an_answer_has_icecasts_headers_in_icecasts_order() {
        let text = text(&config(|_| ()), false);

        let names: Vec<_> = text.lines().skip(1).map_while(|line| line.split_once(": ")).collect();
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        assert!(text.starts_with("HTTP/1.0 200 OK\r\n"));
        assert_eq!(names[..4], ["Server", "Connection", "Date", "Content-Type"]);
        assert_eq!(names[4..7], ["Cache-Control", "Expires", "Pragma"]);
        assert!(text.contains("\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
        assert!(text.ends_with("\r\nContent-Length: 5\r\n\r\nhello"));
    }

    #[test]
    fn an_answer_to_head_tells_the_length_of_what_it_leaves_out() {
        let text = text(&config(|_| ()), true);

        assert!(text.ends_with("\r\nContent-Length: 5\r\n\r\n"));
    }
    #[test]
    fn configured_lines_follow_pragma_and_are_for_their_status() {
        let config = config(|config| {
            config.http_headers = vec![
                line("X-All", "1", None),
                line("X-Ok", "2", Some(200)),
                line("X-No", "3", Some(404)),
            ];
            config.server_id = Some("Radio".to_owned());
        });

        let text = text(&config, false);

        assert!(text.contains("\r\nServer: Radio\r\n"));
        assert!(text.contains("\r\nPragma: no-cache\r\nX-All: 1\r\nX-Ok: 2\r\nAccess-"), "{text}");
        assert!(!text.contains("X-No"));
    }

    #[test]
    fn what_is_configured_for_other_origins_takes_the_place_of_ours() {
        let name = "access-control-allow-origin";
        let config = config(|config| config.http_headers = vec![line(name, "http://a", Some(404))]);

        let text = text(&config, false).to_lowercase();

        assert!(!text.contains(name), "a page of anybody's is let in where 404 alone was meant");
        assert!(text.contains("access-control-expose-headers: "));
    }

    #[test]
    fn a_strict_head_is_icecasts_alone() {
        let config = config(|config| config.compat = Compat::Strict);
        let new = Manner { version: Version::Http11, ..Manner::parting(&config) };

        let text = Answer::ok("text/plain", "").written(new, Timestamp::UNIX_EPOCH);

        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.starts_with("HTTP/1.0 200 OK\r\n"));
        assert!(!text.contains("Access-Control"));
    }
}
