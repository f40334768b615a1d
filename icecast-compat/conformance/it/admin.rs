//! The administrator's commands: right, wrong, without what they need, by whom they may.

use crate::Area;
use crate::script::{
    Admin, Group, Nobody, Other, Relay, Source, Step, Stranger, ask, ends, leave, listen, on_air,
    on_air_as, play, until_gone, until_listeners,
};

pub(crate) const AREA: Area = Area { name: "admin", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![nothing_on_air(), two_mounts()]
}

/// What needs nobody on air.
fn nothing_on_air() -> Group {
    Group::with("<mount><mount-name>/own.mp3</mount-name><password>own</password></mount>")
        .ask("stats-nobody", "GET /admin/stats", Nobody)
        .ask("stats-stranger", "GET /admin/stats", Stranger)
        .ask("stats-source", "GET /admin/stats", Source)
        .ask("stats-relay", "GET /admin/stats", Relay)
        .ask("stats-admin-wrong", "GET /admin/stats", Other("admin", "wrong"))
        .ask("stats-admin-empty", "GET /admin/stats", Other("admin", ""))
        .case("stats-bad-base64", [ask("GET /admin/stats").line("Authorization: Basic !!!")])
        .case("stats-digest", [ask("GET /admin/stats").line("Authorization: Digest x=\"y\"")])
        .case(
            "stats-lowercase",
            [ask("GET /admin/stats")
                .line("Authorization: basic YWRtaW46Zm9yLXRoZS1hZG1pbmlzdHJhdG9y")],
        )
        .ask("stats-mount-absent", "GET /admin/stats?mount=/a.mp3", Admin)
        .ask("no-slash", "GET /admin", Admin)
        .case("root", [ask("GET /admin/").by(Admin).head()])
        .ask("root-nobody", "GET /admin/", Nobody)
        .case("stats-xsl", [ask("GET /admin/stats.xsl").by(Admin).head()])
        .ask("stats-xsl-nobody", "GET /admin/stats.xsl", Nobody)
        .ask("unknown", "GET /admin/nope", Admin)
        .ask("unknown-nobody", "GET /admin/nope", Nobody)
        .ask("unknown-libshout", "GET /admin/!POKE", Nobody)
        .ask("unknown-xsl", "GET /admin/nope.xsl", Admin)
        .ask("unknown-below", "GET /admin/stats/more", Admin)
        .ask("post", "POST /admin/stats", Admin)
        .ask("listmounts-none", "GET /admin/listmounts", Admin)
        .ask("listmounts-nobody", "GET /admin/listmounts", Nobody)
        .ask("listmounts-source", "GET /admin/listmounts", Source)
        .case("listmounts-xsl-none", [ask("GET /admin/listmounts.xsl").by(Admin).head()])
        .ask("streamlist-none", "GET /admin/streamlist", Admin)
        .ask("streamlist-txt-none", "GET /admin/streamlist.txt", Relay)
        .ask("streamlist-txt-admin", "GET /admin/streamlist.txt", Admin)
        .ask("streamlist-txt-nobody", "GET /admin/streamlist.txt", Nobody)
        .ask("listclients-no-mount", "GET /admin/listclients", Admin)
        .ask("listclients-no-mount-source", "GET /admin/listclients", Source)
        .ask("listclients-absent", "GET /admin/listclients?mount=/a.mp3", Admin)
        .ask("listclients-absent-source", "GET /admin/listclients?mount=/a.mp3", Source)
        .ask("listclients-absent-nobody", "GET /admin/listclients?mount=/a.mp3", Nobody)
        .ask("listclients-no-slash", "GET /admin/listclients?mount=a.mp3", Admin)
        .ask("listclients-empty-mount", "GET /admin/listclients?mount=", Admin)
        .ask("killclient-no-mount", "GET /admin/killclient?id=1", Admin)
        .ask("killclient-absent", "GET /admin/killclient?mount=/a.mp3&id=1", Admin)
        .ask("killsource-no-mount", "GET /admin/killsource", Admin)
        .ask("killsource-no-mount-source", "GET /admin/killsource", Source)
        .ask("killsource-absent", "GET /admin/killsource?mount=/a.mp3", Admin)
        .ask("killsource-nobody", "GET /admin/killsource?mount=/a.mp3", Nobody)
        .ask("metadata-no-mount", "GET /admin/metadata?mode=updinfo&song=S", Admin)
        .ask("metadata-no-mount-source", "GET /admin/metadata?mode=updinfo&song=S", Source)
        .ask("metadata-absent", "GET /admin/metadata?mount=/a.mp3&mode=updinfo&song=S", Admin)
        .ask("metadata-nobody", "GET /admin/metadata?mount=/a.mp3&mode=updinfo&song=S", Nobody)
        .ask("metadata-xsl-absent", "GET /admin/metadata.xsl?mount=/a.mp3&mode=updinfo", Admin)
        .ask("updatemetadata-no-mount", "GET /admin/updatemetadata", Admin)
        .ask("updatemetadata-absent", "GET /admin/updatemetadata?mount=/a.mp3", Admin)
        .ask("moveclients-no-mount", "GET /admin/moveclients", Admin)
        .ask("moveclients-absent", "GET /admin/moveclients?mount=/a.mp3&destination=/b.mp3", Admin)
        .ask("fallbacks-no-mount", "GET /admin/fallbacks", Admin)
        .ask("fallbacks-absent", "GET /admin/fallbacks?mount=/a.mp3&fallback=/b.mp3", Admin)
        .ask("manageauth-no-mount", "GET /admin/manageauth", Admin)
        .ask("manageauth-absent", "GET /admin/manageauth?mount=/a.mp3", Admin)
        .ask("buildm3u", "GET /admin/buildm3u?mount=/a.mp3&username=u%20x&password=p%40s", Nobody)
        .ask("buildm3u-missing", "GET /admin/buildm3u?mount=/a.mp3", Nobody)
        .ask("buildm3u-no-mount", "GET /admin/buildm3u?username=u&password=p", Nobody)
        .ask(
            "buildm3u-injection",
            "GET /admin/buildm3u?mount=/a%0d%0aX-Inj:%201&username=u&password=p",
            Nobody,
        )
}

/// What needs mounts: one with a listener, one without, one of another format.
#[expect(clippy::too_many_lines, reason = "a table is as long as it has cases")]
fn two_mounts() -> Group {
    let own = "<mount><mount-name>/own.mp3</mount-name><username>me</username>\
        <password>mine</password></mount>\
        <mount><mount-name>/hidden.mp3</mount-name><hidden>1</hidden></mount>";
    let own_user = Other("me", "mine");
    Group::with(own)
        .standing([
            on_air("/a.mp3"),
            on_air("/b.mp3"),
            on_air("/hidden.mp3"),
            on_air_as("/o.ogg", "application/ogg", crate::OPUS),
            listen("listener", "GET /a.mp3 HTTP/1.1").line("User-Agent: Player/1.0 <x> & \"y\""),
            listen("plain", "GET /a.mp3 HTTP/1.0"),
            until_listeners("/a.mp3", 2),
        ])
        .ask("listmounts", "GET /admin/listmounts", Admin)
        .case("listmounts-xsl", [ask("GET /admin/listmounts.xsl").by(Admin).head()])
        .ask("streamlist", "GET /admin/streamlist", Admin)
        .ask("streamlist-txt", "GET /admin/streamlist.txt", Relay)
        .ask("listclients", "GET /admin/listclients?mount=/a.mp3", Admin)
        .ask("listclients-source", "GET /admin/listclients?mount=/a.mp3", Source)
        .ask("listclients-stranger", "GET /admin/listclients?mount=/a.mp3", Stranger)
        .ask("listclients-none", "GET /admin/listclients?mount=/b.mp3", Admin)
        .ask("listclients-encoded", "GET /admin/listclients?mount=%2Fb.mp3", Admin)
        .ask("listclients-last-counts", "GET /admin/listclients?mount=/x&mount=/b.mp3", Admin)
        .ask("listclients-plus", "GET /admin/listclients?mount=/b.mp3&x=a+b", Admin)
        .case("listclients-xsl", [ask("GET /admin/listclients.xsl?mount=/a.mp3").by(Admin).head()])
        .ask("killclient-no-id", "GET /admin/killclient?mount=/a.mp3", Admin)
        .ask("killclient-nobody", "GET /admin/killclient?mount=/a.mp3&id=9999", Admin)
        .ask("killclient-words", "GET /admin/killclient?mount=/a.mp3&id=abc", Admin)
        .ask("killclient-source", "GET /admin/killclient?mount=/a.mp3&id=9999", Source)
        .ask("metadata-no-mode", "GET /admin/metadata?mount=/b.mp3&song=S", Admin)
        .ask("metadata-other-mode", "GET /admin/metadata?mount=/b.mp3&mode=foo&song=S", Admin)
        .ask("metadata-no-song", "GET /admin/metadata?mount=/b.mp3&mode=updinfo", Admin)
        .ask("metadata-stranger", "GET /admin/metadata?mount=/b.mp3&mode=updinfo", Stranger)
        .ask("updatemetadata", "GET /admin/updatemetadata?mount=/b.mp3", Admin)
        .case(
            "updatemetadata-xsl",
            [ask("GET /admin/updatemetadata.xsl?mount=/b.mp3").by(Admin).head()],
        )
        .ask("moveclients-list", "GET /admin/moveclients?mount=/b.mp3", Admin)
        .case("moveclients-xsl", [ask("GET /admin/moveclients.xsl?mount=/b.mp3").by(Admin).head()])
        .ask("moveclients-same", "GET /admin/moveclients?mount=/a.mp3&destination=/a.mp3", Admin)
        .ask("moveclients-nowhere", "GET /admin/moveclients?mount=/a.mp3&destination=/x", Admin)
        .ask("moveclients-nobody", "GET /admin/moveclients?mount=/b.mp3&destination=/a.mp3", Admin)
        .ask("moveclients-type", "GET /admin/moveclients?mount=/b.mp3&destination=/o.ogg", Admin)
        .ask("moveclients-source", "GET /admin/moveclients?mount=/b.mp3&destination=/a.mp3", Source)
        .ask("fallbacks", "GET /admin/fallbacks?mount=/b.mp3&fallback=/a.mp3", Admin)
        .ask("fallbacks-xsl", "GET /admin/fallbacks.xsl?mount=/b.mp3&fallback=/a.mp3", Admin)
        .ask("fallbacks-missing", "GET /admin/fallbacks?mount=/b.mp3", Admin)
        .ask("manageauth-none", "GET /admin/manageauth?mount=/b.mp3", Admin)
        .case("stats-mount-source", [ask("GET /admin/stats?mount=/b.mp3").by(Source).status()])
        .ask("stats-mount-other-source", "GET /admin/stats?mount=/b.mp3", own_user)
        .ask("stats-mount-no-slash", "GET /admin/stats?mount=b.mp3", Admin)
        .case(
            "killsource",
            [
                on_air("/k.mp3"),
                listen("l", "GET /k.mp3 HTTP/1.0"),
                until_listeners("/k.mp3", 1),
                ask("GET /admin/killsource?mount=/k.mp3").by(Admin),
                ends("/k.mp3"),
                ends("l"),
            ],
        )
        .case(
            "killsource-xsl",
            [
                on_air("/k.mp3"),
                ask("GET /admin/killsource.xsl?mount=/k.mp3").by(Admin).head(),
                ends("/k.mp3"),
            ],
        )
        .case(
            "killsource-source",
            [on_air("/k.mp3"), ask("GET /admin/killsource?mount=/k.mp3").by(Source)],
        )
        .case(
            "killsource-own",
            [own_on_air(), ask("GET /admin/killsource?mount=/own.mp3").by(own_user)],
        )
        .case(
            "killsource-own-global",
            [own_on_air(), ask("GET /admin/killsource?mount=/own.mp3").by(Source)],
        )
        .case(
            "killclient",
            [
                on_air("/k.mp3"),
                listen("l", "GET /k.mp3 HTTP/1.0"),
                until_listeners("/k.mp3", 1),
                ask("GET /admin/listclients?mount=/k.mp3").by(Admin),
                ask("GET /admin/killclient?mount=/k.mp3&id={id}").by(Admin),
                play("/k.mp3", 10..20),
                ends("l"),
                until_listeners("/k.mp3", 0),
            ],
        )
        .case(
            "moveclients",
            [
                on_air("/k.mp3"),
                on_air("/l.mp3"),
                listen("l", "GET /k.mp3 HTTP/1.0"),
                until_listeners("/k.mp3", 1),
                ask("GET /admin/moveclients?mount=/k.mp3&destination=/l.mp3").by(Admin),
                until_listeners("/l.mp3", 1),
                ask("GET /admin/listclients?mount=/l.mp3").by(Admin),
                ask("GET /admin/listclients?mount=/k.mp3").by(Admin),
            ],
        )
        .case(
            "source-gone",
            [
                on_air("/k.mp3"),
                leave("/k.mp3"),
                until_gone("/k.mp3"),
                ask("GET /admin/listclients?mount=/k.mp3").by(Admin),
            ],
        )
}

fn own_on_air() -> Step {
    on_air("/own.mp3").by(Other("me", "mine"))
}
