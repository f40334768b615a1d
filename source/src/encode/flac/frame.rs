//! One FLAC frame: a block of samples, encoded without loss, that can be decoded by itself.
//!
//! What two channels have in common is taken out first, if that helps: a frame holds left and
//! right, or one of them and their difference, or their middle and their difference. Each of the
//! two is then foretold as far as possible, and what is over is written.

use super::bits::Bits;
use super::predict::{Predicted, Predictor, Prophet, roughness};
use super::{Depth, Flac};
use crate::encode::Channels;
use common::flac::{crc8, crc16};
use std::borrow::Cow;

/// Writes the frames of one stream.
#[derive(Default)]
pub(super) struct Framer {
    prophet: Prophet,
    /// The number of the next frame.
    number: u32,
}

/// A channel, or what two have in common or not, and how many bits its samples have.
type Part<'p> = (Cow<'p, [i32]>, u32);

/// How the channels of a frame were taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assignment {
    LeftSide,
    Mid,
    Mono,
    RightSide,
    Stereo,
}

impl Framer {
    /// The frame of `planes`, which are the channels of `settings`, as long as each other.
    pub(super) fn frame(&mut self, settings: &Flac, planes: &[&[i32]]) -> Vec<u8> {
        let bits = settings.depth.bits();
        let (assignment, parts) = apart(planes, bits);
        let mut out = Bits::default();
        let sample_frames = planes.first().map_or(0, |plane| plane.len());
        self.put_header(settings, assignment, sample_frames, &mut out);
        for (samples, bits) in &parts {
            self.put_part(samples, *bits, &mut out);
        }
        out.align();
        out.put(crc16(out.bytes()).into(), 16);
        out.align();
        self.number = (self.number + 1) % NUMBERS;
        out.into_bytes()
    }

    fn put_header(
        &self,
        settings: &Flac,
        assignment: Assignment,
        sample_frames: usize,
        out: &mut Bits,
    ) {
        out.put(0xFFF8, 16); // the sync, and that blocks are of one length
        let length = u32::try_from(sample_frames).unwrap_or(u32::MAX);
        let length_code = match length {
            256 | 512 | 1_024 | 2_048 | 4_096 => length.ilog2(),
            1..=256 => 6,
            _ => 7,
        };
        out.put(length_code, 4);
        let rate_code = RATE_CODES.iter().find(|(rate_hz, _)| *rate_hz == settings.rate_hz);
        let (_, rate_code) = rate_code.unwrap_or(&(0, RATE_IN_HZ));
        out.put(*rate_code, 4);
        out.put(assignment.code(), 4);
        let depth_code = match settings.depth {
            Depth::Bits16 => 4,
            Depth::Bits24 => 6,
        };
        out.put(depth_code, 3);
        out.put(0, 1);
        put_number(self.number, out);
        match length_code {
            6 => out.put(length - 1, 8),
            7 => out.put((length - 1) & 0xFFFF, 16),
            _ => {}
        }
        if *rate_code == RATE_IN_HZ {
            out.put(settings.rate_hz & 0xFFFF, 16);
        }
        out.align();
        out.put(crc8(out.bytes()).into(), 8);
    }

    /// A channel, or the difference of two.
    fn put_part(&mut self, samples: &[i32], bits: u32, out: &mut Bits) {
        let Some((first, rest)) = samples.split_first() else { return };
        if rest.iter().all(|sample| sample == first) {
            put_kind(CONSTANT, 0, out);
            return out.put_signed(*first, bits);
        }
        let unused = samples.iter().fold(0, |all, sample| all | sample).trailing_zeros();
        let samples: Cow<'_, [i32]> = match unused {
            0 => samples.into(),
            _ => samples.iter().map(|sample| sample >> unused).collect(),
        };
        let bits = bits - unused;
        let verbatim_bits = samples.len() as u64 * u64::from(bits);
        let predicted = self.prophet.predict(&samples, bits);
        let Some(predicted) = predicted.filter(|predicted| predicted.bits < verbatim_bits) else {
            put_kind(VERBATIM, unused, out);
            return samples.iter().for_each(|sample| out.put_signed(*sample, bits));
        };
        put_predicted(&predicted, &samples, bits, unused, out);
    }
}

fn put_predicted(predicted: &Predicted, samples: &[i32], bits: u32, unused: u32, out: &mut Bits) {
    let order = predicted.predictor.order();
    let order_bits = u32::try_from(order).expect("an order is small");
    let kind = match predicted.predictor {
        Predictor::Fixed(_) => FIXED + order_bits,
        Predictor::Linear { .. } => LINEAR + order_bits - 1,
    };
    put_kind(kind, unused, out);
    samples[..order].iter().for_each(|sample| out.put_signed(*sample, bits));
    if let Predictor::Linear { weights, shift, precision } = &predicted.predictor {
        out.put(precision - 1, 4);
        out.put(*shift, 5);
        weights.iter().for_each(|weight| out.put_signed(*weight, *precision));
    }
    predicted.plan.write(&predicted.rest, order, out);
}

/// The head of a part: what it is, and how many low bits of its samples are not used.
fn put_kind(kind: u32, unused: u32, out: &mut Bits) {
    out.put(kind, 7);
    out.put(u32::from(unused > 0), 1);
    if unused > 0 {
        out.put(1, unused);
    }
}

/// `number` in as many bytes as it needs, as UTF-8 writes characters.
fn put_number(number: u32, out: &mut Bits) {
    if number < 0x80 {
        return out.put(number, 8);
    }
    // Each byte that follows holds six bits, and costs the first a bit more of its own.
    let mut more = 1;
    while number >> (6 * more) >= 0x40 >> more {
        more += 1;
    }
    out.put(0xFF00 >> (more + 1) & 0xFF | number >> (6 * more), 8);
    for left in (0..more).rev() {
        out.put(0x80 | number >> (6 * left) & 0x3F, 8);
    }
}

/// The channels with what they have in common taken out, where that helps, and how many bits the
/// samples of each then have.
fn apart<'p>(planes: &[&'p [i32]], bits: u32) -> (Assignment, Vec<Part<'p>>) {
    let &[left, right] = planes else {
        let parts = planes.iter().map(|plane| ((*plane).into(), bits)).collect();
        return (Assignment::Mono, parts);
    };
    let both = || left.iter().zip(right);
    let (left_costs, right_costs) =
        (roughness(left.iter().copied()), roughness(right.iter().copied()));
    let side_costs = roughness(both().map(|(left, right)| left - right));
    let mid_costs = roughness(both().map(|(left, right)| (left + right) >> 1));
    let assignment = [
        (left_costs + right_costs, Assignment::Stereo),
        (left_costs + side_costs, Assignment::LeftSide),
        (right_costs + side_costs, Assignment::RightSide),
        (mid_costs + side_costs, Assignment::Mid),
    ];
    let best = assignment.into_iter().min_by_key(|(costs, _)| *costs);
    let assignment = best.map_or(Assignment::Stereo, |(_, assignment)| assignment);
    let side = || (both().map(|(left, right)| left - right).collect(), bits + 1);
    let parts = match assignment {
        Assignment::LeftSide => vec![(left.into(), bits), side()],
        Assignment::Mid => {
            vec![(both().map(|(left, right)| (left + right) >> 1).collect(), bits), side()]
        }
        Assignment::RightSide => vec![side(), (right.into(), bits)],
        Assignment::Mono | Assignment::Stereo => vec![(left.into(), bits), (right.into(), bits)],
    };
    (assignment, parts)
}

impl Assignment {
    fn code(self) -> u32 {
        match self {
            Self::LeftSide => 8,
            Self::Mid => 10,
            Self::Mono => 0,
            Self::RightSide => 9,
            Self::Stereo => 1,
        }
    }
}

/// The description of a stream, which every decoder wants first (*STREAMINFO*).
pub(super) fn stream_info(settings: &Flac) -> Vec<u8> {
    let mut out = Bits::default();
    let block = u32::try_from(settings.block_sample_frames()).unwrap_or(u32::MAX);
    for _ in 0..2 {
        out.put(block, 16); // the shortest block and the longest, but for the last
    }
    out.put_zeros(48); // how long frames are is not known ahead
    out.put(settings.rate_hz, 20);
    let channels = match settings.channels {
        Channels::Mono => 1,
        Channels::Stereo => 2,
    };
    out.put(channels - 1, 3);
    out.put(settings.depth.bits() - 1, 5);
    out.put_zeros(36 + 128); // nor are the length of the stream and its checksum
    out.align();
    out.into_bytes()
}

/// A number takes 31 bits; in six years of frames it begins anew.
const NUMBERS: u32 = 1 << 31;
const CONSTANT: u32 = 0;
const VERBATIM: u32 = 1;
const FIXED: u32 = 8;
const LINEAR: u32 = 32;
/// The rate is said in hertz at the end of the header.
const RATE_IN_HZ: u32 = 13;
const RATE_CODES: [(u32, u32); 7] =
    [(8_000, 4), (16_000, 5), (22_050, 6), (24_000, 7), (32_000, 8), (44_100, 9), (48_000, 10)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_s_number_is_written_as_utf_8_writes_characters() {
        for number in [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x1_0000, 0x10_FFFF] {
            let Some(character) = char::from_u32(number) else { continue };
            let mut bits = Bits::default();
            put_number(number, &mut bits);
            bits.align();

            assert_eq!(bits.into_bytes(), character.to_string().into_bytes(), "{number:x}");
        }
        let mut bits = Bits::default();
        put_number(NUMBERS - 1, &mut bits);
        bits.align();
        assert_eq!(bits.into_bytes(), [0xFD, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF]);
    }
}
