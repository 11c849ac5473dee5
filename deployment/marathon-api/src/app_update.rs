//! A change of some of an app's fields.

use serde_json::{Map, Value};

use crate::app::App;
use crate::path_id::PathId;
use crate::refused::Refused;
use crate::timestamp::Timestamp;

/// Some of an app's fields, to be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct AppUpdate {
    pub(crate) fields: Map<String, Value>,
}

impl AppUpdate {
    /// The app it is for, where it says so.
    #[must_use]
    pub fn id(&self) -> Option<PathId> {
        self.fields
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok())
    }

    /// The version it goes back to, where it is only that.
    #[must_use]
    pub fn version(&self) -> Option<Timestamp> {
        self.fields
            .get("version")
            .and_then(Value::as_str)
            .and_then(|version| version.parse().ok())
    }

    /// `app` with these fields; its name stays.
    ///
    /// # Errors
    /// [`Refused`] where a field cannot be read.
    pub fn onto(&self, app: &App) -> Result<App, Refused> {
        let mut whole = match crate::read::value_of(app) {
            Value::Object(whole) => whole,
            _ => Map::new(),
        };
        // The old places of ports and artifacts replace the new ones.
        for (old, new) in [("ports", "portDefinitions"), ("uris", "fetch")] {
            if self.fields.contains_key(old) {
                whole.remove(new);
            }
        }
        whole.extend(self.fields.clone());
        whole.insert("id".to_owned(), Value::String(app.id.to_string()));
        crate::read::app_from(Value::Object(whole))
    }

    /// These fields alone, as the definition of `id`.
    ///
    /// # Errors
    /// [`Refused`] where a field cannot be read.
    pub fn alone(&self, id: &PathId) -> Result<App, Refused> {
        let mut whole = self.fields.clone();
        whole.insert("id".to_owned(), Value::String(id.to_string()));
        crate::read::app_from(Value::Object(whole))
    }
}
