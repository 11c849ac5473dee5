//! The conclusion and its sentence.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::numbers::{joined, signed};
use crate::report::{CityName, Effect, Estimate, Verdict};
use crate::settings::Talk;

/// The difference in classes that undecided data should suffice to detect.
pub(crate) const DETECTABLE_CLASSES: f64 = 0.05;
/// The probability of detecting it.
const POWER: f64 = 0.8;
/// Cities that the sentence names; more are counted.
const MAX_NAMED_CITIES: usize = 3;

pub(crate) fn verdict(effect: &Effect) -> Verdict {
    let difference = effect.rain.difference;
    if !is_significant(&difference) {
        return Verdict::Undecided;
    }
    if effect
        .future
        .as_ref()
        .is_some_and(|future| !future.is_quiet)
    {
        return Verdict::Doubtful;
    }
    match difference.value < 0.0 {
        true => Verdict::LessJoyful,
        false => Verdict::MoreJoyful,
    }
}

/// Whether the interval excludes 0.
pub(crate) fn is_significant(estimate: &Estimate) -> bool {
    estimate.low > 0.0 || estimate.high < 0.0
}

/// The conclusion in plain language, with its uncertainty.
pub(crate) fn sentence(
    verdict: Verdict,
    cities: &[CityName],
    talk: Talk,
    effect: &Effect,
) -> String {
    let conclusion = conclusion(verdict, &posts_of(cities, talk), effect);
    let mut parts = vec![conclusion];
    parts.extend(other_posts(talk, effect));
    parts.extend(future(verdict, effect));
    parts.join(" ")
}

/// The posts that the question is about, such as `New York's posts that do not speak of the weather`.
fn posts_of(cities: &[CityName], talk: Talk) -> String {
    let names: Vec<&str> = cities.iter().map(|city| city.name.as_str()).collect();
    let posts = match names.as_slice() {
        [one] => format!("{one}'s posts"),
        few if few.len() <= MAX_NAMED_CITIES => format!("the posts of {}", joined(few)),
        many => format!("the posts of {} cities", many.len()),
    };
    match talk {
        Talk::All => posts,
        Talk::Without => format!("{posts} that do not speak of the weather"),
        Talk::Only => format!("{posts} that speak of the weather"),
    }
}

fn conclusion(verdict: Verdict, posts: &str, effect: &Effect) -> String {
    let difference = effect.rain.difference;
    if verdict == Verdict::Undecided {
        return format!(
            "No effect of rain on the joy of {posts} is detected: wet hours differ from dry hours of the same season, weekday and time by {} classes (95 % interval {} to {}). {}",
            signed(difference.value, 2),
            signed(difference.low, 2),
            signed(difference.high, 2),
            detectable(effect),
        );
    }
    let (more_or_less, low, high) = match difference.value < 0.0 {
        true => ("less", -difference.high, -difference.low),
        false => ("more", difference.low, difference.high),
    };
    format!(
        "In rain, {posts} are {:.2} classes {more_or_less} joyful than in dry hours of the same season, weekday and time (95 % interval {low:.2} to {high:.2}).",
        difference.value.abs(),
    )
}

/// What undecided data would show.
fn detectable(effect: &Effect) -> String {
    let detected = detectable_classes(&effect.rain.difference);
    match more_hours(Verdict::Undecided, effect) {
        0 => format!("These hours suffice to detect a difference of {detected:.2} classes."),
        more => format!(
            "These hours suffice to detect a difference of {detected:.2} classes; about {more} more are needed for {DETECTABLE_CLASSES}."
        ),
    }
}

/// The difference that is detected with a probability of [`POWER`] at a level of 5 %.
fn detectable_classes(estimate: &Estimate) -> f64 {
    // Half the interval is the standard error times the quantile of its t distribution.
    let half = (estimate.high - estimate.low) / 2.0;
    half + Normal::standard().inverse_cdf(POWER) * estimate.standard_error
}

/// How many more hours are needed to detect [`DETECTABLE_CLASSES`]: the standard error falls with the
/// square root of the number of hours.
pub(crate) fn more_hours(verdict: Verdict, effect: &Effect) -> u64 {
    if verdict != Verdict::Undecided {
        return 0;
    }
    let ratio = detectable_classes(&effect.rain.difference) / DETECTABLE_CLASSES;
    let hours = effect.sample.hours as f64;
    (hours * (ratio * ratio - 1.0)).max(0.0).ceil() as u64
}

/// The same of the other posts.
fn other_posts(talk: Talk, effect: &Effect) -> Option<String> {
    match talk {
        Talk::Without => effect.robustness.all_posts.map(|all| {
            format!(
                "With the posts about the weather the difference is {} classes.",
                signed(all.value, 2)
            )
        }),
        Talk::All | Talk::Only => effect.robustness.without_weather_talk.map(|without| {
            format!(
                "Without posts about the weather the difference is {} classes.",
                signed(without.value, 2)
            )
        }),
    }
}

fn future(verdict: Verdict, effect: &Effect) -> Option<String> {
    let future = effect.future.as_ref()?;
    let text = match (verdict, future.is_quiet) {
        (Verdict::Doubtful, _) => {
            "But the weather of the next day shows an effect too, which it cannot have: something that comes with the weather may be the cause."
        }
        (_, true) => "Future rain shows nothing, as it should.",
        (_, false) => {
            "The weather of the next day shows an effect, which it cannot have: the model misses something."
        }
    };
    Some(text.to_owned())
}

/// The size of the effect against other differences; `None` without a significant one.
pub(crate) fn proportion(verdict: Verdict, effect: &Effect) -> Option<String> {
    if verdict == Verdict::Undecided {
        return None;
    }
    let size = effect.rain.difference.value.abs();
    let deviation = effect.scale.standard_deviation;
    if deviation <= 0.0 {
        return None;
    }
    let deviations = format!(
        "That is {:.2} standard deviations of the feeling of an hour",
        size / deviation
    );
    let weekend = effect.scale.weekend.and_then(|weekend| {
        let share = weekend.rain_share?.abs() * 100.0;
        let difference = signed(weekend.difference.value, 2);
        Some(format!(
            "{share:.0} % of the difference between Saturday and Monday ({difference} classes)"
        ))
    });
    Some(match weekend {
        Some(weekend) => format!("{deviations}, and {weekend}."),
        None => format!("{deviations}."),
    })
}

/// Why the data are insufficient.
pub(crate) fn insufficient(reason: &str, more_hours: Option<u64>) -> String {
    match more_hours {
        Some(more) => format!("Not enough data: {reason}. About {more} more hours are needed."),
        None => format!("Not enough data: {reason}."),
    }
}
