//! What a station is doing, and how it is shown to whoever started it.
//!
//! On a terminal one live line is kept: what plays, how far it is, and how the link fares.
//! Elsewhere the log says what changes, and this part is silent.

use crate::lookahead::Track;
use crate::pcm::level::Level;
use crate::push::link::Link;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// What a station is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Its channels, as they stand in the configuration.
    pub channels: Vec<ChannelStatus>,
    /// Its outputs, likewise.
    pub outputs: Vec<OutputStatus>,
}

/// What a channel is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelStatus {
    /// Its name.
    pub name: Arc<str>,
    /// What is on air.
    pub on_air: OnAir,
}

/// What an output is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputStatus {
    /// What it is called.
    pub id: Arc<str>,
    /// The name of its channel.
    pub channel: Arc<str>,
    /// How it fares.
    pub link: LinkStatus,
}

/// Where one owner tells how it fares, for whoever wants to know. It waits for nobody.
#[derive(Debug)]
pub struct Report<T> {
    own: watch::Sender<T>,
    any: Touch,
}

/// Says that something has changed, at the latest when its owner has gone.
#[derive(Clone, Debug)]
struct Touch(watch::Sender<()>);

impl<T> Report<T> {
    /// A report that begins with `first`, and touches `any` whenever there is news.
    pub fn new(first: T, any: &watch::Sender<()>) -> (Self, watch::Receiver<T>) {
        let (own, reports) = watch::channel(first);
        (Self { own, any: Touch(any.clone()) }, reports)
    }

    /// Tells how it is now.
    pub fn say(&self, now: T) {
        self.own.send_replace(now);
        self.any.0.send_replace(());
    }
}

impl Drop for Touch {
    fn drop(&mut self) {
        self.0.send_replace(()); // the report is gone already, for it stands before this
    }
}

/// What is on air.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnAir {
    /// The title of the track that plays; `None` while the emergency sounds.
    pub title: Option<Arc<str>>,
    /// How long the track is, if its file says so.
    pub length: Option<Duration>,
    /// How much of it has been heard.
    pub elapsed: Duration,
    /// How much of it is still to be heard, up to its last sample; `None` if that cannot be known.
    /// In the last seconds it is exact, whatever the file says.
    pub remaining: Option<Duration>,
    /// How much of it has come and waits to be heard, if it is live.
    pub live_waiting: Option<Duration>,
    /// The track that is prepared to follow, which a skip would begin at once.
    pub next: Option<Arc<Track>>,
    /// The last tracks, of which the newest is the last; it plays unless `title` is `None`.
    pub history: VecDeque<Played>,
    /// How loud the last second was, left and right.
    pub levels: [Level; 2],
    /// Sample frames given out since the start.
    pub sample_frames: u64,
    /// Frames that an output's queue had no room for.
    pub dropped_frames: u64,
    /// Cuts in which the emergency had to stand in for a track that was not decoded in time.
    pub underruns: u64,
    /// Cuts that went out noticeably after they were due.
    pub late_cuts: u64,
    /// How late the latest of them was.
    pub latest: Duration,
    /// Time that was given up for good, because the machine slept.
    pub given_up: Duration,
}

/// A track that was or is on air.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What it is known by: no other track of the station has this number.
    pub id: u64,
    /// The track.
    pub track: Arc<Track>,
    /// When it began.
    pub since: SystemTime,
}

/// How an output fares.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkStatus {
    /// What the connection is doing.
    pub link: Link,
    /// Audio bytes sent since the station started.
    pub sent_bytes: u64,
    /// How often a server has taken the stream; one less is the number of reconnections.
    pub connections: u64,
    /// Frames that were due while there was no connection.
    pub unsent_frames: u64,
    /// Why there was no connection last.
    pub last_error: Option<Arc<str>>,
}

impl Status {
    /// This status as one line of at most `columns` characters, as it is at `now`. Of several
    /// channels and outputs it shows what plays on the first, and of the outputs what is worst.
    pub fn line(&self, now: Instant, columns: usize) -> String {
        let links = self.links(now);
        let (place, title) = match self.channels.first() {
            Some(channel) => (channel.on_air.place(), channel.on_air.title.as_deref()),
            None => (String::new(), None),
        };
        let title = title.unwrap_or("nothing to play");
        let around = place.chars().count() + links.chars().count() + 5;
        let room = columns.saturating_sub(around).max(TITLE_CHARS_MIN);
        let line = format!("{} {place} | {links}", shortened(title, room));
        line.chars().take(columns).collect()
    }

    fn links(&self, now: Instant) -> String {
        let is_streaming =
            |output: &&OutputStatus| matches!(output.link.link, Link::Streaming { .. });
        let worst = self.outputs.iter().find(|output| !is_streaming(output));
        let shown = match worst.or_else(|| self.outputs.first()) {
            Some(output) => output.link.text(now),
            None => "no output".to_owned(),
        };
        match self.outputs.len() {
            0 | 1 => shown,
            all => {
                let streaming = self.outputs.iter().filter(is_streaming).count();
                format!("{streaming} of {all}: {shown}")
            }
        }
    }
}

impl OnAir {
    /// The track that plays, if one does.
    pub fn playing(&self) -> Option<&Played> {
        self.title.as_ref().and_then(|_| self.history.back())
    }

    fn place(&self) -> String {
        match self.length.and_then(|length| length.checked_sub(self.elapsed)) {
            Some(left) => format!("{} (-{})", Clockwork(self.elapsed), Clockwork(left)),
            None => Clockwork(self.elapsed).to_string(),
        }
    }
}

impl LinkStatus {
    /// How it fares in a word, or with the reason why not; off if it is not `wanted`.
    pub fn word(&self, wanted: bool) -> String {
        match self.link {
            _ if !wanted => "off".to_owned(),
            Link::Streaming { .. } => "on".to_owned(),
            Link::Dialling { .. } | Link::Stopped | Link::Waiting { .. } => {
                let why = self.last_error.as_deref().unwrap_or("no answer yet");
                format!("on, but not connected: {}", why.replace("rror:", "rror,"))
            }
        }
    }

    fn text(&self, now: Instant) -> String {
        match self.link {
            Link::Streaming { since, .. } => {
                #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
                let megabytes = self.sent_bytes as f64 / 1e6;
                let reconnections = match self.connections {
                    0 | 1 => String::new(),
                    connections => format!(", {} reconnections", connections - 1),
                };
                let lasts = Clockwork(now.saturating_duration_since(since));
                format!("on air {lasts}, {megabytes:.1} MB{reconnections}")
            }
            Link::Dialling { .. } => "dialling".to_owned(),
            Link::Stopped => "stopped".to_owned(),
            Link::Waiting { .. } => {
                format!("OFF AIR: {}", self.last_error.as_deref().unwrap_or("waiting"))
            }
        }
    }
}

/// A duration as a player shows it: `3:07`, `1:03:07`.
struct Clockwork(Duration);

impl fmt::Display for Clockwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            write!(f, "{hours}:{minutes:02}:{seconds:02}")
        } else {
            write!(f, "{minutes}:{seconds:02}")
        }
    }
}

fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Tracks that are remembered.
pub const HISTORY_MAX: usize = 10;
/// A title is not cut below so many characters.
const TITLE_CHARS_MIN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_plays_how_far_it_is_and_how_the_link_fares() {
        let now = Instant::now();
        let mut status = status("Artist - Title");
        status.outputs[0].link.link = Link::Streaming { since: now, refusals: 0 };
        status.outputs[0].link.sent_bytes = 61_440_000;
        status.outputs[0].link.connections = 3;

        let line = status.line(now + Duration::from_secs(3_840), 100);

        assert_eq!(line, "Artist - Title 1:05 (-2:10) | on air 1:04:00, 61.4 MB, 2 reconnections");
    }

    #[test]
    fn off_air_the_reason_is_shown() {
        let now = Instant::now();
        let mut status = status("T");
        status.outputs[0].link.link = Link::Waiting { until: now, refusals: 0 };
        status.outputs[0].link.last_error = Some("cannot be reached: connection refused".into());

        let line = status.line(now, 100);

        assert_eq!(line, "T 1:05 (-2:10) | OFF AIR: cannot be reached: connection refused");
    }

    #[test]
    fn of_several_outputs_the_worst_is_shown() {
        let now = Instant::now();
        let mut status = status("T");
        status.outputs[0].link.link = Link::Streaming { since: now, refusals: 0 };
        let mut second = status.outputs[0].clone();
        second.link.link = Link::Waiting { until: now, refusals: 0 };
        second.link.last_error = Some("refused".into());
        status.outputs.push(second);

        assert_eq!(status.line(now, 100), "T 1:05 (-2:10) | 1 of 2: OFF AIR: refused");
    }

    #[tokio::test]
    async fn who_watches_hears_of_news_and_of_the_end() {
        let (any, mut changes) = watch::channel(());
        let (report, own) = Report::new(1, &any);

        report.say(2);
        changes.changed().await.unwrap();
        assert_eq!(*own.borrow(), 2);
        drop(report);
        changes.changed().await.unwrap();
        assert!(own.has_changed().is_err(), "nobody reports any more");
    }

    #[test]
    fn a_line_is_never_longer_than_the_terminal() {
        let status = status(&"Ä".repeat(300));

        for columns in [0, 1, 20, 79, 200] {
            let line = status.line(Instant::now(), columns);
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
    }

    fn status(title: &str) -> Status {
        let on_air = OnAir {
            title: Some(title.into()),
            length: Some(Duration::from_secs(195)),
            elapsed: Duration::from_secs(65),
            ..OnAir::default()
        };
        let link = LinkStatus {
            link: Link::new(),
            sent_bytes: 0,
            connections: 0,
            unsent_frames: 0,
            last_error: None,
        };
        Status {
            channels: vec![ChannelStatus { name: "main".into(), on_air }],
            outputs: vec![OutputStatus { id: "live.mp3".into(), channel: "main".into(), link }],
        }
    }
}
