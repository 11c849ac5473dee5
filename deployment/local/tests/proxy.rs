//! A real HAProxy before the tasks: what clients see while tasks come, go and die.

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
use support::Fleet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// So many clients, one request after another each.
const CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Two that are healthy at once, and ready some seconds later, of which no event tells.
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

/// Clients that ask without end; what failed is told at the end.
struct Load {
    stop: Arc<AtomicBool>,
    good: Arc<AtomicU64>,
    clients: JoinSet<Vec<String>>,
}

impl Load {
    fn start(port: u16) -> Self {
        let (stop, good) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (stop, good) = (Arc::clone(&stop), Arc::clone(&good));
            clients.spawn(async move {
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match ask(&client, port).await {
                        Ok(()) => drop(good.fetch_add(1, Ordering::Relaxed)),
                        Err(why) => failures.push(why),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                failures
            });
        }
        Self {
            stop,
            good,
            clients,
        }
    }

    fn good(&self) -> u64 {
        self.good.load(Ordering::Relaxed)
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

async fn ask(client: &reqwest::Client, port: u16) -> Result<(), String> {
    let answer = client
        .post(format!("http://127.0.0.1:{port}/weather"))
        .body("city=berlin")
        .send()
        .await;
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| format!("{error:?}"))?;
    if status == 200 && text == "city=berlin" {
        Ok(())
    } else {
        Err(format!("{status} {text}"))
    }
}

/// The HAProxy's process that serves now.
async fn worker(fleet: &Fleet) -> String {
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

/// The tasks that answered one of a few requests.
async fn served_by(client: &reqwest::Client, port: u16) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for _ in 0..8 {
        let answer = client
            .post(format!("http://127.0.0.1:{port}/"))
            .body("x")
            .send()
            .await;
        let name = answer
            .ok()
            .and_then(|answer| Some(answer.headers().get("x-task")?.to_str().ok()?.to_owned()));
        names.extend(name);
    }
    names
}

/// A new version, one by one.
async fn roll_out(fleet: &Fleet) {
    let env = json!({ "env": { "NOT_READY": "2", "V": "2" } });
    assert_eq!(fleet.put("/v2/apps//echo", &env).await.0, 200);
    fleet.settle().await;
}

/// Waits until requests reach every task, and that there are so many.
async fn all_serve(fleet: &Fleet, client: &reqwest::Client, port: u16, tasks: usize) {
    fleet
        .until("the proxy has all", async || {
            let known = fleet.tasks("/echo").await;
            let names: BTreeSet<_> = known.into_iter().map(|task| task.id).collect();
            names.len() == tasks && served_by(client, port).await == names
        })
        .await;
}

/// An HAProxy that does not begin to serve while a file is there: the program, and that file.
fn haproxy_that_waits(folder: &Path) -> (String, PathBuf) {
    let (program, barrier) = (folder.join("haproxy"), folder.join("barrier"));
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = -c ] || while [ -e '{}' ]; do sleep 0.05; done\nexec haproxy \"$@\"\n",
        barrier.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    (program.to_str().unwrap().to_owned(), barrier)
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_tasks_are_replaced_and_killed() {
    let port = free_port();
    let fleet = Fleet::start(&["--proxy", "external"]).await;
    assert_eq!(fleet.post("/v2/apps", &echo(port)).await.0, 201);
    fleet.settle().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    fleet
        .until("the proxy has both", async || {
            ask(&client, port).await.is_ok()
        })
        .await;

    let load = Load::start(port);
    let until_more = async || {
        let seen = load.good();
        fleet
            .until("more is answered", async || load.good() > seen + 100)
            .await;
    };
    until_more().await;
    // Not sooner: the worker before the reload answers for a moment beside the new one.
    let before = worker(&fleet).await;
    roll_out(&fleet).await;
    until_more().await;
    // One of two dies, and then the other: the balancer has to know the successor by then.
    for _ in 0..2 {
        all_serve(&fleet, &client, port, 2).await;
        let tasks = fleet.tasks("/echo").await;
        let eldest = tasks.iter().min_by_key(|task| task.started_at).unwrap();
        kill(fleet.pids(std::slice::from_ref(eldest)).await[0]);
        until_more().await;
    }
    all_serve(&fleet, &client, port, 2).await;
    // One is killed by a client.
    let task = fleet.tasks("/echo").await.remove(1).id;
    assert_eq!(
        fleet
            .delete(&format!("/v2/apps//echo/tasks/{task}"))
            .await
            .0,
        200
    );
    until_more().await;

    assert_eq!(worker(&fleet).await, before, "it is told while it runs");
    // Another service: a new worker, with the sockets of the old one.
    let other = json!({ "id": "/other", "cmd": "exec sleep 1000", "labels": { "HAPROXY_GROUP": "external" } });
    fleet.post("/v2/apps", &other).await;
    fleet
        .until("a new worker serves", async || {
            worker(&fleet).await != before
        })
        .await;
    until_more().await;

    let good = load.good();
    assert_eq!(
        load.end().await,
        Vec::<String>::new(),
        "beside {good} good ones"
    );
    fleet.end().await;
    assert!(ask(&client, port).await.is_err(), "the proxy ends with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_died_comes_again_with_the_tasks_of_now() {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let (program, barrier) = haproxy_that_waits(folder.path());
    let fleet = Fleet::start(&["--proxy", "external", "--haproxy", &program]).await;
    let (status, answer) = fleet.post("/v2/apps", &echo(port)).await;
    assert_eq!(status, 201, "{answer}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    all_serve(&fleet, &client, port, 2).await;
    // Tasks that were told while it ran, and stand in no file.
    roll_out(&fleet).await;
    all_serve(&fleet, &client, port, 2).await;
    let before = worker(&fleet).await;
    std::fs::write(&barrier, "").unwrap();
    kill(before.trim_start_matches("Pid: ").parse().unwrap());
    // One more comes while there is none to be told.
    let third = fleet
        .put("/v2/apps//echo", &json!({ "instances": 3 }))
        .await;
    assert_eq!(third.0, 200);
    fleet.settle().await;
    std::fs::remove_file(barrier).unwrap();
    fleet
        .until("another answers", async || ask(&client, port).await.is_ok())
        .await;
    assert_ne!(worker(&fleet).await, before);
    all_serve(&fleet, &client, port, 3).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_label_leaves_the_proxy_as_it_was() {
    let port = free_port();
    let fleet = Fleet::start(&["--proxy", "external"]).await;
    let (status, answer) = fleet.post("/v2/apps", &echo(port)).await;
    assert_eq!(status, 201, "{answer}");
    fleet.settle().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    fleet
        .until("it answers", async || ask(&client, port).await.is_ok())
        .await;
    let wrong = json!({ "id": "/wrong", "cmd": "exec sleep 1000", "labels": {
        "HAPROXY_GROUP": "external", "HAPROXY_0_MODE": "http", "HAPROXY_0_BACKEND_HTTP_OPTIONS": "no such word" } });
    fleet.post("/v2/apps", &wrong).await;
    fleet.settle().await;
    for _ in 0..20 {
        ask(&client, port).await.unwrap();
    }
    fleet.end().await;
}

#[tokio::test]
async fn without_a_haproxy_it_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = Fleet::start_in(
        folder,
        &["--proxy", "external", "--haproxy", "/no/such/haproxy"],
    )
    .await;
    let error = format!("{:#}", fleet.fails().await);
    assert!(error.contains("Debian's package haproxy"), "{error}");
}
