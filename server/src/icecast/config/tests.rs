//! Whole files: what they mean to the server, and what is said about them.

use super::*;
use crate::mount::name::MountName;
use icecast_compat::config_xml::Remark;
use proptest::prelude::*;

/// A file around `body`, in which a source may connect; `body` begins in line 2.
fn around(body: &str) -> Reading {
    let text = format!(
        "<icecast>\n{body}\n<authentication><source-password>x</source-password>\
         </authentication></icecast>"
    );
    read("icecast.xml", text.as_bytes(), false)
}

fn config_of(body: &str) -> Config {
    around(body).config.unwrap()
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
         <mount><mount-name>live</mount-name></mount>\n\
         <mount><mount-name>/live</mount-name>\n<queue-size>4096</queue-size></mount>\n\
         <security><chroot>1</chroot></security>",
    );

    let expected = [
        "icecast.xml:2: <clients> of 0 lets nobody in; 1 is the least",
        "icecast.xml:3: <port> 70000 is not between 1 and 65535",
        "icecast.xml:5: <listen-socket> 127.0.0.1:8000: line 4 listens there already",
        "icecast.xml:6: <mount-name> \"live\": a mount name has the form /name, without a slash \
         at its end",
        "icecast.xml:8: mount /live: burst-size 65536 exceeds queue-size 4096; every listener \
         would be dropped at once",
        "icecast.xml:9: <chroot> is not supported; write 0, and confine the server with \
         systemd's RootDirectory= or a container",
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn a_file_in_the_form_distributions_ship_starts_with_two_words_of_warning() {
    let reading = read("icecast.xml", SHIPPED.as_bytes(), false);

    let config = reading.config.unwrap();
    assert_eq!(config.listen, ["[::]:8000".parse().unwrap()]);
    assert_eq!((config.limits.clients_max, config.limits.sources_max), (100, 2));
    assert_eq!(config.mounts.usual.limits.burst_bytes, 65_535);
    assert_eq!(config.mounts.usual.password.unwrap().reveal(), "hackme");
    assert_eq!(config.passwords.admin.unwrap().reveal(), "hackme");
    let elements: Vec<_> = reading.warnings.iter().map(|warning| element(warning)).collect();
    assert_eq!(elements, ["relay-password", "accesslog"], "{:?}", reading.warnings);
}

#[test]
fn a_station_with_directories_and_open_headers_starts_and_hears_what_is_not_done() {
    let reading = read("icecast.xml", STATION.as_bytes(), false);

    let config = reading.config.unwrap();
    let (limits, usual) = (&config.limits, &config.mounts.usual.limits);
    assert_eq!((limits.clients_max, limits.sources_max), (100, 5));
    assert_eq!((usual.burst_bytes, usual.queue_bytes), (65_535, 524_288));
    assert_eq!(limits.header_timeout, Duration::from_secs(15));
    assert_eq!(config.hostname, "radio.example");
    let elements: Vec<_> = reading.warnings.iter().map(|warning| element(warning)).collect();
    let expected = ["relay-password", "directory", "directory", "accesslog"];
    assert_eq!(elements, expected, "{:?}", reading.warnings);
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
    assert_eq!(
        mistakes_of("<listen-socket><ssl>1</ssl></listen-socket>"),
        ["icecast.xml:1: no <listen-socket> remains to listen on; write one without <ssl>"]
    );
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

    let config = read("icecast.xml", text.as_bytes(), false).config.unwrap();

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
        |text: &str| read("a.xml", text.as_bytes(), false).config.unwrap_err().to_string();

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
         <mount><mount-name>/*.mp3</mount-name><password>y</password></mount>\n\
         <mount><mount-name>/b</mount-name></mount>\n<mount><mount-name>/b</mount-name></mount>",
    );

    assert_eq!(reading.config.unwrap().mounts.rules.len(), 1);
    let expected = [
        "icecast.xml:2: <mount> of type \"odd\", which Icecast does not know; ignored",
        "icecast.xml:3: names of mounts with *, ? or [ are understood and not acted on yet; what \
         is said of these mounts does not count: \"/*.mp3\"",
        "icecast.xml:5: mount /b: its block in line 4 counts",
    ];
    assert_eq!(reading.warnings, expected);
    let wrong = mistakes_of(
        "<mount/>\n<mount><mount-name> /x </mount-name><max-listeners>-2</max-listeners></mount>\n\
         <mount><mount-name>/status.xsl</mount-name></mount>",
    );
    assert_eq!(wrong.len(), 4, "{wrong:?}");
}

#[test]
fn changing_the_owner_matters_only_to_root() {
    let text = "<icecast><authentication><source-password>x</source-password></authentication>\
                <security><changeowner><user>nobody</user></changeowner></security></icecast>";

    let root = read("a.xml", text.as_bytes(), true);
    let other = read("a.xml", text.as_bytes(), false);

    assert!(root.warnings[0].ends_with("start the server as that user, with systemd's User="));
    assert!(other.warnings.is_empty() && other.notes.len() == 1);
}

#[test]
fn no_warning_and_no_mistake_shows_a_password() {
    let text = "<icecast><source-password> geheim</source-password><authentication>\
                <source-password>geheim</source-password><admin-password>geheim </admin-password>\
                <relay-password>geheim</relay-password><passwort>geheim</passwort>\
                </authentication><master-password>geheim</master-password>\
                <mount><mount-name>/a</mount-name><password>geheim\n</password></mount></icecast>";

    let reading = read("a.xml", text.as_bytes(), true);

    assert!(reading.warnings.len() >= 6);
    assert!(!format!("{reading:?}").contains("geheim"));
}

#[test]
fn what_a_remark_is_about_is_an_element_of_its_block() {
    let blocks: [(&str, &[Remark]); 9] = [
        ("", remarks::ROOT),
        ("", remarks::NEEDLESS_ROOT),
        ("authentication", remarks::AUTHENTICATION),
        ("listen-socket", remarks::LISTEN_SOCKET),
        ("logging", remarks::LOGGING),
        ("logging", remarks::NEEDLESS_LOGGING),
        ("mount", remarks::MOUNT),
        ("paths", remarks::PATHS),
        ("paths", remarks::NEEDLESS_PATHS),
    ];
    for (block, remarks) in blocks {
        for (name, then) in remarks {
            // Whatever differs from what counts without the element.
            let value = if *name == "fileserve" { 0 } else { 7 };
            let inside = format!("<{name}>{value}</{name}>");
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
fn every_way_to_write_a_mount_for_listeners_who_log_in_is_answered_with_a_warning() {
    let mount = |inside: &str| {
        around(&format!("<mount><mount-name>/a</mount-name>{inside}</mount>")).warnings
    };

    for inside in [
        "<authentication type='htpasswd'/>",
        "<authentication type='url'><option name='listener_add' value='http:'/></authentication>",
    ] {
        assert!(mount(inside)[0].contains("everybody may listen"), "{inside}");
    }
    assert!(mount("<hidden>0</hidden><public>-1</public><fallback-mount/>").is_empty());
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
const ELEMENTS: [&str; 14] = [
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

/// The elements that a distribution's package writes into /etc, with its values.
const SHIPPED: &str = include_str!("fixtures/shipped.xml");
/// A station's file: two directories, and headers for players in other sites' pages.
const STATION: &str = include_str!("fixtures/station.xml");
