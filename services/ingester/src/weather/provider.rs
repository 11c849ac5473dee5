//! Requests to a weather provider for one city.
//!
//! Guarantee: an error never contains the provider's key, whatever the response repeats. This
//! module does not know request rates, cursors or the log.

use moodvane_model::{City, ErrorChain, Readings, Timestamp};
use moodvane_upstream::nws::{self, StationId};
use moodvane_upstream::{
    UpstreamError, apixu, open_meteo, openweathermap, weatherbit, weatherstack,
};
use tracing::info;
use url::Url;

use super::DAY_MS;
use crate::config::{WeatherConfig, WeatherProvider};
use crate::error::SourceError;
use crate::http;
use crate::source_context::SourceContext;

/// Readings and the time of their observation.
pub(super) type TimedReadings = (Timestamp, Readings);

/// Past observations.
#[derive(Default)]
pub(super) struct History {
    pub(super) observed: Vec<TimedReadings>,
    /// The reason of each unusable value.
    pub(super) dropped: Vec<&'static str>,
}

/// A client of one provider for one city.
pub(super) struct ProviderClient<'a> {
    config: &'a WeatherConfig,
    city: &'a City,
    client: &'a reqwest::Client,
    context: &'a SourceContext,
    /// The city's nearest station, after the first request.
    station: Option<StationId>,
}

impl<'a> ProviderClient<'a> {
    pub(super) fn new(
        config: &'a WeatherConfig,
        city: &'a City,
        client: &'a reqwest::Client,
        context: &'a SourceContext,
    ) -> Self {
        Self {
            config,
            city,
            client,
            context,
            station: None,
        }
    }

    /// Fetches the current weather.
    pub(super) async fn fetch_current(&mut self) -> Result<TimedReadings, SourceError> {
        let (base, city) = (&self.config.base_url, self.city);
        match &self.config.provider {
            WeatherProvider::OpenMeteo => {
                let url = open_meteo::current_url(base, city);
                self.fetch(url, open_meteo::parse_current).await
            }
            WeatherProvider::OpenWeatherMap(key) => {
                let url = openweathermap::current_url(base, city, key.expose());
                self.fetch(url, openweathermap::parse_current).await
            }
            WeatherProvider::Weatherbit(key) => {
                let url = weatherbit::current_url(base, city, key.expose());
                self.fetch(url, weatherbit::parse_current).await
            }
            WeatherProvider::Apixu(key) => {
                let url = apixu::current_url(base, city, key.expose());
                self.fetch(url, apixu::parse_current).await
            }
            WeatherProvider::Weatherstack(key) => {
                let url = weatherstack::current_url(base, city, key.expose());
                self.fetch(url, weatherstack::parse_current).await
            }
            WeatherProvider::Nws { .. } => {
                let url = nws::latest_url(base, &self.nearest_station().await?);
                self.fetch(url, nws::parse_latest).await
            }
        }
    }

    /// Fetches the last `days` days; empty for a provider without a history.
    pub(super) async fn fetch_history(
        &mut self,
        days: u8,
        now: Timestamp,
    ) -> Result<History, SourceError> {
        let base = &self.config.base_url;
        match &self.config.provider {
            WeatherProvider::OpenMeteo => {
                let url = open_meteo::history_url(base, self.city, days);
                let parse = |body: &[u8]| open_meteo::parse_history(body, now);
                Ok(History {
                    observed: self.fetch(url, parse).await?,
                    dropped: Vec::new(),
                })
            }
            WeatherProvider::Nws { .. } => {
                let since = now.millis().saturating_sub(i64::from(days) * DAY_MS);
                let since = Timestamp::from_millis(since).unwrap_or(now);
                let url = nws::since_url(base, &self.nearest_station().await?, since);
                Ok(history(self.fetch(url, nws::parse_observations).await?))
            }
            _ => Ok(History::default()),
        }
    }

    async fn fetch<T>(
        &self,
        url: Url,
        parse: impl FnOnce(&[u8]) -> Result<T, UpstreamError>,
    ) -> Result<T, SourceError> {
        let get = http::get(self.client, url, self.context.now());
        let body = self.context.with_timeout(http::TIMEOUT, get).await?;
        parse(&body).map_err(|error| self.redact_key(error).into())
    }

    /// Hides the key: a response may repeat the request, and an error may quote the response.
    fn redact_key(&self, error: UpstreamError) -> UpstreamError {
        let key = self.config.provider.key();
        if key.is_some_and(|key| ErrorChain(&error).to_string().contains(key.expose())) {
            return UpstreamError::Provider("message contains the API key, redacted".to_owned());
        }
        error
    }

    /// The station nearest to the city, cached after the first request.
    async fn nearest_station(&mut self) -> Result<StationId, SourceError> {
        if let Some(station) = &self.station {
            return Ok(station.clone());
        }
        let (base, city) = (&self.config.base_url, self.city);
        let point = nws::point_url(base, city);
        let path = self.fetch(point, nws::parse_point).await?;
        let stations = nws::stations_url(base, &path);
        let parse = |body: &[u8]| nws::parse_stations(body, city);
        let (station, km) = self.fetch(stations, parse).await?;
        info!(source = %self.config.id, city = %city.id, %station, distance_km = km.round(), "nearest station found");
        self.station = Some(station.clone());
        Ok(station)
    }
}

fn history(parsed: Vec<Result<TimedReadings, UpstreamError>>) -> History {
    let mut history = History::default();
    for result in parsed {
        match result {
            Ok(readings) => history.observed.push(readings),
            Err(error) => history.dropped.push(error.reason()),
        }
    }
    history
}
