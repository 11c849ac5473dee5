//! Marathon's task variables as values of the configuration.
//!
//! Marathon allots ports and a host to each task and passes them in variables: `PORT0`, `PORT1`,
//! `HOST`. An app definition refers to them, as in `MOODVANE_SERVER__PORT=$PORT0`. The images have
//! no shell, so this module expands the reference.
//!
//! `$INSTANCE` expands to an identity that survives restarts. A Marathon instance keeps its id when
//! its task fails: `MESOS_TASK_ID` is `app.instance-UUID._app.3` for its third task (since Marathon
//! 1.9).

/// The separator between a Marathon instance's id and the number of its task.
const TASK_NUMBER_SEPARATOR: &str = "._app.";

/// Expands references to Marathon's variables in the values of `MOODVANE_*`.
///
/// A value that is exactly `$HOST`, `$PORT` or `$PORT0`, `$PORT1`, … becomes that variable's value;
/// `$INSTANCE` becomes the instance id of `MESOS_TASK_ID`. A reference to an absent variable stays
/// as it is, and the reader of that key reports it.
#[must_use]
pub fn expand_marathon_env(variables: Vec<(String, String)>) -> Vec<(String, String)> {
    let find = |name: &str| {
        let (_, value) = variables.iter().find(|(other, _)| other == name)?;
        Some(value.as_str())
    };
    let expand = |value: &str| match value.strip_prefix('$')? {
        "INSTANCE" => find("MESOS_TASK_ID").map(|task| instance_id(task).to_owned()),
        name => find(name)
            .filter(|_| is_task_variable(name))
            .map(str::to_owned),
    };
    let expanded = |(name, value): &(String, String)| {
        let value = match name.starts_with("MOODVANE_") {
            true => expand(value).unwrap_or_else(|| value.clone()),
            false => value.clone(),
        };
        (name.clone(), value)
    };
    variables.iter().map(expanded).collect()
}

/// The instance id of a Marathon task; the whole id for tasks of other orchestrators.
fn instance_id(task: &str) -> &str {
    match task.rsplit_once(TASK_NUMBER_SEPARATOR) {
        Some((instance, number)) if is_number(number) => instance,
        _ => task,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_task_variable(name: &str) -> bool {
    let is_port_index = |suffix: &str| suffix.is_empty() || is_number(suffix);
    name == "HOST" || name.strip_prefix("PORT").is_some_and(is_port_index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_only_whole_references_to_task_variables() {
        for (value, expected) in [
            ("$PORT0", "31001"),
            ("$PORT1", "31002"),
            ("$PORT", "31001"),
            ("$HOST", "node-1"),
            ("$PORT2", "$PORT2"),
            ("$PORT0/x", "$PORT0/x"),
            ("a$PORT0", "a$PORT0"),
            ("$PORTAL", "$PORTAL"),
            ("$SECRET", "$SECRET"),
            ("$INSTANCE", "server.instance-5a"),
            ("$INSTANCES", "$INSTANCES"),
            ("$MESOS_TASK_ID", "$MESOS_TASK_ID"),
            ("", ""),
        ] {
            let variables = [
                ("MOODVANE_SERVER__PORT", value),
                ("OTHER", "$PORT0"),
                ("PORT", "31001"),
                ("PORT0", "31001"),
                ("PORT1", "31002"),
                ("HOST", "node-1"),
                ("PORTAL", "x"),
                ("SECRET", "y"),
                ("MESOS_TASK_ID", "server.instance-5a._app.3"),
            ];
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let expanded = expand_marathon_env(variables.map(owned).to_vec());
            assert_eq!(expanded[0].1, expected, "{value}");
            assert_eq!(expanded[1].1, "$PORT0", "not a variable of Moodvane");
        }
    }

    #[test]
    fn strips_task_number_from_instance_id() {
        for (task, instance) in [
            ("a_b.instance-5a._app.1", "a_b.instance-5a"),
            ("a_b.instance-5a._app.12", "a_b.instance-5a"),
            ("a._app.1.instance-5a._app.2", "a._app.1.instance-5a"),
            ("pod.instance-5a.first", "pod.instance-5a.first"),
            ("a_b.instance-5a._app.", "a_b.instance-5a._app."),
            ("", ""),
        ] {
            assert_eq!(instance_id(task), instance, "{task}");
        }
        let without_task = [("MOODVANE_X".to_owned(), "$INSTANCE".to_owned())];
        let expanded = expand_marathon_env(without_task.to_vec());
        assert_eq!(expanded, without_task, "the key's reader reports it");
    }
}
