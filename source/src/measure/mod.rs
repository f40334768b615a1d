//! Tracks are measured ahead of play: how loud they are, and from where to where there is sound.
//!
//! One thread of low priority decodes what is ordered, one file after the other, and notes what it
//! finds in a [`book`], which is kept in a file. Whoever needs a measure says so and looks again
//! when he is woken; nobody waits for a disk or for the thread. A file that hangs holds up the
//! measuring of others; they are played by what was last known of them.
//!
//! A track that is awaited comes before one that is only likely to be played, even if that is being
//! measured.

pub mod book;
pub mod extent;
pub mod gauge;
mod measurer;

use crate::fetch::file::Fetched;
use crate::measure::book::{Book, Stamp};
use crate::measure::extent::Extent;
use crate::measure::measurer::Measurer;
use crate::playlist::Item;
use crate::tasks;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// What was measured of a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// How loud it is as a whole, by EBU R128; `None` if it is silent.
    pub loudness_lufs: Option<f32>,
    /// Its true peak, as a factor of full scale.
    pub true_peak: f32,
    /// From where to where there is sound.
    pub extent: Extent,
}

/// What is measured; clones are the same. When the last one is dropped, the measuring ends.
#[derive(Clone, Debug)]
pub struct Measures {
    table: watch::Sender<Table>,
    orders: SyncSender<Order>,
}

/// A track that is to be measured.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it is, and which part of the file it is.
    pub item: Item,
    /// Its file, if that was elsewhere.
    pub fetched: Option<Fetched>,
    /// Whether only a track is measured of which no tags say how loud it is.
    pub unless_tagged: bool,
}

/// How it stands with the measure of a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing {
    /// It is being measured, or waits for its turn.
    Coming,
    /// It was measured.
    Known(Measure),
    /// It cannot be measured, or need not be.
    Unknown,
}

/// What is known, and what is awaited.
#[derive(Debug, Default)]
struct Table {
    book: Book,
    /// What somebody awaits, at most [`AWAITED_MAX`], the latest last.
    awaited: Vec<Awaited>,
    /// Who is told of news.
    wakes: Vec<SyncSender<()>>,
}

#[derive(Debug)]
struct Awaited {
    name: u64,
    standing: Standing,
}

/// A track that is to be measured, and what it is called.
#[derive(Clone, Debug)]
struct Order {
    name: u64,
    wanted: Wanted,
    is_awaited: bool,
}

impl Measures {
    /// Begins to measure what is wanted, in a thread, and to keep it in the file at `path`.
    ///
    /// Fails if the system gives no thread.
    pub fn start(path: Option<PathBuf>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let table = watch::Sender::new(Table::default());
        let (order_queue, orders) = sync_channel(ORDERS_MAX);
        let measurer = Measurer::new(table.clone(), orders, path);
        let thread = tasks::idle_thread("measure", move || measurer.run())?;
        Ok((Self { table, orders: order_queue }, thread))
    }

    /// How it stands with the measure of what is `wanted`, which is measured from now on if it was
    /// not. An answer is given once; then the file is looked at again, since it may have changed.
    pub fn want(&self, wanted: &Wanted) -> Standing {
        let name = name(&wanted.item);
        let mut standing = Standing::Coming;
        self.table.send_if_modified(|table| {
            if let Some(place) = table.awaited.iter().position(|it| it.name == name) {
                standing = table.awaited[place].standing;
                if standing != Standing::Coming {
                    table.awaited.remove(place);
                }
                return false;
            }
            let order = Order { name, wanted: wanted.clone(), is_awaited: true };
            // If too much is ordered, it is ordered when it is asked for again.
            if self.orders.try_send(order).is_ok() {
                table.awaited.push(Awaited { name, standing });
                let too_many = table.awaited.len().saturating_sub(AWAITED_MAX);
                table.awaited.drain(..too_many); // whoever asked for them has gone
            }
            false
        });
        standing
    }

    /// Lets what is likely to be played soon be measured, when nothing else is to be done.
    pub fn order_ahead(&self, wanted: Wanted) {
        let name = name(&wanted.item);
        // If too much is ordered, it is measured when it is awaited.
        drop(self.orders.try_send(Order { name, wanted, is_awaited: false }));
    }

    /// What was last measured of `item`, whatever has become of its file since.
    pub fn last_known(&self, item: &Item) -> Option<Measure> {
        self.table.borrow().book.last_measure(name(item))
    }

    /// Lets `wake` be told whenever it is known how it stands with something that is awaited.
    pub fn wakes(&self, wake: &SyncSender<()>) {
        self.table.send_if_modified(|table| {
            table.wakes.push(wake.clone());
            false
        });
    }
}

impl Table {
    /// What is known of the track called `name`, if its file still has this `stamp`.
    fn known(&mut self, name: u64, stamp: Stamp) -> Option<Measure> {
        self.book.measure(name, stamp)
    }

    /// Says how it stands with a track, to whoever awaits it.
    fn settle(&mut self, name: u64, standing: Standing) {
        let Some(awaited) = self.awaited.iter_mut().find(|it| it.name == name) else { return };
        awaited.standing = standing;
        self.wakes.retain(|wake| !matches!(wake.try_send(()), Err(TrySendError::Disconnected(()))));
    }
}

/// What a track is called in the book: the same for the same part of the same file, in every run.
fn name(item: &Item) -> u64 {
    let cue = |key| item.annotations.get(key).unwrap_or_default().bytes();
    let path = item.path.as_os_str().as_encoded_bytes().iter().copied();
    let bytes = path.chain([0]).chain(cue("liq_cue_in")).chain([0]).chain(cue("liq_cue_out"));
    // FNV-1a.
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// So many may be ordered that have not been looked at.
pub const ORDERS_MAX: usize = 64;
/// So many may be awaited; there is one for each channel.
pub const AWAITED_MAX: usize = 256;

#[cfg(test)]
mod tests;
