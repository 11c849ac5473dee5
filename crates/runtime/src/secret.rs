//! Secrets, which come only from a file or from the environment.
//!
//! Guarantee: a secret in the configuration file or on the command line is rejected, and no message
//! shows it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::entry::Origin;
use crate::section::Section;

/// The longest secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

impl Section<'_> {
    /// The secret `key`: the content of the file named by `<key>_file` without the final newline,
    /// or the environment variable for `key`. `Some(None)` if neither is set.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<Option<String>> {
        let file_key = format!("{key}_file");
        let inline = self.text(key);
        let file = self.text(&file_key);
        match (inline?, file?) {
            (inline, file) if inline.is_empty() && file.is_empty() => Some(None),
            (inline, file) if inline.is_empty() => {
                self.read_secret_file(&file_key, &file).map(Some)
            }
            (_, file) if !file.is_empty() => {
                self.fault(
                    key,
                    format!("conflicts with {file_key}: set only one of them"),
                );
                None
            }
            (inline, _) => match self.origin(key) {
                Some(Origin::Environment(_)) => Some(Some(inline)),
                _ => {
                    let expected = format!(
                        "is a secret: set it in the environment, or name a file with it in {file_key}"
                    );
                    self.fault(key, expected);
                    None
                }
            },
        }
    }

    /// The secret `key` of an element of an array of tables, which has no environment variable of
    /// its own: the content of the file named by `<key>_file`, or the variable named by
    /// `<key>_env`. `Some(None)` if neither is set.
    #[must_use]
    pub fn element_secret(&self, key: &str) -> Option<Option<String>> {
        let (file_key, env_key) = (format!("{key}_file"), format!("{key}_env"));
        let inline = self.parse_optional::<String>(key);
        let file = self.parse_optional::<String>(&file_key);
        let env = self.parse_optional::<String>(&env_key);
        match (inline?, file?, env?) {
            (Some(_), _, _) => {
                let expected = format!(
                    "is a secret: name a file with it in {file_key}, or an environment variable in {env_key}"
                );
                self.fault(key, expected);
                None
            }
            (None, Some(_), Some(_)) => {
                self.fault(
                    &env_key,
                    format!("conflicts with {file_key}: set only one of them"),
                );
                None
            }
            (None, Some(file), None) => self.read_secret_file(&file_key, &file).map(Some),
            (None, None, Some(name)) => self.read_secret_variable(&env_key, &name).map(Some),
            (None, None, None) => Some(None),
        }
    }

    fn read_secret_variable(&self, env_key: &str, name: &str) -> Option<String> {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        if value.is_none() {
            self.fault(env_key, "this environment variable is not set or empty");
        }
        value
    }

    fn read_secret_file(&self, file_key: &str, path: &str) -> Option<String> {
        match read_secret(Path::new(path)) {
            Ok(secret) => Some(secret),
            Err(error) => {
                self.fault(file_key, format!("cannot be read: {error}"));
                None
            }
        }
    }
}

fn read_secret(path: &Path) -> io::Result<String> {
    // Not by its stated length: a pipe states none.
    let mut text = String::new();
    File::open(path)?
        .take(MAX_SECRET_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        let limit = format!("it is longer than {MAX_SECRET_BYTES} bytes");
        return Err(io::Error::other(limit));
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(io::Error::other("it is empty"));
    }
    Ok(secret.to_owned())
}
