//! The whole configuration of the all-in-one binary, read and validated together (I9).

use std::path::PathBuf;

use anyhow::Context;
use moodvane_ingester::IngesterConfig;
use moodvane_launch::{Backends, ScorerConfig};
use moodvane_model::City;
use moodvane_processor::ProcessorConfig;
use moodvane_runtime::{
    LoggingConfig, Settings, SettingsError, read_cities, read_data_dir, select_cities,
};
use moodvane_server::ServerConfig;

use crate::cli::{CityArgs, GlobalArgs};
use crate::sources::Table;

/// The configuration of every service.
pub(crate) struct AppConfig {
    pub(crate) data_dir: PathBuf,
    pub(crate) logging: LoggingConfig,
    pub(crate) backends: Backends,
    pub(crate) cities: Vec<City>,
    pub(crate) ingester: IngesterConfig,
    pub(crate) scorer: ScorerConfig,
    pub(crate) processor: ProcessorConfig,
    pub(crate) server: ServerConfig,
}

/// What a command replaces in the configuration.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// In place of every `[[source]]`.
    pub(crate) sources: Option<Vec<Table>>,
    /// In place of every `[[city]]`: the names of the flag `--city`.
    cities: Option<String>,
    /// In place of the default city, if the configuration names none.
    default_cities: Option<&'static str>,
}

impl From<CityArgs> for Overrides {
    fn from(args: CityArgs) -> Self {
        Self {
            cities: args.list(),
            ..Self::default()
        }
    }
}

impl Overrides {
    /// Replaces the sources by none.
    pub(crate) fn without_sources(self) -> Self {
        Self {
            sources: Some(Vec::new()),
            ..self
        }
    }

    /// Replaces the default city, if the configuration names none.
    pub(crate) fn with_default_cities(self, list: &'static str) -> Self {
        Self {
            default_cities: Some(list),
            ..self
        }
    }
}

impl AppConfig {
    /// Reads all layers, with what the command replaces.
    pub(crate) fn read(args: &GlobalArgs, overrides: Overrides) -> Result<Self, SettingsError> {
        let mut settings = read_settings(args);
        if let Some(sources) = overrides.sources {
            settings.set_tables("source", sources);
        }
        let has_city = !settings.is_default("city") || !settings.is_default("server.city");
        let default_cities = overrides.default_cities.filter(|_| !has_city);
        if let Some(cities) = overrides.cities.as_deref().or(default_cities) {
            select_cities(&mut settings, cities);
        }
        let config = Self::read_sections(&settings);
        settings.finish_with(config)
    }

    fn read_sections(settings: &Settings) -> Option<Self> {
        let data_dir = read_data_dir(settings);
        let logging = LoggingConfig::read(settings);
        let backends = Backends::read(settings);
        let cities = read_cities(settings);
        let ingester = IngesterConfig::read(settings, cities.as_deref().unwrap_or_default());
        let scorer = ScorerConfig::read(settings);
        let processor = ProcessorConfig::read(settings);
        let server = ServerConfig::read(settings);
        Some(Self {
            data_dir: data_dir?,
            logging: logging?,
            backends: backends?,
            cities: cities?,
            ingester: ingester?,
            scorer: scorer?,
            processor: processor?,
            server: server?,
        })
    }

    /// The default city of the server.
    pub(crate) fn city(&self) -> anyhow::Result<&City> {
        let found = self
            .cities
            .iter()
            .find(|city| city.id == self.server.default_city);
        found.with_context(|| format!("no city has the id {}", self.server.default_city))
    }
}

/// Merges the default, the file, the environment and the flags, in this order.
pub(crate) fn read_settings(args: &GlobalArgs) -> Settings {
    let mut settings = args.shared.settings();
    if let Some(dir) = &args.data {
        settings.set("data.dir", &dir.to_string_lossy());
    }
    if let Some(port) = args.port {
        settings.set("server.port", &port.to_string());
    }
    settings
}
