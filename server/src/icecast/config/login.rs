//! `<authentication>` of a mount: how its listeners prove that they may listen, and its source
//! that it may send.

use crate::config::mounts::ListenerAuth;
use crate::config::upstream::HttpAddress;
use crate::config::url_auth::{OnSilence, UrlAuth, YesLine, is_header_name};
use common::auth::{Credentials, Password};
use icecast_compat::config_xml::Block;
use icecast_compat::config_xml::advice::Advice;
use std::sync::Arc;
use std::time::Duration;

/// How listeners and the source log in.
pub(super) enum Login {
    /// By a backend that is asked.
    Backend(Arc<UrlAuth>),
    Known(ListenerAuth),
    /// In a way that is not acted on.
    Unknown,
    Unneeded,
}

/// Name and value of each `<option>`.
struct Options(Vec<(String, String)>);

impl Options {
    /// The value of `name`; of several the last counts, and an empty one is none.
    fn of(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|option| option.0 == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }
}

/// How listeners and the source log in; mistakes are noted.
pub(super) fn read(block: &mut Block<'_, '_>) -> Login {
    let line = block.line();
    let kind = block.attribute("type");
    let options = Options(block.each("option", |option| {
        let name = option.attribute("name").unwrap_or_default();
        (name, option.attribute("value").unwrap_or_default().trim().to_owned())
    }));
    match kind.as_deref() {
        None => Login::Unneeded,
        Some("htpasswd") => match options.of("filename") {
            Some(file) => Login::Known(ListenerAuth::Htpasswd {
                file: file.into(),
                duplicates: options.of("allow_duplicate_users").is_some_and(|said| said != "0"),
            }),
            None => {
                let what = "<authentication> of type htpasswd names no file; write <option \
                            name=\"filename\" value=\"…\"/>";
                block.advise(Advice::mistake(line, what));
                Login::Unknown
            }
        },
        Some("url") => match backend(block, line, &options) {
            Some(auth) if auth.is_idle() => Login::Unneeded,
            Some(auth) => Login::Backend(Arc::new(auth)),
            None => Login::Unknown,
        },
        Some(kind) => {
            let what = format!("<authentication> of type {kind:?} is not acted on yet");
            let what = format!("{what}; nobody may listen, rather than everybody");
            block.advise(Advice::warning(line, what));
            Login::Unknown
        }
    }
}

/// The backend; `None` if somebody is to be asked at an address that is none.
fn backend(block: &mut Block<'_, '_>, line: usize, options: &Options) -> Option<UrlAuth> {
    let usual = UrlAuth::default();
    let mut is_sound = true;
    let mut wrong = |what: String| {
        is_sound = false;
        block.advise(Advice::mistake(line, format!("<authentication> of type url: {what}")));
    };
    let mut address = |name: &str| {
        let text = options.of(name)?;
        let address = HttpAddress::parse(text);
        if address.is_none() {
            wrong(format!("{name} {text:?} is no address such as http://example.org/auth"));
        }
        address
    };
    let mut auth = UrlAuth {
        listener_add: address("listener_add"),
        listener_remove: address("listener_remove"),
        mount_add: address("mount_add"),
        mount_remove: address("mount_remove"),
        stream_auth: address("stream_auth"),
        ..usual
    };
    let names = options.of("headers").unwrap_or_default().split(',').map(str::trim);
    for name in names.filter(|name| !name.is_empty()) {
        if is_header_name(name) {
            auth.headers.push(name.to_owned());
        } else {
            wrong(format!("headers: {name:?} is not the name of a header"));
        }
    }
    if let Some(prefix) = options.of("header_prefix") {
        if !is_header_name(prefix) {
            wrong(format!("header_prefix {prefix:?} may hold letters, digits, -, _ and ."));
        }
        prefix.clone_into(&mut auth.header_prefix);
    }
    auth.credentials = options.of("username").map(|user| Credentials {
        user: user.to_owned(),
        password: Password::new(options.of("password").unwrap_or_default()),
    });
    if let Some(line) = options.of("auth_header") {
        auth.yes = YesLine::parse(line);
    }
    if let Some(line) = options.of("timelimit_header") {
        auth.time_limit_header = YesLine::parse(line).name;
    }
    // These two are icecast-kh's.
    let seconds = options.of("timeout").and_then(|text| text.parse().ok());
    if let Some(seconds) = seconds.filter(|seconds| *seconds > 0) {
        auth.timeout = Duration::from_secs(seconds);
    }
    if options.of("presume_innocent").is_some_and(|said| !matches!(said, "0" | "no" | "false")) {
        auth.on_silence = OnSilence::Admit;
    }
    is_sound.then_some(auth)
}
