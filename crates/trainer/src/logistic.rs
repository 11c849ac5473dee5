//! The logistic function.

/// 1 / (1 + e^-x) from basic operations only, so that the result is equal on every machine.
pub(crate) fn logistic(x: f32) -> f32 {
    let x = x.clamp(-30.0, 30.0);
    // The Taylor series at x / 64, squared six times.
    let small = -x / 64.0;
    let series = 1.0 + small * (1.0 + small / 2.0 * (1.0 + small / 3.0 * (1.0 + small / 4.0)));
    let power = (0..6).fold(series, |power, _| power * power);
    1.0 / (1.0 + power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximates_logistic_function() {
        for x in -200..200 {
            let x = x as f32 / 10.0;
            let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(logistic(x)) - expected).abs() < 1e-3, "{x}");
        }
    }
}
