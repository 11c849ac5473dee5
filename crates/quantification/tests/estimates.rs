//! Estimates of class distributions from histograms of values.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use moodvane_model::{Calibration, PostSums, Score, Sentiment, Sums, Timestamp, ValueHistogram};
use moodvane_quantification::{
    Estimate, PRIOR_POSTS, PRIOR_SHARE, QuantificationError, Quantifier,
};
use proptest::prelude::*;

/// The spread of values within a class, in classes.
const SPREAD: f64 = 0.45;

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The value that a weak scorer gives a post of a class: far from certain, as on tweets.
    fn value(&mut self, class: Sentiment) -> Score {
        let noise: f64 = (0..6).map(|_| self.uniform() - 0.5).sum::<f64>() * 2.0_f64.sqrt();
        let value = 1.4 + 0.34 * f64::from(class.class()) + SPREAD * noise;
        Score::new(class, value)
    }

    fn class(&mut self, shares: &[f64; 5]) -> Sentiment {
        let at = self.uniform();
        let mut below = 0.0;
        for (class, share) in Sentiment::ALL.into_iter().zip(shares) {
            below += share;
            if at < below {
                return class;
            }
        }
        Sentiment::VeryPositive
    }
}

const TRAINED_ON: [f64; 5] = [0.01, 0.11, 0.44, 0.41, 0.03];

fn calibration(texts: usize) -> Calibration {
    let mut random = Random(7);
    let mut calibration = Calibration::default();
    for _ in 0..texts {
        let class = random.class(&TRAINED_ON);
        calibration.add(class, random.value(class));
    }
    calibration
}

fn quantifier() -> Quantifier {
    static QUANTIFIER: LazyLock<Quantifier> =
        LazyLock::new(|| Quantifier::new(&calibration(25_000)).unwrap());
    QUANTIFIER.clone()
}

fn posts(random: &mut Random, shares: &[f64; 5], n: usize) -> PostSums {
    let mut sums = Sums::default();
    let at = Timestamp::from_millis(0).unwrap();
    for _ in 0..n {
        let class = random.class(shares);
        sums.add_post(at, Some(random.value(class)));
    }
    sums.posts
}

fn mean(shares: &[f64; 5]) -> f64 {
    (0u8..).zip(shares).map(|(c, s)| f64::from(c) * s).sum()
}

/// Mixes of classes that differ from that of the calibration.
const MIXES: [[f64; 5]; 6] = [
    TRAINED_ON,
    [0.02, 0.28, 0.50, 0.19, 0.01],
    [0.10, 0.40, 0.30, 0.15, 0.05],
    [0.00, 0.05, 0.25, 0.55, 0.15],
    [0.20, 0.20, 0.20, 0.20, 0.20],
    [0.00, 0.00, 1.00, 0.00, 0.00],
];

/// The mean estimate over many groups of posts of a mix.
fn mean_of_groups(n: usize, mix: &[f64; 5], of: impl Fn(&Estimate) -> f64) -> f64 {
    let (quantifier, mut random) = (quantifier(), Random(n as u64));
    let groups = 20_000 / n;
    let estimate = |random: &mut Random| quantifier.estimate(&posts(random, mix, n)).unwrap();
    let sum: f64 = (0..groups).map(|_| of(&estimate(&mut random))).sum();
    sum / groups as f64
}

#[test]
fn direct_estimate_is_unbiased_for_any_mix_and_any_number_of_posts() {
    for mix in &MIXES {
        for n in [2, 20, 200] {
            let found = mean_of_groups(n, mix, |e| e.direct.value);
            assert!(
                (found - mean(mix)).abs() < 0.04,
                "{n} posts of {mix:?}: {found}"
            );
        }
    }
}

#[test]
fn distribution_follows_mix_of_many_posts() {
    for mix in &MIXES {
        let quantifier = quantifier();
        let posts = posts(&mut Random(3), mix, 50_000);
        let found = quantifier.estimate(&posts).unwrap();
        // The weight of the prior is a share of the number of posts, so it never vanishes.
        let bound = 0.06 + 0.25 * (mean(mix) - mean(&TRAINED_ON)).abs();
        assert!(
            (found.mean() - mean(mix)).abs() < bound,
            "{mix:?}: {found:?}"
        );
        let naive = mean(&posts.classes.map(|n| n as f64 / 50_000.0));
        assert!(
            (naive - mean(mix)).abs() < 0.02,
            "the classes of the test's scores are right"
        );
    }
}

#[test]
fn few_posts_stay_near_prior_and_within_classes() {
    let quantifier = quantifier();
    for class in Sentiment::ALL {
        let mut sums = Sums::default();
        sums.add_post(
            Timestamp::from_millis(0).unwrap(),
            Some(Score::new(class, f64::from(class.class()))),
        );
        let estimate = quantifier.estimate(&sums.posts).unwrap();
        assert!(
            (1.4..3.2).contains(&estimate.mean()),
            "{class:?} {estimate:?}"
        );
        assert!(estimate.direct.standard_error > 0.5, "{estimate:?}");
    }
}

#[test]
fn direct_interval_covers_mean_of_population() {
    let (quantifier, mut random) = (quantifier(), Random(11));
    for mix in &MIXES[..5] {
        for (n, least) in [(5, 860), (30, 915), (200, 920)] {
            let covers = |_| {
                let e = quantifier
                    .estimate(&posts(&mut random, mix, n))
                    .unwrap()
                    .direct;
                (e.value - mean(mix)).abs() <= 1.96 * e.standard_error
            };
            let covered = (0..500).map(covers).filter(|c| *c).count();
            assert!(
                (least..=985).contains(&(2 * covered)),
                "{covered} of 500: {n} posts of {mix:?}"
            );
        }
    }
}

#[test]
fn sums_without_values_have_no_estimate() {
    let quantifier = quantifier();
    assert_eq!(quantifier.estimate(&PostSums::default()), None);
    // A row of the first fold version has classes and no histogram.
    let old = PostSums {
        classes: [1, 2, 3, 4, 5],
        score_micros: 40_000_000,
        ..PostSums::default()
    };
    assert_eq!(quantifier.estimate(&old), None);
}

#[test]
fn rejects_calibration_without_slope_or_texts() {
    let few = Quantifier::new(&calibration(99)).unwrap_err();
    assert_eq!(few, QuantificationError::TooFewTexts { texts: 99 });
    let mut flat = Calibration::default();
    let mut single = Calibration::default();
    for n in 0..500u16 {
        let label = Sentiment::ALL[usize::from(n % 5)];
        flat.add(label, Score::new(label, f64::from(n / 5 % 4)));
        single.add(Sentiment::Positive, Score::new(label, f64::from(n % 4)));
    }
    for calibration in [flat, single] {
        let error = Quantifier::new(&calibration).unwrap_err();
        assert!(
            matches!(error, QuantificationError::NoSlope { slope } if slope.abs() < 1e-9),
            "{error}"
        );
    }
}

/// The EM algorithm, many steps.
fn em(calibration: &Calibration, histogram: &ValueHistogram) -> [f64; 5] {
    let classes = calibration.classes();
    let texts = calibration.texts() as f64;
    let pooled = |b: usize| {
        (classes.iter().map(|c| c.histogram.0[b]).sum::<u64>() as f64 + 1.0) / (texts + 20.0)
    };
    let p = |b: usize, c: usize| {
        (classes[c].histogram.0[b] as f64 + 2.5 * pooled(b))
            / (classes[c].histogram.total() as f64 + 2.5)
    };
    let prior: [f64; 5] =
        std::array::from_fn(|c| (classes[c].histogram.total() as f64 + 1.0) / (texts + 5.0));
    let n = histogram.total() as f64;
    let weight = PRIOR_POSTS + PRIOR_SHARE * n;
    let mut shares = prior;
    for _ in 0..4_000 {
        let mut next = prior.map(|q| q * weight);
        for (b, count) in histogram.0.iter().enumerate().filter(|(_, n)| **n > 0) {
            let mixed: f64 = (0..5).map(|c| shares[c] * p(b, c)).sum();
            for c in 0..5 {
                next[c] += *count as f64 * shares[c] * p(b, c) / mixed;
            }
        }
        shares = next.map(|s| s / (n + weight));
    }
    shares
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Newton's method finds the fixed point of the EM algorithm.
    #[test]
    fn distribution_is_fixed_point_of_em(counts in proptest::array::uniform20(prop_oneof![Just(0u64), 0u64..4, 0u64..500])) {
        prop_assume!(counts.iter().sum::<u64>() > 0);
        let calibration = calibration(5_000);
        let values = ValueHistogram(counts);
        let posts = PostSums { classes: [values.total(), 0, 0, 0, 0], values, ..PostSums::default() };
        let found = Quantifier::new(&calibration).unwrap().estimate(&posts).unwrap();
        let expected = em(&calibration, &values);
        for (found, expected) in found.distribution.iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
    }

    #[test]
    fn every_histogram_has_valid_estimate(counts in proptest::array::uniform20(prop_oneof![Just(0u64), 0u64..3, 0u64..(1 << 30)])) {
        let values = ValueHistogram(counts);
        prop_assume!(values.total() > 0);
        let posts = PostSums { classes: [0, values.total(), 0, 0, 0], values, ..PostSums::default() };
        let estimate = quantifier().estimate(&posts).unwrap();
        prop_assert!((estimate.distribution.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(estimate.distribution.iter().all(|s| (0.0..=1.0).contains(s)));
        prop_assert!((0.0..=4.0).contains(&estimate.mean()));
        prop_assert!(estimate.standard_error.is_finite() && estimate.standard_error > 0.0);
        prop_assert!(estimate.direct.value.is_finite() && estimate.direct.standard_error > 0.0);
    }
}
