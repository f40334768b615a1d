//! Whether a listener may listen: who it is, and how many it already is.

use crate::access::network_of;
use crate::auth;
use crate::auth::census::{Place, Whose};
use crate::auth::logins::Attempt;
use crate::auth::url::{Verdict, Visit, Visitor};
use crate::client::Client;
use crate::config::Compat;
use crate::config::mounts::{ListenerAuth, MountConfig};
use crate::config::url_auth::{OnSilence, UrlAuth};
use crate::dial::EDGE_HEADER;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use crate::status::counters::Hearer;
use common::http::head::RequestHead;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// What a listener was admitted with.
#[derive(Debug)]
pub(crate) struct Admission {
    /// What it is.
    pub(crate) hearer: Hearer,
    /// Who it is.
    pub(crate) identity: Identity,
    /// Its places among its user's and its network's listeners, where these are limited.
    pub(crate) places: [Option<Place>; 2],
}

/// Who a listener has proved to be.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// The user, where listeners have to say who they are.
    pub(crate) user: Option<Box<str>>,
    /// What tells the backend when it goes, where there is one that wants to know.
    pub(crate) visit: Option<Box<Visit>>,
    /// How long the backend lets it listen; `None` for as long as the mount does.
    pub(crate) time_max: Option<Duration>,
}

/// Admits `client` to the mount `name`.
pub(super) async fn admit(
    client: &Client,
    request: &RequestHead,
    name: &MountName,
    parts: &Parts,
) -> Result<Admission, Refusal> {
    let config = parts.config();
    if is_edge(request, parts) {
        return admit_edge(config.mount(name));
    }
    let mut identity = identify(client, request, name, parts).await?;
    if let Some(max) = parts.relays.terms(name).and_then(|terms| terms.duration_max) {
        let usual = config.mount(name).limits.listener_duration_max;
        let own = identity.time_max.or(usual);
        identity.time_max = own.into_iter().chain([max]).min();
    }
    let once = matches!(
        config.mount(name).listeners,
        Some(ListenerAuth::Htpasswd { duplicates: false, .. })
    );
    let of_user = match &identity.user {
        Some(user) if once => {
            let place = parts.census.place(Whose::User(name.clone(), user.clone()), 1).await;
            // Icecast asks for other credentials; a player can then be given those.
            Some(place.ok_or(Refusal::Unauthorized)?)
        }
        Some(_) | None => None,
    };
    let of_network = match config.limits.listeners_per_ip {
        Some(max) => {
            let place = parts.census.place(Whose::Network(network_of(client.ip)), max).await;
            Some(place.ok_or(Refusal::ListenersOfAddress { max })?)
        }
        None => None,
    };
    Ok(Admission { hearer: Hearer::Player, identity, places: [of_user, of_network] })
}

/// Whether a server asks that says how many listen to it, and knows the relays' password.
fn is_edge(request: &RequestHead, parts: &Parts) -> bool {
    request.headers.first(EDGE_HEADER).is_some()
        && parts.authority.is_relay(auth::credentials(request).as_ref())
}

/// Admits an edge to a mount, for ever; but not to one whose listeners have to say who they are:
/// it would pass the stream on to those who do not.
fn admit_edge(mount: &MountConfig) -> Result<Admission, Refusal> {
    let is_asked = mount.url_auth.as_ref().is_some_and(|auth| auth.listener_add.is_some());
    if mount.listeners.is_some() || is_asked {
        return Err(Refusal::Unauthorized);
    }
    let identity = Identity { time_max: Some(Duration::MAX), ..Identity::default() };
    Ok(Admission { hearer: Hearer::Edge, identity, places: [None, None] })
}

/// Who `client` proves to be; nobody in particular where nobody has to prove anything.
pub(crate) async fn identify(
    client: &Client,
    request: &RequestHead,
    name: &MountName,
    parts: &Parts,
) -> Result<Identity, Refusal> {
    let config = parts.config();
    let mount = config.mount(name);
    if mount.listeners.is_none() && mount.url_auth.is_none() {
        return Ok(Identity::default());
    }
    let attempt = parts.logins.attempt(client.ip, auth::credentials(request)).await?;
    if let Some(ListenerAuth::Htpasswd { file, .. }) = &mount.listeners {
        let is_known = match attempt.given() {
            Some(given) => parts.users.knows(file.clone(), given).await,
            None => false,
        };
        if !is_known {
            return Err(attempt.failed().await);
        }
    }
    let user = attempt.given().map(|given| given.user.as_str().into());
    let Some(auth) = &mount.url_auth else {
        return Ok(Identity { user, ..Identity::default() });
    };
    let visitor = visitor(client, request, &attempt, auth);
    let time_max = ask(visitor.clone(), attempt, auth, config.compat, parts).await?;
    Ok(Identity { user, visit: parts.backends.visit(auth, visitor), time_max })
}

/// Asks the backend; for how long the visitor may listen, if that is not for ever.
async fn ask(
    visitor: Visitor,
    attempt: Attempt<'_>,
    auth: &Arc<UrlAuth>,
    compat: Compat,
    parts: &Parts,
) -> Result<Option<Duration>, Refusal> {
    let Visitor { client, ip, .. } = visitor;
    match (parts.backends.admit(auth, &visitor).await, compat) {
        (Verdict::Yes(time_max), _) => Ok(time_max),
        (Verdict::Silence, _) if auth.on_silence == OnSilence::Admit => Ok(None),
        (Verdict::Silence, Compat::Sensible) => Err(Refusal::BackendSilent),
        // Icecast asks for other credentials, whatever the reason.
        (Verdict::Silence, Compat::Strict) => Err(Refusal::Unauthorized),
        (Verdict::No { is_final, message }, _) => {
            let why = message.as_deref().unwrap_or_default();
            info!(client, %ip, why, "the backend turns a listener away");
            let refusal = attempt.failed().await;
            match (is_final && compat == Compat::Sensible, message) {
                (true, Some(message)) => Err(Refusal::BackendSays { message }),
                (true, None) => Err(Refusal::BackendSays { message: NOT_WELCOME.to_owned() }),
                (false, _) => Err(refusal),
            }
        }
    }
}

fn visitor(
    client: &Client,
    request: &RequestHead,
    attempt: &Attempt<'_>,
    auth: &UrlAuth,
) -> Visitor {
    let passed_on = auth.headers.iter().filter_map(|name| {
        let value = request.headers.first(name)?;
        Some((format!("{}{name}", auth.header_prefix), value.to_owned()))
    });
    Visitor {
        client: client.id,
        target: request.target.clone(),
        given: attempt.given().cloned(),
        ip: client.ip,
        agent: request.headers.first("user-agent").map(str::to_owned),
        passed_on: passed_on.collect(),
    }
}

/// What a listener is told whom the backend turns away for good without a reason.
const NOT_WELCOME: &str = "you may not listen here";
