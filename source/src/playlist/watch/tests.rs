//! Lists that are written by real programs while they are watched.

mod elsewhere;

use super::*;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn every_way_of_writing_a_list_is_noticed_again_and_again() {
    let (dir, list) = list("#EXTM3U\n0.mp3\n");
    let (watch, _) = Watch::start("test", vec![list.clone()], Reload::Watch).unwrap();
    let mut contents = watch.contents();
    assert_eq!(names(&contents), ["0.mp3"]);

    for round in 0..3 {
        for (number, write) in WRITERS.iter().enumerate() {
            let name = format!("{round}-{number}.mp3");
            write(dir.path(), &list, &format!("#EXTM3U\n{name}\n"));

            changed(&mut contents).await;
            assert_eq!(names(&contents), [name]);
        }
    }
}

#[tokio::test]
async fn another_list_is_followed_from_now_on_and_one_that_cannot_be_read_is_not() {
    let (dir, list) = list("0.mp3\n");
    let other = dir.path().join("other.m3u");
    fs::write(&other, "1.mp3\n").unwrap();
    let (watch, _) = Watch::start("test", vec![list.clone()], Reload::Watch).unwrap();
    let mut contents = watch.contents();

    assert!(watch.follow(dir.path().join("none.m3u")));
    watch.reload(LONG);
    assert_eq!((names(&contents), watch.paths()), (vec!["0.mp3".to_owned()], vec![list.clone()]));

    assert!(watch.follow(other.clone()));
    changed(&mut contents).await;
    assert_eq!((names(&contents), watch.paths()), (vec!["1.mp3".to_owned()], vec![other.clone()]));
    fs::write(&list, "2.mp3\n").unwrap();
    fs::write(&other, "3.mp3\n").unwrap();
    changed(&mut contents).await;
    assert_eq!(names(&contents), ["3.mp3"]);
}

#[tokio::test]
async fn a_list_is_never_seen_empty_while_it_is_written() {
    let (_dir, list) = list("0.mp3\n");
    let (watch, _) = Watch::start("test", vec![list.clone()], Reload::Watch).unwrap();
    let mut contents = watch.contents();

    // What a slow program does, with other things between its steps that take time.
    for round in 1..=20 {
        let mut file = File::create(&list).unwrap();
        watch.refresh(Duration::from_millis(u64::from(round % 4 == 0)));
        file.write_all(b"#EXTM3U\n").unwrap();
        watch.refresh(Duration::from_millis(round % 3));
        writeln!(file, "{round}-a.mp3").unwrap();
        file.flush().unwrap();
        watch.refresh(Duration::from_millis(round % 2));
        writeln!(file, "{round}-b.mp3").unwrap();
        drop(file);

        let expected = [format!("{round}-a.mp3"), format!("{round}-b.mp3")];
        if round % 5 == 0 {
            changed(&mut contents).await;
            assert_eq!(names(&contents), expected);
        } else {
            watch.refresh(LONG);
            assert_eq!(names(&contents), expected);
            contents.mark_unchanged();
        }
    }
}

#[tokio::test]
async fn who_needs_to_know_is_told_at_once_what_was_just_written() {
    let (_dir, list) = list("0.mp3\n");
    let (watch, _) = Watch::start("test", vec![list.clone()], Reload::Watch).unwrap();
    let contents = watch.contents();
    for round in 1..=50 {
        fs::write(&list, format!("{round}.mp3\n")).unwrap();

        watch.refresh(LONG);

        assert_eq!(names(&contents), [format!("{round}.mp3")]);
    }
}

#[tokio::test]
async fn the_same_text_written_again_is_no_news() {
    let (dir, list) = list("#EXTM3U\n0.mp3\n");
    let (watch, _) = Watch::start("test", vec![list.clone()], Reload::Watch).unwrap();
    let mut contents = watch.contents();
    for write in WRITERS {
        write(dir.path(), &list, "#EXTM3U\n0.mp3\n");
        watch.refresh(LONG);
    }
    assert!(!contents.has_changed().unwrap());

    fs::write(&list, "1.mp3\n").unwrap();

    changed(&mut contents).await;
    assert_eq!(names(&contents), ["1.mp3"]);
}

#[tokio::test]
async fn a_list_emptied_by_accident_keeps_what_it_held_and_a_deliberate_one_does_not() {
    let (_dir, list) = list("0.mp3\n");
    let (watch, _) = Watch::start("test", vec![list.clone()], Reload::Watch).unwrap();
    let mut contents = watch.contents();

    fs::write(&list, "").unwrap();
    watch.reload(LONG);
    assert_eq!(names(&contents), ["0.mp3"]);
    fs::remove_file(&list).unwrap();
    watch.reload(LONG);
    assert_eq!(names(&contents), ["0.mp3"]);

    fs::write(&list, "#EXTM3U\n").unwrap();
    watch.refresh(LONG);
    assert_eq!(names(&contents), ["0.mp3"], "it may be about to be filled");
    changed(&mut contents).await;
    assert_eq!(names(&contents), [""; 0]);
}

#[tokio::test]
async fn a_list_that_is_missing_at_the_start_is_read_when_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("sub/list.m3u");
    let (watch, _) = Watch::start("test", vec![list.clone()], Reload::Watch).unwrap();
    let mut contents = watch.contents();
    assert_eq!(names(&contents), [""; 0]);

    fs::create_dir(list.parent().unwrap()).unwrap();
    fs::write(&list, "0.mp3\n").unwrap();

    changed(&mut contents).await;
    assert_eq!(names(&contents), ["0.mp3"]);
}

#[tokio::test]
async fn a_folder_that_is_missing_at_the_start_is_read_when_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("later");
    let (watch, _) = Watch::start("test", vec![folder.clone()], Reload::Watch).unwrap();
    let mut contents = watch.contents();

    fs::create_dir(dir.path().join("new")).unwrap();
    fs::write(dir.path().join("new/a.mp3"), "").unwrap();
    fs::rename(dir.path().join("new"), &folder).unwrap();

    changed(&mut contents).await;
    assert_eq!(names(&contents), ["a.mp3"]);
}

#[tokio::test]
async fn what_comes_into_a_folder_and_its_new_folders_is_found() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.mp3"), "").unwrap();
    let (watch, _) = Watch::start("test", vec![dir.path().to_owned()], Reload::Watch).unwrap();
    let mut contents = watch.contents();

    fs::create_dir(dir.path().join("new")).unwrap();
    fs::write(dir.path().join("new/b.mp3"), "").unwrap();

    changed(&mut contents).await;
    assert_eq!(names(&contents), ["a.mp3", "b.mp3"]);
}

#[tokio::test]
async fn a_list_is_read_again_after_the_time_said_or_never() {
    let (_dir, list) = list("0.mp3\n");
    let every = Reload::Every(Duration::from_millis(50));
    let (often, _) = Watch::start("test", vec![list.clone()], every).unwrap();
    let (never, _) = Watch::start("test", vec![list.clone()], Reload::Never).unwrap();

    let mut contents = often.contents();
    fs::write(&list, "1.mp3\n").unwrap();
    changed(&mut contents).await;

    assert_eq!(names(&often.contents()), ["1.mp3"]);
    never.refresh(LONG);
    assert_eq!(names(&never.contents()), ["0.mp3"]);
    never.reload(LONG);
    assert_eq!(names(&never.contents()), ["1.mp3"]);
}

#[test]
fn the_thread_ends_when_nobody_needs_it() {
    let (_dir, list) = list("0.mp3\n");
    let (watch, thread) = Watch::start("test", vec![list], Reload::Watch).unwrap();

    drop(watch);

    thread.join().unwrap();
}

const WRITERS: &[fn(&Path, &Path, &str)] = &[
    |_, list, text| fs::write(list, text).unwrap(),
    // In two steps.
    |_, list, text| {
        let mut file = File::create(list).unwrap();
        let (head, rest) = text.split_at(8);
        file.write_all(head.as_bytes()).unwrap();
        file.write_all(rest.as_bytes()).unwrap();
    },
    // Another file in its place.
    |dir, list, text| {
        fs::write(dir.join("new"), text).unwrap();
        fs::rename(dir.join("new"), list).unwrap();
    },
    |dir, list, text| {
        fs::write(dir.join("new"), text).unwrap();
        assert!(Command::new("cp").arg(dir.join("new")).arg(list).status().unwrap().success());
    },
    // Deleted and made anew.
    |_, list, text| {
        fs::remove_file(list).unwrap();
        fs::write(list, text).unwrap();
    },
    |dir, list, text| {
        fs::write(dir.join("new"), text).unwrap();
        let edit = format!("cat '{}' > '{}'", dir.join("new").display(), list.display());
        assert!(Command::new("sh").arg("-c").arg(edit).status().unwrap().success());
    },
];

fn list(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.m3u");
    fs::write(&list, text).unwrap();
    (dir, list)
}

async fn changed(contents: &mut watch::Receiver<Arc<Contents>>) {
    timeout(LONG, contents.changed()).await.expect("in time").unwrap();
}

fn names(contents: &watch::Receiver<Arc<Contents>>) -> Vec<String> {
    let name = |item: &crate::playlist::Item| item.path.file_name().unwrap().display().to_string();
    contents.borrow().items.iter().map(name).collect()
}

const LONG: Duration = Duration::from_secs(20);
