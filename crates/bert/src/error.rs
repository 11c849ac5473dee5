//! What can be wrong with a model.

use std::path::PathBuf;

use thiserror::Error;

/// Why a model cannot be used.
#[derive(Debug, Error)]
pub enum BertError {
    /// The program was built without libtorch.
    #[error(
        "this program was built without libtorch: build it with --features bert (README.md says how)"
    )]
    NotBuilt,
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// The folder lacks a file.
    #[error("{folder} has no {what}")]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// What it should have.
        what: &'static str,
    },
    /// A file is larger than its limit.
    #[error("{path} has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The configuration lacks something or has something wrong.
    #[error("{path}: {why}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The label map does not fit the model.
    #[error(
        "the model has {outputs} labels ({names}), and sentiment.bert.labels has {labels}: name a class for each, in this order"
    )]
    Labels {
        /// How many the model has.
        outputs: usize,
        /// Their names.
        names: String,
        /// How many the map has.
        labels: usize,
    },
    /// More tokens are asked for than the model can take.
    #[error("sentiment.bert.max_tokens is {asked}, and the model takes at most {most}")]
    Tokens {
        /// By the configuration.
        asked: usize,
        /// By the model.
        most: usize,
    },
    /// libtorch or rust-bert could not load it.
    #[error("the model in {folder} cannot be loaded: {why}")]
    Load {
        /// The folder.
        folder: PathBuf,
        /// What they say.
        why: String,
    },
    /// The thread could not be started or has ended.
    #[error("the model's thread: {0}")]
    Thread(String),
}
