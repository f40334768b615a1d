//! What is said about tracks and requests, and what is done with queues.

use super::{Parts, QueueEnd, told};
use crate::control::answer::{self, About};
use crate::control::ask::{OfQueue, OfRequest};
use crate::lookahead::Track;
use crate::playlist::queue::Queue;
use crate::playlist::requests::Request;
use crate::programme::Command;
use crate::status::Played;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;

impl Parts {
    /// What there is to say to a `wish` for `queue`, which is carried out.
    pub(super) fn queue_told(&self, queue: &Queue, wish: &OfQueue) -> String {
        let channels = || self.channels.iter().filter(|it| it.play.contains(queue.name()));
        // What is prepared may be a request that is not wanted any more.
        let reconsider = || channels().try_for_each(|it| it.wish(Command::Reconsider));
        let skip = || {
            let mut plays = channels().filter(|it| it.plays(queue.name()));
            plays.try_for_each(|it| it.wish(Command::Skip))
        };
        match wish {
            OfQueue::FlushAndSkip => {
                let reconsidered = if queue.flush() { reconsider() } else { Ok(()) };
                told(reconsidered.and_then(|()| skip()), "Done.")
            }
            OfQueue::Next => {
                let requests = queue.requests();
                let requests = requests.borrow();
                let lines: Vec<_> = requests.waiting().map(|it| it.uri.to_string()).collect();
                lines.join("\n")
            }
            OfQueue::Push(uri) => match queue.push(uri) {
                Ok(id) => id.to_string(),
                Err(error) => format!("ERROR: {error}."),
            },
            OfQueue::Remove(None) => answer::NO_NUMBER.to_owned(),
            OfQueue::Remove(Some(id)) => {
                if !queue.remove(*id) {
                    return answer::NO_REQUEST.to_owned();
                }
                told(reconsider(), "OK")
            }
            OfQueue::Skip => told(skip(), "Done."),
            OfQueue::Waiting => {
                answer::numbers(queue.requests().borrow().waiting().map(|it| it.id))
            }
        }
    }

    /// What there is to say to somebody who asks about tracks.
    pub(super) fn request_told(&self, wish: OfRequest) -> String {
        match wish {
            OfRequest::All => {
                let prepared = self.on_air().filter_map(|on_air| on_air.next.map(|next| next.rid));
                let waiting = self.waiting().into_iter().map(|(_, request)| request.id);
                answer::requests(self.playing().chain(prepared).chain(waiting))
            }
            OfRequest::OnAir => answer::requests(self.playing()),
            OfRequest::Metadata(None) | OfRequest::Trace(None) => answer::NO_NUMBER.to_owned(),
            OfRequest::Metadata(Some(id)) => {
                self.about_number(id).map_or_else(|| answer::NO_REQUEST.to_owned(), |it| it.text())
            }
            OfRequest::Resolving => String::new(),
            OfRequest::Trace(Some(id)) => {
                if let Some(played) = self.played(id) {
                    return format!("[{}] Currently on air.", date(played.since));
                }
                let waiting = self.waiting().into_iter().find(|(_, request)| request.id == id);
                waiting.map_or_else(
                    || answer::NO_REQUEST.to_owned(),
                    |(_, request)| answer::pushed(&date(request.since), &request.uri),
                )
            }
        }
    }

    /// The numbers of the tracks on air.
    pub(super) fn playing(&self) -> impl Iterator<Item = u64> {
        self.on_air().filter_map(|on_air| on_air.playing().map(|played| played.id))
    }

    /// Every request that waits, with the name of its queue.
    fn waiting(&self) -> Vec<(Arc<str>, Request)> {
        let queues = self.queues.iter().flat_map(|QueueEnd { queue, .. }| {
            let requests = queue.requests().borrow().clone();
            let requests: Vec<_> = requests.waiting().cloned().collect();
            requests.into_iter().map(|request| (Arc::clone(queue.name()), request))
        });
        queues.collect()
    }

    /// The track of this number that is or was on air.
    fn played(&self, id: u64) -> Option<Played> {
        let mut histories = self.on_air().map(|on_air| on_air.history);
        histories.find_map(|history| history.into_iter().rev().find(|played| played.id == id))
    }

    /// What there is to show of the track or request of this number.
    fn about_number(&self, id: u64) -> Option<About> {
        if let Some(played) = self.played(id) {
            return Some(about(&played, &self.playing().collect::<Vec<_>>()));
        }
        let requested = self.waiting().into_iter().find(|(_, request)| request.id == id);
        let next = self.on_air().filter_map(|on_air| on_air.next).find(|next| next.rid == id);
        match (next, requested) {
            (Some(next), requested) => {
                let uri = requested.map(|(_, request)| request.uri);
                Some(about_track(&next, "ready", uri.as_deref(), String::new()))
            }
            (None, Some((queue, request))) => Some(about_request(&queue, &request)),
            (None, None) => None,
        }
    }
}

/// What is shown of a track that was on air, or is if it is among those `playing`.
pub(super) fn about(played: &Played, playing: &[u64]) -> About {
    let status = if playing.contains(&played.id) { "playing" } else { "played" };
    about_track(&played.track, status, None, date(played.since))
}

/// What is shown of a track: artist, title and album first, since some look for the first thing
/// that ends in these words.
fn about_track(track: &Track, status: &str, uri: Option<&str>, on_air: String) -> About {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let has_title = track.tags.title.is_some();
    let title = if has_title { text(&track.tags.title) } else { track.title.to_string() };
    let path = track.path.display().to_string();
    About {
        values: vec![
            ("artist", if has_title { text(&track.tags.artist) } else { String::new() }),
            ("title", title),
            ("album", text(&track.tags.album)),
            ("rid", track.rid.to_string()),
            ("on_air", on_air),
            ("status", status.to_owned()),
            ("source", track.playlist.to_string()),
            ("filename", path.clone()),
            ("initial_uri", uri.map_or(path, str::to_owned)),
        ],
    }
}

/// What is shown of a request that waits.
fn about_request(queue: &str, request: &Request) -> About {
    let said = |key| request.item.annotations.get(key).unwrap_or_default().to_owned();
    About {
        values: vec![
            ("artist", said("artist")),
            ("title", said("title")),
            ("album", said("album")),
            ("rid", request.id.to_string()),
            ("status", "ready".to_owned()),
            ("source", queue.to_owned()),
            ("filename", request.item.path.display().to_string()),
            ("initial_uri", request.uri.to_string()),
        ],
    }
}

fn date(time: impl TryInto<Timestamp>) -> String {
    let time: Timestamp = time.try_into().unwrap_or_default();
    time.to_zoned(TimeZone::system()).strftime("%Y/%m/%d %H:%M:%S").to_string()
}
