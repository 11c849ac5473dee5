//! Stops.

use std::time::Duration;

use moodvane_fleet::FleetError;
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::progress::Stage;

use crate::{bring_up, group, quiet, rendered, requests, running};

const DOWN: DownOptions = DownOptions {
    timeout: Duration::from_secs(60),
    remove: false,
};

#[tokio::test]
async fn stops_in_reverse_order_and_peers_together() {
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
async fn removes_definitions_only_with_remove_option() {
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
    assert!(nothing.waves.is_empty(), "nothing to stop");
}

#[tokio::test]
async fn reports_unstoppable_tasks() {
    let fake = running().await;
    fake.world().unstoppable.insert("server".to_owned());
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
    let text = error.to_string();
    assert!(
        text.starts_with("server not stopped after 2 s (--timeout): moodvane_server.instance-"),
        "{text}"
    );
    assert!(text.contains("check its agent"), "{text}");
}
