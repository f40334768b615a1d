//! Addresses of files and streams elsewhere: `http://host:port/path?query`, or `https`.
//!
//! What people write is taken as browsers take it: blanks and letters that have no place in an
//! address are coded. A password in an address would be shown wherever the address is, so there
//! may be none. Pure.

use hyper::Uri;
use std::fmt;

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAddress {
    /// Whether the server is spoken to in TLS.
    pub is_secure: bool,
    /// A name or an IP address; one of version 6 without its brackets.
    pub host: String,
    /// The port, which is 80 or 443 if not said.
    pub port: u16,
    /// The path and the query, which begin with a slash.
    pub path: String,
}

/// Why a text is no address that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// It cannot be read.
    #[error("it is no address such as http://host/file.mp3")]
    Malformed,
    /// A password would be shown with the address.
    #[error("a password in an address is seen by everybody who sees the address; leave it out")]
    Password,
    /// Only http and https are spoken.
    #[error("only http:// and https:// are fetched")]
    Scheme,
}

impl HttpAddress {
    /// Reads `text`.
    ///
    /// Fails if it is no such address.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let uri: Uri = coded(text.trim()).parse().map_err(|_| NotAnAddress::Malformed)?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(NotAnAddress::Scheme),
            None => return Err(NotAnAddress::Malformed),
        };
        let authority = uri.authority().ok_or(NotAnAddress::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(NotAnAddress::Password);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = match authority.as_str().rsplit_once(':') {
            Some((_, port)) if !port.contains(']') => {
                port.parse().map_err(|_| NotAnAddress::Malformed)?
            }
            _ if is_secure => 443,
            _ => 80,
        };
        let path = uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        if host.is_empty() {
            Err(NotAnAddress::Malformed)
        } else {
            Ok(Self { is_secure, host, port, path })
        }
    }

    /// Where `location`, which an answer or a list from here gave, leads.
    ///
    /// Fails if it is no address.
    pub fn join(&self, location: &str) -> Result<Self, NotAnAddress> {
        let location = location.trim();
        let scheme = if self.is_secure { "https" } else { "http" };
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        if location.contains("://") {
            return Self::parse(location);
        }
        if location.is_empty() {
            return Err(NotAnAddress::Malformed);
        }
        let own = self.path.split('?').next().unwrap_or("/");
        let path = match location.as_bytes()[0] {
            b'/' => coded(location),
            b'?' => format!("{own}{}", coded(location)),
            _ => {
                let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{folder}/{}", coded(location))
            }
        };
        Ok(Self { path: without_dots(&path), ..self.clone() })
    }

    /// What the `Host` line of a request says.
    pub fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.is_secure { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// What its name says the file is: the ending of its path.
    pub fn extension(&self) -> Option<&str> {
        let path = self.path.split('?').next()?;
        let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
        let is_ending = ending.len() <= 5 && ending.bytes().all(|it| it.is_ascii_alphanumeric());
        is_ending.then_some(ending)
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// `path` without `.` and `..`, which mean the folder itself and the one above it.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut kept: Vec<&str> = Vec::new();
    let last = path.rsplit('/').next();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    // A path that ends with dots is a folder.
    if matches!(last, Some("." | "..")) {
        kept.push("");
    }
    format!("/{}{query}", kept.join("/"))
}

/// `text` without what may not stand in an address, and without its fragment.
fn coded(text: &str) -> String {
    let text = text.split('#').next().unwrap_or_default();
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0..=32 | 127.. => {
                coded.push_str(&format!("%{byte:02X}"));
            }
            _ => coded.push(byte.into()),
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, written, extension) in [
            ("http://h/a.mp3", "http://h/a.mp3", Some("mp3")),
            ("HTTP://h:8000/a b.ogg", "http://h:8000/a%20b.ogg", Some("ogg")),
            ("https://h:443/ä?x=1.mp3#t=3", "https://h/%C3%A4?x=1.mp3", None),
            ("https://[::1]:8443/x", "https://[::1]:8443/x", None),
            ("http://h", "http://h/", None),
        ] {
            let address = HttpAddress::parse(text).unwrap();

            assert_eq!((address.to_string().as_str(), address.extension()), (written, extension));
        }
        for (text, why) in [
            ("http://u:p@h/", NotAnAddress::Password),
            ("ftp://h/a.mp3", NotAnAddress::Scheme),
            ("/a.mp3", NotAnAddress::Malformed),
            ("http://h:port/", NotAnAddress::Malformed),
            ("http:///x", NotAnAddress::Malformed),
        ] {
            assert_eq!(HttpAddress::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn where_a_server_sends_us_may_be_said_in_short() {
        let here = HttpAddress::parse("https://h:8443/a/b.mp3?x").unwrap();

        for (location, written) in [
            ("http://other/c.mp3", "http://other/c.mp3"),
            ("//other/c.mp3", "https://other/c.mp3"),
            ("/c d.mp3", "https://h:8443/c%20d.mp3"),
            ("c.mp3?y", "https://h:8443/a/c.mp3?y"),
            ("?y", "https://h:8443/a/b.mp3?y"),
            ("../c.mp3?../y", "https://h:8443/c.mp3?../y"),
            ("./d/./../c.mp3", "https://h:8443/a/c.mp3"),
            ("/../../c/..", "https://h:8443/"),
            (".?", "https://h:8443/a/?"),
        ] {
            assert_eq!(here.join(location).unwrap().to_string(), written);
        }
        assert!(here.join("").is_err() && here.join("file://x/y").is_err());
    }

    proptest! {
        #[test]
        fn wherever_we_are_sent_there_is_an_address_without_dots(text in "[a./?]{1,12}") {
            let here = HttpAddress::parse("http://h/a/b/c").unwrap();
            if let Ok(there) = here.join(&text) {
                let path = there.path.split('?').next().unwrap();
                prop_assert!(path.split('/').all(|part| part != "." && part != ".."), "{path}");
                prop_assert_eq!(HttpAddress::parse(&there.to_string()), Ok(there));
            }
        }

        #[test]
        fn whatever_is_written_a_request_stays_one_line(text in "http://[a-z]{1,5}/\\PC{0,20}") {
            if let Ok(address) = HttpAddress::parse(&text) {
                prop_assert!(address.path.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(HttpAddress::parse(&address.to_string()) == Ok(address));
            }
        }
    }
}
