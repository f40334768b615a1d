//! Our status, commands' results and refusals as Icecast would answer them.

use crate::access::list::{Ban, Banned};
use crate::answer::{self, Answer};
use crate::auth::htpasswd::Users;
use crate::auth::users::Changed;
use crate::config::Compat;
use crate::edges::table::Held;
use crate::icecast::pages;
use crate::mount::fan::ListenerAbout;
use crate::mount::name::MountName;
use crate::refusal::Refusal;
use crate::status::snapshot::{MountSnapshot, Snapshot};
use common::http::percent;
use icecast_compat::admin_xml::{
    self, ListedBan, ListedBanned, ListedEdge, ListedListener, ListedMount,
};
use icecast_compat::fields::{Field, Fields, SourceFields};
use icecast_compat::status_json::{self, Texts};
use icecast_compat::{playlists, stats_xml};
use jiff::Timestamp;

/// The answer to a client that is turned away.
pub(crate) fn refused(refusal: &Refusal) -> Answer {
    let status = status(refusal);
    let sentence = refusal.to_string();
    let (content_type, body) = match status {
        400 | 404 => ("text/html; charset=utf-8", admin_xml::error_page(status, &sentence)),
        _ => ("text/plain; charset=utf-8", format!("{sentence}\r\n")),
    };
    let mut headers = Vec::new();
    if *refusal == Refusal::Unauthorized {
        headers.push(("WWW-Authenticate".to_owned(), CHALLENGE.to_owned()));
    }
    if let Refusal::LoginsFailed { wait_seconds } = refusal {
        headers.push(("Retry-After".to_owned(), wait_seconds.to_string()));
    }
    Answer { status, content_type: Some(content_type), headers, body: Some(body.into()) }
}

/// The status that a refusal goes out with. The one place that decides it.
///
/// Where the recorded Icecast 2.4.4 has an answer it is that one; a full server is 503, as in 2.5,
/// since 403 tells a player that trying again is of no use.
fn status(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::Head(common::http::head::HeadError::Malformed(_))
        | Refusal::Method
        | Refusal::MountMissing
        | Refusal::MountName(_)
        | Refusal::MountsIdentical
        | Refusal::NoDestination
        | Refusal::NoSuchAction
        | Refusal::ParameterMissing
        | Refusal::ParameterUnfit(_)
        | Refusal::SourceMissing
        | Refusal::UnknownCommand => 400,
        Refusal::Unauthorized => 401,
        Refusal::AgentBanned
        | Refusal::BackendSays { .. }
        | Refusal::ContentTypeMissing
        | Refusal::CrossSite
        | Refusal::ListenersFull
        | Refusal::ListenersOfAddress { .. }
        | Refusal::MountTaken
        | Refusal::MountUnavailable
        | Refusal::SourcesFull => 403,
        Refusal::NotFound => 404,
        Refusal::ContentTypeUnfit(_) => 415,
        Refusal::LoginsFailed { .. } => 429,
        Refusal::Head(_) => 431,
        Refusal::NotKept => 500,
        Refusal::TransferEncoding(_) => 501,
        Refusal::BackendSilent | Refusal::ServerFull | Refusal::ServerStopping => 503,
        Refusal::RelayLoop => 508,
    }
}

/// The answer to `OPTIONS`: what may be asked, and, for a web page of anybody's, that it may.
pub(crate) fn options() -> Answer {
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Answer {
        status: 204,
        content_type: None,
        headers: vec![
            line("Allow", METHODS),
            line("Access-Control-Allow-Methods", METHODS),
            line("Access-Control-Allow-Headers", CORS_HEADERS),
            line("Access-Control-Max-Age", "86400"),
        ],
        body: None,
    }
}

/// The M3U playlist of a mount: its address on the `host` that the client used, if that names a
/// port, else on the `usual` one. Over TLS if the client asks over TLS, since a page that it
/// belongs to may not play anything else, and where the usual one takes nothing else.
pub(crate) fn m3u(
    mount: &MountName,
    host: Option<&str>,
    is_secure: bool,
    usual: (&str, &str),
) -> Answer {
    let named = |host: &&str| {
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        host.contains(':') && host.chars().all(is_plain)
    };
    let (scheme, host) = match host.filter(named) {
        Some(host) if is_secure => ("https", host),
        Some(host) => ("http", host),
        None => usual,
    };
    let path = percent::encode_path(mount.as_str().as_bytes());
    Answer::ok("audio/x-mpegurl", format!("{scheme}://{host}{path}\r\n"))
}

/// The playlist of a mount as XSPF; without tracks if nobody is to see it or it is not there.
pub(crate) fn xspf(snapshot: &Snapshot, mount: &MountName) -> Answer {
    let sources = public_sources(snapshot, Some(mount.as_str()));
    Answer::ok("application/xspf+xml; charset=UTF-8", playlists::xspf(&sources))
}

/// The playlist of a mount as VCLT; empty if nobody is to see it or it is not there.
pub(crate) fn vclt(snapshot: &Snapshot, mount: &MountName) -> Answer {
    let sources = public_sources(snapshot, Some(mount.as_str()));
    Answer::ok("audio/x-vclt; charset=UTF-8", playlists::vclt(&sources))
}

/// The answer to `buildm3u`: the mount's address at `host` with credentials in it. All of it is
/// encoded; Icecast's is not, so that a line's end among the parameters adds lines, and `@` leads
/// elsewhere. Nor is its malformed `Content-Disposition =` taken over, which names no file.
pub(crate) fn m3u_with_credentials(
    mount: &MountName,
    credentials: (&str, &str),
    (scheme, host): (&str, &str),
) -> Answer {
    let (user, password) = credentials;
    let (user, password) = (percent::encode(user.as_bytes()), percent::encode(password.as_bytes()));
    let path = percent::encode_path(mount.as_str().as_bytes());
    let body = format!("{scheme}://{user}:{password}@{host}{path}\r\n");
    let disposition = "attachment; filename=\"listen.m3u\"".to_owned();
    Answer {
        headers: vec![("Content-Disposition".to_owned(), disposition)],
        ..Answer::ok("audio/x-mpegurl", body)
    }
}

/// The raw `answer` to the command `name` as a page for people.
pub(crate) fn as_page(name: &str, answer: Answer) -> Answer {
    pages::page(name, answer)
}

/// What serves, as a page.
pub(crate) fn version(snapshot: &Snapshot) -> Answer {
    let about = Answer::ok(XML, stats_xml::document(&about_server(snapshot), &[]));
    pages::page("server_version", about)
}

/// The answer to `killclient`.
pub(crate) fn listener_removed(id: u64, removed: bool) -> Answer {
    let message = match removed {
        true => format!("Client {id} removed"),
        false => format!("Client {id} not found"),
    };
    Answer::ok(XML, admin_xml::response(&message, removed))
}

/// The answer to `listclients`.
pub(crate) fn listeners(mount: &MountName, listeners: &[ListenerAbout]) -> Answer {
    let listed = |listener: &ListenerAbout| ListedListener {
        ip: listener.ip.to_string(),
        user_agent: listener.user_agent.as_deref().unwrap_or("Unknown").to_owned(),
        connected_seconds: listener.stayed.as_secs(),
        id: listener.id,
        user: listener.user.as_deref().map(str::to_owned),
    };
    let listed: Vec<_> = listeners.iter().map(listed).collect();
    Answer::ok(XML, admin_xml::listeners(mount.as_str(), &listed))
}

/// The answer to `manageauth`: the users of a mount, and what became of a change.
pub(crate) fn users(mount: &MountName, users: &Users, changed: Option<Changed>) -> Answer {
    let message = changed.map(|changed| match changed {
        Changed::Added => "User added",
        Changed::AlreadyThere => "User already exists - not added",
        Changed::Removed => "User deleted",
    });
    Answer::ok(XML, admin_xml::users(mount.as_str(), users.names(), message))
}

/// The answer to `bans`, a command that Icecast does not have.
pub(crate) fn bans(bans: &[Ban], now: Timestamp) -> Answer {
    let listed = bans.iter().map(|ban| ListedBan {
        banned: match &ban.banned {
            Banned::Agent(pattern) => ListedBanned::Agent(pattern.clone()),
            Banned::Network(_) => ListedBanned::Address(ban.banned.to_string()),
        },
        rest_seconds: ban.until.map(|until| elapsed_seconds(now, until)),
    });
    Answer::ok(XML, admin_xml::bans(&listed.collect::<Vec<_>>()))
}

/// The answer to `ban`.
pub(crate) fn banned(banned: &Banned, removed: usize) -> Answer {
    let message = format!("{banned} banned, {removed} listeners removed");
    Answer::ok(XML, admin_xml::response(&message, true))
}

/// The answer to `unban`.
pub(crate) fn unbanned(banned: &Banned, was_banned: bool) -> Answer {
    let message = match was_banned {
        true => format!("{banned} no longer banned"),
        false => format!("{banned} was not banned here; look into the configuration"),
    };
    Answer::ok(XML, admin_xml::response(&message, was_banned))
}

/// The answer to `killsource`.
pub(crate) fn source_killed() -> Answer {
    Answer::ok(XML, admin_xml::response("Source Removed", true))
}

/// The answer to `metadata`; `taken` is false for a format that carries its own titles.
pub(crate) fn metadata_updated(taken: bool) -> Answer {
    let message = match taken {
        true => "Metadata update successful",
        false => "Mountpoint will not accept URL updates",
    };
    Answer::ok(XML, admin_xml::response(message, true))
}

/// The answer to `metadata` in a mode that there is not.
pub(crate) fn no_such_action() -> Answer {
    Answer::ok(XML, admin_xml::response(&Refusal::NoSuchAction.to_string(), false))
}

/// The answer to `listmounts`.
pub(crate) fn mounts(snapshot: &Snapshot) -> Answer {
    Answer::ok(XML, admin_xml::mounts(None, &listed_mounts(snapshot, None)))
}

/// The answer to `moveclients` that says where the listeners of `mount` can be moved to.
pub(crate) fn other_mounts(snapshot: &Snapshot, mount: &MountName) -> Answer {
    let others = listed_mounts(snapshot, Some(mount));
    Answer::ok(XML, admin_xml::mounts(Some(mount.as_str()), &others))
}

fn listed_mounts(snapshot: &Snapshot, but: Option<&MountName>) -> Vec<ListedMount> {
    let listed = |mount: &MountSnapshot| ListedMount {
        mount: mount.name.to_string(),
        fallback: mount.fallback.as_ref().map(ToString::to_string).unwrap_or_default(),
        listeners: mount.listeners,
        authenticator: authenticator(mount),
        connected_seconds: Some(elapsed_seconds(mount.on_air.since, snapshot.now)),
        content_type: Some(mount.on_air.source.content_type.clone()),
    };
    let wanted = |mount: &&MountSnapshot| Some(&mount.name) != but && !mount.on_air.source.is_file;
    let resting =
        snapshot.resting.iter().filter(|name| Some(*name) != but).map(|name| ListedMount {
            mount: name.to_string(),
            fallback: snapshot
                .config
                .mount(name)
                .fallback
                .as_ref()
                .map_or_else(String::new, |to| to.to_string()),
            listeners: 0,
            authenticator: None,
            connected_seconds: None,
            content_type: None,
        });
    let mut all: Vec<_> =
        snapshot.mounts.iter().filter(wanted).map(listed).chain(resting).collect();
    all.sort_by(|a, b| a.mount.cmp(&b.mount));
    all
}

/// The answer to `moveclients`.
pub(crate) fn listeners_moved(from: &MountName, to: &MountName) -> Answer {
    let message = format!("Clients moved from {from} to {to}");
    Answer::ok(XML, admin_xml::response(&message, true))
}

/// The answer to `fallbacks`.
pub(crate) fn fallback_set() -> Answer {
    Answer::ok("text/html; charset=utf-8", admin_xml::success_page("Fallback configured"))
}

/// The answer to a title by `/admin.cgi`.
pub(crate) fn title_set() -> Answer {
    let page = admin_xml::success_page("Metadata update successful");
    Answer::ok("text/html; charset=utf-8", page)
}

/// The answer to `updatemetadata`: nothing but the mount's name, in which a page finds its form.
pub(crate) fn title_wanted(mount: &MountName) -> Answer {
    Answer::ok(XML, admin_xml::mount_alone(mount.as_str()))
}

/// The answer to `edges`: each, and how many listen there.
pub(crate) fn edges(held: &Held) -> Answer {
    let listed = held.edges.iter().map(|edge| ListedEdge {
        name: edge.name.clone(),
        ip: edge.ip.to_string(),
        heard_seconds: edge.heard.elapsed().as_secs(),
        listeners: edge.listeners.iter().map(|(name, count)| (name.to_string(), *count)).collect(),
    });
    Answer::ok(XML, admin_xml::edges(&listed.collect::<Vec<_>>()))
}

/// The answer to `streamlist.txt`, with the line in `origin` if there is one.
pub(crate) fn stream_list(snapshot: &Snapshot, origin: Option<(&str, &str)>) -> Answer {
    let lines = public_mounts(snapshot).map(|mount| {
        let path = percent::encode_path(mount.name.as_str().as_bytes());
        format!("{path}\r\n")
    });
    let headers = origin.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = headers.collect();
    Answer { headers, ..Answer::ok("text/plain; charset=utf-8", lines.collect::<String>()) }
}

/// The mounts that everybody may know of.
pub(super) fn public_mounts(snapshot: &Snapshot) -> impl Iterator<Item = &MountSnapshot> {
    let is_public = |mount: &&MountSnapshot| {
        !mount.on_air.source.is_file && !snapshot.config.mount(&mount.name).hidden
    };
    snapshot.mounts.iter().filter(is_public)
}

/// The statistics for those who may see all of them; of one mount, if it is named.
pub(crate) fn stats(snapshot: &Snapshot, only: Option<&MountName>) -> Answer {
    let wanted = |mount: &&MountSnapshot| only.is_none_or(|name| mount.name == *name);
    let mut sources: Vec<_> = snapshot
        .mounts
        .iter()
        .filter(wanted)
        .map(|mount| SourceFields {
            mount: mount.name.to_string(),
            fields: if mount.on_air.source.is_file {
                file_fields(mount, snapshot)
            } else {
                let mut fields = public_fields(mount, snapshot);
                add_private_fields(mount, snapshot, &mut fields);
                fields
            },
        })
        .collect();
    let stood_in_for = snapshot.stood_in_for.iter().filter(|_| only.is_none());
    sources.extend(stood_in_for.map(|name| {
        let mut fields = stand_in_fields(name, snapshot);
        fields.add("max_listeners", listeners_max(name, snapshot));
        SourceFields { mount: name.to_string(), fields }
    }));
    let resting = snapshot.resting.iter().filter(|name| only.is_none_or(|only| only == *name));
    sources.extend(resting.map(|name| {
        let mut fields = resting_fields(name, snapshot);
        fields.add("max_listeners", listeners_max(name, snapshot));
        fields.add("public", u64::from(snapshot.config.mount(name).public.unwrap_or_default()));
        SourceFields { mount: name.to_string(), fields }
    }));
    sources.sort_by(|a, b| a.mount.cmp(&b.mount));
    Answer::ok(XML, stats_xml::document(&server_counts(snapshot), &sources))
}

/// The statistics for everybody; of one mount, if it is named.
pub(crate) fn status_json(snapshot: &Snapshot, only: Option<&str>) -> Answer {
    let texts = match snapshot.config.compat {
        Compat::Sensible => Texts::Kept,
        Compat::Strict => Texts::AsIcecast,
    };
    let sources = public_sources(snapshot, only);
    let document = status_json::document(&about_server(snapshot), &sources, texts);
    Answer::ok("application/json; charset=UTF-8", document)
}

/// What everybody may know of the mounts; of one, if it is named.
fn public_sources(snapshot: &Snapshot, only: Option<&str>) -> Vec<SourceFields> {
    let wanted = |name: &MountName| only.is_none_or(|only| name.as_str() == only);
    let mut sources: Vec<_> = public_mounts(snapshot)
        .filter(|mount| wanted(&mount.name))
        .map(|mount| SourceFields {
            mount: mount.name.to_string(),
            fields: public_fields(mount, snapshot),
        })
        .collect();
    let stood_in_for = snapshot.stood_in_for.iter().filter(|name| wanted(name));
    let stood_in_for = stood_in_for.filter(|name| !snapshot.config.mount(name).hidden);
    sources.extend(stood_in_for.map(|name| SourceFields {
        mount: name.to_string(),
        fields: stand_in_fields(name, snapshot),
    }));
    sources.sort_by(|a, b| a.mount.cmp(&b.mount));
    sources
}

fn about_server(snapshot: &Snapshot) -> Fields {
    let mut fields = Fields::default();
    fields
        .add("admin", snapshot.config.contact.as_str())
        .add("host", snapshot.config.hostname.as_str())
        .add("location", snapshot.config.location.as_str())
        .add("server_id", answer::server_id(&snapshot.config))
        .add("server_start", date(snapshot.started))
        .add("server_start_iso8601", iso_date(snapshot.started));
    fields
}

fn server_counts(snapshot: &Snapshot) -> Fields {
    let counters = &snapshot.counters;
    let relayed = counters.relay_connections.now();
    let mut fields = about_server(snapshot);
    fields
        .add("client_connections", counters.connections.now())
        .add("clients", counters.clients.now())
        .add("connections", counters.connections.now())
        .add("file_connections", counters.file_connections.now())
        .add("listener_connections", counters.listener_connections.now())
        .add("listeners", snapshot.listeners())
        .add("source_client_connections", counters.source_connections.now().saturating_sub(relayed))
        .add("source_relay_connections", relayed)
        .add("source_total_connections", counters.source_connections.now())
        .add("sources", counters.sources.now())
        .add("stats", 0)
        .add("stats_connections", 0);
    fields
}

pub(super) fn public_fields(mount: &MountSnapshot, snapshot: &Snapshot) -> Fields {
    let (air, source) = (&mount.on_air, &mount.on_air.source);
    let says = &snapshot.config.mount(&mount.name).says;
    let or = |own: &Option<String>, text: &Option<String>, usual: &str| {
        own.as_ref().or(text.as_ref()).cloned().unwrap_or_else(|| usual.to_owned())
    };
    let mut fields = Fields::default();
    for (name, value) in source.audio_parameters() {
        fields.add(name, Field::guessed(&value));
    }
    if let Some(audio) = &air.audio {
        let version = audio.flac_version.map(|(major, minor)| format!("{major}.{minor}"));
        let version = version.map(|version| Field::guessed(&version));
        fields.add_some("FLAC_version", version);
        if audio.codec == "Vorbis" {
            fields.add_some("ice-bitrate", audio.bitrate_bps.map(|bps| u64::from(bps / 1_000)));
            fields.add_some("audio_bitrate", audio.bitrate_bps.map(u64::from));
            fields.add("audio_channels", u64::from(audio.channels));
            fields.add("audio_samplerate", u64::from(audio.rate_hz));
        }
    }
    if let Some(video) = &air.video {
        let rate = f64::from(video.pictures) / f64::from(video.seconds.max(1));
        fields
            .add("frame_rate", format!("{rate:.2}"))
            .add("frame_size", format!("{} x {}", video.width, video.height))
            .add("video_bitrate", u64::from(video.bitrate_bps))
            .add("video_quality", u64::from(video.quality));
    }
    // Icecast names first what began last.
    let codecs: Vec<_> = air.codecs.iter().rev().copied().collect();
    let codecs = Some(codecs.join("/")).filter(|codecs| !codecs.is_empty());
    let kbps = says.bitrate.clone().or_else(|| source.kbps());
    let (name, description) = ("Unspecified name", "Unspecified description");
    fields
        .add_some("artist", air.title.artist.clone())
        .add_some("audio_info", source.audio_info.clone())
        .add_some("authenticator", authenticator(mount))
        .add_some("bitrate", kbps.map(|kbps| Field::guessed(&kbps)))
        .add("genre", or(&says.genre, &source.genre, "various"))
        .add_some("listeners_on_edges", Some(mount.on_edges).filter(|count| *count > 0))
        .add("listener_peak", mount.counters.listener_peak.now())
        .add("listeners", mount.listeners)
        .add("listenurl", listen_url(&mount.name, snapshot))
        .add("server_description", or(&says.description, &source.description, description))
        .add("server_name", or(&says.name, &source.name, name))
        .add("server_type", says.content_type.as_ref().unwrap_or(&source.content_type).as_str())
        .add_some("server_url", says.url.clone().or_else(|| source.url.clone()))
        .add("stream_start", date(air.since))
        .add("stream_start_iso8601", iso_date(air.since))
        .add_some("subtype", says.subtype.clone().or(codecs))
        .add_some("title", air.title.title.clone());
    fields
}

/// What the statistics say of a mount for which another stands in.
fn stand_in_fields(name: &MountName, snapshot: &Snapshot) -> Fields {
    let mut fields = Fields::default();
    let on_edges = snapshot.edges.listeners(name);
    fields
        .add("listeners", on_edges)
        .add_some("listeners_on_edges", Some(on_edges).filter(|count| *count > 0))
        .add("listenurl", listen_url(name, snapshot));
    fields
}

/// What the statistics say of a mount that is fetched once somebody listens.
fn resting_fields(name: &MountName, snapshot: &Snapshot) -> Fields {
    let mut fields = stand_in_fields(name, snapshot);
    fields.add("listener_peak", 0);
    fields
}

/// What the statistics say of a file that stands in for a mount.
fn file_fields(mount: &MountSnapshot, snapshot: &Snapshot) -> Fields {
    let counters = &mount.counters;
    let mut fields = Fields::default();
    fields
        .add("listener_peak", counters.listener_peak.now())
        .add("listeners", counters.listeners.now())
        .add("listenurl", listen_url(&mount.name, snapshot))
        .add("slow_listeners", counters.slow_listeners.now())
        .add("stream_start", date(mount.on_air.since))
        .add("stream_start_iso8601", iso_date(mount.on_air.since))
        .add("total_bytes_read", counters.read_bytes.now())
        .add("total_bytes_sent", counters.sent_bytes.now());
    fields
}

fn listen_url(name: &MountName, snapshot: &Snapshot) -> String {
    let path = percent::encode_path(name.as_str().as_bytes());
    let (scheme, host) = (snapshot.config.scheme(), &snapshot.config.hostname);
    format!("{scheme}://{host}:{}{path}", snapshot.port)
}

fn listeners_max(name: &MountName, snapshot: &Snapshot) -> Field {
    match snapshot.config.mount(name).limits.listeners_max {
        Some(max) => Field::Number(max as u64),
        None => Field::from("unlimited"),
    }
}

fn add_private_fields(mount: &MountSnapshot, snapshot: &Snapshot, fields: &mut Fields) {
    let source = &mount.on_air.source;
    let public = snapshot.config.mount(&mount.name).public.unwrap_or(source.public);
    fields
        .add("max_listeners", listeners_max(&mount.name, snapshot))
        .add("public", u64::from(public))
        .add("slow_listeners", mount.counters.slow_listeners.now())
        .add("source_ip", source.ip.to_string())
        .add("total_bytes_read", mount.counters.read_bytes.now())
        .add("total_bytes_sent", mount.counters.sent_bytes.now())
        .add_some("user_agent", source.user_agent.clone());
}

/// How the listeners of a mount prove that they may listen, in Icecast's word.
fn authenticator(mount: &MountSnapshot) -> Option<&'static str> {
    let has_backend = || mount.has_backend.then_some(URL);
    mount.is_guarded.then_some(HTPASSWD).or_else(has_backend)
}

fn elapsed_seconds(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.as_second() - since.as_second()).unwrap_or_default()
}

fn date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn iso_date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

const XML: &str = "text/xml; charset=utf-8";
/// What Icecast calls the file of users, and the backend.
const HTPASSWD: &str = "htpasswd";
const URL: &str = "url";
const CHALLENGE: &str = "Basic realm=\"Icecast2 Server\"";
const METHODS: &str = "GET, HEAD, OPTIONS, SOURCE";
const CORS_HEADERS: &str =
    "Authorization, Accept, Content-Type, Icy-MetaData, Origin, Range, X-Requested-With";
