//! The studentized circular block bootstrap.
//!
//! Terms: a *replicate* is a series of the same length made of blocks of the hours, drawn with
//! replacement; its *deviation* is how far its value lies from the hours' own, in standard errors
//! of its own.
//!
//! Blocks keep neighbours together (Künsch 1989), on a circle so that every hour is in as many
//! (Politis and Romano 1992). A replicate's standard error comes from its blocks, which are
//! independent (Götze and Künsch 1996); that of the hours themselves comes from their long-run
//! variance. The two must not be the same estimator (Davison and Hall 1993, "On studentizing and
//! blocking methods for implementing the bootstrap with dependent data").
//!
//! Guarantee: equal hours give equal replicates, on every machine: the generator is xoshiro256++
//! with a fixed seed.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::moments::{Circle, Moments, Target};

pub(crate) const SEED: u64 = 0x4D6F_6F64_7661_6E65;
/// Of so many tries at most one replicate is made.
const TRIES_PER_REPLICATE: usize = 2;

/// How far replicates deviate, in standard errors, without a sign and in order.
#[derive(Debug)]
pub(crate) struct Deviations(Vec<f64>);

impl Deviations {
    /// Beyond it lie `share` of the replicates.
    pub(crate) fn beyond(&self, share: f64) -> f64 {
        let count = self.0.len() as f64;
        // The quantile with which a test of B replicates has its level exactly where (B+1)·share
        // is whole (Davison and Hinkley 1997, section 2.4).
        let place = ((count + 1.0) * (1.0 - share)).ceil() as usize;
        self.0[place.clamp(1, self.0.len()) - 1]
    }

    /// The share of replicates that deviate at least as far, counting the hours themselves as one
    /// (Davison and Hinkley 1997, equation 4.11). Never 0.
    pub(crate) fn p_value(&self, deviation: f64) -> f64 {
        let below = self.0.partition_point(|other| *other < deviation);
        (self.0.len() - below + 1) as f64 / (self.0.len() + 1) as f64
    }
}

/// Draws replicates with blocks of `length` hours. `None` where too many of them say nothing, since
/// a side does not vary in them.
pub(crate) fn deviations<const N: usize>(
    circle: &Circle,
    targets: [Target; N],
    length: usize,
    replicates: usize,
) -> Option<[Deviations; N]> {
    let own = circle.whole().shape()?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut drawn = std::array::from_fn::<Vec<f64>, N, _>(|_| Vec::with_capacity(replicates));
    let mut blocks = Vec::with_capacity(circle.len() / length.max(1) + 1);
    for _ in 0..replicates * TRIES_PER_REPLICATE {
        let sum = draw(circle, length.max(1), &mut random, &mut blocks);
        let Some(shape) = sum.shape() else { continue };
        let found = targets.map(|target| {
            let variance: f64 = blocks
                .iter()
                .map(|block| shape.influence(block, target).powi(2))
                .sum();
            let error = variance.sqrt() / shape.weight();
            ((shape.value(target) - own.value(target)) / error).abs()
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

/// Fills `blocks` with blocks that together are as long as the circle, the last cut short.
pub(crate) fn draw(
    circle: &Circle,
    length: usize,
    random: &mut impl Rng,
    blocks: &mut Vec<Moments>,
) -> Moments {
    blocks.clear();
    let (mut left, mut sum) = (circle.len(), Moments::default());
    while left > 0 {
        let length = length.min(left);
        let block = circle.block(below(random, circle.len()), length);
        sum = sum + block;
        blocks.push(block);
        left -= length;
    }
    sum
}

/// A number below `n`, each as likely up to 2^-40: the upper half of a product (Lemire 2019). Our
/// own, since the crate's may change from version to version.
fn below(random: &mut impl Rng, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}
