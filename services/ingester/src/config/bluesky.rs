//! `kind = "bluesky"`.

use std::sync::Arc;
use std::time::Duration;

use moodvane_model::{City, SourceId, Timestamp};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use url::Url;

use super::fields::{parse_url, read_selection, read_since};

/// The default host, and the hosts of the same stream.
const BASE_URL: &str = "wss://jetstream2.us-east.bsky.network";
const OTHER_URLS: [&str; 3] = [
    "wss://jetstream1.us-east.bsky.network",
    "wss://jetstream1.us-west.bsky.network",
    "wss://jetstream2.us-west.bsky.network",
];
const REWIND_S: u64 = 5;
/// A day: the processor counts an older post in the hour of its receipt, where it does not belong.
const MAX_AGE_S: u64 = 86_400;
/// `max_age_s` without a limit.
const ANY_AGE: u64 = 0;
/// A century.
const LONGEST_AGE_S: u64 = 3_155_760_000;
/// Upper limit of `rewind_s`. The records of a rewind are a part of the resend budget.
const MAX_REWIND_S: u64 = 300;
const SCHEMES: [&str; 2] = ["ws", "wss"];

/// Live posts from a Bluesky Jetstream.
#[derive(Debug, Clone)]
pub struct BlueskyConfig {
    /// Identifier of the source.
    pub id: SourceId,
    /// URL of the stream, ws or wss.
    pub base_url: Url,
    /// Other hosts of the same stream, used if the first one fails.
    pub other_urls: Vec<Url>,
    /// Start of the stream without a cursor; `None` for now.
    pub since: Option<Timestamp>,
    /// How far before the cursor a new connection starts.
    pub rewind: Duration,
    /// The age at receipt above which a post is an import and dropped; `None` for no limit.
    pub max_age: Option<Duration>,
    /// Silence after which the source reconnects.
    pub idle: Duration,
    /// Which posts to keep.
    pub selection: Arc<Selection>,
}

impl BlueskyConfig {
    /// Default silence after which the source reconnects.
    pub const IDLE: Duration = Duration::from_secs(60);

    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let other_urls = read_other_urls(section);
        let base_url = section.text_or("base_url", BASE_URL);
        let base_url = base_url.and_then(|url| parse_url(section, "base_url", &url, SCHEMES));
        let rewind = section.number_or("rewind_s", 0..=MAX_REWIND_S, REWIND_S);
        let max_age = section.number_or("max_age_s", ANY_AGE..=LONGEST_AGE_S, MAX_AGE_S);
        let since = read_since(section);
        let selection = read_selection(section, cities);
        Some(Self {
            id: id?,
            base_url: base_url?,
            other_urls: other_urls?,
            since: since?,
            rewind: Duration::from_secs(rewind?),
            max_age: Some(max_age?)
                .filter(|age| *age != ANY_AGE)
                .map(Duration::from_secs),
            idle: Self::IDLE,
            selection: selection?,
        })
    }
}

/// The other hosts; by default those of the default host, and none of a configured one.
fn read_other_urls(section: &Section<'_>) -> Option<Vec<Url>> {
    let is_default_host = !section.has("base_url") && !section.has("other_urls");
    let texts = match is_default_host {
        true => OTHER_URLS.map(str::to_owned).into(),
        false => section.list_or_empty("other_urls")?,
    };
    let urls = texts
        .iter()
        .map(|text| parse_url(section, "other_urls", text, SCHEMES));
    // Parses all before it returns, to report every fault.
    urls.collect::<Vec<_>>().into_iter().collect()
}
