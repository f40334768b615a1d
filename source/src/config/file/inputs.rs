//! Reads `[inputs.NAME]`: where live sources come in, and streams that are fetched.

use super::rules;
use super::values::{Names, address, called};
use crate::config::entries::{InputConfig, Origin};
use crate::fetch::address::HttpAddress;
use common::auth::{Credentials, Password};
use common::config::Section;
use jiff::tz::TimeZone;
use std::net::SocketAddr;
use std::time::Duration;

/// Every input of the file.
pub(super) fn read(top: &mut Section<'_>, zone: &TimeZone, names: &mut Names) -> Vec<InputConfig> {
    let mut taken: Vec<(SocketAddr, String)> = Vec::new();
    let inputs = top.named("inputs", |name, section| {
        let owner = called("input", name);
        if let Err(what) = names.claim(name, &owner) {
            section.wrong_here(what);
        }
        let aliases = names.aliases(section, &owner);
        let origin = origin(name, section);
        if let Some(Origin::Harbor { listen, mount, .. }) = &origin {
            let place = (*listen, mount.clone());
            if listen.port() != 0 && taken.contains(&place) {
                section.wrong("mount", format_args!("`{mount}` on {listen} is another input's"));
            }
            taken.push(place);
        }
        let buffer = within(section, "buffer", BUFFER, BUFFER_MIN, BUFFER_MAX);
        let silence_max = within(section, "silence_max", SILENCE_MAX, SECOND, SILENCE_LONGEST);
        let rules = rules::of_input(section, zone);
        let name = name.to_owned();
        origin.map(|origin| InputConfig { name, aliases, origin, buffer, silence_max, rules })
    });
    inputs.into_iter().flatten().collect()
}

/// Where the input called `name` comes from; `None` if that was a mistake.
fn origin(name: &str, section: &mut Section<'_>) -> Option<Origin> {
    let url: Option<String> = section.value("url");
    let listen = address(section, "listen");
    let mount: Option<String> = section.value("mount");
    let user: Option<String> = section.value("user");
    let password: Option<Password> = section.value("password");
    if let Some(url) = url {
        if listen.is_some() {
            section.wrong("url", "fetches a stream, and `listen` lets one in; write one of them");
        }
        return match HttpAddress::parse(&url) {
            Ok(address) => Some(Origin::Relay { address }),
            Err(error) => {
                section.wrong("url", error);
                None
            }
        };
    }
    let Some(listen) = listen else {
        section.wrong_here("has neither `listen`, for a source to come to, nor `url`, to fetch");
        return None;
    };
    let mount = mount.unwrap_or_else(|| format!("/{name}"));
    if !mount.starts_with('/') || mount.contains(|it: char| it.is_whitespace() || it == '?') {
        section.wrong("mount", format_args!("`{mount}` is no mount such as /live"));
    }
    let Some(password) = password.filter(|password| !password.reveal().is_empty()) else {
        section.wrong("password", "missing; without one anybody could go on the air");
        return None;
    };
    let user = user.unwrap_or_else(|| "source".to_owned());
    Some(Origin::Harbor { listen, mount, credentials: Credentials { user, password } })
}

/// The time that `key` says, which has to be from `least` to `most`.
fn within(
    section: &mut Section<'_>,
    key: &'static str,
    usual: Duration,
    least: Duration,
    most: Duration,
) -> Duration {
    let Some(time) = section.value::<Duration>(key) else { return usual };
    if time < least || time > most {
        let (least, most) = (least.as_secs_f64(), most.as_secs_f64());
        section.wrong(key, format_args!("is not from {least} s to {most} s"));
    }
    time
}

/// So much of a live source is there before it is played, if not said.
const BUFFER: Duration = Duration::from_secs(5);
const BUFFER_MIN: Duration = Duration::from_millis(500);
const BUFFER_MAX: Duration = Duration::from_secs(60);
/// A live source is sent away that sends nothing for so long, if not said.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);
const SILENCE_LONGEST: Duration = Duration::from_secs(3_600);
