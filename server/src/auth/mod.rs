//! Who may do what.

use crate::config::{Config, SOURCE_USER};
use crate::mount::name::MountName;
use common::auth::Credentials;
use common::http::basic;
use common::http::head::RequestHead;
use std::sync::Arc;

/// Decides by the passwords of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    config: Arc<Config>,
}

impl Authority {
    /// An authority on `config`.
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self { config }
    }

    /// Whether these are the administrator's credentials.
    pub(crate) fn is_admin(&self, given: Option<&Credentials>) -> bool {
        let passwords = &self.config.passwords;
        let (Some(given), Some(password)) = (given, &passwords.admin) else { return false };
        password.matches(given.password.reveal()) & (given.user == passwords.admin_user)
    }

    /// Whether a source with these credentials may send to `mount`. A mount's own password takes
    /// the place of the server's.
    pub(crate) fn is_source(&self, mount: &MountName, given: Option<&Credentials>) -> bool {
        let own = self.config.mounts.get(mount);
        let password = own.and_then(|own| own.password.as_ref());
        let password = password.or(self.config.passwords.source.as_ref());
        let user = own.map_or(SOURCE_USER, |own| &own.user);
        let (Some(given), Some(password)) = (given, password) else { return false };
        password.matches(given.password.reveal()) & (given.user == user)
    }
}

/// The credentials of a request.
pub(crate) fn credentials(head: &RequestHead) -> Option<Credentials> {
    head.headers.first("authorization").and_then(basic::read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::auth::Password;

    fn authority() -> Authority {
        let text = "[passwords]\nsource = 'all'\nadmin = 'boss'\n\
                    [mounts.'/own']\nuser = 'dj'\npassword = 'mine'";
        Authority::new(Arc::new(Config::read("a.toml", text).unwrap()))
    }

    fn given(user: &str, password: &str) -> Credentials {
        Credentials { user: user.to_owned(), password: Password::new(password) }
    }

    #[test]
    fn a_mounts_own_password_takes_the_place_of_the_servers() {
        let own = MountName::new("/own").unwrap();
        let other = MountName::new("/other").unwrap();
        let may =
            |mount, user, password| authority().is_source(mount, Some(&given(user, password)));

        assert!(may(&own, "dj", "mine") && may(&other, "source", "all"));
        assert!(!may(&own, "source", "all") && !may(&own, "dj", "all"));
        assert!(!may(&other, "dj", "mine") && !may(&other, "", "all"));
        assert!(!authority().is_source(&other, None));
    }

    #[test]
    fn only_the_administrator_is_the_administrator() {
        assert!(authority().is_admin(Some(&given("admin", "boss"))));
        assert!(!authority().is_admin(Some(&given("source", "all"))));
        assert!(!authority().is_admin(Some(&given("admin", "all"))));
        assert!(!authority().is_admin(None));
    }
}
