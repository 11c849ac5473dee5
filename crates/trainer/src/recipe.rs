//! What a training is told: every choice in one place, so that each can be left out and measured.

use anyhow::Context;
use moodvane_sentiment::trained::{Template, Templates};

/// All choices of a training. The default is what the shipped weights were made by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) templates: Templates,
    /// Hashtags are not split into words.
    pub(crate) whole_hashtags: bool,
    /// Rows of weights, as a power of two.
    pub(crate) bits: u32,
    /// L2: how strongly weights are held near 0.
    pub(crate) l2: f32,
    /// How often the texts are gone through.
    pub(crate) epochs: u32,
    /// The rate of learning at the start.
    pub(crate) rate: f32,
    /// How many fits, in different orders, the weights are the mean of.
    pub(crate) fits: u64,
    /// A feature's weights of the four steps have a part in common.
    pub(crate) shared: bool,
    pub(crate) mix: Mix,
}

/// Which texts are trained on, and how much each counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    /// Each register has a bias of its own in training.
    pub(crate) registers: bool,
    /// Files count by their weights; else all alike.
    pub(crate) weighed: bool,
    /// The phrases of SST are in.
    pub(crate) phrases: bool,
    /// Texts that are no tweets are in.
    pub(crate) prose: bool,
    /// How much the outer steps count where a label of three says nothing certain of them.
    pub(crate) unsure: f32,
    /// Each class of a file counts by this power of one over its share: 0 as it comes, 1 all the same.
    pub(crate) balance: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            // Three pieces in a row bring nothing that two, and two with one between, do not.
            templates: Templates::ALL.without(Template::Three),
            whole_hashtags: false,
            bits: 20,
            l2: 14.0,
            epochs: 5,
            rate: 0.1,
            fits: 3,
            shared: true,
            mix: Mix {
                registers: true,
                weighed: true,
                phrases: true,
                prose: true,
                unsure: 0.3,
                balance: 0.0,
            },
        }
    }
}

impl Recipe {
    /// Without a template, by its name.
    ///
    /// # Errors
    /// Where no template is called so.
    pub(crate) fn without(mut self, name: &str) -> anyhow::Result<Self> {
        let found = Template::ALL
            .into_iter()
            .find(|template| template.name() == name);
        let found = found.with_context(|| {
            let names = Template::ALL.map(Template::name).join(", ");
            format!("\"{name}\" is no template; there are {names}")
        })?;
        self.templates = self.templates.without(found);
        Ok(self)
    }
}
