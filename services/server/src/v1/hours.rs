//! `GET /v1/hours`: all that is known of each hour.

use axum::extract::{self, RawQuery};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use moodvane_analysis::{OutlierBound, feeling, feeling_standard_error, variable_mean};
use moodvane_model::{City, HourRange, HourRow, SourceId, Variable};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::rounded;
use super::table::{self, Format};
use crate::openapi::ProblemSchema;
use crate::problem::{Example, Kind, Problem};
use crate::query::{Query, hour};
use crate::state::State;
use crate::weather;
use crate::zone::Zone;

const EXAMPLE: Example = Example::Get("/v1/hours?begin=2018-01-01T02&end=2018-01-01T03");
const PARAMETERS: &[&str] = &["city", "begin", "end", "tz", "format", "limit", "cursor"];
const PAGE_HOURS: u32 = 168;
const FORMATS: [(&str, Format); 3] = [
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("ndjson", Format::Ndjson),
];

/// A page of hours.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hours {
    #[schema(example = "new-york")]
    city: String,
    /// The zone by whose clocks hours are told.
    #[schema(example = "UTC")]
    tz: String,
    /// How many hours of time the page is about, whether something is known of them or not.
    page_hours: u32,
    /// The hours of which something is known, in order.
    hours: Vec<Hour>,
    /// Where the next page is; null on the last one.
    next: Option<String>,
}

/// All that is known of an hour.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Hour {
    /// The hour's first moment with the offset of the zone (RFC 3339).
    #[schema(example = "2018-01-01T02:00:00Z")]
    pub(super) hour: String,
    /// How many posts were scored.
    pub(super) posts: u64,
    /// How many posts were not, because the scorer does not know their language.
    pub(super) unscored: u64,
    /// The mean class of the posts, 0 to 4.
    pub(super) feeling: Option<f64>,
    /// The standard error of the feeling; null below two posts.
    pub(super) standard_error: Option<f64>,
    /// The share of each class, from very negative to very positive.
    #[schema(min_items = 5, max_items = 5)]
    pub(super) shares: Option<[f64; 5]>,
    pub(super) weather: Weather,
    /// What each source contributed.
    pub(super) sources: Vec<Source>,
}

/// Each variable, in its unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HourWeather)]
pub(super) struct Weather {
    /// °C.
    pub(super) temperature: Option<Reading>,
    /// %.
    pub(super) humidity: Option<Reading>,
    /// mm/h.
    pub(super) precipitation: Option<Reading>,
    /// m/s.
    pub(super) wind: Option<Reading>,
    /// %.
    pub(super) cloud: Option<Reading>,
    /// hPa.
    pub(super) pressure: Option<Reading>,
}

/// The value of a variable.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reading {
    /// The mean of the means of the sources that were used.
    pub(super) value: f64,
    /// The sources that were used.
    pub(super) used: Vec<String>,
    /// The sources that strayed from the others and were left out.
    pub(super) left_out: Vec<String>,
}

/// What a source contributed to an hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HourSource)]
pub(super) struct Source {
    #[schema(example = "open-meteo")]
    pub(super) id: String,
    /// In how many minutes of the hour it was heard, 0 to 60.
    pub(super) minutes: u32,
    pub(super) posts: u64,
    pub(super) observations: u64,
}

/// The hours of a range, page by page.
#[utoipa::path(
    get, path = "/v1/hours", tag = "v1",
    params(
        ("city" = Option<String>, Query, description = "A city's id; see /v1/cities"),
        ("begin" = String, Query, description = "The first hour, on the clocks of tz", example = "2018-01-01T02", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])$"),
        ("end" = String, Query, description = "The last hour, included", example = "2018-01-01T03", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])$"),
        ("tz" = Option<String>, Query, description = "An IANA zone whose clocks are whole hours from UTC; UTC where it is not given"),
        ("format" = Option<Format>, Query, description = "json where it is not given"),
        ("limit" = Option<u32>, Query, description = "The most hours of time of a page; 168 where it is not given", minimum = 1),
        ("cursor" = Option<String>, Query, description = "The UTC hour at which the page begins; from the page before"),
    ),
    responses(
        (status = 200, description = "A page; the header link names the next one", content(
            (Hours = "application/json"), (String = "text/csv"), (Hour = "application/x-ndjson"),
        )),
        (status = 304, description = "The page is the one that if-none-match names"),
        (status = 400, response = ProblemSchema),
        (status = 429, response = ProblemSchema),
        (status = 500, response = ProblemSchema),
        (status = 503, response = ProblemSchema),
    ),
)]
pub(crate) async fn hours(
    extract::State(state): extract::State<State>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let ask = Ask::read(&state, raw.as_deref()).map_err(|problem| problem.like(EXAMPLE))?;
    let deadline = Instant::now() + state.app.config.request_timeout;
    let rows = weather::hours(&state, deadline, ask.city.id, ask.page).await?;
    let bound = state.app.config.stray_bound;
    let told: Option<Vec<Hour>> = rows
        .iter()
        .map(|row| Hour::of(row, bound, ask.zone))
        .collect();
    let page = Hours {
        city: ask.city.id.to_string(),
        tz: ask.zone.name().to_owned(),
        page_hours: ask.page.hours(),
        hours: told.ok_or_else(Problem::internal)?,
        next: ask.next(),
    };
    answer(ask.format, page)
}

struct Ask<'a> {
    city: &'a City,
    zone: Zone,
    range: HourRange,
    page: HourRange,
    limit: u32,
    format: Format,
    given: Vec<(&'static str, String)>,
}

impl<'a> Ask<'a> {
    fn read(state: &'a State, raw: Option<&str>) -> Result<Self, Problem> {
        let config = &state.app.config;
        let query = Query::read(raw, PARAMETERS)?;
        let zone = query.zone()?;
        let range = query.range(zone)?;
        let most = config.max_page_hours;
        let limit = query.number("limit", (1, most), PAGE_HOURS.min(most))?;
        let page = page(range, &query, limit)?;
        zone.check(page)?;
        Ok(Self {
            city: query.city(config)?,
            zone,
            range,
            page,
            limit,
            format: query.word("format", &FORMATS, Format::Json)?,
            given: query.given(&["city", "begin", "end", "tz", "format"]),
        })
    }

    /// The path of the next page, where there is one.
    fn next(&self) -> Option<String> {
        let begin = self.page.end().checked_add(1)?;
        if begin > self.range.end() {
            return None;
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.given);
        query.append_pair("limit", &self.limit.to_string());
        query.append_pair("cursor", &begin.to_string().replace(' ', "T"));
        Some(format!("/v1/hours?{}", query.finish()))
    }
}

/// The first `limit` hours of the range from the cursor on.
fn page(range: HourRange, query: &Query, limit: u32) -> Result<HourRange, Problem> {
    let begin = match query.text("cursor") {
        None => range.begin(),
        Some(text) => hour("cursor", text)?,
    };
    if !(range.begin()..=range.end()).contains(&begin) {
        let detail = "\"cursor\" must be an hour of the range, from the answer before";
        return Err(Problem::new(Kind::InvalidValue, detail).of("cursor"));
    }
    let last = i32::try_from(limit - 1)
        .ok()
        .and_then(|by| begin.checked_add(by));
    let end = last.unwrap_or(range.end()).min(range.end());
    HourRange::new(begin, end).map_err(|_| Problem::internal())
}

fn answer(format: Format, page: Hours) -> Result<Response, Problem> {
    let link = page
        .next
        .as_ref()
        .map(|next| format!("<{next}>; rel=\"next\""));
    let body = match format {
        Format::Json => table::json(&page),
        Format::Ndjson => table::ndjson(&page.hours),
        Format::Csv => table::csv(&page.hours),
    };
    let body = body.map_err(|error| {
        tracing::error!(%error, "hours could not be written");
        Problem::internal()
    })?;
    let mut response = ([(header::CONTENT_TYPE, format.content_type())], body).into_response();
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

impl Hour {
    fn of(row: &HourRow, bound: OutlierBound, zone: Zone) -> Option<Self> {
        let posts = row.posts();
        let scored = posts.scored();
        let share = |count: u64| rounded(count as f64 / scored as f64);
        Some(Self {
            hour: zone.moment(row.hour)?,
            posts: scored,
            unscored: posts.unscored,
            feeling: feeling(row).map(rounded),
            standard_error: feeling_standard_error(row).map(rounded),
            shares: (scored > 0).then(|| posts.classes.map(share)),
            weather: Weather::of(row, bound),
            sources: sources(row),
        })
    }
}

impl Weather {
    fn of(row: &HourRow, bound: OutlierBound) -> Self {
        let told = |variable| {
            let found = variable_mean(row, variable, bound)?;
            let names = |ids: Vec<SourceId>| ids.iter().map(ToString::to_string).collect();
            Some(Reading {
                value: rounded(found.value),
                used: names(found.used_sources),
                left_out: names(found.excluded_sources),
            })
        };
        Self {
            temperature: told(Variable::Temperature),
            humidity: told(Variable::Humidity),
            precipitation: told(Variable::Precipitation),
            wind: told(Variable::Wind),
            cloud: told(Variable::Cloud),
            pressure: told(Variable::Pressure),
        }
    }

    /// Each variable with its value, in the order of [`Variable::ALL`].
    pub(super) fn all(&self) -> [(Variable, Option<&Reading>); Variable::ALL.len()] {
        [
            (Variable::Temperature, self.temperature.as_ref()),
            (Variable::Humidity, self.humidity.as_ref()),
            (Variable::Precipitation, self.precipitation.as_ref()),
            (Variable::Wind, self.wind.as_ref()),
            (Variable::Cloud, self.cloud.as_ref()),
            (Variable::Pressure, self.pressure.as_ref()),
        ]
    }
}

fn sources(row: &HourRow) -> Vec<Source> {
    let told = row.sources.iter().map(|(id, sums)| Source {
        id: id.to_string(),
        minutes: sums.minutes.count(),
        posts: sums.posts.scored() + sums.posts.unscored,
        // Every observation has a temperature.
        observations: sums.weather.get(Variable::Temperature).count,
    });
    told.collect()
}
