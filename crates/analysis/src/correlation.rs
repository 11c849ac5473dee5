//! The squared Pearson correlation.

use statrs::statistics::Statistics;

/// Values whose relative difference is below this are equal up to rounding: a mean of means is a few
/// roundings away from the exact value.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// The squared Pearson correlation of the pairs, 0 to 1.
///
/// `None` if it is undefined: for fewer than two pairs, a value that is not finite, or a constant
/// series (up to rounding).
#[must_use]
pub fn r_squared(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 2 {
        return None;
    }
    let left = normalize(pairs.iter().map(|pair| pair.0).collect())?;
    let right = normalize(pairs.iter().map(|pair| pair.1).collect())?;
    let covariance = left.iter().covariance(right.iter());
    let r = covariance / (left.iter().variance() * right.iter().variance()).sqrt();
    let r2 = r * r;
    r2.is_finite().then(|| r2.clamp(0.0, 1.0))
}

/// Shifts the values so that the first is 0 and scales them so that the largest magnitude is 1.
///
/// The correlation does not change, while equal values become exact zeros, a large common offset
/// loses no digits, and sums cannot overflow. `None` if a value is not finite or all are equal.
fn normalize(mut values: Vec<f64>) -> Option<Vec<f64>> {
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let size = max_magnitude(&values);
    let first = values.first()? / 2.0;
    for value in &mut values {
        // Halves, because the difference of two finite values may overflow.
        *value = *value / 2.0 - first;
    }
    let spread = max_magnitude(&values);
    if spread <= size / 2.0 * ROUNDING {
        return None;
    }
    for value in &mut values {
        *value /= spread;
    }
    Some(values)
}

fn max_magnitude(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max, value| max.max(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equals_hand_calculation() {
        // Means 2 and 5; sums of products 6, of squares 2 and 20: 36 / 40.
        let pairs = [(1.0, 2.0), (2.0, 4.0), (3.0, 8.0), (2.0, 6.0)];
        let r2 = r_squared(&pairs).unwrap();
        assert!((r2 - 0.9).abs() < 1e-15, "{r2}");
    }

    #[test]
    fn is_undefined_without_two_pairs_variance_or_finite_values() {
        let cases: [(&str, &[(f64, f64)]); 9] = [
            ("no pair", &[]),
            ("one pair", &[(1.0, 2.0)]),
            ("no variance on the left", &[(1.0, 2.0), (1.0, 3.0)]),
            ("no variance on the right", &[(1.0, 2.0), (3.0, 2.0)]),
            ("no variance at all", &[(0.0, 0.0), (0.0, 0.0)]),
            ("thirds", &[(0.1, 1.0), (0.1, 2.0), (0.1, 4.0)]),
            (
                "rounding alone",
                &[(7.1, 1.0), (21.3 / 3.0, 2.0), (7.1, 3.0)],
            ),
            ("not a number", &[(f64::NAN, 1.0), (2.0, 2.0)]),
            ("infinite", &[(1.0, 1.0), (2.0, f64::INFINITY)]),
        ];
        for (name, pairs) in cases {
            assert_eq!(r_squared(pairs), None, "{name}");
        }
    }

    #[test]
    fn is_stable_for_extreme_values() {
        for scale in [1e-300, 1e-9, 1.0, 1e9, 1e307] {
            let pairs = [(-scale, 1.0), (scale, 2.0), (0.5 * scale, 1.0)];
            let expected = r_squared(&[(-1.0, 1.0), (1.0, 2.0), (0.5, 1.0)]).unwrap();
            let r2 = r_squared(&pairs).unwrap();
            assert!((r2 - expected).abs() < 1e-12, "{scale}: {r2}");
        }
        let far = [(1e9, 0.0), (1e9 + 1.0, 1.0), (1e9 + 2.0, 2.0)];
        assert_eq!(r_squared(&far), Some(1.0));
        assert_eq!(r_squared(&[(-f64::MAX, 0.0), (f64::MAX, 1.0)]), Some(1.0));
    }

    fn pairs() -> impl Strategy<Value = Vec<(f64, f64)>> {
        // Thousandths, so that a series has either a clear variance or none.
        let value = (-100_000i32..100_000).prop_map(|n| f64::from(n) / 1000.0);
        proptest::collection::vec((value.clone(), value), 0..40)
    }

    fn close(a: Option<f64>, b: Option<f64>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        }
    }

    proptest! {
        #[test]
        fn is_within_0_to_1(pairs in pairs()) {
            if let Some(r2) = r_squared(&pairs) {
                prop_assert!((0.0..=1.0).contains(&r2), "{r2}");
            }
        }

        #[test]
        fn is_within_0_to_1_for_any_floats(
            pairs in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..8),
        ) {
            if let Some(r2) = r_squared(&pairs) {
                prop_assert!((0.0..=1.0).contains(&r2), "{r2}");
            }
        }

        #[test]
        fn is_symmetric(pairs in pairs()) {
            let swapped: Vec<_> = pairs.iter().map(|(x, y)| (*y, *x)).collect();
            prop_assert!(close(r_squared(&pairs), r_squared(&swapped)));
        }

        #[test]
        fn is_invariant_under_linear_map(
            pairs in pairs(), slope in 0.01f64..100.0, offset in -100.0f64..100.0,
        ) {
            let mapped: Vec<_> = pairs.iter().map(|(x, y)| (x * slope + offset, *y)).collect();
            prop_assert!(close(r_squared(&pairs), r_squared(&mapped)));
        }

        #[test]
        fn is_1_for_a_line(
            xs in proptest::collection::vec(-1000i32..1000, 2..40),
            slope in prop_oneof![-100.0f64..-0.01, 0.01f64..100.0],
            offset in -100.0f64..100.0,
        ) {
            let line: Vec<_> = xs.iter().map(|x| f64::from(*x))
                .map(|x| (x, slope * x + offset)).collect();
            match r_squared(&line) {
                Some(r2) => prop_assert!((r2 - 1.0).abs() < 1e-9, "{r2}"),
                None => prop_assert!(xs.iter().all(|x| *x == xs[0])),
            }
        }
    }
}
