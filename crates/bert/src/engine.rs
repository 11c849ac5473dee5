//! The model itself: texts to tokens to probabilities.
//!
//! A batch is padded to its longest text, and the mask keeps the padding out of every text: without one
//! (as in rust-bert's own `predict`) a text's score would change with its neighbours' lengths.

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

/// What a model is tried on.
const TRIAL: &str = "a fine day";

/// A loaded model.
pub(crate) struct Engine {
    model: SequenceClassificationOption,
    tokenizer: Tokenizer,
    labels: LabelMap,
    batch: usize,
}

struct Tokenizer {
    option: TokenizerOption,
    padding: i64,
    most: usize,
}

impl Engine {
    /// Loads the model of a folder and tries it.
    pub(crate) fn load(folder: &ModelFolder, config: &BertConfig) -> Result<Self, BertError> {
        let why = |why: String| BertError::Load {
            folder: folder.path.clone(),
            why,
        };
        tch::set_num_threads(match config.threads {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get() as i32),
            n => n as i32,
        });
        let engine = guarded(|| open(folder, config)).flatten().map_err(why)?;
        engine.probabilities(&[TRIAL]).map_err(why)?;
        Ok(engine)
    }

    /// The scores of texts, in order; `None` for a text that the model cannot judge.
    ///
    /// # Errors
    /// Where the model does not answer even for a text that it has answered for.
    pub(crate) fn score(&self, texts: &[String]) -> Result<Vec<Option<Score>>, String> {
        let mut scores = vec![None; texts.len()];
        // Texts of one length together: the less padding, the less work.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|at| texts.get(*at).map_or(0, String::len));
        for numbers in order.chunks(self.batch.max(1)) {
            let batch: Vec<&str> = numbers
                .iter()
                .filter_map(|at| texts.get(*at))
                .map(String::as_str)
                .collect();
            for (at, score) in numbers.iter().zip(self.score_batch(&batch)?) {
                scores[*at] = score;
            }
        }
        Ok(scores)
    }

    /// One batch. Where the model refuses it, its texts are tried one by one.
    fn score_batch(&self, texts: &[&str]) -> Result<Vec<Option<Score>>, String> {
        match self.probabilities(texts) {
            Ok(rows) => Ok(rows.iter().map(|row| self.labels.score(row)).collect()),
            Err(_) if texts.len() > 1 => {
                let each = texts.iter().map(|text| self.score_batch(&[text]));
                Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Err(error) => {
                self.probabilities(&[TRIAL])?;
                tracing::warn!(error, "the model cannot judge a text: it is not scored");
                Ok(vec![None])
            }
        }
    }

    /// A row for each text, a probability for each output.
    fn probabilities(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        let outputs = self.labels.classes().len();
        let forward = || no_grad(|| self.forward(texts)).map_err(|e| e.to_string());
        let flat = guarded(forward).flatten()?;
        if flat.len() != texts.len() * outputs {
            return Err(format!(
                "{} numbers for {} texts, expected {outputs} for each",
                flat.len(),
                texts.len()
            ));
        }
        if flat.iter().any(|p| !p.is_finite()) {
            return Err("the model answers with what is no number".to_owned());
        }
        Ok(flat.chunks(outputs).map(<[f32]>::to_vec).collect())
    }

    fn forward(&self, texts: &[&str]) -> Result<Vec<f32>, tch::TchError> {
        let Tokenizer {
            option,
            padding,
            most,
        } = &self.tokenizer;
        let (ids, segments) = option.tokenize_and_pad(texts, *most, Device::Cpu);
        let mask = ids.f_ne(*padding)?.f_to_kind(Kind::Int64)?;
        let logits =
            self.model
                .forward_t(Some(&ids), Some(&mask), Some(&segments), None, None, false);
        let shares = logits
            .f_softmax(-1, Kind::Float)?
            .f_contiguous()?
            .f_view([-1])?;
        Vec::<f32>::try_from(&shares)
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
            padding: option.get_pad_id().ok_or("the vocabulary has no padding")?,
            option,
            most: config.max_tokens,
        },
        labels: config.labels.clone(),
        batch: config.batch,
    })
}

/// What rust-bert and libtorch panic about becomes an error.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "it panicked".to_owned())
    })
}
