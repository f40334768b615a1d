//! Tests of lists that are fetched, with a server that answers as they say.

use super::*;
use crate::test_web::Web;
use std::sync::mpsc::sync_channel;

#[tokio::test]
async fn a_list_is_fetched_at_once_and_again_after_its_interval() {
    let web = Web::of_list("a.mp3\n", "Content-Type: audio/x-mpegurl\r\n").await;
    let mut lists = Fetching::start(&web.at("/day/list"), Some(SHORT));

    let first = lists.outcome().await.unwrap();
    web.list("b.mp3\n");
    let second = lists.fetched("b.mp3\n").await;

    assert_eq!(
        (first.from.to_string(), first.content_type.as_str(), &first.bytes[..]),
        (web.at("/day/list"), "audio/x-mpegurl", &b"a.mp3\n"[..])
    );
    assert_eq!(second.content_type, "");
}

#[tokio::test]
async fn a_list_without_an_interval_is_fetched_again_when_somebody_asks() {
    let web = Web::of_list("a.mp3\n", "").await;
    let mut lists = Fetching::start(&web.at("/list"), None);
    lists.outcome().await.unwrap();

    web.list("b.mp3\n");
    let (done, is_done) = sync_channel(0);
    lists.subscription.ask(done);

    assert_eq!(lists.outcome().await.unwrap().bytes, b"b.mp3\n");
    assert!(is_done.recv().is_err(), "who asked does not wait any longer");
}

#[tokio::test]
async fn a_list_that_cannot_be_had_is_tried_again_even_without_an_interval() {
    let web = Web::start("HTTP/1.1 503 Not now\r\n\r\n").await;
    let mut lists = Fetching::start(&web.at("/list"), None);

    assert_eq!(&*lists.outcome().await.unwrap_err(), "the server answers 503 Not now");
    web.list("a.mp3\n");
    lists.fetched("a.mp3\n").await;
}

#[tokio::test]
async fn a_server_is_told_what_is_known_and_may_answer_that_nothing_has_changed() {
    let known = "ETag: \"1\"\r\nLast-Modified: Thu, 26 Nov 2026 17:00:00 GMT\r\n";
    let web = Web::of_list("a.mp3\n", known).await;
    let mut lists = Fetching::start(&web.at("/list"), Some(SHORT));
    lists.outcome().await.unwrap();

    web.answer("HTTP/1.1 304 Not Modified\r\n\r\n");
    let asked = web.asked(4).await;

    assert!(!asked[0].contains("If-"));
    assert!(asked[3].contains("\r\nIf-None-Match: \"1\"\r\n"), "{}", asked[3]);
    assert!(asked[3].contains("\r\nIf-Modified-Since: Thu, 26 Nov 2026 17:00:00 GMT\r\n"));
    assert!(lists.subscription.news().is_none());
}

#[tokio::test]
async fn what_was_lost_and_has_not_changed_is_told_again() {
    let web = Web::of_list("a.mp3\n", "ETag: \"1\"\r\n").await;
    let mut lists = Fetching::start(&web.at("/list"), Some(SHORT));
    lists.outcome().await.unwrap();

    web.answer("HTTP/1.1 500 Oh\r\n\r\n");
    while lists.outcome().await.is_ok() {}
    let failed = web.asked(0).await.len();
    web.answer("HTTP/1.1 304 Not Modified\r\n\r\n");
    let asked = web.asked(failed + 3).await;
    web.list("a.mp3\n");

    lists.fetched("a.mp3\n").await;
    let is_conditional = |request: &String| request.contains("If-None-Match");
    let last = asked.iter().rposition(is_conditional).unwrap();
    assert!(asked.len() > last + 1, "it is asked for whatever it is");
}

#[tokio::test]
async fn what_is_no_list_is_refused_with_a_reason() {
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", LIST_BYTES_MAX + 1);
    for (answer, reason) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "the server answers 404 Not Found"),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", "the server answers 304 Not Modified"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na.mp3\n", "3 bytes are missing"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\n\r\n", "a page (text/html), no"),
        ("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n", "a file (video/mp4), no list"),
        ("ICY 200 OK\r\nicy-name: x\r\n\r\n", "a stream that does not end, no list"),
        (&long, "it has more than 16777216 bytes"),
    ] {
        let web = Web::start(answer).await;

        let failed = Fetching::start(&web.at("/list"), None).outcome().await.unwrap_err();

        assert!(failed.contains(reason), "{answer:?}: {failed}");
    }
}

#[tokio::test]
async fn a_file_of_audio_is_known_as_one_and_not_fetched() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 99999999\r\n\r\n";
    let web = Web::start(head).await;

    let list = Fetching::start(&web.at("/song?id=1"), None).outcome().await.unwrap();

    assert!(list.is_audio() && list.bytes.is_empty());
}

#[tokio::test]
async fn a_subscription_that_is_dropped_is_not_fetched_any_more() {
    let web = Web::of_list("a.mp3\n", "").await;
    let tasks = Tasks::default();
    let (lists, fetcher) = Lists::new(Client::default(), &tasks);
    let (stop, stopped) = watch::channel(());
    tasks.spawn(fetcher.run(stopped));
    let address = HttpAddress::parse(&web.at("/list")).unwrap();

    let subscription = lists.subscribe(address, Some(SHORT), Box::new(drop)).unwrap();
    web.asked(1).await;
    drop((subscription, lists));

    timeout(LIMIT, tasks.ended()).await.expect("its task ends, and so does the fetcher");
    drop(stop);
}

#[test]
fn a_list_that_fails_is_tried_less_and_less_often_but_as_often_as_it_is_due() {
    let often = |every, failures| rest(every, failures).map(|rest| rest.as_secs());

    assert_eq!((often(None, 0), often(Some(3_600 * SECOND), 0)), (None, Some(3_600)));
    assert_eq!((1..9).filter_map(|it| often(None, it)).collect::<Vec<_>>(), BACK_OFF);
    assert_eq!(often(Some(5 * SECOND), 9), Some(5));
    assert_eq!(often(Some(3_600 * SECOND), u32::MAX), Some(60));
}

const BACK_OFF: [u64; 8] = [1, 2, 4, 8, 16, 32, 60, 60];
const SECOND: Duration = Duration::from_secs(1);

/// A list, and who fetches it.
struct Fetching {
    subscription: Subscription,
    _stop: watch::Sender<()>,
}

impl Fetching {
    fn start(address: &str, every: Option<Duration>) -> Self {
        let tasks = Tasks::default();
        let (lists, fetcher) = Lists::new(Client::default(), &tasks);
        let (stop, stopped) = watch::channel(());
        tasks.spawn(fetcher.run(stopped));
        let address = HttpAddress::parse(address).unwrap();
        let subscription = lists.subscribe(address, every, Box::new(drop)).unwrap();
        Self { subscription, _stop: stop }
    }

    /// The next outcome.
    async fn outcome(&mut self) -> Outcome {
        loop {
            if let Some(outcome) = self.subscription.news() {
                return outcome;
            }
            let changed = self.subscription.outcome.changed();
            timeout(LIMIT, changed).await.expect("something comes of it").unwrap();
            self.subscription.outcome.mark_changed();
        }
    }

    /// The list that holds this, as soon as it comes.
    async fn fetched(&mut self, text: &str) -> Arc<FetchedList> {
        loop {
            match self.outcome().await {
                Ok(list) if list.bytes == text.as_bytes() => return list,
                Ok(_) | Err(_) => {}
            }
        }
    }
}

const SHORT: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_secs(20);
