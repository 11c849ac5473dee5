//! Texts scored by a transformer from a local folder, through rust-bert and libtorch.
//!
//! Terms: a model's *outputs* are the labels that it was trained for; a *label map* says which class each
//! is. The *folder* holds the model as its makers publish it: configuration, vocabulary, weights.
//!
//! Guarantee: a text's score does not depend on the texts that it is scored with, beyond the rounding of
//! floating-point numbers; what cannot be loaded is an error that says why, before anything is scored. The
//! model has a thread of its own; a text that it cannot judge has no score, and harms no other.
//!
//! This crate knows nothing of posts, topics, hours or stores. It compiles without libtorch, and then
//! [`load`] says so: the feature `libtorch` brings the model.

mod config;
#[cfg(feature = "libtorch")]
mod engine;
mod error;
mod folder;
mod labels;
#[cfg(feature = "libtorch")]
mod scorer;

pub use config::{BertConfig, Languages};
pub use error::BertError;
pub use folder::{Architecture, ModelFolder};
pub use labels::LabelMap;

use moodvane_sentiment::Scorer;

/// Whether this build can load models.
pub const IS_BUILT: bool = cfg!(feature = "libtorch");

/// Loads the model on a thread of its own, and tries it on a text.
///
/// # Errors
/// [`BertError`], where the folder is not what it should be, the model cannot be loaded or does not
/// answer, or this build has no libtorch.
#[cfg(feature = "libtorch")]
pub fn load(config: &BertConfig) -> Result<Box<dyn Scorer>, BertError> {
    Ok(Box::new(scorer::BertScorer::start(config)?))
}

/// Says that this build has no libtorch.
///
/// # Errors
/// Always [`BertError::NotBuilt`].
#[cfg(not(feature = "libtorch"))]
pub fn load(_: &BertConfig) -> Result<Box<dyn Scorer>, BertError> {
    Err(BertError::NotBuilt)
}
