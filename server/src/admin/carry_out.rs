//! Carrying out the administrator's commands: who may, what is done, and what is answered.

use super::{Command, Kind, bans, edges, users};
use crate::answer::Answer;
use crate::auth;
use crate::config::Compat;
use crate::dial::{EDGE_HEADER, ORIGIN_HEADER};
use crate::icecast::answers;
use crate::mount::Mount;
use crate::mount::fan::Whose;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use common::auth::Credentials;
use common::http::head::RequestHead;
use encoding_rs::{Encoding, WINDOWS_1252};
use std::net::IpAddr;

/// Carries out a command, if the client may give it.
pub(crate) async fn answer(
    command: &Command,
    head: &RequestHead,
    ip: IpAddr,
    parts: &Parts,
) -> Result<Answer, Refusal> {
    if command.kind.changes() && head.headers.first("sec-fetch-site") == Some("cross-site") {
        // The browser adds the administrator's password by itself, whoever sent it here.
        return Err(Refusal::CrossSite);
    }
    if let (Kind::BuildM3u, Some(mount)) = (command.kind, &command.mount) {
        return playlist(command, mount, parts);
    }
    let attempt = parts.logins.attempt(ip, auth::credentials(head)).await?;
    let name = command.mount.as_deref().map(MountName::new);
    let mount = name.as_ref().and_then(|name| name.as_ref().ok());
    if !may(command.kind, mount, attempt.given(), ip, parts).await {
        return Err(attempt.failed().await);
    }
    if command.kind == Kind::StreamList {
        let asks = head.headers.first(EDGE_HEADER).is_some();
        let origin = asks.then(|| (ORIGIN_HEADER, parts.instance.id()));
        return Ok(answers::stream_list(&parts.snapshot().await, origin));
    }
    if command.kind == Kind::Report {
        return edges::answer(command, ip, parts).await;
    }
    if command.kind == Kind::Edges {
        return Ok(answers::edges(&parts.edges.held()));
    }
    if command.kind.is_administrators() {
        return bans::answer(command, ip, parts).await;
    }
    let name = name.map(|name| name.map_err(|_| Refusal::SourceMissing)).transpose()?;
    if let (Kind::ManageAuth, Some(name)) = (command.kind, &name)
        && let Some(answer) = users::managed(command, name, parts).await?
    {
        return Ok(answer);
    }
    match name {
        Some(name) => match find_on_air(name.clone(), parts).await {
            Ok(mount) => about_mount(command, &mount, parts).await,
            Err(refusal) => about_resting(command.kind, &name, parts).await.ok_or(refusal),
        },
        None => about_all(command, parts).await,
    }
}

/// Whether a client with these credentials may give such a command about this mount.
async fn may(
    kind: Kind,
    mount: Option<&MountName>,
    given: Option<&Credentials>,
    ip: IpAddr,
    parts: &Parts,
) -> bool {
    let authority = &parts.authority;
    let strict = parts.config().compat == Compat::Strict;
    if kind == Kind::Report {
        return authority.is_relay(given) || authority.is_admin(given);
    }
    if kind == Kind::StreamList {
        // Icecast keeps its administrator out of here.
        return authority.is_relay(given) || (!strict && authority.is_admin(given));
    }
    let is_for_sources = kind.is_for_sources() || (strict && !kind.is_administrators());
    if authority.is_admin(given) {
        return true;
    }
    match mount {
        Some(mount) if is_for_sources => authority.is_source(mount, given, ip, true).await,
        Some(_) | None => false,
    }
}

/// A playlist with the credentials that the command names. Anybody may have it: it says no more
/// than its parameters do.
fn playlist(command: &Command, mount: &str, parts: &Parts) -> Result<Answer, Refusal> {
    let said = |name| command.parameter(name).ok_or(Refusal::ParameterMissing);
    let (user, password) = (said("username")?, said("password")?);
    let config = parts.config();
    let host = format!("{}:{}", config.hostname, parts.port);
    let (mount, place) = (MountName::new(mount)?, (config.scheme(), host.as_str()));
    Ok(answers::m3u_with_credentials(&mount, (&user, &password), place))
}

async fn about_mount(command: &Command, mount: &Mount, parts: &Parts) -> Result<Answer, Refusal> {
    match command.kind {
        Kind::Fallbacks => {
            let to = command.parameter("fallback").ok_or(Refusal::ParameterMissing)?;
            let to = if to.is_empty() { None } else { Some(MountName::new(&to)?) };
            parts.registry.set_fallback(mount.name.clone(), to).await;
            Ok(answers::fallback_set())
        }
        Kind::KillClient => {
            let id = command.listener_id()?;
            Ok(answers::listener_removed(id, mount.remove_listener(id).await))
        }
        Kind::KillSource => {
            mount.kill_source().await;
            Ok(answers::source_killed())
        }
        Kind::ListClients => Ok(answers::listeners(&mount.name, &mount.listeners().await)),
        Kind::ListMounts => Ok(answers::mounts(&parts.snapshot().await)),
        // Its listeners need not say who they are; Icecast answers so.
        Kind::ManageAuth => Err(Refusal::ParameterUnfit("missing parameter".to_owned())),
        Kind::Metadata => {
            let title = match command.title(charset(&mount.name, parts)) {
                Err(Refusal::NoSuchAction) => return Ok(answers::no_such_action()),
                title => title?,
            };
            let takes = mount.on_air().is_some_and(|air| air.takes_titles());
            if let Some(title) = title.filter(|_| takes) {
                mount.announce(title).await;
            }
            Ok(answers::metadata_updated(takes))
        }
        Kind::MoveClients => match command.parameter("destination") {
            Some(to) => move_listeners(mount, &to, parts).await,
            None => Ok(answers::other_mounts(&parts.snapshot().await, &mount.name)),
        },
        Kind::Stats => Ok(answers::stats(&parts.snapshot().await, Some(&mount.name))),
        Kind::Ban
        | Kind::Bans
        | Kind::BuildM3u
        | Kind::Edges
        | Kind::Report
        | Kind::StreamList
        | Kind::Unban => Err(Refusal::UnknownCommand),
        Kind::UpdateMetadata => Ok(answers::title_wanted(&mount.name)),
    }
}

/// The answer about a mount that is fetched once somebody listens; `None` if it is none, or there
/// is nothing to say.
async fn about_resting(kind: Kind, name: &MountName, parts: &Parts) -> Option<Answer> {
    if !parts.relays.on_demand().contains(name) {
        return None;
    }
    match kind {
        Kind::ListClients => Some(answers::listeners(name, &[])),
        Kind::Stats => Some(answers::stats(&parts.snapshot().await, Some(name))),
        Kind::Ban
        | Kind::Bans
        | Kind::BuildM3u
        | Kind::Edges
        | Kind::Fallbacks
        | Kind::KillClient
        | Kind::KillSource
        | Kind::ListMounts
        | Kind::ManageAuth
        | Kind::Metadata
        | Kind::MoveClients
        | Kind::Report
        | Kind::StreamList
        | Kind::Unban
        | Kind::UpdateMetadata => None,
    }
}

async fn about_all(command: &Command, parts: &Parts) -> Result<Answer, Refusal> {
    match command.kind {
        Kind::ListMounts => Ok(answers::mounts(&parts.snapshot().await)),
        Kind::Stats => Ok(answers::stats(&parts.snapshot().await, None)),
        Kind::BuildM3u
        | Kind::Fallbacks
        | Kind::KillClient
        | Kind::KillSource
        | Kind::ListClients
        | Kind::ManageAuth
        | Kind::Metadata
        | Kind::MoveClients
        | Kind::StreamList
        | Kind::UpdateMetadata => Err(Refusal::MountMissing),
        Kind::Ban | Kind::Bans | Kind::Edges | Kind::Report | Kind::Unban => {
            Err(Refusal::UnknownCommand)
        }
    }
}

/// Lets the listeners of `from` go on with the mount `to`, if their decoders can. Icecast says so
/// too when they cannot, and moves nobody.
async fn move_listeners(from: &Mount, to: &str, parts: &Parts) -> Result<Answer, Refusal> {
    let name = MountName::new(to).map_err(|_| Refusal::NoDestination)?;
    if name == from.name {
        return Err(Refusal::MountsIdentical);
    }
    let found = parts.registry.find(name).await;
    let to = found.filter(|mount| mount.on_air().is_some()).ok_or(Refusal::NoDestination)?;
    let content_type =
        |mount: &Mount| mount.on_air().map(|on_air| on_air.source.content_type.clone());
    if content_type(from) == content_type(&to) {
        from.move_listeners(Whose::Everybody, &to).await;
    }
    Ok(answers::listeners_moved(&from.name, &to.name))
}

/// How titles for a mount are read that come without a word on that.
fn charset(mount: &MountName, parts: &Parts) -> Option<&'static Encoding> {
    let config = parts.config();
    let usual = (config.compat == Compat::Strict).then_some(WINDOWS_1252);
    config.mount(mount).charset.or(usual)
}

async fn find_on_air(name: MountName, parts: &Parts) -> Result<Mount, Refusal> {
    let found = parts.registry.find(name).await;
    found.filter(|mount| mount.on_air().is_some()).ok_or(Refusal::SourceMissing)
}
