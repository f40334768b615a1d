//! Where sources of the SHOUTcast kind are taken.

use crate::mount::name::MountName;
use std::net::SocketAddr;

/// A socket for such sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShoutcastConfig {
    /// Where to listen. Encoders dial the port above the one that they are told.
    pub address: SocketAddr,
    /// The mount that they send to.
    pub mount: MountName,
}
