//! Other servers: where they are, and addresses on them.

use std::fmt;

/// Another server's host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upstream {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether it is spoken to over TLS.
    pub tls: bool,
}

/// What an `http` or `https` address names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpAddress {
    /// The server.
    pub server: Upstream,
    /// Path and query, as a request names them.
    pub path: String,
}

impl Upstream {
    /// The server that `HOST:PORT` or `tls://HOST:PORT` names; `None` if the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (tls, text) = match text.strip_prefix(TLS_SCHEME) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']')?,
            None if host.contains(':') => return None,
            None => host,
        };
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b'@';
        let fits = !host.is_empty() && host.bytes().all(fits);
        let port = port.parse().ok().filter(|port| *port > 0)?;
        fits.then(|| Self { host: host.to_owned(), port, tls })
    }

    /// Host and port, as a `Host` header names them.
    pub fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { TLS_SCHEME } else { "" };
        write!(f, "{scheme}{}", self.authority())
    }
}

impl HttpAddress {
    /// The address in `url`; `None` if it is not one of `http` or `https`. A user and a password
    /// in it are passed over.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let (tls, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, HTTP_PORT),
            "https" => (true, HTTPS_PORT),
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        let authority = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
        let server = Upstream::parse(authority)
            .or_else(|| Upstream::parse(&format!("{authority}:{usual_port}")))?;
        let fits = path.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self { server: Upstream { tls, ..server }, path: format!("{slash}{path}") })
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.server.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.server.authority(), self.path)
    }
}

/// What stands before a server that is spoken to over TLS.
const TLS_SCHEME: &str = "tls://";
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        let parsed = |text| Upstream::parse(text).map(|server| server.to_string());

        assert_eq!(parsed("radio.example:8000").as_deref(), Some("radio.example:8000"));
        assert_eq!(parsed("[::1]:8000").as_deref(), Some("[::1]:8000"));
        assert_eq!(parsed("tls://[::1]:8443").as_deref(), Some("tls://[::1]:8443"));
        for odd in ["radio.example", "radio.example:0", ":80", "::1:80", "a b:80", "a:x", "//a:1"] {
            assert_eq!(parsed(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_address_is_one_of_http_or_https() {
        let said = |url| HttpAddress::parse(url).map(|address| address.to_string());

        assert_eq!(said("http://a:8000/x?y").as_deref(), Some("http://a:8000/x?y"));
        assert_eq!(said("HTTP://a").as_deref(), Some("http://a:80/"));
        assert_eq!(said("https://a?x=/y#z").as_deref(), Some("https://a:443/?x=/y"));
        assert_eq!(said("http://u:p@[::1]:9/x").as_deref(), Some("http://[::1]:9/x"));
        for odd in ["ftp://a/x", "/x", "http:///x", "http://a/b c", "http://"] {
            assert_eq!(said(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn an_address_that_is_read_is_written_as_one_that_reads_the_same(url in ".{0,60}") {
            for url in [url.clone(), format!("http://{url}"), format!("https://{url}")] {
                if let Some(address) = HttpAddress::parse(&url) {
                    prop_assert_eq!(HttpAddress::parse(&address.to_string()), Some(address));
                }
            }
        }
    }
}
