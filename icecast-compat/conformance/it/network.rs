//! The server among others: relays that rest, backends that are asked, SHOUTcast's titles, and what
//! a directory is told of a station, from the first minute to the last.

use crate::Area;
use crate::script::{
    Admin, Group, Nobody, Relay, ask, ask_securely, ask_there_openly, keep_playing, leave, listen,
    on_air, source, told, until_stats,
};

pub(crate) const AREA: Area = Area { name: "network", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

/// A server that is not there.
const NOWHERE: &str = "http://127.0.0.1:1/";

fn groups() -> Vec<Group> {
    vec![relays(), backends(), shoutcast(), directory(), tls()]
}

fn relays() -> Group {
    let relay = "<relay><server>127.0.0.1</server><port>1</port><mount>/far.mp3</mount>\
                 <local-mount>/near.mp3</local-mount><on-demand>1</on-demand></relay>";
    Group::with(relay)
        // Icecast looks after its relays a moment after it has started.
        .standing([until_stats("/near.mp3", "<listeners>0</listeners>")])
        .case("resting-mounts", [ask("GET /admin/listmounts").by(Admin)])
        .case("resting-json", [ask("GET /status-json.xsl?mount=/near.mp3")])
        .case("resting-stats", [ask("GET /admin/stats?mount=/near.mp3").by(Admin).status()])
        .case("resting-listeners", [ask("GET /admin/listclients?mount=/near.mp3").by(Admin)])
        .case("resting-list", [ask("GET /admin/streamlist.txt").by(Relay)])
}

fn backends() -> Group {
    let mount = |name: &str, option: &str| {
        format!(
            "<mount><mount-name>{name}</mount-name><authentication type=\"url\">\
             <option name=\"{option}\" value=\"{NOWHERE}\"/></authentication></mount>"
        )
    };
    let xml = mount("/asked.mp3", "listener_add") + &mount("/told.mp3", "listener_remove");
    Group::with(&xml)
        .standing([on_air("/asked.mp3"), on_air("/told.mp3")])
        .case("backend-dead", [ask("GET /asked.mp3")])
        .case("backend-told", [listen("l", "GET /told.mp3")])
        .case("backend-named", [ask("GET /admin/listmounts").by(Admin).only("<authenticator>")])
}

fn shoutcast() -> Group {
    Group::with("<shoutcast-mount>/sc.mp3</shoutcast-mount>")
        .ask("cgi-without-password", "GET /admin.cgi?mode=updinfo&song=x", Nobody)
        .ask("cgi-without-source", "GET /admin.cgi?mode=updinfo&pass=x&song=x", Nobody)
        .ask("index", "GET /7.html", Nobody)
}

fn directory() -> Group {
    let mount = "<mount><mount-name>/pub.mp3</mount-name><cluster-password>c</cluster-password>\
                 </mount>";
    let station = source("/pub.mp3", "SOURCE /pub.mp3")
        .line("Content-Type: audio/mpeg")
        .line("ice-public: 1")
        .line("ice-name: V & R")
        .line("ice-genre: ambient")
        .line("ice-audio-info: ice-bitrate=128;ice-channels=2");
    let title = "GET /admin/metadata?mount=/pub.mp3&mode=updinfo&song=A%20-%20B";
    Group::with(mount).announcing().case(
        "directory",
        [
            station,
            keep_playing("/pub.mp3"),
            told("action=add"),
            ask(title).by(Admin).status(),
            told("action=touch"),
            leave("/pub.mp3"),
            told("action=remove"),
        ],
    )
}

fn tls() -> Group {
    Group::with("")
        .encrypted()
        // Icecast's statistics are a moment late.
        .standing([on_air("/live.mp3"), until_stats("/live.mp3", "<stream_start>")])
        .case("tls-json", [ask_securely("/status-json.xsl")])
        .case("tls-playlist", [ask_securely("/live.mp3.m3u")])
        .case("tls-absent", [ask_securely("/absent.mp3")])
        .case("tls-none", [ask_there_openly("GET /status-json.xsl")])
}
