//! The rules that X keeps for a stream: which ones the configuration wants, and what must change.
//!
//! Guarantee: a rule is never longer than the plan allows. Only rules that bear the source's own tag
//! are ever taken away: those of others who use the same account stay.

use moodvane_model::{City, Language, SourceId};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use crate::answer::{refused, refused_with};
use crate::url::with_path;
use crate::{PLACE_RADIUS_KM, UpstreamError};

/// The most rules that one source makes.
pub const MAX_RULES: usize = 25;
/// What X allows a circle's radius to be at most, in km; the selection's is larger.
const MAX_CIRCLE_KM: f64 = 40.0;

/// A rule that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The query.
    pub value: String,
    /// Whose it is.
    pub tag: String,
}

/// A rule that X has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// X's identifier of it.
    pub id: String,
    /// The query.
    pub value: String,
    /// Whose it is, where that was said.
    pub tag: Option<String>,
}

/// What a stream is to bring.
#[derive(Debug, Clone, Copy)]
pub struct RuleSpec<'a> {
    /// Any of these words or phrases; where there are none, the names of the cities.
    pub words: &'a [String],
    /// The cities.
    pub cities: &'a [City],
    /// Only posts that X takes to be in this language.
    pub language: Option<Language>,
    /// Also posts from a circle around each city, where the plan has that operator.
    pub places: bool,
    /// The most characters of a rule.
    pub max_chars: usize,
}

/// Why no rules can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// There is nothing to look for.
    #[error("there must be words to look for, or cities with names")]
    Nothing,
    /// One term alone is longer than a rule may be.
    #[error("\"{term}\" does not fit into a rule of {max_chars} characters")]
    TooLong {
        /// The term.
        term: String,
        /// The most characters of a rule.
        max_chars: usize,
    },
    /// There would be more rules than a source may have.
    #[error("the words need {rules} rules, they must fit into {MAX_RULES}")]
    TooMany {
        /// How many there would be.
        rules: usize,
    },
}

/// What must change so that X has the wanted rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Rules that X does not have.
    pub add: Vec<Rule>,
    /// Identifiers of the source's own rules that are not wanted any more.
    pub delete: Vec<String>,
}

impl Changes {
    /// The request's body that takes rules away, where there are any.
    #[must_use]
    pub fn delete_body(&self) -> Option<Value> {
        (!self.delete.is_empty()).then(|| json!({ "delete": { "ids": self.delete } }))
    }

    /// The request's body that adds rules, where there are any.
    #[must_use]
    pub fn add_body(&self) -> Option<Value> {
        let rule = |rule: &Rule| json!({ "value": rule.value, "tag": rule.tag });
        let rules: Vec<Value> = self.add.iter().map(rule).collect();
        (!rules.is_empty()).then(|| json!({ "add": rules }))
    }
}

/// Where the rules of the API at `base` are read and changed.
#[must_use]
pub fn rules_url(base: &Url) -> Url {
    with_path(base, "/2/tweets/search/stream/rules")
}

fn tag_of(source: SourceId) -> String {
    format!("moodvane:{source}")
}

/// The rules that bring what is wanted. What somebody passes on is left out, as it would be paid for
/// and dropped.
///
/// # Errors
/// [`RuleError`] where there is nothing to look for, or it does not fit.
pub fn rules(source: SourceId, spec: &RuleSpec<'_>) -> Result<Vec<Rule>, RuleError> {
    let mut tail = String::new();
    if let Some(language) = spec.language {
        tail.push_str(&format!(" lang:{language}"));
    }
    tail.push_str(" -is:retweet");
    let mut values: Vec<String> = Vec::new();
    let mut open = String::new();
    for term in terms(spec) {
        // Parentheses around, and the tail behind.
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
        return Err(RuleError::Nothing);
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
        let term = term(word);
        if !term.is_empty() && !terms.contains(&term) {
            terms.push(term);
        }
    }
    if spec.places {
        terms.extend(spec.cities.iter().map(circle));
    }
    terms
}

/// A word as it is, anything else in quotes: so that no word is taken for an operator.
fn term(word: &str) -> String {
    let word = word.trim();
    let is_plain = !word.is_empty() && word.chars().all(char::is_alphanumeric) && word != "OR";
    match is_plain {
        true => word.to_owned(),
        false if word.is_empty() => String::new(),
        false => format!("\"{}\"", word.replace(['"', '\\'], "")),
    }
}

fn circle(city: &City) -> String {
    let km = MAX_CIRCLE_KM.min(PLACE_RADIUS_KM);
    format!("point_radius:[{} {} {km}km]", city.longitude, city.latitude)
}

/// What must change where X has `listed`, so that it has `wanted` too and nothing of `source`'s beside.
#[must_use]
pub fn changes(source: SourceId, wanted: &[Rule], listed: &[Listed]) -> Changes {
    let own = tag_of(source);
    let is_wanted = |rule: &&Listed| wanted.iter().any(|w| w.value == rule.value);
    let is_there = |rule: &&Rule| listed.iter().any(|l| l.value == rule.value);
    let is_own = |rule: &&Listed| rule.tag.as_deref() == Some(own.as_str());
    Changes {
        add: wanted.iter().filter(|r| !is_there(r)).cloned().collect(),
        delete: listed
            .iter()
            .filter(|r| is_own(r) && !is_wanted(r))
            .map(|r| r.id.clone())
            .collect(),
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Vec<Listed>,
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

fn read(body: &[u8]) -> Result<(Vec<Listed>, Meta), UpstreamError> {
    let answer: Answer = serde_json::from_slice(body)?;
    if let Some(first) = answer.errors.as_ref().and_then(|errors| errors.first()) {
        return Err(refused_with(first.get("title"), detail(first)));
    }
    let meta = answer.meta;
    let meta = meta.ok_or_else(|| UpstreamError::Missing("meta".to_owned()))?;
    Ok((answer.data, meta))
}

/// What X says is wrong with a rule: with the rule itself, or with the request.
fn detail(problem: &Value) -> Option<&Value> {
    let of_rule = problem.get("details").and_then(|details| details.get(0));
    of_rule
        .or_else(|| problem.get("detail"))
        .or_else(|| problem.get("value"))
}

/// The rules that X has.
///
/// # Errors
/// [`UpstreamError`] where the answer is a refusal, or not what X promises.
pub fn parse_rules(body: &[u8]) -> Result<Vec<Listed>, UpstreamError> {
    read(body).map(|(rules, _)| rules)
}

/// The rules that were added, of an answer to a change.
///
/// # Errors
/// [`UpstreamError`] where X did not do all of it.
pub fn parse_changed(body: &[u8]) -> Result<Vec<Listed>, UpstreamError> {
    let (rules, meta) = read(body)?;
    let summary = meta.summary.unwrap_or_default();
    if summary.not_created > 0 || summary.not_deleted > 0 {
        let (added, gone) = (summary.not_created, summary.not_deleted);
        return Err(refused(&format!(
            "{added} rules were not added, {gone} not taken away"
        )));
    }
    Ok(rules)
}
