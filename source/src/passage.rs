//! A passage: the packets of a file, on their way past the encoders.
//!
//! Where a file is already in the format of an output, its packets can be sent as they are. They
//! take the way of its samples from the reel that reads them to the rack of encoders, in batches
//! that go ahead of the samples they hold, so whoever has heard so much of the samples finds the
//! packets there. Nobody waits for either side: packets that find no room end the passage, and so
//! does damage, and what follows is encoded.

use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

/// What a file is encoded as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// By which codec.
    pub codec: Codec,
    /// Sample frames per second.
    pub rate_hz: u32,
    /// How many channels it has.
    pub channels: usize,
    /// What a decoder has to know before the first packet, as the codec writes it; nothing where
    /// every packet says it.
    pub setup: Bytes,
    /// Sample frames that a decoder gives before the recording begins, which are left out.
    pub delay: u32,
}

/// A codec whose packets can be sent as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// AAC of low complexity, in ADTS frames.
    Aac {
        /// What it comes to.
        kbps: u32,
    },
    /// FLAC, with so many bits of a sample.
    Flac {
        /// Bits of a sample.
        bits: u32,
    },
    /// MP3, whose bit rate is the same throughout.
    Mp3 {
        /// What it comes to.
        kbps: u32,
    },
    /// Opus.
    Opus,
    /// Vorbis.
    Vorbis,
}

impl fmt::Display for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.codec {
            Codec::Aac { kbps } => write!(f, "AAC of {kbps} kbit/s"),
            Codec::Flac { bits } => write!(f, "FLAC of {bits} bits"),
            Codec::Mp3 { kbps } => write!(f, "MP3 of {kbps} kbit/s"),
            Codec::Opus => f.write_str("Opus"),
            Codec::Vorbis => f.write_str("Vorbis"),
        }?;
        write!(f, " at {} Hz with {} channels", self.rate_hz, self.channels)
    }
}

/// A packet of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it is made of.
    pub bytes: Bytes,
    /// How many sample frames a decoder makes of it.
    pub sample_frames: u32,
    /// How many of those belong to the recording.
    pub heard: u32,
}

/// The packets of one file, from its first one on.
#[derive(Debug)]
pub struct Passage {
    original: Original,
    batches: Receiver<Vec<Packet>>,
    /// What has come and was not taken.
    waiting: VecDeque<Packet>,
    /// How much of the recording is in all that has come.
    come: u64,
    /// How much is in all that was taken.
    taken: u64,
    /// Nothing comes any more.
    has_ended: bool,
}

/// Where the packets of a file are put.
#[derive(Debug)]
pub struct Feeder {
    queue: SyncSender<Vec<Packet>>,
    batch: Vec<Packet>,
    batch_bytes: usize,
}

/// Nobody takes the packets any more, or they find no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Both ends of a passage for a file that is this.
pub fn passage(original: Original) -> (Feeder, Passage) {
    let (queue, batches) = sync_channel(BATCHES_MAX);
    let feeder = Feeder { queue, batch: Vec::new(), batch_bytes: 0 };
    let waiting = VecDeque::new();
    let passage = Passage { original, batches, waiting, come: 0, taken: 0, has_ended: false };
    (feeder, passage)
}

impl Feeder {
    /// Adds `packets`, which follow those before.
    ///
    /// Fails if they are too large for a batch.
    pub fn put(&mut self, packets: Vec<Packet>) -> Result<(), Closed> {
        self.batch_bytes += packets.iter().map(|packet| packet.bytes.len()).sum::<usize>();
        self.batch.extend(packets);
        if self.batch_bytes > BATCH_BYTES_MAX { Err(Closed) } else { Ok(()) }
    }

    /// Sends what was added; the samples it holds may follow.
    ///
    /// Fails if nobody takes it, or too many batches wait.
    pub fn send(&mut self) -> Result<(), Closed> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.queue.try_send(batch).map_err(|_| Closed)
    }
}

impl Passage {
    /// What the file is encoded as.
    pub fn original(&self) -> &Original {
        &self.original
    }

    /// Whether all packets are there that hold the first `sample_frames` of the recording. Where it
    /// has ended, a few may be missing: that many are lost and won where it is resampled.
    pub fn holds(&mut self, sample_frames: u64) -> bool {
        while !self.has_ended && self.come < sample_frames {
            match self.batches.try_recv() {
                Ok(batch) => {
                    self.come += batch.iter().map(|packet| u64::from(packet.heard)).sum::<u64>();
                    self.waiting.extend(batch);
                }
                Err(TryRecvError::Disconnected) => self.has_ended = true,
                Err(TryRecvError::Empty) => return false,
            }
        }
        let rounded = if self.has_ended { ROUNDED_SAMPLE_FRAMES } else { 0 };
        self.come + rounded >= sample_frames
    }

    /// Whether there is a packet, as there is from the first sample of the recording on.
    pub fn has_begun(&mut self) -> bool {
        self.holds(1);
        self.come > 0
    }

    /// The next packet, if it begins within the first `sample_frames` of the recording.
    pub fn next_within(&mut self, sample_frames: u64) -> Option<Packet> {
        if self.taken >= sample_frames {
            return None;
        }
        let packet = self.waiting.pop_front()?;
        self.taken += u64::from(packet.heard);
        Some(packet)
    }

    /// The packets that follow those taken, as far as they have come, but no more than `count`.
    pub fn run_out(&mut self, count: usize) -> Vec<Packet> {
        while self.waiting.len() < count {
            let Ok(batch) = self.batches.try_recv() else { break };
            self.waiting.extend(batch);
        }
        self.waiting.drain(..count.min(self.waiting.len())).collect()
    }

    /// How much of the recording has been heard, when by the clock of a programme that has perhaps
    /// resampled it these are `sample_frames`: all of it, if that is so but for rounding.
    pub fn heard(&mut self, sample_frames: u64) -> u64 {
        self.holds(sample_frames + ROUNDED_SAMPLE_FRAMES + 1); // takes in whether it ends here
        let is_rounded = self.come.abs_diff(sample_frames) <= ROUNDED_SAMPLE_FRAMES;
        if self.has_ended && is_rounded { self.come } else { sample_frames }
    }
}

/// Batches that wait: one goes ahead of each piece of a tenth of a second, of which ten seconds
/// wait to be heard.
pub const BATCHES_MAX: usize = 256;
/// A batch holds no more: twenty times as much as FLAC of 24 bits at 48 kHz needs.
pub const BATCH_BYTES_MAX: usize = 1_000_000;
/// A recording that was resampled, and is counted at its own rate again, is so much longer or
/// shorter at most.
const ROUNDED_SAMPLE_FRAMES: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_encoded_as_is_said_with_its_numbers() {
        for (codec, said) in [
            (Codec::Aac { kbps: 97 }, "AAC of 97 kbit/s at 44100 Hz with 2 channels"),
            (Codec::Flac { bits: 24 }, "FLAC of 24 bits at 44100 Hz with 2 channels"),
            (Codec::Opus, "Opus at 44100 Hz with 2 channels"),
        ] {
            let (rate_hz, channels, setup, delay) = (44_100, 2, Bytes::new(), 0);

            let original = Original { codec, rate_hz, channels, setup, delay };

            assert_eq!(original.to_string(), said);
        }
    }
}
