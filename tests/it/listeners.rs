//! The administrator and the listeners: who is there, and who has to go.

use e2e::{FakeSource, Station, Wire};

#[tokio::test]
async fn every_listener_is_listed_with_its_program_and_number() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;
    let named = "GET /x.mp3 HTTP/1.0\r\nUser-Agent: A <player>\r\n\r\n";
    let mut first = Wire::ask(station.address(), named).await;
    first.head().await;
    let mut second = Wire::ask(station.address(), "GET /x.mp3 HTTP/1.0\r\n\r\n").await;
    second.head().await;

    let listed = station.admin("/admin/listclients?mount=/x.mp3").await;

    let text = listed.text();
    let start = "<?xml version=\"1.0\"?>\n\
        <icestats><source mount=\"/x.mp3\"><Listeners>2</Listeners><listener><IP>127.0.0.1</IP>";
    assert!(text.starts_with(start), "{text}");
    assert!(text.contains("<UserAgent>A &lt;player&gt;</UserAgent>"), "{text}");
    assert!(text.contains("<UserAgent>Unknown</UserAgent>"), "{text}");
    assert_eq!(ids(text).len(), 2);
}

#[tokio::test]
async fn a_listener_that_is_removed_is_gone_and_the_other_stays() {
    let station = Station::start();
    let mut source = FakeSource::on(&station, "/x.mp3").await;
    source.play(10).await;
    let request = "GET /x.mp3 HTTP/1.0\r\n\r\n";
    let mut first = Wire::ask(station.address(), request).await;
    first.head().await;
    let mut second = Wire::ask(station.address(), request).await;
    second.head().await;
    let listed = station.admin("/admin/listclients?mount=/x.mp3").await;
    let earlier = ids(listed.text())[0];

    let kill = format!("/admin/killclient?mount=/x.mp3&id={earlier}");
    let removed = station.admin(&kill).await;
    let again = station.admin(&kill).await;

    assert!(removed.text().contains(&format!("<message>Client {earlier} removed</message>")));
    assert!(again.text().contains(&format!("<message>Client {earlier} not found</message>")));
    first.rest().await;
    station.until_listeners("/x.mp3", 1).await;
    source.play(100).await;
    assert!(second.more().await);
}

/// The numbers in a list of listeners.
fn ids(text: &str) -> Vec<u64> {
    let parts = text.split("<ID>").skip(1);
    parts.filter_map(|part| part.split_once('<')?.0.parse().ok()).collect()
}
