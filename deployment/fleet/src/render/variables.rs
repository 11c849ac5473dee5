//! Environment variables that the fleet configuration adds to apps by name: settings and secrets.
//!
//! Guarantee: a variable that matches no app is an error. Only [`insert_secret`] adds a secret's value.

use std::fs;

use serde_json::{Map, Value, json};

use super::{RenderError, short_name};
use crate::config::{FleetConfig, Secret};

const MAX_SECRET_BYTES: usize = 64 << 10;

/// Adds the settings, and references to secrets in Marathon's store.
pub(super) fn apply(group: &mut Value, config: &FleetConfig) -> Result<(), RenderError> {
    for setting in &config.setting {
        let value = Value::String(setting.value.clone());
        require_match(group, &setting.variable, &setting.apps)?;
        set(group, &setting.apps, &setting.variable, &value);
    }
    for secret in &config.secret {
        require_match(group, &secret.variable, &secret.apps)?;
        add_reference(group, secret);
    }
    Ok(())
}

/// Adds a secret's value, unless it comes from Marathon's store.
pub(super) fn insert_secret(group: &mut Value, secret: &Secret) -> Result<(), RenderError> {
    if let Some(value) = load(secret)? {
        set(group, &secret.apps, &secret.variable, &Value::String(value));
    }
    Ok(())
}

fn require_match(group: &mut Value, variable: &str, apps: &[String]) -> Result<(), RenderError> {
    if matching_apps(group, apps).next().is_some() {
        return Ok(());
    }
    Err(RenderError::NoMatchingApp {
        variable: variable.to_owned(),
        apps: apps.join(", "),
    })
}

fn set(group: &mut Value, apps: &[String], variable: &str, value: &Value) {
    for app in matching_apps(group, apps) {
        let env = app.entry("env").or_insert_with(|| json!({}));
        env[variable] = value.clone();
    }
}

/// Adds a reference to a secret in the store. Other secrets are added when the group is sent.
fn add_reference(group: &mut Value, secret: &Secret) {
    let Some(source) = &secret.store else { return };
    let name = secret.variable.to_lowercase().replace('_', "-");
    let reference = json!({ "secret": name });
    set(group, &secret.apps, &secret.variable, &reference);
    for app in matching_apps(group, &secret.apps) {
        let secrets = app.entry("secrets").or_insert_with(|| json!({}));
        secrets[&name] = json!({ "source": source });
    }
}

fn matching_apps<'g>(
    group: &'g mut Value,
    patterns: &'g [String],
) -> impl Iterator<Item = &'g mut Map<String, Value>> {
    let apps = group["apps"]
        .as_array_mut()
        .map(Vec::as_mut_slice)
        .unwrap_or_default();
    apps.iter_mut()
        .filter_map(Value::as_object_mut)
        .filter(|app| {
            let name = short_name(app);
            patterns.iter().any(|pattern| matches(&name, pattern))
        })
}

fn matches(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

fn load(secret: &Secret) -> Result<Option<String>, RenderError> {
    let variable = || secret.variable.clone();
    let text = match (&secret.file, &secret.from) {
        (Some(path), _) => fs::read_to_string(path).map_err(|source| RenderError::SecretFile {
            variable: variable(),
            path: path.clone(),
            source,
        })?,
        (None, Some(name)) => {
            std::env::var(name).map_err(|source| RenderError::SecretVariable {
                variable: variable(),
                name: name.clone(),
                source,
            })?
        }
        (None, None) => return Ok(None),
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.len() > MAX_SECRET_BYTES {
        return Err(RenderError::SecretLength {
            variable: variable(),
            length: text.len(),
            limit: MAX_SECRET_BYTES,
        });
    }
    Ok(Some(text.to_owned()))
}
