//! Secrets, which come from a file or from the environment and from nowhere else.
//!
//! Guarantee: a secret that stands in a configuration file or on a command line is refused, and no
//! message shows it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::fault::Origin;
use crate::section::Section;

/// The longest secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

impl Section<'_> {
    /// The secret `key`: what the file named by `<key>_file` holds, without the line's end, or
    /// the environment's variable for `key`. `Some(None)` where neither is given.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<Option<String>> {
        let file_key = format!("{key}_file");
        let inline = self.text(key);
        let file = self.text(&file_key);
        match (inline?, file?) {
            (inline, file) if inline.is_empty() && file.is_empty() => Some(None),
            (inline, file) if inline.is_empty() => self.secret_of(&file_key, &file).map(Some),
            (_, file) if !file.is_empty() => {
                self.fault(key, format!("and {file_key} are both given"));
                None
            }
            (inline, _) => match self.origin(key) {
                Some(Origin::Environment(_)) => Some(Some(inline)),
                _ => {
                    let right = format!(
                        "a secret comes from the environment, or from the file that {file_key} names"
                    );
                    self.fault(key, right);
                    None
                }
            },
        }
    }

    /// The secret `key` of an element of an array of tables, which has no variable of its own in the
    /// environment: what the file named by `<key>_file` holds, or the variable that `<key>_env`
    /// names. `Some(None)` where neither is given.
    #[must_use]
    pub fn element_secret(&self, key: &str) -> Option<Option<String>> {
        let (file_key, env_key) = (format!("{key}_file"), format!("{key}_env"));
        let inline = self.parse_optional::<String>(key);
        let file = self.parse_optional::<String>(&file_key);
        let env = self.parse_optional::<String>(&env_key);
        match (inline?, file?, env?) {
            (Some(_), _, _) => {
                let right = format!(
                    "a secret never stands here: {file_key} names a file with it, or {env_key} a variable of the environment"
                );
                self.fault(key, right);
                None
            }
            (None, Some(_), Some(_)) => {
                self.fault(&env_key, format!("and {file_key} are both given"));
                None
            }
            (None, Some(file), None) => self.secret_of(&file_key, &file).map(Some),
            (None, None, Some(name)) => self.variable(&env_key, &name).map(Some),
            (None, None, None) => Some(None),
        }
    }

    fn variable(&self, env_key: &str, name: &str) -> Option<String> {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        if value.is_none() {
            self.fault(
                env_key,
                "the environment has no such variable, or it is empty",
            );
        }
        value
    }

    fn secret_of(&self, file_key: &str, path: &str) -> Option<String> {
        match read(Path::new(path)) {
            Ok(secret) => Some(secret),
            Err(error) => {
                self.fault(file_key, format!("cannot be read: {error}"));
                None
            }
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    // Not by its stated length: a pipe states none.
    let mut text = String::new();
    File::open(path)?
        .take(MAX_SECRET_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        let limit = format!("a secret has at most {MAX_SECRET_BYTES} bytes");
        return Err(io::Error::other(limit));
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(io::Error::other("it is empty"));
    }
    Ok(secret.to_owned())
}
