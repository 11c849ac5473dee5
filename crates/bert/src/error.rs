//! The errors of this crate.
//!
//! An error does not repeat its cause in its text: the cause is its `source`, and the place that logs
//! or prints the error prints the chain. rust-bert and libtorch panic or return texts, which are
//! therefore a part of the error's own text.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A model that cannot be used.
#[derive(Debug, Error)]
pub enum BertError {
    /// The program was built without libtorch.
    #[error(
        "this program was built without libtorch: build it with --features bert (see README.md)"
    )]
    FeatureDisabled,
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A required file is missing from the folder.
    #[error("{folder} has no {what}")]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The missing file and its possible names.
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
    /// A JSON file of the model cannot be parsed.
    #[error("cannot parse {path}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A value in the model's configuration is not supported.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The value and the expected form.
        reason: String,
    },
    /// The label map does not match the model's outputs.
    #[error(
        "the model has {outputs} labels ({names}), and sentiment.bert.labels has {labels}: name a class for each, in this order"
    )]
    LabelCount {
        /// The number of the model's outputs.
        outputs: usize,
        /// The names of the outputs.
        names: String,
        /// The number of classes in the label map.
        labels: usize,
    },
    /// `max_tokens` exceeds the model's limit.
    #[error("sentiment.bert.max_tokens is {requested}, and the model supports at most {limit}")]
    TooManyTokens {
        /// The configured number.
        requested: usize,
        /// The model's limit.
        limit: usize,
    },
    /// libtorch or rust-bert cannot load the model.
    #[error("cannot load the model in {folder}: {reason}")]
    Load {
        /// The folder.
        folder: PathBuf,
        /// The message of libtorch or rust-bert.
        reason: String,
    },
    /// The model's thread cannot be started.
    #[error("cannot start the model's thread")]
    Spawn(#[source] io::Error),
    /// The model's thread ended before it loaded the model.
    #[error("the model's thread ended before it loaded the model")]
    ThreadEnded,
}

/// A label map that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LabelMapError {
    /// A single word that is not the name of a usual order.
    #[error("\"{0}\" must be five, three or stars, or a list of two classes or more")]
    UnknownOrder(String),
    /// A word that is not a class.
    #[error(
        "\"{0}\" must be very_negative, negative, neutral, positive, very_positive or 1_star, 2_stars to 5_stars"
    )]
    UnknownClass(String),
    /// Too few or too many classes.
    #[error("must name 2 to 16 classes, has {0}")]
    Count(usize),
    /// All outputs have the same class.
    #[error("all labels are one class: name at least two different classes")]
    SingleClass,
}
