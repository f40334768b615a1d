//! The door: what a request to an input's port means, and what is answered. Pure.
//!
//! A source comes with `SOURCE` or `PUT` and the password of its mount; titles come with
//! `GET /admin/metadata`, as to Icecast.

use crate::input::title::LiveTitle;
use common::auth::Credentials;
use common::http::head::{RequestHead, decoded};
use common::http::{basic, percent};

/// What a mount asks of whoever wants to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its path: `/live`.
    pub path: String,
    /// Who may send.
    pub credentials: Credentials,
}

/// What a request means; the number is the place of its mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To send.
    Send {
        /// The mount.
        mount: usize,
        /// What the stream is.
        content_type: String,
        /// What it is called as long as nothing else is said.
        title: LiveTitle,
        /// Whether the answer to `Expect: 100-continue` is waited for.
        waits: bool,
        /// Whether the body comes in chunks.
        is_chunked: bool,
        /// The length of the body, if it is said.
        length: Option<u64>,
    },
    /// To tell a title.
    Tell(usize, LiveTitle),
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not HTTP, or says nothing that can be understood.
    #[error("a request that is not understood")]
    Malformed,
    /// Nothing is served here.
    #[error("no such mount")]
    NoMount,
    /// It is neither `SOURCE` nor `PUT`.
    #[error("a method that is not taken here")]
    Method,
    /// Somebody else sends.
    #[error("another source is connected")]
    Taken,
    /// The type is none of audio.
    #[error("a type that is no audio")]
    Type,
    /// User or password are wrong, or missing.
    #[error("a wrong password")]
    Unauthorized,
}

/// What `head` means where there are these `mounts`.
///
/// Fails if it is turned away.
pub fn wish(head: &RequestHead, mounts: &[Mount]) -> Result<Wish, Refusal> {
    let is_source = head.method.eq_ignore_ascii_case("SOURCE");
    if is_source || head.method.eq_ignore_ascii_case("PUT") {
        return send(head, mounts);
    }
    if !head.method.eq_ignore_ascii_case("GET") {
        return Err(Refusal::Method);
    }
    if head.path() != "/admin/metadata" {
        return Err(Refusal::NoMount);
    }
    let parameters = percent::parameters(head.query());
    let text = |name: &str| {
        let found = parameters.iter().find(|(own, _)| own == name.as_bytes());
        found.map(|(_, value)| decoded(value).into_owned())
    };
    let path = text("mount").unwrap_or_default();
    let mount = place(&path, mounts).ok_or(Refusal::NoMount)?;
    allowed(head, &mounts[mount])?;
    let title = match (text("song"), text("artist"), text("title")) {
        (Some(song), None, _) => LiveTitle::song(&song),
        (None, artist, Some(title)) => LiveTitle::of(artist.as_deref().unwrap_or_default(), &title),
        (Some(song), Some(artist), None) => LiveTitle::of(&artist, &song),
        (_, Some(artist), title) => LiveTitle::of(&artist, title.as_deref().unwrap_or_default()),
        (None, None, None) => return Err(Refusal::Malformed),
    };
    Ok(Wish::Tell(mount, title))
}

fn send(head: &RequestHead, mounts: &[Mount]) -> Result<Wish, Refusal> {
    let mount = place(head.path(), mounts).ok_or(Refusal::NoMount)?;
    allowed(head, &mounts[mount])?;
    let header = |name| head.headers.first(name);
    // Old encoders of MP3 leave it out.
    let content_type = header("content-type").unwrap_or("audio/mpeg").to_owned();
    let essence = common::format::essence(&content_type);
    let is_audio = ["audio/", "video/", "application/ogg", "application/x-ogg"];
    let is_unknown = matches!(essence.as_str(), "" | "application/octet-stream");
    if !is_unknown && !is_audio.iter().any(|kind| essence.starts_with(kind)) {
        return Err(Refusal::Type);
    }
    let name = header("ice-name").or_else(|| header("icy-name")).unwrap_or_default();
    Ok(Wish::Send {
        mount,
        content_type,
        title: LiveTitle::of("", name),
        waits: head.headers.lists("expect", "100-continue"),
        is_chunked: head.headers.lists("transfer-encoding", "chunked"),
        length: header("content-length").and_then(|length| length.trim().parse().ok()),
    })
}

/// The place of the mount at `path`.
fn place(path: &str, mounts: &[Mount]) -> Option<usize> {
    let plain = |path: &str| percent::decode(path.trim_start_matches('/'));
    mounts.iter().position(|mount| plain(&mount.path) == plain(path))
}

fn allowed(head: &RequestHead, mount: &Mount) -> Result<(), Refusal> {
    let said = head.headers.first("authorization").and_then(basic::read);
    let said = said.ok_or(Refusal::Unauthorized)?;
    let Credentials { user, password } = &mount.credentials;
    let is_right = password.matches(said.password.reveal()) && *user == said.user;
    if is_right { Ok(()) } else { Err(Refusal::Unauthorized) }
}

impl Refusal {
    /// The status line and what follows it.
    pub fn answer(self) -> String {
        let (status, more) = match self {
            Self::Malformed => ("400 Bad Request", ""),
            Self::Method => ("405 Method Not Allowed", "Allow: GET, PUT, SOURCE\r\n"),
            Self::NoMount => ("404 Not Found", ""),
            Self::Taken => ("403 Forbidden", ""),
            Self::Type => ("415 Unsupported Media Type", ""),
            Self::Unauthorized => {
                ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"Carrier\"\r\n")
            }
        };
        let text = format!("{self}\n");
        let length = text.len();
        format!(
            "HTTP/1.0 {status}\r\n{more}Content-Type: text/plain\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{text}"
        )
    }
}

/// What a source is told that may send: Icecast's own bytes, on which encoders rely.
pub const ACCEPTED: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n";
/// What comes before, for a source that waits for it.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n";
/// What is answered to somebody who has told a title, as by Icecast.
pub const TOLD: &str = "HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 113\r\n\
    Connection: close\r\n\r\n<?xml version=\"1.0\"?>\n<iceresponse><message>Metadata update \
    successful</message><return>1</return></iceresponse>\n";

#[cfg(test)]
mod tests {
    use super::*;
    use common::auth::Password;
    use common::http::head::{HeadLimits, HeadReader};
    use proptest::prelude::*;

    #[test]
    fn encoders_are_understood_as_icecast_understands_them() {
        let butt = "SOURCE /live HTTP/1.0\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\n\
            content-type: audio/mpeg\r\nice-name: DJ Bob\r\n\r\n";
        let ffmpeg = "PUT /live HTTP/1.1\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\n\
            Expect: 100-continue\r\nContent-Type: application/ogg\r\n\r\n";
        let curl = "PUT /l%69ve HTTP/1.1\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\n\
            Transfer-Encoding: chunked\r\nContent-Type: audio/flac\r\nContent-Length: 9\r\n\r\n";

        for (text, (kind, name, waits, is_chunked, length)) in [
            (butt, ("audio/mpeg", "DJ Bob", false, false, None)),
            (ffmpeg, ("application/ogg", "", true, false, None)),
            (curl, ("audio/flac", "", false, true, Some(9))),
        ] {
            let (content_type, title) = (kind.to_owned(), LiveTitle::of("", name));
            let wanted = Wish::Send { mount: 0, content_type, title, waits, is_chunked, length };
            assert_eq!(asked(text), Ok(wanted));
        }
    }

    #[test]
    fn titles_come_in_either_form_and_any_charset() {
        for (query, artist, title) in [
            ("mount=/live&mode=updinfo&song=A%20-%20B+C", "A", "B C"),
            ("mode=updinfo&mount=%2Flive&artist=A&title=B", "A", "B"),
            ("mount=/live&mode=updinfo&song=J%F3ga", "", "Jóga"),
            ("mount=/live&mode=updinfo&song=J%C3%B3ga&charset=UTF-8", "", "Jóga"),
        ] {
            let text = format!(
                "GET /admin/metadata?{query} HTTP/1.0\r\n\
                 Authorization: Basic c291cmNlOmhhY2ttZQ==\r\n\r\n"
            );

            assert_eq!(asked(&text), Ok(Wish::Tell(0, LiveTitle::of(artist, title))), "{query}");
        }
    }

    #[test]
    fn what_is_turned_away_is_told_why() {
        let right = "Authorization: Basic c291cmNlOmhhY2ttZQ==\r\n";
        for (line, more, refusal) in [
            ("SOURCE /live", "", Refusal::Unauthorized),
            ("SOURCE /live", "Authorization: Basic c291cmNlOndyb25n\r\n", Refusal::Unauthorized),
            ("PUT /other", right, Refusal::NoMount),
            ("GET /live", right, Refusal::NoMount),
            ("POST /live", right, Refusal::Method),
            ("GET /admin/metadata?mount=/live&song=x", "", Refusal::Unauthorized),
            ("GET /admin/metadata?mount=/live", right, Refusal::Malformed),
            ("GET /admin/metadata?song=x", right, Refusal::NoMount),
        ] {
            assert_eq!(asked(&format!("{line} HTTP/1.0\r\n{more}\r\n")), Err(refusal), "{line}");
        }
        let page = format!("PUT /live HTTP/1.1\r\n{right}Content-Type: text/html\r\n\r\n");
        assert_eq!(asked(&page), Err(Refusal::Type));
        let answer = Refusal::Unauthorized.answer();
        assert!(answer.starts_with("HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic "));
    }

    #[test]
    fn the_answer_to_a_title_is_as_long_as_it_says() {
        let (head, body) = TOLD.split_once("\r\n\r\n").unwrap();

        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }

    proptest! {
        #[test]
        fn any_head_means_something_or_nothing(target in "/[!-~]{0,40}", method in "[A-Z]{3,6}") {
            drop(asked(&format!("{method} {target} HTTP/1.0\r\n\r\n")));
        }
    }

    fn asked(text: &str) -> Result<Wish, Refusal> {
        let credentials =
            Credentials { user: "source".to_owned(), password: Password::new("hackme") };
        let head = HeadReader::new(HeadLimits::default()).request(text.as_bytes());
        let (head, _) = head.map_err(|_| Refusal::Malformed)?.ok_or(Refusal::Malformed)?;
        wish(&head, &[Mount { path: "/live".to_owned(), credentials }])
    }
}
