//! Requests to a weather provider for one city.
//!
//! Guarantee: an error never contains the provider's key, whatever the response repeats. This
//! module does not know request rates, cursors or the log.

use moodvane_model::{City, ErrorChain, Timestamp};
use moodvane_upstream::{
    ParsedWeather, UpstreamError, apixu, nws, open_meteo, openweathermap, weatherbit, weatherstack,
};
use url::Url;

use super::DAY_MS;
use super::stations::Stations;
use crate::config::{WeatherConfig, WeatherProvider};
use crate::error::SourceError;
use crate::http;
use crate::source_context::SourceContext;

/// The observations of a response.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) weather: Vec<ParsedWeather>,
    /// The reason of each unusable observation.
    pub(super) unusable: Vec<&'static str>,
}

impl Response {
    pub(super) fn of_one(weather: ParsedWeather) -> Self {
        Self {
            weather: vec![weather],
            unusable: Vec::new(),
        }
    }

    pub(super) fn from_results(parsed: Vec<Result<ParsedWeather, UpstreamError>>) -> Self {
        let mut response = Self::default();
        for result in parsed {
            match result {
                Ok(weather) => response.weather.push(weather),
                Err(error) => response.unusable.push(error.reason()),
            }
        }
        response
    }

    /// The time of the latest observation.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.weather.iter().map(|one| one.observed_at).max()
    }
}

/// A client of one provider for one city.
pub(super) struct ProviderClient<'a> {
    pub(super) config: &'a WeatherConfig,
    pub(super) city: &'a City,
    client: &'a reqwest::Client,
    pub(super) context: &'a SourceContext,
    /// The stations around the city, after the first request to a service that has stations.
    pub(super) stations: Option<Stations>,
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
            stations: None,
        }
    }

    /// Fetches the current weather. `last` is the time of the latest observation that is published.
    pub(super) async fn fetch_current(
        &mut self,
        last: Option<Timestamp>,
    ) -> Result<Response, SourceError> {
        let (base, city) = (&self.config.base_url, self.city);
        let fetched = match &self.config.provider {
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
            WeatherProvider::Nws { .. } => return self.fetch_from_stations(last).await,
        };
        fetched.map(Response::of_one)
    }

    /// Fetches the last `days` days; empty for a provider without a history.
    pub(super) async fn fetch_history(
        &mut self,
        days: u8,
        now: Timestamp,
    ) -> Result<Response, SourceError> {
        let base = &self.config.base_url;
        match &self.config.provider {
            WeatherProvider::OpenMeteo => {
                let url = open_meteo::history_url(base, self.city, days);
                let parse = |body: &[u8]| open_meteo::parse_history(body, now);
                Ok(Response {
                    weather: self.fetch(url, parse).await?,
                    unusable: Vec::new(),
                })
            }
            WeatherProvider::Nws { .. } => {
                let since = now.millis().saturating_sub(i64::from(days) * DAY_MS);
                let since = Timestamp::from_millis(since).unwrap_or(now);
                let url = nws::since_url(base, &self.chosen_station().await?, since);
                let parsed = self.fetch(url, nws::parse_observations).await?;
                Ok(Response::from_results(parsed))
            }
            _ => Ok(Response::default()),
        }
    }

    pub(super) async fn fetch<T>(
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
}
