//! The configuration file: `[server]`, `[passwords]`, `[limits]` and `[mounts."/name"]`.

use super::limits::{FLUSH_DELAY_MAX, Limits, MountLimits, QUEUE_BYTES_MAX};
use super::mounts::{MountConfig, MountPattern, Mounts};
use super::{ADMIN_USER, CONTACT, Config, HOSTNAME, LOCATION, PORT, Passwords, RELAY_USER};
use common::config::{self, Mistakes, Section, Size};
use common::units::Bytes;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Reads the file's text.
pub(super) fn read(file: &str, text: &str) -> Result<Config, Mistakes> {
    config::read(file, text, |top| {
        let (listen, hostname, location, contact) = top.section("server", |server| {
            (
                listen(server),
                server.value("hostname").unwrap_or_else(|| HOSTNAME.to_owned()),
                server.value("location").unwrap_or_else(|| LOCATION.to_owned()),
                server.value("contact").unwrap_or_else(|| CONTACT.to_owned()),
            )
        });
        let mut usual = MountConfig::default();
        let limits = top.section("limits", |section| {
            usual.limits = mount_limits(section, &usual.limits);
            limits(section)
        });
        let passwords = top.section("passwords", |passwords| {
            usual.password = passwords.value("source");
            Passwords {
                admin_user: passwords.value("admin_user").unwrap_or_else(|| ADMIN_USER.to_owned()),
                admin: passwords.value("admin"),
                relay_user: passwords.value("relay_user").unwrap_or_else(|| RELAY_USER.to_owned()),
                relay: passwords.value("relay"),
            }
        });
        let mounts = mounts(top, usual);
        if mounts.takes_no_source() {
            top.section("passwords", |passwords| {
                passwords.wrong("source", "missing; without it no source can connect");
                for key in ["admin_user", "admin", "relay_user", "relay"] {
                    passwords.value::<String>(key);
                }
            });
        }
        Config { hostname, location, contact, passwords, limits, ..Config::of(listen, mounts) }
    })
}

/// Every address in `listen`; without one, port 8000 of all interfaces.
fn listen(server: &mut Section<'_>) -> Vec<SocketAddr> {
    let Some(texts) = server.value::<Vec<String>>("listen") else {
        return vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT))];
    };
    let mut addresses = Vec::new();
    for text in &texts {
        match address(text) {
            Some(address) if addresses.contains(&address) => {
                server.wrong("listen", format!("`{text}` stands here twice"));
            }
            Some(address) => addresses.push(address),
            None => server.wrong(
                "listen",
                format!("`{text}` is not an address such as 127.0.0.1:8000, [::]:8000 or *:8000"),
            ),
        }
    }
    if texts.is_empty() {
        server.wrong("listen", "an empty list; name at least one address");
    }
    addresses
}

fn address(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("*:") {
        return Some(SocketAddr::from((IpAddr::from(Ipv6Addr::UNSPECIFIED), port.parse().ok()?)));
    }
    text.parse().ok()
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
    Limits {
        clients_max: at_least_one(section, "clients", usual.clients_max),
        sources_max: at_least_one(section, "sources", usual.sources_max),
        header_timeout: section.value("header_timeout").unwrap_or(usual.header_timeout),
        drain_grace: section.value("drain_grace").unwrap_or(usual.drain_grace),
        ..usual
    }
}

/// The keys that stand both in `[limits]`, for all mounts, and in a mount's own section.
fn mount_limits(section: &mut Section<'_>, usual: &MountLimits) -> MountLimits {
    let mut bytes = |key, usual: usize| match section.value::<Size>(key) {
        Some(Size(size)) if size > QUEUE_BYTES_MAX => {
            section.wrong(key, format!("{size} bytes; {} at most", Bytes(QUEUE_BYTES_MAX)));
            usual
        }
        Some(Size(size)) => usize::try_from(size).unwrap_or(usual),
        None => usual,
    };
    let burst_bytes = bytes("burst_size", usual.burst_bytes);
    let queue_bytes = bytes("queue_size", usual.queue_bytes);
    if burst_bytes > queue_bytes {
        let what = format!("burst_size {burst_bytes} exceeds queue_size {queue_bytes}");
        section.wrong("burst_size", format!("{what}; every listener would be dropped at once"));
    }
    let mut flush_delay = section.value("flush_delay").unwrap_or(usual.flush_delay);
    if flush_delay > FLUSH_DELAY_MAX {
        section.wrong("flush_delay", format!("{flush_delay:?}; {FLUSH_DELAY_MAX:?} at most"));
        flush_delay = usual.flush_delay;
    }
    let listeners_max = section.value::<u32>("max_listeners");
    let listeners_max = listeners_max.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
    MountLimits {
        burst_bytes,
        queue_bytes,
        flush_delay,
        listeners_max: listeners_max.or(usual.listeners_max),
        source_timeout: section.value("source_timeout").unwrap_or(usual.source_timeout),
        source_grace: section.value("source_grace").unwrap_or(usual.source_grace),
        ..usual.clone()
    }
}

fn mounts(top: &mut Section<'_>, usual: MountConfig) -> Mounts {
    let rules = top.named("mounts", |name, section| {
        let pattern = MountPattern::new(name);
        let config = MountConfig {
            user: section.value("user").unwrap_or_else(|| usual.user.clone()),
            password: section.value("password").or_else(|| usual.password.clone()),
            limits: mount_limits(section, &usual.limits),
            ..usual.clone()
        };
        match pattern {
            Ok(pattern) => Some((pattern, config)),
            Err(error) => {
                section.wrong_here(error);
                None
            }
        }
    });
    Mounts { rules: rules.into_iter().flatten().collect(), usual }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::name::MountName;
    use std::time::Duration;

    #[test]
    fn a_file_with_only_a_source_password_gets_the_defaults() {
        let config = read("a.toml", "[passwords]\nsource = 'x'").unwrap();

        assert_eq!(config.listen, ["[::]:8000".parse().unwrap()]);
        assert_eq!(config.limits, Limits::default());
        assert!(config.passwords.admin.is_none());
    }

    #[test]
    fn a_mount_takes_from_the_limits_what_it_does_not_say_itself() {
        let text = "[passwords]\nsource = 'x'\n[limits]\nburst_size = '8KiB'\nflush_delay = '0'\n\
                    [mounts.'/a.mp3']\nburst_size = 100\npassword = 'y'\nmax_listeners = 3";

        let config = read("a.toml", text).unwrap();

        let limits = &config.mount(&MountName::new("/a.mp3").unwrap()).limits;
        assert_eq!((limits.burst_bytes, limits.flush_delay), (100, Duration::ZERO));
        assert_eq!(limits.listeners_max, Some(3));
        let others = &config.mount(&MountName::new("/b.mp3").unwrap()).limits;
        assert_eq!((others.burst_bytes, others.listeners_max), (8_192, None));
    }

    #[test]
    fn every_mistake_is_named_with_its_line_and_what_would_do() {
        let text = "[server]\nlisten = ['8000', '[::]:80', '*:80']\n[limits]\nclients = 0\n\
                    burst_size = '1MiB'\n[mounts.'live']\nqueue_size = '1GiB'\nflush_delay = 6";

        let mistakes = read("a.toml", text).unwrap_err().to_string();

        for line in [
            "a.toml:1: passwords.source: missing; without it no source can connect",
            "a.toml:2: server.listen: `8000` is not an address such as 127.0.0.1:8000, [::]:8000 \
             or *:8000",
            "a.toml:2: server.listen: `*:80` stands here twice",
            "a.toml:4: limits.clients: 0 lets nobody in; 1 is the least",
            "a.toml:5: limits.burst_size: burst_size 1048576 exceeds queue_size 524288; every \
             listener would be dropped at once",
            "a.toml:6: mounts.live: a mount name has the form /name, without a slash at its end",
            "a.toml:7: mounts.live.queue_size: 1073741824 bytes; 256 MiB at most",
            "a.toml:8: mounts.live.flush_delay: 6s; 5s at most",
        ] {
            assert!(mistakes.lines().any(|found| found == line), "{line}\nnot in\n{mistakes}");
        }
    }
}
