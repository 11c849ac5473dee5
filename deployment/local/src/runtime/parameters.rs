//! Maps options of `docker run` in a definition to fields of the engine's API.

use bollard::models::{ContainerCreateBody, HostConfig, ResourcesUlimits};
use moodvane_marathon_api::Parameter;

use super::RuntimeError;

/// Applies the options to `body` and `host`.
///
/// # Errors
/// Returns [`RuntimeError::Parameter`] for an unsupported option or an invalid value.
pub(super) fn apply(
    parameters: &[Parameter],
    body: &mut ContainerCreateBody,
    host: &mut HostConfig,
) -> Result<(), RuntimeError> {
    for Parameter { key, value } in parameters {
        let text = || value.clone();
        match key.as_str() {
            "read-only" => host.readonly_rootfs = Some(parse_bool(key, value)?),
            "init" => host.init = Some(parse_bool(key, value)?),
            "tmpfs" => {
                let (path, options) = value.split_once(':').unwrap_or((value, ""));
                host.tmpfs
                    .get_or_insert_default()
                    .insert(path.to_owned(), options.to_owned());
            }
            "user" => body.user = Some(text()),
            "hostname" => body.hostname = Some(text()),
            "stop-signal" => body.stop_signal = Some(text()),
            "label" => {
                let (name, value) = value.split_once('=').unwrap_or((value, ""));
                body.labels
                    .get_or_insert_default()
                    .insert(name.to_owned(), value.to_owned());
            }
            "ulimit" => host
                .ulimits
                .get_or_insert_default()
                .push(parse_ulimit(value)?),
            "cap-add" => host.cap_add.get_or_insert_default().push(text()),
            "cap-drop" => host.cap_drop.get_or_insert_default().push(text()),
            "security-opt" => host.security_opt.get_or_insert_default().push(text()),
            "add-host" => host.extra_hosts.get_or_insert_default().push(text()),
            "volume" => host.binds.get_or_insert_default().push(text()),
            "shm-size" => host.shm_size = Some(parse_size(value)?),
            _ => {
                return Err(RuntimeError::Parameter(format!(
                    "Docker option {key} is not supported"
                )));
            }
        }
    }
    Ok(())
}

fn parse_bool(key: &str, value: &str) -> Result<bool, RuntimeError> {
    match value {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(RuntimeError::Parameter(format!(
            "invalid value {value:?} of Docker option {key}: expected true or false"
        ))),
    }
}

fn parse_ulimit(value: &str) -> Result<ResourcesUlimits, RuntimeError> {
    let invalid = || {
        RuntimeError::Parameter(format!(
            "invalid ulimit {value:?}: expected NAME=SOFT or NAME=SOFT:HARD"
        ))
    };
    let (name, limits) = value.split_once('=').ok_or_else(invalid)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let number = |text: &str| text.parse::<i64>().map_err(|_| invalid());
    Ok(ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(number(soft)?),
        hard: Some(number(hard)?),
    })
}

/// Parses a number of bytes with an optional suffix `k`, `m` or `g` (powers of 1024).
fn parse_size(value: &str) -> Result<i64, RuntimeError> {
    let invalid = || {
        RuntimeError::Parameter(format!(
            "invalid size {value:?}: expected a number with an optional k, m or g"
        ))
    };
    let (number, factor) = match value.strip_suffix(['k', 'm', 'g']) {
        Some(number) if value.ends_with('k') => (number, 1 << 10),
        Some(number) if value.ends_with('m') => (number, 1 << 20),
        Some(number) => (number, 1 << 30),
        None => (value, 1),
    };
    let number: i64 = number.parse().map_err(|_| invalid())?;
    number.checked_mul(factor).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(key: &str, value: &str) -> Result<(ContainerCreateBody, HostConfig), RuntimeError> {
        let parameter = Parameter {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let (mut body, mut host) = (ContainerCreateBody::default(), HostConfig::default());
        apply(&[parameter], &mut body, &mut host)?;
        Ok((body, host))
    }

    #[test]
    fn applies_every_supported_option() {
        for key in crate::core::SUPPORTED_PARAMETERS {
            let value = match key {
                "read-only" | "init" => "true",
                "ulimit" => "nofile=1024:2048",
                "shm-size" => "64m",
                _ => "x",
            };
            assert!(applied(key, value).is_ok(), "{key}");
        }
    }

    #[test]
    fn rejects_unsupported_options_and_values() {
        for (key, value) in [
            ("gpus", "all"),
            ("read-only", "perhaps"),
            ("ulimit", "nofile"),
            ("ulimit", "nofile=many"),
            ("shm-size", "64q"),
            ("shm-size", "9223372036854775807g"),
        ] {
            assert!(applied(key, value).is_err(), "{key}={value}");
        }
    }

    #[test]
    fn parses_sizes_to_bytes() -> Result<(), RuntimeError> {
        for (value, bytes) in [("12", 12), ("2k", 2048), ("64m", 64 << 20), ("1g", 1 << 30)] {
            assert_eq!(
                applied("shm-size", value)?.1.shm_size,
                Some(bytes),
                "{value}"
            );
        }
        Ok(())
    }
}
