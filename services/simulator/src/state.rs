//! What all requests share: the simulated world, the clock and the ledgers.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moodvane_model::Timestamp;
use moodvane_runtime::{Clock, metrics};
use moodvane_sentiment::Scorer;
use prometheus::{IntCounter, Registry};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::SimulatorConfig;
use crate::error::SimulatorError;
use crate::faults::Faults;
use crate::feed::{Feed, moment};
use crate::journal::{Journal, Kind};
use crate::ledger::{self, PostLedger, WeatherLedger};
use crate::open_meteo::temperature;
use crate::playback::Order;
use crate::truth::Truth;
use crate::weather::Climate;
use crate::x::Rules;

/// How many clients may hold the stream open at once.
const MAX_SUBSCRIBERS: usize = 64;
/// How many truths may be made or wait to be made at once.
const MAX_TRUTHS: usize = 4;

/// What the simulator has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Served {
    /// Clients that opened the stream.
    pub subscriptions: u64,
    /// Messages handed to sockets of the stream, copies included.
    pub messages: u64,
    /// Those of them that were copies.
    pub copies: u64,
    /// Answers with current weather.
    pub current: u64,
    /// Answers with hourly weather.
    pub history: u64,
}

/// Counts as the simulator goes.
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
                "Messages handed to sockets of the stream, copies included",
            ),
            copies: counter("copies", "Messages that were copies"),
            current: counter("current", "Answers with current weather"),
            history: counter("history", "Answers with hourly weather"),
            truths: counter("truths", "Truths that were made"),
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

    pub(crate) fn served(&self) -> Served {
        Served {
            subscriptions: self.subscriptions.get(),
            messages: self.messages.get(),
            copies: self.copies.get(),
            current: self.current.get(),
            history: self.history.get(),
        }
    }
}

/// Which `current` value is being served, and since when.
#[derive(Debug, Clone, Copy)]
struct Held {
    slot: Timestamp,
    since: Timestamp,
}

/// What all requests share.
pub(crate) type Shared = Arc<World>;

/// The simulated world.
pub(crate) struct World {
    pub(crate) config: SimulatorConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) feed: Arc<Feed>,
    pub(crate) order: Order,
    pub(crate) climate: Climate,
    pub(crate) counters: Counters,
    pub(crate) registry: Registry,
    pub(crate) subscribers: Arc<Semaphore>,
    pub(crate) truths: Arc<Semaphore>,
    pub(crate) faults: Faults,
    pub(crate) x_rules: Rules,
    /// X allows one connection.
    pub(crate) x_stream: Arc<Semaphore>,
    posts: Mutex<PostLedger>,
    weather: Mutex<WeatherLedger>,
    journal: Mutex<Option<Journal>>,
    held: Mutex<Option<Held>>,
}

impl World {
    pub(crate) fn new(
        config: SimulatorConfig,
        scorer: Box<dyn Scorer>,
        clock: Arc<dyn Clock>,
        shutdown: CancellationToken,
    ) -> Result<Self, SimulatorError> {
        config.check()?;
        let feed = Arc::new(Feed::new(&config)?);
        let order = Order::new(&config, feed.schedule().clone());
        let posts = PostLedger::new(&config, Arc::clone(&feed), order.clone(), scorer);
        let (climate, registry) = (config.climate(), Registry::new());
        let (journal, served) = config.journal.as_deref().map(open).transpose()?.unzip();
        let served = served.unwrap_or_default();
        let mut weather = WeatherLedger::new(config.weather_source);
        for (_, at) in &served {
            weather.served(*at, temperature(&climate.at(*at)));
        }
        let last = served.iter().rfind(|(kind, _)| *kind == Kind::Current);
        Ok(Self {
            climate,
            posts: Mutex::new(posts),
            weather: Mutex::new(weather),
            journal: Mutex::new(journal),
            // Served once more: the client may have died with the simulator, before it stored it.
            held: Mutex::new(last.map(|(_, slot)| Held {
                slot: *slot,
                since: clock.now(),
            })),
            counters: Counters::new(&registry),
            registry,
            subscribers: Arc::new(Semaphore::new(MAX_SUBSCRIBERS)),
            truths: Arc::new(Semaphore::new(MAX_TRUTHS)),
            faults: Faults::default(),
            x_rules: Rules::default(),
            x_stream: Arc::new(Semaphore::new(1)),
            config,
            clock,
            shutdown,
            feed,
            order,
        })
    }

    /// Now, in microseconds since 1970-01-01 UTC.
    pub(crate) fn now_us(&self) -> i64 {
        self.clock.now().millis() * 1_000
    }

    /// The truth up to now. Scores what became due since the last time, so it may take seconds the
    /// first time.
    pub(crate) fn truth(&self) -> Truth {
        let now = self.clock.now();
        let mut posts = locked(&self.posts);
        posts.advance(now);
        ledger::truth(self.config.city.id, &posts, &locked(&self.weather))
    }

    /// Remembers temperatures as served. Called before they are sent, so that no client can have
    /// one that the truth does not know.
    pub(crate) fn record_weather(
        &self,
        kind: Kind,
        values: impl IntoIterator<Item = (Timestamp, f64)>,
    ) {
        let mut weather = locked(&self.weather);
        let new = |(at, celsius): (Timestamp, f64)| weather.served(at, celsius).then_some(at);
        let times: Vec<Timestamp> = values.into_iter().filter_map(new).collect();
        if let Some(journal) = locked(&self.journal).as_mut()
            && let Err(error) = journal.append(kind, &times)
        {
            tracing::error!(%error, "served weather is not remembered beyond this process");
        }
    }

    /// The moment whose weather is `current` now: the interval's beginning, or the one before
    /// while that was first served less than `hold` ago.
    pub(crate) fn current_slot(&self, now: Timestamp) -> Timestamp {
        let interval_ms = i64::from(self.config.interval_s) * 1_000;
        let slot = moment(now.millis() - now.millis() % interval_ms);
        let hold_ms = i64::try_from(self.config.hold.as_millis()).unwrap_or(i64::MAX);
        let mut held = locked(&self.held);
        if let Some(Held { slot: old, since }) = *held {
            let is_held = (0..hold_ms).contains(&(now.millis() - since.millis()));
            if old == slot || (is_held && old < slot) {
                return old;
            }
        }
        *held = Some(Held { slot, since: now });
        slot
    }
}

fn open(path: &Path) -> Result<(Journal, Vec<(Kind, Timestamp)>), SimulatorError> {
    let path_text = || path.display().to_string();
    Journal::open(path).map_err(|source| SimulatorError::Journal {
        path: path_text(),
        source,
    })
}

/// A panic elsewhere leaves the ledgers whole: each change is one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
