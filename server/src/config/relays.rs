//! Streams that are fetched from other servers.

use crate::mount::name::MountName;
use common::auth::Credentials;
use std::fmt;
use std::time::Duration;

/// All that is fetched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relays {
    /// One stream each.
    pub each: Vec<RelayConfig>,
    /// The server whose every stream is fetched.
    pub master: Option<MasterConfig>,
}

/// One stream of another server.
#[derive(Clone, Debug, PartialEq)]
pub struct RelayConfig {
    /// The server.
    pub server: Upstream,
    /// The mount there, as a request names it.
    pub mount: String,
    /// The mount here.
    pub local: MountName,
    /// Who we are to the server, if it asks.
    pub credentials: Option<Credentials>,
    /// Whether titles are asked for.
    pub titles: bool,
    /// Whether it is fetched only while somebody listens.
    pub on_demand: bool,
}

/// A server whose every stream is fetched, under the same names.
#[derive(Clone, Debug, PartialEq)]
pub struct MasterConfig {
    /// The server.
    pub server: Upstream,
    /// How often its list is asked for.
    pub update_interval: Duration,
    /// Who we are to it.
    pub credentials: Option<Credentials>,
    /// Whether streams are fetched only while somebody listens.
    pub on_demand: bool,
}

/// Another server's host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upstream {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Upstream {
    /// The server that `HOST:PORT` names; `None` if the text is no such pair.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']')?,
            None if host.contains(':') => return None,
            None => host,
        };
        let fits = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        let port = port.parse().ok().filter(|port| *port > 0)?;
        fits.then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// How often a master is asked for its list, unless somebody says otherwise; Icecast's default.
pub const UPDATE_INTERVAL: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        let parsed = |text| Upstream::parse(text).map(|server| server.to_string());

        assert_eq!(parsed("radio.example:8000").as_deref(), Some("radio.example:8000"));
        assert_eq!(parsed("[::1]:8000").as_deref(), Some("[::1]:8000"));
        for odd in ["radio.example", "radio.example:0", ":80", "::1:80", "a b:80", "a:x"] {
            assert_eq!(parsed(odd), None, "{odd}");
        }
    }
}
