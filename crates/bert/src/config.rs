//! The configuration of a model.

use std::path::PathBuf;

use moodvane_model::Language;

use crate::LabelMap;

/// A model and the options for its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BertConfig {
    /// The folder that contains the model.
    pub folder: PathBuf,
    /// The sentiment class of each output.
    pub labels: LabelMap,
    /// The languages that the model supports.
    pub languages: Languages,
    /// The batch size: the number of texts in one forward pass. With 1, a score depends on its text
    /// alone, down to the last bit.
    pub batch: usize,
    /// Texts are truncated to this number of tokens.
    pub max_tokens: usize,
    /// The number of threads of libtorch; 0 for the number of cores.
    pub threads: usize,
}

/// The languages that a model supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Languages {
    /// Every language.
    All,
    /// These languages, and texts without a language.
    Some(Vec<Language>),
}

impl Languages {
    /// Whether texts of this language are supported.
    #[must_use]
    pub fn contains(&self, language: Option<Language>) -> bool {
        match (self, language) {
            (Self::All, _) | (_, None) => true,
            (Self::Some(supported), Some(language)) => supported.contains(&language),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn languages_contain_listed_and_unstated_languages() {
        let language = |tag| Some(Language::parse(tag).unwrap());
        let some = Languages::Some(vec![
            Language::parse("de").unwrap(),
            Language::parse("fr").unwrap(),
        ]);
        assert!(some.contains(language("de-AT")) && some.contains(None));
        assert!(!some.contains(language("en")));
        assert!(Languages::All.contains(language("ja")) && Languages::All.contains(None));
    }
}
