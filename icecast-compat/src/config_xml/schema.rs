//! The elements of `icecast.xml`: what each holds, what counts where it is absent, and which of
//! Icecast's versions know it.
//!
//! The tables speak for Icecast 2.4.4. Elements of its relatives stand here so that they can be
//! named for what they are. Nothing here knows what a server does with an element.

use super::number::Unit;

/// An element.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    /// Its name, as written between `<` and `>`.
    pub name: &'static str,
    /// What stands in it.
    pub content: Content,
    /// Where it comes from.
    pub standing: Standing,
}

/// What stands in an element.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Further elements.
    Block(&'static [Element]),
    /// 0 or 1, and what counts without the element.
    Flag(bool),
    /// A number, its unit, and what counts without the element, unless that comes from elsewhere.
    Number(Unit, Option<i32>),
    /// Any text.
    Text,
}

/// Where an element comes from.
#[derive(Clone, Copy, Debug)]
pub enum Standing {
    /// Icecast 2.4.4 acts on it.
    Current,
    /// Only this relative of Icecast 2.4.4 knows it.
    Foreign(&'static str),
    /// Icecast 2.4.4 reads it, and nothing comes of it.
    Idle,
    /// Still read, but this should be written instead.
    Obsolete(&'static str),
    /// No Icecast knows it: Carrier's own, for what Icecast has no element for.
    Own,
}

const fn element(name: &'static str, content: Content) -> Element {
    Element { name, content, standing: Standing::Current }
}

const fn block(name: &'static str, elements: &'static [Element]) -> Element {
    element(name, Content::Block(elements))
}

const fn flag(name: &'static str, usual: bool) -> Element {
    element(name, Content::Flag(usual))
}

const fn bytes(name: &'static str, usual: i32) -> Element {
    element(name, Content::Number(Unit::Bytes, Some(usual)))
}

const fn count(name: &'static str, usual: i32) -> Element {
    element(name, Content::Number(Unit::Count, Some(usual)))
}

const fn seconds(name: &'static str, usual: i32) -> Element {
    element(name, Content::Number(Unit::Seconds, Some(usual)))
}

/// A number which, where it is absent, comes from the server's own limits.
const fn inherited(name: &'static str, unit: Unit) -> Element {
    element(name, Content::Number(unit, None))
}

const fn text(name: &'static str) -> Element {
    element(name, Content::Text)
}

const fn foreign(name: &'static str, version: &'static str) -> Element {
    Element { name, content: Content::Text, standing: Standing::Foreign(version) }
}

impl Element {
    const fn idle(self) -> Self {
        Self { standing: Standing::Idle, ..self }
    }

    const fn obsolete(self, instead: &'static str) -> Self {
        Self { standing: Standing::Obsolete(instead), ..self }
    }

    const fn own(self) -> Self {
        Self { standing: Standing::Own, ..self }
    }
}

/// What stands in `<icecast>`.
pub(super) const ROOT: &[Element] = &[
    text("admin"),
    block("authentication", AUTHENTICATION),
    text("bind-address").obsolete(LISTEN_SOCKET_INSTEAD),
    text("compat").own(),
    block("directory", DIRECTORY),
    flag("fileserve", true),
    text("hostname"),
    block("http-headers", HTTP_HEADERS),
    flag("icelogin", false),
    text("icy-agents").own(),
    block("limits", LIMITS),
    block("listen-socket", LISTEN_SOCKET),
    text("location"),
    block("logging", LOGGING),
    text("master-password"),
    text("master-server"),
    count("master-server-port", 0),
    seconds("master-update-interval", 120),
    text("master-username"),
    text("mime-types"),
    block("mount", MOUNT),
    block("paths", PATHS),
    count("port", 8_000).obsolete(LISTEN_SOCKET_INSTEAD),
    block("relay", RELAY),
    flag("relays-on-demand", false),
    block("security", SECURITY),
    text("server-id"),
    text("shoutcast-mount"),
    text("source-password").obsolete("write it inside <authentication>"),
    foreign("event-bindings", ICECAST_2_5),
    foreign("include", KH),
    foreign("kartoffelsalat", ICECAST_2_5),
    foreign("master", KH),
    foreign("master-redirect", KH),
    foreign("max-redirect-slaves", KH),
    foreign("redirect", KH),
    foreign("server_id", KH),
    foreign("yp-directory", ICECAST_2_5),
];

const AUTHENTICATION: &[Element] = &[
    text("admin-password"),
    text("admin-user"),
    text("relay-password"),
    text("relay-user"),
    text("source-password"),
    foreign("role", ICECAST_2_5),
    foreign("shoutcast-user", ICECAST_2_5),
];

const DIRECTORY: &[Element] = &[
    text("server").idle(),
    seconds("touch-interval", 30),
    text("yp-url"),
    seconds("yp-url-timeout", 10),
];

const HTTP_HEADERS: &[Element] = &[text("header")];

const LIMITS: &[Element] = &[
    flag("burst-on-connect", true),
    bytes("burst-size", 65_536),
    seconds("client-timeout", 30).idle(),
    count("clients", 256),
    seconds("header-timeout", 15),
    bytes("queue-size", 512_000),
    seconds("source-grace", 0).own(),
    seconds("source-timeout", 10),
    count("sources", 16),
    count("threadpool", 4).idle(),
    foreign("body-timeout", ICECAST_2_5),
    foreign("bodysize", ICECAST_2_5),
    foreign("inactivity-timeout", KH),
    foreign("max-bandwidth", KH),
    foreign("max-listeners", KH),
    foreign("min-queue-size", KH),
    foreign("server-idle-timeout", ICECAST_2_5),
    foreign("workers", KH),
];

const LISTEN_SOCKET: &[Element] = &[
    text("bind-address"),
    count("port", 8_000),
    flag("shoutcast-compat", false),
    text("shoutcast-mount"),
    inherited("so-sndbuf", Unit::Bytes),
    flag("ssl", false),
    foreign("authentication", ICECAST_2_5),
    foreign("http-headers", ICECAST_2_5),
    foreign("listen-backlog", ICECAST_2_5),
    foreign("on-behalf-of", ICECAST_2_5),
    foreign("queue-len", KH),
    foreign("so-mss", KH),
    text("tls"),
];

const LOGGING: &[Element] = &[
    text("accesslog"),
    text("errorlog"),
    flag("logarchive", false),
    text("loglevel"),
    count("logsize", 0),
    text("playlistlog"),
    foreign("logfile", ICECAST_2_5),
    foreign("memorybacklog", ICECAST_2_5),
];

const MOUNT: &[Element] = &[
    block("authentication", &[text("option")]),
    text("bitrate"),
    inherited("burst-size", Unit::Bytes),
    text("charset"),
    text("cluster-password"),
    text("dump-file"),
    text("fallback-mount"),
    flag("fallback-override", false),
    flag("fallback-when-full", false),
    text("genre"),
    flag("hidden", false),
    block("http-headers", HTTP_HEADERS),
    text("intro"),
    seconds("max-listener-duration", 0),
    count("max-listeners", -1),
    text("mount-name"),
    inherited("mp3-metadata-interval", Unit::Bytes),
    flag("no-mount", false),
    flag("no-yp", false).obsolete("write <public>0</public>"),
    text("on-connect"),
    text("on-disconnect"),
    text("on-source-conflict").own(),
    text("password"),
    count("public", -1),
    inherited("queue-size", Unit::Bytes),
    inherited("source-grace", Unit::Seconds).own(),
    inherited("source-timeout", Unit::Seconds),
    text("stream-description"),
    text("stream-name"),
    text("stream-url"),
    text("subtype"),
    text("type"),
    text("username"),
    foreign("accesslog", KH),
    foreign("admin_comments_only", KH),
    foreign("allow-chunked", KH),
    foreign("allow-direct-access", ICECAST_2_5),
    foreign("allow-url-ogg-metadata", KH),
    foreign("ban-client", KH),
    foreign("dump-file-size-limit", ICECAST_2_5),
    foreign("dump-file-time-limit", ICECAST_2_5),
    foreign("fallback", KH),
    foreign("file-seekable", KH),
    foreign("filter-theora", KH),
    foreign("hijack", KH),
    foreign("icy-metadata-interval", ICECAST_2_5),
    foreign("intro-skip-replay", KH),
    foreign("limit-rate", KH),
    foreign("linger-for", KH),
    foreign("listenurl", KH),
    foreign("max-bandwidth", KH),
    foreign("max-history", ICECAST_2_5),
    foreign("max-send-size", KH),
    foreign("max-stream-duration", KH),
    foreign("metadata-interval", KH),
    foreign("min-queue-size", KH),
    foreign("ogg-passthrough", KH),
    foreign("preroll-log", KH),
    foreign("priority", KH),
    foreign("redirect", KH),
    foreign("redirect-to", KH),
    foreign("skip-accesslog", KH),
    foreign("so-sndbuf", KH),
    foreign("wait-time", KH),
];

const PATHS: &[Element] = &[
    text("adminroot"),
    text("alias"),
    text("allow-ip"),
    text("basedir"),
    text("deny-ip"),
    text("logdir"),
    text("pidfile"),
    text("ssl-allowed-ciphers"),
    text("ssl-certificate"),
    text("webroot"),
    foreign("ban-file", KH),
    foreign("deny-agents", KH),
    foreign("geoipdb", ICECAST_2_5),
    foreign("mime-types", ICECAST_2_5),
    foreign("nulldevice", ICECAST_2_5),
    foreign("reportxmldb", ICECAST_2_5),
    foreign("resource", ICECAST_2_5),
    text("ssl-cafile"),
    text("ssl-private-key"),
    text("tls-certificate"),
    text("x-forwarded-for"),
];

const RELAY: &[Element] = &[
    text("bind"),
    text("local-mount"),
    text("mount"),
    flag("on-demand", false),
    text("password"),
    count("port", 0),
    flag("relay-shoutcast-metadata", true),
    text("server"),
    flag("tls", false),
    text("username"),
    foreign("master", KH),
    foreign("retry-delay", KH),
    foreign("run-on", KH),
    foreign("upstream", ICECAST_2_5),
];

const SECURITY: &[Element] = &[
    block("changeowner", &[text("group"), text("user")]),
    flag("chroot", false),
    foreign("prng-seed", ICECAST_2_5),
    foreign("tls-context", ICECAST_2_5),
];

const ICECAST_2_5: &str = "Icecast 2.5";
const KH: &str = "Icecast-KH";
const LISTEN_SOCKET_INSTEAD: &str = "write a <listen-socket>";

/// The element `name` among `elements`.
pub(super) fn find(elements: &'static [Element], name: &str) -> Option<&'static Element> {
    elements.iter().find(|element| element.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_element_stands_twice_in_its_block() {
        fn check(elements: &'static [Element]) {
            let names: BTreeSet<_> = elements.iter().map(|element| element.name).collect();
            assert_eq!(names.len(), elements.len());
            for element in elements {
                if let Content::Block(elements) = element.content {
                    check(elements);
                }
            }
        }

        check(ROOT);
    }
}
