//! The ingester's configuration: `[ingester]` and every `[[source]]`, read and checked as a whole.
//!
//! Guarantee: every fault is reported, none hides another; nothing is opened or asked.

mod file;
mod input;
mod live;
mod mastodon;
mod spool;
mod weather;
mod x;

use std::collections::BTreeSet;
use std::time::Duration;

use moodvane_model::{City, SourceId};
use moodvane_runtime::{Section, Settings};

pub use self::file::{PostFileConfig, WeatherFileConfig};
pub use self::input::{FileConfig, Input, Speed};
pub use self::live::BlueskyConfig;
pub use self::mastodon::MastodonConfig;
pub use self::weather::{ApiKey, WeatherConfig, WeatherProvider};
pub use self::x::XConfig;
use crate::backoff::Backoff;
use crate::recovery::{CircuitConfig, RetryPolicy};
use crate::spool::SpoolConfig;

/// The most messages of a source in flight. A crash makes the source send them again, and those of
/// an unsaved cursor too: together they must lie within the readers' duplicate window of 65,536.
const MAX_IN_FLIGHT: usize = 32_768;
const KINDS: &str = "open-meteo, openweathermap, weatherbit, weatherstack, apixu, nws, bluesky, mastodon, x, post-file or weather-file";

/// All that the ingester is told.
#[derive(Debug, Clone)]
pub struct IngesterConfig {
    /// The fewest formatter actors that there are.
    pub formatters_min: usize,
    /// The most formatter actors that there are.
    pub formatters_max: usize,
    /// How many messages an actor's mailbox holds.
    pub mailbox: usize,
    /// The most messages of a stream that make one batch.
    pub batch_posts: usize,
    /// The most batches of one source that are formatted or published at a time.
    pub batches_in_flight: usize,
    /// How long a failed source, or a log that is away, is left alone.
    pub backoff: Backoff,
    /// When a source that fails again and again rests for long.
    pub circuit: CircuitConfig,
    /// How much later than announced a source's sign of life may come, before it is made anew.
    pub watchdog_grace: Duration,
    /// How long a drain may take.
    pub drain: Duration,
    /// Where what cannot be asked again waits for a log that can be away; `None` for nowhere.
    pub spool: Option<SpoolConfig>,
    /// The sources; their ids differ.
    pub sources: Vec<SourceConfig>,
}

/// One source.
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
    /// The source's identifier.
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

    /// Whether it ends by itself.
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

    /// Whether it waits while the log is away: it can be asked again for what it said before, or, as
    /// standard input, keeps its writer waiting. The past hours of the weather are
    /// coarser than its observations, which are gone when they were not taken. Of what a stream of
    /// Mastodon or X brought some can be asked for again, but not all.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        !matches!(self, Self::Weather(_) | Self::Mastodon(_) | Self::X(_))
    }

    /// Whose waits hold when it failed.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        match self {
            Self::X(_) => RetryPolicy::X,
            _ => RetryPolicy::Standard,
        }
    }

    fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        // The kind decides which keys there are; an id is always one of them.
        let kind = section.text("kind")?;
        match kind.as_str() {
            weather if WeatherProvider::is_one(weather) => {
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
    /// Reads `[ingester]` and every `[[source]]`. `None` where there is a fault; the settings then
    /// hold all of them.
    #[must_use]
    pub fn read(settings: &Settings, cities: &[City]) -> Option<Self> {
        let section = settings.section("ingester");
        let formatters = read_formatters(&section);
        let mailbox = section.number("mailbox", 1..=65_536_usize);
        let batches = read_batches(&section);
        let backoff = read_backoff(&section);
        let circuit = read_circuit(&section);
        let deadline = section.millis("deadline_ms", 1_000..=3_600_000);
        let drain = section.millis("drain_ms", 0..=600_000);
        let spool = spool::read(settings);
        let sources = read_sources(settings, cities);
        let (batch_posts, batches_in_flight) = batches?;
        let (formatters_min, formatters_max) = formatters?;
        Some(Self {
            formatters_min,
            formatters_max,
            mailbox: mailbox?,
            batch_posts,
            batches_in_flight,
            backoff: backoff?,
            circuit: circuit?,
            watchdog_grace: deadline?,
            drain: drain?,
            spool: spool?,
            sources: sources?,
        })
    }
}

/// The fewest and the most formatters.
fn read_formatters(section: &Section<'_>) -> Option<(usize, usize)> {
    let least = section.number("formatters_least", 1..=256_usize);
    let most = section.number("formatters", 1..=256_usize);
    let (least, most) = (least?, most?);
    if least > most {
        let right = format!("must not be above formatters, {most}");
        section.fault("formatters_least", right);
        return None;
    }
    Some((least, most))
}

fn read_circuit(section: &Section<'_>) -> Option<CircuitConfig> {
    let failures = section.number("circuit_failures", 1..=1_000_000_u32);
    let rest = section.millis("circuit_rest_ms", 1..=86_400_000);
    Some(CircuitConfig {
        failures: failures?,
        cooldown: rest?,
    })
}

/// The most messages of a batch, and the most batches in flight.
fn read_batches(section: &Section<'_>) -> Option<(usize, usize)> {
    let posts = section.number("batch_posts", 1..=10_000_usize);
    let batches = section.number("batches_in_flight", 1..=64_usize);
    let (posts, batches) = (posts?, batches?);
    if posts * batches > MAX_IN_FLIGHT {
        let fault = format!(
            "{batches} batches of up to {posts} posts may be in flight, they must be {MAX_IN_FLIGHT} posts at most"
        );
        section.fault("batches_in_flight", fault);
        return None;
    }
    Some((posts, batches))
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
    let mut ids = BTreeSet::new();
    let mut distinct = true;
    for (section, source) in sections.iter().zip(&sources) {
        if let Some(source) = source
            && !ids.insert(source.id())
        {
            let id = source.id();
            section.fault(
                "id",
                format!("\"{id}\" is another source's id already, it must be its own"),
            );
            distinct = false;
        }
    }
    distinct &= one_reads_stdin(&sections, &sources);
    sources
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .filter(|_| distinct)
}

/// Two readers of standard input would each have some of its rows.
fn one_reads_stdin(sections: &[Section<'_>], sources: &[Option<SourceConfig>]) -> bool {
    let is_stdin =
        |source: &Option<SourceConfig>| source.as_ref().is_some_and(SourceConfig::is_stdin);
    let mut readers = sections
        .iter()
        .zip(sources)
        .filter(|(_, source)| is_stdin(source));
    readers.next();
    let mut one = true;
    for (section, _) in readers {
        let fault = "standard input is another source's already, one alone can read it";
        section.fault("path", fault);
        one = false;
    }
    one
}
