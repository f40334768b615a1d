//! What the source client needs: typed, valid, and unchanging for a run.
//!
//! A configuration comes from a TOML file ([`mod@file`]) or from the command line; either way it
//! has been checked when it gets here, so nothing behind it has to doubt it: a channel names only
//! playlists that are there, an output only a channel that is there, and no two names meet.

pub mod changes;
pub mod charset;
pub mod entries;
pub mod file;
pub mod names;

use crate::alphabet::TagCharset;
use crate::config::charset::Charset;
use crate::config::entries::{InputConfig, QueueConfig, RotationConfig};
use crate::encode::mp3::Mp3;
use crate::encode::{Encoding, Format};
use crate::mix::crossfade::Crossfade;
use crate::mix::signal::Signal;
use crate::playlist::rules::Rules;
use crate::programme::blank::Blanks;
use crate::sound::Chain;
use crate::treatment::Treatment;
use common::auth::{Credentials, Password};
use common::http::percent;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything a station needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What listeners and directories are told about the station.
    pub identity: Identity,
    /// What there is to play, in the order of the file.
    pub playlists: Vec<PlaylistConfig>,
    /// Where people ask for what they want to hear, in the order of the file.
    pub queues: Vec<QueueConfig>,
    /// Where live sources come in, in the order of the file.
    pub inputs: Vec<InputConfig>,
    /// Lists that take turns, in the order of the file.
    pub rotations: Vec<RotationConfig>,
    /// The programmes, in the order of the file.
    pub channels: Vec<ChannelConfig>,
    /// Where they are sent, in the order of the file.
    pub outputs: Vec<Output>,
    /// Who may ask and command, and where.
    pub control: ControlConfig,
    /// The file in which the station notes what it has played; none if it shall forget.
    pub state: Option<PathBuf>,
    /// A PEM file of certificates that are believed of servers besides the system's.
    pub trust: Option<PathBuf>,
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

/// A list, folder or pattern of files, and how it is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaylistConfig {
    /// What commands call it, and channels.
    pub name: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// Audio files, folders, lists and patterns, one after the other.
    pub paths: Vec<PathBuf>,
    /// In which order its items are played.
    pub order: OrderConfig,
    /// How changes on disk are noticed.
    pub reload: ReloadConfig,
    /// What the tags of its files are encoded in that do not say so; what they look like if not
    /// said.
    pub tag_charset: Option<TagCharset>,
    /// When it is due, and how it comes in.
    pub rules: Rules,
}

/// The order in which a playlist's items are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderConfig {
    /// As written.
    #[default]
    Normal,
    /// Each one drawn from all of them; with a seed, the same way in every run.
    Random {
        /// The seed; a random one if there is none.
        seed: Option<u64>,
    },
    /// Shuffled anew in every round; with a seed, the same way in every run.
    Shuffle {
        /// The seed; a random one if there is none.
        seed: Option<u64>,
    },
}

/// How changes of a playlist on disk are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReloadConfig {
    /// It is read again after so long.
    Every(Duration),
    /// Only when somebody says `reload`.
    Never,
    /// Its folder is watched.
    #[default]
    Watch,
}

/// A programme: what is heard on one or more outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelConfig {
    /// What outputs call it, and commands.
    pub name: String,
    /// The names of playlists, queues, inputs and rotations; the first that has something to play
    /// is played.
    pub play: Vec<String>,
    /// What is heard when none has.
    pub emergency: Emergency,
    /// How one track goes over into the next.
    pub crossfade: Crossfade,
    /// What is done to its tracks.
    pub treatment: Treatment,
    /// The effects that it goes through.
    pub sound: Chain,
    /// When silence is too long, and what is done then.
    pub blanks: Option<Blanks>,
    /// Sample frames per second.
    pub rate_hz: u32,
}

/// What is heard when there is nothing to play.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Emergency {
    /// An audio file, again and again.
    File(PathBuf),
    /// A wave or a noise.
    Signal(Signal),
    /// Nothing at all.
    Silence,
    /// A tone, so that somebody who listens knows that the line works.
    #[default]
    Tone,
}

/// One mount that a channel is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// What commands call it.
    pub id: String,
    /// What commands may call it too.
    pub aliases: Vec<String>,
    /// The name of the channel.
    pub channel: String,
    /// The mount.
    pub address: Address,
    /// How the server is greeted.
    pub method: Method,
    /// How the programme is encoded for it.
    pub format: Format,
    /// Whether files in that format pass through untouched where they can.
    pub passthrough: bool,
    /// What listeners of this mount are told.
    pub identity: Identity,
    /// How titles are written that the server is told aside.
    pub charset: Charset,
}

/// A mount on a server, and who we are to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The server.
    pub server: Server,
    /// The mount on it, percent-encoded: `/live.mp3`.
    pub mount: String,
    /// User and password.
    pub credentials: Credentials,
}

/// Who may ask and command, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlConfig {
    /// Where lines of commands are taken, as from Liquidsoap's telnet server.
    pub telnet: Option<SocketAddr>,
    /// The same, as a file.
    pub socket: Option<PathBuf>,
    /// What has to be said first where others than this machine may connect.
    pub password: Option<Password>,
    /// Where the same and more is taken by HTTP.
    pub http: Option<SocketAddr>,
}

/// A server's host and port, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Whether in TLS.
    pub is_secure: bool,
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
    #[error("only http:// and https:// can be spoken; write {EXAMPLE}")]
    Scheme,
}

impl Config {
    /// A station of one playlist on one channel for one mount; everything else is as usual.
    pub fn simple(paths: Vec<PathBuf>, address: Address) -> Self {
        let playlist = PlaylistConfig {
            name: "playlist".to_owned(),
            aliases: Vec::new(),
            paths,
            order: OrderConfig::default(),
            reload: ReloadConfig::default(),
            tag_charset: None,
            rules: Rules::always(),
        };
        let channel = ChannelConfig {
            name: CHANNEL.to_owned(),
            play: vec![playlist.name.clone()],
            emergency: Emergency::default(),
            crossfade: Crossfade::default(),
            treatment: Treatment::default(),
            sound: Chain::default(),
            blanks: None,
            rate_hz: RATE_HZ,
        };
        let output = Output {
            id: address.id(),
            aliases: Vec::new(),
            channel: channel.name.clone(),
            address,
            method: Method::default(),
            format: Format::Mp3(Mp3::constant(RATE_HZ, BITRATE_KBPS, QUALITY)),
            passthrough: false,
            identity: Identity::default(),
            charset: Charset::default(),
        };
        Self {
            identity: Identity::default(),
            playlists: vec![playlist],
            queues: Vec::new(),
            inputs: Vec::new(),
            rotations: Vec::new(),
            channels: vec![channel],
            outputs: vec![output],
            control: ControlConfig::default(),
            state: None,
            trust: None,
        }
    }
}

impl Output {
    /// How the programme becomes what it is sent.
    pub fn encoding(&self) -> Encoding {
        Encoding { format: self.format, passthrough: self.passthrough }
    }
}

impl Address {
    /// What an output to this mount is called: `live.mp3` for `/live.mp3`.
    pub fn id(&self) -> String {
        self.mount.trim_start_matches('/').to_owned()
    }

    /// The mount that `url` names: `http://USER:PASSWORD@HOST:PORT/MOUNT`, or `https://…`. The user
    /// may be left out, and is `source` then; so may the port, and is 8000, and 443 for `https`.
    ///
    /// Fails if it is not such an address.
    pub fn parse(url: &str) -> Result<Self, NotAMount> {
        let schemes = [("http://", false), ("icecast://", false), ("https://", true)];
        let spoken = schemes.iter().find_map(|(scheme, is_secure)| {
            let (head, rest) = url.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some((rest, *is_secure))
        });
        let (rest, is_secure) = spoken.ok_or(NotAMount::Scheme)?;
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
            server: Server::parse(&place[..slash], is_secure)?,
            mount: mount(&place[slash..])?,
            credentials: Credentials { user: text(user), password: Password::new(&text(password)) },
        })
    }
}

impl Server {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    fn parse(text: &str, is_secure: bool) -> Result<Self, NotAMount> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotAMount::Host);
        }
        let port = match port {
            None if is_secure => TLS_PORT,
            None => PORT,
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(NotAMount::Port(text.to_owned())),
            },
        };
        Ok(Self { is_secure, host: host.to_owned(), port })
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

/// The channel of a station that names none.
pub const CHANNEL: &str = "main";
/// The bit rate, unless another one is asked for.
pub const BITRATE_KBPS: u32 = 128;
/// The sample rate, unless another one is asked for.
pub const RATE_HZ: u32 = 44_100;
/// LAME's effort, unless another one is asked for.
pub const QUALITY: u8 = 3;
const PORT: u16 = 8_000;
const TLS_PORT: u16 = 443;
const EXAMPLE: &str = "http://source:PASSWORD@HOST:8000/live.mp3";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_server_mount_user_and_password() {
        let address = Address::parse("http://dj:s%40cret@radio.example:8001/a b.mp3").unwrap();

        assert_eq!(address.server.to_string(), "radio.example:8001");
        assert_eq!(address.mount, "/a%20b.mp3");
        assert_eq!(address.credentials.user, "dj");
        assert!(address.credentials.password.matches("s@cret"));
    }

    #[test]
    fn user_and_port_may_be_left_out() {
        let address = Address::parse("icecast://hackme@[::1]/live.mp3").unwrap();

        assert_eq!(address.credentials.user, "source");
        assert!(address.credentials.password.matches("hackme"));
        assert_eq!(
            address.server,
            Server { is_secure: false, host: "::1".to_owned(), port: 8_000 }
        );
        assert_eq!(address.server.to_string(), "[::1]:8000");
    }

    #[test]
    fn a_server_that_is_spoken_to_in_tls_has_the_port_of_https_unless_it_says_another() {
        for (url, port) in [("https://x@host/a.mp3", 443), ("HTTPS://x@host:8443/a.mp3", 8_443)] {
            let server = Address::parse(url).unwrap().server;
            assert_eq!((server.is_secure, server.port, server.scheme()), (true, port, "https"));
        }
    }

    #[test]
    fn a_password_may_hold_what_divides_an_address() {
        let address = Address::parse("http://source:a/b@c:d@host/live.mp3").unwrap();

        assert!(address.credentials.password.matches("a/b@c:d"));
        assert_eq!(address.mount, "/live.mp3");
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (url, wrong) in [
            ("ftp://source:x@host/live.mp3", NotAMount::Scheme),
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
            assert_eq!(Address::parse(url).unwrap_err(), wrong, "{url}");
        }
    }

    #[test]
    fn a_configuration_does_not_show_its_password() {
        let address = Address::parse("http://source:hackme@host/live.mp3").unwrap();

        assert!(!format!("{address:?}").contains("hackme"));
    }
}
