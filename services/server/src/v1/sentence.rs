//! A relation in a sentence or two of plain language, with its uncertainty.

use moodvane_analysis::{Conclusion, InsufficientData, Relation, WetDryComparison};
use moodvane_model::{City, Variable};

/// What was found of a city's variable and, of precipitation, of its wet hours.
pub(super) fn of(
    city: &City,
    variable: Variable,
    found: &Result<Relation, InsufficientData>,
    wet: Option<&Result<WetDryComparison, InsufficientData>>,
) -> String {
    let first = match found {
        Ok(found) => relation(city, variable, found),
        Err(refused) => too_little(*refused),
    };
    match wet {
        Some(Ok(wet)) => format!("{first} {}", wet_hours(wet)),
        _ => first,
    }
}

/// What was found of wet hours, or why nothing can be said of them.
pub(super) fn of_wet(wet: &Result<WetDryComparison, InsufficientData>) -> String {
    match wet {
        Ok(wet) => wet_hours(wet),
        Err(refused) => too_little(*refused),
    }
}

fn relation(city: &City, variable: Variable, found: &Relation) -> String {
    let r = found.pearson;
    let interval = format!("95 % interval {:.2} to {:.2}", r.low, r.high);
    let of_posts = |more_or_less: &str| {
        format!(
            "The higher {}'s {}, the {more_or_less} joyful its posts: correlation {:.2} ({interval}) over {} hours.",
            city.name,
            name(variable),
            r.value,
            found.hours,
        )
    };
    match found.conclusion() {
        Conclusion::Rises => of_posts("more"),
        Conclusion::Falls => of_posts("less"),
        Conclusion::Undecided => format!(
            "No relation between {}'s {} and the joy of its posts is seen: correlation {:.2} ({interval}) over {} hours. {}",
            city.name,
            name(variable),
            r.value,
            found.hours,
            waiting(found.additional_hours()),
        ),
    }
}

fn waiting(more_hours: u64) -> String {
    if more_hours == 0 {
        return "There are enough hours to have seen one of 0.1.".to_owned();
    }
    format!("It would take about {more_hours} hours more to see one of 0.1.")
}

fn too_little(refused: InsufficientData) -> String {
    match refused.additional_hours() {
        Some(more) => {
            format!("There is too little to say: {refused}. It would take about {more} hours more.")
        }
        None => format!("There is too little to say: {refused}."),
    }
}

fn wet_hours(wet: &WetDryComparison) -> String {
    let d = wet.difference;
    let interval = format!("95 % interval {:.2} to {:.2}", d.low, d.high);
    let more_or_less = if d.value < 0.0 { "less" } else { "more" };
    if d.low <= 0.0 && 0.0 <= d.high {
        return format!(
            "Posts of wet hours are not seen to be more or less joyful than those of dry ones: {:.2} classes ({interval}).",
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
