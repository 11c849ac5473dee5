//! What `GET /v2/info` shows of a Marathon that cannot run the definitions.
//!
//! Marathon accepts an app with a volume although its own flags do not allow to launch it. It does
//! not show all of these flags: `--mesos_authentication_principal` is missing from its responses.

use moodvane_marathon_api::{App, EnvValue, MarathonInfo};

/// The version whose responses this crate supports.
const VERSION: &str = "1.11.";
/// The role of a Marathon without `--mesos_role`.
const NO_ROLE: &str = "*";

/// The role of apps that name none; `None` if Marathon does not show it.
pub(crate) fn default_role(info: &MarathonInfo) -> Option<&str> {
    info.marathon_config.get("mesos_role")?.as_str()
}

/// Returns why Marathon may not launch these apps, one line each.
#[must_use]
pub fn warnings(info: &MarathonInfo, apps: &[App]) -> Vec<String> {
    let mut warnings = Vec::new();
    if !info.version.starts_with(VERSION) {
        warnings.push(format!(
            "Marathon is {}, but its responses are known from {VERSION}x only",
            info.version
        ));
    }
    if info.framework_id.is_none() {
        warnings.push(
            "Marathon is not registered with Mesos: it launches nothing until it is (--master)"
                .to_owned(),
        );
    }
    let needs_role = |app: &&App| {
        has_persistent_volume(app) && app.role.as_deref().is_none_or(|role| role == NO_ROLE)
    };
    let with_volume: Vec<&str> = apps
        .iter()
        .filter(needs_role)
        .map(|app| app.id.last())
        .collect();
    if default_role(info) == Some(NO_ROLE) && !with_volume.is_empty() {
        warnings.push(format!(
            "Marathon runs without --mesos_role, and volumes cannot be reserved for the role *: set the flag, or group.role of fleet.toml, for {}",
            with_volume.join(", ")
        ));
    }
    let is_secret = |value: &EnvValue| matches!(value, EnvValue::Secret { .. });
    let uses_secrets = apps.iter().any(|app| app.env.values().any(is_secret));
    let features = info.marathon_config.get("features");
    let features = features.and_then(|features| features.as_array());
    let has_secrets = features.is_some_and(|features| features.iter().any(|one| one == "secrets"));
    if uses_secrets && !has_secrets {
        warnings.push(
            "Marathon runs without --enable_features secrets, and will reject the secrets of its store"
                .to_owned(),
        );
    }
    warnings
}

pub(crate) fn has_persistent_volume(app: &App) -> bool {
    let containers = app.container.iter();
    let mut volumes = containers.flat_map(|container| &container.volumes);
    volumes.any(|volume| volume.persistent.is_some())
}
