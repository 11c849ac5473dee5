//! A `fleet local` in the test process, and its client.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "test helpers; each test file uses some"
)]

use std::path::Path;
use std::time::Duration;

use clap::Parser;
use moodvane_fleet_local::{Options, serve};
use moodvane_marathon_api::{Event, Task, TaskList};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Limit of every wait, also on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

/// A running `fleet local`.
pub(crate) struct LocalFleet {
    base: String,
    client: reqwest::Client,
    folder: TempDir,
    shutdown: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
}

impl LocalFleet {
    pub(crate) async fn start(more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), more).await
    }

    pub(crate) async fn start_in(folder: TempDir, more: &[&str]) -> Self {
        let path = folder.path().to_str().unwrap().to_owned();
        let first = ["fleet-local", "--runtime", "processes", "--folder", &path];
        let options = Arguments::parse_from(first.iter().chain(more)).options;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve(options, listener, shutdown.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            base,
            client,
            folder,
            shutdown,
            served,
        }
    }

    /// Shuts down as SIGTERM does, without an error. Returns the folder, so that it outlives the call.
    pub(crate) async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        tokio::time::timeout(TIMEOUT, self.served)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        self.folder
    }

    /// The error with which it ended by itself.
    pub(crate) async fn startup_error(self) -> anyhow::Error {
        tokio::time::timeout(TIMEOUT, self.served)
            .await
            .unwrap()
            .unwrap()
            .unwrap_err()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(self.client.get(self.url(path))).await.1
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(self.client.post(self.url(path)).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(self.client.put(self.url(path)).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(self.client.delete(self.url(path))).await
    }

    pub(crate) async fn text(&self, url: &str) -> String {
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    pub(crate) async fn ping_as(&self, host: &str) -> u16 {
        let response = self
            .client
            .get(self.url("/ping"))
            .header("host", host)
            .send()
            .await
            .unwrap();
        response.status().as_u16()
    }

    pub(crate) async fn tasks(&self, app: &str) -> Vec<Task> {
        let list: Result<TaskList, _> =
            serde_json::from_value(self.get(&format!("/v2/apps/{app}/tasks")).await);
        list.map(|list| list.tasks).unwrap_or_default()
    }

    /// The pids in the tasks' logs.
    pub(crate) async fn pids(&self, tasks: &[Task]) -> Vec<u32> {
        let mut pids = Vec::new();
        for task in tasks {
            let log = self
                .text(&self.url(&format!("/v2/tasks/{}/log", task.id)))
                .await;
            pids.extend(
                log.lines()
                    .filter_map(|line| line.strip_prefix("pid ")?.parse::<u32>().ok()),
            );
        }
        pids
    }

    /// Waits until all deployments have ended.
    pub(crate) async fn settle(&self) {
        self.until("no deployment is left", async || {
            self.get("/v2/deployments").await == Value::Array(Vec::new())
        })
        .await;
    }

    pub(crate) async fn until(&self, condition: &str, done: impl AsyncFn() -> bool) {
        let wait = async {
            while !done().await {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        assert!(
            tokio::time::timeout(TIMEOUT, wait).await.is_ok(),
            "timed out waiting until {condition}"
        );
    }

    /// Opens the event stream.
    pub(crate) async fn events(&self, query: &str) -> Events {
        let response = self
            .client
            .get(self.url(&format!("/v2/events{query}")))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events(response)
    }
}

/// An event stream.
pub(crate) struct Events(reqwest::Response);

impl Events {
    /// The events up to the first with this name, inclusive.
    pub(crate) async fn until(self, name: &str) -> Vec<Event> {
        let read = async {
            let (mut response, mut text, mut events) = (self.0, String::new(), Vec::<Event>::new());
            while events.last().is_none_or(|event| event.name() != name) {
                text.push_str(&String::from_utf8_lossy(
                    &response.chunk().await.unwrap().unwrap(),
                ));
                while let Some((event, rest)) = text.split_once("\n\n") {
                    let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                    events.extend(data.map(|data| serde_json::from_str::<Event>(data).unwrap()));
                    text = rest.to_owned();
                }
            }
            events
        };
        tokio::time::timeout(TIMEOUT, read).await.unwrap()
    }
}

pub(crate) fn is_alive(pid: u32) -> bool {
    // A zombie process has no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}
