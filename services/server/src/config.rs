//! The section `[server]` of the configuration.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderValue;
use ipnet::IpNet;
use moodvane_analysis::OutlierBound;
use moodvane_effect_report::{MAX_CITIES, MAX_HOURS};
use moodvane_model::{City, CityId, Incarnation};
use moodvane_runtime::{Section, Settings, read_cities};

use crate::rate_limit::RateLimit;
use crate::serve::ConnectionLimits;

/// The configuration of the server. Every value is within its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// The city of requests that name none; one of `cities`.
    pub default_city: CityId,
    /// The cities that requests may name.
    pub cities: Vec<City>,
    /// The incarnation of the log's topics.
    pub incarnation: Incarnation,
    /// The longest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// The longest range of a request, in hours.
    pub max_range_hours: u32,
    /// The most hours of a page.
    pub max_page_hours: u32,
    /// Origins whose pages may send requests from a browser.
    pub cors_origins: Vec<HeaderValue>,
    /// The time-out of a request: from its head to its answer, including the body and the store.
    pub request_timeout: Duration,
    /// How many requests for hours are answered at once; the server rejects more.
    pub max_concurrent_requests: usize,
    /// How many relations are computed at once; more requests wait.
    pub max_concurrent_relations: usize,
    /// The limits of effects.
    pub effect: EffectLimits,
    /// The limits of connections.
    pub connections: ConnectionLimits,
    /// The rate limit of a client; `None` for no limit.
    pub rate_limit: Option<RateLimit>,
    /// Proxies whose `x-forwarded-for` header is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// How far a source's value may differ from the others before it is an outlier.
    pub stray_bound: OutlierBound,
    /// The longest time that requests in progress may take after the shutdown began.
    pub drain_timeout: Duration,
}

/// The limits of `GET /v1/effect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectLimits {
    /// The most cities of a request.
    pub max_cities: usize,
    /// The most hours of all cities of a request together.
    pub max_hours: u64,
    /// How many effects are computed at once; more requests wait.
    pub max_concurrent: usize,
    /// The time-out of a request, including the store.
    pub timeout: Duration,
    /// The number of computed effects that are kept.
    pub cache_entries: usize,
}

impl ServerConfig {
    /// Reads the section `[server]`. Returns `None` if a value is missing or invalid; `settings` then
    /// has every error.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("server");
        let address = section.parse::<IpAddr>("address");
        let port = section.number::<u16>("port", 0..=u16::MAX);
        let cities = read_cities(settings);
        let default_city = default_city(&section, cities.as_deref());
        let incarnation = settings
            .section("eventlog")
            .number("incarnation", 1..=u32::MAX);
        let max_body_bytes = section.number::<usize>("max_body_bytes", 64..=16_777_216);
        let max_range_hours = section.number::<u32>("max_range_hours", 1..=1_000_000);
        let max_page_hours = section.number::<u32>("max_page_hours", 1..=100_000);
        let cors_origins = origins(&section);
        let request_timeout = section.millis("request_timeout_ms", 1..=600_000);
        let max_concurrent_requests =
            section.number::<usize>("max_concurrent_requests", 1..=100_000);
        let max_concurrent_relations =
            section.number::<usize>("max_concurrent_relations", 1..=1_000);
        let effect = effect(&section);
        let connections = connections(&section);
        let rate_limit = rate_limit(&section);
        let trusted_proxies = proxies(&section);
        let stray_bound = section.number::<f64>("stray_bound_c", 0.1..=100.0);
        let drain = section.millis("drain_ms", 0..=600_000);
        Some(Self {
            address: SocketAddr::new(address?, port?),
            default_city: default_city?,
            cities: cities?,
            incarnation: Incarnation(incarnation?),
            max_body_bytes: max_body_bytes?,
            max_range_hours: max_range_hours?,
            max_page_hours: max_page_hours?,
            cors_origins: cors_origins?,
            request_timeout: request_timeout?,
            max_concurrent_requests: max_concurrent_requests?,
            max_concurrent_relations: max_concurrent_relations?,
            effect: effect?,
            connections: connections?,
            rate_limit: rate_limit?,
            trusted_proxies: trusted_proxies?,
            stray_bound: OutlierBound::new(stray_bound?).ok()?,
            drain_timeout: drain?,
        })
    }
}

/// The default city, which must be one of the configured cities; the first of them by default.
fn default_city(section: &Section<'_>, cities: Option<&[City]>) -> Option<CityId> {
    let id = section.parse_optional::<CityId>("city")?;
    let cities = cities?;
    let Some(id) = id else {
        return cities.first().map(|city| city.id);
    };
    if cities.iter().any(|city| city.id == id) {
        return Some(id);
    }
    let known: Vec<&str> = cities.iter().map(|city| city.id.as_str()).collect();
    section.fault(
        "city",
        format!("must be the id of a [[city]]: {}", known.join(", ")),
    );
    None
}

fn effect(section: &Section<'_>) -> Option<EffectLimits> {
    let max_cities = section.number::<usize>("max_effect_cities", 1..=MAX_CITIES);
    let max_hours = section.number::<u64>("max_effect_hours", 1..=MAX_HOURS as u64);
    let max_concurrent = section.number::<usize>("max_concurrent_effects", 1..=1_000);
    let timeout = section.millis("effect_timeout_ms", 1..=3_600_000);
    let cache_entries = section.number::<usize>("effect_cache_entries", 0..=100_000);
    Some(EffectLimits {
        max_cities: max_cities?,
        max_hours: max_hours?,
        max_concurrent: max_concurrent?,
        timeout: timeout?,
        cache_entries: cache_entries?,
    })
}

fn connections(section: &Section<'_>) -> Option<ConnectionLimits> {
    let max_connections = section.number::<usize>("max_connections", 1..=1_000_000);
    let head_timeout = section.millis("head_timeout_ms", 1..=600_000);
    let write_timeout = section.millis("write_timeout_ms", 1..=600_000);
    Some(ConnectionLimits {
        head_timeout: head_timeout?,
        write_timeout: write_timeout?,
        max_connections: max_connections?,
    })
}

/// `Some(None)` if the rate is 0, which means no limit.
fn rate_limit(section: &Section<'_>) -> Option<Option<RateLimit>> {
    let per_second = section.number::<u32>("rate_per_s", 0..=1_000_000);
    let burst = section.number::<u32>("rate_burst", 1..=1_000_000);
    let (per_second, burst) = (per_second?, NonZeroU32::new(burst?)?);
    Some(NonZeroU32::new(per_second).map(|per_second| RateLimit { per_second, burst }))
}

/// Addresses and networks, such as 10.0.0.1 and 10.0.0.0/8.
fn proxies(section: &Section<'_>) -> Option<Vec<IpNet>> {
    let read = |text: &String| {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse::<IpNet>().ok().or_else(address)
    };
    let texts = section.list("trusted_proxies")?;
    let wrong = texts.iter().find(|text| read(text).is_none());
    if let Some(wrong) = wrong {
        let message = format!("\"{wrong}\" must be an address or a network, such as 10.0.0.0/8");
        section.fault("trusted_proxies", message);
        return None;
    }
    texts.iter().map(read).collect()
}

/// The origins, each as a browser sends it: a scheme and a host, no path.
fn origins(section: &Section<'_>) -> Option<Vec<HeaderValue>> {
    let read = |text: &String| {
        let origin = url::Url::parse(text).ok()?.origin();
        let same = origin.is_tuple() && origin.ascii_serialization() == *text;
        same.then(|| HeaderValue::from_str(text).ok()).flatten()
    };
    let texts = section.list("cors_origins")?;
    let origins: Option<Vec<HeaderValue>> = texts.iter().map(read).collect();
    if origins.is_none() {
        let wrong = texts.iter().find(|text| read(text).is_none());
        section.fault(
            "cors_origins",
            format!(
                "\"{}\" must be a scheme and a host, such as https://example.org",
                wrong.map_or("", String::as_str)
            ),
        );
    }
    origins
}
