//! Bits, the most significant first, and the two checksums of a FLAC frame.

/// Puts bits one after the other.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// The last bits, at the low end; fewer than 32 of them between calls.
    pending: u64,
    pending_bits: u32,
}

impl Bits {
    /// Puts the lowest `bits` of `value`, at most 32; those above them must be zero.
    pub(super) fn put(&mut self, value: u32, bits: u32) {
        self.pending = self.pending << bits | u64::from(value);
        self.pending_bits += bits;
        if self.pending_bits >= 32 {
            self.pending_bits -= 32;
            #[expect(clippy::cast_possible_truncation, reason = "all above are bits put before")]
            let whole = (self.pending >> self.pending_bits) as u32;
            self.bytes.extend_from_slice(&whole.to_be_bytes());
        }
    }

    /// Puts `value` in `bits`, which it must fit in, as two's complement.
    pub(super) fn put_signed(&mut self, value: i32, bits: u32) {
        self.put(value.cast_unsigned() & u32::MAX >> (32 - bits), bits);
    }

    /// Puts `count` zeros.
    pub(super) fn put_zeros(&mut self, mut count: u32) {
        while count > 0 {
            let some = count.min(32);
            self.put(0, some);
            count -= some;
        }
    }

    /// Fills up the last byte with zeros.
    pub(super) fn align(&mut self) {
        self.put_zeros(self.pending_bits.wrapping_neg() % 8);
        while self.pending_bits > 0 {
            self.pending_bits -= 8;
            self.bytes.push((self.pending >> self.pending_bits & 0xFF) as u8);
        }
    }

    /// All whole bytes; to be asked when the last is filled up.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, of which the last must be filled up.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_follow_each_other_the_most_significant_first() {
        let mut bits = Bits::default();
        bits.put(0b101, 3);
        bits.put_signed(-2, 4);
        bits.put_zeros(33);
        bits.put(u32::MAX, 32);
        bits.put(1, 1);
        bits.align();

        let expected = [0b1011_1100, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0b1000_0000];
        assert_eq!(bits.into_bytes(), expected);
    }
}
