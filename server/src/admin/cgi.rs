//! `/admin.cgi`: the title of a source of the SHOUTcast kind.
//!
//! It comes with a password and without a user, and names no mount: it is the one whose sources
//! are taken on the port above that of the request, or the first of such.

use super::Command;
use crate::answer::Answer;
use crate::client::Client;
use crate::config::{Compat, Config};
use crate::icecast::answers;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use common::auth::{Credentials, Password};

/// Changes the title that `query` gives, if its password is right.
pub(crate) async fn answer(query: &str, client: &Client, parts: &Parts) -> Result<Answer, Refusal> {
    let command = Command::read("metadata", query)?;
    let missing = || Refusal::ParameterUnfit("missing pass parameter".to_owned());
    let password = command.parameter("pass").ok_or_else(missing)?;
    let config = parts.config();
    let port = client.socket.local_addr().map_or(0, |local| local.port());
    let mount = mount(&command, port, &config).ok_or(Refusal::SourceMissing)?;
    let of = |user: &str| Credentials { user: user.to_owned(), password: Password::new(&password) };
    let attempt = parts.logins.attempt(client.ip, Some(of(&config.mount(&mount).user))).await?;
    let is_admin = parts.authority.is_admin(Some(&of(&config.passwords.admin_user)));
    if !is_admin && !parts.authority.is_source(&mount, attempt.given(), client.ip, true).await {
        return Err(attempt.failed().await);
    }
    let title = command.title(config.mount(&mount).charset)?.ok_or(Refusal::ParameterMissing)?;
    let found = parts.registry.find(mount).await.filter(|mount| mount.on_air().is_some());
    found.ok_or(Refusal::SourceMissing)?.announce(title).await;
    Ok(answers::title_set())
}

/// The mount that is meant. One that is named counts too, where it is not to be as in Icecast.
fn mount(command: &Command, port: u16, config: &Config) -> Option<MountName> {
    let named = command.mount.as_deref().filter(|_| config.compat == Compat::Sensible);
    if let Some(named) = named {
        return MountName::new(named).ok();
    }
    let sockets = || config.shoutcast.iter();
    let above = sockets().find(|socket| socket.address.port().checked_sub(1) == Some(port));
    Some(above.or_else(|| sockets().next())?.mount.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::mounts::{MountConfig, Mounts};
    use crate::config::shoutcast::ShoutcastConfig;

    #[test]
    fn the_mount_is_the_one_that_is_named_or_that_of_the_port_above_or_the_first() {
        let mounts = Mounts { usual: MountConfig::default(), rules: Vec::new() };
        let mut config = Config::of(Vec::new(), mounts);
        let socket = |port: u16, mount: &str| ShoutcastConfig {
            address: ([127, 0, 0, 1], port).into(),
            mount: MountName::new(mount).unwrap(),
        };
        config.shoutcast = vec![socket(8_001, "/a"), socket(9_001, "/b")];
        let meant = |query: &str, port, config: &Config| {
            let command = Command::read("metadata", query).unwrap();
            mount(&command, port, config).map(|mount| mount.to_string())
        };

        assert_eq!(meant("", 8_000, &config).as_deref(), Some("/a"));
        assert_eq!(meant("", 9_000, &config).as_deref(), Some("/b"));
        assert_eq!(meant("", 1, &config).as_deref(), Some("/a"));
        assert_eq!(meant("mount=/c", 8_000, &config).as_deref(), Some("/c"));
        config.compat = Compat::Strict;
        assert_eq!(meant("mount=/c", 8_000, &config).as_deref(), Some("/a"));
        config.shoutcast.clear();
        assert_eq!(meant("", 8_000, &config), None);
    }
}
