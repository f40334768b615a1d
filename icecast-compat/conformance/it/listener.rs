//! What a listener is answered, and where it begins to hear.

use crate::Area;
use crate::script::{
    Group, Hear, Nobody, Step, ask, ends, hear, keep_playing, leave, listen, on_air, on_air_as,
    play, send, source, until_gone, until_stats,
};

pub(crate) const AREA: Area = Area { name: "listener", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![heads(), formats(), said_by_the_source(), beginnings()]
}

/// Heads of one MP3 stream that says all it can.
fn heads() -> Group {
    let head = |line: &str| listen("l", line);
    let modern = || listen("l", "GET /s.mp3 HTTP/1.1").line("Host: x");
    let source = on_air("/s.mp3")
        .line("ice-name: A Name")
        .line("ice-description: A description")
        .line("ice-genre: ambient")
        .line("ice-url: http://radio.test/")
        .line("ice-public: 0")
        .line("ice-bitrate: 128")
        .line("ice-audio-info: ice-samplerate=44100;ice-bitrate=128;ice-channels=2")
        .line("User-Agent: Encoder/1");
    // Each with a listener of its own, all on one source.
    Group::with("<paths><alias source=\"/other.mp3\" destination=\"/s.mp3\"/></paths>")
        .standing([source, keep_playing("/s.mp3")])
        .case("http10", [head("GET /s.mp3 HTTP/1.0")])
        .case("http11", [modern()])
        .case("icy-http10", [head("GET /s.mp3 HTTP/1.0").line("Icy-MetaData:1")])
        .case("icy-http11", [modern().line("Icy-MetaData: 1")])
        .case("icy-0", [head("GET /s.mp3 HTTP/1.0").line("Icy-MetaData: 0")])
        .case("icy-2", [head("GET /s.mp3 HTTP/1.0").line("Icy-MetaData: 2")])
        .case("icy-word", [head("GET /s.mp3 HTTP/1.0").line("Icy-MetaData: yes")])
        .case("icy-lowercase", [head("GET /s.mp3 HTTP/1.0").line("icy-metadata: 1")])
        .case("icy-tab", [head("GET /s.mp3 HTTP/1.0").line("Icy-MetaData:\t1")])
        .case("no-host", [head("GET /s.mp3 HTTP/1.1")])
        .case("ice10", [head("GET /s.mp3 ICE/1.0")])
        .case("query", [head("GET /s.mp3?foo=bar&x=1 HTTP/1.0")])
        .case("encoded", [head("GET /%73.mp3 HTTP/1.0")])
        .case("range-from-0", [head("GET /s.mp3 HTTP/1.0").line("Range: bytes=0-")])
        .case("range-0-1", [head("GET /s.mp3 HTTP/1.0").line("Range: bytes=0-1")])
        .case("range-100", [head("GET /s.mp3 HTTP/1.0").line("Range: bytes=100-200")])
        .case("encoding", [head("GET /s.mp3 HTTP/1.0").line("Accept-Encoding: gzip, deflate")])
        .case("keep-alive", [head("GET /s.mp3 HTTP/1.0").line("Connection: keep-alive")])
        .case("origin", [head("GET /s.mp3 HTTP/1.0").line("Origin: http://web.test")])
        .case(
            "msie",
            [head("GET /s.mp3 HTTP/1.0").line("User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)")],
        )
        .case("alias", [head("GET /other.mp3 HTTP/1.0")])
        .case("alias-query", [head("GET /other.mp3?x=1 HTTP/1.0")])
        .case("credentials", [head("GET /s.mp3 HTTP/1.0").by(crate::script::Other("anna", "pass"))])
        .ask("upper-case", "GET /S.mp3", Nobody)
        .ask("slash", "GET /s.mp3/", Nobody)
        .case("semicolon", [head("GET /s.mp3;")])
        .ask("semicolon-root", "GET /;stream.mp3", Nobody)
        .ask("absent", "GET /absent.mp3", Nobody)
        .case("absent-http11", [ask("GET /absent.mp3 HTTP/1.1").line("Connection: close")])
        .case("head", [ask("HEAD /s.mp3")])
        .case("options", [ask("OPTIONS /s.mp3 HTTP/1.1").line("Connection: close")])
}

/// A source of its own for each head.
fn formats() -> Group {
    let mut group = Group::with("");
    // What a stream of each type begins with, so that a listener is seen to get it.
    for (name, mount, content_type, bytes, begins_bytes) in [
        ("aac", "/aac", "audio/aac", crate::AAC, 0),
        ("flac", "/flac", "application/ogg", crate::FLAC, 33),
        ("opus", "/opus", "audio/ogg", crate::OPUS, 47),
        ("unknown", "/unknown", "x-odd/thing", b"0123456789", 0),
        ("video-ogg", "/video-ogg", "video/ogg", crate::VORBIS, 0),
        ("vorbis", "/vorbis", "application/ogg", crate::VORBIS, 35),
        ("webm", "/webm", "audio/webm", crate::WEBM, 4),
        ("x-ogg", "/x-ogg", "application/x-ogg", crate::VORBIS, 0),
    ] {
        let get = format!("GET {mount} HTTP/1.0");
        let (before, after) = crate::halves(bytes);
        let mut steps = vec![on_air_as(mount, content_type, before), listen("l", &get)];
        if begins_bytes > 0 {
            steps.extend([send(mount, after), hear("l", Hear::Bytes(begins_bytes))]);
        }
        steps.push(listen("icy", &get).line("Icy-MetaData: 1"));
        group = group.case(name, steps);
    }
    group
        .case("mp3", [on_air("/mp3"), get("/mp3"), icy("/mp3")])
        .case(
            "aacp",
            [
                on_air_as("/aacp", "audio/aacp", crate::AAC)
                    .line("icy-name: AACP")
                    .line("icy-br: 64")
                    .line("icy-foo: bar")
                    .line("X-Other: x"),
                icy("/aacp"),
            ],
        )
        .case(
            "type-changes",
            [
                on_air_as("/changes", "audio/ogg", crate::halves(crate::VORBIS).0),
                leave("/changes"),
                until_gone("/changes"),
                on_air_as("/changes", "audio/ogg", crate::halves(crate::OPUS).0),
                get("/changes"),
                send("/changes", crate::halves(crate::OPUS).1),
                hear("l", Hear::Bytes(47)),
            ],
        )
        .case("source-leaves", [on_air("/leaves"), get("/leaves"), leave("/leaves"), ends("l")])
}

/// What a source says of itself, and what of it a listener is told.
fn said_by_the_source() -> Group {
    let mut group = Group::with("");
    for (name, mount, lines) in [
        (
            "icy-names",
            "/icy-names",
            &["icy-name: N", "icy-genre: G", "icy-br: 96", "icy-pub: 1"][..],
        ),
        ("icy-url", "/icy-url", &["icy-url: http://u.test/", "icy-description: D"]),
        ("ice-and-icy", "/ice-and-icy", &["ice-name: Ice", "icy-name: Icy"]),
        ("x-audiocast", "/x-audiocast", &["x-audiocast-name: N", "x-audiocast-bitrate: 96"]),
        ("names-with-case", "/names-with-case", &["ICE-NAME: N", "Ice-Genre: G"]),
        ("name-of-utf8", "/name-of-utf8", &["ice-name: Bj\u{f6}rk \u{20ac}"]),
        ("name-empty", "/name-empty", &["ice-name: ", "ice-genre:"]),
        ("name-twice", "/name-twice", &["ice-name: One", "ice-name: Two"]),
        ("bitrate", "/bitrate", &["ice-bitrate: 192"]),
        ("audio-info-bitrate", "/audio-info-bitrate", &["ice-audio-info: bitrate=96;quality=3"]),
        ("audio-info-odd", "/audio-info-odd", &["ice-audio-info: a;b=;=c;d=e%20f"]),
        ("unknown-ice", "/unknown-ice", &["ice-foo: bar", "ice-password: x"]),
        ("public", "/public", &["ice-public: 1"]),
    ] {
        let mut source = on_air(mount);
        for line in lines {
            source = source.line(line);
        }
        group = group.case(name, [source, get(mount)]);
    }
    group.case(
        "own-interval",
        [
            source("s", "SOURCE /own-interval")
                .line("Content-Type: audio/mpeg")
                .line("icy-metaint: 8192"),
            icy("/own-interval"),
        ],
    )
}

fn get(mount: &str) -> Step {
    listen("l", &format!("GET {mount} HTTP/1.0"))
}

fn icy(mount: &str) -> Step {
    listen("icy", &format!("GET {mount} HTTP/1.0")).line("Icy-MetaData: 1")
}

/// Where a listener begins, with bursts of several sizes.
fn beginnings() -> Group {
    let xml = "<mount><mount-name>/b10000</mount-name><burst-size>10000</burst-size></mount>\
        <mount><mount-name>/b0</mount-name><burst-size>0</burst-size></mount>\
        <mount><mount-name>/i500</mount-name><mp3-metadata-interval>500</mp3-metadata-interval>\
        </mount>\
        <mount><mount-name>/i0</mount-name><mp3-metadata-interval>0</mp3-metadata-interval>\
        </mount>\
        <mount><mount-name>/named</mount-name><stream-name>By the server</stream-name>\
        <stream-description>D</stream-description><genre>G</genre><bitrate>1</bitrate>\
        <type>audio/x-thing</type></mount>";
    let begins = |mount: &'static str| -> [Step; 6] {
        [
            on_air(mount),
            play(mount, 10..300),
            until_stats(mount, &format!("<total_bytes_read>{}<", 300 * 417)),
            get(mount),
            play(mount, 300..320),
            hear("l", Hear::Beginning(310)),
        ]
    };
    Group::with(xml)
        .case("burst", begins("/usual"))
        .case("burst-10000", begins("/b10000"))
        .case("burst-0", begins("/b0"))
        .case(
            "young",
            [
                on_air("/young"),
                listen("l", "GET /young HTTP/1.0"),
                play("/young", 10..20),
                hear("l", Hear::Beginning(15)),
            ],
        )
        .case("interval-500", [on_air("/i500"), icy("/i500"), hear("icy", Hear::Titles("''"))])
        .case("interval-0", [on_air("/i0"), icy("/i0")])
        .case(
            "interval-of-both",
            [
                source("s", "SOURCE /i500")
                    .line("Content-Type: audio/mpeg")
                    .line("icy-metaint: 8192"),
                icy("/i500"),
            ],
        )
        .case(
            "named",
            [on_air("/named").line("ice-name: By the source").line("ice-genre: x"), get("/named")],
        )
}
