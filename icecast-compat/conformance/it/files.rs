//! Files and pages beside the streams, and the header lines that an operator adds.

use crate::Area;
use crate::script::{Group, Nobody, Step, ask, listen, on_air};
use e2e::frames;

pub(crate) const AREA: Area = Area { name: "files", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![served(), not_served(), header_lines()]
}

fn plain(line: &str) -> Step {
    ask("GET /plain.txt").line(line)
}

#[expect(clippy::too_many_lines, reason = "a table is as long as it has cases")]
fn served() -> Group {
    let aliases = "<paths><alias source=\"/\" destination=\"/status.xsl\"/>\
        <alias source=\"/short\" destination=\"/plain.txt\"/>\
        <alias source=\"/chain\" destination=\"/short\"/></paths>";
    let mut group = Group::with(aliases);
    for name in [
        "plain.txt",
        "a.css",
        "a.html",
        "a.htm",
        "a.js",
        "a.json",
        "a.jpg",
        "a.jpeg",
        "a.png",
        "a.gif",
        "a.svg",
        "a.ico",
        "a.xml",
        "a.m3u",
        "a.pls",
        "a.ogg",
        "a.oga",
        "a.ogv",
        "a.opus",
        "a.flac",
        "a.wav",
        "a.aac",
        "a.webm",
        "a.unknown",
        "noextension",
        "a.TXT",
        "a.tar.gz",
    ] {
        group = group.file(&format!("web/{name}"), "This is plain text.\n");
    }
    let types = [
        "css", "html", "htm", "js", "json", "jpg", "jpeg", "png", "gif", "svg", "ico", "xml",
        "pls", "ogg", "oga", "ogv", "opus", "flac", "wav", "aac", "webm", "unknown", "TXT",
        "tar.gz",
    ];
    group
        .file("web/sub/page.html", "<p>page</p>\n")
        .file("web/with space.txt", "space\n")
        .file("web/tone.mp3", frames::run(0..20))
        .ask("plain", "GET /plain.txt", Nobody)
        .case("http11", [ask("GET /plain.txt HTTP/1.1").line("Connection: close")])
        .case("types", types.map(|end| ask(&format!("GET /a.{end}")).head()))
        .ask("no-extension", "GET /noextension", Nobody)
        .ask("sub", "GET /sub/page.html", Nobody)
        .ask("blank", "GET /with%20space.txt", Nobody)
        .ask("query", "GET /plain.txt?x=1", Nobody)
        .case("mp3", [ask("GET /tone.mp3").head()])
        .case("mp3-icy", [ask("GET /tone.mp3").line("Icy-MetaData: 1").head()])
        .ask("folder", "GET /sub/", Nobody)
        .ask("folder-no-slash", "GET /sub", Nobody)
        .ask("absent", "GET /absent.txt", Nobody)
        .ask("absent-favicon", "GET /favicon.ico", Nobody)
        .ask("absent-xsl", "GET /absent.xsl", Nobody)
        .ask("shoutcast-pages", "GET /7.html", Nobody)
        .ask("shoutcast-index", "GET /index.html?sid=1", Nobody)
        .ask("m3u-that-is-there", "GET /a.m3u", Nobody)
        .ask("alias", "GET /short", Nobody)
        .ask("alias-of-alias", "GET /chain", Nobody)
        .case("root", [ask("GET /").status()])
        .case("status-page", [ask("GET /status.xsl").head()])
        .case("version-page", [ask("GET /server_version.xsl").head()])
        .case("auth-page", [ask("GET /auth.xsl").status()])
        .case("range-all", [plain("Range: bytes=0-")])
        .case("range-prefix", [plain("Range: bytes=0-4")])
        .case("range-middle", [plain("Range: bytes=5-9")])
        .case("range-open", [plain("Range: bytes=15-")])
        .case("range-at-end", [plain("Range: bytes=20-")])
        .case("range-past", [plain("Range: bytes=25-")])
        .case("range-suffix", [plain("Range: bytes=-5")])
        .case("range-odd", [plain("Range: lines=1-2")])
        .case("range-several", [plain("Range: bytes=0-1,4-5")])
}

fn not_served() -> Group {
    Group::with("<fileserve>0</fileserve>")
        .file("web/plain.txt", "This is plain text.\n")
        .standing([on_air("/live.mp3")])
        .ask("off", "GET /plain.txt", Nobody)
        .ask("off-absent", "GET /absent.txt", Nobody)
        .case("off-status-page", [ask("GET /status.xsl").status()])
        .case("off-json", [ask("GET /status-json.xsl").status()])
        .case("off-playlist", [ask("GET /live.mp3.m3u").status()])
        .case("off-stream", [listen("l", "GET /live.mp3")])
        .ask("root-without-alias", "GET /", Nobody)
}

fn header_lines() -> Group {
    let lines = "<http-headers><header name=\"X-All\" value=\"all\"/>\
        <header name=\"X-Missing\" value=\"missing\" status=\"404\"/>\
        <header name=\"X-Fine\" value=\"fine\" status=\"200\"/></http-headers>\
        <mount type=\"default\"><http-headers><header name=\"X-Default\" value=\"d\"/>\
        </http-headers></mount>\
        <mount><mount-name>/own.mp3</mount-name><http-headers>\
        <header name=\"X-Mount\" value=\"m\"/><header name=\"X-Gone\" value=\"g\" status=\"404\"/>\
        </http-headers></mount>";
    Group::with(lines)
        .file("web/plain.txt", "This is plain text.\n")
        .standing([on_air("/own.mp3").line("ice-name: N"), on_air("/other.mp3")])
        .ask("headers-file", "GET /plain.txt", Nobody)
        .ask("headers-absent", "GET /absent.txt", Nobody)
        .ask("headers-admin", "GET /admin/stats", Nobody)
        .case("headers-json", [ask("GET /status-json.xsl").head()])
        .case("headers-m3u", [ask("GET /own.mp3.m3u").head()])
        .case("headers-mount", [listen("l", "GET /own.mp3")])
        .case("headers-default", [listen("l", "GET /other.mp3")])
}
