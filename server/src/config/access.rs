//! Which addresses and programs may connect at all, and who speaks for others.

use ipnet::IpNet;
use std::path::PathBuf;

/// Who is kept out, and whose word about a client's address counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Networks that may not connect; they are closed on without a byte.
    pub deny: Vec<IpNet>,
    /// If there are any, only these networks may connect.
    pub allow: Vec<IpNet>,
    /// A file with one address or network on each line, read again when it changes; these may not
    /// connect. Bans made at run time are kept here, if it is named.
    pub deny_file: Option<PathBuf>,
    /// A file like it of those which alone may connect.
    pub allow_file: Option<PathBuf>,
    /// Patterns (`*`, `?`) of user agents that are refused, whatever their case.
    pub deny_agents: Vec<String>,
    /// Proxies in these networks are believed what `X-Forwarded-For` says of a client's address.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether those proxies open each connection with a PROXY protocol header (version 1 or 2).
    pub proxy_protocol: bool,
}
