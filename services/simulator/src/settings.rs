//! The configuration of the simulator as a process.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use moodvane_model::{City, CityId, ErrorChain, EventTimeBounds, SourceId, Timestamp};
use moodvane_runtime::{Clock, Section, Settings, read_data_dir, read_event_time_bounds};

use crate::pace::PacedClock;
use crate::world_file::{WorldError, WorldFile};
use crate::{MAX_POSTS_PER_HOUR, SimulatorConfig};

const WORLD_FILE: &str = "simulator.json";
const SERVED_FILE: &str = "simulator-served-weather.txt";
/// At this speed an hour passes in 0.1 s.
const MAX_SPEED: u32 = 36_000;

/// Configuration of the process: the world, its address and its data folder.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Address of the upstreams' protocols and of the truth.
    pub address: SocketAddr,
    data_dir: PathBuf,
    speed: NonZeroU32,
    start: Option<Timestamp>,
    /// The world, except for its start.
    world: SimulatorConfig,
}

impl ServiceConfig {
    /// Reads `[simulator]`, `[data]`, and the plausible times of `[processor]`. Records errors in
    /// `settings`.
    #[must_use]
    pub fn read(settings: &Settings, cities: &[City]) -> Option<Self> {
        let section = settings.section("simulator");
        let data_dir = read_data_dir(settings);
        let address = section.parse::<IpAddr>("address");
        let port = section.number("port", 0..=u16::MAX);
        let speed = section.number("speed", 1..=MAX_SPEED);
        let start = read_start(&section, speed);
        // The truth must use the processor's bounds.
        let bounds = read_event_time_bounds(settings);
        let world = read_world(&section, bounds, cities);
        Some(Self {
            address: SocketAddr::new(address?, port?),
            data_dir: data_dir?,
            speed: NonZeroU32::new(speed?)?,
            start: start?,
            world: world?,
        })
    }

    /// Loads the world and its clock from the data folder, or creates a world that starts at the present
    /// of `machine`.
    ///
    /// # Errors
    /// [`WorldError`] if the folder has a different world, or cannot be read or written.
    pub fn load_world(
        &self,
        machine: Arc<dyn Clock>,
    ) -> Result<(SimulatorConfig, Arc<dyn Clock>), WorldError> {
        let now = machine.now();
        let requested = SimulatorConfig {
            start: self.start.unwrap_or(now),
            journal: Some(self.data_dir.join(SERVED_FILE)),
            ..self.world.clone()
        };
        let path = self.data_dir.join(WORLD_FILE);
        std::fs::create_dir_all(&self.data_dir).map_err(|source| WorldError::File {
            path: self.data_dir.clone(),
            source,
        })?;
        let world = WorldFile::new(&requested, self.speed.get(), now);
        let stored = world.load_or_create(&path, self.start.is_some())?;
        let timestamp = |ms| Timestamp::from_millis(ms).unwrap_or(now);
        let config = SimulatorConfig {
            start: timestamp(stored.start_ms),
            ..requested
        };
        if self.speed.get() == 1 {
            return Ok((config, machine));
        }
        let clock = PacedClock {
            machine,
            began: timestamp(stored.began_ms),
            start: config.start,
            speed: self.speed,
        };
        Ok((config, Arc::new(clock)))
    }
}

fn read_start(section: &Section<'_>, speed: Option<u32>) -> Option<Option<Timestamp>> {
    let text = section.parse_optional::<String>("start")?;
    let start = text
        .map(|text| Timestamp::parse_rfc3339(&text))
        .transpose()
        .map_err(|fault| section.fault("start", ErrorChain(&fault).to_string()))
        .ok()?;
    if start.is_none() && speed.is_some_and(|speed| speed > 1) {
        // From the present on, event times would soon exceed the plausible bounds.
        section.fault(
            "start",
            "must be set to a time in the past if speed is above 1",
        );
        return None;
    }
    Some(start)
}

fn read_world(
    section: &Section<'_>,
    bounds: Option<EventTimeBounds>,
    cities: &[City],
) -> Option<SimulatorConfig> {
    let city = read_city(section, cities);
    let weather_source = section.parse::<SourceId>("weather_source");
    let seed = section.number("seed", 0..=u64::MAX);
    let posts_per_hour = section.number("posts_per_hour", 1..=MAX_POSTS_PER_HOUR);
    let noise_share = section.number("noise_share", 0.0..=1.0);
    let duplicate_share = section.number("duplicate_share", 0.0..=1.0);
    let disorder = section.millis("disorder_ms", 0..=3_600_000);
    let interval_s = section.number("weather_interval_s", 60..=3_600);
    let hold = section.seconds("weather_hold_s", 0..=3_600);
    let start = Timestamp::from_millis(0).ok()?;
    let world = SimulatorConfig {
        seed: seed?,
        posts_per_hour: posts_per_hour?,
        noise_share: noise_share?,
        duplicate_share: duplicate_share?,
        disorder: disorder?,
        interval_s: interval_s?,
        hold: hold?,
        bounds: bounds?,
        ..SimulatorConfig::new(city?, weather_source?, start)
    };
    world
        .validate()
        .map_err(|fault| section.fault("", fault.to_string()))
        .ok()?;
    Some(world)
}

fn read_city(section: &Section<'_>, cities: &[City]) -> Option<City> {
    let Some(id) = section.parse_optional::<CityId>("city")? else {
        return cities.first().cloned();
    };
    let found = cities.iter().find(|city| city.id == id).cloned();
    if found.is_none() {
        section.fault("city", "must be the id of a [[city]]");
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::new_york;
    use moodvane_runtime::ManualClock;

    fn read(pairs: &[(&str, &str)]) -> Result<ServiceConfig, String> {
        let mut settings = Settings::new();
        for (key, value) in pairs {
            settings.set(key, value);
        }
        let config = ServiceConfig::read(&settings, &[new_york()]);
        config.ok_or_else(|| settings.finish().unwrap_err().to_string())
    }

    #[test]
    fn accepts_defaults_and_reports_all_errors() {
        assert!(read(&[]).is_ok());
        let faults = read(&[
            ("simulator.start", "yesterday"),
            ("simulator.city", "atlantis"),
            ("simulator.noise_share", "2"),
            ("simulator.port", "-1"),
        ])
        .unwrap_err();
        for key in ["start", "city", "noise_share", "port"] {
            assert!(faults.contains(&format!("simulator.{key}")), "{faults}");
        }
        let faults = read(&[("simulator.speed", "60")]).unwrap_err();
        assert!(faults.contains("simulator.start"), "{faults}");
        let faults = read(&[("simulator.weather_interval_s", "90")]).unwrap_err();
        assert!(faults.contains("divide an hour"), "{faults}");
    }

    #[test]
    fn restart_keeps_world_and_time() {
        let dir = tempfile::TempDir::new().unwrap();
        let folder = dir.path().to_string_lossy().into_owned();
        let pairs = [
            ("data.dir", folder.as_str()),
            ("simulator.start", "2018-01-01T00:00:00Z"),
            ("simulator.speed", "3600"),
        ];
        let machine = Arc::new(ManualClock::new(Timestamp::from_millis(1_000).unwrap()));
        let (first, clock) = read(&pairs).unwrap().load_world(machine.clone()).unwrap();
        machine.advance(Duration::from_secs(2));
        let (second, again) = read(&pairs).unwrap().load_world(machine).unwrap();
        assert_eq!(first, second);
        assert_eq!(clock.now(), again.now());
        assert_eq!(clock.now().millis() - first.start.millis(), 7_200_000);
    }
}
