//! The ingester's configuration.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use moodvane_ingester::{Ingester, SourceConfig, WeatherConfig};
use moodvane_runtime::DEFAULT_CONFIG;

use support::settings::read;
use support::source;

#[test]
fn accepts_default_configuration() {
    let (config, faults) = read("");
    assert_eq!(faults, "");
    let config = config.unwrap();
    let ids: Vec<_> = config.sources.iter().map(SourceConfig::id).collect();
    assert_eq!(ids, [source("open-meteo"), source("bluesky")]);
    assert_eq!(
        (config.formatters_max, config.drain),
        (10, Duration::from_secs(10))
    );
    assert!(!config.sources.iter().any(SourceConfig::is_finite));
    let replayable: Vec<_> = config
        .sources
        .iter()
        .map(SourceConfig::is_replayable)
        .collect();
    assert_eq!(replayable, [false, true]);
    let spool = config.spool.unwrap();
    assert_eq!(spool.dir, std::path::Path::new("moodvane-data/spool"));
    assert_eq!(
        (spool.max_bytes, spool.segment_bytes),
        (256 << 20, 16 << 20)
    );
}

#[test]
fn disables_spool_and_checks_its_limits() {
    assert_eq!(
        read("[ingester.spool]\nmax_bytes = 0\n").0.unwrap().spool,
        None
    );
    let (config, _) = read("[data]\ndir = \"d\"\n[ingester.spool]\ndir = \"/var/s\"\n");
    let spool = config.unwrap().spool.unwrap();
    assert_eq!(spool.dir, std::path::Path::new("/var/s"));
    for (text, part) in [
        (
            "max_bytes = 33554431",
            "at least twice segment_bytes, 33554432",
        ),
        ("max_bytes = -1", "a whole number"),
        ("segment_bytes = 65535", "segment_bytes"),
        ("dir = \"\"", "must name a directory"),
    ] {
        let (config, faults) = read(&format!("[ingester.spool]\n{text}\n"));
        assert!(
            config.is_none() && faults.contains(part),
            "{part} in {faults}"
        );
    }
}

#[test]
fn reads_file_sources() {
    let (config, faults) = read(
        r#"
        [[source]]
        kind = "post-file"
        id = "tweets"
        path = "tweets.tsv.gz"
        id_column = "tweet_id"
        text_column = "text"
        time_column = "created"
        time_format = "rfc3339"
        shift_days = -728
        select = "all"
        language = "en"

        [[source]]
        kind = "weather-file"
        id = "jfk"
        path = "weather.csv"
        city = "new-york"
        time_column = "time_hour"
        time_format = "%Y-%m-%d %H:%M:%S"
        temperature_column = "temp"
        temperature_unit = "f"
        wind_column = "wind_speed"
        wind_unit = "mph"
        filter = ["origin=JFK"]
        "#,
    );
    assert_eq!(faults, "");
    let config = config.unwrap();
    let [
        SourceConfig::PostFile(posts),
        SourceConfig::WeatherFile(weather),
    ] = &config.sources[..]
    else {
        panic!("{config:?}");
    };
    assert_eq!(
        (posts.file.format.name(), posts.spec.shift.num_days()),
        ("tsv", -728)
    );
    let filter = &weather.spec.filters[0];
    assert_eq!(
        (filter.column.as_str(), filter.value.as_str()),
        ("origin", "JFK")
    );
    assert_eq!(weather.file.format.name(), "csv");
    assert_eq!((weather.file.since, weather.file.speed), (None, None));
    assert!(config.sources.iter().all(SourceConfig::is_finite));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn reports_all_faults_at_once() {
    let (config, faults) = read(
        r#"
        [ingester]
        formatters = 0
        backoff_min_ms = 500
        backoff_max_ms = 250

        [[source]]
        kind = "open-meteo"
        id = "Weather"
        base_url = "ws://example.org"
        poll_s = 0
        history_days = 93

        [[source]]
        kind = "bluesky"
        id = "bluesky"
        base_url = "https://example.org"
        rewind_s = 301
        since = "yesterday"
        select = "some"
        language = "1"

        [[source]]
        kind = "post-file"
        id = "tweets"
        path = "tweets.dat"
        id_column = "id"
        text_column = "text"
        time_column = "at"
        time_format = "noon"
        latitude_column = "lat"
        shift_days = 99999

        [[source]]
        kind = "weather-file"
        id = "jfk"
        path = "weather.csv"
        city = "boston"
        time_column = "at"
        time_format = "rfc3339"
        temperature_column = "temp"
        temperature_unit = "r"
        pressure_column = "pressure"
        filter = ["JFK"]

        [[source]]
        kind = "carrier-pigeon"
        id = "pigeon"
        "#,
    );
    assert!(config.is_none());
    for part in [
        "formatters",
        "backoff_max_ms",
        "\"Weather\"",
        "ws://… must",
        "poll_s",
        "history_days",
        "https://… must",
        "rewind_s",
        "\"yesterday\"",
        "must be city",
        "language tag",
        "must be tsv, csv or jsonl",
        "\"noon\"",
        "latitude_column",
        "shift_days",
        "one of the configured cities",
        "temperature_unit",
        "pressure_unit",
        "must look like origin=JFK",
        "carrier-pigeon",
    ] {
        assert!(faults.contains(part), "{part} in {faults}");
    }
}

#[test]
fn accepts_examples_of_default_configuration() {
    let lines = DEFAULT_CONFIG
        .lines()
        .filter_map(|line| line.strip_prefix("# "));
    let is_code = |line: &&str| {
        let key = line.split_once(" = ").map_or("", |(key, _)| key);
        *line == "[[source]]" || (!key.is_empty() && !key.contains(' '))
    };
    let lines = lines.skip_while(|line| *line != "[[source]]");
    let examples: Vec<_> = lines.filter(is_code).collect();
    // The key files do not exist here; Cargo sets this variable.
    let text = examples.iter().map(|line| match line.split_once('_') {
        Some((key @ ("key" | "token"), _)) => format!("{key}_env = \"CARGO_PKG_NAME\"\n"),
        _ => format!("{line}\n"),
    });
    let (config, faults) = read(&text.collect::<String>());
    assert_eq!(faults, "");
    let ids = config
        .unwrap()
        .sources
        .iter()
        .map(|source| source.id().to_string())
        .collect::<Vec<_>>();
    assert_eq!(
        ids,
        [
            "nws",
            "openweathermap",
            "weatherbit",
            "weatherstack",
            "apixu",
            "mastodon",
            "x",
            "tweets",
            "airport",
        ]
    );
}

fn weather(text: &str) -> WeatherConfig {
    let (config, faults) = read(text);
    match config
        .unwrap_or_else(|| panic!("{faults}"))
        .sources
        .remove(0)
    {
        SourceConfig::Weather(weather) => weather,
        other => panic!("{other:?}"),
    }
}

#[test]
fn uses_documented_request_rates_by_default() {
    // Kind, host, poll in seconds, requests a day.
    for (kind, host, poll_s, calls) in [
        ("open-meteo", "api.open-meteo.com", 60, Some(10_000)),
        ("openweathermap", "api.openweathermap.org", 600, None),
        ("weatherbit", "api.weatherbit.io", 60, Some(50)),
        ("apixu", "api.apixu.com", 60, None),
        ("weatherstack", "api.weatherstack.com", 60, Some(3)),
        ("nws", "api.weather.gov", 60, None),
    ] {
        let requires_key = !matches!(kind, "open-meteo" | "nws");
        // Cargo sets this variable.
        let key = if requires_key {
            "key_env = \"CARGO_PKG_NAME\""
        } else {
            ""
        };
        let found = weather(&format!(
            "[[source]]\nkind = \"{kind}\"\nid = \"w\"\n{key}\n"
        ));
        assert_eq!(found.base_url.host_str(), Some(host));
        assert_eq!(found.base_url.scheme(), "https");
        assert_eq!(found.poll, Duration::from_secs(poll_s), "{kind}");
        assert_eq!(found.calls_per_day.map(NonZeroU32::get), calls, "{kind}");
        assert_eq!(found.history_days, 0);
        assert!(!SourceConfig::Weather(found).is_replayable());
    }
}

#[test]
fn other_server_of_open_meteo_has_no_limit_by_default() {
    for (more, calls) in [
        ("", Some(10_000)),
        ("base_url = \"https://api.open-meteo.com/\"", Some(10_000)),
        ("base_url = \"http://127.0.0.1:8090\"", None),
        (
            "base_url = \"https://x.example\"\ncalls_per_day = 7",
            Some(7),
        ),
        ("calls_per_day = 0", None),
    ] {
        let found = weather(&format!(
            "[[source]]\nkind = \"open-meteo\"\nid = \"w\"\n{more}\n"
        ));
        assert_eq!(found.calls_per_day.map(NonZeroU32::get), calls, "{more}");
    }
}

#[test]
fn rejects_missing_and_inline_keys() {
    let source = |more: &str| {
        read(&format!(
            "[[source]]\nkind = \"weatherbit\"\nid = \"w\"\n{more}\n"
        ))
    };
    for (more, expected) in [
        ("", "the provider requires a key"),
        ("key = \"hunter2\"", "is a secret"),
        ("key_file = \"/no/such/file\"", "cannot be read"),
        (
            "key_env = \"MOODVANE_HAS_NO_SUCH_VARIABLE\"",
            "environment variable is not set",
        ),
        (
            "base_url = \"api.weatherbit.io?key=hunter2\"",
            "relative URL",
        ),
        ("calls_per_day = -1", "calls_per_day"),
        ("history_days = 1", "history_days"),
    ] {
        let (config, faults) = source(more);
        assert!(config.is_none() || expected == "history_days", "{more}");
        assert!(faults.contains(expected), "{more}: {faults}");
        assert!(!faults.contains("hunter2"), "{faults}");
    }
    let (config, faults) = read("[[source]]\nkind = \"nws\"\nid = \"w\"\ncontact = \"a\\nb\"\n");
    assert!(config.is_none() && faults.contains("contact"), "{faults}");
}

#[test]
fn rejects_duplicate_source_id() {
    let source = |kind, url| {
        format!(
            "[[source]]\nkind = \"{kind}\"\nid = \"same\"\nbase_url = \"{url}\"\npoll_s = 60\nhistory_days = 0\n"
        )
    };
    let twice =
        source("open-meteo", "http://a.example") + &source("open-meteo", "http://b.example");
    let (config, faults) = read(&twice);
    assert!(
        config.is_none() && faults.contains("the id of another source"),
        "{faults}"
    );
}

#[test]
fn handle_is_send_and_sync() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Ingester>();
}
