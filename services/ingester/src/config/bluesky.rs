//! `kind = "bluesky"`.

use std::sync::Arc;
use std::time::Duration;

use moodvane_model::{City, SourceId, Timestamp};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use url::Url;

use super::fields::{parse_url, read_selection, read_since};

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
        let base_url = section.text("base_url");
        let base_url = base_url.and_then(|url| parse_url(section, "base_url", &url, SCHEMES));
        let other_urls = read_other_urls(section);
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

fn read_other_urls(section: &Section<'_>) -> Option<Vec<Url>> {
    let texts = section.list_or_empty("other_urls")?;
    let urls = texts
        .iter()
        .map(|text| parse_url(section, "other_urls", text, SCHEMES));
    // Parses all before it returns, to report every fault.
    urls.collect::<Vec<_>>().into_iter().collect()
}
