//! The configuration in force, which may be replaced while the server runs, and what of a new one
//! cannot take effect then.

use super::Config;
use super::mounts::Mounts;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// A view of the configuration in force. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct LiveConfig(watch::Receiver<Arc<Config>>);

impl LiveConfig {
    /// A view, and what replaces the configuration.
    pub(crate) fn new(config: Config) -> (Self, watch::Sender<Arc<Config>>) {
        let sender = watch::Sender::new(Arc::new(config));
        (Self(sender.subscribe()), sender)
    }

    /// The configuration now. Ask once for what belongs together.
    pub(crate) fn now(&self) -> Arc<Config> {
        Arc::clone(&self.0.borrow())
    }

    /// Resolves when the configuration has been replaced since this was last asked; never, once
    /// nothing can replace it any more.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Replaces the configuration of a running server. Clones replace the same one.
#[derive(Clone, Debug)]
pub struct Reloader(Arc<watch::Sender<Arc<Config>>>);

impl Reloader {
    /// What replaces through `sender`.
    pub(crate) fn new(sender: watch::Sender<Arc<Config>>) -> Self {
        Self(Arc::new(sender))
    }

    /// The configuration now.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.0.borrow())
    }

    /// Puts `wanted` into force at once and as a whole, but for what only a start can change.
    /// Listeners and sources stay. Logs are opened anew, also if nothing differs.
    pub fn replace(&self, wanted: Config) -> Changes {
        let Plan { config, changes } = plan(&self.0.borrow(), wanted);
        self.0.send_replace(Arc::new(config));
        changes
    }
}

/// What differs in a new configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What is in force from now on.
    pub now: Vec<String>,
    /// What takes effect at the next start.
    pub at_next_start: Vec<&'static str>,
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.now.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&self.now.join(", "))
    }
}

/// A configuration that can be put into force now, and what differs in it.
struct Plan {
    config: Config,
    changes: Changes,
}

/// What to put into force when `wanted` follows `old`.
fn plan(old: &Config, mut wanted: Config) -> Plan {
    let mut at_next_start = Vec::new();
    let mut stays = |differs: bool, name| {
        if differs {
            at_next_start.push(name);
        }
    };
    stays(wanted.listen != old.listen, "listen");
    stays(wanted.shoutcast != old.shoutcast, "shoutcast");
    stays(wanted.run_as != old.run_as, "run_as");
    stays(wanted.pid_file != old.pid_file, "pid_file");
    stays(wanted.trust != old.trust, "tls.trust");
    stays(wanted.access.proxy_protocol != old.access.proxy_protocol, "proxy_protocol");
    stays(wanted.logs.level != old.logs.level, "the level of the log");
    stays(wanted.logs.json != old.logs.json, "the format of the log");
    wanted.listen.clone_from(&old.listen);
    wanted.shoutcast.clone_from(&old.shoutcast);
    wanted.run_as.clone_from(&old.run_as);
    wanted.pid_file.clone_from(&old.pid_file);
    wanted.trust.clone_from(&old.trust);
    wanted.access.proxy_protocol = old.access.proxy_protocol;
    wanted.logs.level = old.logs.level;
    wanted.logs.json = old.logs.json;
    let changes = Changes { now: differing(old, &wanted), at_next_start };
    Plan { config: wanted, changes }
}

/// The names of what differs; every field of a configuration is looked at.
fn differing(old: &Config, new: &Config) -> Vec<String> {
    let Config {
        listen: _,
        shoutcast: _,
        tls,
        trust: _,
        hostname,
        location,
        contact,
        passwords,
        limits,
        mounts,
        relays,
        directories,
        access,
        files,
        http_headers,
        logs,
        server_id,
        icy_agents,
        compat,
        pid_file: _,
        run_as: _,
    } = old;
    let parts = [
        ("tls", *tls != new.tls),
        ("hostname", *hostname != new.hostname),
        ("location", *location != new.location),
        ("contact", *contact != new.contact),
        ("server_id", *server_id != new.server_id),
        ("icy_agents", *icy_agents != new.icy_agents),
        ("compat", *compat != new.compat),
        ("passwords", *passwords != new.passwords),
        ("relays", *relays != new.relays),
        ("directories", *directories != new.directories),
        ("limits", *limits != new.limits),
        ("access", *access != new.access),
        ("files", *files != new.files),
        ("http_header", *http_headers != new.http_headers),
        ("logs", *logs != new.logs),
        ("what holds for all mounts", mounts.usual != new.mounts.usual),
    ];
    let parts = parts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    parts.chain(differing_mounts(mounts, &new.mounts)).collect()
}

/// The rules that came, went or say something else, and a word if only their order differs.
fn differing_mounts(old: &Mounts, new: &Mounts) -> Vec<String> {
    let stands_in = |rules: &Mounts, rule| rules.rules.contains(rule);
    let gone = old.rules.iter().filter(|rule| !stands_in(new, rule));
    let came = new.rules.iter().filter(|rule| !stands_in(old, rule));
    let mut names: Vec<_> =
        gone.chain(came).map(|(pattern, _)| format!("mount {}", pattern.as_str())).collect();
    names.sort();
    names.dedup();
    if names.is_empty() && old.rules != new.rules {
        names.push("the order of mounts".to_owned());
    }
    if names.len() > MOUNTS_NAMED_MAX {
        let rest = names.len() - MOUNTS_NAMED_MAX;
        names.truncate(MOUNTS_NAMED_MAX);
        names.push(format!("{rest} more mounts"));
    }
    names
}

/// The most mounts that a line of the log names.
const MOUNTS_NAMED_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunAs;

    fn config(text: &str) -> Config {
        Config::read("a.toml", &format!("passwords.source = 'x'\n{text}")).unwrap()
    }

    #[test]
    fn what_differs_is_put_into_force_and_named() {
        let old = config("[mounts.'/a']\n[mounts.'/b']\nhidden = true");
        let new =
            config("passwords.admin = 'y'\n[limits]\nclients = 7\n[mounts.'/a']\nintro = 'i'");

        let Plan { config, changes } = plan(&old, new.clone());

        assert_eq!(config, new);
        assert_eq!(changes.to_string(), "passwords, limits, mount /a, mount /b");
        assert!(changes.at_next_start.is_empty());
    }

    #[test]
    fn what_only_a_start_can_change_stays_and_is_named() {
        let old = config("");
        let mut new = config("logs.level = 'debug'");
        new.listen = vec!["127.0.0.1:1".parse().unwrap()];
        new.run_as = Some(RunAs { user: None, group: Some("audio".to_owned()) });
        new.pid_file = Some("/p".into());
        new.access.proxy_protocol = true;
        new.logs.json = true;
        new.trust = Some("/t".into());

        let Plan { config, changes } = plan(&old, new);

        assert_eq!(config, old);
        assert_eq!(changes.to_string(), "nothing");
        assert_eq!(changes.at_next_start.len(), 7);
    }

    #[test]
    fn another_order_of_mounts_is_a_change() {
        let (a, b) = ("[mounts.'/*']\n", "[mounts.'/a']\nhidden = true\n");

        let Plan { changes, .. } = plan(&config(&[a, b].concat()), config(&[b, a].concat()));

        assert_eq!(changes.to_string(), "the order of mounts");
    }

    #[test]
    fn a_line_of_the_log_names_so_many_mounts() {
        let mounts: String = (0..30).map(|at| format!("[mounts.'/{at}']\n")).collect();

        let Plan { changes, .. } = plan(&config(""), config(&mounts));

        assert_eq!(changes.now.len(), MOUNTS_NAMED_MAX + 1);
        assert_eq!(changes.now.last().unwrap(), "10 more mounts");
    }

    #[tokio::test]
    async fn a_view_sees_the_new_configuration_and_that_it_came() {
        let (mut view, sender) = LiveConfig::new(config(""));
        let reloader = Reloader::new(sender);

        reloader.replace(config("server.hostname = 'h'"));

        view.changed().await;
        assert_eq!(view.now().hostname, "h");
    }
}
