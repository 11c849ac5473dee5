//! Scores texts with a transformer model from a local folder, through rust-bert and libtorch.
//!
//! Terms: a model's *outputs* are the labels that it was trained for; a *label map* assigns a sentiment
//! class to each. The *folder* contains the published files of a model: configuration, vocabulary,
//! weights.
//!
//! Start with [`BertConfig`]: [`load`] returns a [`Scorer`] for it. [`ModelFolder`] validates the folder
//! without libtorch.
//!
//! Guarantees:
//!
//! - The score of a text does not depend on the other texts of its batch, beyond the rounding of
//!   floating-point numbers.
//! - A model that cannot be loaded is an error before anything is scored.
//! - The model runs on its own thread. A text that it cannot score gets no score, and does not affect
//!   others.
//!
//! Must not know: posts, topics, hours and stores. Without the feature `libtorch` the crate compiles
//! without libtorch, and [`load`] returns [`BertError::FeatureDisabled`].

mod config;
#[cfg(feature = "libtorch")]
mod engine;
mod error;
mod folder;
mod labels;
#[cfg(feature = "libtorch")]
mod scorer;

pub use config::{BertConfig, Languages};
pub use error::{BertError, LabelMapError};
pub use folder::{Architecture, ModelFolder};
pub use labels::LabelMap;

use moodvane_sentiment::Scorer;

/// Whether this build can load models: whether the feature `libtorch` is enabled.
pub const IS_ENABLED: bool = cfg!(feature = "libtorch");

/// Loads the model on its own thread and scores a test text.
///
/// # Errors
/// [`BertError`] if the folder is not valid, or the model cannot be loaded or does not score the text.
#[cfg(feature = "libtorch")]
pub fn load(config: &BertConfig) -> Result<Box<dyn Scorer>, BertError> {
    Ok(Box::new(scorer::BertScorer::start(config)?))
}

/// Fails: this build has no libtorch.
///
/// # Errors
/// Always [`BertError::FeatureDisabled`].
#[cfg(not(feature = "libtorch"))]
pub fn load(_: &BertConfig) -> Result<Box<dyn Scorer>, BertError> {
    Err(BertError::FeatureDisabled)
}
