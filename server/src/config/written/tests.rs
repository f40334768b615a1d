//! What is written is read back as the same configuration.

use super::*;
use crate::config::directories::DirectoryConfig;
use crate::config::files::Alias;
use crate::config::mounts::{ListenerAuth, MountPattern, Overrides, SourceConflict};
use crate::config::relays::{MasterConfig, RelayConfig};
use crate::config::shoutcast::ShoutcastConfig;
use crate::config::upstream::{HttpAddress, Upstream};
use crate::config::url_auth::{OnSilence, UrlAuth, YesLine};
use crate::config::{RunAs, TlsFiles};
use crate::mount::name::MountName;
use proptest::prelude::*;
use std::sync::Arc;

fn read(text: &str) -> Config {
    Config::read("a.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

#[test]
fn a_configuration_that_says_nothing_but_a_password_is_two_sections() {
    let config = read("passwords.source = 'x'");

    let text = toml(&config, &["a\nb".to_owned()]);

    assert_eq!(
        text,
        "# a b\n\n# Where to listen, and what the server says of itself.\n[server]\n\
         listen = [\"[::]:8000\"]\n\n# For sources without a password of their own, \
         administrators and relays.\n[passwords]\nsource = \"x\"\n"
    );
    assert_eq!(read(&text), config);
}

#[test]
fn everything_that_can_be_said_comes_back() {
    let config = everything();

    assert_eq!(read(&toml(&config, &[])), config);
}

#[test]
fn a_mount_can_undo_what_holds_for_all() {
    let mut config = everything();
    let (password, user) = (config.mounts.usual.password.clone(), "source".to_owned());
    config.mounts.usual = config.mounts.rules[0].1.clone();
    config.mounts.usual.http_headers.clear();
    let plain = MountConfig { password, user, ..MountConfig::default() };
    config.mounts.rules = vec![(MountPattern::new("/plain").unwrap(), plain)];

    assert_eq!(read(&toml(&config, &[])), config);
}

proptest! {
    #[test]
    fn any_text_comes_back(text in "[^\\x00-\\x1f\\x7f]{1,20}", password in "\\PC{1,20}") {
        let mut config = read("passwords.source = 'x'");
        config.hostname = text.clone();
        config.passwords.admin = Some(Password::new(&password));
        config.mounts.usual.says.name = Some(text.clone());
        config.mounts.usual.dump_file = Some(text.clone());
        config.files.webroot = Some(text.clone().into());
        config.files.serve = true;

        prop_assert_eq!(read(&toml(&config, &[text])), config);
    }
}

/// Differs from the defaults in everything.
fn everything() -> Config {
    let some = |text: &str| Some(text.to_owned());
    let mut config = read("passwords.source = 'x'");
    let pattern = |text| MountPattern::new(text).unwrap();
    let same = config.mounts.usual.clone();
    let mount = whole_mount();
    config.mounts.rules = vec![(pattern("/z*\"'"), mount), (pattern("/a"), same)];
    config.listen = vec!["127.0.0.1:1".parse().unwrap(), "tls://[::1]:2".parse().unwrap()];
    config.tls = Some(TlsFiles { certificate: "/c".into(), key: "/k".into() });
    (config.hostname, config.location) = ("h".to_owned(), "l".to_owned());
    (config.contact, config.server_id) = ("c".to_owned(), some("Me"));
    (config.compat, config.pid_file) = (Compat::Strict, Some("/p".into()));
    config.run_as = Some(RunAs { user: some("u"), group: some("g") });
    config.passwords = Passwords {
        admin_user: "boss".to_owned(),
        admin: Some(Password::new("a")),
        relay_user: "r".to_owned(),
        relay: Some(Password::new("b")),
    };
    limits_and_files(&mut config);
    config.icy_agents = vec!["Old*".to_owned()];
    config.trust = Some("/t".into());
    config.relays = relays();
    config.shoutcast = vec![ShoutcastConfig {
        address: "[::1]:8001".parse().unwrap(),
        mount: MountName::new("/sc${a}").unwrap(),
    }];
    config.directories = vec![DirectoryConfig {
        url: HttpAddress::parse("https://d.test/yp?x=${y}").unwrap(),
        timeout: Duration::from_secs(1),
        touch_interval: Duration::from_secs(31),
        settle: Duration::from_millis(5),
    }];
    config.access = Access {
        deny: vec!["10.0.0.0/8".parse().unwrap()],
        allow: vec!["::1/128".parse().unwrap()],
        deny_file: Some("/x".into()),
        allow_file: Some("/y".into()),
        deny_agents: vec!["a*".to_owned()],
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        proxy_protocol: true,
    };
    config
}

fn relays() -> Relays {
    let server = Upstream::parse("tls://[::1]:8443").unwrap();
    let credentials = Some(Credentials { user: "u".to_owned(), password: Password::new("${p}") });
    let relay = RelayConfig {
        server: server.clone(),
        mount: "/a?b=${c}".to_owned(),
        local: MountName::new("/l").unwrap(),
        credentials: credentials.clone(),
        titles: false,
        on_demand: true,
        bind: "127.0.0.1".parse().ok(),
        is_told: false,
    };
    let update_interval = Duration::from_secs(7);
    let report_interval = Some(Duration::from_secs(2));
    let master =
        MasterConfig { server, update_interval, credentials, on_demand: true, report_interval };
    Relays { each: vec![relay], master: Some(master) }
}

/// Fills in limits, files, header lines and logs.
fn limits_and_files(config: &mut Config) {
    config.limits = Limits {
        clients_max: 1,
        sources_max: 2,
        header_timeout: Duration::from_secs(3),
        listeners_per_ip: Some(4),
        clients_reserved: 5,
        failed_logins_per_minute: None,
        drain_grace: Duration::from_secs(6),
    };
    let alias = |port, bind_address: Option<&str>| Alias {
        source: "/s".to_owned(),
        destination: "/d".to_owned(),
        port,
        bind_address: bind_address.map(|address| address.parse().unwrap()),
    };
    config.files = Files {
        webroot: Some("/w".into()),
        serve: false,
        mime_types: Some("/m".into()),
        aliases: vec![alias(None, None), alias(Some(1), Some("::1"))],
    };
    config.http_headers = vec![header("X-A", None), header("X-B", Some(404))];
    config.logs = Logs {
        access: LogTo::File("/a".into()),
        error: LogTo::Nowhere,
        playlist: LogTo::Stdout,
        level: Level::Debug,
        json: true,
        rotate_bytes: Some(1),
        archive: true,
    };
}

/// A mount that says everything.
fn whole_mount() -> MountConfig {
    let some = |text: &str| Some(text.to_owned());
    MountConfig {
        user: "dj".to_owned(),
        password: Some(Password::new("'\"\\${")),
        limits: MountLimits {
            burst_bytes: 1,
            queue_bytes: 2,
            flush_delay: Duration::from_millis(3),
            listeners_max: Some(4),
            listener_duration_max: Some(Duration::from_secs(5)),
            source_timeout: Duration::from_millis(6_001),
            source_grace: Duration::ZERO,
        },
        fallback: MountName::new("/b").ok(),
        fallback_override: true,
        fallback_when_full: true,
        intro: Some("i.mp3".into()),
        dump_file: some("/d/%Y"),
        on_connect: Some("/c".into()),
        on_disconnect: Some("/d".into()),
        hidden: true,
        direct: false,
        public: Some(false),
        cluster_password: Some(Password::new("${c}")),
        says: Overrides {
            name: some("N"),
            description: some("D"),
            url: some("U"),
            genre: some("G"),
            bitrate: some("128"),
            content_type: some("T"),
            subtype: some("S"),
        },
        charset: Some(encoding_rs::KOI8_R),
        metadata_interval_bytes: Some(0),
        http_headers: vec![header("X-M", None)],
        listeners: Some(ListenerAuth::Htpasswd { file: "/u".into(), duplicates: true }),
        url_auth: Some(Arc::new(whole_backend())),
        on_source_conflict: SourceConflict::Refuse,
    }
}

/// A backend of which everything is said.
fn whole_backend() -> UrlAuth {
    let address = |path: &str| HttpAddress::parse(&format!("https://b.test:9{path}"));
    UrlAuth {
        listener_add: address("/la"),
        listener_remove: address("/lr?x=${y}"),
        mount_add: address("/ma"),
        mount_remove: address("/mr"),
        stream_auth: address("/sa"),
        credentials: Some(Credentials { user: "u\"".to_owned(), password: Password::new("${p}") }),
        headers: vec!["Cookie".to_owned()],
        header_prefix: "Client.".to_owned(),
        yes: YesLine::parse("yes: please"),
        time_limit_header: "for".to_owned(),
        timeout: Duration::from_secs(3),
        on_silence: OnSilence::Admit,
    }
}

/// A header line with characters that mean something in TOML.
fn header(name: &str, status: Option<u16>) -> HttpHeader {
    HttpHeader { name: name.to_owned(), value: "${A} \"b\" 'c'".to_owned(), status }
}
