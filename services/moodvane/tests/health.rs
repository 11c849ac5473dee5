//! `health` of the services' own binaries: asked of a running process, without a log or a store.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A service that waits for Kafka and Cassandra for ever, on a port of its own.
struct Waiting {
    name: &'static str,
    environment: Vec<(&'static str, String)>,
    child: Child,
}

impl Waiting {
    fn start(name: &'static str) -> Self {
        let nobody = format!("127.0.0.1:{}", free_port());
        let environment = vec![
            ("MOODVANE_EVENTLOG__KIND", "kafka".to_owned()),
            (
                "MOODVANE_EVENTLOG__KAFKA__BOOTSTRAP_SERVERS",
                nobody.clone(),
            ),
            ("MOODVANE_STORE__KIND", "cassandra".to_owned()),
            ("MOODVANE_STORE__CASSANDRA__CONTACT_POINTS", nobody),
            ("MOODVANE_SERVER__PORT", free_port()),
            ("MOODVANE_PROBE__PORT", free_port()),
        ];
        let mut command = command(name, &environment);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut waiting = Self {
            name,
            environment,
            child,
        };
        // It listens before it opens anything.
        let log = waiting.child.stderr.take().unwrap();
        let mut lines = BufReader::new(log);
        let mut line = String::new();
        while !line.contains("backend unreachable, retrying") {
            line.clear();
            let read = lines.read_line(&mut line).unwrap();
            assert!(read > 0, "{name} ended");
        }
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        waiting
    }

    fn health(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = command(self.name, &self.environment);
        said(&command.arg("health").args(args).output().unwrap())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// A binary of the workspace with this configuration and no other.
fn command(name: &str, environment: &[(&str, String)]) -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_moodvane")).with_file_name(name);
    assert!(
        path.exists(),
        "{name} is not built: test the whole workspace, cargo test --workspace"
    );
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars().filter(|(n, _)| n.starts_with("MOODVANE_")) {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.envs(environment.iter().map(|(key, value)| (key, value)));
    command
}

fn said(output: &Output) -> (Option<i32>, String) {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&both).into_owned(),
    )
}

#[test]
fn a_service_that_waits_is_alive_and_not_ready() {
    for name in ["ingester", "processor", "server"] {
        let service = Waiting::start(name);
        let (code, text) = service.health(&["--alive"]);
        assert_eq!(
            (code, text.as_str()),
            (Some(0), "{\"status\":\"alive\"}\n"),
            "{name}"
        );
        let (code, text) = service.health(&[]);
        assert_eq!(code, Some(1), "{name}: {text}");
        assert!(text.contains("\"ready\":false"), "{name}: {text}");
    }
}

#[test]
fn where_nobody_listens_it_fails_and_says_who_was_asked() {
    for name in ["ingester", "processor", "server", "simulator"] {
        let port = free_port();
        let environment = [
            ("MOODVANE_SERVER__PORT", port.clone()),
            ("MOODVANE_PROBE__PORT", port.clone()),
        ];
        let output = command(name, &environment).arg("health").output().unwrap();
        let (code, text) = said(&output);
        assert_eq!(code, Some(1), "{name}: {text}");
        let asked = format!("no answer from http://127.0.0.1:{port}/ready");
        assert!(text.contains(&asked), "{name}: {text}");
    }
}

#[test]
fn a_wrong_address_is_a_fault_of_the_configuration() {
    for name in ["ingester", "processor", "server", "simulator"] {
        let wrong = "not-an-address".to_owned();
        let environment = [
            ("MOODVANE_SERVER__ADDRESS", wrong.clone()),
            ("MOODVANE_PROBE__ADDRESS", wrong),
        ];
        let output = command(name, &environment).arg("health").output().unwrap();
        let (code, text) = said(&output);
        assert_eq!(code, Some(78), "{name}: {text}");
        assert!(text.contains("not-an-address"), "{name}: {text}");
    }
}
