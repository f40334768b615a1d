//! Guests with habits of their own: requests that are written oddly, and what they mean.
//!
//! Players that learnt from SHOUTcast put a semicolon behind the address, so that what looks like
//! a page is a stream: `/live.mp3;`, `/;stream.nsv`. Some programs write methods in small letters,
//! which Icecast takes, and some the whole address where only the path belongs, as if we were a
//! proxy. Old hardware looks for `ICY 200 OK` in the answer and knows no HTTP.
//!
//! Pure.

use crate::access;
use crate::config::{Compat, Config};
use common::http::head::RequestHead;
use glob::MatchOptions;

/// The request that `head` is meant to be; `None` if it is what it says.
pub(crate) fn meant(head: &RequestHead, config: &Config) -> Option<RequestHead> {
    let method = head.method.to_ascii_uppercase();
    let target = match config.compat {
        Compat::Sensible => target(&head.target, &method, config),
        Compat::Strict => None,
    };
    if target.is_none() && method == head.method {
        return None;
    }
    let target = target.unwrap_or_else(|| head.target.clone());
    Some(RequestHead { method, target, ..head.clone() })
}

/// The target without what stands around it out of habit; `None` if there is nothing.
fn target(target: &str, method: &str, config: &Config) -> Option<String> {
    let local = local(target);
    let said = local.unwrap_or(target);
    let path = said.split('?').next().unwrap_or_default();
    let is_asked = matches!(method, "GET" | "HEAD");
    match path.find(';').filter(|_| is_asked) {
        None => local.map(str::to_owned),
        Some(end) => match path[..end].trim_end_matches('/') {
            // The one stream of a SHOUTcast server.
            "" => {
                let mount = &config.shoutcast.first()?.mount;
                Some(common::http::percent::encode_path(mount.as_str().as_bytes()))
            }
            mount => Some(format!("{mount}{}", &said[path.len()..])),
        },
    }
}

/// The path and query of a whole address; `None` if `target` is none.
fn local(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    if !["http", "https", "icy"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    Some(rest.find('/').map_or("/", |slash| &rest[slash..]))
}

/// Whether the program that sent `head` looks for `ICY 200 OK`.
pub(crate) fn wants_icy(head: &RequestHead, config: &Config) -> bool {
    let agent = head.headers.first("user-agent").unwrap_or_default();
    let options = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
    let mut patterns = config.icy_agents.iter().filter_map(|text| access::agent_pattern(text));
    patterns.any(|pattern| pattern.matches_with(agent, options))
}

/// The head of an answer with the first line of a SHOUTcast server.
pub(crate) fn in_icy(head: &str) -> String {
    let lines = head.split_once("\r\n").map_or("", |(_, lines)| lines);
    format!("ICY 200 OK\r\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::shoutcast::ShoutcastConfig;
    use crate::mount::name::MountName;
    use common::http::head::{Headers, Version};

    fn request(method: &str, target: &str) -> RequestHead {
        let (method, target) = (method.to_owned(), target.to_owned());
        RequestHead { method, target, version: Version::Http10, headers: Headers::default() }
    }

    fn config() -> Config {
        let mut config = Config::trial().unwrap();
        let (address, mount) = (([127, 0, 0, 1], 1).into(), MountName::new("/s c").unwrap());
        config.shoutcast = vec![ShoutcastConfig { address, mount }];
        config
    }

    fn said(method: &str, target: &str) -> Option<String> {
        let meant = meant(&request(method, target), &config())?;
        Some(format!("{} {}", meant.method, meant.target))
    }

    #[test]
    fn what_a_semicolon_begins_is_a_habit() {
        for target in ["/a.mp3;", "/a.mp3;stream.nsv", "/a.mp3/;stream.mp3", "/a.mp3/;"] {
            assert_eq!(said("GET", target).as_deref(), Some("GET /a.mp3"), "{target}");
        }
        assert_eq!(said("GET", "/a;?t=1;2").as_deref(), Some("GET /a?t=1;2"));
        assert_eq!(said("GET", "/;stream.nsv").as_deref(), Some("GET /s%20c"));
        assert_eq!(said("GET", "/a?t=1;2"), None);
        assert_eq!(said("SOURCE", "/a;b"), None, "a source knows what it does");
    }

    #[test]
    fn a_whole_address_is_its_path() {
        assert_eq!(said("GET", "http://a:8000/x?y").as_deref(), Some("GET /x?y"));
        assert_eq!(said("GET", "HTTP://a").as_deref(), Some("GET /"));
        assert_eq!(said("GET", "icy://a/x;").as_deref(), Some("GET /x"));
        assert_eq!(said("GET", "ftp://a/x"), None);
        assert_eq!(said("GET", "/x?u=http://a/"), None);
    }

    #[test]
    fn small_letters_make_the_same_method() {
        assert_eq!(said("get", "/x").as_deref(), Some("GET /x"));
        assert_eq!(said("Source", "/x").as_deref(), Some("SOURCE /x"));
        assert_eq!(said("GET", "/x"), None);
    }

    #[test]
    fn strictly_only_the_method_is_read_kindly_as_by_icecast() {
        let mut config = config();
        config.compat = Compat::Strict;

        assert_eq!(meant(&request("GET", "/a;"), &config), None);
        assert_eq!(meant(&request("get", "/a;"), &config), Some(request("GET", "/a;")));
    }

    #[test]
    fn a_program_that_knows_no_http_is_answered_in_icy() {
        let mut config = config();
        config.icy_agents = vec!["oldradio*".to_owned()];
        let with = |agent: &str| {
            let lines = [("User-Agent".to_owned(), agent.to_owned())];
            RequestHead { headers: lines.into_iter().collect(), ..request("GET", "/a") }
        };

        assert!(wants_icy(&with("OldRadio/1.0"), &config));
        assert!(!wants_icy(&with("New"), &config) && !wants_icy(&request("GET", "/a"), &config));
        assert_eq!(in_icy("HTTP/1.0 200 OK\r\nA: b\r\n\r\n"), "ICY 200 OK\r\nA: b\r\n\r\n");
    }
}
