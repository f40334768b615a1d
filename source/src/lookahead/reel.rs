//! A reel: one file, played into a queue by a thread of its own.

use crate::cues::Cues;
use crate::decode::tags::{self, Tags};
use crate::decode::{DecodeError, Decoder};
use crate::encode::Format;
use crate::encode::passing::suits;
use crate::fetch::file::Fetched;
use crate::lookahead::studio::Studio;
use crate::lookahead::supply::Desk;
use crate::measure::Measure;
use crate::passage::{Feeder, Original, Passage, passage};
use crate::pcm::block::Block;
use crate::playlist::Item;
use crate::treatment::trim::Trim;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tracing::{info, warn};

/// What is needed to play one item.
pub(super) struct Reel {
    pub(super) item: Item,
    /// Its file, if that was elsewhere.
    pub(super) fetched: Option<Fetched>,
    /// The place in the file where it goes on, if it was interrupted.
    pub(super) left_at: Option<Duration>,
    /// How silence at its ends is cut, by what was measured of it.
    pub(super) trim: Option<(Trim, Measure)>,
    /// Which formats files may be in to pass untouched.
    pub(super) passes: Vec<Format>,
    pub(super) rate_hz: u32,
    /// Where it is told whether the file can be played, once.
    pub(super) answer: SyncSender<Result<Opened, String>>,
    pub(super) desk: Arc<Desk>,
    /// Where the audio goes. When nobody takes from it any more, the reel ends.
    pub(super) piece_queue: SyncSender<Block>,
}

/// What is known of a file whose first audio is there.
pub(super) struct Opened {
    pub(super) title: Arc<str>,
    pub(super) artist: Option<Arc<str>>,
    pub(super) tags: Tags,
    /// How long it is heard, if the file says how long it is.
    pub(super) length: Option<Duration>,
    pub(super) cues: Cues,
    /// Its packets, if they are of use to somebody.
    pub(super) passage: Option<Passage>,
}

/// Nobody wants the track any more.
struct Unwanted;

impl Reel {
    /// Plays the item to its end, or as far as anybody takes it.
    pub(super) fn play(self) {
        let path = &self.item.path;
        let (mut decoder, mut opened) = match self.open() {
            Ok(both) => both,
            Err(error) => return self.refuse(error.to_string()),
        };
        let mut feeder = self.pass(&mut decoder, &mut opened);
        let mut opened = Some(opened);
        let mut studio = Studio::new(self.rate_hz);
        let problem = loop {
            match decoder.next_block() {
                Ok(Some(block)) => {
                    pass_on(&mut decoder, &mut feeder);
                    if let Err(problem) = studio.take_in(block) {
                        break Some(("ends early: ", problem));
                    }
                }
                Ok(None) => {
                    pass_on(&mut decoder, &mut feeder); // what lies behind the recording
                    break None;
                }
                Err(DecodeError::Incomplete(incomplete)) => {
                    break Some(("damaged: ", incomplete.to_string()));
                }
                Err(error) => break Some(("ends early: ", error.to_string())),
            }
            while let Some(piece) = studio.whole_piece() {
                send_on(&mut feeder);
                let Ok(()) = self.send(&mut opened, piece) else { return };
            }
        };
        send_on(&mut feeder);
        drop((decoder, feeder)); // with the file, which is not needed for the rest
        studio.end();
        while let Some(piece) = studio.whole_piece().or_else(|| studio.rest()) {
            let Ok(()) = self.send(&mut opened, piece) else { return };
        }
        match (problem, opened) {
            (Some((_, reason)), Some(_)) => self.refuse(reason),
            (None, Some(Opened { cues, .. })) if cues.cue_in.is_some() => {
                self.refuse("it holds no audio between its cue points".to_owned());
            }
            (None, Some(_)) => self.refuse("it holds no audio".to_owned()),
            (Some((what, reason)), None) => warn!(file = %path.display(), "{what}{reason}"),
            (None, None) => {}
        }
    }

    fn open(&self) -> Result<(Decoder, Opened), DecodeError> {
        open(&self.item, self.fetched.as_ref(), |mut cues| {
            cues.cue_in = self.left_at.or(cues.cue_in);
            self.trim.map_or(cues, |(trim, measure)| trim.cues(cues, &measure))
        })
    }

    /// Where the packets of the file go, if they are of use: if it is in one of the formats and is
    /// played as a whole.
    fn pass(&self, decoder: &mut Decoder, opened: &mut Opened) -> Option<Feeder> {
        if self.passes.is_empty() {
            return None;
        }
        let is_whole = opened.cues.cue_in.is_none() && opened.cues.cue_out.is_none();
        let obstacle = match decoder.original() {
            Some(original) if is_whole => {
                if self.passes.iter().any(|format| suits(format, &original)) {
                    return Some(Self::feeder(original, decoder, opened));
                }
                format!("it is {original}, which no output with passthrough has")
            }
            Some(_) => "it has cue points".to_owned(),
            None => "its packets cannot be sent as they are".to_owned(),
        };
        info!(file = %self.item.path.display(), "is encoded: {obstacle}");
        None
    }

    fn feeder(original: Original, decoder: &mut Decoder, opened: &mut Opened) -> Feeder {
        let (feeder, packets) = passage(original);
        decoder.keep_packets();
        opened.passage = Some(packets);
        feeder
    }

    /// Sends a piece, after the word that the file can be played if this is its first.
    fn send(&self, opened: &mut Option<Opened>, piece: Block) -> Result<(), Unwanted> {
        self.piece_queue.send(piece).map_err(|_| Unwanted)?;
        if let Some(opened) = opened.take() {
            self.tell(Ok(opened));
        }
        Ok(())
    }

    fn refuse(&self, reason: String) {
        self.tell(Err(reason));
    }

    fn tell(&self, outcome: Result<Opened, String>) {
        drop(self.answer.try_send(outcome)); // there is room for the one answer
        self.desk.wake();
    }
}

/// Adds what was just decoded to what passes; where a packet is missing or nobody takes them, none
/// passes any more.
fn pass_on(decoder: &mut Decoder, feeder: &mut Option<Feeder>) {
    let Some(open) = feeder else { return };
    let has_room = decoder.packets().is_some_and(|packets| open.put(packets).is_ok());
    if !has_room {
        send_on(feeder);
        *feeder = None;
    }
}

/// Sends the packets ahead of the samples that they hold.
fn send_on(feeder: &mut Option<Feeder>) {
    if feeder.as_mut().is_some_and(|open| open.send().is_err()) {
        *feeder = None;
    }
}

/// What is known of a track before it is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What listeners are told.
    pub title: Arc<str>,
    /// How long it is heard, if its file or its list says so.
    pub length: Option<Duration>,
    /// Where in its file it begins.
    pub cue_in: Duration,
}

impl Known {
    /// What the file of `item` says of itself, without decoding it; it begins where it was
    /// `left_at`, if it was interrupted.
    ///
    /// Fails if it cannot be played. Of a file elsewhere only its list is asked.
    pub fn of(item: &Item, left_at: Option<Duration>) -> Result<Self, DecodeError> {
        let from = |cues: Cues| Cues { cue_in: left_at.or(cues.cue_in), ..cues };
        let (title, length, cues) = if item.address().is_some() {
            let tags = Tags::default();
            (title(item, &tags).0, None, from(cues(item, &tags)))
        } else {
            let (_, Opened { title, length, cues, .. }) = open(item, None, from)?;
            (title, length, cues)
        };
        let listed = item.listed_length.map(|length| cues.heard(length));
        let cue_in = cues.cue_in.unwrap_or_default();
        Ok(Self { title, length: length.or(listed), cue_in })
    }
}

/// Opens the file of `item`, of which what its cue points say becomes what `settled` makes of it.
fn open(
    item: &Item,
    fetched: Option<&Fetched>,
    settled: impl FnOnce(Cues) -> Cues,
) -> Result<(Decoder, Opened), DecodeError> {
    let path = &item.path;
    let mut decoder = match fetched {
        Some(file) => Decoder::of(file.reader(), file.length(), file.extension())?,
        None => Decoder::open(path)?,
    };
    if let Some(charset) = item.tag_charset {
        decoder.read_tags_as(charset);
    }
    let about = decoder.about();
    if let Some(warning) = about.warning {
        warn!(file = %path.display(), "{warning}");
    }
    let (title, artist) = title(item, &about.tags);
    let cues = settled(cues(item, &about.tags));
    let length = about.length.map(|length| cues.heard(length));
    let tags = about.tags.clone();
    if cues.cue_in.is_some() || cues.cue_out.is_some() {
        decoder.play_only(cues.cue_in.unwrap_or_default(), cues.cue_out)?;
    }
    Ok((decoder, Opened { title, artist, tags, length, cues, passage: None }))
}

/// What listeners are told, and who of that is the artist, as far as list or file say so.
fn title(item: &Item, tags: &Tags) -> (Arc<str>, Option<Arc<str>>) {
    let ordered = item.ordered_title().and_then(|title| tags::ordered(&title));
    let artist = if ordered.is_some() {
        item.annotations.get("artist").filter(|artist| !artist.trim().is_empty())
    } else if tags.title.is_some() {
        tags.artist.as_deref()
    } else {
        item.listed_artist_and_title().and_then(|(artist, _)| artist)
    };
    let listed = item.listed_title.as_deref();
    let title = ordered.unwrap_or_else(|| tags.title_for(&item.path, listed));
    (title, artist.map(Arc::from))
}

/// What is said of the track.
fn cues(item: &Item, tags: &Tags) -> Cues {
    let (cues, mistakes) = tags.cues(item.annotations.iter());
    for mistake in mistakes {
        warn!(file = %item.path.display(), "{mistake}");
    }
    cues
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_artist_is_whoever_the_title_begins_with_as_its_origin_says() {
        let listed = Item { listed_title: Some("L - M - N".into()), ..Item::file("/m/x - y.mp3") };
        let mut ordered = listed.clone();
        ordered.annotations.push("artist", "O - P");
        ordered.annotations.push("title", "Q");
        let tags = |artist: Option<&str>, title: Option<&str>| Tags {
            artist: artist.map(str::to_owned),
            title: title.map(str::to_owned),
            ..Tags::default()
        };
        let both = tags(Some("A - B"), Some("C"));
        for (item, tags, shown, artist) in [
            (&ordered, &both, "O - P - Q", Some("O - P")),
            (&listed, &both, "A - B - C", Some("A - B")),
            (&listed, &tags(None, Some("C")), "C", None),
            (&listed, &tags(Some("A"), None), "L - M - N", Some("L")),
            (&Item::file("/m/x - y.mp3"), &tags(None, None), "x - y", None),
        ] {
            let (title, of) = title(item, tags);

            assert_eq!((&*title, of.as_deref()), (shown, artist));
        }
    }
}
