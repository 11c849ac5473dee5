//! Autocorrelated noise as a closed-form function of time.
//!
//! Terms: a *layer* has a normal-like value at *nodes* of equal distance, and between two nodes the
//! mixture of both that has the same variance; noise is a sum of layers with different distances, from
//! hours to days.
//!
//! Guarantees: the mean is 0 and the variance 1 at every time; values at times farther apart than two
//! nodes of the longest layer are independent.

use std::f64::consts::FRAC_PI_2;

use crate::rng::{KeyedRng, Purpose};

/// The distance of the nodes in hours, and the share of the variance.
pub(crate) type Layers = &'static [(f64, f64)];

/// A series of noise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    pub(crate) seed: u64,
    pub(crate) purpose: Purpose,
    pub(crate) layers: Layers,
}

impl Noise {
    /// The value at a time in hours since 1970-01-01 UTC.
    pub(crate) fn at(&self, hours: f64) -> f64 {
        let layers = (0u64..).zip(self.layers);
        layers
            .map(|(index, (distance, share))| share.sqrt() * self.layer(index, hours / distance))
            .sum()
    }

    fn layer(&self, index: u64, nodes: f64) -> f64 {
        let seed = self.seed.wrapping_add(index << 32);
        // Each series has its own phase, so that no hour of the day is always near a node.
        let position = nodes + KeyedRng::new(seed, self.purpose, u64::MAX).unit();
        let node = position.floor();
        let value = |node: f64| normal(KeyedRng::new(seed, self.purpose, node as i64 as u64));
        let angle = (position - node) * FRAC_PI_2;
        value(node) * angle.cos() + value(node + 1.0) * angle.sin()
    }
}

/// Nearly normal, of mean 0 and variance 1, within ±3.5: the sum of four uniform numbers (the Irwin-Hall
/// distribution).
fn normal(mut rng: KeyedRng) -> f64 {
    let sum: f64 = (0..4).map(|_| rng.unit()).sum();
    (sum - 2.0) * 3.0_f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: Layers = &[(3.0, 0.5), (11.0, 0.5)];

    fn noise(seed: u64) -> Noise {
        Noise {
            seed,
            purpose: Purpose::Noise,
            layers: LAYERS,
        }
    }

    /// The mean product of values this many hours apart.
    fn covariance(lag: f64) -> f64 {
        let hours = (0..40_000).map(f64::from);
        let products = hours.map(|t| noise(1).at(t) * noise(1).at(t + lag));
        products.sum::<f64>() / 40_000.0
    }

    #[test]
    fn variance_is_one_and_correlation_fades() {
        let mean = (0..40_000).map(|t| noise(1).at(f64::from(t))).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
        let lags = [0.0, 1.0, 4.0, 22.0].map(covariance);
        assert!((lags[0] - 1.0).abs() < 0.05, "{lags:?}");
        assert!(lags[1] > 0.8 && (0.2..0.6).contains(&lags[2]), "{lags:?}");
        assert!(lags[3].abs() < 0.05, "{lags:?}");
    }

    #[test]
    fn seeds_have_independent_series() {
        let hours = (0..40_000).map(f64::from);
        let products = hours.map(|t| noise(1).at(t) * noise(2).at(t));
        let covariance = products.sum::<f64>() / 40_000.0;
        assert!(covariance.abs() < 0.05, "{covariance}");
    }
}
