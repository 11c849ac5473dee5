//! Weather variables and their fixed-point values.

use std::fmt;

use crate::ModelError;

/// A weather variable. Each has one unit in the whole system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// Air temperature, °C.
    Temperature,
    /// Relative humidity, %.
    Humidity,
    /// Precipitation, mm/h.
    Precipitation,
    /// Wind speed, m/s.
    Wind,
    /// Cloud cover, %.
    Cloud,
    /// Air pressure, hPa.
    Pressure,
}

struct Properties {
    name: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
}

impl Variable {
    /// All variables, in the order of [`crate::WeatherSums`].
    pub const ALL: [Self; 6] = [
        Self::Temperature,
        Self::Humidity,
        Self::Precipitation,
        Self::Wind,
        Self::Cloud,
        Self::Pressure,
    ];

    /// The limits are slightly wider than the records of the World Meteorological Organization
    /// (temperature -89.2 to 56.7 °C, gust 113.2 m/s, pressure 870 to 1083.8 hPa at sea level). The
    /// lower limit of the pressure is lower, since a mountain station may report station pressure.
    const fn properties(self) -> Properties {
        match self {
            Self::Temperature => Properties {
                name: "temperature",
                unit: "°C",
                min: -90.0,
                max: 70.0,
            },
            Self::Humidity => Properties {
                name: "humidity",
                unit: "%",
                min: 0.0,
                max: 100.0,
            },
            Self::Precipitation => Properties {
                name: "precipitation",
                unit: "mm/h",
                min: 0.0,
                max: 2000.0,
            },
            Self::Wind => Properties {
                name: "wind",
                unit: "m/s",
                min: 0.0,
                max: 150.0,
            },
            Self::Cloud => Properties {
                name: "cloud",
                unit: "%",
                min: 0.0,
                max: 100.0,
            },
            Self::Pressure => Properties {
                name: "pressure",
                unit: "hPa",
                min: 300.0,
                max: 1100.0,
            },
        }
    }

    /// The variable's name, for example `temperature`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.properties().name
    }

    /// The variable's unit, for example `°C`.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        self.properties().unit
    }

    /// The index in [`Variable::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value of a weather variable, stored in millionths of its unit so that sums are exact.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quantity(i64);

impl Quantity {
    /// `value` in the unit of `variable`, rounded to six decimals.
    ///
    /// # Errors
    /// [`ModelError::Quantity`] if the value is not finite or outside the variable's physical limits.
    pub fn new(variable: Variable, value: f64) -> Result<Self, ModelError> {
        let Properties {
            name,
            unit,
            min,
            max,
        } = variable.properties();
        if !(min..=max).contains(&value) {
            return Err(ModelError::Quantity {
                variable: name,
                value,
                min,
                max,
                unit,
            });
        }
        Ok(Self((value * 1e6).round() as i64))
    }

    /// The value in its unit.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The value in millionths of its unit.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}
