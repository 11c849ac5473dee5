//! The feeling of an hour: the estimated class distribution and mean class of its posts.

use std::sync::Arc;

use moodvane_model::{Calibration, HourRow, PostSums, WeatherTalk};
use moodvane_quantification::{Direct, Estimate, Quantifier};

/// The feeling of an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feeling {
    /// The mean class of the distribution, 0 to 4: the best estimate of this hour. It shrinks towards
    /// the scorer's prior, the more the fewer the posts; compare hours by `direct`.
    pub value: f64,
    /// The standard error of `value`; `None` for fewer than two posts.
    pub standard_error: Option<f64>,
    /// The estimated share of each class, from very negative to very positive.
    pub distribution: [f64; 5],
    /// The direct estimate of the mean class: unbiased for any mix of classes and any number of posts.
    /// May lie outside 0 to 4.
    pub direct: f64,
    /// The standard error of `direct`; `None` for fewer than two posts without a calibration.
    pub direct_standard_error: Option<f64>,
    /// The number of scored posts; at least 1.
    pub posts: u64,
}

/// The direct estimate of an hour's feeling, to compare hours and to regress on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DirectFeeling {
    /// [`Feeling::direct`].
    pub value: f64,
    /// [`Feeling::direct_standard_error`].
    pub standard_error: Option<f64>,
    /// The number of scored posts; at least 1.
    pub posts: u64,
}

/// Estimates the feelings of hours. Keeps the quantifier of the last calibration, which consecutive
/// hours share.
#[derive(Debug, Clone, Default)]
pub struct FeelingEstimator {
    quantifier: Option<(Arc<Calibration>, Option<Quantifier>)>,
}

impl FeelingEstimator {
    /// The feeling of an hour's posts with or without those that speak of the weather. `None` without
    /// such posts, and where the hour does not tell them apart.
    ///
    /// Where the scorer of the hour has no calibration, the distribution is that of the assigned
    /// classes, and the direct estimate is its mean.
    #[must_use]
    pub fn estimate(&mut self, row: &HourRow, talk: WeatherTalk) -> Option<Feeling> {
        let posts = row.posts_by_talk(talk).filter(|posts| posts.scored() > 0)?;
        let quantified = row
            .calibration
            .as_ref()
            .and_then(|calibration| self.quantifier(calibration)?.estimate(&posts));
        Some(match quantified {
            Some(estimate) => of_estimate(&estimate, &posts),
            None => of_classes(&posts),
        })
    }

    /// The direct estimate alone, which is much quicker; see [`FeelingEstimator::estimate`].
    #[must_use]
    pub fn direct(&mut self, row: &HourRow, talk: WeatherTalk) -> Option<DirectFeeling> {
        let posts = row.posts_by_talk(talk).filter(|posts| posts.scored() > 0)?;
        let quantified = row
            .calibration
            .as_ref()
            .and_then(|calibration| self.quantifier(calibration)?.direct(&posts));
        let (value, standard_error) = match quantified {
            Some(direct) => (direct.value, Some(direct.standard_error)),
            None => mean_class(&posts),
        };
        Some(DirectFeeling {
            value,
            standard_error,
            posts: posts.scored(),
        })
    }

    /// The median of an hour's posts in classes. The median value is mapped as the mean is for the
    /// direct estimate; without a calibration it is the median class, interpolated.
    #[must_use]
    pub fn median(&mut self, row: &HourRow, talk: WeatherTalk) -> Option<f64> {
        let posts = row.posts_by_talk(talk).filter(|posts| posts.scored() > 0)?;
        let quantified = row
            .calibration
            .as_ref()
            .and_then(|calibration| self.quantifier(calibration)?.median(&posts));
        Some(quantified.unwrap_or_else(|| median_class(&posts)))
    }

    fn quantifier(&mut self, calibration: &Arc<Calibration>) -> Option<&Quantifier> {
        let is_known = |known: &(Arc<Calibration>, _)| Arc::ptr_eq(&known.0, calibration);
        if !self.quantifier.as_ref().is_some_and(is_known) {
            let quantifier = Quantifier::new(calibration).ok();
            self.quantifier = Some((Arc::clone(calibration), quantifier));
        }
        self.quantifier.as_ref()?.1.as_ref()
    }
}

/// The feeling of an hour by all its posts; see [`FeelingEstimator::estimate`].
#[must_use]
pub fn feeling(row: &HourRow) -> Option<Feeling> {
    FeelingEstimator::default().estimate(row, WeatherTalk::All)
}

fn of_estimate(estimate: &Estimate, posts: &PostSums) -> Feeling {
    let Direct {
        value,
        standard_error,
    } = estimate.direct;
    Feeling {
        value: estimate.mean(),
        standard_error: Some(estimate.standard_error),
        distribution: estimate.distribution,
        direct: value,
        direct_standard_error: Some(standard_error),
        posts: posts.scored(),
    }
}

fn of_classes(posts: &PostSums) -> Feeling {
    let (mean, standard_error) = mean_class(posts);
    let n = posts.scored() as f64;
    Feeling {
        value: mean,
        standard_error,
        distribution: posts.classes.map(|count| count as f64 / n),
        direct: mean,
        direct_standard_error: standard_error,
        posts: posts.scored(),
    }
}

/// The mean of the assigned classes. Its standard error is that of the mean of a random sample: the
/// sample standard deviation divided by the square root of the number of posts.
fn mean_class(posts: &PostSums) -> (f64, Option<f64>) {
    let n = posts.scored() as f64;
    let mean = posts.class_sum() as f64 / n;
    let squares: f64 = (0u8..)
        .zip(posts.classes)
        .map(|(class, count)| count as f64 * (f64::from(class) - mean).powi(2))
        .sum();
    let standard_error = (posts.scored() > 1).then(|| (squares / (n - 1.0) / n).sqrt());
    (mean, standard_error)
}

/// The median of the assigned classes, interpolated as if the posts of class c had values from
/// c - 0.5 to c + 0.5.
fn median_class(posts: &PostSums) -> f64 {
    let half = posts.scored() as f64 / 2.0;
    let mut below = 0.0;
    for (class, count) in (0u8..).zip(posts.classes) {
        let count = count as f64;
        if count > 0.0 && below + count >= half {
            return f64::from(class) - 0.5 + (half - below) / count;
        }
        below += count;
    }
    // Not reached: there is a post.
    0.0
}
