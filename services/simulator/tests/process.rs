//! The simulator as a process: it serves the truth, keeps its world after SIGKILL, and drains.

#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use moodvane_simulator::Truth;
use tempfile::TempDir;

/// Far above the normal duration: only a broken process reaches it.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails harmlessly if it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a simulator whose hour passes in 0.1 s.
fn start(data: &Path, port: u16) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
    let data = format!("data.dir={}", data.display());
    let port = format!("simulator.port={port}");
    for set in [
        data.as_str(),
        port.as_str(),
        "simulator.start=2018-01-01T00:00:00Z",
        "simulator.speed=36000",
        "simulator.posts_per_hour=50",
        "probe.port=0",
        "logging.level=warn",
    ] {
        command.args(["--set", set]);
    }
    Running(command.stdin(Stdio::null()).spawn().unwrap())
}

/// Waits until this many hours are final and returns the truth.
async fn wait_for_truth(port: u16, hours: usize) -> Truth {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{port}/truth");
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Ok(answer) = client.get(&url).send().await {
            let truth: Truth = answer.json().await.unwrap();
            let final_hours = |through| truth.hours.iter().filter(|t| t.hour <= through).count();
            if truth
                .through
                .is_some_and(|through| final_hours(through) >= hours)
            {
                return truth;
            }
        }
        assert!(Instant::now() < deadline, "fewer than {hours} final hours");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn keeps_world_after_sigkill_and_stops_on_sigterm() {
    let folder = TempDir::new().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut first = start(folder.path(), port);
    let before = wait_for_truth(port, 5).await;
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    let mut second = start(folder.path(), port);
    let after = wait_for_truth(port, 5).await;
    assert_eq!(before.hours[..5], after.hours[..5]);
    assert!(after.complete_through_ms > before.complete_through_ms);

    let pid = second.0.id().to_string();
    let signalled = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(signalled.success());
    let deadline = Instant::now() + TIMEOUT;
    let status = loop {
        if let Some(status) = second.0.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "still running after SIGTERM");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}");
}
