//! Errors of the command line and the configuration, before anything starts.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::net::TcpListener;

use support::{Running, run, shown, succeed};
use tempfile::TempDir;

#[test]
fn printed_default_configuration_is_valid() {
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
fn reports_all_faults_before_opening_anything() {
    let data = TempDir::new().unwrap();
    let dir = data.path().join("not-created");
    let output = run(
        &dir,
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
    assert!(!dir.exists());
}

#[test]
fn reports_unknown_and_ambiguous_cities_with_all_other_faults() {
    let data = TempDir::new().unwrap();
    let text = shown(&run(
        data.path(),
        &[
            "run",
            "--city",
            "chicgo,london",
            "--city",
            "birmingham",
            "--set",
            "server.port=x",
        ],
    ));
    for part in [
        "3 faults",
        "did you mean chicago?",
        "birmingham-uk (England, United Kingdom, 1.2 million) or birmingham-al",
        "server.port",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let ambiguous = run(data.path(), &["query", "--city", "valencia"]);
    assert!(
        shown(&ambiguous).contains("valencia-es"),
        "{}",
        shown(&ambiguous)
    );
}

#[test]
fn rejects_unknown_log_or_store() {
    let data = TempDir::new().unwrap();
    let cases = [
        ("eventlog.kind=pulsar", "must be sqlite or kafka"),
        ("store.kind=redis", "must be sqlite or cassandra"),
    ];
    for (kind, expected) in cases {
        let output = run(data.path(), &["serve", "--set", kind]);
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn tool_fails_at_once_on_unreachable_log() {
    let data = TempDir::new().unwrap();
    let unreachable = "eventlog.kafka.bootstrap_servers=127.0.0.1:1";
    let args = [
        "dead",
        "list",
        "tweet",
        "--set",
        "eventlog.kind=kafka",
        "--set",
        unreachable,
    ];
    let output = run(data.path(), &args);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot list kafka topics"), "{text}");
}

#[test]
fn reports_port_and_directory_in_use() {
    let data = TempDir::new().unwrap();
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = occupied.local_addr().unwrap().port().to_string();
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
fn replay_reports_missing_or_invalid_arguments() {
    let data = TempDir::new().unwrap();
    for (args, code, expected) in [
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
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn eval_requires_known_labels() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("own_3class.tsv");
    let rows = "id\tlabel\ttext\n1\t2\twhat a wonderful day\n2\t0\tthis is terrible\n";
    fs::write(&file, rows).unwrap();
    let path = file.to_string_lossy().into_owned();
    // The account on standard error does not disturb the answer.
    let output = run(data.path(), &["eval", "--json", "--rule", "recall", &path]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["files"][0]["n"], 2, "{answer}");
    assert_eq!(answer["files"][0]["macro_recall"], 1.0, "{answer}");
    let text = succeed(data.path(), &["eval", "--scorer", "lexicon", &path]);
    assert!(
        text.contains("macro recall") && text.contains("confusion"),
        "{text}"
    );

    let unnamed = data.path().join("own.tsv");
    fs::write(&unnamed, rows).unwrap();
    let output = run(data.path(), &["eval", &unnamed.to_string_lossy()]);
    assert!(shown(&output).contains("--labels"), "{}", shown(&output));
}
