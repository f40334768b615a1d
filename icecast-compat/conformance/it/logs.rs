//! The lines of the access log and of the playlist log.

use crate::Area;
use crate::script::{Admin, Group, Other, Step, ask, leave, listen, log, on_air, play, raw};

pub(crate) const AREA: Area = Area { name: "logs", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

#[expect(clippy::too_many_lines, reason = "a table is as long as it has cases")]
fn groups() -> Vec<Group> {
    let asked = |line: &str, text: &'static str| [ask(line).status(), log("access.log", text, 1)];
    let group = Group::with("")
        .file("web/plain.txt", "This is plain text.\n")
        .standing([on_air("/m.mp3")])
        .case("absent", asked("GET /absent-one", "/absent-one"))
        .case("query", asked("GET /absent-two?user=x&pass=y", "/absent-two"))
        .case("file", asked("GET /plain.txt", "/plain.txt"))
        .case("refused", asked("GET /admin/listmounts", "/admin/listmounts"))
        .case(
            "command",
            [
                ask("GET /admin/moveclients?mount=/m.mp3").by(Admin).status(),
                log("access.log", "/admin/moveclients", 1),
            ],
        )
        .case(
            "source-refused",
            [
                ask("SOURCE /refused.mp3").by(crate::script::Stranger).status(),
                log("access.log", "/refused.mp3", 1),
            ],
        )
        .case(
            "agent",
            [
                ask("GET /absent-agent")
                    .line("User-Agent: Agent \"q\" \\ \u{fc} ;")
                    .line("Referer: http://ref.test/p?a=\"b\"")
                    .status(),
                log("access.log", "/absent-agent", 1),
            ],
        )
        .case(
            "user",
            [
                ask("GET /absent-user").by(Other("anna", "pass")).status(),
                log("access.log", "/absent-user", 1),
            ],
        )
        .case(
            "user-odd",
            [
                ask("GET /absent-odd").by(Other("an na\"x", "pass")).status(),
                log("access.log", "/absent-odd", 1),
            ],
        )
        .case(
            "http11",
            [
                ask("GET /absent-11 HTTP/1.1").line("Connection: close").status(),
                log("access.log", "/absent-11", 1),
            ],
        )
        .case("encoded", asked("GET /absent%20%2f%22x", "/absent%20"))
        .case(
            "unknown-method",
            [
                raw(b"FOO /unknown-method HTTP/1.0\r\n\r\n"),
                ask("GET /after-unknown").status(),
                log("access.log", "-unknown", 1),
            ],
        )
        .case("listener", listened("/listened.mp3", "GET /listened.mp3?user=x"))
        .case("playlist", titled("/titled.mp3", "song=Log+%7C+song"))
        .case("playlist-artist", titled("/titled-too.mp3", "artist=Anna&title=One"))
        .case("playlist-twice", {
            let mut steps = titled("/twice.mp3", "song=Same").to_vec();
            let [_, update, play, _] = titled("/twice.mp3", "song=Same");
            steps.extend([update, play, log("playlist.log", "/twice.mp3", 2)]);
            steps
        });
    vec![group]
}

fn listened(mount: &'static str, line: &str) -> [Step; 5] {
    [
        on_air(mount),
        listen("l", line).line("User-Agent: Player/1"),
        leave("l"),
        play(mount, 10..300),
        log("access.log", "GET /listened", 1),
    ]
}

fn titled(mount: &'static str, query: &str) -> [Step; 4] {
    let line = format!("GET /admin/metadata?mount={mount}&mode=updinfo&{query}");
    let update = ask(&line).by(Admin).status();
    [on_air(mount), update, play(mount, 10..20), log("playlist.log", mount, 1)]
}
