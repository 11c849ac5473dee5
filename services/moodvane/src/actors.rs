//! `moodvane actors`: the supervision tree of a running ingester.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use moodvane_launch::connect_address;
use serde_json::Value;
use url::Url;

use crate::cli::ActorsArgs;
use crate::config::AppConfig;

use crate::http;

const TIMEOUT: Duration = Duration::from_secs(5);
/// A tree is not longer than this, whoever answers.
const MAX_BYTES: usize = 4 << 20;
const HEAD: [&str; 6] = [
    "actor",
    "state",
    "restarts",
    "waiting",
    "last success",
    "last error",
];

/// Prints the tree; exits 1 where a source's circuit is open, or one has failed for good.
pub(crate) async fn run(config: AppConfig, args: ActorsArgs) -> anyhow::Result<ExitCode> {
    let own = || format!("http://{}", connect_address(config.server.address));
    let base: Url = args.url.unwrap_or_else(own).parse().context("--url")?;
    let url = base.join("/actors")?;
    let answer = http::client(TIMEOUT)?.get(url.clone()).send().await;
    let answer = answer.with_context(|| {
        format!("no ingester answers at {url}: with --url say where one does, such as http://127.0.0.1:9100")
    })?;
    let answer = answer.error_for_status()?.bytes().await?;
    anyhow::ensure!(answer.len() <= MAX_BYTES, "the answer is too long");
    if args.json {
        println!("{}", String::from_utf8_lossy(&answer));
    }
    let tree: Value = serde_json::from_slice(&answer).context("the answer is not a tree")?;
    let actors = tree["actors"]
        .as_array()
        .context("the answer is not a tree")?;
    if !args.json {
        print!("{}", table(actors));
    }
    let is_bad = |actor: &Value| matches!(text(actor, "state"), "circuit_open" | "failed");
    Ok(match actors.iter().any(is_bad) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn text<'v>(actor: &'v Value, key: &str) -> &'v str {
    actor[key].as_str().unwrap_or_default()
}

fn table(actors: &[Value]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    let roots = actors.iter().filter(|actor| actor["parent"].is_null());
    for root in roots {
        rows.push(row(root, ""));
        let is_child = |actor: &&Value| actor["parent"] == root["name"];
        rows.extend(actors.iter().filter(is_child).map(|child| row(child, "  ")));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..HEAD.len()).map(|c| width(c).unwrap_or(0)).collect();
    let mut shown = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        shown.push_str(line.trim_end());
        shown.push('\n');
    }
    shown
}

fn row(actor: &Value, indent: &str) -> [String; 6] {
    let mut name = format!("{indent}{}", text(actor, "name"));
    let members = &actor["members"];
    if !members.is_null() {
        let (now, least, most) = (&members["now"], &members["least"], &members["most"]);
        name.push_str(&format!(" ({now} of {least} to {most})"));
    }
    let mut state = text(actor, "state").replace('_', " ");
    if !actor["until"].is_null() {
        state.push_str(&format!(" until {}", text(actor, "until")));
    }
    let mailbox = &actor["mailbox"];
    let waiting = match mailbox.is_null() {
        true => String::new(),
        false => format!("{} of {}", mailbox["waiting"], mailbox["capacity"]),
    };
    let restarts = actor["restarts"].to_string();
    let success = text(actor, "last_success").to_owned();
    // One line each, whatever an error quotes.
    let error = text(actor, "last_error").replace(char::is_control, " ");
    [name, state, restarts, waiting, success, error]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tree_is_a_table() {
        let actors = json!([
            { "name": "dispatcher", "state": "running", "restarts": 0 },
            {
                "name": "x", "parent": "dispatcher", "state": "circuit_open", "restarts": 12,
                "until": "2024-05-03T10:20:00.000Z", "last_error": "the answer has\nstatus 401",
                "mailbox": { "waiting": 1, "capacity": 4 },
            },
            {
                "name": "formatters", "state": "running", "restarts": 0,
                "mailbox": { "waiting": 0, "capacity": 64 },
                "members": { "now": 1, "least": 1, "most": 10 },
            },
        ]);
        let table = table(actors.as_array().unwrap());
        let cells = |line: &str| -> Vec<String> {
            line.split("  ")
                .map(str::trim)
                .filter(|c| !c.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let lines: Vec<_> = table.lines().map(cells).collect();
        assert_eq!(lines[0], HEAD);
        assert_eq!(lines[1], ["dispatcher", "running", "0"]);
        let x = [
            "x",
            "circuit open until 2024-05-03T10:20:00.000Z",
            "12",
            "1 of 4",
            "the answer has status 401",
        ];
        assert_eq!(lines[2], x);
        assert_eq!(
            lines[3],
            ["formatters (1 of 1 to 10)", "running", "0", "0 of 64"]
        );
        assert!(
            table.lines().nth(2).unwrap().starts_with("  x "),
            "a child is indented"
        );
    }
}
