//! `GET /v1/relation`: how a weather variable and the feeling go together.

use std::sync::Arc;

use axum::Json;
use axum::extract::{self, RawQuery};
use moodvane_analysis::{
    Adjustment, Conclusion, InsufficientData, LocalHour, OutlierBound, PairedHour, Relation,
    RelationOptions, Weighting, WetDryComparison, compare_wet_dry, feeling, relate, variable_mean,
};
use moodvane_model::{City, HourRange, HourRow, Variable};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::{rounded, sentence};
use crate::openapi::ProblemSchema;
use crate::problem::{Example, Kind, Problem};
use crate::query::Query;
use crate::request::short_enough;
use crate::state::State;
use crate::weather;
use crate::zone::Zone;

const EXAMPLE: Example =
    Example::Get("/v1/relation?variable=temperature&begin=2018-01-01T00&end=2018-01-31T23");
const PARAMETERS: &[&str] = &[
    "city",
    "variable",
    "begin",
    "end",
    "tz",
    "min_posts",
    "weight",
    "cycles",
];
const WEIGHTS: [(&str, Weighting); 2] = [("equal", Weighting::Equal), ("posts", Weighting::Posts)];
const CYCLES: [(&str, Adjustment); 4] = [
    ("keep", Adjustment::None),
    ("daily", Adjustment::HourOfDay),
    ("weekly", Adjustment::DayOfWeek),
    ("daily-and-weekly", Adjustment::HourOfDayAndDayOfWeek),
];
const MOST_POSTS: u64 = 1_000_000_000;

/// How a weather variable and the feeling go together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelationAnswer {
    #[schema(example = "new-york")]
    city: String,
    #[schema(example = "temperature")]
    variable: &'static str,
    /// The variable's unit.
    #[schema(example = "°C")]
    unit: &'static str,
    /// The first hour's first moment.
    begin: Option<String>,
    /// The last hour's first moment.
    end: Option<String>,
    /// What it comes to, at a level of 5 %.
    conclusion: Verdict,
    /// The same in plain language, with its uncertainty.
    sentence: String,
    /// How many hours more like these it would take: for anything to be said where there is too
    /// little; where nothing is decided, to see a correlation of 0.1 with a power of 80 %. Null
    /// where more such hours would not help.
    more_hours: Option<u64>,
    /// Null where there is too little.
    relation: Option<Told>,
    /// Wet hours against dry ones; of precipitation alone, and null where there is too little.
    wet_against_dry: Option<Wet>,
    /// The same in plain language, or what there is too little of; of precipitation alone.
    wet_sentence: Option<String>,
}

/// `too-little` where nothing can be said of the hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    Rises,
    Falls,
    Undecided,
    TooLittle,
}

/// A value and the interval that has it with a confidence of 95 %.
#[derive(Debug, Serialize, ToSchema)]
struct Estimate {
    value: f64,
    low: f64,
    high: f64,
}

/// The relation in numbers.
#[derive(Debug, Serialize, ToSchema)]
struct Told {
    /// Hours that have both sides and enough posts.
    hours: usize,
    /// How many independent hours they are worth.
    independent_hours: f64,
    /// Pearson's correlation.
    pearson: Estimate,
    /// Its square.
    r2: f64,
    /// Spearman's rank correlation.
    spearman: f64,
    /// By how much the feeling changes per unit of the variable.
    slope: Estimate,
    #[schema(example = "classes per °C")]
    slope_unit: String,
    /// How often hours without any relation would correlate at least as much.
    p_value: f64,
    /// The length of the bootstrap's blocks.
    block_hours: usize,
    /// How many replicates the bootstrap drew.
    replicates: usize,
}

/// Hours with at least 0.1 mm/h of precipitation against those with less.
#[derive(Debug, Serialize, ToSchema)]
struct Wet {
    wet_hours: usize,
    dry_hours: usize,
    /// The mean feeling of wet hours.
    wet_feeling: f64,
    /// The mean feeling of dry hours.
    dry_feeling: f64,
    /// The one less the other, cycles held fixed where they are taken out.
    difference: Estimate,
    /// Hedges' g.
    effect_size: Estimate,
    /// How often hours without any difference would differ at least as much.
    p_value: f64,
    block_hours: usize,
}

/// How a weather variable and the feeling go together over a range of hours.
///
/// Intervals and p-values hold although hours resemble their neighbours: they come from a
/// studentized circular block bootstrap around a long-run standard error.
#[utoipa::path(
    get, path = "/v1/relation", tag = "v1",
    params(
        ("city" = Option<String>, Query, description = "A city's id; see /v1/cities"),
        ("variable" = VariableName, Query, description = "The weather variable"),
        ("begin" = String, Query, description = "The first hour, on the clocks of tz", example = "2018-01-01T00", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])$"),
        ("end" = String, Query, description = "The last hour, included", example = "2018-01-31T23", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])$"),
        ("tz" = Option<String>, Query, description = "An IANA zone whose clocks are whole hours from UTC; UTC where it is not given"),
        ("min_posts" = Option<u64>, Query, description = "Hours with fewer scored posts are left out; 1 where it is not given"),
        ("weight" = Option<WeightName>, Query, description = "Whether hours count alike or as they have posts; equal where it is not given"),
        ("cycles" = Option<CyclesName>, Query, description = "Which cycles, by the city's clocks, are taken out of both sides; keep where it is not given"),
    ),
    responses(
        (status = 200, description = "The relation", body = RelationAnswer),
        (status = 304, description = "The answer is the one that if-none-match names"),
        (status = 400, response = ProblemSchema),
        (status = 429, response = ProblemSchema),
        (status = 500, response = ProblemSchema),
        (status = 503, response = ProblemSchema),
    ),
)]
pub(crate) async fn relation(
    extract::State(state): extract::State<State>,
    RawQuery(raw): RawQuery,
) -> Result<Json<RelationAnswer>, Problem> {
    let ask = Ask::read(&state, raw.as_deref()).map_err(|problem| problem.like(EXAMPLE))?;
    let deadline = Instant::now() + state.app.config.request_timeout;
    let (city, variable) = (ask.city.id, ask.variable);
    let rows = weather::hours_with(&state, deadline, city, ask.range, variable).await?;
    let bound = state.app.config.stray_bound;
    let turn = turn(&state, deadline).await?;
    // The bootstrap takes some hundredths of a second: not on the threads that answer others. Its
    // place is free when it ends, also where nobody waits for it any more.
    let work = move || {
        let _turn = turn;
        ask.answer(&rows, bound)
    };
    let answer = tokio::task::spawn_blocking(work).await;
    answer.map(Json).map_err(|error| {
        tracing::error!(%error, "relation failed");
        Problem::internal()
    })
}

/// A place among those that are worked out, before `deadline`.
async fn turn(state: &State, deadline: Instant) -> Result<OwnedSemaphorePermit, Problem> {
    let relations = Arc::clone(&state.relations);
    match timeout_at(deadline, relations.acquire_owned()).await {
        Ok(Ok(turn)) => Ok(turn),
        Ok(Err(_)) => Err(Problem::internal()),
        Err(_) => {
            let most = state.app.config.max_concurrent_relations;
            let detail = format!(
                "{most} relations are being worked out, which is the limit, and this one had to wait too long; try again later"
            );
            Err(Problem::new(Kind::Overloaded, detail))
        }
    }
}

struct Ask {
    city: City,
    variable: Variable,
    range: HourRange,
    zone: Zone,
    options: RelationOptions,
}

impl Ask {
    fn read(state: &State, raw: Option<&str>) -> Result<Self, Problem> {
        let config = &state.app.config;
        let query = Query::read(raw, PARAMETERS)?;
        let zone = query.zone()?;
        let range = query.range(zone)?;
        short_enough(range, config.max_range_hours)?;
        zone.check(range)?;
        Ok(Self {
            city: query.city(config)?.clone(),
            variable: variable(&query)?,
            range,
            zone,
            options: RelationOptions {
                min_posts: query.number("min_posts", (0, MOST_POSTS), 1)?,
                weighting: query.word("weight", &WEIGHTS, Weighting::Equal)?,
                adjustment: query.word("cycles", &CYCLES, Adjustment::None)?,
            },
        })
    }

    fn answer(self, rows: &[HourRow], bound: OutlierBound) -> RelationAnswer {
        let clocks = Zone::of(&self.city);
        let pairs = rows.iter().filter_map(|row| {
            Some(PairedHour {
                hour: row.hour,
                local: LocalHour::from_utc(row.hour, clocks.nearest_offset(row.hour)),
                weather: variable_mean(row, self.variable, bound)?.value,
                feeling: feeling(row)?,
                posts: row.posts().scored(),
            })
        });
        let pairs: Vec<PairedHour> = pairs.collect();
        let found = relate(&pairs, self.options);
        let wet = (self.variable == Variable::Precipitation)
            .then(|| compare_wet_dry(&pairs, self.options));
        self.told(found, wet)
    }

    fn told(
        self,
        found: Result<Relation, InsufficientData>,
        wet: Option<Result<WetDryComparison, InsufficientData>>,
    ) -> RelationAnswer {
        let (conclusion, more_hours) = match &found {
            Ok(found) => match found.conclusion() {
                Conclusion::Rises => (Verdict::Rises, Some(0)),
                Conclusion::Falls => (Verdict::Falls, Some(0)),
                Conclusion::Undecided => (Verdict::Undecided, Some(found.additional_hours())),
            },
            Err(refused) => (Verdict::TooLittle, refused.additional_hours()),
        };
        RelationAnswer {
            sentence: sentence::of(&self.city, self.variable, &found, wet.as_ref()),
            city: self.city.id.to_string(),
            variable: self.variable.name(),
            unit: self.variable.unit(),
            begin: self.zone.moment(self.range.begin()),
            end: self.zone.moment(self.range.end()),
            conclusion,
            more_hours,
            relation: found.ok().map(|found| Told::of(found, self.variable)),
            wet_sentence: wet.as_ref().map(sentence::of_wet),
            wet_against_dry: wet.and_then(Result::ok).map(Wet::of),
        }
    }
}

fn variable(query: &Query) -> Result<Variable, Problem> {
    let names = Variable::ALL.map(|variable| (variable.name(), variable));
    if query.text("variable").is_none() {
        let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let detail = format!(
            "the parameter \"variable\" is missing: it must be one of {}",
            names.join(", ")
        );
        return Err(Problem::new(Kind::MissingField, detail).of("variable"));
    }
    query.word("variable", &names, Variable::Temperature)
}

impl Estimate {
    fn of(found: moodvane_analysis::Estimate) -> Self {
        Self {
            value: rounded(found.value),
            low: rounded(found.low),
            high: rounded(found.high),
        }
    }
}

impl Told {
    fn of(found: Relation, variable: Variable) -> Self {
        Self {
            hours: found.hours,
            independent_hours: rounded(found.effective_sample_size),
            pearson: Estimate::of(found.pearson),
            r2: rounded(found.r_squared),
            spearman: rounded(found.spearman),
            slope: Estimate::of(found.slope),
            slope_unit: format!("classes per {}", variable.unit()),
            p_value: rounded(found.p_value),
            block_hours: found.block_hours,
            replicates: found.replicates,
        }
    }
}

impl Wet {
    fn of(found: WetDryComparison) -> Self {
        Self {
            wet_hours: found.wet_hours,
            dry_hours: found.dry_hours,
            wet_feeling: rounded(found.wet_feeling),
            dry_feeling: rounded(found.dry_feeling),
            difference: Estimate::of(found.difference),
            effect_size: Estimate::of(found.effect_size),
            p_value: rounded(found.p_value),
            block_hours: found.block_hours,
        }
    }
}

/// What may be asked for, for the document alone: the tables above are what is read by.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)]
pub(crate) enum VariableName {
    Temperature,
    Humidity,
    Precipitation,
    Wind,
    Cloud,
    Pressure,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)]
pub(crate) enum WeightName {
    Equal,
    Posts,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[allow(dead_code)]
pub(crate) enum CyclesName {
    Keep,
    Daily,
    Weekly,
    DailyAndWeekly,
}
