//! Quantification: the class distribution and the mean class of many posts, from a scorer's values.
//!
//! A scorer errs, so the classes that it assigns do not add up to the distribution that people would
//! give: it moves posts from the frequent classes to the rare ones and back, and by how much depends on
//! the mix of classes. A rainy hour has another mix than a sunny one (*label shift*), so no threshold
//! is right for both. Quantification estimates the distribution itself (González, Castaño, Chawla and
//! del Coz, "A Review on Quantification Learning", ACM Computing Surveys 50(5), 2017).
//!
//! # Assumption
//!
//! Within a class, values are distributed as in the scorer's [`Calibration`](moodvane_model::Calibration); only the shares of the
//! classes differ. This is never exactly so: topics and label sets differ too. The error that remains
//! moves the *level* of a group of posts more than the difference between groups about the same things.
//!
//! # Two estimates
//!
//! | estimate | for | method |
//! | --- | --- | --- |
//! | [`Estimate::distribution`] and its mean | what one hour was like: lowest error, within 0 to 4 | maximum a posteriori of the class shares given the histogram of values; equals the EM algorithm of Saerens, Latinne and Decaestecker (Neural Computation 14(1), 2002) on binned values, with a Dirichlet prior |
//! | [`Estimate::direct`] | comparing hours, regressions: unbiased for any mix and any number of posts, noisier, may lie outside 0 to 4 | adjusted count for a mean (Forman, Data Mining and Knowledge Discovery 17, 2008): the mean value, mapped by the line through the mean values of the classes |
//!
//! The first shrinks towards the prior, by more the fewer the posts: a difference between two hours
//! comes out too small. The second does not. In small area estimation they are called composite and
//! direct estimate (Rao and Molina, Small Area Estimation, 2nd edition, 2015).
//!
//! `study/` compares methods, and has the figures.
//!
//! # Guarantees
//!
//! - Equal histograms give equal estimates, bit for bit.
//! - Shares lie in 0 to 1 and sum to 1. No result is NaN or infinite.
//! - An estimate takes a few microseconds, whatever the number of posts.
//!
//! # Must not know
//!
//! Texts, scorers, stores, hours and requests.
//!
//! ```
//! use moodvane_model::{Calibration, PostSums, Score, Sentiment};
//! use moodvane_quantification::Quantifier;
//!
//! // A scorer whose values lie half way between the label and neutral.
//! let mut calibration = Calibration::default();
//! for label in Sentiment::ALL {
//!     for n in 0..100 {
//!         let value = 1.0 + 0.5 * f64::from(label.class()) + 0.004 * f64::from(n - 50);
//!         calibration.add(label, Score::new(label, value));
//!     }
//! }
//! let quantifier = Quantifier::new(&calibration)?;
//! let mut sums = moodvane_model::Sums::default();
//! let at = moodvane_model::Timestamp::from_millis(0)?;
//! for _ in 0..200 {
//!     sums.add_post(at, Some(Score::new(Sentiment::Neutral, 2.5)));
//! }
//! let estimate = quantifier.estimate(&sums.posts).ok_or("no posts")?;
//! assert!((estimate.direct.value - 3.0).abs() < 0.05);
//! assert!(estimate.mean() > 2.7 && estimate.mean() < 3.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod direct;
mod mixture;
mod quantifier;
mod solve;

pub use direct::Direct;
pub use quantifier::{
    Estimate, MIN_CALIBRATION_TEXTS, PRIOR_POSTS, PRIOR_SHARE, QuantificationError, Quantifier,
};
