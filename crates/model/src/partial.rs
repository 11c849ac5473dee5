//! The rows of the store: partial hours, progress, and the merged hour.
//!
//! Guarantee: the processor writes partial hours first and progress after them. Both writes are
//! idempotent, and a partial hour holds the offset up to which it is folded. A processor that
//! resumes from the progress therefore counts each record exactly once.

use std::sync::Arc;

use crate::{
    Calibration, CityId, HourSlot, Incarnation, Offset, Partition, PostSums, RunId, SourceId,
    SourceSums, Sums, Timestamp, Topic,
};

/// The key of a [`PartialHour`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartialKey {
    /// The fold run.
    pub run: RunId,
    /// The city.
    pub city: CityId,
    /// The hour.
    pub hour: HourSlot,
    /// The topic of the records.
    pub topic: Topic,
    /// The incarnation of the topic.
    pub incarnation: Incarnation,
    /// The partition of the records.
    pub partition: Partition,
    /// The source of the records.
    pub source: SourceId,
}

/// The sums that one partition and one source contribute to an hour. A write replaces the whole row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialHour {
    /// The key.
    pub key: PartialKey,
    /// The sums of all records with this key up to `through_offset`.
    pub sums: Sums,
    /// The last folded offset. Of two versions of a row, the one with the higher offset is valid.
    pub through_offset: Offset,
}

/// The key of a [`Progress`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgressKey {
    /// The fold run.
    pub run: RunId,
    /// The topic.
    pub topic: Topic,
    /// The incarnation of the topic.
    pub incarnation: Incarnation,
    /// The partition.
    pub partition: Partition,
}

/// The last record below a progress offset. A processor compares it with the log on start, to detect
/// a log that was deleted and created again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The record's offset.
    pub offset: Offset,
    /// The timestamp that the log gave it.
    pub written_at: Timestamp,
    /// A hash of its key.
    pub key_hash: u64,
}

/// The committed position of a partition: all records below `next` are in stored partial hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The key.
    pub key: ProgressKey,
    /// The first offset that is not in the stored rows.
    pub next: Offset,
    /// The last record below `next`; `None` before the first record.
    pub anchor: Option<Anchor>,
}

/// An hour of a city: all its partial hours merged by source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourRow {
    /// The city.
    pub city: CityId,
    /// The hour.
    pub hour: HourSlot,
    /// The sums of each source.
    pub sources: SourceSums,
    /// The calibration of the scorer of the posts; `None` where it has none, or where a fold of
    /// version 1 wrote the row.
    pub calibration: Option<Arc<Calibration>>,
}

/// Whether posts that speak of the weather are included: people who complain about the rain say less
/// about their mood than people who complain about the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WeatherTalk {
    /// All posts.
    #[default]
    All,
    /// Only posts that do not speak of the weather.
    Without,
    /// Only posts that speak of the weather.
    Only,
}

impl WeatherTalk {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::All, Self::Without, Self::Only];

    /// The name of the choice.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Without => "without",
            Self::Only => "only",
        }
    }
}

impl HourRow {
    /// An hour without sums.
    #[must_use]
    pub fn empty(city: CityId, hour: HourSlot) -> Self {
        Self {
            city,
            hour,
            sources: SourceSums::default(),
            calibration: None,
        }
    }

    /// Adds sums of a source.
    pub fn add(&mut self, source: SourceId, sums: &Sums) {
        self.sources.add(source, sums);
    }

    /// The sums over the posts of all sources.
    #[must_use]
    pub fn posts(&self) -> PostSums {
        let mut all = PostSums::default();
        for sums in self.sources.values() {
            all.merge(&sums.posts);
        }
        all
    }

    /// The sums over the posts of all sources with or without those that speak of the weather. `None`
    /// where a fold of version 1 wrote the row, which does not tell them apart.
    #[must_use]
    pub fn posts_by_talk(&self, talk: WeatherTalk) -> Option<PostSums> {
        let all = self.posts();
        if talk == WeatherTalk::All {
            return Some(all);
        }
        if !all.has_values() {
            return None;
        }
        let mut about_weather = PostSums::default();
        for sums in self.sources.values() {
            about_weather.merge(&sums.weather_talk);
        }
        Some(match talk {
            WeatherTalk::Only => about_weather,
            _ => all.without(&about_weather),
        })
    }
}
