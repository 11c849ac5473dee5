//! What an effect is compared with: the spread of hours, and Saturdays against Mondays.

use crate::absorb::FixedEffect;
use crate::answer::Scale;
use crate::inference::{ClusteredDesign, Estimates};
use crate::options::{EffectError, EffectOptions};
use crate::panel::Panel;
use crate::regression::{Design, Rows};

const MONDAY: u8 = 0;
const SATURDAY: u8 = 5;

/// The standard deviation of the feelings within cities, weighted.
fn standard_deviation(panel: &Panel<'_>) -> f64 {
    let (mut squares, mut total) = (0.0, 0.0);
    let mut begin = 0;
    for rows in panel.sample.rows.chunk_by(|a, b| a.city == b.city) {
        let weights = &panel.model.weights[begin..begin + rows.len()];
        begin += rows.len();
        let weight: f64 = weights.iter().sum();
        let weighted = rows.iter().zip(weights);
        let mean = weighted
            .clone()
            .map(|(row, w)| w * row.feeling.mean)
            .sum::<f64>()
            / weight;
        let deviations = weighted.map(|(row, w)| w * (row.feeling.mean - mean).powi(2));
        squares += deviations.sum::<f64>();
        total += weight;
    }
    (squares / total).sqrt()
}

/// The scale of a panel.
///
/// The days of the week are compared by a regression of the feelings less the weather on indicators of
/// days, within city and hour of the day and within the city's season, without dates, which would
/// leave nothing of the days.
pub(crate) fn scale(
    panel: &Panel<'_>,
    classes: &Estimates<'_>,
    options: &EffectOptions,
) -> Result<Scale, EffectError> {
    let rows = &panel.sample.rows;
    let response: Vec<f64> = panel
        .model
        .response
        .iter()
        .zip(weather_part(panel, classes))
        .map(|(feeling, weather)| feeling - weather)
        .collect();
    let hours_of_day = rows.iter().map(|row| {
        let hour = row.hour.local.hour().hour_of_day();
        row.city as u64 * 24 + u64::from(hour)
    });
    let season = usize::from(!panel.model.kinds.has_hour_of_week) + 1;
    let effects = [
        FixedEffect::from_keys(hours_of_day),
        panel.model.effects[season].clone(),
    ];
    // All days but Monday, so that the coefficient of Saturday is the difference.
    let days = MONDAY + 1..7;
    let columns = days.clone().map(|day| {
        let is_day = |row: &crate::sample::Row<'_>| row.hour.local.hour().day_of_week() == day;
        rows.iter()
            .map(|row| f64::from(u8::from(is_day(row))))
            .collect()
    });
    let design_rows = Rows {
        response: &response,
        weights: &panel.model.weights,
        effects: &effects,
    };
    let design = Design::new(columns.collect(), design_rows, options.threads)?;
    let all: Vec<usize> = (0..design.column_count()).collect();
    let design = ClusteredDesign::new(design, &panel.keys, options.inference);
    let has_monday = rows
        .iter()
        .any(|row| row.hour.local.hour().day_of_week() == MONDAY);
    let saturday = |estimates: &Estimates<'_>| {
        let position = estimates.fit.position(usize::from(SATURDAY - MONDAY - 1))?;
        estimates.sum_of_positions(&[(position, 1.0)])
    };
    // Hours of one day only have nothing to compare.
    let estimates = Estimates::new(&design, &all, &panel.keys, options).ok();
    let saturday_minus_monday = estimates.filter(|_| has_monday).as_ref().and_then(saturday);
    Ok(Scale {
        standard_deviation: standard_deviation(panel),
        saturday_minus_monday,
    })
}

/// What a regression attributes to the weather in each row.
fn weather_part(panel: &Panel<'_>, estimates: &Estimates<'_>) -> Vec<f64> {
    let mut weather = vec![0.0; panel.sample.rows.len()];
    let coefficients = estimates.fit.coefficients().iter();
    for (coefficient, column) in coefficients.zip(estimates.fit.kept()) {
        let column = panel
            .model
            .raw_column(&panel.sample, panel.model.terms[*column]);
        for (sum, value) in weather.iter_mut().zip(column) {
            *sum += coefficient * value;
        }
    }
    weather
}
