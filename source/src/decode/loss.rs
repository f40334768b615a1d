//! What of a file could not be decoded: damaged packets, and an end that comes too soon.

use crate::decode::DecodeError;
use std::fmt;
use symphonia::core::errors::Error as Fault;

/// What has been lost so far.
#[derive(Debug, Default)]
pub(super) struct Loss {
    /// Sample frames of the recording, if the file says so for certain.
    promised: Option<u64>,
    /// Damaged packets since the last whole one.
    in_a_row: u32,
    damaged: u64,
    /// Whether the file ended in the middle of something.
    is_cut: bool,
    /// Whether there is nothing to be complete: a stream ends anywhere.
    is_stream: bool,
}

/// A file has been played, but not all of it was there.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub struct Incomplete {
    /// How long it was, in seconds, if it was shorter than it should be.
    cut_after_s: Option<f64>,
    /// How long it should be, if it says so.
    length_s: Option<f64>,
    /// Packets that were left out.
    damaged: u64,
}

impl Loss {
    /// Nothing yet, of a recording that has `promised` to be so many sample frames long.
    pub(super) fn new(promised: Option<u64>) -> Self {
        Self { promised, ..Self::default() }
    }

    /// Nothing yet, of what comes as it is made.
    pub(super) fn of_stream() -> Self {
        Self { is_stream: true, ..Self::default() }
    }

    pub(super) fn note_whole_packet(&mut self) {
        self.in_a_row = 0;
    }

    /// Fails if there have been too many in a row.
    pub(super) fn note_damaged_packet(&mut self, fault: &Fault) -> Result<(), DecodeError> {
        self.in_a_row += 1;
        self.damaged += 1;
        if self.in_a_row < DAMAGED_PACKETS_MAX {
            return Ok(());
        }
        Err(DecodeError::Damaged { packets: self.in_a_row, last: fault.to_string() })
    }

    pub(super) fn note_cut(&mut self) {
        self.is_cut = true;
    }

    /// At the end, once so many sample frames had been decoded: fails, the first time, if there
    /// should have been more, unless all that was wanted `is_over`.
    pub(super) fn sum_up(
        &mut self,
        decoded: u64,
        is_over: bool,
        rate_hz: Option<u32>,
    ) -> Result<(), Incomplete> {
        let Self { promised, damaged, is_cut, is_stream, .. } = std::mem::take(self);
        let seconds = |frames: u64| Some(frames as f64 / f64::from(rate_hz?));
        let tolerated = rate_hz.unwrap_or_default() / 4; // where containers count less exactly
        let is_short = promised.is_some_and(|promised| decoded + u64::from(tolerated) < promised);
        let is_cut = !is_over && (is_cut || is_short);
        if is_stream || !is_cut && damaged == 0 {
            return Ok(());
        }
        Err(Incomplete {
            cut_after_s: is_cut.then(|| seconds(decoded)).flatten(),
            length_s: promised.filter(|_| is_short).and_then(seconds),
            damaged,
        })
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.cut_after_s, self.length_s) {
            (Some(heard_s), Some(length_s)) => {
                write!(f, "only {heard_s:.1} s of {length_s:.1} s can be decoded")?;
            }
            (Some(heard_s), None) => write!(f, "cut off after {heard_s:.1} s")?,
            (None, _) => {}
        }
        if self.cut_after_s.is_some() && self.damaged > 0 {
            f.write_str(", ")?;
        }
        if self.damaged > 0 {
            let ending = if self.damaged == 1 { "" } else { "s" };
            write!(f, "{} damaged packet{ending} left out", self.damaged)?;
        }
        Ok(())
    }
}

/// After so many damaged packets in a row the file is given up; 50 are about a second.
const DAMAGED_PACKETS_MAX: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_is_missing() {
        let line = |loss: &mut Loss, decoded| match loss.sum_up(decoded, false, Some(1_000)) {
            Ok(()) => String::new(),
            Err(incomplete) => incomplete.to_string(),
        };

        assert_eq!(line(&mut Loss::new(Some(10_000)), 9_750), "");
        assert_eq!(
            line(&mut Loss::new(Some(10_000)), 9_749),
            "only 9.7 s of 10.0 s can be decoded"
        );
        let mut cut = Loss::new(None);
        cut.note_cut();
        assert_eq!(line(&mut cut, 3_000), "cut off after 3.0 s");
        assert_eq!(line(&mut cut, 3_000), "", "it is said once");
        let mut spoiled = Loss::new(Some(4_000));
        spoiled.note_damaged_packet(&Fault::ResetRequired).unwrap();
        assert_eq!(line(&mut spoiled, 4_000), "1 damaged packet left out");
        spoiled.note_damaged_packet(&Fault::ResetRequired).unwrap();
        spoiled.note_damaged_packet(&Fault::ResetRequired).unwrap();
        spoiled.note_cut();
        assert_eq!(line(&mut spoiled, 500), "cut off after 0.5 s, 2 damaged packets left out");
    }

    #[test]
    fn neither_a_stream_nor_what_was_not_wanted_is_missed() {
        let mut stream = Loss::of_stream();
        stream.note_cut();
        assert_eq!(stream.sum_up(0, false, Some(1_000)), Ok(()));

        assert_eq!(Loss::new(Some(10_000)).sum_up(500, true, Some(1_000)), Ok(()));
    }

    #[test]
    fn whole_packets_in_between_save_a_file_that_is_full_of_damage() {
        let mut loss = Loss::new(None);
        for _ in 0..3 {
            for _ in 1..DAMAGED_PACKETS_MAX {
                loss.note_damaged_packet(&Fault::ResetRequired).unwrap();
            }
            loss.note_whole_packet();
        }
        for _ in 1..DAMAGED_PACKETS_MAX {
            loss.note_damaged_packet(&Fault::ResetRequired).unwrap();
        }

        assert!(loss.note_damaged_packet(&Fault::ResetRequired).is_err());
    }
}
