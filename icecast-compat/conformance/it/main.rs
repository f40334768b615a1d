//! The cases, run against us and, where it is installed, against the packaged Icecast.
//!
//! `CARRIER_RECORD=1` writes what Icecast answers to `recordings/` instead of comparing with it;
//! `CARRIER_CASES=listener` runs only cases with that in their names. What we answered is left in
//! `target/tmp/ours/`, beside which a recording can be laid.
#![forbid(unsafe_code)]

mod admin;
mod auth;
mod fallback;
mod files;
mod hostile;
mod limits;
mod listener;
mod logs;
mod metadata;
mod network;
mod playlists;
mod run;
mod script;
mod source;
mod stats;

use conformance::differences::{self, fits};
use e2e::{Icecast, Station};
use run::Stage;
use script::{Case, Group, Surroundings};
use std::path::{Path, PathBuf};

/// Cases of one kind.
struct Area {
    name: &'static str,
    groups: fn() -> Vec<Group>,
    /// Cases in which we do not answer as we shall yet, and what they wait for.
    pending: &'static [(&'static str, &'static str)],
}

const AREAS: &[Area] = &[
    admin::AREA,
    auth::AREA,
    fallback::AREA,
    files::AREA,
    hostile::AREA,
    limits::AREA,
    listener::AREA,
    logs::AREA,
    metadata::AREA,
    network::AREA,
    playlists::AREA,
    source::AREA,
    stats::AREA,
];

#[test]
fn we_answer_as_icecast_does_but_for_what_is_meant() {
    let meant = std::fs::read_to_string(here().join("differences.toml")).unwrap();
    let mut meant =
        differences::parse("differences.toml", &meant).unwrap_or_else(|m| panic!("{m}"));
    let answers = std::thread::scope(|scope| {
        let areas: Vec<_> = AREAS.iter().map(|area| scope.spawn(|| area.ours())).collect();
        areas.into_iter().flat_map(|area| area.join().unwrap()).collect::<Vec<_>>()
    });
    let mut found = Vec::new();
    for (case, ours) in answers {
        let theirs = std::fs::read_to_string(recording(&case)).unwrap_or_default();
        keep(&case, &ours);
        let differs = meant.unmeant(&case, &theirs, &ours);
        match pending(&case) {
            Some(_) if differs.is_empty() => say(&format!("{case}: no longer waits")),
            Some(what) => say(&format!("{case}: waits for {what}")),
            None => found.extend(differs),
        }
    }
    if wanted().is_none() {
        found.extend(meant.unseen());
        found.extend(strays());
    }

    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// A test for each area: what is recorded is what Icecast answers.
macro_rules! recorded {
    ($($area:ident)*) => {
        mod the_recordings_are_what_the_installed_icecast_answers {
            $(
                #[tokio::test]
                async fn $area() {
                    let area = crate::AREAS.iter().find(|area| area.name == stringify!($area));
                    area.expect("an area").is_recorded().await;
                }
            )*

            #[test]
            fn in_every_area() {
                let areas: Vec<_> = crate::AREAS.iter().map(|area| area.name).collect();
                assert_eq!(areas, [$(stringify!($area)),*]);
            }
        }
    };
}

recorded!(
    admin auth fallback files hostile limits listener logs metadata network playlists source stats
);

impl Area {
    /// What we answer in every case.
    fn ours(&self) -> Vec<(String, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime for the clients");
        let mut all = Vec::new();
        for group in (self.groups)().iter().filter(|group| self.wants(group)) {
            let around = runtime.block_on(group.surroundings());
            match Station::with_xml(&around.xml) {
                Ok(station) => {
                    all.extend(runtime.block_on(self.transcripts(group, &station, &around)));
                }
                Err(mistakes) => {
                    let cases = group.cases.iter().filter(|case| self.is_wanted(case));
                    let text = format!("(does not start: {mistakes})");
                    all.extend(cases.map(|case| (self.full_name(case), text.clone())));
                }
            }
        }
        all
    }

    async fn is_recorded(&self) {
        let record = std::env::var_os("CARRIER_RECORD").is_some();
        let mut found = Vec::new();
        for group in (self.groups)().iter().filter(|group| self.wants(group)) {
            let around = group.surroundings().await;
            let Some(icecast) = Icecast::with(&around.xml).await else { return };
            for (case, live) in self.transcripts(group, &icecast, &around).await {
                let path = recording(&case);
                if record {
                    write(&path, &live);
                }
                let recorded = std::fs::read_to_string(path).unwrap_or_default();
                found.extend(differences::Meant::default().unmeant(&case, &recorded, &live));
            }
        }

        assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    }

    async fn transcripts(
        &self,
        group: &Group,
        station: &Station,
        around: &Surroundings,
    ) -> Vec<(String, String)> {
        let mut stage = Stage::new(station, around);
        stage.stand(&group.standing).await;
        let mut all = Vec::new();
        for case in group.cases.iter().filter(|case| self.is_wanted(case)) {
            all.push((self.full_name(case), stage.run(case).await));
        }
        all
    }

    fn wants(&self, group: &Group) -> bool {
        group.cases.iter().any(|case| self.is_wanted(case))
    }

    fn is_wanted(&self, case: &Case) -> bool {
        wanted().is_none_or(|wanted| self.full_name(case).contains(&wanted))
    }

    fn full_name(&self, case: &Case) -> String {
        format!("{}/{}", self.name, case.name)
    }
}

/// What `case` waits for, if it does.
fn pending(case: &str) -> Option<&'static str> {
    let (area, name) = case.split_once('/')?;
    let area = AREAS.iter().find(|found| found.name == area)?;
    area.pending.iter().find(|(pending, _)| fits(pending, name)).map(|(_, what)| *what)
}

/// Recordings and pending names without a case, and names that stand twice.
fn strays() -> Vec<String> {
    let mut names = Vec::new();
    for area in AREAS {
        let groups = (area.groups)();
        let cases = groups.iter().flat_map(|group| &group.cases);
        names.extend(cases.map(|case| area.full_name(case)));
    }
    let mut found = Vec::new();
    names.sort();
    found.extend(names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()));
    for area in AREAS {
        let pending = area.pending.iter().map(|(name, _)| format!("{}/{name}", area.name));
        found.extend(pending.filter(|pending| !names.iter().any(|name| fits(pending, name))));
        let files = std::fs::read_dir(here().join("recordings").join(area.name));
        let files = files.into_iter().flatten().flatten().filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            Some(format!("{}/{}", area.name, name.strip_suffix(".txt")?))
        });
        found.extend(files.filter(|name| !names.contains(name)));
    }
    found.into_iter().map(|name| format!("no such case, or twice: {name}")).collect()
}

/// Leaves what we answered for a reader.
fn keep(case: &str, ours: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ours").join(format!("{case}.txt"));
    write(&path, ours);
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file is in a folder");
    std::fs::create_dir_all(folder).expect("a folder of ours");
    std::fs::write(path, text).expect("a folder of ours");
}

/// The part of names of cases that are wanted; `None` for all.
fn wanted() -> Option<String> {
    std::env::var("CARRIER_CASES").ok()
}

fn recording(case: &str) -> PathBuf {
    here().join("recordings").join(format!("{case}.txt"))
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[expect(clippy::print_stdout, reason = "a case that waits must not look like one that passes")]
fn say(text: &str) {
    println!("{text}");
}

/// A second of sound each, in the formats that cannot be made of numbered frames.
const AAC: &[u8] = include_bytes!("../audio/tone.aac");
const FLAC: &[u8] = include_bytes!("../audio/tone-flac.ogg");
const OPUS: &[u8] = include_bytes!("../audio/tone-opus.ogg");
const VORBIS: &[u8] = include_bytes!("../audio/tone-vorbis.ogg");
const WEBM: &[u8] = include_bytes!("../audio/tone.webm");

/// A file in two pieces, cut between pages, and without the page that ends it, if it is Ogg. Each
/// is more than Icecast reads at a time: what is less it keeps to itself.
fn halves(file: &[u8]) -> (&[u8], &[u8]) {
    let starts = file.windows(4).enumerate().filter(|(_, bytes)| *bytes == b"OggS");
    let starts: Vec<_> = starts.map(|(at, _)| at).collect();
    let Some(end) = starts.last() else { return file.split_at(file.len()) };
    let middle = starts.iter().find(|start| **start > HALF_BYTES).expect("a file long enough");
    (&file[..*middle], &file[*middle..*end])
}

/// More than the first half of an Ogg file has at least.
const HALF_BYTES: usize = 8_300;
