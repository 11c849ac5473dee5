//! `kind = "mastodon"`.

use std::sync::Arc;

use moodvane_model::{City, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use moodvane_upstream::mastodon::Timeline;
use url::Url;

use super::fields::{parse_url, read_selection};
use super::secret::ApiKey;

const MAX_HASHTAG_BYTES: usize = 256;
const SCHEMES: [&str; 2] = ["http", "https"];

/// Live posts from a Mastodon server.
#[derive(Debug, Clone)]
pub struct MastodonConfig {
    /// Identifier of the source.
    pub id: SourceId,
    /// URL of the server, http or https.
    pub base_url: Url,
    /// URL of its streaming API; often the same.
    pub streaming_url: Url,
    /// Access token, which most servers require.
    pub token: Option<ApiKey>,
    /// Timeline to stream.
    pub timeline: Timeline,
    /// Which posts to keep.
    pub selection: Arc<Selection>,
}

impl MastodonConfig {
    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let base = section.text("base_url");
        let streaming = section.text_or("streaming_url", base.as_deref().unwrap_or_default());
        let base_url = base.and_then(|url| parse_url(section, "base_url", &url, SCHEMES));
        let streaming_url =
            streaming.and_then(|url| parse_url(section, "streaming_url", &url, SCHEMES));
        let token = ApiKey::read("token", section);
        let timeline = read_timeline(section);
        let selection = read_selection(section, cities);
        Some(Self {
            id: id?,
            base_url: base_url?,
            streaming_url: streaming_url?,
            token: token?,
            timeline: timeline?,
            selection: selection?,
        })
    }
}

fn read_timeline(section: &Section<'_>) -> Option<Timeline> {
    let timeline = section.text_or("timeline", "public");
    let hashtag = section.parse_optional::<String>("hashtag");
    match (timeline?.as_str(), hashtag?) {
        ("public", None) => Some(Timeline::Public),
        ("local", None) => Some(Timeline::Local),
        ("hashtag", Some(tag)) => read_hashtag(section, &tag),
        ("hashtag", None) => {
            section.fault("hashtag", "is required if timeline is hashtag");
            None
        }
        ("public" | "local", Some(_)) => {
            section.fault("hashtag", "is allowed only if timeline is hashtag");
            None
        }
        _ => {
            section.fault("timeline", "must be public, local or hashtag");
            None
        }
    }
}

fn read_hashtag(section: &Section<'_>, tag: &str) -> Option<Timeline> {
    let tag = tag.strip_prefix('#').unwrap_or(tag);
    let is_valid = (1..=MAX_HASHTAG_BYTES).contains(&tag.len())
        && tag.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_valid {
        let expected = "must be one word of letters, digits and underscores, without #";
        section.fault("hashtag", expected);
    }
    is_valid.then(|| Timeline::Hashtag(tag.to_owned()))
}
