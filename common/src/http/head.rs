//! Request and response heads, parsed incrementally from bytes.
//!
//! A *head* is everything up to the first empty line. Lines end in CRLF or in a bare LF (DarkIce
//! mixes both). Spoken versions are `HTTP/1.0`, `HTTP/1.1` and, from old sources, `ICE/1.0`; a
//! response may begin with `ICY`. The head's text is parsed by `httparse`; what stands here are
//! the limits, the shim for the two odd versions, and the types.
//!
//! This module reads bytes that it is given; it knows no socket and no clock, so the limit on
//! the *time* a head may take is its caller's.

use std::fmt;

/// What a head may cost before its sender is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes from the first one to the empty line, inclusive. Icecast stops at 4 096.
    pub head_bytes_max: usize,
    /// Header lines. Icecast silently forgets all after 31.
    pub headers_max: usize,
    /// Bytes of one line, without its end.
    pub line_bytes_max: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { head_bytes_max: 16_384, headers_max: 64, line_bytes_max: 8_192 }
    }
}

/// The protocol version a peer spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `HTTP/1.0`, and `ICY` in a response.
    Http10,
    /// `HTTP/1.1`.
    Http11,
    /// `ICE/1.0`, from sources of the icecast 1 era.
    Ice10,
}

/// Header lines in the order they came; names are compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of `name`, without surrounding blanks.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether the comma-separated list `name` holds `token`, compared without case.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .flat_map(|(_, value)| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    }

    /// All lines in order: name as sent, and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn parsed(lines: &[httparse::Header<'_>]) -> Self {
        let text = |value: &[u8]| decoded(value).trim().to_owned();
        Self(lines.iter().map(|line| (line.name.to_owned(), text(line.value))).collect())
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(lines: I) -> Self {
        Self(lines.into_iter().collect())
    }
}

/// What a client asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// As sent: `GET`, `SOURCE`, `PUT`, …
    pub method: String,
    /// As sent, still percent-encoded: `/live.mp3?x=1`, or `*`.
    pub target: String,
    /// The version the client spoke.
    pub version: Version,
    /// The header lines.
    pub headers: Headers,
}

impl RequestHead {
    /// The target up to the first `?`, still percent-encoded.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The target after the first `?`, still percent-encoded; empty if there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The reason phrase; may be empty.
    pub reason: String,
    /// The version the server spoke; `ICY` counts as [`Version::Http10`].
    pub version: Version,
    /// The header lines.
    pub headers: Headers,
}

/// Why bytes are not a head that we accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is not the head of a request or response.
    #[error("not an HTTP head: {0}")]
    Malformed(String),
    /// The head is larger than allowed.
    #[error("the head exceeds {head_bytes_max} bytes")]
    HeadTooLong {
        /// The limit it exceeded.
        head_bytes_max: usize,
    },
    /// One line is longer than allowed.
    #[error("line {line} of the head exceeds {line_bytes_max} bytes")]
    LineTooLong {
        /// The line, counted from 1.
        line: usize,
        /// The limit it exceeded.
        line_bytes_max: usize,
    },
    /// There are more header lines than allowed.
    #[error("the head has more than {headers_max} header lines")]
    TooManyHeaders {
        /// The limit it exceeded.
        headers_max: usize,
    },
}

/// Finds the end of a head in bytes that arrive piece by piece, and parses it.
///
/// Every byte is looked at once, however small the pieces are.
#[derive(Clone, Debug)]
pub struct HeadReader {
    limits: HeadLimits,
    scanned_bytes: usize,
    line_start: usize,
    /// Lines with text so far; blank lines before the first one are skipped.
    lines: usize,
}

impl HeadReader {
    /// A reader for one head.
    pub fn new(limits: HeadLimits) -> Self {
        Self { limits, scanned_bytes: 0, line_start: 0, lines: 0 }
    }

    /// The request head in `bytes` and its length, or `None` if its end is yet to come.
    ///
    /// `bytes` is everything received so far, from the first byte on.
    pub fn request(&mut self, bytes: &[u8]) -> Result<Option<(RequestHead, usize)>, HeadError> {
        let Some(end) = self.end(bytes)? else { return Ok(None) };
        let (plain, version) = spoken_as_http(&bytes[..end]);
        let mut lines = vec![httparse::EMPTY_HEADER; self.limits.headers_max];
        let mut request = httparse::Request::new(&mut lines);
        let parsed = httparse::ParserConfig::default()
            .ignore_invalid_headers_in_requests(true)
            .parse_request(&mut request, &plain);
        complete(parsed)?;
        let head = RequestHead {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            version: version.unwrap_or_else(|| minor(request.version)),
            headers: Headers::parsed(request.headers),
        };
        Ok(Some((head, end)))
    }

    /// The response head in `bytes` and its length, or `None` if its end is yet to come.
    ///
    /// `bytes` is everything received so far, from the first byte on.
    pub fn response(&mut self, bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, HeadError> {
        let Some(end) = self.end(bytes)? else { return Ok(None) };
        let (plain, _) = spoken_as_http(&bytes[..end]);
        let mut lines = vec![httparse::EMPTY_HEADER; self.limits.headers_max];
        let mut response = httparse::Response::new(&mut lines);
        let parsed = httparse::ParserConfig::default()
            .ignore_invalid_headers_in_responses(true)
            .parse_response(&mut response, &plain);
        complete(parsed)?;
        let head = ResponseHead {
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().to_owned(),
            version: minor(response.version),
            headers: Headers::parsed(response.headers),
        };
        Ok(Some((head, end)))
    }

    /// Where the head ends, counting its empty line.
    fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        let HeadLimits { head_bytes_max, headers_max, line_bytes_max } = self.limits;
        while let Some(&byte) = bytes.get(self.scanned_bytes) {
            if self.scanned_bytes >= head_bytes_max {
                return Err(HeadError::HeadTooLong { head_bytes_max });
            }
            self.scanned_bytes += 1;
            if byte != b'\n' {
                if self.scanned_bytes - self.line_start > line_bytes_max + 1 {
                    return Err(HeadError::LineTooLong { line: self.lines + 1, line_bytes_max });
                }
                continue;
            }
            let line = &bytes[self.line_start..self.scanned_bytes - 1];
            let blank = line.is_empty() || line == b"\r";
            self.line_start = self.scanned_bytes;
            match (blank, self.lines) {
                (true, 0) => {}
                (true, _) => return Ok(Some(self.scanned_bytes)),
                (false, lines) if lines > headers_max => {
                    return Err(HeadError::TooManyHeaders { headers_max });
                }
                (false, _) => self.lines += 1,
            }
        }
        Ok(None)
    }
}

/// Text of a header or tag: UTF-8 where it is valid, else what Windows-1252 makes of it, since
/// that is what old sources send.
pub fn decoded(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Ice10 => "ICE/1.0",
        })
    }
}

/// The head with `ICE/1.0` and `ICY` spelled so that an HTTP parser takes them.
fn spoken_as_http(head: &[u8]) -> (std::borrow::Cow<'_, [u8]>, Option<Version>) {
    let start = head.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
    let head = &head[start..];
    if let Some(rest) = head.strip_prefix(b"ICY ") {
        return ([b"HTTP/1.0 ", rest].concat().into(), None);
    }
    let line_end = head.iter().position(|&byte| byte == b'\n').unwrap_or(head.len());
    let line = head[..line_end].trim_ascii_end();
    match line.strip_suffix(b" ICE/1.0") {
        Some(rest) => {
            ([rest, b" HTTP/1.0", &head[line.len()..]].concat().into(), Some(Version::Ice10))
        }
        None => (head.into(), None),
    }
}

fn complete(parsed: httparse::Result<usize>) -> Result<(), HeadError> {
    match parsed {
        Ok(httparse::Status::Complete(_)) => Ok(()),
        Ok(httparse::Status::Partial) => Err(HeadError::Malformed("it ends too soon".to_owned())),
        Err(error) => Err(HeadError::Malformed(error.to_string())),
    }
}

fn minor(version: Option<u8>) -> Version {
    if version == Some(0) { Version::Http10 } else { Version::Http11 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn request(bytes: &[u8]) -> Result<Option<(RequestHead, usize)>, HeadError> {
        HeadReader::new(HeadLimits::default()).request(bytes)
    }

    #[test]
    fn darkice_ends_its_lines_with_a_bare_line_feed() {
        let bytes = b"SOURCE /dark.mp3 HTTP/1.0\nContent-type: audio/mpeg\n\
            ice-name: D\xc3\xaa\r\n\r\n\xff\xfb";

        let (head, length) = request(bytes).unwrap().unwrap();

        assert_eq!(head.method, "SOURCE");
        assert_eq!(head.headers.first("Content-Type"), Some("audio/mpeg"));
        assert_eq!(head.headers.first("Ice-Name"), Some("Dê"));
        assert_eq!(&bytes[length..], b"\xff\xfb");
    }

    #[test]
    fn the_versions_http_1_0_http_1_1_and_ice_1_0_are_understood() {
        for (spoken, version) in [
            ("HTTP/1.0", Version::Http10),
            ("HTTP/1.1", Version::Http11),
            ("ICE/1.0", Version::Ice10),
        ] {
            let bytes = format!("SOURCE /x {spoken}\r\nhost: y\r\n\r\n");

            let (head, length) = request(bytes.as_bytes()).unwrap().unwrap();

            assert_eq!((head.version, length), (version, bytes.len()));
            assert_eq!(head.headers.first("host"), Some("y"));
        }
    }

    #[test]
    fn another_version_is_not_a_head() {
        assert!(matches!(request(b"GET / HTTP/2.0\r\n\r\n"), Err(HeadError::Malformed(_))));
        assert!(matches!(request(b"GET /\r\n\r\n"), Err(HeadError::Malformed(_))));
    }

    #[test]
    fn an_icy_answer_is_a_response() {
        let bytes = b"ICY 200 OK\r\nicy-metaint:16000\r\n\r\n";

        let (head, _) = HeadReader::new(HeadLimits::default()).response(bytes).unwrap().unwrap();

        assert_eq!((head.status, head.version), (200, Version::Http10));
        assert_eq!(head.headers.first("icy-metaint"), Some("16000"));
    }

    #[test]
    fn a_head_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let bytes = b"GET / HTTP/1.1\r\n\r\n";
        let limits = |head_bytes_max| HeadLimits { head_bytes_max, ..HeadLimits::default() };

        let fits = HeadReader::new(limits(bytes.len())).request(bytes);
        let exceeds = HeadReader::new(limits(bytes.len() - 1)).request(bytes);

        assert!(fits.unwrap().is_some());
        assert_eq!(exceeds, Err(HeadError::HeadTooLong { head_bytes_max: bytes.len() - 1 }));
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let bytes = b"GET / HTTP/1.1\r\nabcdefghijklmno: p\r\n\r\n";
        let limits = |line_bytes_max| HeadLimits { line_bytes_max, ..HeadLimits::default() };

        let fits = HeadReader::new(limits(18)).request(bytes);
        let exceeds = HeadReader::new(limits(17)).request(bytes);

        assert!(fits.unwrap().is_some());
        assert_eq!(exceeds, Err(HeadError::LineTooLong { line: 2, line_bytes_max: 17 }));
    }

    #[test]
    fn too_many_header_lines_are_refused() {
        let limits = HeadLimits { headers_max: 2, ..HeadLimits::default() };

        let fits = HeadReader::new(limits).request(b"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\n\r\n");
        let exceeds =
            HeadReader::new(limits).request(b"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\n");

        assert_eq!(fits.unwrap().unwrap().0.headers.iter().count(), 2);
        assert_eq!(exceeds, Err(HeadError::TooManyHeaders { headers_max: 2 }));
    }

    #[test]
    fn a_list_header_is_searched_without_case_and_over_several_lines() {
        let bytes = b"PUT /x HTTP/1.1\r\nConnection: close, Upgrade\r\nconnection: te\r\n\r\n";

        let (head, _) = request(bytes).unwrap().unwrap();

        assert!(head.headers.lists("connection", "upgrade"));
        assert!(head.headers.lists("connection", "TE"));
        assert!(!head.headers.lists("connection", "keep-alive"));
    }

    #[test]
    fn the_query_is_cut_from_the_path() {
        let (head, _) = request(b"GET /a%20b?c=d?e HTTP/1.1\r\n\r\n").unwrap().unwrap();

        assert_eq!((head.path(), head.query()), ("/a%20b", "c=d?e"));
    }

    proptest! {
        #[test]
        fn how_a_head_is_cut_changes_nothing(cut in 1..40_usize) {
            let bytes = b"\r\nGET /live HTTP/1.0\nUser-Agent: x\r\nIcy-MetaData: 1\r\n\r\nrest";
            let whole = request(bytes).unwrap();

            let mut reader = HeadReader::new(HeadLimits::default());
            let mut pieces = None;
            for end in (0..bytes.len()).step_by(cut).chain([bytes.len()]) {
                pieces = reader.request(&bytes[..end]).unwrap();
                if pieces.is_some() { break }
            }

            prop_assert_eq!(pieces, whole);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..600)) {
            let _ = request(&bytes);
            let _ = HeadReader::new(HeadLimits::default()).response(&bytes);
        }
    }
}
