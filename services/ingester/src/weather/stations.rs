//! The stations around a city, and the choice among them.
//!
//! Terms: a station *reports* if it has a usable observation that is less than two hours old, the
//! latest one or one of its list of recent ones; a *walk* asks the stations in turn, the nearest
//! first, until one reports.
//!
//! Guarantee: a walk asks a bounded number of stations, two requests each. The station that reports
//! is remembered; the nearer ones are tried again each hour. While none reports, each poll requests
//! one station, and a walk begins every ten minutes.

use moodvane_model::Timestamp;
use moodvane_upstream::UpstreamError;
use moodvane_upstream::nws::{self, StationId};
use tracing::{info, warn};

use super::provider::{ProviderClient, Response};
use super::{HOUR_MS, POLL_TIMEOUT};
use crate::error::SourceError;

const NOT_FOUND: u16 = 404;
/// Most stations report each hour, some minutes late.
const FRESH_MS: i64 = 2 * HOUR_MS;
const RETRY_NEARER_MS: i64 = HOUR_MS;
const RETRY_WALK_MS: i64 = 10 * 60_000;

/// The stations of a city.
#[derive(Debug)]
pub(super) struct Stations {
    /// At least one.
    nearest_first: Vec<StationId>,
    chosen: usize,
    /// When the next walk from the nearest station on may begin.
    walk_at: Option<Timestamp>,
    /// Whether the last walk found no station that reports.
    none_reports: bool,
}

impl Stations {
    fn new(nearest_first: Vec<StationId>) -> Self {
        Self {
            nearest_first,
            chosen: 0,
            walk_at: None,
            none_reports: false,
        }
    }

    /// The stations to ask, in order.
    fn to_ask(&self, now: Timestamp) -> Vec<(usize, StationId)> {
        let walk_is_due = self.walk_at.is_some_and(|at| now >= at);
        let count = self.nearest_first.len();
        let range = match (walk_is_due, self.none_reports) {
            (true, _) => 0..count,
            (false, true) => self.chosen..self.chosen + 1,
            (false, false) => self.chosen..count,
        };
        let indexed = self.nearest_first.iter().cloned().enumerate();
        indexed.skip(range.start).take(range.len()).collect()
    }

    /// Remembers the station that reports; returns whether it is another one.
    fn choose(&mut self, index: usize, now: Timestamp) -> bool {
        let changed = self.chosen != index;
        if changed || self.none_reports || self.walk_at.is_some_and(|at| now >= at) {
            self.walk_at = (index > 0).then(|| later(now, RETRY_NEARER_MS));
        }
        self.chosen = index;
        self.none_reports = false;
        changed
    }

    /// Remembers the best of the stations, none of which reports; returns whether that is new.
    fn choose_none(&mut self, best: usize, now: Timestamp) -> bool {
        let is_new = !self.none_reports;
        if is_new || self.walk_at.is_some_and(|at| now >= at) {
            self.walk_at = Some(later(now, RETRY_WALK_MS));
        }
        self.chosen = best;
        self.none_reports = true;
        is_new
    }
}

fn later(at: Timestamp, ms: i64) -> Timestamp {
    at.checked_add_millis(ms).unwrap_or(at)
}

impl ProviderClient<'_> {
    /// The recent observations of the first station that reports; of none, the latest old one.
    pub(super) async fn fetch_from_stations(
        &mut self,
        last: Option<Timestamp>,
    ) -> Result<Response, SourceError> {
        let now = self.context.now();
        let to_ask = self.stations().await?.to_ask(now);
        let mut best: Option<(usize, Response)> = None;
        let (first, mut fault) = (to_ask.first().map_or(0, |(index, _)| *index), None);
        for (index, station) in to_ask {
            self.context.arm_watchdog(POLL_TIMEOUT);
            match self.fetch_recent(&station, last, now).await {
                Ok(response) if reports(&response, now) => {
                    if self.stations().await?.choose(index, now) {
                        info!(source = %self.config.id, city = %self.city.id, %station, "station changed");
                    }
                    return Ok(response);
                }
                Ok(response) => {
                    let latest = best.as_ref().and_then(|(_, best)| best.latest());
                    if best.is_none() || response.latest() > latest {
                        best = Some((index, response));
                    }
                }
                Err(error) if is_fault_of_station(&error) => fault = fault.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        let chosen = best.as_ref().map_or(first, |(index, _)| *index);
        let stations = self.stations().await?;
        if stations.choose_none(chosen, now) {
            let tried = stations.nearest_first.len();
            warn!(source = %self.config.id, city = %self.city.id, tried, "no station reports, trying again every ten minutes");
        }
        match (best, fault) {
            (Some((_, response)), _) => Ok(response),
            (None, Some(fault)) => Err(fault),
            (None, None) => Ok(Response::default()),
        }
    }

    /// The latest observation of a station, or, where it is unusable or old, the recent ones.
    async fn fetch_recent(
        &self,
        station: &StationId,
        last: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Response, SourceError> {
        let base = &self.config.base_url;
        let latest = self
            .fetch(nws::latest_url(base, station), nws::parse_latest)
            .await;
        let latest = match latest {
            Err(error) if !is_fault_of_station(&error) => return Err(error),
            latest => latest.map(Response::of_one),
        };
        if let Ok(response) = &latest
            && reports(response, now)
        {
            return latest;
        }
        let earliest = later(now, -FRESH_MS);
        let since = last.map_or(earliest, |last| last.max(earliest));
        let url = nws::since_url(base, station, since);
        let parsed = self.fetch(url, nws::parse_observations).await;
        match parsed.map(Response::from_results) {
            Ok(recent) if !recent.weather.is_empty() => Ok(recent),
            Ok(_) => latest,
            Err(error) if is_fault_of_station(&error) => latest,
            Err(error) => Err(error),
        }
    }

    /// The station that reported last; the nearest one before the first observation.
    pub(super) async fn chosen_station(&mut self) -> Result<StationId, SourceError> {
        let stations = self.stations().await?;
        Ok(stations.nearest_first[stations.chosen].clone())
    }

    /// The stations around the city, cached after the first request.
    async fn stations(&mut self) -> Result<&mut Stations, SourceError> {
        let stations = match self.stations.take() {
            Some(stations) => stations,
            None => self.find_stations().await?,
        };
        Ok(self.stations.insert(stations))
    }

    async fn find_stations(&self) -> Result<Stations, SourceError> {
        let (base, city) = (&self.config.base_url, self.city);
        let point = nws::point_url(base, city);
        let path = self.fetch(point, nws::parse_point).await?;
        let url = nws::stations_url(base, &path);
        let parse = |body: &[u8]| nws::parse_stations(body, city);
        let found = self.fetch(url, parse).await?;
        for (station, km) in &found {
            info!(source = %self.config.id, city = %city.id, %station, distance_km = km.round(), "station found");
        }
        Ok(Stations::new(found.into_iter().map(|(id, _)| id).collect()))
    }
}

fn reports(response: &Response, now: Timestamp) -> bool {
    let is_fresh = |latest: Timestamp| now.millis() - latest.millis() <= FRESH_MS;
    response.latest().is_some_and(is_fresh)
}

/// Whether another station may do better: the station is not known, or its observation is unusable.
fn is_fault_of_station(error: &SourceError) -> bool {
    match error {
        SourceError::Status { status, .. } => *status == NOT_FOUND,
        SourceError::Response(error) => !matches!(
            error,
            UpstreamError::NotJson(_) | UpstreamError::Provider(_)
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_514_764_800_000 + minutes * 60_000).unwrap()
    }

    fn asked(stations: &Stations, minutes: i64) -> Vec<usize> {
        let to_ask = stations.to_ask(at(minutes));
        to_ask.into_iter().map(|(index, _)| index).collect()
    }

    #[test]
    fn keeps_reporting_station_and_tries_nearer_ones_each_hour() {
        let ids = ["KAAA", "KBBB", "KCCC"].map(|id| StationId::parse(id).unwrap());
        let mut stations = Stations::new(ids.to_vec());
        assert_eq!(asked(&stations, 0), [0, 1, 2]);
        assert!(
            !stations.choose(0, at(0)),
            "the nearest is the first choice"
        );
        assert_eq!(asked(&stations, 500), [0, 1, 2]);

        assert!(stations.choose(1, at(500)));
        assert_eq!(asked(&stations, 559), [1, 2]);
        assert!(!stations.choose(1, at(559)), "does not delay the next try");
        assert_eq!(asked(&stations, 560), [0, 1, 2]);
        assert!(!stations.choose(1, at(560)));
        assert_eq!(asked(&stations, 561), [1, 2]);
        assert!(stations.choose(0, at(620)));
        assert_eq!(asked(&stations, 621), [0, 1, 2]);
    }

    #[test]
    fn asks_one_station_while_none_reports_and_all_every_ten_minutes() {
        let ids = ["KAAA", "KBBB", "KCCC"].map(|id| StationId::parse(id).unwrap());
        let mut stations = Stations::new(ids.to_vec());
        assert!(stations.choose_none(2, at(0)));
        assert_eq!(asked(&stations, 9), [2]);
        assert!(!stations.choose_none(2, at(9)), "reported once");
        assert_eq!(asked(&stations, 10), [0, 1, 2]);
        stations.choose_none(0, at(10));
        assert_eq!(asked(&stations, 19), [0]);
        assert!(!stations.choose(0, at(19)));
        assert_eq!(asked(&stations, 20), [0, 1, 2]);
    }
}
