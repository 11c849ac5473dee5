//! A relation in one or two sentences of plain language, with its uncertainty.

use moodvane_analysis::{Conclusion, InsufficientData, Relation, WET_MM_PER_H, WetDryComparison};
use moodvane_model::{City, Variable};

/// The relation of a city's variable and, for precipitation, the comparison of wet and dry hours.
pub(super) fn of_relation(
    city: &City,
    variable: Variable,
    relation: &Result<Relation, InsufficientData>,
    wet: Option<&Result<WetDryComparison, InsufficientData>>,
) -> String {
    let first = match relation {
        Ok(relation) => conclusion(city, variable, relation),
        Err(reason) => insufficient_data(variable, *reason),
    };
    match wet {
        Some(Ok(wet)) => format!("{first} {}", wet_hours(wet)),
        _ => first,
    }
}

/// The comparison of wet and dry hours, or why the data are insufficient.
pub(super) fn of_wet_hours(wet: &Result<WetDryComparison, InsufficientData>) -> String {
    match wet {
        Ok(wet) => wet_hours(wet),
        Err(reason) => insufficient_data(Variable::Precipitation, *reason),
    }
}

fn conclusion(city: &City, variable: Variable, relation: &Relation) -> String {
    let r = relation.pearson;
    let evidence = format!(
        "correlation {:.2} (95 % interval {:.2} to {:.2}) over {} hours",
        r.value, r.low, r.high, relation.hours
    );
    let (city, variable) = (&city.name, name(variable));
    match relation.conclusion() {
        Conclusion::Rises => {
            format!("The higher {city}'s {variable}, the more joyful its posts: {evidence}.")
        }
        Conclusion::Falls => {
            format!("The higher {city}'s {variable}, the less joyful its posts: {evidence}.")
        }
        Conclusion::Undecided => format!(
            "No relation between {city}'s {variable} and the joy of its posts is detected: {evidence}. {}",
            needed_hours(relation.additional_hours()),
        ),
    }
}

fn needed_hours(more_hours: u64) -> String {
    if more_hours == 0 {
        return "The hours suffice to detect a correlation of 0.1.".to_owned();
    }
    format!("About {more_hours} more hours are needed to detect a correlation of 0.1.")
}

fn insufficient_data(variable: Variable, reason: InsufficientData) -> String {
    let more_hours = reason.additional_hours();
    let reason = reason_for(variable, reason);
    match more_hours {
        Some(more) => format!("Not enough data: {reason}. About {more} more hours are needed."),
        None => format!("Not enough data: {reason}."),
    }
}

/// The reason, in terms of rain where the usual weather is dry.
fn reason_for(variable: Variable, reason: InsufficientData) -> String {
    match reason {
        InsufficientData::Exposure {
            effective,
            need,
            departures: Some(departures),
            ..
        } if variable == Variable::Precipitation && departures.usual < WET_MM_PER_H => format!(
            "rain in only {departures}: as informative as {effective:.1} separate spells, at least {need:.1} are required"
        ),
        reason => reason.to_string(),
    }
}

fn wet_hours(wet: &WetDryComparison) -> String {
    let d = wet.difference;
    let interval = format!("95 % interval {:.2} to {:.2}", d.low, d.high);
    let more_or_less = if d.value < 0.0 { "less" } else { "more" };
    if d.low <= 0.0 && 0.0 <= d.high {
        return format!(
            "No difference between the joy of posts in wet and in dry hours is detected: {:.2} classes ({interval}).",
            d.value,
        );
    }
    format!(
        "Posts of wet hours are {:.2} classes {more_or_less} joyful than those of dry ones ({interval} of the difference).",
        d.value.abs(),
    )
}

fn name(variable: Variable) -> &'static str {
    match variable {
        Variable::Wind => "wind speed",
        Variable::Cloud => "cloud cover",
        Variable::Pressure => "air pressure",
        other => other.name(),
    }
}
