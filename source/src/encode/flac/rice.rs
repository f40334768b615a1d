//! What a predictor leaves over, in Rice codes.
//!
//! Small numbers get short codes: a number is cut in two, the lower part, of as many bits as the
//! *parameter* says, as it is, and the upper part as so many zeros and a one. The parameter suits
//! one loudness, so the block is divided into 1, 2, 4 … *partitions*, each with a parameter of its
//! own.

use super::bits::Bits;

/// How to write the rest of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The block is divided into two to this power.
    partition_order: u32,
    parameters: Vec<u32>,
    /// How many bits of a parameter are written.
    parameter_bits: u32,
    /// How many bits all of it will be, nearly.
    pub(super) bits: u64,
}

impl Plan {
    /// The best way to write `rest`, what is over of a block of which the first `order` sample
    /// frames were not predicted.
    pub(super) fn new(rest: &[i32], order: usize) -> Self {
        let block = rest.len() + order;
        let finest = (0..=PARTITION_ORDER_MAX)
            .rev()
            .find(|by| block.is_multiple_of(1 << by) && block >> by > order)
            .unwrap_or(0);
        let mut sums = sums(rest, order, block >> finest);
        let loudest = rest.iter().fold(0, |all, value| all | value.unsigned_abs());
        let wide = loudest >= 1 << PARAMETER_MAX;
        let (parameter_bits, most) =
            if wide { (5, WIDE_PARAMETER_MAX) } else { (4, PARAMETER_MAX) };
        let mut best: Option<Self> = None;
        for partition_order in (0..=finest).rev() {
            let plain = block >> partition_order;
            let mut bits = 6;
            let mut parameters = Vec::with_capacity(sums.len());
            for (number, &sum) in sums.iter().enumerate() {
                let count = if number == 0 { plain - order } else { plain };
                let (parameter, needed) = parameter(sum, count as u64, most);
                parameters.push(parameter);
                bits += needed + u64::from(parameter_bits);
            }
            if best.as_ref().is_none_or(|best| bits < best.bits) {
                best = Some(Self { partition_order, parameters, parameter_bits, bits });
            }
            sums = sums.chunks(2).map(|pair| pair.iter().sum()).collect();
        }
        best.expect("there is always the undivided block")
    }

    /// Writes `rest`, for which this plan was made.
    pub(super) fn write(&self, rest: &[i32], order: usize, out: &mut Bits) {
        out.put(self.parameter_bits - 4, 2);
        out.put(self.partition_order, 4);
        let plain = (rest.len() + order) >> self.partition_order;
        let (first, others) = rest.split_at(plain - order);
        let partitions = std::iter::once(first).chain(others.chunks(plain.max(1)));
        for (partition, &parameter) in partitions.zip(&self.parameters) {
            out.put(parameter, self.parameter_bits);
            for &value in partition {
                let folded = fold(value);
                let upper = folded >> parameter;
                let lower = folded & ((1 << parameter) - 1) | 1 << parameter;
                let bits = upper.saturating_add(parameter + 1);
                if bits <= 32 {
                    out.put(lower, bits);
                } else {
                    out.put_zeros(upper);
                    out.put(lower, parameter + 1);
                }
            }
        }
    }
}

/// The sums of what is over, without signs, in partitions of `plain`.
fn sums(rest: &[i32], order: usize, plain: usize) -> Vec<u64> {
    let (first, others) = rest.split_at(plain.saturating_sub(order).min(rest.len()));
    let sum = |part: &[i32]| part.iter().map(|value| u64::from(value.unsigned_abs())).sum();
    std::iter::once(first).chain(others.chunks(plain.max(1))).map(sum).collect()
}

/// The parameter for `count` numbers which without signs sum up to `sum`, and how many bits they
/// take with it.
fn parameter(sum: u64, count: u64, most: u32) -> (u32, u64) {
    let needed = |parameter: u32| {
        // A number takes the bits of the lower part, the one, and its upper part: twice the number
        // (the sign is folded in), shifted, of which half a step is lost on average.
        (u64::from(parameter) + 1) * count + ((2 * sum) >> parameter).saturating_sub(count / 2)
    };
    let mean = sum.checked_div(count).unwrap_or(0);
    let near = (u64::BITS - mean.leading_zeros()).min(most);
    let all = near.saturating_sub(1)..=near;
    all.map(|parameter| (parameter, needed(parameter))).min_by_key(|it| it.1).unwrap_or((0, 0))
}

/// The sign at the lowest place: 0, −1, 1, −2, 2 become 0, 1, 2, 3, 4.
fn fold(value: i32) -> u32 {
    (value << 1 ^ value >> 31).cast_unsigned()
}

/// At most 32 partitions.
const PARTITION_ORDER_MAX: u32 = 5;
/// What a parameter of 4 bits can say.
const PARAMETER_MAX: u32 = 14;
/// What a parameter of 5 bits can say.
const WIDE_PARAMETER_MAX: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_is_folded_in() {
        let folded = [0, -1, 1, -2, i32::MAX, i32::MIN].map(fold);

        assert_eq!(folded, [0, 1, 2, 3, u32::MAX - 1, u32::MAX]);
    }

    #[test]
    fn a_loud_half_and_a_quiet_half_get_parameters_of_their_own() {
        let mut rest = vec![1_000; 64];
        rest.extend([0; 64]);

        let plan = Plan::new(&rest, 0);

        assert_eq!((plan.partition_order, plan.parameters.as_slice()), (1, &[10, 0][..]));
        let mut bits = Bits::default();
        plan.write(&rest, 0, &mut bits);
        bits.align();
        let written = 8 * bits.bytes().len() as u64;
        assert!(written.abs_diff(plan.bits) < 64 + 8, "{written} of {}", plan.bits);
    }
}
