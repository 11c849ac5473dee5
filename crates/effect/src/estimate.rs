//! Estimates the effect of the weather.

use std::num::NonZeroUsize;
use std::ops::Range;

use crate::answer::{
    CityEffect, EffectAnswer, EffectEstimate, Factor, LagEffect, LagProfile, Placebo,
    SampleSummary, Term, WetEffect,
};
use crate::factors::factor_effects;
use crate::hours::CityHours;
use crate::inference::{ClusteredDesign, Estimates};
use crate::options::{Checks, EffectError, EffectOptions};
use crate::panel::{Panel, Terms};
use crate::sample::{Needs, Series};
use crate::scale::scale;
use crate::shift::check_shifts;

/// A part of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The regression on all variables.
    Model,
    /// The circular shifts.
    Shifts,
    /// The effects of the past.
    Lags,
    /// The future as a placebo.
    Placebo,
    /// Each city alone.
    Cities,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 5] = [
        Self::Model,
        Self::Shifts,
        Self::Lags,
        Self::Placebo,
        Self::Cities,
    ];
}

/// Estimates the effect of all weather variables at once on the feeling of one or more cities.
///
/// # Errors
/// [`EffectError::Limit`] over a limit, [`EffectError::Insufficient`] if the data do not suffice, and
/// [`EffectError::Regression`] or [`EffectError::Clusters`] if the regression cannot be computed.
pub fn estimate_effect(
    cities: &[CityHours],
    options: &EffectOptions,
) -> Result<EffectAnswer, EffectError> {
    estimate_effect_with_progress(cities, options, &mut |_| {})
}

/// The same as [`estimate_effect`]; calls `on_stage` at the beginning of each stage.
///
/// # Errors
/// As [`estimate_effect`].
pub fn estimate_effect_with_progress(
    cities: &[CityHours],
    options: &EffectOptions,
    on_stage: &mut dyn FnMut(Stage),
) -> Result<EffectAnswer, EffectError> {
    let hours = cities.iter().map(|city| city.hours.len()).sum();
    options.check(cities.len(), hours)?;
    on_stage(Stage::Model);
    let series = Series::new(cities);
    let mut answer = main_answer(&series, options, on_stage)?;
    if options.checks == Checks::All {
        on_stage(Stage::Placebo);
        answer.placebo = placebo(&series, options)?;
        if answer.sample.cities > 1 {
            on_stage(Stage::Cities);
            answer.cities = each_city(&series, options);
        }
    }
    Ok(answer)
}

/// The effect of rain alone: [`EffectAnswer::wet`] without the rest, for the same question of another
/// feeling.
///
/// # Errors
/// As [`estimate_effect`].
pub fn estimate_wet_effect(
    cities: &[CityHours],
    options: &EffectOptions,
) -> Result<WetEffect, EffectError> {
    let hours = cities.iter().map(|city| city.hours.len()).sum();
    options.check(cities.len(), hours)?;
    let series = Series::new(cities);
    wet_effect(&series, 0..series.cities.len(), options)
}

/// The answer without placebo and without each city alone.
fn main_answer(
    series: &Series<'_>,
    options: &EffectOptions,
    on_stage: &mut dyn FnMut(Stage),
) -> Result<EffectAnswer, EffectError> {
    let panel = Panel::new(series, 0..series.cities.len(), options, Needs::Past)?;
    let design = panel.design(options)?;
    let classes = panel.fit(&design, options, Terms::Classes)?;
    let wet = panel.fit(&design, options, Terms::Wet)?;
    let shifts = (options.checks == Checks::All)
        .then(|| {
            on_stage(Stage::Shifts);
            shift_check(&panel, &design, options)
        })
        .transpose()?;
    on_stage(Stage::Lags);
    Ok(EffectAnswer {
        wet: panel.wet_effect(&design, options, &wet)?,
        scale: scale(&panel, &classes, options)?,
        factors: factor_effects(&panel, &classes, options),
        lags: lag_profiles(&panel, &design, options, &wet)?,
        sample: summary(series, &panel, &[&classes, &wet]),
        shifts,
        placebo: None,
        cities: Vec::new(),
    })
}

fn summary(series: &Series<'_>, panel: &Panel<'_>, estimates: &[&Estimates<'_>]) -> SampleSummary {
    let rows = &panel.sample.rows;
    let mut left_out = panel.sample.left_out;
    left_out.duplicate = series.duplicates;
    let hours = || rows.iter().map(|row| row.hour.hour);
    // A panel has rows.
    let range = hours().min().zip(hours().max());
    let mut dropped: Vec<Term> = Vec::new();
    for column in estimates
        .iter()
        .flat_map(|estimates| estimates.fit.dropped())
    {
        let term = panel.model.terms[*column];
        if !dropped.contains(&term) {
            dropped.push(term);
        }
    }
    let effects = &panel.model.effects;
    SampleSummary {
        cities: rows.chunk_by(|a, b| a.city == b.city).count(),
        hours: rows.len(),
        posts: rows.iter().map(|row| row.feeling.posts).sum(),
        range,
        left_out,
        left_out_variables: series.left_out_variables.clone(),
        dropped,
        has_hour_of_week_effects: panel.model.kinds.has_hour_of_week,
        has_date_effects: panel.model.kinds.has_date,
        levels: effects.iter().map(|effect| effect.level_count()).sum(),
        kernel_lags: panel.keys.lags,
    }
}

/// Shifts what only the rain explains against what nothing else explains of the feeling.
fn shift_check(
    panel: &Panel<'_>,
    design: &ClusteredDesign<'_>,
    options: &EffectOptions,
) -> Result<crate::answer::ShiftCheck, EffectError> {
    let others = panel
        .model
        .columns_where(|term| Terms::WithoutRain.include(term));
    let wet = panel.model.column(Term::Wet).unwrap_or_default();
    let rain = design.design.fit_column(&others, wet)?;
    let feeling = design.design.fit(&others)?;
    Ok(check_shifts(
        &panel.sample,
        (rain.weighted_residuals(), feeling.weighted_residuals()),
        feeling.residual_degrees_of_freedom(),
        options.shifts,
    ))
}

/// The effects of past rain and of past temperatures.
fn lag_profiles(
    panel: &Panel<'_>,
    design: &ClusteredDesign<'_>,
    options: &EffectOptions,
    wet: &Estimates<'_>,
) -> Result<Vec<LagProfile>, EffectError> {
    if panel.sample.windows.is_empty() {
        return Ok(Vec::new());
    }
    let lines = panel.fit(design, options, Terms::Lines)?;
    let profiles = [
        lag_profile(panel, wet, Factor::Precipitation, Term::Wet),
        lag_profile(
            panel,
            &lines,
            Factor::Temperature,
            Term::Slope(Factor::Temperature),
        ),
    ];
    Ok(profiles.into_iter().flatten().collect())
}

/// `None` if a term was dropped.
fn lag_profile(
    panel: &Panel<'_>,
    estimates: &Estimates<'_>,
    factor: Factor,
    now: Term,
) -> Option<LagProfile> {
    let model = &panel.model;
    let mut terms = vec![(now, 1.0)];
    let mut lags = vec![LagEffect {
        window: None,
        estimate: estimates.term(model, now)?,
    }];
    for window in &panel.sample.windows {
        let term = Term::Past(factor, *window);
        terms.push((term, window.hours() as f64));
        lags.push(LagEffect {
            window: Some(*window),
            estimate: estimates.term(model, term)?,
        });
    }
    Some(LagProfile {
        factor,
        lags,
        cumulative: estimates.sum(model, &terms)?,
    })
}

/// The placebo; `None` without a past, or if the hours with a future do not suffice.
fn placebo(series: &Series<'_>, options: &EffectOptions) -> Result<Option<Placebo>, EffectError> {
    let panel = Panel::new(
        series,
        0..series.cities.len(),
        options,
        Needs::PastAndFuture,
    );
    let panel = match panel {
        Err(EffectError::Insufficient(_)) => return Ok(None),
        other => other?,
    };
    let design = panel.design(options)?;
    let estimates = panel.fit(&design, options, Terms::Future)?;
    let is_future = |term: &Term| matches!(term, Term::Future(..));
    let Some(test) = estimates.test(&panel.model, is_future) else {
        return Ok(None);
    };
    let rain = |window: &crate::answer::LagWindow| -> Option<LagEffect> {
        let term = Term::Future(Factor::Precipitation, *window);
        let estimate: EffectEstimate = estimates.term(&panel.model, term)?;
        let window = Some(*window);
        Some(LagEffect { window, estimate })
    };
    Ok(Some(Placebo {
        hours: panel.sample.rows.len(),
        rain: panel.sample.windows.iter().filter_map(rain).collect(),
        test,
    }))
}

/// The wet effect of each city alone, on as many threads as the options have.
fn each_city(series: &Series<'_>, options: &EffectOptions) -> Vec<CityEffect> {
    let share = series.cities.len().div_ceil(options.threads.get()).max(1);
    let indices: Vec<usize> = (0..series.cities.len()).collect();
    let alone = EffectOptions {
        threads: NonZeroUsize::MIN,
        ..*options
    };
    let effect = |index: &usize| CityEffect {
        city: series.cities[*index].city,
        effect: wet_effect(series, *index..index + 1, &alone),
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = indices
            .chunks(share)
            .map(|indices| scope.spawn(move || indices.iter().map(effect).collect::<Vec<_>>()))
            .collect();
        // A worker does not panic.
        let finished = workers.into_iter().filter_map(|worker| worker.join().ok());
        finished.flatten().collect()
    })
}

fn wet_effect(
    series: &Series<'_>,
    cities: Range<usize>,
    options: &EffectOptions,
) -> Result<WetEffect, EffectError> {
    let panel = Panel::new(series, cities, options, Needs::Past)?;
    let design = panel.design(options)?;
    let wet = panel.fit(&design, options, Terms::Wet)?;
    panel.wet_effect(&design, options, &wet)
}
