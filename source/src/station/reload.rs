//! Another configuration while the station runs.
//!
//! What is the same goes on: an output whose stream is the same keeps its connection and its frames
//! in their order, a channel keeps its programme, a playlist is not read again. What takes a
//! moment, reading lists, is *prepared* beside the station; it then takes over everything at once.

use crate::config::changes::{Changes, changes, is_same_stream, plays_the_same};
use crate::config::{Config, Output};
use crate::encode::rack::Rack;
use crate::playlist::selection::Past;
use crate::programme::fan::Outlet;
use crate::programme::{Command, Rewire};
use crate::station::channel::{Channel, emergency};
use crate::station::shelf::Shelf;
use crate::station::{RunningOutput, StartError, Station, control, started};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::sync::watch;

/// What is needed to prepare another configuration, away from the station.
pub struct Preparation {
    config: Config,
    shelf: Shelf,
}

/// Another configuration, ready to be taken over.
pub struct Prepared {
    changes: Changes,
    shelf: Shelf,
}

impl Preparation {
    /// Reads the lists that `config` adds to those of the station.
    ///
    /// Fails if the system gives no thread for them.
    pub fn prepare(&self, config: Config) -> Result<Prepared, StartError> {
        let changes = changes(&self.config, config);
        let shelf = self.shelf.changed(&changes.config)?;
        Ok(Prepared { changes, shelf })
    }
}

impl Station {
    /// What is needed to prepare another configuration, which may take a moment.
    pub fn preparation(&self) -> Preparation {
        Preparation { config: self.config.clone(), shelf: self.shelf.clone() }
    }

    /// Takes over another configuration; says what has changed by that and what needs a restart, a
    /// line each.
    pub fn take_over(&mut self, prepared: Prepared) -> Vec<String> {
        let Prepared { changes: Changes { config, mut lines }, shelf } = prepared;
        let old = std::mem::replace(&mut self.config, config);
        self.shelf = shelf;
        let (unplug, outlets) = self.change_outputs(&old, &mut lines);
        self.change_channels(&old, &unplug, outlets, &mut lines);
        self.listen();
        self.parts.send_replace(self.parts_now());
        self.any.send_replace(());
        lines
    }

    /// Lets outputs go and come; gives the names of those that go, and what those that come are fed
    /// by, with the names of their channels.
    fn change_outputs(
        &mut self,
        old: &Config,
        lines: &mut Vec<String>,
    ) -> (Vec<Arc<str>>, Vec<(String, Outlet)>) {
        let mut running = std::mem::take(&mut self.outputs);
        let mut outlets = Vec::new();
        for output in &self.config.outputs {
            let was = old.outputs.iter().find(|was| was.id == output.id);
            let stays = was.is_some_and(|was| is_same_stream(was, output));
            let place = running.iter().position(|it| stays && *it.end.id == *output.id);
            if let Some(mut kept) = place.map(|place| running.swap_remove(place)) {
                kept.change(output.clone());
                self.outputs.push(kept);
            } else if let Err(error) = Rack::new(&[output.encoding()]) {
                lines.push(format!("output {}: it cannot be sent: {error}", output.id));
            } else {
                // Whoever stopped it means what it is called, wherever it goes now.
                let known = running.iter().find(|it| *it.end.id == *output.id);
                let wanted = known.is_none_or(|it| *it.end.wanted.borrow());
                let (fresh, outlet) =
                    started(output.clone(), wanted, &self.any, &self.tls, &self.tasks);
                outlets.push((output.channel.clone(), outlet));
                self.outputs.push(fresh);
            }
        }
        // What is left of those that ran is dropped, and ends when its programme lets it go.
        (running.into_iter().map(|gone| gone.end.id).collect(), outlets)
    }

    fn change_channels(
        &mut self,
        old: &Config,
        unplug: &[Arc<str>],
        mut outlets: Vec<(String, Outlet)>,
        lines: &mut Vec<String>,
    ) {
        let mut running = std::mem::take(&mut self.channels);
        for config in &self.config.channels {
            let own = outlets.extract_if(.., |(name, _)| *name == config.name);
            let own: Vec<_> = own.map(|(_, outlet)| outlet).collect();
            let place = running.iter().position(|it| *it.name == *config.name);
            let station = &self.config.identity.name;
            let changed = match place.map(|place| running.swap_remove(place)) {
                Some(kept) => self.changed(old, kept, unplug, own),
                None => Channel::start(config, &self.shelf, station, own, &self.any),
            };
            match changed {
                Ok(channel) => self.channels.push(channel),
                Err(error) => lines.push(format!("channel {}: {error}", config.name)),
            }
        }
        // A channel that is not there any more ends when it is dropped.
    }

    /// A channel that goes on as it is configured now.
    fn changed(
        &self,
        old: &Config,
        mut channel: Channel,
        unplug: &[Arc<str>],
        plug: Vec<Outlet>,
    ) -> Result<Channel, StartError> {
        let of =
            |config: &Config| config.channels.iter().find(|it| it.name == *channel.name).cloned();
        let (Some(was), Some(is)) = (of(old), of(&self.config)) else { return Ok(channel) };
        let emergency = if was.emergency == is.emergency {
            None
        } else {
            Some(emergency(&is, &mut channel.threads)?)
        };
        let rewire = Rewire {
            unplug: unplug.to_vec(),
            plug,
            title_when_empty: self.config.identity.name.as_str().into(),
            crossfade: is.crossfade,
            blanks: is.blanks,
            emergency,
        };
        channel.tell(Command::Rewire(Box::new(rewire)));
        if was.sound != is.sound {
            channel.sound_by(&is.sound);
        }
        channel.treat(is.treatment);
        let outputs = self.config.outputs.iter().filter(|output| output.channel == is.name);
        channel.pass(outputs.map(Output::encoding));
        if !plays_the_same(old, &self.config, &is.name) {
            let now = Timestamp::now();
            let mut selection = self.shelf.selection(&is, now)?;
            let history = channel.on_air.borrow().history.clone();
            let past = history.iter().map(|played| Past {
                playlist: &played.track.playlist,
                key: played.track.key,
                began: Timestamp::try_from(played.since).unwrap_or(now),
            });
            selection.resume(&past.collect::<Vec<_>>());
            channel.play(selection);
        }
        Ok(channel)
    }

    /// Lets the channels hear when the files of their playlists change, as they are now.
    pub(super) fn listen(&mut self) {
        let (listening, stop) = watch::channel(());
        for (playlist, watch) in self.config.playlists.iter().zip(&self.shelf.watches) {
            let plays = self.config.channels.iter().zip(&self.channels);
            let plays = plays.filter(|(it, _)| self.config.played_by(it).contains(&playlist.name));
            let plays = plays.map(|(_, running)| running.commands.clone()).collect();
            self.tasks.spawn(control::reconsider_on_news(watch.clone(), plays, stop.clone()));
        }
        self.listening = listening;
    }
}

impl RunningOutput {
    /// Lets it be as `output` says; the server hears of it at the next connection.
    fn change(&mut self, output: Output) {
        self.end.aliases.clone_from(&output.aliases);
        self.told.send_if_modified(|known| {
            let is_news = **known != output;
            if is_news {
                *known = Arc::new(output);
            }
            is_news
        });
    }
}

#[cfg(test)]
mod tests;
