//! What directories are told of our stations.

use super::answers;
use crate::mount::name::MountName;
use crate::status::snapshot::{MountSnapshot, Snapshot};
use icecast_compat::fields::{Field, Fields};
use icecast_compat::yp::{self, Card, State};

/// The public mounts, each with the form that adds it.
pub(crate) fn cards(snapshot: &Snapshot) -> Vec<(MountName, String)> {
    let public = answers::public_mounts(snapshot).filter(|mount| {
        let config = snapshot.config.mount(&mount.name);
        config.public.unwrap_or(mount.on_air.source.public)
    });
    public.map(|mount| (mount.name.clone(), card(mount, snapshot))).collect()
}

fn card(mount: &MountSnapshot, snapshot: &Snapshot) -> String {
    let fields = answers::public_fields(mount, snapshot);
    let said = |name: &str| said(&fields, name);
    let bitrate = said("bitrate").or_else(|| said("ice-bitrate"));
    let cluster_password = snapshot.config.mount(&mount.name).cluster_password.as_ref();
    yp::add(&Card {
        name: &said("server_name").unwrap_or_default(),
        genre: &said("genre").unwrap_or_default(),
        cluster_password: cluster_password.map_or("", |password| password.reveal()),
        description: &said("server_description").unwrap_or_default(),
        url: &said("server_url").unwrap_or_default(),
        listen_url: &said("listenurl").unwrap_or_default(),
        content_type: &said("server_type").unwrap_or_default(),
        subtype: &said("subtype").unwrap_or_default(),
        bitrate: &bitrate.unwrap_or_default(),
        audio_info: mount.on_air.source.audio_info.as_deref().unwrap_or_default(),
    })
}

/// The form that tells how `mount` is, which the directory calls `sid`.
pub(crate) fn touch(sid: &str, mount: &MountName, snapshot: &Snapshot) -> String {
    let Some(mount) = snapshot.mounts.iter().find(|other| other.name == *mount) else {
        // Its source has just left; whether it comes back is seen soon.
        return yp::touch(sid, &State::default());
    };
    let fields = answers::public_fields(mount, snapshot);
    let config = snapshot.config.mount(&mount.name);
    // Without a limit of its own there is that of the server.
    let most = config.limits.listeners_max.unwrap_or(snapshot.config.limits.clients_max);
    yp::touch(
        sid,
        &State {
            title: &mount.on_air.title.shown(),
            listeners: mount.listeners,
            listeners_max: most as u64,
            subtype: &said(&fields, "subtype").unwrap_or_default(),
        },
    )
}

/// The form that takes it off.
pub(crate) fn remove(sid: &str) -> String {
    yp::remove(sid)
}

fn said(fields: &Fields, name: &str) -> Option<String> {
    let (_, field) = fields.iter().find(|(other, _)| *other == name)?;
    Some(match field {
        Field::Decimal(text) | Field::Text(text) => text.clone(),
        Field::Number(number) => number.to_string(),
    })
}
