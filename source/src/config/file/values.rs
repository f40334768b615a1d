//! How single keys are read: choices, lists, addresses, and names that must be there or must not.

use crate::config::names;
use common::config::{Section, Value, nearest};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use toml::de::DeValue;

/// A text, or a list of them.
pub(super) struct Texts(pub(super) Vec<String>);

impl Value for Texts {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if value.as_array().is_some() {
            return Vec::read(value).map(Self);
        }
        String::read(value).map(|text| Self(vec![text]))
    }
}

/// The names that commands may call something by, each of which means one thing only.
#[derive(Default)]
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    /// Gives `name` to `owner`, such as `the playlist "music"`; else says why that cannot be.
    pub(super) fn claim(&mut self, name: &str, owner: &str) -> Result<(), String> {
        if let Some(fault) = names::fault(name) {
            return Err(format!("`{name}` {fault}"));
        }
        let folded = names::folded(name);
        if RESERVED.contains(&folded.as_str()) {
            return Err(format!("`{name}` begins commands of their own; take another name"));
        }
        match self.0.iter().find(|(taken, _)| *taken == folded) {
            Some((_, other)) if other == owner => Ok(()),
            Some((_, other)) => Err(format!("`{name}` is what {other} is called; take another")),
            None => {
                self.0.push((folded, owner.to_owned()));
                Ok(())
            }
        }
    }

    /// Whether nobody is called `name`.
    pub(super) fn is_free(&self, name: &str) -> bool {
        let folded = names::folded(name);
        self.0.iter().all(|(taken, _)| *taken != folded)
    }

    /// The aliases that a section gives to `owner`.
    pub(super) fn aliases(&mut self, section: &mut Section<'_>, owner: &str) -> Vec<String> {
        let Texts(aliases) = section.value("aliases").unwrap_or(Texts(Vec::new()));
        for alias in &aliases {
            if let Err(what) = self.claim(alias, owner) {
                section.wrong("aliases", what);
            }
        }
        aliases
    }
}

/// The one of `choices` that `key` names, if it is there and names one.
pub(super) fn choice<T: Clone>(
    section: &mut Section<'_>,
    key: &'static str,
    choices: &[(&str, T)],
) -> Option<T> {
    let chosen: String = section.value(key)?;
    let found = choices.iter().find(|(name, _)| *name == chosen).map(|(_, value)| value.clone());
    if found.is_none() {
        let known: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        section.wrong(key, none_of(&chosen, &known));
    }
    found
}

/// The value of `key`, which has to be one of `allowed`.
pub(super) fn one_of(
    section: &mut Section<'_>,
    key: &'static str,
    allowed: &[u32],
    usual: u32,
) -> u32 {
    let Some(value) = section.value(key) else { return usual };
    if !allowed.contains(&value) {
        let all: Vec<_> = allowed.iter().map(u32::to_string).collect();
        section.wrong(key, format_args!("{value} is none of {}", all.join(", ")));
    }
    value
}

/// The value of `key`, which has to be within `allowed`.
pub(super) fn within(
    section: &mut Section<'_>,
    key: &'static str,
    allowed: RangeInclusive<u32>,
    usual: u32,
) -> u32 {
    let Some(value) = section.value(key) else { return usual };
    if !allowed.contains(&value) {
        let (from, to) = (allowed.start(), allowed.end());
        section.wrong(key, format_args!("{value} is not from {from} to {to}"));
    }
    value
}

/// That `name` is none of `known`, with the one that may be meant.
pub(super) fn none_of(name: &str, known: &[&str]) -> String {
    let all: Vec<_> = known.iter().map(|name| format!("\"{name}\"")).collect();
    match nearest(name, known) {
        Some(meant) => format!("`{name}` is none of {}; did you mean \"{meant}\"?", all.join(", ")),
        None => format!("`{name}` is none of {}", all.join(", ")),
    }
}

/// The address to listen on that `key` names: `127.0.0.1:1234`, or a port alone on this machine.
pub(super) fn address(section: &mut Section<'_>, key: &'static str) -> Option<SocketAddr> {
    let Listen(address) = section.value(key)?;
    Some(address)
}

struct Listen(SocketAddr);

impl Value for Listen {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if let Ok(port) = u16::read(value) {
            return Ok(Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
        }
        let text = String::read(value)?;
        let plain = text.replace("localhost:", "127.0.0.1:");
        plain.parse().map(Self).map_err(|_| {
            format!("`{text}` is not an address and a port such as \"127.0.0.1:1234\"")
        })
    }
}

/// How an owner of names is called in messages.
pub(super) fn called(kind: &str, name: impl fmt::Display) -> String {
    format!("the {kind} \"{name}\"")
}

/// What commands of the station itself begin with.
const RESERVED: [&str; 2] = ["request", "var"];
