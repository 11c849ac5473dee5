//! The columns, effects and weights of a sample.

use moodvane_model::Variable;

use crate::absorb::{Absorber, FixedEffect};
use crate::answer::{Factor, Term};
use crate::bins::{Bins, REFERENCE_C};
use crate::hours::WEEK_HOURS;
use crate::options::{EffectOptions, Season, Weighting};
use crate::regression::{RegressionError, absorbed_parameters};
use crate::sample::{Row, Sample, Series};

/// With fewer rows in an average hour of the week, hours of the day and days of the week have effects.
const MIN_ROWS_OF_HOUR_OF_WEEK: usize = 6;

/// Which fixed effects a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EffectKinds {
    pub(crate) has_hour_of_week: bool,
    pub(crate) has_date: bool,
}

/// The input of a regression.
pub(crate) struct Model {
    pub(crate) terms: Vec<Term>,
    pub(crate) bins: Vec<Bins>,
    pub(crate) response: Vec<f64>,
    pub(crate) weights: Vec<f64>,
    pub(crate) effects: Vec<FixedEffect>,
    pub(crate) kinds: EffectKinds,
}

impl Model {
    pub(crate) fn new(
        series: &Series<'_>,
        sample: &Sample<'_>,
        options: &EffectOptions,
    ) -> Result<Self, RegressionError> {
        let kinds = EffectKinds::new(sample, options);
        let effects = effects(sample, options, kinds);
        let response: Vec<f64> = sample.rows.iter().map(|row| row.feeling.mean).collect();
        let weights = weights(sample, options, &effects, &response)?;
        let (terms, bins) = terms(series, sample);
        Ok(Self {
            terms,
            bins,
            response,
            weights,
            effects,
            kinds,
        })
    }

    /// The values of a term in all rows, before the absorption.
    pub(crate) fn raw_column(&self, sample: &Sample<'_>, term: Term) -> Vec<f64> {
        match term {
            Term::Bin { factor, low, .. } => {
                let bins = self.bins.iter().find(|bins| bins.factor == factor);
                bins.map_or_else(Vec::new, |bins| bins.indicator(low))
            }
            Term::Slope(Factor::Temperature) => {
                let degrees = factor_values(sample, Factor::Temperature).into_iter();
                degrees.map(|degrees| degrees - REFERENCE_C).collect()
            }
            Term::Slope(factor) => factor_values(sample, factor),
            Term::Wet => {
                let rows = sample.rows.iter();
                rows.map(|row| f64::from(u8::from(row.is_wet()))).collect()
            }
            Term::Past(factor, window) => sample.window_column(&sample.past, factor, window),
            Term::Future(factor, window) => sample.window_column(&sample.future, factor, window),
        }
    }

    /// All columns, in the order of the terms.
    pub(crate) fn raw_columns(&self, sample: &Sample<'_>) -> Vec<Vec<f64>> {
        let terms = self.terms.iter();
        terms.map(|term| self.raw_column(sample, *term)).collect()
    }

    /// The columns whose terms meet a condition.
    pub(crate) fn columns_where(&self, is_wanted: impl Fn(&Term) -> bool) -> Vec<usize> {
        let terms = self.terms.iter().enumerate();
        let wanted = terms.filter(|(_, term)| is_wanted(term));
        wanted.map(|(i, _)| i).collect()
    }

    /// The column of a term.
    pub(crate) fn column(&self, term: Term) -> Option<usize> {
        self.terms.iter().position(|other| *other == term)
    }
}

/// The terms of a sample, those of the hour itself first: of columns that depend on each other the
/// later ones are dropped.
fn terms(series: &Series<'_>, sample: &Sample<'_>) -> (Vec<Term>, Vec<Bins>) {
    let weeks: Vec<i32> = sample.rows.iter().map(Row::week).collect();
    let (mut terms, mut all_bins) = (Vec::new(), Vec::new());
    for factor in Factor::ALL {
        if !series.has(factor.variable()) {
            continue;
        }
        let Some(bins) = Bins::new(factor, &factor_values(sample, factor), &weeks) else {
            terms.push(Term::Slope(factor));
            continue;
        };
        terms.extend(bins.compared().map(|bin| bins.term(bin)));
        all_bins.push(bins);
    }
    if series.has(Variable::Precipitation) {
        terms.push(Term::Wet);
    }
    if series.has(Variable::Temperature) {
        terms.push(Term::Slope(Factor::Temperature));
    }
    let lagged = [Factor::Precipitation, Factor::Temperature];
    for window in &sample.windows {
        terms.extend(lagged.map(|factor| Term::Past(factor, *window)));
    }
    for window in sample.windows.iter().take(sample.future.len()) {
        terms.extend(lagged.map(|factor| Term::Future(factor, *window)));
    }
    (terms, all_bins)
}

/// The values of a factor in all rows.
pub(crate) fn factor_values(sample: &Sample<'_>, factor: Factor) -> Vec<f64> {
    let rows = sample.rows.iter();
    match factor {
        Factor::PressureChange => rows.map(|row| row.pressure_change).collect(),
        other => rows.map(|row| row.value(other.variable())).collect(),
    }
}

impl EffectKinds {
    fn new(sample: &Sample<'_>, options: &EffectOptions) -> Self {
        let cities = sample.rows.last().map_or(0, |row| row.city + 1);
        let with_rows = {
            let mut cities: Vec<usize> = sample.rows.iter().map(|row| row.city).collect();
            cities.dedup();
            cities.len()
        };
        let needed = MIN_ROWS_OF_HOUR_OF_WEEK * 168 * with_rows;
        Self {
            has_hour_of_week: cities > 0 && sample.rows.len() >= needed,
            has_date: options.date_effects && with_rows >= 2,
        }
    }
}

/// The fixed effects: those of the cycle, of the season and of dates. A city's own effect is the sum of
/// those of its season.
fn effects(sample: &Sample<'_>, options: &EffectOptions, kinds: EffectKinds) -> Vec<FixedEffect> {
    let rows = || sample.rows.iter();
    let by_city = |key: &dyn Fn(&crate::hours::LocalTime) -> i32| {
        let keys = rows().map(|row| {
            let key = u64::from(key(&row.hour.local).cast_unsigned());
            ((row.city as u64) << 32) | key
        });
        FixedEffect::from_keys(keys.collect::<Vec<_>>().into_iter())
    };
    let mut effects = if kinds.has_hour_of_week {
        vec![by_city(&|local| i32::from(local.hour_of_week()))]
    } else {
        vec![
            by_city(&|local| i32::from(local.hour().hour_of_day())),
            by_city(&|local| i32::from(local.hour().day_of_week())),
        ]
    };
    effects.push(match options.season {
        Season::Month => by_city(&|local| local.month()),
        Season::Week => by_city(&|local| local.block(WEEK_HOURS)),
        Season::MonthTrend => {
            let first = rows().map(|row| row.hour.hour).min();
            let days = rows().map(|row| {
                let since = row.hour.hour.index() - first.map_or(0, |first| first.index());
                f64::from(since) / 24.0
            });
            by_city(&|local| local.month()).with_trend(days.collect())
        }
    });
    if kinds.has_date {
        let dates = rows().map(|row| u64::from(row.hour.local.date().cast_unsigned()));
        effects.push(FixedEffect::from_keys(dates));
    }
    effects
}

fn weights(
    sample: &Sample<'_>,
    options: &EffectOptions,
    effects: &[FixedEffect],
    response: &[f64],
) -> Result<Vec<f64>, RegressionError> {
    let rows = sample.rows.iter();
    match options.weighting {
        Weighting::Equal => Ok(vec![1.0; response.len()]),
        Weighting::Posts => Ok(rows.map(|row| row.feeling.posts as f64).collect()),
        Weighting::StandardError => standard_error_weights(sample, effects, response),
    }
}

/// The inverse variances of [`Weighting::StandardError`], with a mean of 1.
fn standard_error_weights(
    sample: &Sample<'_>,
    effects: &[FixedEffect],
    response: &[f64],
) -> Result<Vec<f64>, RegressionError> {
    let n = response.len();
    let (mut squares, mut degrees) = (0.0, 0.0);
    for row in &sample.rows {
        let posts = row.feeling.posts as f64;
        if let Some(error) = row
            .feeling
            .standard_error
            .filter(|e| e.is_finite() && posts >= 2.0)
        {
            squares += (posts - 1.0) * error * error * posts;
            degrees += posts - 1.0;
        }
    }
    if squares <= 0.0 || n == 0 {
        return Ok(vec![1.0; n]);
    }
    let of_post = squares / degrees;
    let of_means: Vec<f64> = sample
        .rows
        .iter()
        .map(|row| of_post / row.feeling.posts as f64)
        .collect();
    let mean = response.iter().sum::<f64>() / n as f64;
    let mut residuals = [response.iter().map(|y| y - mean).collect::<Vec<f64>>()];
    let equal = vec![1.0; n];
    Absorber::new(effects, &equal).absorb(&mut residuals, std::num::NonZeroUsize::MIN)?;
    let squares: f64 = residuals[0].iter().map(|r| r * r).sum();
    let degrees = n.saturating_sub(absorbed_parameters(effects)).max(1) as f64;
    let between = (squares / degrees - of_means.iter().sum::<f64>() / n as f64).max(0.0);
    let weights: Vec<f64> = of_means
        .iter()
        .map(|within| 1.0 / (between + within))
        .collect();
    let mean = weights.iter().sum::<f64>() / n as f64;
    Ok(weights.into_iter().map(|weight| weight / mean).collect())
}
