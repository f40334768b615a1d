//! What an element that the server does not act on yet means for a station that wrote it.
//!
//! An element without a remark here is still named when it stands in a file; a remark adds what
//! happens instead. When the server learns an element, its line here goes.

use icecast_compat::config_xml::Remark;

/// Elements directly in `<icecast>`.
pub(super) const ROOT: &[Remark] = &[("icelogin", "sources log in with Basic credentials")];

/// Elements of `<listen-socket>`.
pub(super) const LISTEN_SOCKET: &[Remark] = &[("so-sndbuf", "the system chooses the size")];

/// Elements of `<paths>` that lose nothing.
pub(super) const NEEDLESS_PATHS: &[Remark] = &[
    ("adminroot", "the pages are built in"),
    ("basedir", "it only serves <chroot>"),
    ("ssl-allowed-ciphers", "only TLS 1.2 and 1.3 with sound ciphers are spoken"),
];
