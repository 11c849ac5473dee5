//! Loads and validates the fleet configuration.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{CONFIG_FILE, ConfigError, FleetConfig};

const MAX_BYTES: u64 = 1 << 20;

impl FleetConfig {
    /// Loads the configuration of a folder, then applies an overlay, then each file of `values` in order.
    ///
    /// # Errors
    /// [`ConfigError`] if a file is missing or invalid.
    pub fn load(
        folder: &Path,
        overlay: Option<&str>,
        values: &[PathBuf],
    ) -> Result<Self, ConfigError> {
        let path = folder.join(CONFIG_FILE);
        let mut table = parse_with_overlay(&read(&path)?, overlay, &path)?;
        let mut names = path.display().to_string();
        for file in values {
            merge(&mut table, &parse_table(&read(file)?, file)?);
            names = format!("{names} with {}", file.display());
        }
        Self::from_table(table, Path::new(&names))
    }

    /// Parses a configuration; `path` is for error messages.
    ///
    /// # Errors
    /// [`ConfigError`] if it is invalid.
    pub fn parse(text: &str, overlay: Option<&str>, path: &Path) -> Result<Self, ConfigError> {
        Self::from_table(parse_with_overlay(text, overlay, path)?, path)
    }

    fn from_table(table: Table, path: &Path) -> Result<Self, ConfigError> {
        let config: Self =
            serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
                let key = error.path().to_string();
                invalid(path, key, error.into_inner().message())
            })?;
        config.validate(path)?;
        Ok(config)
    }

    fn validate(&self, path: &Path) -> Result<(), ConfigError> {
        for (index, secret) in self.secret.iter().enumerate() {
            let sources = [
                secret.store.is_some(),
                secret.file.is_some(),
                secret.from.is_some(),
            ];
            if sources.iter().filter(|is_set| **is_set).count() != 1 {
                let reason = "needs exactly one of store, file and from";
                return Err(invalid(path, format!("secret[{index}]"), reason));
            }
        }
        let counts = [
            ("kafka.nodes", self.kafka.nodes.len()),
            ("cassandra.nodes", self.cassandra.nodes.len()),
        ];
        for (key, count) in counts {
            if !(1..=99).contains(&count) {
                let reason = format!("has {count} nodes, but needs 1 to 99");
                return Err(invalid(path, key, reason));
            }
        }
        Ok(())
    }
}

fn parse_table(text: &str, path: &Path) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            text.get(..span.start).unwrap_or(text).matches('\n').count() + 1
        });
        invalid(path, format!("line {line}"), error.message())
    })
}

fn parse_with_overlay(
    text: &str,
    overlay: Option<&str>,
    path: &Path,
) -> Result<Table, ConfigError> {
    let mut table = parse_table(text, path)?;
    let overlays = match table.remove("overlay") {
        None => Table::new(),
        Some(Value::Table(overlays)) => overlays,
        Some(_) => {
            let reason = "must be a table of tables, such as [overlay.local]";
            return Err(invalid(path, "overlay", reason));
        }
    };
    let Some(name) = overlay else {
        return Ok(table);
    };
    let Some(Value::Table(overlay)) = overlays.get(name) else {
        return Err(ConfigError::UnknownOverlay {
            path: path.to_owned(),
            name: name.to_owned(),
            known: overlays.keys().cloned().collect(),
        });
    };
    merge(&mut table, overlay);
    Ok(table)
}

fn invalid(path: &Path, key: impl Into<String>, reason: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        path: path.to_owned(),
        key: key.into(),
        reason: reason.into(),
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(ConfigError::TooLarge {
            path: path.to_owned(),
            limit: MAX_BYTES,
        });
    }
    fs::read_to_string(path).map_err(unreadable)
}

/// Merges tables key by key; other values replace the existing ones.
fn merge(table: &mut Table, overlay: &Table) {
    for (key, value) in overlay {
        match (table.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(overlay)) => merge(inner, overlay),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}
