//! Files that are served beside the streams, other names for them, and header lines.

use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

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
    fn a_header_line_that_would_break_an_answer_is_refused() {
        let refused = |name, value, status| HttpHeader::new(name, value, status).is_err();

        assert!(!refused("X-Station", "one: two", Some(404)));
        assert!(refused("", "x", None) && refused("X Y", "x", None) && refused("X:", "x", None));
        assert!(refused("X", "a\r\nSet-Cookie: b", None) && refused("X", "x", Some(99)));
        assert!(refused("content-length", "0", None));
    }
}
