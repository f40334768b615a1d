//! Whom a proxy speaks for: `X-Forwarded-For` and `Forwarded` (RFC 7239).
//!
//! Each proxy adds, at the right, the address that it was asked from. What stands left of an
//! address that is not a trusted proxy's may be anybody's invention. So the client is the
//! right-most address that is not trusted.
//!
//! Pure: whose word counts is told by the caller, who also knows whether the peer's does at all.

use super::head::Headers;
use core::net::{IpAddr, SocketAddr};

/// The client that a trusted peer speaks for; `None` if it does not say.
///
/// `Forwarded` counts where there is no `X-Forwarded-For`: of the two a proxy writes one, mostly
/// the latter, and passes on the other as the client wrote it. A proxy that writes `Forwarded` has
/// to take out the other.
pub fn client(headers: &Headers, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let lines = |name: &'static str| {
        let of_name = move |(header, _): &(&str, &str)| header.eq_ignore_ascii_case(name);
        headers.iter().filter(of_name).map(|(_, value)| value)
    };
    let hops: Vec<Option<IpAddr>> = if headers.first("x-forwarded-for").is_some() {
        lines("x-forwarded-for").flat_map(|line| line.split(',')).map(address).collect()
    } else {
        lines("forwarded").flat_map(|line| line.split(',')).map(of_element).collect()
    };
    let mut client = None;
    for hop in hops.into_iter().rev().take(HOPS_MAX) {
        // Where a hop cannot be read, the last one that could is as far as anybody knows.
        let Some(ip) = hop else { return client };
        client = Some(ip);
        if !is_trusted(ip) {
            return client;
        }
    }
    client
}

/// The address in `for=` of an element of `Forwarded`.
fn of_element(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"'))
}

/// An address as proxies write it: bare, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = match text.parse::<SocketAddr>() {
        Ok(with_port) => with_port.ip(),
        Err(_) => bare.parse().ok()?,
    };
    Some(ip.to_canonical())
}

/// Hops that are followed; nobody has as many proxies.
const HOPS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(lines: &[(&str, &str)]) -> Option<String> {
        let headers: Headers =
            lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        client(&headers, |ip| ip.to_string().starts_with("10.")).map(|ip| ip.to_string())
    }

    fn of(value: &str) -> Option<String> {
        found(&[("X-Forwarded-For", value)])
    }

    #[test]
    fn the_client_is_the_right_most_that_is_no_trusted_proxy() {
        assert_eq!(of("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("1.1.1.1, 192.0.2.1, 10.0.0.2").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("10.0.0.3, 10.0.0.2").as_deref(), Some("10.0.0.3"), "all are proxies");
        let twice = [("X-Forwarded-For", "1.1.1.1"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(found(&twice).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn what_cannot_be_read_hides_what_stands_left_of_it() {
        assert_eq!(of("192.0.2.1, unknown, 10.0.0.2").as_deref(), Some("10.0.0.2"));
        assert_eq!(of("192.0.2.1, unknown"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn addresses_come_with_ports_and_brackets() {
        assert_eq!(of("192.0.2.1:4711").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("[2001:db8::1]:4711").as_deref(), Some("2001:db8::1"));
        assert_eq!(of("[2001:db8::1]").as_deref(), Some("2001:db8::1"));
        assert_eq!(of("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn forwarded_counts_where_there_is_no_other() {
        let element =
            ("Forwarded", "for=1.1.1.1, proto=https;For=\"[2001:db8::1]:80\";by=10.0.0.1");
        assert_eq!(found(&[element]).as_deref(), Some("2001:db8::1"));
        assert_eq!(found(&[element, ("X-Forwarded-For", "8.8.8.8")]).as_deref(), Some("8.8.8.8"));
        assert_eq!(found(&[("Forwarded", "for=_hidden")]), None);
        assert_eq!(found(&[]), None);
    }

    proptest! {
        #[test]
        fn no_value_is_too_odd(x in "(?s).{0,80}", forwarded in "[a-z0-9=;,:.\"\\[\\] ]{0,80}") {
            of(&x);
            found(&[("Forwarded", &forwarded)]);
        }

        #[test]
        fn what_a_client_writes_left_of_the_proxys_word_changes_nothing(lie in "[ -~]{0,60}") {
            let told = of(&format!("{lie}, 192.0.2.1, 10.0.0.2"));

            prop_assert_eq!(told.as_deref(), Some("192.0.2.1"));
        }
    }
}
