//! Several scorers of one kind that share a batch of texts.
//!
//! Scoring is most of the work of a processor. The answers are those of one scorer alone: each text
//! is scored by itself, and keeps its place.

use std::thread;

use moodvane_model::{Language, Score};
use moodvane_sentiment::{Scorer, ScorerChoice, ScorerFault, Text};

/// Fewer texts than this for each are not worth a thread: starting one costs about ten scores.
const LEAST_TEXTS: usize = 128;

/// Several scorers of one kind; the first is always there.
pub struct ParallelScorer {
    first: Box<dyn Scorer>,
    others: Vec<Helper>,
}

struct Helper {
    scorer: Box<dyn Scorer>,
    /// Kept between calls, so that nothing is allocated once it is large enough.
    scores: Vec<Option<Score>>,
}

/// So many built-in scorers as one.
///
/// # Errors
/// Where the built-in weights do not fit this code.
pub fn parallel(threads: usize, choice: ScorerChoice) -> anyhow::Result<Box<dyn Scorer>> {
    Ok(Box::new(ParallelScorer::new(threads, || choice.build())?))
}

impl ParallelScorer {
    /// `threads` scorers of the kind that `build` builds; at least one.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn new<E>(
        threads: usize,
        mut build: impl FnMut() -> Result<Box<dyn Scorer>, E>,
    ) -> Result<Self, E> {
        let first = build()?;
        let mut helper = || {
            let (scorer, scores) = (build()?, Vec::new());
            Ok(Helper { scorer, scores })
        };
        let others = (1..threads).map(|_| helper()).collect::<Result<_, _>>()?;
        Ok(Self { first, others })
    }
}

impl Scorer for ParallelScorer {
    fn fingerprint(&self) -> &str {
        self.first.fingerprint()
    }

    fn speaks(&self, language: Option<Language>) -> bool {
        self.first.speaks(language)
    }

    fn score(&mut self, text: &str) -> Score {
        self.first.score(text)
    }

    fn score_texts(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerFault> {
        let each = texts.len().div_ceil(1 + self.others.len()).max(LEAST_TEXTS);
        let (mine, rest) = texts.split_at(each.min(texts.len()));
        let shares = rest.chunks(each).zip(&mut self.others);
        thread::scope(|scope| {
            let running: Vec<_> = shares
                .map(|(share, helper)| {
                    let Helper { scorer, scores } = helper;
                    scope.spawn(|| {
                        scorer.score_texts(share, scores)?;
                        Ok(&*scores)
                    })
                })
                .collect();
            self.first.score_texts(mine, scores)?;
            for share in running {
                match share.join() {
                    Ok(more) => scores.extend_from_slice(more?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(())
        })
    }

    fn at_once(&self) -> usize {
        self.first.at_once()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parallel(threads: usize) -> ParallelScorer {
        ParallelScorer::new(threads, || ScorerChoice::default().build()).unwrap()
    }

    #[test]
    fn the_answers_and_their_order_are_those_of_one_scorer() {
        let words = ["love", "hate", "rain", "not", "good", ":)", "subway"];
        let text = |i: usize| format!("{} {} {i}", words[i % 7], words[i / 7 % 7]);
        let texts: Vec<String> = (0..4 * LEAST_TEXTS + 3).map(text).collect();
        let texts: Vec<Text<'_>> = texts.iter().map(|text| Text::plain(text)).collect();
        let mut alone = ScorerChoice::default().build().unwrap();
        let expected: Vec<Option<Score>> = texts
            .iter()
            .map(|text| Some(alone.score(text.text)))
            .collect();
        let counts = [
            0,
            1,
            LEAST_TEXTS,
            LEAST_TEXTS + 1,
            2 * LEAST_TEXTS,
            texts.len(),
        ];
        for threads in 1..=6 {
            let mut scorer = parallel(threads);
            for count in counts {
                let mut scores = expected[..1].to_vec();
                scorer.score_texts(&texts[..count], &mut scores).unwrap();
                assert_eq!(
                    scores,
                    expected[..count],
                    "{threads} threads, {count} texts"
                );
            }
        }
    }

    #[test]
    fn it_is_the_same_run_however_many_threads_there_are() {
        let alone = ScorerChoice::default().build().unwrap();
        for threads in [0, 1, 3] {
            assert_eq!(parallel(threads).fingerprint(), alone.fingerprint());
        }
    }

    #[test]
    fn what_cannot_be_built_is_told() {
        let failed = ParallelScorer::new(2, || Err("no weights"));
        assert_eq!(failed.err(), Some("no weights"));
    }
}
