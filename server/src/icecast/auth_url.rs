//! What a backend of Icecast's is asked and told.

use crate::auth::url::{Applicant, Here, Visitor};
use icecast_compat::auth_url::{self, Listener, Source};

/// The form that asks about a listener.
pub(crate) fn listener_add(visitor: &Visitor, here: &Here) -> String {
    let ip = visitor.ip.to_string();
    let headers = visitor.passed_on.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    auth_url::listener_add(&listener(visitor, &ip, here), headers)
}

/// The form that tells of one that has gone after so many seconds.
pub(crate) fn listener_remove(visitor: &Visitor, duration_s: u64, here: &Here) -> String {
    let ip = visitor.ip.to_string();
    auth_url::listener_remove(&listener(visitor, &ip, here), duration_s)
}

fn listener<'a>(visitor: &'a Visitor, ip: &'a str, here: &'a Here) -> Listener<'a> {
    let given = visitor.given.as_ref();
    Listener {
        server: &here.hostname,
        port: here.port,
        client: visitor.client,
        mount: &visitor.target,
        user: given.map_or("", |given| &given.user),
        password: given.map_or("", |given| given.password.reveal()),
        ip,
        agent: visitor.agent.as_deref().unwrap_or("-"),
    }
}

/// The form that tells of a mount that has a source, or has lost it.
pub(crate) fn mount(mount: &str, has_source: bool, here: &Here) -> String {
    match has_source {
        true => auth_url::mount_add(mount, &here.hostname, here.port),
        false => auth_url::mount_remove(mount, &here.hostname, here.port),
    }
}

/// The form that asks about a source.
pub(crate) fn stream_auth(applicant: &Applicant<'_>, here: &Here) -> String {
    auth_url::stream_auth(&Source {
        mount: applicant.mount.as_str(),
        ip: &applicant.ip.to_string(),
        server: &here.hostname,
        port: here.port,
        user: &applicant.given.user,
        password: applicant.given.password.reveal(),
        is_command: applicant.is_command,
    })
}
