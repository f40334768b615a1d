//! `<paths>` and `<logging>`: where files are, who is kept out, and what is logged.

use super::remarks;
use crate::config::TlsFiles;
use crate::config::access::Access;
use crate::config::files::{Alias, Files};
use crate::config::logs::{Level, LogTo, Logs};
use icecast_compat::config_xml::Block;
use icecast_compat::config_xml::advice::Advice;
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What `<paths>` says.
pub(super) struct Paths {
    pub(super) access: Access,
    pub(super) files: Files,
    pub(super) logdir: Option<PathBuf>,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) tls: Option<TlsFiles>,
    pub(super) trust: Option<PathBuf>,
}

/// Reads `<paths>`, and beside it whether files are served.
pub(super) fn read(top: &mut Block<'_, '_>) -> Paths {
    let serve = top.flag("fileserve").is_none_or(|said| said.value);
    let mime_types = path(top, "mime-types");
    top.block("paths", |block| {
        block.needless(remarks::NEEDLESS_PATHS);
        let webroot = path(block, "webroot");
        let aliases = block.each("alias", alias).into_iter().flatten().collect();
        Paths {
            access: Access {
                deny_file: path(block, "deny-ip"),
                allow_file: path(block, "allow-ip"),
                trusted_proxies: proxies(block),
                ..Access::default()
            },
            files: Files { serve: serve && webroot.is_some(), webroot, mime_types, aliases },
            logdir: path(block, "logdir"),
            pid_file: path(block, "pidfile"),
            tls: tls(block),
            trust: path(block, "ssl-cafile"),
        }
    })
}

/// The certificate: one file with its key in it, as in Icecast, or the key beside it.
fn tls(block: &mut Block<'_, '_>) -> Option<TlsFiles> {
    let newer = path(block, "tls-certificate");
    let certificate = path(block, "ssl-certificate").or(newer);
    let key = path(block, "ssl-private-key");
    let certificate = certificate?;
    Some(TlsFiles { key: key.unwrap_or_else(|| certificate.clone()), certificate })
}

/// The path in `name`, if there is one.
fn path(block: &mut Block<'_, '_>, name: &'static str) -> Option<PathBuf> {
    let text = block.text(name)?.value.trim().to_owned();
    (!text.is_empty()).then(|| text.into())
}

/// The proxies that are believed whose connection it is, as Icecast-KH has them.
fn proxies(block: &mut Block<'_, '_>) -> Vec<IpNet> {
    let Some(said) = block.text("x-forwarded-for") else { return Vec::new() };
    let texts = said.value.split([',', ' ']).map(str::trim).filter(|text| !text.is_empty());
    let mut proxies = Vec::new();
    for text in texts {
        match text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => proxies.push(network),
            Err(_) => {
                let what = format!("<x-forwarded-for> {text:?} is no address or network; ignored");
                block.advise(Advice::warning(said.line, what));
            }
        }
    }
    proxies
}

fn alias(block: &mut Block<'_, '_>) -> Option<Alias> {
    let line = block.line();
    let mut said = |name: &str| {
        let text = block.attribute(name).map(|text| text.trim().to_owned());
        text.filter(|text| !text.is_empty())
    };
    let source = said("source");
    // Icecast-KH takes the short name too.
    let destination = said("destination").or_else(|| said("dest"));
    let (port, bind_address) = (said("port"), said("bind-address"));
    // Icecast takes a port or an address that is none for one that no client comes through.
    let alias = || {
        Some(Alias {
            source: source?,
            destination: destination?,
            port: port.map(|port| port.parse()).transpose().ok()?,
            bind_address: bind_address.map(|address| address.parse()).transpose().ok()?,
        })
    };
    let alias = alias();
    if alias.is_none() {
        let what = "<alias> wants a source and a destination, and may have a port and a \
                    bind-address, which is an IP address; ignored";
        block.advise(Advice::warning(line, what));
    }
    alias
}

/// Reads `<logging>`. Names of files are under `logdir`.
///
/// With a `<logdir>`, logs that are not named have Icecast's names. Without one there is no place
/// for them: events then go to standard error.
pub(super) fn logs(top: &mut Block<'_, '_>, logdir: Option<&Path>) -> Logs {
    top.block("logging", |block| {
        let usual = |name: &str| logdir.map(|logdir| LogTo::File(logdir.join(name)));
        let access = to(block, "accesslog", logdir).or_else(|| usual("access.log"));
        let error = to(block, "errorlog", logdir).or_else(|| usual("error.log"));
        let kibibytes = block.number("logsize").and_then(|said| u64::try_from(said.value).ok());
        Logs {
            access: access.unwrap_or(LogTo::Nowhere),
            error: error.unwrap_or(LogTo::Stderr),
            playlist: to(block, "playlistlog", logdir).unwrap_or(LogTo::Nowhere),
            level: level(block),
            json: false,
            rotate_bytes: kibibytes.filter(|size| *size > 0).map(|size| size * 1_024),
            archive: block.flag("logarchive").is_some_and(|said| said.value),
        }
    })
}

/// Where the log `name` goes; `None` if nothing is said of it.
fn to(block: &mut Block<'_, '_>, name: &'static str, logdir: Option<&Path>) -> Option<LogTo> {
    let said = block.text(name)?;
    let file = said.value.trim();
    match (file, logdir) {
        ("", _) => None,
        ("-", _) => Some(LogTo::Stderr),
        (file, Some(logdir)) => Some(LogTo::File(logdir.join(file))),
        (file, None) => {
            let what = format!("<{name}> {file:?} is in the folder the server starts in");
            block.advise(Advice::warning(said.line, format!("{what}; write a <logdir>")));
            Some(LogTo::File(file.into()))
        }
    }
}

/// Icecast's levels count from 1 for errors to 4 for everything; its relatives name them.
fn level(block: &mut Block<'_, '_>) -> Level {
    let Some(said) = block.text("loglevel") else { return Level::Info };
    match said.value.trim().to_ascii_lowercase().as_str() {
        "4" | "debug" => Level::Debug,
        "3" | "info" | "information" => Level::Info,
        "2" | "warn" | "warning" => Level::Warn,
        "1" | "error" => Level::Error,
        odd => {
            let what = format!("<loglevel> {odd:?}; write 1, 2, 3 or 4; 3 counts");
            block.advise(Advice::warning(said.line, what));
            Level::Info
        }
    }
}
