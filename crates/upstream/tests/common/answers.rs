//! Valid responses of the weather providers.

use moodvane_model::City;
use moodvane_upstream::{apixu, openweathermap, weatherbit, weatherstack};
use serde_json::{Value, json};
use url::Url;

use super::Answer;

/// A provider with a key, and a valid response.
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    pub(crate) url: fn(&Url, &City, &str) -> Url,
    pub(crate) parse: fn(&[u8]) -> Answer,
    pub(crate) answer: fn() -> Value,
}

pub(crate) const KEYED: [Provider; 4] = [
    Provider {
        name: "openweathermap",
        url: openweathermap::current_url,
        parse: openweathermap::parse_current,
        answer: owm,
    },
    Provider {
        name: "weatherbit",
        url: weatherbit::current_url,
        parse: weatherbit::parse_current,
        answer: bit,
    },
    Provider {
        name: "apixu",
        url: apixu::current_url,
        parse: apixu::parse_current,
        answer: apixu_answer,
    },
    Provider {
        name: "weatherstack",
        url: weatherstack::current_url,
        parse: weatherstack::parse_current,
        answer: stack,
    },
];

pub(crate) fn owm() -> Value {
    json!({
        "weather": [{ "id": 801, "main": "Clouds" }],
        "main": { "temp": 21.5, "humidity": 64, "pressure": 1015, "sea_level": 1015, "grnd_level": 1012 },
        "wind": { "speed": 3.6, "deg": 200 },
        "clouds": { "all": 20 },
        "dt": 1_514_772_900, "timezone": -18000, "cod": 200
    })
}

pub(crate) fn bit() -> Value {
    json!({
        "data": [{
            "ob_time": "2018-01-01 02:15", "ts": 1_514_772_921.5, "temp": 21.5, "rh": 64,
            "precip": 0.25, "wind_spd": 3.6, "clouds": 20, "pres": 1012.0, "slp": 1015.0
        }],
        "count": 1
    })
}

pub(crate) fn apixu_answer() -> Value {
    json!({
        "location": { "localtime_epoch": 1_514_773_000 },
        "current": {
            "last_updated_epoch": 1_514_772_900, "temp_c": 21.5, "temp_f": 70.7, "humidity": 64,
            "precip_mm": 0.4, "wind_kph": 36.0, "cloud": 20, "pressure_mb": 1015.0
        }
    })
}

pub(crate) fn stack() -> Value {
    json!({
        "request": { "unit": "m" },
        "location": {
            "localtime": "2017-12-31 21:17", "localtime_epoch": 1_514_755_020, "utc_offset": "-5.0"
        },
        "current": {
            "observation_time": "02:15 AM", "temperature": 21, "humidity": 64, "precip": 0.4,
            "wind_speed": 36, "cloudcover": 20, "pressure": 1015
        }
    })
}

pub(crate) fn current() -> Value {
    json!({
        "latitude": 40.71, "longitude": -74.01, "generationtime_ms": 0.1,
        "utc_offset_seconds": 0, "timezone": "GMT", "timezone_abbreviation": "GMT",
        "elevation": 10.0,
        "current_units": {
            "time": "iso8601", "interval": "seconds", "temperature_2m": "°C",
            "relative_humidity_2m": "%", "precipitation": "mm", "wind_speed_10m": "m/s",
            "cloud_cover": "%", "surface_pressure": "hPa"
        },
        "current": {
            "time": "2018-01-01T02:15", "interval": 900, "temperature_2m": 7.5,
            "relative_humidity_2m": 81, "precipitation": 0.3, "wind_speed_10m": 3.25,
            "cloud_cover": 100, "surface_pressure": 1013.2
        }
    })
}

pub(crate) fn hourly() -> Value {
    json!({
        "utc_offset_seconds": 0,
        "hourly_units": {
            "time": "iso8601", "temperature_2m": "°C", "relative_humidity_2m": "%",
            "precipitation": "mm", "wind_speed_10m": "m/s", "cloud_cover": "%",
            "surface_pressure": "hPa"
        },
        "hourly": {
            "time": ["2018-01-01T00:00", "2018-01-01T01:00", "2018-01-01T02:00"],
            "temperature_2m": [1.0, null, 3.0],
            "relative_humidity_2m": [50, 60, null],
            "precipitation": [0.0, 0.1, 1.5],
            "wind_speed_10m": [1.0, 2.0, 3.0],
            "cloud_cover": [0, 10, 20],
            "surface_pressure": [1000.0, 1001.0, 1002.0]
        }
    })
}
