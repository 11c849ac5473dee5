//! Rounding of the numbers in answers.

/// How far below a half a value may be and still be rounded away from zero, in units of the last
/// place. A mean is stored in binary, so 2.675 may be slightly less. A feeling that is really below
/// a half differs from it by more than this in any hour of under 500 million posts.
const HALF_TOLERANCE: f64 = 1e-9;

/// Rounds to `PLACES` decimals, halves away from zero; a zero has no sign.
pub(crate) fn round<const PLACES: i32>(value: f64) -> f64 {
    let scale = 10f64.powi(PLACES);
    let scaled = value * scale;
    let rounded = (scaled + HALF_TOLERANCE.copysign(scaled)).round() / scale;
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_halves_away_from_zero() {
        let cases = [
            (5.0 / 3.0, 1.67),
            (7.0, 7.0),
            (2.675, 2.68),
            (201.0 / 200.0, 1.01),
            (223.0 / 200.0, 1.12),
            (-0.125, -0.13),
            (-2.675, -2.68),
            (1.004_999, 1.0),
            (2.674_999_9, 2.67),
            (-0.004, 0.0),
            (-0.0, 0.0),
            (0.0, 0.0),
        ];
        for (value, expected) in cases {
            let rounded = round::<2>(value);
            assert_eq!(rounded, expected, "{value}");
            assert!(rounded != 0.0 || rounded.is_sign_positive(), "{value}");
        }
        assert_eq!(round::<4>(0.900_000_000_1), 0.9);
        assert_eq!(round::<4>(1.0), 1.0);
        assert_eq!(round::<4>(0.000_05), 0.0001);
    }

    proptest! {
        #[test]
        fn rounds_feeling_like_its_exact_fraction(
            posts in 1u64..100_000_000, share in 0.0f64..=4.0,
        ) {
            let class_sum = (share * posts as f64) as u64;
            // Half up in integers, without binary fractions.
            let hundredths = (200 * class_sum + posts) / (2 * posts);
            let rounded = round::<2>(class_sum as f64 / posts as f64);
            prop_assert_eq!(rounded, hundredths as f64 / 100.0);
        }

        #[test]
        fn rounds_every_half_hundredth_up(class_sum in 0u64..400, times in 1u64..10_000) {
            let posts = 200 * times;
            let sum = (2 * class_sum + 1) * times;
            let rounded = round::<2>(sum as f64 / posts as f64);
            prop_assert_eq!(rounded, (class_sum + 1) as f64 / 100.0);
        }
    }
}
