//! The query string of a request.

use crate::core::{Force, KillMode};

/// The decoded parameters of a query string.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn first(&self, name: &str) -> Option<String> {
        self.all(name).next().map(str::to_owned)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.all(name).any(|value| value == "true")
    }

    pub(super) fn force(&self) -> Force {
        if self.is_true("force") {
            Force::Yes
        } else {
            Force::No
        }
    }

    pub(super) fn kill_mode(&self) -> KillMode {
        if self.is_true("wipe") {
            KillMode::Wipe
        } else {
            KillMode::Relaunch
        }
    }
}
