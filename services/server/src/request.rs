//! The body of a request for weather: which hours are asked for.
//!
//! Terms: `begin` and `end` are hours such as `2018-01-01 02`, both included.
//!
//! Guarantee: what is refused is refused with the place or the field that is wrong. Fields that
//! are not known are ignored, and so is the content type: `curl -d` calls its body a form.

use moodvane_model::{HourRange, HourSlot};
use serde_json::{Map, Value};

use crate::problem::{Kind, Place, Problem};

/// How many characters an excerpt shows on either side of the place.
const EXCERPT_CHARS: usize = 40;

/// Reads the range of hours that a body asks for, of at most `max_hours` hours.
pub(crate) fn hours(body: &[u8], max_hours: u32) -> Result<HourRange, Problem> {
    let fields = object(body)?;
    let begin = hour(&fields, "begin")?;
    let end = hour(&fields, "end")?;
    let range = HourRange::new(begin, end)
        .map_err(|error| Problem::new(Kind::EndBeforeBegin, error.to_string()).of("end"))?;
    if range.hours() > max_hours {
        let detail = format!(
            "the range has {} hours, the limit is {max_hours}: ask for it in parts",
            range.hours()
        );
        return Err(Problem::new(Kind::RangeTooLong, detail).of("end"));
    }
    Ok(range)
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
