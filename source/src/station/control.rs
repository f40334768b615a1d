//! What a station puts up so that it can be asked and told: sockets, and those who carry wishes.

use crate::config::entries::Origin;
use crate::config::{Config, ControlConfig, OrderConfig};
use crate::control::console::{
    ChannelEnd, Console, InputEnd, OutputEnd, Parts, PlaylistEnd, QueueEnd, ReloadWish, SkipWish,
};
use crate::control::http::Http;
use crate::control::telnet::Telnet;
use crate::playlist::watch::Watch;
use crate::programme::Command;
use crate::station::StartError;
use crate::station::shelf::Shelf;
use crate::tasks::{Tasks, thread};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::{mpsc, watch};
use tracing::info;

/// The sockets of a station, which are there before anything else, so that a mistake in them is
/// told before it is on the air.
pub(super) struct Sockets {
    tcp: Option<TcpListener>,
    unix: Option<UnixListener>,
    http: Option<TcpListener>,
}

impl Sockets {
    /// Those that `config` names.
    ///
    /// Fails if one of them cannot be had.
    pub(super) fn open(config: &ControlConfig) -> Result<Self, StartError> {
        let tcp = |address: SocketAddr| {
            tcp(address).map_err(|error| StartError::Control { what: address.to_string(), error })
        };
        let unix = config.socket.as_deref().map(|path| {
            let what = path.display().to_string();
            unix(path).map_err(|error| StartError::Control { what, error })
        });
        Ok(Self {
            tcp: config.telnet.map(tcp).transpose()?,
            unix: unix.transpose()?,
            http: config.http.map(tcp).transpose()?,
        })
    }

    /// Where telnet is served by TCP.
    pub(super) fn telnet(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where HTTP is served.
    pub(super) fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves them until the sender of `stop` is dropped; `changes` is touched when anything has
    /// changed.
    pub(super) fn serve(
        self,
        console: &Arc<Console>,
        config: &ControlConfig,
        changes: &watch::Receiver<()>,
        stop: &watch::Receiver<()>,
        tasks: &Tasks,
    ) {
        let password = |address: Option<SocketAddr>| {
            let is_open = address.is_some_and(|address| !address.ip().is_loopback());
            config.password.clone().filter(|_| is_open)
        };
        if let Some(listener) = self.http {
            if let Ok(address) = listener.local_addr() {
                info!(%address, "control by HTTP");
            }
            let (password, changes) = (password(config.http), changes.clone());
            let http =
                Http::new(Arc::clone(console), password, changes, stop.clone(), tasks.clone());
            tasks.spawn(http.serve(listener));
        }
        let password = password(config.telnet);
        let telnet = Telnet::new(Arc::clone(console), password, stop.clone(), tasks.clone());
        if let Some(listener) = self.tcp {
            if let Ok(address) = listener.local_addr() {
                info!(%address, "telnet");
            }
            tasks.spawn(telnet.clone().serve_tcp(listener));
        }
        if let Some(listener) = self.unix {
            tasks.spawn(telnet.serve_unix(listener));
        }
    }
}

/// What control sees of a station of these parts.
pub(super) fn parts(
    config: &Config,
    shelf: &Shelf,
    channels: Vec<ChannelEnd>,
    outputs: Vec<OutputEnd>,
) -> Arc<Parts> {
    let playlists =
        config.playlists.iter().zip(&shelf.watches).map(|(playlist, watch)| PlaylistEnd {
            name: playlist.name.as_str().into(),
            aliases: playlist.aliases.clone(),
            is_shuffled: matches!(playlist.order, OrderConfig::Shuffle { .. }),
            watch: watch.clone(),
        });
    let station = config.identity.name.as_str().into();
    let queues = config
        .queues
        .iter()
        .zip(&shelf.queues)
        .map(|(config, queue)| QueueEnd { aliases: config.aliases.clone(), queue: queue.clone() });
    let (playlists, queues) = (playlists.collect(), queues.collect());
    let inputs = config.inputs.iter().zip(&shelf.inputs).map(|(config, input)| InputEnd {
        aliases: config.aliases.clone(),
        url: match &config.origin {
            Origin::Harbor { .. } => None,
            Origin::Relay { address } => Some(address.to_string().into()),
        },
        input: input.clone(),
    });
    let parts = Parts::new(station, playlists, queues, channels, outputs);
    Arc::new(parts.with_inputs(inputs.collect()))
}

/// A console of `parts`, and the thread that carries its wishes.
pub(super) fn console(
    parts: watch::Receiver<Arc<Parts>>,
    reloads: mpsc::Sender<ReloadWish>,
) -> Result<(Arc<Console>, JoinHandle<()>), StartError> {
    let (wishes, queue) = sync_channel(WISHES_MAX);
    let carrier = thread("wishes", move || carry_out(&queue))?;
    Ok((Arc::new(Console::new(parts, wishes, reloads)), carrier))
}

/// Carries out wishes that may take a moment, until nobody can have any more.
fn carry_out(wishes: &Receiver<SkipWish>) {
    while let Ok(SkipWish { watch, channels }) = wishes.recv() {
        // Whoever writes a list and skips at once means the list as it is now.
        let contents = watch.contents();
        watch.refresh(crate::playlist::REFRESH_PATIENCE);
        let is_news = contents.has_changed().unwrap_or(false);
        for channel in channels {
            if is_news {
                leave(&channel, Command::Reconsider);
            }
            leave(&channel, Command::Skip);
        }
    }
}

/// Lets a channel ask its playlists again whenever `watch` has read something new, until the
/// sender of `stop` is dropped.
pub(super) async fn reconsider_on_news(
    watch: Watch,
    channels: Vec<SyncSender<Command>>,
    mut stop: watch::Receiver<()>,
) {
    let mut contents = watch.contents();
    loop {
        tokio::select! {
            changed = contents.changed() => if changed.is_err() { return },
            _ = stop.changed() => return,
        }
        contents.mark_unchanged();
        for channel in &channels {
            leave(channel, Command::Reconsider);
        }
    }
}

/// Leaves `command` for a channel; one that has too many waiting forgets it.
fn leave(channel: &SyncSender<Command>, command: Command) {
    match channel.try_send(command) {
        Ok(()) | Err(TrySendError::Disconnected(_) | TrySendError::Full(_)) => {}
    }
}

/// A port at `address`.
pub(super) fn tcp(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As after a restart, while connections of the last run are still closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A socket at `path` for this user alone; one that nobody listens on any more is replaced.
fn unix(path: &Path) -> std::io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Connections that may wait to be taken; further ones are dialled again by their kernel a second
/// later, which a client takes for a slow reply.
const BACKLOG: u32 = 4_096;
/// Wishes that may wait; who has one more is told so.
const WISHES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpStream};
    use std::time::Duration;

    #[tokio::test]
    async fn a_thousand_connections_wait_without_being_dialled_again() {
        let port = tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = port.local_addr().unwrap();

        let dial = |_| TcpStream::connect_timeout(&address, Duration::from_millis(900)).unwrap();

        assert_eq!((0..1_000).map(dial).collect::<Vec<_>>().len(), 1_000);
    }
}
