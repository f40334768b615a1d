//! `MountName`: the path under which a stream is found, checked once.

use common::http::percent;
use std::fmt;
use std::sync::Arc;

/// A mount's name: an absolute path of visible text, such as `/live.mp3`. Clones are cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountName(Arc<str>);

/// Why a text cannot name a mount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountNameError {
    /// It is the place of the administrator's commands.
    #[error("mount names under /admin/ are taken")]
    Admin,
    /// It holds a control character, an empty step or a step of dots.
    #[error("a mount name may not hold control characters, `//`, `/./` or `/../`")]
    Characters,
    /// It names nothing, or ends in a slash.
    #[error("a mount name has the form /name, without a slash at its end")]
    Form,
    /// It exceeds 255 bytes.
    #[error("a mount name may have {MOUNT_NAME_BYTES_MAX} bytes, this one has {0}")]
    Length(usize),
    /// It is the place of a page of the server's own.
    #[error("{0} is a page of this server; choose another mount name")]
    Page(String),
}

impl MountName {
    /// The mount that `text` names: decoded, with its leading slash.
    pub fn new(text: &str) -> Result<Self, MountNameError> {
        if text.len() > MOUNT_NAME_BYTES_MAX {
            return Err(MountNameError::Length(text.len()));
        }
        if !text.starts_with('/') || text.ends_with('/') {
            return Err(MountNameError::Form);
        }
        let odd_step = text[1..].split('/').any(|step| matches!(step, "" | "." | ".."));
        if odd_step || text.chars().any(char::is_control) {
            return Err(MountNameError::Characters);
        }
        if text.starts_with("/admin/") || text == "/admin" {
            return Err(MountNameError::Admin);
        }
        if text.ends_with(".xsl") || ["/health", "/metrics"].contains(&text) {
            return Err(MountNameError::Page(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// The mount that the path of a request names; the path is percent-encoded.
    pub fn of_path(path: &str) -> Result<Self, MountNameError> {
        let bytes = percent::decode(path);
        Self::new(&common::http::head::decoded(&bytes))
    }

    /// The name, decoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The longest mount name, in bytes.
pub(crate) const MOUNT_NAME_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_mount_decoded() {
        assert_eq!(MountName::of_path("/%C3%84%20b.mp3").unwrap().as_str(), "/Ä b.mp3");
        assert_eq!(MountName::of_path("/a/b.ogg").unwrap().as_str(), "/a/b.ogg");
    }

    #[test]
    fn names_out_of_rules_are_refused() {
        use MountNameError::{Admin, Characters, Form, Length, Page};
        for (path, error) in [
            ("/", Form),
            ("", Form),
            ("live", Form),
            ("/live/", Form),
            ("/a//b", Characters),
            ("/a/../b", Characters),
            ("/.", Characters),
            ("/a%00", Characters),
            ("/a%0d%0a", Characters),
            ("/admin/stats", Admin),
            ("/%61dmin", Admin),
            ("/status.xsl", Page("/status.xsl".to_owned())),
            ("/metrics", Page("/metrics".to_owned())),
        ] {
            assert_eq!(MountName::of_path(path), Err(error), "{path}");
        }
        assert!(MountName::new(&format!("/{}", "x".repeat(254))).is_ok());
        assert_eq!(MountName::new(&format!("/{}", "x".repeat(255))), Err(Length(256)));
    }
}
