//! Figures as SVG, each with its numbers as CSV.
//!
//! Colours are attributes, so that a figure is complete as a file; a page may override them in its
//! style sheet by the values in [`style`].

mod curve;
mod intervals;
mod style;
mod table;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::numbers::{joined, signed};
use crate::report::{Effect, EffectReport, Lag, VariableEffect};
use intervals::{Interval, forest};

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectFigure)]
pub struct Figure {
    /// A name for files, such as `temperature`.
    #[schema(example = "temperature")]
    pub name: String,
    /// The title.
    pub title: String,
    /// What the figure shows, for those who do not see it.
    pub description: String,
    /// The figure as an SVG document.
    pub svg: String,
    /// Its numbers as a table (RFC 4180).
    pub csv: String,
}

/// A figure cannot be drawn.
#[derive(Debug, Error)]
#[error("cannot draw the figure \"{name}\"")]
pub struct FigureError {
    /// The name of the figure.
    pub name: String,
    /// The cause.
    pub source: DrawError,
}

/// Why a figure cannot be drawn.
pub(crate) type DrawError = Box<dyn std::error::Error + Send + Sync>;

/// A figure's text, and a function that draws it.
struct Plan<'a> {
    name: &'a str,
    title: String,
    description: String,
    csv: String,
    draw: Box<dyn Fn() -> Result<String, DrawError> + 'a>,
}

/// The figures of a report: the curve of temperature, the classes of precipitation, past and future
/// rain, the other variables and the cities. Empty if the data are insufficient.
///
/// # Errors
/// [`FigureError`] if one cannot be drawn.
pub fn figures(report: &EffectReport) -> Result<Vec<Figure>, FigureError> {
    let Some(effect) = &report.effect else {
        return Ok(Vec::new());
    };
    let variables = effect.variables.iter();
    let binned = variables.filter(|variable| variable.bins.len() > 1);
    let plans = binned
        .filter_map(|variable| match variable.name.as_str() {
            "temperature" => curve_plan(variable),
            _ => bins_plan(variable),
        })
        .chain(lags_plan(effect))
        .chain(cities_plan(effect));
    plans.map(finish).collect()
}

fn finish(plan: Plan<'_>) -> Result<Figure, FigureError> {
    let svg = (plan.draw)().map_err(|source| FigureError {
        name: plan.name.to_owned(),
        source,
    })?;
    Ok(Figure {
        name: plan.name.to_owned(),
        svg: style::accessible(&svg, &plan.title, &plan.description),
        title: plan.title,
        description: plan.description,
        csv: plan.csv,
    })
}

fn curve_plan(variable: &VariableEffect) -> Option<Plan<'_>> {
    let reference = variable.bins.iter().find(|bin| bin.is_reference)?;
    let range = style::reference_label(reference, &variable.unit);
    Some(Plan {
        name: &variable.name,
        title: format!("Temperature: difference from {range}"),
        description: format!(
            "Difference of the feeling from {range}, by temperature, all else equal, with 95 % intervals and the band that contains the whole curve with 95 % probability; below it the number of hours. {}",
            significant_bins(variable)
        ),
        csv: table::bins(variable),
        draw: Box::new(move || curve::draw(&variable.bins)),
    })
}

fn bins_plan(variable: &VariableEffect) -> Option<Plan<'_>> {
    let reference = variable.bins.iter().find(|bin| bin.is_reference)?;
    let range = match variable.name.as_str() {
        "precipitation" => "dry hours".to_owned(),
        _ => style::reference_label(reference, &variable.unit),
    };
    let title = format!(
        "{}: difference from {range}",
        style::capitalised(&variable.name)
    );
    let rows = variable.bins.iter().map(|bin| Interval {
        label: match variable.name.as_str() {
            "precipitation" => style::rain_label(bin),
            _ => format!("{} {}", style::bin_label(bin.low, bin.high), variable.unit),
        },
        detail: format!("{} h", bin.hours),
        estimate: bin.difference,
        is_reference: bin.is_reference,
        is_muted: false,
    });
    let rows: Vec<Interval> = rows.collect();
    Some(Plan {
        name: &variable.name,
        description: format!(
            "{title}, all else equal, with 95 % intervals. {}",
            significant_bins(variable)
        ),
        title,
        csv: table::bins(variable),
        draw: Box::new(move || forest(&rows)),
    })
}

/// Which bins differ from the reference.
fn significant_bins(variable: &VariableEffect) -> String {
    let bins = variable.bins.iter().filter_map(|bin| {
        let estimate = bin.difference?;
        let range = style::bin_label(bin.low, bin.high);
        crate::verdict::is_significant(&estimate)
            .then(|| format!("{range}: {}", signed(estimate.value, 2)))
    });
    let bins: Vec<String> = bins.collect();
    if bins.is_empty() {
        return "No bin differs significantly.".to_owned();
    }
    let names: Vec<&str> = bins.iter().map(String::as_str).collect();
    format!("Significant: {}.", joined(&names))
}

/// Rain of the next day, now and of the past day.
fn lags_plan(effect: &Effect) -> Option<Plan<'_>> {
    let rain = effect
        .lags
        .iter()
        .find(|lags| lags.variable == "precipitation")?;
    let future = effect
        .future
        .as_ref()
        .map_or(&[][..], |future| &future.rain);
    let row = |lag: &Lag, is_future: bool| Interval {
        label: style::lag_label(lag, is_future),
        detail: String::new(),
        estimate: Some(lag.effect),
        is_reference: false,
        is_muted: is_future,
    };
    let rows = future.iter().rev().map(|lag| row(lag, true));
    let rows: Vec<Interval> = rows
        .chain(rain.lags.iter().map(|lag| row(lag, false)))
        .collect();
    let total = rain.cumulative;
    Some(Plan {
        name: "lags",
        title: "Rain: effect of one wet hour, by when it falls".to_owned(),
        description: format!(
            "Effect of a wet hour on the feeling of an hour, by how long before or after the rain falls, with 95 % intervals. Future rain is a placebo. All past hours together: {} classes (95 % interval {} to {}).",
            signed(total.value, 2),
            signed(total.low, 2),
            signed(total.high, 2)
        ),
        csv: table::lags(effect),
        draw: Box::new(move || forest(&rows)),
    })
}

fn cities_plan(effect: &Effect) -> Option<Plan<'_>> {
    if effect.by_city.is_empty() {
        return None;
    }
    let rows = effect.by_city.iter().map(|result| Interval {
        label: result.city.name.clone(),
        detail: match result.difference {
            Some(_) => String::new(),
            None => "too little data".to_owned(),
        },
        estimate: result.difference,
        is_reference: false,
        is_muted: false,
    });
    let all = Interval {
        label: "All together".to_owned(),
        detail: String::new(),
        estimate: Some(effect.rain.difference),
        is_reference: false,
        is_muted: true,
    };
    let rows: Vec<Interval> = rows.chain([all]).collect();
    Some(Plan {
        name: "cities",
        title: "Rain: each city alone".to_owned(),
        description: "Difference of wet and dry hours of each city alone and of all together, with 95 % intervals.".to_owned(),
        csv: table::cities(effect),
        draw: Box::new(move || forest(&rows)),
    })
}
