//! Reads the configuration file again while a station runs by it.
//!
//! That may take as long as a disk does, so a thread does it, and the station goes on. One at a
//! time: who comes meanwhile is told so.

use super::read;
use crate::control::console::ReloadWish;
use crate::station::Station;
use crate::station::reload::Prepared;
use crate::tasks::thread;
use std::path::PathBuf;
use tokio::sync::mpsc;
use tracing::{error, info};

/// The file, and who reads it.
pub(super) struct Reload {
    file: Option<PathBuf>,
    sender: mpsc::Sender<Read>,
    reads: mpsc::Receiver<Read>,
    is_reading: bool,
}

/// What came of reading the file, and who wanted that.
pub(super) struct Read {
    prepared: Result<Prepared, String>,
    wish: Option<ReloadWish>,
}

impl Reload {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        let (sender, reads) = mpsc::channel(1);
        Self { file, sender, reads, is_reading: false }
    }

    /// Begins to read the file, for `station`; whoever has a `wish` is told what comes of it.
    pub(super) fn begin(&mut self, station: &Station, wish: Option<ReloadWish>) {
        let Some(file) = self.file.clone() else {
            return tell(wish, Err("there is no configuration file to read again".to_owned()));
        };
        if self.is_reading {
            return tell(wish, Err("it is being read already; try again".to_owned()));
        }
        info!(file = %file.display(), "the configuration is read again");
        let preparation = station.preparation();
        let reads = self.sender.clone();
        let reading = thread("reload", move || {
            let prepared = read(&file)
                .map_err(|mistakes| mistakes.to_string())
                .and_then(|config| preparation.prepare(config).map_err(|error| error.to_string()));
            drop(reads.blocking_send(Read { prepared, wish })); // nobody may want it any more
        });
        match reading {
            Ok(_ends_by_itself) => self.is_reading = true,
            Err(error) => error!("no thread to read the configuration with: {error}"),
        }
    }

    /// Waits until the file has been read; for ever if it is not.
    pub(super) async fn done(&mut self) -> Read {
        match self.reads.recv().await {
            Some(read) => read,
            None => std::future::pending().await,
        }
    }

    /// Lets `station` take over what was read.
    pub(super) fn finish(&mut self, station: &mut Station, read: Read) {
        self.is_reading = false;
        let Read { prepared, wish } = read;
        let outcome = prepared.map(|prepared| station.take_over(prepared)).map(|lines| {
            if lines.is_empty() { vec!["nothing has changed".to_owned()] } else { lines }
        });
        match &outcome {
            Ok(lines) => lines.iter().for_each(|line| info!("{line}")),
            Err(mistakes) => {
                mistakes.lines().for_each(|mistake| error!("{mistake}"));
                error!("the configuration stays as it was");
            }
        }
        tell(wish, outcome);
    }
}

fn tell(wish: Option<ReloadWish>, outcome: Result<Vec<String>, String>) {
    if let Some(wish) = wish {
        drop(wish.outcome.send(outcome)); // whoever asked no longer listens
    }
}
