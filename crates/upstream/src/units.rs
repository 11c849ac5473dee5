//! Units of weather values, and the conversions to ours.
//!
//! Each unit has a name, which configurations use, and the spellings that providers and exports
//! use. Comparison ignores case.

use std::str::FromStr;

use moodvane_model::Variable;

use crate::table::TableError;
use crate::table::unknown_name;

/// Converts a value of a unit to our unit.
pub(crate) type Convert = fn(f64) -> f64;

/// Prefixes of the unit codes of the National Weather Service, which it has renamed over time.
const CODE_PREFIXES: [&str; 3] = ["wmounit:", "unit:", "nwsunit:"];

macro_rules! units {
    ($(#[$doc:meta])* $unit:ident, $what:literal {
        $($(#[$one_doc:meta])* $one:ident $name:literal [$($spelling:literal),*] $to:expr,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $unit { $($(#[$one_doc])* $one,)+ }

        impl $unit {
            /// All units.
            pub const ALL: &'static [Self] = &[$(Self::$one,)+];

            /// The unit's name in the configuration.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$one => $name,)+ }
            }

            /// Other spellings of the unit, in lower case.
            fn spellings(self) -> &'static [&'static str] {
                match self { $(Self::$one => &[$($spelling),*],)+ }
            }

            /// The unit that `text` names, in any known spelling.
            fn from_spelling(text: &str) -> Option<Self> {
                let text = text.trim().to_lowercase();
                let is_named = |unit: &Self| {
                    unit.name() == text || unit.spellings().contains(&text.as_str())
                };
                Self::ALL.iter().copied().find(is_named)
            }

            fn converter(self) -> Convert {
                match self { $(Self::$one => $to,)+ }
            }

            /// Converts a value of this unit to our unit.
            #[must_use]
            pub fn convert(self, value: f64) -> f64 {
                self.converter()(value)
            }
        }

        impl FromStr for $unit {
            type Err = TableError;

            fn from_str(text: &str) -> Result<Self, TableError> {
                Self::from_spelling(text)
                    .ok_or_else(|| unknown_name($what, text, Self::ALL.iter().map(|unit| unit.name())))
            }
        }
    };
}

units! {
    /// A unit of temperature; ours is °C.
    TemperatureUnit, "unit of temperature" {
        /// Degrees Celsius.
        Celsius "c" ["°c", "degc", "celsius"] |v| v,
        /// Degrees Fahrenheit.
        Fahrenheit "f" ["°f", "degf", "fahrenheit"] |v| (v - 32.0) * 5.0 / 9.0,
        /// Kelvin.
        Kelvin "k" ["kelvin"] |v| v - 273.15,
    }
}

units! {
    /// A unit of precipitation per hour; ours is mm/h.
    PrecipitationUnit, "unit of precipitation" {
        /// Millimetres per hour.
        Millimetres "mm" ["mm/h"] |v| v,
        /// Inches per hour.
        Inches "in" ["inch", "inches", "in/h"] |v| v * 25.4,
        /// Metres per hour.
        Metres "m" [] |v| v * 1000.0,
    }
}

units! {
    /// A unit of wind speed; ours is m/s.
    WindUnit, "unit of wind speed" {
        /// Metres per second.
        MetresPerSecond "ms" ["m/s", "m_s-1", "mps"] |v| v,
        /// Statute miles per hour.
        MilesPerHour "mph" ["mp/h", "mi/h", "mi_h-1"] |v| v * 0.447_04,
        /// Kilometres per hour.
        KilometresPerHour "kmh" ["km/h", "km_h-1", "kph"] |v| v / 3.6,
        /// Knots: nautical miles per hour.
        Knots "kn" ["kt", "kts", "knot", "knots"] |v| v * 1852.0 / 3600.0,
    }
}

units! {
    /// A unit of air pressure; ours is hPa.
    PressureUnit, "unit of pressure" {
        /// Hectopascals, which are millibars.
        Hectopascals "hpa" ["mb", "mbar", "millibar"] |v| v,
        /// Inches of mercury at 0 °C.
        InchesOfMercury "inhg" ["in_hg"] |v| v * 33.863_886_67,
        /// Pascals.
        Pascals "pa" [] |v| v / 100.0,
        /// Kilopascals.
        Kilopascals "kpa" [] |v| v * 10.0,
    }
}

/// The conversion from a unit that a response states; `None` if the unit is unknown.
pub(crate) fn conversion(variable: Variable, stated: &str) -> Option<Convert> {
    let stated = stated.trim().to_lowercase();
    let code = CODE_PREFIXES
        .iter()
        .find_map(|prefix| stated.strip_prefix(prefix))
        .unwrap_or(&stated);
    match variable {
        Variable::Temperature => Some(TemperatureUnit::from_spelling(code)?.converter()),
        Variable::Precipitation => Some(PrecipitationUnit::from_spelling(code)?.converter()),
        Variable::Wind => Some(WindUnit::from_spelling(code)?.converter()),
        Variable::Pressure => Some(PressureUnit::from_spelling(code)?.converter()),
        Variable::Humidity | Variable::Cloud => {
            let is_percent = matches!(code, "%" | "percent");
            is_percent.then_some(|value| value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_from_every_spelling_of_a_stated_unit() {
        use Variable::{Humidity, Precipitation, Pressure, Temperature, Wind};
        for (variable, unit, value, expected) in [
            (Temperature, "°F", 50.0, Some(10.0)),
            (Temperature, "wmoUnit:degC", 10.0, Some(10.0)),
            (Temperature, "K", 283.15, Some(10.0)),
            (Temperature, "undefined", 10.0, None),
            (Wind, "kn", 36.0, Some(18.52)),
            (Wind, "kt", 36.0, Some(18.52)),
            (Wind, "mp/h", 10.0, Some(4.4704)),
            (Wind, "mph", 10.0, Some(4.4704)),
            (Wind, "km/h", 36.0, Some(10.0)),
            (Wind, "unit:km_h-1", 36.0, Some(10.0)),
            (Wind, "furlong", 36.0, None),
            (Precipitation, "inch", 1.0, Some(25.4)),
            (Precipitation, "wmoUnit:m", 0.0122, Some(12.2)),
            (Pressure, "inHg", 29.92, Some(1_013.207_489)),
            (Pressure, "Pa", 101_325.0, Some(1013.25)),
            (Humidity, "%", 81.0, Some(81.0)),
            (Humidity, "fraction", 0.81, None),
        ] {
            let found = conversion(variable, unit).map(|convert| convert(value));
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    assert!((found - expected).abs() < 1e-6, "{unit}: {found}");
                }
                _ => assert_eq!(found, expected, "{unit}"),
            }
        }
    }
}
