//! The model on a thread of its own, and the scorer that asks it.
//!
//! One request is answered at a time. Who asks waits, but never for longer than a bound; what else runs in
//! the process does not wait at all.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use moodvane_model::{Language, Score, Sentiment};
use moodvane_sentiment::{Scorer, ScorerFault, Text};

use crate::engine::Engine;
use crate::{BertConfig, BertError, Languages, ModelFolder};

/// The longest time that an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// So many batches are worth a request: padding is shared better, and an answer still comes soon.
const BATCHES: usize = 4;

type Answer = Result<Vec<Option<Score>>, String>;

struct Request {
    texts: Vec<String>,
    answer: SyncSender<Answer>,
}

/// Asks a model that has a thread of its own. The thread ends with the scorer.
pub(crate) struct BertScorer {
    fingerprint: String,
    languages: Languages,
    at_once: usize,
    requests: SyncSender<Request>,
}

impl BertScorer {
    /// Starts the thread, loads the model there, and tries it.
    pub(crate) fn start(config: &BertConfig) -> Result<Self, BertError> {
        let folder = ModelFolder::open(config)?;
        let fingerprint = folder.fingerprint(config)?;
        let (requests, asked) = sync_channel::<Request>(1);
        let (loaded, load) = sync_channel(1);
        let own = config.clone();
        let work = move || match Engine::load(&folder, &own) {
            Ok(engine) => {
                // The starter is gone only where nobody will ask.
                let _ = loaded.send(Ok(()));
                answer(&engine, &asked);
            }
            Err(error) => {
                let _ = loaded.send(Err(error));
            }
        };
        thread::Builder::new()
            .name("bert".to_owned())
            .spawn(work)
            .map_err(|e| BertError::Thread(e.to_string()))?;
        load.recv()
            .map_err(|_| BertError::Thread("it ended while it loaded the model".to_owned()))??;
        tracing::info!(folder = %config.folder.display(), fingerprint, "model loaded");
        Ok(Self {
            fingerprint,
            languages: config.languages.clone(),
            at_once: BATCHES * config.batch.max(1),
            requests,
        })
    }

    fn ask(&self, texts: Vec<String>) -> Answer {
        let gone = || "the model's thread has ended".to_owned();
        let (answer, answered) = sync_channel(1);
        self.requests
            .send(Request { texts, answer })
            .map_err(|_| gone())?;
        answered
            .recv_timeout(PATIENCE)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => {
                    format!(
                        "the model did not answer within {} s: lower sentiment.bert.batch",
                        PATIENCE.as_secs()
                    )
                }
                RecvTimeoutError::Disconnected => gone(),
            })?
    }
}

fn answer(engine: &Engine, asked: &Receiver<Request>) {
    while let Ok(request) = asked.recv() {
        // Who asked may have stopped waiting.
        let _ = request.answer.send(engine.score(&request.texts));
    }
}

impl Scorer for BertScorer {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn speaks(&self, language: Option<Language>) -> bool {
        self.languages.have(language)
    }

    /// # Panics
    /// Where the model does not answer any more: [`score_texts`](Scorer::score_texts) says so instead.
    fn score(&mut self, text: &str) -> Score {
        match self.ask(vec![text.to_owned()]) {
            Ok(scores) => {
                let neutral = Score::new(Sentiment::Neutral, 2.0);
                scores.first().copied().flatten().unwrap_or(neutral)
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn score_texts(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerFault> {
        scores.clear();
        for some in texts.chunks(self.at_once) {
            let some = some.iter().map(|text| text.text.to_owned()).collect();
            scores.extend(self.ask(some).map_err(ScorerFault)?);
        }
        Ok(())
    }

    fn at_once(&self) -> usize {
        self.at_once
    }
}
