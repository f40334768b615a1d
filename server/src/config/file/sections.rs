//! The sections on access, files, header lines and logs.

use super::values::{address, networks, one_of, path};
use crate::config::access::Access;
use crate::config::files::{Alias, Files, HttpHeader};
use crate::config::logs::{Level, LogTo, Logs};
use common::config::{Section, Size};

/// Reads `[access]`.
pub(super) fn access(section: &mut Section<'_>) -> Access {
    Access {
        deny: networks(section, "deny"),
        allow: networks(section, "allow"),
        deny_file: path(section, "deny_file", &None),
        allow_file: path(section, "allow_file", &None),
        deny_agents: section.value("deny_agents").unwrap_or_default(),
        trusted_proxies: networks(section, "trusted_proxies"),
        proxy_protocol: section.value("proxy_protocol").unwrap_or_default(),
    }
}

/// Reads `[files]` with its `[[files.alias]]`.
pub(super) fn files(section: &mut Section<'_>) -> Files {
    let webroot = path(section, "webroot", &None);
    let serve = section.value("serve").unwrap_or(true);
    Files {
        serve: serve && webroot.is_some(),
        webroot,
        mime_types: path(section, "mime_types", &None),
        aliases: section.list("alias", alias).into_iter().flatten().collect(),
    }
}

fn alias(section: &mut Section<'_>) -> Option<Alias> {
    let (source, destination) = (section.required("source"), section.required("destination"));
    let port = section.value("port");
    let bind_address = address(section, "bind_address");
    Some(Alias { source: source?, destination: destination?, port, bind_address })
}

/// Reads every `[[http_header]]`; `None` if there is not one.
pub(super) fn http_headers(section: &mut Section<'_>) -> Option<Vec<HttpHeader>> {
    let headers = section.list("http_header", |section| {
        let (name, value) =
            (section.required::<String>("name"), section.required::<String>("value"));
        let status = section.value("status");
        match HttpHeader::new(&name?, &value?, status) {
            Ok(header) => Some(header),
            Err(why) => {
                section.wrong_here(why);
                None
            }
        }
    });
    (!headers.is_empty()).then(|| headers.into_iter().flatten().collect())
}

/// Reads `[logs]`.
pub(super) fn logs(section: &mut Section<'_>) -> Logs {
    let usual = Logs::default();
    let levels = [
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Error),
    ];
    Logs {
        access: log_to(section, "access", usual.access),
        error: log_to(section, "error", usual.error),
        playlist: log_to(section, "playlist", usual.playlist),
        level: one_of(section, "level", &levels, usual.level),
        json: one_of(section, "format", &[("text", false), ("json", true)], usual.json),
        rotate_bytes: section
            .value::<Size>("rotate_size")
            .map(|Size(size)| size)
            .filter(|size| *size > 0),
        archive: section.value("archive").unwrap_or(usual.archive),
    }
}

fn log_to(section: &mut Section<'_>, key: &'static str, usual: LogTo) -> LogTo {
    match section.value::<String>(key).as_deref() {
        None => usual,
        Some("" | "none") => LogTo::Nowhere,
        Some("-" | "stderr") => LogTo::Stderr,
        Some("stdout") => LogTo::Stdout,
        Some(file) => LogTo::File(file.into()),
    }
}
