//! Any channel layout to stereo.
//!
//! Mono goes to both sides at full level. From more than two channels the front stays where it
//! is, the middle and what is behind come in at −3 dB (the down-mix of ITU-R BS.775), the channel
//! of low frequencies is left out as that recommendation has it, and everything is then lowered
//! so far that no mixture can exceed full scale.

use crate::pcm::block::{Block, Layout, Speaker};

/// Mixes blocks of one layout to stereo.
#[derive(Clone, Debug, PartialEq)]
pub struct ToStereo {
    layout: Layout,
    /// Per channel of the layout: its share in left and in right.
    shares: Vec<[f32; 2]>,
}

impl ToStereo {
    /// The mixture for blocks of `layout`.
    pub fn new(layout: &Layout) -> Self {
        let shares = match layout.speakers() {
            [_] => vec![[1.0, 1.0]],
            [_, _] => vec![[1.0, 0.0], [0.0, 1.0]],
            speakers => lowered(speakers.iter().map(|&speaker| share(speaker)).collect()),
        };
        Self { layout: layout.clone(), shares }
    }

    /// Whether this mixture is the one for `layout`.
    pub fn suits(&self, layout: &Layout) -> bool {
        self.layout == *layout
    }

    /// `block`, which must be of this mixture's layout, as stereo.
    pub fn mix(&self, block: Block) -> Block {
        if block.layout() == &Layout::stereo() {
            return block;
        }
        let side = |side: usize| {
            let mut mixed = vec![0.0_f32; block.sample_frames()];
            for (plane, share) in block.planes().iter().zip(&self.shares) {
                let share = share[side];
                for (sum, sample) in mixed.iter_mut().zip(plane) {
                    *sum += share * sample;
                }
            }
            mixed
        };
        Block::stereo(block.rate_hz(), side(0), side(1))
    }
}

fn share(speaker: Speaker) -> [f32; 2] {
    match speaker {
        Speaker::Left => [1.0, 0.0],
        Speaker::Right => [0.0, 1.0],
        Speaker::Centre => [HALF_POWER, HALF_POWER],
        Speaker::BackLeft => [HALF_POWER, 0.0],
        Speaker::BackRight => [0.0, HALF_POWER],
        Speaker::BackCentre | Speaker::Other => [0.5, 0.5],
        Speaker::LowFrequency => [0.0, 0.0],
    }
}

fn lowered(mut shares: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
    let sum = |side: usize| shares.iter().map(|share| share[side]).sum::<f32>();
    let most = sum(0).max(sum(1)).max(1.0);
    for share in &mut shares {
        *share = share.map(|part| part / most);
    }
    shares
}

const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_is_heard_on_both_sides_at_full_level() {
        let mono = Block::of(8_000, Layout::mono(), vec![vec![0.25, -1.0]]).unwrap();

        let stereo = ToStereo::new(mono.layout()).mix(mono);

        assert_eq!(stereo.planes(), [[0.25, -1.0], [0.25, -1.0]]);
    }

    #[test]
    fn stereo_passes_untouched() {
        let block = Block::stereo(8_000, vec![0.1], vec![-0.2]);

        assert_eq!(ToStereo::new(block.layout()).mix(block.clone()), block);
    }

    #[test]
    fn full_scale_on_every_channel_of_5_1_does_not_exceed_full_scale() {
        let stereo = ToStereo::new(&surround()).mix(all_at(1.0));

        for side in stereo.planes() {
            assert!((side[0] - 1.0).abs() < 1e-6, "{side:?}");
        }
    }

    #[test]
    fn a_voice_in_the_middle_is_in_the_middle() {
        let mut block = all_at(0.0);
        block.plane_mut(2)[0] = 1.0;

        let stereo = ToStereo::new(&surround()).mix(block);

        assert!(stereo.plane(0)[0] > 0.2);
        assert_eq!(stereo.plane(0), stereo.plane(1));
    }

    #[test]
    fn what_is_behind_on_the_left_stays_on_the_left() {
        let mut block = all_at(0.0);
        block.plane_mut(4)[0] = 1.0;

        let stereo = ToStereo::new(&surround()).mix(block);

        assert!(stereo.plane(0)[0] > 0.2);
        assert_eq!(stereo.plane(1), [0.0]);
    }

    fn all_at(level: f32) -> Block {
        Block::of(48_000, surround(), vec![vec![level]; 6]).unwrap()
    }

    fn surround() -> Layout {
        Layout::of(&[
            Speaker::Left,
            Speaker::Right,
            Speaker::Centre,
            Speaker::LowFrequency,
            Speaker::BackLeft,
            Speaker::BackRight,
        ])
    }
}
