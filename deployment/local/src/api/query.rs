//! What stands after the question mark.

use crate::core::{Force, Kill};

/// The part of a URL after the question mark.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn one(&self, name: &str) -> Option<String> {
        self.all(name).next().map(str::to_owned)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.all(name).any(|value| value == "true")
    }

    pub(super) fn force(&self) -> Force {
        if self.is("force") {
            Force::Yes
        } else {
            Force::No
        }
    }

    pub(super) fn kill(&self) -> Kill {
        if self.is("wipe") {
            Kill::Wipe
        } else {
            Kill::Relaunch
        }
    }
}
