//! What a simulator's world was made of, in a file, so that a process that ended goes on with the
//! same one: equal configurations give equal worlds, so their values are all that is kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use moodvane_model::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::SimulatorConfig;

/// A world as it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorldFile {
    pub(crate) seed: u64,
    /// When the stream began, by the simulator's clock.
    pub(crate) start_ms: i64,
    /// When that was by the machine's clock.
    pub(crate) began_ms: i64,
    pub(crate) speed: u32,
    city: String,
    posts_per_hour: u32,
    noise_share: f64,
    duplicate_share: f64,
    disorder_ms: u64,
    weather_interval_s: u32,
    ahead_ms: u32,
    behind_ms: u32,
}

/// The world of a folder cannot be had.
#[derive(Debug, Error)]
pub enum WorldError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Not a world.
    #[error("{} is not a simulator's world: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
    /// The folder is another world's.
    #[error(
        "{} is of another world than the configuration: configure the same again, choose another data.dir, or delete it",
        path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
    },
}

impl WorldFile {
    /// The world that a configuration describes, of which the stream begins at `config.start`.
    pub(crate) fn of(config: &SimulatorConfig, speed: u32, began: Timestamp) -> Self {
        Self {
            seed: config.seed,
            start_ms: config.start.millis(),
            began_ms: began.millis(),
            speed,
            city: config.city.id.to_string(),
            posts_per_hour: config.posts_per_hour,
            noise_share: config.noise_share,
            duplicate_share: config.duplicate_share,
            disorder_ms: u64::try_from(config.disorder.as_millis()).unwrap_or(u64::MAX),
            weather_interval_s: config.interval_s,
            ahead_ms: config.bounds.ahead_ms,
            behind_ms: config.bounds.behind_ms,
        }
    }

    /// The world that the file at `path` remembers, or, where there is none, this one, which is
    /// then written there. When it began is the file's to say, and where `start` was not chosen,
    /// when the stream began too.
    pub(crate) fn remembered(self, path: &Path, is_start_chosen: bool) -> Result<Self, WorldError> {
        let file_error = |source| WorldError::File {
            path: path.to_owned(),
            source,
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = serde_json::to_string_pretty(&self).unwrap_or_default();
                // Whole or not at all: a torn file would be nobody's world.
                let torn = path.with_extension("new");
                fs::write(&torn, text).map_err(file_error)?;
                fs::rename(&torn, path).map_err(file_error)?;
                return Ok(self);
            }
            Err(error) => return Err(file_error(error)),
        };
        let found: Self = serde_json::from_str(&text).map_err(|source| WorldError::Json {
            path: path.to_owned(),
            source,
        })?;
        let same = Self {
            began_ms: found.began_ms,
            start_ms: if is_start_chosen {
                self.start_ms
            } else {
                found.start_ms
            },
            ..self
        };
        if same == found {
            Ok(found)
        } else {
            Err(WorldError::Other {
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
    fn a_world_is_found_again_as_it_was_made_and_another_is_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("world.json");
        let made = WorldFile::of(&config(), 360, at(5_000));
        assert_eq!(made.clone().remembered(&path, true).unwrap(), made);
        let later = WorldFile::of(&config(), 360, at(9_000));
        assert_eq!(later.clone().remembered(&path, true).unwrap(), made);

        let moved = WorldFile {
            start_ms: 7,
            ..later.clone()
        };
        assert_eq!(moved.clone().remembered(&path, false).unwrap(), made);
        let slower = WorldFile { speed: 1, ..later };
        for (other, is_start_chosen) in [(moved, true), (slower, false)] {
            let error = other.remembered(&path, is_start_chosen).unwrap_err();
            assert!(matches!(error, WorldError::Other { .. }), "{error}");
        }

        fs::write(&path, "{").unwrap();
        let error = made.remembered(&path, true).unwrap_err();
        assert!(matches!(error, WorldError::Json { .. }), "{error}");
    }
}
