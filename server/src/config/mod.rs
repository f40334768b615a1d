//! What the server needs to run: typed, valid, immutable.
//!
//! A configuration comes from a TOML file ([`Config::read`]), from an `icecast.xml`, or, to try the
//! server out, from nowhere ([`Config::trial`]).

pub mod access;
pub mod directories;
pub(crate) mod doubts;
mod file;
pub mod files;
pub mod limits;
pub mod logs;
pub mod mounts;
pub mod relays;
pub(crate) mod reload;
pub mod shoutcast;
pub mod upstream;
pub mod url_auth;
pub(crate) mod written;

use crate::mount::name::MountName;
use access::Access;
use common::auth::Password;
use common::config::Mistakes;
use common::config::variables;
use directories::DirectoryConfig;
use files::{Files, HttpHeader};
use limits::Limits;
use logs::Logs;
use mounts::{MountConfig, Mounts};
use relays::Relays;
use shoutcast::ShoutcastConfig;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// A server's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen; at least one.
    pub listen: Vec<ListenSocket>,
    /// Where sources of the SHOUTcast kind are taken.
    pub shoutcast: Vec<ShoutcastConfig>,
    /// The certificate for TLS; without it no socket takes TLS.
    pub tls: Option<TlsFiles>,
    /// Certificates in PEM form by which other servers may be vouched for, beside the system's.
    pub trust: Option<PathBuf>,
    /// What statistics and links call this server.
    pub hostname: String,
    /// Where it stands, for statistics.
    pub location: String,
    /// How to reach whoever runs it, for statistics.
    pub contact: String,
    /// Who may do what.
    pub passwords: Passwords,
    /// Limits of the whole server.
    pub limits: Limits,
    /// What holds for which mounts.
    pub mounts: Mounts,
    /// Streams that are fetched from other servers.
    pub relays: Relays,
    /// Where public stations are announced.
    pub directories: Vec<DirectoryConfig>,
    /// Who may connect at all.
    pub access: Access,
    /// Files that are served beside the streams.
    pub files: Files,
    /// Header lines for every answer.
    pub http_headers: Vec<HttpHeader>,
    /// The logs.
    pub logs: Logs,
    /// What the server calls itself; `None` for its name and version.
    pub server_id: Option<String>,
    /// Patterns of programs that look for `ICY 200 OK` in the answer to their request for a stream.
    pub icy_agents: Vec<String>,
    /// How close to keep to Icecast where we differ from it on purpose.
    pub compat: Compat,
    /// The file that holds the number of the process while it runs.
    pub pid_file: Option<PathBuf>,
    /// Whom the process becomes once its sockets are open; `None` to stay who it is.
    pub run_as: Option<RunAs>,
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenSocket {
    /// Address and port.
    pub address: SocketAddr,
    /// Whether only TLS is taken there. Where there is a certificate, every other socket takes TLS
    /// as well.
    pub tls_only: bool,
}

impl From<SocketAddr> for ListenSocket {
    fn from(address: SocketAddr) -> Self {
        Self { address, tls_only: false }
    }
}

/// What is no address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an address such as 127.0.0.1:8000, [::]:8000, *:8000 or tls://*:8443")]
pub struct NoListenSocket;

impl FromStr for ListenSocket {
    type Err = NoListenSocket;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (tls_only, text) = match text.strip_prefix(TLS_SCHEME) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let address = match text.strip_prefix("*:") {
            Some(port) => {
                let port = port.parse().map_err(|_| NoListenSocket)?;
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))
            }
            None => text.parse().map_err(|_| NoListenSocket)?,
        };
        Ok(Self { address, tls_only })
    }
}

impl fmt::Display for ListenSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls_only { TLS_SCHEME } else { "" };
        write!(f, "{scheme}{}", self.address)
    }
}

/// Where the certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, in PEM form.
    pub certificate: PathBuf,
    /// Its private key; may be the same file.
    pub key: PathBuf,
}

/// The server's own users. The source's user and password are each mount's
/// ([`MountConfig::user`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Passwords {
    /// The administrator's name.
    pub admin_user: String,
    /// The administrator's password. Without it there is no administrator.
    pub admin: Option<Password>,
    /// The name of servers that relay this one.
    pub relay_user: String,
    /// Their password. Without it `/admin/streamlist.txt` is closed.
    pub relay: Option<Password>,
}

/// How close to keep to Icecast 2.4.4 where we differ from it on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compat {
    /// What serves players, encoders and scripts best.
    Sensible,
    /// Icecast's way, wherever a client could depend on it: answers are HTTP/1.0 and closed,
    /// titles are ISO 8859-1, titles of digits are numbers in JSON, OPTIONS and HEAD are refused.
    Strict,
}

/// Whom a process started by root becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// The user's name.
    pub user: Option<String>,
    /// The group's name; `None` for the user's own.
    pub group: Option<String>,
}

impl Config {
    /// Reads a configuration from `text`, which stands in `file`; else every mistake in it. A
    /// `${NAME}` in a value is what the environment calls so.
    pub fn read(file: &str, text: &str) -> Result<Self, Mistakes> {
        file::read(file, text, &variables::environment)
    }

    /// A configuration to try the server with: the defaults, on 127.0.0.1:8000, and passwords
    /// drawn at random.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers to give.
    pub fn trial() -> Result<Self, getrandom::Error> {
        let usual = MountConfig { password: Some(random_password()?), ..MountConfig::default() };
        let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)).into()];
        let mut config = Self::of(listen, Mounts { usual, rules: Vec::new() });
        config.passwords.admin = Some(random_password()?);
        Ok(config)
    }

    /// A configuration with the defaults for everything but these.
    pub(crate) fn of(listen: Vec<ListenSocket>, mounts: Mounts) -> Self {
        Self {
            listen,
            shoutcast: Vec::new(),
            tls: None,
            trust: None,
            hostname: HOSTNAME.to_owned(),
            location: LOCATION.to_owned(),
            contact: CONTACT.to_owned(),
            passwords: Passwords {
                admin_user: ADMIN_USER.to_owned(),
                admin: None,
                relay_user: RELAY_USER.to_owned(),
                relay: None,
            },
            limits: Limits::default(),
            mounts,
            relays: Relays::default(),
            directories: Vec::new(),
            access: Access::default(),
            files: Files::default(),
            http_headers: Vec::new(),
            logs: Logs::default(),
            server_id: None,
            icy_agents: Vec::new(),
            compat: Compat::Sensible,
            pid_file: None,
            run_as: None,
        }
    }

    /// How links to this server begin: its first address takes TLS alone, or plain connections.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.listen.first().is_some_and(|socket| socket.tls_only) { "https" } else { "http" }
    }

    /// What holds for the mount `name`.
    pub fn mount(&self, name: &MountName) -> &MountConfig {
        self.mounts.of(name)
    }
}

/// Sixteen characters that can be read aloud and typed: 80 bits.
fn random_password() -> Result<Password, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    let text: String =
        bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    Ok(Password::new(&text))
}

/// Thirty-two characters without the look-alikes 0, o, 1, l.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
pub(crate) const ADMIN_USER: &str = "admin";
pub(crate) const CONTACT: &str = "icemaster@localhost";
pub(crate) const HOSTNAME: &str = "localhost";
pub(crate) const LOCATION: &str = "Earth";
pub(crate) const RELAY_USER: &str = "relay";
pub(crate) const PORT: u16 = 8_000;
/// What stands before an address at which only TLS is taken.
const TLS_SCHEME: &str = "tls://";
/// The user of a source, where the mount does not say otherwise.
pub const SOURCE_USER: &str = "source";
