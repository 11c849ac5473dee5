//! The configuration of a training: all choices in one place, so that the ablation can vary each.

use anyhow::Context;
use moodvane_sentiment::trained::{Template, TemplateSet};

/// All choices of a training. The default gives the shipped weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) templates: TemplateSet,
    /// Whether hashtags stay whole instead of being split into words.
    pub(crate) whole_hashtags: bool,
    /// The number of rows of weights is 2^bits.
    pub(crate) bits: u32,
    /// The strength of the L2 regularization.
    pub(crate) l2: f32,
    /// The number of passes over the texts.
    pub(crate) epochs: u32,
    /// The initial learning rate.
    pub(crate) rate: f32,
    /// The number of fits, in different orders, whose mean the weights are.
    pub(crate) fits: u64,
    /// Whether a feature's weights of the four steps have a common part.
    pub(crate) shared: bool,
    /// The probability that the features of names in a text are left out at a visit.
    pub(crate) name_dropout: f32,
    /// The probability that any other feature is left out at a visit.
    pub(crate) feature_dropout: f32,
    /// The L2 regularization of a bias per topic; infinite for no such bias.
    pub(crate) topic_l2: f32,
    /// Whether the values are calibrated on texts that the model was not trained on, which takes five
    /// more trainings.
    pub(crate) cross_fit: bool,
    pub(crate) mix: DataMix,
}

/// The selection and weights of the training texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataMix {
    /// Whether each register has its own bias in training.
    pub(crate) register_biases: bool,
    /// Whether files have different weights.
    pub(crate) source_weights: bool,
    /// Whether the phrases of SST are included.
    pub(crate) sst_phrases: bool,
    /// Whether texts other than tweets are included.
    pub(crate) prose: bool,
    /// The weight of the outer steps for labels of three classes, which do not determine them.
    pub(crate) outer_step_weight: f32,
    /// The weight of a class is this power of its inverse share of the file: 0 keeps the shares, 1
    /// gives all classes the same total weight.
    pub(crate) class_balance: f32,
    /// The weight of the invented neutral texts.
    pub(crate) neutral_weight: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            // Triples of pieces add nothing over pairs and pairs with a gap (study/ablation.md).
            templates: TemplateSet::ALL.without(Template::Three),
            whole_hashtags: false,
            bits: 20,
            l2: 14.0,
            epochs: 5,
            rate: 0.1,
            fits: 5,
            shared: false,
            name_dropout: 0.75,
            feature_dropout: 0.35,
            topic_l2: 4.0,
            cross_fit: true,
            mix: DataMix {
                register_biases: true,
                source_weights: true,
                sst_phrases: true,
                prose: true,
                outer_step_weight: 0.3,
                class_balance: 0.0,
                neutral_weight: 5.0,
            },
        }
    }
}

impl Recipe {
    /// Removes a template by its name.
    ///
    /// # Errors
    /// If there is no template of this name.
    pub(crate) fn without_template(mut self, name: &str) -> anyhow::Result<Self> {
        let found = Template::ALL
            .into_iter()
            .find(|template| template.name() == name);
        let found = found.with_context(|| {
            let names = Template::ALL.map(Template::name).join(", ");
            format!("\"{name}\" is not a template: it must be one of {names}")
        })?;
        self.templates = self.templates.without(found);
        Ok(self)
    }
}
