//! The sources that are asked over the network.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use moodvane_model::{City, ErrorChain, Language, SourceId, Timestamp};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use url::Url;

/// The longest rewind in seconds. What it makes the server send again must lie within the readers'
/// duplicate window, or it counts twice: of all posts of the network about 50 come each second.
const MAX_REWIND_S: u64 = 300;

/// Live posts from a Bluesky Jetstream.
#[derive(Debug, Clone)]
pub struct BlueskyConfig {
    /// The source's identifier.
    pub id: SourceId,
    /// Where the stream is, ws or wss.
    pub base_url: Url,
    /// Other hosts of the same stream, for when the first one fails.
    pub other_urls: Vec<Url>,
    /// Where the stream begins while there is no cursor; without it, now.
    pub since: Option<Timestamp>,
    /// How far before the cursor a new connection begins.
    pub rewind: Duration,
    /// After how long a silence the connection is made anew.
    pub idle: Duration,
    /// Which posts are taken.
    pub selection: Arc<Selection>,
}

impl BlueskyConfig {
    /// The silence after which the connection is made anew, where nothing else is said.
    pub const IDLE: Duration = Duration::from_secs(60);

    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let base_url = read_url(section, ["ws", "wss"]);
        let other_urls = read_urls(section, ["ws", "wss"]);
        let rewind = section.seconds("rewind_s", 0..=MAX_REWIND_S);
        let since = read_since(section);
        let selection = read_selection(section, cities);
        Some(Self {
            id: id?,
            base_url: base_url?,
            other_urls: other_urls?,
            since: since?,
            rewind: rewind?,
            idle: Self::IDLE,
            selection: selection?,
        })
    }
}

/// `since`, a moment; left out or empty for none.
pub(super) fn read_since(section: &Section<'_>) -> Option<Option<Timestamp>> {
    let text = section.parse_optional::<String>("since")?;
    text.map(|text| Timestamp::parse_rfc3339(&text))
        .transpose()
        .map_err(|fault| section.fault("since", ErrorChain(&fault).to_string()))
        .ok()
}

fn read_url(section: &Section<'_>, schemes: [&str; 2]) -> Option<Url> {
    let text = section.text("base_url")?;
    checked_url(section, &text, schemes)
}

/// `other_urls`, each of which must have one of the schemes and name a host.
fn read_urls(section: &Section<'_>, schemes: [&str; 2]) -> Option<Vec<Url>> {
    let texts = section.list_or_empty("other_urls")?;
    let urls = texts
        .iter()
        .map(|text| checked_url_of(section, "other_urls", text, schemes));
    // All of them, so that every fault is noted.
    urls.collect::<Vec<_>>().into_iter().collect()
}

/// `base_url`, which must have one of the schemes and name a host.
pub(super) fn checked_url(section: &Section<'_>, text: &str, schemes: [&str; 2]) -> Option<Url> {
    checked_url_of(section, "base_url", text, schemes)
}

/// The URL `key`, which must have one of the schemes and name a host.
pub(super) fn checked_url_of(
    section: &Section<'_>,
    key: &str,
    text: &str,
    schemes: [&str; 2],
) -> Option<Url> {
    let url = text.parse::<Url>();
    let url = url
        .map_err(|error| section.fault(key, error.to_string()))
        .ok()?;
    if schemes.contains(&url.scheme()) && url.has_host() {
        return Some(url);
    }
    let [plain, secure] = schemes;
    section.fault(
        key,
        // Not the whole of it, as it may hold a key.
        format!(
            "{}://… must begin with {plain}:// or {secure}:// and name a host",
            url.scheme()
        ),
    );
    None
}

#[derive(Clone, Copy)]
enum Select {
    City,
    All,
}

impl FromStr for Select {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "city" => Ok(Self::City),
            "all" => Ok(Self::All),
            other => Err(format!(
                "\"{other}\" must be city (posts that name a city) or all (every post)"
            )),
        }
    }
}

/// `select = "city"`: the posts that name a city; `"all"`: every post, for the first city. A `language`
/// narrows either.
pub(super) fn read_selection(section: &Section<'_>, cities: &[City]) -> Option<Arc<Selection>> {
    let language = read_language(section);
    let select = section.parse_optional::<Select>("select");
    let (language, select) = (language?, select?.unwrap_or(Select::City));
    let made = match (select, cities.first()) {
        (Select::City, _) => Selection::for_cities(cities)
            .map(|selection| selection.in_language(language))
            .map_err(|error| error.to_string()),
        (Select::All, Some(city)) => Ok(Selection::all_posts(city.id, language)),
        (Select::All, None) => {
            Err("\"all\" counts posts for the first city, but there is none".to_owned())
        }
    };
    made.map(Arc::new)
        .map_err(|fault| section.fault("select", fault))
        .ok()
}

pub(super) fn read_language(section: &Section<'_>) -> Option<Option<Language>> {
    let Some(tag) = section.parse_optional::<String>("language")? else {
        return Some(None);
    };
    Language::parse(&tag)
        .map(Some)
        .map_err(|error| section.fault("language", error.to_string()))
        .ok()
}
