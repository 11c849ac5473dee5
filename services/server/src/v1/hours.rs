//! `GET /v1/hours`: all stored facts of each hour, page by page.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use moodvane_analysis::FeelingEstimator;
use moodvane_model::{City, HourRange, WeatherTalk};
use serde::Serialize;
use utoipa::ToSchema;

use super::effect::serving_runs;
use super::formats::parquet::FileMetadata;
use super::formats::{self, Format};
use super::hour::{Hour, HourOptions};
use super::talk::TalkName;
use crate::ServerConfig;
use crate::deadline::Deadline;
use crate::problem::{Example, Kind, Problem, ProblemBody};
use crate::query::Query;
use crate::requested_hour::RequestedHour;
use crate::state::ServerState;
use crate::store_reads;
use crate::zone::Zone;

const EXAMPLE: Example = Example::Get("/v1/hours?begin=2018-01-01T02&end=2018-01-01T03");
const PARAMETERS: &[&str] = &[
    "city", "begin", "end", "tz", "talk", "format", "limit", "cursor",
];
const DEFAULT_PAGE_HOURS: u32 = 168;

/// A page of hours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hours)]
pub(crate) struct HoursPage {
    #[schema(example = "new-york")]
    city: String,
    /// The zone of the hours' offsets.
    #[schema(example = "UTC")]
    tz: String,
    /// The number of hours that the page covers, with or without data.
    page_hours: u32,
    /// The hours with data, in order.
    hours: Vec<Hour>,
    /// The path of the next page; null on the last one.
    next: Option<String>,
}

/// The hours of a range, page by page.
#[utoipa::path(
    get, path = "/v1/hours", tag = "v1",
    params(
        ("city" = Option<String>, Query, description = "A city's id; see /v1/cities"),
        ("begin" = String, Query, description = "The first hour, in local time of tz", example = "2018-01-01T02", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"),
        ("end" = String, Query, description = "The last hour, included", example = "2018-01-01T03", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"),
        ("tz" = Option<String>, Query, description = "An IANA zone with whole-hour offsets from UTC; default UTC"),
        ("talk" = Option<TalkName>, Query, description = "Whether posts that speak of the weather are included; default all"),
        ("format" = Option<Format>, Query, description = "Default json"),
        ("limit" = Option<u32>, Query, description = "The most hours that a page covers; default 168", minimum = 1),
        ("cursor" = Option<String>, Query, description = "The UTC hour at which the page begins; from the previous page"),
    ),
    responses(
        (status = 200, description = "A page; the header link names the next one", content(
            (HoursPage = "application/json"), (String = "text/csv"), (Hour = "application/x-ndjson"),
            (String = "application/vnd.apache.parquet"),
        )),
        (status = 304, description = "The page matches if-none-match"),
        (status = 400, response = ProblemBody),
        (status = 429, response = ProblemBody),
        (status = 500, response = ProblemBody),
        (status = 503, response = ProblemBody),
    ),
)]
pub(crate) async fn hours(
    State(state): State<ServerState>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let config = &state.deps.config;
    let request = PageRequest::parse(config, raw.as_deref())
        .map_err(|problem| problem.with_example(EXAMPLE))?;
    let deadline = Deadline::after(config.request_timeout);
    let (city, page) = (request.city.id, request.page);
    let rows = store_reads::hours(&*state.deps.store, deadline, city, page).await?;
    let options = HourOptions {
        bound: config.stray_bound,
        zone: request.zone,
        talk: request.talk,
    };
    let mut estimator = FeelingEstimator::default();
    let hours: Option<Vec<Hour>> = rows
        .iter()
        .map(|row| Hour::new(row, &mut estimator, options))
        .collect();
    let page = HoursPage {
        city: city.to_string(),
        tz: request.zone.name().to_owned(),
        page_hours: page.hours(),
        hours: hours.ok_or_else(Problem::internal)?,
        next: request.next_path(),
    };
    let body = match request.format {
        Format::Json => formats::json(&page),
        Format::Ndjson => formats::ndjson(&page.hours),
        Format::Csv => formats::csv(&page.hours),
        Format::Parquet => {
            let runs = store_reads::runs(&*state.deps.store, deadline).await?;
            let metadata = FileMetadata {
                city: page.city,
                tz: page.tz,
                talk: request.talk.name(),
                runs: serving_runs(&runs, request.page).join(", "),
            };
            formats::parquet::encode(&page.hours, metadata)
        }
    };
    respond(request.format, body, page.next)
}

struct PageRequest<'a> {
    city: &'a City,
    zone: Zone,
    talk: WeatherTalk,
    range: HourRange,
    page: HourRange,
    limit: u32,
    format: Format,
    /// The parameters that the path of the next page repeats.
    repeated: Vec<(&'static str, String)>,
}

impl<'a> PageRequest<'a> {
    fn parse(config: &'a ServerConfig, raw: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(raw, PARAMETERS)?;
        let zone = query.zone()?;
        let range = query.range(zone)?;
        let max = config.max_page_hours;
        let limit = query.integer("limit", (1, max), DEFAULT_PAGE_HOURS.min(max))?;
        let page = page(range, &query, limit)?;
        zone.require_whole_hours(page)?;
        Ok(Self {
            city: query.city(config)?,
            zone,
            talk: query.choice("talk", TalkName::All)?.into(),
            range,
            page,
            limit,
            format: query.choice("format", Format::Json)?,
            repeated: query.given(&["city", "begin", "end", "tz", "talk", "format"]),
        })
    }

    /// The path of the next page; `None` on the last one.
    fn next_path(&self) -> Option<String> {
        let begin = self.page.end().checked_add(1)?;
        if begin > self.range.end() {
            return None;
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.repeated);
        query.append_pair("limit", &self.limit.to_string());
        query.append_pair("cursor", &begin.to_string().replace(' ', "T"));
        Some(format!("/v1/hours?{}", query.finish()))
    }
}

/// The first `limit` hours of the range from the cursor on.
fn page(range: HourRange, query: &Query, limit: u32) -> Result<HourRange, Problem> {
    let begin = match query.text("cursor") {
        None => range.begin(),
        // The cursor is an hour of UTC.
        Some(text) => match RequestedHour::parse("cursor", text)? {
            RequestedHour::Local(hour) | RequestedHour::Utc(hour) => hour,
        },
    };
    if !(range.begin()..=range.end()).contains(&begin) {
        let detail = "\"cursor\" must be an hour of the range, from the previous page";
        return Err(Problem::new(Kind::InvalidValue, detail).with_field("cursor"));
    }
    let last = i32::try_from(limit - 1)
        .ok()
        .and_then(|by| begin.checked_add(by));
    let end = last.unwrap_or(range.end()).min(range.end());
    HourRange::new(begin, end).map_err(|_| Problem::internal())
}

fn respond(
    format: Format,
    body: anyhow::Result<Vec<u8>>,
    next: Option<String>,
) -> Result<Response, Problem> {
    let link = next.map(|next| format!("<{next}>; rel=\"next\""));
    let body = body.map_err(|error| {
        tracing::error!(error = format!("{error:#}"), "cannot serialize hours");
        Problem::internal()
    })?;
    let mut response = ([(header::CONTENT_TYPE, format.content_type())], body).into_response();
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}
