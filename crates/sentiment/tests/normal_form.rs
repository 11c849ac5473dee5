//! Texts that look equal have equal scores, and another fingerprint than before they had.

#![allow(clippy::unwrap_used)]

use moodvane_sentiment::{DecisionRule, LexiconScorer, Scorer, TrainedScorer};
use proptest::prelude::*;

fn scorers() -> [Box<dyn Scorer>; 2] {
    let trained = TrainedScorer::english(DecisionRule::Mean).unwrap();
    [Box::new(trained), Box::new(LexiconScorer::new())]
}

#[test]
fn encoding_does_not_change_score() {
    for (text, plain) in [
        ("what a won\u{ad}derful day", "what a wonderful day"),
        (
            "aw\u{200b}ful, \u{feff}just aw\u{2060}ful",
            "awful, just awful",
        ),
        ("not\u{a0}good", "not good"),
        ("so  \u{3000} sad", "so sad"),
        ("ＧＲＥＡＴ！！", "GREAT!!"),
        ("I love NYC ＜３", "I love NYC <3"),
        ("can\u{ff07}t stand it", "can't stand it"),
        ("cafe\u{301} was terrible", "café was terrible"),
        ("\u{2068}@mayor\u{2069} thank you", "@mayor thank you"),
    ] {
        for scorer in &mut scorers() {
            let expected = scorer.score(plain);
            assert_eq!(
                scorer.score(text),
                expected,
                "{}: {text:?}",
                scorer.fingerprint()
            );
        }
    }
}

#[test]
fn joined_emoji_keep_their_score() {
    for (text, apart) in [
        ("❤\u{fe0f}\u{200d}🔥", "❤\u{fe0f}🔥"),
        ("👩\u{200d}🚀 yes", "👩🚀 yes"),
    ] {
        for scorer in &mut scorers() {
            let expected = scorer.score(apart);
            assert_eq!(
                scorer.score(text),
                expected,
                "{}: {text}",
                scorer.fingerprint()
            );
        }
    }
}

/// To the lexicon scorer a line break ends a clause, so that the negator does not reach "good".
#[test]
fn line_break_ends_clause_of_lexicon_scorer() {
    let mut scorer = LexiconScorer::new();
    let broken = scorer.score("I said no\n\n good day").value();
    let joined = scorer.score("I said no good day").value();
    assert!(broken > joined, "{broken} {joined}");
}

#[test]
fn fingerprint_names_version_with_normal_form() {
    let [trained, lexicon] = scorers();
    assert!(
        trained.fingerprint().starts_with("trained-2-"),
        "{}",
        trained.fingerprint()
    );
    assert!(
        lexicon.fingerprint().starts_with("lexicon-2-"),
        "{}",
        lexicon.fingerprint()
    );
}

#[test]
fn explanation_has_places_in_original_text() {
    let mut scorer = TrainedScorer::english(DecisionRule::Mean).unwrap();
    let text = "the\u{a0}  won\u{ad}derful #GoodDay 😀 was aw\u{200b}ful";
    let explanation = scorer.explain(text);
    let place = |feature: &str| {
        let found = explanation
            .contributions
            .iter()
            .find(|c| c.feature == feature);
        let found = found.unwrap_or_else(|| panic!("{feature}: {explanation:?}"));
        &text[found.place.clone().unwrap()]
    };
    assert_eq!(place("letters of \"wonderful\""), "won\u{ad}derful");
    assert_eq!(place("\"awful\""), "aw\u{200b}ful");
    assert_eq!(place("\"was awful\""), "was aw\u{200b}ful");
    assert_eq!(place("\"#goodday\""), "#GoodDay");
    assert_eq!(place("\"😀\""), "😀");
    let start = explanation
        .contributions
        .iter()
        .find(|c| c.feature == "(start)");
    assert_eq!(start.unwrap().place, None);
    assert_eq!(explanation.score, scorer.score(text));
}

proptest! {
    #[test]
    fn places_lie_in_the_text(text in "[a-z#@!?.' \u{a0}\u{ad}\u{200b}\u{301}éＡ😀\\n]{0,60}") {
        let mut scorer = TrainedScorer::english(DecisionRule::Mean).unwrap();
        for contribution in scorer.explain(&text).contributions {
            if let Some(place) = contribution.place {
                prop_assert!(text.get(place.clone()).is_some_and(|part| !part.is_empty()), "{:?}", place);
            }
        }
    }

    #[test]
    fn white_space_of_any_kind_is_one_space(words in prop::collection::vec("[a-z!:)#']{1,8}", 1..8)) {
        let plain = words.join(" ");
        let [mut trained, mut lexicon] = scorers();
        let expected = (trained.score(&plain), lexicon.score(&plain));
        for gap in ["\u{a0}", "  ", "\t\u{2003}", "\u{3000}\u{200b}"] {
            let text = words.join(gap);
            prop_assert_eq!((trained.score(&text), lexicon.score(&text)), expected);
        }
        prop_assert_eq!(trained.score(&words.join("\r\n")), expected.0);
    }
}
