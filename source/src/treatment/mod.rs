//! What is done to every track of a channel before it is mixed with others.
//!
//! It follows from what was measured of the track and from what is said of it; what is live is
//! neither measured nor treated. Pure.

pub mod levelling;
pub mod trim;

use crate::treatment::levelling::Levelling;
use crate::treatment::trim::Trim;

/// What is done to every track; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Treatment {
    /// How they are made equally loud.
    pub levelling: Levelling,
    /// How silence at their ends is cut.
    pub trim: Option<Trim>,
}

impl Treatment {
    /// Whether tracks have to be measured for it.
    pub fn wants_measures(&self) -> bool {
        self.trim.is_some() || self.levelling.wants_measures()
    }

    /// Whether a track needs no measure of which the tags say how loud it is.
    pub fn goes_by_tags(&self) -> bool {
        match self.levelling {
            Levelling::AsIs | Levelling::Loudness(_) => false,
            Levelling::ReplayGain(_) => self.trim.is_none(),
        }
    }
}
