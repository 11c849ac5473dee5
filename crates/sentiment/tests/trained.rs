//! Properties of the trained scorer: some hold for every text, others for a stated share of texts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use moodvane_model::{Language, MAX_POST_TEXT_BYTES, Score};
use moodvane_sentiment::{DecisionRule, Scorer, Text, TrainedScorer};
use proptest::prelude::*;

fn scorer() -> TrainedScorer {
    TrainedScorer::english(DecisionRule::Mean).unwrap()
}

fn score(text: &str) -> Score {
    scorer().score(text)
}

/// Checks class and value bounds under every rule.
fn has_scores(text: &str) -> Result<(), TestCaseError> {
    for rule in DecisionRule::ALL {
        let score = TrainedScorer::english(rule).unwrap().score(text);
        let value = score.value();
        prop_assert!(value.is_finite() && (0.0..=4.0).contains(&value));
        prop_assert!(score.sentiment.class() <= 4);
    }
    Ok(())
}

fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-zA-Z0-9'’@#:;()<3!?._ \\n-]{1,12}",
        prop::sample::select(vec![
            "not ",
            "good",
            "so ",
            "cant ",
            "😡",
            "👍🏽",
            ":))",
            "<3",
            "aaaa",
            "#",
            "#bestDayEver",
            "@",
            "http://",
            "\u{301}",
            "İ",
            "but ",
            "ẞ",
            "Σ",
            "www.",
            "’ll",
            "…",
            "#😀",
            "12345",
            "\u{200d}",
        ])
        .prop_map(String::from),
    ];
    (prop::collection::vec(pieces, 0..60), 1_usize..40).prop_map(|(pieces, times)| {
        let mut text = pieces.concat().repeat(times);
        let end = text.floor_char_boundary(MAX_POST_TEXT_BYTES);
        text.truncate(end);
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn scores_any_text_deterministically(text in any_text(), before in any_text()) {
        let mut scorer = scorer();
        let first = scorer.score(&text);
        prop_assert!((0.0..=4.0).contains(&first.value()));
        scorer.score(&before);
        prop_assert_eq!(scorer.score(&text), first);
        let explained = scorer.explain(&text);
        prop_assert_eq!(explained.score, first);
        prop_assert_eq!(explained.probabilities.0.iter().sum::<u32>(), 65_536);
    }

    #[test]
    fn scores_any_bytes_under_every_rule(bytes in prop::collection::vec(any::<u8>(), 0..=MAX_POST_TEXT_BYTES)) {
        has_scores(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn scores_any_characters_under_every_rule(text in any::<String>()) {
        has_scores(&text)?;
    }

    #[test]
    fn ignores_trailing_spaces(text in any_text(), spaces in "[ \\t\\n\u{a0}\u{3000}]{0,9}") {
        prop_assert_eq!(score(&format!("{text}{spaces}")), score(&text));
    }

    #[test]
    fn ignores_names_of_mentions(
        before in any_text(), after in any_text(),
        a in "[A-Za-z0-9_]{1,15}", b in "[a-z0-9]{1,8}(-[a-z]{1,5})?(\\.[a-z]{2,8}){1,2}",
    ) {
        let mut scorer = scorer();
        let mut with = |name: &str| scorer.score(&format!("{before} @{name} {after}"));
        let expected = with("user");
        prop_assert_eq!(with(&a), expected);
        prop_assert_eq!(with(&b), expected);
    }

    #[test]
    fn ignores_addresses_of_links(
        before in any_text(), after in any_text(), scheme in "https?|HTTP|ftp", address in "\\PC{1,40}",
    ) {
        let address = address.replace(char::is_whitespace, "");
        let mut scorer = scorer();
        let mut with = |address: &str| scorer.score(&format!("{before} {scheme}://{address} {after}"));
        prop_assert_eq!(with(&address), with("t.co/a"));
    }

    #[test]
    fn batch_equals_single_scores(texts in prop::collection::vec(any_text(), 0..6)) {
        let all: Vec<Text<'_>> = texts.iter().map(|text| Text::plain(text)).collect();
        let mut scorer = scorer();
        let mut scores = vec![Some(scorer.score("left over"))];
        scorer.score_batch(&all, &mut scores).unwrap();
        let single: Vec<Option<Score>> = texts.iter().map(|text| Some(scorer.score(text))).collect();
        prop_assert_eq!(scores, single);
    }
}

/// Neutral sentences with a slot for one or two words.
const TEMPLATES: [&str; 14] = [
    "the train this morning was {}",
    "my new phone is {}",
    "{} weather in the city today",
    "we had a {} time at the lake",
    "that was a {} game last night",
    "@user your service is {}",
    "this coffee is {} http://t.co/x",
    "the concert on Friday will be {} #music",
    "my week has been {}",
    "I think the new bridge is {}",
    "the food here is {}!",
    "tomorrow is going to be {}",
    "their latest album is {}",
    "so the meeting was {}",
];
const GOOD: [&str; 12] = [
    "amazing",
    "wonderful",
    "great",
    "awesome",
    "beautiful",
    "fantastic",
    "lovely",
    "excellent",
    "perfect",
    "brilliant",
    "good",
    "fun",
];
const BAD: [&str; 12] = [
    "terrible",
    "awful",
    "horrible",
    "disgusting",
    "bad",
    "boring",
    "stupid",
    "annoying",
    "sad",
    "ridiculous",
    "pathetic",
    "a disaster",
];

/// The share of templates and words for which `holds` is true. Its second argument returns the value of
/// the template with a given filling.
fn share(words: &[&str], holds: impl Fn(&str, &mut dyn FnMut(&str) -> f64) -> bool) -> f64 {
    let mut scorer = scorer();
    let mut held = 0;
    for template in TEMPLATES {
        let mut value = |filling: &str| scorer.score(&template.replace("{}", filling)).value();
        held += words.iter().filter(|word| holds(word, &mut value)).count();
    }
    held as f64 / (TEMPLATES.len() * words.len()) as f64
}

#[test]
fn strong_words_move_value() {
    let raised = share(&GOOD, |word, value| value(word) > value("here"));
    let lowered = share(&BAD, |word, value| value(word) < value("here"));
    assert!(raised >= 0.98, "{raised}");
    assert!(lowered >= 0.98, "{lowered}");
}

#[test]
fn negators_move_value_back() {
    let good = share(&GOOD, |word, value| {
        value(&format!("not {word}")) < value(word)
    });
    let bad = share(&BAD, |word, value| {
        value(&format!("not {word}")) > value(word)
    });
    assert!(good >= 0.95, "{good}");
    assert!(bad >= 0.60, "{bad}");
}

#[test]
fn reads_words_of_hashtags() {
    let mut scorer = scorer();
    let mut value = |text: &str| scorer.score(text).value();
    assert!(value("monday #worstdayever") < value("monday #weekdays"));
    assert!(value("monday #BestDayEver") > value("monday #WeekDays"));
}

#[test]
fn emoticons_and_emoji_move_value() {
    let mut scorer = scorer();
    let mut value = |text: &str| scorer.score(text).value();
    assert!(value("on my way home :)") > value("on my way home"));
    assert!(value("on my way home :(") < value("on my way home"));
    assert!(value("on my way home 😍") > value("on my way home"));
    assert!(value("on my way home 😡") < value("on my way home"));
    // Emoji variants have the same value.
    assert_eq!(value("ok 👍🏽").to_bits(), value("ok 👍").to_bits());
    assert_eq!(value("ok ❤\u{fe0f}").to_bits(), value("ok ❤").to_bits());
}

#[test]
fn explanation_names_contributing_features() {
    let explained = scorer().explain("what a wonderful day");
    let named = |what: &str| {
        explained
            .contributions
            .iter()
            .any(|reason| reason.feature.contains(what))
    };
    assert!(
        named("\"wonderful\"") && named("vader"),
        "{:?}",
        explained.contributions
    );
    let effect: f64 = explained
        .contributions
        .iter()
        .map(|reason| reason.effect)
        .sum();
    assert!(effect > 0.0, "{:?}", explained.contributions);
}

/// U+02BC is a letter by Unicode but starts no word.
#[test]
fn skips_letter_like_apostrophes() {
    for text in [
        "\u{2bc}",
        "\u{2bc} ",
        "a \u{2bc} b",
        "\u{2bc}\u{2bc}x",
        "#\u{2bc}",
    ] {
        score(text);
        moodvane_sentiment::LexiconScorer::new().score(text);
    }
}

#[test]
fn supports_english_and_unstated_language() {
    let scorer = scorer();
    let language = |tag| Some(Language::parse(tag).unwrap());
    assert!(scorer.supports_language(None));
    assert!(scorer.supports_language(language("en-GB")));
    assert!(!scorer.supports_language(language("de")));
}

#[test]
fn rules_have_distinct_valid_fingerprints() {
    let mut seen = std::collections::BTreeSet::new();
    for rule in DecisionRule::ALL {
        let scorer = TrainedScorer::english(rule).unwrap();
        let fingerprint = scorer.fingerprint().to_owned();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(
            fingerprint.len() <= 48 && fingerprint.bytes().all(plain),
            "{fingerprint}"
        );
        assert!(seen.insert(fingerprint));
    }
}
