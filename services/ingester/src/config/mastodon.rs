//! `kind = "mastodon"`.

use std::sync::Arc;

use moodvane_model::{City, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use moodvane_upstream::mastodon::Timeline;
use url::Url;

use super::live::{checked_url_of, read_selection};
use super::weather::ApiKey;

/// The longest hashtag, in bytes.
const MAX_HASHTAG_BYTES: usize = 256;
const SCHEMES: [&str; 2] = ["http", "https"];

/// Live posts from a Mastodon server.
#[derive(Debug, Clone)]
pub struct MastodonConfig {
    /// The source's identifier.
    pub id: SourceId,
    /// Where the server is, http or https.
    pub base_url: Url,
    /// Where its streams are; often the same.
    pub streaming_url: Url,
    /// The access token, which most servers want.
    pub token: Option<ApiKey>,
    /// What is listened to.
    pub timeline: Timeline,
    /// Which posts are taken.
    pub selection: Arc<Selection>,
}

impl MastodonConfig {
    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let base = section.text("base_url");
        let streaming = section.text_or("streaming_url", base.as_deref().unwrap_or_default());
        let base_url = base.and_then(|url| checked_url_of(section, "base_url", &url, SCHEMES));
        let streaming_url =
            streaming.and_then(|url| checked_url_of(section, "streaming_url", &url, SCHEMES));
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
            section.fault("hashtag", "must be given, as the timeline is that of one");
            None
        }
        ("public" | "local", Some(_)) => {
            section.fault("hashtag", "must be left out, or timeline be hashtag");
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
    let is_good = (1..=MAX_HASHTAG_BYTES).contains(&tag.len())
        && tag.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_good {
        let right = "must be one word of letters, digits and underscores, without #";
        section.fault("hashtag", right);
    }
    is_good.then(|| Timeline::Hashtag(tag.to_owned()))
}
