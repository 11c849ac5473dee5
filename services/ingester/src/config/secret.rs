//! API keys and access tokens.

use std::fmt;

use moodvane_runtime::Section;

/// An API key or access token. Its `Debug` output hides it.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a key.
    #[must_use]
    pub fn new(key: String) -> Self {
        Self(key)
    }

    /// Reads the secret `<name>` of a source from the file in `<name>_file` or the environment
    /// variable in `<name>_env`; `Some(None)` if both are absent.
    pub(super) fn read(name: &str, section: &Section<'_>) -> Option<Option<Self>> {
        Some(section.element_secret(name)?.map(Self))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
