//! Errors of rendering.

use std::io;
use std::path::{Path, PathBuf};

use moodvane_marathon_api::BodyError;
use thiserror::Error;

/// Why definitions cannot be rendered, read or written.
#[derive(Debug, Error)]
pub enum RenderError {
    /// A file or folder cannot be read or written.
    #[error("cannot access {}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A template is invalid.
    #[error("{template}: line {line}: cannot render")]
    InvalidTemplate {
        /// The template.
        template: String,
        /// The line; 0 if it is unknown.
        line: usize,
        /// The cause.
        source: minijinja::Error,
    },
    /// A template does not render JSON.
    #[error("{template}: does not render JSON: {line}")]
    InvalidJson {
        /// The template.
        template: String,
        /// The invalid line of its output.
        line: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// A template does not render an array.
    #[error("{template}: must render an array of apps")]
    NotAnArray {
        /// The template.
        template: String,
    },
    /// Marathon would reject the group.
    #[error("Marathon would reject {place}")]
    Rejected {
        /// The group or file.
        place: String,
        /// The cause.
        source: BodyError,
    },
    /// A variable applies to no app.
    #[error("variable {variable}: no app matches {apps}")]
    NoMatchingApp {
        /// The variable.
        variable: String,
        /// The patterns of app names.
        apps: String,
    },
    /// The file of a secret cannot be read.
    #[error("secret {variable}: cannot read {}", .path.display())]
    SecretFile {
        /// The variable that gets the secret.
        variable: String,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The environment variable of a secret cannot be read.
    #[error("secret {variable}: cannot read the environment variable {name}")]
    SecretVariable {
        /// The variable that gets the secret.
        variable: String,
        /// The environment variable.
        name: String,
        /// The cause.
        source: std::env::VarError,
    },
    /// A secret is empty or too large.
    #[error("secret {variable}: has {length} bytes, but needs 1 to {limit}")]
    SecretLength {
        /// The variable that gets the secret.
        variable: String,
        /// The length.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

impl RenderError {
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            path: path.clone(),
            source,
        }
    }

    pub(super) fn invalid_template(name: &str, source: minijinja::Error) -> Self {
        Self::InvalidTemplate {
            template: source.name().unwrap_or(name).to_owned(),
            line: source.line().unwrap_or_default(),
            source,
        }
    }
}
