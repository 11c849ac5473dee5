//! The report: the answer as plain data.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::settings::{Settings, Talk};

/// The effect of the weather on the feeling of posts, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectReport {
    /// The cities.
    pub cities: Vec<CityName>,
    /// The start of the first requested hour (UTC).
    #[schema(example = "2018-01-01T00:00:00Z")]
    pub begin: String,
    /// The start of the last requested hour (UTC).
    #[schema(example = "2018-12-31T23:00:00Z")]
    pub end: String,
    /// Which posts are included by whether they speak of the weather.
    pub talk: Talk,
    /// The conclusion on rain.
    pub verdict: Verdict,
    /// The conclusion in plain language, with its uncertainty; or why the data are insufficient.
    pub sentence: String,
    /// The size of the effect against other differences; null without an effect.
    pub proportion: Option<String>,
    /// About how many more hours like these are needed: for an estimate if the data are insufficient,
    /// to detect a difference of 0.05 classes if the verdict is undecided. Null if more such hours do
    /// not help; 0 if none are needed.
    pub more_hours: Option<u64>,
    /// The estimates; null if the data are insufficient.
    pub effect: Option<Effect>,
    /// What supports or questions the conclusion; empty if the data are insufficient.
    pub checks: Vec<Check>,
    /// The settings.
    pub settings: Settings,
    /// What computed the report, from which rows.
    pub origin: Origin,
}

/// A city.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CityName {
    /// Its id.
    #[schema(example = "new-york")]
    pub id: String,
    /// Its name.
    #[schema(example = "New York")]
    pub name: String,
}

/// The conclusion on rain at a significance level of 5 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EffectVerdict)]
pub enum Verdict {
    /// Posts are less joyful in rain.
    LessJoyful,
    /// Posts are more joyful in rain.
    MoreJoyful,
    /// The difference is significant, but future weather shows an effect too, which it cannot have.
    Doubtful,
    /// No difference is detected.
    Undecided,
    /// The data are insufficient.
    TooLittle,
}

/// What computed a report, from which rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    /// The version of the program.
    pub version: String,
    /// The runs that serve the hours.
    pub runs: Vec<String>,
}

/// The estimates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    /// The hours and the model.
    pub sample: Sample,
    /// The effect of rain.
    pub rain: Rain,
    /// What an effect is compared with.
    pub scale: Scale,
    /// The effect of each variable with all others held equal.
    pub variables: Vec<VariableEffect>,
    /// The effects of past rain and of past temperatures.
    pub lags: Vec<LagEffects>,
    /// The effect of future weather, which must be none; null if too few hours have a future.
    pub future: Option<Future>,
    /// Circular shifts of the rain against the feelings.
    pub shifts: Option<Shifts>,
    /// The difference of wet and dry hours by other feelings.
    pub robustness: Robustness,
    /// Each city alone; empty for one city.
    pub by_city: Vec<CityResult>,
}

/// A value in classes of feeling, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectEstimate)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The standard error, by the jackknife over weeks.
    pub standard_error: f64,
    /// The degrees of freedom of the interval.
    pub degrees_of_freedom: f64,
    /// The probability of a value at least as far from 0 if there is no effect.
    pub p_value: f64,
}

/// The hours and the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectSample)]
pub struct Sample {
    /// The number of cities with hours.
    pub cities: usize,
    /// The number of hours of all cities.
    pub hours: usize,
    /// The number of scored posts in these hours.
    pub posts: u64,
    /// The start of the first hour (UTC).
    pub first: Option<String>,
    /// The start of the last hour (UTC).
    pub last: Option<String>,
    /// The hours with rows that were left out, by reason.
    pub left_out: Vec<LeftOut>,
    /// The variables that were left out because too few hours have them.
    pub left_out_variables: Vec<String>,
    /// Columns that the fixed effects or other columns explain.
    pub dropped_columns: Vec<String>,
    /// The fixed effects.
    pub fixed_effects: FixedEffects,
}

/// Hours that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectLeftOut)]
pub struct LeftOut {
    /// The reason.
    #[schema(example = "no scored posts")]
    pub reason: String,
    /// The number of hours.
    pub hours: usize,
}

/// The fixed effects of a model. Every city has its own; weeks or months are those of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FixedEffects {
    /// Whether each hour of the week has a level; otherwise hours of the day and days of the week do.
    pub hour_of_week: bool,
    /// Whether each date has a level for all cities.
    pub date: bool,
    /// The number of levels of all fixed effects.
    pub levels: usize,
}

/// The effect of rain: hours with at least 0.1 mm/h against those with less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectOfRain)]
pub struct Rain {
    /// The feeling of a wet hour minus that of a dry hour of equal other weather, past, season, hour
    /// of the week and city.
    pub difference: Estimate,
    /// The same for hours of any past; includes after-effects of the rain before.
    pub with_any_past: Estimate,
    /// The number of wet hours.
    pub wet_hours: usize,
    /// The number of dry hours.
    pub dry_hours: usize,
    /// The number of separate wet spells.
    pub wet_spells: usize,
}

/// What an effect is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectScale)]
pub struct Scale {
    /// The standard deviation of the feelings of a city's hours.
    pub standard_deviation: f64,
    /// The feeling of a Saturday minus that of a Monday of equal weather and season.
    pub weekend: Option<Weekend>,
}

/// The feeling of a Saturday minus that of a Monday.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Weekend {
    /// The difference.
    pub difference: Estimate,
    /// The difference of wet and dry hours divided by its absolute value; null if it is not
    /// significant.
    pub rain_share: Option<f64>,
}

/// The effect of one variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VariableEffect {
    /// The variable.
    #[schema(example = "temperature")]
    pub name: String,
    /// Its unit.
    #[schema(example = "°C")]
    pub unit: String,
    /// Its bins from the lowest; empty for a variable that enters as a line.
    pub bins: Vec<Bin>,
    /// The effect of one unit, for a line.
    pub slope: Option<Estimate>,
    /// The p-value of the test that all its coefficients are 0.
    pub p_value: Option<f64>,
    /// The same, corrected for the number of variables by Holm's method.
    pub adjusted_p_value: Option<f64>,
}

/// A bin of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bin {
    /// From this value on; null for the lowest bin.
    pub low: Option<f64>,
    /// Below this value; null for the highest bin.
    pub high: Option<f64>,
    /// Whether the other bins are compared with this one.
    pub is_reference: bool,
    /// The number of hours.
    pub hours: usize,
    /// The number of scored posts.
    pub posts: u64,
    /// The mean value of the hours.
    pub mean: f64,
    /// The difference from the reference; null for the reference itself, and if other columns explain
    /// the bin.
    pub difference: Option<Estimate>,
    /// The lower end of the band that contains the whole curve with 95 % probability.
    pub band_low: Option<f64>,
    /// The upper end of that band.
    pub band_high: Option<f64>,
}

/// The effects of a variable's past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LagEffects {
    /// The variable: `precipitation`, for one wet hour; or `temperature`, for one °C in one hour.
    pub variable: String,
    /// The effects, from the hour itself backwards.
    pub lags: Vec<Lag>,
    /// The sum over all hours: the effect on all later hours of the past's length.
    pub cumulative: Estimate,
}

/// The effect of each hour of a window before or after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lag {
    /// The nearest hour; 0 for the hour itself.
    pub first_hour: usize,
    /// The farthest hour.
    pub last_hour: usize,
    /// The effect.
    pub effect: Estimate,
}

/// The effect of future weather, a placebo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Future {
    /// The number of hours that have a past and a future.
    pub hours: usize,
    /// The p-value of the test that all effects of future rain and temperature are 0.
    pub p_value: f64,
    /// Whether the test finds nothing, as it should.
    pub is_quiet: bool,
    /// The effects of wet hours in the future.
    pub rain: Vec<Lag>,
}

/// The permutation test of the effect of rain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectShifts)]
pub struct Shifts {
    /// The number of shifts.
    pub shifts: usize,
    /// The number of shifts that relate rain and feeling at least as strongly.
    pub as_strong: usize,
    /// The p-value.
    pub p_value: f64,
}

/// The difference of wet and dry hours by other feelings; null if it cannot be estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Robustness {
    /// By all posts.
    pub all_posts: Option<Estimate>,
    /// By posts that do not speak of the weather.
    pub without_weather_talk: Option<Estimate>,
    /// By the median of an hour's posts instead of the mean.
    pub median: Option<Estimate>,
}

/// The difference of wet and dry hours of one city alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CityResult {
    /// The city.
    pub city: CityName,
    /// The difference; null if the data are insufficient.
    pub difference: Option<Estimate>,
    /// Why there is no difference.
    pub reason: Option<String>,
}

/// What supports or questions the conclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectCheck)]
pub struct Check {
    /// Its name.
    pub name: CheckName,
    /// Its result.
    pub state: CheckState,
    /// The result in plain language.
    pub text: String,
}

/// The checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EffectCheckName)]
pub enum CheckName {
    /// The effect of future weather.
    Future,
    /// Circular shifts.
    Shifts,
    /// The effect without posts that speak of the weather.
    WeatherTalk,
    /// The effect on medians.
    Median,
    /// The effects of each city alone.
    Cities,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EffectCheckState)]
pub enum CheckState {
    /// It supports the conclusion.
    Passed,
    /// It questions the conclusion.
    Warning,
    /// It could not be made.
    Unknown,
}
