//! Whether a listener may listen: who it is, and how many it already is.

use crate::access::network_of;
use crate::auth;
use crate::auth::census::{Place, Whose};
use crate::config::mounts::ListenerAuth;
use crate::mount::name::MountName;
use crate::parts::Parts;
use crate::refusal::Refusal;
use common::http::head::RequestHead;
use std::net::IpAddr;

/// What a listener was admitted with.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// The user, where listeners have to say who they are.
    pub(crate) user: Option<Box<str>>,
    /// Its places among its user's and its network's listeners, where these are limited.
    pub(crate) places: [Option<Place>; 2],
}

/// Admits the client at `ip` to the mount `name`.
pub(super) async fn admit(
    ip: IpAddr,
    request: &RequestHead,
    name: &MountName,
    parts: &Parts,
) -> Result<Admission, Refusal> {
    let config = parts.config();
    let user = identify(ip, request, name, parts).await?;
    let once = matches!(
        config.mount(name).listeners,
        Some(ListenerAuth::Htpasswd { duplicates: false, .. })
    );
    let of_user = match &user {
        Some(user) if once => {
            let place = parts.census.place(Whose::User(name.clone(), user.clone()), 1).await;
            // Icecast asks for other credentials; a player can then be given those.
            Some(place.ok_or(Refusal::Unauthorized)?)
        }
        Some(_) | None => None,
    };
    let of_network = match config.limits.listeners_per_ip {
        Some(max) => {
            let place = parts.census.place(Whose::Network(network_of(ip)), max).await;
            Some(place.ok_or(Refusal::ListenersOfAddress { max })?)
        }
        None => None,
    };
    Ok(Admission { user, places: [of_user, of_network] })
}

/// The user that the client at `ip` proves to be; `None` where nobody has to.
pub(crate) async fn identify(
    ip: IpAddr,
    request: &RequestHead,
    name: &MountName,
    parts: &Parts,
) -> Result<Option<Box<str>>, Refusal> {
    let config = parts.config();
    let Some(ListenerAuth::Htpasswd { file, .. }) = &config.mount(name).listeners else {
        return Ok(None);
    };
    let attempt = parts.logins.attempt(ip, auth::credentials(request)).await?;
    match attempt.given() {
        Some(given) if parts.users.knows(file.clone(), given).await => {
            Ok(Some(given.user.as_str().into()))
        }
        Some(_) | None => Err(attempt.failed().await),
    }
}
