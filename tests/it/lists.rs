//! Lists elsewhere: a station that plays what a web server lists.

use crate::programme::tone_wav;
use e2e::{SOURCE_PASSWORD, Station, until};
use source::config::file;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_elsewhere_is_played_whatever_becomes_of_its_server() {
    let (folder, server) = (web_folder(), Station::start());
    let mut web = web(folder.path());
    list(folder.path(), "A");
    let station = play(&server, &web, folder.path());
    server.until_titled("/live.mp3", "A - One").await;
    until_plays(&station, &server, "A - Two").await;

    // What is listed now is heard after the interval, from the next border on.
    list(folder.path(), "B");
    until_plays(&station, &server, "B - One").await;

    // Its server dies, and it goes on with what it has.
    web.stop();
    station.skip("main");
    server.until_titled("/live.mp3", "B - Two").await;
    station.stop().await;
    server.until_off_air("/live.mp3").await;

    // After a restart too, where it was.
    let station = play(&server, &web, folder.path());
    server.until_titled("/live.mp3", "B - One").await;
    web.start_again();
    list(folder.path(), "C");
    until_plays(&station, &server, "C - One").await;
    station.stop().await;
}

/// A folder of music of which a web server knows, and two files that it does not.
fn web_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["web/lists", "web/music", "here"] {
        fs::create_dir_all(folder.path().join(name)).expect("our own folder");
    }
    for artist in ["A", "B", "C"] {
        for title in ["One", "Two"] {
            let tag = format!("{artist} - {title}");
            let path = folder.path().join(format!("here/{tag}.wav"));
            fs::write(path, tone_wav(&tag, 60)).expect("our own folder");
        }
    }
    // One that comes over the web, by a name that has to be coded.
    let path = folder.path().join("web/music/2 #A.wav");
    fs::write(path, tone_wav("A - Two", 60)).expect("our own folder");
    folder
}

/// The web server of `folder`.
fn web(folder: &Path) -> Station {
    let root = folder.join("web");
    Station::changed("", |config| {
        config.files.webroot = Some(root);
        config.files.serve = true;
    })
}

/// Lets the list hold two tracks of `artist`, one of them as seen from the list.
fn list(folder: &Path, artist: &str) {
    let here = |title: &str| folder.join(format!("here/{artist} - {title}.wav"));
    let second = match artist {
        "A" => "../music/2 #A.wav".to_owned(),
        _ => format!("file://{}", here("Two").display().to_string().replace(' ', "%20")),
    };
    let text = format!("#EXTM3U\n{}\n{second}\n", here("One").display());
    fs::write(folder.join("web/lists/today.m3u"), text).expect("our own folder");
}

/// A station that plays the list to `server`.
fn play(server: &Station, web: &Station, folder: &Path) -> source::station::Station {
    let text = format!(
        "[playlists.music]\npath = 'http://{}/lists/today.m3u'\nreload = '1s'\n\
         [[outputs]]\nurl = 'http://source:{SOURCE_PASSWORD}@{}/live.mp3'\n",
        web.address(),
        server.address()
    );
    let config = file::parse(&folder.join("station.toml"), &text);
    let config = config.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    source::station::Station::start(&config).expect("a station can start")
}

/// Waits until `title` comes next, and skips to it.
async fn until_plays(station: &source::station::Station, server: &Station, title: &str) {
    let is_next = async || {
        let on_air = station.status().channels.into_iter().next()?.on_air;
        (&*on_air.next?.title == title).then_some(())
    };
    until(&format!("{title} comes next"), is_next).await;
    station.skip("main");
    server.until_titled("/live.mp3", title).await;
}
