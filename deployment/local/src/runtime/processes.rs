//! Tasks as plain processes: each in a session folder and a process group of its own.
//!
//! A task's folder holds `stdout` and `stderr` and is its working directory. Processes are this
//! process's children and cannot be taken over by the next: what a killed `fleet local` left running is
//! found by its pid file and ended.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, kill_process_group};
use tokio::process::{Child, Command};

use super::{LONGEST_LOG, Reports, Runtime, RuntimeError, Signal};
use crate::core::{End, Found, Input, Launch, Outcome};

/// The folders of so many ended tasks are kept, for their logs.
const KEPT_FOLDERS: usize = 100;
/// What a task inherits from this process.
const INHERITED: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "USER"];

#[derive(Debug, Clone, Copy)]
enum Life {
    /// Not started yet; true where it was asked to end meanwhile.
    Starting { ended: bool },
    /// Runs with this group.
    Running(Pid),
}

#[derive(Debug, Default)]
struct Tasks {
    lives: HashMap<String, Life>,
    environments: HashMap<String, BTreeMap<String, String>>,
    ended: VecDeque<String>,
}

/// Runs tasks as processes.
pub(crate) struct ProcessRuntime {
    folder: PathBuf,
    reports: Reports,
    tasks: Arc<Mutex<Tasks>>,
}

impl ProcessRuntime {
    /// Keeps everything below `folder`.
    ///
    /// # Errors
    /// [`RuntimeError::Io`] where the folder cannot be made.
    pub(crate) fn new(folder: &Path, reports: Reports) -> Result<Self, RuntimeError> {
        for part in ["tasks", "volumes"] {
            make(&folder.join(part))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            reports,
            tasks: Arc::default(),
        })
    }

    fn start(&self, launch: &Launch) -> Result<Child, RuntimeError> {
        let sandbox = self.folder.join("tasks").join(&launch.task);
        make(&sandbox)?;
        for mount in &launch.mounts {
            let kept = self.folder.join("volumes").join(&mount.name);
            make(&kept)?;
            link(&kept, &sandbox.join(mount.path.trim_start_matches('/')))?;
        }
        let output = |name: &str| {
            std::fs::File::create(sandbox.join(name))
                .map_err(|error| io(format!("cannot write {name}"), error))
        };
        let mut command = command_of(launch);
        command
            .current_dir(&sandbox)
            .env_clear()
            .envs(
                INHERITED
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
            .map_err(|error| io("cannot start the command".to_owned(), error))?;
        if let Some(pid) = child.id() {
            let born = born(pid).unwrap_or_default();
            let note = std::fs::write(sandbox.join("pid"), format!("{pid} {born}"));
            note.map_err(|error| io("cannot write the pid file".to_owned(), error))?;
        }
        Ok(child)
    }

    fn held(&self) -> MutexGuard<'_, Tasks> {
        held(&self.tasks)
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn launch(&self, launch: Launch) {
        self.held()
            .lives
            .insert(launch.task.clone(), Life::Starting { ended: false });
        self.held()
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
            && let Some(pid) = child.id().and_then(group_of)
        {
            let was = held(&tasks).lives.insert(task.clone(), Life::Running(pid));
            if matches!(was, Some(Life::Starting { ended: true })) {
                send(pid, Signal::Terminate);
            }
        }
        tokio::spawn(async move {
            let end = match started {
                Err(error) => End::Failed(error.to_string()),
                Ok(mut child) => {
                    report(&reports, Input::Started { task: task.clone() }).await;
                    match child.wait().await {
                        Ok(status) => end_of(status),
                        Err(error) => End::Failed(format!("lost: {error}")),
                    }
                }
            };
            forget(&tasks, &folder, &task);
            report(&reports, Input::Ended { task, end }).await;
        });
    }

    fn signal(&self, task: String, signal: Signal) {
        let mut tasks = self.held();
        match tasks.lives.get_mut(&task) {
            Some(Life::Running(pid)) => send(*pid, signal),
            Some(Life::Starting { ended }) => *ended = true,
            None => {}
        }
    }

    async fn command(&self, task: &str, line: &str, timeout: Duration) -> Outcome {
        let sandbox = self.folder.join("tasks").join(task);
        let env = self
            .held()
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
                INHERITED
                    .iter()
                    .filter_map(|name| Some((*name, std::env::var_os(name)?))),
            )
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        match tokio::time::timeout(timeout, command.status()).await {
            Ok(Ok(status)) if status.success() => Outcome::Good,
            Ok(Ok(status)) => Outcome::Failed(format!("the command ended with {status}")),
            Ok(Err(error)) => Outcome::Failed(format!("the command does not run: {error}")),
            Err(_) => Outcome::Failed("the command took too long".to_owned()),
        }
    }

    async fn remove_volumes(&self, names: &[String]) {
        for name in names {
            remove(&self.folder.join("volumes").join(name));
        }
    }

    async fn find(&self) -> Result<Vec<Found>, RuntimeError> {
        let tasks = self.folder.join("tasks");
        let entries = std::fs::read_dir(&tasks)
            .map_err(|error| io(format!("cannot read {}", tasks.display()), error))?;
        for entry in entries.flatten() {
            if let Some(pid) = left_running(&entry.path()) {
                tracing::warn!(task = %entry.file_name().to_string_lossy(), "ending a process that was left running");
                send(pid, Signal::Kill);
            }
        }
        Ok(Vec::new())
    }

    async fn log(&self, task: &str, bytes: usize) -> Option<String> {
        // A task's name never leads out of the folder.
        let sandbox = self.folder.join("tasks").join(Path::new(task).file_name()?);
        let one = |name: &str| std::fs::read(sandbox.join(name)).ok();
        let mut text = one("stdout")?;
        text.extend(one("stderr").unwrap_or_default());
        let from = text.len().saturating_sub(bytes.min(LONGEST_LOG));
        Some(String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned())
    }

    async fn clean(&self) {
        for part in ["tasks", "volumes"] {
            remove(&self.folder.join(part));
        }
    }
}

fn command_of(launch: &Launch) -> Command {
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

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code.into()),
        (None, Some(signal)) => End::Signalled(signal),
        (None, None) => End::Failed(format!("ended as {status}")),
    }
}

fn forget(tasks: &Mutex<Tasks>, folder: &Path, task: &str) {
    let mut tasks = held(tasks);
    tasks.lives.remove(task);
    tasks.environments.remove(task);
    remove(&folder.join("tasks").join(task).join("pid"));
    tasks.ended.push_back(task.to_owned());
    if tasks.ended.len() > KEPT_FOLDERS
        && let Some(oldest) = tasks.ended.pop_front()
    {
        remove(&folder.join("tasks").join(oldest));
    }
}

fn held(tasks: &Mutex<Tasks>) -> MutexGuard<'_, Tasks> {
    tasks.lock().unwrap_or_else(PoisonError::into_inner)
}

fn group_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

fn send(group: Pid, signal: Signal) {
    let signal = match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    // A group that is gone has ended, which its own report tells.
    if let Err(error) = kill_process_group(group, signal) {
        tracing::debug!(%error, "no such process group");
    }
}

/// The group of the task in `sandbox`, where the process that began it still lives.
fn left_running(sandbox: &Path) -> Option<Pid> {
    let note = std::fs::read_to_string(sandbox.join("pid")).ok()?;
    let (pid, noted) = note.split_once(' ')?;
    let pid: u32 = pid.parse().ok()?;
    // A number that another process has by now is told apart by when that one began.
    (born(pid).as_deref() == Some(noted))
        .then(|| group_of(pid))
        .flatten()
}

/// When a process began, in the kernel's ticks.
fn born(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, but nothing after its last parenthesis does.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

fn make(folder: &Path) -> Result<(), RuntimeError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| io(format!("cannot make {}", folder.display()), error))
}

fn link(kept: &Path, at: &Path) -> Result<(), RuntimeError> {
    if let Some(above) = at.parent() {
        make(above)?;
    }
    let kept = kept
        .canonicalize()
        .map_err(|error| io(format!("cannot find {}", kept.display()), error))?;
    std::os::unix::fs::symlink(kept, at)
        .map_err(|error| io(format!("cannot make {}", at.display()), error))
}

fn remove(path: &Path) {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    if let Err(error) = removed
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove");
    }
}

fn io(what: String, error: std::io::Error) -> RuntimeError {
    RuntimeError::Io { what, error }
}

async fn report(reports: &Reports, input: Input) {
    // Nobody listens any more once everything is ending.
    if reports.send(input).await.is_err() {
        tracing::debug!("a report came too late");
    }
}
