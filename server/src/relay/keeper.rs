//! The keeper: which relays there are, by the configuration and by the master's list.

use super::{Relay, RelayEnds, State, Wanted};
use crate::answer;
use crate::config::Config;
use crate::config::relays::{MasterConfig, RelayConfig};
use crate::config::upstream::HttpAddress;
use crate::dial::Wish;
use crate::mount::name::MountName;
use crate::parts::Parts;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

/// Keeps the relays until the server stops.
pub(crate) async fn run(ends: RelayEnds, parts: Arc<Parts>) {
    let RelayEnds { mut wanted, on_demand } = ends;
    let mut live_config = parts.live_config.clone();
    let (lists, mut listed) = mpsc::channel(1);
    let mut keeper = Keeper {
        running: BTreeMap::new(),
        master: Master::default(),
        on_demand,
        parts: Arc::clone(&parts),
    };
    keeper.follow(&parts.config());
    loop {
        let ask_at = keeper.master.ask_at;
        tokio::select! {
            Some(wanted) = wanted.recv() => keeper.wake(wanted),
            Some(list) = listed.recv() => {
                keeper.master.mounts = list;
                keeper.follow(&parts.config());
            }
            () = live_config.changed() => {
                keeper.master.ask_at = None;
                keeper.follow(&parts.config());
            }
            () = at(ask_at) => keeper.ask(lists.clone()),
            () = parts.tasks.stopping() => return,
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
    parts: Arc<Parts>,
}

/// What the master last said.
#[derive(Debug, Default)]
struct Master {
    config: Option<MasterConfig>,
    mounts: Vec<RelayConfig>,
    /// When to ask again.
    ask_at: Option<Instant>,
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
    fn ask(&mut self, lists: mpsc::Sender<Vec<RelayConfig>>) {
        let Some(master) = self.master.config.clone() else { return };
        self.master.ask_at = Some(Instant::now() + master.update_interval);
        let parts = Arc::clone(&self.parts);
        self.parts.tasks.spawn(async move {
            tokio::select! {
                () = list(&master, &lists, &parts) => {}
                () = parts.tasks.stopping() => {}
            }
        });
    }
}

/// Sends what the master has to `lists`. One that does not answer keeps what it had.
async fn list(master: &MasterConfig, lists: &mpsc::Sender<Vec<RelayConfig>>, parts: &Parts) {
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
    };
    match parts.dialler.page(wish, LIST_BYTES_MAX).await {
        Ok(page) => {
            let relays = relays(&page, master);
            debug!(master = %master.server, mounts = relays.len(), "asked for its streams");
            // The keeper has gone only if the server stops.
            let _ = lists.send(relays).await;
        }
        Err(error) => warn!("master: {error}; its streams stay as they were"),
    }
}

/// The relays that a master's list asks for. A line is a path, or an address with one.
fn relays(page: &str, master: &MasterConfig) -> Vec<RelayConfig> {
    let lines = page.lines().map(str::trim).filter(|line| !line.is_empty());
    let relays = lines.filter_map(|line| {
        let (server, mount) = match HttpAddress::parse(line) {
            Some(HttpAddress { server, path }) => (server, path),
            None => (master.server.clone(), line.to_owned()),
        };
        Some(RelayConfig {
            local: MountName::new(mount.split('?').next()?).ok()?,
            // The list's password is for the list.
            credentials: None,
            titles: true,
            on_demand: master.on_demand,
            bind: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::relays::UPDATE_INTERVAL;
    use crate::config::upstream::Upstream;

    #[test]
    fn a_list_names_mounts_of_the_master_and_of_others() {
        let master = MasterConfig {
            server: Upstream { host: "master".to_owned(), port: 8_000, tls: false },
            update_interval: UPDATE_INTERVAL,
            credentials: None,
            on_demand: true,
        };
        let page = "/a.mp3\r\n\r\nhttp://other:81/b.ogg?x=1\n/../c\nnonsense\n";

        let relays = relays(page, &master);

        let told =
            |relay: &RelayConfig| format!("{} {} {}", relay.server, relay.mount, relay.local);
        let told: Vec<_> = relays.iter().map(told).collect();
        assert_eq!(told, ["master:8000 /a.mp3 /a.mp3", "other:81 /b.ogg?x=1 /b.ogg"]);
        assert!(relays.iter().all(|relay| relay.on_demand));
    }
}
