//! Asks the question of series, several times over: of the feeling that it names, and of others.

use std::num::NonZeroUsize;

use moodvane_effect::{
    Checks, CityHours, EffectError, HourFeeling, Stage, estimate_effect_with_progress,
    estimate_wet_effect,
};
use moodvane_model::HourRange;

use crate::build::{estimate, report, too_little};
use crate::report::{CityName, EffectReport, Estimate, Origin, Robustness};
use crate::series::{CitySeries, OtherFeelings};
use crate::settings::{Settings, Talk};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The requested hours.
    pub range: HourRange,
    /// Which posts are included; the series are made with the same.
    pub talk: Talk,
    /// The settings of the model.
    pub settings: Settings,
    /// What the report says of program and runs.
    pub origin: Origin,
    /// The number of threads. The report does not depend on it.
    pub threads: NonZeroUsize,
}

/// A step of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The answer and its checks.
    Estimate(Stage),
    /// The effect of rain by other feelings: of all posts, without posts about the weather, of medians.
    OtherFeelings,
}

impl Step {
    /// The number of steps.
    pub const COUNT: usize = Stage::ALL.len() + 1;

    /// Its position among all steps, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Estimate(stage) => stage as usize,
            Self::OtherFeelings => Stage::ALL.len(),
        }
    }

    /// What is computed.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Estimate(Stage::Model) => "effect of all variables",
            Self::Estimate(Stage::Shifts) => "circular shifts",
            Self::Estimate(Stage::Lags) => "effects of the past",
            Self::Estimate(Stage::Placebo) => "effects of the future",
            Self::Estimate(Stage::Cities) => "each city alone",
            Self::OtherFeelings => "effect by other feelings",
        }
    }
}

/// Answers a question; calls `on_step` at the beginning of each step.
///
/// # Errors
/// [`EffectError::Limit`] over a limit of the estimator.
pub fn ask(
    series: Vec<CitySeries>,
    question: &Question,
    on_step: &mut dyn FnMut(Step),
) -> Result<EffectReport, EffectError> {
    let asked = Asked::new(series);
    let options = question.settings.options(Checks::All, question.threads);
    let estimate_all = |on_step: &mut dyn FnMut(Step)| {
        let answer = estimate_effect_with_progress(&asked.hours, &options, &mut |stage| {
            on_step(Step::Estimate(stage));
        });
        on_step(Step::OtherFeelings);
        answer
    };
    // The estimator itself uses a second thread for a small part of its work.
    let (answer, others) = if question.threads > NonZeroUsize::MIN {
        std::thread::scope(|scope| {
            let others = scope.spawn(|| asked.other_differences(question));
            let answer = estimate_all(on_step);
            // A worker does not panic.
            (answer, others.join().unwrap_or_default())
        })
    } else {
        (estimate_all(on_step), asked.other_differences(question))
    };
    match answer {
        Ok(answer) => {
            let robustness = others.complete(question.talk, estimate(&answer.wet.estimate));
            Ok(report(question, &asked, &answer, robustness))
        }
        Err(error @ EffectError::Limit { .. }) => Err(error),
        Err(error) => Ok(too_little(question, &asked, error)),
    }
}

/// The series as the estimator reads them.
pub(crate) struct Asked {
    pub(crate) cities: Vec<CityName>,
    pub(crate) hours_without_talk: usize,
    hours: Vec<CityHours>,
    others: Vec<Vec<OtherFeelings>>,
}

impl Asked {
    fn new(series: Vec<CitySeries>) -> Self {
        let mut asked = Self {
            cities: series.iter().map(CitySeries::city).collect(),
            hours_without_talk: series.iter().map(|series| series.hours_without_talk).sum(),
            hours: Vec::with_capacity(series.len()),
            others: Vec::with_capacity(series.len()),
        };
        for CitySeries {
            city,
            hours,
            others,
            ..
        } in series
        {
            asked.hours.push(CityHours { city, hours });
            asked.others.push(others);
        }
        asked
    }

    /// The difference of wet and dry hours by feelings that the question does not name.
    fn other_differences(&self, question: &Question) -> OtherDifferences {
        let mut hours = self.hours.clone();
        let mut of_feeling = |feeling: fn(&OtherFeelings) -> Option<HourFeeling>| {
            self.difference(&mut hours, question, feeling)
        };
        OtherDifferences {
            all_posts: (question.talk != Talk::All)
                .then(|| of_feeling(|others| others.all))
                .flatten(),
            without_weather_talk: (question.talk != Talk::Without)
                .then(|| of_feeling(|others| others.without))
                .flatten(),
            median: of_feeling(|others| others.median),
        }
    }

    /// The difference by another feeling; `None` if the data do not suffice for it.
    fn difference(
        &self,
        hours: &mut [CityHours],
        question: &Question,
        feeling: impl Fn(&OtherFeelings) -> Option<HourFeeling>,
    ) -> Option<Estimate> {
        for (city, others) in hours.iter_mut().zip(&self.others) {
            for (hour, others) in city.hours.iter_mut().zip(others) {
                hour.feeling = feeling(others);
            }
        }
        let options = question.settings.options(Checks::None, NonZeroUsize::MIN);
        let wet = estimate_wet_effect(hours, &options).ok()?;
        Some(estimate(&wet.estimate))
    }
}

/// The differences by other feelings, without the one that the question names.
#[derive(Debug, Clone, Copy, Default)]
struct OtherDifferences {
    all_posts: Option<Estimate>,
    without_weather_talk: Option<Estimate>,
    median: Option<Estimate>,
}

impl OtherDifferences {
    fn complete(self, talk: Talk, asked: Estimate) -> Robustness {
        let own = |named: Talk| (talk == named).then_some(asked);
        Robustness {
            all_posts: own(Talk::All).or(self.all_posts),
            without_weather_talk: own(Talk::Without).or(self.without_weather_talk),
            median: self.median,
        }
    }
}
