//! Files that are served beside the streams, other names for them, and header lines.

use std::net::IpAddr;
use std::path::PathBuf;

/// Where files come from, and what leads to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The folder of files that are served, and of intros and fallback files. Without it there
    /// are none.
    pub webroot: Option<PathBuf>,
    /// Whether files in it are served; intros and fallbacks are read from it all the same.
    pub serve: bool,
    /// A file of further content types, in the form of `/etc/mime.types`.
    pub mime_types: Option<PathBuf>,
    /// Other names of paths, the first that fits counts.
    pub aliases: Vec<Alias>,
}

/// A path that is answered as if another had been asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The path that is asked for, whole.
    pub source: String,
    /// The path that is meant.
    pub destination: String,
    /// Only for connections to this port.
    pub port: Option<u16>,
    /// Only for connections to this address.
    pub bind_address: Option<IpAddr>,
}

/// A header line that is added to answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpHeader {
    /// The name, checked to be one.
    pub name: String,
    /// The value, without line ends.
    pub value: String,
    /// Only for answers of this status.
    pub status: Option<u16>,
}
