//! What every connection may ask: the server's parts, put together once at the start.

use crate::access::keeper::Access;
use crate::auth::Authority;
use crate::auth::census::Census;
use crate::auth::logins::Logins;
use crate::auth::url::Backends;
use crate::auth::users::UserFiles;
use crate::config::Config;
use crate::config::reload::LiveConfig;
use crate::dial::Dialler;
use crate::edges::Edges;
use crate::files::Disk;
use crate::hooks::Hooks;
use crate::logs::Logs;
use crate::mount::name::MountName;
use crate::mount::registry::Registry;
use crate::relay::Relays;
use crate::status::counters::ServerCounters;
use crate::status::snapshot::{MountSnapshot, Snapshot};
use crate::tasks::Tasks;
use crate::tls::Identity;
use crate::via::Instance;
use jiff::Timestamp;
use std::sync::Arc;

/// The parts.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Who may connect.
    pub(crate) access: Access,
    /// Who may do what.
    pub(crate) authority: Authority,
    /// The backends that are asked about listeners and told of them.
    pub(crate) backends: Backends,
    /// How many listeners somebody has.
    pub(crate) census: Census,
    /// The configuration.
    pub(crate) live_config: LiveConfig,
    /// The server's counts.
    pub(crate) counters: Arc<ServerCounters>,
    /// What dials other servers.
    pub(crate) dialler: Dialler,
    /// The disk that files are served from.
    pub(crate) disk: Disk,
    /// The servers that fetch streams from here and say how many listen there.
    pub(crate) edges: Edges,
    /// Programs that are run when sources come and leave.
    pub(crate) hooks: Hooks,
    /// What is shown of the server in a TLS handshake.
    pub(crate) identity: Identity,
    /// What other servers know this one by.
    pub(crate) instance: Instance,
    /// Logins that failed.
    pub(crate) logins: Logins,
    /// The logs of requests and titles.
    pub(crate) logs: Logs,
    /// The port that links name.
    pub(crate) port: u16,
    /// The mounts.
    pub(crate) registry: Registry,
    /// The streams that are fetched from other servers.
    pub(crate) relays: Relays,
    /// When the server started.
    pub(crate) started: Timestamp,
    /// Where tasks are spawned, and the sign to stop.
    pub(crate) tasks: Tasks,
    /// The files of users.
    pub(crate) users: UserFiles,
}

impl Parts {
    /// The configuration now.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.live_config.now()
    }

    /// The server at this moment.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let (config, edges) = (self.config(), self.edges.held());
        let mounts = self.registry.list().await.into_iter().filter_map(|stop| {
            let mount = stop.mount?;
            let on_edges = edges.listeners(&mount.name);
            let listeners = mount.counters.players().saturating_add(on_edges);
            mount.counters.listener_peak.raise_to(listeners);
            Some(MountSnapshot {
                listeners,
                on_edges,
                is_guarded: config.mount(&mount.name).listeners.is_some(),
                has_backend: config.mount(&mount.name).url_auth.is_some(),
                on_air: mount.on_air()?,
                name: mount.name,
                counters: mount.counters,
                fallback: stop.config.fallback.clone(),
            })
        });
        let mut snapshot = Snapshot {
            now: Timestamp::now(),
            started: self.started,
            config: Arc::clone(&config),
            port: self.port,
            counters: Arc::clone(&self.counters),
            mounts: mounts.collect(),
            edges: Arc::clone(&edges),
            stood_in_for: self.registry.stood_in_for().await,
            resting: Vec::new(),
        };
        let relayed = self.relays.on_demand();
        let rests = |name: &&MountName| !snapshot.mounts.iter().any(|mount| mount.name == **name);
        snapshot.resting = relayed.iter().filter(rests).cloned().collect();
        let resting = &snapshot.resting;
        snapshot.stood_in_for.retain(|name| !resting.contains(name));
        snapshot
    }
}
