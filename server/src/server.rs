//! The server as a whole: its parts, put together in order, run, and drained.

use crate::accept::{self, For, ListenError};
use crate::access::keeper::Access;
use crate::auth::Authority;
use crate::auth::census::Census;
use crate::auth::logins::Logins;
use crate::auth::url::Backends;
use crate::auth::users::UserFiles;
use crate::config::Config;
use crate::config::reload::{LiveConfig, Reloader};
use crate::dial::Dialler;
use crate::directory;
use crate::edges::Edges;
use crate::files::Disk;
use crate::hooks::Hooks;
use crate::logs::Logs;
use crate::mount::name::MountName;
use crate::mount::registry::Registry;
use crate::parts::Parts;
use crate::relay::{self, Relays};
use crate::status::counters::ServerCounters;
use crate::switchboard;
use crate::tasks::Tasks;
use crate::tls::{self, CertificateError, Identity};
use crate::via::Instance;
use jiff::Timestamp;
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tracing::{info, warn};

/// A server that has its sockets and waits to run.
#[derive(Debug)]
pub struct Server {
    live_config: LiveConfig,
    reloader: Reloader,
    certificate: Option<Arc<ServerConfig>>,
    sockets: Vec<StdListener>,
    addresses: Vec<SocketAddr>,
    /// Those for SHOUTcast sources, with the mount of each.
    shoutcast: Vec<(StdListener, MountName)>,
    reopen_logs: Arc<Notify>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every connection ended within the drain grace.
    Drained,
    /// Some had to be broken off.
    GraceOver,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The certificate cannot be used.
    #[error("TLS: {0}")]
    Certificate(#[from] CertificateError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A socket was opened but has no address to tell.
    #[error("a listen socket has no address: {0}")]
    Socket(#[from] io::Error),
}

impl Server {
    /// Opens all listen sockets, so that a port in use is known before anything runs. Clients that
    /// connect from now on wait for [`Server::run`].
    pub fn bind(config: Config) -> Result<Self, StartError> {
        let opened: Result<Vec<_>, _> =
            config.listen.iter().map(|socket| accept::open(socket.address)).collect();
        let sockets = opened?;
        let addresses: Result<_, _> = sockets.iter().map(StdListener::local_addr).collect();
        let opened = config.shoutcast.iter().map(|socket| {
            accept::open(socket.address).map(|opened| (opened, socket.mount.clone()))
        });
        let shoutcast = opened.collect::<Result<_, _>>()?;
        // Now, because the key may be root's to read.
        let certificate = config.tls.as_ref().map(tls::load).transpose()?;
        let (live_config, sender) = LiveConfig::new(config);
        Ok(Self {
            live_config,
            reloader: Reloader::new(sender),
            certificate,
            sockets,
            addresses: addresses?,
            shoutcast,
            reopen_logs: Arc::default(),
        })
    }

    /// What replaces the configuration, before the server runs and while it does.
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Where it listens; port 0 of the configuration is here the port that was given.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where it takes SHOUTcast sources, in the order of the configuration.
    ///
    /// # Errors
    ///
    /// If the system does not tell.
    pub fn shoutcast_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.shoutcast.iter().map(|(socket, _)| socket.local_addr()).collect()
    }

    /// What has the logs of requests and titles opened anew while the server runs, so that whoever
    /// moves them away can have them begun again.
    pub fn log_reopener(&self) -> impl Fn() + Send + Sync + 'static {
        let reopen_logs = Arc::clone(&self.reopen_logs);
        move || reopen_logs.notify_one()
    }

    /// Serves until `stop` resolves, and then for at most the drain grace.
    ///
    /// # Errors
    ///
    /// If the runtime does not take the sockets, or a log cannot be opened.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<Outcome> {
        raise_descriptor_limit();
        let config = self.live_config;
        let (logs, _log_keepers) = Logs::open(&config.now().logs).map_err(io::Error::other)?;
        let tasks = Tasks::default();
        let counters = Arc::new(ServerCounters::default());
        let (events, heard) = mpsc::channel(EVENTS_WAITING_MAX);
        let (relays, relay_ends) = Relays::new();
        let instance = Instance::new(getrandom::u64().map_err(io::Error::other)?);
        let port = self.addresses.first().map_or(0, SocketAddr::port);
        let dialler = Dialler::new(config.now().trust.clone(), &tasks);
        let backends = Backends::start(dialler.clone(), config.clone(), port, &tasks);
        let parts = Arc::new(Parts {
            access: Access::start(config.clone(), &tasks).await,
            authority: Authority::new(config.clone(), backends.clone()),
            backends,
            census: Census::start(&tasks),
            dialler,
            edges: Edges::start(&tasks),
            hooks: Hooks::new(&tasks),
            identity: Identity::start(self.certificate, config.clone(), &tasks),
            instance,
            logins: Logins::start(config.clone(), &tasks),
            registry: Registry::start(
                config.clone(),
                Arc::clone(&counters),
                logs.clone(),
                events,
                &tasks,
            ),
            live_config: config,
            counters,
            disk: Disk::default(),
            logs,
            relays,
            port,
            started: Timestamp::now(),
            tasks: tasks.clone(),
            users: UserFiles::start(&tasks),
        });
        tasks.spawn(switchboard::run(heard, Arc::clone(&parts)));
        tasks.spawn(relay::run(relay_ends, Arc::clone(&parts)));
        tasks.spawn(directory::run(Arc::clone(&parts)));
        tasks.spawn(keep_logs(Arc::clone(&parts), self.reopen_logs));
        // Last, because from here on clients come in.
        let listen = parts.config().listen.clone();
        for (index, socket) in self.sockets.into_iter().enumerate() {
            let (address, tls_only) = (self.addresses[index], listen[index].tls_only);
            let socket = TcpListener::from_std(socket)?;
            tasks.spawn(accept::run(socket, For::Everybody { tls_only }, Arc::clone(&parts)));
            if tls_only {
                info!(%address, "listening for TLS alone");
            } else {
                info!(%address, "listening");
            }
        }
        for (socket, mount) in self.shoutcast {
            info!(address = %socket.local_addr()?, %mount, "listening for SHOUTcast sources");
            let socket = TcpListener::from_std(socket)?;
            tasks.spawn(accept::run(socket, For::Shoutcast(mount), Arc::clone(&parts)));
        }
        stop.await;
        info!(listeners = parts.counters.players(), "stopping");
        let drain_grace = parts.config().limits.drain_grace;
        if tasks.drain(drain_grace).await {
            return Ok(Outcome::Drained);
        }
        warn!(?drain_grace, "connections that did not end in time are broken off");
        Ok(Outcome::GraceOver)
    }
}

/// Mounts whose source came or left that may wait to be noticed.
const EVENTS_WAITING_MAX: usize = 1_024;

/// Has the logs opened anew when that is asked for or the configuration is replaced.
async fn keep_logs(parts: Arc<Parts>, reopen: Arc<Notify>) {
    let mut live_config = parts.live_config.clone();
    loop {
        tokio::select! {
            () = reopen.notified() => {}
            () = live_config.changed() => {}
            () = parts.tasks.stopping() => return,
        }
        parts.logs.reopen(&live_config.now().logs);
    }
}

/// Raises the limit of open files to what the system allows: each client is one.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => info!(limit, "open files"),
        Err(error) => warn!(%error, "the limit of open files cannot be raised"),
    }
}
