//! What both servers show of the same stream, field by field.

use super::STATISTICS_LIMIT;
use e2e::Station;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, interval};

/// Waits until our server shows of `mount` what Icecast does.
///
/// # Errors
///
/// The fields in which they differ.
pub(super) async fn are_alike(
    ours: &Station,
    icecast: &Station,
    mount: &str,
) -> Result<(), String> {
    let (began, mut again) = (Instant::now(), interval(LOOK_AGAIN));
    loop {
        again.tick().await;
        let (ours, theirs) = (fields(ours, mount).await, fields(icecast, mount).await);
        let differs = difference(&ours, &theirs);
        if differs.is_empty() && !theirs.is_empty() {
            return Ok(());
        }
        if began.elapsed() > STATISTICS_LIMIT {
            return Err(format!("{differs:#?}\nof {ours:?}"));
        }
    }
}

/// Name, ours, theirs.
type Differs = (String, Option<String>, Option<String>);

fn difference(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Vec<Differs> {
    let names = ours.keys().chain(theirs.keys());
    let mut differs: Vec<Differs> = names
        .map(|name| (name.clone(), ours.get(name).cloned(), theirs.get(name).cloned()))
        .filter(|(name, ours, theirs)| {
            ours != theirs && !(theirs.is_none() && MORE.contains(&name.as_str()))
        })
        .collect();
    differs.dedup();
    differs
}

/// What the administrator's statistics say of `mount`, but for what is each server's own.
async fn fields(station: &Station, mount: &str) -> BTreeMap<String, String> {
    let stats = station.admin("/admin/stats").await;
    let Ok(document) = roxmltree::Document::parse(stats.text()) else { return BTreeMap::new() };
    let source = document
        .descendants()
        .find(|node| node.has_tag_name("source") && node.attribute("mount") == Some(mount));
    let fields = source.into_iter().flat_map(|source| source.children());
    fields
        .filter(|node| node.is_element() && !OWN.contains(&node.tag_name().name()))
        .map(|node| (node.tag_name().name().to_owned(), node.text().unwrap_or_default().to_owned()))
        .collect()
}

/// What counts listeners, time and bytes, or names the server.
const OWN: [&str; 9] = [
    "listener_peak",
    "listeners",
    "listenurl",
    "slow_listeners",
    "stream_start",
    "stream_start_iso8601",
    "total_bytes_read",
    "total_bytes_sent",
    "source_ip",
];
/// What ours may show where Icecast shows nothing: it reads titles of Vorbis alone.
const MORE: [&str; 3] = ["artist", "subtype", "title"];
const LOOK_AGAIN: Duration = Duration::from_millis(200);
