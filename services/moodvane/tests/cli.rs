//! What is said where something is wrong before anything was started.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::net::TcpListener;

use support::{Running, run, shown, succeed};
use tempfile::TempDir;

#[test]
fn the_default_configuration_is_printed_and_can_be_read_again() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("m.toml");
    fs::write(&file, succeed(data.path(), &["config"])).unwrap();
    let path = file.to_string_lossy().into_owned();
    let output = run(data.path(), &["verify", "--config", &path]);
    assert!(
        shown(&output).contains("there was no demo"),
        "{}",
        shown(&output)
    );
}

#[test]
fn all_faults_of_the_configuration_are_told_before_anything_is_opened() {
    let data = TempDir::new().unwrap();
    let folder = data.path().join("not-made");
    let output = run(
        &folder,
        &[
            "run",
            "--set",
            "server.port=x",
            "--set",
            "processor.windw=1",
            "--set",
            "eventlog.partitions=0",
        ],
    );
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(78), "{text}");
    for part in [
        "3 faults",
        "server.port",
        "did you mean processor.window?",
        "eventlog.partitions",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!folder.exists());
}

#[test]
fn another_log_or_store_is_refused_and_not_passed_over() {
    let data = TempDir::new().unwrap();
    for kind in ["eventlog.kind=kafka", "store.kind=cassandra"] {
        let output = run(data.path(), &["serve", "--set", kind]);
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(
            text.contains("start ingester, processor and server"),
            "{text}"
        );
    }
}

#[test]
fn a_port_in_use_and_a_folder_in_use_are_named() {
    let data = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(data.path(), &["serve", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        shown(&output).contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{}",
        shown(&output)
    );

    let mut running = Running::start(data.path(), &["serve", "--port", "0"]);
    running.after("moodvane answers at ");
    let output = run(data.path(), &["serve", "--port", "0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        shown(&output).contains("another moodvane works in"),
        "{}",
        shown(&output)
    );
    assert!(running.terminate().success());
}

#[test]
fn a_replay_says_what_it_lacks() {
    let data = TempDir::new().unwrap();
    for (args, code, says) in [
        (&["replay"][..], 1, "nothing to replay"),
        (&["replay", "--posts", "absent.tsv"], 1, "absent.tsv"),
        (
            &["replay", "--posts", "absent.xml"],
            78,
            "must be tsv, csv or jsonl",
        ),
        (
            &[
                "replay",
                "--weather",
                "w.csv",
                "--weather-units",
                "temperature=r",
            ],
            78,
            "temperature_unit",
        ),
        (
            &["replay", "--posts", "p.tsv", "--posts-columns", "id"],
            1,
            "must look like text=message",
        ),
    ] {
        let output = run(data.path(), args);
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(says), "{says} in {text}");
    }
}
