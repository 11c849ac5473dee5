//! A task's log, read from the agent that it runs on, as Mesos serves it: `/state` knows the task's
//! folder, `/files/read` reads in it. `fleet local` has no agents and tells logs itself.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::client::{MarathonClient, chain};

const PATIENCE: Duration = Duration::from_secs(3);
/// As much of a log's end as is read.
const TAIL_BYTES: u64 = 64 << 10;
const MAX_BYTES: usize = 16 << 20;

/// Why there is no log.
#[derive(Debug, Error)]
pub enum LogError {
    /// The agent does not answer.
    #[error("the agent at {0} does not answer: {1}")]
    Agent(String, String),
    /// The agent does not know the task.
    #[error("the agent at {0} does not know the task {1}; it may have forgotten it")]
    Unknown(String, String),
}

#[derive(Deserialize)]
struct Piece {
    data: String,
    offset: u64,
}

/// The last lines of what a task wrote to standard error, or to standard output where that is empty.
///
/// # Errors
/// [`LogError`] where the agent does not tell.
pub async fn tail(
    marathon: &MarathonClient,
    task: &str,
    host: &str,
    lines: usize,
) -> Result<Vec<String>, LogError> {
    if let Some(text) = marathon.task_log(task).await {
        return Ok(last(&text, lines));
    }
    let agent = marathon.agent_of(host);
    let http = marathon.plain_http();
    let state = json(http, &agent, "/state").await?;
    let folder =
        folder_of(&state, task).ok_or_else(|| LogError::Unknown(agent.clone(), task.to_owned()))?;
    let mut text = end_of(http, &agent, &format!("{folder}/stderr")).await?;
    if text.trim().is_empty() {
        text = end_of(http, &agent, &format!("{folder}/stdout")).await?;
    }
    Ok(last(&text, lines))
}

fn last(text: &str, lines: usize) -> Vec<String> {
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.get(from..)
        .unwrap_or_default()
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

/// The last piece of a file.
async fn end_of(http: &reqwest::Client, agent: &str, path: &str) -> Result<String, LogError> {
    let length = read(http, agent, path, None).await?.offset;
    let from = length.saturating_sub(TAIL_BYTES);
    Ok(read(http, agent, path, Some(from)).await?.data)
}

async fn read(
    http: &reqwest::Client,
    agent: &str,
    path: &str,
    from: Option<u64>,
) -> Result<Piece, LogError> {
    let path = url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
    let query = match from {
        // Without a place the agent tells the length alone.
        None => format!("/files/read?path={path}&offset=-1"),
        Some(offset) => format!("/files/read?path={path}&offset={offset}&length={TAIL_BYTES}"),
    };
    let value = json(http, agent, &query).await?;
    serde_json::from_value(value)
        .map_err(|error| LogError::Agent(agent.to_owned(), error.to_string()))
}

async fn json(http: &reqwest::Client, agent: &str, path: &str) -> Result<Value, LogError> {
    let failed = |why: String| LogError::Agent(agent.to_owned(), why);
    let ask = async {
        let mut response = http
            .get(format!("{agent}{path}"))
            .send()
            .await?
            .error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BYTES {
                break;
            }
        }
        Ok::<_, reqwest::Error>(bytes)
    };
    let bytes = tokio::time::timeout(PATIENCE, ask)
        .await
        .map_err(|_| failed(format!("no answer within {} s", PATIENCE.as_secs())))?
        .map_err(|error| failed(chain(&error)))?;
    serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))
}

/// The folder of a task's executor, running or ended, in an agent's state.
fn folder_of(state: &Value, task: &str) -> Option<String> {
    let lists = |value: &Value, names: [&str; 2]| -> Vec<Value> {
        let both = names.iter().filter_map(|name| value[*name].as_array());
        both.flatten().cloned().collect()
    };
    lists(state, ["frameworks", "completed_frameworks"])
        .iter()
        .flat_map(|framework| lists(framework, ["executors", "completed_executors"]))
        .find(|executor| {
            let is_it = |value: &Value| value["id"] == task;
            let tasks = ["tasks", "queued_tasks", "completed_tasks"];
            let mut lists = tasks.iter().filter_map(|name| executor[*name].as_array());
            is_it(executor) || lists.any(|tasks| tasks.iter().any(is_it))
        })
        .and_then(|executor| executor["directory"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tasks_folder_is_found_whether_it_runs_or_has_ended() {
        let state = json!({
            "frameworks": [{
                "executors": [{ "id": "a", "directory": "/w/a", "tasks": [{ "id": "a" }] }],
                "completed_executors": [{ "id": "e", "directory": "/w/b", "completed_tasks": [{ "id": "b" }] }],
            }],
            "completed_frameworks": [{ "completed_executors": [{ "id": "c", "directory": "/w/c" }] }],
        });
        for (task, folder) in [
            ("a", Some("/w/a")),
            ("b", Some("/w/b")),
            ("c", Some("/w/c")),
            ("d", None),
        ] {
            assert_eq!(folder_of(&state, task).as_deref(), folder, "{task}");
        }
    }
}
