//! Programs that are run when a source comes and leaves, and dump files: what they get, and that
//! none of them is noticed on air.

use e2e::{FakeSource, Player, Station, frames, until};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

#[tokio::test]
async fn programs_are_run_when_a_source_comes_and_when_it_leaves() {
    let folder = tempfile::tempdir().expect("a folder for the program");
    let program = script(folder.path(), "echo \"$# $1 $CARRIER_EVENT\" >> \"${0%/*}/runs\"");
    let station = Station::changed("limits.source_grace = '0'", |config| {
        config.mounts.usual.on_connect = Some(program.clone());
        config.mounts.usual.on_disconnect = Some(program.clone());
    });
    let runs = folder.path().join("runs");

    let source = FakeSource::on(&station, "/live.mp3").await;
    until_holds(&runs, "1 /live.mp3 connect\n").await;
    drop(source);

    until_holds(&runs, "1 /live.mp3 connect\n1 /live.mp3 disconnect\n").await;
}

#[tokio::test]
async fn a_program_inherits_no_connection() {
    let folder = tempfile::tempdir().expect("a folder for the program");
    let program = script(
        folder.path(),
        "ls -l /proc/self/fd > \"${0%/*}/part\"; mv \"${0%/*}/part\" \"${0%/*}/descriptors\"",
    );
    let station = Station::changed("", |config| {
        config.mounts.usual.on_disconnect = Some(program.clone());
    });
    let mut kept = FakeSource::on(&station, "/kept").await;
    kept.play(10).await;
    let _listener = Player::tune_in(&station, "/kept").await;

    drop(FakeSource::on(&station, "/brief").await);

    let descriptors = folder.path().join("descriptors");
    let text = until("the program has run", async || fs::read_to_string(&descriptors).ok()).await;
    assert!(text.contains("/dev/null") && !text.contains("socket:"), "{text}");
}

#[tokio::test]
async fn a_program_that_hangs_or_is_missing_is_not_noticed_on_air() {
    let folder = tempfile::tempdir().expect("a folder for the program");
    let program = script(folder.path(), "exec sleep 10");
    let mut station = Station::changed("", |config| {
        config.mounts.usual.on_connect = Some(program.clone());
        config.mounts.usual.on_disconnect = Some("/no/such/program".into());
    });
    let mut source = FakeSource::on(&station, "/live").await;
    source.play(20).await;

    let mut player = Player::tune_in(&station, "/live").await;

    assert_eq!(player.hear(20 * frames::FRAME_BYTES).await, frames::run(0..20));
    drop(source);
    drop(player);
    assert_eq!(station.stop(), server::Outcome::Drained);
}

#[tokio::test]
async fn a_dump_file_holds_what_the_source_sent_and_grows_when_it_returns() {
    let folder = tempfile::tempdir().expect("a folder for the dump");
    let mut station = Station::changed("", |config| {
        config.mounts.usual.dump_file = Some(format!("{}/%Y.mp3", folder.path().display()));
    });
    let mut source = FakeSource::on(&station, "/live").await;
    source.play(50).await;
    drop(source);
    station.until_off_air("/live").await;

    let mut source = FakeSource::on(&station, "/live").await.from_frame(50);
    source.play(50).await;
    drop(source);
    station.until_off_air("/live").await;
    station.stop();

    let files: Vec<_> = fs::read_dir(folder.path()).expect("our own folder").collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let path = files[0].as_ref().expect("our own folder").path();
    assert!(path.to_string_lossy().ends_with(".mp3") && !path.to_string_lossy().contains('%'));
    assert!(fs::read(path).expect("our own file") == frames::run(0..100));
}

#[tokio::test]
async fn a_dump_file_that_cannot_be_written_is_not_noticed_on_air() {
    let station = Station::changed("", |config| {
        config.mounts.usual.dump_file = Some("/dev/full".to_owned());
    });
    let mut source = FakeSource::on(&station, "/live").await;
    source.play(20).await;
    let mut player = Player::tune_in(&station, "/live").await;

    source.play(200).await;

    assert_eq!(player.hear(220 * frames::FRAME_BYTES).await, frames::run(0..220));
}

fn script(folder: &Path, lines: &str) -> PathBuf {
    let path = folder.join("hook");
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("our own folder");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("our own file");
    path
}

async fn until_holds(path: &Path, text: &str) {
    let holds = async || (fs::read_to_string(path).ok()? == text).then_some(());
    until(&format!("{path:?} holds {text:?}"), holds).await;
}
