//! The environment of a definition must match what its service reads.

use moodvane_marathon_api::{App, EnvValue};
use moodvane_runtime::Settings;

use super::Subject;

const PREFIX: &str = "MOODVANE_";
/// Words in the names of secrets. A name that ends in `_FILE` contains a path, not a secret.
const SECRET_WORDS: [&str; 4] = ["PASSWORD", "TOKEN", "SECRET", "KEY"];

/// The settings of a service that runs with this environment.
pub(super) fn settings(app: &App) -> Settings {
    let mut settings = Settings::new();
    let variable = |(name, value): (&String, &EnvValue)| {
        let value = match value {
            EnvValue::Plain(value) => value.clone(),
            EnvValue::Secret { .. } => "a secret".to_owned(),
        };
        (name.clone(), value)
    };
    settings.merge_env(app.env.iter().map(variable));
    settings
}

/// Every `MOODVANE_` variable is a configuration key.
pub(super) fn variables_are_known(subject: &Subject<'_>) -> Vec<String> {
    if subject.service().is_none() {
        return Vec::new();
    }
    let Err(errors) = settings(subject.app).finish() else {
        return Vec::new();
    };
    // The first line is the number of errors.
    errors
        .to_string()
        .lines()
        .skip(1)
        .map(|line| line.trim().to_owned())
        .collect()
}

/// A variable such as `$PORT0` refers to a port of the app.
pub(super) fn port_variables_exist(subject: &Subject<'_>) -> Vec<String> {
    let ports = subject.app.port_names().len();
    let problem = |(name, value): (&String, &EnvValue)| {
        let EnvValue::Plain(value) = value else {
            return None;
        };
        let index = value.strip_prefix("$PORT")?;
        let exists = match index {
            "" => ports > 0,
            _ => index.parse::<usize>().is_ok_and(|index| index < ports),
        };
        (!exists)
            .then(|| format!("{name} is {value}, but the app has {ports} ports, from $PORT0 on"))
    };
    let variables = subject.app.env.iter();
    variables
        .filter(|(name, _)| name.starts_with(PREFIX))
        .filter_map(problem)
        .collect()
}

/// No plain value is a secret, because everyone can read definitions.
pub(super) fn has_no_plain_secret(subject: &Subject<'_>) -> Vec<String> {
    let is_secret = |name: &str| {
        let mut words = name.split('_');
        !name.ends_with("_FILE")
            && words.any(|word| SECRET_WORDS.iter().any(|secret| word.ends_with(secret)))
    };
    let plain = subject.app.env.iter().filter(|(name, value)| {
        is_secret(name) && matches!(value, EnvValue::Plain(value) if !value.is_empty())
    });
    plain
        .map(|(name, _)| format!("{name} is a plain value; move it to a [[secret]] of fleet.toml"))
        .collect()
}
