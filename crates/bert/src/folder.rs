//! The folder of a model: its files and their settings.
//!
//! Guarantee: an opened folder has all files, each within its size limit, and the label map matches the
//! model. The weights are not read yet, except for the fingerprint.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use crate::{BertConfig, BertError};

/// The version of what this code does to a text before the model. Raise it when a change alters a score.
///
/// 2: texts are scored in their normal form.
const VERSION: u32 = 2;

/// Maximum size of a JSON file in bytes.
const MAX_JSON: u64 = 1 << 20;
/// Maximum size of a vocabulary in bytes.
const MAX_VOCABULARY: u64 = 64 << 20;
/// Maximum size of the weights in bytes.
const MAX_WEIGHTS: u64 = 8 << 30;

/// The architecture of a transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// BERT: `vocab.txt`.
    Bert,
    /// DistilBERT: `vocab.txt`.
    DistilBert,
    /// RoBERTa: `vocab.json` and `merges.txt`.
    Roberta,
    /// XLM-RoBERTa, multilingual: `sentencepiece.bpe.model`.
    XlmRoberta,
}

impl Architecture {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "bert" => Self::Bert,
            "distilbert" => Self::DistilBert,
            "roberta" => Self::Roberta,
            "xlm-roberta" => Self::XlmRoberta,
            _ => return None,
        })
    }

    fn vocabulary_file(self) -> &'static str {
        match self {
            Self::Bert | Self::DistilBert => "vocab.txt",
            Self::Roberta => "vocab.json",
            Self::XlmRoberta => "sentencepiece.bpe.model",
        }
    }

    /// The number of position embeddings that hold no token: RoBERTa's positions start after the
    /// padding index.
    fn reserved_positions(self) -> usize {
        match self {
            Self::Bert | Self::DistilBert => 0,
            Self::Roberta | Self::XlmRoberta => 2,
        }
    }

    fn lower_cases_by_default(self) -> bool {
        matches!(self, Self::Bert | Self::DistilBert)
    }
}

/// A validated model folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolder {
    /// The folder.
    pub path: PathBuf,
    /// The model's architecture.
    pub architecture: Architecture,
    /// `config.json`.
    pub config: PathBuf,
    /// The vocabulary: words or word pieces.
    pub vocabulary: PathBuf,
    /// The merge rules of byte-pair encoding, if the architecture has them.
    pub merges: Option<PathBuf>,
    /// `rust_model.ot` or `model.safetensors`.
    pub weights: PathBuf,
    /// Whether the tokenizer converts texts to lower case.
    pub lower_case: bool,
    /// Whether the tokenizer strips accents; `None` for the architecture's default.
    pub strip_accents: Option<bool>,
}

/// The used fields of `config.json`.
#[derive(Deserialize)]
struct ModelConfig {
    model_type: String,
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    max_position_embeddings: usize,
}

/// The used fields of `tokenizer_config.json`.
#[derive(Deserialize, Default)]
struct TokenizerConfig {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
}

impl ModelFolder {
    /// Opens and validates the folder of a configuration.
    ///
    /// # Errors
    /// [`BertError`] if a file is missing, too large or invalid, the architecture is not supported, or
    /// the label map or the number of tokens does not match the model.
    pub fn open(config: &BertConfig) -> Result<Self, BertError> {
        let path = &config.folder;
        let config_file = path.join("config.json");
        let model: ModelConfig = read_json(&config_file)?;
        let invalid = |reason: String| BertError::Config {
            path: config_file.clone(),
            reason,
        };
        let architecture = Architecture::from_name(&model.model_type).ok_or_else(|| {
            invalid(format!(
                "model_type \"{}\" must be bert, distilbert, roberta or xlm-roberta",
                model.model_type
            ))
        })?;
        let outputs = output_names(&model)
            .ok_or_else(|| invalid("id2label must name every label, from 0 on".to_owned()))?;
        check_labels(config, &outputs)?;
        check_tokens(config, &model, architecture)?;
        let tokenizer = path.join("tokenizer_config.json");
        let tokenizer: TokenizerConfig = if tokenizer.exists() {
            read_json(&tokenizer)?
        } else {
            TokenizerConfig::default()
        };
        let merges = (architecture == Architecture::Roberta).then_some("merges.txt");
        Ok(Self {
            path: path.clone(),
            architecture,
            config: config_file,
            vocabulary: file_within(path, architecture.vocabulary_file(), MAX_VOCABULARY)?,
            merges: merges
                .map(|name| file_within(path, name, MAX_VOCABULARY))
                .transpose()?,
            weights: file_within(path, weights_file(path)?, MAX_WEIGHTS)?,
            lower_case: tokenizer
                .do_lower_case
                .unwrap_or(architecture.lower_cases_by_default()),
            strip_accents: tokenizer.strip_accents,
        })
    }

    /// The fingerprint of the model: a hash of everything that its scores depend on.
    ///
    /// # Errors
    /// [`BertError::Read`] if a file cannot be read.
    pub fn fingerprint(&self, config: &BertConfig) -> Result<String, BertError> {
        let mut hash = Xxh3::new();
        let files = [
            Some(&self.config),
            Some(&self.vocabulary),
            self.merges.as_ref(),
            Some(&self.weights),
        ];
        for path in files.into_iter().flatten() {
            hash_file(&mut hash, path).map_err(read_error(path))?;
        }
        hash.update(config.labels.classes());
        hash.update(&config.max_tokens.to_le_bytes());
        hash.update(&[
            u8::from(self.lower_case),
            self.strip_accents.map_or(2, u8::from),
        ]);
        Ok(format!("bert-{VERSION}-{:016x}", hash.digest()))
    }
}

/// The names of the outputs in their order; `None` unless they are numbered from 0.
fn output_names(model: &ModelConfig) -> Option<Vec<&str>> {
    let names: Option<Vec<&str>> = (0..model.id2label.len())
        .map(|n| model.id2label.get(&n.to_string()).map(String::as_str))
        .collect();
    names.filter(|names| !names.is_empty())
}

fn check_labels(config: &BertConfig, outputs: &[&str]) -> Result<(), BertError> {
    let labels = config.labels.classes().len();
    if outputs.len() == labels {
        return Ok(());
    }
    Err(BertError::LabelCount {
        outputs: outputs.len(),
        names: outputs.join(", "),
        labels,
    })
}

fn check_tokens(
    config: &BertConfig,
    model: &ModelConfig,
    architecture: Architecture,
) -> Result<(), BertError> {
    let limit = model
        .max_position_embeddings
        .saturating_sub(architecture.reserved_positions());
    if config.max_tokens <= limit {
        return Ok(());
    }
    Err(BertError::TooManyTokens {
        requested: config.max_tokens,
        limit,
    })
}

fn weights_file(folder: &Path) -> Result<&'static str, BertError> {
    ["rust_model.ot", "model.safetensors"]
        .into_iter()
        .find(|name| folder.join(name).exists())
        .ok_or_else(|| BertError::MissingFile {
            folder: folder.to_path_buf(),
            what: "weights: rust_model.ot or model.safetensors",
        })
}

fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> BertError {
    let path = path.to_path_buf();
    move |source| BertError::Read { path, source }
}

fn file_within(folder: &Path, name: &str, limit: u64) -> Result<PathBuf, BertError> {
    let path = folder.join(name);
    let bytes = std::fs::metadata(&path).map_err(read_error(&path))?.len();
    if bytes > limit {
        return Err(BertError::TooLarge { path, bytes, limit });
    }
    Ok(path)
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, BertError> {
    let mut text = String::new();
    let file = File::open(path).map_err(read_error(path))?;
    file.take(MAX_JSON + 1)
        .read_to_string(&mut text)
        .map_err(read_error(path))?;
    if text.len() as u64 > MAX_JSON {
        return Err(BertError::TooLarge {
            path: path.to_path_buf(),
            bytes: text.len() as u64,
            limit: MAX_JSON,
        });
    }
    serde_json::from_str(&text).map_err(|source| BertError::Json {
        path: path.to_path_buf(),
        source,
    })
}

/// Hashes a file's size and bytes.
fn hash_file(hash: &mut Xxh3, path: &Path) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    hash.update(&file.metadata()?.len().to_le_bytes());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => hash.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
