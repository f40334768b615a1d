//! Who may ask.
//!
//! On an address of this machine alone everybody on it may, without a password, and the danger is
//! the pages of other sites in somebody's browser here: one may send a form to us without seeing
//! the answer, which `Origin` betrays, or have its own name lead to this machine, which `Host`
//! betrays. On any other address the password is asked for, and then neither matters, since no
//! page has it. Pure.

use super::refusal::Refusal;
use common::auth::Password;
use common::http::basic;
use std::net::IpAddr;

/// Who may ask.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// What has to be said, if anything.
    password: Option<Password>,
}

/// What of a request's head tells who asks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asker<'h> {
    pub(super) authorization: Option<&'h str>,
    pub(super) host: Option<&'h str>,
    pub(super) origin: Option<&'h str>,
}

impl Guard {
    pub(super) fn new(password: Option<Password>) -> Self {
        Self { password }
    }

    /// Whether somebody may ask.
    ///
    /// Fails if they may not.
    pub(super) fn admit(&self, asker: Asker<'_>) -> Result<(), Refusal> {
        if let Some(password) = &self.password {
            let said = asker.authorization.and_then(password_in).unwrap_or_default();
            return if password.matches(&said) { Ok(()) } else { Err(Refusal::Password) };
        }
        let host = asker.host.unwrap_or("localhost");
        if !is_of_this_machine(host) {
            return Err(Refusal::ForeignHost(host.to_owned()));
        }
        match asker.origin {
            Some(origin) if origin.split_once("://").is_none_or(|(_, from)| from != host) => {
                Err(Refusal::ForeignPage(origin.to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn password_in(authorization: &str) -> Option<String> {
    if let Some(credentials) = basic::read(authorization) {
        return Some(credentials.password.reveal().to_owned());
    }
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Whether `host`, with or without a port, is an address, or the name that every machine has for
/// itself. A name may be anybody's.
fn is_of_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_taken_in_either_form_and_nothing_else() {
        let guard = Guard::new(Some(Password::new("s3cret")));
        let asker = |authorization| Asker { authorization, ..Asker::default() };

        for right in ["Bearer s3cret", "bearer  s3cret ", "Basic YW55Ym9keTpzM2NyZXQ="] {
            assert_eq!(guard.admit(asker(Some(right))), Ok(()), "{right}");
        }
        for wrong in ["Bearer s3cre", "Basic s3cret", "s3cret", "Bearer", "Digest s3cret"] {
            assert_eq!(guard.admit(asker(Some(wrong))), Err(Refusal::Password), "{wrong}");
        }
        assert_eq!(guard.admit(asker(None)), Err(Refusal::Password));
    }

    #[test]
    fn without_a_password_pages_of_other_sites_are_kept_out() {
        let guard = Guard::new(None);
        let asks = |host, origin| guard.admit(Asker { authorization: None, host, origin });

        for host in ["127.0.0.1:1235", "localhost", "[::1]:1235", "192.168.0.1"] {
            assert_eq!(asks(Some(host), None), Ok(()), "{host}");
        }
        assert_eq!(asks(None, None), Ok(()));
        assert_eq!(asks(Some("[::1]:1235"), Some("http://[::1]:1235")), Ok(()));
        for origin in ["http://evil.example", "http://127.0.0.1:8000", "null", ""] {
            let said = asks(Some("127.0.0.1:1235"), Some(origin));
            assert_eq!(said, Err(Refusal::ForeignPage(origin.to_owned())));
        }
        let rebound = asks(Some("evil.example:1235"), Some("http://evil.example:1235"));
        assert_eq!(rebound, Err(Refusal::ForeignHost("evil.example:1235".to_owned())));
    }
}
