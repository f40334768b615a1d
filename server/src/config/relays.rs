//! Streams that are fetched from other servers.

use super::upstream::Upstream;
use crate::mount::name::MountName;
use common::auth::Credentials;
use std::net::IpAddr;
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
    /// The address of ours to dial from; `None` leaves it to the system.
    pub bind: Option<IpAddr>,
    /// Whether the server is told how many listen here; only a master is.
    pub is_told: bool,
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
    /// How often it is told how many listen here, if it is a server that wants to know; `None`
    /// for never.
    pub report_interval: Option<Duration>,
}

/// How often a master is asked for its list, unless somebody says otherwise; Icecast's default.
pub const UPDATE_INTERVAL: Duration = Duration::from_secs(120);
/// How often a master is told how many listen, unless somebody says otherwise.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);
