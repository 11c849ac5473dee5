//! Intervals of the coefficients of a model.

use crate::answer::{EffectEstimate, Term};
use crate::clusters::ClusterProducts;
use crate::covariance::{ClusterError, Covariance, Dependence, JointTest, critical_value, p_value};
use crate::hours::WEEK_HOURS;
use crate::model::Model;
use crate::options::{ALPHA, EffectError, EffectOptions, Inference};
use crate::regression::{Design, Fit};
use crate::sample::Sample;

/// The hours and clusters of the rows.
pub(crate) struct Keys {
    hours: Vec<u32>,
    dates: Vec<u64>,
    cities: Vec<u64>,
    weeks: Vec<u64>,
    pub(crate) lags: usize,
}

impl Keys {
    pub(crate) fn new(sample: &Sample<'_>) -> Self {
        let rows = || sample.rows.iter();
        let hours: Vec<u32> = rows().map(|row| row.hour.hour.index()).collect();
        let mut distinct = hours.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Self {
            lags: kernel_lags(distinct.len()),
            dates: rows()
                .map(|row| u64::from(row.hour.local.date().cast_unsigned()))
                .collect(),
            weeks: rows()
                .map(|row| u64::from(row.hour.local.block(WEEK_HOURS).cast_unsigned()))
                .collect(),
            cities: rows().map(|row| row.city as u64).collect(),
            hours,
        }
    }

    /// The clusters of the jackknife, for an inference that has some.
    fn jackknife(&self, inference: Inference) -> Option<&[u64]> {
        match inference {
            Inference::Weeks => Some(&self.weeks),
            _ => None,
        }
    }

    fn dependence(&self, inference: Inference) -> Dependence<'_> {
        match inference {
            Inference::Hours => Dependence::Hours {
                hours: &self.hours,
                lags: self.lags,
            },
            Inference::Weeks => Dependence::Clusters(&self.weeks),
            Inference::Dates => Dependence::Clusters(&self.dates),
            Inference::Cities => Dependence::Clusters(&self.cities),
            Inference::DatesAndCities => Dependence::TwoWayClusters(&self.dates, &self.cities),
            Inference::Independent => Dependence::Independent,
        }
    }
}

/// A design, and its products within the clusters of the jackknife.
pub(crate) struct ClusteredDesign<'a> {
    pub(crate) design: Design<'a>,
    products: Option<ClusterProducts>,
}

impl<'a> ClusteredDesign<'a> {
    pub(crate) fn new(design: Design<'a>, keys: &Keys, inference: Inference) -> Self {
        let clusters = keys.jackknife(inference);
        Self {
            products: clusters.map(|keys| ClusterProducts::new(&design, keys)),
            design,
        }
    }

    /// The covariance of the coefficients of a fit of the design.
    fn covariance(
        &self,
        fit: &Fit<'_>,
        keys: &Keys,
        inference: Inference,
    ) -> Result<Covariance, ClusterError> {
        match &self.products {
            Some(products) => Covariance::jackknife(fit, products),
            None => Covariance::new(fit, keys.dependence(inference)),
        }
    }
}

/// The last lag of Bartlett's kernel for this number of hours: 1.3 √T (Lazarus, Lewis, Stock and
/// Watson 2018, "HAR inference: recommendations for practice", equation 4). The shorter ones of
/// textbooks, such as 0.75 T^(1/3), underestimate the variance of persistent weather and feeling.
fn kernel_lags(hours: usize) -> usize {
    (1.3 * (hours as f64).sqrt()).ceil() as usize
}

/// A fit with the covariance of its coefficients.
pub(crate) struct Estimates<'a> {
    pub(crate) fit: Fit<'a>,
    pub(crate) covariance: Covariance,
    draws: usize,
}

impl<'a> Estimates<'a> {
    pub(crate) fn new(
        clustered: &'a ClusteredDesign<'_>,
        columns: &[usize],
        keys: &Keys,
        options: &EffectOptions,
    ) -> Result<Self, EffectError> {
        let fit = clustered.design.fit(columns)?;
        let covariance = clustered.covariance(&fit, keys, options.inference)?;
        Ok(Self {
            fit,
            covariance,
            draws: options.draws,
        })
    }

    /// The estimate of a term; `None` if it was dropped or has no variance.
    pub(crate) fn term(&self, model: &Model, term: Term) -> Option<EffectEstimate> {
        self.sum(model, &[(term, 1.0)])
    }

    /// The sum of terms, each times a factor.
    pub(crate) fn sum(&self, model: &Model, terms: &[(Term, f64)]) -> Option<EffectEstimate> {
        let position = |(term, factor): &(Term, f64)| {
            Some((self.fit.position(model.column(*term)?)?, *factor))
        };
        let positions: Option<Vec<(usize, f64)>> = terms.iter().map(position).collect();
        self.sum_of_positions(&positions?)
    }

    pub(crate) fn sum_of_positions(&self, terms: &[(usize, f64)]) -> Option<EffectEstimate> {
        let products = terms
            .iter()
            .map(|(i, factor)| self.fit.coefficients()[*i] * factor);
        let value: f64 = products.sum();
        let standard_error = self.covariance.standard_error(terms);
        let degrees_of_freedom = self.covariance.degrees_of_freedom(terms);
        let margin = critical_value(ALPHA, degrees_of_freedom) * standard_error;
        let is_valid = value.is_finite() && margin.is_finite() && standard_error > 0.0;
        is_valid.then(|| EffectEstimate {
            value,
            low: value - margin,
            high: value + margin,
            standard_error,
            degrees_of_freedom,
            p_value: p_value(value, standard_error, degrees_of_freedom),
        })
    }

    /// The positions of the coefficients whose terms meet a condition.
    pub(crate) fn positions(&self, model: &Model, is_wanted: impl Fn(&Term) -> bool) -> Vec<usize> {
        let kept = self.fit.kept().iter().enumerate();
        let wanted = kept.filter(|(_, column)| is_wanted(&model.terms[**column]));
        wanted.map(|(position, _)| position).collect()
    }

    /// The test that all terms that meet a condition are 0.
    pub(crate) fn test(
        &self,
        model: &Model,
        is_tested: impl Fn(&Term) -> bool,
    ) -> Option<JointTest> {
        let positions = self.positions(model, is_tested);
        self.covariance
            .joint_test(&self.fit, &positions, self.draws)
    }
}

/// Corrects p-values for their number: Holm 1979, "A simple sequentially rejective multiple test
/// procedure".
pub(crate) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let scaled = p_values[index] * (p_values.len() - rank) as f64;
        largest = largest.max(scaled).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_equals_published_example() {
        // Values of R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }
}
