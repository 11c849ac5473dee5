//! What an orchestrator allots to a task when it starts it, and a definition can only point at.
//!
//! Marathon gives a task its ports and its host in variables: `PORT0`, `PORT1`, `HOST`. A definition says
//! `MOODVANE_SERVER__PORT=$PORT0`; there is no shell in our images that would put the number there.
//!
//! `$INSTANCE` is who a task is, however often it is started again. Marathon's instance keeps its identity
//! over the failures of its tasks: `MESOS_TASK_ID` is `app.instance-UUID._app.3` in its third life (since
//! Marathon 1.9).

/// What Marathon puts between an instance and the number of its life, where the task is an app's.
const LIFE: &str = "._app.";

/// The variables of a process, with every value of ours that is `$HOST`, `$PORT` or `$PORT0`, `$PORT1`, …
/// and nothing else replaced by that variable's, and one that is `$INSTANCE` by the instance that
/// `MESOS_TASK_ID` tells of. Where there is no such variable the value stays, and is told as a fault by
/// whoever reads it.
#[must_use]
pub fn allotted(variables: Vec<(String, String)>) -> Vec<(String, String)> {
    let find = |name: &str| {
        let (_, value) = variables.iter().find(|(known, _)| known == name)?;
        Some(value.as_str())
    };
    let given = |value: &str| match value.strip_prefix('$')? {
        "INSTANCE" => find("MESOS_TASK_ID").map(|task| instance_of(task).to_owned()),
        name => find(name).filter(|_| is_allotted(name)).map(str::to_owned),
    };
    let replaced = |(name, value): &(String, String)| {
        let value = match name.starts_with("MOODVANE_") {
            true => given(value).unwrap_or_else(|| value.clone()),
            false => value.clone(),
        };
        (name.clone(), value)
    };
    variables.iter().map(replaced).collect()
}

/// The instance of a task; another orchestrator's task is all of it.
fn instance_of(task: &str) -> &str {
    match task.rsplit_once(LIFE) {
        Some((instance, life)) if is_number(life) => instance,
        _ => task,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_allotted(name: &str) -> bool {
    let is_port = |rest: &str| rest.is_empty() || is_number(rest);
    name == "HOST" || name.strip_prefix("PORT").is_some_and(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_points_at_what_was_allotted_becomes_it_and_no_other_does() {
        for (value, read) in [
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
            let made = allotted(variables.map(owned).to_vec());
            assert_eq!(made[0].1, read, "{value}");
            assert_eq!(made[1].1, "$PORT0", "not ours");
        }
    }
    #[test]
    fn an_instance_is_a_task_without_the_number_of_its_life() {
        for (task, instance) in [
            ("a_b.instance-5a._app.1", "a_b.instance-5a"),
            ("a_b.instance-5a._app.12", "a_b.instance-5a"),
            ("a._app.1.instance-5a._app.2", "a._app.1.instance-5a"),
            ("pod.instance-5a.first", "pod.instance-5a.first"),
            ("a_b.instance-5a._app.", "a_b.instance-5a._app."),
            ("", ""),
        ] {
            assert_eq!(instance_of(task), instance, "{task}");
        }
        let none = [("MOODVANE_X".to_owned(), "$INSTANCE".to_owned())];
        assert_eq!(allotted(none.to_vec()), none, "told by whoever reads it");
    }
}
