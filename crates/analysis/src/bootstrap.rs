//! The studentized circular block bootstrap.
//!
//! Terms: a *replicate* is a series of the same length that consists of blocks of the sample, drawn
//! with replacement; its *deviation* is the difference of its statistic from that of the sample,
//! divided by the replicate's own standard error.
//!
//! Blocks preserve the dependence of consecutive hours (Künsch 1989). They are drawn from a circle,
//! so that each hour is in the same number of blocks (Politis and Romano 1992). The standard error
//! of a replicate comes from its blocks, which are independent (Götze and Künsch 1996); that of the
//! sample comes from its long-run variance. The two must not be the same estimator (Davison and Hall 1993, "On studentizing and
//! blocking methods for implementing the bootstrap with dependent data").
//!
//! Guarantee: equal hours give equal replicates on every machine. The generator is xoshiro256++ with
//! a fixed seed.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::moments::{CircularSums, MomentSums, Statistic};

pub(crate) const SEED: u64 = 0x4D6F_6F64_7661_6E65;
/// The average number of draws that a replicate may take before the bootstrap fails.
const DRAWS_PER_REPLICATE: usize = 2;

/// The absolute deviations of the replicates, in ascending order.
#[derive(Debug)]
pub(crate) struct Deviations(Vec<f64>);

impl Deviations {
    /// The critical value that a share `alpha` of the replicates exceed.
    pub(crate) fn critical_value(&self, alpha: f64) -> f64 {
        let count = self.0.len() as f64;
        // A test with B replicates has its exact level if (B + 1) · alpha is an integer (Davison and
        // Hinkley 1997, section 2.4).
        let rank = ((count + 1.0) * (1.0 - alpha)).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }

    /// The share of replicates with at least this deviation, where the sample counts as one of them
    /// (Davison and Hinkley 1997, equation 4.11). Never 0.
    pub(crate) fn p_value(&self, deviation: f64) -> f64 {
        let below = self.0.partition_point(|other| *other < deviation);
        (self.0.len() - below + 1) as f64 / (self.0.len() + 1) as f64
    }
}

/// Draws replicates with blocks of `length` hours. Returns `None` if a series does not vary in too
/// many of them.
pub(crate) fn deviations<const N: usize>(
    sums: &CircularSums,
    statistics: [Statistic; N],
    length: usize,
    replicates: usize,
) -> Option<[Deviations; N]> {
    let sample = sums.total().sample_moments()?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut drawn = std::array::from_fn::<Vec<f64>, N, _>(|_| Vec::with_capacity(replicates));
    let mut blocks = Vec::with_capacity(sums.len() / length.max(1) + 1);
    for _ in 0..replicates * DRAWS_PER_REPLICATE {
        let total = draw(sums, length.max(1), &mut random, &mut blocks);
        let Some(replicate) = total.sample_moments() else {
            continue;
        };
        let found = statistics.map(|statistic| {
            let variance: f64 = blocks
                .iter()
                .map(|block| replicate.influence(block, statistic).powi(2))
                .sum();
            let error = variance.sqrt() / replicate.weight();
            ((replicate.value(statistic) - sample.value(statistic)) / error).abs()
        });
        if found.iter().any(|deviation| !deviation.is_finite()) {
            continue;
        }
        for (all, deviation) in drawn.iter_mut().zip(found) {
            all.push(deviation);
        }
        if drawn.iter().all(|all| all.len() == replicates) {
            return Some(drawn.map(|mut all| {
                all.sort_by(f64::total_cmp);
                Deviations(all)
            }));
        }
    }
    None
}

/// Fills `blocks` with random blocks of the sample's total length; the last one is shorter if needed.
/// Returns the sum of the blocks.
pub(crate) fn draw(
    sums: &CircularSums,
    length: usize,
    random: &mut impl Rng,
    blocks: &mut Vec<MomentSums>,
) -> MomentSums {
    blocks.clear();
    let (mut remaining, mut sum) = (sums.len(), MomentSums::default());
    while remaining > 0 {
        let length = length.min(remaining);
        let block = sums.block(random_below(random, sums.len()), length);
        sum = sum + block;
        blocks.push(block);
        remaining -= length;
    }
    sum
}

/// A uniform number below `n`, with a bias under 2^-40: the upper half of a product (Lemire 2019).
/// Not the function of `rand`, whose results may change between versions.
pub(crate) fn random_below(random: &mut impl Rng, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}
