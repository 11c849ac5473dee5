//! Several scorers of one kind that share a batch of texts.
//!
//! Scoring is most of the work of a processor.
//!
//! Guarantee: the scores and their order are those of a single scorer.

use std::thread;

use moodvane_model::{Calibration, Language, Score};
use moodvane_sentiment::{
    Scorer, ScorerChoice, ScorerError, Text, WeatherTalkScorer, WeightsError,
};

/// The fewest texts per thread: starting a thread costs about as much as ten scores.
const MIN_TEXTS: usize = 128;

/// At least one scorer of one kind.
pub struct ParallelScorer {
    first: Box<dyn Scorer>,
    workers: Vec<ScorerWorker>,
}

struct ScorerWorker {
    scorer: Box<dyn Scorer>,
    /// Kept between calls so that scoring does not allocate.
    scores: Vec<Option<Score>>,
}

/// `threads` built-in scorers as one, each with the detector of weather talk.
///
/// # Errors
/// If the built-in weights cannot be loaded.
pub fn parallel_scorer(threads: usize, choice: ScorerChoice) -> anyhow::Result<Box<dyn Scorer>> {
    let build = || -> Result<Box<dyn Scorer>, WeightsError> {
        Ok(Box::new(WeatherTalkScorer::new(choice.build()?)))
    };
    Ok(Box::new(ParallelScorer::new(threads, build)?))
}

impl ParallelScorer {
    /// `threads` scorers that `build` creates; at least one.
    ///
    /// # Errors
    /// The errors of `build`.
    pub fn new<E>(
        threads: usize,
        mut build: impl FnMut() -> Result<Box<dyn Scorer>, E>,
    ) -> Result<Self, E> {
        let first = build()?;
        let mut build_worker = || {
            let (scorer, scores) = (build()?, Vec::new());
            Ok(ScorerWorker { scorer, scores })
        };
        let workers = (1..threads)
            .map(|_| build_worker())
            .collect::<Result<_, _>>()?;
        Ok(Self { first, workers })
    }
}

impl Scorer for ParallelScorer {
    fn fingerprint(&self) -> &str {
        self.first.fingerprint()
    }

    fn supports_language(&self, language: Option<Language>) -> bool {
        self.first.supports_language(language)
    }

    fn score(&mut self, text: &str) -> Score {
        self.first.score(text)
    }

    fn score_batch(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerError> {
        let each = texts.len().div_ceil(1 + self.workers.len()).max(MIN_TEXTS);
        let (mine, rest) = texts.split_at(each.min(texts.len()));
        let shares = rest.chunks(each).zip(&mut self.workers);
        thread::scope(|scope| {
            let running: Vec<_> = shares
                .map(|(share, worker)| {
                    let ScorerWorker { scorer, scores } = worker;
                    scope.spawn(|| {
                        scorer.score_batch(share, scores)?;
                        Ok(&*scores)
                    })
                })
                .collect();
            self.first.score_batch(mine, scores)?;
            for share in running {
                match share.join() {
                    Ok(more) => scores.extend_from_slice(more?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(())
        })
    }

    fn calibration(&self) -> Option<&Calibration> {
        self.first.calibration()
    }

    fn max_batch_size(&self) -> usize {
        self.first.max_batch_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scorer(threads: usize) -> ParallelScorer {
        ParallelScorer::new(threads, || ScorerChoice::default().build()).unwrap()
    }

    #[test]
    fn returns_scores_of_single_scorer_in_order() {
        let words = ["love", "hate", "rain", "not", "good", ":)", "subway"];
        let text = |i: usize| format!("{} {} {i}", words[i % 7], words[i / 7 % 7]);
        let texts: Vec<String> = (0..4 * MIN_TEXTS + 3).map(text).collect();
        let texts: Vec<Text<'_>> = texts.iter().map(|text| Text::plain(text)).collect();
        let mut alone = ScorerChoice::default().build().unwrap();
        let expected: Vec<Option<Score>> = texts
            .iter()
            .map(|text| Some(alone.score(text.text)))
            .collect();
        let counts = [0, 1, MIN_TEXTS, MIN_TEXTS + 1, 2 * MIN_TEXTS, texts.len()];
        for threads in 1..=6 {
            let mut scorer = scorer(threads);
            for count in counts {
                let mut scores = expected[..1].to_vec();
                scorer.score_batch(&texts[..count], &mut scores).unwrap();
                assert_eq!(
                    scores,
                    expected[..count],
                    "{threads} threads, {count} texts"
                );
            }
        }
    }

    #[test]
    fn fingerprint_does_not_depend_on_thread_count() {
        let alone = ScorerChoice::default().build().unwrap();
        for threads in [0, 1, 3] {
            assert_eq!(scorer(threads).fingerprint(), alone.fingerprint());
        }
    }

    #[test]
    fn returns_error_of_build() {
        let failed = ParallelScorer::new(2, || Err("no weights"));
        assert_eq!(failed.err(), Some("no weights"));
    }
}
