//! An answer that is not a stream: a status, headers, a body of known length.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// The version that the client spoke.
    pub(crate) version: Version,
    /// Whether the connection stays open for another request.
    pub(crate) kept: bool,
    /// Whether the body is left out, as for `HEAD`.
    pub(crate) head_only: bool,
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
    pub(crate) fn written(&self, manner: Manner, now: Timestamp) -> Bytes {
        let mut head = opening(manner.version, self.status, manner.kept, now);
        if let Some(content_type) = self.content_type {
            let _ = write!(head, "Content-Type: {content_type}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str(NEVER_CACHED);
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
pub(crate) fn opening(version: Version, status: u16, kept: bool, now: Timestamp) -> String {
    let version = if version == Version::Http11 { "HTTP/1.1" } else { "HTTP/1.0" };
    let connection = if kept { "Keep-Alive" } else { "Close" };
    let (reason, date) = (reason(status), now.strftime("%a, %d %b %Y %H:%M:%S GMT"));
    format!(
        "{version} {status} {reason}\r\nServer: {SERVER_ID}\r\nConnection: {connection}\r\n\
         Date: {date}\r\n"
    )
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Authentication Required",
        403 => "Forbidden",
        404 => "File Not Found",
        405 => "Method Not Allowed",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}

/// What this server calls itself.
pub(crate) const SERVER_ID: &str = concat!("Carrier/", env!("CARGO_PKG_VERSION"));
/// What keeps a stream or a status out of caches, and lets a web page of anybody's read it.
pub(crate) const NEVER_CACHED: &str = "Cache-Control: no-cache, no-store\r\n\
    Expires: Mon, 26 Jul 1997 05:00:00 GMT\r\nPragma: no-cache\r\n\
    Access-Control-Allow-Origin: *\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Manner = Manner { version: Version::Http10, kept: false, head_only: false };

    fn text(manner: Manner) -> String {
        let answer = Answer::ok("text/plain", "hello");
        String::from_utf8(answer.written(manner, Timestamp::UNIX_EPOCH).to_vec()).unwrap()
    }

    #[test]
    fn an_answer_has_icecasts_headers_in_icecasts_order() {
        let text = text(PLAIN);

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
        let text = text(Manner { head_only: true, ..PLAIN });

        assert!(text.ends_with("\r\nContent-Length: 5\r\n\r\n"));
    }
}
