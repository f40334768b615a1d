//! What the server needs to run: typed, valid, immutable.
//!
//! A configuration comes from a TOML file ([`Config::read`]), from an `icecast.xml`, or, to try the
//! server out, from nowhere ([`Config::trial`]).

mod file;
pub mod limits;

use crate::mount::name::MountName;
use common::auth::Password;
use common::config::Mistakes;
use limits::{Limits, MountLimits};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

/// A server's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; at least one.
    pub listen: Vec<SocketAddr>,
    /// What statistics and links call this server.
    pub hostname: String,
    /// Where it stands, for statistics.
    pub location: String,
    /// How to reach whoever runs it, for statistics.
    pub contact: String,
    /// Who may do what.
    pub passwords: Passwords,
    /// All limits.
    pub limits: Limits,
    /// Mounts that differ from the rest.
    pub mounts: BTreeMap<MountName, MountConfig>,
}

/// The server's own users.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// For sources on every mount that has no password of its own; their user is `source`.
    /// Without it only such mounts take sources.
    pub source: Option<Password>,
    /// The administrator's name.
    pub admin_user: String,
    /// The administrator's password. Without it there is no administrator.
    pub admin: Option<Password>,
}

/// What is particular about one mount.
#[derive(Clone, Debug)]
pub struct MountConfig {
    /// Its source's user.
    pub user: String,
    /// Its source's password; the server's is then not taken here.
    pub password: Option<Password>,
    /// Its limits.
    pub limits: MountLimits,
}

impl Config {
    /// Reads a configuration from `text`, which stands in `file`; else every mistake in it.
    pub fn read(file: &str, text: &str) -> Result<Self, Mistakes> {
        file::read(file, text)
    }

    /// A configuration to try the server with: the defaults, on 127.0.0.1:8000, and passwords
    /// drawn at random.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers to give.
    pub fn trial() -> Result<Self, getrandom::Error> {
        Ok(Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))],
            hostname: HOSTNAME.to_owned(),
            location: LOCATION.to_owned(),
            contact: CONTACT.to_owned(),
            passwords: Passwords {
                source: Some(random_password()?),
                admin_user: ADMIN_USER.to_owned(),
                admin: Some(random_password()?),
            },
            limits: Limits::default(),
            mounts: BTreeMap::new(),
        })
    }

    /// The limits of the mount `name`.
    pub fn mount_limits(&self, name: &MountName) -> &MountLimits {
        self.mounts.get(name).map_or(&self.limits.mount, |mount| &mount.limits)
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
pub(crate) const PORT: u16 = 8_000;
/// The user of a source, where the mount does not say otherwise.
pub const SOURCE_USER: &str = "source";
