//! Sources of live weather.

use std::num::NonZeroU32;
use std::time::Duration;

use moodvane_model::{City, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::{nws, open_meteo};
use url::Url;

use super::fields::parse_url;
use super::secret::ApiKey;

const DAY_S: u32 = 86_400;
const MAX_CONTACT_BYTES: usize = 128;

/// Live weather from one provider.
#[derive(Debug, Clone)]
pub struct WeatherConfig {
    /// Identifier of the source.
    pub id: SourceId,
    /// The provider.
    pub provider: WeatherProvider,
    /// URL of the API, http or https.
    pub base_url: Url,
    /// The cities to poll.
    pub cities: Vec<City>,
    /// Shortest interval between two requests for a city.
    pub poll: Duration,
    /// Budget of requests per day for all cities together, spread evenly over the day, also across
    /// restarts. Each city of a list counts as a request.
    pub calls_per_day: Option<NonZeroU32>,
    /// How many days of a gap the history fills at start; 0 for none, and for providers without a
    /// history.
    pub history_days: u8,
}

/// A provider of live weather, and how to authenticate to it.
#[derive(Debug, Clone)]
pub enum WeatherProvider {
    /// Open-Meteo.
    OpenMeteo,
    /// OpenWeatherMap, current weather of API 2.5.
    OpenWeatherMap(ApiKey),
    /// Weatherbit, current weather of API 2.0.
    Weatherbit(ApiKey),
    /// A server with Apixu's API.
    Apixu(ApiKey),
    /// Weatherstack, current weather.
    Weatherstack(ApiKey),
    /// The National Weather Service of the United States.
    Nws {
        /// Contact for the service, such as a mail address; empty for none.
        contact: String,
    },
}

/// Default values of a provider.
struct ProviderDefaults {
    base_url: &'static str,
    poll_s: u64,
    /// Requests a day.
    calls_per_day: u32,
    max_history_days: u8,
}

/// `calls_per_day` of a provider without a budget.
const UNLIMITED: u32 = 0;

impl ProviderDefaults {
    /// The request rate that each provider documents for its free plan.
    fn for_kind(kind: &str) -> Option<Self> {
        let new = |base_url, poll_s, calls_per_day, max_history_days| Self {
            base_url,
            poll_s,
            calls_per_day,
            max_history_days,
        };
        let defaults = match kind {
            "open-meteo" => {
                // open-meteo.com/en/pricing: 10,000 calls a day for its own server.
                let days = open_meteo::MAX_PAST_DAYS;
                new("https://api.open-meteo.com", 60, 10_000, days)
            }
            // openweathermap.org/appid: "no more than one time every 10 minutes for one location".
            "openweathermap" => new("https://api.openweathermap.org", 600, UNLIMITED, 0),
            // weatherbit.io/pricing: 50 requests a day.
            "weatherbit" => new("https://api.weatherbit.io", 60, 50, 0),
            // Its documentation is offline; its values changed every 15 minutes.
            "apixu" => new("https://api.apixu.com", 60, UNLIMITED, 0),
            // weatherstack.com/product: 100 requests a month.
            "weatherstack" => new("https://api.weatherstack.com", 60, 3, 0),
            // weather.gov/documentation/services-web-api: no number, "a generous amount".
            "nws" => new("https://api.weather.gov", 60, UNLIMITED, nws::MAX_PAST_DAYS),
            _ => return None,
        };
        Some(defaults)
    }
}

impl WeatherConfig {
    /// Interval between two requests for a city: `poll`, or longer if the budget requires it.
    pub(crate) fn interval(&self) -> Duration {
        let Some(calls) = self.calls_per_day else {
            return self.poll;
        };
        let cities = u32::try_from(self.cities.len()).unwrap_or(u32::MAX);
        let spread = Duration::from_secs(u64::from(DAY_S)) * cities / calls.get();
        self.poll.max(spread)
    }

    /// Reads a source of `kind`; `None` also if the kind is not a weather provider.
    pub(super) fn read(kind: &str, section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let defaults = ProviderDefaults::for_kind(kind)?;
        let id = section.parse("id");
        let base_url = section.text_or("base_url", defaults.base_url);
        let base_url =
            base_url.and_then(|url| parse_url(section, "base_url", &url, ["http", "https"]));
        let poll = section.number_or("poll_s", 1..=u64::from(DAY_S), defaults.poll_s);
        let calls_of_kind = match base_url.as_ref().map(Url::as_str) {
            // Another server with Open-Meteo's software has limits of its own.
            Some(url) if kind == "open-meteo" && !url.starts_with(defaults.base_url) => UNLIMITED,
            _ => defaults.calls_per_day,
        };
        let calls = section.number_or("calls_per_day", 0..=1_000_000, calls_of_kind);
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
    /// Whether `kind` names a weather provider.
    pub(super) fn is_kind(kind: &str) -> bool {
        ProviderDefaults::for_kind(kind).is_some()
    }

    /// The most cities of a request.
    pub(crate) fn max_list_cities(&self) -> usize {
        match self {
            Self::OpenMeteo => open_meteo::MAX_LIST_CITIES,
            _ => 1,
        }
    }

    /// The least time for each call within a burst of requests. Open-Meteo allows 600 calls a minute;
    /// this is 500. The requests of the others are apart anyway.
    pub(crate) fn call_pace(&self) -> Duration {
        match self {
            Self::OpenMeteo => Duration::from_millis(120),
            _ => Duration::ZERO,
        }
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

    /// The API key, if the provider requires one.
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
    let key = ApiKey::read("key", section)?;
    if key.is_none() {
        section.fault(
            "key_file",
            "the provider requires a key: set key_file to a file, or key_env to an environment variable",
        );
    }
    key
}

fn read_contact(section: &Section<'_>) -> Option<String> {
    let contact = section.text_or("contact", "")?;
    let is_valid = contact.len() <= MAX_CONTACT_BYTES
        && contact.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if !is_valid {
        let expected = format!("must be at most {MAX_CONTACT_BYTES} printable ASCII characters");
        section.fault("contact", expected);
    }
    is_valid.then_some(contact)
}
