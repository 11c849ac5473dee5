//! Fixed-point arithmetic, equal on every machine.
//!
//! Units: a *logit* has units of 1/4096, a *probability* of 1/65536.

/// The fixed-point value of one logit.
pub const LOGIT_SCALE: i64 = 4_096;
/// The fixed-point value of probability 1.
pub(crate) const ONE: u32 = 65_536;

/// Logits are clamped to this bound.
const LIMIT: i64 = 8 * LOGIT_SCALE;
const STEP: i64 = 64;
const CELLS: usize = (2 * LIMIT / STEP) as usize;

/// A table of the logistic function.
pub(crate) struct Logistic([u32; CELLS + 1]);

impl Logistic {
    /// Builds the table with the four basic operations only, whose results IEEE 754 defines exactly; `exp`
    /// of a library differs between machines.
    pub(crate) fn new() -> Self {
        let mut table = [0; CELLS + 1];
        for (cell, probability) in table.iter_mut().enumerate() {
            let logit = (cell as i64 * STEP - LIMIT) as f64 / LOGIT_SCALE as f64;
            *probability = (f64::from(ONE) / (1.0 + exp(-logit)) + 0.5) as u32;
        }
        Self(table)
    }

    /// The probability for a logit, with linear interpolation between cells.
    pub(crate) fn probability(&self, logit: i64) -> u32 {
        let from_left = logit.clamp(-LIMIT, LIMIT - 1) + LIMIT;
        let cell = (from_left / STEP) as usize;
        let (low, high) = (self.0[cell], self.0[cell + 1]);
        low + (high - low) * (from_left % STEP) as u32 / STEP as u32
    }
}

/// e^x for |x| ≤ 8: the Taylor series at x / 256, squared eight times.
fn exp(x: f64) -> f64 {
    let small = x / 256.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..=12 {
        term = term * small / f64::from(n);
        sum += term;
    }
    (0..8).fold(sum, |power, _| power * power)
}

/// The factor of each of `count` features, in units of 1/65536: √(60 / (count + 5)).
#[must_use]
pub fn damping(count: u32) -> i64 {
    ((60_u64 << 32) / (u64::from(count) + 5)).isqrt() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_matches_logistic_function() {
        let logistic = Logistic::new();
        for logit in (-40_000..40_000).step_by(37) {
            let x = (logit as f64 / LOGIT_SCALE as f64).clamp(-8.0, 8.0);
            let expected = f64::from(ONE) / (1.0 + (-x).exp());
            let probability = f64::from(logistic.probability(logit));
            assert!(
                (probability - expected).abs() < 2.0,
                "{logit}: {probability}, {expected}"
            );
        }
    }

    #[test]
    fn damps_long_texts() {
        assert_eq!(damping(55), 65_536);
        assert_eq!(damping(235), 32_768);
        assert!(damping(0) > damping(1));
    }
}
