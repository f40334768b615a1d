//! AAC by the Fraunhofer FDK, in ADTS frames.
//!
//! It takes 16 bits: samples are rounded, not dithered, since what a lossy encoder leaves out is
//! far louder than the rounding. It gives a whole frame for each 1 024 sample frames that went in
//! (HE-AAC: 2 048), a frame or two later, and every frame begins with a header of its own, so a
//! decoder may begin at any of them.

use crate::encode::aac::{Aac, Profile};
use crate::encode::{Channels, EncodeError, Encoded, Encoder};
use crate::pcm::block::Block;
use bytes::Bytes;
use common::mpeg::frame::FRAME_BYTES_MAX;
use fdk_aac::enc;
use std::collections::VecDeque;

/// The encoder of a whole run.
pub(super) struct AacEncoder {
    fdk: enc::Encoder,
    channels: usize,
    /// Sample frames in a frame.
    frame_sample_frames: u32,
    /// What does not yet fill a frame: left, right, left, right.
    samples: Vec<i16>,
    frames: VecDeque<Bytes>,
    scratch: Vec<u8>,
}

impl AacEncoder {
    /// An encoder with these settings.
    pub(super) fn new(settings: Aac) -> Result<Self, EncodeError> {
        let Aac { rate_hz, channels, bitrate_kbps, profile } = settings;
        let refused = |reason: String| EncodeError::Refused {
            encoder: ENCODER,
            settings: format!("{bitrate_kbps} kbit/s at {rate_hz} Hz, profile {}", profile.name()),
            reason,
        };
        if !profile.rates_hz().contains(&rate_hz) {
            return Err(refused("not a sample rate of this profile".to_owned()));
        }
        if profile == Profile::HeV2 && channels == Channels::Mono {
            return Err(refused("this profile is of two channels".to_owned()));
        }
        if !profile.bitrates_kbps(rate_hz, channels).contains(&bitrate_kbps) {
            return Err(refused("not a bit rate of this profile at this sample rate".to_owned()));
        }
        let fdk = enc::Encoder::new(enc::EncoderParams {
            bit_rate: enc::BitRate::Cbr(bitrate_kbps * 1_000),
            sample_rate: rate_hz,
            transport: enc::Transport::Adts,
            channels: match channels {
                Channels::Mono => enc::ChannelMode::Mono,
                Channels::Stereo => enc::ChannelMode::Stereo,
            },
            audio_object_type: match profile {
                Profile::He => enc::AudioObjectType::Mpeg4HeAac,
                Profile::HeV2 => enc::AudioObjectType::Mpeg4HeAacV2,
                Profile::Lc => enc::AudioObjectType::Mpeg4LowComplexity,
            },
        })
        .map_err(|error| refused(error.to_string()))?;
        let info = fdk.info().map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            fdk,
            channels: channels.count(),
            frame_sample_frames: info.frameLength,
            samples: Vec::new(),
            frames: VecDeque::new(),
            scratch: vec![0; FRAME_BYTES_MAX],
        })
    }
}

impl Encoder for AacEncoder {
    fn feed(&mut self, block: &Block) -> Result<(), EncodeError> {
        match block.planes() {
            // The usual case, in a way that the compiler does several of at once.
            [left, right] => {
                let both =
                    left.iter().zip(right).map(|(left, right)| [level(*left), level(*right)]);
                self.samples.extend(both.collect::<Vec<_>>().as_flattened());
            }
            planes => {
                for at in 0..block.sample_frames() {
                    self.samples.extend(planes.iter().map(|plane| level(plane[at])));
                }
            }
        }
        // Never less than a frame: where the FDK has to put one together of pieces, it writes
        // beyond its buffer in HE-AAC v2 (it counts the channels of the core, which are half).
        let mut frames =
            self.samples.chunks_exact(self.channels * self.frame_sample_frames as usize);
        for frame in &mut frames {
            let encoded = self
                .fdk
                .encode(frame, &mut self.scratch)
                .map_err(|error| failed(error.to_string()))?;
            if encoded.input_consumed != frame.len() {
                let (taken, given) = (encoded.input_consumed, frame.len());
                return Err(failed(format!("it took {taken} samples of {given}")));
            }
            if encoded.output_size > 0 {
                self.frames.push_back(Bytes::copy_from_slice(&self.scratch[..encoded.output_size]));
            }
        }
        let rest = frames.remainder().len();
        self.samples.drain(..self.samples.len() - rest);
        Ok(())
    }

    fn frame(&mut self) -> Option<Encoded> {
        let (bytes, sample_frames) = (self.frames.pop_front()?, self.frame_sample_frames);
        Some(Encoded { bytes, sample_frames, head: Bytes::new() })
    }
}

fn failed(reason: String) -> EncodeError {
    EncodeError::Failed { encoder: ENCODER, reason }
}

/// `sample` in 16 bits, the nearest; what exceeds full scale is cut.
///
/// `f32::round` is a call of a function for each sample, on processors as old as we build for.
fn level(sample: f32) -> i16 {
    let full = sample * 32_768.0;
    #[expect(clippy::cast_possible_truncation, reason = "a cast of floats cuts at the ends")]
    let level = (full + 0.5_f32.copysign(full)) as i16;
    level
}

const ENCODER: &str = "the FDK";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::tone::{Filler, Sound};
    use crate::pcm::block::Layout;
    use common::mpeg::frame::Header;

    #[test]
    fn every_profile_gives_whole_frames_of_its_kind_at_its_bit_rate() {
        for profile in PROFILES {
            for &rate_hz in profile.rates_hz() {
                for channels in [Channels::Stereo, Channels::Mono] {
                    if profile == Profile::HeV2 && channels == Channels::Mono {
                        continue;
                    }
                    let all = profile.bitrates_kbps(rate_hz, channels);
                    let usual = profile.usual_kbps(channels);
                    for bitrate_kbps in [*all.start(), usual, *all.end()] {
                        check(Aac { rate_hz, channels, bitrate_kbps, profile });
                    }
                }
            }
        }
    }

    /// That `settings` give frames which are what they should be.
    fn check(settings: Aac) {
        let seconds = 4;
        let frames = encoded(settings, seconds);

        let (long, shift) = match settings.profile {
            Profile::He | Profile::HeV2 => (2_048, 1),
            Profile::Lc => (1_024, 0),
        };
        let fed = seconds * settings.rate_hz;
        let played: u32 = frames.iter().map(|frame| frame.sample_frames).sum();
        assert!((fed - 4 * long..=fed).contains(&played), "{settings:?}: {played} of {fed}");
        let mut bytes = 0;
        for Encoded { bytes: frame, sample_frames, .. } in &frames {
            let header = Header::adts(frame).unwrap();
            assert_eq!(header.frame_bytes, frame.len(), "{settings:?}");
            // The header speaks of the lower half of the treble, which all decoders know.
            assert_eq!(header.rate_hz, settings.rate_hz >> shift, "{settings:?}");
            assert_eq!((*sample_frames, header.sample_frames << shift), (long, long));
            bytes += frame.len();
        }
        let kbps = bytes as f64 * 8.0 * f64::from(settings.rate_hz) / f64::from(played) / 1_000.0;
        let asked = f64::from(settings.bitrate_kbps);
        assert!((kbps / asked - 1.0).abs() < 0.06, "{settings:?}: {kbps:.1} kbit/s");
    }

    #[test]
    fn samples_become_the_nearest_of_16_bits_and_are_cut_at_full_scale() {
        for (sample, expected) in [
            (0.0, 0),
            (0.4, 0),
            (-0.4, 0),
            (0.6, 1),
            (-0.6, -1),
            (-20_000.5, -20_001),
            (32_767.4, 32_767),
            (40_000.0, 32_767),
            (-32_768.0, -32_768),
            (-40_000.0, -32_768),
            (f32::NAN, 0),
        ] {
            assert_eq!(level(sample / 32_768.0), expected, "{sample}");
        }
    }

    #[test]
    fn how_the_programme_is_cut_changes_nothing() {
        for profile in PROFILES {
            let rate_hz = 44_100;
            let settings = Aac {
                rate_hz,
                channels: Channels::Stereo,
                bitrate_kbps: profile.usual_kbps(Channels::Stereo),
                profile,
            };
            let whole = Filler::new(Sound::Tone, rate_hz).next(50_000);
            let mut one = AacEncoder::new(settings).unwrap();
            one.feed(&whole).unwrap();
            let expected: Vec<_> = std::iter::from_fn(|| one.frame()).collect();
            assert!(expected.len() > 20);

            for length in [97, 1_152, 5_000] {
                let (mut rest, mut encoder) = (whole.clone(), AacEncoder::new(settings).unwrap());
                while rest.sample_frames() > 0 {
                    encoder.feed(&rest.take_front(length)).unwrap();
                }
                let cut = std::iter::from_fn(|| encoder.frame());
                assert!(cut.eq(expected.clone()), "{profile:?}: {length}");
            }
        }
    }

    #[test]
    fn what_exceeds_full_scale_is_cut_and_does_not_wrap_around() {
        assert_eq!([-1.5, -1.0, 0.0, 1.0, 9.0].map(level), [-32_768, -32_768, 0, 32_767, 32_767]);
        assert_eq!(level(f32::NAN), 0);
    }

    #[test]
    fn settings_that_a_profile_does_not_have_are_refused_with_a_reason() {
        let (mono, stereo) = (Channels::Mono, Channels::Stereo);
        for (rate_hz, channels, bitrate_kbps, profile) in [
            (44_101, stereo, 96, Profile::Lc),
            (44_100, stereo, 15, Profile::Lc),
            (24_000, stereo, 48, Profile::He),
            (44_100, stereo, 96, Profile::HeV2),
            (44_100, mono, 32, Profile::HeV2),
        ] {
            let refused =
                AacEncoder::new(Aac { rate_hz, channels, bitrate_kbps, profile }).err().unwrap();

            assert!(refused.to_string().contains("the FDK refuses"), "{refused}");
        }
    }

    fn encoded(settings: Aac, seconds: u32) -> Vec<Encoded> {
        let mut encoder = AacEncoder::new(settings).unwrap();
        let noise = crate::test_audio::noise((seconds * settings.rate_hz) as usize);
        let other = noise.iter().rev().copied().collect();
        encoder
            .feed(&match settings.channels {
                Channels::Mono => Block::of(settings.rate_hz, Layout::mono(), vec![noise]).unwrap(),
                Channels::Stereo => Block::stereo(settings.rate_hz, noise, other),
            })
            .unwrap();
        std::iter::from_fn(|| encoder.frame()).collect()
    }

    const PROFILES: [Profile; 3] = [Profile::He, Profile::HeV2, Profile::Lc];
}
