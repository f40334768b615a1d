//! The configuration file: `[server]`, `[passwords]`, `[limits]`, `[files]`, `[logs]`, `[access]`,
//! what holds for every mount, and `[mounts."/name"]`.
//!
//! What a key means and what counts without it stands in `examples/server.toml`.

mod directories;
mod mounts;
mod relays;
mod sections;
mod shoutcast;
mod url_auth;
mod values;

use super::limits::Limits;
use super::mounts::MountConfig;
use super::{
    ADMIN_USER, CONTACT, Compat, Config, HOSTNAME, LOCATION, ListenSocket, PORT, Passwords,
    RELAY_USER, RunAs, TlsFiles,
};
use common::config::variables::Lookup;
use common::config::{self, Mistakes, Section};
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use values::{one_of, path, text};

/// Reads the file's text, in which `lookup` knows the variables.
pub(super) fn read(file: &str, text: &str, lookup: Lookup<'_>) -> Result<Config, Mistakes> {
    config::read_with(file, text, Some(lookup), |top| {
        let server = top.section("server", server);
        let tls_needed = server.listen.iter().any(|socket| socket.tls_only);
        let (tls, trust) =
            top.section("tls", |section| (tls(section, tls_needed), path(section, "trust", &None)));
        let mut usual = MountConfig::default();
        let limits = top.section("limits", |section| {
            usual.limits = mounts::limits(section, &usual.limits);
            limits(section)
        });
        let passwords = top.section("passwords", |section| passwords(section, &mut usual));
        let usual = top.section("mount_defaults", |section| mounts::mount(section, usual));
        let mounts = mounts::read(top, usual);
        if mounts.takes_no_source() {
            top.section("passwords", |section| {
                section.wrong("source", "missing; without it no source can connect");
                passwords_again(section);
            });
        }
        Config {
            hostname: server.hostname,
            location: server.location,
            contact: server.contact,
            server_id: server.server_id,
            icy_agents: server.icy_agents,
            compat: server.compat,
            pid_file: server.pid_file,
            run_as: server.run_as,
            tls,
            trust,
            passwords,
            limits,
            relays: relays::read(top),
            shoutcast: shoutcast::read(top, &server.listen),
            directories: directories::read(top),
            access: top.section("access", sections::access),
            files: top.section("files", sections::files),
            http_headers: sections::http_headers(top).unwrap_or_default(),
            logs: top.section("logs", sections::logs),
            ..Config::of(server.listen, mounts)
        }
    })
}

/// What `[server]` says.
struct Server {
    listen: Vec<ListenSocket>,
    hostname: String,
    location: String,
    contact: String,
    server_id: Option<String>,
    icy_agents: Vec<String>,
    compat: Compat,
    pid_file: Option<PathBuf>,
    run_as: Option<RunAs>,
}

fn server(section: &mut Section<'_>) -> Server {
    let listen = listen(section);
    let mut phrase = |key, usual: &str| section.value(key).unwrap_or_else(|| usual.to_owned());
    let (hostname, location) = (phrase("hostname", HOSTNAME), phrase("location", LOCATION));
    let contact = phrase("contact", CONTACT);
    let server_id = text(section, "server_id", &None);
    if server_id.as_ref().is_some_and(|id| id.chars().any(char::is_control)) {
        section.wrong("server_id", "a control character, which no header may have");
    }
    let choices = [("sensible", Compat::Sensible), ("strict", Compat::Strict)];
    let compat = one_of(section, "compat", &choices, Compat::Sensible);
    let icy_agents = section.value("icy_agents").unwrap_or_default();
    let pid_file = path(section, "pid_file", &None);
    let (user, group) = (text(section, "run_as_user", &None), text(section, "run_as_group", &None));
    let run_as = (user.is_some() || group.is_some()).then_some(RunAs { user, group });
    Server { listen, hostname, location, contact, server_id, icy_agents, compat, pid_file, run_as }
}

fn passwords(section: &mut Section<'_>, usual: &mut MountConfig) -> Passwords {
    usual.password = section.value("source");
    if let Some(user) = section.value("source_user") {
        usual.user = user;
    }
    Passwords {
        admin_user: section.value("admin_user").unwrap_or_else(|| ADMIN_USER.to_owned()),
        admin: section.value("admin"),
        relay_user: section.value("relay_user").unwrap_or_else(|| RELAY_USER.to_owned()),
        relay: section.value("relay"),
    }
}

/// Asks for the keys once more, so that they are known to a second look at the section.
fn passwords_again(section: &mut Section<'_>) {
    for key in ["source_user", "admin_user", "admin", "relay_user", "relay"] {
        section.known(key);
    }
}

/// Every address in `listen`; without one, port 8000 of all interfaces.
fn listen(server: &mut Section<'_>) -> Vec<ListenSocket> {
    let Some(texts) = server.value::<Vec<String>>("listen") else {
        return vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)).into()];
    };
    let mut sockets: Vec<ListenSocket> = Vec::new();
    for text in &texts {
        match text.parse::<ListenSocket>() {
            Ok(socket) if sockets.iter().any(|other| other.address == socket.address) => {
                server.wrong("listen", format!("`{text}` stands here twice"));
            }
            Ok(socket) => sockets.push(socket),
            Err(error) => server.wrong("listen", format!("`{text}` {error}")),
        }
    }
    if texts.is_empty() {
        server.wrong("listen", "an empty list; name at least one address");
    }
    sockets
}

/// Reads `[tls]`.
fn tls(section: &mut Section<'_>, is_needed: bool) -> Option<TlsFiles> {
    let certificate = path(section, "certificate", &None);
    let key = path(section, "key", &None);
    if certificate.is_none() && is_needed {
        section.wrong("certificate", "missing; an address in `listen` begins with tls://");
    }
    if certificate.is_none() && key.is_some() {
        section.wrong("key", "stands without a certificate");
    }
    let certificate = certificate?;
    Some(TlsFiles { key: key.unwrap_or_else(|| certificate.clone()), certificate })
}

fn limits(section: &mut Section<'_>) -> Limits {
    let usual = Limits::default();
    let at_least_one =
        |section: &mut Section<'_>, key, usual: usize| match section.value::<u32>(key) {
            Some(0) => {
                section.wrong(key, "0 lets nobody in; 1 is the least");
                usual
            }
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
            None => usual,
        };
    let count = |section: &mut Section<'_>, key| {
        section.value::<u32>(key).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    };
    Limits {
        clients_max: at_least_one(section, "clients", usual.clients_max),
        sources_max: at_least_one(section, "sources", usual.sources_max),
        header_timeout: section.value("header_timeout").unwrap_or(usual.header_timeout),
        // 0 is no limit: nobody wants a server that no address may hear.
        listeners_per_ip: count(section, "listeners_per_ip").filter(|most| *most > 0),
        clients_reserved: count(section, "clients_reserved").unwrap_or(usual.clients_reserved),
        failed_logins_per_minute: match section.value("failed_logins_per_minute") {
            Some(most) => Some(most).filter(|most| *most > 0),
            None => usual.failed_logins_per_minute,
        },
        drain_grace: section.value("drain_grace").unwrap_or(usual.drain_grace),
    }
}

#[cfg(test)]
mod tests;
