//! `POST /weather` through the router, without a socket, on an SQLite store with a year of hours:
//! posts, and weather with all six variables, of one partition each.
//!
//! After criterion's figures it prints the CPU time of a request, which other load on the machine
//! affects less.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use criterion::Criterion;
use moodvane_analysis::OutlierBound;
use moodvane_benches::{cpu_time, year};
use moodvane_eventlog::{SqliteLog, SqliteLogConfig};
use moodvane_model::{City, Incarnation, RunId};
use moodvane_runtime::{Readiness, SystemClock};
use moodvane_server::{ConnectionLimits, EffectLimits, ServerConfig, ServerDeps, router};
use moodvane_store::{SqliteStore, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const DAY: i32 = 24;
/// Requests per measurement of CPU time.
const CPU_TIME_REQUESTS: u32 = 100;

async fn open_store(folder: &TempDir) -> SqliteStore {
    let store = SqliteStore::open(&folder.path().join("bench.db")).unwrap();
    let run = RunId::new("bench");
    store.register_run(&run).await.unwrap();
    store.put_partials(year::rows(&run).unwrap()).await.unwrap();
    store
}

fn new_york() -> City {
    let id = year::city().unwrap();
    City::new(id, "New York", &[], (40.71, -74.01), "America/New_York").unwrap()
}

fn build_router(folder: &TempDir, store: SqliteStore) -> Router {
    let log = SqliteLog::open(SqliteLogConfig {
        path: folder.path().join("bench.db"),
        partitions: 1,
    });
    router(ServerDeps {
        store: Arc::new(store),
        log: Arc::new(log.unwrap()),
        clock: Arc::new(SystemClock),
        config: ServerConfig {
            address: "127.0.0.1:0".parse().unwrap(),
            default_city: year::city().unwrap(),
            cities: vec![new_york()],
            incarnation: Incarnation(1),
            max_body_bytes: 16_384,
            max_range_hours: 8_784,
            max_page_hours: 8_784,
            cors_origins: Vec::new(),
            request_timeout: Duration::from_secs(10),
            max_concurrent_requests: 256,
            max_concurrent_relations: 4,
            effect: EffectLimits {
                max_cities: 1,
                max_hours: 1,
                max_concurrent: 1,
                timeout: Duration::from_secs(10),
                cache_entries: 0,
            },
            connections: ConnectionLimits {
                head_timeout: Duration::from_secs(10),
                write_timeout: Duration::from_secs(10),
                max_connections: 1024,
            },
            rate_limit: None,
            trusted_proxies: Vec::new(),
            stray_bound: OutlierBound::STANDARD,
            drain_timeout: Duration::from_secs(1),
        },
        readiness: Readiness::new(),
        registry: prometheus::Registry::new(),
        shutdown: CancellationToken::new(),
    })
}

/// Sends one request, reads the whole body and returns its length.
async fn send_request(router: &Router, method: &str, path: &str, body: String) -> usize {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::from(body)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let answer = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{answer:?}");
    answer.len()
}

fn range_body(hours: i32) -> String {
    let range = year::hours(hours).unwrap();
    format!(r#"{{"begin":"{}","end":"{}"}}"#, range.begin(), range.end())
}

fn print_cpu_time(label: &str, mut work: impl FnMut()) {
    let before = cpu_time();
    (0..CPU_TIME_REQUESTS).for_each(|_| work());
    let used = cpu_time().zip(before).map(|(after, before)| after - before);
    let Some(used) = used else { return };
    let ms = used.as_secs_f64() * 1e3 / f64::from(CPU_TIME_REQUESTS);
    println!("{label}: {ms:.3} ms of CPU time");
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = TempDir::new().unwrap();
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(open_store(&folder));
    let router = build_router(&folder, store.clone());
    let length = runtime.block_on(send_request(
        &router,
        "POST",
        "/weather",
        range_body(year::HOURS),
    ));
    println!("the response for a year has {length} bytes");

    let send = |method, path, body| {
        black_box(runtime.block_on(send_request(&router, method, path, body)));
    };
    // Yardstick: a request that uses neither store nor body.
    let ping = || send("GET", "/ping", String::new());
    // Goal: under 1 ms.
    let day = || send("POST", "/weather", range_body(DAY));
    // Goal: under 20 ms.
    let year = || send("POST", "/weather", range_body(year::HOURS));
    // Goal: under 15 ms; the store dominates the time of `year`.
    let (city, hours) = (year::city().unwrap(), year::hours(year::HOURS).unwrap());
    let year_store_alone = || {
        black_box(runtime.block_on(store.hours(city, hours)).unwrap());
    };

    let cases: [(&str, &dyn Fn()); 4] = [
        ("yardstick_ping", &ping),
        ("day", &day),
        ("year", &year),
        ("year_store_alone", &year_store_alone),
    ];
    let mut group = criterion.benchmark_group("weather");
    group
        .measurement_time(Duration::from_secs(4))
        .sample_size(30);
    for (name, case) in cases {
        group.bench_function(name, |bencher| bencher.iter(case));
    }
    group.finish();
    criterion.final_summary();
    for (name, case) in cases {
        print_cpu_time(name, case);
    }
}
