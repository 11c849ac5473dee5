//! How many records the ingester may send twice after a crash: its resend budget, by topic.
//!
//! Terms: see [`ResendBudget`]. The parts of all sources of a topic add up, because a crash
//! interrupts them together and the log interleaves their repeats. A budget counts a message as one
//! record: it is one per matching city, and few messages name several cities.

use std::collections::BTreeSet;

use moodvane_model::{ResendBudget, Topic};
use moodvane_runtime::{Settings, read_duplicate_window};
use moodvane_upstream::mastodon;

use super::{IngesterConfig, SourceConfig, WeatherConfig};
use crate::cursor::MAX_UNSAVED;
use crate::jetstream::OTHER_HOST_REWIND;
use crate::spool::DRAIN_CHUNK;
use crate::{file, mastodon as mastodon_source};

/// The assumed peak rate of a stream, to convert a rewind to records: twice the rate of the whole
/// network of Bluesky, about 50 posts a second.
const PEAK_POSTS_PER_S: u64 = 100;
const HOURS_PER_DAY: usize = 24;

impl IngesterConfig {
    /// The topics that the sources write.
    #[must_use]
    pub fn topics(&self) -> BTreeSet<Topic> {
        self.sources.iter().map(SourceConfig::topic).collect()
    }

    /// The records of a topic that may repeat after a crash.
    #[must_use]
    pub fn resend_budget(&self, topic: Topic) -> ResendBudget {
        let sources = self.sources.iter().filter(|source| source.topic() == topic);
        let sent: ResendBudget = sources
            .clone()
            .map(|source| self.source_budget(source))
            .sum();
        // All cursors are saved once the process has published so many records.
        let has_cursor = sources.clone().any(SourceConfig::saves_cursor);
        ResendBudget {
            unsaved: if has_cursor { MAX_UNSAVED } else { 0 },
            // A source that is no longer configured may have left records in it.
            spool: if self.spool.is_some() {
                records(DRAIN_CHUNK.entries)
            } else {
                0
            },
            ..sent
        }
    }

    fn source_budget(&self, source: &SourceConfig) -> ResendBudget {
        let (posts, batches) = (self.batch_posts, self.batches_in_flight);
        let in_flight = match source {
            SourceConfig::PostFile(_) | SourceConfig::WeatherFile(_) => {
                file::CHUNK_RECORDS * batches.min(file::MAX_IN_FLIGHT)
            }
            SourceConfig::Weather(config) => weather_in_flight(config, posts),
            SourceConfig::Bluesky(_) | SourceConfig::Mastodon(_) | SourceConfig::X(_) => {
                posts * batches
            }
        };
        ResendBudget {
            in_flight: records(in_flight),
            rewind: source.rewind_records(),
            ..ResendBudget::default()
        }
    }

    /// Adds a fault for each topic whose budget does not fit into `processor.window`. Returns whether
    /// all fit.
    pub(super) fn check_resend_budget(&self, settings: &Settings) -> Option<()> {
        let window = read_duplicate_window(settings)?;
        let mut fits = true;
        for topic in Topic::ALL {
            if let Err(error) = window.check(self.resend_budget(topic)) {
                let fault = format!(
                    "{error} of topic {topic}: raise it, or lower ingester.batch_posts, \
                     ingester.batches_in_flight or the rewind of a source"
                );
                settings.section("processor").fault("window", fault);
                fits = false;
            }
        }
        fits.then_some(())
    }
}

impl SourceConfig {
    /// The topic of its records.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Weather(_) | Self::WeatherFile(_) => Topic::Temperature,
            Self::Bluesky(_) | Self::Mastodon(_) | Self::X(_) | Self::PostFile(_) => Topic::Tweet,
        }
    }

    /// Whether it saves a cursor at intervals. Live weather saves one with every observation; X has
    /// none.
    fn saves_cursor(&self) -> bool {
        !matches!(self, Self::Weather(_) | Self::X(_))
    }

    /// The records before its cursor that it requests again.
    fn rewind_records(&self) -> u64 {
        match self {
            Self::Bluesky(config) if config.other_urls.is_empty() => {
                config.rewind.as_secs() * PEAK_POSTS_PER_S
            }
            Self::Bluesky(config) => {
                config.rewind.max(OTHER_HOST_REWIND).as_secs() * PEAK_POSTS_PER_S
            }
            Self::Mastodon(_) => records(mastodon_source::MAX_PAGES * mastodon::PAGE_SIZE),
            Self::X(config) => {
                let backfill = u64::from(config.backfill_minutes) * 60 * PEAK_POSTS_PER_S;
                backfill.min(config.posts_per_day)
            }
            Self::Weather(_) | Self::PostFile(_) | Self::WeatherFile(_) => 0,
        }
    }
}

/// Each city has one batch in flight: an observation, or a part of the history.
fn weather_in_flight(config: &WeatherConfig, batch: usize) -> usize {
    let history = usize::from(config.history_days) * HOURS_PER_DAY;
    config.cities.len() * history.clamp(1, batch.max(1))
}

/// As a number of records.
fn records(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
