//! The disturber: draws what goes wrong next, and lets it happen for some seconds.

use crate::files::{Harm, ListHarm};
use crate::happening::{Happening, Stage};
use crate::servers::Mood;
use crate::telnet::Misbehaviour;
use crate::{Run, say};
use e2e::Random;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Something is asked for that cannot be played.
    BadRequest,
    /// A configuration with mistakes.
    BrokenConfig,
    /// Somebody asks by HTTP and does not read, or sends noise.
    BadHttp,
    /// The disk is full for the state.
    DiskFull,
    /// Something happens to what the second channel plays when there is nothing else.
    EmergencyHarmed,
    /// All music is gone, and comes back.
    EverythingVanishes,
    /// Something happens to a file, mostly one that plays or is the next.
    Harmed(Harm),
    /// The list is something else.
    ListHarmed(ListHarm),
    /// A client of telnet misbehaves.
    Misbehaviour(Misbehaviour),
    /// A server has a mood.
    Moody(Mood),
    /// Another configuration.
    Reload,
    /// A server is killed and comes back.
    ServerDies,
    /// Somebody skips, again and again.
    Skips,
    /// The folder of the state is gone.
    StateVanishes,
    /// An output is stopped and started.
    StopStart,
}

impl Kind {
    /// Everything, once.
    const ALL: [Self; 43] = [
        Self::BadHttp,
        Self::BadRequest,
        Self::BrokenConfig,
        Self::DiskFull,
        Self::EmergencyHarmed,
        Self::EverythingVanishes,
        Self::Harmed(Harm::Cut),
        Self::Harmed(Harm::Emptied),
        Self::Harmed(Harm::Endless),
        Self::Harmed(Harm::Folder),
        Self::Harmed(Harm::Loop),
        Self::Harmed(Harm::Other),
        Self::Harmed(Harm::Pipe),
        Self::Harmed(Harm::Rotten),
        Self::Harmed(Harm::Spotted),
        Self::Harmed(Harm::Vanished),
        Self::Harmed(Harm::Zeroed),
        Self::ListHarmed(ListHarm::Empty),
        Self::ListHarmed(ListHarm::Folder),
        Self::ListHarmed(ListHarm::Half),
        Self::ListHarmed(ListHarm::Huge),
        Self::ListHarmed(ListHarm::Noise),
        Self::ListHarmed(ListHarm::Rewritten),
        Self::ListHarmed(ListHarm::Truncated),
        Self::ListHarmed(ListHarm::Vanished),
        Self::Misbehaviour(Misbehaviour::Crowd),
        Self::Misbehaviour(Misbehaviour::EndlessLine),
        Self::Misbehaviour(Misbehaviour::Flood),
        Self::Misbehaviour(Misbehaviour::HalfLine),
        Self::Misbehaviour(Misbehaviour::Noise),
        Self::Misbehaviour(Misbehaviour::Storm),
        Self::Moody(Mood::Babbles),
        Self::Moody(Mood::Forbids),
        Self::Moody(Mood::HangsUp),
        Self::Moody(Mood::Rambles),
        Self::Moody(Mood::Rejects),
        Self::Moody(Mood::Resets),
        Self::Moody(Mood::Stalls),
        Self::Reload,
        Self::ServerDies,
        Self::Skips,
        Self::StateVanishes,
        Self::StopStart,
    ];
}

/// Disturbs.
#[derive(Debug)]
pub(crate) struct Disturber {
    stage: Arc<Stage>,
    run: Run,
    random: Random,
}

impl Disturber {
    /// What disturbs the `stage` as `random` says.
    pub(crate) fn new(stage: Arc<Stage>, run: Run, random: Random) -> Self {
        Self { stage, run, random }
    }

    /// Lets something happen about once a second for `length`; how often each happened.
    pub(crate) async fn disturb(mut self, length: Duration) -> Vec<(Kind, u64)> {
        let mut times = [0; Kind::ALL.len()];
        let mut deck: Vec<usize> = Vec::new();
        let mut going = JoinSet::new();
        let began = Instant::now();
        // The deck is dealt out once, even in a short run.
        let longest = length.as_millis() / Kind::ALL.len() as u128;
        let longest = u64::try_from(longest).unwrap_or(u64::MAX).clamp(200, 1_600);
        while began.elapsed() < length {
            let pause = self.random.time(longest / 4, longest);
            self.run.rest(pause).await;
            if deck.is_empty() {
                deck = (0..Kind::ALL.len()).collect();
            }
            let drawn = deck.swap_remove(self.random.below(deck.len()));
            times[drawn] += 1;
            say(&format!("{:7.1} s {:?}", self.run.seconds(), Kind::ALL[drawn]));
            let (stage, run, random) =
                (Arc::clone(&self.stage), self.run.clone(), self.random.fork());
            going.spawn(async move { Happening { stage, run, random }.be(Kind::ALL[drawn]).await });
            while let Some(done) = going.try_join_next() {
                // What is to be broken may be broken already.
                let _ = done.expect("a disturbance ends");
            }
        }
        while let Some(done) = going.join_next().await {
            let _ = done.expect("a disturbance ends");
        }
        Kind::ALL.into_iter().zip(times).collect()
    }
}
