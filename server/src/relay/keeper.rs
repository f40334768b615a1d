//! The keeper: which relays there are, by the configuration and by the master's list; and what the
//! master is told of them.

use super::{Relay, RelayEnds, State, Wanted, reporter};
use crate::answer;
use crate::config::Config;
use crate::config::relays::{MasterConfig, REPORT_INTERVAL, RelayConfig};
use crate::config::upstream::HttpAddress;
use crate::dial::{DialError, ORIGIN_HEADER, Wish};
use crate::edges::wording::Terms;
use crate::mount::name::MountName;
use crate::parts::Parts;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, warn};

/// Keeps the relays until the server stops.
pub(crate) async fn run(ends: RelayEnds, parts: Arc<Parts>) {
    let RelayEnds { mut wanted, on_demand, terms } = ends;
    let mut live_config = parts.live_config.clone();
    let (words, mut said) = mpsc::channel(1);
    let mut keeper = Keeper {
        running: BTreeMap::new(),
        master: Master::default(),
        on_demand,
        terms,
        words,
        parts: Arc::clone(&parts),
    };
    keeper.follow(&parts.config());
    loop {
        let Master { ask_at, report_at, .. } = keeper.master;
        tokio::select! {
            Some(wanted) = wanted.recv() => keeper.wake(wanted),
            Some(word) = said.recv() => keeper.hear(word),
            () = live_config.changed() => {
                keeper.master.ask_at = None;
                keeper.follow(&parts.config());
            }
            () = at(ask_at) => keeper.ask(),
            () = at(report_at) => keeper.report(),
            () = parts.tasks.stopping() => return keeper.leave().await,
        }
    }
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}

struct Keeper {
    running: BTreeMap<MountName, Running>,
    master: Master,
    /// Told which mounts are fetched once somebody listens.
    on_demand: watch::Sender<Arc<[MountName]>>,
    /// Told what the master wants for its mounts.
    terms: watch::Sender<Arc<BTreeMap<MountName, Terms>>>,
    /// How those who ask the master say what it said.
    words: mpsc::Sender<Word>,
    parts: Arc<Parts>,
}

/// What has come from the master.
#[derive(Debug)]
enum Word {
    /// Its list, and whether it wants to know how many listen here.
    List { mounts: Vec<RelayConfig>, is_origin: bool },
    /// Its answer to a report about these mounts.
    Terms { of: Vec<MountName>, answer: Result<Vec<(MountName, Terms)>, DialError> },
}

/// What the master last said.
#[derive(Debug, Default)]
struct Master {
    config: Option<MasterConfig>,
    mounts: Vec<RelayConfig>,
    /// When to ask again.
    ask_at: Option<Instant>,
    /// When to tell it again how many listen; `None` while it is being told, and if it does not
    /// want to know.
    report_at: Option<Instant>,
    /// Whether it has been told anything.
    is_told: bool,
    /// Why it could not be told, if the last time it could not.
    trouble: Option<String>,
}

struct Running {
    config: RelayConfig,
    woken: Arc<Notify>,
    via: watch::Sender<Option<String>>,
    state: watch::Sender<State>,
    /// Ends the relay; so does dropping it.
    stop: watch::Sender<bool>,
}

impl Keeper {
    /// Starts what should run and does not, and ends what should not.
    fn follow(&mut self, config: &Config) {
        if self.master.config != config.relays.master {
            self.master = Master { config: config.relays.master.clone(), ..Master::default() };
        }
        if self.master.config.is_some() && self.master.ask_at.is_none() {
            self.master.ask_at = Some(Instant::now());
        }
        let mut wished: BTreeMap<MountName, RelayConfig> = BTreeMap::new();
        // What the configuration says of a mount goes before what the master has.
        for relay in config.relays.each.iter().chain(&self.master.mounts) {
            wished.entry(relay.local.clone()).or_insert_with(|| relay.clone());
        }
        self.running.retain(|local, running| {
            let stays = wished.get(local) == Some(&running.config);
            if !stays {
                running.stop.send_replace(true);
            }
            stays
        });
        for (local, config) in wished {
            if !self.running.contains_key(&local) {
                let running = self.start(config);
                self.running.insert(local, running);
            }
        }
        let on_demand = self.running.iter().filter(|(_, running)| running.config.on_demand);
        self.on_demand.send_replace(on_demand.map(|(local, _)| local.clone()).collect());
    }

    fn start(&self, config: RelayConfig) -> Running {
        let (woken, state) = (Arc::new(Notify::new()), watch::Sender::new(State::Idle));
        let (stop, stopped) = watch::channel(false);
        let via = watch::Sender::new(None);
        let relay = Relay {
            config: config.clone(),
            woken: Arc::clone(&woken),
            via: via.subscribe(),
            state: state.clone(),
            parts: Arc::clone(&self.parts),
        };
        self.parts.tasks.spawn(relay.run(stopped));
        Running { config, woken, via, state, stop }
    }

    /// Has a mount fetched that somebody wants to hear.
    fn wake(&self, Wanted { mount, via, reply }: Wanted) {
        let running = self.running.get(&mount).filter(|running| running.config.on_demand);
        let state = running.map(|running| {
            running.via.send_replace(via);
            running.state.send_if_modified(|state| {
                let idle = *state == State::Idle;
                if idle {
                    *state = State::Dialling;
                }
                idle
            });
            running.woken.notify_one();
            running.state.subscribe()
        });
        // Whoever has gone in the meantime does without.
        let _ = reply.send(state);
    }

    /// Asks the master for its list, in a task of its own.
    fn ask(&mut self) {
        let Some(master) = self.master.config.clone() else { return };
        self.master.ask_at = Some(Instant::now() + master.update_interval);
        let (parts, words) = (Arc::clone(&self.parts), self.words.clone());
        self.parts.tasks.spawn(async move {
            tokio::select! {
                () = list(&master, &words, &parts) => {}
                () = parts.tasks.stopping() => {}
            }
        });
    }

    fn hear(&mut self, word: Word) {
        let interval = self.master.config.as_ref().and_then(|master| master.report_interval);
        match word {
            Word::List { mounts, is_origin } => {
                self.master.mounts = mounts;
                let begins = is_origin && !self.master.is_told && self.master.report_at.is_none();
                if begins && interval.is_some() {
                    self.master.report_at = Some(Instant::now());
                }
                self.follow(&self.parts.config());
            }
            Word::Terms { of, answer } => {
                self.master.report_at = interval.map(|interval| Instant::now() + interval);
                match answer {
                    Ok(terms) => {
                        self.master.trouble = None;
                        self.set_terms(&of, terms);
                    }
                    Err(error) => self.note_trouble(&error),
                }
            }
        }
    }

    /// Tells the master how many listen to what comes from it, in a task of its own.
    fn report(&mut self) {
        let Some(master) = self.master.config.clone() else { return };
        let is_its = |running: &Running| {
            self.master.mounts.contains(&running.config) && running.config.server == master.server
        };
        let fetched = self
            .running
            .iter()
            .filter(|(_, running)| is_its(running) && *running.state.borrow() == State::OnAir);
        let of: Vec<_> = fetched.map(|(local, _)| local.clone()).collect();
        if of.is_empty() {
            let interval = master.report_interval.unwrap_or(REPORT_INTERVAL);
            self.master.report_at = Some(Instant::now() + interval);
            return;
        }
        (self.master.report_at, self.master.is_told) = (None, true);
        let (parts, words) = (Arc::clone(&self.parts), self.words.clone());
        self.parts.tasks.spawn(async move {
            let answer = tokio::select! {
                answer = reporter::report(&master, &of, &parts) => answer,
                () = parts.tasks.stopping() => return,
            };
            // The keeper has gone only if the server stops.
            let _ = words.send(Word::Terms { of, answer }).await;
        });
    }

    /// Puts into force what the master wants for the mounts `of`: `terms`, and nothing else.
    fn set_terms(&self, of: &[MountName], terms: Vec<(MountName, Terms)>) {
        self.terms.send_if_modified(|all| {
            let mut new = BTreeMap::clone(all);
            new.retain(|mount, _| self.running.contains_key(mount) && !of.contains(mount));
            new.extend(terms.into_iter().filter(|(mount, _)| of.contains(mount)));
            let differs = new != **all;
            *all = Arc::new(new);
            differs
        });
    }

    /// Says once why the master cannot be told how many listen.
    fn note_trouble(&mut self, error: &DialError) {
        let why = error.to_string();
        if self.master.trouble.as_ref() != Some(&why) {
            warn!("master: {why}; it does not learn how many listen here");
            self.master.trouble = Some(why);
        }
    }

    /// Tells the master that nobody listens here any more, if it believes that somebody does.
    async fn leave(&self) {
        let Some(master) = self.master.config.as_ref().filter(|_| self.master.is_told) else {
            return;
        };
        let goodbye = timeout(GOODBYE_TIME_MAX, reporter::say_goodbye(master, &self.parts)).await;
        if !matches!(goodbye, Ok(Ok(()))) {
            debug!(master = %master.server, "it forgets our listeners by itself");
        }
    }
}

/// Says in `words` what the master has. One that does not answer keeps what it had.
async fn list(master: &MasterConfig, words: &mpsc::Sender<Word>, parts: &Parts) {
    let config = parts.config();
    let wish = Wish {
        address: HttpAddress {
            server: master.server.clone(),
            path: "/admin/streamlist.txt".to_owned(),
        },
        credentials: master.credentials.as_ref(),
        titles: false,
        agent: answer::server_id(&config),
        bind: None,
        via: None,
        edge: master.report_interval.map(|_| parts.instance.id()),
    };
    match parts.dialler.page(wish, LIST_BYTES_MAX).await {
        Ok((head, page)) => {
            let is_origin = head.headers.first(ORIGIN_HEADER).is_some();
            let mounts = relays(&page, master, is_origin);
            debug!(master = %master.server, mounts = mounts.len(), "asked for its streams");
            // The keeper has gone only if the server stops.
            let _ = words.send(Word::List { mounts, is_origin }).await;
        }
        Err(error) => warn!("master: {error}; its streams stay as they were"),
    }
}

/// The relays that a master's list asks for. A line is a path, or an address with one.
///
/// The list's password is for the list; but one that wants to know how many listen here knows us
/// by it, and does not take us for a listener.
fn relays(page: &str, master: &MasterConfig, is_origin: bool) -> Vec<RelayConfig> {
    let lines = page.lines().map(str::trim).filter(|line| !line.is_empty());
    let relays = lines.filter_map(|line| {
        let (server, mount) = match HttpAddress::parse(line) {
            Some(HttpAddress { server, path }) => (server, path),
            None => (master.server.clone(), line.to_owned()),
        };
        let is_told = is_origin && master.report_interval.is_some() && server == master.server;
        Some(RelayConfig {
            local: MountName::new(mount.split('?').next()?).ok()?,
            credentials: master.credentials.clone().filter(|_| is_told),
            titles: true,
            on_demand: master.on_demand,
            bind: None,
            is_told,
            server,
            mount,
        })
    });
    relays.take(MOUNTS_MAX).collect()
}

/// The longest list that is read of a master.
const LIST_BYTES_MAX: usize = 1 << 20;
/// The most mounts that are taken from a master's list.
const MOUNTS_MAX: usize = 10_000;
/// A server that stops lets its master be told so for so long.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::relays::UPDATE_INTERVAL;
    use crate::config::upstream::Upstream;
    use common::auth::{Credentials, Password};

    #[test]
    fn a_list_names_mounts_of_the_master_and_of_others() {
        let password = Password::new("secret");
        let credentials = Credentials { user: "relay".to_owned(), password };
        let master = MasterConfig {
            server: Upstream { host: "master".to_owned(), port: 8_000, tls: false },
            update_interval: UPDATE_INTERVAL,
            credentials: Some(credentials.clone()),
            on_demand: true,
            report_interval: Some(REPORT_INTERVAL),
        };
        let page = "/a.mp3\r\n\r\nhttp://other:81/b.ogg?x=1\n/../c\nnonsense\n";

        let known = relays(page, &master, true);
        let relays = relays(page, &master, false);

        let told =
            |relay: &RelayConfig| format!("{} {} {}", relay.server, relay.mount, relay.local);
        let told: Vec<_> = relays.iter().map(told).collect();
        assert_eq!(told, ["master:8000 /a.mp3 /a.mp3", "other:81 /b.ogg?x=1 /b.ogg"]);
        assert!(relays.iter().all(|relay| relay.on_demand && relay.credentials.is_none()));
        let told = known.iter().map(|relay| relay.credentials.clone());
        assert_eq!(told.collect::<Vec<_>>(), [Some(credentials), None], "nobody else's business");
    }
}
