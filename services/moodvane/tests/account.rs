//! The account of batch commands: every row, text and record is counted, and nothing is left out in
//! silence.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use support::{moodvane, rows, run, shown, succeed};
use tempfile::TempDir;

const EXIT_LEFT_OUT: i32 = 65;

const POSTS: &str = "id,text,created_at\n\
    1,lovely day,2018-01-01 02:10:00\n\
    2,awful rain,2018-01-01 02:20:00\n\
    2,awful rain,2018-01-01 02:20:00\n\
    3,no time,Banana\n\
    4,too few fields\n\
    5,\"  \",2018-01-01 03:10:00\n\
    6,before,2017-12-31 23:10:00\n";

fn write(data: &TempDir, name: &str, content: &str) -> String {
    let path = data.path().join(name);
    fs::write(&path, content).unwrap();
    path.to_string_lossy().into_owned()
}

/// The report that a command wrote, with the names of files instead of their paths.
fn report(data: &TempDir) -> String {
    let text = fs::read_to_string(data.path().join("report.json")).unwrap();
    text.replace(&format!("{}/", data.path().display()), "")
}

fn read(data: &TempDir) -> Value {
    serde_json::from_str(&report(data)).unwrap()
}

fn with_input(data: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut command = moodvane(data, args);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn replay_accounts_for_every_row() {
    let data = TempDir::new().unwrap();
    let path = write(&data, "posts.csv", POSTS);
    let file = data.path().join("report.json");
    let command = [
        "replay",
        "--posts",
        &path,
        "--posts-time=auto",
        "--since=2018-01-01T00:00:00Z",
        "--report",
        &file.to_string_lossy(),
    ];
    let printed = succeed(data.path(), &command);
    insta::assert_snapshot!("replay_report", report(&data));
    for part in [
        "posts.csv: 7 rows read, 3 kept, 3 left out, 0 duplicates, 1 out of range",
        "line 5: column created_at: \"Banana\" is not a time such as 2009-04-06 22:19:45",
        "line 6, \"4 | too few fields\": row: has 2 fields, expected 3",
        "left out, no_text: 1",
        "format of times: pandas, local times in UTC because no zone is set",
        "topic tweet: 3 records read, 2 kept, 0 left out, 1 duplicates, 0 out of range",
    ] {
        assert!(printed.contains(part), "{part} in {printed}");
    }

    // The same command again reads nothing, and says where it would continue.
    let again = succeed(data.path(), &command);
    assert!(again.contains("posts.csv: 0 rows read"), "{again}");
    assert!(again.contains("resumed at line 9"), "{again}");
}

#[test]
fn strict_replay_exits_with_65_if_row_is_left_out() {
    for (content, expected) in [
        (POSTS, EXIT_LEFT_OUT),
        ("id,text,created_at\n1,a,2018-01-01 02:10:00\n", 0),
    ] {
        let data = TempDir::new().unwrap();
        let path = write(&data, "posts.csv", content);
        let command = [
            "replay",
            "--strict",
            "--posts",
            &path,
            "--posts-time=pandas",
        ];
        let output = run(data.path(), &command);
        assert_eq!(output.status.code(), Some(expected), "{}", shown(&output));
        // What could be read is stored.
        assert!(!rows(data.path()).is_empty());
    }
}

#[test]
fn honours_zones_of_posts_and_leaves_out_unknown_ones() {
    let data = TempDir::new().unwrap();
    let zones = "id,text,created_at\n1,a,2018-01-01 02:10 PST\n2,a,2018-01-01 02:10 UTC\n\
        3,a,2018-01-01 02:10 +0530\n4,a,2018-01-01 02:10 Banana\n";
    let path = write(&data, "zones.csv", zones);
    let command = ["replay", "--posts", &path, "--posts-time=%Y-%m-%d %H:%M %Z"];
    let printed = succeed(data.path(), &command);
    let hours: Vec<String> = rows(data.path())
        .iter()
        .map(|row| row.hour.to_string())
        .collect();
    assert_eq!(hours, ["2017-12-31 20", "2018-01-01 02", "2018-01-01 10"]);
    assert!(printed.contains("has the zone \"Banana\""), "{printed}");
}

#[test]
fn zone_of_file_applies_to_local_times_and_clock_changes_are_left_out() {
    let data = TempDir::new().unwrap();
    let posts = "id,text,created_at\n1,a,2018-03-11 01:10:00\n2,a,2018-03-11 02:10:00\n\
        3,a,2018-03-11 03:10:00\n4,a,2018-11-04 01:10:00\n";
    let path = write(&data, "posts.csv", posts);
    let zone = "--posts-tz=America/New_York";
    let command = ["replay", "--posts", &path, "--posts-time=pandas", zone];
    let printed = succeed(data.path(), &command);
    let hours: Vec<String> = rows(data.path())
        .iter()
        .map(|row| row.hour.to_string())
        .collect();
    assert_eq!(hours, ["2018-03-11 06", "2018-03-11 07"]);
    for part in ["left out, time_missing: 1", "left out, time_repeated: 1"] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
}

#[test]
fn refuses_lossy_times_before_reading() {
    for (time, zone, expected) in [
        (
            "%Y-%m-%d %I:%M",
            None,
            "does not determine a date and a time",
        ),
        ("rfc3339", Some("America/New_York"), "needs no zone"),
        ("pandas", Some("Moon"), "\"Moon\" is not a time zone"),
    ] {
        let data = TempDir::new().unwrap();
        let path = write(&data, "posts.csv", POSTS);
        let mut command = moodvane(data.path(), &["replay", "--posts", &path]);
        command.arg(format!("--posts-time={time}"));
        command.args(zone.map(|zone| format!("--posts-tz={zone}")));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{}", shown(&output));
        assert!(shown(&output).contains(expected), "{}", shown(&output));
    }
}

#[test]
fn eval_and_score_leave_out_unreadable_lines() {
    let data = TempDir::new().unwrap();
    let file = data
        .path()
        .join("report.json")
        .to_string_lossy()
        .into_owned();
    let labelled = "id\tlabel\ttext\n1\t2\tlovely\n2\t7\tawful\n3\t0\n4\t0\tawful\n";
    let path = write(&data, "x_3class.tsv", labelled);
    let eval = ["eval", "--json", "--report", &file, &path];
    let printed = succeed(data.path(), &eval);
    assert!(printed.contains("\"left_out\": 2"), "{printed}");
    let account = &read(&data)["inputs"][0];
    assert_eq!((&account["read"], &account["kept"]), (&4.into(), &2.into()));
    let example = &account["left_out"]["label"]["examples"][0];
    assert_eq!(
        (&example["line"], &example["column"]),
        (&3.into(), &"label".into())
    );
    let strict = run(data.path(), &["eval", "--strict", &path]);
    assert_eq!(strict.status.code(), Some(EXIT_LEFT_OUT));

    let input = b"lovely\nawful \xff\n";
    let output = with_input(data.path(), &["score", "--report", &file], input);
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        (answers.lines().count(), answers.lines().nth(1)),
        (2, Some("-"))
    );
    assert_eq!(read(&data)["inputs"][0]["left_out"]["not_utf8"]["count"], 1);
    let strict = with_input(data.path(), &["score", "--strict"], input);
    assert_eq!(strict.status.code(), Some(EXIT_LEFT_OUT));
}

#[test]
fn rescore_and_rebuild_account_for_log() {
    let data = TempDir::new().unwrap();
    let path = write(&data, "posts.csv", POSTS);
    succeed(
        data.path(),
        &["replay", "--posts", &path, "--posts-time=pandas"],
    );
    let file = data
        .path()
        .join("report.json")
        .to_string_lossy()
        .into_owned();
    let other = [
        "rescore",
        "--report",
        &file,
        "--set",
        "processor.window=60000",
    ];
    succeed(data.path(), &other);
    let topics = read(&data)["inputs"].clone();
    let tweets = topics.as_array().unwrap().iter();
    let tweets = tweets
        .clone()
        .find(|topic| topic["input"] == "topic tweet")
        .unwrap();
    assert_eq!((&tweets["read"], &tweets["kept"]), (&4.into(), &3.into()));
    assert_eq!(tweets["duplicates"], 1);
    let printed = succeed(data.path(), &["rebuild", "--strict"]);
    let expected = "topic tweet: 4 records read, 3 kept, 0 left out, 1 duplicates";
    assert!(printed.contains(expected), "{printed}");
}

#[test]
fn unwritable_report_fails_before_work() {
    let data = TempDir::new().unwrap();
    let path = write(&data, "posts.csv", POSTS);
    let command = [
        "replay",
        "--posts",
        &path,
        "--report",
        "/no/such/folder/x.json",
    ];
    let output = run(data.path(), &command);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        shown(&output).contains("cannot write the report"),
        "{}",
        shown(&output)
    );
    assert!(!data.path().join("moodvane.db").exists());
}
