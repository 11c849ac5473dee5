//! The binary without servers.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

/// Runs it at the repository's root, without servers.
fn faults(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Command::new(env!("CARGO_BIN_EXE_faults"))
        .args(arguments)
        .current_dir(root)
        .env_remove("MOODVANE_TEST_KAFKA")
        .env_remove("MOODVANE_TEST_CASSANDRA")
        .output()
        .unwrap()
}

#[test]
fn exits_with_2_when_check_cannot_run() {
    for (arguments, says) in [
        (&[][..], "deployment/servers/run --kafka 3 --cassandra 3"),
        (&["--servers", "nowhere"], "no scripts in nowhere"),
    ] {
        let output = faults(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn help_lists_every_fault() {
    let help = String::from_utf8(faults(&["--help"]).stdout).unwrap();
    for name in [
        "calm",
        "processor",
        "ingester",
        "broker",
        "node",
        "broker-and-node",
        "rebalance",
        "kafka-down",
        "cassandra-down",
        "truncation",
        "recreation",
    ] {
        assert!(help.contains(&format!("- {name}:")), "{name} in {help}");
    }
}
