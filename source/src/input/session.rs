//! What a source sends, decoded: a thread that lives as long as its session.

use crate::decode::Decoder;
use crate::input::Session;
use crate::input::disarm::Disarm;
use crate::input::title::LiveTitle;
use bytes::{Buf as _, Bytes};
use common::format::Format;
use std::io::{self, Read};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Where what a source sends goes; the session ends when it is dropped.
#[derive(Debug)]
pub struct Pipe {
    bytes: mpsc::Sender<Bytes>,
    ended: oneshot::Receiver<Option<String>>,
    /// Dropped with the pipe, so that a thread that waits for room ends too.
    _open: SyncSender<()>,
}

/// The other end.
struct Outflow {
    bytes: mpsc::Receiver<Bytes>,
    rest: Bytes,
    /// For MPEG audio.
    disarm: Option<Disarm>,
}

impl Pipe {
    /// Decodes for `session` what is put in, which is called by its `content_type`.
    ///
    /// Fails if the system gives no thread.
    pub fn start(session: Session, content_type: &str) -> io::Result<Self> {
        let (bytes, outflow) = mpsc::channel(PIPE_PIECES);
        let (end, ended) = oneshot::channel();
        let (open, closed) = sync_channel(1);
        let disarm = (Format::of(content_type) == Format::Mpeg).then(Disarm::default);
        let outflow = Outflow { bytes: outflow, rest: Bytes::new(), disarm };
        let extension = extension(content_type);
        crate::tasks::thread("live", move || {
            let wait_for_room = || match closed.recv_timeout(ROOM_LOOK) {
                Err(RecvTimeoutError::Disconnected) => false,
                Ok(()) | Err(RecvTimeoutError::Timeout) => true,
            };
            let problem = decode(&session, outflow, extension, wait_for_room).err();
            drop(session);
            drop(end.send(problem)); // the source may have left
        })?;
        Ok(Self { bytes, ended, _open: open })
    }

    /// Puts in what has come, as soon as there is room.
    ///
    /// Fails if it cannot be decoded, with the reason.
    pub async fn put(&mut self, bytes: Bytes) -> Result<(), String> {
        if self.bytes.send(bytes).await.is_ok() {
            return Ok(());
        }
        let reason = (&mut self.ended).await.ok().flatten();
        Err(reason.unwrap_or_else(|| "its decoding crashed".to_owned()))
    }

    /// Nothing more comes; waits until all is decoded. Says why not all of it could be.
    pub async fn end(self) -> Option<String> {
        let Self { bytes, ended, _open } = self;
        drop(bytes);
        ended.await.unwrap_or_else(|_| Some("its decoding crashed".to_owned()))
    }
}

fn decode(
    session: &Session,
    outflow: Outflow,
    extension: Option<&str>,
    wait_for_room: impl Fn() -> bool,
) -> Result<(), String> {
    let mut decoder = Decoder::live(outflow, extension).map_err(|error| error.to_string())?;
    while let Some(block) = decoder.next_block().map_err(|error| error.to_string())? {
        if let Some(tags) = decoder.fresh_tags() {
            let text = |tag: &Option<String>| tag.clone().unwrap_or_default();
            let title = LiveTitle::of(&text(&tags.artist), &text(&tags.title));
            if title != LiveTitle::default() {
                session.input().retitle(title);
            }
        }
        while session.is_full() && !session.is_kicked() {
            if !wait_for_room() {
                break;
            }
        }
        session.put(block);
    }
    Ok(())
}

impl Read for Outflow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.bytes.blocking_recv() {
                Some(bytes) => self.rest = bytes,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(buffer.len());
        let (read, _) = buffer.split_at_mut(count);
        self.rest.copy_to_slice(read);
        if let Some(disarm) = &mut self.disarm {
            disarm.pass(read);
        }
        Ok(count)
    }
}

/// What a file of this type is called.
fn extension(content_type: &str) -> Option<&'static str> {
    match Format::of(content_type) {
        Format::Adts => Some("aac"),
        Format::Flac => Some("flac"),
        Format::Matroska => Some("mkv"),
        Format::Mpeg => Some("mp3"),
        Format::Ogg => Some("ogg"),
        Format::Unknown => match common::format::essence(content_type).as_str() {
            "audio/wav" | "audio/wave" | "audio/x-wav" => Some("wav"),
            _ => None,
        },
    }
}

/// Pieces that may wait to be decoded; each is what was read at a time.
const PIPE_PIECES: usize = 16;
/// A source that sends faster than it plays is slowed down; whether there is room is looked at so
/// often.
const ROOM_LOOK: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;
    use crate::input::reservoir::Heard;
    use crate::test_audio as audio;
    use tokio::time::timeout;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_format_that_can_be_sent_is_decoded_as_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        for (number, (rate_hz, extension)) in audio::formats().into_iter().enumerate() {
            let content_type = match extension {
                "mp3" => "audio/mpeg",
                "flac" => "audio/flac",
                "ogg" | "opus" => "application/ogg",
                "2.wav" => "audio/wav",
                _ => continue, // what only a file can be, or nobody sends
            };
            let path = dir.path().join(format!("{number}.{extension}"));
            audio::write(&path, 440.0, rate_hz, 3 * rate_hz as usize);

            let heard = sent(&std::fs::read(&path).unwrap(), content_type).await;

            let off = heard.abs_diff(Duration::from_secs(3));
            assert!(off < Duration::from_millis(150), "{extension} at {rate_hz} Hz: {heard:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_that_are_sent_one_after_the_other_are_all_heard() {
        if !audio::has_ffmpeg() {
            return; // has been said
        }
        let dir = tempfile::tempdir().unwrap();
        for (extension, codec, content_type) in
            [("mp3", "libmp3lame", "audio/mpeg"), ("ogg", "libvorbis", "audio/ogg")]
        {
            let (wav, path) = (dir.path().join("2.wav"), dir.path().join(extension));
            let path = path.with_extension(extension);
            audio::write(&wav, 440.0, 44_100, 2 * 44_100);
            assert!(audio::by_ffmpeg(&wav, &["-c:a", codec], &path));
            let file = std::fs::read(&path).unwrap();

            let heard = sent(&[&file[..], &file, &file].concat(), content_type).await;

            let off = heard.abs_diff(Duration::from_secs(6));
            assert!(off < Duration::from_millis(400), "{extension}: {heard:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_cannot_be_decoded_is_told() {
        let input = Input::new("live", Duration::from_millis(100));
        let session = input.begin("dj", LiveTitle::default()).unwrap();
        let mut pipe = Pipe::start(session, "audio/ogg").unwrap();

        drop(pipe.put(Bytes::from_static(&[b'x'; 4_096])).await);
        let problem = within(pipe.end()).await.unwrap();

        assert!(problem.starts_with("no audio that can be decoded"), "{problem}");
        assert_eq!(input.state().borrow().source, None);
    }

    /// How long that plays which is heard of `bytes`.
    async fn sent(bytes: &[u8], content_type: &str) -> Duration {
        let input = Input::new("live", Duration::from_secs(60));
        let session = input.begin("dj", LiveTitle::default()).unwrap();
        let taking = input.feed("main").taken(1);
        let mut pipe = Pipe::start(session, content_type).unwrap();
        for piece in bytes.chunks(1_000) {
            within(pipe.put(Bytes::copy_from_slice(piece))).await.unwrap();
        }
        assert_eq!(within(pipe.end()).await, None);
        let heard = std::iter::from_fn(|| taking.next()).map(|heard| match heard {
            Heard::Audio(block) => block.sample_frames() as f64 / f64::from(block.rate_hz()),
            Heard::Title(_) => 0.0,
        });
        Duration::from_secs_f64(heard.sum())
    }

    async fn within<T>(test: impl Future<Output = T>) -> T {
        timeout(LIMIT, test).await.expect("it is done in time")
    }

    const LIMIT: Duration = Duration::from_secs(20);
}
