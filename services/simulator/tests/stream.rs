//! Jetstream's protocol over a real socket.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use moodvane_simulator::SimulatorConfig;
use serde_json::Value;
use support::{config, hours_after_start, run, time_us};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

fn micros(hours: i64) -> i64 {
    hours_after_start(hours).millis() * 1_000
}

#[tokio::test]
async fn cursor_at_start_delivers_all_events_in_order() {
    let running = run(config(), hours_after_start(4)).await;
    let messages = running.replay().await.take(1_200).await;
    let times: Vec<i64> = messages.iter().map(|m| time_us(m)).collect();
    assert!(times.is_sorted_by(|a, b| a < b));
    assert!(times.iter().all(|t| (micros(0)..micros(4)).contains(t)));
    assert_eq!(running.simulator.stats().messages, 1_200);
}

#[tokio::test]
async fn messages_depend_on_seed() {
    let other = SimulatorConfig {
        seed: 2,
        ..config()
    };
    let mut sent = Vec::new();
    for config in [config(), config(), other] {
        let running = run(config, hours_after_start(2)).await;
        sent.push(running.replay().await.take(600).await);
    }
    assert_eq!(sent[0], sent[1]);
    assert_ne!(sent[0], sent[2]);
}

#[tokio::test]
async fn resume_delivers_exactly_remaining_events() {
    let running = run(config(), hours_after_start(4)).await;
    let all = running.replay().await.take(1_200).await;
    for seen in [1, 17, 600, 1_199] {
        let cursor = time_us(&all[seen - 1]);
        let mut client = running.subscribe(&format!("cursor={cursor}")).await;
        // The cursor itself is sent again, as the real stream does.
        let rest = client.take(1_200 - seen + 1).await;
        assert_eq!(rest, all[seen - 1..], "after {seen}");
    }
}

#[tokio::test]
async fn duplicates_and_disorder_keep_set_of_events() {
    let plain = run(config(), hours_after_start(3)).await;
    let expected: BTreeSet<String> = plain.replay().await.take(600).await.into_iter().collect();
    let faulty = SimulatorConfig {
        duplicate_share: 0.3,
        disorder: Duration::from_secs(60),
        ..config()
    };
    let running = run(faulty, hours_after_start(3)).await;
    let mut client = running.replay().await;
    let (mut seen, mut copies, mut overtaken, mut latest) = (BTreeMap::new(), 0, 0, 0);
    // By the third hour all events of the first two have been sent, including copies.
    while latest < micros(2) + 120_000_000 {
        let message = client.next().await.unwrap();
        let time = time_us(&message);
        overtaken += usize::from(time < latest);
        latest = latest.max(time);
        if time < micros(2) {
            let sent = seen.entry(message).or_insert(0);
            copies += usize::from(*sent > 0);
            *sent += 1;
        }
    }
    assert_eq!(seen.into_keys().collect::<BTreeSet<_>>(), expected);
    assert!((100..260).contains(&copies), "{copies}");
    assert!(overtaken > 100, "{overtaken}");
}

#[tokio::test]
async fn sends_only_live_events_without_past_cursor() {
    for query in [String::new(), format!("cursor={}", micros(100))] {
        let running = run(config(), hours_after_start(2)).await;
        let mut client = running.subscribe(&query).await;
        running.clock.set(hours_after_start(3));
        let times: Vec<i64> = client.take(300).await.iter().map(|m| time_us(m)).collect();
        assert!(times.iter().all(|t| (micros(2)..=micros(3)).contains(t)));
    }
}

#[tokio::test]
async fn sends_no_event_before_its_time() {
    let running = run(config(), hours_after_start(1)).await;
    let mut client = running.replay().await;
    for hour in 1..5 {
        running.clock.set(hours_after_start(hour));
        let times: Vec<i64> = client.take(300).await.iter().map(|m| time_us(m)).collect();
        assert!(
            times
                .iter()
                .all(|t| (micros(hour - 1)..micros(hour)).contains(t))
        );
        assert_eq!(running.simulator.stats().messages, 300 * hour as u64);
    }
}

#[tokio::test]
async fn cursor_before_start_delivers_from_start() {
    let running = run(config(), hours_after_start(1)).await;
    let mut client = running.subscribe("cursor=0").await;
    assert_eq!(
        client.take(300).await,
        running.replay().await.take(300).await
    );
}

#[tokio::test]
async fn filters_collections_but_not_account_events() {
    let running = run(config(), hours_after_start(8)).await;
    let all = running.replay().await.take(2_400).await;
    let kinds = |messages: &[String]| {
        let mut kinds: BTreeMap<(String, String), usize> = BTreeMap::new();
        for message in messages {
            let json: Value = serde_json::from_str(message).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let kind = (text(&json["kind"]), text(&json["commit"]["collection"]));
            *kinds.entry(kind).or_default() += 1;
        }
        kinds
    };
    let mut expected = kinds(&all);
    let likes = ("commit".to_owned(), "app.bsky.feed.like".to_owned());
    let likes = expected.remove(&likes).unwrap();
    assert!(likes > 0);
    assert_eq!(expected.len(), 3, "{expected:?}");
    let query = format!("wantedCollections=app.bsky.feed.post&cursor={}", micros(0));
    let wanted = running.subscribe(&query).await.take(2_400 - likes).await;
    assert_eq!(kinds(&wanted), expected);
}

#[tokio::test]
async fn slow_client_stops_delivery() {
    let busy = SimulatorConfig {
        posts_per_hour: 3_600_000,
        ..config()
    };
    let running = run(busy, hours_after_start(24 * 365)).await;
    let mut client = running.replay().await;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 5 {
        tick.tick().await;
        let sent = running.simulator.stats().messages;
        unchanged = if sent == before && sent > 0 {
            unchanged + 1
        } else {
            0
        };
        before = sent;
    }
    // Far fewer than the events of a year, and no event is lost.
    assert!(before < 1_000_000, "{before}");
    let times: Vec<i64> = client
        .take(5_000)
        .await
        .iter()
        .map(|m| time_us(m))
        .collect();
    assert!(times.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] < 2_000));
}

#[tokio::test]
async fn rejects_invalid_requests_with_400() {
    let running = run(config(), hours_after_start(1)).await;
    let url = running.simulator.stream_url().join("subscribe").unwrap();
    for query in ["cursor=now", "wantedCollections=posts", "wantedDids=x"] {
        match connect_async(format!("{url}?{query}")).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 400, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn shutdown_ends_streams_and_server() {
    let running = run(config(), hours_after_start(1)).await;
    let mut client = running.replay().await;
    client.take(10).await;
    running.shutdown.cancel();
    while client.next().await.is_some() {}
    support::within(running.simulator.stopped()).await;
}

#[tokio::test]
async fn start_fails_with_reason() {
    let running = run(config(), hours_after_start(1)).await;
    let taken = running.simulator.address();
    let idle = SimulatorConfig {
        posts_per_hour: 0,
        ..config()
    };
    for (config, part) in [
        (config(), taken.to_string()),
        (idle, "posts_per_hour 0".into()),
    ] {
        let started = moodvane_simulator::start(
            config,
            Box::new(support::KeywordScorer),
            taken,
            running.clock.clone(),
            running.shutdown.clone(),
        );
        let error = started.await.err().unwrap().to_string();
        assert!(error.contains(&part), "{part} in {error}");
    }
}
