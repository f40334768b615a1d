//! The access log: one line for each request that is finished.
//!
//! A line is Icecast's, byte for byte, so that whatever reads Icecast's logs reads ours: the common
//! log format with referer, agent and seconds behind it. The query of a request is left out, and
//! so is what stands before an `@`: either may hold a password.
//!
//! What a line says is known in two moments: when the request comes ([`Asked`]), and when it is
//! finished ([`Finished`]). Lines are made here; where they go is [`super::file`]'s to know.

use super::file::{LogPlan, LogQueue};
use common::http::head::{RequestHead, Version};
use jiff::Zoned;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// The access log. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog {
    /// `None` when there is no access log.
    queue: Option<LogQueue>,
    json: bool,
}

/// What a request asked, kept until it is finished. One short text, since each listener has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked(Box<str>);

/// What is known once a request is finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished<'a> {
    /// The client's address.
    pub(crate) ip: IpAddr,
    /// Its program, if it said so.
    pub(crate) user_agent: Option<&'a str>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// Bytes sent, with the head.
    pub(crate) sent_bytes: u64,
    /// How long it all took.
    pub(crate) stayed: Duration,
}

/// Everything that a line says.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    user: Option<&'a str>,
    method: Option<&'a str>,
    path: Option<&'a str>,
    version: Option<&'a str>,
    referer: Option<&'a str>,
    finished: Finished<'a>,
}

impl AccessLog {
    /// A log whose lines go to `queue`, as JSON or as Icecast writes them.
    pub(crate) fn new(queue: Option<LogQueue>, json: bool) -> Self {
        Self { queue, json }
    }

    /// What is to be kept of a request until it is finished; nothing when there is no log.
    pub(crate) fn asked(
        &self,
        head: &RequestHead,
        user: impl FnOnce() -> Option<String>,
    ) -> Option<Asked> {
        self.queue.is_some().then(|| Asked::new(head, user().as_deref()))
    }

    /// The same for a request that could not be read.
    pub(crate) fn unreadable(&self) -> Option<Asked> {
        self.queue.is_some().then(|| Asked::of([None; FIELDS]))
    }

    /// Has the log opened anew.
    pub(crate) fn reopen(&self, plan: LogPlan) {
        if let Some(queue) = &self.queue {
            queue.reopen(plan);
        }
    }

    /// Writes the line of a request, if one is to be written.
    pub(crate) fn write(&self, asked: Option<&Asked>, finished: Finished<'_>) {
        let (Some(queue), Some(asked)) = (&self.queue, asked) else { return };
        let (line, now) = (asked.line(finished), Zoned::now());
        queue.write(&if self.json { line.json(&now) } else { line.common(&now) });
    }
}

impl Asked {
    fn new(head: &RequestHead, user: Option<&str>) -> Self {
        let version = match head.version {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
            Version::Ice10 => "ICE/1.0",
        };
        let path = without_credentials(head.path());
        let referer = head.headers.first("referer").map(without_credentials);
        Self::of([user, Some(&head.method), Some(&path), Some(version), referer.as_deref()])
    }

    /// A line break never stands in a head's line, so it parts the fields.
    fn of(fields: [Option<&str>; FIELDS]) -> Self {
        let fields = fields.map(|field| bounded(field.unwrap_or_default()));
        Self(fields.join("\n").into_boxed_str())
    }

    fn line<'a>(&'a self, finished: Finished<'a>) -> Line<'a> {
        let mut fields =
            self.0.split('\n').map(|field| Some(field).filter(|text| !text.is_empty()));
        let mut next = || fields.next().flatten();
        Line {
            user: next(),
            method: next(),
            path: next(),
            version: next(),
            referer: next(),
            finished,
        }
    }
}

impl Line<'_> {
    fn common(&self, now: &Zoned) -> String {
        let Finished { ip, status, sent_bytes, stayed, .. } = self.finished;
        let agent = self.finished.user_agent.map(bounded);
        let mut line = String::with_capacity(LINE_BYTES_USUAL);
        let _ = write!(line, "{ip} - ");
        push(&mut line, self.user, Blanks::Dotted);
        let _ = write!(line, " [{}] \"", now.strftime("%d/%b/%Y:%H:%M:%S %z"));
        push(&mut line, self.method, Blanks::Kept);
        line.push(' ');
        push(&mut line, self.path, Blanks::Kept);
        line.push(' ');
        push(&mut line, self.version.or(Some("-/-")), Blanks::Kept);
        let _ = write!(line, "\" {status} {sent_bytes} \"");
        push(&mut line, self.referer, Blanks::Kept);
        line.push_str("\" \"");
        push(&mut line, agent, Blanks::Kept);
        let _ = writeln!(line, "\" {}", stayed.as_secs());
        line
    }

    fn json(&self, now: &Zoned) -> String {
        let Finished { ip, user_agent, status, sent_bytes, stayed } = self.finished;
        let line = serde_json::json!({
            "time": now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            "ip": ip.to_string(),
            "user": self.user,
            "method": self.method,
            "path": self.path,
            "version": self.version,
            "status": status,
            "sent_bytes": sent_bytes,
            "referer": self.referer,
            "user_agent": user_agent.map(bounded),
            "seconds": stayed.as_secs(),
        });
        format!("{line}\n")
    }
}

/// Whether blanks may stand in a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blanks {
    Dotted,
    Kept,
}

/// Appends a field as Icecast does: a dot for each byte that could break the line, and for `!`.
fn push(line: &mut String, field: Option<&str>, blanks: Blanks) {
    let Some(field) = field.filter(|field| !field.is_empty()) else { return line.push('-') };
    line.extend(field.bytes().map(|byte| match byte {
        b' ' if blanks == Blanks::Kept => ' ',
        b'#'..=b'[' | b']'..=b'_' | b'a'..=0x7f => char::from(byte),
        _ => '.',
    }));
}

/// An address without the user and password that may stand in it.
pub(crate) fn without_credentials(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else { return address.into() };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}").into(),
        None => address.into(),
    }
}

fn bounded(field: &str) -> &str {
    let end = (0..=field.len().min(FIELD_BYTES_MAX)).rev();
    let end = end.into_iter().find(|&end| field.is_char_boundary(end)).unwrap_or_default();
    &field[..end]
}

/// What is kept of a request: user, method, path, version, referer.
const FIELDS: usize = 5;
/// The longest field of a line, in bytes. Icecast cuts the whole line at this length, and with it
/// the status; ours are always whole.
const FIELD_BYTES_MAX: usize = 1_024;
/// Room made for a line; few are longer.
const LINE_BYTES_USUAL: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::{HeadLimits, HeadReader};
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn asked(request: &[u8], user: Option<&str>) -> (Asked, Option<String>) {
        let head = HeadReader::new(HeadLimits::default()).request(request).unwrap().unwrap().0;
        (Asked::new(&head, user), head.headers.first("user-agent").map(str::to_owned))
    }

    fn finished(status: u16, sent_bytes: u64, seconds: u64) -> Finished<'static> {
        let (ip, stayed) =
            (Ipv4Addr::LOCALHOST.into(), Duration::from_millis(seconds * 1_000 + 999));
        Finished { ip, user_agent: None, status, sent_bytes, stayed }
    }

    fn line(request: &[u8], user: Option<&str>, finished: Finished<'_>) -> String {
        let (asked, agent) = asked(request, user);
        let now = "2026-11-22T07:52:45[UTC]".parse().unwrap();
        asked.line(Finished { user_agent: agent.as_deref(), ..finished }).common(&now)
    }

    #[test]
    fn a_listeners_line_is_the_one_that_icecast_wrote() {
        let request = "GET /live.mp3?user=x HTTP/1.1\r\nUser-Agent: Agent \"q\" \\ ` ü\r\n\
                       Referer: http://ref.test/p?a=\"b\"\r\n\r\n";

        assert_eq!(
            line(request.as_bytes(), None, finished(200, 63_452, 1)),
            "127.0.0.1 - - [22/Nov/2026:07:52:45 +0000] \"GET /live.mp3 HTTP/1.1\" 200 63452 \
             \"http://ref.test/p?a=.b.\" \"Agent .q. . . ..\" 1\n"
        );
    }

    #[test]
    fn a_sources_line_and_a_users_are_the_ones_that_icecast_wrote() {
        let source = b"SOURCE /s.mp3 ICE/1.0\r\nUser-Agent: capture/1.0\r\n\r\n";
        let user = Some("bo \"b!ü x");
        let listener = b"GET /ht.mp3 HTTP/1.1\r\n\r\n";

        assert_eq!(
            line(source, None, finished(200, 19, 3)),
            "127.0.0.1 - - [22/Nov/2026:07:52:45 +0000] \"SOURCE /s.mp3 ICE/1.0\" 200 19 \"-\" \
             \"capture/1.0\" 3\n"
        );
        assert_eq!(
            line(listener, user, finished(401, 328, 0)),
            "127.0.0.1 - bo..b....x [22/Nov/2026:07:52:45 +0000] \"GET /ht.mp3 HTTP/1.1\" 401 328 \
             \"-\" \"-\" 0\n"
        );
    }

    #[test]
    fn every_byte_is_written_as_icecast_writes_it() {
        let every: String = (1..=255_u8).map(char::from).collect();
        let mut written = String::new();

        push(&mut written, Some(&every), Blanks::Kept);

        let kept: String =
            ('#'..='\u{7f}').map(|c| if "\\`".contains(c) { '.' } else { c }).collect();
        let (low, high) = (".".repeat(31), ".".repeat(2 * 128));
        assert_eq!(written, format!("{low} ..{kept}{high}"));
    }

    #[test]
    fn what_was_no_request_has_a_line_too() {
        let now = "2026-11-22T07:52:45+05:30[+05:30]".parse().unwrap();

        assert_eq!(
            Asked::of([None; FIELDS]).line(finished(400, 333, 0)).common(&now),
            "127.0.0.1 - - [22/Nov/2026:07:52:45 +0530] \"- - -/-\" 400 333 \"-\" \"-\" 0\n"
        );
    }

    #[test]
    fn no_password_of_a_query_or_an_address_is_kept() {
        let request = b"GET http://dj:secret@h/x@y?pass=secret HTTP/1.1\r\n\
                        Referer: http://dj:se@cret@h/p?q\r\nAuthorization: Basic c2VjcmV0\r\n\r\n";

        let asked = asked(request, Some("dj")).0;

        assert_eq!(&*asked.0, "dj\nGET\nhttp://h/x@y\nHTTP/1.1\nhttp://h/p?q");
    }

    #[test]
    fn a_line_is_whole_however_long_its_request_was() {
        let request = format!("GET /{} HTTP/1.1\r\n\r\n", "ä".repeat(3_000));

        let line = line(request.as_bytes(), None, finished(404, 394, 0));

        assert!(line.ends_with(".. HTTP/1.1\" 404 394 \"-\" \"-\" 0\n"), "{line}");
        assert!(line.len() < 1_200);
    }

    #[test]
    fn what_is_kept_of_a_usual_listener_is_short() {
        let asked = asked(b"GET /live.mp3 HTTP/1.1\r\nUser-Agent: mpv 0.39\r\n\r\n", None).0;

        assert!(size_of::<Asked>() + asked.0.len() < 64, "{asked:?}");
    }

    #[test]
    fn a_line_of_json_says_the_same() {
        let request = b"GET /live?x HTTP/1.1\r\nReferer: a \"b\"\r\n\r\n";
        let now = "2026-11-22T07:52:45+01:00[Europe/Vienna]".parse().unwrap();

        let line = asked(request, Some("dj")).0.line(finished(200, 5, 2)).json(&now);

        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["time"], "2026-11-22T07:52:45+01:00");
        assert_eq!((&value["user"], &value["path"]), (&"dj".into(), &"/live".into()));
        assert_eq!((&value["referer"], &value["user_agent"]), (&"a \"b\"".into(), &().into()));
        assert_eq!((&value["sent_bytes"], &value["seconds"]), (&5.into(), &2.into()));
        assert!(line.ends_with("}\n"));
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_of_ascii_whatever_the_request_says(
            fields in prop::array::uniform5(prop::option::of(any::<String>())),
            agent in prop::option::of(any::<String>()),
        ) {
            let fields = fields.each_ref().map(|field| field.as_deref());
            let now = Zoned::default();
            let finished = Finished { user_agent: agent.as_deref(), ..finished(200, 1, 1) };

            let line = Asked::of(fields).line(finished).common(&now);

            prop_assert!(line.is_ascii());
            let controls = line.bytes().filter(|byte| *byte < b' ').count();
            prop_assert_eq!(controls, 1);
            prop_assert_eq!(line.matches('"').count(), 6);
        }
    }
}
