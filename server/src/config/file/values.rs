//! How single keys are read: texts that may be empty, choices, addresses, and what says no.

use crate::config::files;
use common::config::{Section, Value};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;
use toml::de::DeValue;

/// A value, or the word that says there is none.
pub(super) struct OrNone<T>(pub(super) Option<T>);

impl<T: Value> Value for OrNone<T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if value.as_str() == Some("none") {
            return Ok(Self(None));
        }
        T::read(value).map(|value| Self(Some(value))).map_err(|what| format!("{what}, or \"none\""))
    }
}

/// A value, or the word that leaves it to the source.
pub(super) struct OrSource<T>(pub(super) Option<T>);

impl<T: Value> Value for OrSource<T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if value.as_str() == Some("source") {
            return Ok(Self(None));
        }
        let read = T::read(value).map(|value| Self(Some(value)));
        read.map_err(|what| format!("{what}, or \"source\""))
    }
}

/// The text of `key`; an empty one is none, and without the key the usual counts.
pub(super) fn text(
    section: &mut Section<'_>,
    key: &'static str,
    usual: &Option<String>,
) -> Option<String> {
    match section.value::<String>(key) {
        Some(text) => Some(text).filter(|text| !text.is_empty()),
        None => usual.clone(),
    }
}

/// The path of `key`, likewise.
pub(super) fn path(
    section: &mut Section<'_>,
    key: &'static str,
    usual: &Option<PathBuf>,
) -> Option<PathBuf> {
    match section.value::<String>(key) {
        Some(text) => (!text.is_empty()).then(|| text.into()),
        None => usual.clone(),
    }
}

/// A path in the webroot, likewise.
pub(super) fn path_in_webroot(
    section: &mut Section<'_>,
    key: &'static str,
    usual: &Option<PathBuf>,
) -> Option<PathBuf> {
    let Some(text) = section.value::<String>(key) else { return usual.clone() };
    let path = files::in_webroot(&text);
    if path.is_none() && !text.is_empty() {
        section.wrong(key, format!("`{text}` names no file in the webroot"));
    }
    path
}

/// Which of the choices `key` names.
pub(super) fn one_of<T: Clone>(
    section: &mut Section<'_>,
    key: &'static str,
    choices: &[(&str, T)],
    usual: T,
) -> T {
    let Some(text) = section.value::<String>(key) else { return usual };
    if let Some((_, choice)) = choices.iter().find(|choice| choice.0 == text) {
        return choice.clone();
    }
    let names: Vec<_> = choices.iter().map(|choice| format!("\"{}\"", choice.0)).collect();
    section.wrong(key, format!("`{text}` is none of {}", names.join(", ")));
    usual
}

/// The IP address of `key`; an empty text is none.
pub(super) fn address(section: &mut Section<'_>, key: &'static str) -> Option<IpAddr> {
    let text = section.value::<String>(key).filter(|text| !text.is_empty())?;
    let address = text.parse().ok();
    if address.is_none() {
        section.wrong(key, format!("`{text}` is not an IP address"));
    }
    address
}

/// The networks of `key`; a single address is a network of one.
pub(super) fn networks(section: &mut Section<'_>, key: &'static str) -> Vec<IpNet> {
    let texts = section.value::<Vec<String>>(key).unwrap_or_default();
    let mut networks = Vec::new();
    for text in texts {
        let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        match network {
            Some(network) => networks.push(network),
            None => section.wrong(
                key,
                format!("`{text}` is not an address or a network such as 10.0.0.0/8 or ::1"),
            ),
        }
    }
    networks
}
