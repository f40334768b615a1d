//! The keeper of the rules: one task that reads the files again when they change, and takes bans.
//!
//! A ban is kept in the deny file if one is named, so that it outlives the server; else, and if it
//! is a program's for some time, it is kept until the server stops.

use super::list::{self, Ban, Banned};
use super::{Networks, Rules, agent_pattern};
use crate::config::Config;
use crate::config::reload::LiveConfig;
use crate::kept_file::{self, Stamp};
use crate::tasks::Tasks;
use jiff::Timestamp;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

/// A handle on the keeper. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    rules: watch::Receiver<Arc<Rules>>,
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
enum Request {
    Ban { ban: Ban, reply: oneshot::Sender<Result<(), BanError>> },
    List { reply: oneshot::Sender<Vec<Ban>> },
    Unban { banned: Banned, reply: oneshot::Sender<Result<bool, BanError>> },
}

/// Why a ban could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BanError {
    /// The deny file could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There are as many as are kept without a file.
    #[error("{BANS_MAX} bans are kept without a file, and no more")]
    TooMany,
    /// The server is about to stop.
    #[error("the server is stopping")]
    Stopping,
}

impl Access {
    /// Reads the files and starts the keeper.
    pub(crate) async fn start(config: LiveConfig, tasks: &Tasks) -> Self {
        let (requests, mut asked) = mpsc::channel(REQUESTS_WAITING_MAX);
        let rules = watch::Sender::new(Arc::default());
        let access = Self { rules: rules.subscribe(), requests };
        let mut keeper = Keeper {
            known: config.now(),
            config,
            rules,
            bans: Vec::new(),
            deny: List::default(),
            allow: List::default(),
            tasks: tasks.clone(),
        };
        keeper.look().await;
        keeper.publish();
        let stopping = tasks.clone();
        tasks.spawn(async move {
            let mut looks = interval(LOOK_EVERY);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    request = asked.recv() => match request {
                        Some(request) => keeper.answer(request).await,
                        None => return,
                    },
                    _ = looks.tick() => {
                        if keeper.look().await {
                            keeper.publish();
                        }
                    }
                    () = stopping.stopping() => return,
                }
            }
        });
        access
    }

    /// The rules now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.borrow())
    }

    /// Every ban that can be lifted: those of the deny file and those of the administrator.
    pub(crate) async fn bans(&self) -> Vec<Ban> {
        self.ask(|reply| Request::List { reply }).await.unwrap_or_default()
    }

    /// Bans somebody, from now on.
    pub(crate) async fn ban(&self, ban: Ban) -> Result<(), BanError> {
        self.ask(|reply| Request::Ban { ban, reply }).await.unwrap_or(Err(BanError::Stopping))
    }

    /// Lifts a ban; whether there was one.
    pub(crate) async fn unban(&self, banned: Banned) -> Result<bool, BanError> {
        self.ask(|reply| Request::Unban { banned, reply }).await.unwrap_or(Err(BanError::Stopping))
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

struct Keeper {
    config: LiveConfig,
    /// The configuration that the rules were made of.
    known: Arc<Config>,
    rules: watch::Sender<Arc<Rules>>,
    /// The administrator's bans that no file keeps.
    bans: Vec<Ban>,
    deny: List,
    allow: List,
    tasks: Tasks,
}

/// What was read of a file.
#[derive(Debug, Default)]
struct List {
    file: Option<PathBuf>,
    stamp: Option<Stamp>,
    /// What it said when it could last be read; `None` if it never could.
    bans: Option<Vec<Ban>>,
}

impl List {
    /// Reads the file if it has changed, or is another. Whether anything may be different now.
    async fn look(&mut self, file: Option<&PathBuf>) -> bool {
        let is_other = self.file.as_ref() != file;
        if is_other {
            *self = Self { file: file.cloned(), ..Self::default() };
        }
        let Some(file) = file else { return is_other };
        let stamp = Stamp::of(file).await;
        if stamp == self.stamp {
            return is_other;
        }
        self.stamp = stamp;
        if stamp.is_none() {
            // It may be about to be replaced.
            warn!(file = %file.display(), "a file of addresses is gone; what it said goes on");
            return is_other;
        }
        match kept_file::read(file, FILE_BYTES_MAX).await {
            Ok(text) => {
                let (bans, odd_lines) = list::read(&text);
                let (file, lines) = (file.display(), bans.len());
                info!(%file, lines, "addresses read");
                if odd_lines > 0 {
                    warn!(%file, odd_lines, "lines that are no address or network; passed over");
                }
                self.bans = Some(bans);
            }
            Err(error) => {
                let file = file.display();
                warn!(%file, %error, "addresses cannot be read; what was known goes on");
            }
        }
        true
    }
}

impl Keeper {
    /// Looks whether the configuration or a file is another; whether it is.
    async fn look(&mut self) -> bool {
        let config = self.config.now();
        let deny = self.deny.look(config.access.deny_file.as_ref()).await;
        let allow = self.allow.look(config.access.allow_file.as_ref()).await;
        let is_other = !Arc::ptr_eq(&config, &self.known);
        self.known = config;
        deny || allow || is_other
    }

    fn publish(&self) {
        let said = &self.known.access;
        let allowed = self.allow.bans.iter().flatten().filter_map(|ban| match ban.banned {
            Banned::Agent(_) => None,
            Banned::Network(network) => Some((network, ban.until)),
        });
        let mut allow: Networks = said.allow.iter().copied().collect();
        allowed.for_each(|(network, until)| allow.add(network, until));
        let agents = said.deny_agents.iter().filter_map(|text| agent_pattern(text));
        let mut rules = Rules {
            deny: said.deny.iter().copied().collect(),
            // A file that was never there restricts nobody, as in Icecast.
            allow: (!said.allow.is_empty() || self.allow.bans.is_some()).then_some(allow),
            agents: agents.map(|pattern| (pattern, None)).collect(),
            trusted_proxies: said.trusted_proxies.clone(),
            proxy_protocol: said.proxy_protocol,
        };
        for ban in self.deny.bans.iter().flatten().chain(&self.bans) {
            rules.ban(ban);
        }
        self.rules.send_replace(Arc::new(rules));
    }

    /// Who asked and went away needs no answer.
    async fn answer(&mut self, request: Request) {
        let now = Timestamp::now();
        match request {
            Request::Ban { ban, reply } => {
                let _ = reply.send(self.ban(ban, now).await);
            }
            Request::List { reply } => {
                let all = self.deny.bans.iter().flatten().chain(&self.bans);
                let _ =
                    reply.send(all.filter(|ban| super::holds(ban.until, now)).cloned().collect());
            }
            Request::Unban { banned, reply } => {
                let _ = reply.send(self.unban(&banned, now).await);
            }
        }
    }

    async fn ban(&mut self, ban: Ban, now: Timestamp) -> Result<(), BanError> {
        let is_timed_agent = ban.until.is_some() && matches!(ban.banned, Banned::Agent(_));
        self.forget(&ban.banned, now);
        let said = ban.to_string();
        if self.known.access.deny_file.is_some() && !is_timed_agent {
            self.rewrite(move |text| list::with(text, &ban, now)).await?;
        } else if self.bans.len() < BANS_MAX {
            self.bans.push(ban);
        } else {
            return Err(BanError::TooMany);
        }
        info!(ban = said, "banned");
        self.publish();
        Ok(())
    }

    async fn unban(&mut self, banned: &Banned, now: Timestamp) -> Result<bool, BanError> {
        let mut was_banned = self.forget(banned, now);
        if self.deny.bans.iter().flatten().any(|ban| ban.banned == *banned) {
            let banned = banned.clone();
            self.rewrite(move |text| list::without(text, &banned, now)).await?;
            was_banned = true;
        }
        if was_banned {
            info!(%banned, "ban lifted");
            self.publish();
        }
        Ok(was_banned)
    }

    /// Forgets what no file keeps of `banned`, and what has ended; whether there was the former.
    fn forget(&mut self, banned: &Banned, now: Timestamp) -> bool {
        let is_it = |ban: &Ban| ban.banned == *banned;
        let was_banned = self.bans.iter().any(is_it);
        self.bans.retain(|ban| !is_it(ban) && super::holds(ban.until, now));
        was_banned
    }

    /// Changes the deny file, if there is one.
    async fn rewrite(
        &mut self,
        change: impl FnOnce(&str) -> String + Send + 'static,
    ) -> Result<(), BanError> {
        let Some(file) = self.known.access.deny_file.clone() else { return Ok(()) };
        let text = kept_file::read(&file, FILE_BYTES_MAX).await?;
        let path = file.clone();
        let replaced = self.tasks.work(move || kept_file::replace(&path, &change(&text))).await;
        replaced.ok_or(BanError::Stopping)??;
        self.deny.look(Some(&file)).await;
        Ok(())
    }
}

/// How often files are looked at; a change counts after this time at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Requests that may wait.
const REQUESTS_WAITING_MAX: usize = 64;
/// The longest file that is read: some hundred thousand addresses.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Bans that are kept without a file.
const BANS_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::net::IpAddr;
    use std::path::Path;

    async fn access(deny_file: Option<&Path>, allow_file: Option<&Path>) -> Access {
        let mut config = Config::trial().unwrap();
        config.access.deny = vec!["203.0.113.0/24".parse().unwrap()];
        config.access.deny_file = deny_file.map(Path::to_owned);
        config.access.allow_file = allow_file.map(Path::to_owned);
        Access::start(LiveConfig::new(config).0, &Tasks::default()).await
    }

    fn admits(access: &Access, ip: &str) -> bool {
        access.rules().admit(ip.parse::<IpAddr>().unwrap(), Timestamp::now())
    }

    fn ban(address: &str) -> Ban {
        Ban { banned: Banned::network(address).unwrap(), until: None }
    }

    #[tokio::test]
    async fn a_ban_counts_at_once_and_stands_in_the_file_until_it_is_lifted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bans");
        fs::write(&file, "# ours\n192.0.2.1\n").unwrap();
        let access = access(Some(&file), None).await;
        assert!(!admits(&access, "192.0.2.1") && !admits(&access, "203.0.113.9"));

        access.ban(ban("198.51.100.0/24")).await.unwrap();
        assert!(!admits(&access, "198.51.100.7"));
        assert_eq!(access.bans().await.len(), 2);
        assert_eq!(fs::read_to_string(&file).unwrap(), "# ours\n192.0.2.1\n198.51.100.0/24\n");

        assert!(access.unban(ban("198.51.100.0/24").banned).await.unwrap());
        assert!(access.unban(ban("192.0.2.1").banned).await.unwrap());
        assert!(!access.unban(ban("192.0.2.1").banned).await.unwrap());
        assert!(admits(&access, "198.51.100.7") && admits(&access, "192.0.2.1"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "# ours\n");
    }

    #[tokio::test]
    async fn without_a_file_a_ban_is_kept_too() {
        let access = access(None, None).await;

        access.ban(ban("192.0.2.1")).await.unwrap();
        assert!(!admits(&access, "192.0.2.1") && admits(&access, "192.0.2.2"));

        assert!(access.unban(ban("192.0.2.1").banned).await.unwrap());
        assert!(admits(&access, "192.0.2.1"));
    }

    #[tokio::test]
    async fn a_file_that_people_change_counts_soon() {
        let folder = tempfile::tempdir().unwrap();
        let (deny, allow) = (folder.path().join("deny"), folder.path().join("allow"));
        let access = access(Some(&deny), Some(&allow)).await;
        let mut rules = access.rules.clone();
        rules.mark_unchanged();
        assert!(admits(&access, "192.0.2.1"), "files that are not there restrict nobody");

        fs::write(&deny, "192.0.2.1\n").unwrap();
        fs::write(&allow, "192.0.2.0/24\n").unwrap();
        let within = Duration::from_secs(10);
        let counts = rules.wait_for(|rules| {
            let admit = |ip: &str| rules.admit(ip.parse().unwrap(), Timestamp::now());
            !admit("192.0.2.1") && admit("192.0.2.2") && !admit("198.51.100.1")
        });

        assert!(tokio::time::timeout(within, counts).await.is_ok());
    }
}
