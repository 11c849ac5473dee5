//! Makes the report from the estimator's answer.

use moodvane_effect::{
    BinEffect, CityEffect, EffectAnswer, EffectError, EffectEstimate, Factor, FactorEffect,
    LagEffect, LagProfile, SampleSummary,
};
use moodvane_model::{HourSlot, Variable};

use crate::ask::{Asked, Question};
use crate::checks::checks;
use crate::numbers::rounded;
use crate::report::{
    Bin, CityName, CityResult, Effect, EffectReport, Estimate, FixedEffects, Future, Lag,
    LagEffects, LeftOut, Rain, Robustness, Sample, Scale, Shifts, VariableEffect, Verdict, Weekend,
};
use crate::settings::Talk;
use crate::verdict;

/// The report of an answer.
pub(crate) fn report(
    question: &Question,
    asked: &Asked,
    answer: &EffectAnswer,
    robustness: Robustness,
) -> EffectReport {
    let effect = effect(asked, answer, robustness);
    let verdict = verdict::verdict(&effect);
    let mut report = frame(question, asked, verdict);
    report.sentence = verdict::sentence(verdict, &asked.cities, question.talk, &effect);
    report.proportion = verdict::proportion(verdict, &effect);
    report.more_hours = Some(verdict::more_hours(verdict, &effect));
    report.checks = checks(question.talk, verdict, &effect);
    report.effect = Some(effect);
    report
}

/// The report without an answer, with the reason.
pub(crate) fn too_little(question: &Question, asked: &Asked, error: EffectError) -> EffectReport {
    let mut report = frame(question, asked, Verdict::TooLittle);
    let mut reason = error.to_string();
    if question.talk != Talk::All && asked.hours_without_talk > 0 {
        reason = format!(
            "{reason}; {} hours are of a run that does not tell posts about the weather apart: rescore them, or include all posts",
            asked.hours_without_talk
        );
    }
    if let EffectError::Insufficient(insufficient) = error {
        report.more_hours = insufficient.additional_hours();
    }
    report.sentence = verdict::insufficient(&reason, report.more_hours);
    report
}

fn frame(question: &Question, asked: &Asked, verdict: Verdict) -> EffectReport {
    EffectReport {
        cities: asked.cities.clone(),
        begin: rfc3339(question.range.begin()),
        end: rfc3339(question.range.end()),
        talk: question.talk,
        verdict,
        sentence: String::new(),
        proportion: None,
        more_hours: None,
        effect: None,
        checks: Vec::new(),
        settings: question.settings,
        origin: question.origin.clone(),
    }
}

/// The start of an hour of UTC.
fn rfc3339(hour: HourSlot) -> String {
    format!("{}:00:00Z", hour.to_string().replace(' ', "T"))
}

fn effect(asked: &Asked, answer: &EffectAnswer, robustness: Robustness) -> Effect {
    let wet = &answer.wet;
    let scale = &answer.scale;
    let future = answer.placebo.as_ref().map(|placebo| Future {
        hours: placebo.hours,
        p_value: rounded(placebo.test.p_value),
        is_quiet: placebo.is_quiet(),
        rain: placebo.rain.iter().map(lag).collect(),
    });
    let shifts = answer.shifts.map(|check| Shifts {
        shifts: check.shifts,
        as_strong: check.as_strong,
        p_value: rounded(check.p_value()),
    });
    Effect {
        sample: sample(&answer.sample, asked.hours_without_talk),
        rain: Rain {
            difference: estimate(&wet.estimate),
            with_any_past: estimate(&wet.with_any_past),
            wet_hours: wet.wet_hours,
            dry_hours: wet.dry_hours,
            wet_spells: wet.wet_spells,
        },
        scale: Scale {
            standard_deviation: rounded(scale.standard_deviation),
            weekend: scale.saturday_minus_monday.map(|difference| Weekend {
                difference: estimate(&difference),
                rain_share: scale.share_of_weekend(wet.estimate.value).map(rounded),
            }),
        },
        variables: answer.factors.iter().map(variable).collect(),
        lags: answer.lags.iter().map(lags).collect(),
        future,
        shifts,
        robustness,
        by_city: answer
            .cities
            .iter()
            .map(|city| city_result(asked, city))
            .collect(),
    }
}

pub(crate) fn estimate(found: &EffectEstimate) -> Estimate {
    Estimate {
        value: rounded(found.value),
        low: rounded(found.low),
        high: rounded(found.high),
        standard_error: rounded(found.standard_error),
        degrees_of_freedom: rounded(found.degrees_of_freedom),
        p_value: rounded(found.p_value),
    }
}

fn sample(summary: &SampleSummary, hours_without_talk: usize) -> Sample {
    Sample {
        cities: summary.cities,
        hours: summary.hours,
        posts: summary.posts,
        first: summary.range.map(|(first, _)| rfc3339(first)),
        last: summary.range.map(|(_, last)| rfc3339(last)),
        left_out: left_out(summary, hours_without_talk),
        left_out_variables: summary
            .left_out_variables
            .iter()
            .map(|left_out| left_out.variable.name().to_owned())
            .collect(),
        dropped_columns: summary.dropped.iter().map(ToString::to_string).collect(),
        fixed_effects: FixedEffects {
            hour_of_week: summary.has_hour_of_week_effects,
            date: summary.has_date_effects,
            levels: summary.levels,
        },
    }
}

fn left_out(summary: &SampleSummary, hours_without_talk: usize) -> Vec<LeftOut> {
    let hours = &summary.left_out;
    // Hours without the split have no feeling, and are counted there unless all posts are included.
    let without_talk = hours_without_talk.min(hours.too_few_posts);
    let fixed = [
        ("repeated hour", hours.duplicate),
        (
            "of a run that does not tell posts about the weather apart",
            without_talk,
        ),
        ("too few scored posts", hours.too_few_posts - without_talk),
        ("feeling is not a number", hours.invalid_feeling),
        (
            "no pressure three hours before",
            hours.without_earlier_pressure,
        ),
        ("less than half of the past has weather", hours.without_past),
    ];
    let fixed = fixed.map(|(reason, hours)| (reason.to_owned(), hours));
    let of_variables = Variable::ALL
        .iter()
        .zip(hours.without_variable)
        .map(|(variable, hours)| (format!("no {variable}"), hours));
    fixed
        .into_iter()
        .chain(of_variables)
        .filter(|(_, hours)| *hours > 0)
        .map(|(reason, hours)| LeftOut { reason, hours })
        .collect()
}

fn variable(found: &FactorEffect) -> VariableEffect {
    let bins = found.bins.iter().enumerate();
    VariableEffect {
        name: found.factor.name().to_owned(),
        unit: unit(found.factor),
        bins: bins
            .map(|(index, effect)| bin(effect, found.reference == Some(index)))
            .collect(),
        slope: found.slope.as_ref().map(estimate),
        p_value: found.test.map(|test| rounded(test.p_value)),
        adjusted_p_value: found.adjusted_p_value.map(rounded),
    }
}

fn unit(factor: Factor) -> String {
    factor.variable().unit().to_owned()
}

fn bin(found: &BinEffect, is_reference: bool) -> Bin {
    Bin {
        low: found.low.map(rounded),
        high: found.high.map(rounded),
        is_reference,
        hours: found.hours,
        posts: found.posts,
        mean: rounded(found.mean),
        difference: found.estimate.as_ref().map(estimate),
        band_low: found.band.map(|(low, _)| rounded(low)),
        band_high: found.band.map(|(_, high)| rounded(high)),
    }
}

fn lags(profile: &LagProfile) -> LagEffects {
    LagEffects {
        variable: profile.factor.name().to_owned(),
        lags: profile.lags.iter().map(lag).collect(),
        cumulative: estimate(&profile.cumulative),
    }
}

fn lag(effect: &LagEffect) -> Lag {
    Lag {
        first_hour: effect.window.map_or(0, |window| window.first),
        last_hour: effect.window.map_or(0, |window| window.last),
        effect: estimate(&effect.estimate),
    }
}

fn city_result(asked: &Asked, result: &CityEffect) -> CityResult {
    let id = result.city.to_string();
    let known = asked.cities.iter().find(|city| city.id == id);
    let name = known.map_or(id.clone(), |city| city.name.clone());
    let (difference, reason) = match &result.effect {
        Ok(wet) => (Some(estimate(&wet.estimate)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    CityResult {
        city: CityName { id, name },
        difference,
        reason,
    }
}
