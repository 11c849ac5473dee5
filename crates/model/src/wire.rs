//! The JSON records of both topics.
//!
//! Every record has a version, `"v":1`. Readers ignore unknown fields, so that adding a field needs
//! no new version. A change of a field's meaning raises `v`. Roll such a change out to the readers
//! first: a reader rejects a record with a later `v`, and the processor publishes it to the
//! dead-letter topic, from which it can be published again after the upgrade. Times are milliseconds
//! since 1970-01-01 UTC; the names of fields state the units.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::post::{check_id, check_text};
use crate::{
    CityId, DecodeError, DecodedObservation, Language, ModelError, Observation, Post, Readings,
    SourceId, Timestamp, Variable,
};

/// The version that writers use and the greatest that readers support.
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
struct PostRecord<'a> {
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
    humidity_pct: Option<SideValue>,
    precipitation_mm_h: Option<SideValue>,
    wind_m_s: Option<SideValue>,
    cloud_pct: Option<SideValue>,
    pressure_hpa: Option<SideValue>,
}

/// A value other than the temperature, of any type.
#[derive(Deserialize)]
#[serde(untagged)]
enum SideValue {
    Number(f64),
    Other(IgnoredAny),
}

#[derive(Serialize)]
struct ObservationRecord<'a> {
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

fn check_version(v: Option<u64>) -> Result<(), DecodeError> {
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

fn valid<T>(field: &'static str, value: Result<T, ModelError>) -> Result<T, DecodeError> {
    value.map_err(|source| DecodeError::InvalidField { field, source })
}

fn timestamp(field: &'static str, ms: Option<i64>) -> Result<Timestamp, DecodeError> {
    valid(field, Timestamp::from_millis(required(field, ms)?))
}

fn city_and_source(
    city: Option<Text<'_>>,
    source: Option<Text<'_>>,
) -> Result<(CityId, SourceId), DecodeError> {
    let city = valid("city", CityId::parse(&required("city", city)?.0))?;
    let source = valid("source", SourceId::parse(&required("source", source)?.0))?;
    Ok((city, source))
}

impl<'a> Post<'a> {
    /// Decodes a record of topic `tweet`. Borrows id and text from `json` unless they contain escapes.
    ///
    /// # Errors
    /// [`DecodeError`] if the record is not JSON, has a later version, or a field is missing or
    /// invalid.
    pub fn from_json(json: &'a [u8]) -> Result<Self, DecodeError> {
        let raw: RawPost<'a> = serde_json::from_slice(json)?;
        check_version(raw.v)?;
        let (city, source) = city_and_source(raw.city, raw.source)?;
        let id = required("id", raw.id)?.0;
        valid("id", check_id(&id))?;
        let text = required("text", raw.text)?.0;
        valid("text", check_text(&text))?;
        let language = raw
            .lang
            .map(|tag| valid("lang", Language::parse(&tag.0)))
            .transpose()?;
        Ok(Self {
            id,
            text,
            city,
            source,
            language,
            created_at: timestamp("created_at_ms", raw.created_at_ms)?,
            received_at: timestamp("received_at_ms", raw.received_at_ms)?,
        })
    }

    /// Encodes the record of topic `tweet`.
    ///
    /// # Errors
    /// Never for these types; the serializer's signature requires it.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&PostRecord {
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
    /// Decodes a record of topic `temperature`, as [`Self::decode`] does.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(json).map(|decoded| decoded.observation)
    }

    /// Decodes a record of topic `temperature`. A side value that is impossible or no number is
    /// left out and named.
    ///
    /// # Errors
    /// [`DecodeError`] if the record is not JSON, has a later version, or another field is missing
    /// or invalid.
    pub fn decode(json: &[u8]) -> Result<DecodedObservation, DecodeError> {
        let raw: RawObservation<'_> = serde_json::from_slice(json)?;
        check_version(raw.v)?;
        let (city, source) = city_and_source(raw.city, raw.source)?;
        let temperature = required("temperature_c", raw.temperature_c)?;
        let mut readings = valid("temperature_c", Readings::new(temperature))?;
        let mut omitted = Vec::new();
        for (variable, value) in [
            (Variable::Humidity, raw.humidity_pct),
            (Variable::Precipitation, raw.precipitation_mm_h),
            (Variable::Wind, raw.wind_m_s),
            (Variable::Cloud, raw.cloud_pct),
            (Variable::Pressure, raw.pressure_hpa),
        ] {
            let with_value = match value {
                None => continue,
                Some(SideValue::Number(value)) => readings.with(variable, Some(value)).ok(),
                Some(SideValue::Other(_)) => None,
            };
            match with_value {
                Some(with_value) => readings = with_value,
                None => omitted.push(variable),
            }
        }
        let observation = Self {
            city,
            source,
            observed_at: timestamp("observed_at_ms", raw.observed_at_ms)?,
            received_at: timestamp("received_at_ms", raw.received_at_ms)?,
            readings,
        };
        Ok(DecodedObservation {
            observation,
            omitted,
        })
    }

    /// Encodes the record of topic `temperature`.
    ///
    /// # Errors
    /// Never for these types; the serializer's signature requires it.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let value = |variable| self.readings.get(variable).map(crate::Quantity::value);
        serde_json::to_vec(&ObservationRecord {
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
