//! The parameters of `GET /v1/relation`.

use moodvane_analysis::{Adjustment, RelationOptions, Weighting};
use moodvane_model::{City, HourRange, Variable, WeatherTalk};
use utoipa::ToSchema;

use super::talk::TalkName;
use crate::ServerConfig;
use crate::problem::Problem;
use crate::query::{Choice, Query, check_range_length};
use crate::zone::Zone;

const PARAMETERS: &[&str] = &[
    "city",
    "variable",
    "begin",
    "end",
    "tz",
    "min_posts",
    "weight",
    "cycles",
    "talk",
];
const MAX_MIN_POSTS: u64 = 1_000_000_000;

pub(super) struct RelationRequest {
    pub(super) city: City,
    pub(super) variable: Variable,
    pub(super) range: HourRange,
    pub(super) zone: Zone,
    pub(super) talk: WeatherTalk,
    pub(super) options: RelationOptions,
}

impl RelationRequest {
    pub(super) fn parse(config: &ServerConfig, raw: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(raw, PARAMETERS)?;
        let zone = query.zone()?;
        let range = query.range(zone)?;
        check_range_length(range, config.max_range_hours)?;
        zone.require_whole_hours(range)?;
        Ok(Self {
            city: query.city(config)?.clone(),
            variable: query.required_choice::<VariableName>("variable")?.into(),
            range,
            zone,
            talk: query.choice("talk", TalkName::All)?.into(),
            options: RelationOptions {
                min_posts: query.integer("min_posts", (0, MAX_MIN_POSTS), 1)?,
                weighting: query.choice("weight", WeightName::Equal)?.into(),
                adjustment: query.choice("cycles", CyclesName::Keep)?.into(),
            },
        })
    }
}

/// A weather variable.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum VariableName {
    Temperature,
    Humidity,
    Precipitation,
    Wind,
    Cloud,
    Pressure,
}

impl Choice for VariableName {
    const ALL: &[(&str, Self)] = &[
        ("temperature", Self::Temperature),
        ("humidity", Self::Humidity),
        ("precipitation", Self::Precipitation),
        ("wind", Self::Wind),
        ("cloud", Self::Cloud),
        ("pressure", Self::Pressure),
    ];
}

impl From<VariableName> for Variable {
    fn from(name: VariableName) -> Self {
        match name {
            VariableName::Temperature => Self::Temperature,
            VariableName::Humidity => Self::Humidity,
            VariableName::Precipitation => Self::Precipitation,
            VariableName::Wind => Self::Wind,
            VariableName::Cloud => Self::Cloud,
            VariableName::Pressure => Self::Pressure,
        }
    }
}

/// The weight of an hour.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum WeightName {
    Equal,
    Posts,
}

impl Choice for WeightName {
    const ALL: &[(&str, Self)] = &[("equal", Self::Equal), ("posts", Self::Posts)];
}

impl From<WeightName> for Weighting {
    fn from(name: WeightName) -> Self {
        match name {
            WeightName::Equal => Self::Equal,
            WeightName::Posts => Self::Posts,
        }
    }
}

/// The cycles that are removed.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum CyclesName {
    Keep,
    Daily,
    Weekly,
    DailyAndWeekly,
}

impl Choice for CyclesName {
    const ALL: &[(&str, Self)] = &[
        ("keep", Self::Keep),
        ("daily", Self::Daily),
        ("weekly", Self::Weekly),
        ("daily-and-weekly", Self::DailyAndWeekly),
    ];
}

impl From<CyclesName> for Adjustment {
    fn from(name: CyclesName) -> Self {
        match name {
            CyclesName::Keep => Self::None,
            CyclesName::Daily => Self::HourOfDay,
            CyclesName::Weekly => Self::DayOfWeek,
            CyclesName::DailyAndWeekly => Self::HourOfDayAndDayOfWeek,
        }
    }
}
