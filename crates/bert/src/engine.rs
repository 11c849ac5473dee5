//! The model: converts texts to tokens and tokens to probabilities.
//!
//! A batch is padded to its longest text, and the attention mask excludes the padding. Without a mask, as
//! in rust-bert's own `predict`, the score of a text would depend on the lengths of the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use moodvane_model::Score;
use rust_bert::pipelines::common::{ModelResource, ModelType, TokenizerOption};
use rust_bert::pipelines::sequence_classification::{
    SequenceClassificationConfig, SequenceClassificationOption,
};
use rust_bert::resources::LocalResource;
use tch::{Device, Kind, no_grad};

use crate::{Architecture, BertConfig, BertError, LabelMap, ModelFolder};

/// The text of the test after loading.
const TEST_TEXT: &str = "a fine day";

/// A loaded model.
pub(crate) struct Engine {
    model: SequenceClassificationOption,
    tokenizer: Tokenizer,
    labels: LabelMap,
    batch: usize,
}

struct Tokenizer {
    option: TokenizerOption,
    padding_id: i64,
    max_tokens: usize,
}

impl Engine {
    /// Loads the model of a folder and scores a test text.
    pub(crate) fn load(folder: &ModelFolder, config: &BertConfig) -> Result<Self, BertError> {
        let load_error = |reason: String| BertError::Load {
            folder: folder.path.clone(),
            reason,
        };
        tch::set_num_threads(match config.threads {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get() as i32),
            n => n as i32,
        });
        let engine = catch_panic(|| open(folder, config))
            .flatten()
            .map_err(load_error)?;
        engine.probabilities(&[TEST_TEXT]).map_err(load_error)?;
        Ok(engine)
    }

    /// The scores of texts, in order; `None` for a text that the model cannot score.
    ///
    /// # Errors
    /// If the model fails for the test text too, which it scored after loading.
    pub(crate) fn score(&self, texts: &[String]) -> Result<Vec<Option<Score>>, String> {
        let mut scores = vec![None; texts.len()];
        // Batches of texts of similar length need less padding.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|index| texts.get(*index).map_or(0, String::len));
        for indices in order.chunks(self.batch.max(1)) {
            let batch: Vec<&str> = indices
                .iter()
                .filter_map(|index| texts.get(*index))
                .map(String::as_str)
                .collect();
            for (index, score) in indices.iter().zip(self.score_batch(&batch)?) {
                scores[*index] = score;
            }
        }
        Ok(scores)
    }

    /// The scores of a batch. If the model fails for the batch, scores its texts one by one.
    fn score_batch(&self, texts: &[&str]) -> Result<Vec<Option<Score>>, String> {
        match self.probabilities(texts) {
            Ok(rows) => Ok(rows.iter().map(|row| self.labels.score(row)).collect()),
            Err(_) if texts.len() > 1 => {
                let each = texts.iter().map(|text| self.score_batch(&[text]));
                Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Err(error) => {
                self.probabilities(&[TEST_TEXT])?;
                tracing::warn!(error, "model cannot score a text");
                Ok(vec![None])
            }
        }
    }

    /// A row of output probabilities for each text.
    fn probabilities(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        let outputs = self.labels.classes().len();
        let forward = || no_grad(|| self.forward(texts)).map_err(|e| e.to_string());
        let flat = catch_panic(forward).flatten()?;
        if flat.len() != texts.len() * outputs {
            return Err(format!(
                "the model returned {} probabilities for {} texts, expected {outputs} for each",
                flat.len(),
                texts.len()
            ));
        }
        if flat.iter().any(|p| !p.is_finite()) {
            return Err("the model returned a probability that is not finite".to_owned());
        }
        Ok(flat.chunks(outputs).map(<[f32]>::to_vec).collect())
    }

    fn forward(&self, texts: &[&str]) -> Result<Vec<f32>, tch::TchError> {
        let Tokenizer {
            option,
            padding_id,
            max_tokens,
        } = &self.tokenizer;
        let (ids, segments) = option.tokenize_and_pad(texts, *max_tokens, Device::Cpu);
        let mask = ids.f_ne(*padding_id)?.f_to_kind(Kind::Int64)?;
        let logits =
            self.model
                .forward_t(Some(&ids), Some(&mask), Some(&segments), None, None, false);
        let probabilities = logits
            .f_softmax(-1, Kind::Float)?
            .f_contiguous()?
            .f_view([-1])?;
        Vec::<f32>::try_from(&probabilities)
    }
}

fn open(folder: &ModelFolder, config: &BertConfig) -> Result<Engine, String> {
    let kind = match folder.architecture {
        Architecture::Bert => ModelType::Bert,
        Architecture::DistilBert => ModelType::DistilBert,
        Architecture::Roberta => ModelType::Roberta,
        Architecture::XlmRoberta => ModelType::XLMRoberta,
    };
    let local = |path: &Path| LocalResource {
        local_path: path.to_path_buf(),
    };
    let mut model = SequenceClassificationConfig::new(
        kind,
        ModelResource::Torch(Box::new(local(&folder.weights))),
        local(&folder.config),
        local(&folder.vocabulary),
        folder.merges.as_deref().map(local),
        folder.lower_case,
        folder.strip_accents,
        None,
    );
    model.device = Device::Cpu;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let option = TokenizerOption::from_file(
        kind,
        &text(&folder.vocabulary),
        folder.merges.as_deref().map(text).as_deref(),
        folder.lower_case,
        folder.strip_accents,
        None,
    )
    .map_err(|e| e.to_string())?;
    Ok(Engine {
        model: SequenceClassificationOption::new(&model).map_err(|e| e.to_string())?,
        tokenizer: Tokenizer {
            padding_id: option
                .get_pad_id()
                .ok_or("the vocabulary has no padding token")?,
            option,
            max_tokens: config.max_tokens,
        },
        labels: config.labels.clone(),
        batch: config.batch,
    })
}

/// Converts a panic of rust-bert or libtorch to an error.
fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "panic without a message".to_owned())
    })
}
