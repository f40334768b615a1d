//! Listeners of the server that does its duty: they record what they hear, and when it came.

use crate::Run;
use e2e::{Player, Station};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What a listener heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Where.
    pub(crate) mount: &'static str,
    /// The recording.
    pub(crate) file: PathBuf,
    /// How long it listened.
    pub(crate) seconds: f64,
    /// The longest time between two pieces of audio.
    pub(crate) pause_longest: Duration,
    /// When that was, in seconds of the run.
    pub(crate) pause_at: f64,
}

/// Lets somebody listen to each mount of the `good` server.
pub(crate) async fn listen(run: &Run, good: &Station, folder: &Path) -> JoinSet<Heard> {
    let mut listeners = JoinSet::new();
    for mount in ["/good.mp3", "/second.mp3"] {
        good.until_on_air(mount).await;
        let player = Player::tune_in(good, mount).await;
        let file = folder.join(format!("heard{}", mount.replace('/', "-")));
        listeners.spawn(hear(run.clone(), player, mount, file));
    }
    listeners
}

async fn hear(run: Run, mut player: Player, mount: &'static str, file: PathBuf) -> Heard {
    let mut recording = BufWriter::new(File::create(&file).expect("our own folder"));
    let began = Instant::now();
    let mut last = began;
    let (mut pause_longest, mut pause_at) = (Duration::ZERO, 0.0);
    let mut over = run.over.clone();
    loop {
        let audio = tokio::select! {
            audio = player.hear(PIECE_BYTES) => audio,
            _ = over.wait_for(|over| *over) => break,
        };
        recording.write_all(&audio).expect("a disk with room");
        if last.elapsed() > pause_longest {
            (pause_longest, pause_at) = (last.elapsed(), run.seconds());
        }
        last = Instant::now();
    }
    recording.flush().expect("a disk with room");
    Heard { mount, file, seconds: began.elapsed().as_secs_f64(), pause_longest, pause_at }
}

/// About a frame.
const PIECE_BYTES: usize = 400;
