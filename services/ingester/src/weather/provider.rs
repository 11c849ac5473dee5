//! What a provider of weather is asked for a city, and what it answers.
//!
//! Guarantee: an error never holds the provider's key, whatever the answer repeats. This module knows
//! nothing of how often a provider may be asked, of cursors or of the log.

use moodvane_model::{City, Readings, Timestamp};
use moodvane_upstream::nws::{self, StationId};
use moodvane_upstream::{
    UpstreamError, apixu, open_meteo, openweathermap, weatherbit, weatherstack,
};
use tracing::info;
use url::Url;

use crate::config::{WeatherConfig, WeatherProvider};
use crate::error::SourceError;
use crate::http;
use crate::source_context::SourceContext;

const DAY_MS: i64 = 86_400_000;

/// An observation: when it was made, and what it says.
pub(super) type Observed = (Timestamp, Readings);

/// What was observed before now.
#[derive(Default)]
pub(super) struct Past {
    pub(super) observed: Vec<Observed>,
    /// Why others are of no use, one reason for each.
    pub(super) dropped: Vec<&'static str>,
}

/// One provider, asked for one city.
pub(super) struct Provider<'a> {
    pub(super) config: &'a WeatherConfig,
    pub(super) city: &'a City,
    pub(super) client: &'a reqwest::Client,
    pub(super) context: &'a SourceContext,
    /// The city's nearest station, once it was found.
    pub(super) station: Option<StationId>,
}

impl Provider<'_> {
    /// The weather of now.
    pub(super) async fn current(&mut self) -> Result<Observed, SourceError> {
        let (base, city) = (&self.config.base_url, self.city);
        match &self.config.provider {
            WeatherProvider::OpenMeteo => {
                self.ask(
                    open_meteo::current_url(base, city),
                    open_meteo::parse_current,
                )
                .await
            }
            WeatherProvider::OpenWeatherMap(key) => {
                let url = openweathermap::current_url(base, city, key.expose());
                self.ask(url, openweathermap::parse_current).await
            }
            WeatherProvider::Weatherbit(key) => {
                let url = weatherbit::current_url(base, city, key.expose());
                self.ask(url, weatherbit::parse_current).await
            }
            WeatherProvider::Apixu(key) => {
                let url = apixu::current_url(base, city, key.expose());
                self.ask(url, apixu::parse_current).await
            }
            WeatherProvider::Weatherstack(key) => {
                let url = weatherstack::current_url(base, city, key.expose());
                self.ask(url, weatherstack::parse_current).await
            }
            WeatherProvider::Nws { .. } => {
                let url = nws::latest_url(base, &self.nearest().await?);
                self.ask(url, nws::parse_latest).await
            }
        }
    }

    /// What was observed in the last `days` days, for a provider that keeps it.
    pub(super) async fn past(&mut self, days: u8, now: Timestamp) -> Result<Past, SourceError> {
        let base = &self.config.base_url;
        match &self.config.provider {
            WeatherProvider::OpenMeteo => {
                let url = open_meteo::history_url(base, self.city, days);
                let observed = self
                    .ask(url, |body| open_meteo::parse_history(body, now))
                    .await?;
                Ok(Past {
                    observed,
                    dropped: Vec::new(),
                })
            }
            WeatherProvider::Nws { .. } => {
                let since = now.millis().saturating_sub(i64::from(days) * DAY_MS);
                let since = Timestamp::from_millis(since).unwrap_or(now);
                let url = nws::since_url(base, &self.nearest().await?, since);
                Ok(sorted_out(self.ask(url, nws::parse_observations).await?))
            }
            _ => Ok(Past::default()),
        }
    }

    async fn ask<T>(
        &self,
        url: Url,
        parse: impl FnOnce(&[u8]) -> Result<T, UpstreamError>,
    ) -> Result<T, SourceError> {
        let asked = http::get(self.client, url, self.context.now());
        let body = self.context.with_timeout(http::TIMEOUT, asked).await?;
        parse(&body).map_err(|error| self.without_key(error).into())
    }

    /// An answer may repeat what it was asked, and an error may quote it.
    fn without_key(&self, error: UpstreamError) -> UpstreamError {
        let key = self.config.provider.key();
        if key.is_some_and(|key| error.to_string().contains(key.expose())) {
            return UpstreamError::Provider("in words that hold the key".to_owned());
        }
        error
    }

    /// The nearest station, which is looked for once.
    async fn nearest(&mut self) -> Result<StationId, SourceError> {
        if let Some(station) = &self.station {
            return Ok(station.clone());
        }
        let (base, city) = (&self.config.base_url, self.city);
        let path = self
            .ask(nws::point_url(base, city), nws::parse_point)
            .await?;
        let url = nws::stations_url(base, &path);
        let (station, km) = self
            .ask(url, |body| nws::parse_stations(body, city))
            .await?;
        info!(source = %self.config.id, city = %city.id, %station, km = km.round(), "nearest station found");
        self.station = Some(station.clone());
        Ok(station)
    }
}

fn sorted_out(answers: Vec<Result<Observed, UpstreamError>>) -> Past {
    let mut past = Past::default();
    for answer in answers {
        match answer {
            Ok(observed) => past.observed.push(observed),
            Err(error) => past.dropped.push(error.reason()),
        }
    }
    past
}
