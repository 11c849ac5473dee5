//! The routes under `/v1`.
#![allow(clippy::unwrap_used)]

mod common;

use axum::http::{HeaderValue, StatusCode};
use common::{Answer, FakeMode, TestApp, config, hour, hour_of};
use insta::assert_snapshot;
use moodvane_model::{
    HourRow, HourSlot, Observation, Readings, Score, Sentiment, SourceId, Sums, Variable,
};

const HOURS: &str = "/v1/hours?begin=2018-01-01T02&end=2018-01-01T05";

fn new_year() -> TestApp {
    TestApp::with_rows(vec![
        hour("2018-01-01 02", &[1, 2, 2], &[("open-meteo", 7.0)]),
        hour(
            "2018-01-01 03",
            &[],
            &[("a", 12.0), ("b", 14.0), ("c", 40.0)],
        ),
        hour("2018-01-01 05", &[4], &[]),
        hour_of("paris", "2018-01-01 02", &[4, 4], &[("open-meteo", 20.0)]),
    ])
}

async fn good(app: &TestApp, path: &str) -> Answer {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    answer
}

#[tokio::test]
async fn hours_as_json() {
    let answer = good(&new_year(), HOURS).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_snapshot!(answer.body, @r#"{"city":"new-york","tz":"UTC","page_hours":4,"hours":[{"hour":"2018-01-01T02:00:00Z","posts":3,"unscored":0,"feeling":1.666667,"standard_error":0.333333,"direct_feeling":1.666667,"direct_standard_error":0.333333,"weather_talk_posts":0,"shares":[0.0,0.333333,0.666667,0.0,0.0],"weather":{"temperature":{"value":7.0,"used":["open-meteo"],"left_out":[]},"humidity":null,"precipitation":null,"wind":null,"cloud":null,"pressure":null},"sources":[{"id":"bluesky","minutes":1,"posts":3,"observations":0},{"id":"open-meteo","minutes":1,"posts":0,"observations":1}]},{"hour":"2018-01-01T03:00:00Z","posts":0,"unscored":0,"feeling":null,"standard_error":null,"direct_feeling":null,"direct_standard_error":null,"weather_talk_posts":0,"shares":null,"weather":{"temperature":{"value":13.0,"used":["a","b"],"left_out":["c"]},"humidity":null,"precipitation":null,"wind":null,"cloud":null,"pressure":null},"sources":[{"id":"a","minutes":1,"posts":0,"observations":1},{"id":"b","minutes":1,"posts":0,"observations":1},{"id":"bluesky","minutes":0,"posts":0,"observations":0},{"id":"c","minutes":1,"posts":0,"observations":1}]},{"hour":"2018-01-01T05:00:00Z","posts":1,"unscored":0,"feeling":4.0,"standard_error":null,"direct_feeling":4.0,"direct_standard_error":null,"weather_talk_posts":0,"shares":[0.0,0.0,0.0,0.0,1.0],"weather":{"temperature":null,"humidity":null,"precipitation":null,"wind":null,"cloud":null,"pressure":null},"sources":[{"id":"bluesky","minutes":1,"posts":1,"observations":0}]}],"next":null}"#);
}

#[tokio::test]
async fn hours_as_csv_and_parquet() {
    let answer = good(&new_year(), &format!("{HOURS}&format=csv")).await;
    let kind = "text/csv; charset=utf-8; header=present";
    assert_eq!(answer.header("content-type"), kind);
    assert!(answer.body.ends_with("\r\n"));
    assert_snapshot!(answer.body.replace("\r\n", "\n"), @r#"
hour,posts,unscored,feeling,standard_error,share_0,share_1,share_2,share_3,share_4,temperature_c,humidity_percent,precipitation_mm_per_h,wind_m_per_s,cloud_percent,pressure_hpa,minutes_by_source,temperatures_left_out,direct_feeling,direct_standard_error,weather_talk_posts
2018-01-01T02:00:00Z,3,0,1.666667,0.333333,0.0,0.333333,0.666667,0.0,0.0,7.0,,,,,,bluesky:1 open-meteo:1,,1.666667,0.333333,0
2018-01-01T03:00:00Z,0,0,,,,,,,,13.0,,,,,,a:1 b:1 bluesky:0 c:1,c,,,0
2018-01-01T05:00:00Z,1,0,4.0,,0.0,0.0,0.0,0.0,1.0,,,,,,,bluesky:1,,4.0,,0
"#);
    let answer = good(&new_year(), &format!("{HOURS}&format=parquet")).await;
    let kind = "application/vnd.apache.parquet";
    assert_eq!(answer.header("content-type"), kind);
    assert!(answer.body.starts_with("PAR1") && answer.body.contains("moodvane.runs"));
}

#[tokio::test]
async fn hours_as_ndjson() {
    let app = new_year();
    let answer = good(&app, &format!("{HOURS}&format=ndjson")).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines: Vec<serde_json::Value> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let whole = good(&app, HOURS).await.json();
    assert_eq!(serde_json::Value::from(lines), whole["hours"]);
}

#[tokio::test]
async fn pages_contain_every_hour_once() {
    let slots = ["03", "04", "05", "06", "07", "08", "10"];
    let rows = slots.map(|h| hour(&format!("2018-11-04 {h}"), &[2], &[]));
    let app = TestApp::with_rows(rows.to_vec());
    let range = "begin=2018-11-03+23&end=2018-11-04+05&tz=America%2FNew_York";
    for format in ["json", "ndjson", "csv"] {
        let mut path = format!("/v1/hours?{range}&limit=2&format={format}");
        let mut hours = Vec::new();
        let mut pages = 0;
        loop {
            let answer = good(&app, &path).await;
            hours.extend(answer.body.matches("2018-11-0").map(|_| ()));
            pages += 1;
            let link = answer.header("link");
            let Some(next) = link.strip_prefix('<').and_then(|l| l.split('>').next()) else {
                break;
            };
            assert!(link.ends_with("; rel=\"next\""), "{link}");
            path = next.to_owned();
        }
        // 03 to 10 UTC are eight hours, of which seven have data.
        assert_eq!(pages, 4, "{format}");
        // The cursor of each page but the last names an hour too.
        let cursors = if format == "json" { 3 * 3 } else { 0 };
        assert_eq!(hours.len() - cursors, 7, "{format}");
    }
    let moments: Vec<String> = good(&app, &format!("/v1/hours?{range}")).await.json()["hours"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hour| hour["hour"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(moments[2], "2018-11-04T01:00:00-04:00");
    assert_eq!(moments[3], "2018-11-04T01:00:00-05:00");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn problem_names_wrong_parameter() {
    let app = new_year();
    let span = "begin=2018-01-01T02&end=2018-01-01T05";
    let hours = |rest: &str| format!("/v1/hours?{span}&{rest}");
    let relation = |rest: &str| format!("/v1/relation?{span}&{rest}");
    let cases = [
        (hours("colour=red"), "unknown-parameter", ""),
        (hours("end=2018-01-01T05"), "invalid-value", "end"),
        (
            "/v1/hours?end=2018-01-01T05".to_owned(),
            "missing-field",
            "begin",
        ),
        (
            "/v1/hours?begin=2018-01-01T05".to_owned(),
            "missing-field",
            "end",
        ),
        (
            "/v1/hours?begin=2018-01-01T25&end=2018-01-01T05".to_owned(),
            "invalid-hour",
            "begin",
        ),
        (
            "/v1/hours?begin=2018-01-01T05&end=2018-01-01T04".to_owned(),
            "end-before-begin",
            "end",
        ),
        (hours("city=atlantis"), "unknown-city", "city"),
        (hours("tz=Mars"), "unknown-zone", "tz"),
        (hours("tz=Asia/Kolkata"), "fractional-zone", "tz"),
        (hours("format=xml"), "invalid-value", "format"),
        (hours("limit=0"), "invalid-value", "limit"),
        (hours("limit=25"), "invalid-value", "limit"),
        (hours("limit=%2B1"), "invalid-value", "limit"),
        (hours("limit="), "invalid-value", "limit"),
        (hours("cursor=x"), "invalid-hour", "cursor"),
        (hours("cursor=2018-01-01T06"), "invalid-value", "cursor"),
        (relation(""), "missing-field", "variable"),
        (relation("variable=mood"), "invalid-value", "variable"),
        (
            relation("variable=wind&weight=heavy"),
            "invalid-value",
            "weight",
        ),
        (
            relation("variable=wind&cycles=yearly"),
            "invalid-value",
            "cycles",
        ),
        (
            relation("variable=wind&min_posts=-1"),
            "invalid-value",
            "min_posts",
        ),
        (relation("variable=wind&city=%00"), "unknown-city", "city"),
        (
            "/v1/relation?variable=wind&begin=2018-01-01T02&end=2018-01-03T02".to_owned(),
            "range-too-long",
            "end",
        ),
        ("/v1/cities?x=1".to_owned(), "unknown-parameter", ""),
        ("/v1/status?x=1".to_owned(), "unknown-parameter", ""),
    ];
    for (path, kind, field) in cases {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.problem(), format!("/problems/{kind}"), "{path}");
        let json = answer.json();
        assert_eq!(json["field"].as_str().unwrap_or_default(), field, "{path}");
        let example = json["example"]["path"].as_str().unwrap();
        assert!(example.starts_with("/v1/"), "{path}: {example}");
    }
}

#[tokio::test]
async fn example_of_problem_is_valid_request() {
    let mut config = config();
    config.max_range_hours = 8_784;
    let app = TestApp::with_config(Vec::new(), config);
    for path in ["hours", "relation", "cities", "status"] {
        let refused = app.get(&format!("/v1/{path}?nonsense=1")).await;
        let example = refused.json()["example"]["path"]
            .as_str()
            .unwrap()
            .to_owned();
        good(&app, &example).await;
    }
}

#[tokio::test]
async fn store_failure_is_5xx_on_every_route() {
    let mut config = config();
    config.request_timeout = std::time::Duration::from_millis(20);
    let app = TestApp::with_config(Vec::new(), config);
    let relation = "/v1/relation?variable=wind&begin=2018-01-01T02&end=2018-01-01T05";
    for (mode, status, kind) in [
        (FakeMode::Unavailable, 503, "store-unavailable"),
        (FakeMode::Hanging, 503, "store-timeout"),
        (FakeMode::Corrupt, 500, "internal"),
        (FakeMode::Panicking, 500, "internal"),
    ] {
        app.store.mode.set(mode);
        for path in [HOURS, relation, "/v1/status"] {
            let answer = app.get(path).await;
            assert_eq!(answer.status.as_u16(), status, "{mode:?} {path}");
            assert_eq!(
                answer.problem(),
                format!("/problems/{kind}"),
                "{mode:?} {path}"
            );
            assert_eq!(answer.header("etag"), "", "{mode:?} {path}");
        }
    }
}

/// Two weeks in which rain and cold reduce the feeling, with many posts each hour.
fn fortnight() -> TestApp {
    let begin: HourSlot = "2018-01-01 00".parse().unwrap();
    let rows: Vec<HourRow> = (0..336)
        .map(|i| weather_of(begin.checked_add(i).unwrap(), i))
        .collect();
    let mut config = config();
    config.max_range_hours = 8_784;
    TestApp::with_config(rows, config)
}

fn weather_of(hour: HourSlot, i: i32) -> HourRow {
    let mut row = HourRow::empty(config().default_city, hour);
    // Three waves without a common period.
    let wave = |period: i32, shift: i32| f64::from((i + shift) % period) / f64::from(period);
    let rain = if (i % 37) < 9 { 1.5 } else { 0.0 };
    let celsius = 10.0 * wave(29, 0) + 3.0 * wave(7, 3);
    let low = 0.15 + 0.3 * f64::from(u8::from(rain > 0.0)) + 0.2 * wave(11, 5);
    let mut posts = Sums::default();
    for post in 0..100 {
        let class = if f64::from(post) < 100.0 * low { 1 } else { 3 };
        let score = Score::new(Sentiment::try_from(class).unwrap(), 2.0);
        posts.add_post(hour.start(), Some(score));
    }
    row.add(SourceId::parse("bluesky").unwrap(), &posts);
    let source = SourceId::parse("open-meteo").unwrap();
    let mut sums = Sums::default();
    let observation = Observation {
        city: row.city,
        source,
        observed_at: hour.start(),
        received_at: hour.start(),
        readings: Readings::new(celsius)
            .and_then(|r| r.with(Variable::Precipitation, Some(rain)))
            .unwrap(),
    };
    sums.add_observation(hour.start(), &observation);
    row.add(source, &sums);
    row
}

const FORTNIGHT: &str = "begin=2018-01-01T00&end=2018-01-14T23";

#[tokio::test]
async fn detects_planted_effect_of_rain() {
    let path = format!("/v1/relation?variable=precipitation&{FORTNIGHT}");
    let json = good(&fortnight(), &path).await.json();
    assert_eq!(json["conclusion"], "falls");
    assert_eq!(json["unit"], "mm/h");
    assert_eq!(json["relation"]["hours"], 336);
    let wet = &json["wet_against_dry"];
    // 30 of 100 posts go from class 3 to class 1.
    let (low, high) = (&wet["difference"]["low"], &wet["difference"]["high"]);
    assert!(
        low.as_f64().unwrap() < -0.6 && -0.6 < high.as_f64().unwrap(),
        "{wet}"
    );
    assert!(high.as_f64().unwrap() < 0.0, "{wet}");
    assert_snapshot!(json["sentence"].as_str().unwrap(), @r#"The higher New York's precipitation, the less joyful its posts: correlation -0.91 (95 % interval -0.95 to -0.86) over 336 hours. Posts of wet hours are 0.61 classes less joyful than those of dry ones (95 % interval -0.66 to -0.55 of the difference)."#);
    let own = json["wet_sentence"].as_str().unwrap();
    assert!(
        own.starts_with("Posts of wet hours are 0.61 classes less joyful"),
        "{own}"
    );
}

#[tokio::test]
async fn explains_insufficient_wet_hours() {
    let path = "/v1/relation?variable=precipitation&begin=2018-01-01T00&end=2018-01-01T05";
    let json = good(&fortnight(), path).await.json();
    assert!(json["wet_against_dry"].is_null());
    let own = json["wet_sentence"].as_str().unwrap();
    assert!(own.starts_with("Not enough data: "), "{own}");
}

#[tokio::test]
async fn undecided_relation_reports_needed_hours() {
    let path = format!(
        "/v1/relation?variable=temperature&{FORTNIGHT}&weight=posts&min_posts=5&cycles=daily-and-weekly&tz=America/New_York"
    );
    let json = good(&fortnight(), &path).await.json();
    assert_eq!(json["conclusion"], "undecided");
    assert!(json["more_hours"].as_u64().unwrap() > 100);
    assert!(json["wet_against_dry"].is_null());
    assert_eq!(json["begin"], "2018-01-01T00:00:00-05:00");
    assert_eq!(json["relation"]["slope_unit"], "classes per °C");
}

#[tokio::test]
async fn insufficient_data_reports_needed_hours() {
    let path = "/v1/relation?variable=temperature&begin=2018-01-01T02&end=2018-01-01T05";
    let answer = good(&new_year(), path).await;
    assert_snapshot!(answer.body, @r#"{"city":"new-york","variable":"temperature","unit":"°C","begin":"2018-01-01T02:00:00Z","end":"2018-01-01T05:00:00Z","conclusion":"too-little","sentence":"Not enough data: only 1 of the required 30 hours have both weather and feeling. About 29 more hours are needed.","more_hours":29,"relation":null,"wet_against_dry":null,"wet_sentence":null}"#);
    let never = format!("/v1/relation?variable=wind&{FORTNIGHT}");
    let json = good(&fortnight(), &never).await.json();
    assert_eq!(json["conclusion"], "too-little");
}

#[tokio::test]
async fn lists_configured_cities() {
    assert_snapshot!(good(&new_year(), "/v1/cities").await.body, @r#"{"default":"new-york","cities":[{"id":"new-york","name":"New York","latitude":40.5,"longitude":-74.0,"zone":"America/New_York"},{"id":"paris","name":"Paris","latitude":40.5,"longitude":-74.0,"zone":"Europe/Paris"}]}"#);
}

#[tokio::test]
async fn status_reports_lag_and_last_hours() {
    let app = new_year();
    assert_snapshot!(good(&app, "/v1/status").await.body.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @r#"{"version":"VERSION","now":"2018-01-01T09:00:00.000Z","run":"new","runs":[{"id":"old","serves_from":"1970-01-01T00:00:00Z"},{"id":"new","serves_from":"2018-01-01T00:00:00Z"},{"id":"later","serves_from":"2030-01-01T00:00:00Z"},{"id":"beside","serves_from":null}],"gaps":0,"topics":[{"topic":"temperature","partitions":2,"lag":15},{"topic":"tweet","partitions":2,"lag":15}],"sources":[{"city":"new-york","id":"a","last_hour":"2018-01-01T03:00:00Z","stale_since":null},{"city":"new-york","id":"b","last_hour":"2018-01-01T03:00:00Z","stale_since":null},{"city":"new-york","id":"bluesky","last_hour":"2018-01-01T05:00:00Z","stale_since":null},{"city":"new-york","id":"c","last_hour":"2018-01-01T03:00:00Z","stale_since":null},{"city":"new-york","id":"open-meteo","last_hour":"2018-01-01T02:00:00Z","stale_since":null},{"city":"paris","id":"bluesky","last_hour":"2018-01-01T02:00:00Z","stale_since":null},{"city":"paris","id":"open-meteo","last_hour":"2018-01-01T02:00:00Z","stale_since":null}]}"#);
    app.log.mode.set(FakeMode::Unavailable);
    assert!(good(&app, "/v1/status").await.json()["topics"].is_null());
}

#[tokio::test]
async fn unchanged_answer_is_304() {
    let app = new_year();
    let first = good(&app, HOURS).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    for known in [tag.as_str(), "*", &format!("\"x\", {tag}")] {
        let again = app.get_with(HOURS, ("if-none-match", known)).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(again.body, "");
        assert_eq!(again.header("etag"), tag);
    }
    let other = app.get_with(HOURS, ("if-none-match", "\"x\"")).await;
    assert_eq!(other.body, first.body);
    assert_ne!(
        good(&app, &format!("{HOURS}&format=csv"))
            .await
            .header("etag"),
        tag
    );
}

#[tokio::test]
async fn compresses_answer_for_supporting_client() {
    let app = new_year();
    let answer = app.get_with(HOURS, ("accept-encoding", "gzip")).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(good(&app, HOURS).await.header("content-encoding"), "");
}

#[tokio::test]
async fn every_response_has_request_id() {
    let app = new_year();
    let generated = app.get("/nowhere").await.header("x-request-id").to_owned();
    assert!(!generated.is_empty());
    assert_ne!(app.get("/ping").await.header("x-request-id"), generated);
    let kept = app.get_with("/ping", ("x-request-id", "a-1:b_2.c")).await;
    assert_eq!(kept.header("x-request-id"), "a-1:b_2.c");
    for sent in ["", "two words", &"x".repeat(65)] {
        let answer = app.get_with("/ping", ("x-request-id", sent)).await;
        assert_ne!(answer.header("x-request-id"), sent);
    }
}

#[tokio::test]
async fn allows_configured_origins_only() {
    let mut config = config();
    config.cors_origins = vec![HeaderValue::from_static("https://example.org")];
    let app = TestApp::with_config(Vec::new(), config);
    let allowed = async |origin: &str| {
        let answer = app.get_with("/v1/cities", ("origin", origin)).await;
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(allowed("https://example.org").await, "https://example.org");
    assert_eq!(allowed("https://example.com").await, "");
    let closed = new_year()
        .get_with("/v1/cities", ("origin", "https://example.org"))
        .await;
    assert_eq!(closed.header("access-control-allow-origin"), "");
}
