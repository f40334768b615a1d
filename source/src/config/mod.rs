//! What the source client needs: typed, valid, and unchanging for a run.
//!
//! A configuration comes from a TOML file ([`mod@file`]) or from the command line; either way it
//! has been checked when it gets here, so nothing behind it has to doubt it.

pub mod file;

use crate::encode::mp3::Mp3;
use crate::mix::tone::WhenEmpty;
use common::auth::{Credentials, Password};
use common::http::percent;
use std::fmt;
use std::path::PathBuf;

/// Everything a station needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// What listeners and directories are told about the station.
    pub identity: Identity,
    /// What is played, and how.
    pub programme: ProgrammeConfig,
    /// Where it is sent.
    pub output: Output,
}

/// What listeners and directories are told about a station. Empty texts are not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// A sentence about it.
    pub description: String,
    /// What it plays.
    pub genre: String,
    /// Its home page.
    pub url: String,
    /// Whether it may be listed in public directories. Default: no.
    pub public: bool,
}

/// What is played, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammeConfig {
    /// Audio files, folders and M3U lists, in this order.
    pub play: Vec<PathBuf>,
    /// The order of a round.
    pub order: OrderConfig,
    /// What is heard when there is nothing to play.
    pub when_empty: WhenEmpty,
}

/// The order of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderConfig {
    /// As written.
    #[default]
    Normal,
    /// Shuffled anew in every round; with a seed, the same way in every run.
    Shuffle {
        /// The seed; a random one if there is none.
        seed: Option<u64>,
    },
}

/// One server that the programme is sent to.
#[derive(Clone, Debug)]
pub struct Output {
    /// The server.
    pub server: Server,
    /// The mount on it, percent-encoded: `/live.mp3`.
    pub mount: String,
    /// Who we are to it.
    pub credentials: Credentials,
    /// How it is greeted.
    pub method: Method,
    /// How the programme is encoded for it.
    pub mp3: Mp3,
}

/// A server's host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// How a server is greeted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// `PUT` with `Expect: 100-continue`.
    Put,
    /// `SOURCE`, which every Icecast understands.
    #[default]
    Source,
}

/// Why a text is not the address of a mount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMount {
    /// There is nothing where the host should be.
    #[error("no host; write {EXAMPLE}")]
    Host,
    /// The path is missing, or holds what a path cannot.
    #[error("`{0}` is not a mount, which is a path such as /live.mp3; write {EXAMPLE}")]
    Mount(String),
    /// There is no password.
    #[error("no password; write {EXAMPLE}")]
    Password,
    /// The port is not a number from 1 to 65535.
    #[error("`{0}` is not a port from 1 to 65535")]
    Port(String),
    /// The scheme is not one that can be spoken.
    #[error("only http:// can be spoken; write {EXAMPLE}")]
    Scheme,
}

impl Output {
    /// The output that `url` names: `http://USER:PASSWORD@HOST:PORT/MOUNT`, with 128 kbit/s at
    /// 44.1 kHz. The user may be left out, and is `source` then; so may the port, and is 8000.
    ///
    /// Fails if it is not such an address.
    pub fn parse(url: &str) -> Result<Self, NotAMount> {
        let rest = ["http://", "icecast://"].iter().find_map(|scheme| {
            let (head, rest) = url.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some(rest)
        });
        let rest = rest.ok_or(NotAMount::Scheme)?;
        // A password may hold a slash or an at-sign; a host may not.
        let at = rest.rfind('@').ok_or(NotAMount::Password)?;
        let (who, place) = (&rest[..at], &rest[at + 1..]);
        let slash = place.find('/').ok_or_else(|| NotAMount::Mount(String::new()))?;
        let (user, password) = who.split_once(':').unwrap_or(("source", who));
        let user = if user.is_empty() { "source" } else { user };
        if password.is_empty() {
            return Err(NotAMount::Password);
        }
        let text = |encoded| String::from_utf8_lossy(&percent::decode(encoded)).into_owned();
        Ok(Self {
            server: Server::parse(&place[..slash])?,
            mount: mount(&place[slash..])?,
            credentials: Credentials { user: text(user), password: Password::new(&text(password)) },
            method: Method::default(),
            mp3: Mp3 { rate_hz: RATE_HZ, bitrate_kbps: BITRATE_KBPS, quality: QUALITY },
        })
    }
}

impl Server {
    fn parse(text: &str) -> Result<Self, NotAMount> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotAMount::Host);
        }
        let port = match port {
            None => PORT,
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(NotAMount::Port(text.to_owned())),
            },
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// `path` as a request line may carry it.
fn mount(path: &str) -> Result<String, NotAMount> {
    let plain = percent::decode(path);
    if path.contains(['?', '#']) || plain.len() < 2 || plain.iter().any(u8::is_ascii_control) {
        return Err(NotAMount::Mount(path.to_owned()));
    }
    Ok(percent::encode_path(&plain))
}

/// The bit rate, unless another one is asked for.
pub const BITRATE_KBPS: u32 = 128;
/// The sample rate, unless another one is asked for.
pub const RATE_HZ: u32 = 44_100;
/// LAME's effort, unless another one is asked for.
pub const QUALITY: u8 = 3;
const PORT: u16 = 8_000;
const EXAMPLE: &str = "http://source:PASSWORD@HOST:8000/live.mp3";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_server_mount_user_and_password() {
        let output = Output::parse("http://dj:s%40cret@radio.example:8001/a b.mp3").unwrap();

        assert_eq!(output.server.to_string(), "radio.example:8001");
        assert_eq!(output.mount, "/a%20b.mp3");
        assert_eq!(output.credentials.user, "dj");
        assert!(output.credentials.password.matches("s@cret"));
    }

    #[test]
    fn user_and_port_may_be_left_out() {
        let output = Output::parse("icecast://hackme@[::1]/live.mp3").unwrap();

        assert_eq!(output.credentials.user, "source");
        assert!(output.credentials.password.matches("hackme"));
        assert_eq!(output.server, Server { host: "::1".to_owned(), port: 8_000 });
        assert_eq!(output.server.to_string(), "[::1]:8000");
    }

    #[test]
    fn a_password_may_hold_what_divides_an_address() {
        let output = Output::parse("http://source:a/b@c:d@host/live.mp3").unwrap();

        assert!(output.credentials.password.matches("a/b@c:d"));
        assert_eq!(output.mount, "/live.mp3");
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (url, wrong) in [
            ("https://source:x@host/live.mp3", NotAMount::Scheme),
            ("host/live.mp3", NotAMount::Scheme),
            ("http://host/live.mp3", NotAMount::Password),
            ("http://source:@host/live.mp3", NotAMount::Password),
            ("http://source:x@/live.mp3", NotAMount::Host),
            ("http://source:x@host", NotAMount::Mount(String::new())),
            ("http://source:x@host/", NotAMount::Mount("/".to_owned())),
            ("http://source:x@host/a?b", NotAMount::Mount("/a?b".to_owned())),
            ("http://source:x@host/a%0d%0ab", NotAMount::Mount("/a%0d%0ab".to_owned())),
            ("http://source:x@host:0/a", NotAMount::Port("0".to_owned())),
            ("http://source:x@host:65536/a", NotAMount::Port("65536".to_owned())),
        ] {
            assert_eq!(Output::parse(url).unwrap_err(), wrong, "{url}");
        }
    }

    #[test]
    fn a_configuration_does_not_show_its_password() {
        let output = Output::parse("http://source:hackme@host/live.mp3").unwrap();

        assert!(!format!("{output:?}").contains("hackme"));
    }
}
