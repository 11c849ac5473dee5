//! Scores any bytes as a text: every scorer returns a deterministic score within bounds; the name of a
//! mention and trailing white space do not change it.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use moodvane_model::{MAX_POST_TEXT_BYTES, Score};
use moodvane_sentiment::{LexiconScorer, DecisionRule, Scorer, TrainedScorer};

/// Scored between two scores of one text, so that the scorer's buffers are not clean.
const BETWEEN: &str = "@you NOT soooo bad!! #bestDayEver :) 😡 https://example.org 1234…";

struct Scorers {
    trained: Vec<TrainedScorer>,
    lexicon: LexiconScorer,
}

impl Scorers {
    fn new() -> Self {
        let trained = |rule| TrainedScorer::english(rule).expect("the built-in weights");
        Self {
            trained: DecisionRule::ALL.into_iter().map(trained).collect(),
            lexicon: LexiconScorer::new(),
        }
    }

    fn check(&mut self, text: &str) {
        for scorer in &mut self.trained {
            check(scorer, text);
            let explained = scorer.explain(text);
            assert_eq!(explained.score, scorer.score(text));
            assert!(explained.contributions.iter().all(|r| r.effect.is_finite()));
        }
        check(&mut self.lexicon, text);
    }
}

fn check(scorer: &mut dyn Scorer, text: &str) {
    let first = scorer.score(text);
    in_bounds(first);
    in_bounds(scorer.score(BETWEEN));
    assert_eq!(scorer.score(text), first, "not the same twice");
    assert_eq!(scorer.score(&format!("{text} \n")), first, "white space");
    let mut mentioned = |name: &str| scorer.score(&format!("{text} @{name} {text}"));
    assert_eq!(mentioned("a"), mentioned("some_body_9"), "a mention's name");
}

fn in_bounds(score: Score) {
    let value = score.value();
    assert!(value.is_finite() && (0.0..=4.0).contains(&value), "{value}");
    assert!(score.sentiment.class() <= 4);
}

thread_local! {
    static SCORERS: RefCell<Scorers> = RefCell::new(Scorers::new());
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_POST_TEXT_BYTES)]);
    SCORERS.with_borrow_mut(|scorers| scorers.check(&text));
});
