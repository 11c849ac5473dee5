//! How a site is read: the file, what is laid over it, and what it must hold.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{CONFIG_FILE, ConfigError, FleetConfig};

const MAX_BYTES: u64 = 1 << 20;

impl FleetConfig {
    /// Reads the site of a folder. One of its overlays is laid over it, and then each file of
    /// `values`, which has the same keys, in turn.
    ///
    /// # Errors
    /// [`ConfigError`] where there is none, or it is wrong.
    pub fn load(
        folder: &Path,
        overlay: Option<&str>,
        values: &[PathBuf],
    ) -> Result<Self, ConfigError> {
        let path = folder.join(CONFIG_FILE);
        let mut table = base(&read(&path)?, overlay, &path)?;
        let mut named = path.display().to_string();
        for file in values {
            lay_over(&mut table, &table_of(&read(file)?, file)?);
            named = format!("{named} with {}", file.display());
        }
        Self::from_table(table, Path::new(&named))
    }

    /// Reads a site from its text; `path` is for messages.
    ///
    /// # Errors
    /// [`ConfigError`] where it is wrong.
    pub fn parse(text: &str, overlay: Option<&str>, path: &Path) -> Result<Self, ConfigError> {
        Self::from_table(base(text, overlay, path)?, path)
    }

    fn from_table(table: Table, path: &Path) -> Result<Self, ConfigError> {
        let site: Self =
            serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
                let key = error.path().to_string();
                wrong(path, key, error.into_inner().message())
            })?;
        site.check(path)
    }

    fn check(self, path: &Path) -> Result<Self, ConfigError> {
        for (index, secret) in self.secret.iter().enumerate() {
            let given = [
                secret.store.is_some(),
                secret.file.is_some(),
                secret.from.is_some(),
            ];
            if given.iter().filter(|given| **given).count() != 1 {
                let why = "must have one of store, file and from: where the secret comes from";
                return Err(wrong(path, format!("secret[{index}]"), why));
            }
        }
        let counts = [
            ("kafka.nodes", self.kafka.nodes.len()),
            ("cassandra.nodes", self.cassandra.nodes.len()),
        ];
        for (key, count) in counts {
            if !(1..=99).contains(&count) {
                return Err(wrong(path, key, "must be 1 to 99 nodes"));
            }
        }
        Ok(self)
    }
}

fn table_of(text: &str, path: &Path) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            text.get(..span.start).unwrap_or(text).matches('\n').count() + 1
        });
        wrong(path, format!("line {line}"), error.message())
    })
}

/// The site's own table with one of its overlays laid over it.
fn base(text: &str, overlay: Option<&str>, path: &Path) -> Result<Table, ConfigError> {
    let mut table = table_of(text, path)?;
    let overlays = match table.remove("overlay") {
        None => Table::new(),
        Some(Value::Table(overlays)) => overlays,
        Some(_) => return Err(wrong(path, "overlay", "must be tables, as [overlay.local]")),
    };
    let Some(name) = overlay else {
        return Ok(table);
    };
    let Some(Value::Table(over)) = overlays.get(name) else {
        return Err(ConfigError::NoOverlay {
            path: path.to_owned(),
            name: name.to_owned(),
            known: overlays.keys().cloned().collect(),
        });
    };
    lay_over(&mut table, over);
    Ok(table)
}

fn wrong(path: &Path, key: impl Into<String>, why: impl Into<String>) -> ConfigError {
    ConfigError::Wrong {
        path: path.to_owned(),
        key: key.into(),
        why: why.into(),
    }
}

/// The text of a file that is not too long.
fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |why: String| ConfigError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let long = fs::metadata(path)
        .map_err(|error| unreadable(error.to_string()))?
        .len();
    if long > MAX_BYTES {
        return Err(unreadable(format!(
            "is too long, it may have {MAX_BYTES} bytes"
        )));
    }
    fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

/// Tables are laid over each other key by key, anything else is replaced.
fn lay_over(table: &mut Table, over: &Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => lay_over(inner, over),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}
