//! The state of all requests: the simulated world, the clock and the ledgers.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moodvane_model::{City, CityId, Timestamp};
use moodvane_runtime::{Clock, metrics};
use moodvane_sentiment::Scorer;
use moodvane_world::Weather;
use prometheus::{IntCounter, Registry};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::SimulatorConfig;
use crate::error::SimulatorError;
use crate::faults::FaultQueues;
use crate::feed::{Feed, timestamp};
use crate::journal::{Journal, ServedWeather, WeatherKind};
use crate::ledger::{self, PostLedger, WeatherLedger};
use crate::open_meteo::temperature;
use crate::playback::DeliveryOrder;
use crate::truth::Truth;
use crate::x::StreamRules;

/// Limit of open streams.
const MAX_SUBSCRIBERS: usize = 64;
/// Limit of concurrent computations of the truth.
const MAX_CONCURRENT_TRUTHS: usize = 4;

/// Counts since the start of the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SimulatorStats {
    /// Clients that opened the stream.
    pub subscriptions: u64,
    /// Messages written to sockets of the stream, including copies.
    pub messages: u64,
    /// Messages that were copies.
    pub copies: u64,
    /// Responses with current weather.
    pub current: u64,
    /// Responses with hourly weather.
    pub history: u64,
}

/// The simulator's metrics.
pub(crate) struct Counters {
    subscriptions: IntCounter,
    messages: IntCounter,
    copies: IntCounter,
    current: IntCounter,
    history: IntCounter,
    truths: IntCounter,
}

impl Counters {
    fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| {
            metrics::counter(registry, &format!("moodvane_simulator_{name}_total"), help)
        };
        Self {
            subscriptions: counter("subscriptions", "Clients that opened the stream"),
            messages: counter(
                "messages",
                "Messages written to sockets of the stream, including copies",
            ),
            copies: counter("copies", "Messages that were copies"),
            current: counter("current", "Responses with current weather"),
            history: counter("history", "Responses with hourly weather"),
            truths: counter("truths", "Computed truths"),
        }
    }

    pub(crate) fn subscription(&self) {
        self.subscriptions.inc();
    }

    pub(crate) fn message(&self, copy: bool) {
        self.messages.inc();
        self.copies.inc_by(u64::from(copy));
    }

    pub(crate) fn current(&self) {
        self.current.inc();
    }

    pub(crate) fn history(&self) {
        self.history.inc();
    }

    pub(crate) fn truth(&self) {
        self.truths.inc();
    }

    pub(crate) fn stats(&self) -> SimulatorStats {
        SimulatorStats {
            subscriptions: self.subscriptions.get(),
            messages: self.messages.get(),
            copies: self.copies.get(),
            current: self.current.get(),
            history: self.history.get(),
        }
    }
}

/// The `current` value of a city being served, and the time of its first response.
#[derive(Debug, Clone, Copy)]
struct HeldSlot {
    slot: Timestamp,
    since: Timestamp,
}

/// A city with the weather that was served of it.
pub(crate) struct Place {
    pub(crate) city: City,
    /// Its index in the configuration.
    pub(crate) index: usize,
    served: Mutex<WeatherLedger>,
    held: Mutex<Option<HeldSlot>>,
}

/// The world as a handler's state.
pub(crate) type SharedWorld = Arc<World>;

/// The simulated world.
pub(crate) struct World {
    pub(crate) config: SimulatorConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) feed: Arc<Feed>,
    pub(crate) order: DeliveryOrder,
    pub(crate) places: Vec<Place>,
    pub(crate) counters: Counters,
    pub(crate) registry: Registry,
    pub(crate) subscribers: Arc<Semaphore>,
    pub(crate) truths: Arc<Semaphore>,
    pub(crate) faults: FaultQueues,
    pub(crate) x_rules: StreamRules,
    /// X allows one connection.
    pub(crate) x_stream: Arc<Semaphore>,
    posts: Mutex<PostLedger>,
    journal: Mutex<Option<Journal>>,
}

impl World {
    pub(crate) fn new(
        config: SimulatorConfig,
        scorer: Box<dyn Scorer>,
        clock: Arc<dyn Clock>,
        shutdown: CancellationToken,
    ) -> Result<Self, SimulatorError> {
        config.validate()?;
        let feed = Arc::new(Feed::new(&config)?);
        let order = DeliveryOrder::new(&config, feed.schedule().clone());
        let posts = PostLedger::new(&config, Arc::clone(&feed), order.clone(), scorer);
        let registry = Registry::new();
        let (journal, served) = config
            .journal
            .as_deref()
            .map(open_journal)
            .transpose()?
            .unzip();
        let served = served.unwrap_or_default();
        let places = (0..config.cities.len())
            .map(|index| Place::new(index, &config, &feed, &served, clock.now()))
            .collect();
        Ok(Self {
            places,
            posts: Mutex::new(posts),
            journal: Mutex::new(journal),
            counters: Counters::new(&registry),
            registry,
            subscribers: Arc::new(Semaphore::new(MAX_SUBSCRIBERS)),
            truths: Arc::new(Semaphore::new(MAX_CONCURRENT_TRUTHS)),
            faults: FaultQueues::default(),
            x_rules: StreamRules::default(),
            x_stream: Arc::new(Semaphore::new(1)),
            config,
            clock,
            shutdown,
            feed,
            order,
        })
    }

    /// The current time in microseconds since 1970-01-01 UTC.
    pub(crate) fn now_us(&self) -> i64 {
        self.clock.now().millis() * 1_000
    }

    /// The truth up to now. Scores the posts that became due since the last call, so the first call may
    /// take seconds.
    pub(crate) fn truth(&self) -> Truth {
        let now = self.clock.now();
        let mut posts = lock(&self.posts);
        posts.advance(now);
        let truth = |place: &Place| {
            ledger::build_truth((place.index, place.city.id), &posts, &lock(&place.served))
        };
        Truth {
            others: self.places[1..].iter().map(truth).collect(),
            // A valid configuration has a city.
            ..truth(&self.places[0])
        }
    }

    /// The weather of a place.
    pub(crate) fn weather(&self, place: &Place, at: Timestamp) -> Weather {
        self.feed.world().weather(place.index, at)
    }

    /// Records temperatures of a place as served. Call it before sending them, so that no client has one that is
    /// missing in the truth.
    pub(crate) fn record_weather(
        &self,
        place: &Place,
        kind: WeatherKind,
        values: impl IntoIterator<Item = (Timestamp, f64)>,
    ) {
        let mut served = lock(&place.served);
        let new = |(at, celsius): (Timestamp, f64)| served.record(at, celsius).then_some(at);
        let times: Vec<Timestamp> = values.into_iter().filter_map(new).collect();
        if let Some(journal) = lock(&self.journal).as_mut()
            && let Err(error) = journal.append(kind, place.journal_id(), &times)
        {
            tracing::error!(%error, "cannot append to the journal, a restart forgets served weather");
        }
    }

    /// The time whose weather is `current` at a place now: the start of the interval, or of the previous
    /// one if that was first served less than `hold` ago.
    pub(crate) fn current_slot(&self, place: &Place, now: Timestamp) -> Timestamp {
        let interval_ms = i64::from(self.config.interval_s) * 1_000;
        let slot = timestamp(now.millis() - now.millis() % interval_ms);
        let hold_ms = i64::try_from(self.config.hold.as_millis()).unwrap_or(i64::MAX);
        let mut held = lock(&place.held);
        if let Some(HeldSlot { slot: old, since }) = *held {
            let is_held = (0..hold_ms).contains(&(now.millis() - since.millis()));
            if old == slot || (is_held && old < slot) {
                return old;
            }
        }
        *held = Some(HeldSlot { slot, since: now });
        slot
    }
}

impl Place {
    /// City `index` with the weather that an earlier process served.
    fn new(
        index: usize,
        config: &SimulatorConfig,
        feed: &Feed,
        served: &[ServedWeather],
        now: Timestamp,
    ) -> Self {
        let city = config.cities[index].clone();
        let mut ledger = WeatherLedger::new(config.weather_source);
        let mut held = None;
        let id = journal_id(index, &city);
        for entry in served.iter().filter(|entry| entry.city == id) {
            let weather = feed.world().weather(index, entry.at);
            ledger.record(entry.at, temperature(&weather));
            if entry.kind == WeatherKind::Current {
                // Serves it once more: the client may have died with the simulator, before it stored it.
                held = Some(HeldSlot {
                    slot: entry.at,
                    since: now,
                });
            }
        }
        Self {
            city,
            index,
            served: Mutex::new(ledger),
            held: Mutex::new(held),
        }
    }

    fn journal_id(&self) -> Option<CityId> {
        journal_id(self.index, &self.city)
    }
}

fn journal_id(index: usize, city: &City) -> Option<CityId> {
    (index > 0).then_some(city.id)
}

fn open_journal(path: &Path) -> Result<(Journal, Vec<ServedWeather>), SimulatorError> {
    let path_text = || path.display().to_string();
    Journal::open(path).map_err(|source| SimulatorError::Journal {
        path: path_text(),
        source,
    })
}

/// Ignores poisoning: a panic leaves the ledgers consistent, because each change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
