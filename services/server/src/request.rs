//! The body of `POST /weather`.
//!
//! Terms: `begin` and `end` are hours such as `2018-01-01 02`, both included, in local time of `tz`, or
//! with an offset from UTC, such as `2018-01-01T02:00:00Z`.
//!
//! Guarantee: a rejection names the position or the field of the error. Unknown fields and the
//! content type are ignored: `curl -d` labels its body as a form.

use moodvane_model::{CityId, HourRange};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ServerConfig;
use crate::problem::{Kind, Position, Problem};
use crate::query::{self, Choice, check_range_length};
use crate::requested_hour::RequestedHour;
use crate::zone::Zone;

/// How many characters an excerpt shows on either side of the position.
const EXCERPT_CHARS: usize = 40;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The requested hours.
#[derive(Debug, ToSchema)]
#[schema(as = Ask)]
pub(crate) struct HoursRequest {
    /// The first hour.
    #[schema(
        value_type = String,
        example = "2018-01-01 02",
        pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"
    )]
    begin: RequestedHour,
    /// The last hour, included.
    #[schema(
        value_type = String,
        example = "2018-01-01 03",
        pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3])(:00(:00)?)?(Z|[+-](0[0-9]|1[0-4]):00)?$"
    )]
    end: RequestedHour,
    /// A city's id; the configured default city if absent.
    #[schema(value_type = String, required = false)]
    pub(crate) city: CityId,
    /// An IANA zone with whole-hour offsets from UTC; UTC if absent.
    #[schema(value_type = String, required = false, example = "America/New_York")]
    tz: Zone,
    /// Whether the answer includes hours with only one of the two values; `both` if absent.
    #[schema(required = false)]
    include: Include,
    /// The feeling of an hour with fewer scored posts is null; 0 if absent.
    #[schema(required = false)]
    min_posts: u64,
}

/// Which hours an answer includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Include {
    /// Hours with a feeling and a temperature.
    #[default]
    Both,
    /// Hours with at least one of them.
    All,
}

impl Choice for Include {
    const ALL: &[(&str, Self)] = &[("both", Self::Both), ("all", Self::All)];
}

/// How hours are answered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResponseOptions {
    /// The zone of the local hours.
    pub(crate) zone: Zone,
    pub(crate) include: Include,
    /// The feeling of an hour with fewer scored posts is not answered.
    pub(crate) min_posts: u64,
}

impl HoursRequest {
    /// Parses a body.
    pub(crate) fn parse(body: &[u8], config: &ServerConfig) -> Result<Self, Problem> {
        let fields = parse_object(body)?;
        let (begin, end) = (hour(&fields, "begin")?, hour(&fields, "end")?);
        let tz = text(&fields, "tz")?.map_or(Ok(Zone::UTC), Zone::parse)?;
        let range = tz.range(begin, end)?;
        check_range_length(range, config.max_range_hours)?;
        tz.require_whole_hours(range)?;
        Ok(Self {
            begin,
            end,
            city: query::find_city(config, text(&fields, "city")?)?.id,
            tz,
            include: include(&fields)?,
            min_posts: min_posts(&fields)?,
        })
    }

    /// The hours of UTC from `begin` to `end`.
    pub(crate) fn range(&self) -> Result<HourRange, Problem> {
        self.tz.range(self.begin, self.end)
    }

    pub(crate) fn response_options(&self) -> ResponseOptions {
        ResponseOptions {
            zone: self.tz,
            include: self.include,
            min_posts: self.min_posts,
        }
    }
}

fn text<'a>(
    fields: &'a Map<String, Value>,
    field: &'static str,
) -> Result<Option<&'a str>, Problem> {
    match fields.get(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            let detail = format!("\"{field}\" must be a string, not {}", type_name(other));
            Err(Problem::new(Kind::WrongType, detail).with_field(field))
        }
    }
}

fn include(fields: &Map<String, Value>) -> Result<Include, Problem> {
    let Some(word) = text(fields, "include")? else {
        return Ok(Include::default());
    };
    Include::parse(word).ok_or_else(|| {
        let detail = "\"include\" must be \"both\" or \"all\"";
        Problem::new(Kind::InvalidValue, detail).with_field("include")
    })
}

fn min_posts(fields: &Map<String, Value>) -> Result<u64, Problem> {
    let Some(value) = fields.get("min_posts") else {
        return Ok(0);
    };
    let invalid = |kind| {
        let detail = "\"min_posts\" must be an integer from 0 on";
        Problem::new(kind, detail).with_field("min_posts")
    };
    if !value.is_number() {
        return Err(invalid(Kind::WrongType));
    }
    value.as_u64().ok_or_else(|| invalid(Kind::InvalidValue))
}

/// Parses an object. A byte order mark before it is not part of it.
fn parse_object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => {
            let detail = format!("the body must be a JSON object, not {}", type_name(&other));
            Err(Problem::new(Kind::NotAnObject, detail).with_field("body"))
        }
        Err(error) => Err(malformed(body, &error)),
    }
}

fn hour(fields: &Map<String, Value>, field: &'static str) -> Result<RequestedHour, Problem> {
    let value = fields.get(field).ok_or_else(|| {
        let detail = format!(
            "the field \"{field}\" is missing: it must be an hour such as \"2018-01-01 02\" (UTC)"
        );
        Problem::new(Kind::MissingField, detail).with_field(field)
    })?;
    let text = value.as_str().ok_or_else(|| {
        let detail = format!(
            "\"{field}\" must be a string such as \"2018-01-01 02\", not {}",
            type_name(value)
        );
        Problem::new(Kind::WrongType, detail).with_field(field)
    })?;
    RequestedHour::parse(field, text)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn malformed(body: &[u8], error: &serde_json::Error) -> Problem {
    let line = body
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    // At an early end the parser reports the last byte that it read; the error is behind it.
    let cut = if error.is_eof() {
        line.len()
    } else {
        error.column().saturating_sub(1).min(line.len())
    };
    let before = String::from_utf8_lossy(&line[..cut]);
    let after = String::from_utf8_lossy(&line[cut..]);
    let column = before.chars().count() + 1;
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let hint = missing_quote_hint(reason, &before);
    let detail = format!(
        "the body is not JSON: {reason} at line {}, column {column}{hint}",
        error.line()
    );
    let position = Position {
        line: error.line(),
        column,
        excerpt: excerpt(&before, &after),
    };
    Problem::new(Kind::MalformedJson, detail)
        .with_field("body")
        .with_position(position)
}

/// A string without its closing quote ends at the opening quote of the next string, so the parser
/// fails one quote too late.
fn missing_quote_hint(reason: &str, before: &str) -> &'static str {
    let follows_string = before.trim_end().ends_with('"');
    if follows_string && reason.starts_with("expected `,` or") {
        "; a quote may be missing just before"
    } else {
        ""
    }
}

fn excerpt(before: &str, after: &str) -> String {
    let skipped = before.chars().count().saturating_sub(EXCERPT_CHARS);
    let from: String = before.chars().skip(skipped).collect();
    let to: String = after.chars().take(EXCERPT_CHARS).collect();
    let head = if skipped > 0 { "..." } else { "" };
    let tail = if to.len() < after.len() { "..." } else { "" };
    format!("{head}{from}<here>{to}{tail}")
}
