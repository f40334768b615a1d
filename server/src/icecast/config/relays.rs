//! `<relay>` and `<master-…>`: what is fetched from other servers.

use super::{password, phrase};
use crate::config::RELAY_USER;
use crate::config::relays::{MasterConfig, REPORT_INTERVAL, RelayConfig, Relays};
use crate::config::upstream::Upstream;
use crate::mount::name::MountName;
use common::auth::{Credentials, Password};
use icecast_compat::config_xml::Block;
use icecast_compat::config_xml::advice::Advice;
use std::net::IpAddr;
use std::time::Duration;

/// Reads both. A master is asked with the relay password of this server, if no other is said.
pub(super) fn read(top: &mut Block<'_, '_>, own: Option<&Password>) -> Relays {
    let mut each: Vec<RelayConfig> = Vec::new();
    for (relay, line) in top.each("relay", relay) {
        let Some(relay) = relay else { continue };
        if each.iter().any(|other| other.local == relay.local) {
            let what = format!("<relay>: {} is relayed already; ignored", relay.local);
            top.advise(Advice::warning(line, what));
        } else {
            each.push(relay);
        }
    }
    Relays { each, master: master(top, own) }
}

fn relay(block: &mut Block<'_, '_>) -> (Option<RelayConfig>, usize) {
    let line = block.line();
    let server = upstream(block, "server", "port", "127.0.0.1");
    let mount = phrase(block, "mount", "/");
    let local = phrase(block, "local-mount", &mount);
    let user = phrase(block, "username", "");
    let password = password(block, "password");
    let titles = block.flag("relay-shoutcast-metadata").is_none_or(|said| said.value);
    let on_demand = block.flag("on-demand").is_some_and(|said| said.value);
    let local = match MountName::new(&local) {
        Ok(local) => Some(local),
        Err(error) => {
            block.advise(Advice::mistake(line, format!("<relay> {local}: {error}")));
            None
        }
    };
    // Icecast says who it is only if it has both.
    let credentials = password
        .filter(|_| !user.is_empty())
        .map(|password| Credentials { user: user.clone(), password });
    let bind = bind(block);
    let tls = block.flag("tls").is_some_and(|said| said.value);
    let relay = || {
        let (server, local) = (Upstream { tls, ..server? }, local?);
        let is_told = false;
        Some(RelayConfig { server, mount, local, credentials, titles, on_demand, bind, is_told })
    };
    (relay(), line)
}

/// The address to dial from; one that is none is noted.
fn bind(block: &mut Block<'_, '_>) -> Option<IpAddr> {
    let said = block.text("bind").filter(|said| !said.value.trim().is_empty())?;
    let bind = said.value.trim().parse().ok();
    if bind.is_none() {
        let what = format!("<bind> {:?} is not an IP address", said.value.trim());
        block.advise(Advice::mistake(said.line, what));
    }
    bind
}

fn master(top: &mut Block<'_, '_>, own: Option<&Password>) -> Option<MasterConfig> {
    top.text("master-server")?;
    let server = upstream(top, "master-server", "master-server-port", "");
    let seconds = top.number_or_usual("master-update-interval");
    let user = phrase(top, "master-username", RELAY_USER);
    let password = password(top, "master-password").or_else(|| own.cloned());
    let on_demand = top.flag("relays-on-demand").is_some_and(|said| said.value);
    let interval_s = u64::try_from(seconds.value).unwrap_or_default();
    if interval_s == 0 {
        let what = format!("<master-update-interval> of {} seconds; 1 is the least", seconds.value);
        top.advise(Advice::mistake(seconds.line, what));
    }
    Some(MasterConfig {
        server: server?,
        update_interval: Duration::from_secs(interval_s),
        credentials: password.map(|password| Credentials { user, password }),
        on_demand,
        report_interval: Some(REPORT_INTERVAL),
    })
}

/// The server in two elements; `None` if they name none, which is noted.
fn upstream(
    block: &mut Block<'_, '_>,
    host: &'static str,
    port: &'static str,
    usual: &str,
) -> Option<Upstream> {
    let (host_text, line) = (phrase(block, host, usual), block.line());
    let said = block.number(port);
    let number = said.as_ref().map_or(0, |said| said.value);
    let server = match host_text.parse::<std::net::Ipv6Addr>() {
        Ok(address) => Upstream::parse(&format!("[{address}]:{number}")),
        Err(_) => Upstream::parse(&format!("{host_text}:{number}")),
    };
    if server.is_none() {
        let what = format!("<{host}> {host_text:?} with <{port}> {number} names no server");
        block.advise(Advice::mistake(said.map_or(line, |said| said.line), what));
    }
    server
}
