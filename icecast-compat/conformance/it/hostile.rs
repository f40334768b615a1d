//! What no honest client sends, and what odd ones do.

use crate::Area;
use crate::script::{Group, Nobody, ask, ends, on_air, raw, send, source};

pub(crate) const AREA: Area = Area { name: "hostile", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![requests(), methods(), paths(), never_ending(), lies()]
}

/// A server with a file to ask for.
fn server() -> Group {
    Group::with("")
        .file("web/plain.txt", "This is plain text.\n")
        .file("web/sub/page.html", "<p>\n")
}

/// Heads that are not well formed, or only just.
fn requests() -> Group {
    let text = |text: &str| raw(text.as_bytes());
    let padded = |bytes: usize| {
        let (before, after) = ("GET /plain.txt HTTP/1.0\r\nX: ", "\r\n\r\n");
        text(&format!("{before}{}{after}", "x".repeat(bytes - before.len() - after.len())))
    };
    let lines = "X-A: b\r\n".repeat(40);
    server()
        .case("lf", [text("GET /plain.txt HTTP/1.0\n\n")])
        .case("cr-cr-lf", [text("GET /plain.txt HTTP/1.0\r\r\nHost: x\r\r\n\r\r\n")])
        .case("lf-then-crlf", [text("GET /plain.txt HTTP/1.0\nHost: x\r\n\n")])
        .case("no-uri", [text("GET\r\n\r\n")])
        .case("no-version", [text("GET /plain.txt\r\n\r\n")])
        .case("version-without-slash", [text("GET /plain.txt HTTP\r\n\r\n")])
        .case("version-empty", [text("GET /plain.txt HTTP/\r\n\r\n")])
        .case("version-2", [text("GET /plain.txt HTTP/2.0\r\n\r\n")])
        .case("version-icy", [text("GET /plain.txt ICY/1.0\r\n\r\n")])
        .case("version-rtsp", [text("GET /plain.txt RTSP/1.0\r\n\r\n")])
        .case("version-ice", [text("GET /plain.txt ICE/1.0\r\n\r\n")])
        .case("folded", [text("GET /plain.txt HTTP/1.0\r\nX: a\r\n b\r\n\r\n")])
        .case("no-colon", [text("GET /plain.txt HTTP/1.0\r\nnocolon\r\nHost: x\r\n\r\n")])
        .case("no-value", [text("GET /plain.txt HTTP/1.0\r\nX:\r\n\r\n")])
        .case("blank-before-colon", [text("GET /plain.txt HTTP/1.0\r\nX : y\r\n\r\n")])
        .case("blank-line-first", [text("\r\nGET /plain.txt HTTP/1.0\r\n\r\n")])
        .case("two-blanks", [text("GET  /plain.txt  HTTP/1.0\r\n\r\n")])
        .case("header-8-bit", [raw(b"GET /plain.txt HTTP/1.0\r\nX: \xff\xfe\r\n\r\n")])
        .case("longest", [padded(4_095)])
        .case("too-long", [padded(20_000).status()])
        .case("many-lines", [text(&format!("GET /plain.txt HTTP/1.0\r\n{lines}\r\n"))])
        .case("pipelined", [text(&"GET /plain.txt HTTP/1.0\r\n\r\n".repeat(2))])
        .case("query-empty", [ask("GET /status-json.xsl?").status()])
        .case("query-odd", [ask("GET /status-json.xsl?&&=&mount").status()])
        .case("query-bad-escape", [ask("GET /status-json.xsl?mount=%zz").status()])
        .case("get-with-body", [ask("GET /plain.txt").line("Content-Length: 3").body("abc")])
}

/// Methods that are not for this server.
fn methods() -> Group {
    let dying = |line: &str| ask(line).line("Connection: close");
    server()
        .ask("post-page", "POST /status-json.xsl", Nobody)
        .ask("post-file", "POST /plain.txt", Nobody)
        .ask("play", "PLAY /plain.txt", Nobody)
        .ask("head-file", "HEAD /plain.txt", Nobody)
        .case("delete", [dying("DELETE /plain.txt HTTP/1.1")])
        .case("connect", [dying("CONNECT x:80 HTTP/1.1")])
        .case("options-star", [dying("OPTIONS * HTTP/1.1").status()])
        .case("options-json", [dying("OPTIONS /status-json.xsl HTTP/1.1").status()])
        .case("unknown", [dying("FOO /x HTTP/1.1")])
        .ask("lower-case", "get /plain.txt", Nobody)
        .case("stats", [ask("STATS /").by(crate::script::Stranger)])
}

/// Paths that lead elsewhere.
fn paths() -> Group {
    server()
        .file("web/.hidden", "hidden\n")
        .standing([on_air("/live.mp3")])
        .ask("absolute", "GET http://127.0.0.1/plain.txt", Nobody)
        .ask("no-slash", "GET plain.txt", Nobody)
        .ask("dot", "GET /./plain.txt", Nobody)
        .ask("dot-dot", "GET /../../../../etc/passwd", Nobody)
        .ask("dot-dot-inside", "GET /sub/../plain.txt", Nobody)
        .ask("dot-dot-encoded", "GET /%2e%2e/%2e%2e/etc/passwd", Nobody)
        .ask("dot-dot-slashes", "GET /..%2f..%2fetc%2fpasswd", Nobody)
        .ask("dot-dot-end", "GET /sub/..", Nobody)
        .ask("two-slashes", "GET //plain.txt", Nobody)
        .ask("two-slashes-inside", "GET /sub//page.html", Nobody)
        .ask("hidden-file", "GET /.hidden", Nobody)
        .ask("well-known", "GET /.well-known/acme-challenge/x", Nobody)
        .ask("hash", "GET /plain.txt#frag", Nobody)
        .ask("nul", "GET /plain.txt%00.mp3", Nobody)
        .ask("bad-escape", "GET /%zz", Nobody)
        .ask("short-escape", "GET /a%", Nobody)
        .ask("blank", "GET /a b.mp3", Nobody)
        .ask("markup", "GET /<script>alert(1)</script>", Nobody)
        .ask("xsl-upper", "GET /status.XSL", Nobody)
        .ask("xsl-longer", "GET /x.xslfoo", Nobody)
        .ask("long", &format!("GET /{}", "a".repeat(3_000)), Nobody)
        .ask("admin-dot-dot", "GET /admin/../plain.txt", Nobody)
        .case("source-long-name", [ask(&format!("SOURCE /{}", "a".repeat(600))).status()])
}

/// Heads that never end, and sources that break off.
fn never_ending() -> Group {
    Group::with("<limits><header-timeout>1</header-timeout></limits>")
        .case("cr", [raw(b"GET /plain.txt HTTP/1.0\rHost: x\r\r")])
        .case("tls", [raw(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\r\n\r\n")])
        .case("nothing", [raw(b"")])
        .case("half-a-line", [raw(b"GET /plain.txt HTTP/1.0")])
        .case("half-a-head", [raw(b"GET /plain.txt HTTP/1.0\r\nHost: x\r\n")])
        .case("garbage", [raw([0xAA; 300])])
        .case("half-a-source", [raw(b"SOURCE /s.mp3 HTTP/1.0\r\n")])
}

/// Sources that send something else than they say.
fn lies() -> Group {
    let ogg = [b"OggS\0\x02".as_slice(), &[0; 1_000]].concat();
    let mp3 = |name| source(name, "SOURCE /s.mp3 HTTP/1.0").line("Content-Type: audio/mpeg");
    Group::with("").case("ogg-as-mp3", [mp3("s"), send("s", &ogg), ends("s")])
}
