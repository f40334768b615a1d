//! Whole files: what they mean to the server, and what is said about them.

use super::*;
use crate::config::files::Files;
use crate::config::logs::{Level, LogTo, Logs};
use crate::config::mounts::{ListenerAuth, SourceConflict};
use crate::config::upstream::HttpAddress;
use crate::config::url_auth::OnSilence;
use crate::mount::name::MountName;
use icecast_compat::config_xml::Remark;
use proptest::prelude::*;
use std::path::Path;

/// A file around `body`, in which a source may connect; `body` begins in line 2.
fn around(body: &str) -> Reading {
    let text = format!(
        "<icecast>\n{body}\n<authentication><source-password>x</source-password>\
         </authentication></icecast>"
    );
    read("icecast.xml", text.as_bytes(), &|_| None)
}

fn config_of(body: &str) -> Config {
    around(body).config.unwrap()
}

fn mount<'c>(config: &'c Config, name: &str) -> &'c MountConfig {
    config.mount(&MountName::new(name).unwrap())
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn mistakes_of(body: &str) -> Vec<String> {
    around(body).config.unwrap_err().to_string().lines().map(str::to_owned).collect()
}

#[test]
fn burst_on_connect_counts_where_it_stands() {
    let burst = |limits: &str| {
        config_of(&format!("<limits>{limits}</limits>")).mounts.usual.limits.burst_bytes
    };

    assert_eq!(burst(""), 65_536);
    assert_eq!(burst("<burst-on-connect>0</burst-on-connect>"), 0);
    assert_eq!(burst("<burst-size>5</burst-size><burst-on-connect>0</burst-on-connect>"), 0);
    assert_eq!(burst("<burst-on-connect>0</burst-on-connect><burst-size>5</burst-size>"), 5);
    assert_eq!(burst("<burst-size>5</burst-size><burst-on-connect>1</burst-on-connect>"), 5);
}

#[test]
fn what_a_mount_leaves_unset_comes_from_the_default_block() {
    let config = config_of(
        "<mount type='default'><max-listeners>3</max-listeners><burst-size>1</burst-size></mount>\
         <mount><mount-name>/a</mount-name><max-listeners>-1</max-listeners></mount>\
         <mount><mount-name>/b</mount-name><max-listeners>0</max-listeners>\
         <username>dj</username><password>y</password></mount>",
    );

    let limits = |name: &str| {
        let limits = &config.mount(&MountName::new(name).unwrap()).limits;
        (limits.burst_bytes, limits.listeners_max)
    };
    assert_eq!(limits("/a"), (1, None));
    assert_eq!(limits("/b"), (1, Some(0)));
    assert_eq!(limits("/c"), (1, Some(3)));
    let own = config.mount(&MountName::new("/b").unwrap());
    assert_eq!((own.user.as_str(), own.password.as_ref().unwrap().reveal()), ("dj", "y"));
}

#[test]
fn every_contradiction_is_reported_at_once_with_its_line() {
    let mistakes = mistakes_of(
        "<limits><clients>0</clients></limits>\n\
         <listen-socket><port>70000</port></listen-socket>\n\
         <listen-socket><port>8000</port></listen-socket>\n\
         <listen-socket><port>8000</port><bind-address>127.0.0.1</bind-address></listen-socket>\n\
         <mount><mount-name>/live</mount-name>\n\n<queue-size>4096</queue-size></mount>\n\
         <security><chroot>1</chroot></security>",
    );

    let expected = [
        "icecast.xml:2: <clients> of 0 lets nobody in; 1 is the least",
        "icecast.xml:3: <port> 70000 is not between 1 and 65535",
        "icecast.xml:5: <listen-socket> 127.0.0.1:8000: line 4 listens there already",
        "icecast.xml:8: mount /live: burst-size 65536 exceeds queue-size 4096; every listener \
         would be dropped at once",
        "icecast.xml:9: <chroot> is not supported; write 0, and confine the server with \
         systemd's RootDirectory= or a container",
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn a_file_in_the_form_distributions_ship_starts_without_a_word_of_warning() {
    let reading = read("icecast.xml", SHIPPED.as_bytes(), &|_| None);

    let config = reading.config.unwrap();
    assert_eq!(config.listen, ["[::]:8000".parse().unwrap()]);
    assert_eq!((config.limits.clients_max, config.limits.sources_max), (100, 2));
    assert_eq!(config.mounts.usual.limits.burst_bytes, 65_535);
    assert_eq!(config.mounts.usual.password.unwrap().reveal(), "hackme");
    assert_eq!(config.passwords.admin.unwrap().reveal(), "hackme");
    assert_eq!(config.passwords.relay.unwrap().reveal(), "hackme");
    assert_eq!(config.files.webroot.as_deref(), Some(Path::new("/usr/share/icecast2/web")));
    let log = |name: &str| LogTo::File(Path::new("/var/log/icecast2").join(name));
    let logs = config.logs;
    assert_eq!((logs.access, logs.error), (log("access.log"), log("error.log")));
    assert_eq!((logs.playlist, logs.rotate_bytes), (LogTo::Nowhere, Some(10_240_000)));
    assert!(reading.warnings.is_empty(), "{:?}", reading.warnings);
}

#[test]
fn a_station_with_directories_and_open_headers_starts_without_a_word() {
    let reading = read("icecast.xml", STATION.as_bytes(), &|_| None);

    let config = reading.config.unwrap();
    let (limits, usual) = (&config.limits, &config.mounts.usual.limits);
    assert_eq!((limits.clients_max, limits.sources_max), (100, 5));
    assert_eq!((usual.burst_bytes, usual.queue_bytes), (65_535, 524_288));
    assert_eq!(limits.header_timeout, Duration::from_secs(15));
    assert_eq!(config.hostname, "radio.example");
    let elements: Vec<_> = reading.warnings.iter().map(|warning| element(warning)).collect();
    assert_eq!(config.mounts.usual.limits.source_grace, Duration::ZERO);
    assert_eq!(config.pid_file.as_deref(), Some(Path::new("/var/run/icecast.pid")));
    assert_eq!(elements, [""; 0], "{:?}", reading.warnings);
    let directories: Vec<_> = config.directories.iter().map(|one| one.url.to_string()).collect();
    assert_eq!(directories.len(), 2, "{directories:?}");
}

#[test]
fn sockets_are_opened_as_the_file_says_and_never_in_plain_where_it_says_tls() {
    let listen = |body: &str| config_of(body).listen.iter().map(ToString::to_string).collect();
    let sockets = |body: &str| -> Vec<String> { listen(body) };

    assert_eq!(sockets(""), ["[::]:8000"]);
    assert_eq!(sockets("<port>80</port><bind-address>127.0.0.1</bind-address>"), ["127.0.0.1:80"]);
    assert_eq!(
        sockets(
            "<port>80</port><listen-socket><port>81</port></listen-socket><listen-socket>\
             <port>82</port><bind-address> ::1 </bind-address></listen-socket>"
        ),
        ["[::]:81", "[::1]:82"]
    );
    let plain_and_tls = "<listen-socket><port>81</port></listen-socket>\
                         <listen-socket><port>82</port><ssl>1</ssl></listen-socket>";
    assert_eq!(sockets(plain_and_tls), ["[::]:81"]);
    let certificate = "<paths><ssl-certificate>/c.pem</ssl-certificate></paths>";
    let with_certificate = format!("{plain_and_tls}{certificate}");
    assert_eq!(sockets(&with_certificate), ["[::]:81", "tls://[::]:82"]);
    let key = Path::new("/c.pem");
    assert_eq!(config_of(&with_certificate).tls.unwrap().key, key);
    let newer = "<listen-socket><tls>rfc2818</tls></listen-socket><paths><tls-certificate>/c.pem\
                 </tls-certificate><ssl-private-key>/k.pem</ssl-private-key></paths>";
    assert_eq!(sockets(newer), ["tls://[::]:8000"]);
    assert_eq!(config_of(newer).tls.unwrap().key, Path::new("/k.pem"));
    assert_eq!(config_of(certificate).tls, None, "nothing asks for it");
    let of_kh = "<paths><ssl-certificate>/c.pem</ssl-certificate><ssl-private-key>/k.pem\
                 </ssl-private-key></paths>";
    assert_eq!(config_of(of_kh).tls.unwrap().key, Path::new("/k.pem"));
    assert_eq!(
        mistakes_of("<listen-socket><ssl>1</ssl></listen-socket>"),
        ["icecast.xml:1: no <listen-socket> remains to listen on; name a <ssl-certificate> in \
          <paths>, or write one without <ssl>"]
    );
}

#[test]
fn what_azuracast_writes_for_icecast_kh_is_understood() {
    let paths = "<paths><webroot>/w</webroot><alias source='/' dest='/status.xsl'/>\
                 <x-forwarded-for>127.0.0.1, 10.0.0.0/8</x-forwarded-for></paths>";

    let config = config_of(paths);

    assert_eq!(config.files.aliases[0].destination, "/status.xsl");
    let proxies: Vec<_> = config.access.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["127.0.0.1/32", "10.0.0.0/8"]);
}

#[test]
fn two_sockets_on_one_port_clash_only_where_their_addresses_meet() {
    let clash = |a: &str, b: &str| {
        let socket = |host: &str| {
            format!(
                "<listen-socket><port>80</port><bind-address>{host}</bind-address></listen-socket>"
            )
        };
        around(&(socket(a) + &socket(b))).config.is_err()
    };

    assert!(clash("::", "127.0.0.1") && clash("127.0.0.1", "") && clash("::1", "::1"));
    assert!(clash("0.0.0.0", "10.0.0.1") && clash("10.0.0.1", "0.0.0.0"));
    assert!(!clash("127.0.0.1", "10.0.0.1") && !clash("0.0.0.0", "::1"));
}

#[test]
fn a_password_may_belong_to_one_mount_alone() {
    let text = "<icecast><authentication><source-password mount='/a'>one</source-password>\
                <source-password mount='/b'>two</source-password></authentication>\
                <mount><mount-name>/b</mount-name><password>own</password></mount></icecast>";

    let config = read("icecast.xml", text.as_bytes(), &|_| None).config.unwrap();

    let password = |name: &str| {
        let mount = config.mount(&MountName::new(name).unwrap());
        mount.password.as_ref().unwrap().reveal().to_owned()
    };
    assert!(config.mounts.usual.password.is_none());
    assert_eq!((password("/a"), password("/b")), ("one".to_owned(), "own".to_owned()));
}

#[test]
fn a_file_without_a_source_password_is_a_mistake_and_so_is_an_empty_one() {
    let mistakes =
        |text: &str| read("a.xml", text.as_bytes(), &|_| None).config.unwrap_err().to_string();

    assert_eq!(
        mistakes("<icecast>\n<authentication/></icecast>"),
        "a.xml:2: <source-password> is missing; without it no source can connect"
    );
    let empty = "<icecast><authentication><source-password/>\n<admin-password/>\
                 </authentication></icecast>";
    let empty = mistakes(empty);
    assert!(empty.contains("a.xml:1: <source-password> is empty"), "{empty}");
    assert!(empty.contains("a.xml:2: <admin-password> is empty"), "{empty}");
    assert_eq!(mistakes("<icecast>\n").lines().count(), 1);
}

#[test]
fn mounts_that_icecast_would_not_find_are_named() {
    let reading = around(
        "<mount type='odd'><mount-name>/a</mount-name></mount>\n\
         <mount><mount-name>/b</mount-name></mount>\n<mount><mount-name>/b</mount-name></mount>\n\
         <mount><mount-name>/*.mp3</mount-name></mount>\n\
         <mount><mount-name>/c.mp3</mount-name></mount>\n\
         <mount><mount-name>/x/c.mp3</mount-name></mount>",
    );

    assert_eq!(reading.config.unwrap().mounts.rules.len(), 3);
    let expected = [
        "icecast.xml:2: <mount> of type \"odd\", which Icecast does not know; ignored",
        "icecast.xml:4: mount /b: its block in line 3 counts",
        "icecast.xml:6: mount /c.mp3: /*.mp3 in line 5 stands before it and counts",
    ];
    assert_eq!(reading.warnings, expected);
    let reading = around(
        "<mount/>\n<mount><mount-name> /x </mount-name></mount>\n\
         <mount><mount-name>/status.xsl</mount-name></mount>\n\
         <mount><mount-name>live</mount-name></mount>",
    );
    assert!(reading.config.unwrap().mounts.rules.is_empty());
    let lines: Vec<_> = reading.warnings.iter().map(|line| &line[..14]).collect();
    let expected = ["icecast.xml:2:", "icecast.xml:3:", "icecast.xml:4:", "icecast.xml:5:"];
    assert_eq!(lines, expected, "{:?}", reading.warnings);
    let mistakes = mistakes_of("<mount><max-listeners>-2</max-listeners></mount>");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
}

#[test]
fn a_pattern_before_a_name_counts_for_both() {
    let config = config_of(
        "<mount><mount-name>/*.mp3</mount-name><max-listeners>1</max-listeners></mount>\
         <mount><mount-name>/a.mp3</mount-name><max-listeners>2</max-listeners></mount>",
    );

    assert_eq!(mount(&config, "/a.mp3").limits.listeners_max, Some(1));
    assert_eq!(mount(&config, "/x/a.mp3").limits.listeners_max, None);
}

#[test]
fn everything_that_a_mount_can_say_is_read() {
    let config = config_of(EVERYTHING);

    let MountConfig { user, password, limits, fallback, intro, says, .. } =
        mount(&config, "/a").clone();
    assert_eq!((user.as_str(), password.unwrap().reveal()), ("dj", "y"));
    assert_eq!((limits.burst_bytes, limits.queue_bytes), (1, 2_000));
    assert_eq!((limits.listeners_max, limits.source_timeout), (Some(3), secs(4)));
    assert_eq!((limits.listener_duration_max, limits.source_grace), (Some(secs(5)), secs(6)));
    assert_eq!((fallback.unwrap().as_str(), intro.unwrap().as_path()), ("/b", Path::new("i.mp3")));
    let mount = mount(&config, "/a");
    assert!(mount.fallback_override && mount.fallback_when_full && mount.hidden && !mount.direct);
    assert_eq!(mount.dump_file.as_deref(), Some("/d/%Y.mp3"));
    assert_eq!(mount.on_connect.as_deref(), Some(Path::new("/bin/c")));
    assert_eq!(mount.on_disconnect.as_deref(), Some(Path::new("/bin/d")));
    assert_eq!((mount.public, mount.metadata_interval_bytes), (Some(false), Some(0)));
    assert_eq!(mount.charset, Some(encoding_rs::WINDOWS_1252));
    assert_eq!(mount.on_source_conflict, SourceConflict::Refuse);
    let texts = [says.name, says.description, says.url, says.genre, says.bitrate];
    assert_eq!(texts.map(Option::unwrap), ["N", "D", "U", "G", "128"]);
    assert_eq!((says.content_type.unwrap(), says.subtype.unwrap()), ("T".into(), "S".into()));
    let headers: Vec<_> = mount.http_headers.iter().map(|header| header.name.as_str()).collect();
    assert_eq!(headers, ["X-Own", "X-All"]);
    let file = "/etc/users".into();
    assert_eq!(mount.listeners, Some(ListenerAuth::Htpasswd { file, duplicates: true }));
}

#[test]
fn files_logs_and_addresses_are_found_where_icecast_finds_them() {
    let config = config_of(
        "<fileserve>0</fileserve><mime-types>/m</mime-types><server-id> Me </server-id>\
         <compat>strict</compat>\
         <http-headers><header name='X-A' value='1'/>\
         <header name='X-B' value='2' status='404'/></http-headers>\
         <paths><webroot>/w</webroot><logdir>/l</logdir><pidfile>/p</pidfile><deny-ip>/d</deny-ip>\
         <allow-ip>/a</allow-ip><alias source='/x' destination='/y'/>\
         <alias source='/x' destination='/z' port='81' bind-address='::1'/></paths>\
         <logging><accesslog>-</accesslog><errorlog>/e</errorlog><playlistlog>p.log</playlistlog>\
         <loglevel>warn</loglevel><logsize>2</logsize><logarchive>1</logarchive></logging>",
    );

    let Files { webroot, serve, mime_types, aliases } = config.files;
    assert_eq!((webroot.unwrap().as_path(), serve), (Path::new("/w"), false));
    assert_eq!(mime_types.as_deref(), Some(Path::new("/m")));
    assert_eq!((aliases.len(), aliases[1].port), (2, Some(81)));
    assert_eq!(aliases[1].bind_address, "::1".parse().ok());
    assert_eq!(config.access.deny_file.as_deref(), Some(Path::new("/d")));
    assert_eq!(config.access.allow_file.as_deref(), Some(Path::new("/a")));
    assert_eq!(config.pid_file.as_deref(), Some(Path::new("/p")));
    let Logs { access, error, playlist, level, rotate_bytes, archive, .. } = config.logs;
    assert_eq!((access, error), (LogTo::Stderr, LogTo::File("/e".into())));
    assert_eq!((playlist, level), (LogTo::File("/l/p.log".into()), Level::Warn));
    assert_eq!((rotate_bytes, archive), (Some(2_048), true));
    let statuses: Vec<_> = config.http_headers.iter().map(|header| header.status).collect();
    assert_eq!(statuses, [None, Some(404)]);
    assert_eq!((config.server_id.as_deref(), config.compat), (Some("Me"), Compat::Strict));
}

#[test]
fn what_cannot_be_meant_is_named_and_the_station_starts() {
    let reading = around(
        "<mount><mount-name>/a</mount-name><fallback-mount>/b</fallback-mount></mount>\n\
         <mount><mount-name>/b</mount-name><fallback-mount>/a</fallback-mount></mount>\n\
         <mount><mount-name>/c</mount-name><intro>i.mp3</intro>\n\
         <charset>klingon</charset></mount>\n\
         <mount><mount-name>/d</mount-name><intro>../i.mp3</intro></mount>\n\
         <mount><mount-name>/e</mount-name><fallback-mount>live</fallback-mount></mount>\n\
         <http-headers><header name='a b' value='x'/></http-headers>\n\
         <paths><alias source='/x'/></paths>\n<logging><loglevel>9</loglevel></logging>",
    );

    assert!(reading.config.is_ok());
    let expected = [
        "2: mount /a: its fallbacks lead back to it: /a → /b → /a;",
        "4: mount /c: the intro stands in a webroot, and there is none",
        "5: <charset> \"klingon\" is not known; ignored",
        "6: <intro> \"../i.mp3\" names no file in the webroot",
        "7: <fallback-mount> \"live\" is never found:",
        "8: <header> \"a b\" cannot be sent:",
        "9: <alias> wants a source and a destination",
        "10: <loglevel> \"9\"; write 1, 2, 3 or 4; 3 counts",
    ];
    assert_eq!(reading.warnings.len(), expected.len(), "{:?}", reading.warnings);
    for (warning, expected) in reading.warnings.iter().zip(expected) {
        assert!(warning.starts_with(&format!("icecast.xml:{expected}")), "{warning}");
    }
}

#[test]
fn a_variable_stands_for_what_the_environment_says() {
    let lookup = |name: &str| (name == "PASSWORD").then(|| "geheim".to_owned());
    let text = "<icecast><authentication><source-password>${PASSWORD}</source-password>\n\
                <admin-password>$${PASSWORD}</admin-password></authentication>";

    let config = read("a.xml", format!("{text}</icecast>").as_bytes(), &lookup);
    let unset = format!("{text}\n<paths><alias source='${{X}}'/></paths></icecast>");
    let unset = read("a.xml", unset.as_bytes(), &lookup);

    let config = config.config.unwrap();
    assert_eq!(config.mounts.usual.password.unwrap().reveal(), "geheim");
    assert_eq!(config.passwords.admin.unwrap().reveal(), "${PASSWORD}");
    let mistakes = unset.config.unwrap_err().to_string();
    assert!(mistakes.starts_with("a.xml:3: `${X}` is not set in the environment"), "{mistakes}");
}

#[test]
fn the_owner_that_the_process_changes_to_is_read() {
    let run_as = |security: &str| config_of(&format!("<security>{security}</security>")).run_as;

    let nobody = "<changeowner><user>nobody</user><group>audio</group></changeowner>";
    let expected = RunAs { user: Some("nobody".to_owned()), group: Some("audio".to_owned()) };
    assert_eq!(run_as(nobody), Some(expected));
    assert_eq!((run_as(""), run_as("<changeowner/>")), (None, None));
}

#[test]
fn no_warning_and_no_mistake_shows_a_password() {
    let text = "<icecast><source-password> geheim</source-password><authentication>\
                <source-password>geheim</source-password><admin-password>geheim </admin-password>\
                <relay-password>geheim</relay-password><passwort>geheim</passwort>\
                </authentication><master-password>geheim</master-password>\
                <mount><mount-name>/a</mount-name><password>geheim\n</password></mount></icecast>";

    let reading = read("a.xml", text.as_bytes(), &|_| None);

    assert!(reading.warnings.len() >= 5);
    assert!(!format!("{reading:?}").contains("geheim"));
}

#[test]
fn what_a_remark_is_about_is_an_element_of_its_block() {
    let blocks: [(&str, &[Remark]); 3] = [
        ("", remarks::ROOT),
        ("listen-socket", remarks::LISTEN_SOCKET),
        ("paths", remarks::NEEDLESS_PATHS),
    ];
    for (block, remarks) in blocks {
        for (name, then) in remarks {
            let inside = format!("<{name}>7</{name}>");
            let reading = match block {
                "" => around(&inside),
                block => around(&format!("<{block}>{inside}</{block}>")),
            };
            let said = [reading.warnings, reading.notes].concat();
            assert!(said.iter().any(|line| line.contains(then)), "{block} {name}: {said:?}");
        }
    }
}

#[test]
fn a_login_that_nobody_knows_closes_the_mount_and_one_that_cannot_work_is_refused() {
    let mount = |inside: &str| {
        around(&format!("<mount><mount-name>/a</mount-name>{inside}</mount>")).warnings
    };

    let command = "<authentication type='command'/>";
    assert!(mount(command)[0].contains("nobody may listen"));
    let closed = config_of(&format!("<mount><mount-name>/a</mount-name>{command}</mount>"));
    assert!(!closed.mount(&MountName::new("/a").unwrap()).direct);
    let nowhere = "<mount><mount-name>/a</mount-name><authentication type='url'>\
                   <option name='listener_add' value='http:'/></authentication></mount>";
    assert!(mistakes_of(nowhere)[0].contains("listener_add \"http:\" is no address"));
    assert!(mount("<hidden>0</hidden><public>-1</public><fallback-mount/>").is_empty());
    let nameless = "<mount><mount-name>/a</mount-name><authentication type='htpasswd'/></mount>";
    assert!(mistakes_of(nameless)[0].contains("names no file"));
}

#[test]
fn directories_are_read_and_one_at_no_address_refused() {
    let config = config_of(
        "<directory><yp-url-timeout>15</yp-url-timeout><yp-url>https://d.test/yp</yp-url>\
         </directory><directory><yp-url>http://e.test/</yp-url><touch-interval>7\
         </touch-interval></directory><directory/>\
         <mount><mount-name>/a</mount-name><cluster-password>c</cluster-password></mount>",
    );

    let urls: Vec<_> = config.directories.iter().map(|one| one.url.to_string()).collect();
    assert_eq!(urls, ["https://d.test:443/yp", "http://e.test:80/"]);
    assert_eq!(config.directories[0].timeout, Duration::from_secs(15));
    assert_eq!(config.directories[1].touch_interval, Duration::from_secs(30));
    let password = config.mount(&MountName::new("/a").unwrap()).cluster_password.as_ref();
    assert!(password.is_some_and(|password| password.matches("c")));
    let odd = "<directory><yp-url>d.test</yp-url></directory>";
    assert!(mistakes_of(odd)[0].contains("<yp-url> \"d.test\" is no address"));
}

#[test]
fn a_backend_is_read_with_every_option() {
    let options = [
        ("listener_add", "http://b.test/a?x=1"),
        ("listener_remove", "https://b.test/r"),
        ("mount_add", "http://b.test:81/ma"),
        ("mount_remove", "http://b.test/mr"),
        ("stream_auth", "http://b.test/s"),
        ("username", "u"),
        ("password", "p"),
        ("headers", "X-Token, cookie"),
        ("header_prefix", "ClientHeader."),
        ("auth_header", "ok: 1"),
        ("timelimit_header", "for:"),
        ("timeout", "3"),
        ("presume_innocent", "1"),
    ];
    let written = |(name, value)| format!("<option name=\"{name}\" value=\"{value}\"/>");
    let options: String = options.into_iter().map(written).collect();
    let config = config_of(&format!(
        "<mount><mount-name>/a</mount-name><authentication type=\"url\">{options}\
         </authentication></mount>"
    ));

    let mount = config.mount(&MountName::new("/a").unwrap());
    let auth = mount.url_auth.as_ref().unwrap();
    let text = |address: &Option<HttpAddress>| address.as_ref().unwrap().to_string();
    assert!(mount.direct && mount.listeners.is_none());
    assert_eq!(text(&auth.listener_add), "http://b.test:80/a?x=1");
    assert_eq!(text(&auth.listener_remove), "https://b.test:443/r");
    assert_eq!((text(&auth.mount_add).as_str(), auth.headers.len()), ("http://b.test:81/ma", 2));
    assert_eq!((auth.yes.text().as_str(), auth.time_limit_header.as_str()), ("ok: 1", "for"));
    assert_eq!((auth.timeout, auth.on_silence), (Duration::from_secs(3), OnSilence::Admit));
    assert_eq!(auth.credentials.as_ref().unwrap().user, "u");
    assert_eq!(auth.header_prefix, "ClientHeader.");
}

proptest! {
    #[test]
    fn whatever_numbers_and_texts_a_file_holds_it_is_read_or_refused(
        inside in prop::collection::vec((0..ELEMENTS.len(), "[ -~ä]{0,12}|-?[0-9]{0,11}"), 0..12),
        block in "limits|mount|mount type='default'|listen-socket|authentication|security|paths",
    ) {
        let inside: String = inside.into_iter().map(|(element, text)| {
            let name = ELEMENTS[element];
            format!("<{name}><![CDATA[{text}]]></{name}>\n")
        }).collect();
        let end = block.split(' ').next().unwrap();

        let reading = around(&format!("<{block}>{inside}</{end}>"));

        if let Ok(config) = reading.config {
            let mount = &config.mounts.usual.limits;
            prop_assert!(!config.listen.is_empty() && mount.burst_bytes <= mount.queue_bytes);
        }
    }
}

/// Elements with rules of their own.
const ELEMENTS: [&str; 21] = [
    "charset",
    "compat",
    "fallback-mount",
    "intro",
    "max-listener-duration",
    "public",
    "source-grace",
    "bind-address",
    "burst-on-connect",
    "burst-size",
    "chroot",
    "clients",
    "header-timeout",
    "max-listeners",
    "mount-name",
    "password",
    "port",
    "queue-size",
    "source-password",
    "source-timeout",
    "ssl",
];

/// The element that a line of advice is about.
fn element(advice: &str) -> &str {
    let (_, rest) = advice.split_once('<').unwrap();
    rest.split_once('>').unwrap().0
}

/// A mount with every element, and a block for what all have.
const EVERYTHING: &str = "<paths><webroot>/w</webroot></paths>\
    <mount type='default'><http-headers><header name='X-All' value='1'/></http-headers></mount>\
    <mount><mount-name>/a</mount-name><username>dj</username><password>y</password>\
    <burst-size>1</burst-size><queue-size>2000</queue-size><max-listeners>3</max-listeners>\
    <source-timeout>4</source-timeout><max-listener-duration>5</max-listener-duration>\
    <source-grace>6</source-grace><fallback-mount> /b </fallback-mount>\
    <fallback-override>1</fallback-override><fallback-when-full>1</fallback-when-full>\
    <intro>/i.mp3</intro><dump-file>/d/%Y.mp3</dump-file><on-connect>/bin/c</on-connect>\
    <on-disconnect>/bin/d</on-disconnect><hidden>1</hidden><no-mount>1</no-mount>\
    <public>0</public><mp3-metadata-interval>0</mp3-metadata-interval>\
    <charset>ISO8859-1</charset><on-source-conflict>refuse</on-source-conflict>\
    <stream-name>N</stream-name><stream-description>D</stream-description>\
    <stream-url>U</stream-url><genre>G</genre><bitrate>128</bitrate><type>T</type>\
    <subtype>S</subtype><http-headers><header name='X-Own' value='1'/></http-headers>\
    <authentication type='htpasswd'><option name='filename' value='/etc/users'/>\
    <option name='allow_duplicate_users' value='1'/></authentication></mount>";
/// The elements that a distribution's package writes into /etc, with its values.
const SHIPPED: &str = include_str!("fixtures/shipped.xml");
/// A station's file: two directories, and headers for players in other sites' pages.
const STATION: &str = include_str!("fixtures/station.xml");
