//! The effects of all variables, their joint tests and the band of the temperature curve.

use crate::answer::{BinEffect, Factor, FactorEffect, Term};
use crate::band::sup_t;
use crate::bins::Bins;
use crate::inference::{Estimates, holm};
use crate::matrix::select;
use crate::model::factor_values;
use crate::options::EffectOptions;
use crate::panel::Panel;

/// The quantile of the normal distribution of a two-sided test at 5 %.
const NORMAL: f64 = 1.959_963_984_540_054;

/// The effects of the variables, from the regression with all classes.
pub(crate) fn factor_effects(
    panel: &Panel<'_>,
    classes: &Estimates<'_>,
    options: &EffectOptions,
) -> Vec<FactorEffect> {
    let mut effects: Vec<FactorEffect> = Factor::ALL
        .into_iter()
        .filter_map(|factor| factor_effect(panel, classes, options, factor))
        .collect();
    let tested = |effect: &FactorEffect| effect.test.map(|test| test.p_value);
    let p_values: Vec<f64> = effects.iter().filter_map(tested).collect();
    let mut adjusted = holm(&p_values).into_iter();
    for effect in effects.iter_mut().filter(|effect| effect.test.is_some()) {
        effect.adjusted_p_value = adjusted.next();
    }
    effects
}

/// The effect of a factor; `None` if it is not in the model.
fn factor_effect(
    panel: &Panel<'_>,
    classes: &Estimates<'_>,
    options: &EffectOptions,
    factor: Factor,
) -> Option<FactorEffect> {
    let model = &panel.model;
    let bins = model.bins.iter().find(|bins| bins.factor == factor);
    let is_line = bins.is_none();
    if is_line {
        model.column(Term::Slope(factor))?;
    }
    let is_tested = |term: &Term| match term {
        Term::Bin { factor: other, .. } => *other == factor,
        Term::Slope(other) => is_line && *other == factor,
        _ => false,
    };
    let widening = (factor == Factor::Temperature)
        .then(|| band_widening(panel, classes, options, is_tested))
        .flatten();
    Some(FactorEffect {
        factor,
        bins: bins.map_or_else(Vec::new, |bins| bin_effects(panel, classes, bins, widening)),
        reference: bins.map(|bins| bins.reference),
        slope: is_line
            .then(|| classes.term(model, Term::Slope(factor)))
            .flatten(),
        test: classes.test(model, is_tested),
        adjusted_p_value: None,
    })
}

/// The critical value of the simultaneous band of normal estimates, over that of a single one.
fn band_widening(
    panel: &Panel<'_>,
    classes: &Estimates<'_>,
    options: &EffectOptions,
    is_in_curve: impl Fn(&Term) -> bool,
) -> Option<f64> {
    let mut positions = classes.positions(&panel.model, is_in_curve);
    positions.retain(|position| classes.covariance.standard_error(&[(*position, 1.0)]) > 0.0);
    let covariance = select(classes.covariance.matrix(), &positions);
    sup_t(&covariance, options.draws).map(|value| (value / NORMAL).max(1.0))
}

fn bin_effects(
    panel: &Panel<'_>,
    classes: &Estimates<'_>,
    bins: &Bins,
    widening: Option<f64>,
) -> Vec<BinEffect> {
    let values = factor_values(&panel.sample, bins.factor);
    let mut sums = vec![0.0; bins.bins.len()];
    let mut posts = vec![0; bins.bins.len()];
    let rows = panel.sample.rows.iter().zip(&bins.members).zip(values);
    for ((row, bin), value) in rows {
        sums[usize::from(*bin)] += value;
        posts[usize::from(*bin)] += row.feeling.posts;
    }
    let ranges = bins.bins.iter().enumerate();
    ranges
        .map(|(i, range)| {
            let estimate = (i != bins.reference)
                .then(|| classes.term(&panel.model, bins.term(i)))
                .flatten();
            // Each interval is widened by the same factor, so that its degrees of freedom count too.
            let band = estimate.zip(widening).map(|(estimate, widening)| {
                let margin = widening * (estimate.high - estimate.value);
                (estimate.value - margin, estimate.value + margin)
            });
            BinEffect {
                low: range.low,
                high: range.high,
                hours: range.hours,
                posts: posts[i],
                mean: sums[i] / range.hours.max(1) as f64,
                estimate,
                band,
            }
        })
        .collect()
}
