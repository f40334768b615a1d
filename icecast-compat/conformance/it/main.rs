//! The cases, run against us and, where it is installed, against the packaged Icecast.
//!
//! `CARRIER_RECORD=1` writes what Icecast answers to `recordings/` instead of comparing with it.
#![forbid(unsafe_code)]

use conformance::differences;
use conformance::transcript::transcript;
use e2e::{ADMIN_PASSWORD, FakeSource, Icecast, SOURCE_PASSWORD, Station, Wire, basic, until};
use std::path::{Path, PathBuf};

/// What a case asks, once the mounts that it needs are on air.
struct Case {
    name: &'static str,
    mounts: &'static [&'static str],
    request: &'static str,
    as_whom: Whom,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Admin,
    Nobody,
    Source,
    Stranger,
}

const fn case(
    name: &'static str,
    mounts: &'static [&'static str],
    request: &'static str,
    as_whom: Whom,
) -> Case {
    Case { name, mounts, request, as_whom }
}

use Whom::{Admin, Nobody, Source, Stranger};

const CASES: [Case; 31] = [
    case("absent-mount", &[], "GET /absent.mp3", Nobody),
    case("absent-xsl", &[], "GET /absent.xsl", Nobody),
    case(
        "admin-metadata",
        &["/a.mp3"],
        "GET /admin/metadata?mount=/a.mp3&mode=updinfo&song=S",
        Source,
    ),
    case(
        "admin-metadata-absent",
        &[],
        "GET /admin/metadata?mount=/a.mp3&mode=updinfo&song=S",
        Admin,
    ),
    case("admin-metadata-no-mode", &["/a.mp3"], "GET /admin/metadata?mount=/a.mp3&song=S", Admin),
    case("admin-metadata-no-mount", &[], "GET /admin/metadata?mode=updinfo&song=S", Source),
    case(
        "admin-metadata-stranger",
        &["/a.mp3"],
        "GET /admin/metadata?mount=/a.mp3&mode=updinfo",
        Stranger,
    ),
    case("killclient-no-id", &["/a.mp3"], "GET /admin/killclient?mount=/a.mp3", Admin),
    case("killclient-nobody", &["/a.mp3"], "GET /admin/killclient?mount=/a.mp3&id=99", Admin),
    case("killclient-words", &["/a.mp3"], "GET /admin/killclient?mount=/a.mp3&id=abc", Source),
    case("killsource", &["/a.mp3"], "GET /admin/killsource?mount=/a.mp3", Admin),
    case("killsource-absent", &[], "GET /admin/killsource?mount=/a.mp3", Admin),
    case("killsource-by-source", &["/a.mp3"], "GET /admin/killsource?mount=/a.mp3", Source),
    case("killsource-no-mount", &[], "GET /admin/killsource", Admin),
    case("listclients-0", &["/a.mp3"], "GET /admin/listclients?mount=/a.mp3", Source),
    case("listclients-absent", &[], "GET /admin/listclients?mount=/a.mp3", Admin),
    case("listmounts-0", &[], "GET /admin/listmounts", Admin),
    case("listmounts-1", &["/a.mp3"], "GET /admin/listmounts", Admin),
    case("listmounts-2", &["/b.mp3", "/a.mp3"], "GET /admin/listmounts", Admin),
    case("listmounts-source", &["/a.mp3"], "GET /admin/listmounts", Source),
    case("source-in-use", &["/a.mp3"], "SOURCE /a.mp3", Source),
    case("source-put-no-type", &[], "PUT /a.mp3", Source),
    case("source-wrong-password", &[], "SOURCE /a.mp3", Stranger),
    case("stats-0", &[], "GET /admin/stats", Admin),
    case("stats-1", &["/a.mp3"], "GET /admin/stats", Admin),
    case("stats-2", &["/b.mp3", "/a.mp3"], "GET /admin/stats.xml", Admin),
    case("stats-mount", &["/b.mp3", "/a.mp3"], "GET /admin/stats?mount=/a.mp3", Source),
    case("stats-nobody", &[], "GET /admin/stats", Nobody),
    case("status-json-1", &["/a.mp3"], "GET /status-json.xsl", Nobody),
    case("status-json-2", &["/b.mp3", "/a.mp3"], "GET /status-json.xsl", Nobody),
    case("unknown-command", &[], "GET /admin/!POKE", Nobody),
];

#[tokio::test]
async fn we_answer_as_icecast_does_but_for_what_is_meant() {
    let meant = std::fs::read_to_string(here().join("differences.toml")).unwrap();
    let meant = differences::parse("differences.toml", &meant).unwrap_or_else(|m| panic!("{m}"));
    let mut found = Vec::new();
    for case in &CASES {
        let ours = case.run(&Station::start()).await;
        let theirs = std::fs::read_to_string(case.recording()).unwrap_or_default();
        found.extend(differences::unmeant(case.name, &theirs, &ours, &meant));
    }
    let strays = meant.iter().filter(|d| !CASES.iter().any(|case| case.name == d.case));
    found.extend(strays.map(|difference| format!("no such case: {}", difference.case)));

    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[tokio::test]
async fn the_recordings_are_what_the_installed_icecast_answers() {
    let record = std::env::var_os("CARRIER_RECORD").is_some();
    let mut found = Vec::new();
    for case in &CASES {
        let Some(icecast) = Icecast::start().await else { return };
        let live = case.run(&icecast).await;
        if record {
            std::fs::write(case.recording(), &live).unwrap();
        }
        let recorded = std::fs::read_to_string(case.recording()).unwrap_or_default();
        found.extend(differences::unmeant(case.name, &recorded, &live, &[]));
    }

    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

impl Case {
    /// The transcript of what `station` answers.
    async fn run(&self, station: &Station) -> String {
        let mut sources = Vec::new();
        for mount in self.mounts {
            sources.push(FakeSource::on(station, mount).await);
            // Icecast's statistics follow the event by up to a third of a second.
            let name = "stream_start_iso8601";
            let shown = async || (!station.stat(mount, name).await.is_empty()).then_some(());
            until(&format!("{mount} is in the statistics"), shown).await;
        }
        let authorization = match self.as_whom {
            Nobody => String::new(),
            Admin => format!("Authorization: {}\r\n", basic("admin", ADMIN_PASSWORD)),
            Source => format!("Authorization: {}\r\n", basic("source", SOURCE_PASSWORD)),
            Stranger => format!("Authorization: {}\r\n", basic("source", "wrong")),
        };
        let request = format!("{} HTTP/1.0\r\n{authorization}\r\n", self.request);
        let answer = Wire::ask(station.address(), request).await.rest().await;
        transcript(&answer, station.address().port())
    }

    fn recording(&self) -> PathBuf {
        here().join("recordings").join(format!("{}.txt", self.name))
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
