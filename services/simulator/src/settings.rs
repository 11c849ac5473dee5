//! The configuration of the simulator as a process.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use moodvane_gazetteer::{GazetteerError, find};
use moodvane_model::{City, ErrorChain, EventTimeBounds, SourceId, Timestamp};
use moodvane_runtime::{Clock, Section, Settings, read_data_dir, read_event_time_bounds};

use moodvane_world::{EffectSizes, WorldModel};

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
    let cities = read_selected_cities(section, cities);
    let model = read_model(section);
    let weather_source = section.parse::<SourceId>("weather_source");
    let seed = section.number("seed", 0..=u64::MAX);
    let posts_per_hour = section.number("posts_per_hour", 1..=MAX_POSTS_PER_HOUR);
    let noise_share = section.number("noise_share", 0.0..=1.0);
    let duplicate_share = section.number("duplicate_share", 0.0..=1.0);
    let disorder = section.millis("disorder_ms", 0..=3_600_000);
    let interval_s = section.number("weather_interval_s", 60..=3_600);
    let hold = section.seconds("weather_hold_s", 0..=3_600);
    let start = Timestamp::from_millis(0).ok()?;
    let cities = cities?;
    let world = SimulatorConfig {
        seed: seed?,
        posts_per_hour: posts_per_hour?,
        noise_share: noise_share?,
        duplicate_share: duplicate_share?,
        disorder: disorder?,
        interval_s: interval_s?,
        hold: hold?,
        bounds: bounds?,
        model: model?,
        ..SimulatorConfig::new(cities.first()?.clone(), weather_source?, start)
    };
    let world = SimulatorConfig { cities, ..world };
    world
        .validate()
        .map_err(|fault| section.fault("", fault.to_string()))
        .ok()?;
    Some(world)
}

/// The models by their names in the configuration.
fn models() -> [(&'static str, WorldModel); 2] {
    [
        ("simple", WorldModel::Simple),
        ("confounded", WorldModel::Confounded(EffectSizes::Drawn)),
    ]
}

/// The name of a model in the configuration.
pub(crate) fn model_name(model: &WorldModel) -> &'static str {
    match model {
        WorldModel::Simple => "simple",
        WorldModel::Confounded(_) => "confounded",
    }
}

fn read_model(section: &Section<'_>) -> Option<WorldModel> {
    let text = section.parse::<String>("world")?;
    let found = models().into_iter().find(|(name, _)| *name == text);
    if found.is_none() {
        section.fault("world", "must be simple or confounded");
    }
    found.map(|(_, model)| model)
}

/// The configured cities, or those of `city`: a list of ids of configured cities and of names of the
/// gazetteer.
fn read_selected_cities(section: &Section<'_>, cities: &[City]) -> Option<Vec<City>> {
    let Some(list) = section.parse_optional::<String>("city")? else {
        return Some(cities.to_vec());
    };
    let mut selected: Vec<City> = Vec::new();
    for item in list.split(',').map(str::trim) {
        match find_city(item, cities) {
            Ok(city) => selected.push(city),
            Err(reason) => {
                section.fault("city", reason);
                return None;
            }
        }
    }
    Some(selected)
}

fn find_city(item: &str, cities: &[City]) -> Result<City, String> {
    if let Some(city) = cities.iter().find(|city| city.id.as_str() == item) {
        return Ok(city.clone());
    }
    let reason = |error: GazetteerError| format!("must be the id of a [[city]] or a city: {error}");
    find(item).map(|found| found.city().clone()).map_err(reason)
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
            ("simulator.city", "new-york,atlantis"),
            ("simulator.world", "flat"),
            ("simulator.noise_share", "2"),
            ("simulator.port", "-1"),
        ])
        .unwrap_err();
        for key in ["start", "city", "world", "noise_share", "port"] {
            assert!(faults.contains(&format!("simulator.{key}")), "{faults}");
        }
        let faults = read(&[("simulator.speed", "60")]).unwrap_err();
        assert!(faults.contains("simulator.start"), "{faults}");
        let faults = read(&[("simulator.weather_interval_s", "90")]).unwrap_err();
        assert!(faults.contains("divide an hour"), "{faults}");
    }

    #[test]
    fn selects_cities_of_configuration_and_gazetteer() {
        let ids = |pairs: &[(&str, &str)]| -> Vec<String> {
            let world = read(pairs).unwrap().world;
            world
                .cities
                .iter()
                .map(|city| city.id.to_string())
                .collect()
        };
        assert_eq!(ids(&[]), ["new-york"]);
        let list = [("simulator.city", "london, new-york")];
        assert_eq!(ids(&list), ["london", "new-york"]);
        assert_eq!(read(&[]).unwrap().world.model, WorldModel::Simple);
        let confounded = read(&[("simulator.world", "confounded")]).unwrap();
        let expected = WorldModel::Confounded(EffectSizes::Drawn);
        assert_eq!(confounded.world.model, expected);
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
