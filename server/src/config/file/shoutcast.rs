//! `[[shoutcast]]`: where sources of the SHOUTcast kind are taken.

use crate::config::ListenSocket;
use crate::config::shoutcast::ShoutcastConfig;
use crate::mount::name::MountName;
use common::config::Section;

/// Reads every one; none may be where everybody is taken in.
pub(super) fn read(top: &mut Section<'_>, listen: &[ListenSocket]) -> Vec<ShoutcastConfig> {
    let mut sockets: Vec<ShoutcastConfig> = Vec::new();
    for socket in top.list("shoutcast", shoutcast).into_iter().flatten() {
        let taken = listen.iter().map(|socket| socket.address);
        let mut taken = taken.chain(sockets.iter().map(|socket| socket.address));
        // Port 0 is another one each time.
        if socket.address.port() > 0 && taken.any(|address| address == socket.address) {
            top.wrong("shoutcast", format!("{} is listened on already", socket.address));
        } else {
            sockets.push(socket);
        }
    }
    sockets
}

fn shoutcast(section: &mut Section<'_>) -> Option<ShoutcastConfig> {
    let listen: Option<String> = section.required("listen");
    let mount: Option<String> = section.required("mount");
    let socket = listen.as_ref().and_then(|text| text.parse::<ListenSocket>().ok());
    let socket = socket.filter(|socket| !socket.tls_only);
    if let (Some(text), None) = (&listen, &socket) {
        section.wrong("listen", format!("`{text}` is not an address such as *:8001"));
    }
    let mount = match MountName::new(mount.as_deref()?) {
        Ok(mount) => Some(mount),
        Err(error) => {
            section.wrong("mount", error);
            None
        }
    };
    Some(ShoutcastConfig { address: socket?.address, mount: mount? })
}
