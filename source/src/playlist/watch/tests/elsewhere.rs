//! Lists elsewhere, from a web server that gives what the tests say.

use super::*;
use crate::fetch::client::Client;
use crate::fetch::list::Lists;
use crate::tasks::Tasks;
use crate::test_web::Web;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_elsewhere_is_read_at_the_start_and_again_after_its_interval() {
    let (web, station) = (Web::of_list("a.mp3\n", "").await, Fetching::start());
    let (watch, _) = station.watch(&web.at("/day/list"), Reload::Every(SHORT));
    let mut contents = watch.contents();

    assert_eq!(paths(&contents), [web.at("/day/a.mp3")]);
    web.list("/b.mp3\n");
    changed(&mut contents).await;

    assert_eq!(paths(&contents), [web.at("/b.mp3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reloads_a_list_elsewhere_waits_until_it_has_come() {
    let (web, station) = (Web::of_list("a.mp3\n", "").await, Fetching::start());
    let (watch, _) = station.watch(&web.at("/list"), Reload::Never);

    web.list("b.mp3\n");
    watch.refresh(LONG);
    assert_eq!(names(&watch.contents()), ["a.mp3"], "a round does not ask for it");
    watch.reload(LONG);

    assert_eq!(names(&watch.contents()), ["b.mp3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_in_the_place_of_a_list_it_keeps_what_it_held() {
    let (web, station) = (Web::of_list("a.mp3\n", "").await, Fetching::start());
    let (watch, _) = station.watch(&web.at("/list"), Reload::Never);

    for answer in [
        "HTTP/1.1 404 Not Found\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<!doctype html>",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<playlist",
        "",
    ] {
        web.answer(answer);
        watch.reload(LONG);
        assert_eq!(names(&watch.contents()), ["a.mp3"], "{answer}");
    }

    web.list("#EXTM3U\n");
    watch.reload(LONG);
    assert_eq!(names(&watch.contents()), [""; 0], "it says that it is empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_good_copy_plays_after_a_restart_while_its_server_is_down() {
    let (web, station) = (Web::of_list("a.mp3\n", "").await, Fetching::start());
    let address = web.at("/day/list");
    let (watch, thread) = station.watch(&address, Reload::Every(SHORT));
    web.answer("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<!doctype html>");
    watch.reload(LONG);
    drop(watch);
    let ended = tokio::task::spawn_blocking(|| thread.join());
    timeout(LONG, ended).await.expect("nobody needs it").unwrap().unwrap();
    drop(web);

    let (again, _) = station.watch(&address, Reload::Watch);
    let planned = Elsewhere { lists: Lists::default(), ..station.elsewhere() };
    let (planned, first, _) =
        Watch::begin("test", vec![address.clone().into()], Reload::Watch, planned).unwrap();
    first.wait(Instant::now() + LONG);

    let expected = [address.replace("list", "a.mp3")];
    assert_eq!(
        (paths(&again.contents()), paths(&planned.contents())),
        (expected.clone().into(), expected.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_here_and_elsewhere_make_one_playlist() {
    let (web, station) = (Web::of_list("far.mp3\n", "").await, Fetching::start());
    let (_dir, here) = list("near.mp3\n");
    let single = web.at("/single.mp3");
    let paths = vec![here.clone(), web.at("/list?a=[1]*").into(), single.into()];
    let (watch, first, _) =
        Watch::begin("test", paths, Reload::Watch, station.elsewhere()).unwrap();
    first.wait(Instant::now() + LONG);
    let mut contents = watch.contents();
    assert_eq!(names(&contents), ["near.mp3", "far.mp3", "single.mp3"]);

    fs::write(&here, "other.mp3\n").unwrap();
    changed(&mut contents).await;

    assert_eq!(names(&contents), ["other.mp3", "far.mp3", "single.mp3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_that_follows_a_list_elsewhere_keeps_what_it_held_until_that_has_come() {
    let (web, station) = (Web::start("HTTP/1.1 503 Not now\r\n\r\n").await, Fetching::start());
    let (_dir, here) = list("0.mp3\n");
    let (watch, first, _) =
        Watch::begin("test", vec![here], Reload::Never, station.elsewhere()).unwrap();
    first.wait(Instant::now() + LONG);
    let mut contents = watch.contents();

    assert!(watch.follow(web.at("/list").into()));
    web.asked(1).await;
    assert_eq!(names(&contents), ["0.mp3"]);
    web.list("1.mp3\n");
    watch.reload(LONG);

    contents.borrow_and_update();
    assert_eq!(
        (names(&contents), watch.paths()),
        (vec!["1.mp3".to_owned()], vec![web.at("/list").into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_elsewhere_that_nobody_fetches_holds_nothing() {
    let (watch, _) =
        Watch::start("test", vec!["http://127.0.0.1:1/list".into()], Reload::Watch).unwrap();

    assert_eq!(names(&watch.contents()), [""; 0]);
}

/// Who fetches lists, and where copies are kept.
struct Fetching {
    lists: Lists,
    folder: tempfile::TempDir,
    _stop: watch::Sender<()>,
}

impl Fetching {
    fn start() -> Self {
        let tasks = Tasks::default();
        let (lists, fetcher) = Lists::new(Client::default(), &tasks);
        let (stop, stopped) = watch::channel(());
        tasks.spawn(fetcher.run(stopped));
        Self { lists, folder: tempfile::tempdir().unwrap(), _stop: stop }
    }

    fn elsewhere(&self) -> Elsewhere {
        let copies = Some(self.folder.path().join("station.lists"));
        Elsewhere { lists: self.lists.clone(), copies }
    }

    /// A playlist of the list at `address`, which has been read.
    fn watch(&self, address: &str, reload: Reload) -> (Watch, JoinHandle<()>) {
        let paths = vec![address.into()];
        let (watch, first, thread) = Watch::begin("test", paths, reload, self.elsewhere()).unwrap();
        first.wait(Instant::now() + LONG);
        (watch, thread)
    }
}

fn paths(contents: &watch::Receiver<Arc<Contents>>) -> Vec<String> {
    contents.borrow().items.iter().map(|item| item.path.display().to_string()).collect()
}

const SHORT: Duration = Duration::from_millis(20);
