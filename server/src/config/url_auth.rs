//! URL authentication: a web server of the station's own that is asked about listeners and
//! sources, and told of them.

use super::upstream::HttpAddress;
use common::auth::Credentials;
use std::time::Duration;

/// The backend of a mount, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlAuth {
    /// Asked whether a listener may listen.
    pub listener_add: Option<HttpAddress>,
    /// Told that one has gone.
    pub listener_remove: Option<HttpAddress>,
    /// Told that the mount has a source.
    pub mount_add: Option<HttpAddress>,
    /// Told that it has lost it.
    pub mount_remove: Option<HttpAddress>,
    /// Asked whether a source may send, in the place of the passwords.
    pub stream_auth: Option<HttpAddress>,
    /// Who we are to the backend; `None` for who the listener says that it is.
    pub credentials: Option<Credentials>,
    /// The header lines of a listener's request that are passed on.
    pub headers: Vec<String>,
    /// What stands before their names in the form.
    pub header_prefix: String,
    /// The line of the answer that says yes.
    pub yes: YesLine,
    /// The line of the answer that says for how many seconds.
    pub time_limit_header: String,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What becomes of a listener when no answer comes.
    pub on_silence: OnSilence,
}

/// A header line that says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YesLine {
    /// Its name.
    pub name: String,
    /// What its value begins with.
    pub value: String,
}

/// What becomes of a listener about whom the backend does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSilence {
    /// It may listen.
    Admit,
    /// It may not.
    Refuse,
}

impl UrlAuth {
    /// Whether there is nobody to ask or to tell.
    pub fn is_idle(&self) -> bool {
        let Self { listener_add, listener_remove, mount_add, mount_remove, stream_auth, .. } = self;
        let all = [listener_add, listener_remove, mount_add, mount_remove, stream_auth];
        all.into_iter().all(Option::is_none)
    }
}

impl Default for UrlAuth {
    fn default() -> Self {
        Self {
            listener_add: None,
            listener_remove: None,
            mount_add: None,
            mount_remove: None,
            stream_auth: None,
            credentials: None,
            headers: Vec::new(),
            header_prefix: String::new(),
            yes: YesLine::parse(YES_LINE),
            time_limit_header: TIME_LIMIT_HEADER.to_owned(),
            timeout: TIMEOUT,
            on_silence: OnSilence::Refuse,
        }
    }
}

impl YesLine {
    /// The line `NAME: VALUE`; without a colon it is a name, and says yes whatever its value.
    pub fn parse(line: &str) -> Self {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        Self { name: name.trim().to_owned(), value: value.trim().to_owned() }
    }

    /// The line as text.
    pub fn text(&self) -> String {
        format!("{}: {}", self.name, self.value)
    }
}

/// Whether `name` can be the name of a header line.
pub(crate) fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!$'*+-.^_|~".contains(&byte))
}

/// The line of the answer that says yes, where nobody says otherwise; Icecast's.
const YES_LINE: &str = "icecast-auth-user: 1";
/// Likewise, the one that says for how long.
const TIME_LIMIT_HEADER: &str = "icecast-auth-timelimit";
/// How long a backend may take for an answer; Icecast's limit.
pub const TIMEOUT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_says_yes_has_a_name_and_a_value_or_any() {
        let YesLine { name, value } = YesLine::parse("icecast-auth-user: 1");
        assert_eq!((name.as_str(), value.as_str()), ("icecast-auth-user", "1"));
        assert_eq!(YesLine::parse(" x ").text(), "x: ");
    }

    #[test]
    fn a_header_name_is_a_word() {
        assert!(is_header_name("X-Forwarded-For"));
        assert!(
            ["", "a b", "a:", "a\n", "ä", "a&b", "a=b"].into_iter().all(|n| !is_header_name(n))
        );
    }
}
