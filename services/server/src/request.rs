//! The body of a request for weather: which hours are asked for, and how they are to be answered.
//!
//! Terms: `begin` and `end` are hours such as `2018-01-01 02`, both included, on the clocks of `tz`.
//!
//! Guarantee: what is refused is refused with the place or the field that is wrong. Fields that
//! are not known are ignored, and so is the content type: `curl -d` calls its body a form.

use moodvane_model::{CityId, HourRange, HourSlot};
use serde_json::{Map, Value};

use crate::ServerConfig;
use crate::problem::{Kind, Place, Problem};
use crate::query;
use crate::zone::Zone;

/// How many characters an excerpt shows on either side of the place.
const EXCERPT_CHARS: usize = 40;

/// What a body asks for.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Whose hours.
    pub(crate) city: CityId,
    /// Which hours.
    pub(crate) range: HourRange,
    /// How they are to be answered.
    pub(crate) manner: Manner,
}

/// How hours are to be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Whose clocks the slots are told by.
    pub(crate) zone: Zone,
    /// Whether hours are told of which only one side is known.
    pub(crate) one_sided: bool,
    /// The feeling of an hour of fewer scored posts is not told.
    pub(crate) min_posts: u64,
}

impl Manner {
    /// Where nothing was said about it.
    pub(crate) const PLAIN: Self = Self {
        zone: Zone::UTC,
        one_sided: false,
        min_posts: 0,
    };
}

impl Ask {
    /// Reads a body.
    pub(crate) fn read(body: &[u8], config: &ServerConfig) -> Result<Self, Problem> {
        let fields = object(body)?;
        let (begin, end) = (hour(&fields, "begin")?, hour(&fields, "end")?);
        let zone = text(&fields, "tz")?.map_or(Ok(Zone::UTC), Zone::parse)?;
        let range = zone.range(begin, end)?;
        short_enough(range, config.max_range_hours)?;
        zone.check(range)?;
        Ok(Self {
            city: query::city(config, text(&fields, "city")?)?.id,
            range,
            manner: Manner {
                zone,
                one_sided: one_sided(&fields)?,
                min_posts: min_posts(&fields)?,
            },
        })
    }
}

/// Refuses a range of more than `most` hours.
pub(crate) fn short_enough(range: HourRange, most: u32) -> Result<(), Problem> {
    if range.hours() <= most {
        return Ok(());
    }
    let detail = format!(
        "the range has {} hours, the limit is {most}: ask for it in parts",
        range.hours()
    );
    Err(Problem::new(Kind::RangeTooLong, detail).of("end"))
}

fn text<'a>(
    fields: &'a Map<String, Value>,
    field: &'static str,
) -> Result<Option<&'a str>, Problem> {
    match fields.get(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            let detail = format!("\"{field}\" must be a text, not {}", name_of(other));
            Err(Problem::new(Kind::WrongType, detail).of(field))
        }
    }
}

fn one_sided(fields: &Map<String, Value>) -> Result<bool, Problem> {
    match text(fields, "include")? {
        None | Some("both") => Ok(false),
        Some("all") => Ok(true),
        Some(_) => {
            let detail = "\"include\" must be \"both\" or \"all\"";
            Err(Problem::new(Kind::InvalidValue, detail).of("include"))
        }
    }
}

fn min_posts(fields: &Map<String, Value>) -> Result<u64, Problem> {
    let Some(value) = fields.get("min_posts") else {
        return Ok(0);
    };
    let wrong = |kind| {
        let detail = "\"min_posts\" must be a whole number from 0 on";
        Problem::new(kind, detail).of("min_posts")
    };
    if !value.is_number() {
        return Err(wrong(Kind::WrongType));
    }
    value.as_u64().ok_or_else(|| wrong(Kind::InvalidValue))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => {
            let detail = format!("the body must be a JSON object, not {}", name_of(&other));
            Err(Problem::new(Kind::NotAnObject, detail).of("body"))
        }
        Err(error) => Err(malformed(body, &error)),
    }
}

fn hour(fields: &Map<String, Value>, field: &'static str) -> Result<HourSlot, Problem> {
    let value = fields.get(field).ok_or_else(|| {
        let detail = format!(
            "the field \"{field}\" is missing: it must be an hour such as \"2018-01-01 02\" (UTC)"
        );
        Problem::new(Kind::MissingField, detail).of(field)
    })?;
    let text = value.as_str().ok_or_else(|| {
        let detail = format!(
            "\"{field}\" must be a text such as \"2018-01-01 02\", not {}",
            name_of(value)
        );
        Problem::new(Kind::WrongType, detail).of(field)
    })?;
    text.parse()
        .map_err(|error| Problem::new(Kind::InvalidHour, format!("\"{field}\": {error}")).of(field))
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn malformed(body: &[u8], error: &serde_json::Error) -> Problem {
    let line = body
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    // At an early end the parser names the last byte it saw; the place is what should follow.
    let cut = if error.is_eof() {
        line.len()
    } else {
        error.column().saturating_sub(1).min(line.len())
    };
    let before = String::from_utf8_lossy(&line[..cut]);
    let after = String::from_utf8_lossy(&line[cut..]);
    let column = before.chars().count() + 1;
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let hint = hint(what, &before);
    let detail = format!(
        "the body is not JSON: {what} at line {}, column {column}{hint}",
        error.line()
    );
    let place = Place {
        line: error.line(),
        column,
        excerpt: excerpt(&before, &after),
    };
    Problem::new(Kind::MalformedJson, detail)
        .of("body")
        .at(place)
}

/// A text whose closing quote is missing ends at the next text's opening quote, so that the
/// parser stumbles one quote too late.
fn hint(what: &str, before: &str) -> &'static str {
    let after_text = before.trim_end().ends_with('"');
    if after_text && what.starts_with("expected `,` or") {
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
