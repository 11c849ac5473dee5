//! Reads the end of a task's log from its Mesos agent: `/state` contains the task's sandbox directory, and
//! `/files/read` reads files in it. `fleet local` has no agents and serves logs itself.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::client::MarathonClient;

const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_TAIL_BYTES: u64 = 64 << 10;
const MAX_RESPONSE_BYTES: usize = 16 << 20;

/// Why a log cannot be read.
#[derive(Debug, Error)]
pub enum LogError {
    /// The request failed.
    #[error("agent {agent} does not respond")]
    Unreachable {
        /// The agent's address.
        agent: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The agent did not respond in time.
    #[error("agent {agent} does not respond within {} s", TIMEOUT.as_secs())]
    Timeout {
        /// The agent's address.
        agent: String,
    },
    /// The response has an unexpected form.
    #[error("invalid response from agent {agent}")]
    InvalidResponse {
        /// The agent's address.
        agent: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// The agent has no such task.
    #[error("agent {agent} has no task {task}; it may have removed the sandbox")]
    UnknownTask {
        /// The agent's address.
        agent: String,
        /// The task.
        task: String,
    },
}

#[derive(Deserialize)]
struct Piece {
    data: String,
    offset: u64,
}

/// Returns the last lines of a task's standard error, or of its standard output if that is empty.
///
/// # Errors
/// [`LogError`] if the agent does not serve the log.
pub async fn tail(
    marathon: &MarathonClient,
    task: &str,
    host: &str,
    lines: usize,
) -> Result<Vec<String>, LogError> {
    if let Some(text) = marathon.task_log(task).await {
        return Ok(last_lines(&text, lines));
    }
    let agent = Agent {
        http: marathon.http_without_credentials(),
        address: marathon.agent_address(host),
    };
    let state = agent.get("/state").await?;
    let folder = sandbox(&state, task).ok_or_else(|| LogError::UnknownTask {
        agent: agent.address.clone(),
        task: task.to_owned(),
    })?;
    let mut text = agent.read_tail(&format!("{folder}/stderr")).await?;
    if text.trim().is_empty() {
        text = agent.read_tail(&format!("{folder}/stdout")).await?;
    }
    Ok(last_lines(&text, lines))
}

fn last_lines(text: &str, count: usize) -> Vec<String> {
    let skipped = text.lines().count().saturating_sub(count);
    text.lines().skip(skipped).map(str::to_owned).collect()
}

/// A Mesos agent.
struct Agent<'h> {
    http: &'h reqwest::Client,
    address: String,
}

impl Agent<'_> {
    async fn read_tail(&self, path: &str) -> Result<String, LogError> {
        // Offset -1 returns only the file's length.
        let length = self.read(path, "offset=-1").await?.offset;
        let from = length.saturating_sub(MAX_TAIL_BYTES);
        let range = format!("offset={from}&length={MAX_TAIL_BYTES}");
        Ok(self.read(path, &range).await?.data)
    }

    async fn read(&self, path: &str, range: &str) -> Result<Piece, LogError> {
        let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let value = self
            .get(&format!("/files/read?path={path}&{range}"))
            .await?;
        serde_json::from_value(value).map_err(|source| self.invalid(source))
    }

    async fn get(&self, path: &str) -> Result<Value, LogError> {
        let url = format!("{}{path}", self.address);
        let download = async {
            let mut response = self.http.get(url).send().await?.error_for_status()?;
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > MAX_RESPONSE_BYTES {
                    break;
                }
            }
            Ok::<_, reqwest::Error>(bytes)
        };
        let bytes = tokio::time::timeout(TIMEOUT, download)
            .await
            .map_err(|_| LogError::Timeout {
                agent: self.address.clone(),
            })?
            .map_err(|source| LogError::Unreachable {
                agent: self.address.clone(),
                source: source.without_url(),
            })?;
        serde_json::from_slice(&bytes).map_err(|source| self.invalid(source))
    }

    fn invalid(&self, source: serde_json::Error) -> LogError {
        LogError::InvalidResponse {
            agent: self.address.clone(),
            source,
        }
    }
}

/// Finds the directory of a task's executor, running or completed, in an agent's state.
fn sandbox(state: &Value, task: &str) -> Option<String> {
    let lists = |value: &Value, names: [&str; 2]| -> Vec<Value> {
        let both = names.iter().filter_map(|name| value[*name].as_array());
        both.flatten().cloned().collect()
    };
    lists(state, ["frameworks", "completed_frameworks"])
        .iter()
        .flat_map(|framework| lists(framework, ["executors", "completed_executors"]))
        .find(|executor| {
            let is_task = |value: &Value| value["id"] == task;
            let tasks = ["tasks", "queued_tasks", "completed_tasks"];
            let mut lists = tasks.iter().filter_map(|name| executor[*name].as_array());
            is_task(executor) || lists.any(|tasks| tasks.iter().any(is_task))
        })
        .and_then(|executor| executor["directory"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_sandboxes_of_running_and_completed_tasks() {
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
            assert_eq!(sandbox(&state, task).as_deref(), folder, "{task}");
        }
    }
}
