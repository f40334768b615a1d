//! Clusters of a Matroska or WebM stream.
//!
//! All that comes before the first cluster are the headers, which every decoder needs. A chunk is
//! a whole cluster, since only there may a reader begin; where there are pictures, only if the
//! first of them in it needs no other. What stands between clusters says where in a file they are,
//! and is left out.

use super::{BadStream, Found, HEADERS_BYTES_MAX, audio};
use bytes::{Bytes, BytesMut};
use common::chunk::{Chunk, Opening};
use common::ebml::{
    BLOCK, BLOCK_GROUP, CLUSTER, Element, HEADER, NoElement, REFERENCE, SEGMENT, SIMPLE_BLOCK,
    TRACK, TRACK_NUMBER, TRACK_TYPE, TRACKS, WITHIN_CLUSTER, elements, number,
};
use std::time::Duration;

/// Cuts a body between clusters.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    /// How many of the bytes that wait are headers, while they are not complete.
    headers_bytes: Option<usize>,
    /// Whole elements at the start of the cluster that waits, if its length is not known.
    cluster_bytes: usize,
    /// The tracks with pictures.
    picture_tracks: Vec<u64>,
}

impl Clusters {
    /// The headers, or a cluster.
    pub(super) fn next(&mut self, waiting: &mut BytesMut) -> Result<Found, BadStream> {
        loop {
            if let Some(headers_bytes) = self.headers_bytes {
                match self.next_of_headers(headers_bytes, waiting)? {
                    Some(found) => return Ok(found),
                    None => continue,
                }
            }
            if self.cluster_bytes > 0 {
                return Ok(self.rest_of_cluster(waiting));
            }
            let Element { id, head_bytes, body_bytes } = match Element::read(waiting) {
                Ok(None) => return Ok(Found::Nothing),
                Ok(Some(element)) => element,
                Err(NoElement) => return Ok(Found::Junk(1)),
            };
            let whole = body_bytes.map(|body| whole_bytes(head_bytes, body));
            match (id, whole) {
                (HEADER, _) => self.headers_bytes = Some(0),
                (CLUSTER, Some(whole)) if whole <= CLUSTER_BYTES_MAX => {
                    if waiting.len() < whole {
                        return Ok(Found::Nothing);
                    }
                    return Ok(Found::Chunk(self.piece(waiting.split_to(whole).freeze())));
                }
                (CLUSTER, None) => self.cluster_bytes = head_bytes,
                // Between two clusters, or after damage: what is known to be short is passed over.
                (_, Some(whole)) if whole <= waiting.len() => return Ok(Found::Junk(whole)),
                (_, Some(whole)) if whole <= BETWEEN_BYTES_MAX => return Ok(Found::Nothing),
                (_, Some(_) | None) => return Ok(Found::Junk(1)),
            }
        }
    }

    /// Goes on by an element of the headers; the headers, once a cluster follows.
    fn next_of_headers(
        &mut self,
        headers_bytes: usize,
        waiting: &mut BytesMut,
    ) -> Result<Option<Found>, BadStream> {
        let element = match Element::read(&waiting[headers_bytes..]) {
            Ok(None) => return Ok(Some(Found::Nothing)),
            Ok(Some(element)) => element,
            Err(NoElement) => {
                self.headers_bytes = None;
                return Ok(Some(Found::Junk(headers_bytes.max(1))));
            }
        };
        let Element { id, head_bytes, body_bytes } = element;
        if id == CLUSTER {
            self.headers_bytes = None;
            let bytes = waiting.split_to(headers_bytes).freeze();
            self.picture_tracks = picture_tracks(&bytes);
            let opening = Opening::Headers;
            return Ok(Some(Found::Chunk(Chunk { bytes, opening, plays: Duration::ZERO })));
        }
        if id == HEADER && headers_bytes > 0 {
            // The source has begun anew.
            self.headers_bytes = None;
            return Ok(Some(Found::Junk(headers_bytes)));
        }
        // The segment is opened; everything else of the headers is passed as a whole.
        let element_bytes = match body_bytes {
            Some(body) if id != SEGMENT => whole_bytes(head_bytes, body),
            Some(_) | None => head_bytes,
        };
        let end = headers_bytes.saturating_add(element_bytes);
        if end > HEADERS_BYTES_MAX {
            return Err(BadStream::HeadersTooLong);
        }
        if waiting.len() < end {
            return Ok(Some(Found::Nothing));
        }
        self.headers_bytes = Some(end);
        Ok(None)
    }

    /// A cluster of unknown length, once something follows that cannot be part of it.
    fn rest_of_cluster(&mut self, waiting: &mut BytesMut) -> Found {
        loop {
            let element = match Element::read(&waiting[self.cluster_bytes..]) {
                Ok(None) => return Found::Nothing,
                Ok(Some(element)) => Some(element),
                Err(NoElement) => None,
            };
            let within = element.filter(|element| WITHIN_CLUSTER.contains(&element.id));
            let end = within.and_then(|Element { head_bytes, body_bytes, .. }| {
                let end = self.cluster_bytes.saturating_add(whole_bytes(head_bytes, body_bytes?));
                (end <= CLUSTER_BYTES_MAX).then_some(end)
            });
            let Some(end) = end else {
                let whole = std::mem::take(&mut self.cluster_bytes);
                return Found::Chunk(self.piece(waiting.split_to(whole).freeze()));
            };
            if waiting.len() < end {
                return Found::Nothing;
            }
            self.cluster_bytes = end;
        }
    }
}

impl Clusters {
    /// A chunk of a whole cluster. Where there are pictures a decoder begins with one that needs no
    /// other.
    fn piece(&self, cluster: Bytes) -> Chunk {
        let chunk = audio(cluster, Duration::ZERO);
        let begins_picture = || {
            let blocks = elements(&chunk.bytes).flat_map(|(_, body)| elements(body));
            let pictures =
                blocks.filter_map(block).filter(|(track, _)| self.picture_tracks.contains(track));
            pictures.map(|(_, is_whole)| is_whole).next().unwrap_or(false)
        };
        match !self.picture_tracks.is_empty() && !begins_picture() {
            true => Chunk { opening: Opening::Middle, ..chunk },
            false => chunk,
        }
    }
}

/// The tracks with pictures that `headers` name.
fn picture_tracks(headers: &[u8]) -> Vec<u64> {
    let within = |body, id| elements(body).filter(move |(other, _)| *other == id);
    let tracks = within(headers, SEGMENT)
        .flat_map(|(_, segment)| within(segment, TRACKS))
        .flat_map(|(_, tracks)| within(tracks, TRACK));
    let said = |track, id| within(track, id).map(|(_, body)| number(body)).next();
    tracks
        .filter(|(_, track)| said(*track, TRACK_TYPE) == Some(PICTURES))
        .filter_map(|(_, track)| said(track, TRACK_NUMBER))
        .collect()
}

/// The track of the block that is this element, and whether it can be decoded alone; `None` if it
/// is no block.
fn block((id, body): (u32, &[u8])) -> Option<(u64, bool)> {
    match id {
        SIMPLE_BLOCK => {
            let (track, rest) = track(body)?;
            Some((track, rest.get(2)? & IS_WHOLE != 0))
        }
        BLOCK_GROUP => {
            let (_, inner) = elements(body).find(|(id, _)| *id == BLOCK)?;
            let refers = elements(body).any(|(id, _)| id == REFERENCE);
            Some((track(inner)?.0, !refers))
        }
        _ => None,
    }
}

/// The number of a block's track, and what follows it. No stream has more than 126.
fn track(block: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = block.split_first()?;
    (first & 0x80 != 0).then_some((u64::from(first & 0x7F), rest))
}

fn whole_bytes(head_bytes: usize, body_bytes: u64) -> usize {
    usize::try_from(body_bytes).unwrap_or(usize::MAX).saturating_add(head_bytes)
}

/// The longest cluster; a longer one is damage. Encoders end one after some seconds at the latest.
const CLUSTER_BYTES_MAX: usize = 2 << 20;
/// The type of a track with pictures.
const PICTURES: u64 = 1;
/// The flag of a block that can be decoded alone.
const IS_WHOLE: u8 = 0x80;
/// The longest thing between two clusters that is awaited to be passed over.
const BETWEEN_BYTES_MAX: usize = 65_536;
