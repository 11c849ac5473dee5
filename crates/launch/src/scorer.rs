//! The scorer that the configuration selects.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use moodvane_bert::{BertConfig, LabelMap, Languages, ModelFolder};
use moodvane_model::{ErrorChain, Language};
use moodvane_runtime::{Section, Settings};
use moodvane_sentiment::{
    DecisionRule, LanguageRouter, Scorer, ScorerChoice, ScorerName, WeatherTalkScorer,
};

/// The kinds of scorer, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScorerKind {
    /// A built-in scorer.
    BuiltIn(ScorerName),
    /// A transformer from a directory.
    Bert,
}

impl FromStr for ScorerKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "bert" {
            return Ok(Self::Bert);
        }
        let named = text.parse().map(Self::BuiltIn);
        named.map_err(|_| format!("\"{text}\" must be trained, lexicon or bert"))
    }
}

impl fmt::Display for ScorerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(name) => name.fmt(f),
            Self::Bert => f.write_str("bert"),
        }
    }
}

/// The validated configuration of the scorer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScorerConfig {
    /// A built-in scorer.
    BuiltIn(ScorerChoice),
    /// A transformer.
    Bert(BertConfig),
    /// A built-in scorer, and a transformer for the languages that it does not support.
    WithFallback(ScorerChoice, BertConfig),
}

impl Default for ScorerConfig {
    fn default() -> Self {
        Self::BuiltIn(ScorerChoice::default())
    }
}

impl ScorerConfig {
    /// Reads `[sentiment]`. Returns `None` on a fault, which `settings` then holds.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("sentiment");
        let kind = section.parse::<ScorerKind>("scorer");
        let rule = section.parse::<DecisionRule>("rule");
        let fallback = section.parse::<FallbackScorer>("others");
        let (kind, rule, fallback) = (kind?, rule?, fallback?);
        match (kind, fallback) {
            (ScorerKind::BuiltIn(name), FallbackScorer::None) => {
                Some(Self::BuiltIn(name.with_rule(rule)))
            }
            (ScorerKind::BuiltIn(name), FallbackScorer::Bert) => Some(Self::WithFallback(
                name.with_rule(rule),
                read_bert(settings, &section, "others")?,
            )),
            (ScorerKind::Bert, FallbackScorer::None) => {
                Some(Self::Bert(read_bert(settings, &section, "scorer")?))
            }
            (ScorerKind::Bert, FallbackScorer::Bert) => {
                section.fault("others", "must be none if the scorer is bert: set its languages in sentiment.bert.languages");
                None
            }
        }
    }

    /// Builds the scorer. Loading a transformer takes seconds.
    ///
    /// # Errors
    /// If the built-in weights do not fit this code, or the transformer cannot be loaded.
    pub fn build(&self) -> anyhow::Result<Box<dyn Scorer>> {
        self.build_with(|choice| Ok(marking(choice.build()?)))
    }

    /// As [`build`](Self::build), with another constructor for a built-in scorer, which adds the detector
    /// of weather talk itself. A transformer is loaded once: it has its own threads.
    ///
    /// # Errors
    /// Those of `built_in`, or if the transformer cannot be loaded.
    pub fn build_with(
        &self,
        built_in: impl FnOnce(ScorerChoice) -> anyhow::Result<Box<dyn Scorer>>,
    ) -> anyhow::Result<Box<dyn Scorer>> {
        Ok(match self {
            Self::BuiltIn(choice) => built_in(*choice)?,
            Self::Bert(bert) => marking(moodvane_bert::load(bert)?),
            Self::WithFallback(choice, bert) => {
                let first = built_in(*choice)?;
                let second = marking(moodvane_bert::load(bert)?);
                Box::new(LanguageRouter::new(first, second))
            }
        })
    }
}

/// The scorer with the detector of weather talk.
fn marking(scorer: Box<dyn Scorer>) -> Box<dyn Scorer> {
    Box::new(WeatherTalkScorer::new(scorer))
}

/// Reads `[sentiment.bert]` and validates the directory. `selected_by` is the key that selects bert.
fn read_bert(
    settings: &Settings,
    sentiment: &Section<'_>,
    selected_by: &str,
) -> Option<BertConfig> {
    if !moodvane_bert::IS_ENABLED {
        sentiment.fault(
            selected_by,
            "bert is not compiled into this binary: build it with --features bert (see README.md)",
        );
    }
    let section = settings.section("sentiment.bert");
    let folder = section.text("folder").map(PathBuf::from);
    let labels = section.list("labels").and_then(|words| {
        LabelMap::parse(&words)
            .map_err(|error| section.fault("labels", error.to_string()))
            .ok()
    });
    let languages = section
        .list_or_empty("languages")
        .and_then(|tags| languages(&section, &tags));
    let batch = section.number("batch", 1..=1_024usize);
    let max_tokens = section.number("max_tokens", 8..=8_192usize);
    let threads = section.number("threads", 0..=256usize);
    let config = BertConfig {
        folder: folder?,
        labels: labels?,
        languages: languages?,
        batch: batch?,
        max_tokens: max_tokens?,
        threads: threads?,
    };
    if config.folder.as_os_str().is_empty() {
        section.fault("folder", "must name the directory of the model");
        return None;
    }
    ModelFolder::open(&config)
        .map_err(|error| section.fault("folder", ErrorChain(&error).to_string()))
        .ok()?;
    moodvane_bert::IS_ENABLED.then_some(config)
}

fn languages(section: &Section<'_>, tags: &[String]) -> Option<Languages> {
    if tags.is_empty() {
        return Some(Languages::All);
    }
    let read = |tag: &String| {
        Language::parse(tag)
            .map_err(|error| section.fault("languages", error.to_string()))
            .ok()
    };
    tags.iter()
        .map(read)
        .collect::<Option<Vec<_>>>()
        .map(Languages::Some)
}

/// The scorer of languages that the main scorer does not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FallbackScorer {
    None,
    Bert,
}

impl FromStr for FallbackScorer {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "bert" => Ok(Self::Bert),
            _ => Err(format!("\"{text}\" must be none or bert")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &[(&str, &str)]) -> Result<ScorerConfig, String> {
        let mut settings = Settings::new();
        for (key, value) in keys {
            settings.set(key, value);
        }
        let plan = ScorerConfig::read(&settings);
        settings
            .finish_with(plan)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn built_in_scorer_is_default_and_needs_no_model() {
        assert_eq!(read(&[]).unwrap(), ScorerConfig::default());
        let lexicon = read(&[("sentiment.scorer", "lexicon")]).unwrap();
        assert_eq!(lexicon, ScorerConfig::BuiltIn(ScorerChoice::Lexicon));
    }

    #[test]
    fn reports_each_fault_under_its_key() {
        let cases = [
            (
                &[("sentiment.scorer", "gpt")][..],
                "\"gpt\" must be trained, lexicon or bert",
            ),
            (
                &[("sentiment.others", "all")],
                "\"all\" must be none or bert",
            ),
            (
                &[("sentiment.scorer", "bert"), ("sentiment.others", "bert")],
                "must be none if the scorer is bert",
            ),
            (&[("sentiment.scorer", "bert")], "sentiment.bert.folder"),
            (
                &[
                    ("sentiment.others", "bert"),
                    ("sentiment.bert.labels", "good,bad"),
                ],
                "\"good\" must be very_negative",
            ),
            (
                &[
                    ("sentiment.scorer", "bert"),
                    ("sentiment.bert.languages", "x"),
                ],
                "sentiment.bert.languages",
            ),
            (
                &[
                    ("sentiment.scorer", "bert"),
                    ("sentiment.bert.folder", "/no/such"),
                ],
                "cannot read /no/such/config.json",
            ),
        ];
        for (keys, expected) in cases {
            let error = read(keys).unwrap_err();
            assert!(error.contains(expected), "{keys:?}: {error}");
        }
    }

    #[test]
    fn reports_missing_libtorch_feature() {
        let error = read(&[("sentiment.others", "bert")]).unwrap_err();
        let is_reported = error.contains("build it with --features bert");
        assert_eq!(is_reported, !moodvane_bert::IS_ENABLED, "{error}");
    }
}
