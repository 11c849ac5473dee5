//! The section `[processor]` of the configuration.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use moodvane_model::{Incarnation, Topic};
use moodvane_runtime::{Settings, read_duplicate_window, read_event_time_bounds};

use crate::EngineConfig;

/// The topics that a processor consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicChoice {
    /// One topic.
    One(Topic),
    /// Both topics.
    Both,
}

impl TopicChoice {
    /// The name of the choice in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One(topic) => topic.name(),
            Self::Both => "both",
        }
    }

    /// The chosen topics.
    #[must_use]
    pub fn topics(self) -> Vec<Topic> {
        match self {
            Self::One(topic) => vec![topic],
            Self::Both => Topic::ALL.to_vec(),
        }
    }
}

impl FromStr for TopicChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "both" => Ok(Self::Both),
            _ => text
                .parse()
                .map(Self::One)
                .map_err(|_| format!("\"{text}\" must be temperature, tweet or both")),
        }
    }
}

/// The configuration of a processor.
#[derive(Debug, Clone, Copy)]
pub struct ProcessorConfig {
    /// What the rows depend on, and the engine's bounds.
    pub engine: EngineConfig,
    /// The topics that it consumes.
    pub topics: TopicChoice,
    /// The number of threads that score a batch.
    pub scorer_threads: usize,
    /// The most records of a batch.
    pub batch_records: usize,
    /// The longest time between two flushes while records arrive.
    pub flush_interval: Duration,
    /// The most records between two flushes.
    pub flush_records: u64,
    /// The longest time that the drain may take.
    pub drain_timeout: Duration,
}

impl ProcessorConfig {
    /// Reads `[processor]` and the incarnation of `[eventlog]`. `settings` collects the errors.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("processor");
        let topics = section.parse("topic");
        let window = read_duplicate_window(settings);
        let bounds = read_event_time_bounds(settings);
        let flush_interval = section.millis("flush_interval_ms", 10..=60_000);
        let flush_records = section.number("flush_records", 1..=10_000_000u64);
        let scorer_threads = section.number("scorer_threads", 0..=64usize);
        let batch_records = section.number("batch_records", 1..=100_000usize);
        let open_rows = section.number("open_rows", 1..=1_000_000usize);
        let drain = section.millis("drain_ms", 100..=600_000);
        let incarnation = settings
            .section("eventlog")
            .number("incarnation", 1..=u32::MAX);
        Some(Self {
            engine: EngineConfig {
                window: window?,
                bounds: bounds?,
                incarnation: Incarnation(incarnation?),
                open_rows: open_rows?,
            },
            topics: topics?,
            scorer_threads: match scorer_threads? {
                // The number of CPUs that this process may use, including the limit of a container.
                0 => thread::available_parallelism().map_or(1, NonZeroUsize::get),
                threads => threads,
            },
            batch_records: batch_records?,
            flush_interval: flush_interval?,
            flush_records: flush_records?,
            drain_timeout: drain?,
        })
    }
}
