//! `url_auth`: the backend that is asked about the listeners and sources of a mount.

use super::values::one_of;
use crate::config::upstream::HttpAddress;
use crate::config::url_auth::{OnSilence, UrlAuth, YesLine, is_header_name};
use common::auth::{Credentials, Password};
use common::config::Section;
use std::sync::Arc;

/// Reads the section; what it does not say is as `usual`.
pub(super) fn read(section: &mut Section<'_>, usual: Option<&UrlAuth>) -> Option<Arc<UrlAuth>> {
    let usual = usual.cloned().unwrap_or_default();
    let credentials = credentials(section, usual.credentials);
    let headers = names(section, usual.headers);
    let line = |section: &mut Section<'_>, key| {
        let line = section.value::<String>(key)?;
        let name = line.split(':').next().unwrap_or_default().trim();
        if !is_header_name(name) {
            section.wrong(key, format!("`{line}` does not begin with the name of a header"));
        }
        Some(YesLine::parse(&line))
    };
    let silences = [("admit", OnSilence::Admit), ("refuse", OnSilence::Refuse)];
    let read = UrlAuth {
        listener_add: address(section, "listener_add", usual.listener_add),
        listener_remove: address(section, "listener_remove", usual.listener_remove),
        mount_add: address(section, "mount_add", usual.mount_add),
        mount_remove: address(section, "mount_remove", usual.mount_remove),
        stream_auth: address(section, "stream_auth", usual.stream_auth),
        credentials,
        headers,
        header_prefix: section.value("header_prefix").unwrap_or(usual.header_prefix),
        yes: line(section, "auth_header").unwrap_or(usual.yes),
        time_limit_header: line(section, "timelimit_header")
            .map_or(usual.time_limit_header, |line| line.name),
        timeout: section.value("timeout").unwrap_or(usual.timeout),
        on_silence: one_of(section, "on_silence", &silences, usual.on_silence),
    };
    if read.timeout.is_zero() {
        section.wrong("timeout", "0s; no backend is as fast as that");
    }
    if !read.header_prefix.is_empty() && !is_header_name(&read.header_prefix) {
        section.wrong("header_prefix", "may hold letters, digits, `-`, `_` and `.`");
    }
    (!read.is_idle()).then(|| Arc::new(read))
}

fn address(
    section: &mut Section<'_>,
    key: &'static str,
    usual: Option<HttpAddress>,
) -> Option<HttpAddress> {
    let Some(text) = section.value::<String>(key) else { return usual };
    let address = HttpAddress::parse(&text);
    if address.is_none() && !text.is_empty() {
        section.wrong(key, format!("`{text}` is no address such as https://example.org/auth"));
    }
    address
}

/// User and password, where there is a user.
fn credentials(section: &mut Section<'_>, usual: Option<Credentials>) -> Option<Credentials> {
    let user = section.value::<String>("user");
    let password = section.value::<String>("password");
    if user.is_none() && password.is_none() {
        return usual;
    }
    let user = user.filter(|user| !user.is_empty())?;
    Some(Credentials { user, password: Password::new(&password.unwrap_or_default()) })
}

fn names(section: &mut Section<'_>, usual: Vec<String>) -> Vec<String> {
    let Some(names) = section.value::<Vec<String>>("headers") else { return usual };
    for name in names.iter().filter(|name| !is_header_name(name)) {
        section.wrong("headers", format!("`{name}` is not the name of a header"));
    }
    names
}
