//! Requests for a group of cities: for one by any provider, for several as a list by Open-Meteo.
//!
//! Guarantees: each failed request is one error, and costs only its own cities. If the provider rejects
//! a list, or answers for another number of cities, the list is split and its halves are requested; the
//! halves stay apart, so that a city that the provider rejects costs no other from then on.

use moodvane_model::{City, Timestamp};
use moodvane_upstream::{UpstreamError, open_meteo};
use tracing::info;
use url::Url;

use super::POLL_TIMEOUT;
use super::provider::{ProviderClient, Response};
use crate::config::WeatherConfig;
use crate::error::SourceError;
use crate::http;
use crate::source_context::SourceContext;

/// 400 Bad Request, 414 URI Too Long, 422 Unprocessable Content.
const REJECTIONS: [u16; 3] = [400, 414, 422];
/// The most days of all cities together in a request for hours: 500 days have about 12,000 hours of six
/// variables, half a megabyte. The size limit of a response is one.
const MAX_HISTORY_DAYS: usize = 500;

/// What the requests of one poll returned.
#[derive(Default)]
pub(super) struct Fetched {
    /// The response of each city of the group; `None` if it failed or was not requested.
    pub(super) responses: Vec<Option<Response>>,
    /// One error for each failed request, and for each unusable part of a response.
    pub(super) errors: Vec<SourceError>,
}

impl Fetched {
    /// Whether no city has a response.
    pub(super) fn is_failed(&self) -> bool {
        self.responses.iter().all(Option::is_none)
    }

    fn of_one(result: Result<Response, SourceError>) -> Self {
        match result {
            Ok(response) => Self {
                responses: vec![Some(response)],
                errors: Vec::new(),
            },
            Err(error) => Self {
                responses: vec![None],
                errors: vec![error],
            },
        }
    }
}

/// A client of one provider for a group of cities.
pub(super) enum GroupClient<'a> {
    City(Box<ProviderClient<'a>>),
    List(ListClient<'a>),
}

impl<'a> GroupClient<'a> {
    /// A client for `cities`, of which there is one unless the provider accepts lists.
    pub(super) fn new(
        config: &'a WeatherConfig,
        cities: &'a [City],
        client: &'a reqwest::Client,
        context: &'a SourceContext,
    ) -> Self {
        match cities {
            [city] => {
                let client = ProviderClient::new(config, city, client, context);
                Self::City(Box::new(client))
            }
            _ => Self::List(ListClient {
                config,
                client,
                context,
                cities,
                lists: vec![(0..cities.len()).collect()],
            }),
        }
    }

    /// Fetches the current weather. `last` is the time of the latest published observation of the first
    /// city.
    pub(super) async fn fetch_current(&mut self, last: Option<Timestamp>) -> Fetched {
        match self {
            Self::City(client) => Fetched::of_one(client.fetch_current(last).await),
            Self::List(client) => client.fetch_current().await,
        }
    }

    /// The most cities of a request for the history of `days` days.
    pub(super) fn max_history_cities(&self, days: u8) -> usize {
        match self {
            Self::City(_) => 1,
            Self::List(_) => (MAX_HISTORY_DAYS / (usize::from(days) + 1)).max(1),
        }
    }

    /// Fetches the last `days` days of the cities with these indices; empty for a provider without a
    /// history.
    pub(super) async fn fetch_history(
        &mut self,
        cities: &[usize],
        days: u8,
        now: Timestamp,
    ) -> Fetched {
        match self {
            Self::City(client) => Fetched::of_one(client.fetch_history(days, now).await),
            Self::List(client) => client.fetch_history(cities, days, now).await,
        }
    }
}

/// A client of Open-Meteo for a list of cities.
pub(super) struct ListClient<'a> {
    config: &'a WeatherConfig,
    client: &'a reqwest::Client,
    context: &'a SourceContext,
    cities: &'a [City],
    /// The indices of the cities of each request.
    lists: Vec<Vec<usize>>,
}

impl ListClient<'_> {
    async fn fetch_current(&mut self) -> Fetched {
        let base = &self.config.base_url;
        let url = |cities: &[&City]| open_meteo::current_list_url(base, cities);
        let parse = |body: &[u8], cities: &[&City]| {
            let parsed = open_meteo::parse_current_list(body, cities)?;
            let responses = parsed.into_iter().map(|one| one.map(Response::of_one));
            Ok(responses.collect())
        };
        let (fetched, lists) = self.fetch_lists(self.lists.clone(), url, parse).await;
        self.lists = lists;
        fetched
    }

    async fn fetch_history(&self, cities: &[usize], days: u8, now: Timestamp) -> Fetched {
        let base = &self.config.base_url;
        let url = |cities: &[&City]| open_meteo::history_list_url(base, cities, days);
        let parse = |body: &[u8], cities: &[&City]| {
            let parsed = open_meteo::parse_history_list(body, cities, now)?;
            let response = |weather| Response {
                weather,
                unusable: Vec::new(),
            };
            Ok(parsed.into_iter().map(|one| one.map(response)).collect())
        };
        let lists = vec![cities.to_vec()];
        self.fetch_lists(lists, url, parse).await.0
    }

    /// Requests each list, and the halves of a rejected one. Returns the lists without the rejected ones.
    async fn fetch_lists(
        &self,
        mut pending: Vec<Vec<usize>>,
        url: impl Fn(&[&City]) -> Url,
        parse: impl Fn(&[u8], &[&City]) -> ParsedList,
    ) -> (Fetched, Vec<Vec<usize>>) {
        let mut fetched = Fetched::default();
        fetched.responses.resize_with(self.cities.len(), || None);
        let mut lists = Vec::with_capacity(pending.len());
        while let Some(mut list) = pending.pop() {
            let cities: Vec<&City> = list.iter().map(|index| &self.cities[*index]).collect();
            let parse = |body: &[u8]| parse(body, &cities);
            match self.fetch(url(&cities), parse).await {
                Err(error) if list.len() > 1 && is_rejection(&error) => {
                    info!(source = %self.context.id(), cities = list.len(), %error, "list of cities rejected, splitting it");
                    let half = list.split_off(list.len() / 2);
                    pending.extend([half, list]);
                    continue;
                }
                Err(error) => fetched.errors.push(error),
                Ok(results) => {
                    for (index, result) in list.iter().zip(results) {
                        let city = self.cities[*index].id;
                        match result {
                            Ok(response) => fetched.responses[*index] = Some(response),
                            Err(source) => fetched.errors.push(SourceError::City { city, source }),
                        }
                    }
                }
            }
            lists.push(list);
        }
        (fetched, lists)
    }

    async fn fetch<T>(
        &self,
        url: Url,
        parse: impl FnOnce(&[u8]) -> Result<T, UpstreamError>,
    ) -> Result<T, SourceError> {
        self.context.arm_watchdog(POLL_TIMEOUT);
        let get = http::get(self.client, url, self.context.now());
        let body = self.context.with_timeout(http::TIMEOUT, get).await?;
        Ok(parse(&body)?)
    }
}

/// The result of each city of a list.
type ParsedList = Result<Vec<Result<Response, UpstreamError>>, UpstreamError>;

/// Whether the request itself is at fault, so that a part of the list may succeed.
fn is_rejection(error: &SourceError) -> bool {
    match error {
        SourceError::Status { status, .. } => REJECTIONS.contains(status),
        SourceError::Response(error) => matches!(
            error,
            UpstreamError::Provider(_) | UpstreamError::WrongCount { .. }
        ),
        _ => false,
    }
}
