//! Bans: listed, given and lifted by the administrator while the server runs.

use super::{Command, Kind};
use crate::access::keeper::BanError;
use crate::access::list::{Ban, Banned};
use crate::answer::Answer;
use crate::icecast::answers;
use crate::parts::Parts;
use crate::refusal::Refusal;
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;
use tracing::error;

/// Carries out such a command of the administrator at `ip`; one of another kind lists the bans.
pub(crate) async fn answer(
    command: &Command,
    ip: IpAddr,
    parts: &Parts,
) -> Result<Answer, Refusal> {
    if command.kind == Kind::Ban {
        ban(command, ip, parts).await
    } else if command.kind == Kind::Unban {
        unban(command, parts).await
    } else {
        Ok(answers::bans(&parts.access.bans().await, Timestamp::now()))
    }
}

/// Bans who is named, at the wish of the administrator at `ip`; listeners from there have to go.
async fn ban(command: &Command, ip: IpAddr, parts: &Parts) -> Result<Answer, Refusal> {
    let banned = named(command)?;
    if matches!(&banned, Banned::Network(network) if network.contains(&ip)) {
        let what = format!("{banned} is where you are; a ban would keep you out");
        return Err(Refusal::ParameterUnfit(what));
    }
    let ban = Ban { banned, until: end(command)? };
    let banned = ban.banned.clone();
    parts.access.ban(ban).await.map_err(|error| not_kept(&error))?;
    let removed = match &banned {
        Banned::Agent(_) => 0,
        Banned::Network(network) => remove_listeners(network, parts).await,
    };
    Ok(answers::banned(&banned, removed))
}

/// Lifts the ban of who is named.
async fn unban(command: &Command, parts: &Parts) -> Result<Answer, Refusal> {
    let banned = named(command)?;
    let was_banned = parts.access.unban(banned.clone()).await.map_err(|error| not_kept(&error))?;
    Ok(answers::unbanned(&banned, was_banned))
}

fn named(command: &Command) -> Result<Banned, Refusal> {
    let unfit = |what: &str| Refusal::ParameterUnfit(what.to_owned());
    match (command.parameter("address"), command.parameter("agent")) {
        (Some(address), None) => Banned::network(address.trim()).ok_or_else(|| {
            unfit("address is one such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/64")
        }),
        (None, Some(agent)) => Banned::agent(&agent)
            .ok_or_else(|| unfit("agent is a pattern such as *ripper*, which not everybody fits")),
        (Some(_), Some(_)) => Err(unfit("give an address or an agent, not both")),
        (None, None) => Err(Refusal::ParameterMissing),
    }
}

/// When the ban ends; `None` for never.
fn end(command: &Command) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = command.parameter("seconds") else { return Ok(None) };
    let seconds = text.trim().parse().ok().filter(|seconds| (1..=SECONDS_MAX).contains(seconds));
    let unfit = || Refusal::ParameterUnfit(format!("seconds is a number from 1 to {SECONDS_MAX}"));
    let duration = SignedDuration::from_secs(seconds.ok_or_else(unfit)?);
    Timestamp::now().checked_add(duration).map(Some).map_err(|_| unfit())
}

/// Lets every listener from `network` go; how many there were.
async fn remove_listeners(network: &IpNet, parts: &Parts) -> usize {
    let mut removed = 0;
    let stops = parts.registry.list().await;
    for mount in stops.into_iter().filter_map(|stop| stop.mount) {
        for listener in mount.listeners().await {
            if network.contains(&listener.ip) && mount.remove_listener(listener.id).await {
                removed += 1;
            }
        }
    }
    removed
}

fn not_kept(error: &BanError) -> Refusal {
    error!(%error, "a ban could not be changed");
    match error {
        BanError::Io(_) => Refusal::NotKept,
        BanError::TooMany => Refusal::ParameterUnfit(error.to_string()),
        BanError::Stopping => Refusal::ServerStopping,
    }
}

/// The longest ban that ends: ten years.
const SECONDS_MAX: i64 = 10 * 366 * 86_400;
