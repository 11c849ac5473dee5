//! `kind = "x"`.

use std::sync::Arc;

use moodvane_model::{City, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use moodvane_upstream::x::{MAX_BACKFILL_MINUTES, Rule, RuleSpec, build_rules};
use url::Url;

use super::fields::{parse_url, read_language, read_selection};
use super::secret::ApiKey;

const BASE_URL: &str = "https://api.x.com";
/// Rule length that every plan allows.
const RULE_CHARS: usize = 512;
const MAX_POSTS_PER_DAY: u64 = 1_000_000_000;

/// Live posts from X's filtered stream.
#[derive(Debug, Clone)]
pub struct XConfig {
    /// Identifier of the source.
    pub id: SourceId,
    /// URL of the API, http or https.
    pub base_url: Url,
    /// Bearer token.
    pub token: ApiKey,
    /// Rules of the stream.
    pub rules: Vec<Rule>,
    /// Budget of posts per day.
    pub posts_per_day: u64,
    /// How many minutes before a connection X sends again.
    pub backfill_minutes: u8,
    /// Which posts to keep.
    pub selection: Arc<Selection>,
}

impl XConfig {
    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let base_url = section.text_or("base_url", BASE_URL);
        let base_url =
            base_url.and_then(|url| parse_url(section, "base_url", &url, ["http", "https"]));
        let token = read_token(section);
        let posts_per_day = section.number("posts_per_day", 1..=MAX_POSTS_PER_DAY);
        let minutes = section.number_or("backfill_minutes", 0..=MAX_BACKFILL_MINUTES, 0);
        let selection = read_selection(section, cities);
        let rules = read_rules(section, cities, id);
        Some(Self {
            id: id?,
            base_url: base_url?,
            token: token?,
            rules: rules?,
            posts_per_day: posts_per_day?,
            backfill_minutes: minutes?,
            selection: selection?,
        })
    }
}

fn read_token(section: &Section<'_>) -> Option<ApiKey> {
    let token = ApiKey::read("token", section)?;
    if token.is_none() {
        let expected = "X requires a bearer token: set token_file to a file, or token_env to an environment variable";
        section.fault("token_file", expected);
    }
    token
}

fn read_rules(section: &Section<'_>, cities: &[City], id: Option<SourceId>) -> Option<Vec<Rule>> {
    let words = section.list_or_empty("words");
    let language = read_language(section);
    let places = section.boolean_or("places", false);
    let max_chars = section.number_or("rule_chars", 64..=4_096, RULE_CHARS);
    let words = words?;
    let spec = RuleSpec {
        words: &words,
        cities,
        language: language?,
        places: places?,
        max_chars: max_chars?,
    };
    build_rules(id?, &spec)
        .map_err(|error| section.fault("words", error.to_string()))
        .ok()
}
