//! Where to listen: every `<listen-socket>`, or the `<port>` of old files.

use super::remarks;
use crate::config::shoutcast::ShoutcastConfig;
use crate::config::{ListenSocket, PORT};
use crate::mount::name::MountName;
use icecast_compat::config_xml::advice::Advice;
use icecast_compat::config_xml::{Block, Said};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// All addresses to listen on, in the order of the file; mistakes are noted. Without a certificate
/// a socket for TLS is not opened: rather closed than open to everybody who reads along.
pub(super) fn read(
    top: &mut Block<'_, '_>,
    has_certificate: bool,
) -> (Vec<ListenSocket>, Vec<ShoutcastConfig>) {
    let old = address(top, false);
    let usual_mount =
        mount(top).unwrap_or_else(|| MountName::new(SHOUTCAST_MOUNT).expect("the name of a mount"));
    let mut shoutcast = Vec::new();
    let said = top.each("listen-socket", |socket| {
        socket.later(remarks::LISTEN_SOCKET);
        let tls = tls_only(socket);
        let own_mount = mount(socket);
        let is_shoutcast = socket.flag("shoutcast-compat").is_some_and(|said| said.value);
        let address = address(socket, tls.is_some());
        if let (true, Some(said)) = (is_shoutcast, &address) {
            let mount = own_mount.unwrap_or_else(|| usual_mount.clone());
            let line = said.line;
            shoutcast.push((line, ShoutcastConfig { address: said.value.address, mount }));
            return None;
        }
        if let (Some(mount), Some(said)) = (own_mount, &address) {
            match above(said.value.address) {
                Some(address) => {
                    shoutcast.push((said.line, ShoutcastConfig { address, mount }));
                }
                None => {
                    let what = "<shoutcast-mount> wants the port above this one, and there is none";
                    socket.advise(Advice::mistake(said.line, what));
                }
            }
        }
        match tls {
            Some(line) if !has_certificate => {
                let what = "TLS without a <ssl-certificate> in <paths>; this port is not opened";
                socket.advise(Advice::warning(line, what));
                None
            }
            Some(_) | None => address,
        }
    });
    let any_block = !said.is_empty();
    let sockets: Vec<_> = if any_block { said.into_iter().flatten().collect() } else { vec![] };
    let sockets = match old {
        Some(old) if !any_block => vec![old],
        _ => sockets,
    };
    for (index, socket) in sockets.iter().enumerate() {
        if let Some(first) = sockets[..index].iter().find(|first| clash(first, socket)) {
            let (address, line) = (socket.value.address, first.line);
            let what = format!("<listen-socket> {address}: line {line} listens there already");
            top.advise(Advice::mistake(socket.line, what));
        }
    }
    if sockets.is_empty() {
        let what = "no <listen-socket> remains to listen on; name a <ssl-certificate> in \
                    <paths>, or write one without <ssl>";
        top.advise(Advice::mistake(top.line(), what));
    }
    let sockets: Vec<_> = sockets.into_iter().map(|socket| socket.value).collect();
    (sockets.clone(), free(top, shoutcast, &sockets))
}

/// The sockets for SHOUTcast sources, without those where somebody is taken in already.
fn free(
    top: &mut Block<'_, '_>,
    said: Vec<(usize, ShoutcastConfig)>,
    others: &[ListenSocket],
) -> Vec<ShoutcastConfig> {
    let mut taken: Vec<SocketAddr> = others.iter().map(|socket| socket.address).collect();
    let mut sockets = Vec::new();
    for (line, socket) in said {
        if taken.iter().any(|other| addresses_clash(*other, socket.address)) {
            let address = socket.address;
            let what = format!("{address}, for SHOUTcast sources, is listened on already");
            top.advise(Advice::mistake(line, what));
        } else {
            taken.push(socket.address);
            sockets.push(socket);
        }
    }
    sockets
}

/// The address with the port above.
fn above(address: SocketAddr) -> Option<SocketAddr> {
    let port = address.port().checked_add(1)?;
    Some(SocketAddr::new(address.ip(), port))
}

/// The mount of SHOUTcast sources, if there is one; one that cannot be is noted.
fn mount(block: &mut Block<'_, '_>) -> Option<MountName> {
    let said = block.text("shoutcast-mount")?;
    let text = said.value.trim();
    // Icecast's own documentation writes it without the slash.
    let text = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
    match MountName::new(&text) {
        Ok(mount) => Some(mount),
        Err(error) => {
            block.advise(Advice::mistake(said.line, format!("<shoutcast-mount> {text}: {error}")));
            None
        }
    }
}

/// The line that says that the socket takes TLS alone: `<ssl>`, or `<tls>` as Icecast 2.5 has it.
fn tls_only(socket: &mut Block<'_, '_>) -> Option<usize> {
    let ssl = socket.flag("ssl").filter(|ssl| ssl.value).map(|ssl| ssl.line);
    let tls = socket.text("tls").filter(|tls| {
        let value = tls.value.trim().to_ascii_lowercase();
        matches!(value.as_str(), "1" | "auto_no_plain" | "on" | "rfc2818" | "true" | "yes")
    });
    ssl.or_else(|| tls.map(|tls| tls.line))
}

/// The address in `<port>` and `<bind-address>`; `None` if it is wrong, and noted.
fn address(block: &mut Block<'_, '_>, tls_only: bool) -> Option<Said<ListenSocket>> {
    let socket = |address| ListenSocket { address, tls_only };
    let port = block.number("port");
    let host = block.text("bind-address");
    let line = block.line();
    let host = match host.as_ref().map(|host| host.value.trim()) {
        None | Some("") => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        Some("localhost") => IpAddr::from(Ipv4Addr::LOCALHOST),
        Some(text) => match text.parse() {
            Ok(host) => host,
            Err(_) => {
                let what = format!("<bind-address> {text:?} is not an IP address");
                let line = host.as_ref().map_or(line, |host| host.line);
                block.advise(Advice::mistake(line, what));
                return None;
            }
        },
    };
    let Some(port) = port else {
        return Some(Said { value: socket(SocketAddr::new(host, PORT)), line, order: 0 });
    };
    match u16::try_from(port.value) {
        Ok(number) if number > 0 => Some(port.map(|_| socket(SocketAddr::new(host, number)))),
        _ => {
            let what = format!("<port> {} is not between 1 and {}", port.value, u16::MAX);
            block.advise(Advice::mistake(port.line, what));
            None
        }
    }
}

/// Whether two sockets cannot both listen: `::` takes a port on every address of the machine.
fn clash(a: &Said<ListenSocket>, b: &Said<ListenSocket>) -> bool {
    addresses_clash(a.value.address, b.value.address)
}

fn addresses_clash(a: SocketAddr, b: SocketAddr) -> bool {
    let everywhere = |address: SocketAddr| address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED);
    let every_v4 = |address: SocketAddr| address.ip() == IpAddr::from(Ipv4Addr::UNSPECIFIED);
    a.port() == b.port()
        && (a.ip() == b.ip()
            || everywhere(a)
            || everywhere(b)
            || (every_v4(a) && b.is_ipv4())
            || (every_v4(b) && a.is_ipv4()))
}

/// The mount of SHOUTcast sources where none is named; Icecast's.
const SHOUTCAST_MOUNT: &str = "/stream";
