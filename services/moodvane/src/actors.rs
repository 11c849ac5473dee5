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
/// The largest response.
const MAX_RESPONSE_BYTES: usize = 4 << 20;
const COLUMNS: [&str; 6] = [
    "actor",
    "state",
    "restarts",
    "waiting",
    "last success",
    "last error",
];

/// Prints the tree; exits with 1 if a source's circuit is open or a source has failed permanently.
pub(crate) async fn run(config: AppConfig, args: ActorsArgs) -> anyhow::Result<ExitCode> {
    let default_url = || format!("http://{}", connect_address(config.server.address));
    let base: Url = args
        .url
        .unwrap_or_else(default_url)
        .parse()
        .context("cannot parse --url")?;
    let url = base.join("/actors")?;
    let response = http::client(TIMEOUT)?.get(url.clone()).send().await;
    let response = response.with_context(|| {
        format!(
            "no ingester responds at {url}: set --url to its address, such as http://127.0.0.1:9100"
        )
    })?;
    let response = response.error_for_status()?.bytes().await?;
    anyhow::ensure!(
        response.len() <= MAX_RESPONSE_BYTES,
        "the response of {url} is longer than {MAX_RESPONSE_BYTES} bytes"
    );
    if args.json {
        println!("{}", String::from_utf8_lossy(&response));
    }
    let tree: Value = serde_json::from_slice(&response)
        .with_context(|| format!("cannot parse the response of {url}"))?;
    let actors = tree["actors"]
        .as_array()
        .with_context(|| format!("cannot parse the response of {url}: missing field `actors`"))?;
    if !args.json {
        print!("{}", table(actors));
    }
    let has_failed = |actor: &Value| matches!(text(actor, "state"), "circuit_open" | "failed");
    Ok(match actors.iter().any(has_failed) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn text<'v>(actor: &'v Value, key: &str) -> &'v str {
    actor[key].as_str().unwrap_or_default()
}

fn table(actors: &[Value]) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    let roots = actors.iter().filter(|actor| actor["parent"].is_null());
    for root in roots {
        rows.push(row(root, ""));
        let is_child = |actor: &&Value| actor["parent"] == root["name"];
        rows.extend(actors.iter().filter(is_child).map(|child| row(child, "  ")));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..COLUMNS.len()).map(|c| width(c).unwrap_or(0)).collect();
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
    if !actor["stale_since"].is_null() {
        state.push_str(&format!(", stale since {}", text(actor, "stale_since")));
    }
    let mailbox = &actor["mailbox"];
    let waiting = match mailbox.is_null() {
        true => String::new(),
        false => format!("{} of {}", mailbox["waiting"], mailbox["capacity"]),
    };
    let restarts = actor["restarts"].to_string();
    let success = text(actor, "last_success").to_owned();
    // An error may quote line breaks.
    let error = text(actor, "last_error").replace(char::is_control, " ");
    [name, state, restarts, waiting, success, error]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prints_tree_as_table() {
        let actors = json!([
            { "name": "dispatcher", "state": "running", "restarts": 0 },
            {
                "name": "x", "parent": "dispatcher", "state": "circuit_open", "restarts": 12,
                "until": "2024-05-03T10:20:00.000Z", "last_error": "response has\nstatus 401, expected 200",
                "mailbox": { "waiting": 1, "capacity": 4 },
            },
            {
                "name": "nws", "parent": "dispatcher", "state": "running", "restarts": 0,
                "stale_since": "2024-04-30T09:51:00.000Z",
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
        assert_eq!(lines[0], COLUMNS);
        assert_eq!(lines[1], ["dispatcher", "running", "0"]);
        let x = [
            "x",
            "circuit open until 2024-05-03T10:20:00.000Z",
            "12",
            "1 of 4",
            "response has status 401, expected 200",
        ];
        assert_eq!(lines[2], x);
        let stale = "running, stale since 2024-04-30T09:51:00.000Z";
        assert_eq!(lines[3], ["nws", stale, "0"]);
        assert_eq!(
            lines[4],
            ["formatters (1 of 1 to 10)", "running", "0", "0 of 64"]
        );
        assert!(
            table.lines().nth(2).unwrap().starts_with("  x "),
            "a child is indented"
        );
    }
}
