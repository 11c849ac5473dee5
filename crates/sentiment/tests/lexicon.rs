//! The rules of the lexicon scorer on sentences, and properties that hold for every text.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use moodvane_model::{Language, Score};
use moodvane_sentiment::{LexiconScorer, Scorer, Text};
use proptest::prelude::*;

fn score(text: &str) -> Score {
    LexiconScorer::new().score(text)
}

fn value(text: &str) -> f64 {
    score(text).value()
}

/// Checks that each text scores higher than the next.
fn assert_descending(texts: &[&str]) {
    for pair in texts.windows(2) {
        let (a, b) = (value(pair[0]), value(pair[1]));
        assert!(a > b, "{:?} is {a}, {:?} is {b}", pair[0], pair[1]);
    }
}

/// Checks that all texts have equal scores.
fn assert_equal_scores(texts: &[&str]) {
    for pair in texts.windows(2) {
        assert_eq!(score(pair[0]), score(pair[1]), "{pair:?}");
    }
}

/// Checks that all texts score exactly neutral.
fn assert_neutral(texts: &[&str]) {
    for text in texts {
        let score = score(text);
        assert_eq!(
            (score.sentiment.class(), score.value()),
            (2, 2.0),
            "{text:?}"
        );
    }
}

#[test]
fn scores_text_without_sentiment_as_neutral() {
    assert_neutral(&[
        "",
        " \n\t",
        "the train leaves at 9:30",
        "@user",
        "https://t.co/abc",
        "…",
        "1) 2) 3)",
    ]);
    assert_neutral(&[
        "he'll see",
        "we'd go",
        "I'll go",
        "she'll go",
        "l'été à Paris",
        "今日は",
        "\u{0}",
    ]);
}

#[test]
fn negator_flips_and_dampens_within_scope() {
    assert_descending(&["good", "not bad at all, nor awful", "bad"]);
    assert_descending(&[
        "it is great",
        "the",
        "it is not great",
        "it is awful, terrible",
    ]);
    assert_descending(&["the", "isn't a very good idea"]);
    assert_descending(&["the", "isn’t a good idea"]);
    assert_descending(&["not one of them was a good one", "the"]);
    assert_descending(&["No, this is good", "this is not good"]);
    assert_descending(&["never again, but happy now", "never happy"]);
    assert_equal_scores(&["don't like", "dont like", "don’t like", "DON'T LIKE"]);
    assert_equal_scores(&["no wonder", "the"]);
    assert_descending(&["the", "disappointed", "never been so disappointed"]);
    assert_descending(&["the", "no"]);
}

#[test]
fn emphasis_strengthens_and_dampers_weaken() {
    assert_descending(&["very good", "good", "kind of good", "the"]);
    assert_descending(&["extremely happy", "happy", "slightly happy", "the"]);
    assert_descending(&[
        "the",
        "slightly sad",
        "sad",
        "so sad",
        "so so sad",
        "sooo so sad",
    ]);
    assert_descending(&["so very good", "very good"]);
    assert_descending(&["good!!!", "good!", "good"]);
    assert_descending(&["bad", "bad!", "bad!!!"]);
    assert_descending(&["this is GREAT", "this is great"]);
    assert_descending(&["the", "pretty bad", "so pretty bad"]);
    assert_descending(&["so pretty", "pretty", "the"]);
    assert_descending(&["good", "good?"]);
    assert_equal_scores(&["THIS IS GREAT", "this is great"]);
    assert_equal_scores(&["good!!!!", "good!!!!!!!!!!!!"]);
}

#[test]
fn weights_part_after_contrast_more() {
    assert_descending(&[
        "the food was bad but the view was good",
        "the food was good but the view was bad",
    ]);
}

#[test]
fn scores_emoticons_and_emoji() {
    assert_descending(&["there :))", "there :)", "there", "there :(", "there :(("]);
    assert_descending(&["there:D", "there", "there :'("]);
    assert_descending(&["there <3", "there", "there </3"]);
    assert_descending(&["there xD", "there xd"]);
    assert_descending(&["there 😍", "there", "there 😡😡"]);
    assert_equal_scores(&["there ❤️", "there ❤", "there ♥"]);
    // A symbol ends a clause.
    assert_descending(&["not here :) good", "not here :)"]);
    assert_equal_scores(&["😡😡😡", "😡😡😡😡😡😡"]);
    assert_equal_scores(&["there :((", "there :((((((((((((("]);
    assert_neutral(&[
        "see http://a.b/c",
        "ftp://x",
        "(see page 18)",
        "note:Danube",
        "10:30",
        "a:b",
    ]);
    assert_descending(&["thanks 👍🏽", "thanks"]);
}

#[test]
fn scores_hashtags_as_words() {
    assert_equal_scores(&["what a #fail", "what a fail"]);
    assert_equal_scores(&["#GoodMorning", "good morning"]);
    assert_equal_scores(&["#SoHappy", "so happy"]);
    assert_equal_scores(&["#so_happy", "so happy"]);
    assert_descending(&["#love", "the"]);
}

#[test]
fn scores_phrases_as_units() {
    assert_equal_scores(&[
        "can't stand it",
        "can’t stand it",
        "cant stand it",
        "CAN'T STAND IT",
    ]);
    assert_equal_scores(&["short-sighted", "short sighted"]);
    assert_equal_scores(&["a once-in-a-lifetime trip", "a once in a lifetime trip"]);
    assert_descending(&["can't wait", "the", "can't stand"]);
    assert_descending(&["cool stuff", "cool", "the"]);
    assert_descending(&["like it", "looks like it"]);
    assert_neutral(&["it looks like rain", "feels like ten degrees"]);
    // The end of a clause splits a phrase.
    assert_descending(&["fed. up", "fed up"]);
}

#[test]
fn elongation_strengthens_words() {
    assert_descending(&["happyyyyy", "happy"]);
    assert_descending(&["loooove", "love"]);
    assert_descending(&["coooool", "cool"]);
    assert_descending(&["the", "sad", "saaaaad"]);
    assert_descending(&["sooooo good", "so good", "good"]);
    assert_descending(&["haaaappppy", "happy"]);
    assert_equal_scores(&[
        "happyyy",
        "happyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
    ]);
}

#[test]
fn folds_case_and_accents() {
    assert_equal_scores(&["naïve", "NAÏVE", "Naïve"]);
    assert_equal_scores(&["Happy", "happy", "hAPPy"]);
    assert_descending(&["the", "naive"]);
    assert_equal_scores(&["nai\u{308}ve", "naive"]);
}

#[test]
fn ignores_links_and_mentions() {
    assert_equal_scores(&[
        "good https://x.y/awful-bad",
        "good",
        "good www.hate.com/bad!!",
        "good @hate_you",
    ]);
    assert_equal_scores(&["@sad.bsky.social good", "@joy good"]);
    assert_equal_scores(&["good pic.twitter.com/hate", "good"]);
}

#[test]
fn supports_english_and_unstated_language() {
    let scorer = LexiconScorer::new();
    let language = |tag| Some(Language::parse(tag).unwrap());
    assert!(scorer.supports_language(None));
    assert!(scorer.supports_language(language("en")));
    assert!(scorer.supports_language(language("en-GB")));
    assert!(!scorer.supports_language(language("de")));
    assert!(!scorer.supports_language(language("eng")));
}

fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-zA-Z'’@#:;()<3!?. \\n-]{1,12}",
        prop::sample::select(vec![
            "not ", "good", "so ", "cant ", "stand", "😡", ":))", "kind of ", "<3", "aaaa", "#",
            "@", "http://", "\u{301}", "İ", "but ", "ẞ", "Σ", "www.", "’ll",
        ])
        .prop_map(String::from),
    ];
    (prop::collection::vec(pieces, 0..60), 1_usize..40).prop_map(|(pieces, times)| {
        let mut text = pieces.concat().repeat(times);
        let end = text.floor_char_boundary(16_384);
        text.truncate(end);
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn scores_any_text_deterministically(text in any_text(), before in any_text()) {
        let mut scorer = LexiconScorer::new();
        let first = scorer.score(&text);
        prop_assert!((0.0..=4.0).contains(&first.value()));
        prop_assert!(first.sentiment.class() <= 4);
        scorer.score(&before);
        prop_assert_eq!(scorer.score(&text), first);
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
        let with = |name: &str| score(&format!("{before} @{name} {after}"));
        prop_assert_eq!(with(&a), with("user"));
        prop_assert_eq!(with(&b), with("user"));
    }

    #[test]
    fn ignores_addresses_of_links(
        before in any_text(), after in any_text(), scheme in "https?|HTTP|ftp", address in "\\PC{1,40}",
    ) {
        let address = address.replace(char::is_whitespace, "");
        let with = |address: &str| score(&format!("{before} {scheme}://{address} {after}"));
        prop_assert_eq!(with(&address), with("t.co/a"));
    }

    #[test]
    fn batch_equals_single_scores(texts in prop::collection::vec(any_text(), 0..6)) {
        let all: Vec<Text<'_>> = texts.iter().map(|text| Text::plain(text)).collect();
        let mut scores = vec![Some(score("left over"))];
        LexiconScorer::new().score_batch(&all, &mut scores).unwrap();
        let single: Vec<Option<Score>> = texts.iter().map(|text| Some(score(text))).collect();
        prop_assert_eq!(scores, single);
    }
}
