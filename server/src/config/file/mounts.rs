//! What holds for every mount, and the sections of single mounts and of patterns.

use super::values::{OrNone, OrSource, one_of, path, path_in_webroot, text};
use super::{sections, url_auth};
use crate::config::limits::{FLUSH_DELAY_MAX, MountLimits, QUEUE_BYTES_MAX};
use crate::config::mounts::{
    ListenerAuth, MountConfig, MountPattern, Mounts, Overrides, SourceConflict,
};
use crate::mount::name::MountName;
use common::auth::Password;
use common::config::{Section, Size};
use common::units::Bytes;
use encoding_rs::Encoding;
use std::time::Duration;

/// Reads every section of a mount, in the order of the file.
pub(super) fn read(top: &mut Section<'_>, usual: MountConfig) -> Mounts {
    let rules = top.named("mounts", |name, section| {
        let pattern = MountPattern::new(name);
        let own = MountConfig {
            user: section.value("user").unwrap_or_else(|| usual.user.clone()),
            password: section.value("password").or_else(|| usual.password.clone()),
            limits: limits(section, &usual.limits),
            ..usual.clone()
        };
        let config = mount(section, own);
        match pattern {
            Ok(pattern) => Some((pattern, config)),
            Err(error) => {
                section.wrong_here(error);
                None
            }
        }
    });
    Mounts { rules: rules.into_iter().flatten().collect(), usual }
}

/// The keys that stand both in `[limits]`, for all mounts, and in a mount's own section.
pub(super) fn limits(section: &mut Section<'_>, usual: &MountLimits) -> MountLimits {
    let mut bytes = |key, usual: usize| match section.value::<Size>(key) {
        Some(Size(size)) if size > QUEUE_BYTES_MAX => {
            section.wrong(key, format!("{size} bytes; {} at most", Bytes(QUEUE_BYTES_MAX)));
            usual
        }
        Some(Size(size)) => usize::try_from(size).unwrap_or(usual),
        None => usual,
    };
    let burst_bytes = bytes("burst_size", usual.burst_bytes);
    let queue_bytes = bytes("queue_size", usual.queue_bytes);
    if burst_bytes > queue_bytes {
        let what = format!("burst_size {burst_bytes} exceeds queue_size {queue_bytes}");
        section.wrong("burst_size", format!("{what}; every listener would be dropped at once"));
    }
    let beside = if burst_bytes < usual.burst_bytes {
        usual.flush_delay.min(MountLimits::flush_delay_beside(burst_bytes))
    } else {
        usual.flush_delay
    };
    let mut flush_delay = section.value("flush_delay").unwrap_or(beside);
    if flush_delay > FLUSH_DELAY_MAX {
        section.wrong("flush_delay", format!("{flush_delay:?}; {FLUSH_DELAY_MAX:?} at most"));
        flush_delay = usual.flush_delay;
    }
    let listeners_max = match section.value::<OrNone<u32>>("max_listeners") {
        Some(OrNone(most)) => most.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        None => usual.listeners_max,
    };
    // 0 is never: nobody wants a mount that lets each listener go at once.
    let listener_duration_max = match section.value::<Duration>("max_listener_duration") {
        Some(most) => Some(most).filter(|most| !most.is_zero()),
        None => usual.listener_duration_max,
    };
    MountLimits {
        burst_bytes,
        queue_bytes,
        flush_delay,
        listeners_max,
        listener_duration_max,
        source_timeout: section.value("source_timeout").unwrap_or(usual.source_timeout),
        source_grace: section.value("source_grace").unwrap_or(usual.source_grace),
    }
}

/// The keys that stand both in `[mount_defaults]` and in a mount's own section.
pub(super) fn mount(section: &mut Section<'_>, usual: MountConfig) -> MountConfig {
    let flag = |section: &mut Section<'_>, key, usual| section.value(key).unwrap_or(usual);
    let conflicts = [("takeover", SourceConflict::Takeover), ("refuse", SourceConflict::Refuse)];
    MountConfig {
        fallback: fallback(section, usual.fallback),
        fallback_override: flag(section, "fallback_override", usual.fallback_override),
        fallback_when_full: flag(section, "fallback_when_full", usual.fallback_when_full),
        intro: path_in_webroot(section, "intro", &usual.intro),
        dump_file: text(section, "dump_file", &usual.dump_file),
        on_connect: path(section, "on_connect", &usual.on_connect),
        on_disconnect: path(section, "on_disconnect", &usual.on_disconnect),
        hidden: flag(section, "hidden", usual.hidden),
        direct: flag(section, "direct", usual.direct),
        public: section.value("public").map_or(usual.public, |OrSource(public)| public),
        cluster_password: cluster_password(section, usual.cluster_password),
        says: Overrides {
            name: text(section, "name", &usual.says.name),
            description: text(section, "description", &usual.says.description),
            url: text(section, "url", &usual.says.url),
            genre: text(section, "genre", &usual.says.genre),
            bitrate: text(section, "bitrate", &usual.says.bitrate),
            content_type: text(section, "content_type", &usual.says.content_type),
            subtype: text(section, "subtype", &usual.says.subtype),
        },
        charset: charset(section, usual.charset),
        metadata_interval_bytes: section
            .value("metadata_interval")
            .map_or(usual.metadata_interval_bytes, |OrSource(bytes)| bytes),
        http_headers: sections::http_headers(section).unwrap_or(usual.http_headers),
        listeners: section.section("listeners", |section| listener_auth(section, usual.listeners)),
        url_auth: section
            .section("url_auth", |section| url_auth::read(section, usual.url_auth.as_deref())),
        on_source_conflict: one_of(
            section,
            "on_source_conflict",
            &conflicts,
            usual.on_source_conflict,
        ),
        user: usual.user,
        password: usual.password,
        limits: usual.limits,
    }
}

fn fallback(section: &mut Section<'_>, usual: Option<MountName>) -> Option<MountName> {
    let name = section.value::<String>("fallback");
    match name.as_deref().map(MountName::new) {
        None => usual,
        Some(Ok(name)) => Some(name),
        Some(Err(_)) if name.as_deref() == Some("") => None,
        Some(Err(error)) => {
            section.wrong("fallback", error);
            None
        }
    }
}

/// An empty one is none.
fn cluster_password(section: &mut Section<'_>, usual: Option<Password>) -> Option<Password> {
    match section.value::<String>("cluster_password") {
        None => usual,
        Some(text) => (!text.is_empty()).then(|| Password::new(&text)),
    }
}

fn charset(
    section: &mut Section<'_>,
    usual: Option<&'static Encoding>,
) -> Option<&'static Encoding> {
    let label = section.value::<String>("charset");
    match label.as_deref() {
        None => usual,
        Some("") => None,
        Some(label) => {
            let charset = Encoding::for_label(label.as_bytes());
            if charset.is_none() {
                section.wrong("charset", format!("`{label}` is not known; try \"UTF-8\""));
            }
            charset
        }
    }
}

fn listener_auth(section: &mut Section<'_>, usual: Option<ListenerAuth>) -> Option<ListenerAuth> {
    let file = section.value::<String>("htpasswd");
    let duplicates = section.value("duplicates");
    match file {
        None => {
            if duplicates.is_some() {
                section.wrong("duplicates", "of which users? name their file with htpasswd");
            }
            usual
        }
        Some(file) if file.is_empty() => None,
        Some(file) => {
            let (file, duplicates) = (file.into(), duplicates.unwrap_or_default());
            Some(ListenerAuth::Htpasswd { file, duplicates })
        }
    }
}
