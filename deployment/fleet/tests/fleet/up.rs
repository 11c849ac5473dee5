//! Deployments.

use std::sync::Mutex;
use std::time::Duration;

use moodvane_fleet::FleetError;
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::follow::FollowLimits;
use moodvane_fleet::progress::Stage;
use moodvane_fleet::up::{UpOptions, change_app, up};
use moodvane_marathon_api::PathId;

use crate::fake::Fake;
use crate::{OPTIONS, bring_up, group, quiet, rendered, rendered_with, requests, running};

#[tokio::test]
async fn starts_apps_in_dependency_order() {
    let fake = Fake::start().await;
    fake.world().has_events = true;
    let lines = Mutex::new(Vec::new());
    let say = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let report = up(&fake.client(), &rendered(), OPTIONS, &say)
        .await
        .unwrap();
    assert_eq!(report.apps.len(), 11);
    assert!(
        report
            .apps
            .iter()
            .all(|app| app.stage == Stage::Ready && app.has_changed())
    );
    assert_eq!(requests(&fake), ["PUT /v2/groups//moodvane"]);
    let lines = lines.into_inner().unwrap();
    let place = |app: &str, what: &str| {
        let is_it = |line: &String| line.contains(&format!("{app} ")) && line.contains(what);
        lines
            .iter()
            .position(is_it)
            .unwrap_or_else(|| panic!("{app} {what}: {lines:#?}"))
    };
    for (first, then) in [
        ("cassandra-1", "cassandra-2"),
        ("cassandra-2", "cassandra-3"),
        ("cassandra-3", "processor-tweets"),
        ("kafka-2", "processor-tweets"),
        ("cassandra-3", "server"),
        ("processor-tweets", "ingester-tweets"),
    ] {
        assert!(
            place(first, "healthy") < place(then, "0/"),
            "{first} before {then}: {lines:#?}"
        );
    }
}

#[tokio::test]
async fn second_run_changes_nothing() {
    let fake = running().await;
    let report = bring_up(&fake, &rendered()).await.unwrap();
    assert!(
        report
            .apps
            .iter()
            .all(|app| app.stage == Stage::Ready && !app.has_changed())
    );
    assert_eq!(report.to_string().matches("unchanged").count(), 11);
    assert_eq!(requests(&fake), [] as [&str; 0], "nothing is sent");
}

#[tokio::test]
async fn changes_nothing_where_flags_are_hidden() {
    let fake = running().await;
    fake.world().hides_info = true;
    let lines = Mutex::new(Vec::new());
    let say = |line: &str| lines.lock().unwrap().push(line.to_owned());
    up(&fake.client(), &rendered(), OPTIONS, &say)
        .await
        .unwrap();
    assert_eq!(requests(&fake), [] as [&str; 0]);
    let lines = lines.into_inner().unwrap();
    let warning = "warning: Marathon's flags are not checked: GET /v2/info: Marathon responds 403";
    assert!(lines[0].starts_with(warning), "{lines:?}");
}

#[tokio::test]
async fn polls_without_event_stream() {
    let fake = Fake::start().await;
    let small = rendered_with(|site| site.kafka.nodes.truncate(1));
    let report = bring_up(&fake, &small).await.unwrap();
    assert!(report.apps.iter().all(|app| app.stage == Stage::Ready));
}

#[tokio::test]
async fn waits_for_running_deployments() {
    let fake = running().await;
    fake.world().lock("/moodvane/server", 5);
    let two = rendered_with(|site| {
        site.replicas.insert("server".to_owned(), 1);
    });
    let report = bring_up(&fake, &two).await.unwrap();
    let server = report
        .apps
        .iter()
        .find(|app| app.id.last() == "server")
        .unwrap();
    assert_eq!((server.instances, server.stage), (1, Stage::Ready));
    let asked = requests(&fake);
    assert_eq!(
        asked, ["PUT /v2/groups//moodvane"; 2],
        "once locked, once unlocked"
    );
}

#[tokio::test]
async fn force_overrides_running_deployments() {
    let fake = running().await;
    fake.world().lock("/moodvane/server", usize::MAX);
    let other = rendered_with(|site| site.images.tag = "0.1.1".to_owned());
    let options = UpOptions {
        force: true,
        ..OPTIONS
    };
    up(&fake.client(), &other, options, &quiet).await.unwrap();
    assert_eq!(requests(&fake), ["PUT /v2/groups//moodvane"]);
}

/// Options that give up at once.
fn impatient(force: bool) -> UpOptions {
    UpOptions {
        limits: FollowLimits {
            timeout: Duration::from_millis(50),
            max_failures: 3,
        },
        force,
        rollback: false,
    }
}

#[tokio::test]
async fn timeout_names_apps_deployment_and_advice() {
    let fake = running().await;
    fake.world().lock("/moodvane/server", usize::MAX);
    let other = rendered_with(|site| site.images.tag = "0.1.1".to_owned());
    let text = up(&fake.client(), &other, impatient(false), &quiet)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("a running deployment holds server after "),
        "{text}"
    );
    assert!(text.contains(" s (--timeout)"), "{text}");
    let held = "(step 1 of 1: ScaleApplication server) holds server: the same command waits for it again, --force overrides it";
    assert!(text.contains(held), "{text}");
}

#[tokio::test]
async fn names_missing_flags_where_marathon_processes_no_offer() {
    let fake = Fake::start().await;
    fake.world().has_events = true;
    fake.world().role = Some("*".to_owned());
    bring_up(&fake, &rendered()).await.unwrap();
    {
        let mut world = fake.world();
        world.unchecked.insert("kafka-1".to_owned());
        let apps = world.apps();
        let app = apps
            .iter()
            .find(|app| app["id"] == "/moodvane/kafka-1")
            .unwrap();
        let queued = serde_json::json!({
            "count": 1, "role": "*", "delay": { "timeLeftSeconds": 0, "overdue": true },
            "since": "2026-11-21T03:29:36.924Z", "app": app,
            "processedOffersSummary": { "processedOffersCount": 0, "unusedOffersCount": 0 },
        });
        world.queue = vec![queued];
    }
    let lines = Mutex::new(Vec::new());
    let say = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let other = rendered_with(|site| site.kafka.nodes[0].controller_port = 9095);
    let text = up(&fake.client(), &other, impatient(false), &say)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("no agent offered its resources (0 offers processed)"),
        "{text}"
    );
    assert!(
        text.contains("without --mesos_authentication_principal or --mesos_role"),
        "{text}"
    );
    let lines = lines.into_inner().unwrap();
    let warning = "warning: Marathon runs without --mesos_role, and volumes cannot be reserved for the role *";
    assert!(lines[0].starts_with(warning), "{lines:?}");
}

#[tokio::test]
async fn reports_failed_app_with_last_failure() {
    let fake = Fake::start().await;
    {
        let mut world = fake.world();
        world.has_events = true;
        world.failing.insert("processor-tweets".to_owned());
    }
    let Err(FleetError::NotReady(failure)) = bring_up(&fake, &rendered()).await else {
        panic!("the apps became ready");
    };
    let text = failure.to_string();
    assert!(
        text.contains("/moodvane/processor-tweets failed 3 times, giving up"),
        "{text}"
    );
    assert!(
        text.contains("last failure: TASK_FAILED of moodvane_processor-tweets.instance-"),
        "{text}"
    );
    assert!(text.contains("Container exited with status 78"), "{text}");
    assert!(
        text.contains("no log: agent http://127.0.0.1:9 does not respond"),
        "{text}"
    );
    assert!(text.contains("--rollback"), "{text}");
    let of: Vec<&str> = failure.apps.iter().map(|app| app.app.last()).collect();
    assert!(of.contains(&"processor-tweets"), "{of:?}");
    assert!(
        !of.contains(&"ingester-tweets"),
        "an app that waits for its dependencies has not failed: {of:?}"
    );
}

#[tokio::test]
async fn rolls_back_failed_change_with_rollback_option() {
    let fake = running().await;
    fake.world().failing.insert("server".to_owned());
    let other = rendered_with(|site| site.images.tag = "0.1.1".to_owned());
    let options = UpOptions {
        rollback: true,
        ..OPTIONS
    };
    let Err(FleetError::NotReady(failure)) = up(&fake.client(), &other, options, &quiet).await
    else {
        panic!("the apps became ready");
    };
    assert!(failure.reason.contains("rolled back"), "{}", failure.reason);
    let asked = requests(&fake);
    assert!(
        asked
            .last()
            .unwrap()
            .starts_with("DELETE /v2/deployments/deployment-"),
        "{asked:?}"
    );
    let image = |app: &serde_json::Value| {
        app["container"]["docker"]["image"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let images: Vec<String> = fake.world().apps().iter().map(image).collect();
    assert!(
        images.iter().all(|image| !image.ends_with("0.1.1")),
        "{images:?}"
    );
}

#[tokio::test]
async fn replaces_peers_one_at_a_time() {
    let fake = running().await;
    fake.world().max_peers_down = 0;
    let other = rendered_with(|site| {
        site.images.kafka = "apache/kafka:3.9.2".to_owned();
        site.images.tag = "0.1.1".to_owned();
    });
    let report = bring_up(&fake, &other).await.unwrap();
    let nodes = [1, 2, 3].map(|node| format!("PUT /v2/apps//moodvane/kafka-{node}"));
    let mut wanted = nodes.to_vec();
    wanted.push("PUT /v2/groups//moodvane".to_owned());
    assert_eq!(requests(&fake), wanted);
    assert_eq!(fake.world().max_peers_down, 1, "at most one peer was down");
    let steps: Vec<&str> = report.steps.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(
        steps,
        [
            "replace kafka-1",
            "replace kafka-2",
            "replace kafka-3",
            "deploy the group"
        ]
    );
}

#[tokio::test]
async fn replaces_the_only_changed_peer_after_deployments_of_the_others() {
    let fake = running().await;
    fake.world().max_peers_down = 0;
    fake.world().lock("/moodvane/kafka-2", 5);
    let other = rendered_with(|site| site.kafka.nodes[0].controller_port = 9095);
    bring_up(&fake, &other).await.unwrap();
    assert_eq!(fake.world().max_peers_down, 1, "at most one peer was down");
}

#[tokio::test]
async fn starts_stopped_peers_together_with_their_change() {
    let fake = running().await;
    let stop = DownOptions {
        timeout: Duration::from_secs(60),
        remove: false,
    };
    down(&fake.client(), &group(), stop, &quiet).await.unwrap();
    fake.world().requests.clear();
    let other = rendered_with(|site| site.images.kafka = "apache/kafka:3.9.2".to_owned());
    bring_up(&fake, &other).await.unwrap();
    assert_eq!(
        requests(&fake),
        ["PUT /v2/groups//moodvane"],
        "one stopped peer alone would have no majority"
    );
}

#[tokio::test]
async fn reports_changes_of_another_client() {
    let fake = running().await;
    let other = rendered_with(|site| site.images.tag = "0.1.1".to_owned());
    let marathon = fake.client();
    let has_changed = Mutex::new(false);
    let say = |line: &str| {
        let mut has_changed = has_changed.lock().unwrap();
        if !*has_changed && line.contains("server") && line.contains("ready") {
            *has_changed = true;
            let mut app = rendered().parse().unwrap().apps.unwrap().pop().unwrap();
            app.mem = 7.0;
            fake.world().set_foreign(app);
        }
    };
    let error = up(&marathon, &other, OPTIONS, &say).await.unwrap_err();
    assert!(
        error.to_string().contains(
            "another client changed the group meanwhile: /moodvane/server has a different"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn scales_and_restarts_one_app() {
    let fake = running().await;
    let (marathon, server) = (fake.client(), "/moodvane/server".parse::<PathId>().unwrap());
    let ids = [server.clone()];
    let ask = async |force| marathon.scale(&ids, 3, force).await;
    let report = change_app(&marathon, (&group(), &server), OPTIONS, &quiet, ask)
        .await
        .unwrap();
    assert_eq!(
        (
            report.apps.len(),
            report.apps[0].instances,
            report.apps[0].stage
        ),
        (1, 3, Stage::Ready)
    );
    let ask = async |force| marathon.restart(&server, force).await;
    let report = change_app(&marathon, (&group(), &server), OPTIONS, &quiet, ask)
        .await
        .unwrap();
    assert!(report.apps[0].has_changed());
    assert_eq!(
        requests(&fake),
        ["PUT /v2/apps", "POST /v2/apps//moodvane/server/restart"]
    );
}
