//! A listener: somebody's player.
//!
//! Here it joins: it gets its place in a mount's stream and the head of its answer, and is handed,
//! with its connection, to one of the mount's fans, which serves it from then on
//! ([`crate::mount::fan`]).

pub(crate) mod admission;
mod head;

use crate::answer::Answer;
use crate::client::Client;
use crate::mount::Joined;
use crate::mount::fan::{Arrival, Order};
use crate::mount::feed::Feed;
use crate::mount::name::MountName;
use crate::mount::on_air::SourceAbout;
use crate::parts::Parts;
use crate::refusal::Refusal;
use admission::Admission;
use common::http::head::RequestHead;
use jiff::Timestamp;

/// Makes `client` a listener of the mount `name`; gives it back if that cannot be.
pub(crate) async fn join(
    client: Client,
    request: &RequestHead,
    name: MountName,
    parts: &Parts,
) -> Result<(), (Box<Client>, Refusal)> {
    let admitted = admission::admit(client.ip, request, &name, parts).await;
    let Admission { user, places } = match admitted {
        Ok(admission) => admission,
        Err(refusal) => return Err((Box::new(client), refusal)),
    };
    let joined = match parts.registry.find(name).await {
        Some(mount) => mount.join().await,
        None => Err(Refusal::NotFound),
    };
    let Joined { source, start, headers, seat, fan } = match joined {
        Ok(joined) => joined,
        Err(refusal) => return Err((Box::new(client), refusal)),
    };
    let wrapping = head::wrapping(request, &source);
    let head = head::head(request.version, wrapping, &source, Timestamp::now());
    let feed = Feed::new(head::preface(&head, wrapping, &headers), start, wrapping);
    let Client { socket, ip, id, seat: client_seat, asked, .. } = client;
    let user_agent = request.headers.first("user-agent").map(|agent| {
        let end = (0..=agent.len().min(USER_AGENT_BYTES_MAX)).rev();
        let end = end.into_iter().find(|&end| agent.is_char_boundary(end)).unwrap_or_default();
        agent[..end].into()
    });
    let seats = (seat, client_seat);
    let arrival = Arrival { socket, feed, seats, places, ip, id, user_agent, user, asked };
    // If the mount has ended at this moment, the listener's connection ends with it.
    let _ = fan.send(Order::Welcome(Box::new(arrival))).await;
    Ok(())
}

/// The answer to `HEAD` for a mount that `source` feeds.
pub(crate) fn answer_to_head(source: &SourceAbout) -> Answer {
    let announced = source.announced.iter();
    Answer {
        status: 200,
        content_type: None,
        headers: std::iter::once(("Content-Type".to_owned(), source.content_type.clone()))
            .chain(announced.map(|(name, value)| (format!("icy-{name}"), value.clone())))
            .collect(),
        body: None,
    }
}

/// The most of a player's name that is kept, in bytes.
const USER_AGENT_BYTES_MAX: usize = 256;
