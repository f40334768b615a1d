//! The playlists beside a mount: m3u, xspf and vclt.

use crate::Area;
use crate::script::{Admin, Group, Nobody, ask, on_air, on_air_as, play, until_stats};

pub(crate) const AREA: Area = Area { name: "playlists", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    let xml = "<mount><mount-name>/hidden.mp3</mount-name><hidden>1</hidden></mount>";
    let standing = [
        on_air("/live.mp3").line("ice-name: A & B <C>").line("ice-url: http://u.test/?a&b"),
        on_air("/hidden.mp3"),
        on_air_as("/v.ogg", "application/ogg", crate::halves(crate::VORBIS).0),
        on_air("/a%20b.mp3"),
        ask("GET /admin/metadata?mount=/live.mp3&mode=updinfo&artist=Anna&title=One+%26+two")
            .by(Admin),
        play("/live.mp3", 10..20),
        until_stats("/live.mp3", "One &amp; two</title>"),
        until_stats("/v.ogg", "<title>Vorbis tune</title>"),
    ];
    let m3u = |line: &str| ask("GET /live.mp3.m3u").line(line);
    let group = Group::with(xml)
        .standing(standing)
        .case("m3u", [m3u("Host: radio.test:8000")])
        .case(
            "m3u-http11",
            [ask("GET /live.mp3.m3u HTTP/1.1")
                .line("Host: radio.test:8000")
                .line("Connection: close")],
        )
        .case("m3u-host-without-port", [m3u("Host: radio.test")])
        .case("m3u-host-v6", [m3u("Host: [::1]:8000")])
        .case("m3u-host-empty", [m3u("Host:")])
        .case("m3u-host-odd", [m3u("Host: a b:8000")])
        .ask("m3u-no-host", "GET /live.mp3.m3u", Nobody)
        .ask("m3u-query", "GET /live.mp3.m3u?x=1", Nobody)
        .ask("m3u-absent", "GET /absent.mp3.m3u", Nobody)
        .ask("m3u-hidden", "GET /hidden.mp3.m3u", Nobody)
        .ask("m3u-blank", "GET /a%20b.mp3.m3u", Nobody)
        .ask("m3u-of-nothing", "GET /.m3u", Nobody)
        .ask("m3u-upper", "GET /live.mp3.M3U", Nobody)
        .ask("pls", "GET /live.mp3.pls", Nobody)
        .ask("xspf", "GET /live.mp3.xspf", Nobody)
        .ask("xspf-vorbis", "GET /v.ogg.xspf", Nobody)
        .ask("xspf-absent", "GET /absent.mp3.xspf", Nobody)
        .ask("xspf-hidden", "GET /hidden.mp3.xspf", Nobody)
        .ask("vclt", "GET /live.mp3.vclt", Nobody)
        .ask("vclt-vorbis", "GET /v.ogg.vclt", Nobody)
        .ask("vclt-absent", "GET /absent.mp3.vclt", Nobody);
    vec![group]
}
