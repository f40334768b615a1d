//! Who may do what.

pub(crate) mod census;
pub(crate) mod htpasswd;
pub(crate) mod logins;
pub(crate) mod users;

use crate::config::reload::LiveConfig;
use crate::mount::name::MountName;
use common::auth::Credentials;
use common::http::basic;
use common::http::head::RequestHead;

/// Decides by the passwords of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    config: LiveConfig,
}

impl Authority {
    /// An authority on `config`.
    pub(crate) fn new(config: LiveConfig) -> Self {
        Self { config }
    }

    /// Whether these are the administrator's credentials.
    pub(crate) fn is_admin(&self, given: Option<&Credentials>) -> bool {
        let passwords = &self.config.now().passwords;
        let (Some(given), Some(password)) = (given, &passwords.admin) else { return false };
        password.matches(given.password.reveal()) & (given.user == passwords.admin_user)
    }

    /// Whether these are the credentials of a server that relays this one.
    pub(crate) fn is_relay(&self, given: Option<&Credentials>) -> bool {
        let passwords = &self.config.now().passwords;
        let (Some(given), Some(password)) = (given, &passwords.relay) else { return false };
        password.matches(given.password.reveal()) & (given.user == passwords.relay_user)
    }

    /// Whether a source with these credentials may send to `mount`. A mount's own password takes
    /// the place of the server's.
    pub(crate) fn is_source(&self, mount: &MountName, given: Option<&Credentials>) -> bool {
        let config = self.config.now();
        let mount = config.mount(mount);
        let (Some(given), Some(password)) = (given, &mount.password) else { return false };
        password.matches(given.password.reveal()) & (given.user == mount.user)
    }
}

/// The credentials of a request.
pub(crate) fn credentials(head: &RequestHead) -> Option<Credentials> {
    head.headers.first("authorization").and_then(basic::read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use common::auth::Password;

    fn authority() -> Authority {
        let text = "[passwords]\nsource = 'all'\nadmin = 'boss'\n\
                    [mounts.'/own']\nuser = 'dj'\npassword = 'mine'";
        Authority::new(LiveConfig::new(Config::read("a.toml", text).unwrap()).0)
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
