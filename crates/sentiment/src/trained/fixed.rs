//! Fixed-point arithmetic: the same answer on every machine.
//!
//! Terms: a *logit* is held in 4096ths, a *share* (a probability) in 65536ths.

/// One logit.
pub const LOGIT: i64 = 4_096;
/// A share of one.
pub(crate) const ONE: u32 = 65_536;

/// Logits beyond this have the share of it.
const LIMIT: i64 = 8 * LOGIT;
const STEP: i64 = 64;
const CELLS: usize = (2 * LIMIT / STEP) as usize;

/// The logistic function, tabled.
pub(crate) struct Logistic([u32; CELLS + 1]);

impl Logistic {
    /// The table. It is made with the four basic operations alone, which IEEE 754 fixes to the bit;
    /// a library's `exp` differs from machine to machine.
    pub(crate) fn new() -> Self {
        let mut table = [0; CELLS + 1];
        for (cell, share) in table.iter_mut().enumerate() {
            let logit = (cell as i64 * STEP - LIMIT) as f64 / LOGIT as f64;
            *share = (f64::from(ONE) / (1.0 + exp(-logit)) + 0.5) as u32;
        }
        Self(table)
    }

    /// The share that belongs to a logit, straight lines between the table's cells.
    pub(crate) fn share(&self, logit: i64) -> u32 {
        let from_left = logit.clamp(-LIMIT, LIMIT - 1) + LIMIT;
        let cell = (from_left / STEP) as usize;
        let (low, high) = (self.0[cell], self.0[cell + 1]);
        low + (high - low) * (from_left % STEP) as u32 / STEP as u32
    }
}

/// e to the `x`, for |x| up to 8: the series at x / 256, then squared eight times.
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

/// How much one feature of `count` counts, in 65536ths: √(60 / (count + 5)).
#[must_use]
pub fn damping(count: u32) -> i64 {
    ((60_u64 << 32) / (u64::from(count) + 5)).isqrt() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_logistic_function() {
        let logistic = Logistic::new();
        for logit in (-40_000..40_000).step_by(37) {
            let x = (logit as f64 / LOGIT as f64).clamp(-8.0, 8.0);
            let expected = f64::from(ONE) / (1.0 + (-x).exp());
            let share = f64::from(logistic.share(logit));
            assert!(
                (share - expected).abs() < 2.0,
                "{logit}: {share}, {expected}"
            );
        }
    }

    #[test]
    fn a_long_text_is_damped() {
        assert_eq!(damping(55), 65_536);
        assert_eq!(damping(235), 32_768);
        assert!(damping(0) > damping(1));
    }
}
