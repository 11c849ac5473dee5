//! Bodies of requests, read in the two steps in which Marathon reads them.
//!
//! First the JSON ([`Refused::Empty`], [`Refused::NotJson`]), then its shape ([`Refused::Shape`]). What
//! the shape says is judged by [`crate::validate_app`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use crate::app::App;
use crate::app_update::AppUpdate;
use crate::group::GroupUpdate;
use crate::normal;
use crate::path_id::PathId;
use crate::refused::{Refused, Violation};
use crate::task::TaskIds;

/// The app in the body of `POST /v2/apps`, with all defaults.
///
/// # Errors
/// [`Refused`] as Marathon refuses it.
pub fn read_app(body: &[u8]) -> Result<App, Refused> {
    app_from(json(body)?)
}

/// The fields in the body of `PUT /v2/apps/ID`.
///
/// # Errors
/// [`Refused`] as Marathon refuses it.
pub fn read_app_update(body: &[u8]) -> Result<AppUpdate, Refused> {
    update_from(json(body)?, "")
}

/// The fields of several apps, in the body of `PUT /v2/apps`; each names its app.
///
/// # Errors
/// [`Refused`] as Marathon refuses it.
pub fn read_app_updates(body: &[u8]) -> Result<Vec<(PathId, AppUpdate)>, Refused> {
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

/// The group in the body of a request.
///
/// # Errors
/// [`Refused`] as Marathon refuses it.
pub fn read_group(body: &[u8]) -> Result<GroupUpdate, Refused> {
    let value = json(body)?;
    if !value.is_object() {
        return Err(shape("/", "error.expected.jsobject"));
    }
    let mut group: GroupUpdate = typed(value, "")?;
    let mut wrong = Vec::new();
    normal::group(&mut group, "", &mut wrong);
    if wrong.is_empty() {
        Ok(group)
    } else {
        Err(Refused::Shape(wrong))
    }
}

/// The names in the body of `POST /v2/tasks/delete`.
///
/// # Errors
/// [`Refused`] as Marathon refuses it.
pub fn read_task_ids(body: &[u8]) -> Result<Vec<String>, Refused> {
    Ok(typed::<TaskIds>(json(body)?, "")?.ids)
}

/// `what` as JSON; the types of this crate always are.
#[must_use]
pub fn value_of<T: Serialize>(what: &T) -> Value {
    serde_json::to_value(what).unwrap_or_default()
}

pub(crate) fn app_from(value: Value) -> Result<App, Refused> {
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
    let mut app: App = typed(value, "")?;
    let mut wrong = Vec::new();
    normal::app(&mut app, "", &mut wrong);
    if wrong.is_empty() {
        Ok(app)
    } else {
        Err(Refused::Shape(wrong))
    }
}

fn update_from(value: Value, place: &str) -> Result<AppUpdate, Refused> {
    let Value::Object(fields) = without_nulls(value) else {
        return Err(shape(
            if place.is_empty() { "/" } else { place },
            "error.expected.jsobject",
        ));
    };
    // The fields are read as an app of any name, so that a wrong one is told now.
    let mut whole = fields.clone();
    whole
        .entry("id")
        .or_insert_with(|| Value::String("/any".to_owned()));
    let mut app: App = typed(Value::Object(whole), place)?;
    let mut wrong = Vec::new();
    normal::app(&mut app, place, &mut wrong);
    if wrong.is_empty() {
        Ok(AppUpdate { fields })
    } else {
        Err(Refused::Shape(wrong))
    }
}

fn json(body: &[u8]) -> Result<Value, Refused> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refused::Empty);
    }
    serde_json::from_slice(body).map_err(|error| Refused::NotJson(error.to_string()))
}

fn typed<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, Refused> {
    serde_path_to_error::deserialize(without_nulls(value)).map_err(|error| {
        let path = place_of(place, error.path());
        let why = error.into_inner().to_string();
        // The place is that of the object that lacks it.
        match why
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next())
        {
            Some(field) => shape(
                format!("{}/{field}", path.trim_end_matches('/')),
                "error.path.missing",
            ),
            None => shape(path, in_marathons_words(&why)),
        }
    })
}

/// `null` is what is absent, as for Marathon.
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

fn shape(path: impl Into<String>, error: impl Into<String>) -> Refused {
    Refused::Shape(vec![Violation::new(path, error)])
}

fn place_of(place: &str, path: &Path) -> String {
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

fn in_marathons_words(why: &str) -> String {
    if why.starts_with("invalid value: integer") {
        return "error.min".to_owned();
    }
    let expected = why.rsplit("expected ").next().unwrap_or_default();
    let word = match expected {
        "f64" | "u8" | "u16" | "u32" | "u64" | "usize" => "jsnumber",
        "a string" => "jsstring",
        "a boolean" => "jsboolean",
        "a sequence" => "jsarray",
        _ if expected.starts_with("struct") || expected.starts_with("a map") => "jsobject",
        _ => return why.to_owned(),
    };
    format!("error.expected.{word}")
}
