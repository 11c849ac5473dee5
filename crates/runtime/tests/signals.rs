//! I8: the first signal starts a drain, the second exits immediately.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Lines};
use std::pin::pin;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::task::Poll;

use moodvane_runtime::{LogFormat, LoggingConfig, cancel_on_signal, init_logging};
use tokio_util::sync::CancellationToken;

const ALREADY_DRAINING: &str = "TEST_ALREADY_DRAINING";

/// Set in the child process that receives the signals.
const IS_CHILD: &str = "TEST_IS_CHILD";

async fn wait_for_signals() {
    init_logging(&LoggingConfig {
        level: "info".to_owned(),
        format: LogFormat::Json,
    })
    .unwrap();
    let token = CancellationToken::new();
    if std::env::var_os(ALREADY_DRAINING).is_some() {
        token.cancel();
    }
    let mut signals = pin!(cancel_on_signal(token));
    // The first poll installs the handlers.
    let first = std::future::poll_fn(|cx| Poll::Ready(signals.as_mut().poll(cx))).await;
    assert!(first.is_pending());
    tracing::info!("listening");
    signals.await.unwrap();
}

struct SignalledChild {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl SignalledChild {
    fn start(already_draining: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "drains_on_first_signal_and_exits_on_second"])
            .arg("--nocapture")
            .env(IS_CHILD, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if already_draining {
            command.env(ALREADY_DRAINING, "1");
        }
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut started = Self { child, log };
        started.wait_for("listening");
        started
    }

    fn wait_for(&mut self, words: &str) {
        let found = self.log.by_ref().any(|line| line.unwrap().contains(words));
        assert!(found, "the process ended before it logged {words}");
    }

    fn send(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }
}

#[test]
fn drains_on_first_signal_and_exits_on_second() {
    if std::env::var_os(IS_CHILD).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(wait_for_signals());
    }
    for (first, second, already_draining) in [
        ("TERM", "INT", false),
        ("INT", "TERM", false),
        // A failure started the drain already.
        ("TERM", "TERM", true),
    ] {
        let mut process = SignalledChild::start(already_draining);
        process.send(first);
        process.wait_for("draining; a second signal exits immediately");
        process.send(second);
        assert_eq!(process.child.wait().unwrap().code(), Some(130));
    }
}
