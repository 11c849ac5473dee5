//! Stream rules at X: building them from the configuration, and the changes against the active rules.
//!
//! Guarantees: no rule exceeds the length limit of the plan. Only rules with the source's own tag are
//! deleted; rules of other users of the account stay.

use moodvane_model::{City, Language, SourceId};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use crate::response::{rejection, rejection_with_code};
use crate::url::with_path;
use crate::{PLACE_RADIUS_KM, UpstreamError};

/// The maximum number of rules per source.
pub const MAX_RULES: usize = 25;
/// X's limit for the radius of `point_radius`, in km. The radius of the selection is larger.
const MAX_RADIUS_KM: f64 = 40.0;

/// A rule required by the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The query.
    pub value: String,
    /// The tag that identifies the owner.
    pub tag: String,
}

/// A rule that is active at X.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ActiveRule {
    /// Its id at X.
    pub id: String,
    /// The query.
    pub value: String,
    /// The tag that identifies the owner, if set.
    pub tag: Option<String>,
}

/// The posts that a stream should deliver.
#[derive(Debug, Clone, Copy)]
pub struct RuleSpec<'a> {
    /// Words or phrases, any of which matches; if empty, the names of the cities.
    pub words: &'a [String],
    /// The cities.
    pub cities: &'a [City],
    /// Only posts in this language, as detected by X.
    pub language: Option<Language>,
    /// Also posts from a circle around each city, if the plan includes that operator.
    pub places: bool,
    /// The maximum length of a rule in characters.
    pub max_chars: usize,
}

/// The reason why no rules can be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// There is no search term.
    #[error("no search terms, expected words or cities with names")]
    NoTerms,
    /// A single term exceeds the length of a rule.
    #[error("term \"{term}\" does not fit into a rule of {max_chars} characters")]
    TooLong {
        /// The term.
        term: String,
        /// The maximum length of a rule in characters.
        max_chars: usize,
    },
    /// The terms need too many rules.
    #[error("the terms need {rules} rules, the limit is {MAX_RULES}")]
    TooMany {
        /// The number of rules.
        rules: usize,
    },
}

/// The changes that make the active rules match the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleChanges {
    /// Rules to add.
    pub add: Vec<Rule>,
    /// Ids of the source's own rules to delete.
    pub delete: Vec<String>,
}

impl RuleChanges {
    /// The body of the request that deletes rules, if there are any.
    #[must_use]
    pub fn delete_body(&self) -> Option<Value> {
        (!self.delete.is_empty()).then(|| json!({ "delete": { "ids": self.delete } }))
    }

    /// The body of the request that adds rules, if there are any.
    #[must_use]
    pub fn add_body(&self) -> Option<Value> {
        let rule = |rule: &Rule| json!({ "value": rule.value, "tag": rule.tag });
        let rules: Vec<Value> = self.add.iter().map(rule).collect();
        (!rules.is_empty()).then(|| json!({ "add": rules }))
    }
}

/// URL for reading and changing the rules of the API at `base`.
#[must_use]
pub fn rules_url(base: &Url) -> Url {
    with_path(base, "/2/tweets/search/stream/rules")
}

fn tag_of(source: SourceId) -> String {
    format!("moodvane:{source}")
}

/// Builds the rules for `spec`. They exclude reposts, which X would bill and the format would drop.
///
/// # Errors
/// [`RuleError`] if there is no search term, or the terms do not fit.
pub fn build_rules(source: SourceId, spec: &RuleSpec<'_>) -> Result<Vec<Rule>, RuleError> {
    let mut tail = String::new();
    if let Some(language) = spec.language {
        tail.push_str(&format!(" lang:{language}"));
    }
    tail.push_str(" -is:retweet");
    let mut values: Vec<String> = Vec::new();
    let mut open = String::new();
    for term in terms(spec) {
        // The parentheses and the tail.
        let fixed = 2 + tail.chars().count();
        let fits = |inner: &str| inner.chars().count() + fixed <= spec.max_chars;
        let joined = match open.is_empty() {
            true => term.clone(),
            false => format!("{open} OR {term}"),
        };
        if fits(&joined) {
            open = joined;
            continue;
        }
        if !fits(&term) {
            let max_chars = spec.max_chars;
            return Err(RuleError::TooLong { term, max_chars });
        }
        values.push(std::mem::replace(&mut open, term));
    }
    if open.is_empty() {
        return Err(RuleError::NoTerms);
    }
    values.push(open);
    if values.len() > MAX_RULES {
        let rules = values.len();
        return Err(RuleError::TooMany { rules });
    }
    let tag = tag_of(source);
    let rule = |terms: String| Rule {
        value: format!("({terms}){tail}"),
        tag: tag.clone(),
    };
    Ok(values.into_iter().map(rule).collect())
}

fn terms(spec: &RuleSpec<'_>) -> Vec<String> {
    let names = spec.cities.iter().flat_map(|city| &city.names);
    let words: Vec<&String> = match spec.words.is_empty() {
        true => names.collect(),
        false => spec.words.iter().collect(),
    };
    let mut terms: Vec<String> = Vec::new();
    for word in words {
        let term = quote_term(word);
        if !term.is_empty() && !terms.contains(&term) {
            terms.push(term);
        }
    }
    if spec.places {
        terms.extend(spec.cities.iter().map(circle));
    }
    terms
}

/// Quotes anything but a plain word, so that no word is parsed as an operator.
fn quote_term(word: &str) -> String {
    let word = word.trim();
    let is_plain = !word.is_empty() && word.chars().all(char::is_alphanumeric) && word != "OR";
    match is_plain {
        true => word.to_owned(),
        false if word.is_empty() => String::new(),
        false => format!("\"{}\"", word.replace(['"', '\\'], "")),
    }
}

fn circle(city: &City) -> String {
    let km = MAX_RADIUS_KM.min(PLACE_RADIUS_KM);
    format!("point_radius:[{} {} {km}km]", city.longitude, city.latitude)
}

/// The changes after which the active rules contain `wanted` and no other rule of `source`.
#[must_use]
pub fn rule_changes(source: SourceId, wanted: &[Rule], active: &[ActiveRule]) -> RuleChanges {
    let own = tag_of(source);
    let is_wanted = |rule: &&ActiveRule| wanted.iter().any(|w| w.value == rule.value);
    let is_active = |rule: &&Rule| active.iter().any(|a| a.value == rule.value);
    let is_own = |rule: &&ActiveRule| rule.tag.as_deref() == Some(own.as_str());
    RuleChanges {
        add: wanted.iter().filter(|r| !is_active(r)).cloned().collect(),
        delete: active
            .iter()
            .filter(|r| is_own(r) && !is_wanted(r))
            .map(|r| r.id.clone())
            .collect(),
    }
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    data: Vec<ActiveRule>,
    meta: Option<Meta>,
    errors: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Meta {
    summary: Option<Summary>,
}

#[derive(Deserialize, Default)]
struct Summary {
    #[serde(default)]
    not_created: u64,
    #[serde(default)]
    not_deleted: u64,
}

fn parse(body: &[u8]) -> Result<(Vec<ActiveRule>, Meta), UpstreamError> {
    let response: Response = serde_json::from_slice(body)?;
    if let Some(first) = response.errors.as_ref().and_then(|errors| errors.first()) {
        return Err(rejection_with_code(first.get("title"), detail(first)));
    }
    let meta = response.meta;
    let meta = meta.ok_or_else(|| UpstreamError::MissingField("meta".to_owned()))?;
    Ok((response.data, meta))
}

/// The details of a problem: of a rule, or of the request.
fn detail(problem: &Value) -> Option<&Value> {
    let of_rule = problem.get("details").and_then(|details| details.get(0));
    of_rule
        .or_else(|| problem.get("detail"))
        .or_else(|| problem.get("value"))
}

/// Parses the list of active rules.
///
/// # Errors
/// [`UpstreamError`] if the response rejects the request or does not match the documentation.
pub fn parse_rules(body: &[u8]) -> Result<Vec<ActiveRule>, UpstreamError> {
    parse(body).map(|(rules, _)| rules)
}

/// Parses the response to a change: the added rules.
///
/// # Errors
/// [`UpstreamError`] if X did not apply the whole change.
pub fn parse_rule_changes(body: &[u8]) -> Result<Vec<ActiveRule>, UpstreamError> {
    let (rules, meta) = parse(body)?;
    let summary = meta.summary.unwrap_or_default();
    if summary.not_created > 0 || summary.not_deleted > 0 {
        let (not_added, not_deleted) = (summary.not_created, summary.not_deleted);
        return Err(rejection(&format!(
            "{not_added} rules not added, {not_deleted} not deleted"
        )));
    }
    Ok(rules)
}
