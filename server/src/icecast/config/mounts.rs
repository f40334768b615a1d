//! `<mount>` blocks: what is particular about single mounts, and what holds for all.
//!
//! A block of type `default` fills what a mount's own block leaves unset, and holds for mounts
//! that have no block. Of two blocks with one name the first counts.

use super::{password, remarks, size, timeout};
use crate::config::limits::MountLimits;
use crate::config::mounts::{MountConfig, MountPattern, Mounts};
use crate::mount::name::MountName;
use common::auth::Password;
use icecast_compat::config_xml::advice::Advice;
use icecast_compat::config_xml::{Block, Said};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a block says of its mount, or of all.
struct MountBlock {
    line: usize,
    user: Option<Said<String>>,
    password: Option<Password>,
    burst: Option<Said<usize>>,
    queue: Option<Said<usize>>,
    /// `Some(None)` says that there is no limit.
    listeners_max: Option<Option<usize>>,
    source_timeout: Option<Duration>,
}

/// Which mounts a block is about.
enum About {
    All,
    Nobody,
    One(Said<MountName>),
}

/// Reads every block; `usual` is what holds where none says otherwise.
pub(super) fn read(
    top: &mut Block<'_, '_>,
    mut usual: MountConfig,
    named: Vec<(Said<String>, Password)>,
) -> Mounts {
    let mut own = Vec::new();
    for (about, block) in top.each("mount", mount) {
        match about {
            About::All => hold_for_all(top, block, &mut usual),
            About::Nobody => {}
            About::One(name) => own.push((name, block)),
        }
    }
    let mut rules: Vec<(MountPattern, MountConfig)> = Vec::new();
    let mut lines = BTreeMap::new();
    for (name, block) in own {
        if let Some(first) = lines.get(&name.value) {
            let what = format!("mount {}: its block in line {first} counts", name.value);
            top.advise(Advice::warning(name.line, what));
            continue;
        }
        lines.insert(name.value.clone(), block.line);
        let limits = filled(&block, &usual.limits);
        if let Some(said) = block.burst.as_ref().or(block.queue.as_ref()) {
            check(top, &format!("mount {}", name.value), said.line, &limits);
        }
        let user = block.user.map_or_else(|| usual.user.clone(), |user| user.value);
        let password = block.password.or_else(|| usual.password.clone());
        let Ok(pattern) = MountPattern::new(name.value.as_str()) else { continue };
        rules.push((pattern, MountConfig { user, password, limits, ..usual.clone() }));
    }
    for (name, password) in named {
        let Some(name) = valid(top, &name) else { continue };
        let Ok(pattern) = MountPattern::new(name.value.as_str()) else { continue };
        match rules.iter_mut().find(|(other, _)| *other == pattern) {
            Some((_, config)) if config.password == usual.password => {
                config.password = Some(password);
            }
            Some(_) => {}
            None => {
                rules.push((pattern, MountConfig { password: Some(password), ..usual.clone() }));
            }
        }
    }
    Mounts { usual, rules }
}

/// Notes a burst that alone puts every listener too far behind to stay.
pub(super) fn check(top: &mut Block<'_, '_>, whose: &str, line: usize, limits: &MountLimits) {
    let MountLimits { burst_bytes, queue_bytes, .. } = limits;
    if burst_bytes > queue_bytes {
        let what = format!("{whose}: burst-size {burst_bytes} exceeds queue-size {queue_bytes}");
        let what = format!("{what}; every listener would be dropped at once");
        top.advise(Advice::mistake(line, what));
    }
}

/// Applies a block of type `default`.
fn hold_for_all(top: &mut Block<'_, '_>, block: MountBlock, usual: &mut MountConfig) {
    usual.limits = filled(&block, &usual.limits);
    if let Some(timeout) = block.source_timeout {
        usual.limits.source_timeout = timeout;
    }
    if let Some(said) = block.burst.as_ref().or(block.queue.as_ref()) {
        check(top, "mount of type default", said.line, &usual.limits);
    }
    if block.password.is_some() {
        usual.password = block.password;
    }
    if let Some(user) = block.user {
        usual.user = user.value;
    }
}

/// Reads one block.
fn mount(block: &mut Block<'_, '_>) -> (About, MountBlock) {
    block.later(remarks::MOUNT);
    let line = block.line();
    let name = block.text("mount-name");
    let about = match block.attribute("type") {
        None | Some("normal") => match name {
            Some(name) => valid(block, &name).map_or(About::Nobody, About::One),
            None => {
                block.advise(Advice::mistake(line, "<mount> has no <mount-name>"));
                About::Nobody
            }
        },
        Some("default") => About::All,
        Some(odd) => {
            let what = format!("<mount> of type {odd:?}, which Icecast does not know; ignored");
            block.advise(Advice::warning(line, what));
            About::Nobody
        }
    };
    let source_timeout = match about {
        About::All => {
            let said = block.number("source-timeout");
            said.map(|said| timeout(block, "source-timeout", &said))
        }
        About::Nobody | About::One(_) => None,
    };
    let said = MountBlock {
        line,
        user: block.text("username"),
        password: password(block, "password"),
        burst: bytes(block, "burst-size"),
        queue: bytes(block, "queue-size"),
        listeners_max: listeners_max(block),
        source_timeout,
    };
    (about, said)
}

fn bytes(block: &mut Block<'_, '_>, name: &'static str) -> Option<Said<usize>> {
    let said = block.number(name)?;
    Some(size(block, name, said))
}

/// -1 is no limit, and 0 lets nobody in.
fn listeners_max(block: &mut Block<'_, '_>) -> Option<Option<usize>> {
    let said = block.number("max-listeners")?;
    if said.value < -1 {
        let what = "<max-listeners> is -1 for no limit, 0 for nobody, or a number of listeners";
        block.advise(Advice::mistake(said.line, what));
    }
    Some(usize::try_from(said.value).ok())
}

/// The name of one mount; `None` if it is a pattern or wrong, and noted.
fn valid(block: &mut Block<'_, '_>, said: &Said<String>) -> Option<Said<MountName>> {
    let (text, line) = (&said.value, said.line);
    if text.contains(['*', '?', '[']) {
        let what = "names of mounts with *, ? or [ are understood and not acted on yet; what is \
                    said of these mounts does not count";
        block.advise(Advice::warning(line, format!("{what}: {text:?}")));
        return None;
    }
    match MountName::new(text) {
        Ok(_) if text.trim() != text => {
            let what = format!("<mount-name> {text:?} begins or ends with blanks");
            block.advise(Advice::mistake(line, what));
            None
        }
        Ok(value) => Some(Said { value, line, order: said.order }),
        Err(error) => {
            block.advise(Advice::mistake(line, format!("<mount-name> {text:?}: {error}")));
            None
        }
    }
}

/// What `block` says, and where it says nothing what is usual.
fn filled(block: &MountBlock, usual: &MountLimits) -> MountLimits {
    let bytes = |said: &Option<Said<usize>>| said.as_ref().map(|said| said.value);
    MountLimits {
        burst_bytes: bytes(&block.burst).unwrap_or(usual.burst_bytes),
        queue_bytes: bytes(&block.queue).unwrap_or(usual.queue_bytes),
        listeners_max: block.listeners_max.unwrap_or(usual.listeners_max),
        ..usual.clone()
    }
}
