//! Asks the question of series, several times over: of the feeling that it names, and of others.

use std::num::NonZeroUsize;

use moodvane_effect::{
    Checks, CityHours, EffectAnswer, EffectError, HourFeeling, Stage, estimate_effect,
    estimate_effect_with_progress,
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
    /// The same of all posts.
    AllPosts,
    /// The same of the posts that do not speak of the weather.
    WithoutWeatherTalk,
    /// The same of medians.
    Median,
}

impl Step {
    /// The number of steps.
    pub const COUNT: usize = Stage::ALL.len() + 3;

    /// Its position among all steps, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        let stages = Stage::ALL.len();
        match self {
            Self::Estimate(stage) => stage as usize,
            Self::AllPosts => stages,
            Self::WithoutWeatherTalk => stages + 1,
            Self::Median => stages + 2,
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
            Self::AllPosts => "effect on all posts",
            Self::WithoutWeatherTalk => "effect without posts about the weather",
            Self::Median => "effect on medians",
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
    let mut asked = Asked::new(series);
    let options = question.settings.options(Checks::All, question.threads);
    let answer = estimate_effect_with_progress(&asked.hours, &options, &mut |stage| {
        on_step(Step::Estimate(stage));
    });
    match answer {
        Ok(answer) => {
            let robustness = asked.robustness(question, &answer, on_step);
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
        Self {
            cities: series.iter().map(CitySeries::city).collect(),
            hours_without_talk: series.iter().map(|series| series.hours_without_talk).sum(),
            others: series.iter().map(|series| series.others.clone()).collect(),
            hours: series
                .into_iter()
                .map(|series| CityHours {
                    city: series.city,
                    hours: series.hours,
                })
                .collect(),
        }
    }

    /// The difference of wet and dry hours by other feelings. The one that the question names is known.
    fn robustness(
        &mut self,
        question: &Question,
        answer: &EffectAnswer,
        on_step: &mut dyn FnMut(Step),
    ) -> Robustness {
        let known = Some(estimate(&answer.wet.estimate));
        Robustness {
            all_posts: if question.talk == Talk::All {
                known
            } else {
                on_step(Step::AllPosts);
                self.of_feeling(question, |others| others.all)
            },
            without_weather_talk: if question.talk == Talk::Without {
                known
            } else {
                on_step(Step::WithoutWeatherTalk);
                self.of_feeling(question, |others| others.without)
            },
            median: {
                on_step(Step::Median);
                self.of_feeling(question, |others| others.median)
            },
        }
    }

    /// The difference by another feeling; `None` if the data do not suffice for it.
    fn of_feeling(
        &mut self,
        question: &Question,
        feeling: impl Fn(&OtherFeelings) -> Option<HourFeeling>,
    ) -> Option<Estimate> {
        for (city, others) in self.hours.iter_mut().zip(&self.others) {
            for (hour, others) in city.hours.iter_mut().zip(others) {
                hour.feeling = feeling(others);
            }
        }
        let options = question.settings.options(Checks::None, question.threads);
        let answer = estimate_effect(&self.hours, &options).ok()?;
        Some(estimate(&answer.wet.estimate))
    }
}
