//! Side values that an observation is recorded without.
//!
//! Terms: the temperature is the value that an observation must have; the others are *side values*.
//! A side value is *missing* where the source says so: by null, a blank or a marker such as `M`.
//!
//! Guarantee: a side value never costs the observation. A value that is missing, no number,
//! impossible, in an unknown unit or flagged by the source's quality control is left out, with its
//! reason.
//!
//! Must not know: providers, files, metrics.

use std::fmt;

use moodvane_model::{ModelError, Readings, Timestamp, Variable};

/// Relative humidity up to this, in %, counts as 100 %. Sensors of relative humidity are accurate
/// to some 5 percentage points near saturation, and drift by as much; a higher value is a fault.
const MAX_HUMIDITY_READING: f64 = 110.0;
/// Cloud cover up to this, in %, counts as 100 %: rounding, since cover is not measured beyond 100
/// %.
const MAX_CLOUD_READING: f64 = 101.0;

/// Why a side value was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OmitReason {
    /// The source says that there is no value: null, a blank, or a marker such as `M` or -9999.
    Missing,
    /// Not a number.
    NotANumber,
    /// Outside the physical limits of the variable.
    Impossible,
    /// The unit is not stated or not known.
    Unit,
    /// The source's quality control rejects or questions the value.
    Quality,
}

impl OmitReason {
    /// A short name from a bounded set, for a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotANumber => "not_a_number",
            Self::Impossible => "impossible_value",
            Self::Unit => "unit",
            Self::Quality => "quality",
        }
    }
}

impl fmt::Display for OmitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the source reports no value",
            Self::NotANumber => "not a number",
            Self::Impossible => "outside the limits of the variable",
            Self::Unit => "the unit is unknown",
            Self::Quality => "the source's quality control flags the value",
        })
    }
}

/// A side value that an observation is recorded without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OmittedValue {
    /// The variable.
    pub variable: Variable,
    /// Path of the field in the response, or name of the column.
    pub field: String,
    /// An excerpt of the value as the source wrote it.
    pub value: String,
    /// Why it was left out.
    pub reason: OmitReason,
}

/// One parsed observation of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedWeather {
    /// When the source measured the values.
    pub observed_at: Timestamp,
    /// The values.
    pub readings: Readings,
    /// The side values that were left out.
    pub omitted: Vec<OmittedValue>,
}

/// Readings that begin with a temperature, and the side values that were left out.
#[derive(Debug)]
pub(crate) struct WeatherBuilder {
    readings: Readings,
    omitted: Vec<OmittedValue>,
}

impl WeatherBuilder {
    /// Readings with the temperature alone, in °C.
    pub(crate) fn new(celsius: f64) -> Result<Self, ModelError> {
        let omitted = Vec::new();
        let readings = Readings::new(celsius)?;
        Ok(Self { readings, omitted })
    }

    /// Adds a value in our unit, or leaves it out. `field` and `text` are the source's name and
    /// form of the value.
    pub(crate) fn add(
        &mut self,
        variable: Variable,
        value: Result<f64, OmitReason>,
        field: impl Into<String>,
        text: impl fmt::Display,
    ) {
        let reason = match value {
            Ok(value) => match self
                .readings
                .with(variable, Some(saturated(variable, value)))
            {
                Ok(readings) => {
                    self.readings = readings;
                    return;
                }
                Err(_) => OmitReason::Impossible,
            },
            Err(reason) => reason,
        };
        self.omitted.push(OmittedValue {
            variable,
            field: field.into(),
            value: crate::format::excerpt(&text.to_string()),
            reason,
        });
    }

    pub(crate) fn finish(self) -> (Readings, Vec<OmittedValue>) {
        (self.readings, self.omitted)
    }

    pub(crate) fn observed_at(self, observed_at: Timestamp) -> ParsedWeather {
        let (readings, omitted) = self.finish();
        ParsedWeather {
            observed_at,
            readings,
            omitted,
        }
    }
}

/// The value, or 100 % if it is slightly above.
fn saturated(variable: Variable, value: f64) -> f64 {
    let limit = match variable {
        Variable::Humidity => MAX_HUMIDITY_READING,
        Variable::Cloud => MAX_CLOUD_READING,
        _ => return value,
    };
    if value <= limit {
        value.min(100.0)
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::Quantity;

    #[test]
    fn counts_slight_excess_of_percentages_as_saturation() {
        for (variable, value, expected) in [
            (Variable::Humidity, 100.0, Some(100.0)),
            (Variable::Humidity, 103.0, Some(100.0)),
            (Variable::Humidity, 110.0, Some(100.0)),
            (Variable::Humidity, 110.1, None),
            (Variable::Humidity, -1.0, None),
            (Variable::Cloud, 100.5, Some(100.0)),
            (Variable::Cloud, 103.0, None),
            (Variable::Wind, 103.0, Some(103.0)),
            (Variable::Pressure, 0.0, None),
            (Variable::Pressure, f64::NAN, None),
        ] {
            let mut builder = WeatherBuilder::new(1.0).unwrap();
            builder.add(variable, Ok(value), "field", value);
            let (readings, omitted) = builder.finish();
            let found = readings.get(variable).map(Quantity::value);
            assert_eq!(found, expected, "{variable} {value}");
            assert_eq!(omitted.len(), usize::from(expected.is_none()));
            let reasons = omitted.iter().map(|omitted| omitted.reason);
            assert!(reasons.eq(expected.is_none().then_some(OmitReason::Impossible)));
        }
    }
}
