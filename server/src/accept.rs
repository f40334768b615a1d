//! Listen sockets: opening them, and taking clients in.

use crate::answer::Manner;
use crate::client::Client;
use crate::connection;
use crate::door;
use crate::icecast::answers;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use crate::shoutcast;
use crate::socket;
use crate::status::counters::ClientSeat;
use bytes::BytesMut;
use jiff::Timestamp;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{address}: {}", advice(error))]
pub struct ListenError {
    /// The address.
    address: SocketAddr,
    /// What the system says.
    error: io::Error,
}

/// Opens a listen socket on `address`; an IPv6 one for all interfaces takes IPv4 too.
pub(crate) fn open(address: SocketAddr) -> Result<StdListener, ListenError> {
    let opened = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            socket.set_only_v6(false)?;
        }
        // So that a restarted server has its port at once, though old connections linger.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    opened().map_err(|error| ListenError { address, error })
}

fn advice(error: &io::Error) -> String {
    let kind = error.kind();
    let advice = if kind == io::ErrorKind::AddrInUse {
        "another program listens on this port; stop it or choose another port"
    } else if kind == io::ErrorKind::AddrNotAvailable {
        "this machine has no such address"
    } else if kind == io::ErrorKind::PermissionDenied {
        "ports below 1024 need the right to open them; choose a higher one"
    } else {
        return error.to_string();
    };
    advice.to_owned()
}

/// Whom a socket is for.
#[derive(Clone, Debug)]
pub(crate) enum For {
    /// Everybody; only in TLS, if so.
    Everybody { tls_only: bool },
    /// Sources of the SHOUTcast kind, which send to this mount.
    Shoutcast(MountName),
}

/// Takes in clients until the server stops.
pub(crate) async fn run(socket: TcpListener, whom: For, parts: Arc<Parts>) {
    let (mut said, mut failures) = (None::<Instant>, 0_u64);
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = parts.tasks.stopping() => return,
        };
        match accepted {
            Ok((socket, peer)) => welcome(socket, peer, whom.clone(), &parts),
            Err(error) if is_of_one_client(&error) => debug!(%error, "a client left at the door"),
            Err(error) => {
                // Out of file descriptors, most likely. The next one would fail as fast, so wait
                // for somebody to leave.
                failures += 1;
                if said.is_none_or(|said| said.elapsed() >= COMPLAINT_EVERY) {
                    warn!(%error, failures, "no client can be taken in; trying on");
                    (said, failures) = (Some(Instant::now()), 0);
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn welcome(socket: TcpStream, peer: SocketAddr, whom: For, parts: &Arc<Parts>) {
    // What is written is meant to go out; it is gathered before, not in the kernel.
    let _ = socket.set_nodelay(true);
    let ip = peer.ip().to_canonical();
    if door::is_banned(ip, parts) {
        debug!(%ip, "banned");
        return;
    }
    let seat = ClientSeat::new(Arc::clone(&parts.counters));
    let clients = usize::try_from(seat.counters().clients.now()).unwrap_or(usize::MAX);
    let config = parts.config();
    let is_reserved = clients > config.limits.clients_max;
    if clients > config.limits.clients_max.saturating_add(config.limits.clients_reserved) {
        let manner = Manner::parting(&config);
        if !matches!(whom, For::Everybody { tls_only: false }) {
            return;
        }
        let full = answers::refused(&Refusal::ServerFull).written(manner, Timestamp::now());
        // The socket is empty and takes a short answer at once, or the client does without.
        let _ = socket.try_write(&full);
        // What it asked is taken out, since a close on unread bytes would reset the connection, and
        // the answer would be lost on the way.
        let _ = socket.try_read(&mut [0; SCRAP_BYTES]);
        return;
    }
    let id = parts.counters.connections.now();
    let (socket, received) = (socket::Socket::Plain(socket), BytesMut::new());
    let client = Client { socket, ip, peer: ip, is_reserved, id, seat, received, asked: None };
    let inside = Arc::clone(parts);
    match whom {
        For::Everybody { tls_only } => {
            parts.tasks.spawn(connection::serve(client, tls_only, inside));
        }
        For::Shoutcast(mount) => parts.tasks.spawn(shoutcast::serve(client, mount, inside)),
    }
}

/// Whether accepting failed because of the client, not of the server.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4_096;
/// Bytes of a request that are read, and not looked at, when the server is full.
const SCRAP_BYTES: usize = 4_096;
/// How long to wait after accepting failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often it is said that accepting fails.
const COMPLAINT_EVERY: Duration = Duration::from_secs(10);
