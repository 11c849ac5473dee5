//! The parameters of a simulated world in a file, so that a restarted process continues the same world.
//!
//! Equal configurations give equal worlds, so the file contains only the parameters.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use moodvane_model::Timestamp;
use moodvane_world::WorldModel;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::SimulatorConfig;
use crate::settings::model_name;

/// The parameters of a world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorldFile {
    pub(crate) seed: u64,
    /// Start of the stream, by the simulator's clock.
    pub(crate) start_ms: i64,
    /// The same time by the machine's clock.
    pub(crate) began_ms: i64,
    pub(crate) speed: u32,
    /// The ids of the cities, separated by commas.
    city: String,
    #[serde(default = "simple")]
    model: String,
    posts_per_hour: u32,
    noise_share: f64,
    duplicate_share: f64,
    disorder_ms: u64,
    weather_interval_s: u32,
    ahead_ms: u32,
    behind_ms: u32,
}

fn simple() -> String {
    model_name(&WorldModel::Simple).to_owned()
}

/// A world that cannot be loaded or created.
#[derive(Debug, Error)]
pub enum WorldError {
    /// The file cannot be read or written.
    #[error("cannot access the simulator's world file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file is not the JSON of a world.
    #[error("{} is not a simulator's world file", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The cause, with its position.
        #[source]
        source: serde_json::Error,
    },
    /// The file has other parameters than the configuration.
    #[error(
        "{} has other parameters than the configuration: restore the configuration, choose another data.dir, or delete the file",
        path.display()
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
    },
}

impl WorldFile {
    /// The parameters of a configuration, whose stream starts at `config.start`.
    pub(crate) fn new(config: &SimulatorConfig, speed: u32, began: Timestamp) -> Self {
        let ids: Vec<&str> = config.cities.iter().map(|city| city.id.as_str()).collect();
        Self {
            seed: config.seed,
            start_ms: config.start.millis(),
            began_ms: began.millis(),
            speed,
            city: ids.join(","),
            model: model_name(&config.model).to_owned(),
            posts_per_hour: config.posts_per_hour,
            noise_share: config.noise_share,
            duplicate_share: config.duplicate_share,
            disorder_ms: u64::try_from(config.disorder.as_millis()).unwrap_or(u64::MAX),
            weather_interval_s: config.interval_s,
            ahead_ms: config.bounds.ahead_ms,
            behind_ms: config.bounds.behind_ms,
        }
    }

    /// Loads the file at `path`, or writes this world there if it does not exist. The file decides
    /// `began_ms` and, unless the configuration sets `start`, also `start_ms`.
    pub(crate) fn load_or_create(
        self,
        path: &Path,
        is_start_configured: bool,
    ) -> Result<Self, WorldError> {
        let file_error = |source| WorldError::File {
            path: path.to_owned(),
            source,
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = serde_json::to_string_pretty(&self).unwrap_or_default();
                // Renames a complete file, so that a crash leaves no partial one.
                let temporary = path.with_extension("new");
                fs::write(&temporary, text).map_err(file_error)?;
                fs::rename(&temporary, path).map_err(file_error)?;
                return Ok(self);
            }
            Err(error) => return Err(file_error(error)),
        };
        let stored: Self = serde_json::from_str(&text).map_err(|source| WorldError::Json {
            path: path.to_owned(),
            source,
        })?;
        let requested = Self {
            began_ms: stored.began_ms,
            start_ms: if is_start_configured {
                self.start_ms
            } else {
                stored.start_ms
            },
            ..self
        };
        if requested == stored {
            Ok(stored)
        } else {
            Err(WorldError::Mismatch {
                path: path.to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms).unwrap()
    }

    #[test]
    fn loads_stored_world_and_rejects_other_parameters() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("world.json");
        let created = WorldFile::new(&config(), 360, at(5_000));
        assert_eq!(
            created.clone().load_or_create(&path, true).unwrap(),
            created
        );
        let later = WorldFile::new(&config(), 360, at(9_000));
        assert_eq!(later.clone().load_or_create(&path, true).unwrap(), created);

        let text = fs::read_to_string(&path).unwrap();
        let model = text.lines().find(|line| line.contains("model")).unwrap();
        fs::write(&path, text.replace(&format!("{model}\n"), "")).unwrap();
        let upgraded = later.clone().load_or_create(&path, true).unwrap();
        assert_eq!(upgraded, created, "a file of a version without models");

        let moved = WorldFile {
            start_ms: 7,
            ..later.clone()
        };
        assert_eq!(moved.clone().load_or_create(&path, false).unwrap(), created);
        let slower = WorldFile { speed: 1, ..later };
        for (other, is_start_configured) in [(moved, true), (slower, false)] {
            let error = other
                .load_or_create(&path, is_start_configured)
                .unwrap_err();
            assert!(matches!(error, WorldError::Mismatch { .. }), "{error}");
        }

        fs::write(&path, "{").unwrap();
        let error = created.load_or_create(&path, true).unwrap_err();
        assert!(matches!(error, WorldError::Json { .. }), "{error}");
    }
}
