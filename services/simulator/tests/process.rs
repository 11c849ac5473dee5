//! The simulator as a process: it tells its truth, is the same after a SIGKILL, and drains.

#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use moodvane_simulator::Truth;
use tempfile::TempDir;

/// Far longer than it takes: a bound for a process that is broken.
const LONGEST: Duration = Duration::from_secs(60);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An hour passes in a tenth of a second.
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

/// The truth, once so many hours are over.
async fn truth(port: u16, hours: usize) -> Truth {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{port}/truth");
    let deadline = Instant::now() + LONGEST;
    loop {
        if let Ok(answer) = client.get(&url).send().await {
            let truth: Truth = answer.json().await.unwrap();
            let over = |through| truth.hours.iter().filter(|t| t.hour <= through).count();
            if truth.through.is_some_and(|through| over(through) >= hours) {
                return truth;
            }
        }
        assert!(Instant::now() < deadline, "no truth of {hours} hours");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn it_is_the_same_world_after_a_kill_and_ends_well_when_told_to() {
    let folder = TempDir::new().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut first = start(folder.path(), port);
    let before = truth(port, 5).await;
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    let mut second = start(folder.path(), port);
    let after = truth(port, 5).await;
    assert_eq!(before.hours[..5], after.hours[..5]);
    assert!(after.complete_through_ms > before.complete_through_ms);

    let pid = second.0.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(told.success());
    let deadline = Instant::now() + LONGEST;
    let status = loop {
        if let Some(status) = second.0.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}");
}
