//! Renders the definitions from the fleet configuration and the templates, and writes them to files.
//!
//! A template `NAME.json.j2` renders a JSON array of apps; one whose name starts with `_` is included by
//! others. The template's variables are the keys of the configuration.
//!
//! Guarantees: an undefined variable and invalid JSON are errors. Rendering is deterministic. No file
//! contains a secret's value.

mod error;
mod files;
mod variables;

use std::fs;
use std::path::Path;

use minijinja::value::{Serde, Value as TemplateValue};
use minijinja::{Environment, UndefinedBehavior};
use moodvane_marathon_api::{BodyError, GroupUpdate, PathId, parse_group, validate_group};
use serde_json::{Map, Value, json};

pub use self::error::RenderError;
pub use self::files::{Difference, GROUP_FILE};
use crate::config::{FleetConfig, Secret};

const SUFFIX: &str = ".json.j2";
const FOLDER: &str = "templates";
/// The order of the apps in the group; other templates come last, by name.
const ORDER: [&str; 5] = ["kafka", "cassandra", "processor", "ingester", "server"];

/// The rendered definitions of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedGroup {
    group: Value,
}

/// Renders the templates below `folder` with `config`.
///
/// # Errors
/// [`RenderError`] if a template is invalid.
pub fn render(folder: &Path, config: &FleetConfig) -> Result<RenderedGroup, RenderError> {
    let templates = read_templates(&folder.join(FOLDER))?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in &templates {
        environment
            .add_template(name, text)
            .map_err(|error| RenderError::invalid_template(name, error))?;
    }
    let context = TemplateValue::from(Serde(config));
    let mut apps = Vec::new();
    for (name, _) in templates.iter().filter(|(name, _)| !name.starts_with('_')) {
        let text = environment
            .get_template(name)
            .and_then(|template| template.render(context.clone()))
            .map_err(|error| RenderError::invalid_template(name, error))?;
        apps.extend(parse_apps(name, &text)?);
    }
    let mut group = json!({ "id": config.group.id, "apps": apps });
    variables::apply(&mut group, config)?;
    Ok(RenderedGroup { group })
}

fn parse_apps(name: &str, text: &str) -> Result<Vec<Value>, RenderError> {
    let value: Value = serde_json::from_str(text).map_err(|source| {
        let line = text.lines().nth(source.line().saturating_sub(1));
        RenderError::InvalidJson {
            template: name.to_owned(),
            line: line.unwrap_or_default().trim().to_owned(),
            source,
        }
    })?;
    match value {
        Value::Array(apps) => Ok(apps),
        _ => Err(RenderError::NotAnArray {
            template: name.to_owned(),
        }),
    }
}

/// Reads the templates, in the order of the group's apps.
fn read_templates(folder: &Path) -> Result<Vec<(String, String)>, RenderError> {
    let mut templates = Vec::new();
    for entry in fs::read_dir(folder).map_err(RenderError::file(folder))? {
        let path = entry.map_err(RenderError::file(folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if name.ends_with(SUFFIX) {
            let text = fs::read_to_string(&path).map_err(RenderError::file(&path))?;
            templates.push((name.to_owned(), text));
        }
    }
    templates.sort_by_key(|(name, _)| {
        let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
        let position = ORDER.iter().position(|known| *known == stem);
        (position.unwrap_or(ORDER.len()), name.clone())
    });
    Ok(templates)
}

/// The last segment of an app's id.
fn short_name(app: &Map<String, Value>) -> String {
    let id = app.get("id").and_then(Value::as_str).unwrap_or_default();
    id.rsplit('/').next().unwrap_or_default().to_owned()
}

impl RenderedGroup {
    /// Reads a group file.
    ///
    /// # Errors
    /// [`RenderError`] if the file is not a group that Marathon can parse.
    pub fn read(path: &Path) -> Result<Self, RenderError> {
        let bytes = fs::read(path).map_err(RenderError::file(path))?;
        let rejected = |source| RenderError::Rejected {
            place: path.display().to_string(),
            source,
        };
        parse_group(&bytes).map_err(rejected)?;
        let group = serde_json::from_slice(&bytes)
            .map_err(|error| rejected(BodyError::InvalidJson(error.to_string())))?;
        Ok(Self { group })
    }

    /// The group as JSON.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.group
    }

    /// The definition of one app as JSON, by its full id.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&Value> {
        self.app_values().iter().find(|app| app["id"] == id)
    }

    fn app_values(&self) -> &[Value] {
        self.group["apps"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Parses and validates the group as Marathon does.
    ///
    /// # Errors
    /// [`RenderError::Rejected`] if Marathon would reject it.
    pub fn parse(&self) -> Result<GroupUpdate, RenderError> {
        let bytes = self.group.to_string();
        let parse = || {
            let group = parse_group(bytes.as_bytes())?;
            validate_group(&group, &PathId::root())?;
            Ok(group)
        };
        parse().map_err(|source| RenderError::Rejected {
            place: self.group["id"].as_str().unwrap_or("the group").to_owned(),
            source,
        })
    }

    /// Returns the group with the values of secrets, for a request and not for a file.
    ///
    /// # Errors
    /// [`RenderError`] if a secret cannot be loaded.
    pub fn with_secrets(&self, secrets: &[Secret]) -> Result<Self, RenderError> {
        let mut group = self.group.clone();
        for secret in secrets {
            variables::insert_secret(&mut group, secret)?;
        }
        Ok(Self { group })
    }
}
