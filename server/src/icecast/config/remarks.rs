//! What an element that the server does not act on yet means for a station that wrote it.
//!
//! An element without a remark here is still named when it stands in a file; a remark adds what
//! happens instead. When the server learns an element, its line here goes.

use icecast_compat::config_xml::Remark;

/// Elements directly in `<icecast>`.
pub(super) const ROOT: &[Remark] = &[
    ("directory", "the station is announced nowhere"),
    ("fileserve", "no files of the station's own are served"),
    ("icelogin", "sources log in with Basic credentials"),
    ("master-server", "no mounts are fetched from another server"),
    ("relay", "this stream is not fetched"),
    ("server-id", "answers name the server as it is"),
    ("shoutcast-mount", "sources of the SHOUTcast kind are not taken"),
];

/// Elements directly in `<icecast>` that lose nothing.
pub(super) const NEEDLESS_ROOT: &[Remark] = &[("mime-types", "types are built in")];

/// Elements of `<authentication>`.
pub(super) const AUTHENTICATION: &[Remark] = &[
    ("relay-password", "there is no /admin/streamlist.txt for relays"),
    ("relay-user", "there is no /admin/streamlist.txt for relays"),
];

/// Elements of `<listen-socket>`.
pub(super) const LISTEN_SOCKET: &[Remark] = &[
    ("shoutcast-compat", "sources of the SHOUTcast kind are not taken"),
    ("shoutcast-mount", "the port above this one is not opened for SHOUTcast sources"),
    ("so-sndbuf", "the system chooses the size"),
];

/// Elements of `<logging>`.
pub(super) const LOGGING: &[Remark] = &[
    ("accesslog", "no access log is written; arrivals and departures are in the log"),
    ("playlistlog", "no playlist log is written"),
];

/// Elements of `<logging>` that lose nothing.
pub(super) const NEEDLESS_LOGGING: &[Remark] = &[
    ("errorlog", "the log goes to standard error"),
    ("logarchive", "the log goes to standard error"),
    ("loglevel", "CARRIER_LOG chooses what is logged"),
    ("logsize", "the log goes to standard error"),
];

/// Elements of `<mount>`.
pub(super) const MOUNT: &[Remark] = &[
    ("authentication", "everybody may listen, and no backend is asked"),
    ("charset", "titles are taken as UTF-8, or else as Latin-1"),
    ("dump-file", "nothing is recorded"),
    ("fallback-mount", "listeners are not moved when the source leaves"),
    ("fallback-override", "listeners are not moved when the source returns"),
    ("fallback-when-full", "further listeners are turned away"),
    ("hidden", "the mount is listed like any other"),
    ("http-headers", "they are not sent"),
    ("intro", "listeners begin with the stream"),
    ("max-listener-duration", "listeners may stay"),
    ("no-mount", "the mount can be listened to"),
    ("on-connect", "the program is not run"),
    ("on-disconnect", "the program is not run"),
    ("source-timeout", "the one in <limits> counts"),
];

/// Elements of `<paths>`.
pub(super) const PATHS: &[Remark] = &[
    ("allow-ip", "every address may connect"),
    ("deny-ip", "every address may connect"),
    ("ssl-certificate", "TLS is not spoken"),
];

/// Elements of `<paths>` that lose nothing.
pub(super) const NEEDLESS_PATHS: &[Remark] = &[
    ("adminroot", "the pages are built in"),
    ("basedir", "it only serves <chroot>"),
    ("logdir", "the log goes to standard error"),
    ("pidfile", "whoever starts the server knows its process"),
    ("ssl-allowed-ciphers", "it only serves TLS"),
    ("webroot", "the pages are built in"),
];
