//! A model's folder: which files it has, and what they say of themselves.
//!
//! Guarantee: a folder that was opened has every file, each within its limit, and the label map fits. Its
//! weights are not looked into yet.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use crate::{BertConfig, BertError};

/// The largest configuration, in bytes.
const MAX_JSON: u64 = 1 << 20;
/// The largest vocabulary, in bytes.
const MAX_VOCABULARY: u64 = 64 << 20;
/// The largest weights, in bytes.
const MAX_WEIGHTS: u64 = 8 << 30;

/// What kind of transformer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// BERT: `vocab.txt`.
    Bert,
    /// DistilBERT: `vocab.txt`.
    DistilBert,
    /// RoBERTa: `vocab.json` and `merges.txt`.
    Roberta,
    /// XLM-RoBERTa, of many languages: `sentencepiece.bpe.model`.
    XlmRoberta,
}

impl Architecture {
    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "bert" => Self::Bert,
            "distilbert" => Self::DistilBert,
            "roberta" => Self::Roberta,
            "xlm-roberta" => Self::XlmRoberta,
            _ => return None,
        })
    }

    fn vocabulary(self) -> &'static str {
        match self {
            Self::Bert | Self::DistilBert => "vocab.txt",
            Self::Roberta => "vocab.json",
            Self::XlmRoberta => "sentencepiece.bpe.model",
        }
    }

    /// Positions that hold no token: RoBERTa's begin after the padding's number.
    fn lost_positions(self) -> usize {
        match self {
            Self::Bert | Self::DistilBert => 0,
            Self::Roberta | Self::XlmRoberta => 2,
        }
    }

    fn lowers_by_default(self) -> bool {
        matches!(self, Self::Bert | Self::DistilBert)
    }
}

/// A folder that was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolder {
    /// The folder.
    pub path: PathBuf,
    /// What kind of transformer it holds.
    pub architecture: Architecture,
    /// `config.json`.
    pub config: PathBuf,
    /// The words or pieces.
    pub vocabulary: PathBuf,
    /// How pieces are joined, where the architecture has it.
    pub merges: Option<PathBuf>,
    /// `rust_model.ot` or `model.safetensors`.
    pub weights: PathBuf,
    /// Texts are made lower-case first.
    pub lower_case: bool,
    /// Accents are taken off first, where it is said.
    pub strip_accents: Option<bool>,
}

/// What is read of `config.json`.
#[derive(Deserialize)]
struct Configuration {
    model_type: String,
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    max_position_embeddings: usize,
}

/// What is read of `tokenizer_config.json`.
#[derive(Deserialize, Default)]
struct Tokenizer {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
}

impl ModelFolder {
    /// Looks through the folder of a configuration.
    ///
    /// # Errors
    /// [`BertError`], where a file is absent, too large or not of its form, the architecture is
    /// unknown, or the label map or the number of tokens does not fit.
    pub fn open(config: &BertConfig) -> Result<Self, BertError> {
        let path = &config.folder;
        let file = path.join("config.json");
        let said: Configuration = json(&file)?;
        let wrong = |why: String| BertError::Config {
            path: file.clone(),
            why,
        };
        let architecture = Architecture::by_name(&said.model_type).ok_or_else(|| {
            wrong(format!(
                "model_type \"{}\" must be bert, distilbert, roberta or xlm-roberta",
                said.model_type
            ))
        })?;
        check_labels(config, &said).map_err(|error| {
            error.unwrap_or_else(|| wrong("id2label must name every label, from 0 on".to_owned()))
        })?;
        let most = said
            .max_position_embeddings
            .saturating_sub(architecture.lost_positions());
        if config.max_tokens > most {
            return Err(BertError::Tokens {
                asked: config.max_tokens,
                most,
            });
        }
        let tokenizer = path.join("tokenizer_config.json");
        let tokenizer: Tokenizer = if tokenizer.exists() {
            json(&tokenizer)?
        } else {
            Tokenizer::default()
        };
        let merges = (architecture == Architecture::Roberta).then_some("merges.txt");
        let weights = ["rust_model.ot", "model.safetensors"];
        let weights = weights.into_iter().find(|name| path.join(name).exists());
        let weights = weights.ok_or_else(|| BertError::Missing {
            folder: path.clone(),
            what: "weights: rust_model.ot or model.safetensors",
        })?;
        Ok(Self {
            path: path.clone(),
            architecture,
            config: file,
            vocabulary: within(path, architecture.vocabulary(), MAX_VOCABULARY)?,
            merges: merges
                .map(|name| within(path, name, MAX_VOCABULARY))
                .transpose()?,
            weights: within(path, weights, MAX_WEIGHTS)?,
            lower_case: tokenizer
                .do_lower_case
                .unwrap_or(architecture.lowers_by_default()),
            strip_accents: tokenizer.strip_accents,
        })
    }

    /// A name for the model and all that its answers depend on.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn fingerprint(&self, config: &BertConfig) -> Result<String, BertError> {
        let mut hash = Xxh3::new();
        let files = [
            Some(&self.config),
            Some(&self.vocabulary),
            self.merges.as_ref(),
            Some(&self.weights),
        ];
        for path in files.into_iter().flatten() {
            feed(&mut hash, path).map_err(|e| unreadable(path, &e))?;
        }
        hash.update(config.labels.classes());
        hash.update(&config.max_tokens.to_le_bytes());
        hash.update(&[
            u8::from(self.lower_case),
            self.strip_accents.map_or(2, u8::from),
        ]);
        Ok(format!("bert-1-{:016x}", hash.digest()))
    }
}

/// `Err(None)` where the labels are not numbered from 0 on.
fn check_labels(config: &BertConfig, said: &Configuration) -> Result<(), Option<BertError>> {
    let outputs = said.id2label.len();
    let names: Option<Vec<&str>> = (0..outputs)
        .map(|n| said.id2label.get(&n.to_string()).map(String::as_str))
        .collect();
    let names = names.filter(|names| !names.is_empty()).ok_or(None)?;
    let labels = config.labels.classes().len();
    if outputs == labels {
        return Ok(());
    }
    Err(Some(BertError::Labels {
        outputs,
        names: names.join(", "),
        labels,
    }))
}

fn unreadable(path: &Path, error: &std::io::Error) -> BertError {
    BertError::Read {
        path: path.to_path_buf(),
        why: error.to_string(),
    }
}

fn within(folder: &Path, name: &str, limit: u64) -> Result<PathBuf, BertError> {
    let path = folder.join(name);
    let bytes = std::fs::metadata(&path)
        .map_err(|e| unreadable(&path, &e))?
        .len();
    if bytes > limit {
        return Err(BertError::TooLarge { path, bytes, limit });
    }
    Ok(path)
}

fn json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, BertError> {
    let mut text = String::new();
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    file.take(MAX_JSON + 1)
        .read_to_string(&mut text)
        .map_err(|e| unreadable(path, &e))?;
    if text.len() as u64 > MAX_JSON {
        let bytes = text.len() as u64;
        return Err(BertError::TooLarge {
            path: path.to_path_buf(),
            bytes,
            limit: MAX_JSON,
        });
    }
    serde_json::from_str(&text).map_err(|e| BertError::Config {
        path: path.to_path_buf(),
        why: e.to_string(),
    })
}

/// Hashes a file's size and bytes.
fn feed(hash: &mut Xxh3, path: &Path) -> std::io::Result<()> {
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
