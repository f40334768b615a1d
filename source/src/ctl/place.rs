//! Where a running station is asked, and how: by HTTP, or in lines.

use crate::config::ControlConfig;
use common::auth::Password;
use common::http::head::{HeadLimits, HeadReader};
use common::http::percent;
use serde::Deserialize;
use std::io::{BufReader, Cursor, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Where a running station is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// By HTTP, at a host and port.
    Http { at: String, password: Option<Password> },
    /// In lines, at a host and port.
    Telnet { at: String, password: Option<Password> },
    /// In lines, at a Unix socket.
    Socket(PathBuf),
}

/// Why a station cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It broke off.
    #[error("the station broke off: {error}")]
    Broken {
        /// How.
        error: std::io::Error,
    },
    /// It does not speak HTTP there.
    #[error("{place} is only for commands in lines; this needs `http` in [control]")]
    NeedsHttp {
        /// Where.
        place: String,
    },
    /// It says something else than was expected.
    #[error("{place} does not answer as a station does; is it one?")]
    NoStation {
        /// Where.
        place: String,
    },
    /// Its state is not what this program reads.
    #[error("the station's state cannot be read ({error}); is it of another version?")]
    OtherVersion {
        /// Why not.
        error: serde_json::Error,
    },
    /// It says no.
    #[error("{place}: {why}")]
    Refused {
        /// Where.
        place: String,
        /// Why.
        why: String,
    },
    /// Nobody is there.
    #[error("{place}: {error}; does the station run, with this place in its [control]?")]
    Unreachable {
        /// Where.
        place: String,
        /// Why.
        error: std::io::Error,
    },
}

/// What is read and written in turn.
trait Talk: Read + Write {}
impl<T: Read + Write> Talk for T {}

/// The body of a refusal.
#[derive(Deserialize)]
struct Problem {
    error: String,
}

#[derive(Deserialize)]
struct Reply {
    reply: String,
}

impl Place {
    /// The place that `text` names: `http://HOST:PORT`, `http://:PASSWORD@HOST:PORT`, the same with
    /// `telnet`, or the path of a socket.
    ///
    /// Fails if it is none of these.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            if text.is_empty() {
                return Err(format!("names nothing; write {EXAMPLES}"));
            }
            return Ok(Self::Socket(text.into()));
        };
        let (who, at) = rest.rsplit_once('@').map_or((None, rest), |(who, at)| (Some(who), at));
        let at = at.trim_end_matches('/').to_owned();
        let has_port = at.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !has_port || at.contains('/') {
            return Err(format!("`{at}` is not a host and a port; write {EXAMPLES}"));
        }
        let password = who.map(|who| {
            let password = who.split_once(':').map_or(who, |(_, password)| password);
            Password::new(&String::from_utf8_lossy(&percent::decode(password)))
        });
        match scheme {
            "http" => Ok(Self::Http { at, password }),
            "telnet" => Ok(Self::Telnet { at, password }),
            _ => Err(format!("`{scheme}` cannot be spoken; write {EXAMPLES}")),
        }
    }

    /// The best place that `config` has; `None` if it has none.
    pub(super) fn of(config: &ControlConfig) -> Option<Self> {
        let password = config.password.clone();
        if let Some(address) = config.http {
            return Some(Self::Http { at: address.to_string(), password });
        }
        if let Some(path) = &config.socket {
            return Some(Self::Socket(path.clone()));
        }
        let is_open = |address: std::net::SocketAddr| !address.ip().is_loopback();
        let telnet = |address: std::net::SocketAddr| Self::Telnet {
            at: address.to_string(),
            password: password.filter(|_| is_open(address)),
        };
        config.telnet.map(telnet)
    }

    /// What is at `path`.
    pub(super) fn get(&self, path: &str) -> Result<String, Trouble> {
        self.asked("GET", path, "")
    }

    /// What comes at `path`, as it comes.
    pub(super) fn follow(&self, path: &str) -> Result<impl std::io::BufRead, Trouble> {
        let (status, mut body) = self.request("GET", path, "")?;
        if status != OK {
            return Err(self.refused(status, &self.all(&mut body)?));
        }
        Ok(BufReader::new(body))
    }

    /// The reply to a line of telnet.
    pub(super) fn told(&self, line: &str) -> Result<String, Trouble> {
        if let Self::Http { .. } = self {
            let body = serde_json::json!({ "line": line }).to_string();
            let text = self.asked("POST", "/command", &body)?;
            let reply: Result<Reply, _> = serde_json::from_str(&text);
            return Ok(reply.map_err(|_| self.no_station())?.reply);
        }
        let mut talk = self.connected()?;
        let login = match self {
            Self::Telnet { password: Some(password), .. } => {
                format!("login {}\n", password.reveal())
            }
            Self::Http { .. } | Self::Socket(_) | Self::Telnet { .. } => String::new(),
        };
        let broken = |error| Trouble::Broken { error };
        talk.write_all(format!("{login}{line}\nexit\n").as_bytes()).map_err(broken)?;
        let said = self.all(&mut talk)?;
        let mut replies = said.split("\r\nEND\r\n");
        if !login.is_empty() && replies.next() != Some("OK") {
            let why = "the password is wrong".to_owned();
            return Err(Trouble::Refused { place: self.to_string(), why });
        }
        let reply = replies.next().filter(|_| said.contains("END"));
        reply.map(str::to_owned).ok_or_else(|| self.no_station())
    }

    /// All of what is at `path`.
    fn asked(&self, verb: &str, path: &str, body: &str) -> Result<String, Trouble> {
        let (status, mut rest) = self.request(verb, path, body)?;
        let text = self.all(&mut rest)?;
        if status == OK { Ok(text) } else { Err(self.refused(status, &text)) }
    }

    fn refused(&self, status: u16, text: &str) -> Trouble {
        let problem: Option<Problem> = serde_json::from_str(text).ok();
        let why = problem.map_or_else(|| format!("status {status}"), |problem| problem.error);
        Trouble::Refused { place: self.to_string(), why }
    }

    /// Sends a request; gives the status of the answer, and its body as it comes.
    fn request(&self, verb: &str, path: &str, body: &str) -> Result<(u16, impl Read), Trouble> {
        let Self::Http { at, password } = self else {
            return Err(Trouble::NeedsHttp { place: self.to_string() });
        };
        let mut talk = self.connected()?;
        let authorization = password.as_ref().map_or_else(String::new, |password| {
            format!("Authorization: Bearer {}\r\n", password.reveal())
        });
        let head = format!(
            "{verb} {path} HTTP/1.0\r\nHost: {at}\r\n{authorization}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let broken = |error| Trouble::Broken { error };
        talk.write_all(format!("{head}{body}").as_bytes()).map_err(broken)?;
        let mut reader = HeadReader::new(HeadLimits::default());
        let (mut received, mut part) = (Vec::new(), [0; 4_096]);
        loop {
            let length = talk.read(&mut part).map_err(broken)?;
            received.extend_from_slice(&part[..length]);
            match reader.response(&received) {
                Ok(Some((head, length))) => {
                    let begun = Cursor::new(received.split_off(length));
                    return Ok((head.status, begun.chain(talk)));
                }
                Ok(None) if length > 0 => {}
                Ok(None) | Err(_) => return Err(self.no_station()),
            }
        }
    }

    fn connected(&self) -> Result<Box<dyn Talk>, Trouble> {
        let unreachable = |error| Trouble::Unreachable { place: self.to_string(), error };
        match self {
            Self::Http { at, .. } | Self::Telnet { at, .. } => {
                let mut last = std::io::ErrorKind::AddrNotAvailable.into();
                for address in at.to_socket_addrs().map_err(unreachable)? {
                    match TcpStream::connect_timeout(&address, CONNECT_MAX) {
                        Ok(socket) => {
                            socket.set_read_timeout(Some(READ_MAX)).map_err(unreachable)?;
                            return Ok(Box::new(socket));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(unreachable(last))
            }
            Self::Socket(path) => {
                let socket = UnixStream::connect(path).map_err(unreachable)?;
                socket.set_read_timeout(Some(READ_MAX)).map_err(unreachable)?;
                Ok(Box::new(socket))
            }
        }
    }

    /// Everything that still comes, as text.
    fn all(&self, talk: &mut dyn Read) -> Result<String, Trouble> {
        let mut bytes = Vec::new();
        let read = talk.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| Trouble::Broken { error })?;
        String::from_utf8(bytes).map_err(|_| self.no_station())
    }

    fn no_station(&self) -> Trouble {
        Trouble::NoStation { place: self.to_string() }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http { at, .. } => write!(f, "http://{at}"),
            Self::Socket(path) => path.display().fmt(f),
            Self::Telnet { at, .. } => write!(f, "telnet://{at}"),
        }
    }
}

const OK: u16 = 200;
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A station says something at least so often.
const READ_MAX: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: u64 = 16 * 1_024 * 1_024;
const EXAMPLES: &str = "http://127.0.0.1:1235, telnet://127.0.0.1:1234 or the path of a socket";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_and_port_or_a_path() {
        let http = |at: &str, password: Option<&str>| {
            Ok(Place::Http { at: at.to_owned(), password: password.map(Password::new) })
        };

        assert_eq!(Place::parse("http://127.0.0.1:1235/"), http("127.0.0.1:1235", None));
        assert_eq!(Place::parse("http://:a%40b@[::1]:80"), http("[::1]:80", Some("a@b")));
        assert_eq!(Place::parse("http://secret@radio:80"), http("radio:80", Some("secret")));
        let telnet = Place::Telnet { at: "radio:1234".to_owned(), password: None };
        assert_eq!(Place::parse("telnet://radio:1234"), Ok(telnet));
        assert_eq!(Place::parse("run/control.sock"), Ok(Place::Socket("run/control.sock".into())));
        for wrong in ["", "http://127.0.0.1", "http://host:80/status", "https://host:443"] {
            assert!(Place::parse(wrong).unwrap_err().contains("write http://"), "{wrong}");
        }
    }

    #[test]
    fn the_best_place_of_a_configuration_is_its_http() {
        let mut config = ControlConfig {
            telnet: Some("127.0.0.1:1".parse().unwrap()),
            socket: Some("a.sock".into()),
            password: None,
            http: Some("127.0.0.1:2".parse().unwrap()),
        };

        assert_eq!(Place::of(&config).unwrap().to_string(), "http://127.0.0.1:2");
        config.http = None;
        assert_eq!(Place::of(&config).unwrap().to_string(), "a.sock");
        config.socket = None;
        assert_eq!(Place::of(&config).unwrap().to_string(), "telnet://127.0.0.1:1");
        config.telnet = None;
        assert_eq!(Place::of(&config), None);
    }
}
