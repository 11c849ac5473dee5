//! The JSON of both topics.
//!
//! Every record carries `"v":1`. A reader ignores fields it does not know, so a field may be added
//! without a new version. Where the meaning of a field changes, `v` is raised, and the new version
//! is rolled out readers first: a reader that meets a later `v` refuses the record, which goes to
//! the dead-letter topic and can be sent again once the readers know it. Times are milliseconds
//! since 1970-01-01 UTC; units are in the fields' names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::post::{check_id, check_text};
use crate::{
    CityId, DecodeError, Language, ModelError, Observation, Post, Readings, SourceId, Timestamp,
    Variable,
};

/// The version that is written, and the greatest that is read.
pub const WIRE_VERSION: u64 = 1;

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct RawPost<'a> {
    v: Option<u64>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    city: Option<Text<'a>>,
    #[serde(borrow)]
    source: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    lang: Option<Text<'a>>,
    created_at_ms: Option<i64>,
    received_at_ms: Option<i64>,
}

#[derive(Serialize)]
struct WrittenPost<'a> {
    v: u64,
    id: &'a str,
    city: &'a str,
    source: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<&'a str>,
    created_at_ms: Timestamp,
    received_at_ms: Timestamp,
}

#[derive(Deserialize)]
struct RawObservation<'a> {
    v: Option<u64>,
    #[serde(borrow)]
    city: Option<Text<'a>>,
    #[serde(borrow)]
    source: Option<Text<'a>>,
    observed_at_ms: Option<i64>,
    received_at_ms: Option<i64>,
    temperature_c: Option<f64>,
    humidity_pct: Option<f64>,
    precipitation_mm_h: Option<f64>,
    wind_m_s: Option<f64>,
    cloud_pct: Option<f64>,
    pressure_hpa: Option<f64>,
}

#[derive(Serialize)]
struct WrittenObservation<'a> {
    v: u64,
    city: &'a str,
    source: &'a str,
    observed_at_ms: Timestamp,
    received_at_ms: Timestamp,
    temperature_c: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    humidity_pct: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precipitation_mm_h: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wind_m_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_pct: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pressure_hpa: Option<f64>,
}

fn version(v: Option<u64>) -> Result<(), DecodeError> {
    match v {
        None => Err(DecodeError::MissingField("v")),
        Some(v) if (1..=WIRE_VERSION).contains(&v) => Ok(()),
        Some(found) => Err(DecodeError::UnsupportedVersion {
            found,
            supported: WIRE_VERSION,
        }),
    }
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::MissingField(field))
}

fn possible<T>(field: &'static str, value: Result<T, ModelError>) -> Result<T, DecodeError> {
    value.map_err(|source| DecodeError::InvalidField { field, source })
}

fn moment(field: &'static str, ms: Option<i64>) -> Result<Timestamp, DecodeError> {
    possible(field, Timestamp::from_millis(required(field, ms)?))
}

fn place(
    city: Option<Text<'_>>,
    source: Option<Text<'_>>,
) -> Result<(CityId, SourceId), DecodeError> {
    let city = possible("city", CityId::parse(&required("city", city)?.0))?;
    let source = possible("source", SourceId::parse(&required("source", source)?.0))?;
    Ok((city, source))
}

impl<'a> Post<'a> {
    /// Reads a record of topic `tweet`. Borrows id and text from `json` where they hold no escape.
    ///
    /// # Errors
    /// [`DecodeError`] where the record is not JSON, of a later version, or lacks or breaks a field.
    pub fn from_json(json: &'a [u8]) -> Result<Self, DecodeError> {
        let raw: RawPost<'a> = serde_json::from_slice(json)?;
        version(raw.v)?;
        let (city, source) = place(raw.city, raw.source)?;
        let id = required("id", raw.id)?.0;
        possible("id", check_id(&id))?;
        let text = required("text", raw.text)?.0;
        possible("text", check_text(&text))?;
        let language = raw
            .lang
            .map(|tag| possible("lang", Language::parse(&tag.0)))
            .transpose()?;
        Ok(Self {
            id,
            text,
            city,
            source,
            language,
            created_at: moment("created_at_ms", raw.created_at_ms)?,
            received_at: moment("received_at_ms", raw.received_at_ms)?,
        })
    }

    /// The record of topic `tweet`.
    ///
    /// # Errors
    /// Only where the serialiser itself fails, which for these types it does not.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&WrittenPost {
            v: WIRE_VERSION,
            id: self.id(),
            city: self.city.as_str(),
            source: self.source.as_str(),
            text: self.text(),
            lang: self.language.as_ref().map(Language::as_str),
            created_at_ms: self.created_at,
            received_at_ms: self.received_at,
        })
    }
}

impl Observation {
    /// Reads a record of topic `temperature`.
    ///
    /// # Errors
    /// [`DecodeError`] where the record is not JSON, of a later version, or lacks or breaks a field.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        let raw: RawObservation<'_> = serde_json::from_slice(json)?;
        version(raw.v)?;
        let (city, source) = place(raw.city, raw.source)?;
        let temperature = required("temperature_c", raw.temperature_c)?;
        let mut readings = possible("temperature_c", Readings::new(temperature))?;
        for (field, variable, value) in [
            ("humidity_pct", Variable::Humidity, raw.humidity_pct),
            (
                "precipitation_mm_h",
                Variable::Precipitation,
                raw.precipitation_mm_h,
            ),
            ("wind_m_s", Variable::Wind, raw.wind_m_s),
            ("cloud_pct", Variable::Cloud, raw.cloud_pct),
            ("pressure_hpa", Variable::Pressure, raw.pressure_hpa),
        ] {
            readings = possible(field, readings.with(variable, value))?;
        }
        Ok(Self {
            city,
            source,
            observed_at: moment("observed_at_ms", raw.observed_at_ms)?,
            received_at: moment("received_at_ms", raw.received_at_ms)?,
            readings,
        })
    }

    /// The record of topic `temperature`.
    ///
    /// # Errors
    /// Only where the serialiser itself fails, which for these types it does not.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let value = |variable| self.readings.get(variable).map(crate::Quantity::value);
        serde_json::to_vec(&WrittenObservation {
            v: WIRE_VERSION,
            city: self.city.as_str(),
            source: self.source.as_str(),
            observed_at_ms: self.observed_at,
            received_at_ms: self.received_at,
            temperature_c: value(Variable::Temperature).unwrap_or_default(),
            humidity_pct: value(Variable::Humidity),
            precipitation_mm_h: value(Variable::Precipitation),
            wind_m_s: value(Variable::Wind),
            cloud_pct: value(Variable::Cloud),
            pressure_hpa: value(Variable::Pressure),
        })
    }
}
