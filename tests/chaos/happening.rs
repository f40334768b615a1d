//! What happens, while it happens: it begins, lasts for some seconds, and is put right.

use crate::Run;
use crate::disturb::Kind;
use crate::files::{self, EMERGENCY, Harm, LIST, ListHarm, Music};
use crate::program::Source;
use crate::servers::{Mood, Rude};
use crate::telnet;
use e2e::Random;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// What can be disturbed.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The files.
    pub(crate) music: Music,
    /// The servers that do not do their duty.
    pub(crate) rude: Rude,
    /// The program.
    pub(crate) source: Source,
}

/// One disturbance.
#[derive(Debug)]
pub(crate) struct Happening {
    /// Of what.
    pub(crate) stage: Arc<Stage>,
    /// The run.
    pub(crate) run: Run,
    /// Where its ideas come from.
    pub(crate) random: Random,
}

impl Stage {
    /// Puts everything right.
    pub(crate) fn mend(&self) {
        self.music.mend_all().expect("our own folder");
        self.rude.cheer_all();
    }
}

impl Happening {
    /// Lets it happen, from its beginning to its end.
    ///
    /// Fails if what it is about is disturbed otherwise already.
    pub(crate) async fn be(mut self, kind: Kind) -> io::Result<()> {
        match kind {
            Kind::BadHttp => self.bad_http().await,
            Kind::BadRequest => self.bad_request().await,
            Kind::BrokenConfig => {
                let noise = files::noise(3_000, &mut self.random);
                let text =
                    if self.random.below(2) == 0 { &b"[[outputs]]\nurl = 1"[..] } else { &noise };
                self.stage.source.reload_broken(text).await;
                Ok(())
            }
            Kind::DiskFull => self.disk_full().await,
            Kind::EmergencyHarmed => self.harm(Harm::Rotten, EMERGENCY.into()).await,
            Kind::EverythingVanishes => self.everything_vanishes().await,
            Kind::Harmed(harm) => {
                let victim = self.victim().await;
                self.harm(harm, victim).await
            }
            Kind::ListHarmed(harm) => self.harm_list(harm).await,
            Kind::Misbehaviour(how) => {
                let telnet = self.stage.source.telnet;
                how.happen(&mut self.run, telnet, &mut self.random).await
            }
            Kind::Moody(mood) => self.moody(mood).await,
            Kind::Reload => {
                self.stage.source.reload(self.random.number()).await;
                Ok(())
            }
            Kind::ServerDies => {
                self.stage.rude.kill(self.random.time(200, 4_000));
                Ok(())
            }
            Kind::Skips => self.skips().await,
            Kind::StateVanishes => {
                let (state, away) = (self.stage.music.at("state"), self.stage.music.at("away"));
                fs::rename(&state, &away)?;
                self.last().await;
                fs::rename(away, state)
            }
            Kind::StopStart => {
                let output = MOODY_OUTPUTS[self.random.below(MOODY_OUTPUTS.len())];
                self.tell(&format!("{output}.stop")).await;
                self.last().await;
                self.tell(&format!("{output}.start")).await;
                Ok(())
            }
        }
    }

    /// Lets it last.
    async fn last(&mut self) {
        let time = self.random.time(1_000, 5_000);
        self.run.rest(time).await;
    }

    /// Tells the program something.
    async fn tell(&self, command: &str) {
        // There may be no room for one more; who has to be answered is asked elsewhere.
        let _ = telnet::ask(self.stage.source.telnet, command).await;
    }

    /// The file that plays, or the next, on one of the channels, or any.
    async fn victim(&mut self) -> PathBuf {
        let status = self.stage.source.status().await;
        let channel = &status["channels"][self.random.below(2)];
        let chosen = match self.random.below(3) {
            0 => &channel["next"]["path"],
            1 => &channel["playing"]["path"],
            _ => &serde_json::Value::Null,
        };
        let any = self.stage.music.any_track(&mut self.random);
        chosen.as_str().map_or(any, PathBuf::from)
    }

    async fn harm(&mut self, harm: Harm, path: PathBuf) -> io::Result<()> {
        let path = self.stage.music.at("").join(path);
        harm.befall(&path, &self.stage.music, &mut self.random)?;
        self.last().await;
        self.stage.music.mend(&path)
    }

    async fn harm_list(&mut self, harm: ListHarm) -> io::Result<()> {
        harm.befall(&self.stage.music, &mut self.random)?;
        self.last().await;
        self.stage.music.mend_list()
    }

    async fn everything_vanishes(&mut self) -> io::Result<()> {
        let (music, away) = (self.stage.music.at("music"), self.stage.music.at("music-away"));
        fs::rename(&music, &away)?;
        drop(fs::remove_file(self.stage.music.at(LIST))); // it may be something else just now
        self.tell("list.skip").await;
        self.tell("music.skip").await;
        self.last().await;
        // Somebody may have put a file there meanwhile.
        drop(fs::remove_dir_all(&music));
        fs::rename(away, music)?;
        self.stage.music.mend_list()
    }

    async fn moody(&mut self, mood: Mood) -> io::Result<()> {
        let which = self.stage.rude.put_in(mood, &mut self.random);
        if mood == Mood::Stalls {
            // Longer than it takes to notice.
            self.run.rest(STALL).await;
        }
        self.last().await;
        self.stage.rude.cheer(which);
        Ok(())
    }

    async fn skips(&mut self) -> io::Result<()> {
        for _ in 0..30 {
            let commands = ["good.mp3.skip", "second.mp3.skip", "list.skip", "requests.skip"];
            let command = commands[self.random.below(commands.len())];
            self.tell(command).await;
            let pause = self.random.time(1, 60);
            self.run.rest(pause).await;
        }
        Ok(())
    }

    async fn bad_request(&mut self) -> io::Result<()> {
        let long = format!("annotate:title=\"{}\":music/0.mp3", "x".repeat(5_000));
        for uri in
            ["/dev/zero", "/", "none.mp3", "http://127.0.0.1:1/x.mp3", "annotate:a=\"", &long]
        {
            self.tell(&format!("requests.push {uri}")).await;
        }
        self.tell("requests.push music/1.flac").await;
        Ok(())
    }

    async fn bad_http(&mut self) -> io::Result<()> {
        let http = self.stage.source.http;
        let mut silent = TcpStream::connect(http).await?;
        silent.write_all(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await?;
        let mut noisy = TcpStream::connect(http).await?;
        noisy.write_all(&files::noise(20_000, &mut self.random)).await?;
        let mut slow = TcpStream::connect(http).await?;
        slow.write_all(b"GET /status HTTP/1.1\r\nX: ").await?;
        self.last().await;
        Ok(())
    }

    /// Where the state is written first is a link to what is always full. The program takes the
    /// link away each time it has failed, so it is put there again and again.
    async fn disk_full(&mut self) -> io::Result<()> {
        let new = self.stage.music.at("state/station.state.new");
        for round in 0..300 {
            if fs::symlink_metadata(&new).is_err() {
                // The folder may be away.
                drop(symlink("/dev/full", &new));
            }
            if round % 100 == 1 {
                self.tell("good.mp3.skip").await; // what begins is to be written
            }
            if !self.run.rest(Duration::from_millis(10)).await {
                break;
            }
        }
        drop(fs::remove_file(&new)); // it has just failed, and is gone
        Ok(())
    }
}

const MOODY_OUTPUTS: [&str; 4] = ["moody.mp3", "moody.aac", "moody.opus", "dying.mp3"];
/// A server that stalls is noticed after ten seconds.
const STALL: Duration = Duration::from_secs(12);
