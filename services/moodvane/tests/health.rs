//! `health` of the service binaries, against a running process without log and store.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A service that waits for unreachable Kafka and Cassandra.
struct WaitingService {
    name: &'static str,
    environment: Vec<(&'static str, String)>,
    child: Child,
}

impl WaitingService {
    fn start(name: &'static str) -> Self {
        let unreachable = format!("127.0.0.1:{}", free_port());
        let environment = vec![
            ("MOODVANE_EVENTLOG__KIND", "kafka".to_owned()),
            (
                "MOODVANE_EVENTLOG__KAFKA__BOOTSTRAP_SERVERS",
                unreachable.clone(),
            ),
            ("MOODVANE_STORE__KIND", "cassandra".to_owned()),
            ("MOODVANE_STORE__CASSANDRA__CONTACT_POINTS", unreachable),
            ("MOODVANE_SERVER__PORT", free_port()),
            ("MOODVANE_PROBE__PORT", free_port()),
        ];
        let mut command = command(name, &environment);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut service = Self {
            name,
            environment,
            child,
        };
        // It binds its port before it opens anything.
        let log = service.child.stderr.take().unwrap();
        let mut lines = BufReader::new(log);
        let mut line = String::new();
        while !line.contains("backend unreachable, retrying") {
            line.clear();
            let read = lines.read_line(&mut line).unwrap();
            assert!(read > 0, "{name} ended");
        }
        // Drains the pipe, so that the service never blocks on it.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        service
    }

    fn health(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = command(self.name, &self.environment);
        code_and_output(&command.arg("health").args(args).output().unwrap())
    }
}

impl Drop for WaitingService {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// A binary of the workspace with only this configuration.
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

fn code_and_output(output: &Output) -> (Option<i32>, String) {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&both).into_owned(),
    )
}

#[test]
fn waiting_service_is_alive_but_not_ready() {
    for name in ["ingester", "processor", "server"] {
        let service = WaitingService::start(name);
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
fn reports_address_without_listener() {
    for name in ["ingester", "processor", "server", "simulator"] {
        let port = free_port();
        let environment = [
            ("MOODVANE_SERVER__PORT", port.clone()),
            ("MOODVANE_PROBE__PORT", port.clone()),
        ];
        let output = command(name, &environment).arg("health").output().unwrap();
        let (code, text) = code_and_output(&output);
        assert_eq!(code, Some(1), "{name}: {text}");
        let expected = format!("no answer from http://127.0.0.1:{port}/ready");
        assert!(text.contains(&expected), "{name}: {text}");
    }
}

#[test]
fn reports_invalid_address_as_configuration_fault() {
    for name in ["ingester", "processor", "server", "simulator"] {
        let invalid = "not-an-address".to_owned();
        let environment = [
            ("MOODVANE_SERVER__ADDRESS", invalid.clone()),
            ("MOODVANE_PROBE__ADDRESS", invalid),
        ];
        let output = command(name, &environment).arg("health").output().unwrap();
        let (code, text) = code_and_output(&output);
        assert_eq!(code, Some(78), "{name}: {text}");
        assert!(text.contains("not-an-address"), "{name}: {text}");
    }
}
