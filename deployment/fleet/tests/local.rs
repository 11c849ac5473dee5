//! Deployments and stops against `fleet local` in process, with real tasks and health checks.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use moodvane_fleet::FleetError;
use moodvane_fleet::client::{ClientOptions, Credentials, MarathonClient};
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::follow::FollowLimits;
use moodvane_fleet::progress::Stage;
use moodvane_fleet::render::RenderedGroup;
use moodvane_fleet::up::{UpOptions, up};
use moodvane_fleet::{down::DownReport, logs};
use moodvane_marathon_api::PathId;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const OPTIONS: UpOptions = UpOptions {
    limits: FollowLimits {
        timeout: Duration::from_secs(120),
        max_failures: 3,
    },
    force: false,
    rollback: false,
};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: moodvane_fleet_local::Options,
}

struct Local {
    marathon: Arc<MarathonClient>,
    shutdown: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
    folder: TempDir,
}

impl Local {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let state = folder.path().join("local").display().to_string();
        let cli = Cli::parse_from(["local", "--runtime", "processes", "--folder", &state]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(moodvane_fleet_local::serve(
            cli.options,
            listener,
            shutdown.clone(),
        ));
        let marathon =
            MarathonClient::new(ClientOptions::new(&[address], Credentials::None, None).unwrap())
                .unwrap();
        Self {
            marathon: Arc::new(marathon),
            shutdown,
            served,
            folder,
        }
    }

    async fn shut_down(self) {
        self.shutdown.cancel();
        self.served.await.unwrap().unwrap();
    }

    fn rendered(&self, apps: &[Value]) -> RenderedGroup {
        rendered(self.folder.path(), apps)
    }

    async fn down(&self, remove: bool) -> DownReport {
        let options = DownOptions {
            timeout: Duration::from_secs(60),
            remove,
        };
        down(&self.marathon, &group(), options, &quiet)
            .await
            .unwrap()
    }
}

fn quiet(_: &str) {}

fn group() -> PathId {
    "/t".parse().unwrap()
}

fn rendered(folder: &Path, apps: &[Value]) -> RenderedGroup {
    let path = folder.join("group.json");
    std::fs::write(&path, json!({ "id": "/t", "apps": apps }).to_string()).unwrap();
    RenderedGroup::read(&path).unwrap()
}

/// An app that is healthy while it runs.
fn app(name: &str, cmd: &str, needs: &[&str]) -> Value {
    json!({
        "id": format!("/t/{name}"), "cmd": cmd, "cpus": 0.1, "mem": 16, "instances": 1,
        "dependencies": needs.iter().map(|name| format!("/t/{name}")).collect::<Vec<_>>(),
        "healthChecks": [{ "protocol": "COMMAND", "command": { "value": "true" }, "delaySeconds": 0,
            "gracePeriodSeconds": 5, "intervalSeconds": 1, "timeoutSeconds": 1 }],
        "backoffSeconds": 1, "maxLaunchDelaySeconds": 1,
        "upgradeStrategy": { "minimumHealthCapacity": 0, "maximumOverCapacity": 0 },
    })
}

/// An app that exits by itself and is never healthy: a check that passes just before the exit would make
/// it ready.
fn failing(name: &str, cmd: &str) -> Value {
    let mut app = app(name, cmd, &[]);
    app["healthChecks"][0]["command"]["value"] = json!("false");
    app
}

const SLEEP: &str = "exec sleep 600";

#[tokio::test]
async fn starts_in_order_leaves_running_tasks_alone_and_stops_in_reverse() {
    let local = Local::start().await;
    let all = local.rendered(&[
        app("a", SLEEP, &[]),
        app("b", SLEEP, &["a"]),
        // Marathon returns the dependencies in any order.
        app("c", SLEEP, &["b", "a"]),
    ]);
    let report = up(&local.marathon, &all, OPTIONS, &quiet).await.unwrap();
    let healthy: Vec<Duration> = report
        .apps
        .iter()
        .map(|app| app.reached[2].unwrap())
        .collect();
    assert!(healthy.is_sorted(), "{healthy:?}");
    let tasks = |apps: Vec<moodvane_marathon_api::AppInfo>| -> Vec<String> {
        apps.into_iter()
            .flat_map(|info| info.tasks.unwrap())
            .map(|task| task.id)
            .collect()
    };
    let before = tasks(local.marathon.apps(&group()).await.unwrap());
    let again = up(&local.marathon, &all, OPTIONS, &quiet).await.unwrap();
    assert!(
        again
            .apps
            .iter()
            .all(|app| app.stage == Stage::Ready && !app.has_changed())
    );
    assert_eq!(
        tasks(local.marathon.apps(&group()).await.unwrap()),
        before,
        "the same tasks"
    );
    let stopped = local.down(false).await;
    let waves: Vec<&str> = stopped
        .waves
        .iter()
        .map(|wave| wave.apps[0].as_str())
        .collect();
    assert_eq!(waves, ["c", "b", "a"]);
    assert_eq!(local.marathon.all_tasks().await.unwrap(), []);
    local.down(true).await;
    assert_eq!(local.marathon.apps(&group()).await.unwrap(), []);
    local.shut_down().await;
}

#[tokio::test]
async fn reports_failed_app_with_end_of_log() {
    let local = Local::start().await;
    let all = local.rendered(&[failing("bad", "echo the disk is full >&2; exit 3")]);
    let Err(FleetError::NotReady(failure)) = up(&local.marathon, &all, OPTIONS, &quiet).await
    else {
        panic!("the app became ready");
    };
    let text = failure.to_string();
    assert!(text.contains("/t/bad failed 3 times"), "{text}");
    assert!(text.contains("| the disk is full"), "{text}");
    local.down(true).await;
    local.shut_down().await;
}

#[tokio::test]
async fn applies_change_and_rolls_back_failed_one() {
    let local = Local::start().await;
    up(
        &local.marathon,
        &local.rendered(&[app("a", SLEEP, &[])]),
        OPTIONS,
        &quiet,
    )
    .await
    .unwrap();
    let other = local.rendered(&[app("a", "echo second; exec sleep 601", &[])]);
    up(&local.marathon, &other, OPTIONS, &quiet).await.unwrap();
    let id: PathId = "/t/a".parse().unwrap();
    let task = local.marathon.tasks(&id).await.unwrap().remove(0);
    let log = logs::tail(&local.marathon, &task.id, &task.host, 5)
        .await
        .unwrap();
    assert!(log.iter().any(|line| line.contains("second")), "{log:?}");
    let broken = local.rendered(&[failing("a", "exit 3")]);
    let options = UpOptions {
        rollback: true,
        ..OPTIONS
    };
    let error = up(&local.marathon, &broken, options, &quiet)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("rolled back"), "{error}");
    let info = local.marathon.app(&id).await.unwrap().unwrap();
    assert_eq!(info.app.cmd.as_deref(), Some("echo second; exec sleep 601"));
    local.down(true).await;
    local.shut_down().await;
}

#[tokio::test]
async fn replaces_deployment_of_interrupted_run() {
    let local = Local::start().await;
    let first = local.rendered(&[failing("a", SLEEP), app("b", SLEEP, &["a"])]);
    let has_begun = Notify::new();
    let say = |line: &str| {
        if line.contains("0/1") {
            has_begun.notify_one();
        }
    };
    tokio::select! {
        _ = up(&local.marathon, &first, OPTIONS, &say) => panic!("the run was not interrupted"),
        () = has_begun.notified() => {}
    }
    let running = local.marathon.deployments().await.unwrap();
    let [interrupted] = running.as_slice() else {
        panic!("the deployment continues in Marathon: {running:?}");
    };
    let second = local.rendered(&[app("a", SLEEP, &[]), app("b", SLEEP, &["a"])]);
    let impatient = UpOptions {
        limits: FollowLimits {
            timeout: Duration::from_millis(100),
            ..OPTIONS.limits
        },
        ..OPTIONS
    };
    let error = up(&local.marathon, &second, impatient, &quiet).await;
    let text = error.unwrap_err().to_string();
    assert!(
        text.starts_with("a running deployment holds a, b after 0."),
        "{text}"
    );
    assert!(
        text.contains(&interrupted.id) && text.contains("--force overrides it"),
        "{text}"
    );
    let forced = UpOptions {
        force: true,
        ..OPTIONS
    };
    let report = up(&local.marathon, &second, forced, &quiet).await.unwrap();
    assert!(report.apps.iter().all(|app| app.stage == Stage::Ready));
    local.down(true).await;
    local.shut_down().await;
}
