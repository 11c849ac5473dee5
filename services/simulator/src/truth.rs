//! The truth: what a pipeline that reads the simulator must store.
//!
//! Terms: a *difference* is one mismatch between stored rows and the truth in one hour; an hour is
//! *final* when no event that belongs to it will be sent any more.
//!
//! Guarantees: posts are distinct posts, temperatures distinct times of observation, independent of
//! copies. All sums are integers.
//!
//! This module must not know how the truth is computed; it can also be read from a file.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use moodvane_model::{CityId, HourRange, HourRow, HourSlot, ModelError, SourceId, Sums, Variable};
use moodvane_world::PlantedEffects;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// The largest truth file that is read, in bytes.
pub const MAX_TRUTH_BYTES: u64 = 256 * 1024 * 1024;

/// The expected rows of a city, and of the others of its stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The city.
    pub city: CityId,
    /// The posts of every hour that ends at or before this time are final, in milliseconds since
    /// 1970-01-01 UTC. Temperatures are those served so far.
    pub complete_through_ms: i64,
    /// The last final hour; `None` if there is none yet.
    #[serde(deserialize_with = "deserialize_optional_hour")]
    pub through: Option<HourSlot>,
    /// Every hour with posts or temperatures, in ascending order.
    pub hours: Vec<HourTruth>,
    /// The effects of the weather that the city's posts were drawn with, in classes before any scorer;
    /// `None` in a simple world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<PlantedEffects>,
    /// The truths of the other cities, which have no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Truth>,
}

/// The expected row of one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourTruth {
    /// The hour.
    #[serde(deserialize_with = "deserialize_hour")]
    pub hour: HourSlot,
    /// The distinct posts that have a class.
    pub posts: u64,
    /// The sum of their classes, 0 to 4 each.
    pub class_sum: u64,
    /// The distinct posts in languages that the scorer does not support.
    pub unscored: u64,
    /// The distinct temperatures of each source, sorted by source.
    pub temperature: Vec<TemperatureTruth>,
}

/// The temperatures of one source in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemperatureTruth {
    /// The source.
    pub source: SourceId,
    /// The number of distinct times of observation.
    pub count: u64,
    /// The sum of the temperatures, in millionths of a °C.
    pub sum_micros: i64,
}

/// Count and sum in millionths of a °C.
type Temperatures = BTreeMap<SourceId, (u64, i64)>;

/// One mismatch between stored rows and the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The hour.
    pub hour: HourSlot,
    /// The values that differ.
    pub mismatch: Mismatch,
}

/// A value that differs between stored rows and the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// The number of posts that have a class.
    Posts {
        /// The stored value.
        stored: u64,
        /// The expected value.
        expected: u64,
    },
    /// The sum of the posts' classes.
    ClassSum {
        /// The stored value.
        stored: u64,
        /// The expected value.
        expected: u64,
    },
    /// The number of posts in languages that the scorer does not support.
    Unscored {
        /// The stored value.
        stored: u64,
        /// The expected value.
        expected: u64,
    },
    /// A source's temperatures: their number, and their sum in millionths of a °C.
    Temperature {
        /// The source.
        source: SourceId,
        /// The stored value.
        stored: (u64, i64),
        /// The expected value.
        expected: (u64, i64),
    },
    /// The hour has more than one row; only the first one is compared.
    Repeated,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.hour)?;
        match self.mismatch {
            Mismatch::Posts { stored, expected } => {
                write!(f, "{stored} posts stored, {expected} expected")
            }
            Mismatch::ClassSum { stored, expected } => {
                write!(f, "class sum {stored} stored, {expected} expected")
            }
            Mismatch::Unscored { stored, expected } => {
                write!(f, "{stored} unscored posts stored, {expected} expected")
            }
            Mismatch::Temperature {
                source,
                stored,
                expected,
            } => {
                let celsius = |micros: i64| micros as f64 / 1e6;
                write!(
                    f,
                    "{} temperatures of {source} that sum to {} °C stored, {} that sum to {} °C expected",
                    stored.0,
                    celsius(stored.1),
                    expected.0,
                    celsius(expected.1)
                )
            }
            Mismatch::Repeated => f.write_str("stored more than once"),
        }
    }
}

/// A truth file that cannot be written or read.
#[derive(Debug, Error)]
pub enum TruthError {
    /// The file cannot be opened, read or written.
    #[error("cannot access truth file {path}")]
    File {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file exceeds the size limit.
    #[error("truth file {path} has {bytes} bytes, the limit is {MAX_TRUTH_BYTES}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// The file is not the JSON of a truth.
    #[error("truth file {path} is not in the format of GET /truth")]
    Json {
        /// The file.
        path: String,
        /// The cause, with its position.
        #[source]
        source: serde_json::Error,
    },
    /// The hours are not in strictly ascending order.
    #[error("truth file {path}: hour {hour} must come after the hour before it in the file")]
    Order {
        /// The file.
        path: String,
        /// The hour that is out of order.
        hour: HourSlot,
    },
}

impl Truth {
    /// The truth of each city, this one first.
    pub fn cities(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// The hours that can be compared: from the first one in the truth to the last final one; `None` if
    /// there is none.
    #[must_use]
    pub fn final_hours(&self) -> Option<HourRange> {
        let first = self.hours.first()?.hour;
        HourRange::new(first, self.through?).ok()
    }

    /// Compares the rows of this city with the truth within `range`. Ignores rows of other cities and
    /// hours; an hour without a row counts as empty.
    #[must_use]
    pub fn compare(&self, rows: &[HourRow], range: HourRange) -> Vec<Difference> {
        let within = |hour: HourSlot| range.begin() <= hour && hour <= range.end();
        let mut differences = Vec::new();
        let mut stored: BTreeMap<HourSlot, &HourRow> = BTreeMap::new();
        for row in rows {
            if row.city != self.city || !within(row.hour) {
                continue;
            }
            match stored.entry(row.hour) {
                Entry::Vacant(entry) => {
                    entry.insert(row);
                }
                Entry::Occupied(_) => differences.push(Difference {
                    hour: row.hour,
                    mismatch: Mismatch::Repeated,
                }),
            }
        }
        let expected: BTreeMap<HourSlot, &HourTruth> = self
            .hours
            .iter()
            .filter(|truth| within(truth.hour))
            .map(|truth| (truth.hour, truth))
            .collect();
        let hours: BTreeSet<HourSlot> = stored.keys().chain(expected.keys()).copied().collect();
        for hour in hours {
            let mismatches = compare_hour(stored.get(&hour).copied(), expected.get(&hour).copied());
            differences.extend(
                mismatches
                    .into_iter()
                    .map(|mismatch| Difference { hour, mismatch }),
            );
        }
        differences.sort_by_key(|difference| difference.hour);
        differences
    }

    /// Writes the truth to a file in the format of `GET /truth`.
    ///
    /// # Errors
    /// [`TruthError::File`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TruthError> {
        let json = serde_json::to_vec(self).map_err(|source| TruthError::Json {
            path: path.display().to_string(),
            source,
        })?;
        std::fs::write(path, json).map_err(|source| file_error(path, source))
    }

    /// Reads a truth from a file.
    ///
    /// # Errors
    /// [`TruthError`] if the file cannot be read, is too large or is not a truth.
    pub fn load(path: &Path) -> Result<Self, TruthError> {
        let bytes = std::fs::metadata(path)
            .map_err(|source| file_error(path, source))?
            .len();
        if bytes > MAX_TRUTH_BYTES {
            return Err(TruthError::TooLarge {
                path: path.display().to_string(),
                bytes,
            });
        }
        let json = std::fs::read(path).map_err(|source| file_error(path, source))?;
        let truth: Self = serde_json::from_slice(&json).map_err(|source| TruthError::Json {
            path: path.display().to_string(),
            source,
        })?;
        let unordered = truth
            .cities()
            .find_map(|truth| truth.hours.windows(2).find(|w| w[1].hour <= w[0].hour))
            .map(|pair| pair[1].hour);
        match unordered {
            None => Ok(truth),
            Some(hour) => Err(TruthError::Order {
                path: path.display().to_string(),
                hour,
            }),
        }
    }
}

fn compare_hour(row: Option<&HourRow>, truth: Option<&HourTruth>) -> Vec<Mismatch> {
    let posts = row.map(HourRow::posts).unwrap_or_default();
    let expected = |value: fn(&HourTruth) -> u64| truth.map_or(0, value);
    let counts = [
        (
            posts.scored(),
            expected(|t| t.posts),
            Mismatch::posts as NewMismatch,
        ),
        (
            posts.class_sum(),
            expected(|t| t.class_sum),
            Mismatch::class_sum,
        ),
        (posts.unscored, expected(|t| t.unscored), Mismatch::unscored),
    ];
    let mut mismatches: Vec<Mismatch> = counts
        .into_iter()
        .filter(|(stored, expected, _)| stored != expected)
        .map(|(stored, expected, new)| new(stored, expected))
        .collect();
    mismatches.extend(compare_temperatures(
        &stored_temperatures(row),
        &expected_temperatures(truth),
    ));
    mismatches
}

type NewMismatch = fn(u64, u64) -> Mismatch;

impl Mismatch {
    fn posts(stored: u64, expected: u64) -> Self {
        Self::Posts { stored, expected }
    }

    fn class_sum(stored: u64, expected: u64) -> Self {
        Self::ClassSum { stored, expected }
    }

    fn unscored(stored: u64, expected: u64) -> Self {
        Self::Unscored { stored, expected }
    }
}

fn compare_temperatures(stored: &Temperatures, expected: &Temperatures) -> Vec<Mismatch> {
    let sources: BTreeSet<SourceId> = stored.keys().chain(expected.keys()).copied().collect();
    let sums = |all: &Temperatures, source| all.get(source).copied().unwrap_or_default();
    sources
        .iter()
        .filter(|source| sums(stored, source) != sums(expected, source))
        .map(|source| Mismatch::Temperature {
            source: *source,
            stored: sums(stored, source),
            expected: sums(expected, source),
        })
        .collect()
}

fn stored_temperatures(row: Option<&HourRow>) -> Temperatures {
    let sums = |sums: &Sums| {
        let temperature = sums.weather.get(Variable::Temperature);
        (temperature.count, temperature.sum)
    };
    row.map(|row| {
        row.sources
            .iter()
            .map(|(source, s)| (*source, sums(s)))
            .collect()
    })
    .unwrap_or_default()
}

fn expected_temperatures(truth: Option<&HourTruth>) -> Temperatures {
    let Some(truth) = truth else {
        return Temperatures::new();
    };
    let sums = |t: &TemperatureTruth| (t.source, (t.count, t.sum_micros));
    truth.temperature.iter().map(sums).collect()
}

fn file_error(path: &Path, source: std::io::Error) -> TruthError {
    TruthError::File {
        path: path.display().to_string(),
        source,
    }
}

fn deserialize_hour<'de, D: Deserializer<'de>>(d: D) -> Result<HourSlot, D::Error> {
    let text = String::deserialize(d)?;
    text.parse()
        .map_err(|e: ModelError| serde::de::Error::custom(e))
}

fn deserialize_optional_hour<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<HourSlot>, D::Error> {
    let text = Option::<String>::deserialize(d)?;
    text.map(|text| text.parse())
        .transpose()
        .map_err(|e: ModelError| serde::de::Error::custom(e))
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;
