//! What a definition says to its service must be what the service reads.

use moodvane_marathon_api::{App, EnvValue};
use moodvane_runtime::Settings;

use super::Subject;

const PREFIX: &str = "MOODVANE_";
/// Words of names whose values are secrets. `_FILE` behind them names a file and is none.
const SECRETS: [&str; 4] = ["PASSWORD", "TOKEN", "SECRET", "KEY"];

/// The settings of a service that is started with this environment.
pub(super) fn settings(app: &App) -> Settings {
    let mut settings = Settings::new();
    let plain = |(name, value): (&String, &EnvValue)| {
        let value = match value {
            EnvValue::Plain(value) => value.clone(),
            EnvValue::Secret { .. } => "a secret".to_owned(),
        };
        (name.clone(), value)
    };
    settings.merge_env(app.env.iter().map(plain));
    settings
}

/// Every variable of ours is a key of the configuration.
pub(super) fn known(subject: &Subject<'_>) -> Vec<String> {
    if subject.service().is_none() {
        return Vec::new();
    }
    let Err(faults) = settings(subject.app).finish() else {
        return Vec::new();
    };
    // The first line counts them.
    faults
        .to_string()
        .lines()
        .skip(1)
        .map(|line| line.trim().to_owned())
        .collect()
}

/// A variable such as `$PORT0` is one of the ports that the app has.
pub(super) fn ports(subject: &Subject<'_>) -> Vec<String> {
    let ports = subject.app.port_names().len();
    let wrong = |(name, value): (&String, &EnvValue)| {
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
    let ours = subject
        .app
        .env
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX));
    ours.filter_map(wrong).collect()
}

/// A secret does not stand in a definition for everybody to read.
pub(super) fn no_plain_secret(subject: &Subject<'_>) -> Vec<String> {
    let is_secret = |name: &str| {
        let mut words = name.split('_');
        !name.ends_with("_FILE")
            && words.any(|word| SECRETS.iter().any(|secret| word.ends_with(secret)))
    };
    let plain = subject.app.env.iter().filter(|(name, value)| {
        is_secret(name) && matches!(value, EnvValue::Plain(value) if !value.is_empty())
    });
    plain
        .map(|(name, _)| {
            format!("{name} stands in the definition; name it as a [[secret]] of fleet.toml")
        })
        .collect()
}
