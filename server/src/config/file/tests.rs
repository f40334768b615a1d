//! Whole files: what they mean, and what is said of their mistakes.

use super::*;
use crate::config::access::Access;
use crate::config::files::{Alias, Files};
use crate::config::logs::{Level, LogTo, Logs};
use crate::config::mounts::{ListenerAuth, SourceConflict};
use crate::config::upstream::HttpAddress;
use crate::config::url_auth::OnSilence;
use crate::mount::name::MountName;
use proptest::prelude::*;
use std::path::Path;
use std::time::Duration;

fn read_text(text: &str) -> Result<Config, Mistakes> {
    read("a.toml", text, &|name| (name == "SECRET").then(|| "geheim".to_owned()))
}

/// A configuration in which a source may connect, and `text`.
fn with(text: &str) -> Config {
    read_text(&format!("passwords.source = 'x'\n{text}")).unwrap()
}

#[test]
fn a_file_with_only_a_source_password_gets_the_defaults() {
    let config = read_text("[passwords]\nsource = 'x'").unwrap();

    assert_eq!(config.listen, ["[::]:8000".parse().unwrap()]);
    assert_eq!(config.limits, Limits::default());
    assert!(config.passwords.admin.is_none());
}

#[test]
fn a_mount_takes_from_the_limits_what_it_does_not_say_itself() {
    let text = "[passwords]\nsource = 'x'\n[limits]\nburst_size = '8KiB'\nflush_delay = '0'\n\
                [mounts.'/a.mp3']\nburst_size = 100\npassword = 'y'\nmax_listeners = 3";

    let config = read_text(text).unwrap();

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

    let mistakes = read_text(text).unwrap_err().to_string();

    for line in [
        "a.toml:1: passwords.source: missing; without it no source can connect",
        "a.toml:2: server.listen: `8000` is not an address such as 127.0.0.1:8000, [::]:8000, \
         *:8000 or tls://*:8443",
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

#[test]
fn every_section_fills_its_part_of_the_configuration() {
    let config = with(
        "[server]\nserver_id = 'Me'\ncompat = 'strict'\npid_file = '/p'\nrun_as_user = 'nobody'\n\
         [limits]\nlisteners_per_ip = 3\nclients_reserved = 2\nfailed_logins_per_minute = 0\n\
         [files]\nwebroot = '/w'\nmime_types = '/m'\n[[files.alias]]\nsource = '/x'\n\
         destination = '/y'\nport = 81\nbind_address = '::1'\n\
         [[http_header]]\nname = 'X-A'\nvalue = '1'\nstatus = 404\n\
         [logs]\naccess = '/a.log'\nerror = 'stdout'\nplaylist = '-'\nlevel = 'warn'\n\
         format = 'json'\nrotate_size = '1MiB'\narchive = true\n\
         [access]\ndeny = ['10.0.0.0/8', '::1']\nallow = []\ndeny_file = '/d'\n\
         deny_agents = ['Bad*']\ntrusted_proxies = ['127.0.0.1']\nproxy_protocol = true",
    );

    assert_eq!((config.server_id.as_deref(), config.compat), (Some("Me"), Compat::Strict));
    assert_eq!(config.pid_file.as_deref(), Some(Path::new("/p")));
    assert_eq!(config.run_as, Some(RunAs { user: Some("nobody".to_owned()), group: None }));
    let limits = config.limits;
    assert_eq!((limits.listeners_per_ip, limits.clients_reserved), (Some(3), 2));
    assert_eq!(limits.failed_logins_per_minute, None);
    let alias = Alias {
        source: "/x".to_owned(),
        destination: "/y".to_owned(),
        port: Some(81),
        bind_address: "::1".parse().ok(),
    };
    let (webroot, mime_types) = (Some("/w".into()), Some("/m".into()));
    assert_eq!(config.files, Files { webroot, serve: true, mime_types, aliases: vec![alias] });
    assert_eq!(config.http_headers[0].status, Some(404));
    let logs = Logs {
        access: LogTo::File("/a.log".into()),
        error: LogTo::Stdout,
        playlist: LogTo::Stderr,
        level: Level::Warn,
        json: true,
        rotate_bytes: Some(1_048_576),
        archive: true,
    };
    assert_eq!(config.logs, logs);
    let access = Access {
        deny: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        deny_file: Some("/d".into()),
        deny_agents: vec!["Bad*".to_owned()],
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        proxy_protocol: true,
        ..Access::default()
    };
    assert_eq!(config.access, access);
}

#[test]
fn a_mount_has_every_key_and_takes_the_others_from_what_holds_for_all() {
    let config = with(
        "[mount_defaults]\nfallback = '/b'\nhidden = true\nname = 'All'\npublic = false\n\
         metadata_interval = 0\nlisteners.htpasswd = '/u'\n[limits]\nmax_listeners = 5\n\
         [mounts.'/a']\nfallback = ''\nhidden = false\nname = ''\npublic = 'source'\n\
         metadata_interval = 'source'\nlisteners.htpasswd = ''\nmax_listeners = 'none'\n\
         [mounts.'/c']\nintro = '/i.mp3'\ndump_file = '/%Y'\non_connect = '/c'\n\
         on_source_conflict = 'refuse'\ncharset = 'latin1'\ndirect = false\n\
         listeners = { htpasswd = '/v', duplicates = true }\nmax_listener_duration = '1h'",
    );

    let usual = &config.mounts.usual;
    let [(_, a), (_, c)] = &config.mounts.rules[..] else { panic!("two rules") };
    assert_eq!(usual.fallback.as_ref().unwrap().as_str(), "/b");
    let plain = MountConfig { password: a.password.clone(), ..MountConfig::default() };
    assert_eq!(*a, plain);
    assert_eq!(c.intro.as_deref(), Some(Path::new("i.mp3")));
    assert_eq!((c.hidden, c.direct, c.says.name.as_deref()), (true, false, Some("All")));
    assert_eq!(c.on_source_conflict, SourceConflict::Refuse);
    assert_eq!(c.charset, Some(encoding_rs::WINDOWS_1252));
    assert_eq!(c.limits.listener_duration_max, Some(Duration::from_secs(3_600)));
    let auth =
        |file: &str, duplicates| Some(ListenerAuth::Htpasswd { file: file.into(), duplicates });
    assert_eq!((&usual.listeners, &c.listeners), (&auth("/u", false), &auth("/v", true)));
}

#[test]
fn a_mount_has_a_backend_in_part_or_whole_from_what_holds_for_all() {
    let config = with(
        "[mount_defaults.url_auth]\nlistener_add = 'https://b.test/a'\nuser = 'u'\n\
         password = 'p'\ntimeout = '3s'\n[mounts.'/a'.url_auth]\nlistener_add = ''\n\
         [mounts.'/b'.url_auth]\nmount_add = 'http://b.test'\nheaders = ['Cookie']\n\
         auth_header = 'ok: 1'\ntimelimit_header = 'for:'\non_silence = 'admit'",
    );

    let [(_, a), (_, b)] = &config.mounts.rules[..] else { panic!("two rules") };
    assert_eq!(a.url_auth, None);
    let auth = b.url_auth.as_ref().unwrap();
    let text = |address: &Option<HttpAddress>| address.as_ref().unwrap().to_string();
    assert_eq!(text(&auth.listener_add), "https://b.test:443/a");
    assert_eq!(text(&auth.mount_add), "http://b.test:80/");
    assert_eq!(auth.credentials.as_ref().unwrap().user, "u");
    assert_eq!((auth.yes.text().as_str(), auth.time_limit_header.as_str()), ("ok: 1", "for"));
    assert_eq!((auth.timeout, auth.on_silence), (Duration::from_secs(3), OnSilence::Admit));
}

#[test]
fn what_no_backend_can_be_asked_by_is_named() {
    let said = read_text(
        "[mounts.'/a'.url_auth]\nlistener_add = 'b.test'\nheaders = ['a b']\n\
         auth_header = ': 1'\nheader_prefix = 'a&b'\ntimeout = '0s'\non_silence = 'x'",
    );
    let said = said.unwrap_err().to_string();

    for key in ["listener_add", "headers", "auth_header", "header_prefix", "timeout", "on_silence"]
    {
        assert!(said.contains(&format!("url_auth.{key}: ")), "{key}: {said}");
    }
}

#[test]
fn the_rules_for_mounts_keep_the_order_of_the_file() {
    let config = with("[mounts.'/z']\nhidden = true\n[mounts.'/*']\n[mounts.'/a']\nhidden = true");

    let patterns: Vec<_> =
        config.mounts.rules.iter().map(|(pattern, _)| pattern.as_str()).collect();
    assert_eq!(patterns, ["/z", "/*", "/a"]);
}

#[test]
fn a_password_may_come_from_the_environment_and_is_in_no_mistake() {
    let config = read_text("passwords.source = '${SECRET}'").unwrap();
    let mistakes = read_text("[passwords]\nsource = '${SECRET}'\nadmin = '${OTHER}'\nx = 1");

    assert_eq!(config.mounts.usual.password.unwrap().reveal(), "geheim");
    let mistakes = mistakes.unwrap_err().to_string();
    assert!(mistakes.contains("a.toml:3: passwords.admin: `${OTHER}` is not set"), "{mistakes}");
    assert!(!mistakes.contains("geheim"), "{mistakes}");
}

#[test]
fn values_that_are_none_of_theirs_are_mistakes() {
    let text = "[passwords]\nsource = 'x'\n[server]\ncompat = 'kh'\n[access]\ndeny = ['::/x']\n\
                [logs]\nlevel = 'loud'\n[[http_header]]\nname = 'a b'\nvalue = ''\n\
                [[files.alias]]\nsource = '/x'\nbind_address = 'here'\n[mounts.'/a']\n\
                fallback = 'live'\nintro = '../i'\ncharset = 'klingon'\nmax_listeners = 'few'\n\
                listeners.duplicates = true\npublic = 1";

    let mistakes = read_text(text).unwrap_err().to_string();

    for line in [
        "a.toml:4: server.compat: `kh` is none of \"sensible\", \"strict\"",
        "a.toml:6: access.deny: `::/x` is not an address or a network such as 10.0.0.0/8 or ::1",
        "a.toml:8: logs.level: `loud` is none of \"debug\", \"info\", \"warn\", \"error\"",
        "a.toml:9: http_header[1]: its name is not one of letters, digits and hyphens",
        "a.toml:12: files.alias[1].destination: missing; it has no default",
        "a.toml:14: files.alias[1].bind_address: `here` is not an IP address",
        "a.toml:17: mounts.\"/a\".intro: `../i` names no file in the webroot",
        "a.toml:18: mounts.\"/a\".charset: `klingon` is not known; try \"UTF-8\"",
        "a.toml:20: mounts.\"/a\".listeners.duplicates: of which users? name their file with \
         htpasswd",
    ] {
        assert!(mistakes.lines().any(|found| found == line), "{line}\nnot in\n{mistakes}");
    }
    for start in ["a.toml:16: mounts.\"/a\".fallback: ", "a.toml:19: ", "a.toml:21: "] {
        assert!(mistakes.lines().any(|found| found.starts_with(start)), "{start}\n{mistakes}");
    }
    assert_eq!(mistakes.lines().count(), 12, "{mistakes}");
}

proptest! {
    #[test]
    fn whatever_stands_in_a_section_it_is_read_or_refused_and_what_is_read_can_be_written(
        lines in prop::collection::vec((0..KEYS.len(), 0..VALUES.len()), 0..12),
        section in "server|passwords|limits|files|logs|access|mount_defaults|mounts.'/a'",
    ) {
        let mut seen = std::collections::BTreeMap::new();
        seen.extend(lines);
        let lines = seen.into_iter().map(|(key, value)| {
            format!("{} = {}\n", KEYS[key], VALUES[value])
        });
        let lines: String = lines.collect();
        let text = format!("[{section}]\n{lines}[mounts.'/b']\npassword = 'x'\n");

        if let Ok(config) = read_text(&text) {
            let written = crate::config::written::toml(&config, &[]);
            prop_assert_eq!(read_text(&written).map_err(|error| error.to_string()), Ok(config));
        }
    }
}

/// Keys of several sections.
const KEYS: [&str; 16] = [
    "access",
    "burst_size",
    "charset",
    "clients",
    "deny",
    "fallback",
    "intro",
    "listen",
    "max_listeners",
    "metadata_interval",
    "public",
    "queue_size",
    "run_as_user",
    "source",
    "source_grace",
    "webroot",
];
/// Values that some of them take.
const VALUES: [&str; 14] = [
    "''",
    "'none'",
    "'source'",
    "'/x'",
    "'${SECRET}'",
    "'utf-8'",
    "['*:1']",
    "['10.0.0.0/8']",
    "[]",
    "true",
    "0",
    "7",
    "-1",
    "'1.5s'",
];
