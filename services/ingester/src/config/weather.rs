//! The sources of live weather.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use moodvane_model::{City, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::{nws, open_meteo};
use url::Url;

use super::live::checked_url;

const DAY_S: u32 = 86_400;
/// The longest word about whom to turn to, in bytes.
const MAX_CONTACT_BYTES: usize = 128;

/// Live weather from one provider.
#[derive(Debug, Clone)]
pub struct WeatherConfig {
    /// The source's identifier.
    pub id: SourceId,
    /// Whom to ask.
    pub provider: WeatherProvider,
    /// Where the API is, http or https.
    pub base_url: Url,
    /// The cities asked for.
    pub cities: Vec<City>,
    /// How often each city is asked for at the most.
    pub poll: Duration,
    /// The most requests of a day for all cities together; they are spread evenly over the day, also
    /// over a restart.
    pub calls_per_day: Option<NonZeroU32>,
    /// How many days back a gap is filled at the start; 0 for none, and where the provider has none.
    pub history_days: u8,
}

/// A provider of live weather, and what it must be shown.
#[derive(Debug, Clone)]
pub enum WeatherProvider {
    /// Open-Meteo.
    OpenMeteo,
    /// OpenWeatherMap, current weather of API 2.5.
    OpenWeatherMap(ApiKey),
    /// Weatherbit, current weather of API 2.0.
    Weatherbit(ApiKey),
    /// Whoever speaks as Apixu did.
    Apixu(ApiKey),
    /// Weatherstack, current weather.
    Weatherstack(ApiKey),
    /// The National Weather Service of the United States.
    Nws {
        /// Whom the service may turn to, such as a mail address; empty for nobody.
        contact: String,
    },
}

/// A provider's key. It is never shown.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A key.
    #[must_use]
    pub fn new(key: String) -> Self {
        Self(key)
    }

    /// The secret `<name>` of a source: from the file that `<name>_file` names, or from the variable of
    /// the environment that `<name>_env` names. `Some(None)` where neither is given.
    pub(super) fn read(name: &str, section: &Section<'_>) -> Option<Option<Self>> {
        Some(section.element_secret(name)?.map(Self))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What holds for a provider where nothing else is said.
struct Defaults {
    base_url: &'static str,
    poll_s: u64,
    /// Requests a day.
    calls_per_day: u32,
    max_history_days: u8,
}

/// Requests a day of whoever counts none.
const UNCOUNTED: u32 = 0;

impl Defaults {
    /// The pace that each provider documents for its free plan.
    fn of(kind: &str) -> Option<Self> {
        let of = |base_url, poll_s, calls_per_day, max_history_days| Self {
            base_url,
            poll_s,
            calls_per_day,
            max_history_days,
        };
        let defaults = match kind {
            "open-meteo" => {
                let days = open_meteo::MAX_PAST_DAYS;
                of("https://api.open-meteo.com", 60, UNCOUNTED, days)
            }
            // openweathermap.org/appid: "no more than one time every 10 minutes for one location".
            "openweathermap" => of("https://api.openweathermap.org", 600, UNCOUNTED, 0),
            // weatherbit.io/pricing: 50 requests a day.
            "weatherbit" => of("https://api.weatherbit.io", 60, 50, 0),
            // Nobody documents its pace any more; its values changed each 15 minutes.
            "apixu" => of("https://api.apixu.com", 60, UNCOUNTED, 0),
            // weatherstack.com/product: 100 requests a month.
            "weatherstack" => of("https://api.weatherstack.com", 60, 3, 0),
            // weather.gov/documentation/services-web-api: no number, "a generous amount".
            "nws" => of("https://api.weather.gov", 60, UNCOUNTED, nws::MAX_PAST_DAYS),
            _ => return None,
        };
        Some(defaults)
    }
}

impl WeatherConfig {
    /// How often each city is asked for: as seldom as the budget wants it, where there is one.
    pub(crate) fn interval(&self) -> Duration {
        let Some(calls) = self.calls_per_day else {
            return self.poll;
        };
        let cities = u32::try_from(self.cities.len()).unwrap_or(u32::MAX);
        let spread = Duration::from_secs(u64::from(DAY_S)) * cities / calls.get();
        self.poll.max(spread)
    }

    /// Reads a source of `kind`; `None` too where that is no provider of weather.
    pub(super) fn read(kind: &str, section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let defaults = Defaults::of(kind)?;
        let id = section.parse("id");
        let base_url = section.text_or("base_url", defaults.base_url);
        let base_url = base_url.and_then(|url| checked_url(section, &url, ["http", "https"]));
        let poll = section.number_or("poll_s", 1..=u64::from(DAY_S), defaults.poll_s);
        let calls = section.number_or("calls_per_day", 0..=1_000_000, defaults.calls_per_day);
        let history_days = match defaults.max_history_days {
            0 => Some(0),
            max => section.number_or("history_days", 0..=max, 0),
        };
        let provider = WeatherProvider::read(kind, section);
        Some(Self {
            id: id?,
            provider: provider?,
            base_url: base_url?,
            cities: cities.to_vec(),
            poll: Duration::from_secs(poll?),
            calls_per_day: NonZeroU32::new(calls?),
            history_days: history_days?,
        })
    }
}

impl WeatherProvider {
    /// Whether `kind` names one.
    pub(super) fn is_one(kind: &str) -> bool {
        Defaults::of(kind).is_some()
    }

    fn read(kind: &str, section: &Section<'_>) -> Option<Self> {
        match kind {
            "open-meteo" => Some(Self::OpenMeteo),
            "nws" => read_contact(section).map(|contact| Self::Nws { contact }),
            "openweathermap" => read_key(section).map(Self::OpenWeatherMap),
            "weatherbit" => read_key(section).map(Self::Weatherbit),
            "apixu" => read_key(section).map(Self::Apixu),
            "weatherstack" => read_key(section).map(Self::Weatherstack),
            _ => None,
        }
    }

    /// The key that it must be shown, where it wants one.
    pub(crate) fn key(&self) -> Option<&ApiKey> {
        match self {
            Self::OpenMeteo | Self::Nws { .. } => None,
            Self::OpenWeatherMap(key)
            | Self::Weatherbit(key)
            | Self::Apixu(key)
            | Self::Weatherstack(key) => Some(key),
        }
    }
}

fn read_key(section: &Section<'_>) -> Option<ApiKey> {
    let key = section.element_secret("key")?;
    if key.is_none() {
        section.fault(
            "key_file",
            "the provider wants a key: name a file with it, or with key_env a variable of the environment",
        );
    }
    key.map(ApiKey)
}

fn read_contact(section: &Section<'_>) -> Option<String> {
    let contact = section.text_or("contact", "")?;
    let is_good = contact.len() <= MAX_CONTACT_BYTES
        && contact.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if !is_good {
        let right = format!("must be at most {MAX_CONTACT_BYTES} printable ASCII characters");
        section.fault("contact", right);
    }
    is_good.then_some(contact)
}
