//! The conformance tests on a real Cassandra, and tests of its own failure modes: concurrent creation
//! of the tables, delayed stale writes, paging, and nodes that do not answer.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[macro_use]
mod conformance;
mod nodes;

use std::time::{Duration, Instant};

use conformance::{StoreFixture, city, hour, key, posts, row};
use futures::future::join_all;
use moodvane_model::{HourRange, Offset, Partition, RunId};
use moodvane_store::{CassandraStore, Store, StoreError};
use nodes::{Proxy, TestKeyspace, test_keyspace};
use scylla::client::session::Session;
use scylla::value::{CqlValue, Row};

conformance_tests!(test_keyspace);

#[tokio::test]
async fn concurrent_services_create_one_set_of_tables() {
    let fixture = test_keyspace().await;
    let stores = join_all((0..6).map(|_| fixture.open())).await;
    let names: Vec<RunId> = (0..6).map(|i| RunId::new(format!("r{i}"))).collect();
    let registered = stores
        .iter()
        .zip(&names)
        .map(|(s, run)| s.register_run(run));
    for done in join_all(registered).await {
        done.unwrap();
    }
    let runs = stores[0].runs().await.unwrap();
    let mut known: Vec<_> = runs.iter().map(|run| run.id.clone()).collect();
    known.sort();
    assert_eq!(known, names);
    let serving: Vec<_> = runs.iter().map(|run| run.serves_from.is_some()).collect();
    assert_eq!(serving, [true, false, false, false, false, false]);
    for (i, store) in stores.iter().enumerate() {
        let slot = format!("2018-01-01 0{i}");
        let row = row(key(runs[0].id.as_str(), &slot, 0, "s"), posts(1), 1);
        store.put_partials(vec![row]).await.unwrap();
    }
    let range = conformance::day();
    for store in &stores {
        assert_eq!(store.hours(city(), range).await.unwrap().len(), 6);
    }
}

#[tokio::test]
async fn next_service_completes_partial_tables() {
    let fixture = test_keyspace().await;
    fixture.open().await;
    let session = fixture.session().await;
    for undo in [
        "DELETE FROM store_schema WHERE scope = 'store'",
        "DROP TABLE gap",
    ] {
        session.query_unpaged(undo, ()).await.unwrap();
    }
    fixture.open().await;
    for made in [
        "SELECT version FROM store_schema WHERE scope = 'store' AND version = 1",
        "SELECT count(*) FROM gap",
    ] {
        let found = session.query_unpaged(made, ()).await.unwrap();
        assert_eq!(found.into_rows_result().unwrap().rows_num(), 1, "{made}");
    }
}

#[tokio::test]
async fn waits_for_listed_but_unreadable_table() {
    let fixture = test_keyspace().await;
    fixture.open().await;
    let session = fixture.session().await;
    let proxy = Proxy::start().await;
    proxy.hold_at("SELECT max(version)");
    let config = fixture.config_through(&proxy);
    let opening = tokio::spawn(async move { CassandraStore::connect(&config).await });
    proxy.wait_until_holding().await;
    // The table was just listed. A node that lists it before it can read it returns the same error.
    let drop = "DROP TABLE store_schema";
    session.query_unpaged(drop, ()).await.unwrap();
    proxy.release();
    let store = opening.await.unwrap().unwrap();
    store.register_run(&RunId::new("r")).await.unwrap();
}

#[tokio::test]
async fn rejects_tables_of_later_version() {
    let fixture = test_keyspace().await;
    fixture.open().await;
    let later = "INSERT INTO store_schema (scope, version) VALUES ('store', 99)";
    fixture
        .session()
        .await
        .query_unpaged(later, ())
        .await
        .unwrap();
    let rejected = CassandraStore::connect(&fixture.config()).await.err();
    assert!(matches!(
        rejected,
        Some(StoreError::Schema {
            found: 99,
            supported: 3
        })
    ));
}

/// Every cell that is not part of the key: its name, value and write timestamp.
async fn cells(session: &Session, table: &str, key: &[&str]) -> Vec<(String, CqlValue, i64)> {
    let all = format!("SELECT * FROM {table}");
    let found = session.query_unpaged(all, ()).await.unwrap();
    let found = found.into_rows_result().unwrap();
    let names: Vec<String> = found
        .column_specs()
        .iter()
        .map(|spec| spec.name().to_owned())
        .filter(|name| !key.contains(&name.as_str()))
        .collect();
    let mut cells = Vec::new();
    for name in names {
        let one = format!("SELECT {name}, WRITETIME({name}) FROM {table}");
        let found = session.query_unpaged(one, ()).await.unwrap();
        let found = found.into_rows_result().unwrap();
        let (value, written) = found.single_row::<(CqlValue, i64)>().unwrap();
        cells.push((name, value, written));
    }
    cells
}

#[tokio::test]
async fn stale_row_overwrites_no_cell() {
    let fixture = test_keyspace().await;
    let store = fixture.open().await;
    store.register_run(&RunId::new("r")).await.unwrap();
    let key = key("r", "2018-01-01 02", 0, "s");
    // The stale row has the greater values: a tie of timestamps would keep them.
    let fresh_row = row(key.clone(), posts(2), 9);
    let stale_row = row(key.clone(), posts(50), 5);
    let other = fixture.open().await;
    store.put_partials(vec![fresh_row.clone()]).await.unwrap();
    let session = fixture.session().await;
    let key_columns = [
        "run",
        "city",
        "month",
        "hour",
        "topic",
        "incarnation",
        "partition",
        "source",
    ];
    let before = cells(&session, "partial_hour", &key_columns).await;
    assert_eq!(before.len(), 34);
    assert!(
        before.iter().all(|(_, _, written)| *written == 10),
        "{before:?}"
    );
    other.put_partials(vec![stale_row]).await.unwrap();
    assert_eq!(cells(&session, "partial_hour", &key_columns).await, before);
    assert_eq!(store.partials(vec![key]).await.unwrap(), [fresh_row]);
}

/// Delays the stale write 5 until 9 is written; returns the final row.
async fn row_after_delayed_write(
    fixture: &TestKeyspace,
    key: &'static str,
    by_offset: bool,
) -> (i64, i64) {
    let proxy = Proxy::start().await;
    let stale = fixture.session_at(&[proxy.address()]).await;
    let successor = fixture.session().await;
    proxy.hold();
    let late = tokio::spawn(async move { write_version(&stale, key, 5, 50, by_offset).await });
    proxy.wait_until_holding().await;
    write_version(&successor, key, 9, 2, by_offset).await;
    assert!(!late.is_finished());
    proxy.release();
    late.await.unwrap();
    let select = "SELECT through_offset, positive FROM late WHERE key = ?";
    let found = successor.query_unpaged(select, (key,)).await.unwrap();
    found.into_rows_result().unwrap().single_row().unwrap()
}

async fn write_version(session: &Session, key: &str, through: i64, count: i64, by_offset: bool) {
    let insert = "INSERT INTO late (key, through_offset, positive) VALUES (?, ?, ?)";
    let done = match by_offset {
        true => {
            let insert = format!("{insert} USING TIMESTAMP ?");
            let values = (key, through, count, through + 1);
            session.query_unpaged(insert, values).await
        }
        false => session.query_unpaged(insert, (key, through, count)).await,
    };
    done.unwrap();
}

#[tokio::test]
async fn late_write_wins_with_clock_timestamps_only() {
    let fixture = test_keyspace().await;
    fixture.open().await;
    let table = "CREATE TABLE late (key text PRIMARY KEY, through_offset bigint, positive bigint)";
    fixture
        .session()
        .await
        .query_unpaged(table, ())
        .await
        .unwrap();
    assert_eq!(
        row_after_delayed_write(&fixture, "clock", false).await,
        (5, 50)
    );
    assert_eq!(
        row_after_delayed_write(&fixture, "offset", true).await,
        (9, 2)
    );
}

#[tokio::test]
async fn delayed_stale_write_changes_nothing() {
    let fixture = test_keyspace().await;
    let proxy = Proxy::start().await;
    let stale = CassandraStore::connect(&fixture.config_through(&proxy))
        .await
        .unwrap();
    let successor = fixture.open().await;
    stale.register_run(&RunId::new("r")).await.unwrap();
    let key = key("r", "2018-01-01 02", 0, "s");
    // A first write caches the stored name of the run, so that the proxy delays only the row.
    stale
        .put_partials(vec![row(key.clone(), posts(1), 1)])
        .await
        .unwrap();
    proxy.hold();
    let late = tokio::spawn({
        let row = row(key.clone(), posts(50), 5);
        async move { stale.put_partials(vec![row]).await }
    });
    proxy.wait_until_holding().await;
    let finished = row(key.clone(), posts(2), 9);
    successor
        .put_partials(vec![finished.clone()])
        .await
        .unwrap();
    assert!(!late.is_finished());
    proxy.release();
    late.await.unwrap().unwrap();
    assert_eq!(successor.partials(vec![key]).await.unwrap(), [finished]);
}

#[tokio::test]
async fn reads_year_of_hours_over_many_pages() {
    let fixture = test_keyspace().await;
    let store = fixture.open().await;
    store.register_run(&RunId::new("r")).await.unwrap();
    let year = HourRange::new(hour("2020-01-01 00"), hour("2020-12-31 23")).unwrap();
    let mut rows = Vec::new();
    for slot in year.iter() {
        // March has five rows an hour: 3,720 rows, more than a page.
        let partitions = if slot.to_string().starts_with("2020-03") {
            5
        } else {
            1
        };
        for partition in 0..partitions {
            let mut key = key("r", "2020-01-01 00", partition, "s");
            key.hour = slot;
            key.partition = Partition(partition);
            let count = u64::from(slot.index() % 3 + 1);
            rows.push(row(key, posts(count), u64::from(slot.index())));
        }
    }
    store.put_partials(rows).await.unwrap();
    let found = store.hours(city(), year).await.unwrap();
    assert_eq!(found.len(), 366 * 24);
    for (row, slot) in found.iter().zip(year.iter()) {
        let partitions = if slot.to_string().starts_with("2020-03") {
            5
        } else {
            1
        };
        let expected = u64::from(slot.index() % 3 + 1) * partitions;
        assert_eq!((row.hour, row.posts().scored()), (slot, expected));
    }
}

#[tokio::test]
async fn partial_rows_have_no_null_cells() {
    let fixture = test_keyspace().await;
    let store = fixture.open().await;
    store.register_run(&RunId::new("r")).await.unwrap();
    let row = row(key("r", "2018-01-01 02", 0, "s"), Default::default(), 0);
    store.put_partials(vec![row]).await.unwrap();
    let all = fixture.session().await;
    let found = all
        .query_unpaged("SELECT * FROM partial_hour", ())
        .await
        .unwrap();
    let row: Row = found.into_rows_result().unwrap().single_row().unwrap();
    assert!(row.columns.iter().all(Option::is_some), "{row:?}");
}

#[tokio::test]
async fn unreachable_node_is_unavailable_within_bound() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [&silent, &closed].map(|listener| listener.local_addr().unwrap().port());
    drop(closed);
    for port in ports {
        let mut config = TestKeyspace::named("unreached").config();
        config.contact_points = vec![format!("127.0.0.1:{port}").parse().unwrap()];
        config.connect_timeout = Duration::from_millis(500);
        let before = Instant::now();
        let error = CassandraStore::connect(&config).await.err();
        assert!(before.elapsed() < Duration::from_secs(5));
        let Some(error @ StoreError::Unavailable(_)) = error else {
            panic!("{error:?}");
        };
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }
}

#[tokio::test]
async fn silent_cluster_is_unavailable_within_request_timeout() {
    let fixture = test_keyspace().await;
    // Creating the tables takes longer than the time-out below.
    fixture.open().await;
    let proxy = Proxy::start().await;
    let mut config = fixture.config_through(&proxy);
    config.request_timeout = Duration::from_millis(500);
    let store = CassandraStore::connect(&config).await.unwrap();
    store.ping().await.unwrap();
    proxy.hold();
    let before = Instant::now();
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(before.elapsed() < Duration::from_secs(5));
    proxy.release();
    let mut config = fixture.config();
    config.datacenter = Some("nowhere".to_owned());
    let nowhere = CassandraStore::connect(&config).await.err();
    assert!(
        matches!(nowhere, Some(StoreError::Unavailable(_))),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn rejects_invalid_offset_before_writing() {
    let fixture = test_keyspace().await;
    let store = fixture.open().await;
    store.register_run(&RunId::new("r")).await.unwrap();
    let key = key("r", "2018-01-01 02", 0, "s");
    let mut row = row(key.clone(), posts(1), 1);
    row.through_offset = Offset(u64::MAX);
    assert!(store.put_partials(vec![row]).await.is_err());
    assert!(store.partials(vec![key]).await.unwrap().is_empty());
}
