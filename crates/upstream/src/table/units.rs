//! Units of weather tables, and the conversions to ours.

use std::str::FromStr;

use super::error::{TableError, parse_name};

macro_rules! units {
    ($(#[$doc:meta])* $unit:ident, $what:literal { $($(#[$one_doc:meta])* $one:ident $name:literal $to:expr,)+ }) => {
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

            /// Converts a value of this unit to our unit.
            #[must_use]
            pub fn convert(self, value: f64) -> f64 {
                let to: fn(f64) -> f64 = match self { $(Self::$one => $to,)+ };
                to(value)
            }
        }

        impl FromStr for $unit {
            type Err = TableError;

            fn from_str(text: &str) -> Result<Self, TableError> {
                parse_name(Self::ALL, Self::name, text, $what)
            }
        }
    };
}

units! {
    /// A unit of temperature; ours is °C.
    TemperatureUnit, "unit of temperature" {
        /// Degrees Celsius.
        Celsius "c" |v| v,
        /// Degrees Fahrenheit.
        Fahrenheit "f" |v| (v - 32.0) * 5.0 / 9.0,
        /// Kelvin.
        Kelvin "k" |v| v - 273.15,
    }
}

units! {
    /// A unit of precipitation per hour; ours is mm/h.
    PrecipitationUnit, "unit of precipitation" {
        /// Millimetres per hour.
        Millimetres "mm" |v| v,
        /// Inches per hour.
        Inches "in" |v| v * 25.4,
    }
}

units! {
    /// A unit of wind speed; ours is m/s.
    WindUnit, "unit of wind speed" {
        /// Metres per second.
        MetresPerSecond "ms" |v| v,
        /// Statute miles per hour.
        MilesPerHour "mph" |v| v * 0.447_04,
        /// Kilometres per hour.
        KilometresPerHour "kmh" |v| v / 3.6,
        /// Knots: nautical miles per hour.
        Knots "kn" |v| v * 1852.0 / 3600.0,
    }
}

units! {
    /// A unit of air pressure; ours is hPa.
    PressureUnit, "unit of pressure" {
        /// Hectopascals, which are millibars.
        Hectopascals "hpa" |v| v,
        /// Inches of mercury at 0 °C.
        InchesOfMercury "inhg" |v| v * 33.863_886_67,
    }
}
