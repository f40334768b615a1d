//! Clusters of a Matroska or WebM stream.
//!
//! All that comes before the first cluster are the headers, which every decoder needs. A chunk is
//! a whole cluster, since only there may a reader begin. What stands between clusters says where
//! in a file they are, and is left out.

use super::{Found, HEADERS_BYTES_MAX, HeadersTooLong, audio};
use bytes::BytesMut;
use common::chunk::{Chunk, Opening};
use common::ebml::{CLUSTER, Element, HEADER, NoElement, SEGMENT, WITHIN_CLUSTER};
use std::time::Duration;

/// Cuts a body between clusters.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    /// How many of the bytes that wait are headers, while they are not complete.
    headers_bytes: Option<usize>,
    /// Whole elements at the start of the cluster that waits, if its length is not known.
    cluster_bytes: usize,
}

impl Clusters {
    /// The headers, or a cluster.
    pub(super) fn next(&mut self, waiting: &mut BytesMut) -> Result<Found, HeadersTooLong> {
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
                    return Ok(Found::Chunk(audio(
                        waiting.split_to(whole).freeze(),
                        Duration::ZERO,
                    )));
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
    ) -> Result<Option<Found>, HeadersTooLong> {
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
            return Err(HeadersTooLong);
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
                return Found::Chunk(audio(waiting.split_to(whole).freeze(), Duration::ZERO));
            };
            if waiting.len() < end {
                return Found::Nothing;
            }
            self.cluster_bytes = end;
        }
    }
}

fn whole_bytes(head_bytes: usize, body_bytes: u64) -> usize {
    usize::try_from(body_bytes).unwrap_or(usize::MAX).saturating_add(head_bytes)
}

/// The longest cluster; a longer one is damage. Encoders end one after some seconds at the latest.
const CLUSTER_BYTES_MAX: usize = 2 << 20;
/// The longest thing between two clusters that is awaited to be passed over.
const BETWEEN_BYTES_MAX: usize = 65_536;
