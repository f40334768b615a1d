//! FLAC by itself, without a container (RFC 9639): how a stream begins, and where its frames do.
//!
//! A stream begins with `fLaC` and *metadata blocks*, of which the first says what the samples
//! are; then frames follow. A frame can be decoded by itself, but does not say how long it is: it
//! ends where its checksum comes out even, and the next begins.

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of it.
    pub header_bytes: usize,
    /// Sample frames that the frame plays.
    pub sample_frames: u32,
    /// Sample frames per second; `None` where only the metadata tells.
    pub rate_hz: Option<u32>,
    /// Channels.
    pub channels: u8,
    /// Bits of a sample; `None` where only the metadata tells.
    pub bits: Option<u8>,
    /// Whether all frames play equally long.
    pub is_fixed: bool,
    /// Its number among the frames if they all play equally long, else that of its first sample.
    pub number: u64,
}

/// The bytes do not begin with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no FLAC frame begins here")]
pub struct NoFrame;

impl Header {
    /// The header at the start of `bytes`, or `None` if its end is yet to come.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, NoFrame> {
        let seen = |at: usize, fits: fn(u8) -> bool| bytes.get(at).is_none_or(|&byte| fits(byte));
        let may_be = seen(0, |byte| byte == 0xFF)
            && seen(1, |byte| byte & 0xFE == 0xF8)
            && seen(2, |byte| byte >> 4 != 0 && byte & 15 != 15)
            && seen(3, |byte| byte >> 4 <= 10 && byte >> 1 & 7 != 3 && byte & 1 == 0);
        if !may_be {
            return Err(NoFrame);
        }
        let Some(&[_, strategy, block_and_rate, format, lead]) = bytes.first_chunk() else {
            return Ok(None);
        };
        let (block, rate) = (block_and_rate >> 4, block_and_rate & 15);
        let number_bytes = match lead.leading_ones() {
            0 => 1,
            ones @ 2..=7 => usize::try_from(ones).map_err(|_| NoFrame)?,
            _ => return Err(NoFrame),
        };
        let block_bytes = match block {
            6 => 1,
            7 => 2,
            _ => 0,
        };
        let rate_bytes = match rate {
            12 => 1,
            13 | 14 => 2,
            _ => 0,
        };
        let block_at = NUMBER_AT + number_bytes;
        let rate_at = block_at + block_bytes;
        let crc_at = rate_at + rate_bytes;
        let Some(&crc) = bytes.get(crc_at) else { return Ok(None) };
        let number = number(&bytes[NUMBER_AT..block_at]).ok_or(NoFrame)?;
        if crc8(&bytes[..crc_at]) != crc {
            return Err(NoFrame);
        }
        let sample_frames = match block {
            1 => 192,
            2..=5 => 576 << (block - 2),
            6 | 7 => 1 + big_endian(&bytes[block_at..rate_at]),
            _ => 256 << (block - 8),
        };
        let said = big_endian(&bytes[rate_at..crc_at]);
        let rate_hz = match rate {
            12 => Some(1_000 * said),
            13 => Some(said),
            14 => Some(10 * said),
            usual => RATES_HZ[usize::from(usual)],
        };
        Ok(Some(Self {
            header_bytes: crc_at + 1,
            sample_frames,
            rate_hz: rate_hz.filter(|&rate_hz| rate_hz > 0),
            channels: if format >> 4 < 8 { (format >> 4) + 1 } else { 2 },
            bits: BITS[usize::from(format >> 1 & 7)],
            is_fixed: strategy & 1 == 0,
            number,
        }))
    }

    /// Whether a frame with header `next` may follow in the same stream.
    pub fn continues(&self, next: &Self) -> bool {
        let kind = |header: &Self| (header.rate_hz, header.channels, header.bits, header.is_fixed);
        kind(self) == kind(next)
    }

    /// Whether a frame with header `next` is the one that follows.
    pub fn is_before(&self, next: &Self) -> bool {
        let step = if self.is_fixed { 1 } else { self.sample_frames.into() };
        self.continues(next) && self.number + step == next.number
    }

    /// What a stream of such frames begins with, for one whose beginning was missed; `None` if
    /// the frame does not tell all that is needed.
    pub fn beginning(&self) -> Option<Vec<u8>> {
        let (rate_hz, bits) = (self.rate_hz?, u32::from(self.bits?));
        let frames = u16::try_from(self.sample_frames).unwrap_or(u16::MAX);
        let (least, most) = if self.is_fixed { (frames, frames) } else { (16, u16::MAX) };
        // Twenty bits, three, five, and the four highest of the length, which is not known.
        let packed = rate_hz << 12 | u32::from(self.channels - 1) << 9 | (bits - 1) << 4;
        let mut out = MARK.to_vec();
        out.extend_from_slice(&[LAST_BLOCK | STREAM_INFO, 0, 0, STREAM_INFO_BYTES]);
        out.extend_from_slice(&least.to_be_bytes());
        out.extend_from_slice(&most.to_be_bytes());
        out.extend_from_slice(&[0; 6]); // how long frames are: not known
        out.extend_from_slice(&packed.to_be_bytes());
        out.resize(MARK.len() + BLOCK_HEADER_BYTES + usize::from(STREAM_INFO_BYTES), 0);
        (rate_hz < 1 << 20).then_some(out)
    }
}

/// The beginning of a metadata block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is; [`COMMENTS`] holds titles.
    pub kind: u8,
    /// No other follows it.
    pub is_last: bool,
    /// Bytes of it, with its beginning.
    pub whole_bytes: usize,
}

impl Block {
    /// The block at the start of `bytes`; `None` if its beginning is not whole yet.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[kind, rest @ ..] = bytes.first_chunk::<BLOCK_HEADER_BYTES>()?;
        let body_bytes = usize::try_from(big_endian(&rest)).unwrap_or(usize::MAX);
        let whole_bytes = BLOCK_HEADER_BYTES + body_bytes;
        Some(Self { kind: kind & !LAST_BLOCK, is_last: kind & LAST_BLOCK != 0, whole_bytes })
    }
}

/// The checksum of a frame's header: the generator `0x07`, from zero.
pub fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| CRC8[usize::from(crc ^ byte)])
}

/// The checksum of a whole frame: the generator `0x8005`, from zero. Of a frame together with its
/// checksum it is zero.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| crc16_of(crc, *byte))
}

/// [`crc16`] of bytes with the checksum `crc` and one more.
pub fn crc16_of(crc: u16, byte: u8) -> u16 {
    let [high, _] = crc.to_be_bytes();
    crc << 8 ^ CRC16[usize::from(high ^ byte)]
}

/// A number as it is coded in a header, which is UTF-8 made longer.
fn number(coded: &[u8]) -> Option<u64> {
    let (&lead, rest) = coded.split_first()?;
    let mark = lead.leading_ones();
    let lead = u64::from(lead) & (0x7F_u64 >> mark);
    rest.iter().try_fold(lead, |number, byte| {
        (byte & 0xC0 == 0x80).then_some(number << 6 | u64::from(byte & 0x3F))
    })
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// What a stream begins with.
pub const MARK: &[u8] = b"fLaC";
/// The kind of a block that holds Vorbis comments.
pub const COMMENTS: u8 = 4;
/// The kind of the block that says what the samples are.
pub const STREAM_INFO: u8 = 0;
/// The longest header of a frame.
pub const HEADER_BYTES_MAX: usize = 16;
/// Bytes of the beginning of a metadata block.
pub const BLOCK_HEADER_BYTES: usize = 4;
const STREAM_INFO_BYTES: u8 = 34;
const LAST_BLOCK: u8 = 0x80;
const NUMBER_AT: usize = 4;
const RATES_HZ: [Option<u32>; 12] = [
    None,
    Some(88_200),
    Some(176_400),
    Some(192_000),
    Some(8_000),
    Some(16_000),
    Some(22_050),
    Some(24_000),
    Some(32_000),
    Some(44_100),
    Some(48_000),
    Some(96_000),
];
const BITS: [Option<u8>; 8] =
    [None, Some(8), Some(12), None, Some(16), Some(20), Some(24), Some(32)];

const CRC8: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let (mut crc, mut bit) = (byte, 0);
        while bit < 8 {
            crc = if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 };
            bit += 1;
        }
        table[byte as usize] = crc;
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let (mut crc, mut bit) = ((byte as u16) << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 };
            bit += 1;
        }
        table[byte as usize] = crc;
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn checksums_are_those_of_the_format() {
        // The check values of CRC-8 (SMBUS) and CRC-16 (UMTS), which are these polynomials.
        assert_eq!(crc8(b"123456789"), 0xF4);
        assert_eq!(crc16(b"123456789"), 0xFEE8);
    }

    /// A header of ffmpeg's: 4 608 sample frames, 44.1 kHz, stereo, 16 bits.
    fn header(number: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xF8, 0x59, 0x18, number];
        bytes.push(crc8(&bytes));
        bytes
    }

    #[test]
    fn a_frame_says_what_it_plays() {
        let read = Header::read(&header(7)).unwrap().unwrap();

        let expected = Header {
            header_bytes: 6,
            sample_frames: 4_608,
            rate_hz: Some(44_100),
            channels: 2,
            bits: Some(16),
            is_fixed: true,
            number: 7,
        };
        assert_eq!(read, expected);
        assert!(read.is_before(&Header::read(&header(8)).unwrap().unwrap()));
        assert!(!read.is_before(&Header::read(&header(9)).unwrap().unwrap()));
    }

    #[test]
    fn lengths_rates_and_numbers_of_their_own_are_read() {
        // A length of 1 000, a rate of 12 345 Hz, frame 300, one channel of 24 bits.
        let mut bytes = vec![0xFF, 0xF8, 0x7D, 0x0C, 0xC4, 0xAC, 0x03, 0xE7, 0x30, 0x39];
        bytes.push(crc8(&bytes));

        let read = Header::read(&bytes).unwrap().unwrap();

        assert_eq!((read.sample_frames, read.rate_hz, read.number), (1_000, Some(12_345), 300));
        assert_eq!((read.channels, read.bits, read.header_bytes), (1, Some(24), 11));
    }

    #[test]
    fn a_damaged_header_is_none() {
        for at in 0..6 {
            let mut bytes = header(7);
            bytes[at] ^= 4;
            assert!(!matches!(Header::read(&bytes), Ok(Some(_))), "byte {at}");
        }
    }

    #[test]
    fn a_beginning_that_was_missed_is_made_from_a_frame() {
        let made = Header::read(&header(7)).unwrap().unwrap().beginning().unwrap();

        assert_eq!(made[..8], *b"fLaC\x80\0\0\x22");
        assert_eq!(made[8..12], [0x12, 0, 0x12, 0]);
        // As ffmpeg and flac write it: 44 100 Hz, two channels, 16 bits, of no known length.
        assert_eq!(made[18..22], [0x0A, 0xC4, 0x42, 0xF0]);
        assert_eq!((made.len(), Block::read(&made[4..]).unwrap().whole_bytes), (42, 38));
    }

    proptest! {
        #[test]
        fn more_bytes_do_not_change_a_header(bytes in vec(any::<u8>(), 0..20), cut in 0..20_usize) {
            let bytes = [header(3)[..4].to_vec(), bytes].concat();
            let whole = Header::read(&bytes);
            let start = Header::read(&bytes[..cut.min(bytes.len())]);

            prop_assert!(start == Ok(None) || start == whole);
            prop_assert!(bytes.len() < HEADER_BYTES_MAX || whole != Ok(None));
        }
    }
}
