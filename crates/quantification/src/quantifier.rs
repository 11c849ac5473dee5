//! The quantifier of a scorer, and what it estimates.

use moodvane_model::{Calibration, PostSums};
use thiserror::Error;

use crate::direct::{Direct, ValueLine};
use crate::mixture::{Mixture, Posterior};

/// The fewest labelled texts of a calibration.
pub const MIN_CALIBRATION_TEXTS: u64 = 100;
/// The weight of the prior, in posts, that does not depend on the number of posts: it keeps the estimate
/// of a few posts from the extremes.
pub const PRIOR_POSTS: f64 = 2.0;
/// The weight of the prior as a share of the number of posts: the values of a group of posts differ
/// from the calibration by more than chance, however many posts there are.
pub const PRIOR_SHARE: f64 = 0.1;

/// The reason why a calibration gives no quantifier.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum QuantificationError {
    /// Too few labelled texts.
    #[error(
        "the calibration has {texts} labelled texts, it must have at least {MIN_CALIBRATION_TEXTS}"
    )]
    TooFewTexts {
        /// The number of texts.
        texts: u64,
    },
    /// The values do not rise with the class.
    #[error(
        "the values of the calibration change by {slope:.3} per class, it must be at least {min}",
        min = crate::direct::MIN_SLOPE
    )]
    NoSlope {
        /// The change of the mean value per class.
        slope: f64,
    },
}

/// The estimate of a group of posts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimated share of each class, from very negative to very positive; they sum to 1.
    pub distribution: [f64; 5],
    /// The standard error of [`Estimate::mean`], in classes: the standard deviation of the posterior,
    /// approximated at its maximum.
    pub standard_error: f64,
    /// The mean class, unbiased for any mix of classes.
    pub direct: Direct,
}

impl Estimate {
    /// The mean class of the estimated distribution, 0 to 4.
    #[must_use]
    pub fn mean(&self) -> f64 {
        mean_class(&self.distribution)
    }
}

/// The mean class of a distribution.
pub(crate) fn mean_class(distribution: &[f64; 5]) -> f64 {
    let weighted = distribution.iter().zip(0u8..);
    weighted
        .map(|(share, class)| share * f64::from(class))
        .sum()
}

/// Estimates class distributions from the values of one scorer.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantifier {
    mixture: Mixture,
    line: ValueLine,
}

impl Quantifier {
    /// The quantifier of a scorer with this calibration.
    ///
    /// # Errors
    /// [`QuantificationError`] if the calibration has too few texts, or values that do not tell classes
    /// apart.
    pub fn new(calibration: &Calibration) -> Result<Self, QuantificationError> {
        let texts = calibration.texts();
        if texts < MIN_CALIBRATION_TEXTS {
            return Err(QuantificationError::TooFewTexts { texts });
        }
        Ok(Self {
            mixture: Mixture::new(calibration),
            line: ValueLine::new(calibration)?,
        })
    }

    /// Estimates the class distribution and the mean class of posts. `None` without scored posts, and
    /// for sums without a histogram of all values.
    #[must_use]
    pub fn estimate(&self, posts: &PostSums) -> Option<Estimate> {
        let direct = self.direct(posts)?;
        let n = posts.values.total();
        let prior_weight = PRIOR_POSTS + PRIOR_SHARE * n as f64;
        let Posterior {
            distribution,
            mean_variance,
        } = self.mixture.posterior(&posts.values, prior_weight);
        Some(Estimate {
            distribution,
            standard_error: mean_variance.max(0.0).sqrt(),
            direct,
        })
    }

    /// The direct estimate alone, which needs no iteration. `None` as for [`Quantifier::estimate`].
    #[must_use]
    pub fn direct(&self, posts: &PostSums) -> Option<Direct> {
        let has_posts = posts.values.total() > 0 && posts.has_values();
        has_posts.then(|| self.line.direct(posts))
    }

    /// The median value of posts, mapped as the mean value is for the direct estimate. `None` as for
    /// [`Quantifier::estimate`].
    #[must_use]
    pub fn median(&self, posts: &PostSums) -> Option<f64> {
        let median = posts.values.median().filter(|_| posts.has_values())?;
        Some(self.line.class_of(median))
    }
}
