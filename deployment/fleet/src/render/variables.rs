//! Variables that a site gives to apps by their names: settings, and secrets.
//!
//! Guarantee: a variable for which there is no app is an error. A secret's value comes in by [`reveal`] alone.

use std::fs;

use serde_json::{Map, Value, json};

use super::{RenderError, short};
use crate::config::{FleetConfig, Secret};

const MAX_SECRET_BYTES: usize = 64 << 10;

/// Gives the apps their settings, and the names of secrets in Marathon's store.
pub(super) fn apply(group: &mut Value, site: &FleetConfig) -> Result<(), RenderError> {
    for setting in &site.setting {
        let value = Value::String(setting.value.clone());
        known(group, &setting.variable, &setting.apps)?;
        set(group, &setting.apps, &setting.variable, &value);
    }
    for secret in &site.secret {
        known(group, &secret.variable, &secret.apps)?;
        refer_to(group, secret);
    }
    Ok(())
}

/// Puts in a secret's value, where it does not come from Marathon's store.
pub(super) fn reveal(group: &mut Value, secret: &Secret) -> Result<(), RenderError> {
    if let Some(value) = to_json(secret)? {
        set(group, &secret.apps, &secret.variable, &Value::String(value));
    }
    Ok(())
}

fn known(group: &mut Value, variable: &str, apps: &[String]) -> Result<(), RenderError> {
    if apps_of(group, apps).next().is_some() {
        return Ok(());
    }
    Err(RenderError::NoMatchingApp {
        variable: variable.to_owned(),
        apps: apps.join(", "),
    })
}

/// Gives the apps a variable.
fn set(group: &mut Value, apps: &[String], variable: &str, value: &Value) {
    for app in apps_of(group, apps) {
        let env = app.entry("env").or_insert_with(|| json!({}));
        env[variable] = value.clone();
    }
}

/// Secrets of a store are named in the definition. Others come when it is sent.
fn refer_to(group: &mut Value, secret: &Secret) {
    let Some(source) = &secret.store else { return };
    let name = secret.variable.to_lowercase().replace('_', "-");
    let reference = json!({ "secret": name });
    set(group, &secret.apps, &secret.variable, &reference);
    for app in apps_of(group, &secret.apps) {
        let secrets = app.entry("secrets").or_insert_with(|| json!({}));
        secrets[&name] = json!({ "source": source });
    }
}

fn apps_of<'g>(
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
            let name = short(app);
            patterns.iter().any(|pattern| is_like(&name, pattern))
        })
}

fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
    }
}

fn to_json(secret: &Secret) -> Result<Option<String>, RenderError> {
    let wrong = |why: String| RenderError::Secret {
        variable: secret.variable.clone(),
        why,
    };
    let text = match (&secret.file, &secret.from) {
        (Some(path), _) => fs::read_to_string(path)
            .map_err(|error| wrong(format!("{}: {error}", path.display())))?,
        (None, Some(name)) => {
            std::env::var(name).map_err(|_| wrong(format!("the environment has no {name}")))?
        }
        (None, None) => return Ok(None),
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.len() > MAX_SECRET_BYTES {
        return Err(wrong(format!("must have 1 to {MAX_SECRET_BYTES} bytes")));
    }
    Ok(Some(text.to_owned()))
}
