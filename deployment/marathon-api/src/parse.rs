//! Parsing of request bodies, in the same two steps as Marathon.
//!
//! First the JSON ([`BodyError::Empty`], [`BodyError::InvalidJson`]), then its shape
//! ([`BodyError::InvalidShape`]). [`crate::validate_app`] checks the rules across fields.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use crate::app::App;
use crate::app_update::AppUpdate;
use crate::error::{BodyError, Violation};
use crate::group::GroupUpdate;
use crate::normalize;
use crate::path_id::PathId;
use crate::task::TaskIds;

/// Parses the body of `POST /v2/apps` and applies all defaults.
///
/// # Errors
/// [`BodyError`] as Marathon rejects the body.
pub fn parse_app(body: &[u8]) -> Result<App, BodyError> {
    app_from(json(body)?)
}

/// Parses the body of `PUT /v2/apps/ID`.
///
/// # Errors
/// [`BodyError`] as Marathon rejects the body.
pub fn parse_app_update(body: &[u8]) -> Result<AppUpdate, BodyError> {
    update_from(json(body)?, "")
}

/// Parses the body of `PUT /v2/apps`, an array of updates with ids.
///
/// # Errors
/// [`BodyError`] as Marathon rejects the body.
pub fn parse_app_updates(body: &[u8]) -> Result<Vec<(PathId, AppUpdate)>, BodyError> {
    let Value::Array(items) = json(body)? else {
        return Err(shape("/", "error.expected.jsarray"));
    };
    let one = |(index, item)| {
        let place = format!("({index})");
        let update = update_from(item, &place)?;
        let id = update
            .id()
            .ok_or_else(|| shape(format!("{place}/id"), "error.path.missing"))?;
        Ok((id, update))
    };
    items.into_iter().enumerate().map(one).collect()
}

/// Parses a group.
///
/// # Errors
/// [`BodyError`] as Marathon rejects the body.
pub fn parse_group(body: &[u8]) -> Result<GroupUpdate, BodyError> {
    let value = json(body)?;
    if !value.is_object() {
        return Err(shape("/", "error.expected.jsobject"));
    }
    let mut value = value;
    normalize::default_strategies(&mut value);
    let mut group: GroupUpdate = typed(value, "")?;
    let mut violations = Vec::new();
    normalize::normalize_group(&mut group, "", &mut violations);
    if violations.is_empty() {
        Ok(group)
    } else {
        Err(BodyError::InvalidShape(violations))
    }
}

/// Parses the body of `POST /v2/tasks/delete` into task ids.
///
/// # Errors
/// [`BodyError`] as Marathon rejects the body.
pub fn parse_task_ids(body: &[u8]) -> Result<Vec<String>, BodyError> {
    Ok(typed::<TaskIds>(json(body)?, "")?.ids)
}

/// Serializes a type of this crate.
#[must_use]
pub fn to_json<T: Serialize>(what: &T) -> Value {
    serde_json::to_value(what).unwrap_or_default()
}

pub(crate) fn app_from(value: Value) -> Result<App, BodyError> {
    let value = without_nulls(value);
    let Some(fields) = value.as_object() else {
        return Err(shape("/id", format!("{value} is not an object")));
    };
    if !fields.contains_key("id") {
        return Err(shape(
            "/id",
            format!("'id' is undefined on object: {value}"),
        ));
    }
    let mut value = value;
    normalize::default_strategies(&mut value);
    let mut app: App = typed(value, "")?;
    let mut violations = Vec::new();
    normalize::normalize_app(&mut app, "", &mut violations);
    if violations.is_empty() {
        Ok(app)
    } else {
        Err(BodyError::InvalidShape(violations))
    }
}

fn update_from(value: Value, place: &str) -> Result<AppUpdate, BodyError> {
    let Value::Object(fields) = without_nulls(value) else {
        return Err(shape(
            if place.is_empty() { "/" } else { place },
            "error.expected.jsobject",
        ));
    };
    // Parse the fields as an app of any id, to report invalid ones now.
    let mut whole = fields.clone();
    whole
        .entry("id")
        .or_insert_with(|| Value::String("/any".to_owned()));
    let mut app: App = typed(Value::Object(whole), place)?;
    let mut violations = Vec::new();
    normalize::normalize_app(&mut app, place, &mut violations);
    if violations.is_empty() {
        Ok(AppUpdate { fields })
    } else {
        Err(BodyError::InvalidShape(violations))
    }
}

fn json(body: &[u8]) -> Result<Value, BodyError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BodyError::Empty);
    }
    serde_json::from_slice(body).map_err(|error| BodyError::InvalidJson(error.to_string()))
}

/// Objects of the API, and lists of objects. Deserialization would take an array for an object,
/// field by field.
const OBJECTS: [&str; 5] = [
    "container",
    "docker",
    "persistent",
    "upgradeStrategy",
    "unreachableStrategy",
];
const OBJECT_LISTS: [&str; 10] = [
    "apps",
    "fetch",
    "groups",
    "healthChecks",
    "networks",
    "parameters",
    "portDefinitions",
    "portMappings",
    "readinessChecks",
    "volumes",
];

/// Rejects arrays in the place of objects.
fn reject_arrays(value: &Value, place: &str) -> Result<(), BodyError> {
    let Value::Object(fields) = value else {
        return match value.is_array() {
            true => Err(shape(place, "error.expected.jsobject")),
            false => Ok(()),
        };
    };
    for name in OBJECTS {
        if let Some(object) = fields.get(name) {
            reject_arrays(object, &format!("{place}/{name}"))?;
        }
    }
    for name in OBJECT_LISTS {
        let items = fields.get(name).and_then(Value::as_array);
        for (index, item) in items.into_iter().flatten().enumerate() {
            reject_arrays(item, &format!("{place}/{name}({index})"))?;
        }
    }
    Ok(())
}

fn typed<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, BodyError> {
    reject_arrays(&value, place)?;
    serde_path_to_error::deserialize(without_nulls(value)).map_err(|error| {
        let path = location(place, error.path());
        let why = error.into_inner().to_string();
        // serde reports the path of the object that lacks the field.
        match why
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next())
        {
            Some(field) => shape(
                format!("{}/{field}", path.trim_end_matches('/')),
                "error.path.missing",
            ),
            None => shape(path, marathon_error_code(&why)),
        }
    })
}

/// Removes `null` values, which Marathon treats as absent.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key, without_nulls(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn shape(path: impl Into<String>, error: impl Into<String>) -> BodyError {
    BodyError::InvalidShape(vec![Violation::new(path, error)])
}

fn location(place: &str, path: &Path) -> String {
    let mut text = place.to_owned();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("({index})")),
            Segment::Map { key } => text.push_str(&format!("/{key}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    if text.is_empty() {
        "/".to_owned()
    } else {
        text
    }
}

/// Translates serde's message into Marathon's code. No message names a type of this crate.
fn marathon_error_code(why: &str) -> String {
    if let Some(number) = why.strip_prefix("invalid value: integer `") {
        let bound = if number.starts_with('-') {
            "min"
        } else {
            "max"
        };
        return format!("error.{bound}");
    }
    if let Some(names) = why.strip_prefix("unknown variant `") {
        // The odd parts are the words between the names.
        let mut names = names.split('`').step_by(2).filter(|name| !name.is_empty());
        let given = names.next().unwrap_or_default();
        let known: Vec<&str> = names.collect();
        return format!("'{given}' is none of: {}", known.join(", "));
    }
    let expected = why.rsplit("expected ").next().unwrap_or_default();
    let word = match expected {
        "f64" | "u8" | "u16" | "u32" | "u64" | "usize" => "jsnumber",
        "a string" => "jsstring",
        "a boolean" => "jsboolean",
        "a sequence" => "jsarray",
        _ if expected.starts_with("struct") || expected.starts_with("a map") => "jsobject",
        _ if why.starts_with("invalid type") || why.starts_with("invalid length") => "jsobject",
        _ => return why.to_owned(),
    };
    format!("error.expected.{word}")
}
