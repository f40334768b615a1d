//! Files that are served beside the streams, other names for them, and header lines.

use common::http::percent;
use std::net::{IpAddr, SocketAddr};
use std::path::{Component, Path, PathBuf};

/// Where files come from, and what leads to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The folder of files that are served, and of intros and fallback files. Without it there
    /// are none.
    pub webroot: Option<PathBuf>,
    /// Whether files in it are served; intros and fallbacks are read from it all the same.
    pub serve: bool,
    /// A file of further content types, in the form of `/etc/mime.types`, and in its place.
    pub mime_types: Option<PathBuf>,
    /// Other names of paths, the first that fits counts.
    pub aliases: Vec<Alias>,
}

impl Files {
    /// The path that is meant by the percent-encoded `path`, asked for at the address `local`,
    /// percent-encoded too; `None` if it has no other name.
    pub(crate) fn meant(&self, path: &str, local: SocketAddr) -> Option<String> {
        let asked = percent::decode(path);
        let fits = |alias: &&Alias| {
            alias.source.as_bytes() == asked
                && alias.port.is_none_or(|port| port == local.port())
                && alias.bind_address.is_none_or(|ip| ip == local.ip().to_canonical())
        };
        let alias = self.aliases.iter().find(fits)?;
        Some(percent::encode_path(alias.destination.as_bytes()))
    }
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

/// `text` as a path in the webroot, with or without a slash before it; `None` if it names nothing,
/// or leads out of there.
pub(crate) fn in_webroot(text: &str) -> Option<PathBuf> {
    let path = Path::new(text.trim_start_matches('/'));
    let inside = path.components().all(|step| matches!(step, Component::Normal(_)));
    (inside && !path.as_os_str().is_empty()).then(|| path.to_owned())
}

impl HttpHeader {
    /// A header line; else why it cannot be sent.
    pub fn new(name: &str, value: &str, status: Option<u16>) -> Result<Self, String> {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            return Err("its name is not one of letters, digits and hyphens".to_owned());
        }
        if FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            return Err("the server says itself where an answer ends".to_owned());
        }
        if value.chars().any(char::is_control) {
            return Err("its value holds a line end or another control character".to_owned());
        }
        if status.is_some_and(|status| !(100..600).contains(&status)) {
            return Err("its status is not between 100 and 599".to_owned());
        }
        Ok(Self { name: name.to_owned(), value: value.trim().to_owned(), status })
    }
}

/// Headers that tell where an answer ends; a second word on it would break the stream.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_for_its_path_its_port_and_its_address() {
        let alias = |source: &str, destination: &str, port, ip: Option<&str>| Alias {
            source: source.to_owned(),
            destination: destination.to_owned(),
            port,
            bind_address: ip.map(|ip| ip.parse().unwrap()),
        };
        let aliases = vec![
            alias("/", "/status.xsl", None, None),
            alias("/a b", "/one", Some(8_001), None),
            alias("/a b", "/two ?", None, Some("127.0.0.1")),
            alias("/a b", "/three", None, None),
        ];
        let files = Files { aliases, ..Files::default() };
        let meant = |path, local: &str| files.meant(path, local.parse().unwrap());

        assert_eq!(meant("/", "127.0.0.1:80").as_deref(), Some("/status.xsl"));
        assert_eq!(meant("/a%20b", "127.0.0.1:8001").as_deref(), Some("/one"));
        assert_eq!(meant("/a%20b", "[::ffff:127.0.0.1]:80").as_deref(), Some("/two%20%3F"));
        assert_eq!(meant("/a%20b", "127.0.0.2:80").as_deref(), Some("/three"));
        assert_eq!(meant("/a%20b/c", "127.0.0.2:80"), None);
    }

    #[test]
    fn a_header_line_that_would_break_an_answer_is_refused() {
        let refused = |name, value, status| HttpHeader::new(name, value, status).is_err();

        assert!(!refused("X-Station", "one: two", Some(404)));
        assert!(refused("", "x", None) && refused("X Y", "x", None) && refused("X:", "x", None));
        assert!(refused("X", "a\r\nSet-Cookie: b", None) && refused("X", "x", Some(99)));
        assert!(refused("content-length", "0", None));
    }
}
