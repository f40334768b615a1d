//! The statistics: which fields, in which order and of which type, for each format.

use crate::Area;
use crate::script::{
    Admin, Group, Nobody, Source, Step, ask, listen, on_air, on_air_as, play, until_stats,
};

pub(crate) const AREA: Area = Area { name: "stats", groups, pending: PENDING };

const PENDING: &[(&str, &str)] = &[];

fn groups() -> Vec<Group> {
    vec![counted(), listened(), formats(), titles()]
}

/// A source that says all it can.
fn talkative(mount: &'static str) -> Step {
    on_air(mount)
        .line("User-Agent: Encoder/1 <x>")
        .line("ice-name: A \"Name\" & more")
        .line("ice-description: A description")
        .line("ice-genre: ambient")
        .line("ice-url: http://radio.test/")
        .line("ice-public: 1")
        .line("ice-bitrate: 128")
        .line("ice-audio-info: ice-samplerate=44100;ice-bitrate=128;ice-channels=2;quality=5%2e5")
}

/// Waits until the statistics of a mount are all there.
fn shown(mount: &'static str) -> Step {
    until_stats(mount, "<total_bytes_sent>")
}

/// None, one, several.
fn counted() -> Group {
    let both = |mounts: &[&'static str]| {
        let mut steps: Vec<_> = mounts.iter().map(|mount| on_air(mount)).collect();
        steps.extend(mounts.iter().map(|mount| shown(mount)));
        steps.extend([ask("GET /admin/stats").by(Admin), ask("GET /status-json.xsl")]);
        steps
    };
    Group::with("<mount><mount-name>/hidden.mp3</mount-name><hidden>1</hidden></mount>")
        .case("none", both(&[]))
        .case("json-http11", [ask("GET /status-json.xsl HTTP/1.1").line("Connection: close")])
        .ask("none-xml", "GET /admin/stats.xml", Admin)
        .case("one", both(&["/a.mp3"]))
        .case("two", both(&["/b.mp3", "/a.mp3"]))
        .case("hidden", both(&["/hidden.mp3"]))
        .case("hidden-beside", both(&["/a.mp3", "/hidden.mp3"]))
        .case(
            "only-mount",
            [
                on_air("/a.mp3"),
                on_air("/b.mp3"),
                shown("/b.mp3"),
                shown("/a.mp3"),
                ask("GET /admin/stats?mount=/a.mp3").by(Admin),
                ask("GET /status-json.xsl?mount=/a.mp3"),
                ask("GET /status-json.xsl?mount=/absent.mp3"),
                ask("GET /status-json.xsl?mount=a.mp3"),
                ask("GET /admin/stats?mount=/a.mp3").by(Source),
            ],
        )
        .ask("method-nobody", "STATS /", Nobody)
        .case("method", [listen("s", "STATS /").by(Admin)])
}

fn listened() -> Group {
    Group::with("").case(
        "listener",
        [
            on_air("/a.mp3"),
            listen("l", "GET /a.mp3"),
            until_stats("/a.mp3", "<listener_peak>1</listener_peak>"),
            ask("GET /admin/stats").by(Admin),
            ask("GET /status-json.xsl"),
        ],
    )
}

/// What each format tells of itself.
fn formats() -> Group {
    let mut group = Group::with(
        "<mount><mount-name>/named</mount-name><stream-name>Its name</stream-name>\
         <stream-description>Its description</stream-description><stream-url>http://its.test/\
         </stream-url><genre>its genre</genre><bitrate>64</bitrate><type>audio/its</type>\
         <subtype>sub</subtype><max-listeners>7</max-listeners></mount>\
         <mount><mount-name>/private</mount-name><public>0</public></mount>\
         <mount><mount-name>/public</mount-name><public>1</public></mount>",
    );
    let sources = [
        ("aac", "/aac", on_air_as("/aac", "audio/aac", crate::AAC)),
        ("flac", "/flac", on_air_as("/flac", "application/ogg", crate::halves(crate::FLAC).0)),
        ("icy", "/icy", on_air("/icy").line("icy-name: N").line("icy-br: 96").line("icy-url: u")),
        ("mp3", "/mp3", talkative("/mp3")),
        ("named", "/named", talkative("/named")),
        ("no-type", "/no-type", on_air_as("/no-type", "", b"")),
        ("opus", "/opus", on_air_as("/opus", "audio/ogg", crate::halves(crate::OPUS).0)),
        ("private", "/private", talkative("/private")),
        ("public", "/public", on_air("/public")),
        (
            "vorbis",
            "/vorbis",
            on_air_as("/vorbis", "application/ogg", crate::halves(crate::VORBIS).0),
        ),
        ("webm", "/webm", on_air_as("/webm", "video/webm", crate::WEBM)),
    ];
    for (name, mount, source) in sources {
        let whole = shown(mount);
        let tuned = match name {
            "vorbis" => until_stats(mount, "<title>"),
            "flac" => until_stats(mount, "<FLAC_version>"),
            "opus" => until_stats(mount, "<subtype>"),
            _ => whole.clone(),
        };
        group = group.case(
            name,
            [
                source,
                whole,
                tuned,
                ask(&format!("GET /admin/stats?mount={mount}")).by(Admin),
                ask(&format!("GET /status-json.xsl?mount={mount}")),
            ],
        );
    }
    group
}

/// Titles in JSON, which Icecast takes for numbers where it can.
fn titles() -> Group {
    let mut group = Group::with("").standing([on_air("/t.mp3")]);
    for (name, title, shown) in [
        ("title-1979", "1979", "1979"),
        ("title-007", "007", "007"),
        ("title-1e5", "1e5", "1e5"),
        ("title-true", "true", "true"),
        ("title-upper-true", "TRUE", "TRUE"),
        ("title-false", "false", "false"),
        ("title-null", "null", "null"),
        ("title-negative", "-3.5", "-3.5"),
        ("title-dot-5", ".5", ".5"),
        ("title-12-dot", "12.", "12."),
        ("title-dash", "-", "-"),
        ("title-dot", ".", "."),
        ("title-dash-dot", "-.", "-."),
        ("title-blanks", "12+x", "12 x"),
        ("title-comma", "1,5", "1,5"),
        ("title-hex", "0x10", "0x10"),
        ("title-long-number", "12345678901234567890", "12345678901234567890"),
        ("title-three", "1.2.3", "1.2.3"),
        ("title-quote", "a%22b", "a\"b"),
        ("title-backslash", "a%5cb", "a\\b"),
        ("title-line", "line%0Abreak", "line\nbreak"),
        ("title-markup", "%3Cb%3E%26amp;", "&lt;b&gt;&amp;amp;"),
        ("title-tab", "a%09b", "a\tb"),
    ] {
        let update = format!("GET /admin/metadata?mount=/t.mp3&mode=updinfo&song={title}");
        group = group.case(
            name,
            [
                ask(&update).by(Admin).status(),
                play("/t.mp3", 10..20),
                until_stats("/t.mp3", &format!("<title>{shown}</title>")),
                ask("GET /status-json.xsl").only("\"title\":"),
                ask("GET /admin/stats").by(Admin).only("<title>"),
            ],
        );
    }
    group
}
