//! What is said of a model in a configuration.

use std::path::PathBuf;

use moodvane_model::Language;

use crate::LabelMap;

/// Which model, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BertConfig {
    /// The folder with the model.
    pub folder: PathBuf,
    /// What its outputs mean.
    pub labels: LabelMap,
    /// Which languages it can judge.
    pub languages: Languages,
    /// How many texts go through the model at once. At 1 a score depends on nothing but the text,
    /// down to the last bit.
    pub batch: usize,
    /// What goes beyond this many tokens of a text is not read.
    pub max_tokens: usize,
    /// How many threads libtorch computes with; 0 for as many as there are cores.
    pub threads: usize,
}

/// Which languages a model can judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Languages {
    /// Whatever it is given.
    All,
    /// These, and texts that name none.
    Some(Vec<Language>),
}

impl Languages {
    /// Whether texts of this language are among them.
    #[must_use]
    pub fn have(&self, language: Option<Language>) -> bool {
        match (self, language) {
            (Self::All, _) | (_, None) => true,
            (Self::Some(known), Some(language)) => known
                .iter()
                .any(|known| known.as_str() == language.as_str()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_given_what_it_speaks() {
        let language = |tag| Some(Language::parse(tag).unwrap());
        let some = Languages::Some(vec![
            Language::parse("de").unwrap(),
            Language::parse("fr").unwrap(),
        ]);
        assert!(some.have(language("de-AT")) && some.have(None));
        assert!(!some.have(language("en")));
        assert!(Languages::All.have(language("ja")) && Languages::All.have(None));
    }
}
