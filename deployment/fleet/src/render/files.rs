//! The files of a rendered group: one per app, and one for the group.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{RenderError, RenderedGroup, short_name};

/// The file of the whole group.
pub const GROUP_FILE: &str = "group.json";

/// A file that differs from the rendered one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The file does not exist.
    Missing(PathBuf),
    /// The file differs from this line on.
    Changed(PathBuf, usize),
    /// The file is not rendered.
    Unexpected(PathBuf),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{}: is missing", path.display()),
            Self::Changed(path, line) => write!(f, "{}: differs from line {line}", path.display()),
            Self::Unexpected(path) => write!(f, "{}: is not rendered", path.display()),
        }
    }
}

impl RenderedGroup {
    /// The names and contents of all files.
    #[must_use]
    pub fn files(&self) -> Vec<(String, String)> {
        let app_file = |app: &Value| {
            let name = app.as_object().map(short_name).unwrap_or_default();
            (format!("{name}.json"), pretty(app))
        };
        let mut files: Vec<_> = self.app_values().iter().map(app_file).collect();
        files.push((GROUP_FILE.to_owned(), pretty(self.json())));
        files
    }

    /// Writes all files into `folder`, removes definitions that are not rendered any more, and returns the
    /// number of files.
    ///
    /// # Errors
    /// [`RenderError::File`] if a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<usize, RenderError> {
        fs::create_dir_all(folder).map_err(RenderError::file(folder))?;
        let files = self.files();
        for (name, text) in &files {
            let path = folder.join(name);
            fs::write(&path, text).map_err(RenderError::file(&path))?;
        }
        for difference in self.differences(folder)? {
            if let Difference::Unexpected(path) = difference {
                fs::remove_file(&path).map_err(RenderError::file(&path))?;
            }
        }
        Ok(files.len())
    }

    /// Compares the files in `folder` with the rendered ones.
    ///
    /// # Errors
    /// [`RenderError::File`] if the folder cannot be read.
    pub fn differences(&self, folder: &Path) -> Result<Vec<Difference>, RenderError> {
        let files = self.files();
        let mut differences = Vec::new();
        for (name, text) in &files {
            let path = folder.join(name);
            match fs::read_to_string(&path) {
                Ok(actual) if actual == *text => {}
                Ok(actual) => {
                    let lines = actual.lines().zip(text.lines());
                    let equal = lines.take_while(|(actual, expected)| actual == expected);
                    differences.push(Difference::Changed(path, equal.count() + 1));
                }
                Err(_) => differences.push(Difference::Missing(path)),
            }
        }
        let entries = fs::read_dir(folder).map_err(RenderError::file(folder))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.unwrap_or_default();
            if name.ends_with(".json") && !files.iter().any(|(file, _)| file == name) {
                differences.push(Difference::Unexpected(path));
            }
        }
        Ok(differences)
    }
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
