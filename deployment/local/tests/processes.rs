//! `fleet local` with plain processes, through its HTTP API.

mod support;

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::{LocalFleet, is_alive};

/// Prints its pid, then serves its folder on its port.
const SERVE: &str = "echo pid $$; exec python3 -m http.server $PORT0 --bind $HOST";

fn server(id: &str, instances: u32) -> serde_json::Value {
    json!({
        "id": id, "cmd": SERVE, "cpus": 0.1, "mem": 32, "instances": instances,
        "portDefinitions": [{ "port": 0, "name": "http" }],
        "healthChecks": [{ "protocol": "MESOS_HTTP", "path": "/", "portIndex": 0, "intervalSeconds": 1, "timeoutSeconds": 5,
                           "delaySeconds": 0, "gracePeriodSeconds": 60 }],
        "readinessChecks": [{ "portName": "http", "path": "/stdout", "intervalSeconds": 2, "timeoutSeconds": 1 }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn deploys_updates_and_deletes_group() {
    let fleet = LocalFleet::start(&[]).await;
    let group = json!({ "id": "/g", "apps": [server("a", 2)] });
    assert_eq!(fleet.post("/v2/groups", &group).await.0, 201);
    fleet.settle().await;

    let app = fleet.get("/v2/apps//g/a").await["app"].clone();
    assert_eq!(
        (&app["tasksRunning"], &app["tasksHealthy"]),
        (&json!(2), &json!(2))
    );
    let before = fleet.tasks("/g/a").await;
    for task in &before {
        let url = format!("http://{}:{}/stdout", task.host, task.ports[0]);
        assert!(fleet.text(&url).await.starts_with("pid "), "{url}");
    }
    let pids = fleet.pids(&before).await;

    assert_eq!(
        fleet
            .put("/v2/apps//g/a", &json!({ "env": { "V": "2" } }))
            .await
            .0,
        200
    );
    fleet.settle().await;
    let after = fleet.tasks("/g/a").await;
    assert_eq!(after.len(), 2);
    assert!(
        after
            .iter()
            .all(|task| before.iter().all(|old| old.id != task.id))
    );
    fleet
        .until("the old processes have ended", async || {
            !pids.iter().any(|pid| is_alive(*pid))
        })
        .await;

    let pids = fleet.pids(&after).await;
    assert_eq!(fleet.delete("/v2/groups//g").await.0, 200);
    fleet.settle().await;
    assert!(fleet.tasks("/g/a").await.is_empty());
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relaunches_killed_task() {
    let fleet = LocalFleet::start(&[]).await;
    assert_eq!(fleet.post("/v2/apps", &server("/a", 1)).await.0, 201);
    fleet.settle().await;
    let before = fleet.tasks("/a").await.remove(0);
    let pid = fleet.pids(std::slice::from_ref(&before)).await[0];
    assert!(
        Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
    fleet
        .until("another is healthy", async || {
            fleet
                .tasks("/a")
                .await
                .iter()
                .any(|task| task.id != before.id && task.is_healthy())
        })
        .await;
    let failure = fleet.get("/v2/apps//a").await["app"]["lastTaskFailure"].clone();
    assert_eq!(
        (&failure["taskId"], &failure["message"]),
        (
            &json!(before.id),
            &json!("Command terminated with signal 9")
        )
    );
    assert!(
        fleet
            .text(&fleet.url(&format!("/v2/tasks/{}/log", before.id)))
            .await
            .contains(&format!("pid {pid}"))
    );
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_process_group_ignoring_sigterm() {
    let fleet = LocalFleet::start(&[]).await;
    let cmd = "trap '' TERM; sleep 1000 & echo pid $!; echo pid $$; while :; do sleep 1; done";
    let app = json!({ "id": "/a", "cmd": cmd, "taskKillGracePeriodSeconds": 1 });
    fleet.post("/v2/apps", &app).await;
    fleet.settle().await;
    let tasks = fleet.tasks("/a").await;
    fleet
        .until("it has printed its pids", async || {
            fleet.pids(&tasks).await.len() == 2
        })
        .await;
    let pids = fleet.pids(&tasks).await;
    fleet.delete("/v2/apps//a").await;
    fleet.settle().await;
    fleet
        .until("all processes have ended", async || {
            !pids.iter().any(|pid| is_alive(*pid))
        })
        .await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_check_decides_health_and_volume_persists() {
    let fleet = LocalFleet::start(&[]).await;
    let app = json!({
        "id": "/a", "cmd": "echo line >> data/kept; exec sleep 1000",
        "container": { "type": "MESOS", "volumes": [{ "containerPath": "data", "mode": "RW", "persistent": { "size": 1 } }] },
        "healthChecks": [{ "protocol": "COMMAND", "command": { "value": "test $(wc -l < data/kept) -ge $LEAST" },
                           "intervalSeconds": 1, "delaySeconds": 0, "gracePeriodSeconds": 0, "maxConsecutiveFailures": 1 }],
        "env": { "LEAST": "3" }, "backoffSeconds": 0,
    });
    assert_eq!(fleet.post("/v2/apps", &app).await.0, 201);
    fleet.settle().await;
    // Each task appends one line and the check needs three, so the third task is healthy.
    let task = fleet.tasks("/a").await.remove(0).id;
    let attempt: u32 = task.rsplit_once("._app.").unwrap().1.parse().unwrap();
    assert!(attempt >= 3, "{task}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_other_methods_and_names_the_allowed_ones() {
    let fleet = LocalFleet::start(&[]).await;
    let http = reqwest::Client::new();
    for (method, path, allowed) in [
        (Method::DELETE, "/v2/info", "GET"),
        (Method::PUT, "/v2/deployments/x", "DELETE"),
        (Method::GET, "/v2/apps//a/restart", "POST"),
        (Method::DELETE, "/v2/apps", "GET, POST, PUT, PATCH"),
        (Method::POST, "/v2/apps//a", "GET, PUT, PATCH, DELETE"),
    ] {
        let request = http.request(method.clone(), fleet.url(path));
        let response = request.send().await.unwrap();
        let given = response.headers()["allow"].to_str().unwrap();
        assert_eq!(
            (response.status().as_u16(), given),
            (405, allowed),
            "{method} {path}"
        );
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_events_of_deployment() {
    let fleet = LocalFleet::start(&[]).await;
    let events = fleet
        .events("?event_type=deployment_success&event_type=status_update_event")
        .await;
    fleet
        .post("/v2/apps", &json!({ "id": "/a", "cmd": "exec sleep 1000" }))
        .await;
    let received = events.until("deployment_success").await;
    let names: Vec<&str> = received
        .iter()
        .map(moodvane_marathon_api::Event::name)
        .collect();
    assert_eq!(
        names,
        [
            "status_update_event",
            "status_update_event",
            "deployment_success"
        ]
    );
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_process_left_by_earlier_run() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = folder.path().join("tasks/a.instance-x._app.1");
    std::fs::create_dir_all(&sandbox).unwrap();
    let mut orphan = Command::new("sleep")
        .arg("1000")
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", orphan.id())).unwrap();
    let start_time = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .nth(19)
        .unwrap()
        .to_owned();
    std::fs::write(sandbox.join("pid"), format!("{} {start_time}", orphan.id())).unwrap();
    let fleet = LocalFleet::start_in(folder, &[]).await;
    let waited = tokio::task::spawn_blocking(move || orphan.wait());
    let status = tokio::time::timeout(Duration::from_secs(30), waited)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(!status.success());
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_image_without_docker() {
    let fleet = LocalFleet::start(&[]).await;
    let app = json!({ "id": "/a", "container": { "type": "DOCKER", "docker": { "image": "x" } } });
    let (status, body) = fleet.post("/v2/apps", &app).await;
    assert_eq!(
        (status, &body["details"][0]["path"]),
        (422, &json!("/container/docker"))
    );
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_pods() {
    let fleet = LocalFleet::start(&[]).await;
    let (status, body) = fleet.post("/v2/pods", &json!({ "id": "/p" })).await;
    assert_eq!(
        (status, &body["message"]),
        (501, &json!("fleet local does not support pods; use apps"))
    );
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_foreign_host_header_on_loopback() {
    let fleet = LocalFleet::start(&[]).await;
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:1", 200),
        ("evil.example", 421),
    ] {
        assert_eq!(fleet.ping_as(host).await, status, "{host}");
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_nothing_after_stop() {
    let fleet = LocalFleet::start(&[]).await;
    fleet.post("/v2/apps", &server("/a", 2)).await;
    fleet.settle().await;
    let pids = fleet.pids(&fleet.tasks("/a").await).await;
    let folder = fleet.folder().to_owned();
    let folder_guard = fleet.stop().await;
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    drop(folder_guard);
}
