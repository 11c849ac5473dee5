//! Markers of missing values, of traces and of suspect values, in files and in responses.
//!
//! The default markers are those of pandas (`read_csv`), of the Iowa Environmental Mesonet's ASOS
//! downloads (`M`, `null`, `T`), and of NOAA's Integrated Surface Database, Global Summary of the
//! Day and Local Climatological Data (-9999, 999.9, 9999.9, 99.99 inches, `*`, a suffix `s`).
//!
//! Guarantee: a marker is never read as a value. A number is a default marker of a variable only if
//! it cannot be a true value of it in the stated unit: 999.9 is a pressure in hPa, and no
//! precipitation.

use moodvane_model::Variable;

use crate::format::excerpt;
use crate::omitted::OmitReason;
use crate::table::TableError;

/// Texts that mean a missing value, in lower case.
const MISSING_TEXTS: [&str; 24] = [
    "na",
    "n/a",
    "#n/a",
    "#n/a n/a",
    "#na",
    "<na>",
    "nan",
    "-nan",
    "1.#ind",
    "-1.#ind",
    "1.#qnan",
    "-1.#qnan",
    "null",
    "none",
    "nil",
    "m",
    "missing",
    "empty",
    "undefined",
    "*",
    "**",
    "***",
    "-",
    "--",
];
/// Texts that mean a trace of precipitation, in lower case.
const TRACE_TEXTS: [&str; 3] = ["t", "tr", "trace"];
/// The value of a trace in mm/h, whatever the unit of the column: above zero and below 0.1 mm/h,
/// the least that gauges measure.
const TRACE_MM_H: f64 = 0.05;
/// Numbers that mean a missing value of any variable.
const MISSING_NUMBERS: [f64; 6] = [-9999.9, -9999.0, -999.9, -999.0, 9999.0, 9999.9];
/// Numbers that mean a missing value, except of a pressure, whose true values they can be.
const MISSING_NUMBERS_BUT_PRESSURE: [f64; 4] = [999.0, 999.9, 99_999.0, 99_999.9];
/// Numbers that mean a missing value where negative values are impossible, or in °C, in which they
/// lie below every temperature ever measured.
const MISSING_NEGATIVES: [f64; 3] = [-99.0, -99.9, -99.99];
/// A missing precipitation in inches.
const MISSING_INCHES: f64 = 99.99;
const MAX_MARKERS: usize = 64;

/// The unit of a value, as far as markers depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerUnit {
    Celsius,
    Inches,
    Other,
}

/// What a field says, before it is converted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RawValue {
    /// A number in the field's unit.
    Number(f64),
    /// A value in our unit, whatever the field's.
    OurUnit(f64),
}

impl RawValue {
    /// The value in our unit.
    pub(crate) fn convert(self, convert: impl FnOnce(f64) -> f64) -> f64 {
        match self {
            Self::Number(value) => convert(value),
            Self::OurUnit(value) => value,
        }
    }
}

/// Which values of a table are markers of missing ones.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingMarkers {
    defaults: bool,
    own: Vec<Marker>,
}

#[derive(Debug, Clone, PartialEq)]
struct Marker {
    /// The variable that it applies to; `None` for all.
    variable: Option<Variable>,
    /// In lower case.
    text: String,
    number: Option<f64>,
}

impl Default for MissingMarkers {
    fn default() -> Self {
        let own = Vec::new();
        Self {
            defaults: true,
            own,
        }
    }
}

impl MissingMarkers {
    /// Markers from texts such as `-77` or, for one variable, `precipitation=-1`; with the default
    /// ones or without.
    ///
    /// # Errors
    /// [`TableError::Marker`] for an invalid marker, or too many.
    pub fn new(own: &[String], defaults: bool) -> Result<Self, TableError> {
        let own = own.iter().map(|text| Marker::parse(text));
        let own = own.collect::<Result<Vec<_>, _>>()?;
        if own.len() > MAX_MARKERS {
            let fault = format!("there are {}, at most {MAX_MARKERS} are allowed", own.len());
            return Err(TableError::Marker(fault));
        }
        Ok(Self { defaults, own })
    }

    /// What a text says: a number, a trace, or why there is no value.
    pub(crate) fn read_text(
        &self,
        variable: Variable,
        unit: MarkerUnit,
        text: &str,
    ) -> Result<RawValue, OmitReason> {
        let text = text.trim().to_lowercase();
        if text.is_empty() || self.is_own(variable, &text) {
            return Err(OmitReason::Missing);
        }
        if self.defaults && MISSING_TEXTS.contains(&text.as_str()) {
            return Err(OmitReason::Missing);
        }
        if variable == Variable::Precipitation && TRACE_TEXTS.contains(&text.as_str()) {
            return Ok(RawValue::OurUnit(TRACE_MM_H));
        }
        if let Ok(number) = text.parse::<f64>() {
            return self.read_number(variable, unit, number);
        }
        // Local Climatological Data marks suspect values by a suffix.
        let is_suspect = text
            .strip_suffix('s')
            .is_some_and(|number| number.parse::<f64>().is_ok_and(f64::is_finite));
        Err(match is_suspect {
            true => OmitReason::Quality,
            false => OmitReason::NotANumber,
        })
    }

    /// What a number says: itself, or that there is no value.
    pub(crate) fn read_number(
        &self,
        variable: Variable,
        unit: MarkerUnit,
        number: f64,
    ) -> Result<RawValue, OmitReason> {
        let is_own = |marker: &Marker| marker.number == Some(number) && marker.applies_to(variable);
        if number.is_nan()
            || self.own.iter().any(is_own)
            || (self.defaults && is_default(variable, unit, number))
        {
            return Err(OmitReason::Missing);
        }
        if number.is_infinite() {
            return Err(OmitReason::NotANumber);
        }
        Ok(RawValue::Number(number))
    }

    fn is_own(&self, variable: Variable, text: &str) -> bool {
        let is_it = |marker: &Marker| marker.text == text && marker.applies_to(variable);
        self.own.iter().any(is_it)
    }
}

impl Marker {
    fn parse(text: &str) -> Result<Self, TableError> {
        let named = |(name, value)| {
            let variable = Variable::ALL.iter().find(|one| one.name() == name);
            variable.map(|variable| (Some(*variable), value))
        };
        let (variable, value) = text
            .split_once('=')
            .map(|(name, value)| (name.trim(), value.trim()))
            .and_then(named)
            .unwrap_or((None, text.trim()));
        if value.is_empty() {
            let fault = format!(
                "\"{}\" must be a text such as -77, or for one variable precipitation=-1",
                excerpt(text)
            );
            return Err(TableError::Marker(fault));
        }
        Ok(Self {
            variable,
            text: value.to_lowercase(),
            number: value.parse().ok(),
        })
    }

    fn applies_to(&self, variable: Variable) -> bool {
        self.variable.is_none_or(|own| own == variable)
    }
}

fn is_default(variable: Variable, unit: MarkerUnit, number: f64) -> bool {
    let negatives_are_missing = variable != Variable::Temperature || unit == MarkerUnit::Celsius;
    MISSING_NUMBERS.contains(&number)
        || (variable != Variable::Pressure && MISSING_NUMBERS_BUT_PRESSURE.contains(&number))
        || (negatives_are_missing && MISSING_NEGATIVES.contains(&number))
        || (unit == MarkerUnit::Inches && number == MISSING_INCHES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Variable::{Precipitation, Pressure, Temperature, Wind};

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn tells_markers_from_values() {
        let standard = MissingMarkers::default();
        let (missing, number) = (Err(OmitReason::Missing), |n| Ok(RawValue::Number(n)));
        for (variable, unit, text, expected) in [
            (Temperature, MarkerUnit::Celsius, "21.5", number(21.5)),
            (Temperature, MarkerUnit::Celsius, " +7 ", number(7.0)),
            (Temperature, MarkerUnit::Celsius, "M", missing),
            (Temperature, MarkerUnit::Celsius, "NaN", missing),
            (Temperature, MarkerUnit::Celsius, "#N/A", missing),
            (Temperature, MarkerUnit::Celsius, "", missing),
            (Temperature, MarkerUnit::Celsius, "-9999.0", missing),
            (Temperature, MarkerUnit::Celsius, "+9999", missing),
            (Temperature, MarkerUnit::Celsius, "-99.9", missing),
            (Temperature, MarkerUnit::Other, "-99.9", number(-99.9)),
            (
                Temperature,
                MarkerUnit::Celsius,
                "T",
                Err(OmitReason::NotANumber),
            ),
            (
                Temperature,
                MarkerUnit::Celsius,
                "75s",
                Err(OmitReason::Quality),
            ),
            (
                Temperature,
                MarkerUnit::Celsius,
                "s",
                Err(OmitReason::NotANumber),
            ),
            (
                Temperature,
                MarkerUnit::Celsius,
                "inf",
                Err(OmitReason::NotANumber),
            ),
            (
                Precipitation,
                MarkerUnit::Other,
                "T",
                Ok(RawValue::OurUnit(0.05)),
            ),
            (
                Precipitation,
                MarkerUnit::Inches,
                "trace",
                Ok(RawValue::OurUnit(0.05)),
            ),
            (Precipitation, MarkerUnit::Other, "999.9", missing),
            (Precipitation, MarkerUnit::Inches, "99.99", missing),
            (Precipitation, MarkerUnit::Other, "99.99", number(99.99)),
            (Precipitation, MarkerUnit::Other, "-99.99", missing),
            (Pressure, MarkerUnit::Other, "999.9", number(999.9)),
            (Pressure, MarkerUnit::Other, "9999.9", missing),
            (Wind, MarkerUnit::Other, "999.9", missing),
            (Wind, MarkerUnit::Other, "calm", Err(OmitReason::NotANumber)),
        ] {
            let found = standard.read_text(variable, unit, text);
            assert_eq!(found, expected, "{variable} {text:?}");
        }
    }

    #[test]
    fn adds_own_markers_for_all_variables_or_one() {
        let own = ["-77", "precipitation=-1", "gone"].map(str::to_owned);
        let with_defaults = MissingMarkers::new(&own, true).unwrap();
        let alone = MissingMarkers::new(&own, false).unwrap();
        let read = |markers: &MissingMarkers, variable, text| {
            markers.read_text(variable, MarkerUnit::Celsius, text)
        };
        let missing = Err(OmitReason::Missing);
        for markers in [&with_defaults, &alone] {
            assert_eq!(read(markers, Wind, "-77.0"), missing);
            assert_eq!(read(markers, Wind, "Gone"), missing);
            assert_eq!(read(markers, Precipitation, "-1"), missing);
            assert_eq!(read(markers, Temperature, "-1"), Ok(RawValue::Number(-1.0)));
        }
        assert_eq!(read(&with_defaults, Wind, "NA"), missing);
        assert_eq!(read(&alone, Wind, "NA"), Err(OmitReason::NotANumber));
        assert_eq!(read(&alone, Wind, "-9999"), Ok(RawValue::Number(-9999.0)));
        assert_eq!(read(&alone, Wind, ""), missing, "a blank is always missing");
        assert!(MissingMarkers::new(&["wind=".to_owned()], true).is_err());
        let many = vec!["x".to_owned(); MAX_MARKERS + 1];
        assert!(MissingMarkers::new(&many, true).is_err());
    }
}
