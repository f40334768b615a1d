//! What is particular about single mounts, about mounts of a pattern, and about all of them.

use super::files::HttpHeader;
use super::limits::MountLimits;
use super::url_auth::UrlAuth;
use crate::mount::name::MountName;
use common::auth::Password;
use glob::{MatchOptions, Pattern};
use std::path::PathBuf;
use std::sync::Arc;

/// The rules for mounts: the first that fits a name counts, and the usual where none does.
#[derive(Clone, Debug, PartialEq)]
pub struct Mounts {
    /// What holds for mounts that no rule is about.
    pub usual: MountConfig,
    /// Rules in their order; what a rule does not say it has taken from the usual already.
    pub rules: Vec<(MountPattern, MountConfig)>,
}

/// The names that a rule is about: one name, or all that fit `*`, `?` and `[…]`, of which none
/// crosses a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountPattern {
    text: String,
    pattern: Pattern,
}

/// What holds for a mount.
#[derive(Clone, Debug, PartialEq)]
pub struct MountConfig {
    /// Its source's user.
    pub user: String,
    /// Its source's password; without one it takes no source.
    pub password: Option<Password>,
    /// Its limits.
    pub limits: MountLimits,
    /// Where its listeners go when it has no source.
    pub fallback: Option<MountName>,
    /// Whether they come back when it has one again.
    pub fallback_override: bool,
    /// Whether listeners beyond its limit go to the fallback.
    pub fallback_when_full: bool,
    /// A file in the webroot that every new listener hears first.
    pub intro: Option<PathBuf>,
    /// The file that the stream is written to; `%Y` and the like are replaced when a source comes.
    pub dump_file: Option<String>,
    /// A program that is run when a source comes, with the mount's name.
    pub on_connect: Option<PathBuf>,
    /// A program that is run when a source leaves, with the mount's name.
    pub on_disconnect: Option<PathBuf>,
    /// Whether it is left out of what everybody can see; it can be listened to all the same.
    pub hidden: bool,
    /// Whether it can be listened to under its own name, not only as a fallback.
    pub direct: bool,
    /// Whether directories may list it, whatever its source says.
    pub public: Option<bool>,
    /// What tells directories that several mounts are one station.
    pub cluster_password: Option<Password>,
    /// What takes the place of what its source says of itself.
    pub says: Overrides,
    /// The encoding label of titles that come without one; `None` for UTF-8 where that is valid
    /// and Windows-1252 otherwise.
    pub charset: Option<&'static encoding_rs::Encoding>,
    /// Audio bytes between two ICY blocks; 0 for no ICY metadata, `None` for what the source
    /// says, or else 16 000.
    pub metadata_interval_bytes: Option<u32>,
    /// Header lines for its listeners, after those of the server.
    pub http_headers: Vec<HttpHeader>,
    /// Who may listen; `None` for everybody.
    pub listeners: Option<ListenerAuth>,
    /// The backend that is asked about its listeners and source, and told of them.
    pub url_auth: Option<Arc<UrlAuth>>,
    /// What happens to a source that comes while there is one.
    pub on_source_conflict: SourceConflict,
}

/// What takes the place of what a source says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The station's name.
    pub name: Option<String>,
    /// About the station.
    pub description: Option<String>,
    /// Its home page.
    pub url: Option<String>,
    /// Its genre.
    pub genre: Option<String>,
    /// Kilobits per second.
    pub bitrate: Option<String>,
    /// The content type that statistics and listeners are told.
    pub content_type: Option<String>,
    /// The codec that statistics name.
    pub subtype: Option<String>,
}

/// How listeners prove that they may listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerAuth {
    /// By a file of users and hashes.
    Htpasswd {
        /// The file, read again when it changes.
        file: PathBuf,
        /// Whether a user may listen more than once at a time.
        duplicates: bool,
    },
}

/// What happens to a source that comes while there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceConflict {
    /// It is turned away.
    Refuse,
    /// It takes the place of one that has fallen silent, as after a break of the network; one
    /// that plays is left in peace.
    Takeover,
}

impl Default for MountConfig {
    fn default() -> Self {
        Self {
            user: super::SOURCE_USER.to_owned(),
            password: None,
            limits: MountLimits::default(),
            fallback: None,
            fallback_override: false,
            fallback_when_full: false,
            intro: None,
            dump_file: None,
            on_connect: None,
            on_disconnect: None,
            hidden: false,
            direct: true,
            public: None,
            cluster_password: None,
            says: Overrides::default(),
            charset: None,
            metadata_interval_bytes: None,
            http_headers: Vec::new(),
            listeners: None,
            url_auth: None,
            on_source_conflict: SourceConflict::Takeover,
        }
    }
}

impl Mounts {
    /// Whether no mount has a password for a source.
    pub fn takes_no_source(&self) -> bool {
        let rules = self.rules.iter().map(|(_, config)| config);
        let by_backend = |config: &MountConfig| {
            config.url_auth.as_ref().is_some_and(|auth| auth.stream_auth.is_some())
        };
        rules.chain([&self.usual]).all(|config| config.password.is_none() && !by_backend(config))
    }

    /// What holds for the mount `name`.
    pub fn of(&self, name: &MountName) -> &MountConfig {
        let fitting = self.rules.iter().find(|(pattern, _)| pattern.fits(name));
        fitting.map_or(&self.usual, |(_, config)| config)
    }
}

impl MountPattern {
    /// The pattern in `text`, which begins with a slash; else what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if !text.contains(['*', '?', '[']) {
            MountName::new(text).map_err(|error| error.to_string())?;
        } else if !text.starts_with('/') {
            return Err("a pattern of mount names begins with a slash".to_owned());
        }
        // Two stars are no more than one, as in Icecast.
        let mut single = text.to_owned();
        while single.contains("**") {
            single = single.replace("**", "*");
        }
        let pattern = Pattern::new(&single).map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// Whether the rule is about `name`.
    pub fn fits(&self, name: &MountName) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        self.text == name.as_str() || self.pattern.matches_with(name.as_str(), options)
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The one name that it is about, if it is no more than a name.
    pub fn name(&self) -> Option<MountName> {
        let plain = !self.text.contains(['*', '?', '[']);
        plain.then(|| MountName::new(&self.text).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(patterns: &[&str]) -> Mounts {
        let rule = |text: &&str| {
            let config = MountConfig { user: (*text).to_owned(), ..MountConfig::default() };
            (MountPattern::new(text).unwrap(), config)
        };
        let rules = patterns.iter().map(rule).collect();
        Mounts { usual: MountConfig::default(), rules }
    }

    #[test]
    fn the_first_rule_that_fits_a_name_counts() {
        let mounts = mounts(&["/a.mp3", "/*.mp3", "/b.mp3", "/x/?"]);
        let user = |name| mounts.of(&MountName::new(name).unwrap()).user.as_str();

        assert_eq!((user("/a.mp3"), user("/b.mp3"), user("/x/y")), ("/a.mp3", "/*.mp3", "/x/?"));
        assert_eq!((user("/x/y.mp3"), user("/c")), ("source", "source"), "* crosses no slash");
    }

    #[test]
    fn a_pattern_is_checked_like_a_name() {
        assert!(MountPattern::new("live").is_err());
        assert!(MountPattern::new("*.mp3").is_err());
        assert!(MountPattern::new("/[").is_err());
        assert!(MountPattern::new("/*").unwrap().name().is_none());
        let stars = MountPattern::new("/***.mp3").unwrap();
        assert!(stars.fits(&MountName::new("/a.mp3").unwrap()));
        assert!(!stars.fits(&MountName::new("/x/a.mp3").unwrap()));
        assert_eq!(MountPattern::new("/a").unwrap().name(), MountName::new("/a").ok());
    }
}
