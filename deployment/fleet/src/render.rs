//! From the site and the templates to definitions, and from those to files.
//!
//! A template `NAME.json.j2` gives a JSON array of apps; one whose name begins with `_` is a part of
//! others. Everything of the site is known to a template by the site's own names.
//!
//! Guarantee: a name that a template uses and nobody gave is an error, and so is text that is not JSON.
//! Equal sites and templates give equal bytes. A secret's value is in no file.

mod variables;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::value::{Serde, Value as Given};
use minijinja::{Environment, UndefinedBehavior};
use moodvane_marathon_api::{BodyError, GroupUpdate, parse_group, validate_group};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::config::{FleetConfig, Secret};

const SUFFIX: &str = ".json.j2";
const FOLDER: &str = "templates";
/// The order of the group's apps; what is not named here comes last, by name.
const ORDER: [&str; 5] = ["kafka", "cassandra", "processor", "ingester", "server"];
/// The file of the whole group.
pub const GROUP_FILE: &str = "group.json";

/// Why definitions cannot be rendered, read or written.
#[derive(Debug, Error)]
pub enum RenderError {
    /// A file or folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A template is wrong.
    #[error("{template}: {why}")]
    Template {
        /// Which.
        template: String,
        /// What is wrong, and where.
        why: String,
    },
    /// What Marathon would refuse.
    #[error("Marathon would refuse {place}: {refused}")]
    Rejected {
        /// The template or file.
        place: String,
        /// Why.
        refused: BodyError,
    },
    /// A variable of apps that there are not.
    #[error("the variable {variable}: no app is named {apps}")]
    NoMatchingApp {
        /// The variable.
        variable: String,
        /// The names it is for.
        apps: String,
    },
    /// A secret that is not there.
    #[error("the secret {variable}: {why}")]
    Secret {
        /// The variable that should hold it.
        variable: String,
        /// What is wrong.
        why: String,
    },
}

/// The definitions of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedGroup {
    group: Value,
}

/// A file that is not what rendering gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    Missing(PathBuf),
    /// It says something else, first in this line.
    Changed(PathBuf, usize),
    /// Rendering gives no such file.
    Unexpected(PathBuf),
}

/// Renders the templates below `folder` with `site`.
///
/// # Errors
/// [`RenderError`] where a template is wrong.
pub fn render(folder: &Path, site: &FleetConfig) -> Result<RenderedGroup, RenderError> {
    let templates = read_templates(&folder.join(FOLDER))?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in &templates {
        environment
            .add_template(name, text)
            .map_err(|error| template(name, &error))?;
    }
    let given = Given::from(Serde(site));
    let mut apps = Vec::new();
    for (name, _) in templates.iter().filter(|(name, _)| !name.starts_with('_')) {
        let made = environment
            .get_template(name)
            .and_then(|ready| ready.render(given.clone()))
            .map_err(|error| template(name, &error))?;
        apps.extend(parse(name, &made)?);
    }
    let mut group = json!({ "id": site.group.id, "apps": apps });
    variables::apply(&mut group, site)?;
    Ok(RenderedGroup { group })
}

fn template(name: &str, error: &minijinja::Error) -> RenderError {
    let line = error
        .line()
        .map_or_else(String::new, |line| format!("line {line}: "));
    RenderError::Template {
        template: error.name().unwrap_or(name).to_owned(),
        why: format!("{line}{error}"),
    }
}

fn parse(name: &str, text: &str) -> Result<Vec<Value>, RenderError> {
    let wrong = |why: String| RenderError::Template {
        template: name.to_owned(),
        why,
    };
    let made: Value = serde_json::from_str(text).map_err(|error| {
        let line = text
            .lines()
            .nth(error.line().saturating_sub(1))
            .unwrap_or_default();
        wrong(format!("does not give JSON: {error}: {}", line.trim()))
    })?;
    match made {
        Value::Array(apps) => Ok(apps),
        _ => Err(wrong("must give an array of apps".to_owned())),
    }
}

/// The templates by name, in the order of the group's apps.
fn read_templates(folder: &Path) -> Result<Vec<(String, String)>, RenderError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| RenderError::File { path, source }
    };
    let mut templates = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if name.ends_with(SUFFIX) {
            let text = fs::read_to_string(&path).map_err(at(&path))?;
            templates.push((name.to_owned(), text));
        }
    }
    templates.sort_by_key(|(name, _)| {
        let bare = name.strip_suffix(SUFFIX).unwrap_or(name);
        let place = ORDER.iter().position(|known| *known == bare);
        (place.unwrap_or(ORDER.len()), name.clone())
    });
    Ok(templates)
}

fn short(app: &Map<String, Value>) -> String {
    let id = app.get("id").and_then(Value::as_str).unwrap_or_default();
    id.rsplit('/').next().unwrap_or_default().to_owned()
}

impl RenderedGroup {
    /// A group that was rendered before.
    ///
    /// # Errors
    /// [`RenderError`] where the file is not a group that Marathon reads.
    pub fn read(path: &Path) -> Result<Self, RenderError> {
        let bytes = fs::read(path).map_err(|source| RenderError::File {
            path: path.to_owned(),
            source,
        })?;
        let refused = |refused| RenderError::Rejected {
            place: path.display().to_string(),
            refused,
        };
        parse_group(&bytes).map_err(refused)?;
        let group = serde_json::from_slice(&bytes)
            .map_err(|error| refused(BodyError::InvalidJson(error.to_string())))?;
        Ok(Self { group })
    }

    /// The group as JSON.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.group
    }

    /// The definition of one app as JSON, by its whole id.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&Value> {
        self.group["apps"]
            .as_array()?
            .iter()
            .find(|app| app["id"] == id)
    }

    /// The group as Marathon understands it.
    ///
    /// # Errors
    /// [`RenderError::Rejected`] where it would not take it.
    pub fn typed(&self) -> Result<GroupUpdate, RenderError> {
        let place = self.group["id"].as_str().unwrap_or("the group").to_owned();
        let bytes = self.group.to_string();
        let read = || {
            let group = parse_group(bytes.as_bytes())?;
            validate_group(&group, &moodvane_marathon_api::PathId::root())?;
            Ok(group)
        };
        read().map_err(|refused| RenderError::Rejected { place, refused })
    }

    /// The same with the secrets' values, to be sent and not to be kept.
    ///
    /// # Errors
    /// [`RenderError::Secret`] where one is not there.
    pub fn with_secrets(&self, secrets: &[Secret]) -> Result<Self, RenderError> {
        let mut group = self.group.clone();
        for secret in secrets {
            variables::reveal(&mut group, secret)?;
        }
        Ok(Self { group })
    }

    /// Every file by its name: one for each app, and one for the group.
    #[must_use]
    pub fn files(&self) -> Vec<(String, String)> {
        let apps = self.group["apps"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let one = |app: &Value| {
            let name = app.as_object().map(short).unwrap_or_default();
            (format!("{name}.json"), pretty(app))
        };
        let mut files: Vec<_> = apps.iter().map(one).collect();
        files.push((GROUP_FILE.to_owned(), pretty(&self.group)));
        files
    }

    /// Writes every file into `folder`, and removes definitions there that are no longer rendered.
    ///
    /// # Errors
    /// [`RenderError::File`] where one cannot be written.
    pub fn write(&self, folder: &Path) -> Result<usize, RenderError> {
        let at = |path: &Path, source| RenderError::File {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(|source| at(folder, source))?;
        let files = self.files();
        for (name, text) in &files {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|source| at(&path, source))?;
        }
        for difference in self.differences(folder)? {
            if let Difference::Unexpected(path) = difference {
                fs::remove_file(&path).map_err(|source| at(&path, source))?;
            }
        }
        Ok(files.len())
    }

    /// Where the files in `folder` are not what rendering gives.
    ///
    /// # Errors
    /// [`RenderError::File`] where the folder cannot be read.
    pub fn differences(&self, folder: &Path) -> Result<Vec<Difference>, RenderError> {
        let files = self.files();
        let mut found = Vec::new();
        for (name, text) in &files {
            let path = folder.join(name);
            match fs::read_to_string(&path) {
                Ok(there) if there == *text => {}
                Ok(there) => {
                    let same = there.lines().zip(text.lines()).take_while(|(a, b)| a == b);
                    found.push(Difference::Changed(path, same.count() + 1));
                }
                Err(_) => found.push(Difference::Missing(path)),
            }
        }
        let entries = fs::read_dir(folder).map_err(|source| RenderError::File {
            path: folder.to_owned(),
            source,
        })?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if name.ends_with(".json") && !files.iter().any(|(file, _)| file == name) {
                found.push(Difference::Unexpected(path));
            }
        }
        Ok(found)
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{}: is missing", path.display()),
            Self::Changed(path, line) => {
                write!(f, "{}: differs from line {line} on", path.display())
            }
            Self::Unexpected(path) => write!(f, "{}: is not rendered any more", path.display()),
        }
    }
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
