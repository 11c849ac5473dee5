//! The scorer, which sends texts to the model's thread and waits for the scores.
//!
//! The thread handles one request at a time. A caller waits for at most a fixed time; other threads of
//! the process do not wait.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use moodvane_model::{Language, Score, Sentiment};
use moodvane_sentiment::{Scorer, ScorerError, Text};
use moodvane_text::normal_form;

use crate::engine::Engine;
use crate::{BertConfig, BertError, Languages, ModelFolder};

/// Maximum time for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);
/// The number of batches in a request: sorting more texts by length reduces padding, while the response
/// time stays short.
const BATCHES_PER_REQUEST: usize = 4;

type Response = Result<Vec<Option<Score>>, String>;

struct Request {
    texts: Vec<String>,
    response: SyncSender<Response>,
}

/// Scores texts on the model's thread, which ends when the scorer is dropped.
pub(crate) struct BertScorer {
    fingerprint: String,
    languages: Languages,
    max_batch_size: usize,
    requests: SyncSender<Request>,
}

impl BertScorer {
    /// Starts the thread, which loads the model and scores a test text.
    pub(crate) fn start(config: &BertConfig) -> Result<Self, BertError> {
        let folder = ModelFolder::open(config)?;
        let fingerprint = folder.fingerprint(config)?;
        let (requests, receiver) = sync_channel::<Request>(1);
        let (load_result, loaded) = sync_channel(1);
        let model_config = config.clone();
        let work = move || match Engine::load(&folder, &model_config) {
            Ok(engine) => {
                // Fails only if the caller no longer waits, and then there are no requests.
                let _ = load_result.send(Ok(()));
                serve(&engine, &receiver);
            }
            Err(error) => {
                let _ = load_result.send(Err(error));
            }
        };
        thread::Builder::new()
            .name("bert".to_owned())
            .spawn(work)
            .map_err(BertError::Spawn)?;
        loaded.recv().map_err(|_| BertError::ThreadEnded)??;
        tracing::info!(folder = %config.folder.display(), fingerprint, "model loaded");
        Ok(Self {
            fingerprint,
            languages: config.languages.clone(),
            max_batch_size: BATCHES_PER_REQUEST * config.batch.max(1),
            requests,
        })
    }

    fn request(&self, texts: Vec<String>) -> Response {
        let ended = || "the model's thread has ended".to_owned();
        let (response, receiver) = sync_channel(1);
        self.requests
            .send(Request { texts, response })
            .map_err(|_| ended())?;
        receiver
            .recv_timeout(RESPONSE_TIMEOUT)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => {
                    format!(
                        "the model did not answer within {} s: lower sentiment.bert.batch",
                        RESPONSE_TIMEOUT.as_secs()
                    )
                }
                RecvTimeoutError::Disconnected => ended(),
            })?
    }
}

fn serve(engine: &Engine, requests: &Receiver<Request>) {
    while let Ok(request) = requests.recv() {
        // The caller may have timed out.
        let _ = request.response.send(engine.score(&request.texts));
    }
}

impl Scorer for BertScorer {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn supports_language(&self, language: Option<Language>) -> bool {
        self.languages.contains(language)
    }

    /// # Panics
    /// If the model does not respond. [`score_batch`](Scorer::score_batch) returns an error instead.
    fn score(&mut self, text: &str) -> Score {
        match self.request(vec![normal_form(text).into_owned()]) {
            Ok(scores) => {
                let neutral = Score::new(Sentiment::Neutral, 2.0);
                scores.first().copied().flatten().unwrap_or(neutral)
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn score_batch(
        &mut self,
        texts: &[Text<'_>],
        scores: &mut Vec<Option<Score>>,
    ) -> Result<(), ScorerError> {
        scores.clear();
        for chunk in texts.chunks(self.max_batch_size) {
            let normal = chunk.iter().map(|text| normal_form(text.text).into_owned());
            scores.extend(self.request(normal.collect()).map_err(ScorerError)?);
        }
        Ok(())
    }

    fn max_batch_size(&self) -> usize {
        self.max_batch_size
    }
}
