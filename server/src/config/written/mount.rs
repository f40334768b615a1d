//! What holds for mounts, as TOML: each key only where it differs from the usual.

use super::{Page, headers};
use crate::config::limits::MountLimits;
use crate::config::mounts::{ListenerAuth, MountConfig, Overrides, SourceConflict};
use crate::config::upstream::HttpAddress;
use crate::config::url_auth::{OnSilence, UrlAuth};
use crate::mount::name::MountName;
use common::auth::Password;
use common::config::variables;
use std::sync::Arc;
use toml::Value;

/// Writes the section `name`, with those that belong to it. The section of a mount stands there
/// even if it says nothing: it may stand before a pattern.
pub(super) fn write(
    page: &mut Page,
    name: &str,
    comment: &str,
    config: &MountConfig,
    usual: &MountConfig,
) {
    let mut inside = Page::default();
    if config.user != usual.user {
        inside.text_unless("user", &config.user, &usual.user);
    }
    if config.password != usual.password {
        inside.password("password", config.password.as_ref());
    }
    limits(&mut inside, &config.limits, &usual.limits);
    keys(&mut inside, config, usual);
    says(&mut inside, &config.says, &usual.says);
    if config.listeners != usual.listeners {
        listeners(&mut inside, config.listeners.as_ref());
    }
    if config.url_auth != usual.url_auth {
        let or_none = |auth: &Option<Arc<UrlAuth>>| auth.as_deref().cloned().unwrap_or_default();
        url_auth(&mut inside, &or_none(&config.url_auth), &or_none(&usual.url_auth));
    }
    if name.starts_with("mounts.") || !inside.text.is_empty() {
        page.heading(&format!("[{name}]"), comment);
        page.text.push_str(&inside.text);
    }
    if config.http_headers != usual.http_headers {
        headers(page, &format!("[[{name}.http_header]]"), &config.http_headers);
    }
}

/// Writes the limits that differ.
pub(super) fn limits(page: &mut Page, limits: &MountLimits, usual: &MountLimits) {
    page.number_unless("burst_size", limits.burst_bytes, usual.burst_bytes);
    page.number_unless("queue_size", limits.queue_bytes, usual.queue_bytes);
    // Unsaid, it follows from the burst.
    if (limits.burst_bytes, limits.flush_delay) != (usual.burst_bytes, usual.flush_delay) {
        page.duration("flush_delay", limits.flush_delay);
    }
    if limits.listeners_max != usual.listeners_max {
        let most = limits.listeners_max.map(|most| i64::try_from(most).unwrap_or(i64::MAX));
        page.line("max_listeners", most.map_or_else(|| Value::from("none"), Value::from));
    }
    page.duration_unless(
        "max_listener_duration",
        limits.listener_duration_max.unwrap_or_default(),
        usual.listener_duration_max.unwrap_or_default(),
    );
    page.duration_unless("source_timeout", limits.source_timeout, usual.source_timeout);
    page.duration_unless("source_grace", limits.source_grace, usual.source_grace);
}

fn keys(page: &mut Page, config: &MountConfig, usual: &MountConfig) {
    let name = |fallback: &Option<MountName>| fallback.as_ref().map(ToString::to_string);
    page.optional("fallback", name(&config.fallback).as_deref(), name(&usual.fallback).as_deref());
    page.flag_unless("fallback_override", config.fallback_override, usual.fallback_override);
    page.flag_unless("fallback_when_full", config.fallback_when_full, usual.fallback_when_full);
    page.path("intro", config.intro.as_deref(), usual.intro.as_deref());
    page.optional("dump_file", config.dump_file.as_deref(), usual.dump_file.as_deref());
    page.path("on_connect", config.on_connect.as_deref(), usual.on_connect.as_deref());
    page.path("on_disconnect", config.on_disconnect.as_deref(), usual.on_disconnect.as_deref());
    page.flag_unless("hidden", config.hidden, usual.hidden);
    page.flag_unless("direct", config.direct, usual.direct);
    if config.public != usual.public {
        page.line("public", config.public.map_or_else(|| Value::from("source"), Value::from));
    }
    if config.cluster_password != usual.cluster_password {
        let password = config.cluster_password.as_ref().map_or("", Password::reveal);
        page.line("cluster_password", variables::escaped(password));
    }
    let charset = |charset: Option<&'static encoding_rs::Encoding>| charset.map(|c| c.name());
    page.optional("charset", charset(config.charset), charset(usual.charset));
    if config.metadata_interval_bytes != usual.metadata_interval_bytes {
        let bytes = config.metadata_interval_bytes.map(i64::from);
        page.line("metadata_interval", bytes.map_or_else(|| Value::from("source"), Value::from));
    }
    if config.on_source_conflict != usual.on_source_conflict {
        page.line(
            "on_source_conflict",
            match config.on_source_conflict {
                SourceConflict::Refuse => "refuse",
                SourceConflict::Takeover => "takeover",
            },
        );
    }
}

fn says(page: &mut Page, says: &Overrides, usual: &Overrides) {
    let Overrides { name, description, url, genre, bitrate, content_type, subtype } = says;
    for (key, text, usual) in [
        ("name", name, &usual.name),
        ("description", description, &usual.description),
        ("url", url, &usual.url),
        ("genre", genre, &usual.genre),
        ("bitrate", bitrate, &usual.bitrate),
        ("content_type", content_type, &usual.content_type),
        ("subtype", subtype, &usual.subtype),
    ] {
        page.optional(key, text.as_deref(), usual.as_deref());
    }
}

/// In one line, because a section of its own would take the keys that follow.
fn listeners(page: &mut Page, auth: Option<&ListenerAuth>) {
    match auth {
        Some(ListenerAuth::Htpasswd { file, duplicates }) => {
            page.path("listeners.htpasswd", Some(file), None);
            page.flag_unless("listeners.duplicates", *duplicates, false);
        }
        None => page.line("listeners.htpasswd", ""),
    }
}

/// Likewise.
fn url_auth(page: &mut Page, auth: &UrlAuth, usual: &UrlAuth) {
    let text = |address: &Option<HttpAddress>| address.as_ref().map(ToString::to_string);
    for (key, address, usual) in [
        ("listener_add", &auth.listener_add, &usual.listener_add),
        ("listener_remove", &auth.listener_remove, &usual.listener_remove),
        ("mount_add", &auth.mount_add, &usual.mount_add),
        ("mount_remove", &auth.mount_remove, &usual.mount_remove),
        ("stream_auth", &auth.stream_auth, &usual.stream_auth),
    ] {
        let key = format!("url_auth.{key}");
        page.optional(&key, text(address).as_deref(), text(usual).as_deref());
    }
    if auth.credentials != usual.credentials {
        let credentials = auth.credentials.as_ref();
        let user = credentials.map_or("", |given| &given.user);
        page.line("url_auth.user", variables::escaped(user));
        let password = credentials.map_or("", |given| Password::reveal(&given.password));
        page.line("url_auth.password", variables::escaped(password));
    }
    if auth.headers != usual.headers {
        let names = auth.headers.iter().map(|name| Value::from(name.as_str()));
        page.line("url_auth.headers", Value::Array(names.collect()));
    }
    page.text_unless("url_auth.header_prefix", &auth.header_prefix, &usual.header_prefix);
    page.text_unless("url_auth.auth_header", &auth.yes.text(), &usual.yes.text());
    page.text_unless(
        "url_auth.timelimit_header",
        &auth.time_limit_header,
        &usual.time_limit_header,
    );
    page.duration_unless("url_auth.timeout", auth.timeout, usual.timeout);
    if auth.on_silence != usual.on_silence {
        page.line(
            "url_auth.on_silence",
            match auth.on_silence {
                OnSilence::Admit => "admit",
                OnSilence::Refuse => "refuse",
            },
        );
    }
}
