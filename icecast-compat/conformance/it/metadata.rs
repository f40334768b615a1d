//! Titles: how they are set, and what of them listeners and statistics show.

use crate::Area;
use crate::script::{
    Admin, Group, Hear, Nobody, Source, Step, ask, ends, hear, listen, log, on_air, on_air_as,
    play, send, source, until_stats,
};
use e2e::frames;

pub(crate) const AREA: Area = Area { name: "metadata", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![set(), by_whom(), inside(), ogg()]
}

/// Blocks often, so that they come soon.
const OFTEN: &str = "<mount type=\"default\"><mp3-metadata-interval>400</mp3-metadata-interval>\
    </mount>\
    <mount><mount-name>/utf8</mount-name><charset>UTF-8</charset>\
    <mp3-metadata-interval>400</mp3-metadata-interval></mount>\
    <mount><mount-name>/cp1251</mount-name><charset>CP1251</charset>\
    <mp3-metadata-interval>400</mp3-metadata-interval></mount>";

/// Sets what `queries` say, one after the other, and lets a listener hear of it.
fn announced(mount: &'static str, queries: &[&str], until: &'static str) -> Vec<Step> {
    let mut steps = vec![on_air(mount)];
    for query in queries {
        let line = format!("GET /admin/metadata?mount={mount}&mode=updinfo&{query}");
        steps.push(ask(&line).by(Source).only("<message>"));
    }
    steps.extend([
        listen("l", &format!("GET {mount}")).line("Icy-MetaData: 1"),
        play(mount, 10..20),
        hear("l", Hear::TitlesBefore(15)),
    ]);
    // What is no title for Icecast never comes to its statistics.
    if until != "'" && until != "''" {
        steps.push(until_stats(mount, "<title>"));
    }
    steps.extend([
        ask(&format!("GET /admin/stats?mount={mount}")).by(Admin).only("<title>"),
        ask(&format!("GET /admin/stats?mount={mount}")).by(Admin).only("<artist>"),
        ask(&format!("GET /admin/stats?mount={mount}")).by(Admin).only("<yp_currently_playing>"),
    ]);
    steps
}

fn set() -> Group {
    let mut group = Group::with(OFTEN);
    let long: &'static str = format!("song={}", "L".repeat(1_500)).leak();
    let longest: &'static str = format!("song={}", "M".repeat(3_500)).leak();
    let cases: [(&'static str, &'static str, &[&str], &'static str); 24] = [
        ("song", "/song", &["song=Artist+-+Title"], "Title"),
        ("song-again", "/again", &["song=Same", "song=Same"], "Same"),
        ("song-then-another", "/another", &["song=One", "song=Two"], "Two"),
        ("song-empty", "/empty", &["song=Full", "song="], "''"),
        ("artist-title", "/at", &["artist=The+Artist&title=The+Title"], "The Title"),
        ("title-only", "/to", &["title=Alone"], "'"),
        ("artist-only", "/ao", &["artist=Alone"], "'"),
        ("song-and-title", "/st", &["song=Song&title=Title&artist=Artist"], "Song"),
        ("song-after-artist", "/sa", &["artist=Anna&title=One", "song=Only+song"], "Only song"),
        ("apostrophe", "/ap", &["song=Don%27t+stop"], "stop"),
        ("apostrophe-semicolon", "/aps", &["song=Don%27t+stop+%27%3B+now"], "now"),
        ("utf8", "/u8", &["song=Bj%C3%B6rk"], "rk"),
        ("utf8-charset", "/u8c", &["charset=UTF-8&song=Bj%C3%B6rk"], "rk"),
        ("utf8-charset-euro", "/u8e", &["charset=UTF-8&song=%E2%82%AC+%D0%9F"], "StreamTitle='"),
        ("latin1", "/l1", &["song=Bj%F6rk"], "rk"),
        ("latin1-charset", "/l1c", &["charset=ISO-8859-1&song=Bj%F6rk"], "rk"),
        ("unknown-charset", "/uc", &["charset=NOPE&song=Bj%C3%B6rk"], "rk"),
        ("utf8-mount", "/utf8", &["song=Bj%C3%B6rk+%E2%82%AC"], "rk"),
        ("cp1251-mount", "/cp1251", &["charset=UTF-8&song=%D0%9F%D1%80"], "StreamTitle='"),
        ("url", "/url", &["song=With+url&url=http%3A%2F%2Fimg.test%2F"], "With url"),
        ("bad-escape", "/be", &["song=100%25+and+%zz"], "'"),
        ("nul", "/nul", &["song=abc%00def"], "abc"),
        ("long", "/long", &[long], "LLL"),
        ("longest", "/longest", &[longest], "MMM"),
    ];
    for (name, mount, queries, until) in cases {
        group = group.case(name, announced(mount, queries, until));
    }
    group
        .case(
            "none",
            [
                on_air("/none"),
                listen("l", "GET /none").line("Icy-MetaData: 1"),
                hear("l", Hear::Titles("StreamTitle")),
            ],
        )
        .case(
            "without-asking",
            [
                on_air("/without"),
                ask("GET /admin/metadata?mount=/without&mode=updinfo&song=S").by(Source),
                listen("l", "GET /without"),
                play("/without", 10..20),
                hear("l", Hear::Beginning(15)),
            ],
        )
        .case(
            "playlist-log",
            [
                on_air("/logged"),
                ask("GET /admin/metadata?mount=/logged&mode=updinfo&song=Log+%7C+Song").by(Source),
                play("/logged", 10..20),
                log("playlist.log", "/logged", 1),
            ],
        )
}

fn by_whom() -> Group {
    let update = "GET /admin/metadata?mount=/m.mp3&mode=updinfo&song=S";
    Group::with(OFTEN)
        .standing([on_air("/m.mp3")])
        .ask("by-admin", update, Admin)
        .ask("by-source", update, Source)
        .ask("by-nobody", update, Nobody)
        .ask("by-stranger", update, crate::script::Stranger)
        .case("elsewhere-source", [ask(update).by(Source).from(5)])
        .case("elsewhere-admin", [ask(update).by(Admin).from(5)])
        .case("http11", [ask(&format!("{update} HTTP/1.1")).by(Source).line("Connection: close")])
}

/// Titles inside what a source sends.
fn inside() -> Group {
    let inline = |text: &str| {
        let mut bytes = frames::run(0..20)[..8_192].to_vec();
        let units = text.len().div_ceil(16);
        bytes.push(u8::try_from(units).expect("a short text"));
        bytes.extend_from_slice(format!("{text:\0<width$}", width = units * 16).as_bytes());
        bytes.extend_from_slice(&frames::run(0..20)[8_192..8_340]);
        bytes
    };
    let opens = |mount: &'static str| {
        source("s", &format!("SOURCE {mount}"))
            .line("Content-Type: audio/mpeg")
            .line("icy-metaint: 8192")
    };
    Group::with("")
        .case(
            "inside",
            [
                opens("/in").body(inline("StreamTitle='In line';StreamUrl='http://u.test/x';")),
                until_stats("/in", "<title>In line</title>"),
                ask("GET /admin/stats?mount=/in").by(Admin).only("<title>"),
                listen("l", "GET /in").line("Icy-MetaData: 1"),
            ],
        )
        .case(
            "inside-garbage",
            [opens("/ig").body(inline("Garbage='x';")), play("s", 20..60), ends("s")],
        )
        .case(
            "inside-plain-listener",
            [
                opens("/ip").body(inline("StreamTitle='In line';")),
                listen("l", "GET /ip"),
                send("s", frames::run(20..40)),
                hear("l", Hear::Beginning(35)),
            ],
        )
}

fn ogg() -> Group {
    let update = |mount: &str| {
        ask(&format!("GET /admin/metadata?mount={mount}&mode=updinfo&song=New+song")).by(Source)
    };
    Group::with("")
        .case(
            "vorbis",
            [
                on_air_as("/v.ogg", "application/ogg", crate::halves(crate::VORBIS).0),
                until_stats("/v.ogg", "<title>Vorbis tune</title>"),
                update("/v.ogg"),
                send("/v.ogg", crate::halves(crate::VORBIS).1),
                until_stats("/v.ogg", "<title>New song</title>"),
                ask("GET /admin/stats?mount=/v.ogg").by(Admin).only("<title>"),
            ],
        )
        .case(
            "opus",
            [
                on_air_as("/o.ogg", "application/ogg", crate::halves(crate::OPUS).0),
                update("/o.ogg"),
            ],
        )
        .case(
            "flac",
            [
                on_air_as("/f.ogg", "application/ogg", crate::halves(crate::FLAC).0),
                update("/f.ogg"),
            ],
        )
        .case("webm", [on_air_as("/w.webm", "audio/webm", crate::WEBM), update("/w.webm")])
        .case("aac", [on_air_as("/a.aac", "audio/aac", crate::AAC), update("/a.aac")])
}
