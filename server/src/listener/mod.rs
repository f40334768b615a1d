//! A listener: somebody's player.
//!
//! Here it joins: it gets its place in a mount's stream and the head of its answer, and is handed,
//! with its connection, to one of the mount's fans, which serves it from then on
//! ([`crate::mount::fan`]).

pub(crate) mod admission;
mod head;
pub(crate) mod probe;
mod room;

use crate::answer::Answer;
use crate::client::Client;
use crate::config::Compat;
use crate::config::mounts::MountConfig;
use crate::guest;
use crate::mount::Joined;
use crate::mount::fan::{Arrival, Order};
use crate::mount::feed::Feed;
use crate::mount::name::MountName;
use crate::mount::on_air::SourceAbout;
use crate::parts::Parts;
use crate::refusal::Refusal;
use crate::status::counters::Hearer;
use crate::switchboard;
use crate::via;
use admission::{Admission, Identity};
use common::http::head::{RequestHead, Version};
use jiff::Timestamp;
use probe::Ranged;
use std::sync::Arc;
use tokio::time::Instant;

/// Makes `client` a listener of the mount `name`, or of one that stands in for it; gives it back
/// if that cannot be.
pub(crate) async fn join(
    client: Client,
    request: &RequestHead,
    name: MountName,
    parts: &Arc<Parts>,
) -> Result<(), (Box<Client>, Refusal)> {
    let via = request.headers.first("via").filter(|line| via::is_relays(line)).map(str::to_owned);
    if via.as_ref().is_some_and(|via| parts.instance.is_in(&name, via)) {
        return Err((Box::new(client), Refusal::RelayLoop));
    }
    let admitted = admission::admit(&client, request, &name, parts).await;
    let Admission { hearer, identity, places } = match admitted {
        Ok(admission) => admission,
        Err(refusal) => return Err((Box::new(client), refusal)),
    };
    let Identity { user, visit, time_max } = identity;
    let joined = match find_seat(&name, hearer, via.as_deref(), parts).await {
        Ok(joined) => joined,
        Err(refusal) => return Err((Box::new(client), refusal)),
    };
    let Joined { source, start, intro, seat, fan } = joined;
    let config = parts.config();
    let mount_config = config.mount(&name);
    let wants_icy = guest::wants_icy(request, &config);
    // Such a program knows no chunks either.
    let version = if wants_icy { Version::Http10 } else { request.version };
    let wrapping = head::wrapping(request, version, &source, mount_config);
    let now = Timestamp::now();
    let ranged = match config.compat {
        Compat::Sensible => probe::ranged(request),
        Compat::Strict => Ranged::No,
    };
    let head = head::head(&config, mount_config, version, wrapping, &source, ranged, now);
    let head = match via {
        Some(_) => {
            let line = parts.instance.add(&name, source.via.as_deref());
            head.replacen("\r\n", &format!("\r\nVia: {line}\r\n"), 1)
        }
        None if wants_icy => guest::in_icy(&head),
        None => head,
    };
    let feed = match intro {
        // It brings its own stream headers; those of the stream come after it.
        Some(intro) => {
            Feed::with_intro(head.as_bytes(), intro.start.clone(), intro.bytes, wrapping)
        }
        None => Feed::new(head.as_bytes(), start, wrapping),
    };
    let Client { socket, ip, id, seat: client_seat, asked, .. } = client;
    let user_agent = request.headers.first("user-agent").map(shortened);
    let seats = (seat, client_seat);
    let arrival = Arrival {
        socket,
        feed,
        seats,
        places,
        visit,
        time_max,
        home: name,
        ip,
        id,
        user_agent,
        user,
        asked,
        joined: Instant::now(),
        sent_bytes: 0,
    };
    // If the mount has ended at this moment, the listener's connection ends with it.
    let _ = fan.send(Order::Welcome(Box::new(arrival))).await;
    Ok(())
}

/// As much of a player's name as is kept.
fn shortened(agent: &str) -> Box<str> {
    let end = (0..=agent.len().min(USER_AGENT_BYTES_MAX)).rev();
    let end = end.into_iter().find(|&end| agent.is_char_boundary(end)).unwrap_or_default();
    agent[..end].into()
}

/// A seat at the mount `name`, or else at the first that stands in for it and has one.
async fn find_seat(
    name: &MountName,
    hearer: Hearer,
    via: Option<&str>,
    parts: &Arc<Parts>,
) -> Result<Joined, Refusal> {
    let stops = parts.registry.chain(name.clone()).await;
    let Some((first, others)) = stops.split_first() else { return Err(Refusal::ServerStopping) };
    if !first.config.direct {
        return Err(Refusal::MountUnavailable);
    }
    let mut refusal = Refusal::NotFound;
    if let Some(mount) = first.on_air() {
        let is_full = hearer == Hearer::Player && room::is_full(mount, &first.config, parts);
        let seat = match is_full {
            true => Err(Refusal::ListenersFull),
            false => mount.join(hearer).await,
        };
        match seat {
            Err(Refusal::ListenersFull) if first.config.fallback_when_full => {
                refusal = Refusal::ListenersFull;
            }
            answer => return answer,
        }
    }
    for stop in others {
        let Some(mount) = switchboard::on_air(stop, parts).await else { continue };
        match mount.join(hearer).await {
            Ok(joined) => return Ok(joined),
            Err(full @ Refusal::ListenersFull) => {
                refusal = full;
                if !stop.config.fallback_when_full {
                    break;
                }
            }
            Err(_) => {}
        }
    }
    if refusal == Refusal::NotFound && parts.relays.fetch(name, via).await {
        let fetched = parts.registry.find(name.clone()).await.ok_or(Refusal::NotFound)?;
        return fetched.join(hearer).await;
    }
    // A mount that waits for its source to return has a seat all the same.
    match &first.mount {
        Some(mount) if refusal == Refusal::NotFound => mount.join(hearer).await,
        Some(_) | None => Err(refusal),
    }
}

/// What a listener of the mount `name` would hear: of the mount itself, or of the first that stands
/// in for it. A file that is not on air yet is not put there for that.
pub(crate) async fn heard(name: &MountName, parts: &Parts) -> Result<Arc<SourceAbout>, Refusal> {
    let stops = parts.registry.chain(name.clone()).await;
    if stops.first().is_some_and(|first| !first.config.direct) {
        return Err(Refusal::MountUnavailable);
    }
    let found = stops.iter().find_map(|stop| stop.on_air()?.on_air());
    Ok(found.ok_or(Refusal::NotFound)?.source)
}

/// The answer to `HEAD` for a mount that `source` feeds and `config` is about.
pub(crate) fn answer_to_head(source: &SourceAbout, config: &MountConfig) -> Answer {
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![line("Content-Type", &source.content_type)];
    let configured = config.http_headers.iter().filter(|line| line.status.is_none_or(|s| s == 200));
    headers.extend(configured.map(|header| line(&header.name, &header.value)));
    let announced = head::announced(source, config);
    headers.extend(announced.map(|(name, value)| line(&format!("icy-{name}"), value)));
    Answer { status: 200, content_type: None, headers, body: None }
}

/// The answer to a player's probe of the mount `name`; `None` if `request` is none, or there is
/// nothing to probe.
pub(crate) async fn probed(
    client: &Client,
    request: &RequestHead,
    name: &MountName,
    parts: &Parts,
) -> Option<Result<Answer, Refusal>> {
    let config = parts.config();
    let (Ranged::Probe(bytes), Compat::Sensible) = (probe::ranged(request), config.compat) else {
        return None;
    };
    if let Err(refusal) = admission::identify(client, request, name, parts).await {
        return Some(Err(refusal));
    }
    let source = heard(name, parts).await.ok()?;
    let headers = answer_to_head(&source, config.mount(name)).headers;
    Some(Ok(probe::answer(bytes, &source, headers)))
}

/// The most of a player's name that is kept, in bytes.
const USER_AGENT_BYTES_MAX: usize = 256;
