//! What an orchestrator allots to a task when it starts it, and a definition can only point at.
//!
//! Marathon gives a task its ports and its host in variables: `PORT0`, `PORT1`, `HOST`. A definition says
//! `MOODVANE_SERVER__PORT=$PORT0`; there is no shell in our images that would put the number there.

/// The variables of a process, with every value of ours that is `$HOST`, `$PORT` or `$PORT0`, `$PORT1`, …
/// and nothing else replaced by that variable's. Where there is no such variable the value stays, and is
/// told as a fault by whoever reads it.
#[must_use]
pub fn allotted(variables: Vec<(String, String)>) -> Vec<(String, String)> {
    let given = |value: &str| {
        let name = value.strip_prefix('$').filter(|name| is_allotted(name))?;
        let (_, given) = variables.iter().find(|(known, _)| known == name)?;
        Some(given.clone())
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

fn is_allotted(name: &str) -> bool {
    let is_port = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
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
            ];
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let made = allotted(variables.map(owned).to_vec());
            assert_eq!(made[0].1, read, "{value}");
            assert_eq!(made[1].1, "$PORT0", "not ours");
        }
    }
}
