//! The ingester's configuration: `[ingester]` and every `[[source]]`, read and checked together.
//!
//! Guarantee: reading reports every fault, not only the first, and opens no file or connection
//! except the files of secrets.

mod bluesky;
mod fields;
mod file;
mod input;
mod mastodon;
mod resend;
mod secret;
mod spool;
mod weather;
mod x;

use std::collections::BTreeSet;
use std::time::Duration;

use moodvane_model::{City, EventTimeBounds, SourceId};
use moodvane_retry::Backoff;
use moodvane_runtime::{Section, Settings, read_event_time_bounds};

pub use self::bluesky::BlueskyConfig;
pub use self::file::{PostFileConfig, WeatherFileConfig};
pub use self::input::{FileConfig, Input, Speed};
pub use self::mastodon::MastodonConfig;
pub use self::secret::ApiKey;
pub use self::weather::{WeatherConfig, WeatherProvider};
pub use self::x::XConfig;
use crate::recovery::{CircuitConfig, RetryPolicy};
use crate::spool::SpoolConfig;

const KINDS: &str = "open-meteo, openweathermap, weatherbit, weatherstack, apixu, nws, bluesky, mastodon, x, post-file or weather-file";

/// Configuration of the ingester.
#[derive(Debug, Clone)]
pub struct IngesterConfig {
    /// Minimum number of formatter actors.
    pub formatters_min: usize,
    /// Maximum number of formatter actors.
    pub formatters_max: usize,
    /// Capacity of an actor's mailbox, in messages.
    pub mailbox: usize,
    /// Maximum number of messages of a stream in one batch.
    pub batch_posts: usize,
    /// Maximum number of batches per source that are formatted or published at a time.
    pub batches_in_flight: usize,
    /// Delay before a failed source or an unavailable log is retried.
    pub backoff: Backoff,
    /// When repeated failures open a source's circuit.
    pub circuit: CircuitConfig,
    /// How long after its announced deadline a silent source is restarted.
    pub watchdog_grace: Duration,
    /// Time limit of a drain.
    pub drain: Duration,
    /// Spool for records of non-replayable sources while the log is unavailable; `None` if
    /// disabled.
    pub spool: Option<SpoolConfig>,
    /// Which observations are too old or in the future: the processor's bounds.
    pub bounds: EventTimeBounds,
    /// The sources; their ids differ.
    pub sources: Vec<SourceConfig>,
}

/// Configuration of one source.
#[derive(Debug, Clone)]
pub enum SourceConfig {
    /// Live weather.
    Weather(WeatherConfig),
    /// Live posts from a Bluesky Jetstream.
    Bluesky(BlueskyConfig),
    /// Live posts from a Mastodon server.
    Mastodon(MastodonConfig),
    /// Live posts from X.
    X(XConfig),
    /// Posts from a file.
    PostFile(PostFileConfig),
    /// Weather from a file.
    WeatherFile(WeatherFileConfig),
}

impl SourceConfig {
    /// Identifier of the source.
    #[must_use]
    pub fn id(&self) -> SourceId {
        match self {
            Self::Weather(config) => config.id,
            Self::Bluesky(config) => config.id,
            Self::Mastodon(config) => config.id,
            Self::X(config) => config.id,
            Self::PostFile(config) => config.id,
            Self::WeatherFile(config) => config.id,
        }
    }

    /// Whether the source ends by itself.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        matches!(self, Self::PostFile(_) | Self::WeatherFile(_))
    }

    /// Whether the input is standard input.
    fn is_stdin(&self) -> bool {
        let file = match self {
            Self::PostFile(config) => &config.file,
            Self::WeatherFile(config) => &config.file,
            _ => return false,
        };
        file.input == Input::Stdin
    }

    /// Whether the source waits while the log is unavailable, because its upstream can send past
    /// messages again, or, as standard input, blocks its writer. The history of a weather provider
    /// is coarser than its observations, which are lost unless they are read in time. Mastodon and
    /// X can repeat only some of the posts of a stream.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        !matches!(self, Self::Weather(_) | Self::Mastodon(_) | Self::X(_))
    }

    /// Delays after failures of the source.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        match self {
            Self::X(_) => RetryPolicy::X,
            _ => RetryPolicy::Standard,
        }
    }

    fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let kind = section.text("kind")?;
        match kind.as_str() {
            weather if WeatherProvider::is_kind(weather) => {
                WeatherConfig::read(weather, section, cities).map(Self::Weather)
            }
            "bluesky" => BlueskyConfig::read(section, cities).map(Self::Bluesky),
            "mastodon" => MastodonConfig::read(section, cities).map(Self::Mastodon),
            "x" => XConfig::read(section, cities).map(Self::X),
            "post-file" => PostFileConfig::read(section, cities).map(Self::PostFile),
            "weather-file" => WeatherFileConfig::read(section, cities).map(Self::WeatherFile),
            other => {
                section.fault("kind", format!("\"{other}\" must be {KINDS}"));
                None
            }
        }
    }
}

impl IngesterConfig {
    /// Reads `[ingester]`, every `[[source]]`, and the plausible times of `[processor]`. Returns
    /// `None` after a fault; `settings` then holds all faults.
    #[must_use]
    pub fn read(settings: &Settings, cities: &[City]) -> Option<Self> {
        let section = settings.section("ingester");
        let formatters = read_formatters(&section);
        let mailbox = section.number("mailbox", 1..=65_536_usize);
        let batches = read_batches(&section);
        let backoff = read_backoff(&section);
        let circuit = read_circuit(&section);
        let watchdog_grace = section.millis("deadline_ms", 1_000..=3_600_000);
        let drain = section.millis("drain_ms", 0..=600_000);
        let spool = spool::read(settings);
        let bounds = read_event_time_bounds(settings);
        let sources = read_sources(settings, cities);
        let (batch_posts, batches_in_flight) = batches?;
        let (formatters_min, formatters_max) = formatters?;
        let config = Self {
            formatters_min,
            formatters_max,
            mailbox: mailbox?,
            batch_posts,
            batches_in_flight,
            backoff: backoff?,
            circuit: circuit?,
            watchdog_grace: watchdog_grace?,
            drain: drain?,
            spool: spool?,
            bounds: bounds?,
            sources: sources?,
        };
        config.check_resend_budget(settings)?;
        Some(config)
    }
}

/// The minimum and the maximum number of formatters.
fn read_formatters(section: &Section<'_>) -> Option<(usize, usize)> {
    let min = section.number("formatters_least", 1..=256_usize);
    let max = section.number("formatters", 1..=256_usize);
    let (min, max) = (min?, max?);
    if min > max {
        let expected = format!("must not be above formatters, {max}");
        section.fault("formatters_least", expected);
        return None;
    }
    Some((min, max))
}

fn read_circuit(section: &Section<'_>) -> Option<CircuitConfig> {
    let failures = section.number("circuit_failures", 1..=1_000_000_u32);
    let cooldown = section.millis("circuit_rest_ms", 1..=86_400_000);
    Some(CircuitConfig {
        failures: failures?,
        cooldown: cooldown?,
    })
}

/// The maximum number of messages in a batch, and of batches in flight.
fn read_batches(section: &Section<'_>) -> Option<(usize, usize)> {
    let posts = section.number("batch_posts", 1..=10_000_usize);
    let batches = section.number("batches_in_flight", 1..=64_usize);
    Some((posts?, batches?))
}

fn read_backoff(section: &Section<'_>) -> Option<Backoff> {
    let min = section.millis("backoff_min_ms", 1..=3_600_000);
    let max = section.millis("backoff_max_ms", 1..=3_600_000);
    Backoff::new(min?, max?)
        .map_err(|error| section.fault("backoff_max_ms", error.to_string()))
        .ok()
}

fn read_sources(settings: &Settings, cities: &[City]) -> Option<Vec<SourceConfig>> {
    let sections = settings.tables("source");
    let sources: Vec<Option<SourceConfig>> = sections
        .iter()
        .map(|section| SourceConfig::read(section, cities))
        .collect();
    let has_unique_ids = check_ids(&sections, &sources);
    let has_one_stdin = check_stdin(&sections, &sources);
    sources
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .filter(|_| has_unique_ids && has_one_stdin)
}

fn check_ids(sections: &[Section<'_>], sources: &[Option<SourceConfig>]) -> bool {
    let mut ids = BTreeSet::new();
    let mut is_valid = true;
    for (section, source) in sections.iter().zip(sources) {
        let Some(id) = source.as_ref().map(SourceConfig::id) else {
            continue;
        };
        if !ids.insert(id) {
            section.fault("id", format!("\"{id}\" is the id of another source"));
            is_valid = false;
        }
    }
    is_valid
}

/// Two readers of standard input would each get some of its rows.
fn check_stdin(sections: &[Section<'_>], sources: &[Option<SourceConfig>]) -> bool {
    let is_stdin =
        |source: &Option<SourceConfig>| source.as_ref().is_some_and(SourceConfig::is_stdin);
    let readers = sections
        .iter()
        .zip(sources)
        .filter(|(_, source)| is_stdin(source));
    let mut is_valid = true;
    for (section, _) in readers.skip(1) {
        section.fault("path", "standard input is the input of another source");
        is_valid = false;
    }
    is_valid
}
