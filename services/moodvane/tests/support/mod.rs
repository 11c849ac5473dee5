//! Runs the binary, and reads what it stored.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use moodvane_model::{CityId, HourRange, HourRow};
use moodvane_store::{SqliteStore, Store};

/// The binary with these arguments, quiet, and without the configuration of this machine.
pub fn moodvane(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moodvane"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MOODVANE_")) {
        command.env_remove(name);
    }
    command
        .args(args)
        .arg("--data")
        .arg(data)
        .args(["--set", "logging.level=warn"]);
    command.stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub fn run(data: &Path, args: &[&str]) -> Output {
    moodvane(data, args).output().unwrap()
}

/// Runs the binary to its end, requires success, and returns its output.
pub fn succeed(data: &Path, args: &[&str]) -> String {
    let output = run(data, args);
    let shown = shown(&output);
    assert!(output.status.success(), "{shown}");
    shown
}

pub fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// A running binary whose output is read line by line; killed when the test ends.
pub struct Running {
    pub child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub fn start(data: &Path, args: &[&str]) -> Self {
        let mut child = moodvane(data, args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The text after `mark` in the first line that contains it.
    pub fn after(&mut self, mark: &str) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if let Some((_, rest)) = line.split_once(mark) {
                return rest.to_owned();
            }
        }
        panic!("the process ended without printing {mark:?}");
    }

    /// Sends SIGTERM, as a container engine does.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every stored hour of the default city.
pub fn rows(data: &Path) -> Vec<HourRow> {
    let store = SqliteStore::open(&data.join("moodvane.db")).unwrap();
    let (first, last) = (
        "1970-01-01 00".parse().unwrap(),
        "9999-12-31 23".parse().unwrap(),
    );
    let range = HourRange::new(first, last).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(store.hours(CityId::parse("new-york").unwrap(), range))
        .unwrap()
}

/// The optional data sets beside the checkout. Without them, reports on stderr that the test is skipped;
/// where `CI` is set, fails.
pub fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "the optional data sets in {} are required where CI is set",
        folder.display()
    );
    // Written to the stream itself, because the test harness captures `eprintln!`.
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    let reason = "optional data set ../shared/data is missing";
    let message = format!("SKIPPED {test}: {reason}\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}
