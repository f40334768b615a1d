//! `<mount>` blocks: which mounts they are about, and in which order they count.
//!
//! A block of type `default` fills what a mount's own block leaves unset, and holds for mounts
//! that have no block. Names are patterns, and of two that fit a mount the first counts.

use super::mount_block::MountBlock;
use crate::config::doubts;
use crate::config::limits::MountLimits;
use crate::config::mounts::{MountConfig, MountPattern, Mounts};
use common::auth::Password;
use icecast_compat::config_xml::advice::Advice;
use icecast_compat::config_xml::{Block, Said};

/// Which mounts a block is about.
enum About {
    All,
    Nobody,
    These(Said<MountPattern>),
}

/// The rules of a file, each with its line.
pub(super) struct Rules {
    /// The rules.
    pub(super) mounts: Mounts,
    /// The line of each rule, in the same order.
    lines: Vec<usize>,
}

/// Reads every block; `usual` is what holds where none says otherwise.
pub(super) fn read(
    top: &mut Block<'_, '_>,
    mut usual: MountConfig,
    named: Vec<(Said<String>, Password)>,
) -> Rules {
    let mut own = Vec::new();
    for (about, block) in top.each("mount", mount) {
        match about {
            About::All => hold_for_all(top, block, &mut usual),
            About::Nobody => {}
            About::These(pattern) => own.push((pattern, block)),
        }
    }
    let mut rules = Rules { mounts: Mounts { usual, rules: Vec::new() }, lines: Vec::new() };
    for (pattern, block) in own {
        rules.add(top, pattern, block);
    }
    for (name, password) in named {
        rules.add_password(top, &name, password);
    }
    rules
}

impl Rules {
    /// Adds a rule after the others, with a word on one before it that takes its place.
    fn add(&mut self, top: &mut Block<'_, '_>, said: Said<MountPattern>, block: MountBlock) {
        let pattern = said.value;
        let name = pattern.as_str().to_owned();
        if let Some(first) = self.hiding(&pattern) {
            let (other, line) = (self.mounts.rules[first].0.as_str(), self.lines[first]);
            let what = if other == name {
                format!("mount {name}: its block in line {line} counts")
            } else {
                format!("mount {name}: {other} in line {line} stands before it and counts")
            };
            top.advise(Advice::warning(said.line, what));
            return;
        }
        let mut config = self.mounts.usual.clone();
        let (line, sizes_line) = (block.line, block.sizes_line);
        block.apply(&mut config);
        if let Some(line) = sizes_line {
            check(top, &format!("mount {name}"), line, &config.limits);
        }
        self.mounts.rules.push((pattern, config));
        self.lines.push(line);
    }

    /// The rule that fits every name that `pattern` fits, as far as that is plain to see.
    fn hiding(&self, pattern: &MountPattern) -> Option<usize> {
        let name = pattern.name();
        let hides = |other: &MountPattern| {
            other == pattern || name.as_ref().is_some_and(|name| other.fits(name))
        };
        self.mounts.rules.iter().position(|(other, _)| hides(other))
    }

    /// Adds a password that belongs to one mount, unless its block has one.
    fn add_password(&mut self, top: &mut Block<'_, '_>, name: &Said<String>, password: Password) {
        let Some(pattern) = valid(top, name) else { return };
        let Mounts { usual, rules } = &mut self.mounts;
        match rules.iter_mut().find(|(other, _)| *other == pattern.value) {
            Some((_, config)) if config.password == usual.password => {
                config.password = Some(password);
            }
            Some(_) => {}
            None => {
                let config = MountConfig { password: Some(password), ..usual.clone() };
                rules.push((pattern.value, config));
                self.lines.push(pattern.line);
            }
        }
    }

    /// Says what is doubtful about the rules and the files they name.
    pub(super) fn doubt(&self, top: &mut Block<'_, '_>, config: &crate::config::Config) {
        for doubt in doubts::of(config) {
            let line = doubt.rule.map_or_else(|| top.line(), |rule| self.lines[rule]);
            top.advise(Advice::warning(line, doubt.what));
        }
    }
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
    let sizes_line = block.sizes_line;
    block.apply(usual);
    if let Some(line) = sizes_line {
        check(top, "mount of type default", line, &usual.limits);
    }
}

/// Reads one block.
fn mount(block: &mut Block<'_, '_>) -> (About, MountBlock) {
    let line = block.line();
    let name = block.text("mount-name");
    let about = match block.attribute("type").as_deref() {
        None | Some("normal") => match name {
            Some(name) => valid(block, &name).map_or(About::Nobody, About::These),
            None => {
                let what = "<mount> has no <mount-name> and is about no mount; ignored";
                block.advise(Advice::warning(line, what));
                About::Nobody
            }
        },
        Some("default") => {
            if let Some(name) = name {
                let what = "<mount-name> in a block of type default; the block holds for all";
                block.advise(Advice::warning(name.line, what));
            }
            About::All
        }
        Some(odd) => {
            let what = format!("<mount> of type {odd:?}, which Icecast does not know; ignored");
            block.advise(Advice::warning(line, what));
            About::Nobody
        }
    };
    (about, MountBlock::read(block))
}

/// The names a block is about; `None` if no mount can be called so, and noted. Icecast starts with
/// such a block and never finds it.
fn valid(block: &mut Block<'_, '_>, said: &Said<String>) -> Option<Said<MountPattern>> {
    let (text, line) = (&said.value, said.line);
    let pattern = if text.trim() == text {
        MountPattern::new(text)
    } else {
        Err("begins or ends with blanks".to_owned())
    };
    match pattern {
        Ok(value) => Some(Said { value, line, order: said.order }),
        Err(error) => {
            let what = format!("<mount-name> {text:?} names no mount: {error}");
            block.advise(Advice::warning(line, format!("{what}; what is said of it is ignored")));
            None
        }
    }
}
