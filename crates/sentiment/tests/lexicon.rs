//! What the lexicon scorer makes of sentences: the rules one by one, and the laws that hold for
//! every text.

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

/// Each text must be scored above the next one.
fn falls(texts: &[&str]) {
    for pair in texts.windows(2) {
        let (a, b) = (value(pair[0]), value(pair[1]));
        assert!(a > b, "{:?} is {a}, {:?} is {b}", pair[0], pair[1]);
    }
}

/// All texts must be scored alike.
fn equal(texts: &[&str]) {
    for pair in texts.windows(2) {
        assert_eq!(score(pair[0]), score(pair[1]), "{pair:?}");
    }
}

/// All texts must be scored exactly neutral.
fn neutral(texts: &[&str]) {
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
fn a_text_without_any_sign_of_mood_is_neutral() {
    neutral(&[
        "",
        " \n\t",
        "the train leaves at 9:30",
        "@user",
        "https://t.co/abc",
        "…",
        "1) 2) 3)",
    ]);
    neutral(&[
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
fn a_negator_flips_and_damps_within_three_words_and_one_clause() {
    falls(&["good", "not bad at all, nor awful", "bad"]);
    falls(&[
        "it is great",
        "the",
        "it is not great",
        "it is awful, terrible",
    ]);
    falls(&["the", "isn't a very good idea"]);
    falls(&["the", "isn’t a good idea"]);
    falls(&["not one of them was a good one", "the"]);
    falls(&["No, this is good", "this is not good"]);
    falls(&["never again, but happy now", "never happy"]);
    equal(&["don't like", "dont like", "don’t like", "DON'T LIKE"]);
    equal(&["no wonder", "the"]);
    falls(&["the", "disappointed", "never been so disappointed"]);
    falls(&["the", "no"]);
}

#[test]
fn emphasis_strengthens_and_dampers_weaken() {
    falls(&["very good", "good", "kind of good", "the"]);
    falls(&["extremely happy", "happy", "slightly happy", "the"]);
    falls(&[
        "the",
        "slightly sad",
        "sad",
        "so sad",
        "so so sad",
        "sooo so sad",
    ]);
    falls(&["so very good", "very good"]);
    falls(&["good!!!", "good!", "good"]);
    falls(&["bad", "bad!", "bad!!!"]);
    falls(&["this is GREAT", "this is great"]);
    falls(&["the", "pretty bad", "so pretty bad"]);
    falls(&["so pretty", "pretty", "the"]);
    falls(&["good", "good?"]);
    equal(&["THIS IS GREAT", "this is great"]);
    equal(&["good!!!!", "good!!!!!!!!!!!!"]);
}

#[test]
fn what_follows_a_turn_counts_for_more() {
    falls(&[
        "the food was bad but the view was good",
        "the food was good but the view was bad",
    ]);
}

#[test]
fn emoticons_and_emoji_count() {
    falls(&["there :))", "there :)", "there", "there :(", "there :(("]);
    falls(&["there:D", "there", "there :'("]);
    falls(&["there <3", "there", "there </3"]);
    falls(&["there xD", "there xd"]);
    falls(&["there 😍", "there", "there 😡😡"]);
    equal(&["there ❤️", "there ❤", "there ♥"]);
    // A symbol ends a clause.
    falls(&["not here :) good", "not here :)"]);
    equal(&["😡😡😡", "😡😡😡😡😡😡"]);
    equal(&["there :((", "there :((((((((((((("]);
    neutral(&[
        "see http://a.b/c",
        "ftp://x",
        "(see page 18)",
        "note:Danube",
        "10:30",
        "a:b",
    ]);
    falls(&["thanks 👍🏽", "thanks"]);
}

#[test]
fn hashtags_count_as_words() {
    equal(&["what a #fail", "what a fail"]);
    equal(&["#GoodMorning", "good morning"]);
    equal(&["#SoHappy", "so happy"]);
    equal(&["#so_happy", "so happy"]);
    falls(&["#love", "the"]);
}

#[test]
fn phrases_count_as_one() {
    equal(&[
        "can't stand it",
        "can’t stand it",
        "cant stand it",
        "CAN'T STAND IT",
    ]);
    equal(&["short-sighted", "short sighted"]);
    equal(&["a once-in-a-lifetime trip", "a once in a lifetime trip"]);
    falls(&["can't wait", "the", "can't stand"]);
    falls(&["cool stuff", "cool", "the"]);
    falls(&["like it", "looks like it"]);
    neutral(&["it looks like rain", "feels like ten degrees"]);
    // A clause's end cuts a phrase.
    falls(&["fed. up", "fed up"]);
}

#[test]
fn elongated_words_are_known_and_stronger() {
    falls(&["happyyyyy", "happy"]);
    falls(&["loooove", "love"]);
    falls(&["coooool", "cool"]);
    falls(&["the", "sad", "saaaaad"]);
    falls(&["sooooo good", "so good", "good"]);
    falls(&["haaaappppy", "happy"]);
    equal(&[
        "happyyy",
        "happyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
    ]);
}

#[test]
fn case_and_accents_are_folded_by_unicode() {
    equal(&["naïve", "NAÏVE", "Naïve"]);
    equal(&["Happy", "happy", "hAPPy"]);
    falls(&["the", "naive"]);
    equal(&["nai\u{308}ve", "naive"]);
}

#[test]
fn links_and_mentions_leave_nothing() {
    equal(&[
        "good https://x.y/awful-bad",
        "good",
        "good www.hate.com/bad!!",
        "good @hate_you",
    ]);
    equal(&["@sad.bsky.social good", "@joy good"]);
    equal(&["good pic.twitter.com/hate", "good"]);
}

#[test]
fn it_speaks_english_and_takes_texts_that_name_no_language() {
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
    fn every_text_has_a_score_and_always_the_same(text in any_text(), before in any_text()) {
        let mut scorer = LexiconScorer::new();
        let first = scorer.score(&text);
        prop_assert!((0.0..=4.0).contains(&first.value()));
        prop_assert!(first.sentiment.class() <= 4);
        scorer.score(&before);
        prop_assert_eq!(scorer.score(&text), first);
    }

    #[test]
    fn spaces_at_the_end_change_nothing(text in any_text(), spaces in "[ \\t\\n\u{a0}\u{3000}]{0,9}") {
        prop_assert_eq!(score(&format!("{text}{spaces}")), score(&text));
    }

    #[test]
    fn the_name_in_a_mention_changes_nothing(
        before in any_text(), after in any_text(),
        a in "[A-Za-z0-9_]{1,15}", b in "[a-z0-9]{1,8}(-[a-z]{1,5})?(\\.[a-z]{2,8}){1,2}",
    ) {
        let with = |name: &str| score(&format!("{before} @{name} {after}"));
        prop_assert_eq!(with(&a), with("user"));
        prop_assert_eq!(with(&b), with("user"));
    }

    #[test]
    fn the_address_of_a_link_changes_nothing(
        before in any_text(), after in any_text(), scheme in "https?|HTTP|ftp", address in "\\PC{1,40}",
    ) {
        let address = address.replace(char::is_whitespace, "");
        let with = |address: &str| score(&format!("{before} {scheme}://{address} {after}"));
        prop_assert_eq!(with(&address), with("t.co/a"));
    }

    #[test]
    fn many_texts_at_once_are_scored_as_one_by_one(texts in prop::collection::vec(any_text(), 0..6)) {
        let all: Vec<Text<'_>> = texts.iter().map(|text| Text::plain(text)).collect();
        let mut scores = vec![Some(score("left over"))];
        LexiconScorer::new().score_batch(&all, &mut scores).unwrap();
        let single: Vec<Option<Score>> = texts.iter().map(|text| Some(score(text))).collect();
        prop_assert_eq!(scores, single);
    }
}
