//! How sources come in, and how they are turned away.

use crate::Area;
use crate::script::{
    Admin, Group, Hear, Nobody, Other, Source, Step, Stranger, ask, ends, hear, keep_playing,
    listen, log, on_air, play, send, source,
};
use e2e::frames;

pub(crate) const AREA: Area = Area { name: "source", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![handshakes(), passwords(), silence()]
}

/// A source that opens with `line` and says that it is MP3.
fn mp3(line: &str) -> Step {
    source("s", line).line("Content-Type: audio/mpeg")
}

#[expect(clippy::too_many_lines, reason = "a table is as long as it has cases")]
fn handshakes() -> Group {
    let head_of_the_listener = || listen("l", "GET /s.mp3 HTTP/1.0");
    Group::with("")
        .case("http10", [mp3("SOURCE /s.mp3 HTTP/1.0")])
        .case("http11", [mp3("SOURCE /s.mp3 HTTP/1.1").line("Host: x")])
        .case("ice10", [mp3("SOURCE /s.mp3 ICE/1.0")])
        .case("expect", [mp3("SOURCE /s.mp3 HTTP/1.0").line("Expect: 100-continue")])
        .case("put", [mp3("PUT /s.mp3 HTTP/1.1").line("Host: x")])
        .case("put-http10", [mp3("PUT /s.mp3 HTTP/1.0")])
        .case("put-expect", [mp3("PUT /s.mp3 HTTP/1.1").line("Expect: 100-continue")])
        .case("put-expect-upper", [mp3("PUT /s.mp3 HTTP/1.1").line("Expect: 100-Continue")])
        .case("put-expect-http10", [mp3("PUT /s.mp3 HTTP/1.0").line("Expect: 100-continue")])
        .case(
            "put-length",
            [
                mp3("PUT /length.mp3 HTTP/1.1").line("Host: x").line("Content-Length: 4170"),
                play("s", 0..40),
                listen("l", "GET /length.mp3 HTTP/1.0"),
                hear("l", Hear::Beginning(30)),
            ],
        )
        .case(
            "put-chunked",
            [
                mp3("PUT /chunked.mp3 HTTP/1.1").line("Host: x").line("Transfer-Encoding: chunked"),
                send("s", chunk(&frames::run(0..20))),
                listen("l", "GET /chunked.mp3 HTTP/1.0"),
                send("s", chunk(&frames::run(20..40))),
                hear("l", Hear::Beginning(30)),
            ],
        )
        .case("post", [ask("POST /s.mp3").by(Source).line("Content-Type: audio/mpeg")])
        .case(
            "no-type",
            [source("s", "SOURCE /no-type.mp3"), listen("l", "GET /no-type.mp3 HTTP/1.0")],
        )
        .case("put-no-type", [source("s", "PUT /s.mp3")])
        .case(
            "type-parameter",
            [
                source("s", "SOURCE /s.mp3").line("Content-Type: audio/mpeg; charset=utf-8"),
                head_of_the_listener(),
            ],
        )
        .case(
            "type-upper",
            [source("s", "SOURCE /s.mp3").line("Content-Type: AUDIO/MPEG"), head_of_the_listener()],
        )
        .case("type-html", [source("s", "SOURCE /s.html").line("Content-Type: text/html")])
        .case("type-unknown", [source("s", "SOURCE /s.mp3").line("Content-Type: x-odd/thing")])
        .case(
            "ogg-garbage",
            [source("s", "SOURCE /s.ogg").line("Content-Type: application/ogg"), play("s", 0..10)],
        )
        .case(
            "webm-garbage",
            [source("s", "SOURCE /s.webm").line("Content-Type: video/webm"), play("s", 0..10)],
        )
        .case(
            "body-with-head",
            [
                mp3("SOURCE /body.mp3 HTTP/1.0").body(frames::run(0..20)),
                listen("l", "GET /body.mp3 HTTP/1.0"),
                play("s", 20..30),
                hear("l", Hear::Beginning(25)),
            ],
        )
        .case(
            "silent",
            [mp3("SOURCE /silent.mp3 HTTP/1.0"), listen("l", "GET /silent.mp3 HTTP/1.0")],
        )
        .case("no-slash", [mp3("SOURCE s.mp3 HTTP/1.0")])
        .case("dot-dot", [mp3("SOURCE /a/../s.mp3 HTTP/1.0")])
        .case("root", [mp3("SOURCE / HTTP/1.0")])
        .case("xsl", [mp3("SOURCE /x.xsl HTTP/1.0")])
        .case("below-admin", [mp3("SOURCE /admin/stats HTTP/1.0")])
        .case("query", [mp3("SOURCE /s.mp3?x=1 HTTP/1.0"), head_of_the_listener()])
        .case("utf8", [mp3("SOURCE /%C3%BC.mp3 HTTP/1.0"), listen("l", "GET /%c3%bc.mp3 HTTP/1.0")])
        .case("space", [mp3("SOURCE /a%20b.mp3 HTTP/1.0"), listen("l", "GET /a%20b.mp3 HTTP/1.0")])
        .case("folder", [mp3("SOURCE /a/b/c.mp3 HTTP/1.0"), listen("l", "GET /a/b/c.mp3 HTTP/1.0")])
        .case("in-use", [on_air("/s.mp3"), keep_playing("/s.mp3"), mp3("SOURCE /s.mp3 HTTP/1.0")])
        .case(
            "in-use-put",
            [
                on_air("/s.mp3"),
                keep_playing("/s.mp3"),
                mp3("PUT /s.mp3 HTTP/1.1").line("Expect: 100-continue").line("Connection: close"),
            ],
        )
        .case(
            "in-use-stranger",
            [on_air("/s.mp3"), keep_playing("/s.mp3"), mp3("SOURCE /s.mp3 HTTP/1.0").by(Stranger)],
        )
        .case(
            "killed",
            [
                on_air("/s.mp3"),
                ask("GET /admin/killsource?mount=/s.mp3").by(Admin).status(),
                ends("/s.mp3"),
                mp3("SOURCE /s.mp3 HTTP/1.0"),
            ],
        )
        .case(
            "leaves-and-returns",
            [
                on_air("/s.mp3"),
                crate::script::leave("/s.mp3"),
                crate::script::until_gone("/s.mp3"),
                mp3("SOURCE /s.mp3 HTTP/1.0"),
            ],
        )
        .case(
            "access-log",
            [
                mp3("SOURCE /logged.mp3 HTTP/1.0").line("User-Agent: Encoder/1"),
                crate::script::leave("s"),
                log("access.log", "/logged.mp3", 1),
            ],
        )
}

fn passwords() -> Group {
    let xml = "<mount><mount-name>/own.mp3</mount-name><username>me</username>\
        <password>mine</password></mount>\
        <mount><mount-name>/secret.mp3</mount-name><password>secret</password></mount>";
    Group::with(xml)
        .case("nobody", [mp3("SOURCE /s.mp3 HTTP/1.0").by(Nobody)])
        .case("stranger", [mp3("SOURCE /s.mp3 HTTP/1.0").by(Stranger)])
        .case(
            "stranger-put",
            [mp3("PUT /s.mp3 HTTP/1.1")
                .by(Stranger)
                .line("Expect: 100-continue")
                .line("Connection: close")],
        )
        .case("admin", [mp3("SOURCE /s.mp3 HTTP/1.0").by(Admin)])
        .case("other-user", [mp3("SOURCE /s.mp3 HTTP/1.0").by(Other("anna", e2e::SOURCE_PASSWORD))])
        .case("no-user", [mp3("SOURCE /s.mp3 HTTP/1.0").by(Other("", e2e::SOURCE_PASSWORD))])
        .case("no-password", [mp3("SOURCE /s.mp3 HTTP/1.0").by(Other("source", ""))])
        .case("own", [mp3("SOURCE /own.mp3 HTTP/1.0").by(Other("me", "mine"))])
        .case("own-global", [mp3("SOURCE /own.mp3 HTTP/1.0")])
        .case("own-other-user", [mp3("SOURCE /own.mp3 HTTP/1.0").by(Other("source", "mine"))])
        .case("own-elsewhere", [mp3("SOURCE /s.mp3 HTTP/1.0").by(Other("me", "mine"))])
        .case("own-usual-user", [mp3("SOURCE /secret.mp3 HTTP/1.0").by(Other("source", "secret"))])
        .case("stranger-without-type", [source("s", "PUT /s.mp3").by(Stranger)])
}

fn silence() -> Group {
    Group::with("<limits><source-timeout>1</source-timeout></limits>").case(
        "timeout",
        [on_air("/s.mp3"), listen("l", "GET /s.mp3 HTTP/1.0"), ends("/s.mp3"), ends("l")],
    )
}

/// One chunk of a chunked body.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
