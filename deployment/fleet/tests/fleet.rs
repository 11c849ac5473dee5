//! Up, down and all between, against a small Marathon.

#![allow(clippy::unwrap_used)]

mod fake;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use moodvane_fleet::FleetError;
use moodvane_fleet::config::FleetConfig;
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::follow::{FollowLimits, Stage};
use moodvane_fleet::render::{RenderedGroup, render};
use moodvane_fleet::status::status;
use moodvane_fleet::up::{UpOptions, UpReport, change, up};
use moodvane_marathon_api::PathId;

use crate::fake::Fake;

const OPTIONS: UpOptions = UpOptions {
    limits: FollowLimits {
        timeout: Duration::from_secs(60),
        max_failures: 3,
    },
    force: false,
    rollback: false,
};
const DOWN: DownOptions = DownOptions {
    timeout: Duration::from_secs(60),
    remove: false,
};

fn quiet(_: &str) {}

fn group() -> PathId {
    "/moodvane".parse().unwrap()
}

fn rendered_with(change: impl FnOnce(&mut FleetConfig)) -> RenderedGroup {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../marathon");
    let mut site = FleetConfig::load(&folder, None, &[]).unwrap();
    change(&mut site);
    render(&folder, &site).unwrap()
}

fn rendered() -> RenderedGroup {
    rendered_with(|_| {})
}

async fn bring_up(fake: &Fake, rendered: &RenderedGroup) -> Result<UpReport, FleetError> {
    up(&fake.client(), rendered, OPTIONS, &quiet).await
}

async fn running() -> Fake {
    let fake = Fake::start().await;
    fake.world().streams = true;
    bring_up(&fake, &rendered()).await.unwrap();
    fake.world().requests.clear();
    fake
}

fn requests(fake: &Fake) -> Vec<String> {
    fake.world().requests.clone()
}

#[tokio::test]
async fn from_nothing_everything_comes_up_in_the_order_of_its_dependencies() {
    let fake = Fake::start().await;
    fake.world().streams = true;
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
            .all(|app| app.stage == Stage::Ready && app.moved())
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
async fn doing_it_again_changes_nothing() {
    let fake = running().await;
    let report = bring_up(&fake, &rendered()).await.unwrap();
    assert!(
        report
            .apps
            .iter()
            .all(|app| app.stage == Stage::Ready && !app.moved())
    );
    assert_eq!(report.to_string().matches("as it was").count(), 11);
}

#[tokio::test]
async fn without_a_stream_of_events_it_is_asked_for() {
    let fake = Fake::start().await;
    let small = rendered_with(|site| site.kafka.nodes.truncate(1));
    let report = bring_up(&fake, &small).await.unwrap();
    assert!(report.apps.iter().all(|app| app.stage == Stage::Ready));
}

#[tokio::test]
async fn what_is_under_way_is_waited_for_and_continued() {
    let fake = running().await;
    fake.world().hold("/moodvane/server", 5);
    let two = rendered_with(|site| {
        site.replicas.insert("server".to_owned(), 1);
    });
    let report = bring_up(&fake, &two).await.unwrap();
    let server = report
        .apps
        .iter()
        .find(|app| app.id.last() == "server")
        .unwrap();
    assert_eq!((server.wanted, server.stage), (1, Stage::Ready));
    let asked = requests(&fake);
    assert_eq!(
        asked, ["PUT /v2/groups//moodvane"; 2],
        "once in vain, once when it was free"
    );
}

#[tokio::test]
async fn with_force_it_is_not_waited_for() {
    let fake = running().await;
    fake.world().hold("/moodvane/server", usize::MAX);
    let other = rendered_with(|site| site.images.tag = "0.1.1".to_owned());
    let options = UpOptions {
        force: true,
        ..OPTIONS
    };
    up(&fake.client(), &other, options, &quiet).await.unwrap();
    assert_eq!(requests(&fake), ["PUT /v2/groups//moodvane"]);
}

#[tokio::test]
async fn an_app_that_fails_is_told_with_its_task_and_its_last_failure() {
    let fake = Fake::start().await;
    {
        let mut world = fake.world();
        world.streams = true;
        world.failing.insert("processor-tweets".to_owned());
    }
    let Err(FleetError::NotReady(trouble)) = bring_up(&fake, &rendered()).await else {
        panic!("it came up");
    };
    let told = trouble.to_string();
    assert!(
        told.contains("/moodvane/processor-tweets failed 3 times, giving up"),
        "{told}"
    );
    assert!(
        told.contains("last failure: TASK_FAILED of moodvane_processor-tweets.instance-"),
        "{told}"
    );
    assert!(told.contains("Container exited with status 78"), "{told}");
    assert!(
        told.contains("no log: the agent at http://127.0.0.1:9 does not answer"),
        "{told}"
    );
    assert!(told.contains("--rollback"), "{told}");
    let of: Vec<&str> = trouble.apps.iter().map(|app| app.app.last()).collect();
    assert!(of.contains(&"processor-tweets"), "{of:?}");
    assert!(
        !of.contains(&"ingester-tweets"),
        "who only waits for others has no trouble: {of:?}"
    );
}

#[tokio::test]
async fn a_change_that_fails_is_taken_back_where_that_is_asked_for() {
    let fake = running().await;
    fake.world().failing.insert("server".to_owned());
    let other = rendered_with(|site| site.images.tag = "0.1.1".to_owned());
    let options = UpOptions {
        rollback: true,
        ..OPTIONS
    };
    let Err(FleetError::NotReady(trouble)) = up(&fake.client(), &other, options, &quiet).await
    else {
        panic!("it came up");
    };
    assert!(trouble.why.contains("it was taken back"), "{}", trouble.why);
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
async fn peers_are_replaced_one_at_a_time_and_others_together() {
    let fake = running().await;
    fake.world().most_peers_away = 0;
    let other = rendered_with(|site| {
        site.images.kafka = "apache/kafka:3.9.2".to_owned();
        site.images.tag = "0.1.1".to_owned();
    });
    let report = bring_up(&fake, &other).await.unwrap();
    let nodes = [1, 2, 3].map(|node| format!("PUT /v2/apps//moodvane/kafka-{node}"));
    let mut wanted = nodes.to_vec();
    wanted.push("PUT /v2/groups//moodvane".to_owned());
    assert_eq!(requests(&fake), wanted);
    assert_eq!(fake.world().most_peers_away, 1, "no two were away");
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
async fn one_app_is_scaled_and_restarted() {
    let fake = running().await;
    let (marathon, server) = (fake.client(), "/moodvane/server".parse::<PathId>().unwrap());
    let ids = [server.clone()];
    let ask = async |force| marathon.scale(&ids, 3, force).await;
    let report = change(&marathon, (&group(), &server), OPTIONS, &quiet, ask)
        .await
        .unwrap();
    assert_eq!(
        (
            report.apps.len(),
            report.apps[0].wanted,
            report.apps[0].stage
        ),
        (1, 3, Stage::Ready)
    );
    let ask = async |force| marathon.restart(&server, force).await;
    let report = change(&marathon, (&group(), &server), OPTIONS, &quiet, ask)
        .await
        .unwrap();
    assert!(report.apps[0].moved());
    assert_eq!(
        requests(&fake),
        ["PUT /v2/apps", "POST /v2/apps//moodvane/server/restart"]
    );
}

#[tokio::test]
async fn down_stops_in_the_reverse_order_and_peers_together() {
    let fake = running().await;
    let stopped = down(&fake.client(), &group(), DOWN, &quiet).await.unwrap();
    let waves: Vec<Vec<&str>> = stopped
        .waves
        .iter()
        .map(|wave| wave.apps.iter().map(String::as_str).collect())
        .collect();
    assert_eq!(
        waves,
        [
            vec!["ingester-temperature", "ingester-tweets"],
            vec!["processor-temperature", "processor-tweets", "server"],
            vec![
                "cassandra-1",
                "cassandra-2",
                "cassandra-3",
                "kafka-1",
                "kafka-2",
                "kafka-3"
            ],
        ]
    );
    assert_eq!(
        stopped.waves.iter().map(|wave| wave.tasks).sum::<usize>(),
        16
    );
    assert_eq!(fake.world().tasks(), Vec::<serde_json::Value>::new());
    assert_eq!(
        requests(&fake),
        ["PUT /v2/apps"; 11],
        "definitions and volumes stay"
    );
    let again = bring_up(&fake, &rendered()).await.unwrap();
    assert!(again.apps.iter().all(|app| app.stage == Stage::Ready));
}

#[tokio::test]
async fn down_removes_only_where_that_is_asked_for() {
    let fake = running().await;
    let stopped = down(
        &fake.client(),
        &group(),
        DownOptions {
            remove: true,
            ..DOWN
        },
        &quiet,
    )
    .await
    .unwrap();
    assert!(stopped.removed);
    assert_eq!(
        requests(&fake).last().unwrap(),
        "DELETE /v2/groups//moodvane"
    );
    assert_eq!(fake.world().apps(), Vec::<serde_json::Value>::new());
    let nothing = down(
        &fake.client(),
        &group(),
        DownOptions {
            remove: true,
            ..DOWN
        },
        &quiet,
    )
    .await
    .unwrap();
    assert!(
        nothing.waves.is_empty(),
        "and where nothing is, nothing is done"
    );
}

#[tokio::test]
async fn a_task_that_does_not_end_is_told() {
    let fake = running().await;
    fake.world().stubborn.insert("server".to_owned());
    let options = DownOptions {
        timeout: Duration::from_secs(2),
        remove: false,
    };
    let error = down(&fake.client(), &group(), options, &quiet)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, FleetError::StillRunning { tasks, .. } if tasks.len() == 2),
        "{error}"
    );
    assert!(
        error.to_string().contains("moodvane_server.instance-"),
        "{error}"
    );
}

#[tokio::test]
async fn a_marathon_that_fails_for_a_moment_is_asked_again() {
    let fake = Fake::start().await;
    fake.world().streams = true;
    let lines = Mutex::new(Vec::new());
    let say = |line: &str| {
        let mut lines = lines.lock().unwrap();
        if lines.is_empty() {
            fake.world().broken = vec![500, 502];
        }
        lines.push(line.to_owned());
    };
    up(&fake.client(), &rendered(), OPTIONS, &say)
        .await
        .unwrap();
    let again = lines.into_inner().unwrap();
    let again = again.iter().filter(|line| line.contains("asking again"));
    assert_eq!(again.count(), 2, "it failed twice");
}

#[tokio::test]
async fn the_status_is_a_table() {
    let fake = running().await;
    fake.world().hold("/moodvane/server", 2);
    let marathon = fake.client();
    let (apps, deployments) = (
        marathon.apps(&group()).await.unwrap(),
        marathon.deployments().await.unwrap(),
    );
    let shown = status(&apps, &deployments);
    // Ports and ids are numbered in the order in which tasks happened to be made.
    let without = |text: String, before: &str| {
        let mut pieces = text.split(before);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |made, piece| {
            format!(
                "{made}{before}N{}",
                piece.trim_start_matches(|c: char| c.is_ascii_digit())
            )
        })
    };
    insta::assert_snapshot!(without(without(shown, "node-1:"), "held-"));
}
