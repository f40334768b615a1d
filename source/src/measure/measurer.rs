//! The measurer: decodes what is ordered, and notes what it finds.

use super::book::{Book, Stamp};
use super::gauge::Gauge;
use super::{Measure, Order, Standing, Table, Wanted};
use crate::decode::{DecodeError, Decoder};
use crate::whole;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tracing::{debug, warn};

/// Measures what is ordered, as the work of a thread.
pub(super) struct Measurer {
    table: watch::Sender<Table>,
    orders: Receiver<Order>,
    /// What is to be measured, in this order; what is awaited comes first.
    waiting: VecDeque<Work>,
    /// Where the book is kept.
    path: Option<PathBuf>,
    /// Whether there is more in the book than in its file.
    is_unwritten: bool,
    could_be_written: bool,
}

/// A track that is to be measured, in a file that was looked at.
struct Work {
    order: Order,
    stamp: Stamp,
}

/// Nobody wants anything measured any more.
struct Gone;

/// What became of a track.
enum Outcome {
    Measured(Measure),
    /// Something that is awaited comes first.
    PutOff,
    /// It cannot be measured, or need not be.
    Unknown(String),
}

impl Measurer {
    pub(super) fn new(
        table: watch::Sender<Table>,
        orders: Receiver<Order>,
        path: Option<PathBuf>,
    ) -> Self {
        let waiting = VecDeque::new();
        Self { table, orders, waiting, path, is_unwritten: false, could_be_written: true }
    }

    /// Measures what is ordered until nobody can order anything any more.
    pub(super) fn run(mut self) {
        if let Some(path) = &self.path {
            let book = load(path);
            self.table.send_if_modified(|table| {
                table.book = book;
                false
            });
        }
        while self.go_on().is_ok() {}
        self.write();
    }

    /// Measures the next track, or waits for an order.
    fn go_on(&mut self) -> Result<(), Gone> {
        self.take_orders()?;
        let Some(work) = self.waiting.pop_front() else {
            self.write();
            let order = self.orders.recv().map_err(|_| Gone)?;
            self.take(order);
            return Ok(());
        };
        let (name, file) = (work.order.name, work.order.wanted.item.path.clone());
        let began = std::time::Instant::now();
        match self.measured(&work)? {
            Outcome::Measured(measure) => {
                let took_ms = began.elapsed().as_millis();
                debug!(
                    file = %file.display(), lufs = ?measure.loudness_lufs,
                    true_peak = measure.true_peak, took_ms, "measured"
                );
                self.table.send_if_modified(|table| {
                    table.book.note(name, work.stamp, measure);
                    table.settle(name, Standing::Known(measure));
                    false
                });
                self.is_unwritten = true;
            }
            Outcome::PutOff => self.waiting.push_back(work),
            Outcome::Unknown(reason) => {
                debug!(file = %file.display(), "not measured: {reason}");
                self.settle(name, Standing::Unknown);
            }
        }
        Ok(())
    }

    /// Decodes a track from its beginning to its end, and takes orders meanwhile.
    fn measured(&mut self, work: &Work) -> Result<Outcome, Gone> {
        let (mut decoder, from) = match open(&work.order.wanted) {
            Ok(Some(both)) => both,
            Ok(None) => return Ok(Outcome::Unknown("its tags say how loud it is".to_owned())),
            Err(error) => return Ok(Outcome::Unknown(error.to_string())),
        };
        let mut gauge = Gauge::new(from);
        let problem = loop {
            self.take_orders()?;
            let is_awaited = |work: &Work| work.order.is_awaited;
            if !is_awaited(work) && self.waiting.front().is_some_and(is_awaited) {
                return Ok(Outcome::PutOff);
            }
            match decoder.next_block() {
                Ok(Some(block)) => {
                    if let Err(problem) = gauge.show(block) {
                        break problem.to_string();
                    }
                }
                Ok(None) => break "it holds no audio".to_owned(),
                // What comes before is heard, and so it counts.
                Err(error) => break error.to_string(),
            }
        };
        Ok(gauge.measure().map_or(Outcome::Unknown(problem), Outcome::Measured))
    }

    /// Takes in what is ordered.
    fn take_orders(&mut self) -> Result<(), Gone> {
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.take(order),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Gone),
            }
        }
    }

    /// Takes in an order; what is known already is told at once.
    fn take(&mut self, order: Order) {
        let (name, is_awaited) = (order.name, order.is_awaited);
        let stamp = match stamp(&order.wanted) {
            Ok(stamp) => stamp,
            Err(error) => {
                debug!(file = %order.wanted.item.path.display(), "not measured: {error}");
                return self.settle(name, Standing::Unknown);
            }
        };
        let mut known = None;
        self.table.send_if_modified(|table| {
            known = table.known(name, stamp);
            if let Some(measure) = known {
                table.settle(name, Standing::Known(measure));
            }
            false
        });
        if known.is_some() {
            return;
        }
        match self.waiting.iter().position(|work| work.order.name == name) {
            Some(place) if is_awaited => drop(self.waiting.remove(place)),
            Some(_) => return,
            None => {}
        }
        let behind_awaited = self.waiting.partition_point(|work| work.order.is_awaited);
        let place = if is_awaited { behind_awaited } else { self.waiting.len() };
        self.waiting.insert(place, Work { order, stamp });
        self.waiting.truncate(WAITING_MAX); // they are measured when they are awaited
    }

    fn settle(&self, name: u64, standing: Standing) {
        self.table.send_if_modified(|table| {
            table.settle(name, standing);
            false
        });
    }

    /// Writes the book, if there is anything new in it.
    fn write(&mut self) {
        let Some(path) = self.path.as_ref().filter(|_| self.is_unwritten) else { return };
        self.is_unwritten = false;
        let text = self.table.borrow().book.text();
        match whole::write(path, &text) {
            Ok(()) => self.could_be_written = true,
            Err(error) => {
                if self.could_be_written {
                    let file = path.display();
                    warn!(%file, "cannot be written: {error}; tracks are measured again next time");
                }
                self.could_be_written = false;
            }
        }
    }
}

/// A decoder of what is to be measured, and where in its file that begins; `None` if its tags say
/// how loud it is and that is enough.
fn open(wanted: &Wanted) -> Result<Option<(Decoder, Duration)>, DecodeError> {
    let mut decoder = match &wanted.fetched {
        Some(file) => Decoder::of(file.reader(), file.length(), file.extension())?,
        None => Decoder::open(&wanted.item.path)?,
    };
    let (cues, _) = decoder.about().tags.cues(wanted.item.annotations.iter());
    if wanted.unless_tagged && cues.replay.track_gain.is_some() {
        return Ok(None);
    }
    let from = cues.cue_in.unwrap_or_default();
    if cues.cue_in.is_some() || cues.cue_out.is_some() {
        decoder.play_only(from, cues.cue_out)?;
    }
    Ok(Some((decoder, from)))
}

/// What says whether a file has changed. One from elsewhere is known by its address and its size.
fn stamp(wanted: &Wanted) -> std::io::Result<Stamp> {
    if let Some(file) = &wanted.fetched {
        return Ok(Stamp { bytes: file.length(), changed_ms: 0 });
    }
    let about = std::fs::metadata(&wanted.item.path)?;
    let changed = about.modified().ok();
    let changed = changed.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let changed_ms = changed.and_then(|since| i64::try_from(since.as_millis()).ok());
    Ok(Stamp { bytes: about.len(), changed_ms: changed_ms.unwrap_or(0) })
}

/// The book in the file at `path`; an empty one, and a warning, if it cannot be had. That there is
/// no file yet is no reason to warn; one that is no book is set aside.
fn load(path: &Path) -> Book {
    let then = "tracks are measured anew";
    match whole::read(path, BOOK_BYTES_MAX) {
        Ok(Some(text)) => Book::parse(&text).unwrap_or_else(|problem| {
            whole::set_aside(path, &problem, then);
            Book::default()
        }),
        Ok(None) => {
            whole::set_aside(path, &"it is no text, or too long", then);
            Book::default()
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Book::default(),
        Err(error) => {
            warn!(file = %path.display(), "{error}; {then}");
            Book::default()
        }
    }
}

/// So many may wait to be measured.
const WAITING_MAX: usize = 256;
/// A book is not longer.
const BOOK_BYTES_MAX: u64 = 16 << 20;
