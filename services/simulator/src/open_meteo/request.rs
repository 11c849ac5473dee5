//! Parameters of `GET /v1/forecast`.

use moodvane_world::Weather;
use serde_json::{Value, json};

use super::{RejectReason, rounded, surface_pressure, temperature};

const MAX_PAST_DAYS: u32 = 92;
const MAX_FORECAST_DAYS: u32 = 16;
const MAX_LOCATIONS: usize = 1_000;
/// Parameters without effect on the response.
const IGNORED: [&str; 4] = ["elevation", "models", "cell_selection", "apikey"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RequestedVariable {
    Temperature,
    Humidity,
    Precipitation,
    Wind,
    Cloud,
    PressureAtSea,
    PressureAtSurface,
}

impl RequestedVariable {
    const ALL: [(&'static str, Self); 7] = [
        ("temperature_2m", Self::Temperature),
        ("relative_humidity_2m", Self::Humidity),
        ("precipitation", Self::Precipitation),
        ("wind_speed_10m", Self::Wind),
        ("cloud_cover", Self::Cloud),
        ("pressure_msl", Self::PressureAtSea),
        ("surface_pressure", Self::PressureAtSurface),
    ];

    fn parse(name: &str) -> Result<(&'static str, Self), RejectReason> {
        let found = Self::ALL
            .into_iter()
            .find(|(candidate, _)| *candidate == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            format!("Cannot initialize a weather variable from invalid String value {name}; it must be one of {names}")
        })
    }

    pub(super) fn unit(self, request: &Request) -> &'static str {
        match self {
            Self::Temperature => "°C",
            Self::Humidity | Self::Cloud => "%",
            Self::Precipitation => "mm",
            Self::Wind => request.wind.name(),
            Self::PressureAtSea | Self::PressureAtSurface => "hPa",
        }
    }

    /// The value in the response. `hours` is the accumulation time of precipitation.
    pub(super) fn value(self, weather: &Weather, hours: f64, request: &Request) -> Value {
        match self {
            Self::Temperature => json!(temperature(weather)),
            Self::Humidity => json!(weather.humidity_pct.round() as i64),
            // Hundredths of a mm/h, so that light rain in a short interval is not rounded away.
            Self::Precipitation => {
                json!(rounded(weather.precipitation_mm_h * hours, 100.0 / hours))
            }
            Self::Wind => json!(rounded(weather.wind_m_s * request.wind.per_m_s(), 10.0)),
            Self::Cloud => json!(weather.cloud_pct.round() as i64),
            Self::PressureAtSea => json!(rounded(weather.pressure_hpa, 10.0)),
            Self::PressureAtSurface => json!(surface_pressure(weather)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WindUnit {
    KilometresPerHour,
    MetresPerSecond,
}

impl WindUnit {
    fn name(self) -> &'static str {
        match self {
            Self::KilometresPerHour => "km/h",
            Self::MetresPerSecond => "m/s",
        }
    }

    fn per_m_s(self) -> f64 {
        match self {
            Self::KilometresPerHour => 3.6,
            Self::MetresPerSecond => 1.0,
        }
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Request {
    /// Latitude and longitude of each location, in degrees; at least one.
    pub(super) places: Vec<(f64, f64)>,
    pub(super) current: Vec<(&'static str, RequestedVariable)>,
    pub(super) hourly: Vec<(&'static str, RequestedVariable)>,
    pub(super) past_days: u32,
    pub(super) forecast_days: u32,
    pub(super) wind: WindUnit,
}

impl Request {
    pub(super) fn parse(pairs: &[(String, String)]) -> Result<Self, RejectReason> {
        let (mut latitude, mut longitude) = (None, None);
        let mut request = Self {
            places: Vec::new(),
            current: Vec::new(),
            hourly: Vec::new(),
            past_days: 0,
            forecast_days: 7,
            wind: WindUnit::KilometresPerHour,
        };
        for (name, value) in pairs {
            match name.as_str() {
                "latitude" => latitude = Some(all_degrees(name, value, 90.0)?),
                "longitude" => longitude = Some(all_degrees(name, value, 180.0)?),
                "current" => add_variables(&mut request.current, value)?,
                "hourly" => add_variables(&mut request.hourly, value)?,
                "past_days" => request.past_days = days(name, value, MAX_PAST_DAYS)?,
                "forecast_days" => request.forecast_days = days(name, value, MAX_FORECAST_DAYS)?,
                "wind_speed_unit" => request.wind = wind_unit(value)?,
                "temperature_unit" => require_one_of(name, value, &["celsius"])?,
                "precipitation_unit" => require_one_of(name, value, &["mm"])?,
                "timeformat" => require_one_of(name, value, &["iso8601"])?,
                "timezone" => require_one_of(name, value, &["UTC", "GMT"])?,
                ignored if IGNORED.contains(&ignored) => {}
                _ => {
                    return Err(format!(
                        "The simulator does not support the parameter '{name}'"
                    ));
                }
            }
        }
        let latitude = latitude.ok_or("Parameter 'latitude' is required")?;
        let longitude = longitude.ok_or("Parameter 'longitude' is required")?;
        if latitude.len() != longitude.len() {
            return Err(
                "Parameter 'latitude' and 'longitude' must have the same number of elements".into(),
            );
        }
        request.places = latitude.into_iter().zip(longitude).collect();
        Ok(request)
    }
}

/// The degrees of each location, separated by commas.
fn all_degrees(name: &str, values: &str, limit: f64) -> Result<Vec<f64>, RejectReason> {
    let all: Vec<&str> = values.split(',').collect();
    if all.len() > MAX_LOCATIONS {
        return Err(format!("Only up to {MAX_LOCATIONS} locations are allowed"));
    }
    all.into_iter()
        .map(|value| degrees(name, value, limit))
        .collect()
}

fn degrees(name: &str, value: &str, limit: f64) -> Result<f64, RejectReason> {
    value
        .parse()
        .ok()
        .filter(|degrees: &f64| degrees.abs() <= limit)
        .ok_or_else(|| {
            format!("Parameter '{name}' must be in range of -{limit} to {limit}°. Given: {value}.")
        })
}

fn days(name: &str, value: &str, limit: u32) -> Result<u32, RejectReason> {
    value
        .parse()
        .ok()
        .filter(|days| *days <= limit)
        .ok_or_else(|| {
            format!("Parameter '{name}' is out of allowed range from 0 to {limit}. Given: {value}.")
        })
}

fn wind_unit(value: &str) -> Result<WindUnit, RejectReason> {
    require_one_of("wind_speed_unit", value, &["kmh", "ms"])?;
    Ok(if value == "ms" {
        WindUnit::MetresPerSecond
    } else {
        WindUnit::KilometresPerHour
    })
}

fn require_one_of(name: &str, value: &str, allowed: &[&str]) -> Result<(), RejectReason> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let allowed = allowed.join(" or ");
    Err(format!(
        "Parameter '{name}' must be {allowed}. Given: {value}."
    ))
}

fn add_variables(
    all: &mut Vec<(&'static str, RequestedVariable)>,
    names: &str,
) -> Result<(), RejectReason> {
    for name in names.split(',').filter(|name| !name.is_empty()) {
        let variable = RequestedVariable::parse(name)?;
        if !all.contains(&variable) {
            all.push(variable);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    #[test]
    fn rejects_invalid_parameters_with_reason() {
        let place = "latitude=40.7&longitude=-74";
        for (query, part) in [
            ("longitude=-74", "latitude"),
            ("latitude=40.7", "longitude"),
            ("latitude=91&longitude=0", "latitude"),
            ("latitude=NaN&longitude=0", "latitude"),
            ("latitude=40.7,41&longitude=0", "same number"),
            ("latitude=40.7,x&longitude=0,1", "latitude"),
            ("latitude=40.7,&longitude=0,1", "latitude"),
            (&format!("{place}&current=warmth"), "warmth"),
            (&format!("{place}&past_days=93"), "past_days"),
            (&format!("{place}&past_days=-1"), "past_days"),
            (&format!("{place}&forecast_days=17"), "forecast_days"),
            (&format!("{place}&temperature_unit=fahrenheit"), "celsius"),
            (&format!("{place}&wind_speed_unit=knots"), "kmh or ms"),
            (&format!("{place}&precipitation_unit=inch"), "mm"),
            (&format!("{place}&timeformat=unixtime"), "iso8601"),
            (&format!("{place}&timezone=Europe/Berlin"), "UTC or GMT"),
            (&format!("{place}&past_day=1"), "past_day"),
        ] {
            let reason = Request::parse(&pairs(query)).unwrap_err();
            assert!(reason.contains(part), "{query}: {reason}");
        }
    }

    #[test]
    fn serves_repeated_variable_once() {
        let query = "latitude=1&longitude=2&current=temperature_2m,temperature_2m&current=cloud_cover,temperature_2m";
        let request = Request::parse(&pairs(query)).unwrap();
        let names: Vec<_> = request.current.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["temperature_2m", "cloud_cover"]);
    }
}
