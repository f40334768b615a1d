//! Limits: of clients, sources, listeners, time; and who may connect at all.

use crate::Area;
use crate::script::{
    Admin, Group, Hear, ask, ends, hear, keep_playing, leave, listen, on_air, raw, source,
    until_listeners,
};

pub(crate) const AREA: Area = Area { name: "limits", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![
        of_mounts(),
        of_sources(),
        of_clients(),
        of_clients_reserved(),
        of_addresses(),
        allowed_addresses(),
    ]
}

fn of_mounts() -> Group {
    let xml = "<mount><mount-name>/max0</mount-name><max-listeners>0</max-listeners></mount>\
        <mount><mount-name>/max1</mount-name><max-listeners>1</max-listeners></mount>\
        <mount><mount-name>/nomount</mount-name><no-mount>1</no-mount></mount>\
        <mount><mount-name>/second</mount-name><max-listener-duration>3</max-listener-duration>\
        </mount>\
        <mount><mount-name>/*.glob</mount-name><max-listeners>0</max-listeners></mount>\
        <mount><mount-name>/exact.glob</mount-name><max-listeners>5</max-listeners></mount>";
    Group::with(xml)
        .standing([on_air("/max0"), on_air("/nomount"), on_air("/exact.glob"), on_air("/a/b.glob")])
        .case("max-0", [listen("l", "GET /max0")])
        .case("max-0-icy", [listen("l", "GET /max0").line("Icy-MetaData: 1")])
        .case(
            "max-1",
            [
                on_air("/max1"),
                listen("one", "GET /max1"),
                until_listeners("/max1", 1),
                listen("two", "GET /max1"),
                ask("GET /admin/stats?mount=/max1").by(Admin).only("<max_listeners>"),
            ],
        )
        .case(
            "max-1-again",
            [
                on_air("/max1"),
                listen("one", "GET /max1"),
                until_listeners("/max1", 1),
                leave("one"),
                crate::script::play("/max1", 10..40),
                until_listeners("/max1", 0),
                listen("two", "GET /max1"),
            ],
        )
        .case("no-mount", [listen("l", "GET /nomount")])
        .case("no-mount-source", [ask("GET /admin/stats?mount=/nomount").by(Admin).status()])
        .case(
            "duration",
            [on_air("/second"), keep_playing("/second"), listen("l", "GET /second"), ends("l")],
        )
        .case("first-that-fits", [listen("l", "GET /exact.glob")])
        .case("no-slash-in-pattern", [listen("l", "GET /a/b.glob")])
}

fn of_sources() -> Group {
    let mp3 = |name, line| source(name, line).line("Content-Type: audio/mpeg");
    Group::with("<limits><sources>2</sources></limits>").case(
        "sources",
        [
            on_air("/one"),
            on_air("/two"),
            mp3("s", "SOURCE /three"),
            mp3("t", "PUT /three HTTP/1.1").line("Expect: 100-continue").line("Connection: close"),
            mp3("u", "SOURCE /one"),
            mp3("v", "SOURCE /three").by(crate::script::Stranger),
            leave("/two"),
            crate::script::until_gone("/two"),
            mp3("w", "SOURCE /three"),
        ],
    )
}

fn of_clients() -> Group {
    Group::with("<limits><clients>3</clients></limits>").case(
        "clients",
        [on_air("/s"), listen("one", "GET /s"), listen("two", "GET /s"), ask("GET /s"), raw(b"")],
    )
}

/// What is kept beyond the limit for those who look after the server.
fn of_clients_reserved() -> Group {
    Group::with("<limits><clients>3</clients></limits>").case(
        "clients-reserved",
        [
            on_air("/r"),
            listen("one", "GET /r"),
            listen("two", "GET /r"),
            ask("GET /status-json.xsl").head(),
            ask("GET /admin/stats").by(Admin).head(),
        ],
    )
}

fn of_addresses() -> Group {
    Group::with("<paths><deny-ip>{folder}/denied</deny-ip></paths>")
        .file("denied", "127.0.0.7\n127.0.1.*\n")
        .file("web/plain.txt", "This is plain text.\n")
        .case("denied", [ask("GET /plain.txt").from(7)])
        .case("denied-silent", [raw(b"").from(7)])
        .case("not-denied", [ask("GET /plain.txt").from(8)])
}

fn allowed_addresses() -> Group {
    Group::with("<paths><allow-ip>{folder}/allowed</allow-ip></paths>")
        .file("allowed", "127.0.0.1\n127.0.0.6\n")
        .file("web/plain.txt", "This is plain text.\n")
        .standing([on_air("/s")])
        .case("allowed", [ask("GET /plain.txt").from(6)])
        .case("not-allowed", [ask("GET /plain.txt").from(7)])
        .case(
            "allowed-listener",
            [
                listen("l", "GET /s"),
                crate::script::play("/s", 10..20),
                hear("l", Hear::Beginning(15)),
            ],
        )
}
