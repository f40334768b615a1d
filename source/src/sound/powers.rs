//! Logarithms and powers of two, for a row of samples at a time.
//!
//! Both are polynomials on the bits of a number, written without a branch so that several go
//! through at once. They are right to 0.000 1 dB, which is as good as any for a gain. Pure.

/// The logarithm to the base of two; of nothing, −126.
pub(super) fn log2(value: f32) -> f32 {
    let bits = value.max(f32::MIN_POSITIVE).to_bits();
    #[expect(clippy::cast_possible_wrap, reason = "an exponent has eight bits")]
    let exponent = ((bits >> 23) as i32 - 127) as f32;
    // The rest is from 1 to 2; about the middle of that, the artanh has few terms.
    let rest = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    let x = (rest - MIDDLE) / (rest + MIDDLE);
    let square = x * x;
    let series = x * (2.0 + square * (0.666_666_7 + square * (0.4 + square * 0.285_714_3)));
    exponent + 0.5 + series * std::f32::consts::LOG2_E
}

/// Two to this power, from −126 to 126.
pub(super) fn exp2(power: f32) -> f32 {
    let power = power.clamp(-126.0, 126.0);
    // Adding so much leaves no place for what is behind the point.
    let whole = (power + ROUNDING) - ROUNDING;
    let part = (power - whole) * std::f32::consts::LN_2;
    let high = 0.166_666_67 + part * (0.041_666_67 + part * 0.008_333_334);
    let series = 1.0 + part * (1.0 + part * (0.5 + part * high));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 253")]
    let exponent = (whole as i32 + 127) as u32;
    series * f32::from_bits(exponent << 23)
}

/// The middle of 1 and 2, as a ratio.
const MIDDLE: f32 = std::f32::consts::SQRT_2;
const ROUNDING: f32 = 12_582_912.0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_a_logarithm_too() {
        assert_eq!(log2(0.0).round(), -126.0);
        assert_eq!(exp2(-1e9), exp2(-126.0));
        assert_eq!((exp2(0.0), exp2(1.0), exp2(-3.0)), (1.0, 2.0, 0.125));
    }

    proptest! {
        #[test]
        fn both_are_right_to_a_ten_thousandth_of_a_decibel(power in -100.0..100.0_f32) {
            let exact = f64::from(power).exp2();
            prop_assert!((f64::from(exp2(power)) / exact - 1.0).abs() < 1e-5);
            prop_assert!((log2(power.exp2()) - power.exp2().log2()).abs() < 2e-5);
        }
    }
}
