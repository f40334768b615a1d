//! What a request is about: its head into a [`Route`].
//!
//! Pure: nothing is looked up here, so a route says what is wanted, not whether it exists.

use crate::admin::Command;
use crate::config::Compat;
use crate::mount::name::MountName;
use crate::refusal::Refusal;
use common::http::head::RequestHead;

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To command.
    Admin(Command),
    /// To change the title of a SHOUTcast source, by this query.
    AdminCgi(String),
    /// To know whether the server is well.
    Health,
    /// To hear a mount, or to hear of it.
    Listen(MountName),
    /// To read the server's counts, as Prometheus does.
    Metrics,
    /// What it gets no answer to, not even a refusal.
    Nothing,
    /// To know what it may ask.
    Options,
    /// To have the address of a mount as a playlist, for a player that opens such.
    Playlist(Playlist, MountName),
    /// To send a stream to a mount.
    Source(MountName),
    /// To see the status page.
    StatusPage,
    /// To read the public statistics, of one mount if it is named.
    StatusJson(Option<String>),
    /// To know what serves it.
    Version,
}

/// A form of playlists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Playlist {
    /// Lines of addresses.
    M3u,
    /// RoarAudio's lines of what is known of a stream.
    Vclt,
    /// An XML of tracks.
    Xspf,
}

impl Route {
    /// Whether it is answered even when the server is full, so that it can be looked after.
    pub(crate) fn is_for_full_server(&self) -> bool {
        match self {
            Self::Admin(_)
            | Self::Health
            | Self::Metrics
            | Self::Nothing
            | Self::StatusJson(_)
            | Self::StatusPage
            | Self::Version => true,
            Self::AdminCgi(_)
            | Self::Listen(_)
            | Self::Options
            | Self::Playlist(..)
            | Self::Source(_) => false,
        }
    }
}

/// The route of a request; else why there is none.
///
/// Strictly as Icecast 2.4.4, `HEAD` is a request unknown, and `OPTIONS` and other methods that
/// it has never heard of are closed on without a word.
pub(crate) fn route(head: &RequestHead, compat: Compat) -> Result<Route, Refusal> {
    match (head.method.as_str(), compat) {
        ("GET", _) | ("HEAD", Compat::Sensible) => route_get(head),
        ("PUT" | "SOURCE", _) => Ok(Route::Source(MountName::of_path(head.path())?)),
        ("OPTIONS", Compat::Sensible) => Ok(Route::Options),
        ("HEAD" | "PLAY" | "POST", Compat::Strict) | (_, Compat::Sensible) => Err(Refusal::Method),
        (_, Compat::Strict) => Ok(Route::Nothing),
    }
}

fn route_get(head: &RequestHead) -> Result<Route, Refusal> {
    match head.path() {
        "/" | "/index.html" | "/status.xsl" => Ok(Route::StatusPage),
        "/status-json.xsl" => {
            let mut parameters = crate::admin::text_parameters(head.query());
            Ok(Route::StatusJson(parameters.remove("mount")))
        }
        "/server_version.xsl" => Ok(Route::Version),
        "/admin.cgi" => Ok(Route::AdminCgi(head.query().to_owned())),
        "/health" => Ok(Route::Health),
        "/metrics" => Ok(Route::Metrics),
        path => match (path.strip_prefix("/admin/"), playlist_of(path)) {
            (Some(command), _) => Ok(Route::Admin(Command::read(command, head.query())?)),
            (None, Some((form, mount))) => {
                mount_of(mount).map(|mount| Route::Playlist(form, mount))
            }
            (None, None) => mount_of(path).map(Route::Listen),
        },
    }
}

/// The form of the playlist that `path` asks for, and the path of the mount.
fn playlist_of(path: &str) -> Option<(Playlist, &str)> {
    let (mount, end) = path.rsplit_once('.')?;
    let form = match end {
        "m3u" => Playlist::M3u,
        "vclt" => Playlist::Vclt,
        "xspf" => Playlist::Xspf,
        _ => return None,
    };
    Some((form, mount))
}

/// A name that no mount can have is one that is not there.
fn mount_of(path: &str) -> Result<MountName, Refusal> {
    MountName::of_path(path).map_err(|_| Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::http::head::{Headers, Version};

    fn routed(method: &str, target: &str) -> Result<Route, Refusal> {
        routed_as(Compat::Sensible, method, target)
    }

    fn routed_as(compat: Compat, method: &str, target: &str) -> Result<Route, Refusal> {
        let (method, target) = (method.to_owned(), target.to_owned());
        let (version, headers) = (Version::Http11, Headers::default());
        route(&RequestHead { method, target, version, headers }, compat)
    }

    fn mount(name: &str) -> MountName {
        MountName::new(name).unwrap()
    }

    #[test]
    fn a_query_on_a_mount_is_ignored() {
        assert_eq!(routed("GET", "/live.mp3?t=123"), Ok(Route::Listen(mount("/live.mp3"))));
        assert_eq!(routed("HEAD", "/a%20b"), Ok(Route::Listen(mount("/a b"))));
    }

    #[test]
    fn sources_come_by_source_and_by_put() {
        assert_eq!(routed("SOURCE", "/live"), Ok(Route::Source(mount("/live"))));
        assert_eq!(routed("PUT", "/live"), Ok(Route::Source(mount("/live"))));
        assert!(matches!(routed("PUT", "/admin/x"), Err(Refusal::MountName(_))));
    }

    #[test]
    fn a_name_that_no_mount_can_have_is_not_found() {
        assert_eq!(routed("GET", "/a/../b"), Err(Refusal::NotFound));
        assert_eq!(routed("GET", "/favicon/"), Err(Refusal::NotFound));
    }

    #[test]
    fn a_mount_has_a_playlist_beside_it() {
        assert_eq!(
            routed("GET", "/a.mp3.m3u?x"),
            Ok(Route::Playlist(Playlist::M3u, mount("/a.mp3")))
        );
        assert_eq!(routed("GET", "/a.xspf"), Ok(Route::Playlist(Playlist::Xspf, mount("/a"))));
        assert_eq!(routed("GET", "/.m3u"), Err(Refusal::NotFound));
    }

    #[test]
    fn the_poke_of_libshout_is_an_unknown_command() {
        assert_eq!(routed("GET", "/admin/!POKE"), Err(Refusal::UnknownCommand));
    }

    #[test]
    fn pages_have_their_places() {
        assert_eq!(routed("GET", "/"), Ok(Route::StatusPage));
        let json = Route::StatusJson(Some("/x".to_owned()));
        assert_eq!(routed("GET", "/status-json.xsl?mount=/x"), Ok(json));
        assert_eq!(routed("GET", "/health?x"), Ok(Route::Health));
        assert_eq!(routed("GET", "/metrics"), Ok(Route::Metrics));
        assert_eq!(routed("GET", "/server_version.xsl"), Ok(Route::Version));
        assert_eq!(routed("GET", "/nope.xsl"), Err(Refusal::NotFound));
        assert_eq!(routed("OPTIONS", "*"), Ok(Route::Options));
        assert_eq!(routed("BREW", "/"), Err(Refusal::Method));
    }

    #[test]
    fn strictly_only_what_icecast_answers_is_answered() {
        let routed = |method| routed_as(Compat::Strict, method, "/live.mp3");

        assert!(matches!(routed("GET"), Ok(Route::Listen(_))));
        assert!(matches!(routed("PUT"), Ok(Route::Source(_))));
        for method in ["HEAD", "PLAY", "POST"] {
            assert_eq!(routed(method), Err(Refusal::Method));
        }
        for method in ["CONNECT", "DELETE", "OPTIONS"] {
            assert_eq!(routed(method), Ok(Route::Nothing));
        }
    }
}
