//! `kind = "x"`.

use std::sync::Arc;

use moodvane_model::{City, SourceId};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use moodvane_upstream::x::{MAX_BACKFILL_MINUTES, Rule, RuleSpec, build_rules};
use url::Url;

use super::live::{checked_url, read_language, read_selection};
use super::weather::ApiKey;

const BASE_URL: &str = "https://api.x.com";
/// What every plan allows.
const RULE_CHARS: usize = 512;
const MAX_POSTS_PER_DAY: u64 = 1_000_000_000;

/// Live posts from X's filtered stream.
#[derive(Debug, Clone)]
pub struct XConfig {
    /// The source's identifier.
    pub id: SourceId,
    /// Where the API is, http or https.
    pub base_url: Url,
    /// The bearer token.
    pub token: ApiKey,
    /// What X is to send.
    pub rules: Vec<Rule>,
    /// The most posts that are read in a day.
    pub posts_per_day: u64,
    /// How many minutes before a connection X is asked to send again.
    pub backfill_minutes: u8,
    /// Which posts are taken.
    pub selection: Arc<Selection>,
}

impl XConfig {
    pub(super) fn read(section: &Section<'_>, cities: &[City]) -> Option<Self> {
        let id = section.parse("id");
        let base_url = section.text_or("base_url", BASE_URL);
        let base_url = base_url.and_then(|url| checked_url(section, &url, ["http", "https"]));
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
        let right = "X wants a bearer token: name a file with it, or with token_env a variable of the environment";
        section.fault("token_file", right);
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
