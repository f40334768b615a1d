//! The door: what is asked of every client before anybody looks at what it wants.
//!
//! Whose connection it is, if a proxy brings it; whether that address and program may be here; and,
//! when the server is full, whether it is one of the few requests that are answered then.

use crate::client::{Client, NoHead};
use crate::config::Compat;
use crate::parts::Parts;
use crate::refusal::Refusal;
use crate::route::Route;
use bytes::BytesMut;
use common::http::forwarded;
use common::http::head::RequestHead;
use common::proxy_protocol::{self, Origin, ProxyHeaderError};
use jiff::Timestamp;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;
use tracing::{debug, warn};

/// Whether a connection from `peer` is closed at once, without a byte, as Icecast does.
///
/// A proxy is let in: its clients are looked at one by one.
pub(crate) fn is_banned(peer: IpAddr, parts: &Parts) -> bool {
    let rules = parts.access.rules();
    !rules.trust(peer) && !rules.admit(peer, Timestamp::now())
}

/// Learns whose connection a new one is, if it comes from a proxy that says so first, and makes it
/// an encrypted one if the client wishes. `None` if it is closed without a byte.
pub(crate) async fn greet(client: Client, tls_only: bool, parts: &Parts) -> Option<Client> {
    let mut client = introduced(client, parts).await?;
    let Some(certificate) = parts.identity.shown() else { return (!tls_only).then_some(client) };
    let limit = head_timeout(&client, parts);
    let agreed = timeout(limit, async {
        if client.received.is_empty() && client.socket.read_buf(&mut client.received).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if client.received[0] != TLS_HANDSHAKE {
            return Ok(client);
        }
        let Client { socket, received, .. } = client;
        let socket = socket.secured(certificate, &received).await?;
        Ok::<_, io::Error>(Client { socket, received: BytesMut::new(), ..client })
    });
    match agreed.await {
        Ok(Ok(client)) => (client.socket.is_secure() || !tls_only).then_some(client),
        Ok(Err(error)) => {
            debug!(%error, "no TLS");
            None
        }
        Err(_) => None,
    }
}

/// Whether a client on a plain connection wishes to go on over TLS, and can: RFC 2817, as libshout
/// asks for it.
pub(crate) fn wishes_tls(client: &Client, head: &RequestHead, parts: &Parts) -> bool {
    let mut offers = head.headers.first("upgrade").unwrap_or_default().split(',');
    head.method == "OPTIONS"
        && head.headers.lists("connection", "upgrade")
        && offers.any(|offer| offer.trim().starts_with("TLS/"))
        && !client.socket.is_secure()
        && parts.config().compat == Compat::Sensible
        && parts.identity.shown().is_some()
}

/// Lets the connection of a client that wishes so become an encrypted one. `None` if they do not
/// agree.
pub(crate) async fn upgrade(mut client: Client, parts: &Parts) -> Option<Client> {
    let certificate = parts.identity.shown()?;
    client.send_bytes(SWITCHING).await.ok()?;
    let limit = head_timeout(&client, parts);
    let Client { socket, received, .. } = client;
    match timeout(limit, socket.secured(certificate, &received)).await {
        Ok(Ok(socket)) => Some(Client { socket, received: BytesMut::new(), ..client }),
        Ok(Err(error)) => {
            debug!(%error, "no TLS");
            None
        }
        Err(_) => None,
    }
}

/// The client as the proxy before it says that it is, if there is one.
async fn introduced(mut client: Client, parts: &Parts) -> Option<Client> {
    let rules = parts.access.rules();
    if !rules.proxy_protocol || !rules.trust(client.peer) {
        return Some(client);
    }
    let limit = head_timeout(&client, parts);
    let origin = match timeout(limit, proxy_header(&mut client)).await {
        Ok(Ok(origin)) => origin,
        Ok(Err(None)) | Err(_) => return None,
        Ok(Err(Some(error))) => {
            warn!(proxy = %client.peer, %error, "a proxy was turned away");
            return None;
        }
    };
    if let Origin::Client(ip) = origin {
        client.peer = ip;
        client.ip = ip;
        if is_banned(ip, parts) {
            debug!(%ip, "banned");
            return None;
        }
    }
    Some(client)
}

/// The header that a proxy begins with; `Err(None)` if it closes instead.
async fn proxy_header(client: &mut Client) -> Result<Origin, Option<ProxyHeaderError>> {
    loop {
        if let Some((origin, length)) = proxy_protocol::read(&client.received).map_err(Some)? {
            let _ = client.received.split_to(length);
            return Ok(origin);
        }
        match client.socket.read_buf(&mut client.received).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(None),
        }
    }
}

/// The client's next head. One that sits on a reserved place without a word learns why it is no
/// longer waited for.
pub(crate) async fn head(client: &mut Client, parts: &Parts) -> Result<RequestHead, NoHead> {
    match client.head(head_timeout(client, parts)).await {
        Err(NoHead::Gone) if client.is_reserved => Err(NoHead::Refused(Refusal::ServerFull)),
        head => head,
    }
}

/// How long a client may take to send a head. One that has a reserved place has little time, so
/// that nobody can sit on those places.
fn head_timeout(client: &Client, parts: &Parts) -> Duration {
    let usual = parts.config().limits.header_timeout;
    if client.is_reserved { usual.min(RESERVED_HEAD_TIMEOUT) } else { usual }
}

/// Whether the client that sends `head` may be here; else it is closed on without a byte. From
/// here on the client's address is that for which its proxy speaks.
pub(crate) fn admits(client: &mut Client, head: &RequestHead, parts: &Parts) -> bool {
    let rules = parts.access.rules();
    client.ip = client.peer;
    if rules.trust(client.peer) {
        let is_trusted = |ip| rules.trust(ip);
        client.ip = forwarded::client(&head.headers, is_trusted).unwrap_or(client.peer);
    }
    let admitted = rules.admit(client.ip, Timestamp::now());
    if !admitted {
        debug!(ip = %client.ip, "banned");
    }
    admitted
}

/// What becomes of the wish of a client: it is refused to programs that may not be here, and, when
/// the server is full, unless it helps to look after it.
pub(crate) fn hear(
    client: &Client,
    head: &RequestHead,
    route: Result<Route, Refusal>,
    parts: &Parts,
) -> Result<Route, Refusal> {
    let agent = head.headers.first("user-agent").unwrap_or_default();
    if !parts.access.rules().admit_agent(agent, Timestamp::now()) {
        return Err(Refusal::AgentBanned);
    }
    let clients = usize::try_from(parts.counters.clients.now()).unwrap_or(usize::MAX);
    let is_full = client.is_reserved && clients > parts.config().limits.clients_max;
    if is_full && !route.as_ref().is_ok_and(Route::is_for_full_server) {
        return Err(Refusal::ServerFull);
    }
    route
}

/// The longest time from connecting to a head on a reserved place.
const RESERVED_HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// What a client is answered that wishes to go on over TLS.
const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
    Upgrade: TLS/1.2, HTTP/1.1\r\n\r\n";
/// With this byte begins every TLS handshake, and no request.
const TLS_HANDSHAKE: u8 = 22;
