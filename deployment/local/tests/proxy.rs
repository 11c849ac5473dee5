//! A real HAProxy in front of tasks: requests during roll-outs, kills and reloads.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

mod support;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use support::LocalFleet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// Number of concurrent clients.
const CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Two tasks that are healthy at once and ready some seconds later; no event reports readiness.
fn echo(port: u16) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/echo.py");
    json!({
        "id": "/echo", "cmd": format!("exec python3 {script}"), "cpus": 0.1, "mem": 32, "instances": 2,
        "portDefinitions": [{ "port": port, "name": "http" }],
        "healthChecks": [{ "protocol": "MESOS_HTTP", "path": "/", "portIndex": 0, "intervalSeconds": 1, "timeoutSeconds": 10,
                           "delaySeconds": 0, "gracePeriodSeconds": 60, "maxConsecutiveFailures": 0 }],
        "env": { "NOT_READY": "2" },
        "readinessChecks": [{ "portName": "http", "path": "/ready", "intervalSeconds": 2, "timeoutSeconds": 1 }],
        "upgradeStrategy": { "minimumHealthCapacity": 1, "maximumOverCapacity": 0.5 },
        "labels": { "HAPROXY_GROUP": "external", "HAPROXY_0_MODE": "http" },
    })
}

/// Clients that send requests in a loop and collect their failures.
struct Load {
    stop: Arc<AtomicBool>,
    succeeded: Arc<AtomicU64>,
    clients: JoinSet<Vec<String>>,
}

impl Load {
    fn start(port: u16) -> Self {
        let (stop, succeeded) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (stop, succeeded) = (Arc::clone(&stop), Arc::clone(&succeeded));
            clients.spawn(async move {
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match send_request(&client, port).await {
                        Ok(()) => drop(succeeded.fetch_add(1, Ordering::Relaxed)),
                        Err(why) => failures.push(why),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                failures
            });
        }
        Self {
            stop,
            succeeded,
            clients,
        }
    }

    fn succeeded(&self) -> u64 {
        self.succeeded.load(Ordering::Relaxed)
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.clients
            .join_all()
            .await
            .into_iter()
            .flatten()
            .collect()
    }
}

async fn send_request(client: &reqwest::Client, port: u16) -> Result<(), String> {
    let response = client
        .post(format!("http://127.0.0.1:{port}/weather"))
        .body("city=berlin")
        .send()
        .await;
    let response = response.map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let text = response
        .text()
        .await
        .map_err(|error| format!("{error:?}"))?;
    if status == 200 && text == "city=berlin" {
        Ok(())
    } else {
        Err(format!("{status} {text}"))
    }
}

/// The pid of the HAProxy worker that serves now.
async fn worker(fleet: &LocalFleet) -> String {
    let mut socket = UnixStream::connect(fleet.folder().join("haproxy.sock"))
        .await
        .unwrap();
    socket.write_all(b"show info\n").await.unwrap();
    let mut info = String::new();
    socket.read_to_string(&mut info).await.unwrap();
    info.lines()
        .find(|line| line.starts_with("Pid: "))
        .unwrap()
        .to_owned()
}

/// The tasks that responded to a few requests.
async fn served_by(client: &reqwest::Client, port: u16) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for _ in 0..8 {
        let response = client
            .post(format!("http://127.0.0.1:{port}/"))
            .body("x")
            .send()
            .await;
        let name = response
            .ok()
            .and_then(|response| Some(response.headers().get("x-task")?.to_str().ok()?.to_owned()));
        names.extend(name);
    }
    names
}

/// Rolls out a new version, one task at a time.
async fn roll_out(fleet: &LocalFleet) {
    let env = json!({ "env": { "NOT_READY": "2", "V": "2" } });
    assert_eq!(fleet.put("/v2/apps//echo", &env).await.0, 200);
    fleet.settle().await;
}

/// Waits until there are `tasks` tasks and requests reach all of them.
async fn all_serve(fleet: &LocalFleet, client: &reqwest::Client, port: u16, tasks: usize) {
    fleet
        .until("the proxy reaches all tasks", async || {
            let tasks_now = fleet.tasks("/echo").await;
            let names: BTreeSet<_> = tasks_now.into_iter().map(|task| task.id).collect();
            names.len() == tasks && served_by(client, port).await == names
        })
        .await;
}

/// A HAProxy program that waits before it serves while the returned file exists.
fn haproxy_behind_barrier(folder: &Path) -> (String, PathBuf) {
    let (program, barrier) = (folder.join("haproxy"), folder.join("barrier"));
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = -c ] || while [ -e '{}' ]; do sleep 0.05; done\nexec haproxy \"$@\"\n",
        barrier.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    (program.to_str().unwrap().to_owned(), barrier)
}

/// Adds another service, which causes a reload, and waits for the new worker.
async fn reload_with_other_service(fleet: &LocalFleet, before: &str) {
    let other = json!({ "id": "/other", "cmd": "exec sleep 1000", "labels": { "HAPROXY_GROUP": "external" } });
    fleet.post("/v2/apps", &other).await;
    fleet
        .until("a new worker serves", async || {
            worker(fleet).await != before
        })
        .await;
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

async fn kill_eldest(fleet: &LocalFleet) {
    let tasks = fleet.tasks("/echo").await;
    let eldest = tasks.iter().min_by_key(|task| task.started_at).unwrap();
    kill(fleet.pids(std::slice::from_ref(eldest)).await[0]);
}

async fn kill_through_api(fleet: &LocalFleet) {
    let task = fleet.tasks("/echo").await.remove(1).id;
    let (status, _) = fleet.delete(&format!("/v2/apps//echo/tasks/{task}")).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_tasks_are_replaced_and_killed() {
    let port = free_port();
    let fleet = LocalFleet::start(&["--proxy", "external"]).await;
    assert_eq!(fleet.post("/v2/apps", &echo(port)).await.0, 201);
    fleet.settle().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    fleet
        .until("the proxy responds", async || {
            send_request(&client, port).await.is_ok()
        })
        .await;

    let load = Load::start(port);
    let until_more = async || {
        let seen = load.succeeded();
        fleet
            .until("more requests succeed", async || {
                load.succeeded() > seen + 100
            })
            .await;
    };
    until_more().await;
    // Read the worker only now: the one before the reload responds for a moment too.
    let before = worker(&fleet).await;
    roll_out(&fleet).await;
    until_more().await;
    // Kill one task and then the other: the proxy must have the successor by then.
    for _ in 0..2 {
        all_serve(&fleet, &client, port, 2).await;
        kill_eldest(&fleet).await;
        until_more().await;
    }
    all_serve(&fleet, &client, port, 2).await;
    kill_through_api(&fleet).await;
    until_more().await;

    assert_eq!(
        worker(&fleet).await,
        before,
        "changes of tasks need no reload"
    );
    // The new worker inherits the sockets.
    reload_with_other_service(&fleet, &before).await;
    until_more().await;

    let succeeded = load.succeeded();
    assert_eq!(
        load.end().await,
        Vec::<String>::new(),
        "besides {succeeded} successful requests"
    );
    fleet.stop().await;
    assert!(
        send_request(&client, port).await.is_err(),
        "the proxy stops with fleet local"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_killed_proxy_with_current_tasks() {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let (program, barrier) = haproxy_behind_barrier(folder.path());
    let fleet = LocalFleet::start(&["--proxy", "external", "--haproxy", &program]).await;
    let (status, response) = fleet.post("/v2/apps", &echo(port)).await;
    assert_eq!(status, 201, "{response}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    all_serve(&fleet, &client, port, 2).await;
    // These tasks were added at run time and are not in the configuration file.
    roll_out(&fleet).await;
    all_serve(&fleet, &client, port, 2).await;
    let before = worker(&fleet).await;
    std::fs::write(&barrier, "").unwrap();
    kill(before.trim_start_matches("Pid: ").parse().unwrap());
    // One more task starts while no HAProxy runs.
    let third = fleet
        .put("/v2/apps//echo", &json!({ "instances": 3 }))
        .await;
    assert_eq!(third.0, 200);
    fleet.settle().await;
    std::fs::remove_file(barrier).unwrap();
    fleet
        .until("the restarted proxy responds", async || {
            send_request(&client, port).await.is_ok()
        })
        .await;
    assert_ne!(worker(&fleet).await, before);
    all_serve(&fleet, &client, port, 3).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_configuration_on_invalid_label() {
    let port = free_port();
    let fleet = LocalFleet::start(&["--proxy", "external"]).await;
    let (status, response) = fleet.post("/v2/apps", &echo(port)).await;
    assert_eq!(status, 201, "{response}");
    fleet.settle().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    fleet
        .until("the proxy responds", async || {
            send_request(&client, port).await.is_ok()
        })
        .await;
    let wrong = json!({ "id": "/wrong", "cmd": "exec sleep 1000", "labels": {
        "HAPROXY_GROUP": "external", "HAPROXY_0_MODE": "http", "HAPROXY_0_BACKEND_HTTP_OPTIONS": "no such word" } });
    fleet.post("/v2/apps", &wrong).await;
    fleet.settle().await;
    for _ in 0..20 {
        send_request(&client, port).await.unwrap();
    }
    fleet.stop().await;
}

#[tokio::test]
async fn fails_to_start_without_haproxy() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = LocalFleet::start_in(
        folder,
        &["--proxy", "external", "--haproxy", "/no/such/haproxy"],
    )
    .await;
    let error = format!("{:#}", fleet.startup_error().await);
    assert!(error.contains("Debian's package haproxy"), "{error}");
}
