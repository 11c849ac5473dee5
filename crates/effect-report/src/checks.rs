//! What supports or questions the conclusion.

use crate::numbers::{p_text, signed};
use crate::report::{Check, CheckName, CheckState, Effect, Estimate, Verdict};
use crate::settings::Talk;
use crate::verdict::is_significant;

/// The significance level of the checks.
const ALPHA: f64 = 0.05;

pub(crate) fn checks(talk: Talk, verdict: Verdict, effect: &Effect) -> Vec<Check> {
    let claim = (verdict != Verdict::Undecided).then_some(effect.rain.difference);
    let checks = [
        (CheckName::Future, Some(future(effect))),
        (CheckName::Shifts, shifts(claim, effect)),
        (
            CheckName::WeatherTalk,
            Some(weather_talk(talk, claim, effect)),
        ),
        (CheckName::Median, Some(median(claim, effect))),
        (CheckName::Cities, cities(claim, effect)),
    ];
    let made = checks.into_iter().filter_map(|(name, result)| {
        let (state, text) = result?;
        Some(Check { name, state, text })
    });
    made.collect()
}

type CheckResult = (CheckState, String);

fn passed_if(is_passed: bool) -> CheckState {
    match is_passed {
        true => CheckState::Passed,
        false => CheckState::Warning,
    }
}

fn future(effect: &Effect) -> CheckResult {
    let Some(future) = &effect.future else {
        let text = "The weather of the future cannot be checked: too few hours have one.";
        return (CheckState::Unknown, text.to_owned());
    };
    let p = p_text(future.p_value);
    let text = match future.is_quiet {
        true => format!("Rain and temperature of the next day show nothing, as they should ({p})."),
        false => format!(
            "Rain and temperature of the next day show an effect, which they cannot have ({p})."
        ),
    };
    (passed_if(future.is_quiet), text)
}

fn shifts(claim: Option<Estimate>, effect: &Effect) -> Option<CheckResult> {
    let shifts = effect.shifts?;
    let is_strong = shifts.p_value <= ALPHA;
    let text = format!(
        "Of {} circular shifts of the rain against the posts, {} relate the two at least as strongly ({}).",
        shifts.shifts,
        shifts.as_strong,
        p_text(shifts.p_value),
    );
    Some((passed_if(is_strong == claim.is_some()), text))
}

fn weather_talk(talk: Talk, claim: Option<Estimate>, effect: &Effect) -> CheckResult {
    let Some(without) = effect.robustness.without_weather_talk else {
        let text = "Posts about the weather cannot be left out: the hours do not tell them apart.";
        return (CheckState::Unknown, text.to_owned());
    };
    if talk == Talk::Without {
        let text = "Posts that speak of the weather are left out.".to_owned();
        return (CheckState::Passed, text);
    }
    let text = format!(
        "Without posts about the weather the difference is {}.",
        with_interval(&without)
    );
    (passed_if(agrees(claim, &without)), text)
}

fn median(claim: Option<Estimate>, effect: &Effect) -> CheckResult {
    let Some(median) = effect.robustness.median else {
        let text = "The medians of hours do not suffice for an estimate.".to_owned();
        return (CheckState::Unknown, text);
    };
    let text = format!(
        "With the median of an hour's posts instead of the mean the difference is {}.",
        with_interval(&median)
    );
    (passed_if(agrees(claim, &median)), text)
}

/// Whether another estimate leads to the same conclusion.
fn agrees(claim: Option<Estimate>, other: &Estimate) -> bool {
    match claim {
        Some(claim) => is_significant(other) && (claim.value < 0.0) == (other.value < 0.0),
        None => !is_significant(other),
    }
}

fn with_interval(estimate: &Estimate) -> String {
    let [value, low, high] =
        [estimate.value, estimate.low, estimate.high].map(|value| signed(value, 2));
    format!("{value} classes (95 % interval {low} to {high})")
}

/// `None` for one city.
fn cities(claim: Option<Estimate>, effect: &Effect) -> Option<CheckResult> {
    if effect.by_city.is_empty() {
        return None;
    }
    let found = effect.by_city.iter().filter_map(|city| city.difference);
    let found: Vec<Estimate> = found.collect();
    let all = effect.by_city.len();
    if found.is_empty() {
        let text = format!("None of {all} cities has enough data alone.");
        return Some((CheckState::Unknown, text));
    }
    let sign = effect.rain.difference.value < 0.0;
    let direction = if sign { "less" } else { "more" };
    let same = found.iter().filter(|city| (city.value < 0.0) == sign);
    let opposed = found
        .iter()
        .filter(|city| is_significant(city) && (city.value < 0.0) != sign);
    let (same, opposed) = (same.count(), opposed.count());
    let alone = found.len();
    let mut text = format!(
        "Of {alone} cities alone, {same} have {direction} joyful posts in rain; the opposite is significant in {opposed}."
    );
    if alone < all {
        text.push_str(&format!(" {} have too little data alone.", all - alone));
    }
    let is_passed = match claim {
        Some(_) => opposed == 0 && 2 * same > alone,
        None => found.iter().filter(|city| is_significant(city)).count() * 10 <= alone,
    };
    Some((passed_if(is_passed), text))
}
