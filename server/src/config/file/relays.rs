//! `[[relay]]` and `[master]`: what is fetched from other servers.

use super::values::address;
use crate::config::RELAY_USER;
use crate::config::relays::{MasterConfig, REPORT_INTERVAL, RelayConfig, Relays, UPDATE_INTERVAL};
use crate::config::upstream::Upstream;
use crate::mount::name::MountName;
use common::auth::{Credentials, Password};
use common::config::Section;
use std::time::Duration;

/// Reads both.
pub(super) fn read(top: &mut Section<'_>) -> Relays {
    let mut each: Vec<RelayConfig> = Vec::new();
    for relay in top.list("relay", relay).into_iter().flatten() {
        if each.iter().any(|other| other.local == relay.local) {
            top.wrong("relay", format!("{} is relayed twice", relay.local));
        } else {
            each.push(relay);
        }
    }
    Relays { each, master: top.section("master", master) }
}

fn relay(section: &mut Section<'_>) -> Option<RelayConfig> {
    let server = upstream(section, true);
    let mount = section.value::<String>("mount").unwrap_or_else(|| "/".to_owned());
    if !mount.starts_with('/') || !mount.bytes().all(|byte| byte.is_ascii_graphic()) {
        section.wrong("mount", format!("`{mount}` is not a path such as /live.mp3"));
    }
    let local = section.value::<String>("local_mount");
    let key = if local.is_some() { "local_mount" } else { "mount" };
    let local = match MountName::new(local.as_deref().unwrap_or(&mount)) {
        Ok(local) => Some(local),
        Err(error) => {
            section.wrong(key, error);
            None
        }
    };
    let credentials = credentials(section);
    let titles = section.value("titles").unwrap_or(true);
    let on_demand = section.value("on_demand").unwrap_or_default();
    let bind = address(section, "bind_address");
    let (server, local) = (server?, local?);
    Some(RelayConfig { server, mount, local, credentials, titles, on_demand, bind, is_told: false })
}

fn master(section: &mut Section<'_>) -> Option<MasterConfig> {
    let server = upstream(section, false);
    let update_interval = section.value("update_interval").unwrap_or(UPDATE_INTERVAL);
    if update_interval.is_zero() {
        section.wrong("update_interval", "0s; 1s is the least");
    }
    let credentials = credentials(section);
    let on_demand = section.value("on_demand").unwrap_or_default();
    let report_interval: Duration = section.value("report_interval").unwrap_or(REPORT_INTERVAL);
    let report_interval = Some(report_interval).filter(|interval| !interval.is_zero());
    Some(MasterConfig { server: server?, update_interval, credentials, on_demand, report_interval })
}

fn upstream(section: &mut Section<'_>, is_needed: bool) -> Option<Upstream> {
    let text: String =
        if is_needed { section.required("server") } else { section.value("server") }?;
    if text.is_empty() && !is_needed {
        return None;
    }
    let server = Upstream::parse(&text);
    if server.is_none() {
        section.wrong("server", format!("`{text}` is not HOST:PORT or tls://HOST:PORT"));
    }
    server
}

/// User and password, where there is a password.
fn credentials(section: &mut Section<'_>) -> Option<Credentials> {
    let user = section.value::<String>("user").filter(|user| !user.is_empty());
    let password: Option<String> = section.value("password");
    let password = password.filter(|password| !password.is_empty())?;
    let user = user.unwrap_or_else(|| RELAY_USER.to_owned());
    Some(Credentials { user, password: Password::new(&password) })
}
