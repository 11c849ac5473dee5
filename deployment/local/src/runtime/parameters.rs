//! The options of `docker run` that a definition may give, as the engine's own fields.

use bollard::models::{ContainerCreateBody, HostConfig, ResourcesUlimits};
use moodvane_marathon_api::Parameter;

use super::RuntimeError;

/// Puts the options into `body`, and those of the host into `host`.
///
/// # Errors
/// [`RuntimeError::Parameter`] for an option that is not known, or whose value cannot be read.
pub(super) fn apply(
    parameters: &[Parameter],
    body: &mut ContainerCreateBody,
    host: &mut HostConfig,
) -> Result<(), RuntimeError> {
    for Parameter { key, value } in parameters {
        let text = || value.clone();
        match key.as_str() {
            "read-only" => host.readonly_rootfs = Some(yes(key, value)?),
            "init" => host.init = Some(yes(key, value)?),
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
            "ulimit" => host.ulimits.get_or_insert_default().push(ulimit(value)?),
            "cap-add" => host.cap_add.get_or_insert_default().push(text()),
            "cap-drop" => host.cap_drop.get_or_insert_default().push(text()),
            "security-opt" => host.security_opt.get_or_insert_default().push(text()),
            "add-host" => host.extra_hosts.get_or_insert_default().push(text()),
            "volume" => host.binds.get_or_insert_default().push(text()),
            "shm-size" => host.shm_size = Some(size(value)?),
            _ => {
                return Err(RuntimeError::Parameter(format!(
                    "the Docker option {key} is not known"
                )));
            }
        }
    }
    Ok(())
}

fn yes(key: &str, value: &str) -> Result<bool, RuntimeError> {
    match value {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(RuntimeError::Parameter(format!(
            "the Docker option {key} is true or false, not {value:?}"
        ))),
    }
}

fn ulimit(value: &str) -> Result<ResourcesUlimits, RuntimeError> {
    let wrong = || {
        RuntimeError::Parameter(format!(
            "a ulimit is NAME=SOFT or NAME=SOFT:HARD, not {value:?}"
        ))
    };
    let (name, limits) = value.split_once('=').ok_or_else(wrong)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
    Ok(ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(number(soft)?),
        hard: Some(number(hard)?),
    })
}

/// Bytes, with `k`, `m` or `g` for 1024 to the power of 1, 2 or 3.
fn size(value: &str) -> Result<i64, RuntimeError> {
    let wrong =
        || RuntimeError::Parameter(format!("a size is a number with k, m or g, not {value:?}"));
    let (number, factor) = match value.strip_suffix(['k', 'm', 'g']) {
        Some(number) if value.ends_with('k') => (number, 1 << 10),
        Some(number) if value.ends_with('m') => (number, 1 << 20),
        Some(number) => (number, 1 << 30),
        None => (value, 1),
    };
    let number: i64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
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
    fn every_option_that_is_not_refused_is_known() {
        for key in crate::core::PARAMETERS {
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
    fn what_cannot_be_read_is_refused() {
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
    fn a_size_is_in_bytes() -> Result<(), RuntimeError> {
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
