//! Tasks as plain processes: each in its own folder and process group.
//!
//! A task's folder is its working directory and holds `stdout`, `stderr` and a pid file. The next
//! `fleet local` cannot recover processes: it finds those that a killed one left by their pid files and
//! kills them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, kill_process_group};
use tokio::process::{Child, Command};

use super::{MAX_LOG_BYTES, ReportSender, Runtime, RuntimeError, Signal};
use crate::core::{Input, Launch, ProbeOutcome, RecoveredTask, TaskEnd};
use crate::error_chain::error_chain;

/// Folders of ended tasks that are kept for their logs.
const MAX_KEPT_FOLDERS: usize = 100;
/// Environment variables that a task inherits from this process.
const INHERITED_VARIABLES: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "USER"];

#[derive(Debug, Clone, Copy)]
enum ProcessState {
    /// Starting; `terminated` after a signal in the meantime.
    Starting { terminated: bool },
    /// Running, with this process group.
    Running(Pid),
}

#[derive(Debug, Default)]
struct Tasks {
    states: HashMap<String, ProcessState>,
    environments: HashMap<String, BTreeMap<String, String>>,
    ended: VecDeque<String>,
}

/// Runs tasks as processes.
pub(crate) struct ProcessRuntime {
    folder: PathBuf,
    reports: ReportSender,
    tasks: Arc<Mutex<Tasks>>,
}

impl ProcessRuntime {
    /// A runtime with its files below `folder`.
    ///
    /// # Errors
    /// Returns [`RuntimeError::Io`] if the folder cannot be created.
    pub(crate) fn new(folder: &Path, reports: ReportSender) -> Result<Self, RuntimeError> {
        for part in ["tasks", "volumes"] {
            create_dir(&folder.join(part))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            reports,
            tasks: Arc::default(),
        })
    }

    fn start(&self, launch: &Launch) -> Result<Child, RuntimeError> {
        let sandbox = self.folder.join("tasks").join(&launch.task);
        create_dir(&sandbox)?;
        for mount in &launch.mounts {
            let volume = self.folder.join("volumes").join(&mount.name);
            create_dir(&volume)?;
            link_volume(&volume, &sandbox.join(mount.path.trim_start_matches('/')))?;
        }
        let output = |name: &str| {
            std::fs::File::create(sandbox.join(name))
                .map_err(|error| io_error(format!("cannot write {name}"), error))
        };
        let mut command = task_command(launch);
        command
            .current_dir(&sandbox)
            .env_clear()
            .envs(
                INHERITED_VARIABLES
                    .iter()
                    .filter_map(|name| Some((*name, std::env::var_os(name)?))),
            )
            .envs(&launch.env)
            .env("MESOS_SANDBOX", &sandbox)
            .stdin(Stdio::null())
            .stdout(output("stdout")?)
            .stderr(output("stderr")?)
            .process_group(0);
        let child = command
            .spawn()
            .map_err(|error| io_error("cannot start the command".to_owned(), error))?;
        if let Some(pid) = child.id() {
            let start_time = start_time(pid).unwrap_or_default();
            let recorded = std::fs::write(sandbox.join("pid"), format!("{pid} {start_time}"));
            recorded.map_err(|error| io_error("cannot write the pid file".to_owned(), error))?;
        }
        Ok(child)
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        lock(&self.tasks)
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn launch(&self, launch: Launch) {
        self.lock().states.insert(
            launch.task.clone(),
            ProcessState::Starting { terminated: false },
        );
        self.lock()
            .environments
            .insert(launch.task.clone(), launch.env.clone());
        let started = self.start(&launch);
        let (reports, tasks, folder) = (
            self.reports.clone(),
            Arc::clone(&self.tasks),
            self.folder.clone(),
        );
        let task = launch.task;
        if let Ok(child) = &started
            && let Some(pid) = child.id().and_then(process_group)
        {
            let was = lock(&tasks)
                .states
                .insert(task.clone(), ProcessState::Running(pid));
            if matches!(was, Some(ProcessState::Starting { terminated: true })) {
                send_signal(pid, Signal::Terminate);
            }
        }
        tokio::spawn(async move {
            let end = match started {
                Err(error) => TaskEnd::Failed(error_chain(&error)),
                Ok(mut child) => {
                    report(&reports, Input::Started { task: task.clone() }).await;
                    match child.wait().await {
                        Ok(status) => task_end(status),
                        Err(error) => TaskEnd::Failed(format!("cannot wait for process: {error}")),
                    }
                }
            };
            forget_task(&tasks, &folder, &task);
            report(&reports, Input::Ended { task, end }).await;
        });
    }

    fn signal(&self, task: String, signal: Signal) {
        let mut tasks = self.lock();
        match tasks.states.get_mut(&task) {
            Some(ProcessState::Running(pid)) => send_signal(*pid, signal),
            Some(ProcessState::Starting { terminated }) => *terminated = true,
            None => {}
        }
    }

    async fn run_command(&self, task: &str, line: &str, timeout: Duration) -> ProbeOutcome {
        let sandbox = self.folder.join("tasks").join(task);
        let env = self
            .lock()
            .environments
            .get(task)
            .cloned()
            .unwrap_or_default();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .current_dir(sandbox)
            .env_clear()
            .envs(
                INHERITED_VARIABLES
                    .iter()
                    .filter_map(|name| Some((*name, std::env::var_os(name)?))),
            )
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        match tokio::time::timeout(timeout, command.status()).await {
            Ok(Ok(status)) if status.success() => ProbeOutcome::Success,
            Ok(Ok(status)) => ProbeOutcome::Failed(format!("command failed: {status}")),
            Ok(Err(error)) => ProbeOutcome::Failed(format!("cannot run command: {error}")),
            Err(_) => ProbeOutcome::Failed("command timed out".to_owned()),
        }
    }

    async fn remove_volumes(&self, names: &[String]) {
        for name in names {
            remove_path(&self.folder.join("volumes").join(name));
        }
    }

    async fn recover(&self) -> Result<Vec<RecoveredTask>, RuntimeError> {
        let tasks = self.folder.join("tasks");
        let entries = std::fs::read_dir(&tasks)
            .map_err(|error| io_error(format!("cannot read {}", tasks.display()), error))?;
        for entry in entries.flatten() {
            if let Some(pid) = orphaned_group(&entry.path()) {
                tracing::warn!(task = %entry.file_name().to_string_lossy(), "killing process of an earlier fleet local");
                send_signal(pid, Signal::Kill);
            }
        }
        Ok(Vec::new())
    }

    async fn log(&self, task: &str, bytes: usize) -> Option<String> {
        // `file_name` keeps the path inside the folder.
        let sandbox = self.folder.join("tasks").join(Path::new(task).file_name()?);
        let read = |name: &str| std::fs::read(sandbox.join(name)).ok();
        let mut text = read("stdout")?;
        text.extend(read("stderr").unwrap_or_default());
        let from = text.len().saturating_sub(bytes.min(MAX_LOG_BYTES));
        Some(String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned())
    }

    async fn clean_up(&self) {
        for part in ["tasks", "volumes"] {
            remove_path(&self.folder.join(part));
        }
    }
}

fn task_command(launch: &Launch) -> Command {
    let app = &launch.app;
    match (&app.cmd, app.args.split_first()) {
        (None, Some((program, rest))) => {
            let mut command = Command::new(program);
            command.args(rest);
            command
        }
        (line, _) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(line.as_deref().unwrap_or_default());
            command
        }
    }
}

fn task_end(status: ExitStatus) -> TaskEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => TaskEnd::Exited(code.into()),
        (None, Some(signal)) => TaskEnd::Signalled(signal),
        (None, None) => TaskEnd::Failed(format!("unknown exit status {status}")),
    }
}

fn forget_task(tasks: &Mutex<Tasks>, folder: &Path, task: &str) {
    let mut tasks = lock(tasks);
    tasks.states.remove(task);
    tasks.environments.remove(task);
    remove_path(&folder.join("tasks").join(task).join("pid"));
    tasks.ended.push_back(task.to_owned());
    if tasks.ended.len() > MAX_KEPT_FOLDERS
        && let Some(oldest) = tasks.ended.pop_front()
    {
        remove_path(&folder.join("tasks").join(oldest));
    }
}

fn lock(tasks: &Mutex<Tasks>) -> MutexGuard<'_, Tasks> {
    tasks.lock().unwrap_or_else(PoisonError::into_inner)
}

fn process_group(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

fn send_signal(group: Pid, signal: Signal) {
    let signal = match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    // The group has already ended; the wait for its process reports that.
    if let Err(error) = kill_process_group(group, signal) {
        tracing::debug!(%error, "no such process group");
    }
}

/// The process group of the task in `sandbox`, if its first process is still running.
fn orphaned_group(sandbox: &Path) -> Option<Pid> {
    let recorded = std::fs::read_to_string(sandbox.join("pid")).ok()?;
    let (pid, recorded_time) = recorded.split_once(' ')?;
    let pid: u32 = pid.parse().ok()?;
    // The start time distinguishes the process from a later one with the same pid.
    (start_time(pid).as_deref() == Some(recorded_time))
        .then(|| process_group(pid))
        .flatten()
}

/// Start time of a process, in clock ticks since boot.
fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Only the name before the last parenthesis may contain spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

fn create_dir(folder: &Path) -> Result<(), RuntimeError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| io_error(format!("cannot create {}", folder.display()), error))
}

fn link_volume(volume: &Path, at: &Path) -> Result<(), RuntimeError> {
    if let Some(above) = at.parent() {
        create_dir(above)?;
    }
    let volume = volume
        .canonicalize()
        .map_err(|error| io_error(format!("cannot find {}", volume.display()), error))?;
    std::os::unix::fs::symlink(volume, at)
        .map_err(|error| io_error(format!("cannot create {}", at.display()), error))
}

fn remove_path(path: &Path) {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    if let Err(error) = removed
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove path");
    }
}

fn io_error(operation: String, source: std::io::Error) -> RuntimeError {
    RuntimeError::Io { operation, source }
}

async fn report(reports: &ReportSender, input: Input) {
    // The receiver is gone after shutdown.
    if reports.send(input).await.is_err() {
        tracing::debug!("report after shutdown discarded");
    }
}
