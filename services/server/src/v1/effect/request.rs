//! The parameters of `GET /v1/effect`, within its limits.

use std::ops::Not;

use moodvane_effect_report::{SeasonName, Settings, WeightName};
use moodvane_model::{City, HourRange, WeatherTalk};
use utoipa::ToSchema;

use super::super::talk::TalkName;
use crate::ServerConfig;
use crate::config::EffectLimits;
use crate::problem::{Kind, Problem};
use crate::query::{Choice, Query};

const PARAMETERS: &[&str] = &[
    "city",
    "begin",
    "end",
    "tz",
    "talk",
    "min_posts",
    "weight",
    "season",
    "dates",
    "lag_hours",
    "draws",
    "shifts",
    "figures",
    "format",
];
const MAX_MIN_POSTS: u64 = 1_000_000_000;
/// The longest past of the estimator.
const MAX_LAG_HOURS: u64 = moodvane_effect_report::MAX_LAG_HOURS as u64;
/// The most draws and shifts of the estimator.
const MAX_DRAWS: u64 = moodvane_effect_report::MAX_DRAWS as u64;

#[derive(Debug, Clone)]
pub(super) struct EffectRequest {
    pub(super) cities: Vec<City>,
    pub(super) range: HourRange,
    pub(super) talk: WeatherTalk,
    pub(super) settings: Settings,
    pub(super) figures: bool,
    pub(super) format: EffectFormat,
}

impl EffectRequest {
    pub(super) fn parse(config: &ServerConfig, raw: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(raw, PARAMETERS)?;
        let range = query.range(query.zone()?)?;
        let cities = query.cities(config)?;
        check_size(&config.effect, cities.len(), range)?;
        let standard = Settings::default();
        Ok(Self {
            range,
            talk: query.choice("talk", TalkName::Without)?.into(),
            settings: Settings {
                min_posts: query.integer("min_posts", (0, MAX_MIN_POSTS), standard.min_posts)?,
                weight: query.choice("weight", WeightChoice::StandardError)?.into(),
                season: query.choice("season", SeasonChoice::Week)?.into(),
                dates: query.flag("dates", standard.dates)?,
                lag_hours: bounded(&query, "lag_hours", standard.lag_hours, MAX_LAG_HOURS)?,
                draws: bounded(&query, "draws", standard.draws, MAX_DRAWS)?,
                shifts: bounded(&query, "shifts", standard.shifts, MAX_DRAWS)?,
            },
            figures: query.flag("figures", false)?,
            format: query.choice("format", EffectFormat::Json)?,
            cities,
        })
    }
}

/// A number of at most `max`; more is a request that the server could compute but does not.
fn bounded(query: &Query, name: &'static str, default: usize, max: u64) -> Result<usize, Problem> {
    let text = query.text(name).unwrap_or_default();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A number that no integer holds is over the limit too.
    let exceeds = is_number && text.parse::<u64>().is_ok_and(|given| given <= max).not();
    if !exceeds {
        return Ok(query.integer(name, (0, max), default as u64)? as usize);
    }
    let given: String = text.chars().take(20).collect();
    let detail = format!("\"{name}\" is {given}, the limit is {max}");
    Err(Problem::new(Kind::LimitExceeded, detail).with_field(name))
}

/// Rejects more cities or hours than the limits, and says what fits.
fn check_size(limits: &EffectLimits, cities: usize, range: HourRange) -> Result<(), Problem> {
    if cities > limits.max_cities {
        let detail = format!(
            "the request names {cities} cities, the limit is {}",
            limits.max_cities
        );
        return Err(Problem::new(Kind::LimitExceeded, detail).with_field("city"));
    }
    let hours = u64::from(range.hours());
    let all = hours * cities as u64;
    let max = limits.max_hours;
    if all <= max {
        return Ok(());
    }
    let fitting_hours = max / cities.max(1) as u64;
    let fitting_cities = max / hours.max(1);
    let fewer_cities = match fitting_cities {
        0 => String::new(),
        fit => format!(", or at most {}", count_cities(fit)),
    };
    let detail = format!(
        "{} of {hours} hours are {all} hours, the limit is {max}: request at most {fitting_hours} hours{fewer_cities}",
        count_cities(cities as u64),
    );
    Err(Problem::new(Kind::LimitExceeded, detail).with_field("end"))
}

fn count_cities(count: u64) -> String {
    let noun = if count == 1 { "city" } else { "cities" };
    format!("{count} {noun}")
}

/// The format of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum EffectFormat {
    /// The report as data.
    Json,
    /// The report as a document, without figures.
    Markdown,
    /// The report as one file with its figures.
    Html,
}

impl Choice for EffectFormat {
    const ALL: &[(&str, Self)] = &[
        ("json", Self::Json),
        ("markdown", Self::Markdown),
        ("html", Self::Html),
    ];
}

/// The weight of an hour.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum WeightChoice {
    /// The inverse of the hour's variance.
    StandardError,
    /// The number of posts.
    Posts,
    /// All hours have the same weight.
    Equal,
}

impl Choice for WeightChoice {
    const ALL: &[(&str, Self)] = &[
        ("standard-error", Self::StandardError),
        ("posts", Self::Posts),
        ("equal", Self::Equal),
    ];
}

impl From<WeightChoice> for WeightName {
    fn from(choice: WeightChoice) -> Self {
        match choice {
            WeightChoice::StandardError => Self::StandardError,
            WeightChoice::Posts => Self::Posts,
            WeightChoice::Equal => Self::Equal,
        }
    }
}

/// The fixed effect of the season.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum SeasonChoice {
    /// A level for each week of each city.
    Week,
    /// A level and a trend for each month of each city.
    MonthTrend,
    /// A level for each month of each city.
    Month,
}

impl Choice for SeasonChoice {
    const ALL: &[(&str, Self)] = &[
        ("week", Self::Week),
        ("month-trend", Self::MonthTrend),
        ("month", Self::Month),
    ];
}

impl From<SeasonChoice> for SeasonName {
    fn from(choice: SeasonChoice) -> Self {
        match choice {
            SeasonChoice::Week => Self::Week,
            SeasonChoice::MonthTrend => Self::MonthTrend,
            SeasonChoice::Month => Self::Month,
        }
    }
}
