//! Fixtures of this crate's unit tests.

use moodvane_model::{City, CityId, SourceId, Timestamp};

use crate::SimulatorConfig;

pub(crate) fn new_york() -> City {
    let names = ["nyc", "new york", "brooklyn", "new york city"].map(str::to_owned);
    let id = CityId::parse("new-york").unwrap();
    City::new(
        id,
        "New York",
        &names,
        (40.7128, -74.0060),
        "America/New_York",
    )
    .unwrap()
}

pub(crate) fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2018-01-01T00:30:00Z").unwrap()
}

pub(crate) fn config() -> SimulatorConfig {
    SimulatorConfig::new(new_york(), SourceId::parse("open-meteo").unwrap(), start())
}
