//! The section `[server]` of the configuration.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use moodvane_analysis::StrayBound;
use moodvane_model::CityId;
use moodvane_runtime::{Section, Settings, read_cities};

/// How the server is to behave. Every value is within its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// The city that requests are answered for.
    pub city: CityId,
    /// The longest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// The longest range of a request, in hours.
    pub max_range_hours: u32,
    /// How long a request may take altogether: its body to arrive, and the store to answer.
    pub request_timeout: Duration,
    /// How many requests for weather are answered at once; more are refused.
    pub max_concurrent_requests: usize,
    /// How far a source's temperature may stray from the others'.
    pub stray_bound: StrayBound,
    /// How long requests in progress may take after the shutdown began.
    pub drain: Duration,
}

impl ServerConfig {
    /// Reads the section `[server]`. `None` where a value is missing or wrong; `settings` then
    /// knows every fault.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("server");
        let address = section.parse::<IpAddr>("address");
        let port = section.number::<u16>("port", 0..=u16::MAX);
        let city = city(settings, &section);
        let max_body_bytes = section.number::<usize>("max_body_bytes", 64..=16_777_216);
        let max_range_hours = section.number::<u32>("max_range_hours", 1..=1_000_000);
        let request_timeout = section.millis("request_timeout_ms", 1..=600_000);
        let max_concurrent_requests =
            section.number::<usize>("max_concurrent_requests", 1..=100_000);
        let stray_bound = section.number::<f64>("stray_bound_c", 0.1..=100.0);
        let drain = section.millis("drain_ms", 0..=600_000);
        Some(Self {
            address: SocketAddr::new(address?, port?),
            city: city?,
            max_body_bytes: max_body_bytes?,
            max_range_hours: max_range_hours?,
            request_timeout: request_timeout?,
            max_concurrent_requests: max_concurrent_requests?,
            stray_bound: StrayBound::new(stray_bound?).ok()?,
            drain: drain?,
        })
    }
}

/// The configured city, which must be one of those that are described.
fn city(settings: &Settings, section: &Section<'_>) -> Option<CityId> {
    let id = section.parse::<CityId>("city")?;
    let cities = read_cities(settings)?;
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
