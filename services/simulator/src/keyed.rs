//! The weather of now in the shapes of the providers that want a key: OpenWeatherMap, Weatherbit,
//! Apixu and Weatherstack.
//!
//! Any key is good but [`EXPIRED`], which is refused as each provider refuses it. So is what the
//! simulator does not know: another place, or other units than metric ones.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::Offset;
use moodvane_model::{City, Timestamp};
use serde_json::{Value, json};

use crate::journal::Kind;
use crate::open_meteo::{Refused, must_be_near, rounded, surface_pressure, temperature};
use crate::state::Shared;
use crate::weather::Weather;

/// A key whose time is over.
const EXPIRED: &str = "expired";

type Pairs = HashMap<String, String>;

/// How one provider is asked, and answers.
#[derive(Clone, Copy)]
struct Api {
    path: &'static str,
    key: &'static str,
    place: Place,
    /// The parameter for units and the value for metric ones, where there is one.
    units: Option<(&'static str, &'static str)>,
    shape: fn(&City, Timestamp, Timestamp, &Weather) -> Value,
    refusal: fn(StatusCode, &str) -> Response,
}

#[derive(Clone, Copy)]
enum Place {
    /// Two parameters, `lat` and `lon`.
    Apart,
    /// One parameter, the numbers with a comma.
    Together(&'static str),
}

const APIS: [Api; 4] = [
    Api {
        path: "/data/2.5/weather",
        key: "appid",
        place: Place::Apart,
        units: Some(("units", "metric")),
        shape: openweathermap,
        refusal: |status, reason| {
            let body = json!({ "cod": status.as_u16(), "message": reason });
            (status, Json(body)).into_response()
        },
    },
    Api {
        path: "/v2.0/current",
        key: "key",
        place: Place::Apart,
        units: Some(("units", "M")),
        shape: weatherbit,
        refusal: |status, reason| (status, Json(json!({ "error": reason }))).into_response(),
    },
    Api {
        path: "/v1/current.json",
        key: "key",
        place: Place::Together("q"),
        units: None,
        shape: apixu,
        refusal: |status, reason| {
            let body = json!({ "error": { "code": 2006, "message": reason } });
            (status, Json(body)).into_response()
        },
    },
    Api {
        path: "/current",
        key: "access_key",
        place: Place::Together("query"),
        units: Some(("units", "m")),
        shape: weatherstack,
        // Status 200, whatever is wrong.
        refusal: |_, reason| {
            let error = json!({ "code": 101, "type": "refused", "info": reason });
            Json(json!({ "success": false, "error": error })).into_response()
        },
    },
];

/// Every provider's route.
pub(crate) fn routes() -> Router<Shared> {
    APIS.into_iter().fold(Router::new(), |router, api| {
        let answer = move |State(shared): State<Shared>, Query(pairs): Query<Pairs>| async move {
            api.answer(&shared, &pairs)
        };
        router.route(api.path, get(answer))
    })
}

/// The weather of now, remembered as served, and when it is of.
pub(crate) fn current(shared: &Shared) -> (Timestamp, Weather) {
    let at = shared.current_slot(shared.clock.now());
    let weather = shared.climate.at(at);
    shared.record_weather(Kind::Current, [(at, temperature(&weather))]);
    shared.counters.current();
    (at, weather)
}

impl Api {
    fn answer(&self, shared: &Shared, pairs: &Pairs) -> Response {
        let said = |name: &str| pairs.get(name).map_or("", String::as_str);
        if matches!(said(self.key), "" | EXPIRED) {
            return (self.refusal)(StatusCode::UNAUTHORIZED, "Invalid API key");
        }
        if let Some((name, metric)) = self.units
            && said(name) != metric
        {
            let reason = format!("the simulator gives {name}={metric} only");
            return (self.refusal)(StatusCode::BAD_REQUEST, &reason);
        }
        let place = self.place.read(pairs);
        if let Err(reason) = place.and_then(|place| must_be_near(shared, place)) {
            return (self.refusal)(StatusCode::BAD_REQUEST, &reason);
        }
        let (at, weather) = current(shared);
        let city = &shared.config.city;
        Json((self.shape)(city, shared.clock.now(), at, &weather)).into_response()
    }
}

impl Place {
    fn read(self, pairs: &Pairs) -> Result<(f64, f64), Refused> {
        let said = |name: &str| pairs.get(name).map(String::as_str);
        let texts = match self {
            Self::Apart => said("lat").zip(said("lon")),
            Self::Together(name) => said(name).and_then(|text| text.split_once(',')),
        };
        texts
            .and_then(|(lat, lon)| lat.parse().ok().zip(lon.parse().ok()))
            .ok_or_else(|| "a place must be given as latitude and longitude".to_owned())
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.millis() / 1000
}

fn precipitation(weather: &Weather) -> f64 {
    rounded(weather.precipitation_mm_h, 100.0)
}

fn km_h(weather: &Weather) -> f64 {
    rounded(weather.wind_m_s * 3.6, 10.0)
}

/// A whole share of a hundred.
pub(crate) fn percent(share: f64) -> i64 {
    share.round() as i64
}

fn openweathermap(city: &City, _: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    let (falls, celsius) = (precipitation(weather), temperature(weather));
    let (what, id) = match falls > 0.0 {
        false => ("", 800),
        true if celsius < 0.0 => ("snow", 600),
        true => ("rain", 500),
    };
    let mut answer = json!({
        "coord": { "lon": city.longitude, "lat": city.latitude },
        "weather": [{ "id": id }],
        "base": "stations",
        "main": {
            "temp": celsius,
            "humidity": percent(weather.humidity_pct),
            "pressure": rounded(weather.pressure_hpa, 10.0),
            "grnd_level": surface_pressure(weather),
        },
        "wind": { "speed": rounded(weather.wind_m_s, 10.0) },
        "clouds": { "all": percent(weather.cloud_pct) },
        "dt": seconds(at),
        "name": city.name,
        "cod": 200,
    });
    if !what.is_empty() {
        answer[what] = json!({ "1h": falls });
    }
    answer
}

fn weatherbit(city: &City, _: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    let observation = json!({
        "city_name": city.name,
        "lat": city.latitude,
        "lon": city.longitude,
        "ob_time": at.to_chrono().format("%Y-%m-%d %H:%M").to_string(),
        "ts": seconds(at),
        "temp": temperature(weather),
        "rh": percent(weather.humidity_pct),
        "precip": precipitation(weather),
        "wind_spd": rounded(weather.wind_m_s, 10.0),
        "clouds": percent(weather.cloud_pct),
        "pres": surface_pressure(weather),
        "slp": rounded(weather.pressure_hpa, 10.0),
    });
    json!({ "data": [observation], "count": 1 })
}

fn apixu(city: &City, now: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    json!({
        "location": {
            "name": city.name,
            "lat": city.latitude,
            "lon": city.longitude,
            "localtime_epoch": seconds(now),
        },
        "current": {
            "last_updated_epoch": seconds(at),
            "temp_c": temperature(weather),
            "humidity": percent(weather.humidity_pct),
            "precip_mm": precipitation(weather),
            "wind_kph": km_h(weather),
            "cloud": percent(weather.cloud_pct),
            "pressure_mb": rounded(weather.pressure_hpa, 10.0),
        },
    })
}

/// The real one gives whole degrees; the truth knows one value of a moment, in tenths.
fn weatherstack(city: &City, now: Timestamp, at: Timestamp, weather: &Weather) -> Value {
    let local = now.to_chrono().with_timezone(&city.zone);
    let offset_s = local.offset().fix().local_minus_utc();
    json!({
        "request": { "type": "LatLon", "language": "en", "unit": "m" },
        "location": {
            "name": city.name,
            "localtime": local.format("%Y-%m-%d %H:%M").to_string(),
            "localtime_epoch": seconds(now) + i64::from(offset_s),
            "utc_offset": format!("{:?}", f64::from(offset_s) / 3600.0),
        },
        "current": {
            "observation_time": at.to_chrono().format("%I:%M %p").to_string(),
            "temperature": temperature(weather),
            "humidity": percent(weather.humidity_pct),
            "precip": precipitation(weather),
            "wind_speed": km_h(weather),
            "cloudcover": percent(weather.cloud_pct),
            "pressure": rounded(weather.pressure_hpa, 10.0),
        },
    })
}
