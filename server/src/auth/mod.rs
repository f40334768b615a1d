//! Who may do what.
//!
//! The passwords of the configuration say so, or a backend that is asked ([`url`]).

pub(crate) mod census;
pub(crate) mod htpasswd;
pub(crate) mod logins;
pub(crate) mod url;
pub(crate) mod users;

use crate::config::reload::LiveConfig;
use crate::mount::name::MountName;
use common::auth::Credentials;
use common::http::basic;
use common::http::head::RequestHead;
use std::net::IpAddr;
use tracing::warn;
use url::{Applicant, Backends, Verdict};

/// Decides by the passwords of the configuration, and by what backends say of sources.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    config: LiveConfig,
    backends: Backends,
}

impl Authority {
    /// An authority on `config` that may ask `backends`.
    pub(crate) fn new(config: LiveConfig, backends: Backends) -> Self {
        Self { config, backends }
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

    /// Whether the client at `ip` may send to `mount`, or give it a command. A mount's own password
    /// takes the place of the server's, and a backend's word that of both.
    pub(crate) async fn is_source(
        &self,
        mount: &MountName,
        given: Option<&Credentials>,
        ip: IpAddr,
        is_command: bool,
    ) -> bool {
        let config = self.config.now();
        let Some(given) = given else { return false };
        if let Some(auth) = &config.mount(mount).url_auth {
            let applicant = Applicant { mount, ip, given, is_command };
            match self.backends.engage(auth, applicant).await {
                Some(Verdict::Yes(_)) => return true,
                Some(Verdict::No { message, .. }) => {
                    let why = message.unwrap_or_default();
                    warn!(%mount, %ip, why, "the backend turns a source away");
                    return false;
                }
                Some(Verdict::Silence) => return false,
                None => {}
            }
        }
        self.has_password(mount, given)
    }

    fn has_password(&self, mount: &MountName, given: &Credentials) -> bool {
        let config = self.config.now();
        let mount = config.mount(mount);
        let Some(password) = &mount.password else { return false };
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
    use crate::dial::Dialler;
    use crate::tasks::Tasks;
    use common::auth::Password;

    fn authority() -> Authority {
        let text = "[passwords]\nsource = 'all'\nadmin = 'boss'\n\
                    [mounts.'/own']\nuser = 'dj'\npassword = 'mine'";
        let config = LiveConfig::new(Config::read("a.toml", text).unwrap()).0;
        let tasks = Tasks::default();
        let backends = Backends::start(Dialler::new(None, &tasks), config.clone(), 0, &tasks);
        Authority::new(config, backends)
    }

    fn given(user: &str, password: &str) -> Credentials {
        Credentials { user: user.to_owned(), password: Password::new(password) }
    }

    #[tokio::test]
    async fn a_mounts_own_password_takes_the_place_of_the_servers() {
        let own = MountName::new("/own").unwrap();
        let other = MountName::new("/other").unwrap();
        let may = |mount, user, password| authority().has_password(mount, &given(user, password));

        assert!(may(&own, "dj", "mine") && may(&other, "source", "all"));
        assert!(!may(&own, "source", "all") && !may(&own, "dj", "all"));
        assert!(!may(&other, "dj", "mine") && !may(&other, "", "all"));
        let here = "127.0.0.1".parse().unwrap();
        assert!(!authority().is_source(&other, None, here, false).await);
    }

    #[tokio::test]
    async fn only_the_administrator_is_the_administrator() {
        assert!(authority().is_admin(Some(&given("admin", "boss"))));
        assert!(!authority().is_admin(Some(&given("source", "all"))));
        assert!(!authority().is_admin(Some(&given("admin", "all"))));
        assert!(!authority().is_admin(None));
    }
}
