//! `icecast.xml` into our configuration.
//!
//! Each function walks one block of the file. What the server acts on it asks for; of the rest it
//! says what happens instead, so that whoever brings a file along learns in one reading where the
//! two servers differ. Contradictions are gathered and reported together.

use crate::config::limits::{Limits, MountLimits, QUEUE_BYTES_MAX};
use crate::config::mounts::MountConfig;
use crate::config::{
    ADMIN_USER, CONTACT, Compat, Config, HOSTNAME, LOCATION, Passwords, RELAY_USER, RunAs,
};
use common::auth::{PASSWORD_BYTES_MAX, Password};
use common::config::variables::{self, Lookup};
use common::config::{Mistake, Mistakes};
use common::units::Bytes;
use icecast_compat::config_xml::advice::{Advice, Severity};
use icecast_compat::config_xml::{self, Block, Said};
use paths::Paths;
use std::borrow::Cow;
use std::time::Duration;

mod directories;
mod headers;
mod login;
mod mount_block;
mod mounts;
mod paths;
mod relays;
mod remarks;
mod sockets;

/// What a file says, and what there is to say about it.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The configuration, or every mistake in the file.
    pub(crate) config: Result<Config, Mistakes>,
    /// Where somebody might expect otherwise; each one line, with its place.
    pub(crate) warnings: Vec<String>,
    /// What is true and needs no action; each one line, with its place.
    pub(crate) notes: Vec<String>,
}

/// Reads the bytes of `file`, in which `lookup` knows the variables.
pub(crate) fn read(file: &str, bytes: &[u8], lookup: Lookup<'_>) -> Reading {
    let fill = |text: &str| variables::filled(text, lookup).map(Cow::into_owned);
    let (config, advice) = match config_xml::read(bytes, &fill, config) {
        Ok(read) => read,
        Err(fault) => {
            let mistakes = Mistakes(vec![mistake(file, fault.line, fault.what)]);
            return Reading { config: Err(mistakes), warnings: Vec::new(), notes: Vec::new() };
        }
    };
    let (mut mistakes, mut warnings, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for Advice { line, severity, what } in advice {
        match severity {
            Severity::Mistake => mistakes.push(mistake(file, line, what)),
            Severity::Note => notes.push(format!("{file}:{line}: {what}")),
            Severity::Warning => warnings.push(format!("{file}:{line}: {what}")),
        }
    }
    let config = if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) };
    Reading { config, warnings, notes }
}

fn mistake(file: &str, line: usize, what: String) -> Mistake {
    Mistake { file: file.to_owned(), line, key: String::new(), what }
}

fn config(top: &mut Block<'_, '_>) -> Config {
    top.later(remarks::ROOT);
    let (limits, mount_limits) = top.block("limits", limits);
    let Paths { access, files, logdir, pid_file, tls, trust } = paths::read(top);
    let (listen, shoutcast) = sockets::read(top, tls.is_some());
    let Authentication { passwords, source, named, line } = authentication(top);
    let usual = MountConfig { limits: mount_limits, password: source, ..MountConfig::default() };
    let rules = mounts::read(top, usual, named);
    if rules.mounts.takes_no_source() {
        let what = "<source-password> is missing; without it no source can connect";
        top.advise(Advice::mistake(line, what));
    }
    let config = Config {
        hostname: phrase(top, "hostname", HOSTNAME),
        location: phrase(top, "location", LOCATION),
        contact: phrase(top, "admin", CONTACT),
        server_id: server_id(top),
        compat: compat(top),
        icy_agents: icy_agents(top),
        // A certificate that no socket asks for may be of long ago; Icecast does not look at it.
        // Icecast-KH, where the key has a file of its own, then takes TLS on every port.
        tls: tls.filter(|files| {
            listen.iter().any(|socket| socket.tls_only) || files.key != files.certificate
        }),
        trust,
        shoutcast,
        directories: directories::read(top),
        relays: relays::read(top, passwords.relay.as_ref()),
        passwords,
        limits,
        access,
        files,
        http_headers: headers::read(top),
        logs: paths::logs(top, logdir.as_deref()),
        pid_file,
        run_as: run_as(top),
        ..Config::of(listen, rules.mounts.clone())
    };
    rules.doubt(top, &config);
    config
}

/// A text without the blanks around it, or `usual` where there is none.
fn phrase(block: &mut Block<'_, '_>, name: &'static str, usual: &str) -> String {
    let text = block.text(name).map(|said| said.value.trim().to_owned());
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| usual.to_owned())
}

fn limits(block: &mut Block<'_, '_>) -> (Limits, MountLimits) {
    let clients = block.number_or_usual("clients");
    let sources = block.number_or_usual("sources");
    let header_timeout = block.number_or_usual("header-timeout");
    let source_timeout = block.number_or_usual("source-timeout");
    let burst = block.number_or_usual("burst-size");
    let queue = block.number_or_usual("queue-size");
    // Icecast sets the burst to 0 where it reads this, so that a later size counts again.
    let burst = match block.flag("burst-on-connect") {
        Some(on) if !on.value && on.order > burst.order => on.map(|_| 0),
        _ => burst,
    };
    // Without a word on the burst, the queue is what is too short.
    let line = if burst.order == 0 { queue.line } else { burst.line };
    let (burst, queue) = (size(block, "burst-size", burst), size(block, "queue-size", queue));
    let mount = MountLimits {
        burst_bytes: burst.value,
        flush_delay: MountLimits::flush_delay_beside(burst.value),
        queue_bytes: queue.value,
        source_timeout: timeout(block, "source-timeout", &source_timeout),
        source_grace: grace(block),
        ..MountLimits::default()
    };
    mounts::check(block, "limits", line, &mount);
    let limits = Limits {
        clients_max: at_least_one(block, "clients", &clients),
        sources_max: at_least_one(block, "sources", &sources),
        header_timeout: timeout(block, "header-timeout", &header_timeout),
        ..Limits::default()
    };
    (limits, mount)
}

fn at_least_one(block: &mut Block<'_, '_>, name: &str, said: &Said<i32>) -> usize {
    let count = usize::try_from(said.value).unwrap_or_default();
    if count == 0 {
        let what = format!("<{name}> of {} lets nobody in; 1 is the least", said.value);
        block.advise(Advice::mistake(said.line, what));
    }
    count
}

fn timeout(block: &mut Block<'_, '_>, name: &str, said: &Said<i32>) -> Duration {
    let seconds = u64::try_from(said.value).unwrap_or_default();
    if seconds == 0 {
        let what = format!("<{name}> of {} seconds; 1 is the least", said.value);
        block.advise(Advice::mistake(said.line, what));
    }
    Duration::from_secs(seconds)
}

/// Icecast keeps no listener for a source that left; the element is ours.
fn grace(block: &mut Block<'_, '_>) -> Duration {
    let said = block.number_or_usual("source-grace");
    let seconds = u64::try_from(said.value);
    if seconds.is_err() {
        let what = format!("<source-grace> of {} seconds; 0 is the least", said.value);
        block.advise(Advice::mistake(said.line, what));
    }
    Duration::from_secs(seconds.unwrap_or_default())
}

/// A number of bytes within what a queue may have.
fn size(block: &mut Block<'_, '_>, name: &str, said: Said<i32>) -> Said<usize> {
    if u64::try_from(said.value).is_ok_and(|bytes| bytes <= QUEUE_BYTES_MAX) {
        return said.map(|bytes| usize::try_from(bytes).unwrap_or_default());
    }
    let most = Bytes(QUEUE_BYTES_MAX);
    let what = format!("<{name}> of {} bytes; it may have from 0 to {most}", said.value);
    block.advise(Advice::mistake(said.line, what));
    said.map(|_| 0)
}

/// What `<authentication>` says.
struct Authentication {
    passwords: Passwords,
    /// The password of sources on mounts without one of their own.
    source: Option<Password>,
    /// Passwords that belong to one mount each, with its name.
    named: Vec<(Said<String>, Password)>,
    line: usize,
}

fn authentication(top: &mut Block<'_, '_>) -> Authentication {
    let old = password(top, "source-password");
    top.block("authentication", |block| {
        let (mut source, mut named) = (old, Vec::new());
        for (mount, said) in block.each("source-password", |block| {
            let said = Said { value: block.own_text(), line: block.line(), order: 0 };
            (block.attribute("mount"), said)
        }) {
            let line = said.line;
            let Some(password) = checked(block, "source-password", said) else { continue };
            match mount {
                Some(value) => named.push((Said { value, line, order: 0 }, password)),
                None => source = Some(password),
            }
        }
        let passwords = Passwords {
            admin_user: phrase(block, "admin-user", ADMIN_USER),
            admin: password(block, "admin-password"),
            relay_user: phrase(block, "relay-user", RELAY_USER),
            relay: password(block, "relay-password"),
        };
        Authentication { passwords, source, named, line: block.line() }
    })
}

/// The password in the element `name`; `None` if it is absent, or wrong and noted.
fn password(block: &mut Block<'_, '_>, name: &'static str) -> Option<Password> {
    let said = block.text(name)?;
    checked(block, name, said)
}

fn checked(block: &mut Block<'_, '_>, name: &str, said: Said<String>) -> Option<Password> {
    let (text, line) = (said.value, said.line);
    if text.is_empty() {
        let what = format!("<{name}> is empty and would let everybody in");
        block.advise(Advice::mistake(line, what));
        return None;
    }
    if text.len() > PASSWORD_BYTES_MAX {
        let what = format!("<{name}> has {} bytes; {PASSWORD_BYTES_MAX} at most", text.len());
        block.advise(Advice::mistake(line, what));
        return None;
    }
    if text.trim().len() < text.len() {
        let what = format!("<{name}> begins or ends with blanks, which are part of the password");
        block.advise(Advice::warning(line, what));
    }
    Some(Password::new(&text))
}

/// What answers call the server, if the file says so.
fn server_id(top: &mut Block<'_, '_>) -> Option<String> {
    let said = top.text("server-id")?;
    let text = said.value.trim().to_owned();
    if text.chars().any(char::is_control) {
        let what = "<server-id> holds a control character, which no header may have; ignored";
        top.advise(Advice::warning(said.line, what));
        return None;
    }
    (!text.is_empty()).then_some(text)
}

/// How close to keep to Icecast. The element is ours.
fn compat(top: &mut Block<'_, '_>) -> Compat {
    let Some(said) = top.text("compat") else { return Compat::Sensible };
    match said.value.trim() {
        "sensible" => Compat::Sensible,
        "strict" => Compat::Strict,
        odd => {
            let what = format!("<compat> {odd:?}; write sensible or strict");
            top.advise(Advice::mistake(said.line, what));
            Compat::Sensible
        }
    }
}

/// Programs that look for `ICY 200 OK`, with commas between them. The element is ours.
fn icy_agents(top: &mut Block<'_, '_>) -> Vec<String> {
    let Some(said) = top.text("icy-agents") else { return Vec::new() };
    let patterns = said.value.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
    patterns.map(str::to_owned).collect()
}

/// Whom `<changeowner>` makes of the process.
fn run_as(top: &mut Block<'_, '_>) -> Option<RunAs> {
    top.block("security", |block| {
        if let Some(chroot) = block.flag("chroot").filter(|chroot| chroot.value) {
            let what = "<chroot> is not supported; write 0, and confine the server with systemd's \
                        RootDirectory= or a container";
            block.advise(Advice::mistake(chroot.line, what));
        }
        block.block("changeowner", |block| {
            let mut name = |name| Some(phrase(block, name, "")).filter(|text| !text.is_empty());
            let run_as = RunAs { user: name("user"), group: name("group") };
            (run_as.user.is_some() || run_as.group.is_some()).then_some(run_as)
        })
    })
}

#[cfg(test)]
mod tests;
