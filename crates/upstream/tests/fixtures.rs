//! Parses the fixtures of streams and tables; `fixtures_weather.rs` covers the weather providers. Each
//! folder's table of expectations must list all of its files.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use common::{everything, fixture, fixture_names, new_york, posts, rfc3339, source, values};
use moodvane_upstream::jetstream::{JetstreamFormat, time_us};
use moodvane_upstream::mastodon::{self, MastodonFormat};
use moodvane_upstream::sse::{Event, EventDecoder};
use moodvane_upstream::table::{
    MissingMarkers, PostColumns, PostTableFormat, PostTableSpec, PrecipitationUnit, PressureUnit,
    RecordReader, RowFilter, TableKind, TableObservation, TemperatureUnit, TimeFormat,
    WeatherColumns, WeatherTableFormat, WeatherTableSpec, WindUnit,
};
use moodvane_upstream::x::{self, ActiveRule, XFormat};
use moodvane_upstream::{PostFormat, RawMessage, Selection};
use serde_json::{Value, json};

/// Id, language, text length in bytes and time of creation of a post, or the reason for dropping it.
type Outcome = Result<(String, Option<String>, usize, i64), &'static str>;

fn outcome(format: &dyn PostFormat, raw: &RawMessage) -> Outcome {
    let posts = posts(format, raw).map_err(|reason| reason.label())?;
    let post = &posts[0];
    let language = post.language.map(|language| language.to_string());
    let (id, len) = (post.id().to_owned(), post.text().len());
    Ok((id, language, len, post.created_at.millis()))
}

fn post(id: &str, language: Option<&str>, len: usize, at: i64) -> Outcome {
    Ok((id.to_owned(), language.map(str::to_owned), len, at))
}

#[test]
fn expectations_cover_all_stream_and_table_fixtures() {
    for (folder, expected) in [
        ("jetstream", &["events.jsonl"][..]),
        ("mastodon", &["health.txt", "page.json", "public.txt"]),
        (
            "x",
            &[
                "counts.json",
                "disconnect.json",
                "page.json",
                "rules.json",
                "rules_added.json",
                "rules_deleted.json",
                "rules_empty.json",
                "rules_rejected.json",
            ],
        ),
        (
            "history",
            &[
                "posts.csv",
                "posts.jsonl",
                "posts.tsv",
                "weather.csv",
                "weather_asos.csv",
                "weather_isd.csv",
            ],
        ),
    ] {
        assert_eq!(fixture_names(folder), expected, "{folder}");
    }
}

#[test]
fn parses_jetstream_events() {
    let format = JetstreamFormat::new(source(), everything());
    let text = fixture("jetstream/events.jsonl");
    let text = String::from_utf8(text).unwrap();
    let found: Vec<_> = text
        .lines()
        .map(|line| {
            assert!(time_us(line).is_some(), "{line}");
            outcome(&format, &RawMessage::Text(line.to_owned()))
        })
        .collect();
    let did = |n: u32| format!("did:plc:aaaainvented{n:013}/3kpost{n:06}");
    let expected = [
        post(&did(1), Some("en"), 37, 1_699_999_999_500),
        post(&did(2), Some("pt"), 15, 1_700_000_000_000),
        // An invalid `createdAt` falls back to the server's time.
        post(&did(3), None, 40, 1_700_000_002_000),
        Err("no_text"),
        Err("updated"),
        Err("deleted"),
        Err("not_a_post"),
        Err("not_a_post"),
        Err("identity"),
        Err("account"),
        Err("malformed"),
    ];
    assert_eq!(found, expected);
}

fn events(name: &str) -> Vec<Event> {
    let body = String::from_utf8(fixture(name)).unwrap();
    let mut decoder = EventDecoder::default();
    let events = body
        .split('\n')
        .map(|line| decoder.push_line(line).unwrap());
    events.flatten().collect()
}

#[test]
fn parses_mastodon_stream() {
    let format = MastodonFormat::new(source(), everything());
    let raws: Vec<_> = events("mastodon/public.txt")
        .iter()
        .map(mastodon::raw_message)
        .collect();
    let found: Vec<_> = raws.iter().map(|raw| outcome(&format, raw)).collect();
    let id = |n: u32| format!("{}", 100_000_000_000_000_000_u64 + u64::from(n));
    let expected = [
        post(&id(1), Some("en"), 38, 1_700_000_000_000),
        post(&id(2), None, 27, 1_700_000_001_000),
        Err("repost"),
        Err("not_public"),
        Err("no_text"),
        Err("updated"),
        Err("deleted"),
        Err("not_a_post"),
        Err("not_a_post"),
        // `filters_changed` has no data, so it is not an event.
        Err("malformed"),
        Err("malformed"),
    ];
    assert_eq!(found, expected);
    assert_eq!(mastodon::new_status_id(&raws[0]), Some(id(1)));
    let texts = posts(&format, &raws[0]).unwrap();
    assert_eq!(texts[0].text(), "Rain over #nyc & sun\nby noon\nit's fine");
    assert_eq!(events("mastodon/health.txt"), []);
}

#[test]
fn parses_mastodon_page_oldest_first() {
    let page = mastodon::parse_page(&fixture("mastodon/page.json")).unwrap();
    let format = MastodonFormat::new(source(), everything());
    let found: Vec<_> = page.iter().map(|(_, raw)| outcome(&format, raw)).collect();
    let expected = [
        post("99999999999999999", Some("en"), 21, 1_700_000_400_000),
        post("100000000000000011", Some("ja"), 9, 1_700_000_401_000),
        post("100000000000000012", Some("en"), 10, 1_700_000_402_000),
    ];
    assert_eq!(found, expected);
}

fn x_json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

/// One stream message for each post of a page.
fn x_messages(page: &Value) -> Vec<RawMessage> {
    let posts = page["data"].as_array().unwrap();
    let message = |post: &Value| {
        let message = json!({ "data": post, "includes": page["includes"] });
        RawMessage::Text(message.to_string())
    };
    posts.iter().map(message).collect()
}

#[test]
fn parses_x_posts() {
    let format = XFormat::new(source(), everything(), BTreeSet::new());
    let messages = x_messages(&x_json("x/page.json"));
    let found: Vec<_> = messages.iter().map(|raw| outcome(&format, raw)).collect();
    let id = |n: u64| format!("{}", 1_212_092_628_029_698_048 + n);
    let expected = [
        post(&id(0), Some("en"), 42, 1_577_820_376_000),
        Err("repost"),
        post(&id(2), None, 38, 1_577_820_378_000),
        Err("updated"),
        post(&id(4), Some("de"), 18, 1_577_820_380_000),
        post(&id(5), Some("de"), 14, 1_577_820_381_000),
        post(&id(6), Some("en"), 11, 1_577_820_382_000),
        Err("no_text"),
        // Without `created_at`, the time comes from the snowflake id.
        post(&id(8), None, 17, 1_577_820_376_771),
        Err("malformed"),
        Err("malformed"),
    ];
    assert_eq!(found, expected);

    // The place of a city and exact coordinates count; the place of a country does not.
    let selection = Arc::new(Selection::for_cities(&[new_york()]).unwrap());
    let format = XFormat::new(source(), selection, BTreeSet::new());
    let found = messages.iter().map(|raw| outcome(&format, raw).is_ok());
    assert_eq!(
        found.collect::<Vec<_>>(),
        [0, 4, 6].iter().fold(vec![false; 11], |mut kept, i| {
            kept[*i] = true;
            kept
        })
    );
}

#[test]
fn rejects_x_bodies_other_than_posts() {
    let format = XFormat::new(source(), everything(), BTreeSet::new());
    for raw in x_messages(&x_json("x/counts.json")) {
        assert_eq!(outcome(&format, &raw), Err("malformed"));
    }
    let disconnect = x_json("x/disconnect.json").to_string();
    assert_eq!(
        x::disconnect_reason(&disconnect).unwrap(),
        "operational-disconnect: This stream has been disconnected for operational reasons."
    );
    let raw = RawMessage::Text(disconnect);
    assert_eq!(outcome(&format, &raw), Err("not_a_post"));
}

#[test]
fn parses_x_rules() {
    let rule = |id: &str, value: &str, tag: Option<&str>| ActiveRule {
        id: id.to_owned(),
        value: value.to_owned(),
        tag: tag.map(str::to_owned),
    };
    let own = "(nyc OR brooklyn) -is:retweet";
    assert_eq!(
        x::parse_rules(&fixture("x/rules.json")).unwrap(),
        [
            rule("1000000000000000001", own, Some("moodvane:test")),
            rule("1000000000000000002", "cats has:images", None),
        ]
    );
    assert_eq!(x::parse_rules(&fixture("x/rules_empty.json")).unwrap(), []);
    let added = x::parse_rule_changes(&fixture("x/rules_added.json")).unwrap();
    assert_eq!(added[0].id, "1000000000000000003");
    let deleted = x::parse_rule_changes(&fixture("x/rules_deleted.json"));
    assert_eq!(deleted.unwrap(), []);
    let rejected = x::parse_rule_changes(&fixture("x/rules_rejected.json"));
    assert_eq!(
        rejected.unwrap_err().to_string(),
        "provider rejected the request: UnprocessableEntity: missing ')' at '<EOF>' (at position 5)"
    );
}

/// The outcomes of all records of a table, invalid records included.
fn table_posts(name: &str, kind: TableKind, columns: [&str; 4], time: TimeFormat) -> Vec<Outcome> {
    let bytes = fixture(name);
    let mut rows = RecordReader::new(bytes.as_slice(), kind).unwrap();
    let [id, text, at, language] = columns.map(str::to_owned);
    let place = (kind == TableKind::Tsv).then(|| ("lat".to_owned(), "lon".to_owned()));
    let spec = PostTableSpec {
        columns: PostColumns {
            id,
            text,
            time: at,
            language: (!language.is_empty()).then_some(language),
            place,
        },
        time,
        shift: TimeDelta::zero(),
        html_entities: true,
    };
    let format = PostTableFormat::new(source(), everything(), &spec, rows.header()).unwrap();
    let mut found = Vec::new();
    while let Some(record) = rows.next_record().unwrap() {
        found.push(match record.content {
            Ok(raw) => outcome(&format, &raw),
            Err(reason) => Err(reason.label()),
        });
    }
    found
}

#[test]
fn parses_tables_of_posts() {
    let tsv = ["id", "text", "created_at_utc", ""];
    assert_eq!(
        table_posts(
            "history/posts.tsv",
            TableKind::Tsv,
            tsv,
            TimeFormat::RFC3339
        ),
        [
            post("1", None, 30, 1_424_158_565_000),
            post("2", None, 17, 1_424_160_000_000),
            post("3", None, 20, 1_424_215_800_000),
            Err("no_text"),
            Err("malformed"),
            Err("malformed"),
            post("7", None, 17, 1_424_224_800_000),
        ]
    );
    let csv = ["id", "text", "created", "lang"];
    assert_eq!(
        table_posts(
            "history/posts.csv",
            TableKind::Csv,
            csv,
            TimeFormat::UNIX_SECONDS
        ),
        [
            post("1", Some("en"), 28, 1_424_158_565_000),
            post("2", Some("de"), 5, 1_424_158_566_500),
            Err("malformed"),
        ]
    );
    let jsonl = ["id", "text", "at", "lang"];
    assert_eq!(
        table_posts(
            "history/posts.jsonl",
            TableKind::Jsonl,
            jsonl,
            TimeFormat::UNIX_MILLIS
        ),
        [
            post("1", Some("en"), 15, 1_424_158_565_000),
            post("2", None, 9, 1_424_158_566_000),
            Err("malformed"),
            Err("malformed"),
        ]
    );
}

fn weather_spec() -> WeatherTableSpec {
    let named = |name: &str| name.to_owned();
    WeatherTableSpec {
        columns: WeatherColumns {
            time: named("time_hour"),
            temperature: (named("temp"), TemperatureUnit::Fahrenheit),
            humidity: Some(named("humid")),
            precipitation: Some((named("precip"), PrecipitationUnit::Inches)),
            wind: Some((named("wind_speed"), WindUnit::MilesPerHour)),
            cloud: None,
            pressure: Some((named("pressure"), PressureUnit::Hectopascals)),
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::zero(),
        filters: vec![RowFilter {
            column: named("origin"),
            value: named("JFK"),
        }],
        missing: MissingMarkers::default(),
    }
}

#[test]
fn parses_table_of_weather() {
    let spec = weather_spec();
    let bytes = fixture("history/weather.csv");
    let mut rows = RecordReader::new(bytes.as_slice(), TableKind::Csv).unwrap();
    let city = new_york().id;
    let format = WeatherTableFormat::new((city, source()), &spec, rows.header()).unwrap();
    let mut found = Vec::new();
    while let Some(record) = rows.next_record().unwrap() {
        let observation = format.parse(&record.content.unwrap());
        let outcome = observation
            .map(|TableObservation { observation: o, .. }| (o.observed_at, values(&o.readings)));
        found.push(outcome.map_err(|reason| reason.label()));
    }
    let at = |hour: u32| rfc3339(&format!("2013-01-01T{hour:02}:00:00Z"));
    let (precipitation, wind) = (Some(2.54), Some(4.4704));
    let expected = [
        Ok((
            at(6),
            [
                Some(10.0),
                Some(40.0),
                precipitation,
                wind,
                None,
                Some(1012.5),
            ],
        )),
        Err("filtered"),
        Ok((at(7), [Some(5.0), None, Some(0.0), None, None, None])),
        Err("no_temperature"),
        Ok((
            at(9),
            [Some(5.0), Some(50.0), Some(0.0), None, None, Some(1010.0)],
        )),
        Err("malformed"),
        Ok((
            at(11),
            [
                Some(0.0),
                Some(100.0),
                Some(25.4),
                Some(0.0),
                None,
                Some(990.0),
            ],
        )),
    ];
    assert_eq!(found, expected);
}
